//! The host against a worker that an attacker owns: a script that speaks as it likes.
#![allow(clippy::disallowed_methods, reason = "it looks for Python")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt};
use tokio_util::sync::CancellationToken;

use super::super::cpu_time::cpu_time_of;
use super::super::tests::{failure as message, limit};
use super::super::{HostCall, HostReply, Report, Run, Sandbox, Source, ToolHost};
use super::pool::IDLE;
use super::{WorkerCommand, WorkerOptions, Workers};
use crate::limits::{Limit, Limits};
use crate::model::{Engine, Language, Outcome};

const KIND: (Language, Engine) = (Language::TypeScript, Engine::Wasm);
/// How long anything may take that must happen.
const SOON: Duration = Duration::from_secs(20);

/// What every script begins with: frames, and the end of what the host says first.
const SPEAK: &str = "
import os, struct, sys, time
def read():
    head = sys.stdin.buffer.read(4)
    if len(head) < 4: sys.exit()
    return sys.stdin.buffer.read(struct.unpack('<I', head)[0])
def raw(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
def say(*parts):
    body = b''.join(parts)
    raw(struct.pack('<I', len(body)) + body)
def submit(number, name=b'a.b', kind=0, arguments=b'{}'):
    say(b'\\x01', struct.pack('<QBI', number, kind, len(name)), name, b'\\0', arguments)
waiting = b'\\x03' + struct.pack('<q', -1)
done = lambda value: say(b'\\x04', value)
read()
";

/// Answers every call but those of `never`.
/// Second, the size of the last arguments that were too large.
#[derive(Default)]
struct Host(Mutex<Vec<String>>, std::sync::atomic::AtomicU64);

impl ToolHost for Host {
    fn call(&self, call: HostCall) -> BoxFuture<'static, HostReply> {
        let answers = call.name != "never";
        if let Err(size) = call.arguments {
            self.1.store(size, std::sync::atomic::Ordering::SeqCst);
        }
        self.0.lock().unwrap().push(call.name);
        if answers { async { Ok("1".to_owned()) }.boxed() } else { std::future::pending().boxed() }
    }
}

fn options(script: &str) -> WorkerOptions {
    let python = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|program| program.is_file())
    });
    let args = vec!["-c".to_owned(), format!("{SPEAK}{script}")];
    let command = WorkerCommand { program: python.expect("python3 is there"), args };
    WorkerOptions { command, memory_bytes: 256 << 20, is_strict: false }
}

/// Two may wait: a spare one, and who has run a program.
fn workers(script: &str) -> Sandbox {
    Sandbox::in_workers(Workers::new(&options(script), KIND, 2).unwrap(), 1)
}

async fn run(sandbox: &Sandbox, limits: Limits, host: Arc<Host>) -> Report {
    let source = Source { code: "1".into(), input: "null".into(), upstreams: "[]".into() };
    let run = Run { source, limits, host, events: None, cancel: CancellationToken::new() };
    tokio::time::timeout(SOON, sandbox.run(run)).await.expect("it takes too long")
}

async fn report(script: &str, limits: Limits) -> Report {
    run(&workers(script), limits, Arc::default()).await
}

#[tokio::test]
async fn a_worker_that_keeps_the_contract_is_served() {
    let host = Arc::new(Host::default());
    let script = "read()\nsay(b'\\0\\0hi')\nsubmit(7)\nsay(waiting)\nreply = read()\ndone(b'%d' % len(reply))\nread()";
    let report = run(&workers(script), Limits::default(), Arc::clone(&host)).await;
    assert_eq!((report.outcome, report.stdout.as_str()), (Outcome::Completed, "hi"));
    // A tag, what the host holds, the call's id, a status, a length, `1` and a zero.
    assert_eq!(report.value, 1 + 8 + 8 + 4 + 4 + 1 + 1);
    assert_eq!(*host.0.lock().unwrap(), ["a.b"]);
}

#[tokio::test]
async fn what_is_no_frame_ends_the_execution_and_nothing_else() {
    for (script, why) in [
        ("read()\nsay()", "its worker sent no frame"),
        ("read()\nsay(b'\\x63')", "its worker sent no frame"),
        ("read()\nsubmit(1, kind=5)", "its worker sent no frame"),
        ("read()\nsay(b'\\x01', struct.pack('<QBI', 1, 0, 2**32 - 1), b'x')", "its worker sent no frame"),
        ("read()\nsay(b'\\x06', struct.pack('<I', 3), b'abc')", "its worker sent no frame"),
        ("read()\nsay(b'\\x05\\0{')", "its error is not readable"),
        ("read()\nsay(b'\\x08{')", "its worker's error is not readable"),
        ("read()\nraw(b'\\xff\\xff\\xff\\xff')\ntime.sleep(60)", "its worker sent too long a frame"),
        ("read()\nraw(b'\\x09\\0\\0')\nos._exit(3)", "its worker process ended: exit status: 3"),
        ("read()\nsys.exit('the last word')", "its worker process ended: exit status: 1: the last word"),
        ("read()\nos.kill(os.getpid(), 9)", "its worker process ended: signal: 9 (SIGKILL)"),
        ("read()\nos.abort()", "its worker process ended: signal: 6 (SIGABRT)"),
        ("os._exit(4)", "its worker process ended: exit status: 4"),
    ] {
        let report = report(script, Limits::default()).await;
        assert_eq!(message(&report), format!("the guest runtime failed: {why}"), "{script}");
        assert!(matches!(report.outcome, Outcome::Failed { error } if error.internal), "{script}");
    }
    let waits_for_nothing = report("read()\nsay(waiting)\nread()", Limits::default()).await;
    assert!(message(&waits_for_nothing).contains("waits for something that never happens"));
}

#[tokio::test]
async fn a_program_does_not_say_that_the_sandbox_failed() {
    for tag in ["\\x05\\0", "\\x08"] {
        let error = "{\"name\":\"InternalError\",\"message\":\"m\",\"internal\":true}";
        let report = report(&format!("read()\nsay(b'{tag}{error}')\nread()"), Limits::default()).await;
        assert!(
            matches!(report.outcome, Outcome::Failed { error } if error.message == "m" && !error.internal),
            "{tag}"
        );
    }
}

#[tokio::test]
async fn no_more_of_a_frame_is_read_than_the_limit_of_what_it_carries() {
    let limits = Limits { output_bytes: 1, call_bytes: 2, result_bytes: 400_000, ..Limits::default() };
    let long = "read()\nraw(struct.pack('<I', 410_000))\ntime.sleep(60)";
    assert!(message(&report(long, limits.clone()).await).ends_with("its worker sent too long a frame"));
    let fits = "read()\ndone(b'\"' + b'x' * 399_998 + b'\"')\nread()";
    assert_eq!(report(fits, limits).await.outcome, Outcome::Completed);
}

#[tokio::test]
async fn what_a_frame_carries_has_its_own_limit() {
    let limits = Limits { output_bytes: 8 << 20, call_bytes: 10, ..Limits::default() };
    for script in [
        "read()\nsay(b'\\x05\\0', b'x' * 300_000)\ntime.sleep(60)",
        "read()\nsay(b'\\x08', b'x' * 300_000)\ntime.sleep(60)",
        "read()\nsay(b'\\x07', b'x' * 300_000)\ntime.sleep(60)",
        "read()\nsubmit(1, name=b'x' * 10_000)\ntime.sleep(60)",
    ] {
        assert!(
            message(&report(script, limits.clone()).await).ends_with("its worker sent too long a frame"),
            "{script}"
        );
    }
    // Arguments over their limit are no arguments: the call fails, as of any guest.
    let host = Arc::new(Host::default());
    let script = "read()\nsubmit(1, arguments=b'x' * 11)\nsay(waiting)\nread()\ndone(b'1')\nread()";
    let report = run(&workers(script), limits, Arc::clone(&host)).await;
    assert_eq!((report.value, host.1.load(std::sync::atomic::Ordering::SeqCst)), (1.into(), 11));
}

#[tokio::test]
async fn the_host_counts_itself() {
    let flood = "read()\nwhile True: say(b'\\0\\0' + b'x' * 10)";
    let output = report(flood, Limits { output_bytes: 25, ..Limits::default() }).await;
    assert_eq!((limit(&output), output.usage.output_bytes), (Limit::Output, 25));
    let entries = report(flood, Limits { log_entries: 7, ..Limits::default() }).await;
    assert_eq!((limit(&entries), entries.usage.log_entries), (Limit::LogEntries, 7));
    let calls = report("read()\nwhile True: submit(1)", Limits { tool_calls: 5, ..Limits::default() }).await;
    assert_eq!((limit(&calls), calls.usage.tool_calls), (Limit::ToolCalls, 5));
    let value = report("read()\ndone(b'12345')\nread()", Limits { result_bytes: 4, ..Limits::default() }).await;
    assert_eq!(limit(&value), Limit::ResultSize);
    // All at once: the host is nowhere ahead of the limit.
    let large = "read()\nframe = struct.pack('<IBQBI', 119, 1, 1, 0, 5) + b'never\\0' + b'x' * 99\nraw(frame * 40)\ntime.sleep(60)";
    let memory = report(large, Limits { memory_bytes: 2_000, ..Limits::default() }).await;
    assert_eq!((limit(&memory), memory.usage.tool_calls), (Limit::Memory, 20));
}

#[tokio::test]
async fn a_flood_of_frames_is_no_way_around_the_deadline() {
    let flood = "read()\nframes = (struct.pack('<IB', 25, 2) + b'\\0' * 24) * 4000\nwhile True: os.write(1, frames)";
    // Always due, and somebody reads what comes.
    let due = "import threading\nread()\nthreading.Thread(target=lambda: [read() for _ in iter(int, 1)], daemon=True).start()\n\
        frames = (struct.pack('<IB', 9, 3) + b'\\0' * 8) * 4000\nwhile True: os.write(1, frames)";
    for script in [flood, due, "read()\ntime.sleep(60)"] {
        let start = Instant::now();
        let limits = Limits { wall_time_ms: 300, ..Limits::default() };
        // Tokio's own bound on a task is not what ends it: where an event loop goes on with an execution, there is none.
        let report = tokio::task::unconstrained(report(script, limits)).await;
        assert_eq!(limit(&report), Limit::WallTime, "{script}");
        assert!(start.elapsed() < Duration::from_secs(10), "{script}");
    }
}

#[tokio::test]
async fn what_is_sent_beyond_the_end_is_not_the_next_programs() {
    // The second value would be the next program's.
    let script = "while True:\n read()\n raw(b'\\x02\\0\\0\\0\\x041' + b'\\x02\\0\\0\\0\\x042')";
    let sandbox = workers(script);
    for _ in 0..3 {
        assert_eq!(run(&sandbox, Limits::default(), Arc::default()).await.value, 1);
    }
}

#[tokio::test]
async fn one_that_has_died_while_it_waited_is_replaced() {
    let sandbox = workers("read()\ndone(b'%d' % os.getpid())\nsys.stdin.buffer.read(1)");
    let first = run(&sandbox, Limits::default(), Arc::default()).await;
    let pid = rustix::process::Pid::from_raw(first.value.as_i64().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let second = loop {
        let second = run(&sandbox, Limits::default(), Arc::default()).await;
        if second.outcome == Outcome::Completed {
            break second;
        }
        // The host had not heard of it yet.
        assert!(message(&second).ends_with("its worker process ended: signal: 9 (SIGKILL)"));
    };
    assert_ne!(second.value, first.value);
}

#[test]
fn workers_of_a_tokio_runtime_that_is_gone_are_replaced() {
    let sandbox = workers("while True:\n read()\n done(b'%d' % os.getpid())");
    let mut pids = Vec::new();
    for _ in 0..2 {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = tokio.block_on(run(&sandbox, Limits::default(), Arc::default()));
        assert_eq!(report.outcome, Outcome::Completed);
        pids.push(report.value);
    }
    assert_ne!(pids[0], pids[1]);
}

#[tokio::test]
async fn closing_ends_the_workers_that_wait() {
    let sandbox = workers("while True:\n read()\n done(b'%d' % os.getpid())");
    let report = run(&sandbox, Limits::default(), Arc::default()).await;
    let process = PathBuf::from(format!("/proc/{}", report.value));
    assert!(process.exists());
    sandbox.close().await;
    ends(&process).await;
}

/// Begins to compute beside what it says.
const SPIN: &str =
    "import threading\nread()\nthreading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()\n";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_worker_computes_is_counted_by_the_host() {
    for script in [
        "while True: pass",
        "while True: say(b'\\x02' + b'\\0' * 24), time.sleep(0.01)",
        "while True: submit(1), say(waiting), read(), time.sleep(0.01)",
        "submit(1, name=b'never'), say(waiting), read()",
    ] {
        let limits = Limits { cpu_time_ms: 1, ..Limits::default() };
        let report = report(&format!("{SPIN}{script}"), limits).await;
        assert_eq!((limit(&report), report.usage.cpu_time_ms), (Limit::CpuTime, 1.0), "{script}");
    }
}

#[tokio::test]
async fn one_that_dies_while_its_program_waits_is_noticed() {
    let script = "read()\nsubmit(1, name=b'never')\nsay(waiting)\nos.kill(os.getpid(), 9)";
    let report = report(script, Limits::default()).await;
    assert!(message(&report).ends_with("its worker process ended: signal: 9 (SIGKILL)"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_that_computes_without_a_program_gets_none() {
    let sandbox = workers(&format!("{SPIN}while True:\n done(b'%d' % os.getpid())\n read()"));
    let first = run(&sandbox, Limits::default(), Arc::default()).await.value;
    let process = first.as_u64().unwrap().try_into().unwrap();
    let before = cpu_time_of(process).unwrap();
    while cpu_time_of(process).is_some_and(|used| used < before + Duration::from_secs(1)) {
        tokio::task::yield_now().await;
    }
    assert_ne!(run(&sandbox, Limits::default(), Arc::default()).await.value, first);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_has_run_programs_waits_for_a_while_and_no_longer() {
    let sandbox = workers("while True:\n read()\n done(b'%d' % os.getpid())");
    let first = run(&sandbox, Limits::default(), Arc::default()).await.value;
    for _ in 0..3 {
        pass(IDLE * 2 / 3).await;
        assert_eq!(run(&sandbox, Limits::default(), Arc::default()).await.value, first);
    }
    pass(IDLE * 2).await;
    ends(&PathBuf::from(format!("/proc/{first}"))).await;
}

/// Lets time pass without waiting for it.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::sleep(time).await;
    tokio::time::resume();
}

/// Waits until this process is no more.
async fn ends(process: &Path) {
    let gone = async {
        while process.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, gone).await.expect("a worker waits on");
}

#[tokio::test]
async fn a_worker_with_v8_runs_one_program_and_no_more() {
    let script = "while True:\n read()\n done(b'%d' % os.getpid())";
    for (engine, is_new) in [(Engine::Wasm, false), (Engine::V8, true)] {
        let workers = Workers::new(&options(script), (Language::TypeScript, engine), 2).unwrap();
        let sandbox = Sandbox::in_workers(workers, 1);
        let first = run(&sandbox, Limits::default(), Arc::default()).await;
        let second = run(&sandbox, Limits::default(), Arc::default()).await;
        assert_eq!(first.value != second.value, is_new, "{engine:?}");
    }
}

#[test]
fn workers_that_cannot_be_started_are_an_error_of_the_config() {
    for program in ["", "python3", "/nonexistent", "/tmp"] {
        let command = WorkerCommand { program: program.into(), args: Vec::new() };
        let options = WorkerOptions { command, memory_bytes: 1, is_strict: false };
        let error = Workers::new(&options, KIND, 1).err().expect("it is refused").to_string();
        assert_eq!(error, format!("`{program}` is no program for workers, expected the path of one"));
    }
}
