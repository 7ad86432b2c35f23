//! The model's TypeScript becomes the program that the guest takes: an async function, and a map of its positions.
//!
//! Pure and bounded: [`scan`] refuses what would cost the parser too much, then size bounds the rest. The program is
//! parsed as a unit of its own and its tree is rewritten; no text is ever spliced, so nothing in it can leave its wrapper.

mod level;
mod scan;
mod words;

use std::path::{Path, PathBuf};

use oxc_allocator::{Allocator, ArenaVec};
use oxc_ast::ast::{
    ArrowFunctionBody, Decorator, Directive, Expression, FormalParameterKind, FormalParameters, FunctionBody, Program as Tree,
    Statement, VariableDeclaration,
};
use oxc_ast::builder::AstBuilder;
use oxc_ast_visit::{Visit, walk};
use oxc_codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::SemanticBuilder;
use oxc_span::{GetSpan, SPAN, SourceType, Span};
use oxc_transformer::{TransformOptions, Transformer};

use crate::limits::{Limit, Limits};
use crate::model::GuestError;
use scan::Refusal;

/// The longest part of a line that an error shows, in characters.
const EXCERPT_CHARS: usize = 120;

/// What the guest takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// An expression that evaluates to an async function.
    pub code: String,
    /// A source map's `mappings`, from the code to the source.
    pub mappings: String,
}

/// Why a source is not a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TranspileError {
    /// It has an error, at a position of the source.
    Program(GuestError),
    /// It breaks a limit.
    Limit(Limit),
}

/// Turns a source into a program. Takes time linear in its size, and a stack that its nesting bounds.
///
/// # Errors
/// [`TranspileError::Program`] with the first syntax error; [`TranspileError::Limit`] when it is too large or too deep.
pub fn transpile(source: &str, limits: &Limits) -> Result<Program, TranspileError> {
    // SECURITY: the parser has no bounds of its own; both are checked before it sees the source.
    if source.len() as u64 > limits.program_bytes {
        return Err(TranspileError::Limit(Limit::ProgramSize));
    }
    scan::scan(source, limits.program_depth).map_err(|refusal| match refusal {
        Refusal::Limit(limit) => TranspileError::Limit(limit),
        Refusal::Syntax(at, message) => syntax_error(source, at, message),
    })?;
    let allocator = Allocator::default();
    let options = ParseOptions { allow_return_outside_function: true, preserve_parens: false, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, source, SourceType::ts()).with_options(options).parse();
    first_error(source, parsed.diagnostics.iter())?;
    let mut tree = parsed.program;
    refuse_what_has_no_meaning(source, &tree)?;
    let analysed = SemanticBuilder::new_compiler().with_enum_eval(true).with_check_syntax_error(true).build(&tree);
    first_error(source, analysed.diagnostics.iter())?;
    let options = TransformOptions::default();
    let scoping = analysed.semantic.into_scoping();
    let transformed = Transformer::new(&allocator, Path::new(""), &options).build_with_scoping(scoping, &mut tree);
    first_error(source, transformed.diagnostics.iter())?;
    wrap(&allocator, &mut tree);
    Ok(print(&tree))
}

fn print(tree: &Tree<'_>) -> Program {
    let options = CodegenOptions {
        comments: CommentOptions::disabled(),
        source_map_path: Some(PathBuf::new()),
        ..CodegenOptions::default()
    };
    let printed = Codegen::new().with_options(options).build(tree);
    let mappings = printed.map.map_or_else(String::new, |mut map| {
        map.set_source_contents(vec![]);
        map.to_json().mappings
    });
    Program { code: printed.code, mappings }
}

/// Makes the program's statements the body of an async function whose value is the last of them.
fn wrap<'a>(allocator: &'a Allocator, tree: &mut Tree<'a>) {
    let ast = AstBuilder::new(allocator);
    let mut body = std::mem::replace(&mut tree.body, ArenaVec::new_in(&ast));
    // The transformer marks a module that has lost its imports with an empty export.
    body.retain(|statement| !statement.is_module_declaration());
    tree.directives.clear();
    if let Some(Statement::ExpressionStatement(_)) = body.last()
        && let Some(Statement::ExpressionStatement(last)) = body.pop()
    {
        let last = last.unbox();
        body.push(Statement::new_return_statement(last.span, Some(last.expression), &ast));
    }
    let directives: [Directive<'a>; 0] = [];
    let body = FunctionBody::boxed(SPAN, directives, body, &ast);
    let parameters = FormalParameters::boxed(SPAN, FormalParameterKind::ArrowFormalParameters, [], None, &ast);
    let body = ArrowFunctionBody::FunctionBody(body);
    let arrow = Expression::new_arrow_function_expression(SPAN, true, None, parameters, None, body, &ast);
    tree.body.push(Statement::new_expression_statement(SPAN, arrow, &ast));
}

/// Modules, decorators and `using` cannot work in the guest; the model is told so at their place.
fn refuse_what_has_no_meaning(source: &str, tree: &Tree<'_>) -> Result<(), TranspileError> {
    const MODULE: &str = "programs have no modules: tools are on `tools`, the value is what the program returns";
    for statement in &tree.body {
        let types_only = match statement {
            Statement::ImportDeclaration(import) => import.import_kind.is_type(),
            Statement::ExportNamedDeclaration(export) => export.export_kind.is_type(),
            other => !other.is_module_declaration(),
        };
        if !types_only {
            return Err(syntax_error(source, statement.span().start as usize, MODULE));
        }
    }
    let mut found = Unsupported::default();
    found.visit_program(tree);
    match found.0 {
        Some((span, message)) => Err(syntax_error(source, span.start as usize, message)),
        None => Ok(()),
    }
}

/// The first thing in the tree that the guest has no way to run.
#[derive(Default)]
struct Unsupported(Option<(Span, &'static str)>);

impl<'a> Visit<'a> for Unsupported {
    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        self.0.get_or_insert((decorator.span, "decorators are not supported, call the function instead"));
    }

    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        if declaration.kind.is_using() {
            self.0.get_or_insert((declaration.span, "`using` is not supported, use `const` and `try`/`finally`"));
        }
        walk::walk_variable_declaration(self, declaration);
    }
}

fn first_error<'d>(source: &str, errors: impl Iterator<Item = &'d OxcDiagnostic>) -> Result<(), TranspileError> {
    let mut errors = errors;
    let Some(error) = errors.next() else { return Ok(()) };
    let at = error.labels.iter().next().map_or(0, |label| label.offset() as usize);
    Err(syntax_error(source, at, &error.message))
}

/// The error at byte `at` of `source`, with the line that it is in.
fn syntax_error(source: &str, at: usize, message: &str) -> TranspileError {
    let at = source.floor_char_boundary(at.min(source.len()));
    let (before, after) = source.split_at_checked(at).unwrap_or((source, ""));
    let line = before.matches('\n').count() + 1;
    let left = before.rsplit('\n').next().unwrap_or("");
    let column = left.encode_utf16().count() + 1;
    let hidden = left.chars().count().saturating_sub(EXCERPT_CHARS / 2);
    let shown: String = left.chars().skip(hidden).collect();
    let right: String = after.lines().next().unwrap_or("").chars().take(EXCERPT_CHARS / 2).collect();
    let caret = " ".repeat(shown.chars().count());
    TranspileError::Program(GuestError {
        name: "SyntaxError".into(),
        message: message.to_owned(),
        stack: format!("SyntaxError: {message}\n    at program.ts:{line}:{column}\n\n    {shown}{right}\n    {caret}^"),
        line: u32::try_from(line).ok(),
        column: u32::try_from(column).ok(),
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
