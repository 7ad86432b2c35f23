//! Hostile and dying peers over a pipe in the same process. Time is paused: nothing waits.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;

use futures_util::future::{BoxFuture, join_all};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::mpsc;

use super::*;

/// The server's end of a pipe.
struct Peer {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
}

impl Peer {
    async fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).await.unwrap();
        if line.is_empty() { Value::Null } else { serde_json::from_str(&line).unwrap() }
    }

    async fn send_text(&mut self, text: &str) {
        // The client may have hung up.
        let _ = self.writer.write_all(text.as_bytes()).await;
    }

    async fn send(&mut self, message: Value) {
        self.send_text(&format!("{message}\n")).await;
    }

    async fn shake_hands(&mut self) {
        let request = self.receive().await;
        assert_eq!((&request["method"], &request["params"]["capabilities"]), (&json!("initialize"), &json!({})));
        self.send(response(&request["id"], initialize_result())).await;
        assert_eq!(self.receive().await["method"], "notifications/initialized");
    }

    async fn call(&mut self) -> Value {
        let request = self.receive().await;
        assert_eq!(request["method"], "tools/call", "{request}");
        request
    }

    async fn answer(&mut self, request: &Value, text: &str) {
        self.send(response(&request["id"], text_result(text))).await;
    }

    /// Answers every call with its argument `n`, until the client hangs up.
    async fn echo(&mut self) {
        loop {
            let request = self.receive().await;
            match request["method"].as_str() {
                Some("tools/call") => {
                    let n = request["params"]["arguments"]["n"].to_string();
                    self.answer(&request, &n).await;
                }
                Some(_) => {}
                None => return,
            }
        }
    }
}

type Script = fn(Peer, usize) -> BoxFuture<'static, ()>;

/// An upstream `x` whose n-th connection runs `script(peer, n)`, and the number of connections.
fn scripted(script: Script) -> (Upstream, Arc<AtomicUsize>) {
    let dials = Arc::new(AtomicUsize::new(0));
    let counter = dials.clone();
    let dial = move || {
        let (client, server) = duplex(64 << 10);
        let (reader, writer) = split(server);
        let peer = Peer { reader: BufReader::new(reader), writer };
        tokio::spawn(script(peer, counter.fetch_add(1, Ordering::SeqCst)));
        client
    };
    let config = UpstreamConfig::new("x", UpstreamKind::Pipe(Arc::new(dial), None));
    (Upstream::connectable(config).unwrap(), dials)
}

/// As [`scripted`], for a script that reports what it saw.
fn reporting<F>(
    script: impl Fn(Peer, mpsc::UnboundedSender<Value>) -> F + Send + Sync + 'static,
) -> (Upstream, mpsc::UnboundedReceiver<Value>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (reports, receiver) = mpsc::unbounded_channel();
    let dial = move || {
        let (client, server) = duplex(64 << 10);
        let (reader, writer) = split(server);
        tokio::spawn(script(Peer { reader: BufReader::new(reader), writer }, reports.clone()));
        client
    };
    let config = UpstreamConfig::new("x", UpstreamKind::Pipe(Arc::new(dial), None));
    (Upstream::connectable(config).unwrap(), receiver)
}

fn value(reply: ToolReply) -> String {
    reply.unwrap_or_else(|error| panic!("{error:?}"))
}

mod hostile;

#[tokio::test(start_paused = true)]
async fn many_calls_share_one_connection() {
    let (upstream, dials) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            peer.echo().await;
        })
    });
    assert_eq!(dials.load(Ordering::SeqCst), 0, "nothing is connected before the first call");
    let replies = join_all((0..100).map(|n| call(&upstream, json!({"n": n})))).await;
    assert_eq!(replies.into_iter().map(value).collect::<Vec<_>>(), (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(dials.load(Ordering::SeqCst), 1);
    assert_eq!(upstream.changes(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_listed_and_changes_are_told() {
    let (upstream, _) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            for page in
                [json!({"tools": [{"name": "a"}], "nextCursor": "2"}), json!({"tools": [{"name": "b"}, {"name": "a"}]})]
            {
                let request = peer.receive().await;
                assert_eq!(request["method"], "tools/list");
                let expected = if page["nextCursor"].is_null() { json!("2") } else { Value::Null };
                assert_eq!(request["params"]["cursor"], expected);
                peer.send(response(&request["id"], page)).await;
            }
            peer.send(json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})).await;
            peer.receive().await;
        })
    });
    let listing = upstream.list_tools().await.unwrap();
    assert_eq!(listing.tools, [tool("x.a"), tool("x.b")]);
    assert_eq!(listing.warnings, ["tool `a` of `x` was dropped: it is listed twice"]);
    changed(&upstream).await;
}

#[tokio::test(start_paused = true)]
async fn u26_the_same_cursor_again_ends_the_listing() {
    let (upstream, _) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            let mut page = 0;
            loop {
                let request = peer.receive().await;
                page += 1;
                let tools = json!([{"name": format!("t{page}")}]);
                peer.send(response(&request["id"], json!({"tools": tools, "nextCursor": "again"}))).await;
            }
        })
    });
    let listing = upstream.list_tools().await.unwrap();
    assert_eq!((listing.tools.len(), listing.warnings.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn u22_a_death_is_told_at_once_and_the_next_call_reconnects() {
    for last_words in ["", "{\"jsonrpc\":\"2.0\",\"id\":1,\"res", "\u{0}\u{0}"] {
        let (upstream, mut reports) = reporting(move |mut peer, reports| async move {
            peer.shake_hands().await;
            let request = peer.call().await;
            if request["params"]["arguments"]["n"] == 0 {
                peer.send_text(last_words).await;
                reports.send(request).unwrap();
                return;
            }
            peer.answer(&request, "again").await;
            peer.receive().await;
        });
        let start = Instant::now();
        let died = (
            ErrorCode::UpstreamDied,
            "upstream `x` ended before `x.y` answered, the call may have had its effect".into(),
        );
        assert_eq!(code(call(&upstream, json!({"n": 0})).await), died);
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!(value(call(&upstream, json!({"n": 1})).await), "\"again\"");
        assert_eq!(upstream.changes(), 1, "a new connection may have other tools");
        assert!(reports.recv().await.is_some() && reports.try_recv().is_err(), "a call is sent once");
    }
}

#[tokio::test(start_paused = true)]
async fn u22_one_that_dies_all_the_time_is_left_alone_for_longer_and_longer() {
    let (upstream, dials) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            peer.call().await;
        })
    });
    assert_eq!(code(call(&upstream, json!({})).await).0, ErrorCode::UpstreamDied);
    assert_eq!(code(call(&upstream, json!({})).await).0, ErrorCode::UpstreamDied);
    let mut waits = Vec::new();
    for _ in 0..12 {
        let (code, message) = code(call(&upstream, json!({})).await);
        assert_eq!(code, ErrorCode::UpstreamUnavailable, "{message}");
        let seconds = message.strip_prefix("upstream `x` is not available, it is tried again in ").unwrap();
        waits.push(seconds.strip_suffix(" s").unwrap().parse::<f64>().unwrap());
        tokio::time::advance(MAX_WAIT).await;
        assert_eq!(self::code(call(&upstream, json!({})).await).0, ErrorCode::UpstreamDied);
    }
    assert_eq!(dials.load(Ordering::SeqCst), 14);
    assert!(waits[0] <= 0.25 && waits[11] >= 15.0 && waits.iter().all(|wait| *wait <= 30.0), "{waits:?}");
    assert_eq!(last_error(&upstream), "the connection ended");
}

const MAX_WAIT: Duration = Duration::from_millis(30_100);

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_connected_to_fails_at_once_until_it_is_tried_again() {
    let (upstream, dials) = scripted(|mut peer, dial| {
        Box::pin(async move {
            match dial {
                0 => drop(peer.receive().await),
                1 => {
                    let request = peer.receive().await;
                    let error = json!({"code": -32000, "message": "not today"});
                    peer.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error})).await;
                }
                2 => {
                    let request = peer.receive().await;
                    peer.send(response(&request["id"], json!({"protocolVersion": 7}))).await;
                }
                3 => std::future::pending().await,
                _ => {
                    peer.shake_hands().await;
                    peer.echo().await;
                }
            }
        })
    });
    for expected in [
        "it ended before it answered `initialize`",
        "it refused `initialize`: not today (JSON-RPC error -32000)",
        "its answer to `initialize` is malformed",
        "it did not answer `initialize` within 30s",
    ] {
        let error = upstream.list_tools().await.unwrap_err();
        assert_eq!((error.code(), error.upstream()), (ErrorCode::UpstreamUnavailable, Some("x")));
        assert!(error.to_string().ends_with(&format!(" s: {expected}")), "{error}");
        let before = dials.load(Ordering::SeqCst);
        let (code, message) = code(call(&upstream, json!({})).await);
        assert_eq!((code, dials.load(Ordering::SeqCst)), (ErrorCode::UpstreamUnavailable, before));
        assert!(!message.contains(expected), "that is the operator's: {message}");
        tokio::time::advance(Duration::from_secs(3)).await;
    }
    assert_eq!(value(call(&upstream, json!({"n": 1})).await), "1");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_does_not_undo_the_connecting() {
    let (upstream, dials) = scripted(|mut peer, _| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            peer.shake_hands().await;
            peer.echo().await;
        })
    });
    let early = upstream.call(&tool("x.y"), Map::new(), ReplyForm::Value, &within(Duration::from_secs(3))).await;
    let expected = "upstream `x` is still being connected to, nothing was sent";
    assert_eq!(code(early), (ErrorCode::UpstreamUnavailable, expected.into()));
    assert_eq!(value(call(&upstream, json!({"n": 5})).await), "5");
    assert_eq!(dials.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn u21_a_call_has_a_total_time_and_is_cancelled_after_it() {
    let (upstream, mut reports) = reporting(|mut peer, reports| async move {
        peer.shake_hands().await;
        let request = peer.call().await;
        reports.send(request["id"].clone()).unwrap();
        // Progress and half an answer, byte by byte, do not buy time.
        let (text, mut sent) = (response(&request["id"], text_result("late")).to_string(), 0);
        loop {
            tokio::select! {
                message = peer.receive() => return reports.send(message).unwrap(),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            if sent == 0 {
                peer.send(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})).await;
            }
            peer.send_text(&text[sent..=sent]).await;
            sent += 1;
        }
    });
    let start = Instant::now();
    let slow = upstream.call(&tool("x.y"), Map::new(), ReplyForm::Value, &within(Duration::from_secs(20))).await;
    let expected = "upstream `x` did not answer `x.y` in time, the call may have had its effect";
    assert_eq!(code(slow), (ErrorCode::UpstreamTimeout, expected.into()));
    assert_eq!(start.elapsed().as_secs(), 20);
    let id = reports.recv().await.unwrap();
    let cancelled = reports.recv().await.unwrap();
    assert_eq!((&cancelled["method"], &cancelled["params"]["requestId"]), (&json!("notifications/cancelled"), &id));
}

#[tokio::test(start_paused = true)]
async fn u21_the_operators_time_limit_holds_for_every_call() {
    let (upstream, _reports) = reporting(|mut peer, _| async move {
        peer.shake_hands().await;
        loop {
            peer.receive().await;
        }
    });
    let start = Instant::now();
    let slow = upstream.call(&tool("x.y"), Map::new(), ReplyForm::Value, &within(Duration::from_secs(3_600))).await;
    assert_eq!((code(slow).0, start.elapsed().as_secs()), (ErrorCode::UpstreamTimeout, 60));
    assert_eq!(upstream.list_tools().await.unwrap_err().code(), ErrorCode::UpstreamTimeout);
    assert_eq!(start.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn t12_a_dropped_call_is_cancelled_and_not_repeated() {
    let (upstream, mut reports) = reporting(|mut peer, reports| async move {
        peer.shake_hands().await;
        loop {
            let message = peer.receive().await;
            if message.is_null() {
                return;
            }
            reports.send(message).unwrap();
        }
    });
    let upstream = Arc::new(upstream);
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let upstream = upstream.clone();
            tokio::spawn(async move { call(&upstream, json!({"n": n})).await })
        })
        .collect();
    let mut ids = Vec::new();
    for _ in 0..8 {
        let request = reports.recv().await.unwrap();
        assert_eq!(request["method"], "tools/call");
        ids.push(request["id"].to_string());
    }
    calls.iter().for_each(|call| call.abort());
    let mut cancelled = Vec::new();
    for _ in 0..8 {
        let message = reports.recv().await.unwrap();
        assert_eq!(message["method"], "notifications/cancelled");
        cancelled.push(message["params"]["requestId"].to_string());
    }
    ids.sort();
    cancelled.sort();
    assert_eq!(ids, cancelled);
    upstream.close().await;
    // The last sender goes with the upstream: nothing else was sent.
    drop(upstream);
    assert!(reports.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn u35_an_upstreams_error_is_short_and_clean() {
    let dial = || {
        let (client, server) = duplex(64 << 10);
        let (reader, writer) = split(server);
        let mut peer = Peer { reader: BufReader::new(reader), writer };
        tokio::spawn(async move {
            peer.shake_hands().await;
            let request = peer.call().await;
            let message = format!("no route: Authorization: Bearer s3cret-token-1 {}", "x".repeat(100_000));
            let error = json!({"code": -32603, "message": message, "data": {"env": "s3cret-token-1"}});
            peer.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error})).await;
            peer.receive().await;
        });
        client
    };
    let secret = Some(Secret::new("s3cret-token-1"));
    let config = UpstreamConfig::new("x", UpstreamKind::Pipe(Arc::new(dial), secret));
    let error = call(&Upstream::connectable(config).unwrap(), json!({})).await.unwrap_err();
    let start = "upstream `x` refused `x.y`: no route: Authorization: Bearer [redacted] xxx";
    assert!(error.code == ErrorCode::UpstreamProtocol && error.message.starts_with(start), "{error:?}");
    assert!(error.message.len() < 700 && error.content.is_null());
}

#[tokio::test(start_paused = true)]
async fn u35_what_an_upstream_says_to_the_handshake_is_redacted_and_cut() {
    let dial = || {
        let (client, server) = duplex(64 << 10);
        let (reader, writer) = split(server);
        let mut peer = Peer { reader: BufReader::new(reader), writer };
        tokio::spawn(async move {
            let request = peer.receive().await;
            let error = json!({"code": 1, "message": format!("s3cret-token-1 {}", "x".repeat(100_000))});
            peer.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error})).await;
            peer.receive().await;
        });
        client
    };
    let kind = UpstreamKind::Pipe(Arc::new(dial), Some(Secret::new("s3cret-token-1")));
    let upstream = Upstream::connectable(UpstreamConfig::new("x", kind)).unwrap();
    assert!(upstream.list_tools().await.is_err());
    let error = last_error(&upstream);
    assert!(error.starts_with("it refused `initialize`: [redacted] xxx") && error.len() == 10_000, "{error:.100}");
}

#[tokio::test(start_paused = true)]
async fn t12_a_closed_upstream_is_told_what_is_cancelled_and_stays_closed() {
    static SEEN: AtomicBool = AtomicBool::new(false);
    let (upstream, dials) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            let request = peer.call().await;
            peer.answer(&request, "up").await;
            let under_way = peer.call().await;
            let cancelled = peer.receive().await;
            assert_eq!(cancelled["method"], "notifications/cancelled");
            assert_eq!(cancelled["params"]["requestId"], under_way["id"]);
            assert_eq!(peer.receive().await, Value::Null);
            SEEN.store(true, Ordering::SeqCst);
        })
    });
    assert_eq!(value(call(&upstream, json!({})).await), "\"up\"");
    let (reply, ()) = tokio::join!(call(&upstream, json!({})), async {
        tokio::task::yield_now().await;
        upstream.close().await;
    });
    assert_eq!(code(reply).0, ErrorCode::UpstreamDied);
    tokio::task::yield_now().await;
    assert!(SEEN.load(Ordering::SeqCst), "the peer has seen something else");
    let shut = (ErrorCode::ShutDown, "upstream `x` is shut down".into());
    assert_eq!(code(call(&upstream, json!({})).await), shut);
    assert_eq!(upstream.list_tools().await.unwrap_err().code(), ErrorCode::ShutDown);
    assert_eq!(dials.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn f01_every_call_has_exactly_one_outcome_whenever_the_peer_dies() {
    let (upstream, dials) = scripted(|mut peer, dial| {
        Box::pin(async move {
            peer.shake_hands().await;
            // Dies after a number of calls that differs, with the last one read and not answered, or half answered.
            for _ in 0..(dial * 7) % 13 {
                let request = peer.call().await;
                let n = request["params"]["arguments"]["n"].to_string();
                peer.answer(&request, &n).await;
            }
            let request = peer.receive().await;
            let answer = response(&request["id"], text_result("half")).to_string();
            peer.send_text(&answer[..(dial * 5) % answer.len()]).await;
        })
    });
    let (mut answered, mut died, mut unavailable) = (0, 0, 0);
    for round in 0..200 {
        let replies = join_all((0..10).map(|k| {
            let n = round * 10 + k;
            let reply = call(&upstream, json!({"n": n}));
            async move { (n, reply.await) }
        }));
        for (n, reply) in replies.await {
            match reply {
                Ok(reply) => {
                    assert_eq!(reply, n.to_string());
                    answered += 1;
                }
                Err(error) if error.code == ErrorCode::UpstreamDied => died += 1,
                Err(error) if error.code == ErrorCode::UpstreamUnavailable => unavailable += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    assert_eq!(answered + died + unavailable, 2_000);
    assert!(answered > 100 && died > 100 && dials.load(Ordering::SeqCst) > 50, "{answered} {died} {unavailable}");
}
