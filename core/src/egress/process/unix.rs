//! A child and what it starts, on Unix: a process group.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::{End, ProcessSpec};

/// What a child inherits of the environment; everything else is declared or absent.
pub(super) const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "TMPDIR"];

/// What to start: the system looks a name up in `PATH`.
pub(super) fn program(spec: &ProcessSpec) -> &str {
    &spec.command
}

/// A child, the leader, and its process group.
pub(super) struct Group {
    leader: Child,
    pid: Option<Pid>,
}

impl Group {
    pub(super) fn start(mut command: Command) -> io::Result<Group> {
        // SECURITY: a group of its own, so that one signal reaches the child's children too.
        command.process_group(0);
        let leader = command.spawn()?;
        Ok(Group { pid: leader.id().and_then(|id| Pid::from_raw(id.cast_signed())), leader })
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.leader.id()
    }

    /// Its pipes, once.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.leader.stdin.take(), self.leader.stdout.take(), self.leader.stderr.take())
    }

    /// Waits for the leader's end. Cancel safe.
    pub(super) async fn leader_ends(&mut self) -> End {
        End(self.leader.wait().await.ok())
    }

    pub(super) fn leader_has_ended(&mut self) -> bool {
        // An error says that there is no such child.
        !matches!(self.leader.try_wait(), Ok(None))
    }

    /// Asks all of it to end.
    pub(super) fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends all of it by force.
    pub(super) fn kill(&mut self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // A group without members gives an error, which is what is wanted. Its number cannot have become another's in
        // between: it stays taken while a member lives, and the kernel hands numbers out in turn.
        if let Some(pid) = self.pid {
            let _ = kill_process_group(pid, signal);
        }
    }
}
