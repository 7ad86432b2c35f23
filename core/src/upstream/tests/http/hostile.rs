//! Answers that are too large, broken or not what was asked for.

use super::*;

#[tokio::test]
async fn u20_what_is_too_large_is_cut_off() {
    let endless: Script = calls!(exchange => {
        exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "x".repeat(1 << 16));
        flood(exchange, &chunk).await;
    });
    let announced: Script = calls!(exchange => {
        exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n{").await;
        std::future::pending().await
    });
    let event: Script = calls!(exchange => {
        exchange.open_events().await;
        exchange.write("id: 1\ndata: ").await;
        flood(exchange, &"x".repeat(1 << 16)).await;
    });
    let comments: Script = calls!(exchange => {
        exchange.open_events().await;
        flood(exchange, &": comment\n".repeat(1 << 13)).await;
    });
    for script in [endless, announced, event, comments] {
        let expected =
            "the reply of `x.y` is larger than the limit `reply_size` of 4194304 bytes, ask for less at a time";
        assert_eq!(failure(script).await, (ErrorCode::ReplyTooLarge, expected.into()));
    }
}

#[tokio::test]
async fn u20_an_answer_is_cut_at_the_callers_own_limit() {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    static CUT: tokio::sync::Notify = tokio::sync::Notify::const_new();
    let server = Server::start(calls!(exchange => {
        exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "x".repeat(1 << 16));
        SENT.fetch_add(flood(exchange, &chunk).await, Ordering::SeqCst);
        CUT.notify_one();
    }))
    .await;
    let limits = CallLimits { reply_bytes: 1_000, ..within(Duration::from_secs(30)) };
    let reply = server.upstream().call(&tool("x.y"), Map::new(), ReplyForm::Value, &limits).await;
    assert_eq!(code(reply).0, ErrorCode::ReplyTooLarge);
    CUT.notified().await;
    // What the kernel's buffers took counts as sent.
    assert!(SENT.load(Ordering::SeqCst) < 12 << 20, "{}", SENT.load(Ordering::SeqCst));
}

/// Writes `chunk` again and again, 64 MiB at most, and gives how much was taken.
async fn flood(mut exchange: Exchange, chunk: &str) -> usize {
    let mut sent = 0;
    while sent < 64 << 20 && exchange.socket.write_all(chunk.as_bytes()).await.is_ok() {
        sent += chunk.len();
    }
    sent
}

#[tokio::test]
async fn u20_a_length_that_lies_gives_no_answer() {
    let against = (ErrorCode::UpstreamProtocol, "upstream `x` answered `x.y` against the protocol".to_owned());
    let died = "upstream `x` ended before `x.y` answered, the call may have had its effect";
    let short: Script = calls!(exchange => {
        let body = response(&exchange.body["id"], text_result("more than was announced")).to_string();
        // The rest looks like the answer to the next request on the same connection.
        let forged = response(&json!(2), text_result("forged")).to_string();
        let next = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{forged}", forged.len());
        exchange.write(&format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{body}{next}")).await;
    });
    let long: Script = calls!(exchange => {
        let body = response(&exchange.body["id"], text_result("less than was announced")).to_string();
        exchange.write(&format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 1)).await;
    });
    let both: Script = calls!(exchange => {
        exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}    ").await;
    });
    assert_eq!(failure(short).await, against);
    assert_eq!(failure(long).await, (ErrorCode::UpstreamDied, died.to_owned()));
    assert_eq!(failure(both).await, (ErrorCode::UpstreamDied, died.to_owned()));
}

/// Answers to the request 1 of 16 MiB in a few KiB: as a body, and as an event.
#[expect(clippy::disallowed_methods, reason = "only Python's gzip makes these")]
static BOMBS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    const SCRIPT: &str = "import gzip, sys\ntext = '0' * (16 << 20)\n\
        body = '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"' + text + '\"}]}}'\n\
        sys.stdout.buffer.write(gzip.compress((sys.argv[1] + body + '\\n\\n').encode()))";
    ["", "data: "].map(|before| {
        let output = std::process::Command::new("python3").args(["-c", SCRIPT, before]).output().unwrap();
        assert!((1_000..100_000).contains(&output.stdout.len()), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    })
});

/// Nothing is ever unpacked: Conduit asks for no encoding, and what comes packed all the same is read as it is, which is
/// no JSON and no event. A bomb costs what its bytes on the wire cost.
#[tokio::test]
async fn u20_a_compressed_bomb_is_not_unpacked() {
    async fn send(mut exchange: Exchange, kind: &str, packed: &[u8]) {
        assert_eq!((exchange.header("accept-encoding"), &exchange.body["id"]), (None, &json!(1)));
        let headers = format!("Content-Type: {kind}\r\nContent-Encoding: gzip\r\nContent-Length: {}", packed.len());
        exchange.write(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n")).await;
        let _ = exchange.socket.write_all(packed).await;
    }
    LazyLock::force(&BOMBS);
    let body: Script = calls!(exchange => send(exchange, "application/json", &BOMBS[0]).await);
    let event: Script = calls!(exchange => send(exchange, "text/event-stream", &BOMBS[1]).await);
    let against = "upstream `x` answered `x.y` against the protocol";
    assert_eq!(failure(body).await, (ErrorCode::UpstreamProtocol, against.into()));
    let died = "upstream `x` ended before `x.y` answered, the call may have had its effect";
    assert_eq!(failure(event).await, (ErrorCode::UpstreamDied, died.into()));
}

#[tokio::test]
async fn u20_the_body_of_an_error_is_read_to_a_cap() {
    let script: Script = calls!(exchange => {
        exchange.write("HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let start = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{{\"code\":1,\"message\":\"", exchange.body["id"]);
        exchange.write(&format!("{:x}\r\n{start}\r\n", start.len())).await;
        // A message of 1 MiB, and the end that makes it an error for this request.
        for _ in 0..16 {
            exchange.write(&format!("{:x}\r\n{}\r\n", 1 << 16, "m".repeat(1 << 16))).await;
        }
        exchange.write("4\r\n\"}}\n\r\n0\r\n\r\n").await;
    });
    let expected = "upstream `x` answered `x.y` with HTTP 500";
    assert_eq!(failure(script).await, (ErrorCode::UpstreamProtocol, expected.into()));
}

#[tokio::test]
async fn u22_a_broken_connection_is_a_death() {
    let scripts: [Script; 7] = [
        calls!(exchange => drop(exchange)),
        // A reset instead of an end, here and below.
        calls!(exchange => exchange.socket.set_zero_linger().unwrap()),
        calls!(exchange => exchange.write("HTTP/1.1 200 OK\r\nContent-Ty").await),
        calls!(exchange => exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"jsonrpc\"").await),
        calls!(exchange => exchange.open_events().await),
        calls!(exchange => {
            exchange.open_events().await;
            exchange.write("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"res").await
        }),
        calls!(exchange => {
            exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").await;
            exchange.socket.set_zero_linger().unwrap();
        }),
    ];
    for script in scripts {
        let expected = "upstream `x` ended before `x.y` answered, the call may have had its effect";
        assert_eq!(failure(script).await, (ErrorCode::UpstreamDied, expected.into()));
    }
}

#[tokio::test]
async fn u23_a_body_answers_its_own_request_or_nobodys() {
    let scripts: [Script; 6] = [
        calls!(exchange => exchange.json(&json!({"jsonrpc": "2.0", "id": 999, "result": text_result("x")})).await),
        calls!(exchange => exchange.json(&json!({"jsonrpc": "2.0", "id": 1, "method": "roots/list"})).await),
        calls!(exchange => {
            let batch = json!([response(&exchange.body["id"], text_result("x"))]);
            exchange.json(&batch).await
        }),
        calls!(exchange => exchange.answer("200 OK", "Content-Type: text/html\r\n", "<html>").await),
        calls!(exchange => exchange.answer("202 Accepted", "", "").await),
        calls!(exchange => exchange.answer("200 OK", "Content-Type: application/json\r\n", "{\"jsonrpc\":\"2.0\"").await),
    ];
    for script in scripts {
        let expected = (ErrorCode::UpstreamProtocol, "upstream `x` answered `x.y` against the protocol".into());
        assert_eq!(failure(script).await, expected);
    }
}

/// What is no answer to the request `id`, in every form that a peer could try.
fn no_answers(id: &Value) -> Vec<String> {
    let result = text_result("forged");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let with_id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
    let mut forms: Vec<String> =
        ["999", "-1", "null", "1.5", "1e400", "9007199254740993", "18446744073709551617", "[1]", "{}"]
            .map(with_id)
            .into();
    forms.extend([
        with_id(&format!("\"{id}\"")),
        format!(r#"[{{"jsonrpc":"2.0","id":{id},"result":{result}}}]"#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result},"result":{result}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":999,"id":{id},"result":{result}}}"#),
        format!(r#"{{"jsonrpc":"1.0","id":{id},"result":{result}}}"#),
        format!(r#"{{"id":{id},"result":{result}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#) + "\0",
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#.to_owned(),
        deep,
        "null".to_owned(),
        "log line".to_owned(),
    ]);
    forms
}

/// What answers `id`, but with neither a result nor an error that can be read.
fn half_answers(id: &Value) -> Vec<String> {
    let result = text_result("forged");
    vec![
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result},"error":{{"code":1,"message":"x"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)),
        format!(r#"{{"jsonrpc":"2.0","id":{id}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"Result":{result}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":"text"}}"#),
    ]
}

#[tokio::test]
async fn u23_no_malformed_body_is_an_answer() {
    let server = Server::start(calls!(exchange => {
        let id = &exchange.body["id"];
        let forms = [no_answers(id), half_answers(id)].concat();
        let n: usize = exchange.n().parse().unwrap();
        let body = forms.get(n).cloned().unwrap_or_else(|| response(id, text_result("the end")).to_string());
        exchange.answer("200 OK", "Content-Type: application/json\r\n", &body).await
    }))
    .await;
    let upstream = server.upstream();
    let forms = no_answers(&json!(1)).len() + half_answers(&json!(1)).len();
    for n in 0..forms {
        let expected = (ErrorCode::UpstreamProtocol, "upstream `x` answered `x.y` against the protocol".to_owned());
        assert_eq!(code(call(&upstream, json!({"n": n})).await), expected, "{n}");
    }
    assert_eq!(call(&upstream, json!({"n": forms})).await.unwrap(), "\"the end\"");
}

#[tokio::test]
async fn u23_malformed_events_are_skipped() {
    let server = Server::start(calls!(exchange => {
        let id = exchange.body["id"].clone();
        exchange.open_events().await;
        for form in no_answers(&id) {
            exchange.write(&format!("data: {form}\n\n")).await;
        }
        for method in ["sampling/createMessage", "elicitation/create", "roots/list"] {
            exchange.event(&json!({"jsonrpc": "2.0", "id": method, "method": method, "params": {}})).await;
        }
        exchange.event(&response(&id, text_result("the answer"))).await;
        exchange.event(&response(&id, text_result("a second answer"))).await;
    }))
    .await;
    let upstream = server.upstream();
    for _ in 0..2 {
        assert_eq!(call(&upstream, json!({})).await.unwrap(), "\"the answer\"");
    }
}

#[tokio::test]
async fn u23_what_is_not_utf_8_is_no_answer() {
    let body: Script = calls!(exchange => {
        exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n").await;
        exchange.socket.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}").await.unwrap();
    });
    let event: Script = calls!(exchange => {
        exchange.open_events().await;
        exchange.socket.write_all(b"data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}\n\n").await.unwrap();
        std::future::pending().await
    });
    let against = "upstream `x` answered `x.y` against the protocol";
    assert_eq!(failure(body).await, (ErrorCode::UpstreamProtocol, against.into()));
    // The whole stream is given up: where its next event begins cannot be known.
    let died = "upstream `x` ended before `x.y` answered, the call may have had its effect";
    assert_eq!(failure(event).await, (ErrorCode::UpstreamDied, died.into()));
}

#[tokio::test]
async fn u23_a_stream_answers_its_own_request_and_no_other() {
    static OTHER: Mutex<Value> = Mutex::new(Value::Null);
    static ARRIVED: tokio::sync::Notify = tokio::sync::Notify::const_new();
    static RELEASED: tokio::sync::Notify = tokio::sync::Notify::const_new();
    let server = Server::start(calls!(exchange => {
        let id = exchange.body["id"].clone();
        exchange.open_events().await;
        if exchange.n() == "1" {
            *OTHER.lock().unwrap() = id.clone();
            ARRIVED.notify_one();
            RELEASED.notified().await;
        } else {
            ARRIVED.notified().await;
            let other = OTHER.lock().unwrap().clone();
            exchange.event(&response(&other, text_result("forged"))).await;
        }
        let n = exchange.n();
        exchange.event(&response(&id, text_result(&n))).await;
    }))
    .await;
    let upstream = server.upstream();
    let (first, second) = tokio::join!(
        async {
            let reply = call(&upstream, json!({"n": 0})).await;
            RELEASED.notify_one();
            reply
        },
        call(&upstream, json!({"n": 1}))
    );
    assert_eq!((first.unwrap(), second.unwrap()), ("0".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn u22_a_death_is_noticed_where_a_stream_could_be_resumed() {
    static DIE: tokio::sync::Notify = tokio::sync::Notify::const_new();
    let mut server = Server::start(calls!(exchange => {
        exchange.open_events().await;
        exchange.write("id: 1\ndata:\n\n").await;
        DIE.notified().await;
    }))
    .await;
    let upstream = Arc::new(server.upstream());
    let caller = tokio::spawn({
        let upstream = upstream.clone();
        async move { call(&upstream, json!({})).await }
    });
    server.next(|_, body| body["method"] == "tools/call").await;
    server.stop().await;
    let start = Instant::now();
    DIE.notify_one();
    let expected = "upstream `x` ended before `x.y` answered, the call may have had its effect";
    assert_eq!(code(caller.await.unwrap()), (ErrorCode::UpstreamDied, expected.into()));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn u20_an_endless_event_on_the_servers_own_stream_is_cut_off() {
    static CUT_AT: tokio::sync::SetOnce<usize> = tokio::sync::SetOnce::const_new();
    let server = Server::start(|mut exchange| {
        Box::pin(async move {
            if exchange.head.starts_with("get") {
                exchange.open_events().await;
                exchange.write("data: ").await;
                let sent = flood(exchange, &"x".repeat(1 << 16)).await;
                let _ = CUT_AT.set(sent);
            } else {
                exchange.no_tools().await;
            }
        })
    })
    .await;
    let upstream = server.upstream();
    upstream.list_tools().await.unwrap();
    let sent = *CUT_AT.wait().await;
    // The largest message, and what the kernel's buffers took.
    assert!(sent < 32 << 20, "{sent}");
}
