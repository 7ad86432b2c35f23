//! The extension module `conduit._conduit`: what the package in `python/conduit` stands on.
//!
//! Owns the crossing between Python and core: JSON texts go over, waiting is done without the GIL. Threads of tokio never
//! wait for the GIL and never run Python; threads of Python fetch what there is to do (`inbox`). Decides nothing.

mod error;
mod execution;
mod inbox;
mod pending;
mod runtime;
mod tool_call;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use conduit_core::WorkerCommand;
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _conduit {
    #[pymodule_export]
    use super::command;
    #[pymodule_export]
    use super::execution::Execution;
    #[pymodule_export]
    use super::inbox::Inbox;
    #[pymodule_export]
    use super::pending::Pending;
    #[pymodule_export]
    use super::runtime::{Config, Runtime, check_tool, guide};
    #[pymodule_export]
    use super::tool_call::ToolCall;
    #[pymodule_export]
    use super::worker;

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // The classes that Rust keeps are those of one interpreter. CPython before 3.12 does not ask whether that is so.
        static INTERPRETER: AtomicUsize = AtomicUsize::new(0);
        let this = module.py().import("sys")?.as_ptr() as usize;
        match INTERPRETER.compare_exchange(0, this, Ordering::SeqCst, Ordering::SeqCst) {
            Err(other) if other != this => {
                Err(PyImportError::new_err("`conduit` is in use by another interpreter of this process, expected one"))
            }
            _ => Ok(()),
        }
    }
}

/// Runs the command `conduit` with these arguments, the program's name first, and gives its exit status.
#[pyfunction]
fn command(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    let worker = worker_command(py)?;
    Ok(py.detach(|| conduit_cli::main(arguments, worker)))
}

/// What a worker process runs: this module and nothing else of Python's, not even its `site`.
const WORKER: &str = "import sys; sys.path.append(sys.argv[1]); import _conduit; _conduit.worker(sys.argv[2])";

/// The interpreter as a worker process: this module cannot be loaded by a program without one.
fn worker_command(py: Python<'_>) -> PyResult<WorkerCommand> {
    let sys = py.import("sys")?;
    // Where a program is frozen, its executable is that program, not an interpreter: a worker would run it again.
    let is_frozen = sys.getattr_opt("frozen")?.is_some();
    let program: Option<PathBuf> = if is_frozen { None } else { sys.getattr("executable")?.extract()? };
    let module: PathBuf = py.import("conduit._conduit")?.getattr("__file__")?.extract()?;
    let folder = module.parent().unwrap_or(&module).display().to_string();
    let args = ["-I", "-S", "-c", WORKER, &folder].map(str::to_owned).into();
    Ok(WorkerCommand { program: program.unwrap_or_default(), args })
}

/// All that a worker process does; it ends with it, since there are no system calls left to end the interpreter with.
#[pyfunction]
fn worker(py: Python<'_>, host: OsString) {
    py.detach(|| std::process::exit(conduit_core::worker_exit_status([host]).into()))
}
