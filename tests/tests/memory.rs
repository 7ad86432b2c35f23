//! What the whole process needs. A program of its own: beside other tests it would measure those too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code: a panic is how it fails")]

use conduit_core::{ErrorCode, ExecutionRequest, Language, LimitsRequest, Outcome, Runtime};

const MIB: u64 = 1 << 20;
const EXECUTIONS: u32 = 4;
const QUEUE: u32 = 4;
/// Each wave is two more than there is room for.
const WAVE: usize = 10;

/// Allocates up to the limit and frees it, twice.
const GREEDY: [(Language, u64, &str); 2] = [
    (
        Language::TypeScript,
        8 * MIB,
        "for (let i = 0; i < 2; i++) {
            const hoard = [];
            try { for (;;) hoard.push(new Uint8Array(1 << 20).fill(1)) } catch {}
        }
        return 1",
    ),
    (
        Language::Python,
        48 * MIB,
        "
for _ in range(2):
    hoard = []
    try:
        while True: hoard.append(b'\\x01' * (1 << 20))
    except MemoryError: pass
return 1",
    ),
];

/// The largest memory of this process so far, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}

/// How many images of guests' memories are there.
fn images() -> usize {
    let files =
        std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    files.into_iter().filter(|file| file.to_string_lossy().contains("wasm-memory-image")).count()
}

#[tokio::test]
async fn r10_a_thousand_runs_at_the_cap_are_refused_or_fit() {
    for (language, cap, code) in GREEDY {
        a_thousand_fit(language, cap, code).await;
    }
}

async fn a_thousand_fit(language: Language, cap: u64, code: &'static str) {
    let limits = LimitsRequest { memory_bytes: Some(cap), ..LimitsRequest::default() };
    let runtime = Runtime::builder().limits(limits).max_executions(EXECUTIONS).max_queue(QUEUE).build().unwrap();
    assert!(images() >= Language::ALL.len(), "memory is mapped by the runtime, not by the first execution");
    let result = runtime.execute(ExecutionRequest::new(language, "return 1")).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed);
    let base = peak();
    let (mut completed, mut busy) = (0, 0);
    for wave in [WAVE; 100] {
        let runs: Vec<_> = (0..wave)
            .map(|_| {
                let runtime = runtime.clone();
                tokio::spawn(async move { runtime.execute(ExecutionRequest::new(language, code)).await })
            })
            .collect();
        for run in runs {
            match run.await.unwrap() {
                Ok(result) => {
                    assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
                    assert!(result.usage.memory_bytes > cap - 2 * MIB, "{}", result.usage.memory_bytes);
                    completed += 1;
                }
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Busy);
                    busy += 1;
                }
            }
        }
    }
    // A wave that is slow to start may find a place that is free again.
    assert!(completed + busy == 1_000 && (100..=200).contains(&busy), "{completed} completed, {busy} refused");
    // Beside each run, the one before it may still be taken down.
    let most = base + 2 * u64::from(EXECUTIONS) * (cap + 16 * MIB);
    assert!(peak() <= most, "{} MiB of at most {} MiB", peak() / MIB, most / MIB);
}
