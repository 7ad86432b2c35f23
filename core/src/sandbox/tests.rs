//! The sandbox against a guest that an attacker owns from its first instruction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use conduit_test_guests::{HOSTILE, program};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::limits::Limit;

/// Counts calls; answers after some polls, or never.
#[derive(Default)]
struct Host {
    calls: AtomicUsize,
    now: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
    never: bool,
}

impl ToolHost for Host {
    fn call(&self, _call: HostCall) -> BoxFuture<'static, HostReply> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.never {
            return std::future::pending().boxed();
        }
        let (now, peak) = (Arc::clone(&self.now), Arc::clone(&self.peak));
        Box::pin(async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok("1".to_owned())
        })
    }
}

fn sandbox() -> Sandbox {
    let image = GuestImage { name: "hostile", cwasm: HOSTILE, configure: conduit_test_guests::configure };
    Sandbox::new(&image, SandboxSize { executions: 8, threads: 2 }).unwrap()
}

fn run_of(program: String, limits: Limits, host: Arc<Host>) -> Run {
    let envelope = Envelope { program, ..Envelope::default() };
    Run { envelope: Box::new(move || Ok(envelope)), limits, host, events: None, cancel: CancellationToken::new() }
}

async fn attack_with(operation: char, numbers: &[u32], limits: Limits) -> Report {
    sandbox().run(run_of(program(operation, numbers), limits, Arc::default())).await
}

async fn attack(operation: char, numbers: &[u32]) -> Report {
    attack_with(operation, numbers, Limits::default()).await
}

fn failure(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Failed { error } => &error.message,
        other => panic!("expected a failure, got {other:?}"),
    }
}

fn limit(report: &Report) -> Limit {
    match &report.outcome {
        Outcome::LimitExceeded { limit, .. } => *limit,
        other => panic!("expected a limit, got {other:?}"),
    }
}

const MEMORY: u32 = 2 << 16;
const BAD_RANGES: [(u32, u32); 5] = [(MEMORY, 1), (MEMORY - 1, 2), (u32::MAX, 1), (u32::MAX, u32::MAX), (1, u32::MAX)];

#[tokio::test]
async fn g50_ranges_out_of_bounds_end_that_guest_only() {
    for (address, length) in BAD_RANGES {
        let report = attack('w', &[1, address, length]).await;
        assert_eq!(failure(&report), "the guest runtime failed: the guest gave output out of bounds");
        let report = attack('r', &[address.max(MEMORY - 1), length.clamp(2, 65_536)]).await;
        assert_eq!(failure(&report), "the guest runtime failed: the guest gave entropy out of bounds");
        for numbers in [[0, address, length, 272, 2], [0, 256, 9, address, length]] {
            let report = attack('s', &numbers).await;
            assert_eq!(failure(&report), "the guest runtime failed: the guest gave a call out of bounds");
        }
        let report =
            attack_with('p', &[1, address, length], Limits { result_bytes: u64::MAX, ..Limits::default() }).await;
        assert_eq!(failure(&report), "the guest runtime failed: the guest gave a result out of bounds");
    }
}

#[tokio::test]
async fn g50_the_whole_memory_is_in_bounds() {
    let report = attack('w', &[1, 0, MEMORY]).await;
    assert_eq!((report.outcome, report.stdout.is_empty()), (Outcome::Completed, false));
    let report = attack('w', &[1, MEMORY, 0]).await;
    assert_eq!(report.outcome, Outcome::Completed);
}

#[tokio::test]
async fn g50_values_outside_the_contract_end_that_guest_only() {
    let cases: [(char, &[u32], &str); 7] = [
        ('w', &[3, 0, 1], "the guest gave an unknown stream"),
        ('s', &[5, 0, 0, 0, 0], "the guest gave an unknown kind of call"),
        ('s', &[u32::MAX, 0, 0, 0, 0], "the guest gave an unknown kind of call"),
        ('r', &[0, 65_537], "the guest gave too large a wish for entropy"),
        ('t', &[MEMORY - 8], "the guest gave a result out of bounds"),
        ('p', &[9, 0, 0], "the guest gave an unknown step"),
        ('a', &[MEMORY - 1], "the guest gave an allocation out of bounds"),
    ];
    for (operation, numbers, expected) in cases {
        let report = attack(operation, numbers).await;
        assert_eq!(failure(&report), format!("the guest runtime failed: {expected}"));
    }
}

#[tokio::test]
async fn g50_a_value_that_is_no_json_is_a_failure() {
    let report = attack('p', &[1, 64, 4]).await;
    assert!(failure(&report).starts_with("the program's value cannot be read: "));
    let report = attack('p', &[2, 64, 4]).await;
    assert_eq!(failure(&report), "the guest runtime failed: its error is not readable");
    let report = attack('p', &[2, 128, 41]).await;
    assert_eq!(failure(&report), "m");
    let report = attack('u', &[]).await;
    assert!(failure(&report).contains("unreachable"), "{report:?}");
}

#[tokio::test]
async fn r01_cpu_time_is_limited() {
    let report = attack_with('l', &[], Limits { cpu_time_ms: 30, ..Limits::default() }).await;
    assert_eq!(limit(&report), Limit::CpuTime);
    assert!(report.usage.cpu_time_ms >= 30.0, "{}", report.usage.cpu_time_ms);
}

#[tokio::test]
async fn r01_wall_time_ends_a_running_guest() {
    let report = attack_with('l', &[], Limits { wall_time_ms: 30, ..Limits::default() }).await;
    assert_eq!(limit(&report), Limit::WallTime);
}

#[tokio::test]
async fn r03_wall_time_ends_a_waiting_guest() {
    let limits = Limits { wall_time_ms: 30, ..Limits::default() };
    let host = Arc::new(Host { never: true, ..Host::default() });
    let report = sandbox().run(run_of(program('f', &[3]), limits, host)).await;
    assert_eq!((limit(&report), report.usage.tool_calls), (Limit::WallTime, 3));
}

#[tokio::test]
async fn r04_wall_time_ends_a_sleeping_guest() {
    let report = attack_with('z', &[3_600], Limits { wall_time_ms: 30, ..Limits::default() }).await;
    assert_eq!(limit(&report), Limit::WallTime);
    assert!(report.usage.wall_time_ms < 10_000.0);
}

#[tokio::test]
async fn r03_a_guest_that_spins_on_timers_uses_its_time_up() {
    let report = attack_with('n', &[], Limits { wall_time_ms: 50, ..Limits::default() }).await;
    assert_eq!(limit(&report), Limit::WallTime);
}

#[tokio::test]
async fn r09_recursion_ends_at_the_stack_limit() {
    assert_eq!(limit(&attack('d', &[]).await), Limit::Stack);
}

#[tokio::test]
async fn r09_memory_is_limited() {
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let report = attack_with('g', &[127], limits.clone()).await;
    assert_eq!(limit(&report), Limit::Memory);
    let report = attack_with('g', &[126], limits).await;
    assert_eq!((report.outcome, report.usage.memory_bytes), (Outcome::Completed, 8 << 20));
}

#[tokio::test]
async fn r09_arguments_that_wait_in_the_host_are_memory_too() {
    let limits = Limits { memory_bytes: 8 << 20, tool_calls: 100_000, ..Limits::default() };
    let host = Arc::new(Host { never: true, ..Host::default() });
    let report = sandbox().run(run_of(program('c', &[100_000]), limits, host)).await;
    assert_eq!(limit(&report), Limit::Memory);
}

#[tokio::test]
async fn r14_calls_are_counted_exactly() {
    let limits = Limits { tool_calls: 50, ..Limits::default() };
    let host = Arc::new(Host::default());
    let report = sandbox().run(run_of(program('f', &[51]), limits.clone(), Arc::clone(&host))).await;
    assert_eq!((limit(&report), report.usage.tool_calls), (Limit::ToolCalls, 50));
    assert!(host.calls.load(Ordering::SeqCst) <= 50);
    let report = sandbox().run(run_of(program('f', &[50]), limits, Arc::default())).await;
    assert_eq!(report.outcome, Outcome::Completed);
}

#[tokio::test]
async fn r14_calls_at_once_are_limited() {
    let limits = Limits { tool_calls_in_flight: 7, ..Limits::default() };
    let host = Arc::new(Host::default());
    let report = sandbox().run(run_of(program('f', &[200]), limits, Arc::clone(&host))).await;
    assert_eq!(report.outcome, Outcome::Completed);
    assert!((1..=7).contains(&host.peak.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn a_value_over_the_limit_is_not_read() {
    let report = attack_with('p', &[1, 0, 65], Limits { result_bytes: 64, ..Limits::default() }).await;
    assert_eq!(limit(&report), Limit::ResultSize);
}

#[tokio::test]
async fn t12_cancel_ends_a_waiting_and_a_running_guest() {
    for operation in ['f', 'l'] {
        let sandbox = sandbox();
        let host = Arc::new(Host { never: true, ..Host::default() });
        let run = run_of(program(operation, &[8]), Limits::default(), host);
        let cancel = run.cancel.clone();
        let (report, ()) = tokio::join!(sandbox.run(run), async {
            tokio::task::yield_now().await;
            cancel.cancel();
        });
        assert_eq!(report.outcome, Outcome::Cancelled);
    }
}

#[tokio::test]
async fn a_dropped_execution_gives_its_place_back() {
    let sandbox = sandbox();
    for _ in 0..40 {
        let run = run_of(program('l', &[]), Limits::default(), Arc::default());
        assert!(tokio::time::timeout(Duration::from_millis(1), sandbox.run(run)).await.is_err());
    }
    let started = Instant::now();
    let report = sandbox.run(run_of(program('w', &[1, 0, 1]), Limits::default(), Arc::default())).await;
    assert_eq!(report.outcome, Outcome::Completed);
    assert!(started.elapsed() < Duration::from_secs(8), "the dropped loops still run");
}

#[tokio::test]
async fn g40_nothing_is_left_for_the_next_execution() {
    let sandbox = sandbox();
    for _ in 0..200 {
        for (operation, expected) in [('m', true), ('M', true)] {
            let report = sandbox.run(run_of(program(operation, &[]), Limits::default(), Arc::default())).await;
            assert_eq!(report.outcome == Outcome::Completed, expected, "{operation}: {report:?}");
        }
    }
}

#[tokio::test]
async fn more_executions_than_threads_all_end() {
    let sandbox = sandbox();
    let host: Arc<Host> = Arc::default();
    let runs = (0..8).map(|_| sandbox.run(run_of(program('f', &[5]), Limits::default(), Arc::clone(&host))));
    for report in join_all(runs).await {
        assert_eq!(report.outcome, Outcome::Completed);
    }
    assert_eq!(host.calls.load(Ordering::SeqCst), 40);
}
