//! The `conduit` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(conduit_cli::main(std::env::args_os()))
}
