//! The corpus of tests/conformance, through the Rust API. The README beside it is the contract of all runners.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conduit_core::limits::LimitsRequest;
use conduit_core::model::{ExecutionRequest, ExecutionResult, Outcome};
use conduit_core::policy::Policy;
use conduit_core::runtime::Runtime;
use conduit_core::schema::Strictness;
use conduit_core::tool::ToolPattern;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tools;

/// One case. An unknown key is a mistake in the corpus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    #[serde(default, rename = "about")]
    _about: String,
    typescript: String,
    allow: Option<Vec<ToolPattern>>,
    #[serde(default)]
    input: Value,
    #[serde(default)]
    limits: LimitsRequest,
    #[serde(default)]
    strict: bool,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    status: String,
    #[serde(default, deserialize_with = "stated")]
    value: Option<Value>,
    stdout: Option<String>,
    stdout_contains: Option<String>,
    stderr: Option<String>,
    stderr_contains: Option<String>,
    error: Option<ExpectedError>,
    limit: Option<String>,
    tool_calls: Option<Vec<ExpectedCall>>,
    tool_call_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedError {
    name: Option<String>,
    message: Option<String>,
    message_contains: Option<String>,
    stack_contains: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedCall {
    tool: String,
    error: Option<String>,
}

/// `null` is a value to expect, unlike none at all.
fn stated<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn corpus() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        cases.into_iter().map(move |case| (file.clone(), case)).collect::<Vec<_>>()
    };
    files.iter().flat_map(read).collect()
}

fn runtime(strict: bool) -> Runtime {
    let strictness = if strict { Strictness::Strict } else { Strictness::Permissive };
    Runtime::builder()
        .host_tools("test", tools::test_tools())
        .host_tools("other", tools::other_tools())
        .upstream(tools::down())
        .policy(Policy::allow([ToolPattern::parse("*").unwrap()]))
        .validation(strictness)
        .build()
        .unwrap()
}

async fn execute(case: &Case) -> ExecutionResult {
    let allow = case.allow.clone().unwrap_or_else(|| vec![ToolPattern::parse("test.*").unwrap()]);
    let request = ExecutionRequest::typescript(&case.typescript)
        .allow(allow)
        .input(case.input.clone())
        .limits(case.limits.clone());
    // A runtime of its own: `test.count` counts per execution.
    let runtime = runtime(case.strict);
    let result = tokio::time::timeout(Duration::from_secs(60), runtime.execute(request)).await;
    result.expect("an execution ends within its limits").unwrap()
}

/// What is wrong with `result`, in words.
fn problems(expect: &Expect, result: &ExecutionResult) -> Vec<String> {
    let mut problems = Vec::new();
    let mut same = |what: &str, expected: Value, got: Value| {
        if expected != got {
            problems.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    same("status", json!(expect.status), json!(result.outcome.status()));
    if let Some(value) = &expect.value {
        same("value", value.clone(), result.value.clone());
    }
    if let Some(text) = &expect.stdout {
        same("stdout", json!(text), json!(result.stdout));
    }
    if let Some(text) = &expect.stderr {
        same("stderr", json!(text), json!(result.stderr));
    }
    if let Some(count) = expect.tool_call_count {
        same("tool_call_count", json!(count), json!(result.usage.tool_calls));
    }
    if let Outcome::LimitExceeded { limit, .. } = &result.outcome {
        same("limit", json!(expect.limit), json!(limit));
    }
    if let Some(calls) = &expect.tool_calls {
        let expected: Vec<_> = calls.iter().map(|call| json!([call.tool, call.error])).collect();
        let got: Vec<_> = result.tool_calls.iter().map(|call| json!([call.tool, call.error])).collect();
        same("tool_calls", json!(expected), json!(got));
    }
    if let Outcome::Failed { error } = &result.outcome {
        let expected = expect.error.as_ref();
        let field = |of: fn(&ExpectedError) -> Option<Value>, got: Value| expected.and_then(of).unwrap_or(got);
        same("error name", field(|e| e.name.clone().map(Value::from), json!(error.name)), json!(error.name));
        same(
            "error message",
            field(|e| e.message.clone().map(Value::from), json!(error.message)),
            json!(error.message),
        );
        same("error line", field(|e| e.line.map(Value::from), json!(error.line)), json!(error.line));
        same("error column", field(|e| e.column.map(Value::from), json!(error.column)), json!(error.column));
    }
    let (message, stack) = match &result.outcome {
        Outcome::Failed { error } => (error.message.as_str(), error.stack.as_str()),
        _ => ("", ""),
    };
    let part = |of: fn(&ExpectedError) -> &Option<String>| expect.error.as_ref().and_then(|error| of(error).as_deref());
    for (what, part, whole) in [
        ("stdout", expect.stdout_contains.as_deref(), result.stdout.as_str()),
        ("stderr", expect.stderr_contains.as_deref(), result.stderr.as_str()),
        ("error message", part(|error| &error.message_contains), message),
        ("error stack", part(|error| &error.stack_contains), stack),
    ] {
        if let Some(part) = part.filter(|part| !whole.contains(part)) {
            let shown: String = whole.chars().take(400).collect();
            problems.push(format!("{what}: expected to contain {part:?}, got {shown:?}"));
        }
    }
    problems
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_corpus_holds() {
    let only = std::env::var("CONDUIT_CASE").ok();
    let cases: Vec<_> =
        corpus().into_iter().filter(|(_, case)| only.as_ref().is_none_or(|only| case.name.contains(only))).collect();
    let wrong = AtomicU64::new(0);
    for (file, case) in &cases {
        let result = execute(case).await;
        let problems = problems(&case.expect, &result);
        if !problems.is_empty() {
            wrong.fetch_add(1, Ordering::Relaxed);
            eprintln!("{file}: {}:\n  {}\n  outcome {:?}\n", case.name, problems.join("\n  "), result.outcome);
        }
    }
    assert_eq!(wrong.load(Ordering::Relaxed), 0, "of {} cases", cases.len());
    assert!(only.is_some() || cases.len() >= 60, "the corpus has only {} cases", cases.len());
}

#[test]
fn names_are_unique_and_every_limit_has_a_case() {
    let corpus = corpus();
    let mut names: Vec<_> = corpus.iter().map(|(_, case)| case.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|a, b| a < b), "two cases have one name");
    for limit in conduit_core::limits::Limit::ALL {
        // These two fail a call, which the program can catch; the third is how many run at once.
        let shown = match limit.name() {
            "call_size" => "arguments_too_large",
            "reply_size" => "reply_too_large",
            "tool_calls_in_flight" => "tool_calls_in_flight",
            "stack" => continue,
            name => name,
        };
        let has = |case: &Case| {
            case.expect.limit.as_deref() == Some(shown)
                || case.limits.get(*limit).is_some() && shown == "tool_calls_in_flight"
                || case.expect.tool_calls.iter().flatten().any(|call| call.error.as_deref() == Some(shown))
        };
        assert!(corpus.iter().any(|(_, case)| has(case)), "no case breaks the limit `{limit}`");
    }
}
