//! What a program costs in memory while it waits: private dirty pages, with a thousand of them alive at once.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark: a panic is how it fails")]

use std::sync::Arc;

use conduit_core::{ExecutionRequest, Language, LocalTool, Outcome, Policy, Runtime, ToolPattern};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

const PROGRAMS: u32 = 1_000;
const CODE: [(Language, &str); 2] = [
    (Language::TypeScript, "const n = await tools.host.wait(); console.log(n + 1)"),
    (Language::Python, "n = await tools.host.wait()\nprint(n + 1)"),
];

fn private_dirty_kib() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[tokio::main]
async fn main() {
    let (come, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let wait = LocalTool::new("wait", {
        let (come, go) = (Arc::clone(&come), Arc::clone(&go));
        move |_, _| {
            let (come, go) = (Arc::clone(&come), Arc::clone(&go));
            async move {
                come.add_permits(1);
                go.acquire().await.unwrap().forget();
                Ok(1.into())
            }
        }
    });
    let runtime = Runtime::builder()
        .host_tools("host", [wait])
        .policy(Policy::allow([ToolPattern::parse("*").unwrap()]))
        .max_executions(PROGRAMS)
        .build()
        .unwrap();
    for (language, code, programs) in
        CODE.into_iter().flat_map(|(language, code)| [1, PROGRAMS].map(|n| (language, code, n)))
    {
        let request = || ExecutionRequest::new(language, code);
        let before = private_dirty_kib();
        let running = tokio::spawn(join_all((0..programs).map(|_| {
            let (runtime, request) = (runtime.clone(), request());
            async move { runtime.execute(request).await }
        })));
        come.acquire_many(programs).await.unwrap().forget();
        let each = (private_dirty_kib().saturating_sub(before)) as f64 / f64::from(programs);
        let name = language.name();
        println!("{name}: {programs} programs that wait for a tool: {each:.0} KiB of private dirty memory each");
        go.add_permits(programs as usize);
        let results = running.await.unwrap();
        assert!(results.iter().all(|result| result.as_ref().is_ok_and(|result| result.outcome == Outcome::Completed)));
    }
}
