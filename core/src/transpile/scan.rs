//! Bounds what the parser will be given: nesting, chains, speculation, tokens. One linear pass over the bytes.
//!
//! oxc recurses without a guard, and re-parses what it has guessed wrong, so a small program can overflow the host's
//! stack or keep it busy for years. This pass over-estimates both from the tokens alone. It lexes exactly as oxc does,
//! and refuses the few texts of which it cannot tell how oxc would. It knows no grammar and accepts most nonsense.

mod operator;

use oxc_syntax::identifier::{is_identifier_part, is_identifier_start, is_irregular_whitespace};
use oxc_syntax::line_terminator::is_line_terminator;

use super::level::{Level, Totals};
use super::words::{Word, classify};
use crate::limits::Limit;

/// Why a program goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is beyond a limit, or beyond a bound of the compiler's own that counts as one.
    Limit(Limit, Option<&'static str>),
    /// It has an error that the parser would report too, or that makes it unreadable, at this byte.
    Syntax(usize, &'static str),
}

/// A number is one token, but turning a hexadecimal `bigint` into decimal costs the square of its length.
const MAX_NUMBER_BYTES: usize = 16 << 10;

const DECORATORS: &str = "decorators are not supported, call the function yourself: `const B = log(class { ... })`";

/// The longest comment after what may be a division, in bytes.
const MAX_REMARK_BYTES: usize = 100;

/// What the token before the current one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prev {
    /// An operand has ended: a name, a literal, `)` or `]`.
    Operand,
    /// `}`: an operand or the end of a statement.
    Brace,
    /// `)` of an `if`, `for`, `while` or `with`: a statement follows.
    Head,
    /// A word that may be a name or an operator, such as `of`.
    Contextual,
    /// A word that may be a name, and after which no expression begins when it is none, such as `type`.
    Soft,
    /// `>`, the end of type arguments or a comparison.
    Angle,
    /// `++` or `!` of which it is open whether it ends an operand.
    Unsure,
    /// `.` or `?.`: a name follows.
    Dot,
    /// `;`.
    Semicolon,
    /// `else`.
    Else,
    /// `(` that may begin the parameters of an arrow function.
    Group,
    /// A reserved word or an operator: an operand follows.
    Operator,
}

impl Prev {
    pub(super) fn may_be_operand(self) -> bool {
        use Prev::{Angle, Brace, Contextual, Operand, Soft, Unsure};
        matches!(self, Operand | Brace | Contextual | Soft | Angle | Unsure)
    }
}

/// Refuses `source` when parsing it could cost more than `max_depth` allows.
pub(super) fn scan(source: &str, max_depth: u64) -> Result<(), Refusal> {
    let mut scan = Scan {
        source,
        position: 0,
        newline: true,
        prev: Prev::Semicolon,
        head: false,
        group: false,
        current: Level::root(),
        enclosing: Vec::new(),
        totals: Totals::new(max_depth, source.len()),
    };
    scan.run()
}

pub(super) struct Scan<'s> {
    source: &'s str,
    position: usize,
    /// Whether a line ended since the previous token.
    newline: bool,
    prev: Prev,
    /// Whether the next `(` is the head of an `if`, `for`, `while` or `with`.
    head: bool,
    /// Whether the previous token is `)` of what may be an arrow function's parameters.
    group: bool,
    current: Level,
    enclosing: Vec<Level>,
    totals: Totals,
}

/// Whether the brackets in `text` are in pairs, and nothing in it can open a string, a comment or a block.
fn is_closed(text: &str) -> bool {
    let mut open = Vec::new();
    let closes = text.bytes().all(|byte| match byte {
        b'(' | b'[' => {
            open.push(byte);
            true
        }
        b')' => open.pop() == Some(b'('),
        b']' => open.pop() == Some(b'['),
        _ => !b"{}\"'`\\@#".contains(&byte),
    });
    closes && open.is_empty()
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), Refusal> {
        if self.source.starts_with("#!") {
            self.skip_line();
        }
        while let Some(byte) = self.trivia()? {
            let start = self.position;
            self.token(byte)?;
            self.newline = false;
            // SECURITY: every token is charged for its nesting and for how often the parser may read it again.
            self.totals.charge(&self.current).map_err(|(limit, bound)| Refusal::Limit(limit, bound))?;
            if self.position == start {
                self.position += 1;
            }
        }
        Ok(())
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.position + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &str {
        self.source.get(self.position..).unwrap_or("")
    }

    fn fail(&self, message: &'static str) -> Refusal {
        Refusal::Syntax(self.position, message)
    }

    /// Skips white space and comments; the first byte of the next token, if there is one.
    fn trivia(&mut self) -> Result<Option<u8>, Refusal> {
        while let Some(byte) = self.source.as_bytes().get(self.position).copied() {
            match byte {
                b' ' | b'\t' | 0x0B | 0x0C => self.position += 1,
                b'\n' | b'\r' => {
                    self.newline = true;
                    self.position += 1;
                }
                b'/' if self.peek(1) == b'/' => self.skip_line(),
                b'/' if self.peek(1) == b'*' => {
                    let comment = self.rest();
                    let length = comment.get(2..).and_then(|body| body.find("*/")).map_or(comment.len(), |end| end + 4);
                    self.newline |= comment.get(..length).unwrap_or("").contains(is_line_terminator);
                    self.position += length;
                }
                // SECURITY: the parser skips such a line on its own terms; what it hides must not stay unread here.
                b'<' if self.newline && self.rest().starts_with("<!--") => {
                    return Err(self.fail("HTML comments are not allowed, use `//`"));
                }
                0x80.. => {
                    let next = self.rest().chars().next().unwrap_or(' ');
                    if !is_irregular_whitespace(next) && !is_line_terminator(next) {
                        return Ok(Some(byte));
                    }
                    self.newline |= is_line_terminator(next);
                    self.position += next.len_utf8();
                }
                _ => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.position += rest.find(is_line_terminator).unwrap_or(rest.len());
    }

    fn token(&mut self, byte: u8) -> Result<(), Refusal> {
        let group = std::mem::take(&mut self.group);
        // A head follows its word at once, or the parser stops: else the word is the name of a property.
        let head = std::mem::take(&mut self.head);
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | 0x80.. => {
                self.word(head);
                Ok(())
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'"' | b'\'' => {
                self.boundary(None);
                self.string(byte)
            }
            b'`' => {
                self.begin_operator(None);
                self.current.chain += u32::from(self.prev.may_be_operand());
                self.position += 1;
                self.template()
            }
            b'/' => self.slash(),
            b'(' | b'[' | b'{' => {
                self.open(byte, head);
                Ok(())
            }
            b')' | b']' | b'}' => self.close(byte),
            b'#' => {
                self.position += 1;
                self.totals.names_private();
                self.boundary(None);
                self.skip_name();
                self.prev = Prev::Operand;
                Ok(())
            }
            b'@' => Err(self.fail(DECORATORS)),
            // SECURITY: a name that is written otherwise than it is read is another word here than to the parser.
            b'\\' => Err(self.fail("escapes in names are not supported")),
            _ => {
                self.begin_operator(group.then_some(byte));
                self.operator(byte);
                Ok(())
            }
        }
    }

    /// Ends the statement before an operand where no operator can join the two.
    fn boundary(&mut self, word: Option<Word>) {
        // `while` may belong to a `do` before it.
        let continues = matches!(word, Some(Word::Else | Word::Continues | Word::While));
        let joins = continues || matches!(word, Some(Word::Joins | Word::Extends));
        let ends = match self.prev {
            Prev::Semicolon => !continues,
            // SECURITY: two operands in a row end the statement, or the parse; nothing is open any more.
            Prev::Brace => !joins,
            Prev::Operand => self.newline && !joins,
            _ => false,
        };
        if ends {
            self.current.end_statement();
        }
    }

    fn begin_operator(&mut self, after_group: Option<u8>) {
        if self.prev == Prev::Semicolon {
            self.current.end_statement();
        }
        // `(a): b` may be the head of an arrow function, whose body is then parsed before the guess is given up.
        self.current.guesses += u32::from(after_group == Some(b':'));
    }

    fn skip_name(&mut self) -> &str {
        let start = self.position;
        let rest = self.source.get(start..).unwrap_or("");
        self.position += rest.find(|next: char| !is_identifier_part(next)).unwrap_or(rest.len());
        self.source.get(start..self.position).unwrap_or("")
    }

    fn word(&mut self, waits_for_head: bool) {
        let first = self.rest().chars().next().unwrap_or(' ');
        if !is_identifier_start(first) {
            self.position += first.len_utf8();
            self.prev = Prev::Operator;
            return;
        }
        let word = classify(self.skip_name());
        let word = if self.prev == Prev::Dot { Word::Name } else { word };
        self.boundary(Some(word));
        self.totals.name(&self.current);
        self.prev = self.after_word(word, waits_for_head);
    }

    /// Counts what `word` begins; gives what the next token stands behind.
    fn after_word(&mut self, word: Word, waits_for_head: bool) -> Prev {
        let after_else = self.prev == Prev::Else;
        match word {
            Word::Name => Prev::Operand,
            Word::Contextual => Prev::Soft,
            Word::Continues => Prev::Contextual,
            Word::Module => {
                self.declaration();
                Prev::Soft
            }
            Word::Enum => {
                self.declaration();
                Prev::Operator
            }
            Word::Reserved => Prev::Operator,
            Word::Await => {
                self.head = waits_for_head;
                self.current.hard += 1;
                Prev::Operator
            }
            Word::New => {
                self.current.news += 1;
                self.current.hard += 1;
                Prev::Operator
            }
            Word::Prefix => {
                self.current.hard += 1;
                Prev::Operator
            }
            Word::TypePrefix => {
                self.current.hard += 1;
                Prev::Soft
            }
            Word::Infer => {
                self.current.infers += 1;
                self.current.hard += 1;
                Prev::Soft
            }
            Word::Extends => {
                self.current.hard += 1;
                Prev::Operator
            }
            Word::Joins => {
                self.current.chain += 1;
                Prev::Contextual
            }
            Word::Var => {
                self.current.begin_var();
                Prev::Operator
            }
            Word::Case => {
                self.current.end_statement();
                Prev::Operator
            }
            Word::Else => {
                self.current.begin_nested(1);
                Prev::Else
            }
            Word::Do => {
                self.current.begin_nested(1);
                Prev::Operator
            }
            Word::Head | Word::While => {
                self.head = true;
                self.current.begin_nested(u32::from(!after_else));
                Prev::Operator
            }
        }
    }

    /// `enum`, `namespace` and `module` declare something only before its name; else they are names themselves.
    fn declaration(&mut self) {
        let next = self.rest().trim_start().chars().next().unwrap_or(' ');
        // A comment may hide the name.
        if is_identifier_start(next) || matches!(next, '"' | '\'' | '/' | '\\') {
            self.totals.declarations();
        }
    }

    fn number(&mut self) -> Result<(), Refusal> {
        self.boundary(None);
        let start = self.position;
        let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        while name(self.peek(0)) || (self.peek(0) == b'.' && self.peek(1).is_ascii_digit()) {
            self.position += 1;
        }
        self.prev = Prev::Operand;
        // SECURITY: turning it into decimal costs the square of its length.
        if self.position - start > MAX_NUMBER_BYTES {
            return Err(Refusal::Syntax(start, "the number is too long"));
        }
        Ok(())
    }

    fn string(&mut self, quote: u8) -> Result<(), Refusal> {
        self.position += 1;
        self.prev = Prev::Operand;
        loop {
            let rest = self.rest();
            let stop = |byte: u8| byte == quote || matches!(byte, b'\\' | b'\n' | b'\r');
            self.position += rest.bytes().position(stop).unwrap_or(rest.len());
            match self.peek(0) {
                b'\\' => self.escape()?,
                _ => {
                    self.position += 1;
                    return Ok(());
                }
            }
        }
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let hex = |text: Option<&str>| text.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let rest = self.rest();
        let valid = match self.peek(1) {
            b'x' => hex(rest.get(2..4)),
            b'u' if self.peek(2) == b'{' => {
                let code = rest.get(3..).and_then(|body| body.split_once('}')).map_or("", |(code, _)| code);
                let digits = code.trim_start_matches('0');
                let value = u32::from_str_radix(digits, 16).unwrap_or(0);
                hex(Some(code)) && !code.is_empty() && digits.len() <= 6 && value <= 0x10_FFFF
            }
            b'u' => hex(rest.get(2..6)),
            _ => true,
        };
        // SECURITY: the parser keeps such errors and copies all of them at every guess.
        if !valid {
            return Err(self.fail("the escape sequence is not valid"));
        }
        let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
        self.position += if rest.starts_with("\\\r\n") { 3 } else { 1 + escaped };
        Ok(())
    }

    /// Reads a template up to its end or its next `${`.
    fn template(&mut self) -> Result<(), Refusal> {
        loop {
            let rest = self.rest();
            self.position += rest.bytes().position(|byte| matches!(byte, b'`' | b'\\' | b'$')).unwrap_or(rest.len());
            match (self.peek(0), self.peek(1)) {
                (b'\\', _) => {
                    let escaped = self.rest().chars().nth(1).map_or(0, char::len_utf8);
                    self.position += 1 + escaped;
                }
                (b'$', b'{') => {
                    self.position += 2;
                    self.push(b'$');
                    self.prev = Prev::Operator;
                    return Ok(());
                }
                (b'$', _) => self.position += 1,
                _ => {
                    self.position += 1;
                    self.prev = Prev::Operand;
                    return Ok(());
                }
            }
        }
    }

    fn slash(&mut self) -> Result<(), Refusal> {
        match self.prev {
            Prev::Head | Prev::Dot | Prev::Semicolon | Prev::Else | Prev::Group | Prev::Operator => {
                return self.regex();
            }
            // SECURITY: where such a word is a keyword, the parser stops at a `/` on its line: it begins no expression.
            Prev::Operand | Prev::Soft if !self.newline => {}
            _ => self.require_division()?,
        }
        self.begin_operator(None);
        self.operator(b'/');
        Ok(())
    }

    /// Where the grammar alone decides between division and regular expression: refuses what the two read differently.
    fn require_division(&self) -> Result<(), Refusal> {
        let body = self.rest().get(1..).unwrap_or("");
        let end = body.find(|next: char| next == '/' || is_line_terminator(next)).unwrap_or(body.len());
        let (hidden, closed) = body.split_at_checked(end).unwrap_or((body, ""));
        let Some(after) = closed.strip_prefix('/').map(str::trim_start) else {
            return Ok(());
        };
        // SECURITY: read wrongly, a regular expression hides code, or a division opens a string.
        if !is_closed(hidden) || after.starts_with('*') || after.starts_with('/') && !self.ends_in_remark(closed) {
            let message = "cannot tell whether this is a division or a regular expression: put what stands before \
                the `/` into parentheses, with the `/` on the same line";
            return Err(self.fail(message));
        }
        Ok(())
    }

    /// Whether `comment` is one at the end of a division's line. If it were not, so little of an expression is in it that it
    /// matters to no bound: a regular expression after the end of a line would be the start of a statement.
    fn ends_in_remark(&self, comment: &str) -> bool {
        let text = comment.split(is_line_terminator).next().unwrap_or("");
        let after_operand = self.prev == Prev::Operand && self.newline;
        after_operand
            && comment.starts_with("//")
            && text.len() <= MAX_REMARK_BYTES
            && !text.contains([';', '(', '['])
            && is_closed(text)
    }

    fn regex(&mut self) -> Result<(), Refusal> {
        self.boundary(None);
        self.prev = Prev::Operand;
        let (mut escaped, mut class) = (false, false);
        let end = self.rest().char_indices().skip(1).find_map(|(index, next)| {
            if is_line_terminator(next) || (next == '/' && !escaped && !class) {
                return Some((index, next));
            }
            class = !escaped && next == '[' || class && (escaped || next != ']');
            escaped = !escaped && next == '\\';
            None
        });
        let Some((length, '/')) = end else {
            return Err(self.fail("the regular expression is not closed"));
        };
        self.position += length + 1;
        let start = self.position;
        let mut flags = self.skip_name().bytes().collect::<Vec<_>>();
        flags.sort_unstable();
        // SECURITY: the parser keeps such errors and copies all of them at every guess.
        if !flags.iter().all(|flag| b"dgimsuvy".contains(flag)) || !flags.is_sorted_by(|a, b| a < b) {
            return Err(Refusal::Syntax(start, "the flags of the regular expression are not valid"));
        }
        Ok(())
    }

    fn push(&mut self, open: u8) {
        let level = Level::inside(&self.current, open);
        self.enclosing.push(std::mem::replace(&mut self.current, level));
    }

    fn open(&mut self, byte: u8, after_head: bool) {
        self.begin_operator(None);
        let is_head = after_head && byte == b'(';
        if byte != b'(' && self.prev == Prev::Group {
            self.current.begin_pattern();
        }
        if byte != b'{' {
            self.current.chain += u32::from(self.prev.may_be_operand());
        }
        let is_group = byte == b'(' && !is_head && !matches!(self.prev, Prev::Operand | Prev::Dot);
        self.push(byte);
        self.current.head = is_head;
        self.position += 1;
        self.prev = Prev::Operator;
        if is_group {
            self.current.begin_group();
            self.prev = Prev::Group;
        }
    }

    fn close(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.prev == Prev::Semicolon {
            self.current.end_statement();
        }
        self.position += 1;
        let expected = match self.current.open {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        self.prev = Prev::Brace;
        // A bracket that closes nothing ends the parse; keeping the level open only counts too much.
        let Some(outer) = (byte == expected).then(|| self.enclosing.pop()).flatten() else {
            return Ok(());
        };
        let inner = std::mem::replace(&mut self.current, outer);
        self.current.absorb(&inner);
        self.group = inner.group;
        match inner.open {
            b'$' => self.template(),
            b'(' if inner.head => {
                self.prev = Prev::Head;
                Ok(())
            }
            b'{' => Ok(()),
            _ => {
                self.prev = Prev::Operand;
                Ok(())
            }
        }
    }
}
