//! How a case gets into Conduit: as one JSON text, in every language the same.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use conduit_core::{Config, Event, Execution, ExecutionRequest, ExecutionResult, Result, Runtime, WorkerCommand};
use futures_util::StreamExt;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Run, folder};
use crate::tools;

/// Longer than any case may take: it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a runner is told of a case.
pub fn job(run: &Run<'_>, way: &Value) -> Value {
    let case = run.case;
    let config = case.config.as_ref().map_or("{}".to_owned(), Value::to_string);
    let mut config: Value =
        serde_json::from_str(&config.replace("${CORPUS}", &folder().display().to_string())).unwrap();
    config["policy"] = json!({ "allow": ["*"] });
    config["languages"] = json!([run.language]);
    for (key, value) in way.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config["validation"] = json!(if case.strict { "strict" } else { "permissive" });
    let mut upstreams = config["upstreams"].as_array().cloned().unwrap_or_default();
    upstreams.push(tools::down());
    config["upstreams"] = json!(upstreams);
    let allow = case.allow.clone().unwrap_or_else(|| vec!["test.*".to_owned()]);
    let request = |code: &str| json!({ "language": run.language, "code": code, "allow": allow });
    let mut main = request(run.program);
    main["input"] = case.input.clone();
    main["limits"] = json!(case.limits);
    json!({
        "config": config,
        "request": main,
        "beside": case.beside.get(&run.language).map(|code| request(code)),
        "cancel_at": case.cancel_at,
        "shut_down": case.shut_down,
    })
}

/// The runner of the Rust API.
pub fn rust() -> impl FnMut(&Value) -> Value {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    move |job| {
        let ended = threads.block_on(async { tokio::time::timeout(PATIENCE, execute(job)).await });
        match ended.expect("an execution ends within its limits") {
            Ok(result) => json!({ "result": result }),
            Err(error) => json!({ "error": error }),
        }
    }
}

/// What starts workers in these tests.
pub fn worker() -> WorkerCommand {
    WorkerCommand { program: env!("CARGO_BIN_EXE_conduit-test-worker").into(), args: Vec::new() }
}

async fn execute(job: &Value) -> Result<ExecutionResult> {
    // `test.count` counts per execution, so each has a runtime of its own.
    let runtime = Runtime::builder_from(Config::from_json(&job["config"].to_string())?)
        .host_tools("test", tools::test_tools())
        .host_tools("other", tools::other_tools())
        .worker(worker())
        .build()?;
    let request = |at: &str| ExecutionRequest::from_json(&job[at].to_string());
    let _beside = match &job["beside"] {
        Value::Null => None,
        _ => Some(printed(runtime.spawn(request("beside")?)?, "").await),
    };
    if job["shut_down"] == true {
        runtime.shutdown().await;
    }
    match job["cancel_at"].as_str() {
        Some(text) => {
            let execution = printed(runtime.spawn(request("request")?)?, text).await;
            execution.cancel();
            execution.join().await
        }
        None => runtime.execute(request("request")?).await,
    }
}

/// The execution when it has printed something that contains `text`.
async fn printed(mut execution: Execution, text: &str) -> Execution {
    let printed = |event: &Event| matches!(event, Event::Stdout { text: got } if got.contains(text));
    let seen = execution.take_events().any(|event| std::future::ready(printed(&event))).await;
    assert!(seen, "the program ended without printing {text:?}");
    execution
}

/// A runner's process, which ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The runner of another language: a program that answers each line with a line. `cargo xtask test` lays it out.
pub fn process(name: &str) -> impl FnMut(&Value) -> Value {
    let folder = std::env::var_os("CONDUIT_TEST_RUNNERS").expect("`cargo xtask test` sets CONDUIT_TEST_RUNNERS");
    let mut command = Command::new(std::path::Path::new(&folder).join(name));
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut process = Process(child.unwrap_or_else(|error| panic!("the runner `{name}` does not start: {error}")));
    let (mut input, output) = (process.0.stdin.take().unwrap(), BufReader::new(process.0.stdout.take().unwrap()));
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || output.lines().map_while(|line| line.ok()).try_for_each(|line| sender.send(line)));
    let name = name.to_owned();
    move |job| {
        let _held = &process;
        writeln!(input, "{job}").unwrap_or_else(|error| panic!("the runner `{name}` ended: {error}"));
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("the runner `{name}`: {error}: {job}"));
        parsed(&line).unwrap_or_else(|error| panic!("the runner `{name}` wrote {line:?}: {error}"))
    }
}

/// An answer, whose parts are parsed one by one: a value may be as deep as JSON gets, and lies two levels down here.
fn parsed(line: &str) -> serde_json::Result<Value> {
    type Parts = BTreeMap<String, Box<RawValue>>;
    let parts = |text: &str| serde_json::from_str::<Option<Parts>>(text).map(Option::unwrap_or_default);
    let mut answer = Map::new();
    for (key, whole) in parts(line)? {
        let fields = parts(whole.get())?.into_iter();
        let fields = fields.map(|(key, part)| Ok((key, serde_json::from_str(part.get())?)));
        answer.insert(key, Value::Object(fields.collect::<serde_json::Result<_>>()?));
    }
    answer.retain(|_, part| *part != json!({}));
    Ok(Value::Object(answer))
}
