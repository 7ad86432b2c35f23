//! The tools that every conformance case finds: the contract is in tests/conformance/README.md.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conduit_core::{LocalTool, LocalToolError};
use serde_json::{Map, Value, json};

type Arguments = Map<String, Value>;

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn field(arguments: &Arguments, name: &str) -> Value {
    arguments.get(name).cloned().unwrap_or_default()
}

fn whole(arguments: &Arguments, name: &str) -> u64 {
    field(arguments, name).as_u64().unwrap_or_default()
}

/// A tool that gives what `value` makes of its arguments.
fn simple(name: &str, schema: Value, value: fn(&Arguments) -> Value) -> LocalTool {
    LocalTool::new(name, move |arguments, _| {
        let value = value(&arguments);
        async move { Ok(value) }
    })
    .input_schema(schema)
    .description(format!("The tool {name} of the conformance cases."))
}

/// The tools of the upstream `test`; what `test.count` counts begins anew with each set.
pub fn test_tools() -> Vec<LocalTool> {
    let integer = json!({ "type": "integer" });
    let text = json!({ "type": "string" });
    let mut tools = vec![
        simple("echo", object(json!({ "value": {} }), &[]), |arguments| field(arguments, "value")),
        simple("add", object(json!({ "a": integer, "b": integer }), &["a", "b"]), |arguments| {
            json!({ "sum": field(arguments, "a").as_i64().unwrap() + field(arguments, "b").as_i64().unwrap() })
        })
        .output_schema(object(json!({ "sum": integer }), &["sum"])),
        simple("text", object(json!({ "text": text }), &["text"]), |arguments| field(arguments, "text")),
        simple("big", object(json!({ "bytes": integer }), &["bytes"]), |arguments| {
            Value::from("x".repeat(usize::try_from(whole(arguments, "bytes")).unwrap()))
        }),
        simple("get-invoice", object(json!({ "id": text }), &["id"]), |arguments| json!({ "id": field(arguments, "id") })),
        simple("class", object(json!({ "x": integer }), &[]), |arguments| json!({ "x": field(arguments, "x") })),
        LocalTool::new("no_schema", |arguments, _| async move { Ok(Value::Object(arguments)) }),
        LocalTool::new("never", |_, _| std::future::pending()).input_schema(object(json!({}), &[])),
        LocalTool::new("fail", |arguments, _| async move {
            let message = field(&arguments, "message").as_str().unwrap_or_default().to_owned();
            let content = json!([{ "type": "text", "text": message }]);
            Err(LocalToolError { message, content })
        })
        .input_schema(object(json!({ "message": text }), &["message"])),
    ];
    tools.extend(counting());
    tools
}

/// `sleep`, and `count`, which tells how many slept at once.
fn counting() -> [LocalTool; 2] {
    let (calls, now, peak) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let seen = Arc::clone(&peak);
    let sleep = LocalTool::new("sleep", move |arguments, _| {
        let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(whole(&arguments, "ms"))).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(field(&arguments, "ms"))
        }
    });
    let count = LocalTool::new("count", move |_, _| {
        let counts = json!({ "calls": calls.fetch_add(1, Ordering::SeqCst) + 1, "peak": seen.load(Ordering::SeqCst) });
        async move { Ok(counts) }
    });
    let schema = object(json!({ "ms": { "type": "integer" } }), &["ms"]);
    [sleep.input_schema(schema), count.input_schema(object(json!({}), &[]))]
}

/// The upstream `other`, which no case's default policy allows.
pub fn other_tools() -> Vec<LocalTool> {
    vec![simple("secret", object(json!({}), &[]), |_| json!("secret"))]
}

/// The upstream `down`, as a config has it: nobody listens at its port.
pub fn down() -> Value {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    json!({ "id": "down", "type": "streamable_http", "url": url, "allow_private": true })
}
