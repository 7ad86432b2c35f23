//! How an execution ended, for C.

use std::sync::OnceLock;

use conduit_core::{ExecutionResult, Outcome};

use crate::boundary::{caught, conduit_str, freed, lent};
use crate::handles::Table;
use crate::text::Text;

/// How an execution ended and what it gave.
pub struct conduit_result;

pub(crate) static RESULTS: Table<conduit_result, Ended> = Table::new("result");

/// How an execution ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum conduit_outcome {
    /// The program ended by itself.
    Completed = 0,
    /// The program threw, or is not a program: `outcome.error` of the JSON.
    Failed = 1,
    /// The program broke a limit: `outcome.limit` and `outcome.message` of the JSON.
    LimitExceeded = 2,
    /// The host cancelled it, or what was asked about is no result.
    Cancelled = 3,
}

/// A result, and what C has asked of it.
pub(crate) struct Ended {
    result: ExecutionResult,
    json: OnceLock<Text>,
    value: OnceLock<Text>,
}

impl Ended {
    pub(crate) fn new(result: ExecutionResult) -> Ended {
        Ended { result, json: OnceLock::new(), value: OnceLock::new() }
    }
}

/// How the execution ended.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_result_outcome(result: *const conduit_result) -> conduit_outcome {
    let outcome = caught(|| {
        RESULTS.get(result).map(|ended| match ended.result.outcome {
            Outcome::Completed => conduit_outcome::Completed,
            Outcome::LimitExceeded { .. } => conduit_outcome::LimitExceeded,
            Outcome::Cancelled => conduit_outcome::Cancelled,
            _ => conduit_outcome::Failed,
        })
    });
    outcome.and_then(|outcome| outcome).unwrap_or(conduit_outcome::Cancelled)
}

/// The whole result as JSON: `ExecutionResult` of conduit.schema.json. Valid until the result is freed; `{NULL, 0}` when this is
/// no result.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_result_json(result: *const conduit_result) -> conduit_str {
    lent(|| {
        let ended = RESULTS.get(result)?;
        Ok(ended.json.get_or_init(|| Text::new(serde_json::json!(ended.result).to_string())).lend())
    })
}

/// The program's value as JSON, `null` unless it completed. Valid until the result is freed.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_result_value(result: *const conduit_result) -> conduit_str {
    lent(|| {
        let ended = RESULTS.get(result)?;
        Ok(ended.value.get_or_init(|| Text::new(ended.result.value.to_string())).lend())
    })
}

/// What the program wrote to standard output. Valid until the result is freed.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_result_stdout(result: *const conduit_result) -> conduit_str {
    lent(|| Ok(conduit_str::borrowed(&RESULTS.get(result)?.result.stdout)))
}

/// What the program wrote to standard error. Valid until the result is freed.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_result_stderr(result: *const conduit_result) -> conduit_str {
    lent(|| Ok(conduit_str::borrowed(&RESULTS.get(result)?.result.stderr)))
}

/// Frees a result. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_result_free(result: *mut conduit_result) {
    freed(&RESULTS, result);
}
