use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::ptr::{null, null_mut, without_provenance_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use conduit_core::ErrorCode;

use crate::boundary::*;
use crate::builder::*;
use crate::call::*;
use crate::conduit_guide;
use crate::execution::*;
use crate::result::*;
use crate::runtime::*;
use crate::text::*;

thread_local! {
    /// The entry of this thread that panics, counted from 1.
    static FAILS_AT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Every entry passes here within what catches its panics.
pub(crate) fn fail_point() {
    match FAILS_AT.get() {
        Some(1) => {
            FAILS_AT.set(None);
            panic!("injected");
        }
        left => FAILS_AT.set(left.map(|left| left - 1)),
    }
}

/// What `body` gives when its `entry`th entry panics.
fn failing<T>(entry: u32, body: impl FnOnce() -> T) -> T {
    FAILS_AT.set(Some(entry));
    let value = body();
    assert_eq!(FAILS_AT.get(), None, "there was no such entry");
    value
}

const NONE: conduit_str = conduit_str::NONE;
const INTERNAL: conduit_status = ErrorCode::Internal.number();
const INVALID_REQUEST: conduit_status = ErrorCode::InvalidRequest.number();

fn text(text: conduit_str) -> String {
    unsafe { text.read("text") }.unwrap().to_owned()
}

/// The status of a call and the message of its error.
fn failure(call: impl FnOnce(*mut *mut conduit_error) -> conduit_status) -> (conduit_status, String) {
    let mut error = null_mut();
    let status = call(&raw mut error);
    assert_eq!(conduit_error_status(error), status);
    let message = text(conduit_error_message(error));
    conduit_error_free(error);
    (status, message)
}

fn made<T>(call: impl FnOnce(*mut *mut T) -> conduit_status) -> *mut T {
    let mut out = null_mut();
    assert_eq!(call(&raw mut out), OK);
    out
}

static KEPT: Mutex<Option<mpsc::Sender<usize>>> = Mutex::new(None);

/// Keeps its call for the test that holds the other end of `KEPT`.
extern "C" fn keep(_userdata: *mut c_void, call: *mut conduit_call) {
    KEPT.lock().unwrap().as_ref().unwrap().send(call.addr()).unwrap();
}

const CONFIG: &str = r#"{"policy": {"allow": ["host.*"]}, "languages": ["typescript"], "max_executions": 1}"#;
const CALLS: &str = r#"{"language": "typescript", "code": "return await tools.host.keep({})"}"#;

fn runtime() -> *mut conduit_runtime {
    let builder = made(|out| unsafe { conduit_builder_new(conduit_str::borrowed(CONFIG), out, null_mut()) });
    let definition = conduit_str::borrowed(r#"{"name": "keep"}"#);
    let added = unsafe { conduit_builder_add_tool(builder, definition, Some(keep), null_mut(), None, null_mut()) };
    assert_eq!(added, OK);
    made(|out| unsafe { conduit_builder_build(builder, out, null_mut()) })
}

fn is_runtime(runtime: *const conduit_runtime) -> bool {
    RUNTIMES.get(runtime).is_ok()
}

/// A handle of each kind.
struct Live {
    error: *mut conduit_error,
    text: *mut conduit_text,
    result: *mut conduit_result,
    builder: *mut conduit_builder,
    runtime: *mut conduit_runtime,
    execution: *mut conduit_execution,
    call: *mut conduit_call,
}

/// The sender of calls is one for the process: these tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn live() -> Live {
    let (sender, receiver) = mpsc::channel();
    *KEPT.lock().unwrap() = Some(sender);
    let runtime = runtime();
    let one =
        conduit_str::borrowed(r#"{"language": "typescript", "code": "console.log(1); console.error(2); return 3"}"#);
    let calls = conduit_str::borrowed(CALLS);
    let (mut error, mut none) = (null_mut(), null_mut());
    assert_ne!(unsafe { conduit_builder_from_file(NONE, &raw mut none, &raw mut error) }, OK);
    let result = made(|out| unsafe { conduit_runtime_execute(runtime, one, out, null_mut()) });
    let execution =
        made(|out| unsafe { conduit_runtime_spawn(runtime, calls, None, null_mut(), None, out, null_mut()) });
    Live {
        error,
        result,
        execution,
        text: made(|out| unsafe { conduit_runtime_check(runtime, out, null_mut()) }),
        builder: made(|out| unsafe { conduit_builder_new(NONE, out, null_mut()) }),
        call: without_provenance_mut(receiver.recv().unwrap()),
        runtime,
    }
}

type Fallible = Box<dyn Fn(*mut *mut conduit_error) -> conduit_status>;

/// Those that work on a runtime; it may be none.
fn on_a_runtime(runtime: *const conduit_runtime) -> Vec<(&'static str, Fallible)> {
    /// As much of a place as an entry needs that fails.
    fn text() -> *mut *mut conduit_text {
        Box::leak(Box::new(null_mut()))
    }
    let none = null_mut::<c_void>();
    vec![
        ("execute", Box::new(move |error| unsafe { conduit_runtime_execute(runtime, NONE, null_mut(), error) })),
        (
            "spawn",
            Box::new(move |error| unsafe { conduit_runtime_spawn(runtime, NONE, None, none, None, null_mut(), error) }),
        ),
        ("tools", Box::new(move |error| unsafe { conduit_runtime_tools(runtime, NONE, text(), error) })),
        (
            "search_tools",
            Box::new(move |error| unsafe { conduit_runtime_search_tools(runtime, NONE, 0, NONE, text(), error) }),
        ),
        (
            "describe_tools",
            Box::new(move |error| unsafe { conduit_runtime_describe_tools(runtime, NONE, NONE, text(), error) }),
        ),
        (
            "declarations",
            Box::new(move |error| unsafe { conduit_runtime_declarations(runtime, NONE, NONE, text(), error) }),
        ),
        ("check", Box::new(move |error| unsafe { conduit_runtime_check(runtime, text(), error) })),
        ("shutdown", Box::new(move |error| unsafe { conduit_runtime_shutdown(runtime, error) })),
    ]
}

fn on_others(live: &Live) -> Vec<(&'static str, Fallible)> {
    let (builder, call, execution) = (live.builder, live.call, live.execution);
    let none = null_mut::<c_void>();
    vec![
        ("builder_new", Box::new(move |error| unsafe { conduit_builder_new(NONE, null_mut(), error) })),
        ("builder_from_file", Box::new(move |error| unsafe { conduit_builder_from_file(NONE, null_mut(), error) })),
        (
            "builder_add_tool",
            Box::new(move |error| unsafe { conduit_builder_add_tool(builder, NONE, None, none, None, error) }),
        ),
        ("builder_build", Box::new(move |error| unsafe { conduit_builder_build(builder, null_mut(), error) })),
        ("call_reply", Box::new(move |error| unsafe { conduit_call_reply(call, NONE, error) })),
        ("call_fail", Box::new(move |error| unsafe { conduit_call_fail(call, NONE, NONE, error) })),
        ("execution_join", Box::new(move |error| unsafe { conduit_execution_join(execution, null_mut(), error) })),
    ]
}

type Harmless = Box<dyn Fn() -> bool>;

/// Those that cannot fail: each asks a live handle, and says whether the answer is the harmless one, or does nothing to it.
fn others(live: &Live) -> Vec<(&'static str, Harmless)> {
    let Live { error, text, result, builder, runtime, execution, call } = *live;
    let is_none = |text: conduit_str| text.ptr.is_null() && text.len == 0;
    vec![
        ("guide", Box::new(move || is_none(unsafe { conduit_guide(conduit_str::borrowed("python")) }))),
        ("error_status", Box::new(move || conduit_error_status(error) == OK)),
        ("error_message", Box::new(move || is_none(conduit_error_message(error)))),
        ("error_json", Box::new(move || is_none(conduit_error_json(error)))),
        ("text_str", Box::new(move || is_none(conduit_text_str(text)))),
        ("result_outcome", Box::new(move || conduit_result_outcome(result) == conduit_outcome::Cancelled)),
        ("result_json", Box::new(move || is_none(conduit_result_json(result)))),
        ("result_value", Box::new(move || is_none(conduit_result_value(result)))),
        ("result_stdout", Box::new(move || is_none(conduit_result_stdout(result)))),
        ("result_stderr", Box::new(move || is_none(conduit_result_stderr(result)))),
        ("call_tool", Box::new(move || is_none(conduit_call_tool(call)))),
        ("call_execution", Box::new(move || is_none(conduit_call_execution(call)))),
        ("call_arguments", Box::new(move || is_none(conduit_call_arguments(call)))),
        ("call_is_cancelled", Box::new(move || conduit_call_is_cancelled(call))),
        ("execution_id", Box::new(move || is_none(conduit_execution_id(execution)))),
        (
            "execution_cancel",
            Box::new(move || {
                conduit_execution_cancel(execution);
                !conduit_call_is_cancelled(call)
            }),
        ),
        (
            "error_free",
            Box::new(move || {
                conduit_error_free(error);
                conduit_error_status(error) != OK
            }),
        ),
        (
            "text_free",
            Box::new(move || {
                conduit_text_free(text);
                !is_none(conduit_text_str(text))
            }),
        ),
        (
            "result_free",
            Box::new(move || {
                conduit_result_free(result);
                !is_none(conduit_result_json(result))
            }),
        ),
        (
            "builder_free",
            Box::new(move || {
                conduit_builder_free(builder);
                failure(|error| unsafe { conduit_builder_add_tool(builder, NONE, None, null_mut(), None, error) })
                    .1
                    .contains("`function` is NULL")
            }),
        ),
        (
            "runtime_free",
            Box::new(move || {
                conduit_runtime_free(runtime);
                is_runtime(runtime)
            }),
        ),
    ]
}

#[test]
fn c03_a_panic_in_any_entry_is_an_error_or_harmless() {
    let _turn = TURN.lock();
    let live = live();
    // The last is all that a process does; core catches its panics.
    let elsewhere = ["conduit_version", "conduit_execution_free", "conduit_worker_main"];
    let mut covered = BTreeSet::from(elsewhere.map(str::to_owned));
    let on_a_runtime = on_a_runtime(live.runtime).into_iter().map(|(name, call)| (format!("runtime_{name}"), call));
    let fallible = on_others(&live).into_iter().map(|(name, call)| (name.to_owned(), call)).chain(on_a_runtime);
    for (name, call) in fallible {
        let (status, message) = failing(1, || failure(call));
        assert_eq!(status, INTERNAL, "{name}");
        assert_eq!(message, "a fault of Conduit itself: injected", "{name}");
        covered.insert(format!("conduit_{name}"));
    }
    for (name, is_harmless) in others(&live) {
        assert!(failing(1, &is_harmless), "{name}");
        covered.insert(format!("conduit_{name}"));
    }
    // It cancels and frees, each for itself: with the first failing it is freed, with the second it is not.
    failing(2, || conduit_execution_free(live.execution));
    assert!(!conduit_execution_id(live.execution).ptr.is_null());
    failing(1, || conduit_execution_free(live.execution));
    assert!(conduit_execution_id(live.execution).ptr.is_null());

    let header = include_str!("../../include/conduit.h").lines();
    let functions =
        header.filter(|line| !line.starts_with(['/', ' ', '#', 't'])).filter_map(|line| line.split_once('('));
    let functions: BTreeSet<_> = functions.filter_map(|(start, _)| start.rsplit([' ', '*']).next()).collect();
    assert_eq!(functions, covered.iter().map(String::as_str).collect());
    conduit_runtime_free(live.runtime);
}

#[test]
fn c03_a_runtime_in_which_something_panicked_is_none_any_more() {
    for at in 0..on_a_runtime(null()).len() {
        let runtime = runtime();
        let (name, call) = on_a_runtime(runtime).swap_remove(at);
        let (status, message) = failing(2, || failure(call));
        assert_eq!((status, message.as_str()), (INTERNAL, "a fault of Conduit itself: injected"), "{name}");
        let (status, message) = failure(|error| unsafe { conduit_runtime_shutdown(runtime, error) });
        let expected = (INVALID_REQUEST, "this is no runtime, or it was freed");
        assert_eq!((status, message.as_str()), expected, "{name}");
    }
}

#[test]
fn c01_what_is_no_text_is_not_read() {
    let runtime = runtime();
    let said = |ptr: &[u8], len: usize| {
        let ptr = if ptr.is_empty() { null() } else { ptr.as_ptr().cast() };
        let mut out = null_mut();
        let request = conduit_str { ptr, len };
        failure(|error| unsafe { conduit_runtime_execute(runtime, request, &raw mut out, error) })
    };
    let refused = |problem: &str| (INVALID_REQUEST, format!("`request_json` {problem}"));
    assert_eq!(said(b"", 1), refused("is NULL but has a length"));
    assert_eq!(said(b"x", usize::MAX), refused("is longer than memory"));
    assert_eq!(said(b"x", isize::MAX as usize + 1), refused("is longer than memory"));
    conduit_runtime_free(runtime);
}

#[test]
fn c01_what_is_not_utf8_is_no_text() {
    let bytes = b"{\"\xff\"}";
    let config = conduit_str { ptr: bytes.as_ptr().cast(), len: bytes.len() };
    let mut out = null_mut();
    let (status, message) = failure(|error| unsafe { conduit_builder_new(config, &raw mut out, error) });
    assert_eq!(status, INVALID_REQUEST);
    assert!(message.starts_with("`config_json` is not UTF-8"), "{message}");
}

#[test]
fn c01_nothing_is_written_to_a_place_that_is_none() {
    let mut places = [null_mut::<conduit_builder>(); 2];
    let unaligned = places.as_mut_ptr().cast::<u8>().wrapping_add(1).cast();
    for place in [null_mut(), unaligned] {
        let (status, message) = failure(|error| unsafe { conduit_builder_new(NONE, place, error) });
        assert_eq!((status, message.as_str()), (INVALID_REQUEST, "the place for the result is NULL or unaligned"));
    }
    assert_eq!(places, [null_mut(); 2]);
}

#[test]
fn c02_a_handle_that_is_stale_forged_or_of_another_kind_is_none() {
    let builder = made(|out| unsafe { conduit_builder_new(NONE, out, null_mut()) });
    let runtime = runtime();
    let used = |handle: *mut c_void| {
        failure(|error| unsafe { conduit_builder_add_tool(handle.cast(), NONE, None, null_mut(), None, error) }).1
    };
    assert_eq!(used(builder.cast()), "`function` is NULL");
    assert_eq!(used(null_mut()), "the builder is NULL");
    let unknown = "this is no builder, or it was freed";
    for forged in [without_provenance_mut(1), without_provenance_mut(usize::MAX), runtime.cast()] {
        assert_eq!(used(forged), unknown);
    }
    let other = made(|out| unsafe { conduit_builder_new(NONE, out, null_mut()) });
    conduit_builder_free(builder);
    conduit_builder_free(builder);
    assert_eq!(used(builder.cast()), unknown);
    assert_eq!(used(other.cast()), "`function` is NULL");
    conduit_builder_free(other);
    conduit_runtime_free(runtime);
}

#[test]
fn c04_a_call_is_answered_once() {
    let _turn = TURN.lock();
    let live = live();
    let reply =
        |text: &str| failure(|error| unsafe { conduit_call_reply(live.call, conduit_str::borrowed(text), error) });
    assert_eq!(reply("{").0, INVALID_REQUEST);
    assert_eq!(reply("4").0, OK);
    assert_eq!(reply("5"), (INVALID_REQUEST, "this is no call, or it was freed".to_owned()));
    let result = made(|out| unsafe { conduit_execution_join(live.execution, out, null_mut()) });
    assert_eq!(text(conduit_result_value(result)), "4");
    conduit_runtime_free(live.runtime);
}

/// Returns when the test that holds the other end of its userdata has gone.
extern "C" fn hang(userdata: *mut c_void, _call: *mut conduit_call) {
    let gone = unsafe { &*userdata.cast::<Mutex<mpsc::Receiver<()>>>() };
    STARTED.fetch_add(1, Ordering::SeqCst);
    drop(gone.lock());
}

static STARTED: AtomicUsize = AtomicUsize::new(0);

#[test]
fn c04_functions_that_never_return_hold_up_nothing_else() {
    let (held, receiver) = mpsc::channel::<()>();
    let gate: &Mutex<_> = Box::leak(Box::new(Mutex::new(receiver)));
    let locked = gate.lock().unwrap();
    let builder = made(|out| unsafe { conduit_builder_new(conduit_str::borrowed(CONFIG), out, null_mut()) });
    let definition = conduit_str::borrowed(r#"{"name": "hang"}"#);
    let userdata = std::ptr::from_ref(gate).cast_mut().cast();
    assert_eq!(unsafe { conduit_builder_add_tool(builder, definition, Some(hang), userdata, None, null_mut()) }, OK);
    let runtime = made(|out| unsafe { conduit_builder_build(builder, out, null_mut()) });
    let request = r#"{"language": "typescript", "limits": {"tool_calls_in_flight": 1000},
        "code": "await Promise.all(Array.from({ length: 600 }, () => tools.host.hang({})))"}"#;
    let request = conduit_str::borrowed(request);
    let execution =
        made(|out| unsafe { conduit_runtime_spawn(runtime, request, None, null_mut(), None, out, null_mut()) });
    while STARTED.load(Ordering::SeqCst) < HOST_THREADS {
        std::thread::yield_now();
    }
    let (sender, answered) = mpsc::channel();
    let address = runtime.addr();
    std::thread::spawn(move || {
        let language = conduit_str::borrowed("typescript");
        let runtime = without_provenance_mut(address);
        let mut out = null_mut();
        let status = unsafe { conduit_runtime_declarations(runtime, language, NONE, &raw mut out, null_mut()) };
        conduit_text_free(out);
        sender.send(status)
    });
    let status = answered.recv_timeout(Duration::from_secs(20));
    conduit_execution_free(execution);
    drop((locked, held));
    conduit_runtime_free(runtime);
    assert_eq!(status, Ok(OK));
}

/// What `hold_up` is told: that an event came, and whether it was the last.
static HEARD: Mutex<Option<mpsc::Sender<bool>>> = Mutex::new(None);
/// Held by the test until the first event may return.
static FIRST_EVENT: Mutex<()> = Mutex::new(());

extern "C" fn hold_up(_userdata: *mut c_void, event: conduit_str) {
    HEARD.lock().unwrap().as_ref().unwrap().send(event.ptr.is_null()).unwrap();
    drop(FIRST_EVENT.lock());
}

#[test]
fn c04_the_last_event_comes_when_all_handles_are_freed() {
    let _turn = TURN.lock();
    let (sender, heard) = mpsc::channel();
    *HEARD.lock().unwrap() = Some(sender);
    let first_event = FIRST_EVENT.lock();
    let runtime = runtime();
    let request = conduit_str::borrowed(r#"{"language": "typescript", "code": "console.log(1); while (true) {}"}"#);
    let execution = made(|out| unsafe {
        conduit_runtime_spawn(runtime, request, Some(hold_up), null_mut(), None, out, null_mut())
    });
    assert_eq!(heard.recv(), Ok(false));
    conduit_execution_free(execution);
    conduit_runtime_free(runtime);
    drop(first_event);
    assert_eq!(heard.recv_timeout(Duration::from_secs(20)), Ok(true));
}
