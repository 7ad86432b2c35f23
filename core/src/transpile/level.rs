//! The counts of one bracket, and the totals that they are checked against.
//!
//! Depth is what the parser holds on its stack at once: brackets, prefix operators, what nests to the right. A chain nests
//! to the left (`a + b + c`, `a.b().c`) and costs less of the stack, but in every later pass. Figures: the largest stack
//! that a debug build needs for one level of depth is 5.2 KB, for one link of a chain 2.2 KB.

use crate::limits::Limit;

/// The stack that a caller of `transpile` provides, in bytes.
const STACK_BYTES: u64 = 8 << 20;
const DEPTH_BYTES: u64 = 5_300;
const CHAIN_BYTES: u64 = 2_300;
/// Links of one chain, all brackets that it passes through together.
const MAX_CHAIN: u32 = 2_000;
/// Tokens of one program: bounds the memory of the syntax tree, at up to 700 bytes each, and the time of each pass.
const MAX_TOKENS: u64 = 250_000;
/// Tokens that the parser may read again because it guessed wrong.
const MAX_EXTRA_WORK: u64 = 1_000_000;
/// Enums and namespaces: merging them costs the square of their number.
const MAX_DECLARATIONS: u32 = 250;
/// Private names times tokens: each is looked up among all the members of its class.
const MAX_PRIVATE_WORK: u64 = 1 << 27;
/// Scopes that names are looked up in: all around them, once more for each list of parameters that they are in.
const MAX_LOOKUPS: u64 = 1 << 24;

const _: () = assert!(Limit::ProgramDepth.maximum() * DEPTH_BYTES + MAX_CHAIN as u64 * CHAIN_BYTES < STACK_BYTES);

/// One bracket that is open, or the program itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    /// The bracket, `$` for a template's `${`, 0 for the program.
    pub(super) open: u8,
    /// Whether it is the head of an `if`, `for`, `while` or `with`.
    pub(super) head: bool,
    /// Whether it may hold the parameters of an arrow function.
    pub(super) group: bool,
    /// What nests to the right in the expression so far.
    pub(super) hard: u32,
    /// What nests to the left in the expression so far.
    pub(super) chain: u32,
    /// `new` and `infer`, and guesses that are still open, in the expression so far.
    pub(super) news: u32,
    pub(super) infers: u32,
    pub(super) guesses: u32,
    /// The longest chain of a past expression.
    longest: u32,
    /// Statements that are open: `if`, `else`, loops, labels.
    statements: u32,
    /// `<` that may still be open as type arguments.
    angles: u32,
    /// Whether the next word may be the name of a `var`.
    var: Var,
    /// Open brackets and, of these, parentheses, this one included.
    brackets: u32,
    parentheses: u32,
    /// Depth and guesses of all the brackets around this one.
    outer_depth: u32,
    outer_guesses: u32,
    /// How often the parser may read this bracket, from its place in the brackets around it.
    readings: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Var {
    #[default]
    None,
    Name,
    Value,
}

impl Level {
    pub(super) fn root() -> Level {
        Level { readings: 1, ..Level::default() }
    }

    pub(super) fn inside(outer: &Level, open: u8) -> Level {
        Level {
            open,
            brackets: outer.brackets + 1,
            parentheses: outer.parentheses + u32::from(open == b'('),
            outer_depth: outer.depth().saturating_add(1),
            outer_guesses: outer.all_guesses(),
            readings: outer.all_readings(),
            var: if outer.var == Var::Name { Var::Name } else { Var::None },
            ..Level::default()
        }
    }

    fn depth(&self) -> u32 {
        self.outer_depth + self.statements + self.hard + self.angles
    }

    fn all_guesses(&self) -> u32 {
        self.outer_guesses + self.guesses
    }

    /// Each `<` that is open is a guess that may fail, and then the same text is parsed again; `new` guesses again.
    fn all_readings(&self) -> u64 {
        if self.angles == 0 && self.infers == 0 {
            return self.readings;
        }
        let angles = 1 + u64::from(self.angles) * (3 + u64::from(self.news));
        self.readings.saturating_mul(angles).saturating_mul(1 + u64::from(self.infers))
    }

    /// The bracket closed: a chain goes on from the longest one in it.
    pub(super) fn absorb(&mut self, inner: &Level) {
        self.chain = self.chain.max(inner.longest).max(inner.chain);
    }

    pub(super) fn begin_group(&mut self) {
        self.group = true;
        self.guesses += 1;
    }

    /// `({` and `([` in a type: the pattern is parsed once to see whether it is one.
    pub(super) fn begin_pattern(&mut self) {
        self.readings = self.readings.saturating_mul(2);
    }

    pub(super) fn begin_var(&mut self) {
        self.var = Var::Name;
    }

    /// A statement within a statement. What was open stays so until the outermost one ends.
    pub(super) fn begin_nested(&mut self, count: u32) {
        self.statements += count + self.hard;
        self.hard = 0;
    }

    /// `;`: all but the statements around it ends.
    pub(super) fn end_expression(&mut self) {
        self.longest = self.longest.max(self.chain);
        (self.chain, self.hard, self.news, self.angles, self.infers, self.var) = (0, 0, 0, 0, 0, Var::None);
        self.guesses = u32::from(self.group);
    }

    pub(super) fn end_statement(&mut self) {
        self.end_expression();
        self.statements = 0;
    }

    /// `,`: what is open in type arguments stays so, for the comma may be theirs.
    pub(super) fn end_element(&mut self) {
        if self.angles == 0 {
            self.longest = self.longest.max(self.chain);
            (self.chain, self.hard, self.news) = (0, 0, 0);
            self.guesses = u32::from(self.group);
        }
        if self.var == Var::Value {
            self.var = Var::Name;
        }
    }

    pub(super) fn open_types(&mut self, count: u32) {
        self.angles += count;
    }

    pub(super) fn close_types(&mut self, count: usize) {
        self.chain += 1;
        self.angles = self.angles.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// An operator that no type has: whatever `<` was open was a comparison.
    pub(super) fn end_types(&mut self) {
        self.angles = 0;
    }

    pub(super) fn compare(&mut self) {
        self.chain += 1;
        self.end_types();
    }

    pub(super) fn assign(&mut self) {
        self.hard += 1;
        if self.var == Var::Name {
            self.var = Var::Value;
        }
    }

    pub(super) fn assigned(&mut self, length: usize) -> usize {
        self.assign();
        length
    }

    /// `&`, `|`, `?`, doubled or not, assigning or not; the length of the operator.
    pub(super) fn binary(&mut self, next: (u8, u8), byte: u8) -> usize {
        match next {
            (second, b'=') if second == byte => self.assigned(3),
            (second, _) if second == byte => {
                self.compare();
                2
            }
            (b'=', _) => self.assigned(2),
            _ => {
                self.chain += 1;
                1
            }
        }
    }
}

/// What the whole program has used of each bound.
#[derive(Debug)]
pub(super) struct Totals {
    max_depth: u64,
    max_extra: u64,
    tokens: u64,
    extra: u64,
    private: u64,
    lookups: u64,
    declarations: u32,
}

impl Totals {
    pub(super) fn new(max_depth: u64, bytes: usize) -> Totals {
        let max_depth = max_depth.min(Limit::ProgramDepth.maximum());
        let max_extra = MAX_EXTRA_WORK + u64::try_from(bytes).unwrap_or(u64::MAX);
        Totals { max_depth, max_extra, tokens: 0, extra: 0, private: 0, lookups: 0, declarations: 0 }
    }

    pub(super) fn names_private(&mut self) {
        self.private += 1;
    }

    pub(super) fn declarations(&mut self) {
        self.declarations += 1;
    }

    pub(super) fn name(&mut self, level: &Level) {
        self.lookups += u64::from(level.brackets) * u64::from(1 + level.parentheses);
        // A name of a `var` is entered into every scope that it is hoisted through.
        if level.var == Var::Name {
            self.extra = self.extra.saturating_add(u64::from(level.depth()));
        }
    }

    /// The limit that is exceeded, and the bound when it is not the limit's own.
    pub(super) fn charge(&mut self, level: &Level) -> Result<(), (Limit, Option<&'static str>)> {
        self.tokens += 1;
        let again = (level.all_readings() - 1).saturating_add(u64::from(level.all_guesses()));
        self.extra = self.extra.saturating_add(again);
        // SECURITY: the stack of the parser, and the time that it takes to read again what it guessed wrong.
        if u64::from(level.depth()) > self.max_depth {
            return Err((Limit::ProgramDepth, None));
        }
        // SECURITY: the memory of the syntax tree, and the time of the passes over it.
        let private = self.private.saturating_mul(self.tokens);
        let bounds = [
            (level.chain > MAX_CHAIN, Limit::ProgramDepth, "an expression has more than 2,000 links (`a + b`, `a.b`)"),
            (self.extra > self.max_extra, Limit::ProgramDepth, "types and brackets can be read in too many ways"),
            (self.tokens > MAX_TOKENS, Limit::ProgramSize, "it has more than 250,000 tokens, pass data as `input`"),
            (self.declarations > MAX_DECLARATIONS, Limit::ProgramSize, "it has more than 250 enums and namespaces"),
            (private > MAX_PRIVATE_WORK, Limit::ProgramSize, "it has too many private names"),
            (self.lookups > MAX_LOOKUPS, Limit::ProgramSize, "it has too many names in nested scopes"),
        ];
        let over = bounds.into_iter().find(|(over, ..)| *over);
        over.map_or(Ok(()), |(_, limit, bound)| Err((limit, Some(bound))))
    }
}
