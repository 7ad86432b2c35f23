//! The `conduit` command.

use std::process::ExitCode;

use conduit_core::WorkerCommand;

fn main() -> ExitCode {
    // The command is its own worker.
    let program = std::env::current_exe().unwrap_or_default();
    ExitCode::from(conduit_cli::main(std::env::args_os(), WorkerCommand { program, args: vec!["worker".into()] }))
}
