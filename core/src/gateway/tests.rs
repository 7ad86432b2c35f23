//! The boundary, asked as a program's host asks it.

mod lists;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, split};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::credentials::Secret;
use crate::limits::Limits;
use crate::model::Event;
use crate::tool::{ReplyForm, ToolError, ToolPattern, ToolReply};
use crate::upstream::{CallContext, CallLimits, LocalTool, LocalToolError, UpstreamConfig, UpstreamKind};

/// The calls that reached an upstream: the tool, and the arguments as they arrived.
type Seen = Arc<Mutex<Vec<(String, Value)>>>;

fn noting(seen: &Seen, name: &str) -> LocalTool {
    let seen = Arc::clone(seen);
    LocalTool::new(name, move |arguments: Map<String, Value>, context: CallContext| {
        let hang = arguments.contains_key("hang");
        let reply = arguments.get("reply").cloned().unwrap_or_else(|| "done".into());
        seen.lock().unwrap().push((context.tool.to_string(), arguments.into()));
        async move {
            match (hang, reply) {
                (true, _) => std::future::pending().await,
                (_, Value::Null) => Err(LocalToolError::new("it failed")),
                (_, reply) => Ok(reply),
            }
        }
    })
}

fn local(seen: &Seen, id: &str, names: &[&str]) -> Upstream {
    Upstream::local(id, names.iter().map(|name| noting(seen, name)).collect()).unwrap()
}

fn policy(patterns: &[&str]) -> Policy {
    Policy::allow(patterns.iter().map(|pattern| ToolPattern::parse(pattern).unwrap()))
}

fn limits() -> GateLimits {
    GateLimits::new(&Limits::default(), "1", Instant::now() + Duration::from_secs(30))
}

fn small_replies(reply_bytes: u64) -> GateLimits {
    let limits = limits();
    GateLimits { call: CallLimits { reply_bytes, ..limits.call }, ..limits }
}

fn gateway(upstreams: Vec<Upstream>) -> Arc<Gateway> {
    Arc::new(Gateway::new(upstreams, Strictness::Permissive).unwrap())
}

fn gate(upstreams: Vec<Upstream>, patterns: &[&str]) -> Gate {
    gateway(upstreams).open(policy(patterns), Language::TypeScript, limits(), None)
}

async fn call(gate: &Gate, name: &str, arguments: &str) -> ToolReply {
    gate.call(name, ReplyForm::Value, Ok(arguments.into())).await
}

async fn refusal(gate: &Gate, name: &str) -> ToolError {
    call(gate, name, "{}").await.expect_err(name)
}

async fn ask(gate: &Gate, question: Question, name: &str, arguments: &str) -> Value {
    serde_json::from_str(&gate.ask(question, name, Ok(arguments.into())).await.unwrap()).unwrap()
}

/// An MCP server `id` that offers `names`, and how often it was asked for them. It takes eleven seconds for a list that begins
/// with `slow` and refuses one that begins with `none`. It notes calls, tells of a change before it answers one with the
/// argument `change`, never answers one with `hang`, and gives back the argument `reply`.
fn server(seen: &Seen, id: &str, names: &'static [&'static str]) -> (Upstream, Arc<AtomicUsize>) {
    let (config, listings) = server_config(seen, id, names, None);
    (Upstream::connectable(config).unwrap(), listings)
}

fn server_config(
    seen: &Seen,
    id: &str,
    names: &'static [&'static str],
    secret: Option<Secret>,
) -> (UpstreamConfig, Arc<AtomicUsize>) {
    let listings = Arc::new(AtomicUsize::new(0));
    let (counter, seen) = (Arc::clone(&listings), Arc::clone(seen));
    let dial = move || {
        let (client, server) = duplex(64 << 10);
        tokio::spawn(serve(server, names, Arc::clone(&counter), Arc::clone(&seen)));
        client
    };
    (UpstreamConfig::new(id, UpstreamKind::Pipe(Arc::new(dial), secret)), listings)
}

async fn serve(stream: DuplexStream, names: &[&str], listings: Arc<AtomicUsize>, seen: Seen) {
    let (reader, mut writer) = split(stream);
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message: Value = serde_json::from_str(&line).unwrap();
        let params = &message["params"];
        let result = match message["method"].as_str().unwrap() {
            "initialize" => json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {"listChanged": true}},
                "serverInfo": {"name": "scripted", "version": "1"},
            }),
            "tools/list" => {
                listings.fetch_add(1, Ordering::SeqCst);
                if names.first() == Some(&"slow") {
                    tokio::time::sleep(Duration::from_secs(11)).await;
                }
                if names.first() == Some(&"none") {
                    let error = json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": 1, "message": "no"}});
                    writer.write_all(format!("{error}\n").as_bytes()).await.unwrap();
                    continue;
                }
                let tools: Vec<_> =
                    names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect();
                json!({ "tools": tools })
            }
            "tools/call" => {
                seen.lock().unwrap().push((params["name"].as_str().unwrap().to_owned(), params.clone()));
                if params["arguments"]["hang"] == true {
                    continue;
                }
                if params["arguments"]["change"] == true {
                    let change = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
                    writer.write_all(format!("{change}\n").as_bytes()).await.unwrap();
                }
                let text = params["arguments"]["reply"].as_str().unwrap_or("{\"done\":true}");
                json!({"content": [{"type": "text", "text": text}]})
            }
            _ => continue,
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        writer.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn t01_only_the_allowed_tools_own_names_reach_it() {
    let seen = Seen::default();
    let git = local(&seen, "git", &["create_issue", "Create_Issue", "delete_all", "cafe"]);
    let gate = gate(vec![git, local(&seen, "git2", &["create_issue"])], &["git.create_issue", "git.cafe"]);
    for name in [
        "git.Create_Issue",
        "git.CREATE_ISSUE",
        "git.CreateIssue",
        "Git.create_issue",
        "GIT.create_issue",
        "git.create_\u{456}ssue",
        "git.\u{ff43}reate_issue",
        "git.caf\u{e9}",
        "git.cafe\u{301}",
        "git.create\u{200b}_issue",
        "git.create_issue\u{feff}",
        "git.create_issue ",
        " git.create_issue",
        "git.create_issue\0",
        "git.create_issue\n",
        "git.create%5fissue",
        "git%2ecreate_issue",
        "git__create_issue",
        "git/create_issue",
        "git..create_issue",
        "git.git.create_issue",
        "git2.create_issue",
        ".create_issue",
        "create_issue",
        "git.",
        "git",
        "",
        "git.delete_all",
        "git.deleteAll",
        "git.*",
        "git.__proto__",
    ] {
        assert_eq!(refusal(&gate, name).await.code, ErrorCode::ToolNotFound, "{name:?}");
    }
    assert_eq!(*seen.lock().unwrap(), []);
    for name in ["git.create_issue", "git.createIssue"] {
        assert_eq!(call(&gate, name, "{}").await.unwrap(), "\"done\"");
    }
    assert_eq!(seen.lock().unwrap().iter().filter(|(tool, _)| tool == "git.create_issue").count(), 2);
}

#[tokio::test]
async fn t02_a_pattern_covers_whole_segments_and_a_request_only_narrows() {
    let seen = Seen::default();
    let upstreams =
        || ["git", "git2", "x"].map(|id| local(&seen, id, &["git", "create", "issue.a", "issues.a"])).into();
    let reached = |patterns: &'static [&'static str], narrowed: Option<&'static [&'static str]>| {
        let narrowed =
            narrowed.map(|list| list.iter().map(|text| ToolPattern::parse(text).unwrap()).collect::<Vec<_>>());
        let gate = gateway(upstreams()).open(
            policy(patterns).narrow(narrowed.as_deref()),
            Language::TypeScript,
            limits(),
            None,
        );
        async move {
            let mut reached = Vec::new();
            for id in ["git", "git2", "x"] {
                for tool in ["git", "create", "issue.a", "issues.a"] {
                    let name = format!("{id}.{tool}");
                    if call(&gate, &name, "{}").await.is_ok() {
                        reached.push(name);
                    }
                }
            }
            reached.join(" ")
        }
    };
    assert_eq!(reached(&["git.*"], None).await, "git.git git.create git.issue.a git.issues.a");
    assert_eq!(reached(&["git.issue.*"], None).await, "git.issue.a");
    assert_eq!(reached(&["*"], Some(&["git2.create", "x.create"])).await, "git2.create x.create");
    assert_eq!(reached(&["git.*"], Some(&["git2.create"])).await, "");
    assert_eq!(reached(&["git.create"], Some(&["*"])).await, "git.create");
    assert_eq!(reached(&["*"], Some(&[])).await, "");
    assert_eq!(reached(&[], None).await, "");
    assert_eq!(seen.lock().unwrap().len(), 8);
}

#[tokio::test]
async fn t04_a_denied_tool_is_as_one_that_does_not_exist() {
    let seen = Seen::default();
    let git = || local(&seen, "git", &["create_issue", "create_issues", "wipe_everything"]);
    let gate = gate(vec![git(), local(&seen, "vault", &["read"])], &["git.create_issue"]);
    for (denied, unknown) in [
        ("git.wipe_everything", "git.nothing_like_any"),
        ("git.wipeEverything", "git.nothingLikeAny"),
        ("git.create_issues", "git.create_issuez"),
        ("vault.read", "other.read"),
        ("vault.nothing", "other.nothing"),
    ] {
        let mut texts = Vec::new();
        for name in [denied, unknown] {
            let error = refusal(&gate, name).await;
            assert_eq!(
                (error.code, error.tool.as_str(), &error.content),
                (ErrorCode::ToolNotFound, name, &Value::Null)
            );
            texts.push(error.message.replace(&format!("no tool `{name}`"), "no tool"));
            let described = gate.ask(Question::Describe, name, Ok("null".into())).await;
            assert_eq!(described, Err(error));
        }
        assert_eq!(texts[0], texts[1], "{denied} and {unknown}");
        assert!(!texts[0].contains("wipe") && !texts[0].contains("issues") && !texts[0].contains("vault"), "{texts:?}");
    }
    let near = refusal(&gate, "git.create_issues").await;
    assert_eq!(
        near.message,
        "there is no tool `git.create_issues`, the nearest are `git.create_issue`; `tools.$list()` gives those that there are"
    );
    let far = refusal(&gate, "git.wipe_everything").await;
    assert_eq!(far.message, "there is no tool `git.wipe_everything`; `tools.$list()` gives those that there are");
    assert_eq!(*seen.lock().unwrap(), []);
}

#[tokio::test]
async fn t04_an_upstream_out_of_reach_is_never_asked() {
    let seen = Seen::default();
    let (near, near_listings) = server(&seen, "near", &["read"]);
    let (far, far_listings) = server(&seen, "far", &["read"]);
    let gateway = gateway(vec![near, far]);
    let gate = gateway.open(policy(&["near.*"]), Language::TypeScript, limits(), None);
    assert_eq!(call(&gate, "near.read", "{}").await.unwrap(), r#"{"done":true}"#);
    for name in ["far.read", "far.reads", "far.", "far"] {
        assert_eq!(refusal(&gate, name).await.code, ErrorCode::ToolNotFound);
    }
    assert_eq!(ask(&gate, Question::List, "", "null").await.as_array().unwrap().len(), 1);
    assert_eq!(ask(&gate, Question::Search, "", "\"read\"").await.as_array().unwrap().len(), 1);
    assert_eq!(gateway.upstream_ids(&policy(&["near.*"])), ["near"]);
    let count = |listings: &AtomicUsize| listings.load(Ordering::SeqCst);
    assert_eq!((count(&near_listings), count(&far_listings), seen.lock().unwrap().len()), (1, 0, 1));
    // A list that another execution fetched is not told from either.
    assert!(
        call(&gateway.open(policy(&["far.*"]), Language::TypeScript, limits(), None), "far.read", "{}").await.is_ok()
    );
    assert!(refusal(&gate, "far.reads").await.message.ends_with("gives those that there are"));
}

#[tokio::test]
async fn t04_a_denied_tool_leaves_the_aliases_of_others_alone() {
    let seen = Seen::default();
    let upstream = || local(&seen, "pay", &["get-invoice", "get_invoice", "pay-all"]);
    let narrow = gate(vec![upstream()], &["pay.get-invoice"]);
    for name in ["pay.get-invoice", "pay.getInvoice", "pay.get_invoice"] {
        call(&narrow, name, "{}").await.unwrap();
    }
    assert!(seen.lock().unwrap().iter().all(|(tool, _)| tool == "pay.get-invoice"));
    // With both, each has its own name and neither the alias.
    let wide = gate(vec![upstream()], &["pay.*"]);
    call(&wide, "pay.get_invoice", "{}").await.unwrap();
    assert_eq!(seen.lock().unwrap().last().unwrap().0, "pay.get_invoice");
    assert_eq!(refusal(&wide, "pay.getInvoice").await.code, ErrorCode::ToolNotFound);
    // An alias is no way around the policy.
    for name in ["pay.pay-all", "pay.pay_all", "pay.payAll"] {
        assert_eq!(refusal(&narrow, name).await.code, ErrorCode::ToolNotFound);
    }
    assert_eq!(seen.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn t04_discovery_shows_only_what_is_allowed() {
    let seen = Seen::default();
    let upstreams = vec![
        local(&seen, "git", &["list_issues", "list_secrets"]),
        local(&seen, "vault", &["list_keys"]),
        local(&seen, "chat", &["list_rooms"]),
    ];
    let gate = gate(upstreams, &["git.list_issues", "chat.*"]);
    let names = |answer: Value| {
        let names: Vec<_> =
            answer.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        names.join(" ")
    };
    assert_eq!(names(ask(&gate, Question::List, "", "null").await), "git.list_issues chat.list_rooms");
    let mut found: Vec<_> =
        names(ask(&gate, Question::Search, "", "\"list secrets keys\"").await).split(' ').map(str::to_owned).collect();
    found.sort();
    assert_eq!(found, ["chat.list_rooms", "git.list_issues"]);
    let described = ask(&gate, Question::Describe, "git.listIssues", "null").await;
    assert_eq!(described["name"], "git.list_issues");
    assert!(described["declaration"].as_str().unwrap().contains("list_issues"));
    for query in [Ok("1".into()), Ok("\"\"".into()), Ok(format!("\"{}\"", "x".repeat(2_000)).into()), Err(1 << 30)] {
        let error = gate.ask(Question::Search, "", query).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArguments);
    }
}

#[tokio::test]
async fn t05_conduits_own_functions_are_no_tools() {
    let seen = Seen::default();
    let gate = gate(vec![local(&seen, "git", &["create"])], &["*"]);
    for name in [
        "conduit.execute_typescript",
        "conduit.execute",
        "conduit.search_tools",
        "execute_typescript",
        "$call",
        "$search",
        "git.$call",
        "git.$search",
        "$describe",
        "host.execute",
    ] {
        assert_eq!(refusal(&gate, name).await.code, ErrorCode::ToolNotFound, "{name}");
    }
    assert_eq!(*seen.lock().unwrap(), []);
}

#[tokio::test]
async fn t06_what_looks_like_authority_is_data() {
    let seen = Seen::default();
    let (git, _) = server(&seen, "git", &["create", "delete"]);
    let gate = gate(vec![git], &["git.create"]);
    let arguments = json!({
        "_meta": {"progressToken": "mine", "allowedTools": ["*"]}, "allowedTools": ["*"], "allow": ["*"],
        "limits": {"call_bytes": 1_u64 << 40}, "auth": "Bearer x", "tenant": "other", "strict": false, "name": "delete",
    });
    call(&gate, "git.create", &arguments.to_string()).await.unwrap();
    assert_eq!(refusal(&gate, "git.delete").await.code, ErrorCode::ToolNotFound);
    let seen = seen.lock().unwrap();
    let (name, params) = &seen[0];
    assert_eq!((seen.len(), name.as_str(), &params["arguments"]), (1, "create", &arguments));
    assert_ne!(params["_meta"]["progressToken"], "mine");
    let fields: Vec<_> = params.as_object().unwrap().keys().filter(|key| *key != "_meta").collect();
    assert_eq!(fields, ["name", "arguments"]);
}

fn typed(seen: &Seen) -> Upstream {
    let schema = json!({
        "type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "required": ["n"],
    });
    let tools = vec![
        noting(seen, "typed").input_schema(schema),
        noting(seen, "untyped"),
        noting(seen, "broken").input_schema(json!({"$ref": "https://example.com/schema"})),
    ];
    Upstream::local("x", tools).unwrap()
}

/// Refused by every mode: text that is no object of JSON, and shapes that nothing may have.
fn never() -> Vec<String> {
    let deep = format!("{{\"n\":1,\"s\":{}{}}}", "[".repeat(120), "]".repeat(120));
    let wide = format!("{{\"n\":1,\"s\":[{}0]}}", "0,".repeat(200_000));
    let properties: String = (0..100_000).map(|at| format!(",\"p{at}\":1")).collect();
    let many = format!("{{\"n\":1{properties}}}");
    let texts =
        ["", "1", "[]", "null", "\"{}\"", "{", "{}{}", "{\"n\":NaN}", "{\"n\":Infinity}", "{\"n\":1e999}", "{'n':1}"];
    let own = ["{\"n\":1,\"__proto__\":{}}", "{\"n\":1,\"o\":{\"__proto__\":1}}", "{\"n\":1,\"\\u005f_proto__\":1}"];
    texts.into_iter().chain(own).map(str::to_owned).chain([deep, wide, many]).collect()
}

/// Against the schema of `x.typed`: a strict gateway and a permissive one refuse these.
const MISFITS: [&str; 6] =
    [r#"{}"#, r#"{"n":"1"}"#, r#"{"n":1.5}"#, r#"{"n":null}"#, r#"{"n":1,"s":1}"#, r#"{"n":true}"#];
/// Only a strict one refuses these.
const SURPLUS: [&str; 3] = [r#"{"n":1,"x":2}"#, r#"{"n":1,"constructor":1}"#, r#"{"n":1,"N":1}"#];
/// What is sent for what both take: the value that was validated.
const FITTING: [(&str, &str); 6] = [
    (r#"{"n":1}"#, r#"{"n":1}"#),
    (r#"{"n":9007199254740993}"#, r#"{"n":9007199254740993}"#),
    (r#"{ "s" : "\u0061", "n" : 2 }"#, r#"{"n":2,"s":"a"}"#),
    (r#"{"n":"1","n":2}"#, r#"{"n":2}"#),
    (r#"{"n":1.0}"#, r#"{"n":1.0}"#),
    (r#"{"n":-0}"#, r#"{"n":-0}"#),
];

async fn table(strictness: Strictness) {
    let seen = Seen::default();
    let gateway = Arc::new(Gateway::new(vec![typed(&seen)], strictness).unwrap());
    let gate = gateway.open(policy(&["*"]), Language::TypeScript, limits(), None);
    let strict = strictness == Strictness::Strict;
    let surplus = SURPLUS.into_iter().filter(|_| strict);
    let duplicate = [r#"{"n":1,"n":"2"}"#];
    let refused = MISFITS.into_iter().chain(surplus).chain(duplicate).map(str::to_owned).chain(never());
    for arguments in refused {
        let error = call(&gate, "x.typed", &arguments).await.expect_err(&arguments);
        assert_eq!((error.code, error.tool.as_str()), (ErrorCode::InvalidArguments, "x.typed"), "{arguments:.80}");
    }
    let broken = call(&gate, "x.broken", "{}").await.unwrap_err();
    assert_eq!(broken.code, ErrorCode::InvalidSchema);
    for arguments in never() {
        assert!(call(&gate, "x.untyped", &arguments).await.is_err(), "{arguments:.80}");
    }
    assert_eq!(*seen.lock().unwrap(), [], "nothing is dispatched on refusal");
    let passed = SURPLUS.into_iter().filter(|_| !strict).map(|arguments| (arguments, arguments));
    for (arguments, sent) in FITTING.into_iter().chain(passed) {
        call(&gate, "x.typed", arguments).await.unwrap_or_else(|error| panic!("{arguments}: {error:?}"));
        let (_, received) = seen.lock().unwrap().pop().unwrap();
        assert_eq!(received, serde_json::from_str::<Value>(sent).unwrap());
        assert_eq!(received["n"].to_string(), serde_json::from_str::<Value>(sent).unwrap()["n"].to_string());
    }
    let untyped = call(&gate, "x.untyped", r#"{"any":1}"#).await;
    match strictness {
        Strictness::Strict => assert_eq!(untyped.unwrap_err().code, ErrorCode::MissingSchema),
        Strictness::Permissive => assert_eq!(untyped.unwrap(), "\"done\""),
    }
    assert_eq!(seen.lock().unwrap().len(), usize::from(!strict));
}

#[tokio::test]
async fn t07_strict_validation_refuses_before_anything_is_sent() {
    table(Strictness::Strict).await;
}

#[tokio::test]
async fn t09_permissive_validation_passes_only_what_the_schema_leaves_open() {
    table(Strictness::Permissive).await;
}

#[tokio::test]
async fn t07_a_refusal_tells_the_model_where_the_schema_is() {
    let gate = gate(vec![typed(&Seen::default())], &["*"]);
    let error = call(&gate, "x.typed", "{}").await.unwrap_err();
    let expected =
        "the arguments do not fit: missing required property `n`; `tools.$describe(\"x.typed\")` gives the schema";
    assert_eq!(error.message, expected);
}

#[tokio::test]
async fn r20_arguments_that_are_too_large_are_refused_by_their_size_alone() {
    let seen = Seen::default();
    let gate = gate(vec![local(&seen, "x", &["y"])], &["x.y"]);
    let error = gate.call("x.y", ReplyForm::Value, Err(5_000_000)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ArgumentsTooLarge);
    assert_eq!(
        error.message,
        "the arguments have 5000000 bytes, over the limit `call_size` of 1048576 bytes, send less at a time"
    );
    // Who may not call learns nothing from the size.
    assert_eq!(gate.call("x.z", ReplyForm::Value, Err(5_000_000)).await.unwrap_err().code, ErrorCode::ToolNotFound);
    assert_eq!(*seen.lock().unwrap(), []);
    assert_eq!(gate.take_records()[0].arguments_bytes, 5_000_000);
}

#[tokio::test]
async fn u20_a_reply_above_the_executions_limit_does_not_come_back() {
    let seen = Seen::default();
    let small = small_replies(60);
    let gate = gateway(vec![local(&seen, "x", &["y"])]).open(policy(&["*"]), Language::TypeScript, small, None);
    assert!(call(&gate, "x.y", r#"{"reply":"short"}"#).await.is_ok());
    // The value fits, the whole result around it does not.
    for reply in ["x".repeat(40), "x".repeat(10_000)] {
        let error = call(&gate, "x.y", &json!({ "reply": reply }).to_string()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ReplyTooLarge);
    }
    let codes: Vec<_> = gate.take_records().into_iter().map(|record| (record.error, record.reply_bytes)).collect();
    assert_eq!(codes, [(None, 7), (Some(ErrorCode::ReplyTooLarge), 0), (Some(ErrorCode::ReplyTooLarge), 0)]);
}

#[tokio::test]
async fn u20_a_reply_that_redaction_makes_longer_than_the_limit_does_not_come_back() {
    let (config, _) = server_config(&Seen::default(), "x", &["y"], Some(Secret::new("8-bytes!")));
    let upstream = Upstream::connectable(config).unwrap();
    let gateway = gateway(vec![upstream]);
    let reply = "8-bytes!".repeat(100);
    let sent = json!({"content": [{"type": "text", "text": reply}]}).to_string().len() as u64;
    let redacted = 2 + 100 * "[redacted]".len() as u64;
    assert!(sent < redacted - 1);
    for (reply_bytes, expected) in
        [(redacted, None), (redacted - 1, Some(ErrorCode::ReplyTooLarge)), (sent, Some(ErrorCode::ReplyTooLarge))]
    {
        let gate = gateway.open(policy(&["*"]), Language::TypeScript, small_replies(reply_bytes), None);
        let answer = call(&gate, "x.y", &json!({ "reply": reply }).to_string()).await;
        assert_eq!(answer.as_ref().err().map(|error| error.code), expected, "{reply_bytes}: {answer:?}");
    }
}

#[tokio::test]
async fn records_tell_every_call_in_order_and_how_it_went() {
    let seen = Seen::default();
    let (watcher, mut events) = mpsc::unbounded_channel();
    let gate = gateway(vec![local(&seen, "x", &["get-y"])]).open(
        policy(&["x.*"]),
        Language::TypeScript,
        limits(),
        Some(watcher),
    );
    ask(&gate, Question::List, "", "null").await;
    let long = format!("x.{}", "\u{e9}".repeat(300));
    {
        let hanging = call(&gate, "x.getY", r#"{"hang":1}"#);
        tokio::pin!(hanging);
        assert!(futures_util::FutureExt::now_or_never(hanging.as_mut()).is_none());
        call(&gate, "x.get-y", r#"{"reply":12}"#).await.unwrap();
        call(&gate, "x.get_y", r#"{"reply":null}"#).await.unwrap_err();
        call(&gate, &long, "{}").await.unwrap_err();
        call(&gate, "x.get-y", "[]").await.unwrap_err();
    }
    let records = gate.take_records();
    let told: Vec<_> = records
        .iter()
        .map(|record| (record.tool.as_str(), record.error, record.arguments_bytes, record.reply_bytes))
        .collect();
    let cut = format!("x.{}", "\u{e9}".repeat(99));
    let expected = [
        ("x.get-y", Some(ErrorCode::Cancelled), 10, 0),
        ("x.get-y", None, 12, 2),
        ("x.get-y", Some(ErrorCode::ToolFailed), 14, 0),
        (cut.as_str(), Some(ErrorCode::ToolNotFound), 2, 0),
        ("x.get-y", Some(ErrorCode::InvalidArguments), 2, 0),
    ];
    assert_eq!(told, expected);
    assert!(cut.len() == 200 && records.is_sorted_by(|a, b| a.started_ms <= b.started_ms));
    assert_eq!(gate.take_records(), []);
    drop(gate);
    let mut order = Vec::new();
    while let Some(event) = events.recv().await {
        order.push(match event {
            Event::ToolCallStarted { index, .. } => format!("+{index}"),
            Event::ToolCallEnded { index, record } => {
                assert_eq!(record, records[index as usize]);
                format!("-{index}")
            }
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(order.join(" "), "+0 +1 -1 +2 -2 +3 -3 +4 -4 -0");
}

#[tokio::test]
async fn t02_without_a_policy_nothing_is_allowed_and_the_error_says_what_to_add() {
    let seen = Seen::default();
    let (git, listings) = server(&seen, "git", &["create"]);
    let everything = [ToolPattern::parse("*").unwrap()];
    let gateway = gateway(vec![git]);
    for policy in [Policy::unstated(), Policy::unstated().narrow(Some(&everything))] {
        let gate = gateway.open(policy.clone(), Language::TypeScript, limits(), None);
        let message = |name: &str| {
            format!(
                "there is no tool `{name}`; no tool is allowed: add for example `policy: {{allow: [\"*\"]}}` to the config"
            )
        };
        for name in ["git.create", "git.other", "other.x"] {
            assert_eq!(refusal(&gate, name).await.message, message(name));
        }
        assert_eq!(ask(&gate, Question::List, "", "null").await, json!([]));
        assert!(gateway.tools(&policy).await.is_empty() && gateway.upstream_ids(&policy).is_empty());
    }
    assert_eq!((listings.load(Ordering::SeqCst), seen.lock().unwrap().len()), (0, 0));
}

#[test]
fn upstreams_that_a_program_could_not_tell_apart_are_refused() {
    let upstreams = |ids: [&str; 2]| ids.map(|id| local(&Seen::default(), id, &["x"])).into();
    for ids in [["git-hub", "git_hub"], ["git", "git"], ["gitHub", "git-hub"]] {
        let refused = Gateway::new(upstreams(ids), Strictness::Strict).err().unwrap();
        assert_eq!(refused.code(), ErrorCode::InvalidConfig, "{ids:?}");
    }
    assert!(Gateway::new(upstreams(["git", "git2"]), Strictness::Strict).is_ok());
}
