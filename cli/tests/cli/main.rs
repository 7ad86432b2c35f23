//! The command as a whole process, with a real MCP server behind it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test code: a panic is how it fails, and it starts the programs that it tests"
)]

mod clients;
mod commands;
mod protocol;
mod python;
mod quickstart;
mod servers;
mod session;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A working directory with the upstream's script, a config, and nothing of the machine's own.
struct Desk {
    folder: TempDir,
}

/// Far longer than anything takes, so that a test that waits in vain fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The config of most tests: one upstream, of which everything is allowed.
const ALLOWED: &str = "policy: {allow: ['up.*']}\n";

impl Desk {
    fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        desk.write("upstream.py", include_str!("upstream.py"));
        desk
    }

    /// A desk whose `conduit.yaml` has the upstream `up`, and what `rest` says.
    fn with_config(rest: &str) -> Desk {
        let desk = Desk::new();
        let script = desk.path("upstream.py");
        let upstream =
            format!("upstreams: [{{id: up, type: stdio, command: python3, args: ['{}']}}]\n", script.display());
        desk.write("conduit.yaml", &(upstream + rest));
        desk
    }

    /// A desk whose upstream `slow` never answers, and heeds neither the end of its input nor SIGTERM.
    fn with_stubborn_upstream() -> Desk {
        let desk = Desk::new();
        let script = "import os, signal, time\n\
                      signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                      open('pid~', 'w').write(str(os.getpid()))\n\
                      os.rename('pid~', 'pid')\n\
                      time.sleep(1000)\n";
        desk.write("slow.py", script);
        desk.write(
            "conduit.yaml",
            "upstreams: [{id: slow, type: stdio, command: python3, args: [slow.py]}]\npolicy: {allow: ['*']}",
        );
        desk
    }

    /// Waits until that upstream runs, and gives its process's id.
    fn stubborn_pid(&self) -> String {
        let started = Instant::now();
        loop {
            match std::fs::read_to_string(self.path("pid")) {
                Ok(pid) => return pid,
                Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conduit"));
        command.args(args).current_dir(self.folder.path()).env_remove("CONDUIT_CONFIG");
        command
    }

    /// Runs the command to its end.
    fn run(&self, args: &[&str]) -> Ended {
        Ended::from(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs the command with a text on its standard input.
    fn run_with_input(&self, args: &[&str], input: &str) -> Ended {
        let mut child = self.start(args);
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Writes `program.ts` and runs it.
    fn exec(&self, program: &str, flags: &[&str]) -> Ended {
        self.write("program.ts", program);
        self.run(&[&["exec", "program.ts"], flags].concat())
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// What a command left behind.
#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// Status, standard output, standard error.
    fn parts(&self) -> (i32, &str, &str) {
        (self.status.unwrap(), &self.stdout, &self.stderr)
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn is_running(pid: &str) -> bool {
    // One that has ended and whose parent has not looked is a `Z`.
    let status = std::fs::read_to_string(Path::new("/proc").join(pid).join("status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}
