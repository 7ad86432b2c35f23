//! Real children that speak MCP over their standard streams.

use std::path::Path;

use super::*;

/// A server whose tool does what its argument `do` says.
const SERVER: &str = r#"
import json, os, subprocess, sys, time
def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
print("secret in env:", os.environ.get("TOKEN", os.environ.get("LONG")), file=sys.stderr, flush=True)
if os.environ.get("FAIL"):
    print("cannot find module x", file=sys.stderr, flush=True)
    sys.exit(1)
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "initialize":
        send({"jsonrpc": "2.0", "id": message["id"], "result": {"protocolVersion": "2024-11-05", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}})
    elif message["method"] == "tools/list":
        send({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": [{"name": "y", "inputSchema": {"type": "object"}}]}})
    elif message["method"] == "tools/call":
        arguments = message["params"]["arguments"]
        what = arguments["do"]
        if what == "exit":
            print("giving up", file=sys.stderr, flush=True)
            os._exit(3)
        if what == "leave":
            os._exit(0)
        if what == "kill":
            sys.stdout.write('{"jsonrpc":"2.0","id":')
            sys.stdout.flush()
            os.kill(os.getpid(), 9)
        if what == "close":
            os.close(1)
            time.sleep(1000)
        if what == "deaf":
            os.close(0)
            send({"jsonrpc": "2.0", "id": message["id"], "result": {"content": [{"type": "text", "text": "deaf"}]}})
            time.sleep(1000)
        if what == "trickle":
            answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}).encode()
            for at in range(len(answer)):
                os.write(1, answer[at:at + 1])
                time.sleep(0.1)
        if what == "chatter":
            while True:
                send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
                time.sleep(0.01)
        if what == "answer and exit":
            send({"jsonrpc": "2.0", "id": message["id"], "result": {"content": [{"type": "text", "text": "x" * 1000000}]}})
            os._exit(0)
        if what == "flood":
            while True:
                os.write(1, b"x" * 65536)
        text = os.environ.get(arguments.get("name", ""), str(os.getpid()))
        send({"jsonrpc": "2.0", "id": message["id"], "result": {"content": [{"type": "text", "text": text}]}})
"#;

fn server(env: &[(&str, EnvValue)]) -> Upstream {
    let kind = UpstreamKind::Stdio {
        command: "python3".into(),
        args: vec!["-c".into(), SERVER.into()],
        env: env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        cwd: None,
    };
    Upstream::connectable(UpstreamConfig::new("x", kind)).unwrap()
}

fn token() -> EnvValue {
    EnvValue::Secret(Secret::new("s3cret-token-2"))
}

async fn pid(upstream: &Upstream) -> String {
    call(upstream, json!({"do": "pid"})).await.unwrap()
}

#[tokio::test]
async fn a_child_lists_and_answers_and_ends_with_its_upstream() {
    let upstream = server(&[]);
    let listing = upstream.list_tools().await.unwrap();
    assert_eq!(listing.tools[0].input_schema, Some(json!({"type": "object"})));
    let pid = pid(&upstream).await;
    assert!(Path::new("/proc").join(&pid).exists());
    upstream.close().await;
    assert!(!Path::new("/proc").join(&pid).exists());
}

#[tokio::test]
async fn k02_a_childs_secret_does_not_come_back() {
    let upstream = server(&[("TOKEN", token()), ("PLAIN", EnvValue::Plain("not a secret".into()))]);
    for (name, expected) in [("TOKEN", "\"[redacted]\""), ("PLAIN", "\"not a secret\"")] {
        assert_eq!(call(&upstream, json!({"do": "env", "name": name})).await.unwrap(), expected);
    }
    upstream.close().await;
}

#[tokio::test]
async fn u22_whatever_way_a_child_dies_it_is_told_within_a_second() {
    for what in ["exit", "leave", "kill", "close"] {
        let upstream = server(&[("TOKEN", token())]);
        let healthy = server(&[]);
        let (first, other) = (pid(&upstream).await, pid(&healthy).await);
        let start = Instant::now();
        let died = (
            ErrorCode::UpstreamDied,
            "upstream `x` ended before `x.y` answered, the call may have had its effect".into(),
        );
        assert_eq!(code(call(&upstream, json!({"do": what})).await), died);
        assert!(start.elapsed() < Duration::from_secs(1), "{what}: {:?}", start.elapsed());
        assert_eq!(pid(&healthy).await, other, "other upstreams go on");
        assert_ne!(pid(&upstream).await, first);
        let words = last_error(&upstream);
        assert!(words.contains("secret in env: [redacted]") && !words.contains("s3cret"), "{words}");
        assert_eq!(words.contains("giving up"), what == "exit", "{words}");
        upstream.close().await;
        healthy.close().await;
        // The first child is ended in the background: first asked, then killed.
        let gone = async {
            while Path::new("/proc").join(&first).exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(10), gone).await.is_ok(), "{what} leaves its child behind");
    }
}

#[tokio::test]
async fn u22_a_child_that_reads_no_more_is_dead() {
    let upstream = server(&[]);
    assert_eq!(call(&upstream, json!({"do": "deaf"})).await.unwrap(), "\"deaf\"");
    let start = Instant::now();
    let expected = "upstream `x` ended before `x.y` answered, the call may have had its effect";
    assert_eq!(code(call(&upstream, json!({"do": "pid"})).await), (ErrorCode::UpstreamDied, expected.into()));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(pid(&upstream).await.parse::<u32>().is_ok(), "the next call has a new child");
    upstream.close().await;
}

#[tokio::test]
async fn u21_a_slow_or_chattering_child_ends_at_the_deadline() {
    for what in ["trickle", "chatter"] {
        let upstream = server(&[]);
        let first = pid(&upstream).await;
        let arguments = Map::from_iter([("do".to_owned(), what.into())]);
        let reply = upstream.call(&tool("x.y"), arguments, ReplyForm::Value, &within(Duration::from_millis(500))).await;
        let expected = "upstream `x` did not answer `x.y` in time, the call may have had its effect";
        assert_eq!(code(reply), (ErrorCode::UpstreamTimeout, expected.into()), "{what}");
        upstream.close().await;
        assert!(!Path::new("/proc").join(&first).exists());
    }
}

#[tokio::test]
async fn an_answer_written_just_before_the_end_counts() {
    let upstream = server(&[]);
    let reply = call(&upstream, json!({"do": "answer and exit"})).await.unwrap();
    assert_eq!(reply.len(), 1_000_002);
    upstream.close().await;
}

#[tokio::test]
async fn u20_an_endless_line_ends_with_the_call() {
    let upstream = server(&[]);
    let pid = pid(&upstream).await;
    let arguments = Map::from_iter([("do".to_owned(), "flood".into())]);
    let reply = upstream.call(&tool("x.y"), arguments, ReplyForm::Value, &within(Duration::from_millis(500))).await;
    assert!(matches!(code(reply).0, ErrorCode::UpstreamTimeout | ErrorCode::UpstreamDied));
    upstream.close().await;
    assert!(!Path::new("/proc").join(&pid).exists());
}

#[tokio::test]
async fn u35_what_a_child_says_last_is_for_the_operator_and_redacted() {
    let upstream = server(&[("FAIL", EnvValue::Plain("1".into())), ("TOKEN", token())]);
    let error = upstream.list_tools().await.unwrap_err();
    assert_eq!((error.code(), error.upstream()), (ErrorCode::UpstreamUnavailable, Some("x")));
    let expected = "it ended before it answered `initialize`; its last words were: secret in env: [redacted] | cannot find module x";
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), expected);
    let (code, message) = code(call(&upstream, json!({})).await);
    assert_eq!(code, ErrorCode::UpstreamUnavailable);
    assert!(
        message.starts_with("upstream `x` is not available, it is tried again in ") && message.len() < 70,
        "{message}"
    );
}

#[tokio::test]
async fn u35_a_secret_is_redacted_before_lines_are_split_and_cut() {
    let long = format!("{}{}", "x".repeat(470), "y".repeat(40));
    for (name, secret) in [("TOKEN", "-----BEGIN KEY-----\nMIIEvQ-s3cret\n-----END KEY-----"), ("LONG", &long)] {
        let secret = EnvValue::Secret(Secret::new(secret));
        let upstream = server(&[("FAIL", EnvValue::Plain("1".into())), (name, secret)]);
        let error = upstream.list_tools().await.unwrap_err();
        let words = std::error::Error::source(&error).unwrap().to_string();
        assert!(!words.contains("s3cret") && !words.contains("KEY") && !words.contains("xxx"), "{words}");
        assert!(words.contains("[redacted]"), "{words}");
    }
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named() {
    let kind = UpstreamKind::Stdio { command: "/nonexistent".into(), args: vec![], env: BTreeMap::new(), cwd: None };
    let error = Upstream::connectable(UpstreamConfig::new("x", kind)).unwrap().list_tools().await.unwrap_err();
    assert!(
        error.to_string().ends_with(": cannot start `/nonexistent`: No such file or directory (os error 2)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_dropped_upstream_takes_its_child_along() {
    let upstream = server(&[]);
    let pid = pid(&upstream).await;
    drop(upstream);
    while Path::new("/proc").join(&pid).exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn s12_a_child_that_is_still_being_connected_to_ends_with_its_upstream() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    // It heeds neither the end of its input nor SIGTERM, and never answers.
    let script = "import os, signal, sys, time\n\
                  signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                  open(sys.argv[1] + '~', 'w').write(str(os.getpid()))\n\
                  os.rename(sys.argv[1] + '~', sys.argv[1])\n\
                  time.sleep(1000)";
    let args = vec!["-c".into(), script.into(), file.to_str().unwrap().into()];
    let kind = UpstreamKind::Stdio { command: "python3".into(), args, env: BTreeMap::new(), cwd: None };
    let upstream = Upstream::connectable(UpstreamConfig::new("x", kind)).unwrap();
    let closed = async {
        let pid = loop {
            match std::fs::read_to_string(&file) {
                Ok(pid) => break pid,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        upstream.close().await;
        Path::new("/proc").join(pid).exists()
    };
    let (listed, lives) = tokio::join!(upstream.list_tools(), closed);
    let error = listed.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::ShutDown, "upstream `x`: it is shut down"));
    assert!(!lives, "the child outlives its upstream");
}
