//! Core's errors as Python's `ConduitError`.

use conduit_core::{Error, ErrorCode, Result};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use serde::Serialize;

static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception that says what `error` says.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let fields = (error.to_string(), error.code().name(), error.upstream().map(str::to_owned), error.is_retryable());
    match CLASS.import(py, "conduit._errors", "ConduitError") {
        Ok(class) => PyErr::from_type(class.clone(), fields),
        Err(failed) => failed,
    }
}

/// `result`, or the exception that its error is.
pub(crate) fn checked<T>(py: Python<'_>, result: Result<T>) -> PyResult<T> {
    result.map_err(|error| raised(py, &error))
}

/// A value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    conduit_core::serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorCode::Internal, "the answer is no JSON").with_source(error))
}

/// What became of a panic: a fault of ours, which ends nothing else.
pub(crate) fn panicked() -> Error {
    Error::new(ErrorCode::Internal, "conduit panicked, please report it")
}

/// Refuses what belongs to another process than this one, which was forked from it.
pub(crate) fn of_this_process(process: u32) -> Result<()> {
    if process == std::process::id() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::ShutDown, "the runtime was made before this process was forked, make one here"))
}
