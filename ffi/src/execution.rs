//! Programs under way, for C.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

use conduit_core::{CancelHandle, Embedded, Error, ErrorCode, Event, Execution, Result};
use futures_util::{Stream, StreamExt};

use crate::boundary::{Out, Userdata, caught, conduit_error, conduit_status, conduit_str, entry, freed, lent};
use crate::handles::Table;
use crate::result::{Ended, RESULTS, conduit_result};
use crate::text::Text;

/// A program under way.
pub struct conduit_execution;

/// Hears what happens in an execution, in order and never twice at once, on threads of the library: `event_json` is `Event` of
/// conduit.schema.json, valid during the call. `{NULL, 0}` comes last, when the program has ended. May block, and then holds up
/// nothing but later events; must not unwind.
pub type conduit_event_fn = Option<extern "C" fn(userdata: *mut c_void, event_json: conduit_str)>;

static EXECUTIONS: Table<conduit_execution, Running> = Table::new("execution");

struct Running {
    id: Text,
    embedded: Arc<Embedded>,
    cancel: CancelHandle,
    /// There until somebody joins it.
    execution: Mutex<Option<Execution>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The execution's handle; its events go to `on_event`.
pub(crate) fn started(
    embedded: Arc<Embedded>,
    mut execution: Execution,
    on_event: conduit_event_fn,
    userdata: Userdata,
) -> Result<*mut conduit_execution> {
    if let Some(on_event) = on_event {
        let events = execution.take_events();
        embedded.spawn(hear(Arc::clone(&embedded), events, on_event, Arc::new(userdata)))?;
    }
    Ok(EXECUTIONS.insert(Running {
        id: Text::new(execution.id().to_owned()),
        embedded,
        cancel: execution.cancel_handle(),
        execution: Mutex::new(Some(execution)),
    }))
}

/// Calls the host for each event, the last one too when all handles are freed. A thread is taken for the call alone.
async fn hear(
    _until_the_last: Arc<Embedded>,
    mut events: impl Stream<Item = Event> + Send + Unpin,
    on_event: extern "C" fn(*mut c_void, conduit_str),
    userdata: Arc<Userdata>,
) {
    loop {
        let event = events.next().await.map(|event| serde_json::json!(event).to_string());
        let (is_last, userdata) = (event.is_none(), Arc::clone(&userdata));
        let call = move || on_event(userdata.0, event.as_deref().map_or(conduit_str::NONE, conduit_str::borrowed));
        if tokio::task::spawn_blocking(call).await.is_err() || is_last {
            return;
        }
    }
}

/// The execution's id, as its result has it. Valid until the execution is freed; `{NULL, 0}` when this is no execution.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_execution_id(execution: *const conduit_execution) -> conduit_str {
    lent(|| Ok(EXECUTIONS.get(execution)?.id.lend()))
}

/// Ends the program, from any thread; `conduit_execution_join` then gives what it had produced. One that has ended, or is no
/// execution, is left alone.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_execution_cancel(execution: *const conduit_execution) {
    let _ = caught(|| EXECUTIONS.get(execution).map(|running| running.cancel.cancel()));
}

/// Waits for the end, and gives the result once.
///
/// Errors: as `conduit_runtime_execute`; `invalid_request` when it was joined already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_execution_join(
    execution: *const conduit_execution,
    result_out: *mut *mut conduit_result,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    entry(error_out, || {
        let out = Out::new(result_out)?;
        let running = EXECUTIONS.get(execution)?;
        let execution = running.execution.lock().unwrap_or_else(PoisonError::into_inner).take();
        let execution =
            execution.ok_or_else(|| Error::new(ErrorCode::InvalidRequest, "the execution was joined already"))?;
        let result = running.embedded.block_on(execution.join())??;
        out.write(RESULTS.insert(Ended::new(result)))
    })
}

/// Ends the program if it still runs, and frees the execution. NULL is fine. Events may still come until the last.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_execution_free(execution: *mut conduit_execution) {
    conduit_execution_cancel(execution);
    freed(&EXECUTIONS, execution);
}
