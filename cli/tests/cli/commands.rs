//! `exec`, `tools`, `declarations` and `check`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ALLOWED, Desk, Ended, PATIENCE, is_running, signal};

const NO_POLICY: &str =
    "conduit: no tool is allowed: add for example `policy: {allow: [\"*\"]}` to the config, or `--allow '*'`\n";

#[test]
fn a_program_prints_its_output_then_its_value() {
    let desk = Desk::with_config(ALLOWED);
    let program = "const r = await tools.up.add({a: 2, b: 40});\nconsole.log('out', input.x);\nconsole.error('err');\nreturn {sum: r.sum}";
    let ended = desk.exec(program, &["--input", "{\"x\": 1}"]);
    assert_eq!(ended.parts(), (0, "out 1\n{\n  \"sum\": 42\n}\n", "err\n"));
    assert_eq!(desk.exec("console.log('only this')", &[]).parts(), (0, "only this\n", ""));
}

#[test]
fn json_is_the_result_alone() {
    let desk = Desk::with_config(ALLOWED);
    let ended =
        desk.exec("console.log('out'); await tools.up.echo({text: 'x'})", &["--json", "--limit", "wall_time=20s"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut keys: Vec<_> = result.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["id", "outcome", "stderr", "stdout", "tool_calls", "usage", "value"]);
    assert_eq!(result["outcome"], json!({"status": "completed"}));
    assert_eq!((&result["value"], &result["stdout"]), (&json!("x"), &json!("out\n")));
    assert_eq!(
        (&result["tool_calls"][0]["tool"], &result["tool_calls"][0]["error"]),
        (&json!("up.echo"), &Value::Null)
    );
    assert_eq!(result["usage"]["tool_calls"], 1);
}

#[test]
fn every_end_has_its_exit_status() {
    let desk = Desk::with_config(ALLOWED);
    let failed = desk.exec("const a: any = null;\na.x", &[]);
    assert_eq!((failed.status, failed.stdout.as_str()), (Some(1), ""));
    assert!(failed.stderr.starts_with("TypeError: ") && failed.stderr.contains("line 2"), "{failed:?}");
    let syntax = desk.exec("const a = ;", &[]);
    assert_eq!(syntax.status, Some(1));
    assert!(syntax.stderr.starts_with("SyntaxError: ") && syntax.stderr.contains("(line 1, column 11)"), "{syntax:?}");
    let limited = desk.exec("console.log('before'); for (;;) {}", &["--limit", "cpu_time=50ms"]);
    let message = "conduit: the program went over its limit `cpu_time` of 50 ms, compute less, or in several runs\n";
    assert_eq!(limited.parts(), (3, "before\n", message));
    let calls = desk.exec("for (;;) await tools.up.echo({text: 'x'})", &["--limit", "tool_calls=2", "--json"]);
    let result: Value = serde_json::from_str(&calls.stdout).unwrap();
    assert_eq!((calls.status, &result["outcome"]["limit"]), (Some(3), &json!("tool_calls")));
}

#[test]
fn the_program_may_come_from_standard_input() {
    let desk = Desk::with_config(ALLOWED);
    let program = "const greet = (name: string): string => `hello ${name}`; greet('you')";
    assert_eq!(desk.run_with_input(&["exec", "-"], program).parts(), (0, "\"hello you\"\n", ""));
    assert_eq!(desk.run_with_input(&["exec", "-", "--language", "typescript"], "1 + 1").parts(), (0, "2\n", ""));
}

#[test]
fn a_program_may_begin_with_what_editors_and_shells_put_there() {
    let desk = Desk::with_config(ALLOWED);
    assert_eq!(desk.exec("\u{feff}#!/usr/bin/env conduit\n1 + 1", &[]).parts(), (0, "2\n", ""));
}

#[test]
fn r19_a_program_without_end_is_not_read_to_its_end() {
    let desk = Desk::with_config(ALLOWED);
    let mut child = desk.start(&["exec", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    // Far more than any limit allows.
    let mut written = (0..1024).map(|_| stdin.write_all(&[b'0'; 1 << 16]));
    assert!(written.any(|written| written.is_err()), "all of it was read");
    let ended = Ended::from(child.wait_with_output().unwrap());
    let message = "conduit: the program went over its limit `program_size` of 1048576 bytes, send a shorter program and a smaller input\n";
    assert_eq!(ended.parts(), (3, "", message));
}

#[test]
fn t02_allow_narrows_the_policy_and_is_one_when_there_is_none() {
    let call = "try { return (await tools.up.add({a: 1, b: 1})).sum } catch (error) { return error.code }";
    let allowed = |config: &str, flags: &[&str]| {
        let ended = Desk::with_config(config).exec(call, flags);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        (ended.stdout, ended.stderr)
    };
    let (yes, no) = ("2\n".to_owned(), "\"tool_not_found\"\n".to_owned());
    assert_eq!(allowed(ALLOWED, &[]), (yes.clone(), String::new()));
    assert_eq!(allowed(ALLOWED, &["--allow", "up.echo"]), (no.clone(), String::new()));
    assert_eq!(allowed(ALLOWED, &["--allow", "up.echo", "--allow", "up.add"]), (yes.clone(), String::new()));
    assert_eq!(allowed("policy: {allow: [up.echo]}", &["--allow", "*"]), (no.clone(), String::new()));
    assert_eq!(allowed("policy: {allow: []}", &["--allow", "*"]), (no.clone(), String::new()));
    assert_eq!(allowed("", &["--allow", "up.*"]), (yes, String::new()));
    assert_eq!(allowed("", &[]), (no, NO_POLICY.to_owned()));
}

#[test]
fn what_the_operator_must_mend_ends_with_2() {
    let desk = Desk::with_config("polcy: {allow: ['*']}");
    desk.write("program.ts", "1");
    desk.write("program.rb", "1");
    desk.write(
        "unset.yaml",
        "upstreams: [{id: a, type: streamable_http, url: 'https://x/', bearer_token: '${CONDUIT_TEST_UNSET}'}]",
    );
    desk.write("twice.yaml", "upstreams: [{id: a-b, type: stdio, command: x}, {id: a_b, type: stdio, command: x}]");
    desk.write("empty.yaml", "policy: {allow: ['*']}");
    let check = |args: &[&str], message: &str| {
        assert_eq!(desk.run(args).parts(), (2, "", format!("conduit: {message}\n").as_str()));
    };
    let unknown = "config `conduit.yaml`, line 2: unknown key `polcy` in the config, did you mean `policy`?";
    for args in [&["exec", "program.ts"][..], &["tools"], &["declarations"], &["check"], &["serve", "--stdio"]] {
        check(args, unknown);
    }
    check(
        &["exec", "program.rb"],
        "`program.rb` does not end in `.ts`, `.mts`, `.js`, `.mjs`, `.py`, say `--language`",
    );
    check(&["exec", "gone.ts"], "cannot read `gone.ts`: No such file or directory (os error 2)");
    check(
        &["tools", "--config", "gone.yaml"],
        "config `gone.yaml` cannot be read: No such file or directory (os error 2)",
    );
    check(
        &["check", "--config", "unset.yaml"],
        "config `unset.yaml`, line 1: `upstreams[0].bearer_token` needs the environment variable `CONDUIT_TEST_UNSET`, which is not set",
    );
    check(
        &["check", "--config", "twice.yaml"],
        "two upstreams would both be `tools.aB`, expected ids that differ in more than `-` and `_`",
    );
    check(
        &["exec", "program.ts", "--config", "empty.yaml", "--limit", "wall_time=0"],
        "limit `wall_time_ms` cannot be `0`, expected at least 1",
    );
    check(
        &["exec", "program.ts", "--config", "empty.yaml", "--limit", "output=1KB", "--limit", "output_bytes=2KB"],
        "limit `output` is given twice",
    );
}

#[test]
fn a_command_about_tools_says_that_there_is_no_config() {
    let none = Desk::new();
    let said = "conduit: there is no config, expected `--config`, `CONDUIT_CONFIG`, or `conduit.yaml` or `conduit.json` here\n";
    assert_eq!(none.run(&["check"]).parts(), (2, "", said));
    assert_eq!(none.run(&["tools"]).parts(), (0, "", said));
    assert_eq!(none.exec("return 1", &["--allow", "*"]).parts(), (0, "1\n", said));
    assert_eq!(none.exec("return 1", &[]).parts(), (0, "1\n", ""));
    // One that is there and cannot be read is not passed over.
    std::os::unix::fs::symlink("nowhere", none.path("conduit.yaml")).unwrap();
    let unread = none.exec("return 1", &[]);
    assert_eq!((unread.status, unread.stderr.contains("config `conduit.yaml` cannot be read")), (Some(2), true));
}

#[test]
fn the_config_is_found() {
    let desk = Desk::new();
    desk.write("other.yaml", "{");
    desk.write("conduit.json", "{\"x\": 1}");
    let error = |command: &mut std::process::Command| Ended::from(command.output().unwrap()).stderr;
    let tools = || desk.command(&["tools"]);
    assert!(error(&mut tools()).starts_with("conduit: config `conduit.json`, line 1: unknown key `x`"));
    desk.write("conduit.yaml", "y: 1");
    assert!(error(&mut tools()).starts_with("conduit: config `conduit.yaml`, line 1: unknown key `y`"));
    assert!(
        error(tools().env("CONDUIT_CONFIG", "other.yaml")).starts_with("conduit: config `other.yaml`, cannot be read")
    );
    let flag = &mut desk.command(&["tools", "--config", "conduit.json"]);
    assert!(error(flag.env("CONDUIT_CONFIG", "other.yaml")).starts_with("conduit: config `conduit.json`"));
}

#[test]
fn tools_are_listed() {
    let desk = Desk::with_config("policy: {allow: [up.echo, up.add, up.pid]}");
    assert_eq!(
        desk.run(&["tools"]).parts(),
        (0, "up.echo  Gives back its text.\nup.add   Adds two numbers.\nup.pid   Which process this is.\n", "")
    );
    assert_eq!(desk.run(&["tools", "--allow", "up.add"]).parts(), (0, "up.add  Adds two numbers.\n", ""));
    let found = desk.run(&["tools", "add numbers"]);
    assert_eq!(found.stdout.lines().next(), Some("up.add  Adds two numbers."), "{found:?}");
    let nothing = desk.run(&["tools", "xylophone"]);
    assert_eq!(nothing.parts(), (0, "", "conduit: no tool fits `xylophone`, try other words\n"));
    let listed: Value = serde_json::from_str(&desk.run(&["tools", "--json"]).stdout).unwrap();
    assert_eq!((&listed[1]["name"], &listed[1]["outputSchema"]["required"]), (&json!("up.add"), &json!(["sum"])));
    let declarations = desk.run(&["declarations"]);
    assert_eq!((declarations.status, declarations.stderr.as_str()), (Some(0), ""));
    for part in ["declare const tools", "echo(", "add(", "text: string"] {
        assert!(declarations.stdout.contains(part), "{part}: {declarations:?}");
    }
    assert!(!declarations.stdout.contains("hang("));
    assert_eq!(desk.run(&["declarations", "--language", "typescript"]).stdout, declarations.stdout);
    let python = desk.run(&["declarations", "--language", "python"]);
    assert_eq!((python.status, python.stderr.as_str()), (Some(0), ""));
    for part in ["tools: _Tools", "async def echo(self, *, text: str", "async def add("] {
        assert!(python.stdout.contains(part), "{part}: {python:?}");
    }
    assert!(!python.stdout.contains("hang("));
}

#[test]
fn an_upstream_that_is_down_is_reported_and_the_others_work() {
    let desk = Desk::with_config(ALLOWED);
    let config = std::fs::read_to_string(desk.path("conduit.yaml")).unwrap();
    let two = config.replace("upstreams: [", "upstreams: [{id: down, type: stdio, command: ./conduit-test-absent}, ");
    desk.write("conduit.yaml", &two.replace("'up.*'", "'up.*', 'down.*'"));
    for args in [&["tools"][..], &["declarations"]] {
        let ended = desk.run(args);
        assert_eq!(ended.status, Some(0));
        assert!(ended.stdout.contains("echo"), "{ended:?}");
        assert!(ended.stderr.starts_with("conduit: upstream `down`: it is not available, "), "{ended:?}");
        assert!(ended.stderr.contains("conduit-test-absent"), "{ended:?}");
    }
    // The program is told that the upstream is down, the operator why.
    let why =
        "conduit: upstream `down`: cannot start `./conduit-test-absent`: No such file or directory (os error 2)\n";
    let caught =
        desk.exec("try { await tools.down.x({}) } catch (error) { return error.message.includes('absent') }", &[]);
    assert_eq!(caught.parts(), (0, "false\n", why));
    let thrown = desk.exec("await tools.down.x({}); ", &["--json"]);
    assert_eq!((thrown.status, thrown.stderr.as_str()), (Some(1), why));
    assert!(!thrown.stdout.contains("absent"), "{thrown:?}");
    let check = desk.run(&["check"]);
    assert_eq!((check.status, check.stderr.as_str()), (Some(2), ""), "{check:?}");
    let lines: Vec<_> = check.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "upstream  tools  status", "up        6      ok"), "{check:?}");
    assert!(lines[1].starts_with("down      -      ") && lines[1].contains("conduit-test-absent"), "{check:?}");
}

#[test]
fn check_says_that_a_policy_is_missing() {
    let desk = Desk::with_config("");
    assert_eq!(desk.run(&["check"]).parts(), (0, "upstream  tools  status\nup        6      ok\n", NO_POLICY));
}

#[test]
fn an_interrupt_cancels_and_what_was_printed_is_kept() {
    let desk = Desk::with_config(ALLOWED);
    desk.write("program.ts", "console.log('started'); await tools.up.hang({})");
    let mut child = desk.start(&["exec", "program.ts"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // The line is there before the program ends: output is streamed.
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    signal(&child, "-INT");
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(130), "conduit: cancelled\n"));
}

/// Under `nohup` the command inherits that.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1
}

#[test]
fn an_interrupt_ends_upstreams_that_are_being_connected_to() {
    for (command, name) in [
        ("exec", "-INT"),
        ("exec", "-TERM"),
        ("exec", "-QUIT"),
        ("exec", "-HUP"),
        ("tools", "-INT"),
        ("declarations", "-TERM"),
        ("check", "-INT"),
    ] {
        if name == "-HUP" && hangups_are_ignored() {
            continue;
        }
        let desk = Desk::with_stubborn_upstream();
        desk.write("program.ts", "await tools.slow.x({})");
        let (args, said) = match command {
            "exec" => (&["exec", "program.ts"][..], "conduit: cancelled\n"),
            command => (&[command][..], ""),
        };
        let child = desk.start(args);
        let pid = desk.stubborn_pid();
        signal(&child, name);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.parts(), (130, "", said), "{command} {name}");
        assert!(!is_running(&pid), "{command} {name}");
    }
}

#[test]
fn a_reader_that_does_not_read_holds_up_no_interrupt() {
    let desk = Desk::with_config(ALLOWED);
    // More than a pipe takes.
    desk.write("program.ts", "for (let i = 0; i < 300; i++) console.log('x'.repeat(1000)); await tools.up.hang({})");
    for (flags, name) in [(&[][..], "-INT"), (&["--limit", "wall_time=100ms"], "-TERM")] {
        let mut child = desk.start(&[&["exec", "program.ts"], flags].concat());
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 1000]).unwrap();
        signal(&child, name);
        let started = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if started.elapsed() > PATIENCE => break child.kill().and_then(|()| child.wait()).unwrap(),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        assert_eq!(status.code(), Some(130), "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let desk = Desk::with_config(ALLOWED);
    desk.write("program.ts", "console.log('x')");
    for args in [&["exec", "program.ts"][..], &["tools"], &["--help"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = desk.command(args).stdin(Stdio::null()).stdout(full).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn the_reader_of_the_output_may_go_away() {
    let desk = Desk::with_config(ALLOWED);
    desk.write("program.ts", "for (let i = 0; i < 1000; i++) console.log('x'.repeat(1000)); return 1");
    let mut child = desk.start(&["exec", "program.ts", "--limit", "output=2MiB"]);
    drop(child.stdout.take());
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.parts(), (0, "", ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_dies_with_its_host_and_computes_no_further() {
    let desk = Desk::new();
    desk.write("conduit.yaml", "isolation: process\nconfinement: require");
    desk.write("program.ts", "console.log('begun'); while (true) {}");
    let mut host = desk.start(&["exec", "program.ts", "--limit", "wall_time=600s", "--limit", "cpu_time=300s"]);
    let mut begun = [0; 6];
    host.stdout.take().unwrap().read_exact(&mut begun).unwrap();
    let tasks = std::fs::read_dir(format!("/proc/{}/task", host.id())).unwrap();
    let lists = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap());
    let workers: Vec<String> =
        lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    assert!(!workers.is_empty());
    host.kill().unwrap();
    host.wait().unwrap();
    let start = Instant::now();
    while workers.iter().any(|pid| is_running(pid)) {
        assert!(start.elapsed() < PATIENCE, "a worker lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}
