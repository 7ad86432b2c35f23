//! One call of a function of the embedding program: the way there, and the answer's way back.

use std::sync::{Arc, Mutex, PoisonError};

use conduit_core::serde_json::{self, Map, Value};
use conduit_core::{LocalFunction, LocalToolError, go_on_here, go_on_here_if_short};
use futures_util::FutureExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use tokio::sync::oneshot;

use crate::inbox::{Open, Queue};

type Reply = Result<Value, LocalToolError>;

enum Stage {
    /// Somebody waits; perhaps with what to call when nobody does any more.
    Waiting(oneshot::Sender<Reply>, Option<Py<PyAny>>),
    Over,
}

/// One call.
pub(crate) struct Call {
    index: usize,
    tool: String,
    execution: Arc<str>,
    arguments: String,
    stage: Mutex<Stage>,
}

impl Call {
    fn end(&self) -> Stage {
        std::mem::replace(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner), Stage::Over)
    }

    fn reply(&self, reply: Reply) {
        if let Stage::Waiting(sender, _) = self.end() {
            // Who waited may have gone this moment.
            let _ = sender.send(reply);
        }
    }

    /// Fails, as nobody is left who would answer.
    pub(crate) fn abandon(&self) {
        self.reply(Err(LocalToolError::new(format!("tool `{}` did not answer, it was closed", self.tool))));
    }
}

/// Ends the call when its future is dropped.
struct Waiting {
    call: Arc<Call>,
    calls: Arc<Queue>,
    wakes: Arc<Open>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Stage::Waiting(_, callback) = self.call.end() else { return };
        self.calls.forget(&self.call);
        if let Some(callback) = callback {
            self.wakes.0.wake(callback);
        }
    }
}

/// The function number `index` of the package, which the threads of `calls` run.
pub(crate) fn function(index: usize, calls: Arc<Queue>, wakes: Arc<Open>) -> LocalFunction {
    Arc::new(move |arguments: Map<String, Value>, context| {
        let (sender, receiver) = oneshot::channel();
        let arguments = Value::Object(arguments).to_string();
        let stage = Mutex::new(Stage::Waiting(sender, None));
        let (tool, execution) = (context.tool.to_string(), Arc::clone(&context.execution));
        let call = Arc::new(Call { index, tool, execution, arguments, stage });
        let waiting = Waiting { call: Arc::clone(&call), calls: Arc::clone(&calls), wakes: Arc::clone(&wakes) };
        async move {
            waiting.calls.call(call);
            let closed = |_| Err(LocalToolError::new("the call was forgotten"));
            receiver.await.unwrap_or_else(closed)
        }
        .boxed()
    })
}

/// One call, for whoever answers it. It is answered once, with an error when this is dropped; what comes later is not heard.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct ToolCall(pub(crate) Arc<Call>);

impl Drop for ToolCall {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[pymethods]
impl ToolCall {
    /// Which of the runtime's tools is called.
    #[getter]
    fn index(&self) -> usize {
        self.0.index
    }

    /// The tool's full name.
    #[getter]
    fn tool(&self) -> &str {
        &self.0.tool
    }

    /// The id of the execution whose program calls.
    #[getter]
    fn execution(&self) -> &str {
        &self.0.execution
    }

    /// The arguments: JSON of an object.
    #[getter]
    fn arguments(&self) -> &str {
        &self.0.arguments
    }

    /// Gives a value, as JSON.
    ///
    /// Raises `ValueError` when it is no JSON.
    fn answer(&self, py: Python<'_>, value: PyBackedStr) -> PyResult<()> {
        let bytes = value.len();
        let value = py.detach(|| serde_json::from_str(&value));
        let value = value.map_err(|error| PyValueError::new_err(error.to_string()))?;
        py.detach(|| go_on_here_if_short(bytes, || self.0.reply(Ok(value))));
        Ok(())
    }

    /// Fails, with a text and further data as JSON.
    ///
    /// Raises `ValueError` when that is no JSON.
    #[pyo3(signature = (message, content=None))]
    fn fail(&self, py: Python<'_>, message: String, content: Option<&str>) -> PyResult<()> {
        let content = content.map(serde_json::from_str).transpose();
        let content = content.map_err(|error| PyValueError::new_err(error.to_string()))?.unwrap_or_default();
        py.detach(|| go_on_here(|| self.0.reply(Err(LocalToolError { message, content }))));
        Ok(())
    }

    /// Has `callback` called when nobody waits for the answer any more. Says whether somebody still waits.
    fn on_cancel(&self, callback: Py<PyAny>) -> bool {
        let mut stage = self.0.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *stage {
            Stage::Waiting(_, place) => {
                *place = Some(callback);
                true
            }
            Stage::Over => false,
        }
    }
}
