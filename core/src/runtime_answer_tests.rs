//! Programs whose calls are answered by threads that are not Conduit's.

use super::*;

/// A function `slow` that another thread answers, as an embedding program's would, and what gives it its answer.
fn answered_elsewhere() -> (LocalTool, std::sync::mpsc::Receiver<tokio::sync::oneshot::Sender<Value>>) {
    let (sender, calls) = std::sync::mpsc::channel();
    let slow = LocalTool::new("slow", move |_: Map<String, Value>, _: CallContext| {
        let (answer, answered) = tokio::sync::oneshot::channel();
        sender.send(answer).unwrap();
        async move { answered.await.map_err(|_| LocalToolError::new("it was not answered")) }
    });
    (slow, calls)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn r10_who_answers_a_call_does_not_read_a_long_one() {
    let (slow, calls) = answered_elsewhere();
    let reader = Arc::new(std::sync::Mutex::new(Vec::new()));
    let reads = Arc::clone(&reader);
    let long = LocalTool::new("long", move |_: Map<String, Value>, _: CallContext| {
        reads.lock().unwrap().push(std::thread::current().id());
        async move { Ok(1.into()) }
    });
    let (builder, _told) = builder();
    let limits = LimitsRequest { tool_calls_in_flight: Some(1), ..LimitsRequest::default() };
    let runtime = builder.host_tool(slow).host_tool(long).limits(limits).build().unwrap();
    let answering = std::thread::spawn(move || {
        for answer in calls {
            // By then nobody else goes on with the program.
            std::thread::sleep(Duration::from_millis(20));
            task::go_on_here(|| answer.send(1.into()).unwrap());
        }
    });
    let id = answering.thread().id();
    let mut read_here = [0; 2];
    for (length, read_here) in [10, 100_000].into_iter().zip(&mut read_here) {
        let code =
            format!("await Promise.all([tools.host.slow({{}}), tools.host.long({{text: 'x'.repeat({length})}})])");
        for _ in 0..5 {
            assert_eq!(value(&runtime, &code).await, json!([1, 1]));
            *read_here += usize::from(reader.lock().unwrap().pop() == Some(id));
        }
    }
    assert!(read_here[0] > 0 && read_here[1] == 0, "{read_here:?}");
    drop(runtime);
    answering.join().unwrap();
}

#[test]
fn r01_wall_time_ends_a_program_whose_tokio_is_not_driven() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (slow, calls) = answered_elsewhere();
    let (builder, _told) = builder();
    let limits = LimitsRequest { wall_time_ms: Some(300), ..LimitsRequest::default() };
    let runtime = builder.host_tool(slow).limits(limits).build().unwrap();
    let code = "for (;;) await tools.host.slow({})";
    let (execution, answer) = tokio.block_on(soon(async {
        let execution = runtime.spawn(program(code)).unwrap();
        loop {
            match calls.try_recv() {
                Ok(answer) => break (execution, answer),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }));
    std::thread::sleep(Duration::from_millis(400));
    task::go_on_here(|| answer.send(1.into()).unwrap());
    assert!(calls.recv_timeout(Duration::from_secs(1)).is_err(), "it calls after its time");
    let result = tokio.block_on(execution.join()).unwrap();
    assert!(matches!(result.outcome, Outcome::LimitExceeded { limit: Limit::WallTime, .. }), "{:?}", result.outcome);
}
