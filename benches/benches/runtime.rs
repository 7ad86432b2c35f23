//! Fresh run, tool call, parallel runs, catalog growth and start of the runtime, in each language, through the public API.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark: a panic is how it fails")]

use conduit_core::{ExecutionRequest, Language, LocalTool, Outcome, Policy, Runtime, ToolPattern};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use serde_json::json;

/// The programs of one language.
struct Programs {
    language: Language,
    print: &'static str,
    one_call: &'static str,
    /// 100 calls one after the other, with a text of `BYTES` bytes each.
    calls: &'static str,
    calls_at_once: &'static str,
    /// Computing: a recursive function, a sort, texts.
    compute: [(&'static str, &'static str); 3],
}

const PROGRAMS: [Programs; 2] = [
    Programs {
        language: Language::TypeScript,
        print: "console.log(1 + 1)",
        one_call: "await tools.host.tool_7({ value: 1 })",
        calls: "const value = 'x'.repeat(BYTES); for (let i = 0; i < 100; i++) await tools.host.tool_0({ value }); 1",
        calls_at_once: "await Promise.all(Array.from({ length: 100 }, (_, value) => tools.host.tool_0({ value }))); 1",
        compute: [
            ("fib(24)", "const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2)); fib(24)"),
            (
                "sort 100,000",
                "let x = 1; Array.from({ length: 1e5 }, () => (x = (x * 48271) % 2147483647)).sort((a, b) => a - b)[0]",
            ),
            ("texts", "let s = ''; for (let i = 0; i < 1e5; i++) s += i; s.split('9').join('-').length"),
        ],
    },
    Programs {
        language: Language::Python,
        print: "print(1 + 1)",
        one_call: "await tools.host.tool_7(value=1)",
        calls: "value = 'x' * BYTES\nfor _ in range(100): await tools.host.tool_0(value=value)\n1",
        calls_at_once: "import asyncio\nawait asyncio.gather(*(tools.host.tool_0(value=n) for n in range(100)))\n1",
        compute: [
            ("fib(24)", "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(24)"),
            (
                "sort 100,000",
                "x = 1\nnumbers = []\nfor _ in range(100_000):\n    x = x * 48271 % 2147483647\n    numbers.append(x)\nnumbers.sort()\nnumbers[0]",
            ),
            ("texts", "s = ''\nfor i in range(100_000): s += str(i)\nlen('-'.join(s.split('9')))"),
        ],
    },
];

fn tool(name: &str) -> LocalTool {
    LocalTool::new(name, |arguments, _| async move { Ok(arguments.get("value").cloned().unwrap_or_default()) })
        .input_schema(json!({ "type": "object", "properties": { "value": {} } }))
}

fn runtime(tools: usize, languages: &[Language]) -> Runtime {
    let tools = (0..tools).map(|at| tool(&format!("tool_{at}")));
    let everything = Policy::allow([ToolPattern::parse("*").unwrap()]);
    Runtime::builder()
        .host_tools("host", tools)
        .policy(everything)
        .languages(languages.iter().copied())
        .max_executions(1_000)
        .max_queue(1_000)
        .build()
        .unwrap()
}

async fn run(runtime: &Runtime, language: Language, code: &str) {
    let result = runtime.execute(ExecutionRequest::new(language, code)).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
}

fn executor() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn fresh_run(c: &mut Criterion) {
    let executor = executor();
    let runtime = executor.block_on(async { runtime(1, Language::ALL) });
    for Programs { language, print, .. } in PROGRAMS {
        c.bench_function(&format!("{}: fresh run that prints 1 + 1", language.name()), |b| {
            b.iter(|| executor.block_on(run(&runtime, language, print)));
        });
    }
}

fn parallel_runs(c: &mut Criterion) {
    let executor = executor();
    let runtime = executor.block_on(async { runtime(1, Language::ALL) });
    for Programs { language, print, .. } in PROGRAMS {
        let mut group = c.benchmark_group(format!("{}: runs at once", language.name()));
        for count in [1usize, 10, 100, 1_000] {
            group.throughput(Throughput::Elements(count as u64));
            group.bench_with_input(BenchmarkId::from_parameter(count), &count, |b, &count| {
                b.iter(|| executor.block_on(join_all((0..count).map(|_| run(&runtime, language, print)))));
            });
        }
    }
}

fn tool_calls(c: &mut Criterion) {
    let executor = executor();
    let runtime = executor.block_on(async { runtime(1, Language::ALL) });
    for Programs { language, calls, calls_at_once, .. } in PROGRAMS {
        let name = language.name();
        let mut group = c.benchmark_group(format!("{name}: 100 tool calls, one after the other"));
        for bytes in [60usize, 10_000, 1_000_000] {
            let code = calls.replace("BYTES", &bytes.to_string());
            group.throughput(Throughput::Elements(100));
            group.bench_function(BenchmarkId::from_parameter(bytes), |b| {
                b.iter(|| executor.block_on(run(&runtime, language, &code)));
            });
        }
        group.finish();
        c.bench_function(&format!("{name}: 100 tool calls at once"), |b| {
            b.iter(|| executor.block_on(run(&runtime, language, calls_at_once)));
        });
    }
}

fn compute(c: &mut Criterion) {
    let executor = executor();
    let runtime = executor.block_on(async { runtime(1, Language::ALL) });
    for Programs { language, compute, .. } in PROGRAMS {
        for (what, code) in compute {
            c.bench_function(&format!("{}: {what}", language.name()), |b| {
                b.iter(|| executor.block_on(run(&runtime, language, code)));
            });
        }
    }
}

fn catalog(c: &mut Criterion) {
    let executor = executor();
    for Programs { language, one_call, .. } in PROGRAMS {
        let mut group = c.benchmark_group(format!("{}: fresh run with a call, tools in the catalog", language.name()));
        for tools in [10usize, 100, 1_000, 10_000] {
            let runtime = executor.block_on(async { runtime(tools, Language::ALL) });
            group.bench_function(BenchmarkId::from_parameter(tools), |b| {
                b.iter(|| executor.block_on(run(&runtime, language, one_call)));
            });
        }
    }
}

fn start(c: &mut Criterion) {
    let executor = executor();
    for languages in [&[Language::TypeScript][..], &[Language::Python], Language::ALL] {
        let names: Vec<_> = languages.iter().map(|language| language.name()).collect();
        c.bench_function(&format!("start of the runtime: {}", names.join(" and ")), |b| {
            b.iter(|| executor.block_on(async { drop(runtime(1, languages)) }));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = fresh_run, parallel_runs, tool_calls, compute, catalog, start
}
criterion_main!(benches);
