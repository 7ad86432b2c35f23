//! The runtime, as Python has it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use conduit_core::{
    Embedded, Error, ErrorCode, ExecutionRequest, HOST_UPSTREAM, Language, Result, SEARCH_RESULTS, ToolDefinition,
    ToolName, ToolPattern,
};
use pyo3::prelude::*;

use crate::error::{checked, json, of_this_process};
use crate::execution::Execution;
use crate::inbox::{Inbox, Open, Queue};
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
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Config> {
        checked(py, py.detach(|| conduit_core::Config::read(&path))).map(Config)
    }

    /// Reads the keys of a file as JSON.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Config> {
        checked(py, conduit_core::Config::from_json(text)).map(Config)
    }
}

/// Sees that the definition of a tool is understood, and that its name is one.
#[pyfunction]
pub(crate) fn check_tool(py: Python<'_>, definition: &str) -> PyResult<()> {
    let named = ToolDefinition::from_json(definition)
        .and_then(|it| ToolName::new(it.upstream.as_deref().unwrap_or(HOST_UPSTREAM), &it.name));
    checked(py, named).map(drop)
}

/// What a model should know before it writes a program in `language`.
#[pyfunction]
pub(crate) fn guide(py: Python<'_>, language: &str) -> PyResult<&'static str> {
    checked(py, Language::parse(language)).map(conduit_core::guide)
}

/// A runtime with threads of its own. Dropping it cancels what runs.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Runtime {
    /// There until it is closed.
    embedded: Arc<RwLock<Option<Arc<Embedded>>>>,
    process: u32,
    calls: Arc<Queue>,
    wakes: Arc<Open>,
}

fn patterns(allow: Option<Vec<String>>) -> Result<Option<Vec<ToolPattern>>> {
    allow.map(|allow| allow.iter().map(|pattern| ToolPattern::parse(pattern)).collect()).transpose()
}

impl Runtime {
    fn embedded(&self) -> Result<Arc<Embedded>> {
        // In a forked process the lock may be held for ever.
        of_this_process(self.process)?;
        let embedded = self.embedded.read().unwrap_or_else(PoisonError::into_inner).clone();
        embedded.ok_or_else(|| Error::new(ErrorCode::ShutDown, "the runtime is shut down"))
    }

    /// What `question` will answer.
    fn ask<F>(&self, py: Python<'_>, question: impl FnOnce(conduit_core::Runtime) -> F) -> PyResult<Pending>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let embedded = checked(py, self.embedded())?;
        let question = question(checked(py, embedded.runtime())?.clone());
        Ok(Pending::new(embedded, Arc::clone(&self.wakes), async move {
            // It may take a while to answer: not on the thread that asks.
            tokio::task::yield_now().await;
            question.await.map(Some)
        }))
    }
}

#[pymethods]
impl Runtime {
    /// Makes the runtime, with tools: their definitions as JSON, and whether the function is asynchronous.
    #[new]
    fn new(py: Python<'_>, config: &Config, tools: Vec<(String, bool)>) -> PyResult<Runtime> {
        let (calls, wakes) = (Queue::new(), Open::new());
        let mut builder = conduit_core::Runtime::builder_from(config.0.clone()).worker(worker_command(py)?);
        for (index, (definition, is_async)) in tools.into_iter().enumerate() {
            let definition = checked(py, ToolDefinition::from_json(&definition))?;
            // An asynchronous function is only begun on the thread that fetches the call.
            let queue = if is_async { &wakes.0 } else { &calls };
            builder = builder.defined_tool(definition, function(index, Arc::clone(queue), Arc::clone(&wakes)));
        }
        let embedded = checked(py, py.detach(|| Embedded::start(builder)))?;
        let embedded = Arc::new(RwLock::new(Some(Arc::new(embedded))));
        Ok(Runtime { embedded, process: std::process::id(), calls, wakes })
    }

    /// The calls of functions, which may take long.
    fn calls(&self) -> Inbox {
        Inbox::new(&self.calls)
    }

    /// What never takes long. It outlives the runtime: who still waits for an answer is woken.
    fn wakes(&self) -> Inbox {
        Inbox::new(&self.wakes.0)
    }

    fn execute(&self, py: Python<'_>, request: &str) -> PyResult<Pending> {
        let request = checked(py, ExecutionRequest::from_json(request))?;
        let embedded = checked(py, self.embedded())?;
        let runtime = checked(py, embedded.runtime())?.clone();
        let ended = async move { runtime.execute(request).await.and_then(|result| json(&result)).map(Some) };
        Ok(Pending::new(embedded, Arc::clone(&self.wakes), ended))
    }

    fn spawn(&self, py: Python<'_>, request: &str) -> PyResult<Execution> {
        let request = checked(py, ExecutionRequest::from_json(request))?;
        let embedded = checked(py, self.embedded())?;
        let runtime = checked(py, embedded.runtime())?.clone();
        let spawned = py.detach(|| embedded.block_on(async move { runtime.spawn(request) }));
        let execution = checked(py, spawned.and_then(|spawned| spawned))?;
        Ok(Execution::new(execution, embedded, Arc::clone(&self.wakes)))
    }

    fn tools(&self, py: Python<'_>, allow: Option<Vec<String>>) -> PyResult<Pending> {
        let allow = checked(py, patterns(allow))?;
        self.ask(py, |runtime| async move { json(&runtime.tools(allow.as_deref()).await) })
    }

    fn search_tools(
        &self,
        py: Python<'_>,
        query: String,
        limit: Option<usize>,
        allow: Option<Vec<String>>,
    ) -> PyResult<Pending> {
        let allow = checked(py, patterns(allow))?;
        let limit = limit.unwrap_or(SEARCH_RESULTS);
        self.ask(py, move |runtime| async move { json(&runtime.search_tools(&query, limit, allow.as_deref()).await?) })
    }

    fn describe_tools(&self, py: Python<'_>, names: Vec<String>, allow: Option<Vec<String>>) -> PyResult<Pending> {
        let allow = checked(py, patterns(allow))?;
        self.ask(py, move |runtime| async move { json(&runtime.describe_tools(&names, allow.as_deref()).await?) })
    }

    /// Asks for declarations, as a JSON text.
    fn declarations(&self, py: Python<'_>, language: &str, allow: Option<Vec<String>>) -> PyResult<Pending> {
        let allow = checked(py, patterns(allow))?;
        let language = checked(py, Language::parse(language))?;
        self.ask(py, move |runtime| async move {
            let tools = runtime.tools(allow.as_deref()).await;
            json(&runtime.declarations(language, tools).await?)
        })
    }

    fn check(&self, py: Python<'_>) -> PyResult<Pending> {
        self.ask(py, |runtime| async move { json(&runtime.check().await) })
    }

    /// Shuts the runtime down and lets its threads end; `None` when that was done before.
    fn close(&self, py: Python<'_>) -> PyResult<Option<Pending>> {
        let Ok(embedded) = self.embedded() else { return Ok(None) };
        let runtime = checked(py, embedded.runtime())?.clone();
        let (place, calls) = (Arc::clone(&self.embedded), Arc::clone(&self.calls));
        Ok(Some(Pending::new(embedded, Arc::clone(&self.wakes), async move {
            runtime.shutdown().await;
            place.write().unwrap_or_else(PoisonError::into_inner).take();
            calls.close();
            Ok(None)
        })))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.calls.close();
    }
}
