//! What a program gets out of the result of `tools/call`. Pure.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::wire;
use crate::credentials::Redactor;
use crate::error::ErrorCode;
use crate::tool::{ReplyForm, Tool, ToolError, ToolReply};

/// What a tool's own error text may take in a message; its content has the rest.
const MAX_MESSAGE_CHARS: usize = 2_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallResult<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    structured_content: Option<&'a RawValue>,
    is_error: Option<bool>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<wire::Text<'a>>,
}

/// The reply that the raw result of a call of `tool` makes. Nothing is copied before its size is known to be allowed.
pub(super) fn from_result(
    tool: &Tool,
    raw: String,
    form: ReplyForm,
    reply_bytes: u64,
    redactor: &Redactor,
) -> ToolReply {
    // SECURITY: the limit of this execution; the transport's cap is the same for all.
    if raw.len() as u64 > reply_bytes {
        return Err(too_large(tool, reply_bytes));
    }
    // SECURITY: an upstream may give back what it was shown.
    let full = redactor.json(raw);
    let malformed = |_| {
        let upstream = tool.name.upstream();
        let message = format!("upstream `{upstream}` answered with something that is no tool result");
        ToolError::new(ErrorCode::UpstreamProtocol, &tool.name, message)
    };
    let result: CallResult<'_> = serde_json::from_str(&full).map_err(malformed)?;
    let content = result.content.map_or("[]", RawValue::get);
    let blocks: Vec<Block<'_>> = serde_json::from_str(content).map_err(malformed)?;
    let texts =
        blocks.iter().filter(|block| block.kind == "text").map(|block| block.text.as_ref().map_or("", |text| &text.0));
    // SECURITY: a secret of several lines may be there only once the blocks are joined.
    let text = || redactor.text(texts.collect::<Vec<_>>().join("\n"));
    if result.is_error == Some(true) {
        let text: String = text().chars().take(MAX_MESSAGE_CHARS).collect();
        let message = if text.is_empty() { "the tool reported an error without a text".to_owned() } else { text };
        let content = redactor.value(serde_json::from_str(content).map_err(malformed)?);
        return Err(ToolError { content, ..ToolError::new(ErrorCode::ToolFailed, &tool.name, message) });
    }
    if form == ReplyForm::Full {
        return Ok(full);
    }
    let structured = result.structured_content.filter(|_| tool.output_schema.is_some());
    Ok(match (structured, blocks.as_slice()) {
        (Some(structured), _) => structured.get().to_owned(),
        (None, []) => "null".to_owned(),
        (None, _) if blocks.iter().any(|block| block.kind != "text") => content.to_owned(),
        (None, [Block { text: Some(text), .. }]) if is_json(&text.0) => redactor.json(text.0.trim().to_owned()),
        (None, _) => Value::from(text()).to_string(),
    })
}

/// The error of a reply that is larger than the execution allows.
pub(crate) fn too_large(tool: &Tool, reply_bytes: u64) -> ToolError {
    let message = format!(
        "the reply of `{}` is larger than the limit `reply_size` of {reply_bytes} bytes, ask for less at a time",
        tool.name
    );
    ToolError::new(ErrorCode::ReplyTooLarge, &tool.name, message)
}

fn is_json(text: &str) -> bool {
    // SECURITY: a depth that would break a reader makes it a text.
    wire::depth(text) <= wire::MAX_DEPTH && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::credentials::Secret;
    use crate::tool::ToolName;

    fn tool(output_schema: bool) -> Tool {
        Tool {
            name: ToolName::parse("x.y").unwrap(),
            title: None,
            description: None,
            input_schema: None,
            output_schema: output_schema.then(|| json!({})),
            annotations: None,
        }
    }

    fn check(output_schema: bool, result: Value, expected: &str) {
        let raw = result.to_string();
        let reply = |form| from_result(&tool(output_schema), raw.clone(), form, 1_000_000, &Redactor::default());
        assert_eq!((reply(ReplyForm::Value), reply(ReplyForm::Full)), (Ok(expected.to_owned()), Ok(raw.clone())));
    }

    fn text(text: &str) -> Value {
        json!({"type": "text", "text": text})
    }

    #[test]
    fn structured_content_counts_when_there_is_a_schema_for_it() {
        let result = json!({"content": [text("1")], "structuredContent": {"a": [1.50]}});
        check(true, result.clone(), r#"{"a":[1.5]}"#);
        check(false, result, "1");
        check(true, json!({"content": [text("plain")]}), r#""plain""#);
        let raw = r#"{"structuredContent":{"z":1, "a":12345678901234567890.50}}"#;
        let reply = from_result(&tool(true), raw.to_owned(), ReplyForm::Value, 100, &Redactor::default()).unwrap();
        assert_eq!(reply, r#"{"z":1, "a":12345678901234567890.50}"#);
    }

    #[test]
    fn one_text_that_is_json_stays_as_it_is() {
        for (content, expected) in [
            (text(" {\"z\": 1, \"a\": 1e400}\n"), "{\"z\": 1, \"a\": 1e400}"),
            (text("42"), "42"),
            (text("\"s\""), "\"s\""),
            (text("null"), "null"),
            (text("NaN"), "\"NaN\""),
            (text("{\"a\":1} trailing"), "\"{\\\"a\\\":1} trailing\""),
            (text(""), "\"\""),
            (json!({"type": "text"}), "\"\""),
        ] {
            check(false, json!({"content": [content]}), expected);
        }
    }

    #[test]
    fn several_texts_are_lines_and_other_blocks_stay_blocks() {
        check(false, json!({"content": [text("1"), text("b")]}), r#""1\nb""#);
        check(false, json!({"content": []}), "null");
        check(false, json!({}), "null");
        let image = json!([{"data": "AA==", "type": "image"}, text("t")]);
        check(false, json!({"content": image}), &image.to_string());
        let unknown = json!([{"type": "from_the_future"}]);
        check(false, json!({"content": unknown}), &unknown.to_string());
    }

    #[test]
    fn u23_a_deep_text_is_a_text() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        check(false, json!({"content": [text(&deep)]}), &Value::from(deep).to_string());
    }

    #[test]
    fn a_tools_error_is_an_error_with_its_content() {
        let content = json!([text(&"e".repeat(3_000)), {"type": "image", "data": "AA=="}]);
        let raw = json!({"isError": true, "content": content, "structuredContent": {}}).to_string();
        let error = from_result(&tool(true), raw, ReplyForm::Value, 1_000_000, &Redactor::default()).unwrap_err();
        assert_eq!((error.code, error.message.len(), error.content), (ErrorCode::ToolFailed, 2_000, content));
        let error = from_result(&tool(true), r#"{"isError":true}"#.into(), ReplyForm::Value, 100, &Redactor::default())
            .unwrap_err();
        assert_eq!(error.message, "the tool reported an error without a text");
    }

    #[test]
    fn u20_a_reply_above_the_limit_fails() {
        let raw = json!({"content": [text("x")]}).to_string();
        let length = raw.len() as u64;
        assert!(from_result(&tool(false), raw.clone(), ReplyForm::Value, length, &Redactor::default()).is_ok());
        let error = from_result(&tool(false), raw, ReplyForm::Value, length - 1, &Redactor::default()).unwrap_err();
        assert_eq!(error.code, ErrorCode::ReplyTooLarge);
    }

    #[test]
    fn u23_what_is_no_tool_result_is_refused() {
        for raw in ["null", "[]", "\"x\"", "{\"content\":{}}", "{\"content\":[1]}", "{\"content\":[],\"content\":[]}"] {
            let error =
                from_result(&tool(false), raw.to_owned(), ReplyForm::Value, 1_000, &Redactor::default()).unwrap_err();
            assert_eq!(error.code, ErrorCode::UpstreamProtocol, "{raw}");
        }
    }

    #[test]
    fn k02_a_secret_that_is_echoed_is_redacted_everywhere() {
        let redactor = Redactor::new([&Secret::new("s3cret-token")]).unwrap();
        let plain = json!({"content": [text("[\"s3cret-token\"]")], "_meta": {"h": "s3cret-token"}}).to_string();
        for form in [ReplyForm::Value, ReplyForm::Full] {
            let reply = from_result(&tool(false), plain.clone(), form, 1_000, &redactor).unwrap();
            assert!(!reply.contains("s3cret") && reply.contains("[redacted]"), "{reply}");
        }
        let lines = Redactor::new([&Secret::new("first s3cret\nsecond s3cret")]).unwrap();
        let raw = json!({"content": [text("first s3cret"), text("second s3cret")]}).to_string();
        assert_eq!(from_result(&tool(false), raw, ReplyForm::Value, 1_000, &lines).unwrap(), "\"[redacted]\"");
        // What needs no escape and has one is found where it is read.
        for text in ["\\u00733cret-token {}", "[\\\"\\u00733cret-token\\\"]"] {
            let raw = |rest: &str| format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]{rest}}}"#);
            for form in [ReplyForm::Value, ReplyForm::Full] {
                let reply = from_result(&tool(false), raw(""), form, 1_000, &redactor).unwrap();
                assert!(!reply.contains("3cret") && reply.contains("[redacted]"), "{reply}");
            }
            let failed = raw(r#","isError":true"#);
            let error = from_result(&tool(false), failed, ReplyForm::Value, 1_000, &redactor).unwrap_err();
            assert!(!format!("{error:?}").contains("3cret"), "{error:?}");
        }
    }
}
