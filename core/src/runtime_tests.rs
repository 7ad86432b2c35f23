//! Whole programs through the facade, with functions of the embedding program as their tools.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::*;
use crate::limits::Limit;
use crate::upstream::{CallContext, LocalToolError};

/// How long anything may take that must happen.
const SOON: Duration = Duration::from_secs(60);
const HANG: &str = "await tools.host.hang({})";

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.expect("it takes too long")
}

/// What the function `hang` tells: its start, and the end of its future.
#[derive(Debug, PartialEq)]
enum Told {
    Started,
    Dropped,
}

struct TellsDrop(mpsc::UnboundedSender<Told>);

impl Drop for TellsDrop {
    fn drop(&mut self) {
        let _ = self.0.send(Told::Dropped);
    }
}

fn builder() -> (RuntimeBuilder, UnboundedReceiver<Told>) {
    let (sender, told) = unbounded_channel();
    let hang = LocalTool::new("hang", move |_: Map<String, Value>, _: CallContext| {
        let guard = TellsDrop(sender.clone());
        async move {
            guard.0.send(Told::Started).unwrap();
            std::future::pending::<Result<Value, LocalToolError>>().await
        }
    });
    let echo =
        LocalTool::new("echo", |arguments: Map<String, Value>, _: CallContext| async move { Ok(arguments.into()) });
    let everything = Policy::allow([ToolPattern::parse("*").unwrap()]);
    (Runtime::builder().host_tool(hang).host_tool(echo).policy(everything), told)
}

fn runtime(executions: u32, queue: u32) -> (Runtime, UnboundedReceiver<Told>) {
    let (builder, told) = builder();
    (builder.max_executions(executions).max_queue(queue).build().unwrap(), told)
}

#[test]
fn as_many_executions_as_are_allowed_can_be_had() {
    let built = |executions| Runtime::builder().max_executions(executions).build().map(|_| ());
    built(MAX_EXECUTIONS).unwrap();
    for executions in [0, MAX_EXECUTIONS + 1] {
        let error = built(executions).unwrap_err();
        let message = format!("`max_executions` cannot be `{executions}`, expected 1 to 10000");
        assert_eq!((error.code(), error.to_string()), (ErrorCode::InvalidConfig, message));
    }
}

#[tokio::test]
async fn an_engine_that_is_not_offered_is_refused() {
    let runtime = Runtime::builder().build().unwrap();
    let error = runtime.execute(program("1").engine(Engine::V8)).await.unwrap_err();
    let message = "there is no engine `v8` for `typescript` here, expected `wasm`";
    assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::InvalidRequest, message));
    let built = |languages: &[Language], engines: &[Engine]| {
        let builder = Runtime::builder().languages(languages.iter().copied()).engines(engines.iter().copied());
        builder.build().err().map(|error| error.to_string())
    };
    let message = "no engine of `engines` runs a language of `languages`, expected one that does";
    assert_eq!(built(&[Language::Python], &[Engine::V8]).as_deref(), Some(message));
    assert_eq!(built(Language::ALL, &[]).as_deref(), Some(message));
    let required = Runtime::builder().confinement(Confinement::Require).build().err().unwrap();
    let message = "`confinement` is `require` but programs run in this process, expected `isolation: process`";
    assert_eq!((required.code(), required.to_string().as_str()), (ErrorCode::InvalidConfig, message));
    let message = "programs are to run in workers, expected a program for them: give `RuntimeBuilder::worker`";
    assert_eq!(built(Language::ALL, &[Engine::V8]).as_deref(), Some(message));
}

#[tokio::test]
async fn a_language_that_is_not_offered_is_refused() {
    let offered = |languages: &[Language]| Runtime::builder().languages(languages.iter().copied()).build();
    let error = offered(&[]).err().unwrap();
    let message = "`languages` has no language, expected at least one";
    assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::InvalidConfig, message));
    let runtime = offered(&[Language::Python, Language::Python]).unwrap();
    assert_eq!(runtime.languages(), [Language::Python]);
    let error = runtime.execute(program("1")).await.unwrap_err();
    let message = "there are no programs in `typescript` here, expected `python`";
    assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::InvalidRequest, message));
    let error = offered(&[Language::TypeScript]).unwrap().spawn(ExecutionRequest::python("1")).unwrap().join().await;
    let message = "there are no programs in `python` here, expected `typescript`";
    assert_eq!(error.unwrap_err().to_string(), message);
    assert_eq!(Runtime::builder().build().unwrap().languages(), Language::ALL);
}

#[tokio::test]
async fn a_python_program_has_its_value_its_output_and_its_tools() {
    let (runtime, _told) = runtime(1, 0);
    let code = "import asyncio\nprint('got', input['n'])\n\
                both = await asyncio.gather(tools.host.echo(n=input['n']), tools.host.echo({'n': 2}))\n\
                return sum(one['n'] for one in both)";
    let result = soon(runtime.execute(ExecutionRequest::python(code).input(json!({"n": 40})))).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed);
    assert_eq!((result.value, result.stdout.as_str(), result.tool_calls.len()), (json!(42), "got 40\n", 2));
}

#[tokio::test]
async fn r10_programs_of_both_languages_share_the_places() {
    let (runtime, mut told) = runtime(2, 0);
    let hanging = [program(HANG), ExecutionRequest::python("await tools.host.hang()")];
    let executions: Vec<_> = hanging.into_iter().map(|request| runtime.spawn(request).unwrap()).collect();
    for _ in 0..2 {
        assert_eq!(soon(told.recv()).await, Some(Told::Started));
    }
    for request in [program("1"), ExecutionRequest::python("1")] {
        assert_eq!(runtime.execute(request).await.unwrap_err().code(), ErrorCode::Busy);
    }
    for execution in executions {
        execution.cancel();
        assert_eq!(soon(execution.join()).await.unwrap().outcome, Outcome::Cancelled);
    }
}

#[tokio::test]
async fn r09_a_memory_limit_in_which_python_does_not_fit_is_refused() {
    let runtime = Runtime::builder().build().unwrap();
    let mut request = ExecutionRequest::python("1");
    request.limits.memory_bytes = Some(Limit::Memory.minimum());
    let error = runtime.execute(request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidLimit);
    let message = error.to_string();
    let start = "limit `memory_bytes` cannot be `8388608` for `python`, expected at least ";
    let least = message.strip_prefix(start).and_then(|least| least.parse::<u64>().ok());
    assert!(least.is_some_and(|least| least < 64 << 20), "{message}");
}

#[tokio::test]
async fn messages_to_a_program_are_in_its_language() {
    let (runtime, _told) = runtime(1, 0);
    let absent = "try { await tools.host.ech({}) } catch (error) { return error.message }";
    let result = runtime.execute(program(absent)).await.unwrap();
    let message =
        "there is no tool `host.ech`, the nearest are `host.echo`; `tools.$list()` gives those that there are";
    assert_eq!(result.value, message);
    let absent = "try:\n    await tools.host.ech()\nexcept ToolError as error:\n    return str(error)";
    let result = runtime.execute(ExecutionRequest::python(absent)).await.unwrap();
    assert_eq!(result.value, message.replace("tools.$list()", "list_tools()"));
    let described = "return (await describe_tool('host.echo'))['declaration']";
    let result = runtime.execute(ExecutionRequest::python(described)).await.unwrap();
    assert!(result.value.as_str().is_some_and(|text| text.contains("def echo(")), "{result:?}");
}

#[test]
fn a_config_keeps_what_the_builder_does_not_change() {
    let policy = Policy::allow([ToolPattern::parse("*").unwrap()]);
    let config = Config { policy, max_executions: 1, ..Config::default() };
    let runtime = Runtime::builder_from(config).max_queue(3).build().unwrap();
    assert!(runtime.has_policy());
    assert_eq!(runtime.inner.places.available_permits(), 1);
}

fn program(code: &str) -> ExecutionRequest {
    ExecutionRequest::typescript(code)
}

async fn value(runtime: &Runtime, code: &str) -> Value {
    let result = soon(runtime.execute(program(code))).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
    result.value
}

#[tokio::test]
async fn r10_a_runtime_that_is_full_refuses_at_once() {
    let (runtime, mut told) = runtime(1, 1);
    let running = runtime.spawn(program(HANG)).unwrap();
    assert_eq!(soon(told.recv()).await, Some(Told::Started));
    let mut queued = Box::pin(runtime.execute(program("return 1")));
    assert!(queued.as_mut().now_or_never().is_none(), "it waits for the place");
    for _ in 0..3 {
        let refused = runtime.execute(program("return 2")).now_or_never().expect("nothing to wait for");
        let error = refused.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Busy, true));
    }
    running.cancel();
    assert_eq!(soon(running.join()).await.unwrap().outcome, Outcome::Cancelled);
    assert_eq!(soon(queued).await.unwrap().value, 1);
    assert_eq!(value(&runtime, "return 3").await, 3);
}

#[tokio::test]
async fn r10_one_that_gives_up_waiting_frees_its_place_in_the_queue() {
    let (runtime, mut told) = runtime(1, 1);
    let running = runtime.spawn(program(HANG)).unwrap();
    assert_eq!(soon(told.recv()).await, Some(Told::Started));
    let queued = runtime.spawn(program("console.log(1)")).unwrap();
    queued.cancel();
    let result = soon(queued.join()).await.unwrap();
    assert_eq!((result.outcome, result.stdout.as_str(), result.id.len()), (Outcome::Cancelled, "", 32));
    let mut dropped = Box::pin(runtime.execute(program("return 1")));
    assert!(dropped.as_mut().now_or_never().is_none());
    drop(dropped);
    let mut waiting = Box::pin(runtime.execute(program("return 2")));
    assert!(waiting.as_mut().now_or_never().is_none(), "the queue has room again");
    drop(running);
    assert_eq!(soon(waiting).await.unwrap().value, 2);
}

#[tokio::test]
async fn dropping_an_execution_frees_its_place_and_drops_its_calls() {
    let (runtime, mut told) = runtime(1, 1);
    let mut running = Box::pin(runtime.execute(program(HANG)));
    tokio::select! {
        result = &mut running => panic!("{result:?}"),
        told = told.recv() => assert_eq!(told, Some(Told::Started)),
    }
    drop(running);
    assert_eq!(soon(told.recv()).await, Some(Told::Dropped));
    assert_eq!(value(&runtime, "return 1").await, 1);
    let running = runtime.spawn(program(HANG)).unwrap();
    assert_eq!(soon(told.recv()).await, Some(Told::Started));
    drop(running);
    assert_eq!(soon(told.recv()).await, Some(Told::Dropped));
    assert_eq!(value(&runtime, "return 2").await, 2);
}

#[tokio::test]
async fn events_come_in_order_and_end_with_the_program() {
    let (runtime, _told) = runtime(1, 0);
    let code = "console.log('a'); const x = await tools.host.echo({n: 1}); console.error('b', x.n); return x";
    let mut execution = runtime.spawn(program(code)).unwrap();
    let events: Vec<Event> = soon(execution.take_events().collect()).await;
    let id = execution.id().to_owned();
    let result = soon(execution.join()).await.unwrap();
    assert_eq!((&result.outcome, &result.value, result.id), (&Outcome::Completed, &json!({"n": 1}), id));
    assert_eq!((result.stdout.as_str(), result.stderr.as_str()), ("a\n", "b 1\n"));
    let record = result.tool_calls[0].clone();
    assert_eq!((record.tool.as_str(), record.error), ("host.echo", None));
    let expected = [
        Event::Stdout { text: result.stdout },
        Event::ToolCallStarted { index: 0, tool: "host.echo".into() },
        Event::ToolCallEnded { index: 0, record },
        Event::Stderr { text: result.stderr },
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn t12_cancelling_drops_all_calls_in_flight_and_keeps_what_was_written() {
    let (runtime, mut told) = runtime(1, 0);
    let code = "console.log('before'); await Promise.all(Array.from({length: 8}, () => tools.host.hang({}))); console.log('after')";
    let execution = runtime.spawn(program(code)).unwrap();
    for _ in 0..8 {
        assert_eq!(soon(told.recv()).await, Some(Told::Started));
    }
    execution.cancel();
    let result = soon(execution.join()).await.unwrap();
    assert_eq!((&result.outcome, result.stdout.as_str()), (&Outcome::Cancelled, "before\n"));
    assert_eq!((&result.value, result.tool_calls.len()), (&Value::Null, 8));
    assert!(result.tool_calls.iter().all(|call| call.error == Some(ErrorCode::Cancelled)), "{result:?}");
    for _ in 0..8 {
        assert_eq!(soon(told.recv()).await, Some(Told::Dropped));
    }
    assert!(told.try_recv().is_err(), "nothing is called again");
}

#[tokio::test]
async fn shutting_down_cancels_what_runs_and_refuses_what_comes() {
    let (runtime, mut told) = runtime(1, 1);
    let running = runtime.spawn(program(HANG)).unwrap();
    assert_eq!(soon(told.recv()).await, Some(Told::Started));
    let mut queued = Box::pin(runtime.execute(program("return 1")));
    assert!(queued.as_mut().now_or_never().is_none());
    soon(runtime.shutdown()).await;
    let ended = running.join().now_or_never().expect("what runs has been reported when the shutdown is over");
    assert_eq!(ended.unwrap().outcome, Outcome::Cancelled);
    assert_eq!(soon(queued).await.unwrap().outcome, Outcome::Cancelled);
    assert_eq!(soon(told.recv()).await, Some(Told::Dropped));
    soon(runtime.shutdown()).await;
    let refused = runtime.clone().execute(program("return 1")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ShutDown);
    let refused = soon(runtime.spawn(program("return 1")).unwrap().join()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ShutDown);
}

#[tokio::test]
async fn r20_a_limit_above_the_operators_is_clamped_and_the_usage_says_so() {
    let (builder, _told) = builder();
    let most = LimitsRequest { tool_calls: Some(3), program_bytes: Some(500), ..LimitsRequest::default() };
    let runtime = builder.max_limits(most).build().unwrap();
    let asked = LimitsRequest { tool_calls: Some(50), wall_time_ms: Some(20_000), ..LimitsRequest::default() };
    let calls = |count: u32| program(&format!("for (let i = 0; i < {count}; i++) await tools.host.echo({{}})"));
    let fits = soon(runtime.execute(calls(3).limits(asked.clone()))).await.unwrap();
    assert_eq!((fits.outcome, fits.usage.clamped.as_slice()), (Outcome::Completed, &[Limit::ToolCalls][..]));
    let breaks = soon(runtime.execute(calls(4).limits(asked.clone()))).await.unwrap();
    assert!(matches!(breaks.outcome, Outcome::LimitExceeded { limit: Limit::ToolCalls, .. }), "{breaks:?}");
    assert_eq!(breaks.tool_calls.len(), 3);
    let input = "x".repeat(500);
    for large in [program(&format!("/*{input}*/")), program("return 1").input(input.into())] {
        let result = soon(runtime.execute(large.limits(asked.clone()))).await.unwrap();
        assert!(matches!(result.outcome, Outcome::LimitExceeded { limit: Limit::ProgramSize, .. }), "{result:?}");
        assert_eq!(result.usage.clamped, [Limit::ToolCalls]);
    }
    let none = LimitsRequest { tool_calls: Some(0), ..LimitsRequest::default() };
    let refused = runtime.execute(program("return 1").limits(none)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidLimit);
}

#[tokio::test]
async fn t14_a_run_that_uses_up_its_calls_leaves_others_theirs() {
    let (builder, _told) = builder();
    let limits = LimitsRequest { tool_calls: Some(5), ..LimitsRequest::default() };
    let runtime = builder.max_executions(8).max_queue(0).limits(limits).build().unwrap();
    let run = |calls: u32| {
        let code = format!("for (let i = 0; i < {calls}; i++) await tools.host.echo({{}}); return {calls}");
        let runtime = runtime.clone();
        async move { (calls, runtime.execute(program(&code)).await.unwrap()) }
    };
    for (calls, result) in soon(futures_util::future::join_all([6, 5, 100, 5, 5, 6, 5, 5].map(run))).await {
        assert_eq!(result.tool_calls.len(), 5, "{result:?}");
        match result.outcome {
            Outcome::Completed => assert_eq!((calls, result.value), (5, json!(5))),
            Outcome::LimitExceeded { limit, .. } => {
                assert!(calls > 5 && limit == Limit::ToolCalls, "{calls} {limit:?}")
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn g41_no_state_is_carried_over_between_runs() {
    let (runtime, _told) = runtime(1, 0);
    let spoil = "globalThis.leak = 1; Array.prototype.map = () => 'patched'; Object.prototype.leak = 2; \
                 JSON.stringify = () => '3'; Promise.prototype.then = undefined; tools.leak = 4; return Math.random()";
    let look = "return [typeof globalThis.leak, [1].map(x => x + 1)[0], typeof ({}).leak, JSON.stringify({a: 1}), \
                typeof Promise.prototype.then, Math.random()]";
    let before = value(&runtime, look).await;
    for _ in 0..3 {
        soon(runtime.execute(program(spoil))).await.unwrap();
    }
    let after = value(&runtime, look).await;
    let expected = [json!("undefined"), json!(2), json!("undefined"), json!("{\"a\":1}"), json!("function")];
    assert_eq!(before.as_array().unwrap()[..5], expected);
    assert_eq!(after.as_array().unwrap()[..5], expected);
    assert_ne!(before[5], after[5], "two runs draw the same random numbers");
}

#[tokio::test]
async fn t02_a_request_narrows_what_its_program_may_call() {
    let (runtime, _told) = runtime(1, 0);
    let code = "try { return await tools.host.echo({n: 1}) } catch (error) { return error.code }";
    let pattern = |text| ToolPattern::parse(text).unwrap();
    for (allow, expected) in [
        (None, json!({"n": 1})),
        (Some(vec![pattern("host.echo")]), json!({"n": 1})),
        (Some(vec![pattern("host.hang")]), json!("tool_not_found")),
        (Some(vec![]), json!("tool_not_found")),
    ] {
        let request = ExecutionRequest { allow, ..program(code) };
        let result = soon(runtime.execute(request)).await.unwrap();
        assert_eq!(result.value, expected, "{result:?}");
    }
    assert_eq!(runtime.tools(Some(&[pattern("host.echo")])).await.len(), 1);
    assert!(runtime.tools(Some(&[])).await.is_empty() && runtime.has_policy());
}

#[tokio::test]
async fn r09_replies_that_a_program_does_not_take_are_its_memory() {
    let large =
        LocalTool::new("large", |_: Map<String, Value>, _: CallContext| async { Ok("x".repeat(1 << 20).into()) });
    let runtime = builder().0.host_tool(large).build().unwrap();
    let limits = LimitsRequest { memory_bytes: Some(32 << 20), cpu_time_ms: Some(3_000), ..LimitsRequest::default() };
    let code = "for (let i = 0; i < 100; i++) tools.host.large({}); while (true) {}";
    let result = soon(runtime.execute(program(code).limits(limits))).await.unwrap();
    assert!(matches!(result.outcome, Outcome::LimitExceeded { limit: Limit::Memory, .. }), "{:?}", result.outcome);
}

#[tokio::test]
async fn nothing_is_told_after_the_end() {
    let (runtime, mut told) = runtime(1, 1);
    let mut running = runtime.spawn(program("console.log(1); await tools.host.hang({})")).unwrap();
    assert_eq!(soon(told.recv()).await, Some(Told::Started));
    running.cancel();
    let events: Vec<Event> = soon(running.take_events().collect()).await;
    assert!(matches!(events.last(), Some(Event::ToolCallEnded { .. })), "{events:?}");
    assert_eq!(soon(running.join()).await.unwrap().outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn r04_wall_time_ends_a_program_whose_answers_take_long_to_make() {
    let slow = LocalTool::new("slow", |_: Map<String, Value>, _: CallContext| async {
        std::thread::sleep(Duration::from_millis(100));
        Ok(Value::Null)
    });
    let runtime = builder().0.host_tool(slow).build().unwrap();
    let limits = LimitsRequest { wall_time_ms: Some(300), ..LimitsRequest::default() };
    let calls = "const calls = Array.from({ length: 100 }, () => tools.host.slow({}));";
    for end in ["await Promise.all(calls)", "while (true) {}"] {
        let request = program(&format!("{calls} {end}")).limits(limits.clone());
        let result = soon(runtime.execute(request)).await.unwrap();
        assert!(
            matches!(result.outcome, Outcome::LimitExceeded { limit: Limit::WallTime, .. }),
            "{:?}",
            result.outcome
        );
        assert!(result.usage.wall_time_ms < 5_000.0, "{end}: {:?}", result.usage);
    }
}

#[tokio::test]
async fn g15_nothing_runs_after_the_result() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let count = LocalTool::new("count", move |_: Map<String, Value>, _: CallContext| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(Value::Null) }
    });
    let runtime = builder().0.host_tool(count).max_executions(1).max_queue(0).build().unwrap();
    let mut known = 0;
    let late = [
        "setTimeout(late, 0)",
        "setInterval(late, 1)",
        "const registry = new FinalizationRegistry(late); (() => { registry.register({}, 1) })()",
        "tools.host.echo({}).then(() => { setTimeout(late, 0) })",
        "new Promise(() => {}).finally(late)",
        "queueMicrotask(() => setTimeout(() => Promise.reject(late()), 0))",
    ];
    for code in late {
        let code = format!("const late = () => tools.host.count({{}}); {code}; return 'done'");
        let result = soon(runtime.execute(program(&code))).await.unwrap();
        assert_eq!((&result.outcome, &result.value), (&Outcome::Completed, &json!("done")), "{code}: {result:?}");
        known += result.tool_calls.iter().filter(|call| call.tool == "host.count").count();
        assert_eq!(value(&runtime, "await new Promise(resolve => setTimeout(resolve, 5)); return 1").await, 1);
        assert_eq!(calls.load(Ordering::SeqCst), known, "something ran after the result of {code}");
    }
}

#[tokio::test]
async fn events_and_cancel_work_away_from_the_execution() {
    let (runtime, mut told) = runtime(1, 0);
    let mut execution = runtime.spawn(program("console.log(1); await tools.host.hang({})")).unwrap();
    let (events, cancel) = (execution.take_events(), execution.cancel_handle());
    let events = tokio::spawn(events.collect::<Vec<Event>>());
    assert!(soon(execution.take_events().collect::<Vec<Event>>()).await.is_empty(), "events are given once");
    let ended = tokio::spawn(execution.join());
    assert_eq!(soon(told.recv()).await, Some(Told::Started));
    cancel.clone().cancel();
    assert_eq!(soon(ended).await.unwrap().unwrap().outcome, Outcome::Cancelled);
    assert_eq!(soon(events).await.unwrap()[0], Event::Stdout { text: "1\n".into() });
}

#[tokio::test]
async fn errors_of_tools_travel_by_question_mark() {
    let parse = |arguments: Map<String, Value>, _: CallContext| async move {
        let text = arguments.get("text").and_then(Value::as_str).ok_or("`text` must be a text")?;
        let number: i64 = text.parse().map_err(|error| format!("`text` is no number: {error}"))?;
        Ok(number.into())
    };
    let runtime = builder().0.host_tool(LocalTool::new("parse", parse)).build().unwrap();
    let code = "const tried = (x) => tools.host.parse(x).catch((error) => error.message); \
                return [await tried({}), await tried({text: 'x'}), await tried({text: '7'})]";
    let expected = json!(["`text` must be a text", "`text` is no number: invalid digit found in string", 7]);
    assert_eq!(value(&runtime, code).await, expected);
}

#[tokio::test]
async fn limits_beyond_their_bounds_and_patterns_for_nothing_are_the_operators_to_mend() {
    let refused = |builder: RuntimeBuilder| builder.build().map(drop).unwrap_err().to_string();
    let day = LimitsRequest { wall_time_ms: Some(86_400_000), ..LimitsRequest::default() };
    let message = "`max_limits` has a larger `wall_time_ms` than there can be, expected at most 600000";
    assert_eq!(refused(builder().0.max_limits(day)), message);
    let [short, long] = [1_000, 2_000].map(|ms| LimitsRequest { wall_time_ms: Some(ms), ..LimitsRequest::default() });
    let message = "`limits` has a larger `wall_time_ms` than there can be, expected at most 1000";
    assert_eq!(refused(builder().0.max_limits(short).limits(long)), message);

    let patterns = ["host.echo", "host.ecko", "hst.*"].map(|pattern| ToolPattern::parse(pattern).unwrap());
    let runtime = builder().0.policy(Policy::allow(patterns)).build().unwrap();
    soon(runtime.check()).await;
    let idle: Vec<String> = runtime.idle_patterns().iter().map(ToString::to_string).collect();
    assert_eq!(idle, ["host.ecko", "hst.*"]);
}

#[tokio::test]
async fn r15_denied_calls_count_like_any_other() {
    let (runtime, mut told) = runtime(1, 0);
    let limits = LimitsRequest { tool_calls: Some(20), ..LimitsRequest::default() };
    let denied = "for (;;) { try { await tools.host.hang({}) } catch {} }";
    let request = program(denied).limits(limits).allow(vec![ToolPattern::parse("host.echo").unwrap()]);
    let result = soon(runtime.execute(request)).await.unwrap();
    assert!(matches!(result.outcome, Outcome::LimitExceeded { limit: Limit::ToolCalls, .. }), "{result:?}");
    let codes: Vec<_> = result.tool_calls.iter().map(|call| call.error).collect();
    assert_eq!((codes, result.usage.tool_calls), (vec![Some(ErrorCode::ToolNotFound); 20], 20));
    assert!(told.try_recv().is_err(), "a denied tool was called");
}

/// Sixteen MiB, nearly all of them filled with one number; then `end`. What is beyond them leaves room for one call.
fn spoils(end: &str) -> ExecutionRequest {
    let fill = "const hoard = []; \
        for (let size = 1 << 20; size >= 4096;) { \
            try { hoard.push(new Uint32Array(size / 4).fill(0xa55a1234)) } catch { size /= 2 } \
        } \
        hoard.shift(); ";
    let limits = LimitsRequest { memory_bytes: Some((16 << 20) + 4_096), ..LimitsRequest::default() };
    program(&format!("{fill}{end}")).limits(limits)
}

/// Says how often that number is found in all the memory that can be had, and that there is enough of it.
const LOOK: &str = "let found = 0, bytes = 0; const hoard = []; \
    for (let size = 1 << 20; size >= 4096;) { \
        try { \
            const numbers = new Uint32Array(new ArrayBuffer(size)); \
            found += numbers.indexOf(0xa55a1234) >= 0 ? 1 : 0; \
            bytes += size; hoard.push(numbers); \
        } catch { size /= 2 } \
    } \
    hoard.length = 0; \
    return [found, bytes > 10 << 20]";

#[tokio::test]
async fn g40_no_memory_of_a_run_reaches_the_next_one_however_it_ended() {
    let (runtime, mut told) = runtime(1, 0);
    let look = || program(LOOK).limits(spoils("").limits);
    let (hang, ever) = ("await tools.host.hang({})", "for (;;) {}");
    for _ in 0..8 {
        for (end, status) in [
            ("return 1", "completed"),
            ("throw new Error('x')", "failed"),
            ("(function deeper() { deeper() })()", "failed"),
            ("for (;;) hoard.push(new Uint32Array(1024))", "limit_exceeded"),
            (ever, "limit_exceeded"),
            (hang, "cancelled"),
        ] {
            let mut request = spoils(end);
            request.limits.cpu_time_ms = (end == ever).then_some(300);
            let running = runtime.spawn(request).unwrap();
            if end == hang {
                assert_eq!(soon(told.recv()).await, Some(Told::Started));
                running.cancel();
                assert_eq!(soon(told.recv()).await, Some(Told::Dropped));
            }
            let result = soon(running.join()).await.unwrap();
            assert_eq!(result.outcome.status(), status, "{end}: {result:?}");
            assert!(result.usage.memory_bytes > 15 << 20, "{end}: {}", result.usage.memory_bytes);
            let looked = soon(runtime.execute(look())).await.unwrap();
            assert_eq!(looked.value, json!([0, true]), "after {end}: {looked:?}");
        }
    }
}

#[tokio::test]
async fn u20_a_call_or_a_reply_over_its_limit_fails_alone() {
    let (runtime, _told) = runtime(1, 0);
    let code = "const codeOf = async n => { try { await tools.host.echo({n: 'x'.repeat(n)}); return 'none' } \
                catch (error) { return error.code } }; return [await codeOf(200), await codeOf(2)]";
    let limits = LimitsRequest { call_bytes: Some(100), ..LimitsRequest::default() };
    let result = soon(runtime.execute(program(code).limits(limits))).await.unwrap();
    assert_eq!(result.value, json!(["arguments_too_large", "none"]), "{result:?}");
    let limits = LimitsRequest { reply_bytes: Some(100), ..LimitsRequest::default() };
    let result = soon(runtime.execute(program(code).limits(limits))).await.unwrap();
    assert_eq!(result.value, json!(["reply_too_large", "none"]), "{result:?}");
}

#[tokio::test]
async fn a_function_is_told_whose_call_it_answers() {
    let whose = LocalTool::new("whose", |_, context| async move { Ok(context.execution.as_ref().into()) });
    let everything = Policy::allow([ToolPattern::parse("*").unwrap()]);
    let runtime = Runtime::builder().host_tool(whose).policy(everything).build().unwrap();
    let execution = runtime.spawn(ExecutionRequest::typescript("await tools.host.whose()")).unwrap();
    let id = execution.id().to_owned();
    assert_eq!(execution.join().await.unwrap().value, id);
}

#[path = "runtime_answer_tests.rs"]
mod answers;
