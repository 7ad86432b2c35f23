//! The TypeScript cases of `tests/conformance` that need no more than a guest and a scripted host.

use serde_json::{Map, Value};

use crate::world::{End, MIB, World, run_typescript};
use conduit_guest_v8::Step;
use conduit_test_transpiler::TranspileError;

const FILES: [&str; 8] = ["asyncio", "builtins", "codes", "errors", "hostile", "language", "limits", "tools"];

/// Cases of what lies before or behind the guest: the gateway, the catalog, the limits that the host keeps.
const OF_THE_HOST: &[&str] = &[
    "cancelled-",
    "code-",
    "a-call-that-takes-too-long",
    "arguments-are-checked",
    "call-size",
    "denied-looks-like-missing",
    "describe",
    "g11-polluted-prototypes",
    "list",
    "nearest-names-are-suggested",
    "nothing-allowed",
    "output",
    "program-depth",
    "program-size-",
    "program-size",
    "r12-one-long-line",
    "refused-arguments-say-where-to-look",
    "reply-size",
    "result-size",
    "search",
    "strict-refuses-",
    "t04-discovery-is-no-oracle",
    "tool-calls-in-flight",
    "upstream-unavailable",
];

/// Cases in which V8 says it otherwise, each with what it says.
const OTHERWISE: &[(&str, &str)] = &[
    ("error-made-by-reflection", "line: expected 2, found null"),
    ("memory-can-be-caught", "found \"Array buffer allocation failed\""),
    ("place-of-a-method-call-over-lines", "o.toString(...).missing is not a function"),
    ("place-of-destructuring", "column: expected 7, found 9"),
    ("place-of-destructuring-a-parameter", "column: expected 3, found 5"),
    ("place-of-destructuring-first", "column: expected 7, found 17"),
    ("what-is-no-function-is-named", "(intermediate value)(...) is not a function"),
    ("what-is-not-iterable-is-named", "Cannot destructure property 'a' of 'any(...)' as it is undefined."),
];

fn is_of_the_host(name: &str) -> bool {
    OF_THE_HOST.iter().any(|known| known.strip_suffix('-').map_or(name == *known, |_| name.starts_with(known)))
        || name.starts_with("list-")
}

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
        End::Deadlock => (
            "failed",
            Value::Null,
            serde_json::json!({ "name": "DeadlockError",
            "message": "no tool call and no timer is pending" }),
        ),
        End::Refused(TranspileError::Limit(..)) | End::Waits | End::Step(_) => {
            ("limit_exceeded", Value::Null, Value::Null)
        }
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
        if is_of_the_host(name) || !name.contains(&wanted) {
            continue;
        }
        let limits = &case.get("limits").cloned().unwrap_or_default();
        let times = ["cpu_time_ms", "wall_time_ms"].map(|key| limits[key].as_u64().unwrap_or(10_000));
        let most_time = times.into_iter().min().unwrap();
        let world = World {
            most_ticks: Some(most_time / 5),
            most_calls: limits["tool_calls"].as_u64(),
            most_entries: limits["log_entries"].as_u64(),
            most_output: limits["output_bytes"].as_u64().map(|bytes| bytes as usize),
            ..World::default()
        };
        let heap = limits["memory_bytes"].as_u64().map_or(256 * MIB, |bytes| bytes as usize);
        let input = case.get("input").cloned().unwrap_or_default();
        let (end, world) = run_typescript(world, case["typescript"].as_str().unwrap(), &input, heap);
        ran += 1;
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
