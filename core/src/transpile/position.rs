//! Errors at their places in the source.

use std::fmt::Write;

use oxc_diagnostics::Diagnostics;
use oxc_syntax::line_terminator::is_line_terminator;

use super::TranspileError;
use crate::model::GuestError;

/// How much of a line an excerpt shows, in characters, half of it before the error.
const EXCERPT_CHARACTERS: usize = 120;

/// The error at byte `offset` of `source`.
pub(super) fn syntax_error(source: &str, offset: usize, message: impl Into<String>) -> TranspileError {
    let (line, before, after) = line_at(source, offset);
    let mut message = message.into();
    if before.ends_with('<') && after.starts_with('/') {
        // What looks like a regular expression to the scan is a closing tag to a reader.
        message = "JSX is not supported".to_owned();
    } else if before.ends_with('<') || after.starts_with('<') || after.starts_with("/>") {
        message.push_str(" (JSX is not supported)");
    }
    let column = before.encode_utf16().count() + 1;
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    TranspileError::Program(GuestError {
        name: "SyntaxError".to_owned(),
        message,
        stack: excerpt(line, before, after),
        line: Some(number(line)),
        column: Some(number(column)),
        internal: false,
    })
}

/// The first of `diagnostics`, if there is one, as an error.
pub(super) fn diagnosed(source: &str, diagnostics: &Diagnostics) -> Result<(), TranspileError> {
    // Where a diagnostic has two places, the later one is the error and the earlier one what it collides with.
    let place = |diagnostic: &oxc_diagnostics::OxcDiagnostic| {
        diagnostic.labels.iter().map(|label| label.offset()).max().unwrap_or(0)
    };
    let Some(first) = diagnostics.errors().min_by_key(|diagnostic| place(diagnostic)) else {
        return Ok(());
    };
    let offset = place(first);
    let mut message = first.message.to_string();
    if let Some(help) = &first.help {
        let _ = write!(message, ": {help}");
    }
    Err(syntax_error(source, offset as usize, message))
}

/// The line that byte `offset` is on, from 1, and its text before and after.
fn line_at(source: &str, offset: usize) -> (usize, &str, &str) {
    let offset = (0..=offset.min(source.len())).rev().find(|offset| source.is_char_boundary(*offset)).unwrap_or(0);
    let (before, after) = source.split_at_checked(offset).unwrap_or((source, ""));
    let ends = before.match_indices(is_line_terminator).filter(|(index, end)| {
        // `\r\n` ends one line, not two.
        *end != "\r" || !source.get(index + 1..).is_some_and(|rest| rest.starts_with('\n'))
    });
    let (line, start) = ends.fold((1, 0), |(line, _), (index, end)| (line + 1, index + end.len()));
    let end = after.find(is_line_terminator).unwrap_or(after.len());
    (line, before.get(start..).unwrap_or(""), after.get(..end).unwrap_or(""))
}

/// The line and a caret under the error.
fn excerpt(line: usize, before: &str, after: &str) -> String {
    let half = EXCERPT_CHARACTERS / 2;
    let skipped = before.chars().count().saturating_sub(half);
    let shown = before.chars().skip(skipped).collect::<String>();
    let rest = after.chars().take(half).collect::<String>();
    let number = line.to_string();
    let indent = shown.chars().map(|next| if next == '\t' { '\t' } else { ' ' }).collect::<String>();
    format!("{number} | {shown}{rest}\n{} | {indent}^", " ".repeat(number.len()))
}
