//! The corpus of tests/conformance, through the Rust API. The README beside it is the contract of all runners.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conduit_core::{
    Config, ErrorCode, Event, Execution, ExecutionRequest, ExecutionResult, LimitsRequest, Outcome, Policy, Result,
    Runtime, Strictness, ToolPattern,
};
use futures_util::StreamExt;
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
    allow: Option<Vec<String>>,
    #[serde(default)]
    input: Value,
    #[serde(default)]
    limits: LimitsRequest,
    #[serde(default)]
    strict: bool,
    config: Option<Value>,
    beside: Option<String>,
    cancel_at: Option<String>,
    #[serde(default)]
    shut_down: bool,
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
    code: Option<String>,
    tool_calls: Option<Vec<ExpectedCall>>,
    tool_call_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedError {
    name: Option<String>,
    message: Option<String>,
    message_contains: Option<String>,
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

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

fn corpus() -> Vec<(String, Case)> {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
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

/// A runtime of the case's own: `test.count` counts per execution.
fn runtime(case: &Case) -> Result<Runtime> {
    let environment = |name: &str| (name == "CORPUS").then(|| folder().display().to_string());
    let config = case.config.as_ref().map(|config| Config::parse(&config.to_string(), &environment)).transpose()?;
    let strictness = if case.strict { Strictness::Strict } else { Strictness::Permissive };
    Runtime::builder_from(config.unwrap_or_default())
        .host_tools("test", tools::test_tools())
        .host_tools("other", tools::other_tools())
        .upstream(tools::down())
        .policy(Policy::allow([ToolPattern::parse("*")?]))
        .validation(strictness)
        .build()
}

async fn execute(case: &Case) -> Result<ExecutionResult> {
    let runtime = runtime(case)?;
    let allow = case.allow.clone().unwrap_or_else(|| vec!["test.*".to_owned()]);
    let allow = allow.iter().map(|pattern| ToolPattern::parse(pattern)).collect::<Result<Vec<_>>>()?;
    let request = |code: &str| ExecutionRequest::typescript(code).allow(allow.clone());
    let _beside = match &case.beside {
        Some(code) => Some(printed(runtime.spawn(request(code))?, "").await),
        None => None,
    };
    if case.shut_down {
        runtime.shutdown().await;
    }
    let request = request(&case.typescript).input(case.input.clone()).limits(case.limits.clone());
    match &case.cancel_at {
        Some(text) => {
            let execution = printed(runtime.spawn(request)?, text).await;
            execution.cancel();
            execution.join().await
        }
        None => runtime.execute(request).await,
    }
}

/// The execution when it has printed something that contains `text`.
async fn printed(mut execution: Execution, text: &str) -> Execution {
    let printed = |event: &Event| matches!(event, Event::Stdout { text: got } if got.contains(text));
    let seen = execution.take_events().any(|event| std::future::ready(printed(&event))).await;
    assert!(seen, "the program ended without printing {text:?}");
    execution
}

async fn outcome(case: &Case) -> Result<ExecutionResult> {
    let ended = tokio::time::timeout(Duration::from_secs(60), execute(case)).await;
    ended.expect("an execution ends within its limits")
}

/// What is wrong with how the case ended, in words.
fn wrong(expect: &Expect, ended: &Result<ExecutionResult>) -> Vec<String> {
    match (ended, expect.status.as_str()) {
        (Err(error), "refused") if Some(error.code().name()) == expect.code.as_deref() => Vec::new(),
        (Err(error), _) => vec![format!("refused with `{}`: {error}", error.code())],
        (Ok(result), _) => problems(expect, result),
    }
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
    let message = match &result.outcome {
        Outcome::Failed { error } => error.message.as_str(),
        _ => "",
    };
    let wanted = expect.error.as_ref().and_then(|error| error.message_contains.as_deref());
    for (what, part, whole) in [
        ("stdout", expect.stdout_contains.as_deref(), result.stdout.as_str()),
        ("stderr", expect.stderr_contains.as_deref(), result.stderr.as_str()),
        ("error message", wanted, message),
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
    let mut failures = 0;
    for (file, case) in &cases {
        let ended = outcome(case).await;
        let problems = wrong(&case.expect, &ended);
        if !problems.is_empty() {
            failures += 1;
            let outcome = ended.as_ref().map(|result| &result.outcome).ok();
            eprintln!("{file}: {}:\n  {}\n  {outcome:?}\n", case.name, problems.join("\n  "));
        }
    }
    assert_eq!(failures, 0, "of {} cases", cases.len());
    assert!(only.is_some() || cases.len() >= 60, "the corpus has only {} cases", cases.len());
}

#[test]
fn names_are_unique_and_every_limit_has_a_case() {
    let corpus = corpus();
    let mut names: Vec<_> = corpus.iter().map(|(_, case)| case.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|a, b| a < b), "two cases have one name");
    for limit in conduit_core::Limit::ALL {
        // These two fail a call, which the program can catch; the third is how many run at once.
        let shown = match limit.name() {
            "call_size" => "arguments_too_large",
            "reply_size" => "reply_too_large",
            "tool_calls_in_flight" => "tool_calls_in_flight",
            // A program's own RangeError comes first; the hostile guest of core's tests reaches it.
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

#[test]
fn every_error_code_has_a_case() {
    let corpus = corpus();
    for code in ErrorCode::ALL {
        // A fault of Conduit itself: no case can ask for one.
        if *code == ErrorCode::Internal {
            continue;
        }
        let has = |case: &Case| {
            case.expect.code.as_deref() == Some(code.name())
                || case.expect.tool_calls.iter().flatten().any(|call| call.error.as_deref() == Some(code.name()))
        };
        assert!(corpus.iter().any(|(_, case)| has(case)), "no case ends with `{code}`");
    }
}
