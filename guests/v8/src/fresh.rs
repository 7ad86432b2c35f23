//! The engine of a process, and an isolate from the start-up snapshot with no program in it yet.

#![allow(unsafe_code, reason = "isolates are entered and left by hand, so that several may live on a thread")]

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};

use deno_core::{Extension, JsRuntime, RuntimeOptions, v8};

use crate::callbacks;
use crate::heap::{self, Heap};
use crate::host::{Host, Step};
use crate::live::Live;
use crate::natives;
use crate::positions::Positions;
use crate::run::{Library, Run, Signals};

static SNAPSHOT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.snapshot"));

/// Which context of the snapshot is the program's; deno_core's own comes after it.
const PROGRAM_CONTEXT: usize = 0;

/// Makes V8 ready in this process: its flags, its platform without threads, its time zone and its entropy.
///
/// Once per process, before other threads are started and before system calls are locked down. Later calls do nothing.
pub fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        set_time_zone();
        v8::icu::set_default_locale("en-US");
        v8::V8::set_entropy_source(entropy);
        deno_core::v8_set_flags(
            ["", "--single-threaded", "--no-memory-protection-keys", "--enable-sharedarraybuffer-per-context"]
                .map(str::to_owned)
                .to_vec(),
        );
        JsRuntime::init_platform(Some(v8::new_single_threaded_default_platform(false).make_shared()));
    });
}

/// A worker is started with it; this is for whoever forgets.
#[allow(clippy::disallowed_methods, reason = "V8 takes its time zone from the environment")]
fn set_time_zone() {
    if std::env::var_os("TZ").is_none_or(|zone| zone != "UTC") {
        // SAFETY: the caller of `prepare` has started no other threads.
        unsafe { std::env::set_var("TZ", "UTC") };
    }
}

fn entropy(bytes: &mut [u8]) -> bool {
    getrandom::fill(bytes).is_ok()
}

/// An isolate of its own and the realm in it that a program gets. It is entered only while it is used.
pub(crate) struct Vm {
    runtime: ManuallyDrop<JsRuntime>,
    context: ManuallyDrop<v8::Global<v8::Context>>,
    pub(crate) heap: Arc<Heap>,
    signals: Arc<Signals>,
    handle: v8::IsolateHandle,
}

impl Vm {
    fn new(heap_bytes_max: usize) -> Vm {
        let heap = Arc::new(Heap::default());
        heap.set_limit(heap_bytes_max);
        let parameters = v8::CreateParams::default()
            .heap_limits(0, heap_bytes_max)
            .array_buffer_allocator(heap::allocator(&heap).make_shared())
            .allow_atomics_wait(false);
        let extension =
            Extension { name: "conduit", external_references: natives::references().into(), ..Extension::default() };
        let mut runtime = JsRuntime::new(RuntimeOptions {
            extensions: vec![extension],
            startup_snapshot: Some(SNAPSHOT),
            skip_op_registration: true,
            create_params: Some(parameters),
            ..RuntimeOptions::default()
        });
        let isolate = runtime.v8_isolate();
        callbacks::install(isolate);
        heap.set_isolate(isolate);
        isolate.add_near_heap_limit_callback(heap::near_heap_limit, heap_data(&heap));
        let context = {
            v8::scope!(let scope, isolate);
            let context = v8::Context::from_snapshot(scope, PROGRAM_CONTEXT, v8::ContextOptions::default());
            v8::Global::new(scope, context.expect("the snapshot has the program's context"))
        };
        // SAFETY: deno_core has entered the isolate; whoever uses it enters it again.
        unsafe { isolate.exit() };
        let handle = isolate.thread_safe_handle();
        let (runtime, context) = (ManuallyDrop::new(runtime), ManuallyDrop::new(context));
        Vm { runtime, context, heap, signals: Arc::default(), handle }
    }

    /// Calls `work` in the program's realm.
    pub(crate) fn enter<T>(&mut self, work: impl FnOnce(&mut v8::PinScope<'_, '_>) -> T) -> T {
        let isolate = self.runtime.v8_isolate();
        // SAFETY: it is left below, on the same thread: the runtime is not `Send`.
        unsafe { isolate.enter() };
        let result = {
            v8::scope_with_context!(let scope, isolate, &*self.context);
            work(scope)
        };
        // SAFETY: it was entered above.
        unsafe { isolate.exit() };
        result
    }

    pub(crate) fn isolate(&mut self) -> &mut v8::Isolate {
        self.runtime.v8_isolate()
    }

    /// Lowers the limit of the heap to what this program may have.
    fn limit_heap(&mut self, bytes: usize) {
        self.heap.set_limit(bytes);
        let data = heap_data(&self.heap);
        let isolate = self.runtime.v8_isolate();
        // SECURITY: removing the callback is what sets the limit, never above the one of the isolate's making.
        isolate.remove_near_heap_limit_callback(heap::near_heap_limit, bytes);
        isolate.add_near_heap_limit_callback(heap::near_heap_limit, data);
    }
}

/// What [`heap::near_heap_limit`] gets: `Vm` keeps the heap for longer than the isolate.
fn heap_data(heap: &Arc<Heap>) -> *mut c_void {
    Arc::as_ptr(heap).cast_mut().cast()
}

impl Drop for Vm {
    fn drop(&mut self) {
        // SAFETY: an isolate is entered when it is dropped; its handles go before it, and nothing is used after.
        unsafe {
            self.runtime.v8_isolate().enter();
            drop(self.runtime.v8_isolate().remove_slot::<Run>());
            ManuallyDrop::drop(&mut self.context);
            ManuallyDrop::drop(&mut self.runtime);
        }
    }
}

/// Reaches a running guest from any thread.
#[derive(Clone)]
pub struct Interrupter {
    isolate: v8::IsolateHandle,
    signals: Arc<Signals>,
}

impl Interrupter {
    /// Asks the guest to call [`Host::tick`] when its program next runs, which is soon but for the few operations that the
    /// engine does not interrupt, such as a product of huge numbers. `false` when the last tick asked for has not come yet.
    pub fn tick(&self) -> bool {
        if self.signals.ticking.swap(true, Ordering::Relaxed) {
            return false;
        }
        self.isolate.request_interrupt(callbacks::interrupted, std::ptr::null_mut());
        true
    }

    /// Ends the program for good, most of those operations among it: its step ends as [`Step::Stopped`].
    pub fn stop(&self) {
        self.signals.stopped.store(true, Ordering::Relaxed);
        self.isolate.terminate_execution();
    }
}

/// An isolate from the start-up snapshot, made ahead of the program that it is for. It stays on its thread.
pub struct Fresh {
    vm: Vm,
}

impl Fresh {
    /// Makes one whose heap may have at most `heap_bytes_max`; a program may be given less.
    #[must_use]
    pub fn new(heap_bytes_max: usize) -> Fresh {
        prepare();
        Fresh { vm: Vm::new(heap_bytes_max) }
    }

    /// Its interrupter, which outlives it harmlessly.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { isolate: self.vm.handle.clone(), signals: Arc::clone(&self.vm.signals) }
    }

    /// Runs a program until it ends or waits. The texts are the sections of the contract's envelope; `heap_bytes` is what
    /// its heap and its buffers may have together.
    ///
    /// # Examples
    ///
    /// ```
    /// use conduit_guest_v8::{Envelope, Fresh, Host, Step, Stopped};
    ///
    /// /// Refuses every call and keeps no output.
    /// struct Quiet;
    ///
    /// impl Host for Quiet {
    ///     fn submit(&mut self, _kind: i32, _name: &str, _arguments: &[u8]) -> Result<i64, Stopped> {
    ///         Err(Stopped)
    ///     }
    ///     fn write(&mut self, _stream: i32, _entry: &[u8]) -> Result<(), Stopped> {
    ///         Ok(())
    ///     }
    ///     fn now(&self) -> i64 {
    ///         0
    ///     }
    ///     fn random(&mut self, _bytes: &mut [u8]) -> Result<(), Stopped> {
    ///         Err(Stopped)
    ///     }
    ///     fn tick(&mut self) -> Result<(), Stopped> {
    ///         Ok(())
    ///     }
    ///     fn memory(&mut self, _bytes: u64) {}
    /// }
    ///
    /// let envelope = Envelope { program: "async () => input.a + 1", mappings: "", input: r#"{"a": 1}"#, upstreams: "[]" };
    /// let (_, step) = Fresh::new(64 << 20).start(&envelope, Box::new(Quiet), 64 << 20);
    /// assert_eq!(step, Step::Done("2".into()));
    /// ```
    #[must_use]
    pub fn start(mut self, envelope: &Envelope<'_>, host: Box<dyn Host>, heap_bytes: usize) -> (Live, Step) {
        self.vm.limit_heap(heap_bytes);
        let (heap, signals) = (Arc::clone(&self.vm.heap), Arc::clone(&self.vm.signals));
        let positions = Positions::new(envelope.mappings.to_owned());
        let library = self.vm.enter(library);
        self.vm.isolate().set_slot(Run::new(host, heap, signals, library, positions));
        Live::start(self.vm, envelope)
    }
}

/// What a program begins with.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// A JavaScript expression that evaluates to an async function.
    pub program: &'a str,
    /// Its source map's `mappings`, or empty when positions are the program's own.
    pub mappings: &'a str,
    /// The value of `input`, JSON.
    pub input: &'a str,
    /// The names of the upstreams, a JSON array of strings; empty is none.
    pub upstreams: &'a str,
}

/// The functions of the library, which the snapshot keeps beside its realm.
fn library(scope: &mut v8::PinScope<'_, '_>) -> Library {
    let object = scope.get_context_data_from_snapshot_once::<v8::Object>(0).expect("the snapshot has the library");
    let function = |name: &str| {
        let key = v8::String::new(scope, name).expect("a short name");
        let value = object.get(scope, key.into()).and_then(|value| v8::Local::<v8::Function>::try_from(value).ok());
        v8::Global::new(scope, value.expect("the library has all its functions"))
    };
    Library {
        start: function("start"),
        complete: function("complete"),
        fire_due: function("fireDue"),
        next_due: function("nextDue"),
        result_json: function("resultJson"),
        failure: function("failure"),
        set_place: function("setPlace"),
        format_stack: function("formatStack"),
    }
}
