//! The facade: build a [`Runtime`], give it programs, get results.
//!
//! Owns the lifecycle and admission. Decides nothing about tools or limits: it hands each request to `execution`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::Config;
use crate::error::{Error, ErrorCode, Result};
use crate::execution::{self, Ground, Handle};
use crate::gateway::{Gateway, UpstreamStatus};
use crate::limits::{Limits, LimitsRequest};
use crate::model::{Event, ExecutionRequest, ExecutionResult, Language, Outcome};
use crate::policy::Policy;
use crate::sandbox::{GuestImage, Sandbox, SandboxSize};
use crate::schema::Strictness;
use crate::sdk;
use crate::tool::{Tool, ToolError, ToolPattern};
use crate::upstream::{LocalTool, Upstream, UpstreamConfig};

/// The upstream id of functions added by [`RuntimeBuilder::host_tool`].
pub const HOST_UPSTREAM: &str = "host";

/// Everything that a runtime is made of. Start with [`Runtime::builder`].
#[derive(Default)]
pub struct RuntimeBuilder {
    config: Config,
    host_tools: Vec<(String, Vec<LocalTool>)>,
}

impl RuntimeBuilder {
    /// Takes everything from a file: YAML or JSON. What is set after this call is added to it.
    ///
    /// # Errors
    /// `invalid_config` when the file cannot be read or has a key or value that is not known.
    pub fn config_file(mut self, path: impl AsRef<Path>) -> Result<RuntimeBuilder> {
        self.config = Config::read(path.as_ref())?;
        Ok(self)
    }

    /// Takes everything from a config that is already read.
    pub fn config(mut self, config: Config) -> RuntimeBuilder {
        self.config = config;
        self
    }

    /// Adds an MCP server.
    pub fn upstream(mut self, upstream: UpstreamConfig) -> RuntimeBuilder {
        self.config.upstreams.push(upstream);
        self
    }

    /// Adds a function of the embedding program, as `tools.host.<name>`.
    pub fn host_tool(self, tool: LocalTool) -> RuntimeBuilder {
        self.host_tools(HOST_UPSTREAM, [tool])
    }

    /// Adds functions of the embedding program, as `tools.<upstream>.<name>`.
    pub fn host_tools(mut self, upstream: &str, tools: impl IntoIterator<Item = LocalTool>) -> RuntimeBuilder {
        match self.host_tools.iter_mut().find(|(id, _)| id == upstream) {
            Some((_, known)) => known.extend(tools),
            None => self.host_tools.push((upstream.to_owned(), tools.into_iter().collect())),
        }
        self
    }

    /// States which tools programs may call. Without a policy they may call none.
    pub fn policy(mut self, policy: Policy) -> RuntimeBuilder {
        self.config.policy = policy;
        self
    }

    /// Limits of requests that do not ask for others.
    pub fn limits(mut self, limits: LimitsRequest) -> RuntimeBuilder {
        self.config.limits = limits;
        self
    }

    /// The most that a request may ask for.
    pub fn max_limits(mut self, limits: LimitsRequest) -> RuntimeBuilder {
        self.config.max_limits = limits;
        self
    }

    /// How arguments are validated.
    pub fn validation(mut self, strictness: Strictness) -> RuntimeBuilder {
        self.config.validation = strictness;
        self
    }

    /// Executions at once, waiting ones included; and how many more may queue for a place.
    pub fn capacity(mut self, executions: u32, queue: u32) -> RuntimeBuilder {
        self.config.max_executions = executions;
        self.config.max_queue = queue;
        self
    }

    /// Loads the guest and makes the runtime. Upstreams are connected when they are first needed.
    ///
    /// # Errors
    /// `invalid_config` when upstreams or limits contradict each other, `internal` when the guest cannot be loaded.
    pub fn build(self) -> Result<Runtime> {
        let RuntimeBuilder { config, host_tools } = self;
        let ceiling = Limits::maximum().with(&config.max_limits, &Limits::maximum())?.0;
        let defaults = Limits::default().with(&config.limits, &ceiling)?.0;
        let connectable = config.upstreams.into_iter().map(Upstream::connectable);
        let local = host_tools.into_iter().map(|(id, tools)| Upstream::local(&id, tools));
        let upstreams = connectable.chain(local).collect::<Result<Vec<_>>>()?;
        let gateway = Arc::new(Gateway::new(upstreams, config.validation)?);
        let size = SandboxSize { executions: config.max_executions.max(1), threads: threads() };
        let sandbox = Sandbox::new(&JAVASCRIPT, size)?;
        let places = Arc::new(Semaphore::new(size.executions as usize));
        let inner = Inner {
            sandbox,
            gateway,
            policy: config.policy,
            defaults,
            ceiling,
            places,
            queued: AtomicUsize::new(0),
            max_queue: config.max_queue as usize,
            shut_down: AtomicBool::new(false),
            cancel_all: CancellationToken::new(),
        };
        Ok(Runtime { inner: Arc::new(inner) })
    }
}

const JAVASCRIPT: GuestImage =
    GuestImage { name: "js", cwasm: conduit_guest_js::CWASM, configure: conduit_guest_js::configure };

/// More threads than cores, so that programs that compute do not starve those that do not.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(4, usize::from) * 4
}

struct Inner {
    sandbox: Sandbox,
    gateway: Arc<Gateway>,
    policy: Policy,
    defaults: Limits,
    ceiling: Limits,
    places: Arc<Semaphore>,
    queued: AtomicUsize,
    max_queue: usize,
    shut_down: AtomicBool,
    cancel_all: CancellationToken,
}

/// Runs programs. Cheap to clone; all clones are one runtime. Its methods need a tokio runtime with time enabled.
///
/// ```
/// use conduit_core::{ExecutionRequest, LocalTool, Outcome, Policy, Runtime, ToolPattern};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> conduit_core::Result<()> {
/// let double = LocalTool::new("double", |arguments, _context| async move {
///     let number = arguments.get("number").and_then(serde_json::Value::as_i64).unwrap_or_default();
///     Ok((number * 2).into())
/// });
/// let runtime = Runtime::builder()
///     .host_tool(double)
///     .policy(Policy::allow([ToolPattern::parse("host.*")?]))
///     .build()?;
///
/// let program = "const n: number = await tools.host.double({ number: 21 }); console.log('got', n); n";
/// let result = runtime.execute(ExecutionRequest::typescript(program)).await?;
/// assert_eq!(result.outcome, Outcome::Completed);
/// assert_eq!((result.value, result.stdout.as_str()), (42.into(), "got 42\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

impl Runtime {
    /// Starts building a runtime.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// Runs one program to its end. Dropping the future cancels it.
    ///
    /// # Errors
    /// `busy` when every place and the queue are full, `invalid_limit`, `shut_down`, `internal`. A program that throws,
    /// breaks a limit or is cancelled is no error but an [`Outcome`](crate::model::Outcome).
    pub async fn execute(&self, request: ExecutionRequest) -> Result<ExecutionResult> {
        let cancel = self.inner.cancel_all.child_token();
        let handle = Handle { id: execution::new_id()?, events: None, cancel };
        self.inner.run(request, handle).await
    }

    /// Starts one program in a task of its own.
    ///
    /// # Errors
    /// `internal` when the system has no entropy for an id.
    pub fn spawn(&self, request: ExecutionRequest) -> Result<Execution> {
        let cancel = self.inner.cancel_all.child_token();
        let id = execution::new_id()?;
        let (sender, events) = mpsc::unbounded_channel();
        let handle = Handle { id: id.clone(), events: Some(sender), cancel: cancel.clone() };
        let inner = Arc::clone(&self.inner);
        let task = tokio::spawn(async move { inner.run(request, handle).await });
        Ok(Execution { id, events, task, cancel: cancel.drop_guard() })
    }

    /// The tools that a request with this allow-list may call. Connects what is not connected.
    pub async fn tools(&self, allow: Option<&[ToolPattern]>) -> Vec<Arc<Tool>> {
        self.inner.gateway.tools(&self.inner.policy.narrow(allow)).await
    }

    /// Those of them that fit `query` best, best first.
    pub async fn search_tools(&self, query: &str, limit: usize, allow: Option<&[ToolPattern]>) -> Vec<Arc<Tool>> {
        self.inner.gateway.search(&self.inner.policy.narrow(allow), query, limit).await
    }

    /// What a model should read before it writes a program in `language`: the tools as types.
    pub async fn declarations(&self, language: Language, allow: Option<&[ToolPattern]>) -> String {
        let tools = self.tools(allow).await;
        match language {
            Language::TypeScript => sdk::typescript::declarations(&tools),
        }
    }

    /// The tool that `name` means to a program with this allow-list: `upstream.tool`, or an alias that is unambiguous.
    ///
    /// # Errors
    /// What the program would catch: `tool_not_found`, in the same words whether the tool does not exist or is not
    /// allowed, or that its upstream is not available.
    pub async fn tool(&self, name: &str, allow: Option<&[ToolPattern]>) -> std::result::Result<Arc<Tool>, ToolError> {
        self.inner.gateway.tool(&self.inner.policy.narrow(allow), name).await
    }

    /// The upstreams that such a request may use and whose tools cannot be had: [`tools`](Runtime::tools) and
    /// [`search_tools`](Runtime::search_tools) leave their tools out.
    pub async fn unavailable(&self, allow: Option<&[ToolPattern]>) -> Vec<UpstreamStatus> {
        self.inner.gateway.unavailable(&self.inner.policy.narrow(allow)).await
    }

    /// Why the upstream that `name` means, an id or an alias, last failed; for the operator. Connects nothing.
    pub fn last_error(&self, name: &str) -> Option<String> {
        self.inner.gateway.last_error(name)
    }

    /// Connects every upstream, also those that the policy does not reach, and says how that went.
    pub async fn check(&self) -> Vec<UpstreamStatus> {
        self.inner.gateway.check().await
    }

    /// Whether the operator stated a policy. Without one, no tool is allowed.
    pub fn has_policy(&self) -> bool {
        self.inner.policy.is_stated()
    }

    /// Cancels what runs, refuses what comes, and ends every connection.
    pub async fn shutdown(&self) {
        self.inner.shut_down.store(true, Ordering::SeqCst);
        self.inner.cancel_all.cancel();
        self.inner.gateway.close().await;
    }
}

impl Inner {
    async fn run(&self, request: ExecutionRequest, handle: Handle) -> Result<ExecutionResult> {
        let Some(_place) = self.admit(&handle.cancel).await? else {
            return Ok(execution::not_started(handle.id, Outcome::Cancelled, Vec::new()));
        };
        let ground = Ground {
            sandbox: &self.sandbox,
            gateway: &self.gateway,
            policy: &self.policy,
            defaults: &self.defaults,
            ceiling: &self.ceiling,
        };
        execution::execute(ground, request, handle).await
    }

    /// A place for one execution; `None` when it was cancelled before there was one.
    async fn admit(&self, cancel: &CancellationToken) -> Result<Option<OwnedSemaphorePermit>> {
        if self.shut_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::ShutDown, "the runtime is shut down"));
        }
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Some(place));
        }
        // SECURITY: the queue is bounded; what does not fit is refused at once.
        let queued = Queued::enter(&self.queued);
        if queued.position > self.max_queue {
            return Err(Error::new(ErrorCode::Busy, "every place is taken and the queue is full, try again later"));
        }
        tokio::select! {
            place = Arc::clone(&self.places).acquire_owned() => Ok(place.ok()),
            () = cancel.cancelled() => Ok(None),
        }
    }
}

/// A place in the queue, given back however the wait ends.
struct Queued<'a> {
    count: &'a AtomicUsize,
    position: usize,
}

impl Queued<'_> {
    fn enter(count: &AtomicUsize) -> Queued<'_> {
        Queued { count, position: count.fetch_add(1, Ordering::SeqCst) + 1 }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A program under way. Dropping it cancels the program.
pub struct Execution {
    id: String,
    events: mpsc::UnboundedReceiver<Event>,
    task: JoinHandle<Result<ExecutionResult>>,
    cancel: DropGuard,
}

impl Execution {
    /// Unguessable, and the same as in the result.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What happens, as it happens; ends with the program. Bounded by the program's limits.
    pub fn events(&mut self) -> impl Stream<Item = Event> + '_ {
        futures_util::stream::poll_fn(|context| self.events.poll_recv(context))
    }

    /// Ends the program. [`join`](Execution::join) then gives what it had produced.
    pub fn cancel(&self) {
        self.cancel.token().cancel();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// As [`Runtime::execute`].
    pub async fn join(self) -> Result<ExecutionResult> {
        let Execution { task, cancel, .. } = self;
        let ended = task.await;
        drop(cancel);
        ended.map_err(|error| Error::new(ErrorCode::Internal, "the execution's task failed").with_source(error))?
    }
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
