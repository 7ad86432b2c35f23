//! How late an execution ends that is over a time limit, while every place of the runtime is taken by one like it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark: a panic is how it fails")]

use conduit_core::{ExecutionRequest, ExecutionResult, Language, Limit, LimitsRequest, Outcome, Policy, Runtime};
use futures_util::future::join_all;

const PLACES: u32 = 100;
const ROUNDS: usize = 10;
const LIMIT_MS: f64 = 200.0;

/// Programs that never end by themselves, one for each place; in each round all of them at once.
async fn all_at_once(limit: Limit, language: Language, code: &str) -> Vec<ExecutionResult> {
    let runtime = Runtime::builder().policy(Policy::allow([])).max_executions(PLACES).max_queue(0).build().unwrap();
    let mut request = ExecutionRequest::new(language, code);
    request.limits = match limit {
        Limit::CpuTime => LimitsRequest { cpu_time_ms: Some(LIMIT_MS as u64), ..LimitsRequest::default() },
        _ => LimitsRequest { wall_time_ms: Some(LIMIT_MS as u64), ..LimitsRequest::default() },
    };
    let mut results = Vec::new();
    for _ in 0..ROUNDS {
        results.extend(join_all((0..PLACES).map(|_| runtime.execute(request.clone()))).await);
    }
    results.into_iter().map(Result::unwrap).collect()
}

fn percentile(sorted: &[f64], part: f64) -> f64 {
    let at = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

fn main() {
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "{} ends in {ROUNDS} rounds of {PLACES} at once, milliseconds after the limit of {LIMIT_MS} ms",
        ROUNDS * PLACES as usize
    );
    use Language::{Python, TypeScript};
    let cases = [
        (Limit::WallTime, TypeScript, "while (true) {}", "wall time, running"),
        (
            Limit::WallTime,
            TypeScript,
            "await new Promise((resolve) => setTimeout(resolve, 60_000))",
            "wall time, waiting",
        ),
        (Limit::CpuTime, TypeScript, "while (true) {}", "CPU time, running"),
        (Limit::WallTime, Python, "while True: pass", "wall time, running"),
        (Limit::WallTime, Python, "import asyncio\nawait asyncio.sleep(60)", "wall time, waiting"),
        (Limit::WallTime, Python, "import time\ntime.sleep(60)", "wall time, sleeping"),
        (Limit::CpuTime, Python, "while True: pass", "CPU time, running"),
    ];
    for (limit, language, code, name) in cases {
        let results = executor.block_on(all_at_once(limit, language, code));
        let used = |result: &ExecutionResult| match limit {
            Limit::CpuTime => result.usage.cpu_time_ms,
            _ => result.usage.wall_time_ms,
        };
        for result in &results {
            assert!(
                matches!(result.outcome, Outcome::LimitExceeded { limit: over, .. } if over == limit),
                "{result:?}"
            );
        }
        let mut late: Vec<f64> = results.iter().map(|result| used(result) - LIMIT_MS).collect();
        late.sort_by(f64::total_cmp);
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|part| percentile(&late, part));
        println!("{:10} {name:20} p50 {p50:7.1}   p99 {p99:7.1}   most {most:7.1}", language.name());
    }
}
