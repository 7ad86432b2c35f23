//! What upstreams wrote, made fit to be printed among declarations.
//!
//! Owns how long texts may be, and that they stay what they are: a line of a comment or the inside of a literal. What ends a
//! comment is a language's own matter.

use crate::error::is_invisible;
use crate::tool::Tool;

use super::cut;
use super::ir::{Doc, Document};

/// The longest text of a tool and of a field, and the longest hint, in characters.
pub(super) const MAX_TOOL_TEXT: usize = 2_000;
pub(super) const MAX_FIELD_TEXT: usize = 300;
const MAX_HINT: usize = 80;
/// The longest declarations, in bytes: tools beyond are only counted.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// The tools of each upstream in the order of their names.
pub(super) fn by_upstream<'a>(tools: &[&'a Tool]) -> Vec<(&'a str, Vec<&'a Tool>)> {
    let mut tools = tools.to_vec();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    let groups = tools.chunk_by(|a, b| a.name.upstream() == b.name.upstream());
    groups.filter_map(|group| Some((group.first()?.name.upstream(), group.to_vec()))).collect()
}

/// The lines that say what a tool does, not yet fit to be printed.
pub(super) fn of_tool(tool: &Tool) -> impl Iterator<Item = String> {
    let text = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
    cut(text.trim(), MAX_TOOL_TEXT).lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// What of a tool's schemas could not be read, a line each.
pub(super) fn notes(args: Option<&Document>, result: Option<&Document>) -> Vec<String> {
    let documents = [("arguments", args), ("result", result)];
    let hints = documents.iter().flat_map(|(what, document)| {
        document.iter().flat_map(move |document| &document.doc.hints).map(move |hint| (what, hint))
    });
    hints.filter(|(_, (tag, _))| *tag == "note").map(|(what, (_, note))| format!("Of the {what}: {note}.")).collect()
}

/// What is said of a field and its hints but those with the tags `without`, on one line that is not yet fit to be printed.
pub(super) fn of_field(doc: &Doc, without: &[&str]) -> String {
    let text = doc.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = vec![cut(&text, MAX_FIELD_TEXT).into_owned()];
    let hints = doc.hints.iter().filter(|(tag, _)| !without.contains(tag));
    parts.extend(hints.map(|(tag, value)| format!("@{tag} {}", cut(value, MAX_HINT)).trim_end().to_owned()));
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// A line of an upstream's text, for a comment.
pub(super) fn visible(text: &str) -> String {
    // SECURITY: nothing in it ends the line or the code block around it, or hides from who reads it.
    let visible: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    visible.replace("```", "'''").trim_end().to_owned()
}

/// A string literal in double quotes; `escape` writes a character by its number.
pub(super) fn quote(text: &str, escape: impl Fn(u32) -> String) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        // SECURITY: an upstream's text must not end the literal, nor the line, nor look like other text.
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            _ if is_invisible(c) || c == '`' => quoted.push_str(&escape(u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
