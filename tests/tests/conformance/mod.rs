//! The corpus of tests/conformance, through every way into Conduit. The README there is the contract.

mod runners;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use conduit_core::{Engine, ErrorCode, Language, Limit, LimitsRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

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
    #[serde(default)]
    expect_v8: Map<String, Value>,
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

#[derive(Clone, Deserialize)]
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

#[derive(Clone, Deserialize)]
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

#[derive(Clone, Deserialize)]
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

/// What must come of a case: what `expect` says, and over it what differs.
fn expect(case: &Case, language: Language, engine: Engine) -> serde_json::Result<Expect> {
    let none = Map::new();
    let differs = match (language, engine) {
        (Language::Python, _) => &case.expect_python,
        (_, Engine::V8) => &case.expect_v8,
        _ => &none,
    };
    let mut expect = case.expect.clone();
    for (key, value) in differs {
        match (expect.get_mut(key), value) {
            (Some(Value::Object(error)), Value::Object(differs)) if key == "error" => error.extend(differs.clone()),
            _ => drop(expect.insert(key.clone(), value.clone())),
        }
    }
    serde_json::from_value(Value::Object(expect))
}

/// All cases that `engine` runs, in their languages.
fn runs(corpus: &[(String, Case)], engine: Engine) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    for (file, case) in corpus {
        for &language in Language::ALL.iter().filter(|language| engine.runs(**language)) {
            let Some(program) = case.program(language) else { continue };
            let expect =
                expect(case, language, engine).unwrap_or_else(|error| panic!("{file}: {}: {error}", case.name));
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

/// What is wrong with how the case ended, in words.
fn wrong(expect: &Expect, ended: &Value) -> Vec<String> {
    match (&ended["error"], expect.status.as_str()) {
        (Value::Null, _) => problems(expect, &ended["result"]),
        (error, "refused") if error["code"].as_str() == expect.code.as_deref() => Vec::new(),
        (error, _) => vec![format!("refused with {error}")],
    }
}

/// What is wrong with `result`, in words.
fn problems(expect: &Expect, result: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let outcome = &result["outcome"];
    let error = expect.error.as_ref();
    let calls = |list: &[Value]| list.iter().map(|call| json!([call["tool"], call["error"]])).collect::<Value>();
    let exact: [(&str, Option<Value>, Value); 12] = [
        ("status", Some(json!(expect.status)), outcome["status"].clone()),
        ("limit", Some(json!(expect.limit)), outcome["limit"].clone()),
        ("value", expect.value.clone(), result["value"].clone()),
        ("stdout", expect.stdout.clone().map(Value::from), result["stdout"].clone()),
        ("stderr", expect.stderr.clone().map(Value::from), result["stderr"].clone()),
        ("tool_call_count", expect.tool_call_count.map(Value::from), result["usage"]["tool_calls"].clone()),
        (
            "tool_calls",
            expect.tool_calls.as_ref().map(|calls| calls.iter().map(|call| json!([call.tool, call.error])).collect()),
            result["tool_calls"].as_array().map_or(Value::Null, |list| calls(list)),
        ),
        ("error name", error.and_then(|it| it.name.clone()).map(Value::from), outcome["error"]["name"].clone()),
        (
            "error message",
            error.and_then(|it| it.message.clone()).map(Value::from),
            outcome["error"]["message"].clone(),
        ),
        ("error stack", error.and_then(|it| it.stack.clone()).map(Value::from), outcome["error"]["stack"].clone()),
        ("error line", error.and_then(|it| it.line).map(Value::from), outcome["error"]["line"].clone()),
        ("error column", error.and_then(|it| it.column).map(Value::from), outcome["error"]["column"].clone()),
    ];
    for (what, expected, got) in exact {
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            problems.push(format!("{what}: expected {expected}, got {got}"));
        }
    }
    let parts = [
        ("stdout", &expect.stdout_contains, &result["stdout"]),
        ("stderr", &expect.stderr_contains, &result["stderr"]),
        ("error message", error.map_or(&None, |it| &it.message_contains), &outcome["error"]["message"]),
        ("error stack", error.map_or(&None, |it| &it.stack_contains), &outcome["error"]["stack"]),
    ];
    for (what, part, whole) in parts {
        let whole = whole.as_str().unwrap_or_default();
        if let Some(part) = part.as_ref().filter(|part| !whole.contains(part.as_str())) {
            let shown: String = whole.chars().take(400).collect();
            problems.push(format!("{what}: expected to contain {part:?}, got {shown:?}"));
        }
    }
    problems
}

/// JavaScript's numbers, as `JSON.stringify` tells them apart: doubles, whose zero has no sign.
fn doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 0.0),
        Value::Array(list) => list.iter().map(doubles).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), doubles(value))).collect(),
        other => other.clone(),
    }
}

/// Runs the corpus, or the part of it that `CONDUIT_CASE` names, with these keys of a config.
/// `seen` is what a value becomes in the runner's language.
fn check(way: &Value, mut runner: impl FnMut(&Value) -> Value, seen: fn(&Value) -> Value) {
    let only = std::env::var("CONDUIT_CASE").ok();
    let corpus = corpus();
    let engine = Engine::from_name(way["engines"][0].as_str().unwrap_or("wasm")).unwrap();
    let mut runs = runs(&corpus, engine);
    runs.retain(|run| only.as_ref().is_none_or(|only| run.name().contains(only)));
    let mut failures = 0;
    for run in &runs {
        let mut ended = runner(&runners::job(run, way));
        if let Some(value) = ended.pointer_mut("/result/value") {
            *value = seen(value);
        }
        let expect = Expect { value: run.expect.value.as_ref().map(seen), ..run.expect.clone() };
        let problems = wrong(&expect, &ended);
        if !problems.is_empty() {
            failures += 1;
            let outcome = &ended["result"]["outcome"];
            eprintln!("{}: {}:\n  {}\n  {outcome}\n", run.file, run.name(), problems.join("\n  "));
        }
    }
    assert_eq!(failures, 0, "of {} cases", runs.len());
    for language in Language::ALL.iter().filter(|language| engine.runs(**language)) {
        let count = runs.iter().filter(|run| run.language == *language).count();
        assert!(only.is_some() || count >= 200, "the corpus has only {count} cases in {}", language.name());
    }
}

#[test]
fn the_corpus_holds_in_rust() {
    check(&json!({}), runners::rust(), Value::clone);
}

#[test]
fn the_corpus_holds_in_worker_processes() {
    check(&json!({ "isolation": "process" }), runners::rust(), Value::clone);
}

#[cfg(feature = "v8")]
#[test]
fn the_corpus_holds_in_v8() {
    check(&json!({ "engines": ["v8"] }), runners::rust(), Value::clone);
}

#[test]
fn the_corpus_holds_in_c() {
    check(&json!({}), runners::process("c"), Value::clone);
}

#[test]
fn the_corpus_holds_in_node() {
    check(&json!({}), runners::process("node"), doubles);
}

#[test]
fn the_corpus_holds_in_python() {
    check(&json!({}), runners::process("python"), Value::clone);
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
        for (key, value) in &case.expect_v8 {
            assert!(MAY_DIFFER.contains(&key.as_str()), "{at}: `{key}` may not differ between the engines");
            assert!(case.expect.get(key) != Some(value), "{at}: `{key}` does not differ");
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
    let runs = runs(&corpus, Engine::Wasm);
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
    let runs = runs(&corpus, Engine::Wasm);
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
