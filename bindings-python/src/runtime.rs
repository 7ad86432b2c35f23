//! The runtime, as Python has it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use conduit_core::{Embedded, ExecutionRequest, HOST_UPSTREAM, Language, Question, Result, ToolDefinition, ToolName};
use pyo3::prelude::*;

use crate::error::{Checked, json};
use crate::execution::Execution;
use crate::inbox::{Inbox, Place, Queue};
use crate::pending::Pending;
use crate::tool_call::function;
use crate::worker_command;

/// What an operator decides, read and understood.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Config(conduit_core::Config);

#[pymethods]
impl Config {
    /// Reads a file.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> Checked<Config> {
        Ok(Config(py.detach(|| conduit_core::Config::read(&path))?))
    }

    /// Reads the keys of a file as JSON.
    #[staticmethod]
    fn from_json(text: &str) -> Checked<Config> {
        Ok(Config(conduit_core::Config::from_json(text)?))
    }
}

/// Sees that the definition of a tool is understood, and that its name is one.
#[pyfunction]
pub(crate) fn check_tool(definition: &str) -> Checked<()> {
    let definition = ToolDefinition::from_json(definition)?;
    ToolName::new(definition.upstream.as_deref().unwrap_or(HOST_UPSTREAM), &definition.name)?;
    Ok(())
}

/// What a model should know before it writes a program in `language`.
#[pyfunction]
pub(crate) fn guide(language: &str) -> Checked<&'static str> {
    Ok(conduit_core::guide(Language::parse(language)?))
}

/// A runtime with threads of its own. Dropping it cancels what runs, unless somebody still asks.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Runtime {
    embedded: Arc<Embedded>,
    /// For the threads that run functions, which may take long.
    calls: Arc<Queue>,
    /// Who begins asynchronous functions.
    loops: Place,
}

impl Runtime {
    /// What `question` will answer.
    fn pending<F>(&self, question: impl FnOnce(conduit_core::Runtime) -> F) -> Result<Pending>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let question = question(self.embedded.runtime()?.clone());
        Ok(Pending::new(Arc::clone(&self.embedded), async move { question.await.map(Some) }))
    }
}

#[pymethods]
impl Runtime {
    /// Makes the runtime, with tools: their definitions as JSON, and whether the function is asynchronous. Each call is for
    /// `dispatch`, and goes to `inbox`, or where `serve` says.
    #[new]
    fn new(
        py: Python<'_>,
        config: &Config,
        tools: Vec<(String, bool)>,
        dispatch: Py<PyAny>,
        inbox: &Inbox,
    ) -> Checked<Runtime> {
        let (threads, loops, dispatch) = (Place::new(inbox), Place::new(inbox), Arc::new(dispatch));
        let mut builder = conduit_core::Runtime::builder_from(config.0.clone()).worker(worker_command(py)?);
        for (index, (definition, is_async)) in tools.into_iter().enumerate() {
            let place = if is_async { &loops } else { &threads };
            let function = function(index, Arc::clone(&dispatch), place.clone());
            builder = builder.defined_tool(ToolDefinition::from_json(&definition)?, function);
        }
        let embedded = Arc::new(py.detach(|| Embedded::start(builder))?);
        Ok(Runtime { embedded, calls: inbox.queue(), loops })
    }

    /// Has asynchronous functions begun by the event loop that serves `inbox`.
    fn serve(&self, inbox: &Inbox) -> Checked<()> {
        // In a forked process the lock may be held for ever.
        self.embedded.runtime()?;
        self.loops.put(inbox);
        Ok(())
    }

    fn execute(&self, request: &str) -> Checked<Pending> {
        let request = ExecutionRequest::from_json(request)?;
        Ok(self.pending(|runtime| async move { runtime.execute(request).await.map(|result| json(&result)) })?)
    }

    fn spawn(&self, py: Python<'_>, request: &str) -> Checked<Execution> {
        let request = ExecutionRequest::from_json(request)?;
        let runtime = self.embedded.runtime()?;
        let execution = py.detach(|| self.embedded.block_on(async { runtime.spawn(request) }))??;
        Ok(Execution::new(execution, Arc::clone(&self.embedded)))
    }

    /// Asks what `question`, the JSON of core's `Question`, says.
    fn ask(&self, question: &str) -> Checked<Pending> {
        let question = Question::from_json(question)?;
        Ok(self.pending(|runtime| async move {
            // It may take a while to answer: not on the thread that asks.
            tokio::task::yield_now().await;
            question.answer(&runtime).await
        })?)
    }

    /// Shuts the runtime down; `None` in a forked process, which has nothing of it.
    fn close(&self) -> Option<Pending> {
        self.pending(|runtime| async move { Question::Shutdown {}.answer(&runtime).await }).ok()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.calls.close();
    }
}
