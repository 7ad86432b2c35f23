//! Tools and their names. The only parser and printer of tool names and patterns.
//!
//! A tool is `upstream.tool` in policies, programs, logs and results; `upstream__tool` where MCP clients see it. The
//! upstream's id has no dot, so the first dot ends it. Names are compared exactly: no case folding, no normalisation.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result, Shown};

/// The longest upstream id, in bytes.
pub const MAX_UPSTREAM_ID_BYTES: usize = 64;
/// The longest tool name within its upstream, in bytes (MCP's guidance, SEP-986).
pub const MAX_TOOL_NAME_BYTES: usize = 128;

/// The parsed name of a tool: the upstream's id and the tool's own name, verbatim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolName {
    upstream: String,
    tool: String,
}

/// Whether `id` may name an upstream: 1 to 64 bytes of ASCII letters, digits, `-` and `_`, without `__`.
pub fn is_upstream_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_UPSTREAM_ID_BYTES).contains(&id.len())
        && id.bytes().all(allowed)
        && !id.contains("__")
        && !id.starts_with('_')
        && !id.ends_with('_')
}

fn is_tool_part(tool: &str) -> bool {
    (1..=MAX_TOOL_NAME_BYTES).contains(&tool.len())
        && tool.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
}

impl ToolName {
    /// The name of `tool` in `upstream`; refused unless both are within MCP's alphabet and length.
    ///
    /// # Errors
    /// `invalid_request` when either part is empty, too long or has a character outside `A-Za-z0-9_-./`.
    pub fn new(upstream: &str, tool: &str) -> Result<ToolName> {
        // SECURITY: one alphabet without look-alikes, spaces or control characters, so that two names that are not
        // the same bytes are not the same tool.
        if !is_upstream_id(upstream) || !is_tool_part(tool) {
            let written = format!("{upstream}.{tool}");
            return Err(Error::new(
                ErrorCode::InvalidRequest,
                format!("`{}` is not a tool name, expected `upstream.tool`", Shown(&written, 80)),
            ));
        }
        Ok(ToolName { upstream: upstream.to_owned(), tool: tool.to_owned() })
    }

    /// Parses `upstream.tool`; everything after the first dot is the tool's own name.
    ///
    /// # Errors
    /// As [`ToolName::new`].
    pub fn parse(name: &str) -> Result<ToolName> {
        let (upstream, tool) = name.split_once('.').unwrap_or((name, ""));
        ToolName::new(upstream, tool)
    }

    /// The upstream's id.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// The tool's own name, as its upstream calls it.
    pub fn tool(&self) -> &str {
        &self.tool
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.upstream, self.tool)
    }
}

impl Serialize for ToolName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ToolName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ToolName, D::Error> {
        let text = String::deserialize(deserializer)?;
        ToolName::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// One entry of an allow-list: `*`, `upstream.*`, `upstream.prefix.*` or `upstream.tool`.
///
/// Whole segments between dots, case-sensitive. A star stands only alone or as the last segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolPattern {
    text: String,
}

impl ToolPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// `invalid_request` when it is none of the four forms.
    pub fn parse(text: &str) -> Result<ToolPattern> {
        let valid = match text.strip_suffix(".*") {
            _ if text == "*" => true,
            Some(prefix) => is_upstream_id(prefix) || ToolName::parse(prefix).is_ok(),
            None => ToolName::parse(text).is_ok(),
        };
        if valid {
            return Ok(ToolPattern { text: text.to_owned() });
        }
        Err(Error::new(
            ErrorCode::InvalidRequest,
            format!("`{}` is not a tool pattern, expected `*`, `upstream.*` or `upstream.tool`", Shown(text, 80)),
        ))
    }

    /// Whether the pattern covers `name`.
    pub fn matches(&self, name: &ToolName) -> bool {
        if self.text == "*" {
            return true;
        }
        let Some(prefix) = self.text.strip_suffix(".*") else {
            return self.text.split_once('.') == Some((name.upstream(), name.tool()));
        };
        let (upstream, rest) = prefix.split_once('.').unwrap_or((prefix, ""));
        // SECURITY: whole segments: `github.*` covers neither `github2.x` nor, as `github.a.*`, the tool `ab`.
        upstream == name.upstream()
            && (rest.is_empty() || name.tool().strip_prefix(rest).is_some_and(|tail| tail.starts_with('.')))
    }

    /// Whether the pattern covers any name within `upstream`.
    pub fn reaches(&self, upstream: &str) -> bool {
        self.text == "*" || self.text.split_once('.').is_some_and(|(id, _)| id == upstream)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for ToolPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ToolPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ToolPattern, D::Error> {
        let text = String::deserialize(deserializer)?;
        ToolPattern::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A tool as its upstream lists it. Schemas and annotations are kept as raw JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Tool {
    /// `upstream.tool`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: ToolName,
    /// A title for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the tool does; an upstream's text, so data and never code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of the arguments, if the upstream gives one.
    #[serde(rename = "inputSchema", skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// JSON Schema of `structuredContent`.
    #[serde(rename = "outputSchema", skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// MCP's `annotations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
}

/// What of a tool's answer a program wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyForm {
    /// `structuredContent`, or text that is JSON, or a text as a JSON string.
    Value,
    /// The whole MCP result.
    Full,
}

/// A tool's answer: JSON that is passed on without being parsed again, or an error that the program can catch.
pub type ToolReply = std::result::Result<String, ToolError>;

/// A failed or refused call, as the program catches it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolError {
    /// Why.
    pub code: ErrorCode,
    /// Written for the model: what failed, what was expected, what to try.
    pub message: String,
    /// The tool: `upstream.tool` once it is found, before that as the program named it.
    pub tool: String,
    /// The tool's own content blocks, when it ran and reported an error.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub content: Value,
}

impl ToolError {
    /// An error of the call to `tool`, without content.
    pub fn new(code: ErrorCode, tool: impl fmt::Display, message: impl Into<String>) -> ToolError {
        ToolError { code, message: message.into(), tool: tool.to_string(), content: Value::Null }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ToolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_at_the_first_dot() {
        let name = ToolName::parse("github.repos.list").unwrap();
        assert_eq!((name.upstream(), name.tool()), ("github", "repos.list"));
        assert_eq!(name.to_string(), "github.repos.list");
    }

    #[test]
    fn t01_names_outside_the_alphabet_are_refused() {
        let (upstream, tool) = ("a".repeat(MAX_UPSTREAM_ID_BYTES), "b".repeat(MAX_TOOL_NAME_BYTES));
        assert!(ToolName::parse(&format!("{upstream}.{tool}")).is_ok());
        assert!(ToolName::parse(&format!("{upstream}a.{tool}")).is_err());
        assert!(ToolName::parse(&format!("{upstream}.{tool}b")).is_err());
        for name in [
            "",
            "github",
            ".x",
            "github.",
            "github .x",
            "github.x ",
            "github.x\n",
            "github.x\0",
            "gi\u{200b}thub.x",
            "github.\u{0435}",
            "git__hub.x",
            "_github.x",
            "github_.x",
            "GITHUB\u{212a}.x",
            "github.x:y",
            "github.\u{ff58}",
            "github%2ex",
            "github.%78",
        ] {
            assert!(ToolName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn t02_patterns_match_whole_segments() {
        let check =
            |pattern: &str, name: &str| ToolPattern::parse(pattern).unwrap().matches(&ToolName::parse(name).unwrap());
        assert!(check("*", "github.x"));
        assert!(check("github.*", "github.create_issue"));
        assert!(check("github.repos.*", "github.repos.list"));
        assert!(check("github.create", "github.create"));
        assert!(!check("github.*", "github2.x"));
        assert!(!check("github.*", "x.github.y"));
        assert!(!check("github.*", "Github.x"));
        assert!(!check("github.repos.*", "github.reposx"));
        assert!(!check("github.repos.*", "github.repos"));
        assert!(!check("github.create", "github.create2"));
        assert!(!check("github.create", "evil.create"));
        for pattern in ["", "create", "**", ".*", "*.x", "github.c*", "github__x", "github.**", "*.*"] {
            assert!(ToolPattern::parse(pattern).is_err(), "{pattern:?}");
        }
    }
}
