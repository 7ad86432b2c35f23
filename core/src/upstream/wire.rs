//! The one inlet through which an upstream's JSON-RPC messages come in, on every transport.
//!
//! Bytes are hostile until they have passed: size is the transport's to cap, depth and shape are checked here. Results are
//! passed on as raw JSON text, never parsed into values. Notifications are acted on here and end here; requests become
//! `ping` or an unknown method, without their parameters, and only so many of them at a time.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CustomRequest, CustomResult, ErrorCode as RpcCode, ErrorData, InitializeResult, PingRequest, RequestId,
    ServerJsonRpcMessage, ServerRequest, ServerResult,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::{Duration, Instant};

/// Nesting of a message; serde_json's own limit for values.
pub(super) const MAX_DEPTH: usize = 127;
/// Requests of a peer that are answered: this many at once, then one more in each interval.
const REQUEST_BURST: u32 = 64;
const REQUEST_INTERVAL: Duration = Duration::from_millis(100);

/// Marks an error that Conduit made itself; a peer's own `data` never passes.
const TOO_LARGE: &str = "too_large";
const MALFORMED: &str = "malformed";

/// What an error response says.
#[derive(Debug, PartialEq)]
pub(super) enum RpcFailure {
    /// The response was larger than the transport takes.
    TooLarge,
    /// The response has both a result and an error, or neither, or an error that is none.
    Malformed,
    /// The peer's own error.
    Peer {
        /// JSON-RPC's code.
        code: i32,
        /// The peer's text, as long as it is.
        message: String,
    },
}

impl RpcFailure {
    pub(super) fn of(error: &ErrorData) -> RpcFailure {
        match error.data.as_ref().and_then(Value::as_str) {
            Some(TOO_LARGE) => RpcFailure::TooLarge,
            Some(MALFORMED) => RpcFailure::Malformed,
            _ => RpcFailure::Peer { code: error.code.0, message: error.message.to_string() },
        }
    }
}

/// The response that stands for one which was too large to be read.
pub(super) fn too_large(id: RequestId) -> ServerJsonRpcMessage {
    own_error(id, TOO_LARGE)
}

fn own_error(id: RequestId, mark: &'static str) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(ErrorData::new(RpcCode::INTERNAL_ERROR, mark, Some(mark.into())), Some(id))
}

fn peer_error(id: RequestId, raw: &str) -> ServerJsonRpcMessage {
    match serde_json::from_str::<PeerError>(raw) {
        Ok(error) => {
            // SECURITY: without a peer's `data`, which could pass for a mark of Conduit's own.
            ServerJsonRpcMessage::error(ErrorData::new(RpcCode(error.code), error.message, None), Some(id))
        }
        // It answers the call all the same: nobody should go on waiting.
        Err(_) => own_error(id, MALFORMED),
    }
}

/// The raw JSON of a result that came through the inlet.
pub(super) fn raw_result(result: ServerResult) -> Option<String> {
    match result {
        ServerResult::CustomResult(CustomResult(Value::String(raw))) => Some(raw),
        _ => None,
    }
}

/// A text that is copied only when it has escapes: within an `Option`, serde borrows no plain `Cow`.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    id: Option<RequestId>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct PeerError {
    #[serde(default)]
    code: i32,
    #[serde(default)]
    message: String,
}

/// The inlet of one connection.
#[derive(Debug)]
pub(super) struct Inlet {
    changes: Arc<AtomicU64>,
    initialized: AtomicBool,
    requests: Mutex<(u32, Instant)>,
}

impl Inlet {
    /// A inlet that counts changes of the peer's tools in `changes`.
    pub(super) fn new(changes: Arc<AtomicU64>) -> Inlet {
        Inlet { changes, initialized: AtomicBool::new(false), requests: Mutex::new((REQUEST_BURST, Instant::now())) }
    }

    /// What a message means, or `None` when there is nothing to pass on: a notification, a surplus request, or bytes
    /// that are no message.
    pub(super) fn admit(&self, bytes: &[u8]) -> Option<ServerJsonRpcMessage> {
        let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).ok();
        // SECURITY: raw values are skipped without recursion, so nothing else would refuse a depth that breaks a reader.
        let Some(text) = text.filter(|text| depth(text) <= MAX_DEPTH) else {
            // It answers a call all the same: nobody should go on waiting.
            let mut finder = IdFinder::default();
            finder.push(bytes);
            return finder.id().map(|id| own_error(id, MALFORMED));
        };
        // A field that stands twice is an error of the parser, so no reader can see another value than this one.
        let incoming: Incoming<'_> = serde_json::from_str(text).ok().filter(|it: &Incoming<'_>| it.jsonrpc == "2.0")?;
        match (incoming.id, incoming.method) {
            (Some(id), Some(method)) => self.request(id, &method.0),
            (None, Some(method)) => {
                if method.0 == "notifications/tools/list_changed" {
                    self.changes.fetch_add(1, Ordering::SeqCst);
                }
                None
            }
            (Some(id), None) => Some(match (incoming.result, incoming.error) {
                (Some(result), None) => self.result(id, result.get()),
                (None, Some(error)) => peer_error(id, error.get()),
                _ => own_error(id, MALFORMED),
            }),
            (None, None) => None,
        }
    }

    fn request(&self, id: RequestId, method: &str) -> Option<ServerJsonRpcMessage> {
        // SECURITY: each answer costs memory until it is written; a flood of requests goes unanswered.
        let mut bucket = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = bucket.1.elapsed().div_duration_f64(REQUEST_INTERVAL) as u32;
        if elapsed > 0 {
            *bucket = (bucket.0.saturating_add(elapsed).min(REQUEST_BURST), Instant::now());
        }
        bucket.0 = bucket.0.checked_sub(1)?;
        let request = match method {
            "ping" => ServerRequest::PingRequest(PingRequest::default()),
            // SECURITY: no capability is declared, so sampling, elicitation and roots are unknown methods here.
            _ => ServerRequest::CustomRequest(CustomRequest::new(method.chars().take(64).collect::<String>(), None)),
        };
        Some(ServerJsonRpcMessage::request(request, id))
    }

    fn result(&self, id: RequestId, raw: &str) -> ServerJsonRpcMessage {
        if self.initialized.load(Ordering::Relaxed) {
            return ServerJsonRpcMessage::response(ServerResult::CustomResult(CustomResult(raw.into())), id);
        }
        // The handshake's answer is the first result of a connection, and the only one that the client library reads.
        match serde_json::from_str::<InitializeResult>(raw) {
            Ok(result) => {
                self.initialized.store(true, Ordering::Relaxed);
                ServerJsonRpcMessage::response(ServerResult::InitializeResult(result), id)
            }
            Err(_) => own_error(id, MALFORMED),
        }
    }
}

/// Finds the `id` of a JSON-RPC response of any length without keeping it.
#[derive(Default)]
pub(super) struct IdFinder {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The string or number at the top level that is being read, and those that matter of the ones before.
    token: Vec<u8>,
    after_id: bool,
    id: Option<i64>,
    /// It has a method: its id is the peer's own, and no call's.
    is_request: bool,
}

impl IdFinder {
    const MAX_TOKEN: usize = 24;

    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let at_top = self.depth == 1;
            match *byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => {
                    self.in_string = !self.in_string;
                    if at_top && self.in_string {
                        self.token.clear();
                    }
                }
                byte if self.in_string => self.keep(at_top, byte),
                b'{' | b'[' => self.depth += 1,
                b':' if at_top => {
                    self.after_id = self.token == b"id";
                    self.is_request |= self.token == b"method";
                    self.token.clear();
                }
                b',' | b'}' | b']' => {
                    if at_top {
                        self.end_value();
                    }
                    if *byte != b',' {
                        self.depth = self.depth.saturating_sub(1);
                    }
                }
                byte if byte.is_ascii_whitespace() => {}
                byte => self.keep(at_top, byte),
            }
        }
    }

    fn keep(&mut self, at_top: bool, byte: u8) {
        if at_top && self.token.len() < Self::MAX_TOKEN {
            self.token.push(byte);
        }
    }

    fn end_value(&mut self) {
        if std::mem::take(&mut self.after_id) {
            self.id = std::str::from_utf8(&self.token).ok().and_then(|token| token.parse().ok());
        }
        self.token.clear();
    }

    pub(super) fn id(&self) -> Option<RequestId> {
        self.id.filter(|_| !self.is_request).map(RequestId::Number)
    }
}

/// The deepest nesting of arrays and objects in a JSON text.
pub(super) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inlet() -> (Inlet, Arc<AtomicU64>) {
        let changes = Arc::new(AtomicU64::new(0));
        let inlet = Inlet::new(Arc::clone(&changes));
        inlet.initialized.store(true, Ordering::Relaxed);
        (inlet, changes)
    }

    fn result_of(text: &str) -> Option<(RequestId, Result<String, RpcFailure>)> {
        match inlet().0.admit(text.as_bytes())? {
            ServerJsonRpcMessage::Response(response) => Some((response.id, Ok(raw_result(response.result).unwrap()))),
            ServerJsonRpcMessage::Error(error) => Some((error.id.unwrap(), Err(RpcFailure::of(&error.error)))),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn u23_a_result_is_passed_on_to_the_letter() {
        let raw = r#"{"z":1,"a":[1e400,12345678901234567890123],"unknown":{"_meta":null}}"#;
        let message = format!("\u{feff}{{\"id\":7,\"extra\":[],\"result\":{raw},\"jsonrpc\":\"2.0\"}}\r");
        assert_eq!(result_of(&message), Some((RequestId::Number(7), Ok(raw.to_owned()))));
    }

    #[test]
    fn texts_without_escapes_are_not_copied() {
        let texts: Vec<Option<Text<'_>>> = serde_json::from_str(r#"["plain", "\n", null]"#).unwrap();
        let borrowed = |text: &Option<Text<'_>>| text.as_ref().map(|text| matches!(text.0, Cow::Borrowed(_)));
        assert_eq!(texts.iter().map(borrowed).collect::<Vec<_>>(), [Some(true), Some(false), None]);
    }

    #[tokio::test]
    async fn u23_what_cannot_be_read_answers_its_call_all_the_same() {
        let deep = |open: &str, close: &str| {
            format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}{}}}", open.repeat(100_000), close.repeat(100_000))
        };
        let latin1 = b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"x\":\"\xff\"}}".as_slice();
        for bytes in [deep("[", "]").as_bytes(), deep("{\"a\":", "}").as_bytes(), latin1] {
            let Some(ServerJsonRpcMessage::Error(error)) = inlet().0.admit(bytes) else { panic!() };
            assert_eq!((error.id, RpcFailure::of(&error.error)), (Some(RequestId::Number(7)), RpcFailure::Malformed));
        }
    }

    #[tokio::test]
    async fn u23_what_is_no_message_is_ignored() {
        for text in [
            "",
            "null",
            "log line on stdout",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\0",
            "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":{}}",
            "{\"id\":7,\"result\":{}}",
            "[{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}]",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"result\":{\"x\":1}}",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"id\":8,\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":7.5,\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":1e400,\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":[7],\"result\":{}}",
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"x\"}}",
            &"[".repeat(100_000),
        ] {
            let shown: String = text.chars().take(80).collect();
            assert!(inlet().0.admit(text.as_bytes()).is_none(), "{shown}");
        }
        assert!(inlet().0.admit(b"\xff\"id\":7").is_none());
        // An id of the peer's own.
        let request = b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\",\"params\":{\"x\":\"\xff\"}}";
        assert!(inlet().0.admit(request).is_none());
    }

    #[tokio::test]
    async fn u23_both_neither_another_case_or_an_unreadable_error_is_malformed() {
        for text in [
            r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":7}"#,
            r#"{"jsonrpc":"2.0","id":7,"Result":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":7,"error":"text"}"#,
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":1e10,"message":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":["x"]}}"#,
        ] {
            assert_eq!(result_of(text), Some((RequestId::Number(7), Err(RpcFailure::Malformed))), "{text}");
        }
    }

    #[tokio::test]
    async fn u23_ids_keep_their_type() {
        for (id, expected) in [
            ("-1", RequestId::Number(-1)),
            ("9007199254740993", RequestId::Number(9_007_199_254_740_993)),
            ("\"x\"", RequestId::String("x".into())),
        ] {
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}");
            assert_eq!(result_of(&text).unwrap().0, expected);
        }
    }

    #[tokio::test]
    async fn u35_an_errors_data_is_dropped() {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":-32602,"message":"{}","data":"too_large"}}}}"#,
            "m".repeat(5_000)
        );
        let expected = RpcFailure::Peer { code: -32602, message: "m".repeat(5_000) };
        assert_eq!(result_of(&text), Some((RequestId::Number(7), Err(expected))));
    }

    #[tokio::test(start_paused = true)]
    async fn u23_requests_lose_their_parameters_and_a_flood_goes_unanswered() {
        let (inlet, _changes) = inlet();
        let text = br#"{"jsonrpc":"2.0","id":"a","method":"sampling/createMessage","params":{"messages":[]}}"#;
        let ServerJsonRpcMessage::Request(request) = inlet.admit(text).unwrap() else { panic!() };
        let ServerRequest::CustomRequest(custom) = request.request else { panic!() };
        assert_eq!((custom.method.as_str(), custom.params), ("sampling/createMessage", None));
        let answered = (0..1_000).filter(|_| inlet.admit(text).is_some()).count();
        assert_eq!(answered, REQUEST_BURST as usize - 1);
        tokio::time::advance(REQUEST_INTERVAL * 3).await;
        assert_eq!((0..1_000).filter(|_| inlet.admit(text).is_some()).count(), 3);
    }

    #[tokio::test]
    async fn u23_notifications_end_at_the_gate() {
        let (inlet, changes) = inlet();
        for _ in 0..100_000 {
            assert!(inlet.admit(br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#).is_none());
        }
        assert_eq!(changes.load(Ordering::SeqCst), 0);
        assert!(inlet.admit(br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#).is_none());
        assert_eq!(changes.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn depth_counts_outside_strings() {
        for (text, expected) in [("1", 0), ("[]", 1), (r#"{"[[":"]\"[[{"}"#, 1), ("[[],[[]]]", 3), ("]]][", 1)] {
            assert_eq!(depth(text), expected, "{text}");
        }
    }
}
