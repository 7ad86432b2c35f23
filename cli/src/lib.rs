//! The `conduit` command as a library, so that the Node and Python packages can ship it.
//!
//! Owns the command line, what is printed and the MCP server side. Converts; the decisions are the core's.

mod args;
mod check;
mod exec;
mod output;
mod serve;
mod session;
mod tools;

use std::ffi::OsString;
use std::time::Duration;

use clap::Parser;
use conduit_core::{Error, ErrorCode, Result, WorkerCommand, worker_exit_status};

use args::{Args, Command};

/// The command line or the config is wrong, or something that the operator must mend.
const EXIT_USAGE: u8 = 2;
/// A signal ended the command.
const EXIT_CANCELLED: u8 = 130;
/// How long the last tasks have to end: long enough to kill what they started, and no longer for a read of standard input,
/// which nothing can interrupt.
const LAST_TASKS: Duration = Duration::from_millis(500);

/// Runs the command that `args` ask for, the program's name first, and gives the exit status. `worker` starts worker processes,
/// should the config want them.
pub fn main<T: Into<OsString> + Clone>(args: impl IntoIterator<Item = T>, worker: WorkerCommand) -> u8 {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // A reader that has gone away is no error.
            return match error.print() {
                Err(failed) if failed.kind() != std::io::ErrorKind::BrokenPipe => EXIT_USAGE,
                _ => u8::try_from(error.exit_code()).unwrap_or(EXIT_USAGE),
            };
        }
    };
    run(args.command, worker).unwrap_or_else(|error| {
        output::complain(format_args!("{error}"));
        EXIT_USAGE
    })
}

fn run(command: Command, worker: WorkerCommand) -> Result<u8> {
    if let Command::Worker { host } = command {
        return Ok(worker_exit_status([host]));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorCode::Internal, "cannot start threads").with_source(error))?;
    let status = runtime.block_on(async {
        match command {
            Command::Exec(args) => exec::exec(args, worker).await,
            Command::Tools(args) => tools::tools(args, worker).await,
            Command::Declarations(args) => tools::declarations(args, worker).await,
            Command::Check(args) => check::check(args, worker).await,
            Command::Serve(args) => serve::serve(args, worker).await,
            Command::Worker { .. } => Ok(0),
        }
    });
    runtime.shutdown_timeout(LAST_TASKS);
    status
}
