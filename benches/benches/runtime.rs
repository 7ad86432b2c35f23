//! Fresh run, tool call, parallel runs, catalog growth and start of the runtime, through the public API.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark: a panic is how it fails")]

use conduit_core::{ExecutionRequest, LocalTool, Outcome, Policy, Runtime, ToolPattern};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use serde_json::json;

fn tool(name: &str) -> LocalTool {
    LocalTool::new(name, |arguments, _| async move { Ok(arguments.get("value").cloned().unwrap_or_default()) })
        .input_schema(json!({ "type": "object", "properties": { "value": {} } }))
}

fn runtime(tools: usize) -> Runtime {
    let tools = (0..tools).map(|at| tool(&format!("tool_{at}")));
    let everything = Policy::allow([ToolPattern::parse("*").unwrap()]);
    Runtime::builder()
        .host_tools("host", tools)
        .policy(everything)
        .max_executions(1_000)
        .max_queue(1_000)
        .build()
        .unwrap()
}

async fn run(runtime: &Runtime, code: &str) {
    let result = runtime.execute(ExecutionRequest::typescript(code)).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
}

fn executor() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn fresh_run(c: &mut Criterion) {
    let executor = executor();
    let runtime = executor.block_on(async { runtime(1) });
    c.bench_function("fresh run: console.log(1+1)", |b| {
        b.iter(|| executor.block_on(run(&runtime, "console.log(1+1)")));
    });
}

fn parallel_runs(c: &mut Criterion) {
    let executor = executor();
    let runtime = executor.block_on(async { runtime(1) });
    let mut group = c.benchmark_group("runs at once");
    for count in [1usize, 10, 100, 1_000] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::from_parameter(count), &count, |b, &count| {
            b.iter(|| executor.block_on(join_all((0..count).map(|_| run(&runtime, "console.log(1+1)")))));
        });
    }
}

fn tool_calls(c: &mut Criterion) {
    let executor = executor();
    let runtime = executor.block_on(async { runtime(1) });
    let mut group = c.benchmark_group("100 tool calls, one after the other");
    for bytes in [60usize, 10_000, 1_000_000] {
        let code = format!(
            "const value = 'x'.repeat({bytes}); for (let i = 0; i < 100; i++) await tools.host.tool_0({{ value }}); 1"
        );
        group.throughput(Throughput::Elements(100));
        group.bench_function(BenchmarkId::from_parameter(bytes), |b| {
            b.iter(|| executor.block_on(run(&runtime, &code)));
        });
    }
    group.finish();
    c.bench_function("100 tool calls at once", |b| {
        let code = "await Promise.all(Array.from({ length: 100 }, (_, value) => tools.host.tool_0({ value }))); 1";
        b.iter(|| executor.block_on(run(&runtime, code)));
    });
}

fn catalog(c: &mut Criterion) {
    let executor = executor();
    let mut group = c.benchmark_group("fresh run with a call, tools in the catalog");
    for tools in [10usize, 100, 1_000, 10_000] {
        let runtime = executor.block_on(async { runtime(tools) });
        group.bench_function(BenchmarkId::from_parameter(tools), |b| {
            b.iter(|| executor.block_on(run(&runtime, "await tools.host.tool_7({ value: 1 })")));
        });
    }
}

fn start(c: &mut Criterion) {
    let executor = executor();
    c.bench_function("start of the runtime", |b| {
        b.iter(|| executor.block_on(async { drop(runtime(1)) }));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = fresh_run, parallel_runs, tool_calls, catalog, start
}
criterion_main!(benches);
