//! The tools that clients see: names, what a model should know, and the schemas of what goes in and out.

use conduit_core::{Language, Limit, MAX_DESCRIBED, MAX_QUERY_BYTES, MAX_SEARCH_RESULTS, SEARCH_RESULTS, Unit, guide};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

pub(super) const SEARCH: &str = "search_tools";
pub(super) const DESCRIBE: &str = "describe_tools";

/// The tool that runs programs in `language`.
pub(super) const fn execute(language: Language) -> &'static str {
    match language {
        Language::Python => "execute_python",
        _ => "execute_typescript",
    }
}

/// The language as prose names it.
const fn shown(language: Language) -> &'static str {
    match language {
        Language::Python => "Python",
        _ => "TypeScript",
    }
}

/// `words` in a row, the last one after `or`.
pub(super) fn one_of(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    }
}

/// What a client shows its model of this server.
pub(super) fn instructions(languages: &[Language]) -> String {
    let names = languages.iter().map(|language| shown(*language)).collect::<Vec<_>>().join(" and ");
    let execute = one_of(languages.iter().map(|language| format!("`{}`", execute(*language))));
    format!(
        "Conduit runs {names} programs that call tools. Find tools with `{SEARCH}`, read their types with `{DESCRIBE}`, \
         then write one program that calls them and give it to {execute}."
    )
}

const SEARCH_TEXT: &str = "\
Finds the tools that programs may call, best match first: their names, as `upstream.tool`, and descriptions. Search for what \
you want to do, in a few words, such as `create issue`. Read the types with `describe_tools` before you call a tool.";

/// What `describe_tools` does, where programs are in these languages.
fn describe_text(languages: &[Language]) -> String {
    format!(
        "Gives the {} declarations of tools: what they do, their arguments and their results. The names are those of \
         `{SEARCH}`, such as `github.create_issue`.",
        one_of(languages.iter().map(|language| shown(*language).to_owned()))
    )
}

/// All tools, where programs are in these languages.
pub(super) fn tools(languages: &[Language]) -> Vec<Tool> {
    let reading = |title: &str| {
        ToolAnnotations::with_title(title).read_only(true).destructive(false).idempotent(true).open_world(true)
    };
    let mut tools: Vec<_> = languages.iter().map(|language| execute_tool(*language)).collect();
    tools.extend([
        Tool::new(SEARCH, SEARCH_TEXT, object(search_input()))
            .with_raw_output_schema(object(search_output()).into())
            .with_annotations(reading("Search tools")),
        Tool::new(DESCRIBE, describe_text(languages), object(describe_input(languages)))
            .with_raw_output_schema(object(describe_output()).into())
            .with_annotations(reading("Describe tools")),
    ]);
    tools
}

fn execute_tool(language: Language) -> Tool {
    let text = format!(
        "{}\n\nBefore you use a tool for the first time, find it with `{SEARCH}` and read its types with `{DESCRIBE}`.",
        guide(language)
    );
    Tool::new(execute(language), text, object(execute_input()))
        .with_raw_output_schema(object(execute_output()).into())
        // A program can do whatever the tools that it calls can do.
        .with_annotations(
            ToolAnnotations::with_title(format!("Run a {} program", shown(language)))
                .read_only(false)
                .destructive(true)
                .idempotent(false)
                .open_world(true),
        )
}

fn object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn execute_input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "The program's source."},
            "input": {"description": "Any JSON; the program finds it as `input`."},
            "allow": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Allows this run only tools like these: `github.*`, `github.create_issue`. Without it, all that the operator allows; an empty list allows none.",
            },
            "limits": limits_input(),
        },
        "required": ["code"],
        "additionalProperties": false,
    })
}

fn limits_input() -> Value {
    let limit = |limit: &Limit| {
        let unit = match limit.unit() {
            Unit::Milliseconds => "in milliseconds",
            Unit::Bytes => "in bytes",
            Unit::Count => "a number",
        };
        let schema = json!({
            "type": "integer",
            "minimum": limit.minimum(),
            "description": format!("{unit}, {} unless the operator says otherwise", limit.default_value()),
        });
        (limit.key().to_owned(), schema)
    };
    json!({
        "type": "object",
        "description": "Limits for this run that differ from the operator's. What is above the operator's maximum is lowered to it.",
        "properties": Limit::ALL.iter().map(limit).collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

fn execute_output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "outcome": {
                "type": "object",
                "description": "How the program ended. `error` is there when it failed, `limit` and `message` when it broke a limit.",
                "properties": {
                    "status": {"type": "string", "enum": ["completed", "failed", "limit_exceeded", "cancelled"]},
                    "error": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string"},
                            "message": {"type": "string"},
                            "stack": {"type": "string"},
                            "line": {"type": "integer"},
                            "column": {"type": "integer"},
                            "internal": {"type": "boolean", "description": "Whether it was the sandbox that failed."},
                        },
                        "required": ["name", "message", "stack"],
                    },
                    "limit": {"type": "string", "enum": Limit::ALL.iter().map(|limit| limit.name()).collect::<Vec<_>>()},
                    "message": {"type": "string"},
                },
                "required": ["status"],
            },
            "value": {"description": "The program's value; null unless it completed."},
            "stdout": {"type": "string"},
            "stderr": {"type": "string"},
            "tool_calls": {
                "type": "array",
                "description": "Every call of a tool, in the order in which they started.",
                "items": {
                    "type": "object",
                    "properties": {
                        "tool": {"type": "string"},
                        "error": {"description": "Why the call failed; null when it succeeded.", "type": ["string", "null"]},
                        "started_ms": {"type": "number"},
                        "duration_ms": {"type": "number"},
                        "arguments_bytes": {"type": "integer"},
                        "reply_bytes": {"type": "integer"},
                    },
                    "required": ["tool", "error", "started_ms", "duration_ms", "arguments_bytes", "reply_bytes"],
                },
            },
            "usage": {
                "type": "object",
                "properties": {
                    "cpu_time_ms": {"type": "number"},
                    "wall_time_ms": {"type": "number"},
                    "memory_bytes": {"type": "integer"},
                    "output_bytes": {"type": "integer"},
                    "log_entries": {"type": "integer"},
                    "tool_calls": {"type": "integer"},
                    "clamped": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["cpu_time_ms", "wall_time_ms", "memory_bytes", "output_bytes", "log_entries", "tool_calls"],
            },
        },
        "required": ["id", "outcome", "value", "stdout", "stderr", "tool_calls", "usage"],
    })
}

fn search_input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": MAX_QUERY_BYTES, "description": "What you want to do, in a few words."},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_SEARCH_RESULTS,
                "default": SEARCH_RESULTS,
                "description": "How many tools to give.",
            },
        },
        "required": ["query"],
        "additionalProperties": false,
    })
}

fn search_output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "tools": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "description": {"type": "string"}},
                    "required": ["name"],
                },
            },
        },
        "required": ["tools"],
    })
}

fn describe_input(languages: &[Language]) -> Value {
    let names: Vec<_> = languages.iter().map(|language| language.name()).collect();
    json!({
        "type": "object",
        "properties": {
            "language": {
                "type": "string",
                "enum": names,
                "default": names.first(),
                "description": "The language of the program that you write.",
            },
            "names": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "maxItems": MAX_DESCRIBED,
                "description": "Names of tools, as `upstream.tool`.",
            },
        },
        "required": ["names"],
        "additionalProperties": false,
    })
}

fn describe_output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "declarations": {"type": "string", "description": "In the language asked for."},
            "not_found": {"type": "array", "items": {"type": "string"}, "description": "Names that no tool has."},
            "unavailable": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Names whose upstream cannot be asked now; the tools may exist.",
            },
        },
        "required": ["declarations", "not_found", "unavailable"],
    })
}
