//! What isolation costs: the same programs in this process and in worker processes, turn by turn, so that the machine's mood is the
//! same for all. `cargo bench -p conduit-benches --bench isolation` prints a table; times are of the quietest turn.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark: a panic is how it fails"
)]

use std::time::{Duration, Instant};

use conduit_core::{
    Engine, ExecutionRequest, Isolation, Language, LocalTool, Outcome, Policy, Runtime, ToolPattern, WorkerCommand,
};
use futures_util::future::join_all;

const TURNS: usize = 10;
const RUNS: usize = 100;
const RESTED: usize = 10;
/// Long enough for a worker to be started.
const REST: Duration = Duration::from_millis(30);

/// One way to run programs.
struct Way {
    name: &'static str,
    language: Language,
    isolation: Isolation,
    engine: Engine,
    print: &'static str,
    calls: &'static str,
    fib: &'static str,
}

const CALLS: &str = "for (let i = 0; i < 100; i++) await tools.host.ping({}); 1";
const FIB: &str = "const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2)); fib(32)";
const PYTHON_CALLS: &str = "for _ in range(100): await tools.host.ping()\n1";
const PYTHON_FIB: &str = "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(32)";

/// What one way took, each the best of its turns.
struct Figures {
    first: Duration,
    median: Duration,
    p99: Duration,
    /// A fresh run when nothing was asked for a while.
    rested: Duration,
    call: Duration,
    fib: Duration,
    two_at_once: f64,
}

fn ways() -> Vec<Way> {
    let way = |name, language, isolation, engine| {
        let [print, calls, fib] = match language {
            Language::TypeScript => ["console.log(1 + 1)", CALLS, FIB],
            _ => ["print(1 + 1)", PYTHON_CALLS, PYTHON_FIB],
        };
        Way { name, language, isolation, engine, print, calls, fib }
    };
    vec![
        way("TypeScript, in this process", Language::TypeScript, Isolation::InProcess, Engine::Wasm),
        way("TypeScript, worker", Language::TypeScript, Isolation::Process, Engine::Wasm),
        #[cfg(feature = "v8")]
        way("TypeScript, worker with V8", Language::TypeScript, Isolation::Process, Engine::V8),
        way("Python, in this process", Language::Python, Isolation::InProcess, Engine::Wasm),
        way("Python, worker", Language::Python, Isolation::Process, Engine::Wasm),
    ]
}

impl Way {
    fn runtime(&self) -> Runtime {
        let worker = WorkerCommand { program: std::env::current_exe().unwrap(), args: vec!["worker".into()] };
        Runtime::builder()
            .host_tool(LocalTool::new("ping", |_arguments, _context| async { Ok(1.into()) }))
            .policy(Policy::allow([ToolPattern::parse("*").unwrap()]))
            .languages([self.language])
            .engines([self.engine])
            .isolation(self.isolation)
            .worker(worker)
            .build()
            .unwrap()
    }

    async fn run(&self, runtime: &Runtime, code: &str) -> Duration {
        let start = Instant::now();
        let result = runtime.execute(ExecutionRequest::new(self.language, code)).await.unwrap();
        assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
        start.elapsed()
    }

    async fn figures(&self, runtime: &Runtime, so_far: Option<Figures>) -> Figures {
        let first = self.run(runtime, self.print).await;
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(self.run(runtime, self.print).await);
        }
        runs.sort_unstable();
        let median = runs.get(RUNS / 2).copied().unwrap_or_default();
        let mut rested = Vec::new();
        for _ in 0..RESTED {
            tokio::time::sleep(REST).await;
            rested.push(self.run(runtime, self.print).await);
        }
        rested.sort_unstable();
        let rested = rested.get(RESTED / 2).copied().unwrap_or_default();
        tokio::time::sleep(REST).await;
        let call = self.run(runtime, self.calls).await.saturating_sub(rested) / 100;
        tokio::time::sleep(REST).await;
        let fib = self.run(runtime, self.fib).await;
        let start = Instant::now();
        join_all((0..2).map(|_| async {
            for _ in 0..RUNS {
                self.run(runtime, self.print).await;
            }
        }))
        .await;
        let two_at_once = 2.0 * RUNS as f64 / start.elapsed().as_secs_f64();
        let p99 = runs.get(RUNS * 99 / 100).copied().unwrap_or_default();
        let now = Figures { first, median, p99, rested, call, fib, two_at_once };
        match so_far {
            None => now,
            Some(best) => Figures {
                first: best.first,
                median: best.median.min(now.median),
                p99: best.p99.min(now.p99),
                rested: best.rested.min(now.rested),
                call: best.call.min(now.call),
                fib: best.fib.min(now.fib),
                two_at_once: best.two_at_once.max(now.two_at_once),
            },
        }
    }
}

/// What the workers of this process have in memory that nobody else has, in MiB, on the average.
fn worker_mebibytes() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let pids: Vec<String> =
        lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    let kilobytes = pids.iter().filter_map(|pid| {
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let own = rollup.lines().filter(|line| line.starts_with("Private_"));
        Some(own.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum::<f64>())
    });
    kilobytes.sum::<f64>() / 1024.0 / pids.len().max(1) as f64
}

fn main() {
    // This program is its own worker.
    if std::env::args().nth(1).as_deref() == Some("worker") {
        std::process::exit(conduit_core::worker_exit_status(std::env::args_os()).into());
    }
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "| | first run | fresh run, p50 | p99 | after a rest, p50 | one call of 100 | fib(32) | two at once | memory of a worker |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let us = |time: Duration| format!("{:.0} us", time.as_secs_f64() * 1e6);
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    for way in ways() {
        executor.block_on(async {
            let runtime = way.runtime();
            let mut figures = None;
            for _ in 0..TURNS {
                figures = Some(way.figures(&runtime, figures).await);
            }
            let Figures { first, median, p99, rested, call, fib, two_at_once } = figures.unwrap();
            let memory = match way.isolation {
                Isolation::Process => format!("{:.0} MiB", worker_mebibytes()),
                _ => "-".to_owned(),
            };
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {two_at_once:.0}/s | {memory} |",
                way.name,
                ms(first),
                us(median),
                us(p99),
                us(rested),
                us(call),
                ms(fib)
            );
            runtime.shutdown().await;
        });
    }
}
