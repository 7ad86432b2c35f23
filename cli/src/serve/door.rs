//! The client's end: one JSON-RPC message a line, in both directions.
//!
//! Owns the framing, and the answers to lines that are no request which the SDK could answer: every request gets one
//! answer, with its id. Knows which requests are under way, and when the client is gone. What a request does is not its
//! business.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use conduit_core::Shown;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rmcp::RoleServer;
use rmcp::model::{ClientNotification, ErrorCode, ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// The longest message: a program and its input at their largest, and what surrounds them.
const MAX_LINE_BYTES: usize = 16 << 20;
/// What the SDK answers by what the server says of itself. Everything else is no method.
const METHODS: &[&str] = &["initialize", "ping", "server/discover", "tools/call", "tools/list"];

/// A transport over `reader` and `writer` that tells when the client is gone.
pub(super) struct Door<R, W> {
    reader: BufReader<R>,
    writer: Arc<Mutex<W>>,
    client_gone: CancellationToken,
    line: Line,
    /// The answer to a line that went no further, while it is being written.
    refusal: Option<BoxFuture<'static, io::Result<()>>>,
    under_way: HashSet<RequestId>,
    opened: bool,
}

/// The line that is being read.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    is_too_long: bool,
}

/// What is done with a line.
enum Admission {
    Pass(Box<RxJsonRpcMessage<RoleServer>>),
    Refuse(ErrorData, Option<RequestId>),
    Ignore,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin + Send + 'static> Door<R, W> {
    pub(super) fn new((reader, writer): (R, W), client_gone: CancellationToken) -> Door<R, W> {
        Door {
            reader: BufReader::new(reader),
            writer: Arc::new(Mutex::new(writer)),
            client_gone,
            line: Line::default(),
            refusal: None,
            under_way: HashSet::new(),
            opened: false,
        }
    }

    /// The next line, `None` at the end of the input. Cancel safe: what has been read of it is kept.
    async fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let piece = available.get(..newline.unwrap_or(available.len())).unwrap_or_default();
            // SECURITY: no more than this is ever buffered of a line.
            self.line.is_too_long |= self.line.bytes.len() + piece.len() > MAX_LINE_BYTES;
            if self.line.is_too_long {
                self.line.bytes = Vec::new();
            } else {
                self.line.bytes.extend_from_slice(piece);
            }
            let used = newline.map_or(available.len(), |at| at + 1);
            self.reader.consume(used);
            if newline.is_some() {
                return Ok(Some(std::mem::take(&mut self.line)));
            }
        }
    }

    fn admit(&mut self, line: &Line) -> Admission {
        if line.is_too_long {
            let message = format!("the message is longer than {MAX_LINE_BYTES} bytes");
            return Admission::Refuse(ErrorData::invalid_request(message, None), None);
        }
        let text = line.bytes.trim_ascii();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.is_empty() {
            return Admission::Ignore;
        }
        match serde_json::from_slice(text) {
            Ok(value) => self.admit_value(value),
            Err(_) => Admission::Refuse(ErrorData::parse_error("the line is no JSON", None), None),
        }
    }

    fn admit_value(&mut self, value: Value) -> Admission {
        let method = value.get("method").and_then(Value::as_str).map(str::to_owned);
        let id = value.get("id").filter(|_| method.is_some());
        let is_notification = method.is_some() && id.is_none();
        let id: Option<RequestId> = id.and_then(|id| serde_json::from_value(id.clone()).ok());
        let is_request = id.is_some() && value.get("jsonrpc") == Some(&Value::from("2.0"));
        match (serde_json::from_value(value), method, id) {
            (_, Some(method), id @ Some(_)) if is_request && !METHODS.contains(&method.as_str()) => {
                let message = format!("there is no method `{}`", Shown(&method, 80));
                Admission::Refuse(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None), id)
            }
            (Ok(JsonRpcMessage::Request(request)), _, _) if !self.under_way.insert(request.id.clone()) => {
                let message = format!("a request with the id `{}` is under way", Shown(&request.id.to_string(), 80));
                Admission::Refuse(ErrorData::invalid_request(message, None), Some(request.id))
            }
            (Ok(message), _, _) => Admission::Pass(Box::new(message)),
            (Err(_), Some(method), id @ Some(_)) if is_request => Admission::Refuse(misfit(&method), id),
            (Err(_), _, _) if is_notification => Admission::Ignore,
            (Err(_), _, id) => {
                Admission::Refuse(ErrorData::invalid_request("the message is no JSON-RPC 2.0 request", None), id)
            }
        }
    }

    /// Writes one message; a client that does not take it is gone.
    fn write(&self, message: &TxJsonRpcMessage<RoleServer>) -> BoxFuture<'static, io::Result<()>> {
        let line = serde_json::to_vec(message).map_err(io::Error::from);
        let (writer, client_gone) = (Arc::clone(&self.writer), self.client_gone.clone());
        async move {
            let mut line = line?;
            line.push(b'\n');
            let mut writer = writer.lock().await;
            let written = async {
                writer.write_all(&line).await?;
                writer.flush().await
            };
            written.await.inspect_err(|_| client_gone.cancel())
        }
        .boxed()
    }
}

/// The answer to a request whose parameters are not what its method takes.
pub(super) fn misfit(method: &str) -> ErrorData {
    ErrorData::invalid_params(format!("the parameters of `{}` do not fit", Shown(method, 80)), None)
}

impl<R, W> Transport<RoleServer> for Door<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(&mut self, message: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        match &message {
            JsonRpcMessage::Response(response) => drop(self.under_way.remove(&response.id)),
            JsonRpcMessage::Error(error) => drop(error.id.as_ref().map(|id| self.under_way.remove(id))),
            _ => {}
        }
        self.write(&message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(refusal) = &mut self.refusal {
                // A client that is gone is noticed by the read.
                let _ = refusal.await;
                self.refusal = None;
            }
            let Ok(Some(line)) = self.next_line().await else {
                // SECURITY: nothing goes on running for a client that is no longer there.
                self.client_gone.cancel();
                return None;
            };
            match self.admit(&line) {
                Admission::Refuse(error, id) => self.refusal = Some(self.write(&JsonRpcMessage::error(error, id))),
                Admission::Ignore => {}
                Admission::Pass(message) => {
                    if let JsonRpcMessage::Notification(notification) = &*message
                        && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                        && let Some(id) = &cancelled.params.request_id
                    {
                        // It gets no answer any more.
                        self.under_way.remove(id);
                    }
                    self.opened |= matches!(*message, JsonRpcMessage::Request(_));
                    // A session begins with a request; the SDK would end over a notification or an answer before it.
                    if self.opened {
                        return Some(*message);
                    }
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        // A write that is stuck holds the lock; it ends with the process.
        match self.writer.try_lock() {
            Ok(mut writer) => writer.shutdown().await,
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, duplex, repeat};

    #[tokio::test]
    async fn a_line_without_end_is_refused_and_not_kept() {
        let (writer, mut client) = duplex(1 << 10);
        let endless = || repeat(b'x').take(MAX_LINE_BYTES as u64 + 1);
        let input = endless().chain(&b"\n"[..]).chain(endless());
        let mut door = Door::new((input, writer), CancellationToken::new());
        assert!(door.receive().await.is_none());
        assert_eq!(door.line.bytes.capacity(), 0);
        drop(door);
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        let answer = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"the message is longer than 16777216 bytes\"}}\n";
        assert_eq!(answers, answer);
    }
}
