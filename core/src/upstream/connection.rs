//! One live connection to an MCP server: how it is made, asked and ended.
//!
//! Owns the child or the HTTP session behind it. Makes no decisions about when to connect. A request is sent once; whoever
//! stops waiting for its answer, by deadline or by dropping the future, cancels it at the peer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::RoleClient;
use rmcp::model::{ClientCapabilities, ClientConfig, ClientRequest, Implementation, ServerResult};
use rmcp::service::{
    ClientInitializeError, Peer, PeerRequestOptions, RequestHandle, ServiceError, serve_client_with_ct,
};
use rmcp::transport::common::client_side_sse::SseRetryPolicy;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransportConfig, StreamableHttpError};
use rmcp::transport::{DynamicTransportError, StreamableHttpClientTransport, Transport};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::http::McpHttpClient;
use super::stdio::LineTransport;
use super::wire::{self, Inlet, RpcFailure};
use super::{EnvValue, UpstreamConfig, UpstreamKind};
use crate::credentials::Redactor;
use crate::egress::http::{HttpClient, HttpError, HttpErrorKind, HttpOptions};
use crate::egress::process::{self, End, Process, ProcessKind, ProcessSpec};
use crate::error::{Error, ErrorCode};
use crate::limits::Limit;

/// What Conduit calls itself, on either side of a connection.
const NAME: &str = "conduit";
/// The largest message that is read: the largest reply there may be, and what surrounds it.
const MAX_MESSAGE_BYTES: usize = Limit::ReplySize.maximum() as usize + (64 << 10);
const MAX_CONCURRENT_REQUESTS: usize = Limit::ToolCallsInFlight.maximum() as usize;
/// After a child's end, what it wrote last is still read, unless somebody else keeps its output open.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// A cancellation that cannot be delivered is given up, and sooner when the connection is being closed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
const LAST_CANCEL_TIMEOUT: Duration = Duration::from_millis(500);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const STDERR_LINES: usize = 5;

/// Why a request has no result.
#[derive(Debug)]
pub(super) enum RequestFailure {
    /// The answer was an error.
    Rpc(RpcFailure),
    /// No answer in time.
    Timeout,
    /// The connection ended first.
    Died,
    /// Nothing was sent: no socket came about.
    Unreachable,
    /// Nothing was sent: the address may not be reached.
    Denied,
    /// The server no longer knows the session; it has not run the call.
    SessionEnded,
    /// The server answered with this HTTP status.
    Status(u16),
}

/// Where all connections of one upstream lead, checked. What is costly to make is made once.
pub(super) struct Endpoint {
    way: Way,
    call_timeout: Duration,
    connect_timeout: Duration,
    redactor: Redactor,
}

enum Way {
    Stdio {
        command: String,
        args: Vec<String>,
        env: BTreeMap<String, EnvValue>,
        cwd: Option<PathBuf>,
    },
    Http {
        client: HttpClient,
        credential: Option<(HeaderName, HeaderValue)>,
    },
    #[cfg(test)]
    Pipe(Arc<dyn Fn() -> tokio::io::DuplexStream + Send + Sync>),
}

impl Endpoint {
    /// Opens no socket and starts nothing.
    ///
    /// # Errors
    /// `invalid_config`, `address_denied` or `upstream_unavailable`: what no connection could come of.
    pub(super) fn new(config: &UpstreamConfig) -> Result<Endpoint, Error> {
        let redactor = Redactor::new(config.all_secrets())?;
        let UpstreamConfig { call_timeout, connect_timeout, .. } = *config;
        let way = match config.kind.clone() {
            UpstreamKind::Stdio { command, args, env, cwd } => Way::Stdio { command, args, env, cwd },
            UpstreamKind::Http { url, allow_private, credential } => {
                // SECURITY: whoever is on the way reads what is sent in the clear, and on a public way that is anybody.
                if url.scheme() == "http" && credential.is_some() && !allow_private {
                    let message = "its credential would be sent in the clear, expected an `https` URL, or \
                                   `allow_private: true` where the way to it is private";
                    return Err(Error::new(ErrorCode::InvalidConfig, message));
                }
                let credential = credential.map(|credential| credential.header()).transpose()?;
                let client = HttpClient::new(&url, HttpOptions { allow_private, connect_timeout })?;
                Way::Http { client, credential }
            }
            #[cfg(test)]
            UpstreamKind::Pipe(dial, _) => Way::Pipe(dial),
        };
        Ok(Endpoint { way, call_timeout, connect_timeout, redactor })
    }

    /// Takes what it is shown out of what it says.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// What a child wrote last to standard error, for the operator.
    pub(super) fn last_words(&self, process: &Process) -> Option<String> {
        // SECURITY: a child may write the secrets that it was given.
        let lines = process.stderr().last_lines(STDERR_LINES, |text| self.redactor.text(text));
        (!lines.is_empty()).then(|| lines.join(" | "))
    }

    /// The error with the end of what the child wrote to standard error. Ends the child.
    async fn with_last_words(&self, error: Error, process: Option<Process>) -> Error {
        let Some(process) = process else { return error };
        process.close().await;
        match self.last_words(&process) {
            Some(words) => Error::new(error.code(), format!("{error}; its last words were: {words}")),
            None => error,
        }
    }

    /// The longest time for one call, and for one listing.
    pub(super) fn call_timeout(&self) -> Duration {
        self.call_timeout
    }
}

/// A connection after its handshake. Dropping it ends it in the background.
pub(super) struct Connection {
    peer: Peer<RoleClient>,
    ended: CancellationToken,
    retired: Arc<AtomicBool>,
    opened: Instant,
    /// Requests that are under way or being cancelled hold a receiver.
    pending: watch::Sender<()>,
    served: watch::Receiver<bool>,
    service: CancellationToken,
    process: Option<Process>,
    _guard: DropGuard,
}

impl Connection {
    /// Starts or reaches the server and shakes hands with it, within the endpoint's time and until `give_up`.
    ///
    /// # Errors
    /// `upstream_unavailable`, `upstream_protocol`, `address_denied` or `invalid_config`, the last also for a server that is
    /// Conduit; for the operator. `shut_down` when it was given up; what had been started has ended then.
    pub(super) async fn open(
        endpoint: &Endpoint,
        changes: Arc<AtomicU64>,
        give_up: &CancellationToken,
    ) -> Result<Connection, Error> {
        let inlet = Arc::new(Inlet::new(changes));
        let (ended, retired) = (CancellationToken::new(), Arc::default());
        let call_timeout = endpoint.call_timeout;
        match &endpoint.way {
            Way::Stdio { command, args, env, cwd } => {
                let env = env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
                let (command, args, cwd) = (command.clone(), args.clone(), cwd.clone());
                let spec = ProcessSpec { command, args, env, cwd, kind: ProcessKind::Upstream };
                let (process, pipes) = process::spawn(&spec)?;
                tokio::spawn(join_ends(process.exited(), process.stopper(), ended.clone()));
                let pipes = (pipes.stdout, pipes.stdin);
                let transport = LineTransport::new(pipes, inlet, ended.clone(), MAX_MESSAGE_BYTES, call_timeout);
                Connection::shake_hands(endpoint, transport, ended, retired, Some(process), give_up).await
            }
            Way::Http { client, credential } => {
                let client = McpHttpClient::new(client.clone(), credential.clone(), inlet, Arc::clone(&retired));
                let transport = StreamableHttpClientTransport::with_client(client, http_config());
                Connection::shake_hands(endpoint, transport, ended, retired, None, give_up).await
            }
            #[cfg(test)]
            Way::Pipe(dial) => {
                let (reader, writer) = tokio::io::split(dial());
                let pipes = (reader, writer);
                let transport = LineTransport::new(pipes, inlet, ended.clone(), MAX_MESSAGE_BYTES, call_timeout);
                Connection::shake_hands(endpoint, transport, ended, retired, None, give_up).await
            }
        }
    }

    async fn shake_hands<T: Transport<RoleClient> + 'static>(
        endpoint: &Endpoint,
        transport: T,
        ended: CancellationToken,
        retired: Arc<AtomicBool>,
        process: Option<Process>,
        give_up: &CancellationToken,
    ) -> Result<Connection, Error> {
        let service = CancellationToken::new();
        let guard = service.clone().drop_guard();
        let shake = serve_client_with_ct(client_config(), transport, service.clone());
        let shake = timeout(endpoint.connect_timeout, give_up.run_until_cancelled(shake));
        let running = match shake.await {
            Ok(Some(Ok(running))) => running,
            Ok(Some(Err(error))) => return Err(endpoint.with_last_words(handshake_error(&error), process).await),
            Ok(None) => {
                let error = Error::new(ErrorCode::ShutDown, "it is shut down");
                return Err(endpoint.with_last_words(error, process).await);
            }
            Err(_) => {
                let message = format!("it did not answer `initialize` within {:?}", endpoint.connect_timeout);
                let error = Error::new(ErrorCode::UpstreamUnavailable, message);
                return Err(endpoint.with_last_words(error, process).await);
            }
        };
        let peer = running.peer().clone();
        // SECURITY: a program that calls Conduit starts another, with the operator's rights in place of its own.
        let server = peer.peer_info().and_then(|info| info.server_info.clone());
        if server.is_some_and(|server| server.name == NAME) {
            service.cancel();
            let message = "it is Conduit itself, whose programs would not be bound by this one's policy";
            return Err(endpoint.with_last_words(Error::new(ErrorCode::InvalidConfig, message), process).await);
        }
        let (served_tx, served) = watch::channel(false);
        let tell = ended.clone();
        tokio::spawn(async move {
            // An error is a panic within rmcp: the connection is as dead as without one.
            let _ = running.waiting().await;
            tell.cancel();
            served_tx.send_replace(true);
        });
        let (opened, pending) = (Instant::now(), watch::Sender::new(()));
        Ok(Connection { peer, ended, retired, opened, pending, served, service, process, _guard: guard })
    }

    /// Sends `request` once and waits for the raw JSON of its result until `deadline`.
    pub(super) async fn request(&self, request: ClientRequest, deadline: Instant) -> Result<String, RequestFailure> {
        let exchange = async {
            let send = self.peer.send_cancellable_request(request, PeerRequestOptions::no_options());
            let handle = send.await.map_err(|error| self.failure(error))?;
            let mut pending = Pending { handle: Some(handle), held: self.pending.subscribe() };
            let answer = pending.answer().await.map_err(|error| self.failure(error))?;
            wire::raw_result(answer).ok_or(RequestFailure::Rpc(RpcFailure::Malformed))
        };
        tokio::select! {
            // An answer that arrived just before the end counts.
            biased;
            // SECURITY: the time in all, whatever arrives meanwhile.
            answer = timeout_at(deadline, exchange) => answer.unwrap_or(Err(RequestFailure::Timeout)),
            () = self.ended.cancelled() => Err(RequestFailure::Died),
        }
    }

    fn failure(&self, error: ServiceError) -> RequestFailure {
        let failure = match error {
            ServiceError::McpError(error) => RequestFailure::Rpc(RpcFailure::of(&error)),
            ServiceError::TransportSend(error) => send_failure(&error),
            _ => RequestFailure::Died,
        };
        if matches!(failure, RequestFailure::Unreachable | RequestFailure::Denied | RequestFailure::SessionEnded) {
            self.retired.store(true, Ordering::Relaxed);
        }
        failure
    }

    /// Whether new requests may be sent; those under way are not touched by the answer.
    pub(super) fn is_usable(&self) -> bool {
        !self.retired.load(Ordering::Relaxed) && !self.ended.is_cancelled()
    }

    /// How long ago the handshake was.
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Whether it ended by itself; one that Conduit has given up may still be alive.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// The child behind it; `None` for HTTP.
    pub(super) fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// Ends the connection and what is behind it, and waits for that, about two seconds at most.
    pub(super) async fn close(&self) {
        self.ended.cancel();
        // What is under way has failed with that, and its cancellation is on its way to the peer.
        let _ = timeout(LAST_CANCEL_TIMEOUT, self.pending.closed()).await;
        self.service.cancel();
        let mut served = self.served.clone();
        // A server that does not answer the end of its session is left alone with it.
        let _ = timeout(CLOSE_TIMEOUT, served.wait_for(|served| *served)).await;
        if let Some(process) = &self.process {
            process.close().await;
        }
    }
}

/// A request that is under way; dropping it cancels it at the peer.
struct Pending {
    handle: Option<RequestHandle<RoleClient>>,
    held: watch::Receiver<()>,
}

impl Pending {
    async fn answer(&mut self) -> Result<ServerResult, ServiceError> {
        let Some(handle) = &mut self.handle else { return Err(ServiceError::TransportClosed) };
        let answer = (&mut handle.rx).await;
        self.handle = None;
        answer.unwrap_or(Err(ServiceError::TransportClosed))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let (Some(handle), Ok(runtime)) = (self.handle.take(), Handle::try_current()) {
            let held = self.held.clone();
            runtime.spawn(async move {
                let _ = timeout(CANCEL_TIMEOUT, handle.cancel(Some("nobody waits for it any more".to_owned()))).await;
                drop(held);
            });
        }
    }
}

/// A child that has ended ends the connection, once what it wrote last has been read; a connection that has ended, even if
/// only one of the pipes is closed, ends the child.
async fn join_ends(mut exited: watch::Receiver<Option<End>>, stop: CancellationToken, ended: CancellationToken) {
    let end = async {
        let _ = exited.wait_for(Option::is_some).await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        () = end => ended.cancel(),
        () = ended.cancelled() => stop.cancel(),
    }
}

fn client_config() -> ClientConfig {
    let name = Implementation::new(NAME, env!("CARGO_PKG_VERSION"));
    ClientConfig::new(ClientCapabilities::default(), name)
}

fn http_config() -> StreamableHttpClientTransportConfig {
    // The URL is the client's own; this one is for rmcp's eyes.
    let mut config = StreamableHttpClientTransportConfig::with_uri("upstream")
        .max_concurrent_requests(MAX_CONCURRENT_REQUESTS)
        .max_json_response_size(MAX_MESSAGE_BYTES)
        .max_sse_event_size(MAX_MESSAGE_BYTES)
        // SECURITY: nothing is sent twice. A new session is a new connection, made by the next call.
        .reinit_on_expired_session(false);
    config.retry_config = Arc::new(StreamRetry);
    config
}

/// When a broken event stream is opened again: soon, and not for ever.
#[derive(Debug)]
struct StreamRetry;

impl SseRetryPolicy for StreamRetry {
    fn retry(&self, times: usize) -> Option<Duration> {
        [100, 200, 400, 3_000, 10_000, 30_000].get(times).copied().map(Duration::from_millis)
    }
}

fn send_failure(error: &DynamicTransportError) -> RequestFailure {
    match error.error.downcast_ref::<StreamableHttpError<HttpError>>() {
        Some(StreamableHttpError::Client(error)) => match error.kind() {
            HttpErrorKind::Denied => RequestFailure::Denied,
            HttpErrorKind::Unreachable => RequestFailure::Unreachable,
            HttpErrorKind::Interrupted => RequestFailure::Died,
        },
        Some(StreamableHttpError::HttpStatus(status)) => RequestFailure::Status(status.status),
        Some(StreamableHttpError::SessionExpired) => RequestFailure::SessionEnded,
        Some(StreamableHttpError::UnexpectedServerResponse(_)) => RequestFailure::Rpc(RpcFailure::Malformed),
        _ => RequestFailure::Died,
    }
}

/// What broke, in the words of Conduit's own HTTP client: no URL, no body.
fn http_cause(error: &DynamicTransportError) -> Option<String> {
    match error.error.downcast_ref::<StreamableHttpError<HttpError>>() {
        Some(StreamableHttpError::Client(error)) => Some(error.to_string()),
        _ => None,
    }
}

fn handshake_error(error: &ClientInitializeError) -> Error {
    const ENDED: &str = "it ended before it answered `initialize`";
    const MALFORMED: &str = "its answer to `initialize` is malformed";
    let (code, message, cause) = match error {
        ClientInitializeError::TransportError { error, .. } => {
            let (code, message) = match send_failure(error) {
                RequestFailure::Status(status) => {
                    (ErrorCode::UpstreamUnavailable, format!("it answered `initialize` with HTTP {status}"))
                }
                RequestFailure::Rpc(_) => (ErrorCode::UpstreamProtocol, MALFORMED.to_owned()),
                RequestFailure::Denied => (ErrorCode::AddressDenied, "its address is not allowed".to_owned()),
                RequestFailure::Unreachable => (ErrorCode::UpstreamUnavailable, "it cannot be reached".to_owned()),
                _ => (ErrorCode::UpstreamUnavailable, ENDED.to_owned()),
            };
            (code, message, http_cause(error))
        }
        ClientInitializeError::JsonRpcError(error) => match RpcFailure::of(error) {
            RpcFailure::Peer { code, message } => {
                let message = format!("it refused `initialize`: {message} (JSON-RPC error {code})");
                (ErrorCode::UpstreamProtocol, message, None)
            }
            _ => (ErrorCode::UpstreamProtocol, MALFORMED.to_owned(), None),
        },
        ClientInitializeError::ConnectionClosed(_) => (ErrorCode::UpstreamUnavailable, ENDED.to_owned(), None),
        _ => (ErrorCode::UpstreamProtocol, MALFORMED.to_owned(), None),
    };
    let error = Error::new(code, message);
    match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}
