//! What the tests of all generators of declarations share: tools, hostile characters, real servers, expected output.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::tool::{Tool, ToolName};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests");

pub(super) fn tool(name: &str, input: Value) -> Tool {
    Tool {
        name: ToolName::parse(name).unwrap(),
        title: None,
        description: None,
        input_schema: Some(input),
        output_schema: None,
        annotations: None,
    }
}

/// As many properties as fit, all of which repeat `target`.
pub(super) fn repeated(target: Value) -> Tool {
    let properties: Value = (0..1_000).map(|n| (format!("p{n}"), json!({ "$ref": "#/$defs/t" }))).collect();
    tool("u.t", json!({ "properties": properties, "$defs": { "t": target } }))
}

/// Characters that end a line, turn it around, steer a terminal, or hide what a reader should see.
pub(super) const UNSEEN: [char; 24] = [
    '\r',
    '\0',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{115f}',
    '\u{17b4}',
    '\u{180e}',
    '\u{200b}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202e}',
    '\u{2066}',
    '\u{2800}',
    '\u{3164}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{ffa0}',
    '\u{1d173}',
    '\u{e0041}',
];

/// The tools of each real server in `tests/fixtures/tools`, and those of all together.
pub(super) fn servers() -> Vec<(String, Vec<Arc<Tool>>)> {
    let mut servers: Vec<(String, Vec<Arc<Tool>>)> = Vec::new();
    for upstream in ["everything", "filesystem", "memory", "github"] {
        let text = std::fs::read_to_string(format!("{TESTS}/fixtures/tools/server-{upstream}.json")).unwrap();
        let listing: Value = serde_json::from_str(&text).unwrap();
        let tools = listing["tools"].as_array().unwrap().iter().map(|raw| {
            let text = |key: &str| raw[key].as_str().map(str::to_owned);
            Arc::new(Tool {
                name: ToolName::new(upstream, raw["name"].as_str().unwrap()).unwrap(),
                title: text("title"),
                description: text("description"),
                input_schema: raw.get("inputSchema").cloned(),
                output_schema: raw.get("outputSchema").cloned(),
                annotations: raw.get("annotations").cloned(),
            })
        });
        servers.push((upstream.to_owned(), tools.collect()));
    }
    let all = servers.iter().flat_map(|(_, tools)| tools).cloned().collect();
    servers.push(("all".to_owned(), all));
    servers
}

/// Compares `text` with the file of this name in `tests/declarations`; UPDATE_GOLDEN=1 writes it.
// Only here: whether a run writes what it should compare is the developer's word.
#[allow(clippy::disallowed_methods)]
pub(super) fn assert_golden(name: &str, text: &str) {
    let path = &format!("{TESTS}/declarations/{name}");
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(path, text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(expected == text, "{path} differs, UPDATE_GOLDEN=1 writes it");
}
