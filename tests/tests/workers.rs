//! Worker processes under attack, from outside and from within. A program of its own: it counts processes and descriptors.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test code: a panic is how it fails, and it looks at its environment"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use conduit_core::{
    Confinement, Credential, Engine, ExecutionRequest, ExecutionResult, Isolation, Language, LimitsRequest, LocalTool,
    Outcome, Policy, Runtime, RuntimeBuilder, Secret, ToolPattern, UpstreamConfig, UpstreamKind, WorkerCommand,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tokio::sync::{Mutex, MutexGuard};

/// What runs TypeScript here.
const ENGINE: Engine = if cfg!(feature = "v8") { Engine::V8 } else { Engine::Wasm };
/// How long anything may take that must happen.
const SOON: Duration = Duration::from_secs(60);

/// One test at a time: each counts all of this process.
async fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

fn command() -> WorkerCommand {
    WorkerCommand { program: env!("CARGO_BIN_EXE_conduit-test-worker").into(), args: Vec::new() }
}

fn builder() -> RuntimeBuilder {
    let wait = LocalTool::new("wait", |_arguments, _context| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(1.into())
    });
    let never = LocalTool::new("never", |_arguments, _context| std::future::pending());
    Runtime::builder()
        .host_tools("host", [wait, never])
        .policy(Policy::allow([ToolPattern::parse("*").unwrap()]))
        .engines([ENGINE, Engine::Wasm])
        .isolation(Isolation::Process)
        .confinement(Confinement::Require)
        .worker(command())
}

/// The worker processes of this one.
fn workers() -> Vec<i32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path().join("children"));
    // A thread may have ended.
    let lists: Vec<String> = tasks.filter_map(|list| fs::read_to_string(list).ok()).collect();
    lists.iter().flat_map(|list| list.split_whitespace()).map(|pid| pid.parse().unwrap()).collect()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "{what}");
        std::thread::yield_now();
    }
}

fn died(result: &ExecutionResult) -> bool {
    matches!(&result.outcome, Outcome::Failed { error } if error.message.contains("its worker process ended: signal"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_kills_under_load_leave_no_orphan_and_no_descriptor() {
    const KILLS: usize = 1_000;
    let _alone = alone().await;
    // What the process keeps, it has after the first runtime.
    let first = builder().languages([Language::TypeScript]).build().unwrap();
    assert_eq!(first.execute(ExecutionRequest::typescript("6 * 7")).await.unwrap().value, 42);
    drop(first);
    until("workers are left", || workers().is_empty());
    let before = descriptors();
    let runtime = builder().languages([Language::TypeScript]).build().unwrap();
    let (done, [deaths, ends]) =
        (Arc::new(AtomicBool::new(false)), [0; 2].map(|none| Arc::new(AtomicUsize::new(none))));
    let load = (0..4).map(|_| {
        let (runtime, done) = (runtime.clone(), Arc::clone(&done));
        let (deaths, ends) = (Arc::clone(&deaths), Arc::clone(&ends));
        tokio::spawn(async move {
            let code = "let sum = 0; for (let i = 0; i < 1e5; i++) sum += i % 7; await tools.host.wait() + sum";
            while !done.load(Ordering::SeqCst) {
                let result = runtime.execute(ExecutionRequest::typescript(code)).await.unwrap();
                // One clear outcome: what the program gives, or that its worker has died.
                match result.outcome {
                    Outcome::Completed => {
                        assert_eq!(result.value, 299_996);
                        ends.fetch_add(1, Ordering::SeqCst);
                    }
                    _ if died(&result) => drop(deaths.fetch_add(1, Ordering::SeqCst)),
                    other => panic!("{other:?}"),
                }
            }
        })
    });
    let load: Vec<_> = load.collect();
    let kill = tokio::task::spawn_blocking(|| {
        let signals = [Signal::KILL, Signal::SEGV, Signal::ABORT, Signal::BUS, Signal::TERM];
        // What counts is a process that has ended: the first SIGSEGV or SIGBUS that is no fault is let pass by its handler.
        let (mut struck, mut killed, mut at) = (BTreeSet::new(), BTreeSet::new(), 0);
        let start = Instant::now();
        while killed.len() < KILLS {
            assert!(start.elapsed() < 4 * SOON, "only {} kills", killed.len());
            let alive: BTreeSet<i32> = workers().into_iter().collect();
            killed.extend(struck.difference(&alive).copied());
            for pid in alive {
                at += 1;
                // Now and then one lives to the end of its program.
                if at % 7 != 0 && kill_process(Pid::from_raw(pid).unwrap(), signals[at % signals.len()]).is_ok() {
                    struck.insert(pid);
                }
            }
            std::thread::sleep(Duration::from_millis(15));
        }
    });
    kill.await.unwrap();
    done.store(true, Ordering::SeqCst);
    for task in load {
        task.await.unwrap();
    }
    let [deaths, ends] = [deaths, ends].map(|count| count.load(Ordering::SeqCst));
    assert!(deaths > KILLS / 20 && ends > 0, "{deaths} executions died, {ends} came to their end");
    // The next one works.
    loop {
        let result = runtime.execute(ExecutionRequest::typescript("6 * 7")).await.unwrap();
        if result.value == 42 {
            break;
        }
        assert!(died(&result), "{:?}", result.outcome);
    }
    runtime.shutdown().await;
    drop(runtime);
    until("workers are left", || workers().is_empty());
    until("descriptors are left", || descriptors() <= before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_without_memory_ends_its_execution_alone() {
    let _alone = alone().await;
    let runtime = builder().build().unwrap();
    for (request, greedy) in [
        (ExecutionRequest::typescript("1"), "const hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20).fill(1))"),
        (ExecutionRequest::python("1"), "hoard = []\nwhile True: hoard.append(b'\\x01' * (1 << 20))"),
    ] {
        let language = request.language;
        assert_eq!(runtime.execute(request).await.unwrap().outcome, Outcome::Completed);
        for pid in workers() {
            let most = Rlimit { current: Some(1 << 20), maximum: Some(1 << 20) };
            // One that is on its way sets its own afterwards, which may not be more.
            let _ = prlimit(Pid::from_raw(pid), Resource::Data, most);
        }
        let result = runtime.execute(ExecutionRequest::new(language, greedy)).await.unwrap();
        let is_clear =
            died(&result) || matches!(&result.outcome, Outcome::LimitExceeded { .. } | Outcome::Failed { .. });
        assert!(is_clear, "{:?}", result.outcome);
        until("no execution works any more", || {
            for pid in workers() {
                let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
            }
            let again = ExecutionRequest::new(language, "6 * 7");
            let again =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(runtime.execute(again)));
            again.unwrap().value == 42
        });
    }
}

/// Whether `what` is anywhere in the memory of a process that can be read.
fn remembers(pid: i32, what: &[u8]) -> bool {
    let memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let readable = maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        rest.starts_with('r').then(|| (number(start), number(end)))
    });
    for (start, end) in readable {
        // Pages that cannot be read after all, such as the kernel's own, are none of the worker's.
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        let read = memory.read_at(&mut bytes, start).unwrap_or(0);
        let mut rest = &bytes[..read];
        while rest.skip_until(what[0]).unwrap() > 0 {
            if rest.starts_with(&what[1..]) {
                return true;
            }
        }
    }
    false
}

/// A text that is nowhere else.
fn canary(name: &str) -> String {
    format!("canary-{name}-{:x}", Instant::now().elapsed().as_nanos() + u128::from(std::process::id()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k05_a_worker_has_nothing_of_its_host() {
    let _alone = alone().await;
    let (heap, secret, told) = (canary("heap"), canary("secret"), canary("told"));
    let inherited = fs::File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();
    for language in [Language::TypeScript, Language::Python] {
        let kind = UpstreamKind::Http {
            url: "http://127.0.0.1:9/".parse().unwrap(),
            allow_private: true,
            credential: Some(Credential::Bearer(Secret::new(secret.clone()))),
        };
        let runtime = builder().upstream(UpstreamConfig::new("down", kind)).languages([language]).build().unwrap();
        // It waits, so that its worker is still there to be looked at.
        let code = match language {
            Language::TypeScript => "const told = input; console.log('here'); await tools.host.never()",
            _ => "told = input\nprint('here')\nawait tools.host.never()",
        };
        let limits = LimitsRequest { wall_time_ms: Some(600_000), ..LimitsRequest::default() };
        let request = ExecutionRequest::new(language, code).input(told.clone().into()).limits(limits);
        let mut execution = runtime.spawn(request).unwrap();
        let mut events = execution.take_events();
        futures_util::StreamExt::next(&mut events).await.unwrap();
        let pids = workers();
        assert!(pids.iter().any(|pid| remembers(*pid, told.as_bytes())), "no worker has what it was told");
        for pid in pids {
            let of = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
            let path = std::env::var("PATH").unwrap();
            assert_eq!(of("environ"), "");
            for canary in [&heap, &secret, &path] {
                assert!(!remembers(pid, canary.as_bytes()), "a worker has {canary}");
            }
            // The spare one may be on its way.
            until("a worker is not confined", || {
                let status = of("status");
                ["Seccomp:\t2", "NoNewPrivs:\t1"].iter().all(|line| status.contains(line))
            });
            for open in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
                let what = fs::read_link(open.unwrap().path()).unwrap().display().to_string();
                let is_own = ["pipe:", "/memfd:", "/dev/null"].iter().any(|kind| what.starts_with(kind));
                assert!(is_own || what.ends_with("/pagemap"), "a worker has {what} open");
            }
            let limits = of("limits");
            for limit in ["Max open files", "Max file size", "Max core file size"] {
                let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
                let most: Vec<_> = line.trim_start_matches(limit).split_whitespace().take(2).collect();
                assert_eq!(most, ["0", "0"], "{line}");
            }
        }
        drop((execution, runtime));
        until("workers are left", || workers().is_empty());
    }
    drop((heap, secret));
}

#[tokio::test]
async fn a_worker_serves_no_host_of_another_version() {
    let _alone = alone().await;
    let mut start = std::process::Command::new(command().program);
    start.arg(std::process::id().to_string()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut worker = start.spawn().unwrap();
    let hello = br#"{"version":"0.0.0","language":"python","engine":"wasm","memory_bytes":1,"is_strict":false}"#;
    let mut stdin = worker.stdin.take().unwrap();
    stdin.write_all(&u32::try_from(hello.len()).unwrap().to_le_bytes()).unwrap();
    stdin.write_all(hello).unwrap();
    let ended = worker.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    let message = "conduit worker: the host is of version 0.0.0, start it again\n";
    assert_eq!((ended.status.code(), stderr.as_str()), (Some(1), message));
}

/// The calls that `strace` saw of a worker, from when it had given up what it could, but for those that the kernel refused.
fn after_start(log: &str) -> BTreeSet<String> {
    // The spare one may not have come so far.
    let Some((_, after)) = log.rsplit_once("SECCOMP_SET_MODE_FILTER") else { return BTreeSet::new() };
    let done = after.lines().skip(1).filter(|line| !line.contains("-1 EPERM") && !line.ends_with("<unfinished ...>"));
    let names = done.filter_map(|line| {
        // A process id, and the call.
        let call = line.split_once(' ')?.1.trim_start();
        let call = call.strip_prefix("<... ").unwrap_or(call);
        call.split(['(', ' ']).next()
    });
    names.filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase())).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_opens_connects_and_starts_nothing_after_its_start() {
    let _alone = alone().await;
    let path = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("strace"));
    let strace: PathBuf = found.find(|program| program.is_file()).expect("strace is installed");
    let folder = std::env::temp_dir().join(format!("conduit-strace-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    // The tracer must not be the worker's parent, and each worker has a file of its own.
    let (strace, worker) = (strace.display(), command().program);
    let trace = format!("exec {strace} -D -f -o {}/$$ {} \"$0\"", folder.display(), worker.display());
    let args = ["-c".to_owned(), trace];
    let mut seen = BTreeSet::new();
    for language in [Language::TypeScript, Language::Python] {
        let command = WorkerCommand { program: "/bin/sh".into(), args: args.to_vec() };
        let runtime = builder().worker(command).languages([language]).build().unwrap();
        let limits = LimitsRequest { memory_bytes: Some(64 << 20), ..LimitsRequest::default() };
        let code = match language {
            Language::TypeScript => {
                "const hoard = []; try { for (;;) hoard.push(new Uint8Array(1 << 20).fill(1)) } catch {}
                 console.log(Date.now(), Math.random()); await new Promise(done => setTimeout(done, 5)); await tools.host.wait()"
            }
            _ => {
                "import time, random\nhoard = []\ntry:\n    while True: hoard.append(b'x' * (1 << 20))\nexcept MemoryError: hoard = None\n\
                 print(time.time(), random.random())\ntime.sleep(0.005)\nawait tools.host.wait()"
            }
        };
        let request = ExecutionRequest::new(language, code).limits(limits);
        let result = runtime.execute(request).await.unwrap();
        assert_eq!((result.outcome, result.value), (Outcome::Completed, 1.into()), "{}", result.stderr);
        drop(runtime);
        until("a worker is left", || workers().is_empty());
        let logs = fs::read_dir(&folder).unwrap().map(|log| fs::read_to_string(log.unwrap().path()).unwrap());
        seen.extend(logs.flat_map(|log| after_start(&log)));
    }
    assert!(seen.contains("read") && seen.contains("write"), "{seen:?}");
    for not in ["open", "openat", "openat2", "connect", "socket", "execve", "clone", "clone3", "fork", "bind", "kill"] {
        assert!(!seen.contains(not), "a worker called `{not}`: {seen:?}");
    }
    fs::remove_dir_all(folder).unwrap();
}
