use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::*;

fn python(script: &str) -> ProcessSpec {
    ProcessSpec {
        command: "python3".into(),
        args: vec!["-c".into(), script.into()],
        env: vec![("DECLARED".into(), "yes".into())],
        cwd: None,
        kind: ProcessKind::Upstream,
    }
}

/// The next line, or nothing at the end: when nobody is left to write.
async fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    let reading = stdout.read_line(&mut line);
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("somebody lives and writes nothing").unwrap();
    line.trim_end().to_owned()
}

async fn output_of(command: &str, args: &[&str]) -> String {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let (process, mut pipes) = spawn(&ProcessSpec { command: command.into(), args, ..python("") }).unwrap();
    let mut output = String::new();
    pipes.stdout.read_to_string(&mut output).await.unwrap();
    process.close().await;
    output
}

#[tokio::test]
async fn k05_a_child_has_a_minimal_environment() {
    let environ = output_of("cat", &["/proc/self/environ"]).await;
    let env: std::collections::BTreeMap<&str, &str> =
        environ.split_terminator('\0').map(|entry| entry.split_once('=').unwrap()).collect();
    let undeclared = env.keys().filter(|name| !["HOME", "LANG", "PATH", "TMPDIR"].contains(*name)).collect::<Vec<_>>();
    assert_eq!(undeclared, [&"DECLARED"]);
    assert_eq!((env["DECLARED"], env["PATH"]), ("yes", std::env::var("PATH").unwrap().as_str()));
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok(), "the test's own environment has more");
}

#[tokio::test]
async fn k05_a_child_gets_no_descriptor_that_conduit_opens() {
    let _file = tempfile::tempfile().unwrap();
    let _socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // What the test itself was started with, and marked for inheritance, is not Conduit's to close.
    let inheritable = |fd: &u32| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or("0");
        u32::from_str_radix(flags.trim(), 8).unwrap() & 0o2_000_000 == 0
    };
    let mine = std::fs::read_dir("/proc/self/fd").unwrap();
    let mine: Vec<u32> = mine.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
    assert!(mine.iter().filter(|fd| **fd > 2).any(|fd| !inheritable(fd)));
    let listing = output_of("ls", &["-l", "/proc/self/fd"]).await;
    let theirs = listing
        .lines()
        .filter_map(|line| line.split_once(" -> "))
        .map(|(left, target)| (left.rsplit(' ').next().unwrap().parse::<u32>().unwrap(), target));
    let extra = theirs.filter(|(fd, target)| {
        let of_ls = target.starts_with("/proc/") && target.ends_with("/fd");
        *fd > 2 && !of_ls && !(mine.contains(fd) && inheritable(fd))
    });
    assert_eq!(extra.collect::<Vec<_>>(), []);
}

#[tokio::test]
async fn f08_a_closed_child_takes_its_group_along_and_leaves_no_zombie() {
    // The grandchild ignores everything that can be ignored and holds standard output open.
    let script = "import os,signal,sys,time\nif os.fork()==0:\n signal.signal(signal.SIGTERM, signal.SIG_IGN)\n print(os.getpid(), flush=True)\n time.sleep(60)\nsys.stdin.read()";
    let (process, pipes) = spawn(&python(script)).unwrap();
    let mut stdout = BufReader::new(pipes.stdout);
    let grandchild = line(&mut stdout).await;
    assert!(Path::new("/proc").join(&grandchild).exists());
    drop(pipes.stdin);
    process.close().await;
    assert_eq!(line(&mut stdout).await, "", "nobody is left to write");
}

#[tokio::test]
async fn f08_a_stubborn_child_is_killed() {
    let script = "import os,signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid(), flush=True)\nwhile True: time.sleep(60)";
    let (process, pipes) = spawn(&python(script)).unwrap();
    let mut stdout = BufReader::new(pipes.stdout);
    let pid = line(&mut stdout).await;
    process.close().await;
    assert!(!Path::new("/proc").join(&pid).exists(), "{pid} lives or is a zombie");
    drop(pipes.stdin);
}

#[tokio::test]
async fn a_dropped_child_is_killed_and_reaped() {
    let script = "import os,time\nprint(os.getpid(), flush=True)\ntime.sleep(60)";
    let (process, pipes) = spawn(&python(script)).unwrap();
    let mut stdout = BufReader::new(pipes.stdout);
    let pid = line(&mut stdout).await;
    let mut exited = process.exited();
    drop(process);
    exited.wait_for(Option::is_some).await.unwrap();
    assert!(!Path::new("/proc").join(&pid).exists());
}

#[test]
fn the_end_of_the_runtime_ends_the_child() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (process, pid) = runtime.block_on(async {
        let script = "import os,time\nprint(os.getpid(), flush=True)\ntime.sleep(60)";
        let (process, pipes) = spawn(&python(script)).unwrap();
        let pid = line(&mut BufReader::new(pipes.stdout)).await;
        (process, pid)
    });
    drop(runtime);
    assert!(!Path::new("/proc").join(&pid).exists());
    drop(process);
}

#[tokio::test]
async fn the_end_of_a_child_is_told_and_ends_its_group() {
    let script = "import os,sys,time\nif os.fork()==0:\n time.sleep(60)\nprint('up', flush=True)\nsys.stdin.readline()\nos._exit(3)";
    let (process, mut pipes) = spawn(&python(script)).unwrap();
    let mut stdout = BufReader::new(pipes.stdout);
    assert_eq!(line(&mut stdout).await, "up");
    assert!(process.exited().borrow().is_none());
    pipes.stdin.write_all(b"\n").await.unwrap();
    process.exited().wait_for(Option::is_some).await.unwrap();
    assert_eq!(line(&mut stdout).await, "");
    assert_eq!(process.exited().borrow().and_then(|End(status)| status?.code()), Some(3));
}

#[tokio::test]
async fn a_worker_inherits_nothing_and_is_not_asked_before_it_is_killed() {
    let script = "import os,signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(sorted(os.environ), flush=True)\ntime.sleep(60)";
    let spec = ProcessSpec { env: Vec::new(), kind: ProcessKind::Worker, ..python(script) };
    let (process, pipes) = spawn(&spec).unwrap();
    // Python itself makes the locale.
    assert_eq!(line(&mut BufReader::new(pipes.stdout)).await.replace("'LC_CTYPE'", ""), "[]");
    let start = Instant::now();
    process.close().await;
    assert!(start.elapsed() < CLOSE_GRACE, "it was asked first");
}

#[tokio::test]
async fn standard_error_is_kept_to_a_cap_and_read_always() {
    let script = "import sys\nsys.stderr.write('x'*1000000+'\\n\\n\\x1b[31mlast \\x00line\\n')\nsys.stderr.flush()\nprint('done', flush=True)\nsys.stdin.read()";
    let (process, pipes) = spawn(&python(script)).unwrap();
    assert_eq!(line(&mut BufReader::new(pipes.stdout)).await, "done");
    let stderr = process.stderr();
    process.close().await;
    let lines = stderr.last_lines(5, |text| text);
    assert!(stderr.bytes.lock().unwrap().len() <= STDERR_BYTES);
    assert_eq!(lines.last().unwrap(), "[31mlast line");
    assert_eq!(lines[0].len(), 500);
    drop(pipes.stdin);
}

#[tokio::test]
async fn a_child_that_cannot_start_says_so_without_its_arguments() {
    let mut spec = python("secret in an argument");
    spec.command = "/nonexistent/server".into();
    let error = spawn(&spec).err().unwrap();
    assert_eq!(error.code(), ErrorCode::UpstreamUnavailable);
    assert_eq!(error.to_string(), "cannot start `/nonexistent/server`: No such file or directory (os error 2)");
    spec.command = "python3".into();
    spec.cwd = Some("/nonexistent".into());
    assert_eq!(spawn(&spec).err().unwrap().to_string(), "cannot start `python3`: `/nonexistent` is not a directory");
}
