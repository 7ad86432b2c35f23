//! What the isolate of one execution holds for the functions that its program reaches.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deno_core::v8;

use crate::heap::Heap;
use crate::host::{Host, Stopped};
use crate::positions::Positions;

/// Why the program's code is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The host said so.
    Stopped,
    /// It threw where no code of its own can catch it, or its promise is rejected: [`Run::thrown`].
    Thrown,
}

/// What other threads have asked of the guest.
#[derive(Default)]
pub(crate) struct Signals {
    /// A tick, which has not come.
    pub(crate) ticking: AtomicBool,
    /// Its end.
    pub(crate) stopped: AtomicBool,
}

/// The functions of the guest library that the host's side calls.
pub(crate) struct Library {
    pub(crate) start: v8::Global<v8::Function>,
    pub(crate) complete: v8::Global<v8::Function>,
    pub(crate) fire_due: v8::Global<v8::Function>,
    pub(crate) next_due: v8::Global<v8::Function>,
    pub(crate) result_json: v8::Global<v8::Function>,
    pub(crate) failure: v8::Global<v8::Function>,
    pub(crate) set_place: v8::Global<v8::Function>,
    pub(crate) format_stack: v8::Global<v8::Function>,
}

/// The state of one execution, in its isolate's slot.
pub(crate) struct Run {
    pub(crate) host: Box<dyn Host>,
    pub(crate) heap: Arc<Heap>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) library: Library,
    pub(crate) positions: Positions,
    /// The program's promise, once it has one.
    pub(crate) program: Option<v8::Global<v8::Promise>>,
    pub(crate) ended: Option<Ended>,
    /// Its last step has been made.
    pub(crate) is_done: bool,
    pub(crate) thrown: Option<v8::Global<v8::Value>>,
    /// Calls that the host has not completed.
    pub(crate) pending: HashSet<i64>,
    /// Promises rejected and not handled so far, oldest first.
    pub(crate) unhandled: Vec<(v8::Global<v8::Promise>, v8::Global<v8::Value>)>,
}

impl Run {
    pub(crate) fn new(
        host: Box<dyn Host>,
        heap: Arc<Heap>,
        signals: Arc<Signals>,
        library: Library,
        positions: Positions,
    ) -> Run {
        let (pending, unhandled) = (HashSet::new(), Vec::new());
        Run {
            host,
            heap,
            signals,
            library,
            positions,
            program: None,
            ended: None,
            is_done: false,
            thrown: None,
            pending,
            unhandled,
        }
    }

    /// Asks the host, unless it has stopped the program before. `None` ends the program.
    pub(crate) fn ask<T>(&mut self, ask: impl FnOnce(&mut dyn Host) -> Result<T, Stopped>) -> Option<T> {
        // Until the engine ends its code, it asks for nothing more.
        if self.is_over() {
            return None;
        }
        match ask(self.host.as_mut()) {
            Ok(answer) => Some(answer),
            Err(Stopped) => {
                self.ended = Some(Ended::Stopped);
                None
            }
        }
    }

    /// The host has stopped the program.
    pub(crate) fn is_stopped(&self) -> bool {
        self.ended == Some(Ended::Stopped) || self.signals.stopped.load(Ordering::Relaxed)
    }

    /// No code of the program may run.
    pub(crate) fn is_over(&self) -> bool {
        self.ended.is_some() || self.heap.is_exhausted() || self.signals.stopped.load(Ordering::Relaxed)
    }
}
