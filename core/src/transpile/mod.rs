//! TypeScript to JavaScript: a program becomes one `async () => {...}` expression and the positions of its source.
//!
//! Owns [`transpile`] and every message about a program's syntax. The expression is printed from a rewritten syntax
//! tree, never spliced from texts, so no program can close the function around it. Pure: no clock, no I/O. Runs in at
//! most 8 MiB of stack, debug builds included, in time and memory bounded by the program's size: [`scan`] sees to it.
//! Does not check types and does not run anything.

mod check;
mod level;
mod position;
mod rewrite;
mod scan;
mod words;

use std::path::{Path, PathBuf};

use oxc_allocator::Allocator;
use oxc_ast::ast::Program as Tree;
use oxc_ast::builder::AstBuilder;
use oxc_codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{TransformOptions, Transformer};

use self::position::{diagnosed, syntax_error};
use self::scan::Refusal;
use crate::limits::{Limit, Limits};
use crate::model::GuestError;

/// A program that the guest can compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// A JavaScript expression that evaluates to an async function without parameters.
    pub code: String,
    /// The `mappings` of the source map from `code` to the source: VLQ, lines and UTF-16 columns from 0.
    pub mappings: String,
}

/// Why a source is no program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TranspileError {
    /// It is not TypeScript, or uses what programs cannot have. Written for the model.
    Program(GuestError),
    /// It is larger or nested deeper than its limits allow, or beyond a bound of the compiler's own, which counts as one.
    Limit(Limit, Option<&'static str>),
}

/// Compiles a program: TypeScript with `await` and `return` at its top level and no modules.
///
/// The value of the last statement, when it is an expression, is what the function returns. Strict mode, like a module.
///
/// # Errors
/// [`TranspileError::Program`] for the first error of the source, with its line and column (from 1, in UTF-16 code
/// units) and an excerpt as its stack. [`TranspileError::Limit`] for `program_size` and `program_depth`; the latter also
/// when parsing would take too long.
pub fn transpile(source: &str, limits: &Limits) -> Result<Program, TranspileError> {
    // SECURITY: nothing below sees a larger source.
    if u64::try_from(source.len()).map_or(true, |bytes| bytes > limits.program_bytes) {
        return Err(TranspileError::Limit(Limit::ProgramSize, None));
    }
    // SECURITY: the parser recurses without a guard; nothing below sees a source that could overflow the stack.
    scan::scan(source, limits.program_depth).map_err(|refusal| refused(source, refusal))?;
    let allocator = Allocator::default();
    let options =
        ParseOptions { allow_return_outside_function: true, preserve_parens: false, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, source, SourceType::ts().with_module(true)).with_options(options).parse();
    diagnosed(source, &parsed.diagnostics)?;
    let mut tree = parsed.program;
    let builder = AstBuilder::new(&allocator);
    rewrite::drop_modules(source, &mut tree)?;
    check::check(&tree, limits.program_bytes).map_err(|refusal| refused(source, refusal))?;
    rewrite::return_last(&mut tree, &builder);
    erase_types(source, &allocator, &mut tree)?;
    rewrite::wrap(&mut tree, &builder);
    Ok(print(&tree))
}

fn refused(source: &str, refusal: Refusal) -> TranspileError {
    match refusal {
        Refusal::Limit(limit, bound) => TranspileError::Limit(limit, bound),
        Refusal::Syntax(offset, message) => syntax_error(source, offset, message),
    }
}

/// Checks what only names and scopes tell (a name declared twice), then removes all that is TypeScript's.
fn erase_types<'a>(source: &str, allocator: &'a Allocator, tree: &mut Tree<'a>) -> Result<(), TranspileError> {
    let analysed = SemanticBuilder::new_compiler().with_enum_eval(true).build(tree);
    diagnosed(source, &analysed.diagnostics)?;
    let scoping = analysed.semantic.into_scoping();
    let options = TransformOptions::default();
    let transformed = Transformer::new(allocator, Path::new(""), &options).build_with_scoping(scoping, tree);
    diagnosed(source, &transformed.diagnostics)?;
    // A helper would be imported; nothing that needs one gets this far.
    if tree.body.iter().any(|statement| statement.is_module_declaration()) {
        return Err(syntax_error(source, 0, "the program needs a module of the compiler, which programs cannot have"));
    }
    Ok(())
}

fn print(tree: &Tree<'_>) -> Program {
    let options = CodegenOptions {
        comments: CommentOptions::disabled(),
        source_map_path: Some(PathBuf::new()),
        // SECURITY: indented code would grow with the product of its lines and its depth.
        indent_width: 0,
        ..CodegenOptions::default()
    };
    let printed = Codegen::new().with_options(options).build(tree);
    let mut code = printed.code;
    let expression = code.trim_end_matches(['\n', ';']).len();
    code.truncate(expression);
    let mappings = printed.map.map_or_else(String::new, |mut map| {
        map.set_source_contents(Vec::new());
        map.to_json().mappings
    });
    Program { code, mappings }
}

#[cfg(test)]
mod tests;
