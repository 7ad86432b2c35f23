//! A child process with pipes, in a process group of its own.
//!
//! Owns [`spawn`] and [`Process`]. The child gets a minimal environment, three pipes and no descriptor that Conduit opens;
//! one that Conduit itself inherited without close-on-exec goes on to it. It and everything that it started in its group are
//! gone after [`Process::close`], after a drop, and after its own end. A grandchild that leaves the group (`setsid`) is out of
//! reach. Standard error is kept in a ring; reading the other pipes is the caller's. Conduit's own workers get no environment at
//! all, and are not asked before they are killed.

#[cfg_attr(unix, path = "process/unix.rs")]
#[cfg_attr(windows, path = "process/windows.rs")]
mod group;
mod stdin;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::{Error, ErrorCode, Result};
use group::{Group, INHERITED};
pub use stdin::Stdin;

const STDERR_BYTES: usize = 64 << 10;
/// A child whose standard input has closed has this long to end by itself, then this long after it was asked to.
const CLOSE_GRACE: Duration = Duration::from_millis(300);
const TERM_GRACE: Duration = Duration::from_millis(700);
/// What a killed child leaves behind is waited for this long.
const REAP_GRACE: Duration = Duration::from_millis(100);

/// What to start.
pub struct ProcessSpec {
    /// A path, or a name that is looked up in `PATH`.
    pub command: String,
    /// The arguments, passed as they are: no shell.
    pub args: Vec<String>,
    /// Variables beside the few that are inherited; they win.
    pub env: Vec<(String, String)>,
    /// The working directory; the host's own without one.
    pub cwd: Option<PathBuf>,
    /// What the child is to the host.
    pub kind: ProcessKind,
}

/// What a child is to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessKind {
    /// A program of the operator's: it inherits a few variables, and is asked to end before it is killed.
    Upstream,
    /// Conduit's own, which may have been taken over: it inherits nothing, and is killed.
    Worker,
}

/// A running child. Dropping it ends the child and its group in the background; [`Process::close`] waits for that.
pub struct Process {
    id: Option<u32>,
    stderr: StderrTail,
    exited: watch::Receiver<Option<End>>,
    stop: CancellationToken,
    _guard: DropGuard,
}

/// How a child ended, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End(pub Option<ExitStatus>);

/// The child's pipes. Dropping `stdin` tells it to end.
pub struct Pipes {
    /// The child's standard input.
    pub stdin: Stdin,
    /// The child's standard output.
    pub stdout: ChildStdout,
}

/// Starts a child. Must be called within a tokio runtime.
///
/// # Errors
/// `upstream_unavailable` when it cannot be started; the message names the command, never its arguments or environment.
pub fn spawn(spec: &ProcessSpec) -> Result<(Process, Pipes)> {
    let failed = |message: String| Error::new(ErrorCode::UpstreamUnavailable, message);
    if let Some(cwd) = spec.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
        return Err(failed(format!("cannot start `{}`: `{}` is not a directory", spec.command, cwd.display())));
    }
    let mut command = Command::new(group::program(spec));
    command
        .args(&spec.args)
        // SECURITY: the host's environment holds other upstreams' secrets and Conduit's own.
        .env_clear()
        .envs(inherited().filter(|_| spec.kind == ProcessKind::Upstream))
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    let start = |error: io::Error| failed(format!("cannot start `{}`", spec.command)).with_source(error);
    let mut group = Group::start(command).map_err(start)?;
    let (Some(stdin), Some(stdout), Some(stderr)) = group.pipes() else {
        return Err(failed(format!("cannot start `{}`: no pipes", spec.command)));
    };
    let (id, tail) = (group.id(), StderrTail::default());
    let filled = tokio::spawn(tail.clone().fill(stderr));
    let (exited_tx, exited) = watch::channel(None);
    let stop = CancellationToken::new();
    tokio::spawn(supervise(group, spec.kind, stop.clone(), filled, exited_tx));
    let guard = stop.clone().drop_guard();
    Ok((Process { id, stderr: tail, exited, stop, _guard: guard }, Pipes { stdin: Stdin::new(stdin), stdout }))
}

fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    INHERITED.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)))
}

impl Process {
    /// Its number, which may be another's when it has ended.
    pub fn id(&self) -> Option<u32> {
        self.id
    }

    /// Becomes something when the child has ended, its group has been killed, and its standard error has been read.
    pub fn exited(&self) -> watch::Receiver<Option<End>> {
        self.exited.clone()
    }

    /// The end of what the child wrote to standard error.
    pub fn stderr(&self) -> StderrTail {
        self.stderr.clone()
    }

    /// Cancelling it ends the child and its group, as a drop does.
    pub fn stopper(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Ends the child and its group: at once if it heeds the closing of its standard input, by force within a second.
    pub async fn close(&self) {
        self.stop.cancel();
        // An error says that the supervisor is gone, and with it the child.
        let _ = self.exited().wait_for(Option::is_some).await;
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("exited", &*self.exited.borrow()).finish_non_exhaustive()
    }
}

async fn supervise(
    mut group: Group,
    kind: ProcessKind,
    stop: CancellationToken,
    filled: JoinHandle<()>,
    exited: watch::Sender<Option<End>>,
) {
    tokio::select! {
        _ = group.leader_ends() => {}
        () = stop.cancelled() => {
            if kind == ProcessKind::Upstream && tokio::time::timeout(CLOSE_GRACE, group.leader_ends()).await.is_err() {
                group.ask_to_end();
                let _ = tokio::time::timeout(TERM_GRACE, group.leader_ends()).await;
            }
        }
    }
    group.kill();
    let end = group.leader_ends().await;
    drop(group);
    // Somebody who left the group may hold standard error open.
    let _ = tokio::time::timeout(REAP_GRACE, filled).await;
    exited.send_replace(Some(end));
}

impl Drop for Group {
    /// The supervisor's end, or that of a runtime which is shut down with the child alive.
    fn drop(&mut self) {
        if self.leader_has_ended() {
            return;
        }
        self.kill();
        let start = Instant::now();
        while !self.leader_has_ended() && start.elapsed() < REAP_GRACE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The last 64 KiB that a child wrote to standard error. Cheap to clone.
#[derive(Clone, Default)]
pub struct StderrTail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl StderrTail {
    async fn fill(self, mut stderr: ChildStderr) {
        let mut buffer = vec![0; 8 << 10];
        while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            bytes.extend(buffer.iter().take(count));
            // SECURITY: a child may write to it without end.
            let surplus = bytes.len().saturating_sub(STDERR_BYTES);
            bytes.drain(..surplus);
        }
    }

    /// The last `count` lines of what `redact` leaves that are not blank, oldest first, without control characters, 500
    /// characters each.
    pub fn last_lines(&self, count: usize, redact: impl FnOnce(String) -> String) -> Vec<String> {
        let bytes: Vec<u8> = self.bytes.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        // SECURITY: before anything is cut, or a part of a secret would stay.
        let text = redact(String::from_utf8_lossy(&bytes).into_owned());
        // SECURITY: a child forges no line of a log and steers no terminal.
        let clean = |line: &str| line.chars().filter(|c| !c.is_control()).take(500).collect::<String>();
        let mut lines: Vec<String> =
            text.lines().rev().map(clean).filter(|line| !line.trim().is_empty()).take(count).collect();
        lines.reverse();
        lines
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
