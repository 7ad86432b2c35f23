//! Runtimes, for C.

use std::ffi::c_void;
use std::sync::Arc;

use conduit_core::{Embedded, Error, ErrorCode, ExecutionRequest, Language, Question, Result, ToolPattern};
use serde::de::DeserializeOwned;

use crate::boundary::{Out, Userdata, caught, conduit_error, conduit_free_fn, conduit_status, conduit_str, entry};
use crate::execution::{conduit_event_fn, conduit_execution, started};
use crate::handles::Table;
use crate::result::{Ended, RESULTS, conduit_result};
use crate::text::{TEXTS, Text, conduit_text};

/// Runs programs. All threads may share it.
pub struct conduit_runtime;

pub(crate) static RUNTIMES: Table<conduit_runtime, Embedded> = Table::new("runtime");

/// Runs one program to its end, and waits for it. `request_json` is `ExecutionRequest` of conduit.schema.json, such as
/// `{"language": "typescript", "code": "1 + 1"}`.
///
/// Errors: `invalid_request`, `invalid_limit`, `busy` when every place and the queue are full (try again later), `shut_down`,
/// `internal`. A program that throws, breaks a limit or is cancelled is no error but an outcome.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_execute(
    runtime: *const conduit_runtime,
    request_json: conduit_str,
    result_out: *mut *mut conduit_result,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    on_runtime(runtime, error_out, |embedded| {
        let out = Out::new(result_out)?;
        let request = ExecutionRequest::from_json(request_json.read("request_json")?)?;
        let result = embedded.block_on(embedded.runtime()?.execute(request))??;
        out.write(RESULTS.insert(Ended::new(result)))
    })
}

/// Starts one program and does not wait for it. What happens goes to `on_event` (or NULL) with `userdata`; `userdata_free` (or
/// NULL) is called once when nothing uses it any more, also when this function fails.
///
/// Errors: `invalid_request`, `shut_down`, `internal`; what `conduit_runtime_execute` refuses comes from `conduit_execution_join`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_spawn(
    runtime: *const conduit_runtime,
    request_json: conduit_str,
    on_event: conduit_event_fn,
    userdata: *mut c_void,
    userdata_free: conduit_free_fn,
    execution_out: *mut *mut conduit_execution,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    let userdata = Userdata(userdata, userdata_free);
    on_runtime(runtime, error_out, |embedded| {
        let out = Out::new(execution_out)?;
        let request = ExecutionRequest::from_json(request_json.read("request_json")?)?;
        let execution = embedded.block_on(async { embedded.runtime()?.spawn(request) })??;
        out.write(started(Arc::clone(embedded), execution, on_event, userdata)?)
    })
}

/// The tools that a request with the allow-list `allow_json` (a JSON array of patterns; no text: the operator's) may call, as a JSON array of
/// `Tool` of conduit.schema.json. Connects what is not connected; what cannot be is left out.
///
/// Errors: `invalid_request`, `shut_down`, `internal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_tools(
    runtime: *const conduit_runtime,
    allow_json: conduit_str,
    text_out: *mut *mut conduit_text,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    asked(runtime, text_out, error_out, || Ok(Question::Tools { allow: patterns(allow_json)? }))
}

/// The tools that fit `query` best, at most `limit` of them (0: 10), as `Found` of conduit.schema.json.
///
/// Errors: `invalid_request` when the query is empty or too long or the limit too high, `shut_down`, `internal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_search_tools(
    runtime: *const conduit_runtime,
    query: conduit_str,
    limit: u32,
    allow_json: conduit_str,
    text_out: *mut *mut conduit_text,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    asked(runtime, text_out, error_out, || {
        let (query, limit) = (query.read("query")?.to_owned(), (limit != 0).then_some(limit as usize));
        Ok(Question::SearchTools { query, limit, allow: patterns(allow_json)? })
    })
}

/// The tools that `names_json` (a JSON array of `upstream.tool`) mean, as `Described` of conduit.schema.json.
///
/// Errors: `invalid_request` when there are no names or too many, `shut_down`, `internal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_describe_tools(
    runtime: *const conduit_runtime,
    names_json: conduit_str,
    allow_json: conduit_str,
    text_out: *mut *mut conduit_text,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    asked(runtime, text_out, error_out, || {
        Ok(Question::DescribeTools { names: parsed(names_json, "names_json")?, allow: patterns(allow_json)? })
    })
}

/// What a model should read before it writes a program in `language` (`typescript` or `python`): the tools that `allow_json`
/// leaves, as types.
///
/// Errors: `invalid_request`, `shut_down`, `internal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_declarations(
    runtime: *const conduit_runtime,
    language: conduit_str,
    allow_json: conduit_str,
    text_out: *mut *mut conduit_text,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    on_runtime(runtime, error_out, |embedded| {
        let (out, runtime) = (Out::new(text_out)?, embedded.runtime()?);
        let language = Language::parse(language.read("language")?)?;
        let allow = patterns(allow_json)?;
        let text = embedded.block_on(async {
            let tools = runtime.tools(allow.as_deref()).await;
            runtime.declarations(language, tools).await
        })??;
        out.write(TEXTS.insert(Text::new(text)))
    })
}

/// Connects every upstream, and says how that went: a JSON array of `UpstreamStatus` of conduit.schema.json.
///
/// Errors: `shut_down`, `internal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_check(
    runtime: *const conduit_runtime,
    text_out: *mut *mut conduit_text,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    asked(runtime, text_out, error_out, || Ok(Question::Check {}))
}

/// Refuses what comes, cancels what runs, waits until it has been reported, half a second at most, and ends every connection.
/// Calling it again does no harm.
///
/// Errors: `shut_down` in a forked process, `internal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_runtime_shutdown(
    runtime: *const conduit_runtime,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    on_runtime(runtime, error_out, |embedded| embedded.block_on(embedded.runtime()?.shutdown()))
}

/// Ends what runs, as `conduit_runtime_shutdown` does, and frees the runtime. NULL is fine. Functions of the host that run are not
/// interrupted; their answers are too late.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_runtime_free(runtime: *mut conduit_runtime) {
    let _ = caught(|| {
        let embedded = RUNTIMES.remove(runtime)?;
        embedded.block_on(embedded.runtime()?.shutdown())
    });
}

/// An entry that works on a runtime. A panic within it leaves nobody a runtime of which nothing is certain.
unsafe fn on_runtime(
    runtime: *const conduit_runtime,
    error_out: *mut *mut conduit_error,
    body: impl FnOnce(&Arc<Embedded>) -> Result<()>,
) -> conduit_status {
    entry(error_out, || {
        let embedded = RUNTIMES.get(runtime)?;
        caught(|| body(&embedded)).inspect_err(|_| drop(RUNTIMES.remove(runtime)))?
    })
}

/// An entry that gives the answer to a question.
unsafe fn asked(
    runtime: *const conduit_runtime,
    text_out: *mut *mut conduit_text,
    error_out: *mut *mut conduit_error,
    question: impl FnOnce() -> Result<Question>,
) -> conduit_status {
    on_runtime(runtime, error_out, |embedded| {
        let (out, runtime) = (Out::new(text_out)?, embedded.runtime()?);
        let text = embedded.block_on(question()?.answer(runtime))??;
        out.write(TEXTS.insert(Text::new(text)))
    })
}

unsafe fn parsed<T: DeserializeOwned>(text: conduit_str, what: &str) -> Result<T> {
    let text = text.read(what)?;
    serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorCode::InvalidRequest, format!("`{what}` is not understood")).with_source(error)
    })
}

unsafe fn patterns(text: conduit_str) -> Result<Option<Vec<ToolPattern>>> {
    if text.len == 0 { Ok(None) } else { parsed(text, "allow_json") }
}
