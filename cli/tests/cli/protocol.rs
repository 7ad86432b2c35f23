//! `serve --stdio`, driven by raw JSON-RPC.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::session::{Closed, Session, initialize};
use super::{ALLOWED, Desk, is_running, signal};

const EXECUTE: &str = "execute_typescript";

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

fn clean() -> Closed {
    Closed { status: Some(0), stderr: String::new(), unread: Vec::new() }
}

/// The schema of what `tool` gives, as the server states it.
fn output_schema(session: &mut Session, tool: &str) -> jsonschema::Validator {
    let listed = session.request("tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    let tool = tools.iter().find(|known| known["name"] == tool).unwrap();
    jsonschema::validator_for(&tool["outputSchema"]).unwrap()
}

#[test]
fn the_tools_are_listed_without_an_upstream() {
    let desk = Desk::new();
    desk.write("conduit.yaml", "upstreams: [{id: down, type: stdio, command: ./absent}]\npolicy: {allow: ['*']}");
    let mut session = Session::silent(&desk, &[]);
    let reply = session.request("initialize", initialize("2025-11-25"));
    assert_eq!(reply["result"]["serverInfo"]["name"], "conduit");
    assert_eq!(reply["result"]["capabilities"], json!({"tools": {}}));
    assert!(reply["result"]["instructions"].as_str().unwrap().contains("search_tools"));
    session.notify("notifications/initialized", json!({}));
    let reply = session.request("tools/list", json!({}));
    let tools = reply["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, [EXECUTE, "execute_python", "search_tools", "describe_tools"]);
    for tool in tools {
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{tool}");
            assert!(jsonschema::meta::is_valid(&tool[schema]), "{tool}");
        }
    }
    let hints =
        |tool: &Value| ["readOnlyHint", "destructiveHint"].map(|hint| tool["annotations"][hint].as_bool().unwrap());
    assert_eq!(
        tools.iter().map(hints).collect::<Vec<_>>(),
        [[false, true], [false, true], [true, false], [true, false]]
    );
    assert_eq!(session.close(), clean());
}

#[test]
fn a_program_calls_tools_and_gives_its_result() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let schema = output_schema(&mut session, EXECUTE);
    let code = "console.log('adding'); const {sum} = await tools.up.add({a: input.a, b: 2}); return {sum}";
    let result = session.call(EXECUTE, json!({"code": code, "input": {"a": 40}}));
    assert_eq!(result["isError"], false);
    assert_eq!(text(&result), "value:\n{\n  \"sum\": 42\n}\n\nstdout:\nadding\n\ntool calls:\n1, of which 0 failed");
    let structured = &result["structuredContent"];
    assert!(schema.is_valid(structured), "{structured}");
    assert_eq!(structured["value"], json!({"sum": 42}));
    assert_eq!(structured["tool_calls"][0]["tool"], "up.add");
    assert_eq!(session.close(), clean());
}

#[test]
fn a_model_can_correct_its_program() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let schema = output_schema(&mut session, EXECUTE);
    for (arguments, status, part) in [
        (json!({"code": "console.log('before');\nnull.x"}), "failed", "failed:\nTypeError: "),
        (json!({"code": "const = 1"}), "failed", "(line 1, column 7)"),
        (json!({"code": "await tools.up.ad({})"}), "failed", "up.add"),
        (json!({"code": "await tools.up.echo({txt: 1})"}), "failed", "invalid_arguments"),
        (
            json!({"code": "console.log('before'); for (;;) {}", "limits": {"cpu_time_ms": 50}}),
            "limit_exceeded",
            "limit exceeded:\nthe program went over its limit `cpu_time` of 50 ms, compute less, or in several runs\n\nstdout:\nbefore",
        ),
    ] {
        let result = session.call(EXECUTE, arguments);
        let structured = &result["structuredContent"];
        assert_eq!((&result["isError"], &structured["outcome"]["status"]), (&json!(true), &json!(status)), "{result}");
        assert!(text(&result).contains(part), "{result}");
        assert!(schema.is_valid(structured), "{structured}");
    }
    assert_eq!(session.close(), clean());
}

#[test]
fn t20_arguments_that_do_not_fit_are_told_to_the_model() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    for (tool, arguments, message) in [
        (EXECUTE, json!({}), "the arguments of `execute_typescript` do not fit: missing field `code`"),
        (
            EXECUTE,
            json!({"code": 7}),
            "the arguments of `execute_typescript` do not fit: invalid type: integer `7`, expected a string",
        ),
        (
            EXECUTE,
            json!({"code": "1", "timeout": 7}),
            "the arguments of `execute_typescript` do not fit: unknown field `timeout`, expected one of `code`, `input`, `allow`, `limits`",
        ),
        (
            EXECUTE,
            json!({"code": "1", "allow": ["github__x"]}),
            "the arguments of `execute_typescript` do not fit: `github__x` is not a tool pattern, expected `*`, `upstream.*` or `upstream.tool`",
        ),
        (
            EXECUTE,
            json!({"code": "1", "limits": {"cpu_time_ms": -1}}),
            "the arguments of `execute_typescript` do not fit: a limit cannot be `-1`, expected a whole number that is not negative",
        ),
        (
            EXECUTE,
            json!({"code": "1", "limits": {"wall_time_ms": 0}}),
            "limit `wall_time_ms` cannot be `0`, expected at least 1",
        ),
        ("search_tools", json!({}), "the arguments of `search_tools` do not fit: missing field `query`"),
        ("search_tools", json!({"query": ""}), "`query` must be a text of 1 to 1024 bytes"),
        ("search_tools", json!({"query": "x".repeat(1025)}), "`query` must be a text of 1 to 1024 bytes"),
        ("search_tools", json!({"query": "x", "limit": 0}), "`limit` must be from 1 to 50"),
        ("search_tools", json!({"query": "x", "limit": 51}), "`limit` must be from 1 to 50"),
        ("search_tools", json!({"query": "x", "limit": 1.5}), "`limit` must be from 1 to 50"),
        ("describe_tools", json!({"names": []}), "`names` must have 1 to 50 names"),
        ("describe_tools", json!({"names": vec!["up.echo"; 51]}), "`names` must have 1 to 50 names"),
        (
            "describe_tools",
            json!({"names": "up.echo"}),
            "the arguments of `describe_tools` do not fit: invalid type: string \"up.echo\", expected a sequence",
        ),
        (
            "describe_tools",
            json!({"names": ["up.echo"], "language": "perl"}),
            "the arguments of `describe_tools` do not fit: unknown variant `perl`, expected `typescript` or `python`",
        ),
    ] {
        let result = session.call(tool, arguments);
        assert_eq!((&result["isError"], text(&result)), (&json!(true), message));
        assert!(result["structuredContent"].is_null());
    }
    // `1.0` is an integer to JSON Schema.
    let result = session.call(EXECUTE, json!({"code": "1", "limits": {"tool_calls": 1.0}}));
    assert_eq!(result["isError"], false, "{result}");
    let found = session.call("search_tools", json!({"query": "add", "limit": 1.0}));
    assert_eq!(found["structuredContent"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(session.close(), clean());
}

#[test]
fn s16_what_only_the_client_can_mend_is_a_protocol_error() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    for (method, params, code, message) in [
        (
            "tools/call",
            json!({"name": "up.echo", "arguments": {}}),
            -32602,
            "there is no tool `up.echo`, expected `execute_typescript`, `execute_python`, `search_tools` or `describe_tools`",
        ),
        ("tools/call", json!({"arguments": {}}), -32602, "the parameters of `tools/call` do not fit"),
        (
            "tools/call",
            json!({"name": EXECUTE, "arguments": "code"}),
            -32602,
            "the parameters of `tools/call` do not fit",
        ),
        ("tools/call", json!({"name": EXECUTE, "arguments": [1]}), -32602, "the parameters of `tools/call` do not fit"),
        ("tools/call", json!([1]), -32602, "the parameters of `tools/call` do not fit"),
        ("tools/list", json!("x"), -32602, "the parameters of `tools/list` do not fit"),
        ("no/such\nmethod", json!({}), -32601, "there is no method `no/such\\nmethod`"),
        ("no/such", json!([1]), -32601, "there is no method `no/such`"),
        ("resources/list", json!({}), -32601, "there is no method `resources/list`"),
        ("prompts/get", json!({"name": "x"}), -32601, "there is no method `prompts/get`"),
        ("logging/setLevel", json!({"level": "info"}), -32601, "there is no method `logging/setLevel`"),
        ("completion/complete", json!({}), -32601, "there is no method `completion/complete`"),
        ("subscriptions/listen", json!({}), -32601, "there is no method `subscriptions/listen`"),
        ("tasks/get", json!({"taskId": "x"}), -32601, "there is no method `tasks/get`"),
    ] {
        let reply = session.request(method, params);
        assert_eq!((&reply["error"]["code"], &reply["error"]["message"]), (&json!(code), &json!(message)), "{reply}");
    }
    assert_eq!(session.close(), clean());
}

#[test]
fn s16_lines_that_are_no_request_leave_the_session_alone() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    session.write("");
    session.write("   ");
    for line in ["no json", "{\"jsonrpc\":\"2.0\",", "\u{1}\u{2}", deep.as_str()] {
        session.write(line);
        let error = json!({"code": -32700, "message": "the line is no JSON"});
        assert_eq!(session.receive(), json!({"jsonrpc": "2.0", "error": error}), "{line}");
    }
    for (line, id) in [
        ("[]", None),
        ("{}", None),
        ("7", None),
        ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", None),
        ("{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}", None),
        ("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", Some(json!(1))),
        ("{\"id\":\"a\",\"method\":\"ping\"}", Some(json!("a"))),
    ] {
        session.write(line);
        let reply = session.receive();
        assert_eq!((&reply["error"]["code"], reply.get("id")), (&json!(-32600), id.as_ref()), "{line}: {reply}");
    }
    session.write("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":[1]}");
    session.notify("notifications/cancelled", json!({"requestId": 999, "reason": "never sent"}));
    session.notify("notifications/cancelled", json!({"requestId": 1}));
    session.notify("notifications/unheard", json!({}));
    session.write("{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}");
    assert_eq!(session.request("ping", json!({}))["result"], json!({}));
    assert_eq!(session.execute("1 + 1")["value"], 2);
    assert_eq!(session.close(), clean());
}

#[test]
fn s16_a_session_begins_in_many_ways() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::silent(&desk, &[]);
    session.notify("notifications/cancelled", json!({"requestId": 1}));
    session.write("{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}");
    assert_eq!(session.request("ping", json!({}))["result"], json!({}));
    let early = session.request("tools/list", json!({}));
    assert_eq!(early["error"]["code"], -32602, "{early}");
    let reply = session.request("initialize", initialize("1999-01-01"));
    assert_ne!(reply["result"]["protocolVersion"], "1999-01-01");
    assert_eq!(session.request("tools/list", json!({}))["result"]["tools"].as_array().unwrap().len(), 4);
    assert_eq!(session.close(), clean());
    for version in ["2024-11-05", "2025-03-26", "2025-06-18"] {
        let mut session = Session::silent(&desk, &[]);
        let reply = session.request("initialize", initialize(version));
        assert_eq!(reply["result"]["protocolVersion"], version);
        assert_eq!(session.execute("return 1")["value"], 1);
        assert_eq!(session.close(), clean());
    }
}

#[test]
fn the_newest_revision_needs_no_handshake() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::silent(&desk, &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    });
    let reply = session.request("server/discover", json!({"_meta": meta}));
    assert!(reply["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{reply}");
    let call = json!({"name": EXECUTE, "arguments": {"code": "return 7"}, "_meta": meta});
    let reply = session.request("tools/call", call);
    assert_eq!(reply["result"]["structuredContent"]["value"], 7, "{reply}");
    assert_eq!(reply["result"]["resultType"], "complete");
    assert_eq!(session.close(), clean());
}

#[test]
fn tools_are_found_and_described() {
    let desk = Desk::with_config("policy: {allow: [up.echo, up.add]}");
    let mut session = Session::open(&desk, &[]);
    let schema = output_schema(&mut session, "search_tools");
    let found = session.call("search_tools", json!({"query": "add numbers", "limit": 1}));
    assert_eq!(found["structuredContent"], json!({"tools": [{"name": "up.add", "description": "Adds two numbers."}]}));
    assert_eq!((text(&found), &found["isError"]), ("- `up.add`: Adds two numbers.\n", &json!(false)));
    assert!(schema.is_valid(&found["structuredContent"]));
    let nothing = session.call("search_tools", json!({"query": "xylophone"}));
    assert_eq!(nothing["structuredContent"], json!({"tools": []}));

    let schema = output_schema(&mut session, "describe_tools");
    let described = session.call("describe_tools", json!({"names": ["up.add", "up.hang", "up.absent"]}));
    let structured = &described["structuredContent"];
    assert!(schema.is_valid(structured));
    assert_eq!(described["isError"], false);
    // A tool that the policy denies is as one that does not exist.
    assert_eq!(structured["not_found"], json!(["up.hang", "up.absent"]));
    let declarations = structured["declarations"].as_str().unwrap();
    assert!(declarations.contains("add(") && !declarations.contains("echo("), "{declarations}");
    assert_eq!(
        text(&described).strip_prefix(declarations),
        Some(
            "there is no tool `up.hang`; `search_tools` finds those that there are\n\
             there is no tool `up.absent`; `search_tools` finds those that there are\n"
        )
    );
    assert_eq!(session.call("describe_tools", json!({"names": ["up.hang"]}))["isError"], true);
    assert_eq!(session.close(), clean());
}

#[test]
fn a_tool_whose_upstream_is_down_is_not_one_that_does_not_exist() {
    let desk = Desk::new();
    desk.write("conduit.yaml", "upstreams: [{id: down, type: stdio, command: ./absent}]\npolicy: {allow: ['*']}");
    let mut session = Session::open(&desk, &[]);
    let schema = output_schema(&mut session, "describe_tools");
    let described = session.call("describe_tools", json!({"names": ["down.x", "up.y"]}));
    let structured = &described["structuredContent"];
    assert_eq!(structured, &json!({"declarations": "", "not_found": ["up.y"], "unavailable": ["down.x"]}));
    assert!(schema.is_valid(structured));
    let lines: Vec<_> = text(&described).lines().collect();
    assert_eq!(lines[0], "there is no tool `up.y`; `search_tools` finds those that there are");
    assert!(lines[1].starts_with("upstream `down`: it is not available, "), "{lines:?}");
    let found = session.call("search_tools", json!({"query": "x"}));
    let missing = "- the tools of `down` are missing here: it is not available, ";
    assert!(text(&found).contains(missing), "{found}");
    // The operator reads the reason, once.
    let mut closed = session.close();
    let reason = "conduit: upstream `down`: cannot start `./absent`: No such file or directory (os error 2)\n";
    assert_eq!(std::mem::take(&mut closed.stderr), reason);
    assert_eq!(closed, clean());
}

#[test]
fn without_a_policy_it_is_said_why_there_is_no_tool() {
    let desk = Desk::with_config("");
    let mut session = Session::open(&desk, &[]);
    let found = session.call("search_tools", json!({"query": "echo"}));
    let no_policy = "no tool is allowed: add for example `policy: {allow: [\"*\"]}` to the config, or `--allow '*'`\n";
    assert_eq!(text(&found), no_policy);
    let closed = session.close();
    assert!(closed.stderr.starts_with("conduit: no tool is allowed: "), "{closed:?}");
}

#[test]
fn t05_a_request_cannot_widen_what_the_operator_allows() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &["--allow", "up.echo"]);
    let code = "const codes = [];\nfor (const name of ['up.echo', 'up.add', 'conduit.execute_typescript', 'execute_typescript']) \
                { try { await tools.$call(name, {text: 'x', a: 1, b: 1}); codes.push('ok') } catch (e) { codes.push(e.code) } }\n\
                return codes";
    for (allow, codes) in [
        (json!(["*"]), json!(["invalid_arguments", "tool_not_found", "tool_not_found", "tool_not_found"])),
        (json!(["up.add"]), json!(["tool_not_found", "tool_not_found", "tool_not_found", "tool_not_found"])),
        (json!([]), json!(["tool_not_found", "tool_not_found", "tool_not_found", "tool_not_found"])),
    ] {
        let result = session.call(EXECUTE, json!({"code": code, "allow": allow}));
        assert_eq!(result["structuredContent"]["value"], codes, "{result}");
    }
    assert_eq!(session.close(), clean());
}

#[test]
fn t05_an_upstream_that_is_conduit_is_refused() {
    let desk = Desk::with_config("policy: {allow: ['*']}\n");
    let config = std::fs::read_to_string(desk.path("conduit.yaml")).unwrap();
    let (conduit, path) = (env!("CARGO_BIN_EXE_conduit"), desk.path("conduit.yaml"));
    let me = format!(
        "{{id: me, type: stdio, command: '{conduit}', args: [serve, --stdio, --config, '{}']}}",
        path.display()
    );
    desk.write("conduit.yaml", &config.replace("upstreams: [", &format!("upstreams: [{me}, ")));
    let inner = "return await tools.up.echo({text: 'inside'})";
    let program = format!(
        "try {{ return await tools.me.execute_typescript({{code: {inner:?}}}) }} catch (e) {{ return e.code }}"
    );
    let ended = desk.exec(&program, &["--allow", "me.*"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), "\"upstream_unavailable\"\n"), "{ended:?}");
    let check = desk.run(&["check"]);
    let words = "it is Conduit itself, whose programs would not be bound by this one's policy";
    assert!(check.status == Some(2) && check.stdout.contains(words), "{check:?}");
}

/// Waits until so many calls were cancelled at the upstream: far less long than their program could run.
fn cancelled(session: &mut Session, count: u32) -> Value {
    let code = "await tools.up.until_cancelled({count: input})";
    let arguments = json!({"code": code, "input": count, "limits": {"wall_time_ms": 10_000}});
    session.call(EXECUTE, arguments)["structuredContent"]["value"].clone()
}

#[test]
fn t12_cancelling_a_request_cancels_the_program_and_its_calls() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let hanging = session.send_call(EXECUTE, json!({"code": "await tools.up.hang({})"}));
    // Requests do not block one another.
    assert_eq!(session.execute("await tools.up.until_hanging({})")["value"], 1);
    session.notify("notifications/cancelled", json!({"requestId": hanging, "reason": "changed my mind"}));
    assert_eq!(cancelled(&mut session, 1), 1);
    assert_eq!(session.request("ping", json!({}))["result"], json!({}));
    // What was cancelled is not answered.
    assert_eq!(session.close(), clean());
}

#[test]
fn t12_cancelling_with_eight_calls_in_flight_cancels_each_and_repeats_none() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let code = "await Promise.all(Array.from({length: 8}, () => tools.up.hang({}))); console.log('not reached')";
    let hanging = session.send_call(EXECUTE, json!({"code": code}));
    assert_eq!(session.execute("await tools.up.until_hanging({count: 8})")["value"], 8);
    session.notify("notifications/cancelled", json!({"requestId": hanging}));
    // The upstream answers what was cancelled all the same; nobody gets that.
    assert_eq!(cancelled(&mut session, 8), 8);
    assert_eq!(session.execute("await tools.up.echo({text: 'next'})")["value"], "next");
    assert_eq!(session.execute("await tools.up.until_hanging({count: 8})")["value"], 8, "no call is repeated");
    assert_eq!(session.close(), clean());
}

#[test]
fn s16_two_requests_with_one_id_are_both_answered() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let id = session.send_call(EXECUTE, json!({"code": "await tools.up.hang({})", "limits": {"wall_time_ms": 1_000}}));
    session.write(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string());
    let (refused, answered) = (session.receive(), session.receive());
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(id), &json!(-32600)), "{refused}");
    let status = &answered["result"]["structuredContent"]["outcome"]["status"];
    assert_eq!((&answered["id"], status), (&json!(id), &json!("limit_exceeded")), "{answered}");
    // The id is free again.
    session.write(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string());
    assert_eq!(session.receive()["result"], json!({}));
    assert_eq!(session.close(), clean());
}

#[test]
fn s12_a_client_that_listens_no_more_is_gone() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let pid = session.execute("await tools.up.pid({})")["value"].to_string();
    session.send_call(EXECUTE, json!({"code": "await tools.up.hang({})"}));
    assert_eq!(session.execute("await tools.up.until_hanging({})")["value"], 1);
    // Its input stays open; the first answer that nobody reads is the sign.
    session.listen_no_more();
    session.send("ping", json!({}));
    let closed = session.ended();
    assert_eq!((closed.status, closed.stderr.as_str()), (Some(0), ""));
    assert!(!is_running(&pid));
}

#[test]
fn s12_upstreams_that_are_being_connected_to_end_with_the_server() {
    for name in [None, Some("-TERM")] {
        let desk = Desk::with_stubborn_upstream();
        let mut session = Session::open(&desk, &[]);
        session.send_call("search_tools", json!({"query": "x"}));
        let pid = desk.stubborn_pid();
        let closed = match name {
            None => session.close(),
            Some(name) => {
                signal(session.process(), name);
                session.ended()
            }
        };
        assert_eq!((closed.status, closed.stderr.as_str()), (Some(0), ""), "{name:?}");
        assert!(!is_running(&pid), "{name:?}");
    }
}

#[test]
fn s12_the_end_of_the_input_ends_everything() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let pid = session.execute("await tools.up.pid({})")["value"].to_string();
    assert!(is_running(&pid));
    for code in ["await tools.up.hang({})", "for (;;) {}", "await new Promise((done) => setTimeout(done, 20_000))"] {
        session.send_call(EXECUTE, json!({"code": code}));
    }
    assert_eq!(session.execute("await tools.up.until_hanging({})")["value"], 1);
    let closing = Instant::now();
    let closed = session.close();
    assert_eq!((closed.status, closed.stderr.as_str()), (Some(0), ""));
    // What ran was cancelled, and says so: its client may have closed one pipe only.
    assert_eq!(closed.unread.len(), 3, "{closed:?}");
    for reply in &closed.unread {
        assert_eq!(reply["result"]["structuredContent"]["outcome"]["status"], "cancelled", "{reply}");
    }
    assert!(closing.elapsed() < Duration::from_secs(5), "{:?}", closing.elapsed());
    assert!(!is_running(&pid));
}

#[test]
fn signals_end_the_server() {
    for name in ["-TERM", "-INT"] {
        let desk = Desk::with_config(ALLOWED);
        let mut session = Session::open(&desk, &[]);
        let pid = session.execute("await tools.up.pid({})")["value"].to_string();
        session.send_call(EXECUTE, json!({"code": "await tools.up.hang({})"}));
        assert_eq!(session.execute("await tools.up.until_hanging({})")["value"], 1);
        signal(session.process(), name);
        let closed = session.ended();
        assert_eq!((closed.status, closed.stderr.as_str()), (Some(0), ""), "{name}");
        assert!(!is_running(&pid), "{name}");
    }
}

#[test]
fn s15_nothing_but_mcp_is_written() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let code = "for (let i = 0; i < 20_000; i++) { console.log('{\"jsonrpc\": \"2.0\"}\\n'); console.error('x\\n') }";
    let id =
        session.send_call(EXECUTE, json!({"code": code, "limits": {"log_entries": 100_000, "output_bytes": 4 << 20}}));
    // `receive` refuses every line that is not one message.
    let reply = session.receive();
    assert_eq!((&reply["id"], &reply["result"]["isError"]), (&json!(id), &json!(false)));
    assert_eq!(reply["result"]["structuredContent"]["stdout"].as_str().unwrap().lines().count(), 40_000);
    assert_eq!(session.close(), clean());
}

#[test]
fn many_requests_are_answered_each() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let code = "const {sum} = await tools.up.add({a: input, b: 1000}); return sum";
    let ids: Vec<u64> = (0..50).map(|n| session.send_call(EXECUTE, json!({"code": code, "input": n}))).collect();
    let mut sums = vec![Value::Null; ids.len()];
    for _ in &ids {
        let reply = session.receive();
        let at = ids.iter().position(|id| reply["id"] == *id).unwrap();
        sums[at] = reply["result"]["structuredContent"]["value"].clone();
    }
    assert_eq!(sums, (1000..1050).map(Value::from).collect::<Vec<_>>());
    assert_eq!(session.close(), clean());
}
