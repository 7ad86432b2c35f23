//! The TypeScript cases of `tests/conformance` that need no more than a guest and a scripted host.

use serde_json::{Map, Value};

use crate::world::{End, MIB, World, run_typescript};
use conduit_guest_v8::Step;
use conduit_test_transpiler::TranspileError;

const FILES: [&str; 8] =
    ["asyncio", "builtins", "codes", "errors", "hostile", "language", "limits", "tools"];

/// Cases of what lies before or behind the guest.
const OF_THE_HOST: &[&str] = &[];

/// Cases in which V8 says it otherwise, each with what it says. LIMITATIONS of the guest, reviewed one by one.
const OTHERWISE: &[(&str, &str)] = &[];

fn cases() -> Vec<Map<String, Value>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance");
    let mut cases = Vec::new();
    for file in FILES {
        let text = std::fs::read_to_string(format!("{folder}/{file}.json")).unwrap();
        cases.extend(serde_json::from_str::<Vec<Map<String, Value>>>(&text).unwrap());
    }
    cases.retain(|case| case.contains_key("typescript"));
    cases
}

/// What of `expect` the end of a case is not.
fn complaints(expect: &Value, end: &End, world: &World) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut want = |what: &str, expected: &Value, found: Value| {
        if !expected.is_null() && *expected != found {
            complaints.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    let (status, value, error) = match end {
        End::Step(Step::Done(json)) => ("completed", serde_json::from_str(json).unwrap(), Value::Null),
        End::Step(Step::Failed(failure)) if failure.out_of_memory => ("limit_exceeded", Value::Null, Value::Null),
        End::Step(Step::Failed(failure)) => (
            "failed",
            Value::Null,
            serde_json::json!({ "name": failure.name, "message": failure.message, "line": failure.line,
                "column": failure.column, "stack": failure.stack }),
        ),
        End::Refused(TranspileError::Program(error)) => (
            "failed",
            Value::Null,
            serde_json::json!({ "name": error.name, "message": error.message, "line": error.line, "column": error.column }),
        ),
        End::Deadlock => ("failed", Value::Null, serde_json::json!({ "name": "DeadlockError",
            "message": "no tool call and no timer is pending" })),
        End::Refused(TranspileError::Limit(..)) | End::Waits | End::Step(_) => ("limit_exceeded", Value::Null, Value::Null),
    };
    want("status", &expect["status"], status.into());
    if expect.as_object().is_some_and(|expect| expect.contains_key("value")) && expect["value"] != value {
        want("value", &expect["value"], value);
    }
    for stream in ["stdout", "stderr"] {
        let text = if stream == "stdout" { &world.stdout } else { &world.stderr };
        want(stream, &expect[stream], text.as_str().into());
    }
    for key in ["name", "message", "line", "column"] {
        want(key, &expect["error"][key], error[key].clone());
    }
    for (key, part) in [("message", "message_contains"), ("stack", "stack_contains")] {
        let found = error[key].as_str().unwrap_or_default();
        let has = expect["error"][part].as_str().is_none_or(|part| found.contains(part));
        want(part, if has { &Value::Null } else { &expect["error"][part] }, found.into());
    }
    complaints
}

#[test]
fn the_corpus_holds_in_v8() {
    let wanted = std::env::var("CONDUIT_CASE").unwrap_or_default();
    let (mut ran, mut wrong) = (0, Vec::new());
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        if OF_THE_HOST.contains(&name) || !name.contains(&wanted) {
            continue;
        }
        let limits = &case.get("limits").cloned().unwrap_or_default();
        let world = World {
            most_ticks: limits["cpu_time_ms"].as_u64().map(|ms| ms / 5).or(Some(2000)),
            most_calls: limits["tool_calls"].as_u64(),
            most_entries: limits["log_entries"].as_u64(),
            most_output: limits["output_bytes"].as_u64().map(|bytes| bytes as usize),
            ..World::default()
        };
        let heap = limits["memory_bytes"].as_u64().map_or(256 * MIB, |bytes| bytes as usize);
        let input = case.get("input").cloned().unwrap_or_default();
        let (end, world) = run_typescript(world, case["typescript"].as_str().unwrap(), &input, heap);
        ran += 1;
        if std::env::var("CONDUIT_TRACE").is_ok() { eprintln!("{name}"); }
        let complaints = complaints(&case["expect"], &end, &world.borrow());
        let otherwise = OTHERWISE.iter().find(|(known, _)| *known == name);
        match otherwise {
            None => wrong.extend(complaints.iter().map(|complaint| format!("{name}: {complaint}"))),
            Some((_, says)) if complaints.iter().any(|complaint| complaint.contains(says)) => {}
            Some((_, says)) => wrong.push(format!("{name}: does not say `{says}`: {complaints:?}")),
        }
    }
    assert!(wrong.is_empty(), "{ran} cases ran:\n{}", wrong.join("\n"));
    assert!(ran > 100 || !wanted.is_empty(), "only {ran} cases ran");
}
