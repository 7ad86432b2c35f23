//! Upstreams against scripted peers: pipes in the same process, HTTP on loopback, and children.

mod http;
mod pipe;
mod stdio;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::tool::ToolName;

fn tool(name: &str) -> Tool {
    Tool {
        name: ToolName::parse(name).unwrap(),
        title: None,
        description: None,
        input_schema: None,
        output_schema: None,
        annotations: None,
    }
}

fn within(time: Duration) -> CallLimits {
    CallLimits { execution: "1".into(), reply_bytes: 4 << 20, deadline: Instant::now() + time }
}

/// The reply to `x.y` with `arguments`, within 30 seconds.
async fn call(upstream: &Upstream, arguments: Value) -> ToolReply {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    upstream.call(&tool("x.y"), arguments, ReplyForm::Value, &within(Duration::from_secs(30))).await
}

/// Why the upstream last failed.
fn last_error(upstream: &Upstream) -> String {
    upstream.last_error().unwrap()
}

/// Waits until the upstream's tools may have changed.
async fn changed(upstream: &Upstream) {
    while upstream.changes() == 0 {
        tokio::task::yield_now().await;
    }
}

fn code(reply: ToolReply) -> (ErrorCode, String) {
    let error = reply.expect_err("the call should have failed");
    (error.code, error.message)
}

fn initialize_result() -> Value {
    json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {"listChanged": true}},
        "serverInfo": {"name": "scripted", "version": "1"},
    })
}

fn text_result(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

fn response(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

#[tokio::test]
async fn local_functions_are_tools() {
    async fn function(arguments: Map<String, Value>, context: CallContext) -> Result<Value, LocalToolError> {
        match arguments.get("do").and_then(Value::as_str) {
            Some("fail") => Err(LocalToolError { message: "no".into(), content: json!({"why": 1}) }),
            Some("panic") => panic!("in a tool"),
            Some("hang") => std::future::pending().await,
            Some("big") => Ok(Value::from("x".repeat(5 << 20))),
            Some("fail with much") => Err(LocalToolError { message: "no".into(), content: "x".repeat(5 << 20).into() }),
            Some("fail with many words") => Err(LocalToolError::new("x".repeat(5 << 20))),
            _ => Ok(json!({"tool": context.tool, "got": arguments})),
        }
    }
    let upstream = Upstream::local("x", vec![LocalTool::new("y", function)]).unwrap();
    assert_eq!(upstream.list_tools().await.unwrap().tools, [tool("x.y")]);
    let reply = call(&upstream, json!({"a": 1})).await.unwrap();
    assert_eq!(reply, r#"{"tool":"x.y","got":{"a":1}}"#);
    let full = Map::from_iter([("a".to_owned(), 1.into())]);
    let full = upstream.call(&tool("x.y"), full, ReplyForm::Full, &within(Duration::from_secs(30))).await.unwrap();
    assert_eq!(full, format!(r#"{{"content":[],"structuredContent":{reply}}}"#));
    let arguments = Map::from_iter([("a".to_owned(), 1.into())]);
    for (form, is_allowed) in [(ReplyForm::Value, true), (ReplyForm::Full, true), (ReplyForm::Value, false)] {
        let reply_bytes = full.len() as u64 - u64::from(!is_allowed);
        let limits = CallLimits { reply_bytes, ..within(Duration::from_secs(30)) };
        let reply = upstream.call(&tool("x.y"), arguments.clone(), form, &limits).await;
        assert_eq!(reply.is_ok(), is_allowed, "the whole result counts");
    }
    let failed = call(&upstream, json!({"do": "fail"})).await.unwrap_err();
    assert_eq!(
        (failed.code, failed.message.as_str(), failed.content),
        (ErrorCode::ToolFailed, "no", json!({"why": 1}))
    );
    assert_eq!(
        code(call(&upstream, json!({"do": "panic"})).await),
        (ErrorCode::ToolFailed, "tool `x.y` panicked".into())
    );
    for large in ["big", "fail with much", "fail with many words"] {
        let refused = call(&upstream, json!({"do": large})).await.unwrap_err();
        assert_eq!((refused.code, refused.content), (ErrorCode::ReplyTooLarge, Value::Null), "{large}");
    }
    let arguments = Map::from_iter([("do".to_owned(), "hang".into())]);
    let hung = upstream.call(&tool("x.y"), arguments, ReplyForm::Value, &within(Duration::from_millis(1))).await;
    assert_eq!(code(hung).0, ErrorCode::UpstreamTimeout);
    let unknown = upstream.call(&tool("x.z"), Map::new(), ReplyForm::Value, &within(Duration::from_secs(1))).await;
    assert_eq!(code(unknown), (ErrorCode::ToolNotFound, "tool `x.z` does not exist".into()));
    let twice = vec![LocalTool::new("y", function), LocalTool::new("y", function)];
    assert_eq!(Upstream::local("x", twice).unwrap_err().to_string(), "tool `x.y` is defined twice");
    assert!(
        Upstream::local("x__y", vec![]).is_err()
            && Upstream::local("x", vec![LocalTool::new("a b", function)]).is_err()
    );
}

#[test]
fn u33_a_credential_is_not_sent_in_the_clear_on_a_public_way() {
    let connectable = |url: &str, allow_private| {
        let credential = Some(Credential::Bearer(Secret::new("hunter2hunter2")));
        let kind = UpstreamKind::Http { url: Url::parse(url).unwrap(), allow_private, credential };
        Upstream::connectable(UpstreamConfig::new("x", kind)).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(
        connectable("http://example.com/mcp", false).unwrap_err(),
        "upstream `x`: its credential would be sent in the clear, expected an `https` URL, or `allow_private: true` where \
         the way to it is private"
    );
    assert_eq!(connectable("https://example.com/mcp", false), Ok(()));
    assert_eq!(connectable("http://10.0.0.5/mcp", true), Ok(()));
}

#[test]
fn u35_a_config_does_not_show_its_secrets() {
    let url = Url::parse("https://example.com/mcp?token=hunter2hunter2").unwrap();
    let credential = Some(Credential::Bearer(Secret::new("hunter2hunter2")));
    let config = UpstreamConfig::new("x", UpstreamKind::Http { url, allow_private: false, credential });
    let env = BTreeMap::from([("T".to_owned(), EnvValue::Secret(Secret::new("hunter2hunter2")))]);
    let kind = UpstreamKind::Stdio { command: "c".into(), args: vec!["hunter2hunter2".into()], env, cwd: None };
    let shown = format!("{config:?} {kind:?} {:?}", Upstream::connectable(config.clone()).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn u01_a_private_url_is_refused_before_anything_else() {
    for url in ["http://127.0.0.1:1/", "http://[::ffff:7f00:1]/", "http://localhost/", "http://2130706433/"] {
        let url = Url::parse(url).unwrap();
        let kind = UpstreamKind::Http { url: url.clone(), allow_private: false, credential: None };
        let config = UpstreamConfig::new("x", kind);
        let error = Upstream::connectable(config).unwrap_err();
        assert_eq!((error.code(), error.upstream()), (ErrorCode::AddressDenied, Some("x")), "{url}");
    }
}
