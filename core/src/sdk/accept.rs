//! What of an upstream's tool list enters the catalog.
//!
//! A tool that cannot be used safely is dropped, one by one, so that the rest of its upstream stays usable; a text that
//! is merely long is cut. Whether the input schema compiles is for `schema` to say; the same name twice, for the gateway.

use std::io;

use serde_json::Value;

use crate::tool::Tool;

use super::words::cut;

/// The longest title, in bytes.
pub const MAX_TITLE_BYTES: usize = 256;
/// The longest description, in bytes.
pub const MAX_DESCRIPTION_BYTES: usize = 16 << 10;
/// The largest output schema, in bytes of JSON.
pub const MAX_OUTPUT_SCHEMA_BYTES: usize = 256 << 10;
/// The largest annotations, in bytes of JSON.
pub const MAX_ANNOTATIONS_BYTES: usize = 4 << 10;

/// The tool as the catalog keeps it: long texts cut, an output schema or annotations that are too large left out.
///
/// # Errors
/// Why the tool is dropped, for the operator's log: its name is one that JavaScript gives a meaning of its own on every
/// object, or its schema is no object.
pub fn accept(mut tool: Tool) -> Result<Tool, String> {
    // SECURITY: in a program of any language that keeps tools in an object, this name replaces the object's prototype.
    if tool.name.tool() == "__proto__" {
        return Err("the name `__proto__` is not allowed".to_owned());
    }
    if tool.input_schema.as_ref().is_some_and(|schema| !schema.is_object()) {
        return Err("the input schema is not an object".to_owned());
    }
    // SECURITY: a catalog holds every text of every tool for as long as its upstream is connected.
    tool.title = tool.title.map(|text| cut(&text, MAX_TITLE_BYTES).to_owned());
    tool.description = tool.description.map(|text| match text.len() {
        ..=MAX_DESCRIPTION_BYTES => text,
        length => format!("{}\n(cut; {length} bytes in all)", cut(&text, MAX_DESCRIPTION_BYTES)),
    });
    tool.output_schema = tool.output_schema.filter(|schema| is_within(schema, MAX_OUTPUT_SCHEMA_BYTES));
    tool.annotations = tool.annotations.filter(|annotations| is_within(annotations, MAX_ANNOTATIONS_BYTES));
    Ok(tool)
}

/// Whether the value's JSON has at most `max_bytes`.
fn is_within(value: &Value, max_bytes: usize) -> bool {
    let mut left = Allowance(max_bytes);
    serde_json::to_writer(&mut left, value).is_ok()
}

/// A writer that keeps nothing and fails when its bytes are used up.
struct Allowance(usize);

impl io::Write for Allowance {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("too large"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tool::ToolName;

    fn tool(name: &str) -> Tool {
        Tool {
            name: ToolName::new("u", name).unwrap(),
            title: None,
            description: None,
            input_schema: Some(json!({ "type": "object" })),
            output_schema: None,
            annotations: None,
        }
    }

    #[test]
    fn u26_bad_tools_are_dropped_and_odd_ones_kept() {
        assert_eq!(accept(tool("__proto__")).unwrap_err(), "the name `__proto__` is not allowed");
        for schema in [json!(null), json!([]), json!("x"), json!(true)] {
            let bad = Tool { input_schema: Some(schema), ..tool("x") };
            assert_eq!(accept(bad).unwrap_err(), "the input schema is not an object");
        }
        for name in ["constructor", "toString", "then", "class", "__init__", "__del__", "a.b", "a__b"] {
            assert_eq!(accept(tool(name)).unwrap(), tool(name));
        }
        assert_eq!(accept(Tool { input_schema: None, ..tool("x") }).unwrap().input_schema, None);
    }

    #[test]
    fn u26_long_texts_are_cut() {
        let long = Tool {
            title: Some("é".repeat(1 << 20)),
            description: Some("é".repeat(5 << 20)),
            output_schema: Some(json!({ "description": "x".repeat(MAX_OUTPUT_SCHEMA_BYTES) })),
            annotations: Some(json!({ "title": "x".repeat(MAX_ANNOTATIONS_BYTES) })),
            ..tool("x")
        };
        let kept = accept(long).unwrap();
        assert_eq!(kept.title.unwrap(), "é".repeat(128));
        assert_eq!(kept.description.unwrap(), "é".repeat(8 << 10) + "\n(cut; 10485760 bytes in all)");
        assert_eq!((kept.output_schema, kept.annotations), (None, None));
        let fine = Tool { output_schema: Some(json!({ "type": "object" })), annotations: Some(json!({})), ..tool("x") };
        assert_eq!(accept(fine.clone()).unwrap(), fine);
    }
}
