//! What the C library costs over the crate: the same programs through both, by turns, and the difference of their medians in the
//! quietest of all turns: how long a thread takes to wake depends on what else the machine does.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark: a panic is how it fails")]
#![allow(unsafe_code, reason = "calls the library as C does")]

use std::ffi::c_void;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

use conduit as _;
use conduit_core::{Config, Embedded, ExecutionRequest, LocalTool, Outcome, Runtime};

const TURNS: usize = 40;
const RUNS: usize = 100;
const CALLS: usize = 100;
const CONFIG: &str = r#"{"policy": {"allow": ["host.*"]}, "languages": ["typescript"], "max_executions": 2}"#;
/// What is measured, its program, and how often that does it.
const PROGRAMS: [(&str, &str, usize); 2] = [
    ("a fresh run", "console.log(1+1)", 1),
    ("a call", "for (let call = 0; call < 100; call++) await tools.host.tool({})", CALLS),
];

/// `conduit_str`.
#[repr(C)]
struct Str(*const u8, usize);

type Tool = extern "C" fn(*mut c_void, *mut c_void);
type Free = Option<extern "C" fn(*mut c_void)>;

unsafe extern "C" {
    fn conduit_builder_new(config: Str, out: *mut *mut c_void, error: *mut *mut c_void) -> i32;
    fn conduit_builder_add_tool(
        builder: *mut c_void,
        definition: Str,
        function: Tool,
        userdata: *mut c_void,
        free: Free,
        error: *mut *mut c_void,
    ) -> i32;
    fn conduit_builder_build(builder: *mut c_void, out: *mut *mut c_void, error: *mut *mut c_void) -> i32;
    fn conduit_call_reply(call: *mut c_void, value: Str, error: *mut *mut c_void) -> i32;
    fn conduit_runtime_execute(
        runtime: *const c_void,
        request: Str,
        out: *mut *mut c_void,
        error: *mut *mut c_void,
    ) -> i32;
    fn conduit_result_outcome(result: *const c_void) -> i32;
    fn conduit_result_value(result: *const c_void) -> Str;
    fn conduit_result_free(result: *mut c_void);
}

fn text(text: &str) -> Str {
    Str(text.as_ptr(), text.len())
}

extern "C" fn reply(_userdata: *mut c_void, call: *mut c_void) {
    assert_eq!(unsafe { conduit_call_reply(call, text("1"), null_mut()) }, 0);
}

fn c_runtime() -> *mut c_void {
    let (mut builder, mut runtime) = (null_mut(), null_mut());
    unsafe {
        assert_eq!(conduit_builder_new(text(CONFIG), &raw mut builder, null_mut()), 0);
        let definition = text(r#"{"name": "tool"}"#);
        assert_eq!(conduit_builder_add_tool(builder, definition, reply, null_mut(), None, null_mut()), 0);
        assert_eq!(conduit_builder_build(builder, &raw mut runtime, null_mut()), 0);
    }
    runtime
}

fn c_run(runtime: *const c_void, request: &str) -> Duration {
    let (start, mut result) = (Instant::now(), null_mut());
    unsafe {
        assert_eq!(conduit_runtime_execute(runtime, text(request), &raw mut result, null_mut()), 0);
        assert_eq!(conduit_result_outcome(result), 0);
        assert!(conduit_result_value(result).1 > 0);
        conduit_result_free(result);
    }
    start.elapsed()
}

fn rust_run(embedded: &Embedded, code: &str) -> Duration {
    let start = Instant::now();
    let runtime = embedded.runtime().unwrap();
    let result = embedded.block_on(runtime.execute(ExecutionRequest::typescript(code))).unwrap().unwrap();
    assert_eq!(result.outcome, Outcome::Completed);
    drop(result);
    start.elapsed()
}

/// The median of one turn's runs, in microseconds.
fn turn(run: impl Fn() -> Duration) -> f64 {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort_unstable();
    times.get(RUNS / 2).unwrap().as_secs_f64() * 1e6
}

fn main() {
    let tool = LocalTool::new("tool", |_, _| async { Ok(1.into()) });
    let rust = Runtime::builder_from(Config::from_json(CONFIG).unwrap()).host_tool(tool);
    let (embedded, c) = (Embedded::start(rust).unwrap(), c_runtime());
    for (name, code, times) in PROGRAMS {
        let request = serde_json::json!({ "language": "typescript", "code": code }).to_string();
        let (mut in_rust, mut in_c) = (f64::MAX, f64::MAX);
        for _ in 0..TURNS {
            in_rust = in_rust.min(turn(|| rust_run(&embedded, code)) / times as f64);
            in_c = in_c.min(turn(|| c_run(c, &request)) / times as f64);
        }
        println!("{name}: {in_rust:.1} us in Rust, {in_c:.1} us in C, {:+.1} us", in_c - in_rust);
    }
}
