//! What the parser accepts and a program cannot have, and what would cost later passes too much.

use std::collections::HashSet;

use oxc_allocator::ArenaVec;
use oxc_ast::ast::{
    AccessorProperty, BinaryOperator, Class, Declaration, ExportDeclaration, Expression, FormalParameters,
    ImportExpression, ImportMeta, Program, Statement, TSEnumDeclaration, TSExternalModuleDeclaration,
    TSGlobalDeclaration, TSNamespaceDeclaration, TSNamespaceDeclarationBody, UnaryOperator, VariableDeclaration,
    VariableDeclarationKind,
};
use oxc_ast_visit::{Visit, walk};

use super::rewrite::is_erased;
use super::scan::Refusal;
use crate::limits::Limit;

/// Binding a parameter looks at all the others.
const MAX_PARAMETERS: usize = 1_000;
/// What a number takes as a string.
const NUMBER_BYTES: u64 = 32;

/// Refuses what a program cannot have. `max_bytes` bounds the constants that its enums may grow to.
pub(super) fn check(tree: &Program<'_>, max_bytes: u64) -> Result<(), Refusal> {
    let mut check = Check { refusal: None, ambient: false, max_bytes, longest: NUMBER_BYTES, constants: 0 };
    check.visit_program(tree);
    check.refusal.map_or(Ok(()), Err)
}

struct Check {
    refusal: Option<Refusal>,
    /// Whether `declare` stands before the declaration that is visited, or before one around it.
    ambient: bool,
    max_bytes: u64,
    /// At most the length of the longest constant of any enum so far, and of all together.
    longest: u64,
    constants: u64,
}

impl Check {
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    fn declared(&mut self, declare: bool, walk: impl FnOnce(&mut Self)) {
        let around = self.ambient;
        self.ambient |= declare;
        walk(self);
        self.ambient = around;
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

fn declaration<'t, 'a>(statement: &'t Statement<'a>) -> Option<&'t Declaration<'a>> {
    match statement {
        Statement::ExportDeclaration(export) => Some(&export.declaration),
        _ => statement.as_declaration(),
    }
}

/// Whether anything of `namespace` is left when types are erased.
fn has_values(namespace: &TSNamespaceDeclaration<'_>) -> bool {
    let statement_has = |statement: &Statement<'_>| match declaration(statement) {
        Some(Declaration::TSNamespaceDeclaration(inner)) => has_values(inner),
        Some(declaration) => !is_erased(declaration),
        None => !matches!(statement, Statement::EmptyStatement(_)),
    };
    let body_has = match &namespace.body {
        TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => has_values(inner),
        TSNamespaceDeclarationBody::TSModuleBlock(block) => block.body.iter().any(statement_has),
    };
    body_has && !namespace.declare
}

impl<'a> Visit<'a> for Check {
    fn visit_statements(&mut self, statements: &ArenaVec<'a, Statement<'a>>) {
        let mut names = HashSet::new();
        for statement in statements {
            if let Some(Declaration::TSNamespaceDeclaration(namespace)) = declaration(statement)
                && !self.ambient
                && has_values(namespace)
            {
                // The compiler makes a function of each, in which the exports of another are no variables.
                if !names.insert(namespace.id.name.as_str()) {
                    let message = "a second `namespace` of one name does not see the exports of the first, put both \
                        into one `namespace`";
                    self.refuse(Refusal::Syntax(namespace.span.start as usize, message));
                }
            }
        }
        walk::walk_statements(self, statements);
    }

    fn visit_export_declaration(&mut self, export: &ExportDeclaration<'a>) {
        // Outside of namespaces there are no exports. The compiler copies the value when it is declared, and only then.
        if let Declaration::VariableDeclaration(variables) = &export.declaration
            && matches!(variables.kind, VariableDeclarationKind::Let | VariableDeclarationKind::Var)
            && !variables.declare
            && !self.ambient
        {
            let message = "an exported `let` or `var` of a namespace is not supported, use `const`, or a class";
            self.refuse(Refusal::Syntax(export.span.start as usize, message));
        }
        walk::walk_export_declaration(self, export);
    }

    fn visit_ts_namespace_declaration(&mut self, namespace: &TSNamespaceDeclaration<'a>) {
        self.declared(namespace.declare, |check| walk::walk_ts_namespace_declaration(check, namespace));
    }

    fn visit_ts_global_declaration(&mut self, global: &TSGlobalDeclaration<'a>) {
        self.declared(true, |check| walk::walk_ts_global_declaration(check, global));
    }

    fn visit_ts_external_module_declaration(&mut self, module: &TSExternalModuleDeclaration<'a>) {
        self.declared(true, |check| walk::walk_ts_external_module_declaration(check, module));
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        self.declared(class.declare, |check| walk::walk_class(check, class));
    }

    fn visit_accessor_property(&mut self, property: &AccessorProperty<'a>) {
        if !property.r#type.is_abstract() && !self.ambient {
            let message = "`accessor` is not supported, write a getter and a setter";
            self.refuse(Refusal::Syntax(property.span.start as usize, message));
        }
        walk::walk_accessor_property(self, property);
    }

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
