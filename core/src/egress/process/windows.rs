//! A child and what it starts, on Windows: a job, which ends with its last handle, so with Conduit however that ends.

use std::env::current_dir;
use std::ffi::OsString;
use std::io;

use process_wrap::tokio::{ChildWrapper, CommandWrap, CreationFlags, JobObject, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use which::which_in;
use windows::Win32::System::Threading::CREATE_NO_WINDOW;

use super::{End, ProcessSpec};

/// What a child inherits of the environment; everything else is declared or absent. Programs do not start without some.
pub(super) const INHERITED: &[&str] = &[
    "PATH",
    "PATHEXT",
    "COMSPEC",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "PROGRAMFILES",
    "PROCESSOR_ARCHITECTURE",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
];

/// What to start: a name is looked up in `PATH` with the endings of `PATHEXT`, since `npx` is `npx.cmd`. The standard library
/// quotes arguments for a batch file, and refuses those that it cannot quote.
pub(super) fn program(spec: &ProcessSpec) -> OsString {
    let declared = spec.env.iter().find(|(name, _)| name.eq_ignore_ascii_case("PATH")).map(|(_, path)| path.into());
    let inherited = || super::inherited().find(|(name, _)| *name == "PATH").map(|(_, path)| path);
    let folder = spec.cwd.clone().or_else(|| current_dir().ok()).unwrap_or_default();
    // One that is not found is for the system to refuse.
    let found = which_in(&spec.command, declared.or_else(inherited), folder);
    found.map_or_else(|_| spec.command.clone().into(), OsString::from)
}

/// A child, the leader, in a job of its own.
pub(super) struct Group {
    job: Box<dyn ChildWrapper>,
}

impl Group {
    /// The leader stands still until it is in its job, so nothing that it starts is outside.
    pub(super) fn start(command: Command) -> io::Result<Group> {
        let mut command = CommandWrap::from(command);
        // Without a window it has no console either, so that nobody's Ctrl-C reaches it.
        command.wrap(CreationFlags(CREATE_NO_WINDOW)).wrap(KillOnDrop).wrap(JobObject);
        Ok(Group { job: command.spawn()? })
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.job.id()
    }

    /// Its pipes, once.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.job.stdin().take(), self.job.stdout().take(), self.job.stderr().take())
    }

    /// Waits for the leader's end. Cancel safe.
    pub(super) async fn leader_ends(&mut self) -> End {
        End(self.job.inner_mut().wait().await.ok())
    }

    pub(super) fn leader_has_ended(&mut self) -> bool {
        !matches!(self.job.inner_mut().try_wait(), Ok(None))
    }

    /// There is nothing to ask with beside the end of its standard input.
    pub(super) fn ask_to_end(&self) {}

    /// Ends all of it by force.
    pub(super) fn kill(&mut self) {
        let _ = self.job.start_kill();
    }
}
