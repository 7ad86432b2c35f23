//! Calls of the host's tools, as C answers them: at once or later, from any thread, once.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

use conduit_core::{CallContext, Error, ErrorCode, LocalFunction, LocalToolError, Result, go_on_here};
use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};

use crate::boundary::{Userdata, caught, conduit_error, conduit_status, conduit_str, entry, lent};
use crate::handles::Table;
use crate::text::Text;

/// One call of a tool of the host's. It is the host's until it answers with `conduit_call_reply` or `conduit_call_fail`, which
/// every call needs once, before or after the function returns.
pub struct conduit_call;

/// A tool of the host's. May block; must not unwind or jump out of the library's frames, so C++ catches what it throws.
pub type conduit_tool_fn = Option<extern "C" fn(userdata: *mut c_void, call: *mut conduit_call)>;

/// How many of a runtime's functions run at once; further calls wait. Of tokio's 512 threads the rest is the library's own.
pub(crate) const HOST_THREADS: usize = 400;

static CALLS: Table<conduit_call, Call> = Table::new("call");

type Answer = Result<Value, LocalToolError>;

struct Call {
    tool: Text,
    execution: Text,
    arguments: Text,
    answer: Mutex<Option<oneshot::Sender<Answer>>>,
}

/// The host's function as core calls it.
pub(crate) fn local_function(
    function: extern "C" fn(*mut c_void, *mut conduit_call),
    userdata: Userdata,
    threads: Arc<Semaphore>,
) -> LocalFunction {
    let userdata = Arc::new(userdata);
    Arc::new(move |arguments, context: CallContext| {
        let (userdata, threads) = (Arc::clone(&userdata), Arc::clone(&threads));
        Box::pin(async move {
            // SECURITY: functions that never return take no thread that others wait for.
            let thread = threads.acquire_owned().await.map_err(|error| error.to_string())?;
            let (sender, receiver) = oneshot::channel();
            let handle = CALLS.insert(Call {
                tool: Text::new(context.tool.to_string()),
                execution: Text::new(context.execution.to_string()),
                arguments: Text::new(Value::Object(arguments).to_string()),
                answer: Mutex::new(Some(sender)),
            });
            let handle = handle.addr();
            tokio::task::spawn_blocking(move || {
                let _thread = thread;
                function(userdata.0, std::ptr::without_provenance_mut(handle));
            });
            receiver.await.unwrap_or_else(|_| Err("the host lost the call".into()))
        })
    })
}

/// The tool's full name, such as `host.weather`. Valid until the call is answered; `{NULL, 0}` when this is no call.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_call_tool(call: *const conduit_call) -> conduit_str {
    lent(|| Ok(CALLS.get(call)?.tool.lend()))
}

/// The id of the execution whose program calls. Valid until the call is answered; `{NULL, 0}` when this is no call.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_call_execution(call: *const conduit_call) -> conduit_str {
    lent(|| Ok(CALLS.get(call)?.execution.lend()))
}

/// The arguments, a JSON object that fits the tool's `inputSchema`. Valid until the call is answered; `{NULL, 0}` when this is
/// no call.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_call_arguments(call: *const conduit_call) -> conduit_str {
    lent(|| Ok(CALLS.get(call)?.arguments.lend()))
}

/// Whether nobody waits for the answer any more: the program has ended, or the call's time is over. Answer all the same.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_call_is_cancelled(call: *const conduit_call) -> bool {
    let waits =
        |call: Arc<Call>| call.answer.lock().is_ok_and(|answer| answer.as_ref().is_some_and(|it| !it.is_closed()));
    !caught(|| CALLS.get(call).is_ok_and(waits)).unwrap_or(false)
}

/// Answers a call with a value, and ends it. No text is `null`. The library looks at the answer on this thread, which for a large one
/// takes a while.
///
/// Errors: `invalid_request` when `value_json` is not JSON (the call is still to be answered), or this call was answered already;
/// `cancelled` when nobody waits for the answer any more (the call is ended).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_call_reply(
    call: *mut conduit_call,
    value_json: conduit_str,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    entry(error_out, || answer(call, Ok(json(value_json, "value_json")?)))
}

/// Answers a call with an error that the program can catch, and ends it. `message` is for the model that wrote the program;
/// `content_json` is further data for it, or no text.
///
/// Errors: as `conduit_call_reply`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_call_fail(
    call: *mut conduit_call,
    message: conduit_str,
    content_json: conduit_str,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    entry(error_out, || {
        let message = message.read("message")?.to_owned();
        let content = json(content_json, "content_json")?;
        answer(call, Err(LocalToolError { message, content }))
    })
}

unsafe fn json(text: conduit_str, what: &str) -> Result<Value> {
    let text = text.read(what)?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text)
        .map_err(|error| Error::new(ErrorCode::InvalidRequest, format!("`{what}` is not JSON")).with_source(error))
}

fn answer(handle: *mut conduit_call, answer: Answer) -> Result<()> {
    // SECURITY: the first answer takes the call out of the table, so there is no second one.
    let call = CALLS.remove(handle)?;
    let sender = call.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    let sent = sender.is_some_and(|sender| go_on_here(|| sender.send(answer)).is_ok());
    sent.then_some(()).ok_or_else(|| Error::new(ErrorCode::Cancelled, "nobody waits for this call any more"))
}
