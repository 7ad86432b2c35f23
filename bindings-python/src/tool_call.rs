//! One call of a function of the embedding program: the way there, and the answer's way back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conduit_core::serde_json::{self, Map, Value};
use conduit_core::{LocalFunction, LocalToolError, go_on_here, go_on_here_if_short};
use futures_util::FutureExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use tokio::sync::oneshot;

use crate::inbox::{Job, Place, Queue};

type Reply = Result<Value, LocalToolError>;

/// Who waits for an answer, and perhaps what to call when nobody does any more.
struct Asker(oneshot::Sender<Reply>, Option<Py<PyAny>>);

/// There until the call is over.
pub(crate) struct Stage(Mutex<Option<Asker>>);

impl Stage {
    fn lock(&self) -> MutexGuard<'_, Option<Asker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the call when its future is dropped.
struct Waiting {
    stage: Arc<Stage>,
    queue: Arc<Queue>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(Asker(_, callback)) = self.stage.lock().take() else { return };
        self.queue.forget(&self.stage);
        if let Some(callback) = callback {
            self.queue.push(Job::Wake(callback));
        }
    }
}

/// The function number `index` of those that `dispatch` runs; whoever serves `place` calls that.
pub(crate) fn function(index: usize, dispatch: Arc<Py<PyAny>>, place: Place) -> LocalFunction {
    Arc::new(move |arguments: Map<String, Value>, context| {
        let (sender, receiver) = oneshot::channel();
        let stage = Arc::new(Stage(Mutex::new(Some(Asker(sender, None)))));
        let waiting = Waiting { stage: Arc::clone(&stage), queue: place.queue() };
        let call = ToolCall {
            dispatch: Arc::clone(&dispatch),
            index,
            tool: context.tool.to_string(),
            execution: context.execution.to_string(),
            arguments: Value::Object(arguments).to_string(),
            stage,
        };
        async move {
            waiting.queue.push(Job::Call(call));
            let closed = |_| Err(LocalToolError::new("the call was forgotten"));
            receiver.await.unwrap_or_else(closed)
        }
        .boxed()
    })
}

/// One call, for whoever answers it. It is answered once, with an error when this is dropped; what comes later is not heard.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct ToolCall {
    dispatch: Arc<Py<PyAny>>,
    /// Which of the runtime's tools is called.
    #[pyo3(get)]
    index: usize,
    /// The tool's full name.
    #[pyo3(get)]
    tool: String,
    /// The id of the execution whose program calls.
    #[pyo3(get)]
    execution: String,
    /// The arguments: JSON of an object.
    #[pyo3(get)]
    arguments: String,
    pub(crate) stage: Arc<Stage>,
}

impl ToolCall {
    fn reply(&self, reply: Reply) {
        let asker = self.stage.lock().take();
        if let Some(Asker(sender, _)) = asker {
            // Who waited may have gone this moment.
            let _ = sender.send(reply);
        }
    }
}

impl Drop for ToolCall {
    fn drop(&mut self) {
        self.reply(Err(LocalToolError::new(format!("tool `{}` did not answer, it was closed", self.tool))));
    }
}

#[pymethods]
impl ToolCall {
    /// What this is for. Python calls it, not Rust: the end of the interpreter unwinds the thread, and Rust's frames bear no such end.
    #[getter]
    fn dispatch(&self, py: Python<'_>) -> Py<PyAny> {
        self.dispatch.clone_ref(py)
    }

    /// Gives a value, as JSON.
    ///
    /// Raises `ValueError` when it is no JSON.
    fn answer(&self, py: Python<'_>, value: PyBackedStr) -> PyResult<()> {
        let bytes = value.len();
        let value = py.detach(|| serde_json::from_str(&value));
        let value = value.map_err(|error| PyValueError::new_err(error.to_string()))?;
        py.detach(|| go_on_here_if_short(bytes, || self.reply(Ok(value))));
        Ok(())
    }

    /// Fails, with a text and further data as JSON.
    ///
    /// Raises `ValueError` when that is no JSON.
    #[pyo3(signature = (message, content=None))]
    fn fail(&self, py: Python<'_>, message: String, content: Option<&str>) -> PyResult<()> {
        let content = content.map(serde_json::from_str).transpose();
        let content = content.map_err(|error| PyValueError::new_err(error.to_string()))?.unwrap_or_default();
        py.detach(|| go_on_here(|| self.reply(Err(LocalToolError { message, content }))));
        Ok(())
    }

    /// Has `callback` called when nobody waits for the answer any more. Says whether somebody still waits.
    fn on_cancel(&self, callback: Py<PyAny>) -> bool {
        self.stage.lock().as_mut().map(|Asker(_, place)| *place = Some(callback)).is_some()
    }
}
