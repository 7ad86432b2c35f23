//! What upstreams list: when it is fetched, and what is told of it.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_list_is_fetched_once_and_again_when_it_changed() {
    let seen = Seen::default();
    let (git, listings) = server(&seen, "git", &["create"]);
    let gate = gate(vec![git], &["*"]);
    for _ in 0..3 {
        call(&gate, "git.create", "{}").await.unwrap();
    }
    assert_eq!(listings.load(Ordering::SeqCst), 1);
    call(&gate, "git.create", r#"{"change":true}"#).await.unwrap();
    call(&gate, "git.create", "{}").await.unwrap();
    assert_eq!(listings.load(Ordering::SeqCst), 2);
    let replies = futures_util::future::join_all((0..4).map(|_| call(&gate, "git.create", "{}"))).await;
    assert!(replies.iter().all(Result::is_ok) && listings.load(Ordering::SeqCst) == 2);
}

#[tokio::test(start_paused = true)]
async fn f06_callers_share_one_fetch_its_failure_too_and_none_undoes_it_for_the_others() {
    let seen = Seen::default();
    let (none, listings) = server(&seen, "x", &["none"]);
    let refusing = gate(vec![none], &["*"]);
    for fetches in 1..=3 {
        let refusals = join_all((0..4).map(|_| refusal(&refusing, "x.y"))).await;
        assert!(refusals.iter().all(|error| error.code == ErrorCode::UpstreamProtocol), "{refusals:?}");
        assert_eq!(listings.load(Ordering::SeqCst), fetches);
        assert_eq!(refusal(&refusing, "x.y").await, refusals[0], "it is not asked again at once");
        assert_eq!(listings.load(Ordering::SeqCst), fetches);
        tokio::time::advance(catalog::PAUSE).await;
    }
    let (slow, listings) = server(&seen, "x", &["slow"]);
    let slow = gate(vec![slow], &["*"]);
    for _ in 0..4 {
        let _ = tokio::time::timeout(Duration::from_secs(3), call(&slow, "x.slow", "{}")).await;
    }
    assert!(call(&slow, "x.slow", "{}").await.is_ok());
    assert_eq!(listings.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn u23_a_peer_that_changes_all_the_time_is_not_asked_all_the_time() {
    let seen = Seen::default();
    let (git, listings) = server(&seen, "git", &["create"]);
    let gate = gate(vec![git], &["*"]);
    let start = Instant::now();
    for _ in 0..21 {
        call(&gate, "git.create", r#"{"change":true}"#).await.unwrap();
    }
    // Each call finds the list as it is after the change before it.
    assert_eq!(listings.load(Ordering::SeqCst), 21);
    assert!(start.elapsed() >= catalog::PAUSE * 20, "{:?}", start.elapsed());
}

#[tokio::test]
async fn r20_wrong_names_get_only_so_many_hints() {
    let gate = gate(vec![local(&Seen::default(), "git", &["create_issue"])], &["*"]);
    for _ in 0..gate::MAX_HINTS {
        assert!(refusal(&gate, "git.create_issues").await.message.contains(", the nearest are `git.create_issue`; "));
    }
    let plain = "there is no tool `git.create_issues`; `tools.$list()` gives those that there are";
    assert_eq!(refusal(&gate, "git.create_issues").await.message, plain);
}

#[tokio::test(start_paused = true)]
async fn a_check_warns_of_tools_that_are_always_refused_and_waits_as_long_as_an_upstream_may_take() {
    let seen = Seen::default();
    let (slow, _) = server(&seen, "slow", &["slow"]);
    let gateway = Gateway::new(vec![slow, typed(&seen)], Strictness::Strict).unwrap();
    let [slow, typed] = gateway.check().await.try_into().unwrap();
    assert_eq!((slow.tools.unwrap(), slow.warnings), (1, vec![]));
    let untyped = "calls of `x.untyped` fail: it has no input schema, and validation is strict".to_owned();
    assert!(typed.warnings.contains(&untyped), "{:?}", typed.warnings);
}

#[tokio::test]
async fn r20_searches_and_descriptions_are_bounded_for_whoever_asks() {
    let seen = Seen::default();
    let gateway = gateway(vec![local(&seen, "x", &["y"])]);
    let policy = policy(&["*"]);
    for (query, limit) in [("", 1), (&*"y".repeat(MAX_QUERY_BYTES + 1), 1), ("y", 0), ("y", MAX_SEARCH_RESULTS + 1)] {
        let error = gateway.search(&policy, query, limit).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{error}");
    }
    assert!(gateway.search(&policy, &"y".repeat(MAX_QUERY_BYTES), MAX_SEARCH_RESULTS).await.is_ok());
    for names in [0, MAX_DESCRIBED + 1] {
        let error = gateway.describe(&policy, &vec!["x.y".to_owned(); names]).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{error}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_fails_its_own_calls_alone() {
    let seen = Seen::default();
    let dial = || duplex(1).0;
    let dead = Upstream::connectable(UpstreamConfig::new("dead", UpstreamKind::Pipe(Arc::new(dial), None))).unwrap();
    let gateway = gateway(vec![dead, local(&seen, "x", &["y"])]);
    let gate = gateway.open(policy(&["*"]), Language::TypeScript, limits(), None);
    let error = refusal(&gate, "dead.y").await;
    assert_eq!(error.code, ErrorCode::UpstreamUnavailable);
    assert!(call(&gate, "x.y", "{}").await.is_ok());
    assert_eq!(gateway.tools(&policy(&["*"])).await.len(), 1);
    let found = gateway.search(&policy(&["*"]), "y", 10).await.unwrap();
    assert_eq!((found.tools.len(), found.unavailable.len(), found.unavailable[0].id.as_str()), (1, 1, "dead"));
    let names = ["dead.y", "x.z", "x.y", "x.y"].map(str::to_owned);
    let described = gateway.describe(&policy(&["*"]), &names).await.unwrap();
    let tools = |errors: &[ToolError]| errors.iter().map(|error| error.tool.clone()).collect::<Vec<_>>();
    assert_eq!(described.tools.len(), 1);
    assert_eq!(
        (tools(&described.not_found), tools(&described.unavailable)),
        (vec!["x.z".into()], vec!["dead.y".into()])
    );
    let status: Vec<_> = gateway.check().await.into_iter().map(|status| (status.id, status.tools.is_ok())).collect();
    assert_eq!(status, [("dead".to_owned(), false), ("x".to_owned(), true)]);
}

#[tokio::test]
async fn u20_an_answer_about_tools_is_bounded_like_a_reply() {
    let seen = Seen::default();
    let tools = || {
        let tool = |at: usize| noting(&seen, &format!("tool_{at}")).description("d".repeat(10_000));
        Upstream::local("x", (0..20).map(tool).collect()).unwrap()
    };
    for (question, name, arguments, bytes, tool) in [
        (Question::List, "", "null", 11_000, "$list"),
        (Question::Search, "", "\"tool\"", 5_500, "$search"),
        (Question::Describe, "x.tool_1", "null", 12_300, "x.tool_1"),
    ] {
        let asked = |reply_bytes| {
            let gate =
                gateway(vec![tools()]).open(policy(&["*"]), Language::TypeScript, small_replies(reply_bytes), None);
            async move { gate.ask(question, name, Ok(arguments.into())).await }
        };
        let answer = asked(bytes).await.unwrap();
        assert!(answer.len() as u64 > bytes - 1_000 && answer.contains("..."), "{} of {bytes}", answer.len());
        assert!(asked(answer.len() as u64).await.is_ok());
        let error = asked(answer.len() as u64 - 1).await.unwrap_err();
        assert_eq!((error.code, error.tool.as_str()), (ErrorCode::ReplyTooLarge, tool));
        assert!(error.message.contains("the limit `reply_size` of "), "{}", error.message);
    }
}

/// `class_` is Python's spelling of `class`; what is denied is neither reached by it nor in its way.
#[tokio::test]
async fn t04_pythons_spelling_of_a_name_reaches_no_denied_tool() {
    let seen = Seen::default();
    let names = ["class", "class-", "3d", "read"];
    let reaching = |patterns: &'static [&'static str]| gate(vec![local(&seen, "x", &names)], patterns);
    let allowed = reaching(&["x.class", "x.3d"]);
    for name in ["x.class_", "x._3d"] {
        assert!(call(&allowed, name, "{}").await.is_ok(), "{name}");
    }
    assert_eq!(
        seen.lock().unwrap().drain(..).map(|(name, _)| name).collect::<Vec<_>>(),
        ["x.class".to_owned(), "x.3d".to_owned()]
    );
    // Two that are allowed: neither is meant.
    assert_eq!(refusal(&reaching(&["x.*"]), "x.class_").await.code, ErrorCode::ToolNotFound);
    let denying = reaching(&["x.read"]);
    let refused = |name: &'static str| {
        let denying = &denying;
        async move { refusal(denying, name).await.message.replace(name, "NAME") }
    };
    let missing = refused("x.lambda_").await;
    for name in ["x.class_", "x._3d", "x.class", "x.__class__", "x._4d"] {
        assert_eq!(refused(name).await, missing, "{name}");
    }
    assert!(seen.lock().unwrap().is_empty());
}
