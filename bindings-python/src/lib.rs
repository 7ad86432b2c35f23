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
use std::sync::atomic::{AtomicUsize, Ordering};

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
    use super::runtime::{Config, Runtime, check_tool};
    #[pymodule_export]
    use super::tool_call::ToolCall;

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
fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| conduit_cli::main(arguments))
}
