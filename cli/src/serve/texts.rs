//! Results as a model reads them.

use std::fmt::Write;

use conduit_core::{ExecutionResult, Outcome, Shown, Tool, UpstreamStatus};

use crate::exec::describe;

/// How many failed calls of tools are named.
const FAILED_CALLS: usize = 10;
/// How much of a tool's description a list shows, in characters.
const DESCRIPTION: usize = 200;

/// How the program ended, what it gave and what it printed.
pub(super) fn summary(result: &ExecutionResult) -> String {
    let mut text = String::new();
    let mut section = |heading: &str, body: &str| {
        let body = body.trim_end_matches('\n');
        if !body.is_empty() {
            let separator = if text.is_empty() { "" } else { "\n\n" };
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{separator}{heading}\n{body}");
        }
    };
    match &result.outcome {
        Outcome::Completed => section("value:", &format!("{:#}", result.value)),
        Outcome::Failed { error } => section("failed:", &describe(error)),
        Outcome::LimitExceeded { message, .. } => section("limit exceeded:", message),
        outcome => section("ended:", outcome.status()),
    }
    section("stdout:", &result.stdout);
    section("stderr:", &result.stderr);
    section("tool calls:", &calls(result));
    text
}

/// One tool in a list: its name and the first lines of what it says of itself.
pub(super) fn line(tool: &Tool) -> String {
    let words = tool.description.as_deref().unwrap_or_default().split_whitespace();
    let description = words.collect::<Vec<_>>().join(" ");
    format!("- `{}`: {}\n", tool.name, Shown(&description, DESCRIPTION))
}

/// Why a list lacks the tools of one upstream.
pub(super) fn unavailable(upstream: &UpstreamStatus) -> String {
    match &upstream.tools {
        Ok(_) => String::new(),
        Err(error) => format!("- the tools of `{}` are missing here: {}\n", upstream.id, error.message()),
    }
}

/// How many calls there were, and which of them failed.
fn calls(result: &ExecutionResult) -> String {
    let count = result.tool_calls.len();
    if count == 0 {
        return String::new();
    }
    let failed: Vec<_> = result
        .tool_calls
        .iter()
        .filter_map(|call| call.error.map(|error| format!("\n- `{}`: {error}", Shown(&call.tool, 200))))
        .collect();
    let named = failed.iter().take(FAILED_CALLS).map(String::as_str).collect::<String>();
    format!("{count}, of which {} failed{named}", failed.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduit_core::{ErrorCode, GuestError, Limit, ToolCallRecord};
    use serde_json::{Value, json};

    fn result(outcome: Outcome, value: Value) -> ExecutionResult {
        let mut result = ExecutionResult::new("1", outcome);
        result.value = value;
        result
    }

    fn call(tool: &str, error: Option<ErrorCode>) -> ToolCallRecord {
        let mut record = ToolCallRecord::default();
        (record.tool, record.error) = (tool.into(), error);
        record
    }

    #[test]
    fn a_model_reads_what_happened() {
        assert_eq!(summary(&result(Outcome::Completed, Value::Null)), "value:\nnull");
        let mut completed = result(Outcome::Completed, json!({"a": 1}));
        completed.stdout = "hello\n".into();
        completed.stderr = "oh\n".into();
        completed.tool_calls = vec![call("a.b", None), call("a.c", Some(ErrorCode::InvalidArguments))];
        assert_eq!(
            summary(&completed),
            "value:\n{\n  \"a\": 1\n}\n\nstdout:\nhello\n\nstderr:\noh\n\ntool calls:\n2, of which 1 failed\n- `a.c`: invalid_arguments"
        );
        let mut error = GuestError::default();
        (error.name, error.message, error.stack) = ("TypeError".into(), "no".into(), "    at f".into());
        (error.line, error.column) = (Some(2), Some(4));
        assert_eq!(
            summary(&result(Outcome::Failed { error }, Value::Null)),
            "failed:\nTypeError: no (line 2, column 4)\n    at f"
        );
        let mut error = GuestError::default();
        (error.name, error.message, error.line) = ("ValueError".into(), "no".into(), Some(2));
        error.stack =
            "Traceback (most recent call last):\n  File \"program.py\", line 2, in <module>\nValueError: no\n".into();
        assert_eq!(
            summary(&result(Outcome::Failed { error }, Value::Null)),
            "failed:\nTraceback (most recent call last):\n  File \"program.py\", line 2, in <module>\nValueError: no"
        );
        let limit = Limit::CpuTime;
        let exceeded = Outcome::LimitExceeded { limit, message: limit.exceeded(5) };
        assert_eq!(
            summary(&result(exceeded, Value::Null)),
            "limit exceeded:\nthe program went over its limit `cpu_time` of 5 ms, compute less, or in several runs"
        );
        assert_eq!(summary(&result(Outcome::Cancelled, Value::Null)), "ended:\ncancelled");
    }
}
