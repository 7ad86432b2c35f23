//! The sandbox against a guest that an attacker owns from its first instruction.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use conduit_guest_engine::{MAX_WASM_STACK_BYTES, configure};
use conduit_test_guests::{FEATURES, FOREIGN, HOSTILE, MISTYPED, program};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::limits::Limit;

/// How long anything may take that must happen.
const SOON: Duration = Duration::from_secs(20);

/// Notes calls; answers after some polls, or never.
struct Host {
    calls: AtomicUsize,
    now: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
    /// Of each call, the length of its name and of its arguments.
    seen: Mutex<Vec<(usize, Result<usize, u64>)>>,
    never: bool,
    /// How long each call keeps the host busy.
    busy: Duration,
    reply: String,
}

impl Default for Host {
    fn default() -> Host {
        Host {
            calls: AtomicUsize::new(0),
            now: Arc::default(),
            peak: Arc::default(),
            seen: Mutex::default(),
            never: false,
            busy: Duration::ZERO,
            reply: "1".to_owned(),
        }
    }
}

impl ToolHost for Host {
    fn call(&self, call: HostCall) -> BoxFuture<'static, HostReply> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push((call.name.len(), call.arguments.map(|bytes| bytes.len())));
        if self.never {
            return std::future::pending().boxed();
        }
        let (now, peak, busy, reply) = (Arc::clone(&self.now), Arc::clone(&self.peak), self.busy, self.reply.clone());
        Box::pin(async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if busy.is_zero() {
                tokio::task::yield_now().await;
            } else {
                std::thread::sleep(busy);
            }
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(reply)
        })
    }
}

const IMAGE: GuestImage = GuestImage { name: "hostile", cwasm: HOSTILE, memory_bytes: MEMORY as u64, configure };

/// A program, and what is to be waited for where it is made.
type HeldUp = (&'static str, Box<dyn FnOnce() + Send>);

static HELD_UP: Mutex<Vec<HeldUp>> = Mutex::new(Vec::new());

/// The source is the program, unless it is held up: then there is none.
fn prepare(source: Source, _limits: &Limits) -> std::result::Result<Envelope, NoProgram> {
    let held_up = {
        let mut all = HELD_UP.lock().unwrap();
        let at = all.iter().position(|(program, _)| *program == source.code);
        at.map(|at| all.swap_remove(at).1)
    };
    match held_up {
        Some(wait) => {
            wait();
            Err(NoProgram::Limit(Limit::ProgramSize, None))
        }
        None => Ok(Envelope { program: source.code, ..Envelope::default() }),
    }
}

/// A program that ends `program_size` when `wait` has returned.
fn held_up(program: &'static str, wait: impl FnOnce() + Send + 'static) -> String {
    HELD_UP.lock().unwrap().push((program, Box::new(wait)));
    program.to_owned()
}

fn sandbox() -> Sandbox {
    Sandbox::here(&IMAGE, prepare, SandboxSize { executions: 8, threads: 2 }).unwrap()
}

/// A sandbox in which one thread that does not come back is one too many.
fn narrow() -> Sandbox {
    Sandbox::here(&IMAGE, prepare, SandboxSize { executions: 2, threads: 1 }).unwrap()
}

async fn end_of(sandbox: &Sandbox, run: Run) -> Report {
    tokio::time::timeout(SOON, sandbox.run(run)).await.expect("it takes too long")
}

/// Runs a program that does nothing much, and sees that it is given a thread soon.
async fn is_free(sandbox: &Sandbox) {
    let limits = Limits { wall_time_ms: 5_000, ..Limits::default() };
    let report = end_of(sandbox, run_of(program('w', &[1, 0, 1]), limits, Arc::default())).await;
    assert_eq!(report.outcome, Outcome::Completed, "the thread has not come back");
}

fn run_of(program: String, limits: Limits, host: Arc<Host>) -> Run {
    let source = Source { code: program, ..Source::default() };
    Run { source, limits, host, events: None, cancel: CancellationToken::new() }
}

async fn attack_with(operation: char, numbers: &[u32], limits: Limits) -> Report {
    end_of(&sandbox(), run_of(program(operation, numbers), limits, Arc::default())).await
}

async fn attack(operation: char, numbers: &[u32]) -> Report {
    attack_with(operation, numbers, Limits::default()).await
}

pub(super) fn failure(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Failed { error } => &error.message,
        other => panic!("expected a failure, got {other:?}"),
    }
}

pub(super) fn limit(report: &Report) -> Limit {
    match &report.outcome {
        Outcome::LimitExceeded { limit, .. } => *limit,
        other => panic!("expected a limit, got {other:?}"),
    }
}

const MEMORY: u32 = 8 << 16;
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
    let limits = Limits { cpu_time_ms: 30, wall_time_ms: 10_000, ..Limits::default() };
    let report = attack_with('l', &[], limits).await;
    assert_eq!(limit(&report), Limit::CpuTime);
    assert!(report.usage.cpu_time_ms >= 30.0, "{}", report.usage.cpu_time_ms);
}

#[tokio::test]
async fn r01_wall_time_ends_a_running_guest() {
    let sandbox = narrow();
    let limits = Limits { wall_time_ms: 30, cpu_time_ms: 60_000, ..Limits::default() };
    let report = end_of(&sandbox, run_of(program('l', &[]), limits, Arc::default())).await;
    assert_eq!(limit(&report), Limit::WallTime);
    is_free(&sandbox).await;
}

#[tokio::test]
async fn r03_wall_time_ends_a_waiting_guest() {
    let limits = Limits { wall_time_ms: 30, ..Limits::default() };
    let host = Arc::new(Host { never: true, ..Host::default() });
    let report = end_of(&sandbox(), run_of(program('f', &[3]), limits, host)).await;
    assert_eq!((limit(&report), report.usage.tool_calls), (Limit::WallTime, 3));
}

#[tokio::test]
async fn r04_wall_time_ends_a_sleeping_guest() {
    let sandbox = narrow();
    let limits = Limits { wall_time_ms: 30, ..Limits::default() };
    let report = end_of(&sandbox, run_of(program('z', &[3_600]), limits, Arc::default())).await;
    assert_eq!(limit(&report), Limit::WallTime);
    assert!(report.usage.wall_time_ms < 10_000.0);
    is_free(&sandbox).await;
}

#[tokio::test]
async fn r04_a_cancellation_and_a_dropped_future_end_a_sleeping_guest() {
    let sandbox = narrow();
    let run = run_of(program('z', &[3_600]), Limits::default(), Arc::default());
    let cancel = run.cancel.clone();
    let (report, ()) = tokio::join!(end_of(&sandbox, run), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert_eq!(report.outcome, Outcome::Cancelled);
    is_free(&sandbox).await;
    let run = run_of(program('z', &[3_600]), Limits::default(), Arc::default());
    assert!(tokio::time::timeout(Duration::from_millis(20), sandbox.run(run)).await.is_err());
    is_free(&sandbox).await;
}

#[tokio::test]
async fn a_sleep_ends_when_it_is_over_and_costs_no_cpu_time() {
    let limits = Limits { cpu_time_ms: 500, ..Limits::default() };
    for seconds in [0, 1] {
        let report = attack_with('z', &[seconds], limits.clone()).await;
        assert_eq!(report.outcome, Outcome::Completed);
        assert!(report.usage.wall_time_ms >= f64::from(seconds) * 1e3, "{:?}", report.usage);
    }
}

#[tokio::test(start_paused = true)]
async fn r04_the_report_does_not_wait_for_a_thread_that_does_not_come_back() {
    let sandbox = narrow();
    let (release, blocked) = mpsc::channel::<()>();
    let program = held_up("r04", move || {
        let _ = blocked.recv();
    });
    let run = run_of(program, Limits { wall_time_ms: 30, ..Limits::default() }, Arc::default());
    assert_eq!(limit(&end_of(&sandbox, run).await), Limit::WallTime);
    drop(release);
}

/// One call whose answer the test gives; all others are never answered, and tell when they are dropped.
struct Doors {
    opened: Mutex<Option<tokio::sync::oneshot::Receiver<()>>>,
    events: tokio::sync::mpsc::UnboundedSender<Option<tokio::time::Instant>>,
}

struct TellsDrop(tokio::sync::mpsc::UnboundedSender<Option<tokio::time::Instant>>);

impl Drop for TellsDrop {
    fn drop(&mut self) {
        let _ = self.0.send(Some(tokio::time::Instant::now()));
    }
}

impl ToolHost for Doors {
    fn call(&self, _call: HostCall) -> BoxFuture<'static, HostReply> {
        let _ = self.events.send(None);
        if let Some(opened) = self.opened.lock().unwrap().take() {
            return opened.map(|_| Ok("1".to_owned())).boxed();
        }
        let tells = TellsDrop(self.events.clone());
        Box::pin(async move {
            let _tells = tells;
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn t12_calls_under_way_are_dropped_before_the_guest_is_waited_for() {
    let sandbox = Arc::new(narrow());
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (open, opened) = tokio::sync::oneshot::channel();
    let host = Doors { opened: Mutex::new(Some(opened)), events };
    let mut run = run_of(program('f', &[2]), Limits::default(), Arc::default());
    run.host = Arc::new(host);
    let (cancel, running) = (run.cancel.clone(), Arc::clone(&sandbox));
    let running = tokio::spawn(async move { running.run(run).await });
    for _ in 0..2 {
        assert_eq!(told.recv().await, Some(None), "a call is dispatched");
    }
    // The guest waits. Another one takes its thread, so that its next step does not begin.
    let (release, blocked) = mpsc::channel::<()>();
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let program = held_up("t12", move || {
        began.send(()).unwrap();
        let _ = blocked.recv();
    });
    let other = run_of(program, Limits::default(), Arc::default());
    let other = tokio::spawn(async move { sandbox.run(other).await });
    begun.recv().await.unwrap();
    tokio::time::pause();
    open.send(()).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
    assert_eq!(running.await.unwrap().outcome, Outcome::Cancelled);
    let dropped = told.recv().await.flatten().expect("a call is dropped");
    assert!(dropped.elapsed() >= Duration::from_millis(250), "dropped only {:?} ago", dropped.elapsed());
    drop(release);
    other.await.unwrap();
}

#[tokio::test]
async fn r03_a_guest_that_spins_on_timers_uses_its_time_up() {
    let report = attack_with('n', &[], Limits { wall_time_ms: 50, ..Limits::default() }).await;
    assert_eq!(limit(&report), Limit::WallTime);
}

#[tokio::test]
async fn r09_recursion_ends_at_the_stack_limit() {
    assert_eq!(limit(&attack('d', &[]).await), Limit::Stack);
    assert_eq!(Limits::default().stack_bytes, MAX_WASM_STACK_BYTES as u64);
}

#[tokio::test]
async fn r09_memory_is_limited() {
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let report = attack_with('g', &[121], limits.clone()).await;
    assert_eq!(limit(&report), Limit::Memory);
    let report = attack_with('g', &[120], limits).await;
    assert_eq!((report.outcome, report.usage.memory_bytes), (Outcome::Completed, 8 << 20));
}

#[tokio::test]
async fn r09_arguments_that_wait_in_the_host_are_memory_too() {
    let limits = Limits { memory_bytes: 8 << 20, tool_calls: 200, ..Limits::default() };
    let host = Arc::new(Host { never: true, ..Host::default() });
    let report = end_of(&sandbox(), run_of(program('c', &[100_000]), limits, host)).await;
    assert_eq!(limit(&report), Limit::Memory);
}

#[tokio::test]
async fn r09_answers_that_wait_in_the_host_are_memory_too() {
    // The one guest is busy while they come; the other waits, and all of them are there at once.
    for operation in ['b', 'f'] {
        let limits = Limits { memory_bytes: 8 << 20, cpu_time_ms: 300, tool_calls_in_flight: 1, ..Limits::default() };
        let reply = "x".repeat(1 << 20);
        let host = Arc::new(Host { reply, busy: Duration::from_micros(1), ..Host::default() });
        let report = end_of(&sandbox(), run_of(program(operation, &[50]), limits, Arc::clone(&host))).await;
        assert_ne!(report.outcome, Outcome::Completed);
        assert!((5..=20).contains(&host.calls.load(Ordering::SeqCst)), "{operation}: {:?}", host.calls);
    }
}

#[tokio::test]
async fn r20_what_a_call_makes_the_host_copy_is_limited() {
    let host = Arc::new(Host::default());
    let limits = Limits { call_bytes: 1_000, ..Limits::default() };
    for (name, arguments) in [(9, 1_000), (9, 1_001), (65_536, 2)] {
        let numbers = [0, 4_096, name, 4_096, arguments];
        let report = end_of(&sandbox(), run_of(program('S', &numbers), limits.clone(), Arc::clone(&host))).await;
        assert_eq!(report.outcome, Outcome::Completed);
    }
    assert_eq!(*host.seen.lock().unwrap(), [(9, Ok(1_000)), (9, Err(1_001)), (1_024, Ok(2))]);
}

#[tokio::test]
async fn r14_calls_are_counted_exactly() {
    let limits = Limits { tool_calls: 50, ..Limits::default() };
    let host = Arc::new(Host::default());
    let report = end_of(&sandbox(), run_of(program('f', &[51]), limits.clone(), Arc::clone(&host))).await;
    assert_eq!((limit(&report), report.usage.tool_calls), (Limit::ToolCalls, 50));
    assert!(host.calls.load(Ordering::SeqCst) <= 50);
    let report = end_of(&sandbox(), run_of(program('f', &[50]), limits, Arc::default())).await;
    assert_eq!(report.outcome, Outcome::Completed);
}

#[tokio::test]
async fn r14_calls_at_once_are_limited() {
    let limits = Limits { tool_calls_in_flight: 7, ..Limits::default() };
    let host = Arc::new(Host::default());
    let report = end_of(&sandbox(), run_of(program('f', &[200]), limits, Arc::clone(&host))).await;
    assert_eq!(report.outcome, Outcome::Completed);
    assert!((1..=7).contains(&host.peak.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn r14_many_answers_at_once_do_not_put_off_the_deadline() {
    let limits = Limits { wall_time_ms: 50, ..Limits::default() };
    let host = Arc::new(Host { busy: Duration::from_millis(1), ..Host::default() });
    let report = end_of(&sandbox(), run_of(program('f', &[1_000]), limits, Arc::clone(&host))).await;
    assert_eq!(limit(&report), Limit::WallTime);
    assert!(host.peak.load(Ordering::SeqCst) == 1 && host.now.load(Ordering::SeqCst) == 0);
    assert!(host.calls.load(Ordering::SeqCst) < 500, "{:?} calls in 50 ms", host.calls);
}

#[tokio::test]
async fn r12_an_error_is_no_way_around_the_limits() {
    let most = 256 << 10;
    let report = attack('e', &[most - 40]).await;
    assert_eq!(failure(&report).len(), most as usize - 40);
    let report = attack('e', &[most - 39]).await;
    assert_eq!(failure(&report), "the guest runtime failed: its error is not readable");
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
    let report = end_of(&sandbox, run_of(program('w', &[1, 0, 1]), Limits::default(), Arc::default())).await;
    assert_eq!(report.outcome, Outcome::Completed);
    assert!(started.elapsed() < Duration::from_secs(8), "the dropped loops still run");
}

/// Fills all of its memory, and ends as `end` says.
async fn spoil(sandbox: &Sandbox, end: char) {
    let limits = Limits {
        memory_bytes: FULL_BYTES,
        cpu_time_ms: if end == 'l' { 5 } else { 10_000 },
        wall_time_ms: if end == 'W' { 15 } else { 30_000 },
        ..Limits::default()
    };
    let host = Arc::new(Host { never: true, ..Host::default() });
    let operation = match end {
        'W' => 'l',
        'X' | 'D' => 'f',
        end => end,
    };
    let run = run_of(format!("{}{operation}", program('m', &[FULL_PAGES])), limits, Arc::clone(&host));
    let cancel = run.cancel.clone();
    let called = async {
        while host.calls.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let outcome = match end {
        'X' => tokio::join!(end_of(sandbox, run), called).0.outcome,
        'D' => {
            tokio::select! {
                report = end_of(sandbox, run) => panic!("{report:?}"),
                () = called => Outcome::Cancelled,
            }
        }
        _ => end_of(sandbox, run).await.outcome,
    };
    let as_expected = match (end, &outcome) {
        ('w', Outcome::Completed) | ('u', Outcome::Failed { .. }) | ('X' | 'D', Outcome::Cancelled) => true,
        ('d', Outcome::LimitExceeded { limit, .. }) => *limit == Limit::Stack,
        ('g', Outcome::LimitExceeded { limit, .. }) => *limit == Limit::Memory,
        ('l', Outcome::LimitExceeded { limit, .. }) => *limit == Limit::CpuTime,
        ('W', Outcome::LimitExceeded { limit, .. }) => *limit == Limit::WallTime,
        _ => false,
    };
    assert!(as_expected, "{end}: {outcome:?}");
}

/// With the eight pages that the guest begins with, 8 MiB: more than stays mapped from one execution to the next.
const FULL_PAGES: u32 = 120;
const FULL_BYTES: u64 = (8 << 20) + 4_096;

#[tokio::test]
async fn g40_nothing_is_left_for_the_next_execution_however_the_last_one_ended() {
    // One thread: two places for instances, which take turns.
    let sandbox = Sandbox::here(&IMAGE, prepare, SandboxSize { executions: 1, threads: 1 }).unwrap();
    let limits = Limits { memory_bytes: FULL_BYTES, ..Limits::default() };
    for _ in 0..15 {
        // A value, a trap, the stack, the memory, CPU time, wall time, a cancellation, a dropped future.
        for end in ['w', 'u', 'd', 'g', 'l', 'W', 'X', 'D'] {
            spoil(&sandbox, end).await;
            for _ in 0..2 {
                let look = run_of(program('M', &[FULL_PAGES]), limits.clone(), Arc::default());
                assert_eq!(end_of(&sandbox, look).await.outcome, Outcome::Completed, "something is left after {end}");
            }
        }
    }
}

#[test]
fn g45_code_that_is_not_whole_or_was_made_for_another_engine_is_not_loaded() {
    let size = SandboxSize { executions: 1, threads: 1 };
    let why = |cwasm: Vec<u8>, configure: fn(&mut wasmtime::Config)| {
        let image = GuestImage { cwasm: cwasm.leak(), configure, ..IMAGE };
        Sandbox::here(&image, prepare, size).err().map_or_else(String::new, |error| error.to_string())
    };
    for length in [0, 1, 64, HOSTILE.len() / 2, HOSTILE.len() - 1] {
        let error = why(HOSTILE[..length].to_vec(), configure);
        assert!(error.starts_with("cannot load the guest's code: "), "{length} bytes: {error}");
    }
    let damaged = |at: usize, with: u8| {
        let mut damaged = HOSTILE.to_vec();
        damaged[at] ^= with;
        why(damaged, configure)
    };
    // What is neither here nor in the settings is the machine code itself: for that the build pins the module.
    for at in [0, 1, 2, 3, 4, 5, 6, 41, 48, 58, 60, 62] {
        let error = damaged(at, 0xff);
        assert!(error.starts_with("cannot load the guest's code: "), "byte {at}: {error}");
    }
    let lengths_and_versions = HOSTILE.windows(3).enumerate().filter(|(_, bytes)| bytes == b"\x0248");
    let mut errors = lengths_and_versions.map(|(at, _)| damaged(at + 2, b'8' ^ b'7'));
    assert!(errors.any(|error| error.contains("incompatible version '47'")), "no version is looked at");
    let settings = why(HOSTILE.to_vec(), |config| {
        configure(config);
        config.epoch_interruption(false);
    });
    assert!(settings.contains("epoch interruption"), "{settings}");
}

#[test]
fn g50_a_guest_with_imports_outside_the_contract_is_not_loaded() {
    for (cwasm, import) in [(FOREIGN, "wasi_snapshot_preview1::fd_write"), (MISTYPED, "conduit::random")] {
        let image = GuestImage { cwasm, ..IMAGE };
        let error =
            Sandbox::here(&image, prepare, SandboxSize { executions: 1, threads: 1 }).err().expect("it is refused");
        assert!(error.to_string().starts_with("the guest wants other imports: "), "{error}");
        assert!(error.to_string().contains(import), "{error}");
    }
}

#[test]
fn g50_features_that_the_guest_does_not_use_are_off() {
    let [nothing, others @ ..] = FEATURES else { panic!("no features were tried") };
    assert_eq!(*nothing, ("nothing", None), "what the guest uses is on");
    let words = ["enabled", "multiple memories", "constant expression required", "without the gc feature"];
    for (feature, error) in others {
        let error = error.unwrap_or_else(|| panic!("{feature} are on"));
        assert!(words.iter().any(|word| error.contains(word)), "{feature}: {error}");
    }
}

#[tokio::test]
async fn more_executions_than_threads_all_end() {
    let sandbox = sandbox();
    let host: Arc<Host> = Arc::default();
    let runs = (0..8).map(|_| end_of(&sandbox, run_of(program('f', &[5]), Limits::default(), Arc::clone(&host))));
    for report in join_all(runs).await {
        assert_eq!(report.outcome, Outcome::Completed);
    }
    assert_eq!(host.calls.load(Ordering::SeqCst), 40);
}
