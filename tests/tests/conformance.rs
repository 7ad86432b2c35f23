//! The corpus of tests/conformance, through the Rust API. The README beside it is the contract of all runners.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conduit_core::{
    Config, ErrorCode, Event, Execution, ExecutionRequest, ExecutionResult, Language, Limit, LimitsRequest, Outcome,
    Policy, Result, Runtime, Strictness, ToolPattern,
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::tools;

/// What one of the languages lacks, so that a case of the other has no counterpart. The README says what each means.
const LACKING: &[(Language, &str)] = &[
    (Language::Python, "BigInt"),
    (Language::Python, "JSON.stringify"),
    (Language::Python, "JavaScript's globals"),
    (Language::Python, "console"),
    (Language::Python, "hoisting"),
    (Language::Python, "namespaces"),
    (Language::Python, "prototypes"),
    (Language::Python, "refused syntax"),
    (Language::Python, "strict mode"),
    (Language::Python, "syntax depth limit"),
    (Language::Python, "throwing any value"),
    (Language::TypeScript, "Python's syntax"),
    (Language::TypeScript, "asyncio"),
    (Language::TypeScript, "blocking"),
    (Language::TypeScript, "exception groups"),
    (Language::TypeScript, "exit"),
    (Language::TypeScript, "introspection"),
    (Language::TypeScript, "keyword arguments"),
    (Language::TypeScript, "lazy calls"),
    (Language::TypeScript, "modules"),
    (Language::TypeScript, "refused values"),
    (Language::TypeScript, "tracebacks"),
    (Language::TypeScript, "unbounded integers"),
];

/// What may differ between the languages: how they say it. The outcome, the codes and the calls never do.
const MAY_DIFFER: [&str; 6] = ["value", "stdout", "stdout_contains", "stderr", "stderr_contains", "error"];

/// One case. An unknown key is a mistake in the corpus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    #[serde(default, rename = "about")]
    _about: String,
    typescript: Option<String>,
    python: Option<String>,
    #[serde(default)]
    lacks: HashMap<Language, String>,
    allow: Option<Vec<String>>,
    #[serde(default)]
    input: Value,
    #[serde(default)]
    limits: LimitsRequest,
    #[serde(default)]
    strict: bool,
    config: Option<Value>,
    #[serde(default)]
    beside: HashMap<Language, String>,
    cancel_at: Option<String>,
    #[serde(default)]
    shut_down: bool,
    expect: Map<String, Value>,
    #[serde(default)]
    expect_python: Map<String, Value>,
}

impl Case {
    fn program(&self, language: Language) -> Option<&str> {
        match language {
            Language::TypeScript => self.typescript.as_deref(),
            Language::Python => self.python.as_deref(),
            _ => None,
        }
    }
}

/// A case in one of its languages.
struct Run<'a> {
    file: &'a str,
    case: &'a Case,
    language: Language,
    program: &'a str,
    expect: Expect,
}

impl Run<'_> {
    fn name(&self) -> String {
        format!("{} ({})", self.case.name, self.language.name())
    }
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
    stack: Option<String>,
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

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

/// What must come of a case in `language`: what `expect` says, and over it what differs.
fn expect(case: &Case, language: Language) -> serde_json::Result<Expect> {
    let mut expect = case.expect.clone();
    if language == Language::Python {
        for (key, value) in &case.expect_python {
            match (expect.get_mut(key), value) {
                (Some(Value::Object(error)), Value::Object(differs)) if key == "error" => error.extend(differs.clone()),
                _ => drop(expect.insert(key.clone(), value.clone())),
            }
        }
    }
    serde_json::from_value(Value::Object(expect))
}

fn runs(corpus: &[(String, Case)]) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    for (file, case) in corpus {
        for &language in Language::ALL {
            let Some(program) = case.program(language) else { continue };
            let expect = expect(case, language).unwrap_or_else(|error| panic!("{file}: {}: {error}", case.name));
            runs.push(Run { file, case, language, program, expect });
        }
    }
    runs
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
fn runtime(case: &Case, language: Language) -> Result<Runtime> {
    let environment = |name: &str| (name == "CORPUS").then(|| folder().display().to_string());
    let config = case.config.as_ref().map(|config| Config::parse(&config.to_string(), &environment)).transpose()?;
    let strictness = if case.strict { Strictness::Strict } else { Strictness::Permissive };
    Runtime::builder_from(config.unwrap_or_default())
        .host_tools("test", tools::test_tools())
        .host_tools("other", tools::other_tools())
        .upstream(tools::down())
        .policy(Policy::allow([ToolPattern::parse("*")?]))
        .validation(strictness)
        .languages([language])
        .build()
}

async fn execute(run: &Run<'_>) -> Result<ExecutionResult> {
    let case = run.case;
    let runtime = runtime(case, run.language)?;
    let allow = case.allow.clone().unwrap_or_else(|| vec!["test.*".to_owned()]);
    let allow = allow.iter().map(|pattern| ToolPattern::parse(pattern)).collect::<Result<Vec<_>>>()?;
    let request = |code: &str| ExecutionRequest::new(run.language, code).allow(allow.clone());
    let _beside = match case.beside.get(&run.language) {
        Some(code) => Some(printed(runtime.spawn(request(code))?, "").await),
        None => None,
    };
    if case.shut_down {
        runtime.shutdown().await;
    }
    let request = request(run.program).input(case.input.clone()).limits(case.limits.clone());
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

async fn outcome(run: &Run<'_>) -> Result<ExecutionResult> {
    let ended = tokio::time::timeout(Duration::from_secs(60), execute(run)).await;
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
        same("error stack", field(|e| e.stack.clone().map(Value::from), json!(error.stack)), json!(error.stack));
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
    let corpus = corpus();
    let mut runs = runs(&corpus);
    runs.retain(|run| only.as_ref().is_none_or(|only| run.name().contains(only)));
    let mut failures = 0;
    for run in &runs {
        let ended = outcome(run).await;
        let problems = wrong(&run.expect, &ended);
        if !problems.is_empty() {
            failures += 1;
            let outcome = ended.as_ref().map(|result| &result.outcome).ok();
            eprintln!("{}: {}:\n  {}\n  {outcome:?}\n", run.file, run.name(), problems.join("\n  "));
        }
    }
    assert_eq!(failures, 0, "of {} cases", runs.len());
    for language in Language::ALL {
        let count = runs.iter().filter(|run| run.language == *language).count();
        assert!(only.is_some() || count >= 200, "the corpus has only {count} cases in {}", language.name());
    }
}

#[test]
fn a_case_has_both_languages_or_says_what_one_of_them_lacks() {
    let corpus = corpus();
    for (file, case) in &corpus {
        let at = format!("{file}: {}", case.name);
        for language in Language::ALL {
            let name = language.name();
            match (case.program(*language), case.lacks.get(language)) {
                (Some(_), None) => {}
                (None, Some(lacking)) => {
                    assert!(
                        LACKING.contains(&(*language, lacking.as_str())),
                        "{at}: unknown: {name} lacks `{lacking}`"
                    );
                }
                _ => panic!("{at}: expected either a program in {name} or what {name} lacks"),
            }
            let has_beside = case.beside.contains_key(language) || case.beside.is_empty();
            assert!(has_beside || case.program(*language).is_none(), "{at}: `beside` has no program in {name}");
        }
        for (key, value) in &case.expect_python {
            assert!(MAY_DIFFER.contains(&key.as_str()), "{at}: `{key}` may not differ between the languages");
            assert!(case.expect.get(key) != Some(value), "{at}: `{key}` does not differ");
        }
        let both = case.typescript.is_some() && case.python.is_some();
        assert!(both || case.expect_python.is_empty(), "{at}: nothing can differ in a case of one language");
    }
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for (language, lacking) in LACKING {
        let used = corpus.iter().any(|(_, case)| case.lacks.get(language).is_some_and(|it| it == lacking));
        assert!(used, "no case says that {} lacks `{lacking}`", language.name());
        let row = format!("| {} | `{lacking}` |", language.name());
        assert!(readme.contains(&row), "README.md has no row {row:?}");
    }
}

#[test]
fn names_are_unique_and_every_limit_has_a_case() {
    let corpus = corpus();
    let mut names: Vec<_> = corpus.iter().map(|(_, case)| case.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|a, b| a < b), "two cases have one name");
    let runs = runs(&corpus);
    for (limit, language) in Limit::ALL.iter().flat_map(|limit| Language::ALL.iter().map(move |it| (limit, it))) {
        // These two fail a call, which the program can catch; the third is how many run at once.
        let shown = match limit.name() {
            "call_size" => "arguments_too_large",
            "reply_size" => "reply_too_large",
            "tool_calls_in_flight" => "tool_calls_in_flight",
            // A program's own error of recursion comes first; the hostile guest of core's tests reaches it.
            "stack" => continue,
            // CPython has a depth of its own, and says so as a SyntaxError.
            "program_depth" if *language == Language::Python => continue,
            name => name,
        };
        let has = |run: &Run<'_>| {
            run.expect.limit.as_deref() == Some(shown)
                || run.case.limits.get(*limit).is_some() && shown == "tool_calls_in_flight"
                || run.expect.tool_calls.iter().flatten().any(|call| call.error.as_deref() == Some(shown))
        };
        let shows = runs.iter().any(|run| run.language == *language && has(run));
        assert!(shows, "no case in {} breaks the limit `{limit}`", language.name());
    }
}

#[test]
fn every_error_code_has_a_case() {
    let corpus = corpus();
    let runs = runs(&corpus);
    for (code, language) in ErrorCode::ALL.iter().flat_map(|code| Language::ALL.iter().map(move |it| (code, it))) {
        // A fault of Conduit itself: no case can ask for one.
        if *code == ErrorCode::Internal {
            continue;
        }
        let has = |run: &Run<'_>| {
            run.expect.code.as_deref() == Some(code.name())
                || run.expect.tool_calls.iter().flatten().any(|call| call.error.as_deref() == Some(code.name()))
        };
        let shows = runs.iter().any(|run| run.language == *language && has(run));
        assert!(shows, "no case in {} ends with `{code}`", language.name());
    }
}
