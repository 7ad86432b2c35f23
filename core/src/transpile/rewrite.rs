//! The rewriting of a program's top level: what is of modules, what it returns, the function around it.

use oxc_allocator::{ArenaVec, TakeIn};
use oxc_ast::ast::{
    ArrowFunctionBody, Declaration, Directive, Expression, FormalParameterKind, FormalParameters, FunctionBody,
    ImportDeclarationSpecifier, Program, Statement,
};
use oxc_ast::builder::AstBuilder;
use oxc_span::{GetSpan, SPAN};

use super::TranspileError;
use super::position::syntax_error;

const NO_IMPORTS: &str = "programs have no modules, so `import` does not work: tools are on `tools`, such as \
    `await tools.github.create_issue({...})`";
const NO_EXPORTS: &str = "programs have no modules, so `export` does not work: remove it; the value of the last \
    expression or of `return` is the result";

/// Drops imports and exports of nothing but types; any other is refused.
pub(super) fn drop_modules(source: &str, tree: &mut Program<'_>) -> Result<(), TranspileError> {
    for statement in &tree.body {
        if let Some(message) = refusal(statement) {
            return Err(syntax_error(source, statement.span().start as usize, message));
        }
    }
    tree.body.retain(|statement| !statement.is_module_declaration());
    Ok(())
}

/// Why a statement cannot be in a program, unless it can or says nothing about values.
fn refusal(statement: &Statement<'_>) -> Option<&'static str> {
    match statement {
        Statement::ImportDeclaration(import) => {
            let is_type = |specifier: &ImportDeclarationSpecifier<'_>| match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(specifier) => specifier.import_kind.is_type(),
                _ => false,
            };
            let names = import.specifiers.as_ref().map_or(&[][..], |names| names.as_slice());
            let types = import.import_kind.is_type() || (!names.is_empty() && names.iter().all(is_type));
            (!types).then_some(NO_IMPORTS)
        }
        Statement::TSImportEqualsDeclaration(import) => {
            let is_module = import.module_reference.is_external();
            (is_module && !import.import_kind.is_type()).then_some(NO_IMPORTS)
        }
        Statement::ExportNamedDeclaration(export) => {
            let types = export.export_kind.is_type() || export.specifiers.iter().all(|name| name.export_kind.is_type());
            (!types).then_some(NO_EXPORTS)
        }
        Statement::ExportDeclaration(export) => (!is_erased(&export.declaration)).then_some(NO_EXPORTS),
        Statement::ExportFromDeclaration(export) => (!export.export_kind.is_type()).then_some(NO_EXPORTS),
        Statement::ExportAllDeclaration(export) => (!export.export_kind.is_type()).then_some(NO_EXPORTS),
        _ if statement.is_module_declaration() => Some(NO_EXPORTS),
        _ => None,
    }
}

/// Whether nothing of `declaration` is left when types are erased.
pub(super) fn is_erased(declaration: &Declaration<'_>) -> bool {
    match declaration {
        Declaration::TSTypeAliasDeclaration(_)
        | Declaration::TSInterfaceDeclaration(_)
        | Declaration::TSGlobalDeclaration(_) => true,
        Declaration::FunctionDeclaration(function) => function.body.is_none(),
        _ => declaration.declare(),
    }
}

/// Returns the value of the last statement, when it is an expression. Types and hoisted functions after it do not count.
pub(super) fn return_last<'a>(tree: &mut Program<'a>, builder: &AstBuilder<'a>) {
    let skipped = |statement: &Statement<'a>| match statement {
        Statement::EmptyStatement(_) | Statement::FunctionDeclaration(_) => true,
        _ => statement.as_declaration().is_some_and(is_erased),
    };
    if let Some(last) = tree.body.iter_mut().rev().find(|statement| !skipped(statement)) {
        if let Statement::ExpressionStatement(statement) = last {
            let value = statement.expression.take_in(builder);
            *last = Statement::new_return_statement(last.span(), Some(value), builder);
        }
    } else if let Some(Directive { span, expression, .. }) = tree.directives.pop() {
        // A program that is one string is a directive to the parser.
        let value = Expression::StringLiteral(oxc_allocator::ArenaBox::new_in(expression, builder));
        tree.body.push(Statement::new_return_statement(span, Some(value), builder));
    }
}

/// Moves the program into an async function, which is all that is left.
pub(super) fn wrap<'a>(tree: &mut Program<'a>, builder: &AstBuilder<'a>) {
    let statements = std::mem::replace(&mut tree.body, ArenaVec::new_in(builder));
    let body = FunctionBody::boxed(SPAN, [Directive::new_use_strict(builder)], statements, builder);
    let parameters = FormalParameters::boxed(SPAN, FormalParameterKind::ArrowFormalParameters, [], None, builder);
    let body = ArrowFunctionBody::FunctionBody(body);
    let function = Expression::new_arrow_function_expression(SPAN, true, None, parameters, None, body, builder);
    tree.body.push(Statement::new_expression_statement(SPAN, function, builder));
    tree.directives = ArenaVec::new_in(builder);
    tree.hashbang = None;
}
