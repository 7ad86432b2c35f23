//! Core's errors as Python's `ConduitError`.

use conduit_core::Error;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use serde::Serialize;

static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception that a method raises: what core's error says, or another one.
pub(crate) struct Raised(PyErr);

/// What a method gives, or raises.
pub(crate) type Checked<T> = Result<T, Raised>;

impl From<PyErr> for Raised {
    fn from(exception: PyErr) -> Raised {
        Raised(exception)
    }
}

impl From<Error> for Raised {
    fn from(error: Error) -> Raised {
        let fields =
            (error.to_string(), error.code().name(), error.upstream().map(str::to_owned), error.is_retryable());
        Raised(Python::attach(|py| match CLASS.import(py, "conduit._errors", "ConduitError") {
            Ok(class) => PyErr::from_type(class.clone(), fields),
            Err(failed) => failed,
        }))
    }
}

impl From<Raised> for PyErr {
    fn from(raised: Raised) -> PyErr {
        raised.0
    }
}

/// A value as JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    conduit_core::serde_json::to_string(value).expect("what core gives has texts as keys")
}
