//! A peer that answers whom it should not, or more than it should.

use super::*;

#[tokio::test(start_paused = true)]
async fn u23_answers_reach_their_own_callers_alone() {
    let (upstream, _) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            let mut requests = VecDeque::new();
            for _ in 0..3 {
                requests.push_back(peer.call().await);
            }
            // To nobody, to the handshake, and to ids that look like numbers.
            for id in
                [json!(999), json!(0), json!(-1), json!("x"), json!(null), json!(1.5), json!(9007199254740993_i64)]
            {
                peer.send(response(&id, text_result("stray"))).await;
            }
            let malformed = requests.pop_front().unwrap();
            let both =
                json!({"jsonrpc": "2.0", "id": malformed["id"], "result": {}, "error": {"code": 1, "message": "x"}});
            peer.send(both).await;
            // In reverse, and twice.
            while let Some(request) = requests.pop_back() {
                let n = request["params"]["arguments"]["n"].to_string();
                peer.answer(&request, &n).await;
                peer.answer(&request, "duplicate").await;
            }
            peer.answer(&malformed, "too late").await;
            peer.echo().await;
        })
    });
    let replies = join_all([0, 1, 2].map(|n| call(&upstream, json!({"n": n})))).await;
    let mut failed: Vec<_> = replies.iter().filter_map(|reply| reply.as_ref().err()).collect();
    let error = failed.pop().unwrap();
    let expected = "upstream `x` answered `x.y` against the protocol";
    assert_eq!((failed.len(), error.code, error.message.as_str()), (0, ErrorCode::UpstreamProtocol, expected));
    for (n, reply) in replies.iter().enumerate() {
        assert!(reply.as_ref().is_ok_and(|reply| *reply == n.to_string()) || reply.is_err());
    }
    assert_eq!(value(call(&upstream, json!({"n": 3})).await), "3");
}

#[tokio::test(start_paused = true)]
async fn u23_an_answer_reaches_no_call_of_another_upstream() {
    let asked = Arc::new(tokio::sync::Notify::new());
    let flooded = Arc::new(tokio::sync::Notify::new());
    let (victim, _) = reporting({
        let (asked, flooded) = (asked.clone(), flooded.clone());
        move |mut peer, _| {
            let (asked, flooded) = (asked.clone(), flooded.clone());
            async move {
                peer.shake_hands().await;
                let request = peer.call().await;
                asked.notify_one();
                flooded.notified().await;
                peer.answer(&request, "its own").await;
                peer.receive().await;
            }
        }
    });
    let (attacker, _) = reporting(|mut peer, _| async move {
        peer.shake_hands().await;
        let request = peer.call().await;
        for id in (0..100).filter(|id| request["id"] != *id) {
            peer.send(response(&json!(id), text_result("forged"))).await;
        }
        peer.answer(&request, "done").await;
        peer.receive().await;
    });
    let (reply, ()) = tokio::join!(call(&victim, json!({})), async {
        asked.notified().await;
        assert_eq!(value(call(&attacker, json!({})).await), "\"done\"");
        flooded.notify_one();
    });
    assert_eq!(value(reply), "\"its own\"");
}

#[tokio::test(start_paused = true)]
async fn u23_garbage_between_messages_is_skipped() {
    let (upstream, _) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            let request = peer.call().await;
            let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
            let id = &request["id"];
            for garbage in [
                "listening on stdio".to_owned(),
                String::new(),
                "\u{0}".to_owned(),
                format!("[{}]", response(id, text_result("batch"))),
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}},"result":{{}}}}"#),
                deep,
            ] {
                peer.send_text(&format!("{garbage}\n")).await;
            }
            peer.writer.write_all(b"\xff\n").await.unwrap();
            peer.send_text(&format!("\u{feff}{}\r\n", response(id, text_result("the answer")))).await;
            peer.receive().await;
        })
    });
    assert_eq!(value(call(&upstream, json!({})).await), "\"the answer\"");
}

#[tokio::test(start_paused = true)]
async fn u23_requests_of_a_server_are_unknown_methods() {
    let (upstream, mut reports) = reporting(|mut peer, reports| async move {
        peer.shake_hands().await;
        let request = peer.call().await;
        for method in ["sampling/createMessage", "elicitation/create", "roots/list", "tools/call", "ping"] {
            peer.send(json!({"jsonrpc": "2.0", "id": method, "method": method, "params": {"secret": "x"}})).await;
            reports.send(peer.receive().await).unwrap();
        }
        peer.answer(&request, "done").await;
        peer.receive().await;
    });
    assert_eq!(value(call(&upstream, json!({})).await), "\"done\"");
    for method in ["sampling/createMessage", "elicitation/create", "roots/list", "tools/call"] {
        let answer = reports.recv().await.unwrap();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(method), &json!(-32601)));
        assert!(!answer.to_string().contains("secret"));
    }
    assert_eq!(reports.recv().await.unwrap(), json!({"jsonrpc": "2.0", "id": "ping", "result": {}}));
}

#[tokio::test(start_paused = true)]
async fn u23_a_flood_of_notifications_delays_nobody_for_ever() {
    let (upstream, _) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            let request = peer.call().await;
            let flood =
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":1}}\n".repeat(1_000);
            for _ in 0..1_000 {
                peer.send_text(&flood).await;
            }
            peer.answer(&request, "after the flood").await;
            peer.receive().await;
        })
    });
    assert_eq!(value(call(&upstream, json!({})).await), "\"after the flood\"");
}

#[tokio::test(start_paused = true)]
async fn u20_a_reply_that_is_too_large_fails_its_own_call_alone() {
    let (upstream, dials) = scripted(|mut peer, _| {
        Box::pin(async move {
            peer.shake_hands().await;
            let (first, second, third) = (peer.call().await, peer.call().await, peer.call().await);
            for request in [first, second, third] {
                let size = request["params"]["arguments"]["n"].as_u64().unwrap() as usize;
                peer.answer(&request, &"x".repeat(size)).await;
            }
            peer.echo().await;
        })
    });
    let above_transport = 17 << 20;
    let above_limit = 5 << 20;
    let replies = join_all([above_transport, above_limit, 10].map(|n| call(&upstream, json!({"n": n})))).await;
    let expected = "the reply of `x.y` is larger than the limit `reply_size` of 4194304 bytes, ask for less at a time";
    assert_eq!(code(replies[0].clone()), (ErrorCode::ReplyTooLarge, expected.into()));
    assert_eq!(code(replies[1].clone()), (ErrorCode::ReplyTooLarge, expected.into()));
    assert_eq!(*replies[2].as_ref().unwrap(), format!("\"{}\"", "x".repeat(10)));
    assert_eq!(value(call(&upstream, json!({"n": 1})).await), "1");
    assert_eq!(dials.load(Ordering::SeqCst), 1);
}
