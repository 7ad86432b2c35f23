//! Streamable HTTP against scripted servers on loopback.

use std::sync::{LazyLock, Mutex};

use futures_util::future::{BoxFuture, join_all};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// One request as the server sees it, and the socket to answer on.
struct Exchange {
    head: String,
    body: Value,
    socket: TcpStream,
}

impl Exchange {
    async fn read(mut socket: TcpStream) -> Option<Exchange> {
        let mut bytes = Vec::new();
        let split = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            if socket.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap().to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        while bytes.len() < split + 4 + length {
            socket.read_buf(&mut bytes).await.ok()?;
        }
        let body = serde_json::from_slice(&bytes[split + 4..]).unwrap_or_default();
        Some(Exchange { head, body, socket })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    async fn write(&mut self, text: &str) {
        // The client may have hung up.
        let _ = self.socket.write_all(text.as_bytes()).await;
    }

    async fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        self.write(&format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
        .await;
    }

    async fn json(self, body: &Value) {
        self.answer("200 OK", "Content-Type: application/json\r\n", &body.to_string()).await;
    }

    async fn no_tools(self) {
        let body = response(&self.body["id"], json!({"tools": []}));
        self.json(&body).await;
    }

    async fn open_events(&mut self) {
        self.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n").await;
    }

    async fn event(&mut self, data: &Value) {
        self.write(&format!("event: message\ndata: {data}\n\n")).await;
    }

    fn is_call(&self) -> bool {
        self.body["method"] == "tools/call"
    }

    fn n(&self) -> String {
        self.body["params"]["arguments"]["n"].to_string()
    }
}

type Script = fn(Exchange) -> BoxFuture<'static, ()>;

struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    exchanges: mpsc::UnboundedReceiver<(String, Value)>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Shakes hands by itself, with a session; every other request is the script's.
    async fn start(script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (sender, exchanges) = mpsc::unbounded_channel();
        let heads = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (heads, sender) = (heads.clone(), sender.clone());
                tokio::spawn(async move {
                    let Some(exchange) = Exchange::read(socket).await else { return };
                    heads.lock().unwrap().push(exchange.head.clone());
                    let line = exchange.head.lines().next().unwrap().to_owned();
                    let _ = sender.send((line, exchange.body.clone()));
                    serve(exchange, script).await;
                });
            }
        });
        Server { port, seen, exchanges, task }
    }

    fn config(&self) -> UpstreamConfig {
        self.config_with(None)
    }

    fn config_with(&self, credential: Option<Credential>) -> UpstreamConfig {
        let url = Url::parse(&format!("http://127.0.0.1:{}/mcp?key=hunter2hunter2", self.port)).unwrap();
        UpstreamConfig::new("x", UpstreamKind::Http { url, allow_private: true, credential })
    }

    fn upstream(&self) -> Upstream {
        Upstream::connectable(self.config()).unwrap()
    }

    /// Ends, with the port closed; what is being answered goes on.
    async fn stop(&mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }

    async fn next(&mut self, wanted: impl Fn(&str, &Value) -> bool) -> Value {
        loop {
            let (line, body) = self.exchanges.recv().await.unwrap();
            if wanted(&line, &body) {
                return body;
            }
        }
    }
}

async fn serve(exchange: Exchange, script: Script) {
    match exchange.body["method"].as_str() {
        Some("initialize") => {
            let body = response(&exchange.body["id"], initialize_result()).to_string();
            exchange.answer("200 OK", "Content-Type: application/json\r\nMcp-Session-Id: session-1\r\n", &body).await;
        }
        Some("notifications/initialized") => exchange.answer("202 Accepted", "", "").await,
        _ => script(exchange).await,
    }
}

/// Answers calls by `answer` and everything else politely.
macro_rules! calls {
    ($exchange:ident => $answer:expr) => {
        |exchange: Exchange| -> BoxFuture<'static, ()> {
            Box::pin(async move {
                if !exchange.is_call() {
                    let status =
                        if exchange.head.starts_with("get") { "405 Method Not Allowed" } else { "202 Accepted" };
                    return exchange.answer(status, "", "").await;
                }
                #[allow(unused_mut, reason = "some scripts write by hand")]
                let mut $exchange = exchange;
                $answer
            })
        }
    };
}

mod hostile;

#[tokio::test]
async fn a_call_travels_as_json_and_carries_session_version_and_credential() {
    let mut server = Server::start(calls!(exchange => {
        let body = response(&exchange.body["id"], text_result(&exchange.n()));
        exchange.json(&body).await
    }))
    .await;
    let credential = Credential::Header { name: "X-API-Key".into(), value: Secret::new("hunter3hunter3") };
    let upstream = Upstream::connectable(server.config_with(Some(credential))).unwrap();
    assert_eq!(call(&upstream, json!({"n": 7})).await.unwrap(), "7");
    upstream.close().await;
    server.next(|line, _| line.starts_with("delete")).await;
    let seen = server.seen.lock().unwrap();
    assert!(seen.len() >= 5 && seen.iter().all(|head| head.contains("\r\nx-api-key: hunter3hunter3")), "{seen:?}");
    let call = seen.iter().filter(|head| head.contains("mcp-session-id: session-1")).count();
    assert!(
        call >= 3 && seen.iter().all(|head| head.lines().next().unwrap().ends_with("/mcp?key=hunter2hunter2 http/1.1"))
    );
    assert!(seen.iter().any(|head| head.contains("mcp-protocol-version: 2025-06-18")));
}

#[tokio::test]
async fn a_call_travels_as_events() {
    let server = Server::start(calls!(exchange => {
        exchange.open_events().await;
        exchange.write(": comment\n\nid: 1\ndata:\n\n").await;
        exchange.event(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})).await;
        exchange.event(&json!({"jsonrpc": "2.0", "id": 12345, "result": text_result("for another call")})).await;
        let result = json!({"z": 1, "content": [{"type": "text", "text": "{\"z\":1,\"a\":2}"}], "a": "\u{2028}\""});
        exchange.event(&response(&exchange.body["id"].clone(), result)).await;
        // The stream stays open; nobody waits for its end.
        std::future::pending().await
    }))
    .await;
    let upstream = server.upstream();
    assert_eq!(call(&upstream, json!({})).await.unwrap(), "{\"z\":1,\"a\":2}");
    let limits = within(Duration::from_secs(30));
    let full = upstream.call(&tool("x.y"), Map::new(), ReplyForm::Full, &limits).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&full).unwrap()["a"], "\u{2028}\"");
}

#[tokio::test]
async fn a_hundred_calls_run_at_once() {
    // Nobody is answered before all hundred are there.
    static WAITING: AtomicUsize = AtomicUsize::new(0);
    static ALL: tokio::sync::Notify = tokio::sync::Notify::const_new();
    let server = Server::start(calls!(exchange => {
        let all = ALL.notified();
        if WAITING.fetch_add(1, Ordering::SeqCst) + 1 == 100 {
            ALL.notify_waiters();
        } else {
            all.await;
        }
        let body = response(&exchange.body["id"], text_result(&exchange.n()));
        exchange.json(&body).await
    }))
    .await;
    let upstream = server.upstream();
    let replies = join_all((0..100).map(|n| call(&upstream, json!({"n": n})))).await;
    for (n, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.unwrap(), n.to_string());
    }
}

#[tokio::test]
async fn changes_are_told_over_the_servers_stream() {
    let server = Server::start(|mut exchange| {
        Box::pin(async move {
            if exchange.head.starts_with("get") {
                exchange.open_events().await;
                exchange.event(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})).await;
                std::future::pending().await
            } else {
                let result = json!({"tools": [{"name": "a"}]});
                let body = response(&exchange.body["id"], result);
                exchange.json(&body).await;
            }
        })
    })
    .await;
    let upstream = server.upstream();
    assert_eq!(upstream.list_tools().await.unwrap().tools, [tool("x.a")]);
    changed(&upstream).await;
}

#[tokio::test]
async fn u21_a_stream_that_is_closed_at_once_is_not_opened_in_a_busy_loop() {
    let mut server = Server::start(|mut exchange| {
        Box::pin(async move {
            if exchange.head.starts_with("get") {
                exchange.open_events().await;
                exchange.write("id: 1\nretry: 0\ndata:\n\n").await;
            } else {
                exchange.no_tools().await;
            }
        })
    })
    .await;
    let upstream = server.upstream();
    upstream.list_tools().await.unwrap();
    server.next(|line, _| line.starts_with("get")).await;
    let start = Instant::now();
    for _ in 0..5 {
        server.next(|line, _| line.starts_with("get")).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
}

async fn failure(script: Script) -> (ErrorCode, String) {
    let server = Server::start(script).await;
    let upstream = server.upstream();
    let start = Instant::now();
    let failure = code(call(&upstream, json!({})).await);
    assert!(start.elapsed() < Duration::from_secs(5), "{failure:?} took {:?}", start.elapsed());
    assert!(!failure.1.contains("hunter2"), "{failure:?}");
    failure
}

#[tokio::test]
async fn u35_statuses_have_words_and_bodies_do_not_show() {
    let scripts: [(Script, ErrorCode, &str); 7] = [
        (
            calls!(exchange => exchange.answer("401 Unauthorized", "WWW-Authenticate: Bearer hunter2\r\n", "token hunter2").await),
            ErrorCode::UpstreamUnavailable,
            "upstream `x` refused Conduit's credential (HTTP 401)",
        ),
        (
            calls!(exchange => exchange.answer("429 Too Many Requests", "", "hunter2").await),
            ErrorCode::UpstreamUnavailable,
            "upstream `x` is busy (HTTP 429)",
        ),
        (
            calls!(exchange => exchange.answer("500 Internal Server Error", "Content-Type: text/html\r\n", "at hunter2").await),
            ErrorCode::UpstreamProtocol,
            "upstream `x` answered `x.y` with HTTP 500",
        ),
        (
            calls!(exchange => exchange.answer("302 Found", "Location: http://127.0.0.1:1/hunter2\r\n", "").await),
            ErrorCode::UpstreamProtocol,
            "upstream `x` answered `x.y` with HTTP 302",
        ),
        (
            calls!(exchange => {
                let error = json!({"code": -32602, "message": "no such tool"});
                let body = json!({"jsonrpc": "2.0", "id": exchange.body["id"], "error": error}).to_string();
                exchange.answer("400 Bad Request", "Content-Type: application/json\r\n", &body).await
            }),
            ErrorCode::UpstreamProtocol,
            "upstream `x` refused `x.y`: no such tool (JSON-RPC error -32602)",
        ),
        (
            calls!(exchange => exchange.answer("400 Bad Request", "Content-Type: application/json\r\n", NO_SESSION).await),
            ErrorCode::UpstreamProtocol,
            "upstream `x` answered `x.y` with HTTP 400 and did not run the call; if it had lost its session, the next call \
             starts a new one",
        ),
        (
            calls!(exchange => exchange.answer("404 Not Found", "", "").await),
            ErrorCode::UpstreamUnavailable,
            "upstream `x` had ended its session and did not run the call, the next call starts a new one",
        ),
    ];
    for (script, code, message) in scripts {
        assert_eq!(failure(script).await, (code, message.to_owned()));
    }
}

#[tokio::test]
async fn a_session_that_was_lost_is_replaced_by_the_next_call() {
    // The first call's argument is the status that it gets, the second call has none.
    let script: Script = calls!(exchange => {
        match exchange.body["params"]["arguments"]["n"].as_str().map(str::to_owned) {
            Some(status) => exchange.answer(&status, "Content-Type: application/json\r\n", NO_SESSION).await,
            None => {
                let body = response(&exchange.body["id"], text_result("new"));
                exchange.json(&body).await
            }
        }
    });
    for (status, expected) in [
        ("404 Not Found", ErrorCode::UpstreamUnavailable),
        ("410 Gone", ErrorCode::UpstreamUnavailable),
        ("400 Bad Request", ErrorCode::UpstreamProtocol),
    ] {
        let mut server = Server::start(script).await;
        let upstream = server.upstream();
        assert_eq!(code(call(&upstream, json!({"n": status})).await).0, expected);
        server.next(|_, body| body["method"] == "tools/call").await;
        assert_eq!(call(&upstream, json!({})).await.unwrap(), "\"new\"", "{status}");
        let again = server.next(|_, body| matches!(body["method"].as_str(), Some("initialize" | "tools/call"))).await;
        assert_eq!(again["method"], "initialize", "a call is sent once");
        let then = server.next(|_, body| body["method"] == "tools/call").await;
        assert_eq!(then["params"]["arguments"], json!({}), "a call is sent once");
        assert_eq!(upstream.changes(), 1);
        // What one program makes the server answer holds up no other.
        for _ in 0..3 {
            assert_eq!(code(call(&upstream, json!({"n": status})).await).0, expected);
        }
        assert_eq!(call(&upstream, json!({})).await.unwrap(), "\"new\"", "{status}");
    }
}

/// What the TypeScript SDK's example servers answer to a session that they do not know.
const NO_SESSION: &str =
    r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}"#;

#[tokio::test]
async fn u21_slow_headers_bodies_and_streams_end_at_the_deadline() {
    let scripts: [Script; 3] = [
        calls!(exchange => {
            exchange.write("HTTP/1.1 200 OK\r\nX-Slow: ").await;
            trickle(exchange, "x").await
        }),
        calls!(exchange => {
            exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n").await;
            trickle(exchange, " ").await
        }),
        calls!(exchange => {
            exchange.open_events().await;
            trickle(exchange, ": still there\n\n").await
        }),
    ];
    for script in scripts {
        let mut server = Server::start(script).await;
        let upstream = server.upstream();
        let reply =
            upstream.call(&tool("x.y"), Map::new(), ReplyForm::Value, &within(Duration::from_millis(300))).await;
        let expected = "upstream `x` did not answer `x.y` in time, the call may have had its effect";
        assert_eq!(code(reply), (ErrorCode::UpstreamTimeout, expected.into()));
        let id = server.next(|_, body| body["method"] == "tools/call").await["id"].clone();
        let cancelled = server.next(|_, body| body["method"] == "notifications/cancelled").await;
        assert_eq!(cancelled["params"]["requestId"], id);
    }
}

#[tokio::test]
async fn u21_a_slow_handshake_ends_at_its_own_deadline() {
    for (head, text) in
        [("", "x"), ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", " ")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut exchange = Exchange::read(socket).await.unwrap();
            exchange.write(if head.is_empty() { "HTTP/1.1 200 OK\r\nX-Slow: " } else { head }).await;
            trickle(exchange, text).await;
        });
        let config = UpstreamConfig {
            connect_timeout: Duration::from_millis(300),
            ..UpstreamConfig::new("x", UpstreamKind::Http { url, allow_private: true, credential: None })
        };
        let error = Upstream::connectable(config).unwrap().list_tools().await.unwrap_err();
        assert!(error.to_string().ends_with(": it did not answer `initialize` within 300ms"), "{error}");
    }
}

async fn trickle(mut exchange: Exchange, text: &str) {
    while exchange.socket.write_all(text.as_bytes()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn t12_a_dropped_call_is_cancelled_and_its_connection_closed() {
    static HUNG_UP: tokio::sync::Notify = tokio::sync::Notify::const_new();
    let mut server = Server::start(calls!(exchange => {
        let mut rest = Vec::new();
        let _ = exchange.socket.read_to_end(&mut rest).await;
        HUNG_UP.notify_one();
    }))
    .await;
    let upstream = Arc::new(server.upstream());
    let caller = tokio::spawn({
        let upstream = upstream.clone();
        async move { call(&upstream, json!({})).await }
    });
    let id = server.next(|_, body| body["method"] == "tools/call").await["id"].clone();
    caller.abort();
    let cancelled = server.next(|_, body| body["method"] == "notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], id);
    HUNG_UP.notified().await;
}

#[tokio::test]
async fn t12_calls_that_are_dropped_before_the_end_are_cancelled_all_the_same() {
    let mut server = Server::start(calls!(exchange => {
        let mut rest = Vec::new();
        let _ = exchange.socket.read_to_end(&mut rest).await;
    }))
    .await;
    let upstream = server.upstream();
    let mut calls = join_all((0..8).map(|_| call(&upstream, json!({}))));
    let mut under_way = 0;
    while under_way < 8 {
        tokio::select! {
            _ = &mut calls => panic!("a call has ended"),
            _ = server.next(|_, body| body["method"] == "tools/call") => under_way += 1,
        }
    }
    drop(calls);
    upstream.close().await;
    server.stop().await;
    let mut cancelled = 0;
    while let Ok((_, body)) = server.exchanges.try_recv() {
        cancelled += usize::from(body["method"] == "notifications/cancelled");
    }
    assert_eq!(cancelled, 8);
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_and_found_again() {
    let answer: Script = calls!(exchange => {
        let body = response(&exchange.body["id"], text_result("up"));
        exchange.json(&body).await
    });
    let mut server = Server::start(answer).await;
    let upstream = server.upstream();
    assert_eq!(call(&upstream, json!({})).await.unwrap(), "\"up\"");
    server.stop().await;
    let expected = "upstream `x` cannot be reached, nothing was sent";
    assert_eq!(code(call(&upstream, json!({})).await), (ErrorCode::UpstreamUnavailable, expected.into()));
    let error = upstream.list_tools().await.unwrap_err();
    assert!(
        error.to_string().ends_with(": it cannot be reached: cannot connect: Connection refused (os error 111)"),
        "{error}"
    );
}

/// A listener that notes what is sent to it.
async fn elsewhere() -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Some(exchange) = Exchange::read(socket).await else { continue };
            let _ = sender.send(exchange.head.clone());
            let body = response(&exchange.body["id"], text_result("from elsewhere"));
            exchange.json(&body).await;
        }
    });
    (port, receiver)
}

#[tokio::test]
async fn u08_a_credential_never_follows_a_redirect() {
    let credentials = [
        Credential::Bearer(Secret::new("hunter3hunter3")),
        Credential::Header { name: "X-API-Key".into(), value: Secret::new("hunter3hunter3") },
    ];
    for credential in credentials {
        static ELSEWHERE: Mutex<String> = Mutex::new(String::new());
        let (port, mut visits) = elsewhere().await;
        *ELSEWHERE.lock().unwrap() = format!("127.0.0.1:{port}");
        let mut server = Server::start(calls!(exchange => {
            let elsewhere = ELSEWHERE.lock().unwrap().clone();
            let arguments = &exchange.body["params"]["arguments"];
            let location = arguments["to"].as_str().unwrap().replace("ELSEWHERE", &elsewhere);
            let headers = format!("Location: {location}\r\nRefresh: 0; url={location}\r\n");
            let status = format!("{} Elsewhere", arguments["status"]);
            exchange.answer(&status, &headers, "").await
        }))
        .await;
        let upstream = Upstream::connectable(server.config_with(Some(credential))).unwrap();
        for status in [301, 302, 303, 307, 308] {
            for to in
                ["http://ELSEWHERE/mcp", "//ELSEWHERE/mcp", "https://ELSEWHERE/", "http://u@ELSEWHERE/", "/mcp", ""]
            {
                let reply = code(call(&upstream, json!({"status": status, "to": to})).await);
                let expected = format!("upstream `x` answered `x.y` with HTTP {status}");
                assert_eq!(reply, (ErrorCode::UpstreamProtocol, expected), "{to}");
            }
        }
        let mut calls = 0;
        while let Ok((_, body)) = server.exchanges.try_recv() {
            calls += usize::from(body["method"] == "tools/call");
        }
        assert_eq!(calls, 5 * 6, "no call is repeated");
        assert!(server.seen.lock().unwrap().iter().all(|head| head.contains("hunter3hunter3")));
        assert!(visits.try_recv().is_err(), "somebody went elsewhere");
    }
}

#[tokio::test]
async fn u08_a_redirected_handshake_is_refused() {
    let (port, mut visits) = elsewhere().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Some(exchange) = Exchange::read(socket).await else { continue };
            exchange.answer("307 Elsewhere", &format!("Location: http://127.0.0.1:{port}/\r\n"), "").await;
        }
    });
    let credential = Some(Credential::Bearer(Secret::new("hunter3hunter3")));
    let config = UpstreamConfig::new("x", UpstreamKind::Http { url, allow_private: true, credential });
    let error = Upstream::connectable(config).unwrap().list_tools().await.unwrap_err();
    assert!(error.to_string().ends_with(": it answered `initialize` with HTTP 307"), "{error}");
    assert!(visits.try_recv().is_err(), "somebody went elsewhere");
}

#[tokio::test]
async fn a_refused_handshake_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Some(exchange) = Exchange::read(socket).await else { continue };
            assert!(exchange.header("authorization").is_some());
            exchange.answer("401 Unauthorized", "", "secret body").await;
        }
    });
    let credential = Some(Credential::Bearer(Secret::new("wrong token")));
    let config = UpstreamConfig::new("x", UpstreamKind::Http { url, allow_private: true, credential });
    let error = Upstream::connectable(config).unwrap().list_tools().await.unwrap_err();
    assert!(error.to_string().ends_with(": it answered `initialize` with HTTP 401"), "{error}");
}
