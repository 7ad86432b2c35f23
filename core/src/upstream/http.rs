//! rmcp's streamable HTTP client over Conduit's own HTTP client.
//!
//! Owns the requests, the credential's header, the caps on what is read, and the meaning of statuses. Every message goes
//! through the inlet. Sessions, streams and their resumption are rmcp's. A call's answer is taken from the response to its
//! own request alone.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, RequestId, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    HttpStatusError, SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use sse_stream::{Sse, SseStream};
use tokio::time::Duration;
use tokio_util::bytes::Bytes;

use super::wire::{self, Inlet};
use crate::egress::http::{HttpClient, HttpError, HttpErrorKind};

const SESSION_ID: &str = "mcp-session-id";
const LAST_EVENT_ID: &str = "last-event-id";
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
const ACCEPTED: &str = "application/json, text/event-stream";
/// What is read of an error's body, in case it is a JSON-RPC error.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// Room for what surrounds a result in its message.
const ENVELOPE_BYTES: usize = 4 << 10;
/// Before a stream is opened again.
const RESUME_PAUSE: Duration = Duration::from_millis(100);

type HttpFailure = StreamableHttpError<HttpError>;
type EventStream = BoxStream<'static, Result<Sse, SseError>>;

/// Travels with a request, unseen by the peer: the most that its answer may have.
#[derive(Clone, Copy)]
pub(super) struct ReplyCap(pub(super) u64);

/// rmcp's HTTP client for one upstream.
#[derive(Clone)]
pub(super) struct McpHttpClient {
    client: HttpClient,
    credential: Option<(HeaderName, HeaderValue)>,
    inlet: Arc<Inlet>,
    retired: Arc<AtomicBool>,
    streamed: Arc<AtomicBool>,
}

impl McpHttpClient {
    /// A client whose requests carry `credential`. Sets `retired` when the peer is gone or has lost the session.
    pub(super) fn new(
        client: HttpClient,
        credential: Option<(HeaderName, HeaderValue)>,
        inlet: Arc<Inlet>,
        retired: Arc<AtomicBool>,
    ) -> McpHttpClient {
        McpHttpClient { client, credential, inlet, retired, streamed: Arc::default() }
    }

    fn request(
        &self,
        method: Method,
        session: Option<&str>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<RequestBuilder, HttpFailure> {
        let mut headers: HeaderMap = custom.into_iter().collect();
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        if let Some(session) = session {
            let value = HeaderValue::from_str(session);
            headers.insert(SESSION_ID, value.map_err(|_| malformed("the session id is no header"))?);
        }
        // SECURITY: last, so that nothing that a peer chose can stand in its place.
        if let Some((name, value)) = &self.credential {
            headers.insert(name.clone(), value.clone());
        }
        Ok(self.client.request(method).headers(headers))
    }

    /// The answer to `id` that a failed request's body may hold, or the status alone.
    async fn refusal(
        &self,
        response: Response,
        id: Option<&RequestId>,
    ) -> Result<StreamableHttpPostResponse, HttpFailure> {
        let status = response.status();
        let speaks_json = media_type(&response, JSON);
        // SECURITY: an error's body is bounded as well.
        if let (true, Some(id)) = (speaks_json && !is_auth(status), id)
            && let Ok(Ok(body)) = read(response, MAX_ERROR_BYTES).await
            && let Some(message) = self.inlet.admit(&body)
            && matches!(&message, ServerJsonRpcMessage::Error(error) if error.id.as_ref() == Some(id))
        {
            return Ok(StreamableHttpPostResponse::Json(message, None));
        }
        Err(HttpStatusError::new(status.as_u16(), None).into())
    }

    /// The events of a response as messages that have passed the inlet. With `id`, answers to other requests are dropped.
    fn events(&self, response: Response, id: Option<RequestId>, max_bytes: usize) -> EventStream {
        let inlet = self.inlet.clone();
        let events = SseStream::from_bytes_stream(Box::pin(cap_events(response.bytes_stream(), max_bytes)));
        events
            .filter_map(move |event| {
                let event = match event {
                    Ok(event) => pass(&inlet, event, id.as_ref()),
                    // The stream is given up, so its request gets its answer here.
                    Err(error) if is_too_large(&error) && id.is_some() => {
                        let message = id.clone().map(wire::too_large);
                        message.as_ref().and_then(encode).map(|data| Ok(Sse::default().data(data)))
                    }
                    Err(error) => Some(Err(error)),
                };
                std::future::ready(event)
            })
            .boxed()
    }
}

impl StreamableHttpClient for McpHttpClient {
    type Error = HttpError;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpFailure> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session_id, auth_header, custom_headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpFailure> {
        let (id, cap) = match &message {
            ClientJsonRpcMessage::Request(request) => {
                (Some(request.id.clone()), request.request.extensions().get::<ReplyCap>().copied())
            }
            _ => (None, None),
        };
        let cap = cap.map_or(usize::MAX, |cap| usize::try_from(cap.0).unwrap_or(usize::MAX));
        let cap = cap.saturating_add(ENVELOPE_BYTES).min(limits.max_json_response_size);
        let body = serde_json::to_vec(&message)?;
        // A call may wait long, and its arguments take many times the memory of their text.
        drop(message);
        let request = self.request(Method::POST, session_id.as_deref(), custom_headers)?;
        let response = request.header(CONTENT_TYPE, JSON).body(body).send().await.map_err(client)?;
        let status = response.status();
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) && session_id.is_some() {
            return Err(StreamableHttpError::SessionExpired);
        }
        if !status.is_success() {
            let refusal = self.refusal(response, id.as_ref()).await;
            // What many servers answer to a session that they have lost, and some to a request that they do not like.
            if status == StatusCode::BAD_REQUEST && session_id.is_some() && refusal.is_err() {
                self.retired.store(true, Ordering::Relaxed);
            }
            return refusal;
        }
        let Some(id) = id else {
            // Nothing in the answer to a notification matters; it may even be no JSON.
            return Ok(StreamableHttpPostResponse::Accepted);
        };
        let session = response.headers().get(SESSION_ID).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if media_type(&response, EVENT_STREAM) {
            return Ok(StreamableHttpPostResponse::Sse(self.events(response, Some(id), cap), session));
        }
        if !media_type(&response, JSON) {
            // A request that is merely accepted would wait for an answer on a stream that legacy servers do not have.
            return Err(malformed("neither JSON nor an event stream"));
        }
        let Ok(body) = read(response, cap).await.map_err(client)? else {
            return Ok(StreamableHttpPostResponse::Json(wire::too_large(id), session));
        };
        match self.inlet.admit(&body) {
            // SECURITY: an answer that names another call's id is delivered to nobody.
            Some(message) if answers(&message, &id) => Ok(StreamableHttpPostResponse::Json(message, session)),
            _ => Err(malformed("the body does not answer the request")),
        }
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpFailure> {
        self.request(Method::DELETE, Some(&session_id), custom_headers)?.send().await.map_err(client)?;
        Ok(())
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<EventStream, HttpFailure> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, custom_headers, limit)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        _uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        max_sse_event_size: usize,
    ) -> Result<EventStream, HttpFailure> {
        // SECURITY: a peer that closes its streams at once does not make a busy loop.
        let again = self.streamed.swap(true, Ordering::Relaxed);
        if again {
            tokio::time::sleep(RESUME_PAUSE).await;
        }
        let mut request = self.request(Method::GET, session_id.as_deref(), custom_headers)?;
        if let Some(last_event_id) = last_event_id {
            request = request.header(LAST_EVENT_ID, last_event_id);
        }
        // `ServerDoesNotSupportSse` is the error after which rmcp gives a stream up, and with it the call that it answers.
        let response = match request.send().await.map_err(HttpError::from) {
            Err(error) if error.kind() != HttpErrorKind::Interrupted => {
                self.retired.store(true, Ordering::Relaxed);
                return Err(StreamableHttpError::ServerDoesNotSupportSse);
            }
            response => response.map_err(client)?,
        };
        match response.status() {
            status if status.is_success() && media_type(&response, EVENT_STREAM) => {
                Ok(self.events(response, None, max_sse_event_size))
            }
            // A first stream may be refused like this by a server that has none.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::GONE if again && session_id.is_some() => {
                self.retired.store(true, Ordering::Relaxed);
                Err(StreamableHttpError::ServerDoesNotSupportSse)
            }
            status if status.is_success() || status.is_client_error() => {
                Err(StreamableHttpError::ServerDoesNotSupportSse)
            }
            status => Err(HttpStatusError::new(status.as_u16(), None).into()),
        }
    }
}

fn client(error: impl Into<HttpError>) -> HttpFailure {
    StreamableHttpError::Client(error.into())
}

fn malformed(what: &'static str) -> HttpFailure {
    StreamableHttpError::UnexpectedServerResponse(what.into())
}

fn is_auth(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn media_type(response: &Response, expected: &str) -> bool {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

fn answers(message: &ServerJsonRpcMessage, id: &RequestId) -> bool {
    match message {
        ServerJsonRpcMessage::Response(response) => response.id == *id,
        ServerJsonRpcMessage::Error(error) => error.id.as_ref() == Some(id),
        _ => false,
    }
}

/// A whole body, or `Err` when it is larger than `max_bytes`.
async fn read(response: Response, max_bytes: usize) -> Result<Result<Vec<u8>, TooLarge>, HttpError> {
    // SECURITY: what is announced as too large is not waited for.
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Ok(Err(TooLarge));
    }
    let (mut body, mut chunks) = (Vec::new(), response.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        // SECURITY: whatever was announced, what arrives is counted.
        if body.len() + chunk.len() > max_bytes {
            return Ok(Err(TooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Ok(body))
}

/// The event with its message as the inlet lets it through; control fields (`id`, `retry`) always pass.
fn pass(inlet: &Inlet, event: Sse, id: Option<&RequestId>) -> Option<Result<Sse, SseError>> {
    let is_message = matches!(event.event.as_deref(), None | Some("" | "message"));
    let data = event.data.as_deref().filter(|data| is_message && !data.is_empty());
    let message = data.and_then(|data| inlet.admit(data.as_bytes())).filter(|message| {
        let is_answer = matches!(message, ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_));
        // SECURITY: as for a body, a stream answers the request that opened it and no other.
        !is_answer || id.is_none_or(|id| answers(message, id))
    });
    let data = message.as_ref().and_then(encode);
    let carries = data.is_some() || event.id.is_some() || event.retry.is_some();
    carries.then_some(Ok(Sse { event: None, data, ..event }))
}

fn is_too_large(error: &SseError) -> bool {
    let SseError::Body(cause) = error else { return false };
    matches!(cause.downcast_ref(), Some(StreamFailure::TooLarge))
}

/// A message as rmcp parses it again: it takes events as text alone. A result, which is raw JSON in a string by now, is
/// escaped and unescaped on its way: a few copies of each event's answer that a plain JSON answer does not cost.
fn encode(message: &ServerJsonRpcMessage) -> Option<String> {
    serde_json::to_string(message).ok()
}

#[derive(Debug)]
struct TooLarge;

/// Why a capped stream of bytes broke off.
#[derive(Debug)]
enum StreamFailure {
    Connection(HttpError),
    TooLarge,
}

impl fmt::Display for StreamFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamFailure::Connection(error) => error.fmt(f),
            StreamFailure::TooLarge => f.write_str("an event is too large"),
        }
    }
}

impl std::error::Error for StreamFailure {}

/// Ends a stream whose events do not end: `max_bytes` may lie between two blank lines.
fn cap_events(
    source: impl Stream<Item = reqwest::Result<Bytes>> + Send,
    max_bytes: usize,
) -> impl Stream<Item = Result<Bytes, StreamFailure>> + Send {
    let (mut size, mut line_is_empty, mut failed) = (0_usize, false, false);
    let capped = source.map(move |chunk| {
        let chunk = chunk.map_err(|error| StreamFailure::Connection(error.into()))?;
        for byte in chunk.iter() {
            size += 1;
            match *byte {
                b'\n' if line_is_empty => size = 0,
                b'\n' => line_is_empty = true,
                b'\r' => {}
                _ => line_is_empty = false,
            }
            // SECURITY: the parser behind this keeps an event, comments and all, until it ends.
            if size > max_bytes {
                return Err(StreamFailure::TooLarge);
            }
        }
        Ok(chunk)
    });
    capped.take_while(move |chunk| std::future::ready(!std::mem::replace(&mut failed, chunk.is_err())))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::egress::http::HttpOptions;

    async fn capped(input: &str, chunk: usize, max_bytes: usize) -> (usize, bool) {
        let chunks: Vec<_> = input.as_bytes().chunks(chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let items: Vec<_> = cap_events(futures_util::stream::iter(chunks), max_bytes).collect().await;
        (items.len(), items.last().is_some_and(|item| item.is_err()))
    }

    fn client_at(address: &str, credential: Option<(HeaderName, HeaderValue)>) -> McpHttpClient {
        let url = url::Url::parse(&format!("http://{address}/")).unwrap();
        let options = HttpOptions { allow_private: true, connect_timeout: Duration::from_secs(1) };
        let inlet = Arc::new(Inlet::new(Arc::default()));
        McpHttpClient::new(HttpClient::new(&url, options).unwrap(), credential, inlet, Arc::default())
    }

    /// Asks for a stream that is refused, and says whether the connection is retired then.
    async fn refused_stream(client: &McpHttpClient) -> bool {
        let stream = client.get_stream("upstream".into(), Some("session".into()), None, None, HashMap::new()).await;
        assert!(matches!(stream, Err(StreamableHttpError::ServerDoesNotSupportSse)));
        client.retired.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_stream_tells_of_a_lost_session_and_of_a_server_that_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // A server without streams refuses the first request for one; what is refused later was there before.
        for (status, retired) in
            [("400 No", true), ("404 No", true), ("410 No", true), ("405 No", false), ("409 No", false)]
        {
            let client = client_at(&address, None);
            for expected in [false, retired] {
                let answer = async {
                    let (mut socket, _) = listener.accept().await.unwrap();
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
                    socket.write_all(answer.as_bytes()).await.unwrap();
                };
                assert_eq!(tokio::join!(refused_stream(&client), answer).0, expected, "{status}");
            }
        }
        drop(listener);
        assert!(refused_stream(&client_at(&address, None)).await);
    }

    #[test]
    fn u33_nothing_stands_in_the_credentials_place() {
        let own = (HeaderName::from_static(SESSION_ID), HeaderValue::from_static("the credential"));
        let client = client_at("127.0.0.1:1", Some(own.clone()));
        let custom = HashMap::from([(own.0.clone(), HeaderValue::from_static("custom"))]);
        let request = client.request(Method::POST, Some("a session of the peer's choice"), custom).unwrap();
        let request = request.build().unwrap();
        assert_eq!(request.headers().get_all(&own.0).iter().collect::<Vec<_>>(), [&own.1]);
    }

    #[tokio::test]
    async fn u20_an_event_has_a_cap_and_a_stream_has_none() {
        let event = format!("data: {}\n\n", "x".repeat(50));
        let stream = event.repeat(100);
        assert_eq!(capped(&stream, 7, 60).await, (stream.len().div_ceil(7), false));
        assert_eq!(capped(&stream, 7, 56).await, (9, true));
        for endless in ["data: x\n", ": comment\n", "x", "\r"] {
            assert_eq!(capped(&endless.repeat(1_000), 1, 100).await, (101, true), "{endless}");
        }
    }
}
