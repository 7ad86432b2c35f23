//! The one way into JavaScript: a queue of messages for each runtime, which any thread may add to.
//!
//! Owns what is under way: calls of tools that wait for their answer, programs that can be cancelled. Waits for nothing.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use conduit_core::serde_json;
use conduit_core::{CancelHandle, Error, ErrorCode, Event, Result};
use futures_util::FutureExt;
use napi::Status;
use napi::bindgen_prelude::{FnArgs, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use serde::Serialize;
use tokio::sync::oneshot;

/// What happened, the id of the operation or call, the tool's index, JSON, and of a call its execution's id.
pub type Message = FnArgs<(u32, u32, u32, String, Option<String>)>;
/// The JavaScript function that takes messages. Weak: it does not keep the process alive.
pub type Deliver = ThreadsafeFunction<Message, Unknown<'static>, Message, Status, false, true, 0>;

/// What a message says, as `index.js` has them.
#[derive(Clone, Copy)]
enum Kind {
    /// An operation gave a value.
    Value = 0,
    /// An operation failed.
    Failure = 1,
    /// A program's events, a list.
    Events = 2,
    /// A tool is called.
    Call = 3,
    /// Nobody waits for a call any more.
    Abandoned = 4,
}

/// A tool's answer: whether it is a value, and its JSON.
pub type Answer = (bool, String);

/// The queue, and what is under way.
pub struct Channel {
    deliver: Deliver,
    calls: Mutex<Calls>,
    executions: Mutex<HashMap<u32, CancelHandle>>,
}

#[derive(Default)]
struct Calls {
    next: u32,
    waiting: HashMap<u32, oneshot::Sender<Answer>>,
}

/// The JSON of a value of core's.
pub fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("core's values have texts as keys")
}

/// What a panic becomes.
pub fn fault() -> Error {
    Error::new(ErrorCode::Internal, "a part of Conduit panicked, please report it")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channel {
    /// A channel to this function.
    pub fn new(deliver: Deliver) -> Channel {
        Channel { deliver, calls: Mutex::default(), executions: Mutex::default() }
    }

    /// Programs that can be cancelled, by their operation.
    pub fn executions(&self) -> MutexGuard<'_, HashMap<u32, CancelHandle>> {
        lock(&self.executions)
    }

    /// `future`, whose end, a panic too, is the end of `operation`.
    pub fn settles<F>(
        self: &std::sync::Arc<Self>,
        operation: u32,
        future: F,
    ) -> impl Future<Output = ()> + Send + use<F>
    where
        F: Future<Output = Result<String>> + Send,
    {
        let channel = std::sync::Arc::clone(self);
        async move {
            let ended = AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(|_| Err(fault()));
            match ended {
                Ok(json) => channel.send(Kind::Value, operation, json),
                Err(error) => channel.send(Kind::Failure, operation, written(&error)),
            };
        }
    }

    /// Tells what a program did.
    pub fn events(&self, operation: u32, events: &[Event]) {
        self.send(Kind::Events, operation, written(&events));
    }

    /// Calls a tool. `None` when there is no JavaScript any more.
    pub fn call(&self, tool: u32, arguments: String, execution: String) -> Option<(u32, oneshot::Receiver<Answer>)> {
        let (sender, receiver) = oneshot::channel();
        let call = {
            let mut calls = lock(&self.calls);
            let call = calls.next;
            calls.next = call.wrapping_add(1);
            calls.waiting.insert(call, sender);
            call
        };
        if self.deliver((Kind::Call as u32, call, tool, arguments, Some(execution)).into()) {
            return Some((call, receiver));
        }
        lock(&self.calls).waiting.remove(&call);
        None
    }

    /// Hands an answer to the call that waits for it, if one does.
    pub fn reply(&self, call: u32, is_value: bool, json: String) {
        let waiting = lock(&self.calls).waiting.remove(&call);
        if let Some(waiting) = waiting {
            // The call may have ended meanwhile.
            let _ = waiting.send((is_value, json));
        }
    }

    /// Tells that nobody waits for `call` any more, unless it has been answered.
    pub fn abandon(&self, call: u32) {
        let waiting = lock(&self.calls).waiting.remove(&call);
        if waiting.is_some() {
            self.send(Kind::Abandoned, call, String::new());
        }
    }

    /// Tells what became of something, if JavaScript is still there.
    fn send(&self, kind: Kind, id: u32, json: String) {
        self.deliver((kind as u32, id, 0, json, None).into());
    }

    /// Whether JavaScript will get the message.
    fn deliver(&self, message: Message) -> bool {
        self.deliver.call(message, ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
    }
}
