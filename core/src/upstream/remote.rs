//! One MCP server behind its connections: which one is live, when the next may be made, and what failures are called.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use rmcp::model::{CallToolRequest, CallToolRequestParams, ListToolsRequest, PaginatedRequestParams};
use serde_json::{Map, Value};
use tokio::time::{Duration, Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Endpoint, RequestFailure};
use super::http::ReplyCap;
use super::listing::{Collector, ToolListing};
use super::wire::RpcFailure;
use super::{CallLimits, reply};
use crate::error::{Error, ErrorCode, Result};
use crate::tool::{ReplyForm, Tool, ToolError, ToolReply};

/// A connection that lived this long was a good one: what came before it is forgotten.
const STABLE: Duration = Duration::from_secs(30);
const FIRST_BACK_OFF: Duration = Duration::from_millis(250);
const MAX_BACK_OFF: Duration = Duration::from_secs(30);
/// What an upstream's own error text may take in a program's error, and in the operator's.
const MAX_PEER_CHARS: usize = 500;
const MAX_DETAIL_CHARS: usize = 10_000;

/// What went wrong: the words for a program, and beside them the operator's.
#[derive(Clone, Debug)]
struct Failure {
    code: ErrorCode,
    /// What the upstream did or is; the upstream itself is named where the failure is told.
    message: String,
    detail: Option<String>,
}

type Attempt = Shared<BoxFuture<'static, Result<Arc<Connection>, Failure>>>;

enum State {
    Idle,
    Connecting(Attempt, CancellationToken),
    Up(Arc<Connection>),
    Closed,
}

struct Link {
    state: State,
    /// How many connections there have been.
    opened: u64,
    /// Failed attempts and short-lived connections in a row.
    failures: u32,
    retry_at: Option<Instant>,
    last_error: Option<String>,
}

pub(super) struct Remote {
    id: String,
    endpoint: Endpoint,
    changes: Arc<AtomicU64>,
    link: Mutex<Link>,
}

impl Remote {
    pub(super) fn new(id: String, endpoint: Endpoint, changes: Arc<AtomicU64>) -> Remote {
        let link = Link { state: State::Idle, opened: 0, failures: 0, retry_at: None, last_error: None };
        Remote { id, endpoint, changes, link: Mutex::new(link) }
    }

    pub(super) async fn list_tools(self: &Arc<Remote>) -> Result<ToolListing> {
        self.list().await.map_err(|failure| {
            let message = format!("it {}", failure.message);
            let error = Error::new(failure.code, message).with_upstream(&self.id);
            match failure.detail {
                Some(detail) => error.with_source(detail),
                None => error,
            }
        })
    }

    async fn list(self: &Arc<Remote>) -> Result<ToolListing, Failure> {
        let connection = self.connection().await?;
        let deadline = Instant::now() + self.endpoint.call_timeout();
        let mut collector = Collector::new(&self.id, self.endpoint.redactor());
        let mut cursor = None;
        loop {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let request = ListToolsRequest::with_param(params).into();
            let page = connection.request(request, deadline).await;
            let page = page.map_err(|failure| self.failure(failure, "`tools/list`", &connection))?;
            let malformed = |_| self.words(ErrorCode::UpstreamProtocol, "answered `tools/list` against the protocol");
            cursor = Some(match collector.page(&page).map_err(malformed)? {
                Some(cursor) => cursor,
                None => return Ok(collector.finish()),
            });
        }
    }

    pub(super) async fn call(
        self: &Arc<Remote>,
        tool: &Tool,
        arguments: Map<String, Value>,
        form: ReplyForm,
        limits: &CallLimits,
    ) -> ToolReply {
        // SECURITY: no caller waits longer than the operator allows.
        let deadline = limits.deadline.min(Instant::now() + self.endpoint.call_timeout());
        let failed = |failure: Failure| {
            let message = format!("upstream `{}` {}", self.id, failure.message);
            ToolError::new(failure.code, &tool.name, message)
        };
        let connection = match timeout_at(deadline, self.connection()).await {
            Ok(connection) => connection.map_err(failed)?,
            Err(_) => {
                return Err(failed(
                    self.words(ErrorCode::UpstreamUnavailable, "is still being connected to, nothing was sent"),
                ));
            }
        };
        let mut request =
            CallToolRequest::new(CallToolRequestParams::new(tool.name.tool().to_owned()).with_arguments(arguments));
        request.extensions.insert(ReplyCap(limits.reply_bytes));
        match connection.request(request.into(), deadline).await {
            Ok(raw) => reply::from_result(tool, raw, form, limits.reply_bytes, self.endpoint.redactor()),
            Err(RequestFailure::Rpc(RpcFailure::TooLarge)) => Err(reply::too_large(tool, limits.reply_bytes)),
            Err(failure) => Err(failed(self.failure(failure, &format!("`{}`", tool.name), &connection))),
        }
    }

    pub(super) fn last_error(&self) -> Option<String> {
        let mut link = self.link();
        self.settle(&mut link);
        link.last_error.clone()
    }

    pub(super) async fn close(&self) {
        let state = std::mem::replace(&mut self.link().state, State::Closed);
        match state {
            State::Up(connection) => connection.close().await,
            // The attempt ends what it has opened, as quickly as a connection that is up.
            State::Connecting(attempt, give_up) => {
                give_up.cancel();
                let _ = attempt.await;
            }
            State::Idle | State::Closed => {}
        }
    }

    /// The live connection, or the one that is made now; all who ask meanwhile share one attempt.
    async fn connection(self: &Arc<Remote>) -> Result<Arc<Connection>, Failure> {
        let attempt = {
            let mut link = self.link();
            self.settle(&mut link);
            match &link.state {
                State::Up(connection) => return Ok(connection.clone()),
                State::Closed => return Err(self.words(ErrorCode::ShutDown, "is shut down")),
                // One that is over without a trace has crashed.
                State::Connecting(attempt, _) if attempt.peek().is_none() => attempt.clone(),
                State::Idle | State::Connecting(..) => {
                    let wait = link.retry_at.and_then(|at| at.checked_duration_since(Instant::now()));
                    if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                        return Err(self.down(wait, link.last_error.clone()));
                    }
                    let give_up = CancellationToken::new();
                    let attempt = self.attempt(give_up.clone());
                    link.state = State::Connecting(attempt.clone(), give_up);
                    attempt
                }
            }
        };
        attempt.await
    }

    /// Runs by itself, so that a caller who gives up does not undo it for the others.
    fn attempt(self: &Arc<Remote>, give_up: CancellationToken) -> Attempt {
        let remote = self.clone();
        let task = tokio::spawn(async move {
            let opened = Connection::open(&remote.endpoint, remote.changes.clone(), &give_up).await;
            remote.note_attempt(opened).await
        });
        let crashed = self.words(ErrorCode::Internal, "could not be connected to");
        async move { task.await.unwrap_or(Err(crashed)) }.boxed().shared()
    }

    async fn note_attempt(&self, opened: Result<Connection>) -> Result<Arc<Connection>, Failure> {
        let unused = {
            let mut link = self.link();
            match (opened, &link.state) {
                (Ok(connection), State::Closed) => Some(connection),
                (Err(_), State::Closed) => None,
                (Ok(connection), _) => {
                    let connection = Arc::new(connection);
                    link.state = State::Up(connection.clone());
                    link.opened += 1;
                    if link.opened > 1 {
                        self.changes.fetch_add(1, Ordering::SeqCst);
                    }
                    return Ok(connection);
                }
                (Err(error), _) => {
                    link.state = State::Idle;
                    link.failures = link.failures.saturating_add(1);
                    let wait = back_off(link.failures);
                    link.retry_at = Some(Instant::now() + wait);
                    // SECURITY: it may hold an upstream's own words.
                    let detail = self.endpoint.redactor().text(error.to_string());
                    let detail: String = detail.chars().take(MAX_DETAIL_CHARS).collect();
                    link.last_error = Some(detail.clone());
                    return Err(match error.code() {
                        ErrorCode::AddressDenied => self.failure_of_address(Some(detail)),
                        _ => self.down(wait, Some(detail)),
                    });
                }
            }
        };
        if let Some(connection) = unused {
            connection.close().await;
        }
        Err(self.words(ErrorCode::ShutDown, "is shut down"))
    }

    /// Takes note of a connection that has ended since somebody last looked.
    fn settle(&self, link: &mut Link) {
        if let State::Up(connection) = &link.state
            && !connection.is_usable()
        {
            let connection = connection.clone();
            self.note_end(link, &connection);
        }
    }

    /// A connection has ended, or was given up: the next may be made at once unless they end all the time.
    fn note_end(&self, link: &mut Link, connection: &Connection) {
        link.state = State::Idle;
        if !connection.has_ended() {
            // SECURITY: what a program's call makes a server answer holds up no other program.
            link.last_error = Some("its session was given up, the next call starts a new one".to_owned());
            return;
        }
        link.failures = if connection.age() >= STABLE { 0 } else { link.failures.saturating_add(1) };
        link.retry_at =
            link.failures.checked_sub(1).filter(|more| *more > 0).map(|more| Instant::now() + back_off(more));
        let words = self.last_words(connection).map(|words| format!("; its last words were: {words}"));
        link.last_error = Some(format!("the connection ended{}", words.unwrap_or_default()));
    }

    fn last_words(&self, connection: &Connection) -> Option<String> {
        connection.process().and_then(|process| self.endpoint.last_words(process))
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn words(&self, code: ErrorCode, what: &str) -> Failure {
        Failure { code, message: what.to_owned(), detail: None }
    }

    fn down(&self, wait: Duration, detail: Option<String>) -> Failure {
        let wait = wait.as_secs_f64();
        let failure =
            self.words(ErrorCode::UpstreamUnavailable, &format!("is not available, it is tried again in {wait:.1} s"));
        Failure { detail, ..failure }
    }

    fn failure_of_address(&self, detail: Option<String>) -> Failure {
        Failure { detail, ..self.words(ErrorCode::AddressDenied, "is at an address that is not allowed") }
    }

    fn failure(&self, failure: RequestFailure, what: &str, connection: &Connection) -> Failure {
        const EFFECT: &str = "the call may have had its effect";
        let (code, message) = match failure {
            RequestFailure::Timeout => (ErrorCode::UpstreamTimeout, format!("did not answer {what} in time, {EFFECT}")),
            RequestFailure::Died => {
                let message = format!("ended before {what} answered, {EFFECT}");
                return Failure { code: ErrorCode::UpstreamDied, message, detail: self.last_words(connection) };
            }
            RequestFailure::Unreachable => {
                (ErrorCode::UpstreamUnavailable, "cannot be reached, nothing was sent".to_owned())
            }
            RequestFailure::Denied => return self.failure_of_address(None),
            RequestFailure::SessionEnded => (
                ErrorCode::UpstreamUnavailable,
                "had ended its session and did not run the call, the next call starts a new one".to_owned(),
            ),
            RequestFailure::Status(status @ (401 | 403)) => {
                (ErrorCode::UpstreamUnavailable, format!("refused Conduit's credential (HTTP {status})"))
            }
            RequestFailure::Status(status @ (429 | 503)) => {
                (ErrorCode::UpstreamUnavailable, format!("is busy (HTTP {status})"))
            }
            RequestFailure::Status(400) => (
                ErrorCode::UpstreamProtocol,
                format!(
                    "answered {what} with HTTP 400 and did not run the call; if it had lost its session, \
                     the next call starts a new one"
                ),
            ),
            RequestFailure::Status(status) => {
                (ErrorCode::UpstreamProtocol, format!("answered {what} with HTTP {status}"))
            }
            RequestFailure::Rpc(RpcFailure::Peer { code, message }) => {
                // SECURITY: an upstream's own words, short and without its secrets.
                let message: String = self.endpoint.redactor().text(message).chars().take(MAX_PEER_CHARS).collect();
                (ErrorCode::UpstreamProtocol, format!("refused {what}: {message} (JSON-RPC error {code})"))
            }
            RequestFailure::Rpc(RpcFailure::TooLarge) => {
                (ErrorCode::ReplyTooLarge, format!("gave too large an answer to {what}"))
            }
            RequestFailure::Rpc(RpcFailure::Malformed) => {
                (ErrorCode::UpstreamProtocol, format!("answered {what} against the protocol"))
            }
        };
        Failure { code, message, detail: None }
    }
}

/// How long to wait after `failures` in a row: doubling, capped, and spread so that many do not come at once.
fn back_off(failures: u32) -> Duration {
    let full = FIRST_BACK_OFF.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(MAX_BACK_OFF);
    let random = getrandom::u32().unwrap_or_default();
    full.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::{UpstreamConfig, UpstreamKind};

    #[tokio::test]
    async fn an_attempt_that_crashed_is_followed_by_another() {
        let kind = UpstreamKind::Stdio { command: "/nonexistent".into(), args: vec![], env: [].into(), cwd: None };
        let endpoint = Endpoint::new(&UpstreamConfig::new("x", kind)).unwrap();
        let remote = Arc::new(Remote::new("x".into(), endpoint, Arc::default()));
        let crashed = remote.words(ErrorCode::Internal, "could not be connected to");
        let attempt: Attempt = async { Err(crashed) }.boxed().shared();
        assert!(attempt.clone().await.is_err());
        remote.link().state = State::Connecting(attempt, CancellationToken::new());
        assert_eq!(remote.list_tools().await.unwrap_err().code(), ErrorCode::UpstreamUnavailable);
    }
}
