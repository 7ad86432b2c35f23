//! The facade: build a [`Runtime`], give it programs, get results.
//!
//! Owns the lifecycle and admission. Decides nothing about tools or limits: it hands each request to `execution`.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError, mpsc};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::{Config, Confinement, Isolation, MAX_EXECUTIONS};
use crate::error::{Error, ErrorCode, Result};
use crate::execution::{self, Ground, Handle};
use crate::gateway::{Described, Found, Gateway, UpstreamStatus};
use crate::limits::{Limits, LimitsRequest};
use crate::model::{Engine, Event, ExecutionRequest, ExecutionResult, Language, Outcome};
use crate::policy::Policy;
use crate::sandbox::{self, Kind, SandboxSize, Sandboxes, WorkerCommand, WorkerOptions};
use crate::schema::Strictness;
use crate::task::{self, Task};
use crate::tool::{Tool, ToolPattern};
use crate::upstream::{LocalFunction, LocalTool, ToolDefinition, Upstream, UpstreamConfig};

/// The upstream id of functions added by [`RuntimeBuilder::host_tool`].
pub const HOST_UPSTREAM: &str = "host";

/// Everything that a runtime is made of. Start with [`Runtime::builder`] or [`Runtime::builder_from`].
///
/// # Example: an MCP server beside functions of the program
///
/// ```
/// use conduit_core::{LimitsRequest, LocalTool, Policy, Runtime, ToolPattern, UpstreamConfig, UpstreamKind};
///
/// let kind = UpstreamKind::Stdio {
///     command: "npx".into(),
///     args: vec!["-y".into(), "@modelcontextprotocol/server-filesystem".into(), "/srv".into()],
///     env: [].into(),
///     cwd: None,
/// };
/// let runtime = Runtime::builder()
///     .upstream(UpstreamConfig::new("files", kind))
///     .host_tool(LocalTool::new("ping", |_arguments, _context| async { Ok("pong".into()) }))
///     .policy(Policy::allow([ToolPattern::parse("files.read_file")?, ToolPattern::parse("host.*")?]))
///     .max_limits(LimitsRequest { wall_time_ms: Some(60_000), ..LimitsRequest::default() })
///     .max_executions(20)
///     .build()?;
/// assert!(runtime.has_policy());
/// # Ok::<(), conduit_core::Error>(())
/// ```
pub struct RuntimeBuilder {
    config: Config,
    host_tools: Vec<(String, Vec<LocalTool>)>,
    worker: Option<WorkerCommand>,
}

impl RuntimeBuilder {
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

    /// Adds a function of the embedding program, as the upstream that `definition` names.
    pub fn defined_tool(self, mut definition: ToolDefinition, function: LocalFunction) -> RuntimeBuilder {
        let upstream = definition.upstream.take();
        self.host_tools(upstream.as_deref().unwrap_or(HOST_UPSTREAM), [definition.implemented(function)])
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

    /// Which languages programs may be written in; without this, all.
    pub fn languages(mut self, languages: impl IntoIterator<Item = Language>) -> RuntimeBuilder {
        self.config.languages = languages.into_iter().collect();
        self
    }

    /// What programs may run in, what is preferred first; without this, in wasm alone.
    pub fn engines(mut self, engines: impl IntoIterator<Item = Engine>) -> RuntimeBuilder {
        self.config.engines = engines.into_iter().collect();
        self
    }

    /// How many executions may be under way at once, 1 to [`MAX_EXECUTIONS`], those that wait for a tool included.
    pub fn max_executions(mut self, executions: u32) -> RuntimeBuilder {
        self.config.max_executions = executions;
        self
    }

    /// How many more may queue for a place; what comes then is refused as `busy`.
    pub fn max_queue(mut self, queue: u32) -> RuntimeBuilder {
        self.config.max_queue = queue;
        self
    }

    /// Where programs run; in processes of their own, these need to be started by [`worker`](RuntimeBuilder::worker).
    pub fn isolation(mut self, isolation: Isolation) -> RuntimeBuilder {
        self.config.isolation = isolation;
        self
    }

    /// How far worker processes must be confined.
    pub fn confinement(mut self, confinement: Confinement) -> RuntimeBuilder {
        self.config.confinement = confinement;
        self
    }

    /// How worker processes are started, should the config want them: a program that calls [`worker_main`](crate::worker_main),
    /// such as this one or `conduit`.
    pub fn worker(mut self, command: WorkerCommand) -> RuntimeBuilder {
        self.worker = Some(command);
        self
    }

    /// Loads the guests and makes the runtime, in some milliseconds. Upstreams are connected when they are first needed.
    ///
    /// # Errors
    /// `invalid_config` when two upstreams cannot be told apart, one cannot be used, a limit is above what there can be, there
    /// is no language, `max_executions` is out of its bounds, or workers cannot be had as they must be; `invalid_limit` for a
    /// limit that is nonsensical; `address_denied` for a URL that cannot be public; `upstream_unavailable` when the system has no
    /// trusted roots for `https`; `internal` when a guest cannot be loaded.
    pub fn build(self) -> Result<Runtime> {
        let RuntimeBuilder { config, host_tools, worker } = self;
        let executions = config.max_executions;
        if !(1..=MAX_EXECUTIONS).contains(&executions) {
            let message = format!("`max_executions` cannot be `{executions}`, expected 1 to {MAX_EXECUTIONS}");
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        let ceiling = within("max_limits", Limits::maximum(), &config.max_limits, &Limits::maximum())?;
        let defaults = within("limits", Limits::default(), &config.limits, &ceiling)?;
        let connectable = config.upstreams.into_iter().map(Upstream::connectable);
        let local = host_tools.into_iter().map(|(id, tools)| Upstream::local(&id, tools));
        let upstreams = connectable.chain(local).collect::<Result<Vec<_>>>()?;
        let gateway = Arc::new(Gateway::new(upstreams, config.validation)?);
        let size = SandboxSize { executions, threads: threads() };
        let kinds = kinds(&config.languages, &config.engines)?;
        let is_here = |engine| engine == Engine::Wasm && config.isolation == Isolation::InProcess;
        // SECURITY: what is to be confined is in a worker, whatever a request asks for.
        if config.confinement == Confinement::Require && kinds.iter().any(|(_, engine)| is_here(*engine)) {
            let message = "`confinement` is `require` but programs run in this process, expected `isolation: process`";
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        let workers = |engine| match is_here(engine) {
            true => Ok(None),
            false => worker_options(worker.clone(), config.confinement, &ceiling).map(Some),
        };
        let sandboxes = Sandboxes::load(&kinds, size, execution::prepare, workers)?;
        let inner = Inner {
            sandboxes,
            gateway,
            policy: config.policy,
            defaults,
            ceiling,
            executions,
            admission: Semaphore::new(executions as usize + config.max_queue as usize),
            places: Semaphore::new(executions as usize),
            cancel_all: CancellationToken::new(),
            has_workers: !kinds.iter().all(|(_, engine)| is_here(*engine)),
        };
        Ok(Runtime { inner: Arc::new(inner) })
    }
}

/// How workers are started and treated.
fn worker_options(command: Option<WorkerCommand>, confinement: Confinement, ceiling: &Limits) -> Result<WorkerOptions> {
    let command = command.ok_or_else(|| {
        let message = "programs are to run in workers, expected a program for them: give `RuntimeBuilder::worker`";
        Error::new(ErrorCode::InvalidConfig, message)
    })?;
    let is_strict = confinement == Confinement::Require;
    Ok(WorkerOptions { command, memory_bytes: ceiling.memory_bytes, is_strict })
}

/// What to offer, each once: of each language what is preferred first.
fn kinds(languages: &[Language], engines: &[Engine]) -> Result<Vec<Kind>> {
    if languages.is_empty() {
        return Err(Error::new(ErrorCode::InvalidConfig, "`languages` has no language, expected at least one"));
    }
    let mut kinds = Vec::new();
    for kind in languages.iter().flat_map(|language| engines.iter().map(move |engine| (*language, *engine))) {
        if kind.1.runs(kind.0) && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        let message = "no engine of `engines` runs a language of `languages`, expected one that does";
        return Err(Error::new(ErrorCode::InvalidConfig, message));
    }
    Ok(kinds)
}

/// The operator's limits. A request above a ceiling is clamped, but an operator should not believe in a limit that is none.
fn within(what: &str, base: Limits, limits: &LimitsRequest, ceiling: &Limits) -> Result<Limits> {
    let (limits, clamped) = base.with(limits, ceiling)?;
    let Some(limit) = clamped.first() else { return Ok(limits) };
    let message =
        format!("`{what}` has a larger `{}` than there can be, expected at most {}", limit.key(), ceiling.get(*limit));
    Err(Error::new(ErrorCode::InvalidConfig, message))
}

/// More threads than cores, so that programs that compute do not starve those that do not.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(4, usize::from) * 4
}

/// How long a shutdown waits for the reports of what it cancelled.
const REPORT_TIME: Duration = Duration::from_millis(500);

struct Inner {
    sandboxes: Sandboxes,
    gateway: Arc<Gateway>,
    policy: Policy,
    defaults: Limits,
    ceiling: Limits,
    executions: u32,
    /// One permit for each execution that has a place or waits for one; closed by the shutdown.
    admission: Semaphore,
    /// One permit for each execution that is under way.
    places: Semaphore,
    cancel_all: CancellationToken,
    has_workers: bool,
}

/// Runs programs. Cheap to clone; all clones are one runtime. Its methods need a tokio runtime with time enabled, and with I/O
/// where programs run in workers.
///
/// # Example: a program calls a function of the embedding program
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
    /// Starts building a runtime that has no upstreams and allows nothing.
    pub fn builder() -> RuntimeBuilder {
        Runtime::builder_from(Config::default())
    }

    /// Starts building a runtime from a config, such as [`Config::read`] gives.
    pub fn builder_from(config: Config) -> RuntimeBuilder {
        RuntimeBuilder { config, host_tools: Vec::new(), worker: None }
    }

    /// Runs one program to its end. Dropping the future cancels the program, and frees its place at once or in a moment; a call
    /// that was under way may have had its effect.
    ///
    /// # Errors
    /// `invalid_request` when its language is not offered, `busy` when every place and the queue are full,
    /// `invalid_limit`, `shut_down`, `internal`. A program that throws,
    /// breaks a limit or is cancelled is no error but an [`Outcome`].
    pub async fn execute(&self, request: ExecutionRequest) -> Result<ExecutionResult> {
        let cancel = self.inner.cancel_all.child_token();
        let handle = Handle { id: execution::new_id()?, events: None, cancel: cancel.clone() };
        let task = self.begin(request, handle);
        // For whichever thread goes on with it while this future is dropped.
        let _cancel = cancel.drop_guard();
        task.await?
    }

    /// Starts one program in a task of its own.
    ///
    /// # Errors
    /// `internal` when the system has no entropy for an id; what [`execute`](Runtime::execute) refuses comes from
    /// [`Execution::join`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(&self, request: ExecutionRequest) -> Result<Execution> {
        let cancel = self.inner.cancel_all.child_token();
        let id = execution::new_id()?;
        let (sender, events) = mpsc::unbounded_channel();
        let handle = Handle { id: id.clone(), events: Some(sender), cancel: cancel.clone() };
        Ok(Execution { id, events, task: self.begin(request, handle), cancel: cancel.drop_guard() })
    }

    fn begin(&self, request: ExecutionRequest, handle: Handle) -> Task<Result<ExecutionResult>> {
        let inner = Arc::clone(&self.inner);
        task::begin(tokio::runtime::Handle::current(), async move { inner.run(request, handle).await })
    }

    /// The tools that a request with this allow-list may call. Connects what is not connected; what cannot be is left out.
    /// Cancel safe.
    pub async fn tools(&self, allow: Option<&[ToolPattern]>) -> Vec<Arc<Tool>> {
        self.inner.gateway.tools(&self.inner.policy.narrow(allow)).await
    }

    /// Those of them that fit `query` best, and which upstreams could not be searched.
    ///
    /// # Errors
    /// `invalid_request` when the query is empty or longer than [`MAX_QUERY_BYTES`](crate::MAX_QUERY_BYTES), or
    /// `limit` is not from 1 to [`MAX_SEARCH_RESULTS`](crate::MAX_SEARCH_RESULTS).
    pub async fn search_tools(&self, query: &str, limit: usize, allow: Option<&[ToolPattern]>) -> Result<Found> {
        self.inner.gateway.search(&self.inner.policy.narrow(allow), query, limit).await
    }

    /// The tools that `names` mean to a program with this allow-list: `upstream.tool`, or an alias that is unambiguous.
    /// A tool that does not exist and one that is not allowed are the same.
    ///
    /// # Errors
    /// `invalid_request` when there are no names, or more than [`MAX_DESCRIBED`](crate::MAX_DESCRIBED).
    pub async fn describe_tools(&self, names: &[String], allow: Option<&[ToolPattern]>) -> Result<Described> {
        self.inner.gateway.describe(&self.inner.policy.narrow(allow), names).await
    }

    /// What a model should read before it writes a program in `language`: these tools as types. Cancel safe.
    ///
    /// # Errors
    /// `internal` when they cannot be made.
    ///
    /// # Example: what a model is told
    ///
    /// ```
    /// use conduit_core::{Language, LocalTool, Policy, Runtime, ToolPattern};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> conduit_core::Result<()> {
    /// let schema = serde_json::json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    /// let weather = LocalTool::new("weather", |_arguments, _context| async { Ok("sunny".into()) })
    ///     .description("The weather in a city.")
    ///     .input_schema(schema);
    /// let everything = Policy::allow([ToolPattern::parse("*")?]);
    /// let runtime = Runtime::builder().host_tool(weather).policy(everything).build()?;
    ///
    /// let found = runtime.search_tools("weather of a city", 5, None).await?;
    /// let declarations = runtime.declarations(Language::TypeScript, found.tools).await?;
    /// assert!(declarations.contains("weather(args: { city: string }): Promise<any>;"), "{declarations}");
    ///
    /// // A request that may call nothing sees nothing.
    /// assert!(runtime.tools(Some(&[])).await.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn declarations(&self, language: Language, tools: Vec<Arc<Tool>>) -> Result<String> {
        self.inner.gateway.declarations(language, tools).await
    }

    /// The upstreams that such a request may use and whose tools cannot be had: [`tools`](Runtime::tools) leaves their
    /// tools out.
    pub async fn unavailable(&self, allow: Option<&[ToolPattern]>) -> Vec<UpstreamStatus> {
        self.inner.gateway.unavailable(&self.inner.policy.narrow(allow)).await
    }

    /// Why the upstream that `name` means, an id or an alias, last failed; for the operator, without secrets. Connects
    /// nothing.
    pub fn last_error(&self, name: &str) -> Option<String> {
        self.inner.gateway.last_error(name)
    }

    /// Connects every upstream, also those that the policy does not reach, and says how that went. Cancel safe.
    pub async fn check(&self) -> Vec<UpstreamStatus> {
        self.inner.gateway.check().await
    }

    /// The patterns of the operator's policy that cover no tool, as far as tools are known: after [`check`](Runtime::check), all
    /// that no upstream has a tool for.
    pub fn idle_patterns(&self) -> Vec<ToolPattern> {
        self.inner.gateway.idle_patterns(&self.inner.policy)
    }

    /// The languages that programs may be written in.
    pub fn languages(&self) -> Vec<Language> {
        self.inner.sandboxes.languages()
    }

    /// What this system lacks of what confines worker processes, such as `landlock`; nothing where there are no workers.
    pub fn unconfined_by(&self) -> Vec<&'static str> {
        if self.inner.has_workers { sandbox::lacking() } else { Vec::new() }
    }

    /// Whether the operator stated a policy. Without one, no tool is allowed.
    pub fn has_policy(&self) -> bool {
        self.inner.policy.is_stated()
    }

    /// Refuses what comes, cancels what runs and waits until it has been reported, half a second at most, and ends every
    /// connection. Calling it again does no harm; after dropping the future, it ends what is left.
    pub async fn shutdown(&self) {
        self.cancel_all();
        let all_reported = self.inner.places.acquire_many(self.inner.executions);
        // What does not end in time loses its connections all the same.
        let _ = timeout(REPORT_TIME, all_reported).await;
        tokio::join!(self.inner.sandboxes.close(), self.inner.gateway.close());
    }

    /// Refuses what comes and cancels what runs, without waiting. Returns whether an execution had a place.
    pub(crate) fn cancel_all(&self) -> bool {
        self.inner.admission.close();
        self.inner.cancel_all.cancel();
        self.inner.places.available_permits() < self.inner.executions as usize
    }
}

impl Inner {
    async fn run(&self, request: ExecutionRequest, handle: Handle) -> Result<ExecutionResult> {
        let sandbox = self.sandboxes.of(request.language, request.engine)?;
        // SECURITY: no more executions at once than there are places; each keeps its own to its end.
        let Some(_admitted) = self.admit(&handle.cancel).await? else {
            return Ok(execution::not_started(handle.id, Outcome::Cancelled, Vec::new()));
        };
        let ground = Ground {
            sandbox,
            gateway: &self.gateway,
            policy: &self.policy,
            defaults: &self.defaults,
            ceiling: &self.ceiling,
        };
        execution::execute(ground, request, handle).await
    }

    /// A place for one execution; `None` when it was cancelled before there was one.
    async fn admit(&self, cancel: &CancellationToken) -> Result<Option<[SemaphorePermit<'_>; 2]>> {
        // SECURITY: the queue is bounded; what does not fit is refused at once.
        let admitted = self.admission.try_acquire().map_err(|refused| match refused {
            TryAcquireError::Closed => Error::new(ErrorCode::ShutDown, "the runtime is shut down"),
            TryAcquireError::NoPermits => {
                Error::new(ErrorCode::Busy, "every place is taken and the queue is full, try again later")
            }
        })?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Ok(None),
            place = self.places.acquire() => Ok(place.ok().map(|place| [place, admitted])),
        }
    }
}

/// A program under way. Dropping it cancels the program.
///
/// # Example: watch a program and end it
///
/// ```
/// use conduit_core::{Event, ExecutionRequest, Outcome, Runtime};
/// use futures_util::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> conduit_core::Result<()> {
/// let runtime = Runtime::builder().build()?;
/// let mut execution = runtime.spawn(ExecutionRequest::typescript("console.log('begun'); while (true) {}"))?;
/// let (mut events, cancel) = (execution.take_events(), execution.cancel_handle());
/// let watching = tokio::spawn(async move {
///     if let Some(Event::Stdout { text }) = events.next().await {
///         assert_eq!(text, "begun\n");
///         cancel.cancel();
///     }
/// });
/// let result = execution.join().await?;
/// assert_eq!((result.outcome, result.stdout.as_str()), (Outcome::Cancelled, "begun\n"));
/// # watching.await.expect("it does not panic");
/// # Ok(())
/// # }
/// ```
pub struct Execution {
    id: String,
    events: mpsc::UnboundedReceiver<Event>,
    task: Task<Result<ExecutionResult>>,
    cancel: DropGuard,
}

impl Execution {
    /// Unguessable, and the same as in the result.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What happens, as it happens; ends with the program. Bounded by the program's limits. The stream is the caller's,
    /// to be read beside [`join`](Execution::join) or in another task; events are given once, so a second stream is empty.
    pub fn take_events(&mut self) -> impl Stream<Item = Event> + Send + Unpin + use<> {
        let (_, none) = mpsc::unbounded_channel();
        let mut events = std::mem::replace(&mut self.events, none);
        futures_util::stream::poll_fn(move |context| events.poll_recv(context))
    }

    /// Ends the program. [`join`](Execution::join) then gives what it had produced.
    pub fn cancel(&self) {
        self.cancel.token().cancel();
    }

    /// As [`cancel`](Execution::cancel), for whoever does not hold the execution.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { token: self.cancel.token().clone() }
    }

    /// Waits for the end. Dropping the future cancels the program.
    ///
    /// # Errors
    /// As [`Runtime::execute`].
    pub async fn join(self) -> Result<ExecutionResult> {
        let Execution { task, cancel, .. } = self;
        let ended = task.await;
        drop(cancel);
        ended?
    }
}

/// Ends one program, from anywhere. Dropping it does nothing.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    token: CancellationToken,
}

impl CancelHandle {
    /// Ends the program, if it still runs.
    pub fn cancel(&self) {
        self.token.cancel();
    }
}

/// What a worker process does, all its life: runs programs for the process that started it, over standard input and output.
/// `argument` is the last of the process's arguments. Nothing else in the process should have been begun: it closes what it finds
/// open, and gives up files and system calls for good.
///
/// # Errors
/// `internal` when the guest cannot be loaded, the process cannot be confined as it must, or nobody speaks as a host does.
pub fn worker_main(argument: &str) -> Result<()> {
    let host = argument.parse().map_err(|error: std::num::ParseIntError| {
        Error::new(ErrorCode::Internal, "only Conduit starts workers").with_source(error)
    })?;
    sandbox::serve_worker(host, execution::prepare)
}

/// As [`worker_main`], with the process's own arguments: an exit status, and what is wrong on standard error. A panic is caught.
pub fn worker_exit_status(args: impl IntoIterator<Item = OsString>) -> u8 {
    let argument = args.into_iter().last().unwrap_or_default();
    match std::panic::catch_unwind(|| worker_main(&argument.to_string_lossy())) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            eprintln!("conduit worker: {error}");
            1
        }
        Err(_) => 101,
    }
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
