//! Programs of all languages in one runtime: they overlap, and each finds a world of its own.

use conduit_core::{ExecutionRequest, Language, LocalTool, Outcome, Policy, Runtime, ToolPattern};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Leaves a mark wherever a program can, waits for a tool while others do, and gives the mark that it finds then.
const MARKING: [(Language, &str); 2] = [
    (
        Language::TypeScript,
        "const before = [(globalThis as any).mark, (Array.prototype as any).mark];
        (globalThis as any).mark = (Array.prototype as any).mark = input;
        await tools.host.meet({});
        return [before.every((mark) => mark === undefined), (globalThis as any).mark, ([] as any).mark]",
    ),
    (
        Language::Python,
        "
import builtins, json, os, sys
before = [hasattr(builtins, 'mark'), hasattr(json, 'mark'), 'mark' in os.environ, 'mark' in sys.modules, 'mark' in sys.path]
builtins.mark = json.mark = sys.modules['mark'] = input
os.environ['mark'] = str(input)
sys.path.append('mark')
await tools.host.meet()
return [not any(before), mark, int(os.environ['mark'])]",
    ),
];

/// As many of each language as there are at once.
const EACH: i64 = 20;

fn runtime() -> Runtime {
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(2 * EACH as usize));
    let meet = LocalTool::new("meet", move |_, _| {
        let barrier = std::sync::Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Ok(Value::Null)
        }
    });
    let everything = Policy::allow([ToolPattern::parse("*").unwrap()]);
    Runtime::builder().host_tool(meet).policy(everything).max_executions(2 * EACH as u32).build().unwrap()
}

#[tokio::test]
async fn g40_programs_of_both_languages_overlap_and_share_nothing() {
    let runtime = runtime();
    // The second time, each runs where another one was.
    for round in 0..2 {
        let requests = (0..EACH).flat_map(|at| MARKING.map(|(language, code)| (at + round * EACH, language, code)));
        let results = join_all(requests.map(|(mark, language, code)| {
            let request = ExecutionRequest::new(language, code).input(json!(mark));
            let runtime = runtime.clone();
            async move { (mark, runtime.execute(request).await.unwrap()) }
        }));
        for (mark, result) in results.await {
            assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
            assert_eq!(result.value, json!([true, mark, mark]));
        }
    }
}

#[tokio::test]
async fn g45_code_is_executable_and_never_writable() {
    let runtime = Runtime::builder().build().unwrap();
    for language in Language::ALL {
        let result = runtime.execute(ExecutionRequest::new(*language, "1 + 1")).await.unwrap();
        assert_eq!(result.value, 2);
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let writable_code = maps.lines().filter(|line| line.split(' ').nth(1).unwrap().starts_with("rwx"));
    assert_eq!(writable_code.collect::<Vec<_>>(), [""; 0]);
}
