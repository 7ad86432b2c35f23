//! What the parser accepts and a program cannot have, and what would cost later passes too much.

use oxc_ast::ast::{
    BinaryOperator, Expression, FormalParameters, ImportExpression, ImportMeta, Program, TSEnumDeclaration,
    UnaryOperator, VariableDeclaration,
};
use oxc_ast_visit::{Visit, walk};

use super::scan::Refusal;
use crate::limits::Limit;

/// Binding a parameter looks at all the others.
const MAX_PARAMETERS: usize = 1_000;
/// What a number takes as a string.
const NUMBER_BYTES: u64 = 32;

/// Refuses what a program cannot have. `max_bytes` bounds the constants that its enums may grow to.
pub(super) fn check(tree: &Program<'_>, max_bytes: u64) -> Result<(), Refusal> {
    let mut check = Check { refusal: None, max_bytes, longest: NUMBER_BYTES, constants: 0 };
    check.visit_program(tree);
    check.refusal.map_or(Ok(()), Err)
}

struct Check {
    refusal: Option<Refusal>,
    max_bytes: u64,
    /// At most the length of the longest constant of any enum so far, and of all together.
    longest: u64,
    constants: u64,
}

impl Check {
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    /// At most the length of what the compiler makes of a constant initialiser: it concatenates strings.
    fn constant_bytes(&self, value: &Expression<'_>) -> u64 {
        match value {
            Expression::StringLiteral(text) => text.value.len() as u64,
            Expression::TemplateLiteral(template) => {
                let texts = template.quasis.iter().map(|text| text.value.raw.len() as u64).sum::<u64>();
                let values = template.expressions.iter().map(|value| self.constant_bytes(value));
                values.fold(texts, u64::saturating_add)
            }
            Expression::BinaryExpression(binary) if binary.operator == BinaryOperator::Addition => {
                self.constant_bytes(&binary.left).saturating_add(self.constant_bytes(&binary.right))
            }
            Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::UnaryPlus => {
                self.constant_bytes(&unary.argument)
            }
            Expression::Identifier(_)
            | Expression::StaticMemberExpression(_)
            | Expression::ComputedMemberExpression(_) => self.longest,
            _ => NUMBER_BYTES,
        }
    }
}

impl<'a> Visit<'a> for Check {
    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        if declaration.kind.is_using() {
            let message = "`using` is not supported, use `try` and `finally`";
            self.refuse(Refusal::Syntax(declaration.span.start as usize, message));
        }
        walk::walk_variable_declaration(self, declaration);
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        let message = "programs have no modules, so `import()` does not work: tools are on `tools`";
        self.refuse(Refusal::Syntax(import.span.start as usize, message));
    }

    fn visit_import_meta(&mut self, meta: &ImportMeta) {
        self.refuse(Refusal::Syntax(meta.span.start as usize, "programs have no modules, so no `import.meta`"));
    }

    fn visit_formal_parameters(&mut self, parameters: &FormalParameters<'a>) {
        // SECURITY: the cost is the square of their number.
        if parameters.items.len() > MAX_PARAMETERS {
            self.refuse(Refusal::Limit(Limit::ProgramSize, Some("a function has more than 1,000 parameters")));
        }
        walk::walk_formal_parameters(self, parameters);
    }

    fn visit_ts_enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>) {
        for value in declaration.body.members.iter().filter_map(|member| member.initializer.as_ref()) {
            let bytes = self.constant_bytes(value);
            self.longest = self.longest.max(bytes);
            self.constants = self.constants.saturating_add(bytes);
        }
        // SECURITY: each constant may double the one before it.
        if self.constants > self.max_bytes {
            self.refuse(Refusal::Limit(Limit::ProgramSize, Some("the constants of its enums are too large")));
        }
        walk::walk_ts_enum_declaration(self, declaration);
    }
}
