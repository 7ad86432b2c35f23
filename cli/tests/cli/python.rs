//! Python programs, by `exec` and by `serve --stdio`, and an operator who offers one language only.

use serde_json::json;

use super::session::Session;
use super::{ALLOWED, Desk};

const ONLY_PYTHON: &str = "policy: {allow: ['up.*']}\nlanguages: [python]\n";

#[test]
fn a_program_prints_its_output_then_its_value() {
    let desk = Desk::with_config(ALLOWED);
    let program = "import sys\nr = await tools.up.add(a=2, b=40)\nprint('out', input['x'])\nprint('err', file=sys.stderr)\n{'sum': r['sum']}";
    desk.write("program.py", program);
    let ended = desk.run(&["exec", "program.py", "--input", "{\"x\": 1}"]);
    assert_eq!(ended.parts(), (0, "out 1\n{\n  \"sum\": 42\n}\n", "err\n"));
    let ended = desk.run_with_input(&["exec", "-", "--language", "python"], "\u{feff}sum(n for n in range(4))");
    assert_eq!(ended.parts(), (0, "6\n", ""));
}

#[test]
fn every_end_has_its_exit_status() {
    let desk = Desk::with_config(ALLOWED);
    let exec = |program: &str, flags: &[&str]| {
        desk.write("program.py", program);
        desk.run(&[&["exec", "program.py"], flags].concat())
    };
    let failed = exec("def f(n):\n    return 1 / n\nf(0)", &[]);
    assert_eq!((failed.status, failed.stdout.as_str()), (Some(1), ""));
    assert!(
        failed.stderr.starts_with("Traceback (most recent call last):\n  File \"program.py\", line 3"),
        "{failed:?}"
    );
    assert!(failed.stderr.ends_with("ZeroDivisionError: division by zero\n"), "{failed:?}");
    assert_eq!(failed.stderr.matches("division by zero").count(), 1);
    let syntax = exec("x = = 1", &[]);
    assert!(syntax.status == Some(1) && syntax.stderr.contains("SyntaxError: invalid syntax"), "{syntax:?}");
    let limited = exec("print('before')\nwhile True: pass", &["--limit", "cpu_time=50ms"]);
    let message = "conduit: the program went over its limit `cpu_time` of 50 ms, compute less, or in several runs\n";
    assert_eq!(limited.parts(), (3, "before\n", message));
}

#[test]
fn a_client_runs_a_program_and_reads_its_declarations() {
    let desk = Desk::with_config(ALLOWED);
    let mut session = Session::open(&desk, &[]);
    let code = "print('adding')\nreply = await tools.up.add(a=input['a'], b=2)\nreturn {'sum': reply['sum']}";
    let result = session.call("execute_python", json!({"code": code, "input": {"a": 40}}));
    assert_eq!(result["isError"], false, "{result}");
    let text = "value:\n{\n  \"sum\": 42\n}\n\nstdout:\nadding\n\ntool calls:\n1, of which 0 failed";
    assert_eq!(result["content"][0]["text"], text);
    let failed = session.call("execute_python", json!({"code": "await tools.up.echo(txt=1)"}));
    assert_eq!(
        (&failed["isError"], &failed["structuredContent"]["outcome"]["status"]),
        (&json!(true), &json!("failed"))
    );
    let text = failed["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("ToolError: ") && text.contains("`describe_tool(\"up.echo\")` gives the schema"), "{text}");
    let declarations = |session: &mut Session, language: &str| {
        let described = session.call("describe_tools", json!({"names": ["up.add"], "language": language}));
        described["structuredContent"]["declarations"].as_str().unwrap().to_owned()
    };
    let [typescript, python] = ["typescript", "python"].map(|language| declarations(&mut session, language));
    assert!(typescript.contains("add(args: { a: number; b: number })"), "{typescript}");
    assert!(python.contains("def add(") && !python.contains("args: {"), "{python}");
    let unstated = session.call("describe_tools", json!({"names": ["up.add"]}));
    assert_eq!(unstated["structuredContent"]["declarations"], typescript);
    session.close();
}

#[test]
fn an_operator_may_offer_one_language() {
    let desk = Desk::with_config(ONLY_PYTHON);
    desk.write("program.ts", "1");
    let ended = desk.run(&["exec", "program.ts"]);
    let message = "conduit: there are no programs in `typescript` here, expected `python`\n";
    assert_eq!(ended.parts(), (2, "", message));
    assert_eq!(desk.run_with_input(&["exec", "-", "--language", "python"], "1").parts(), (0, "1\n", ""));

    let mut session = Session::open(&desk, &[]);
    let listed = session.request("tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["execute_python", "search_tools", "describe_tools"]);
    assert!(!listed.to_string().contains("TypeScript"), "{listed}");
    let refused = session.request("tools/call", json!({"name": "execute_typescript", "arguments": {"code": "1"}}));
    let message =
        "there is no tool `execute_typescript`, expected `execute_python`, `search_tools` or `describe_tools`";
    assert_eq!(refused["error"]["message"], message);
    let described = session.call("describe_tools", json!({"names": ["up.add"]}));
    assert!(described["structuredContent"]["declarations"].as_str().unwrap().contains("def add("), "{described}");
    let refused = session.call("describe_tools", json!({"names": ["up.add"], "language": "typescript"}));
    assert_eq!(
        (&refused["isError"], &refused["content"][0]["text"]),
        (&json!(true), &json!("`language` must be `python`"))
    );
    session.close();
}
