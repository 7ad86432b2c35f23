//! The native half of the Node package: `index.js` is the other one, and the only caller.
//!
//! Owns the objects that JavaScript holds, and nothing else: requests, results and events cross as JSON texts, in core's form.
//! Promises are made in JavaScript. All that settles them goes through one queue for each runtime, in order: a promise of
//! Node-API's own would cost a queue of its own, and could overtake an event.
#![allow(unsafe_code, reason = "the macro `napi` registers functions with Node")]

mod channel;
mod tools;

use std::path::Path;
use std::sync::Arc;

use conduit_core::{
    Config, Embedded, Error, ErrorCode, ExecutionRequest, Language, Question, Runtime, ToolDefinition, WorkerCommand,
    go_on_here_if_short,
};
use futures_util::StreamExt;
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;

use channel::{Channel, Deliver};

/// Events that cross together when there are so many.
const EVENTS_AT_ONCE: usize = 64;

/// Runs the `conduit` command, the program's name first, and gives its exit status.
#[napi(catch_unwind)]
pub fn main(args: Vec<String>) -> u8 {
    conduit_cli::main(args, WorkerCommand::beside_library())
}

/// What the program `conduit-worker` beside this library calls.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "it is called by its name")]
pub extern "C" fn conduit_worker_main() -> u8 {
    conduit_core::worker_exit_status(std::env::args_os())
}

/// What a model has to know to write a program in `language`.
#[napi(catch_unwind)]
pub fn guide(language: String) -> napi::Result<&'static str> {
    Language::parse(&language).map(conduit_core::guide).map_err(thrown)
}

/// The making of a runtime, on a thread of Node's pool.
pub struct Create {
    config: Option<String>,
    keys: String,
    tools: Vec<String>,
    channel: Arc<Channel>,
}

/// Makes a runtime: from the file `config`, or from `keys`, the JSON of one; with the definitions of `tools`, whose calls go
/// to `deliver` by their index.
#[napi(catch_unwind)]
pub fn create(config: Option<String>, keys: String, tools: Vec<String>, deliver: Deliver) -> AsyncTask<Create> {
    AsyncTask::new(Create { config, keys, tools, channel: Arc::new(Channel::new(deliver)) })
}

impl Create {
    fn embedded(&self) -> conduit_core::Result<Embedded> {
        let config = match &self.config {
            Some(path) => Config::read(Path::new(path))?,
            None => Config::from_json(&self.keys)?,
        };
        let mut builder = Runtime::builder_from(config).worker(WorkerCommand::beside_library());
        for (index, definition) in (0..).zip(&self.tools) {
            let definition = ToolDefinition::from_json(definition)?;
            builder = builder.defined_tool(definition, tools::function(&self.channel, index));
        }
        Embedded::start(builder)
    }
}

impl Task for Create {
    type Output = Embedded;
    type JsValue = NativeRuntime;

    fn compute(&mut self) -> napi::Result<Embedded> {
        // A panic here would end the process: Node's pool knows nothing of them.
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.embedded()));
        made.unwrap_or_else(|_| Err(channel::fault())).map_err(thrown)
    }

    fn resolve(&mut self, _env: Env, embedded: Embedded) -> napi::Result<NativeRuntime> {
        Ok(NativeRuntime { embedded: Some(embedded), channel: Arc::clone(&self.channel) })
    }
}

/// An error of core's as JavaScript reads it: its JSON is the message.
fn thrown(error: Error) -> napi::Error {
    napi::Error::from_reason(channel::written(&error))
}

/// A runtime as JavaScript holds it. Each operation has an id of JavaScript's, which its end bears.
#[napi]
pub struct NativeRuntime {
    /// There until it is disposed of. Not in `Channel`, or tasks would keep alive what runs them.
    embedded: Option<Embedded>,
    channel: Arc<Channel>,
}

#[napi]
impl NativeRuntime {
    /// Runs a program.
    #[napi(catch_unwind)]
    pub fn execute(&self, operation: u32, request: String) -> napi::Result<()> {
        let request = ExecutionRequest::from_json(&request).map_err(thrown)?;
        let (embedded, runtime) = self.parts().map_err(thrown)?;
        let ended = async move { runtime.execute(request).await.map(|result| channel::written(&result)) };
        embedded.begin(self.channel.settles(operation, ended)).map(|task| task.detach()).map_err(thrown)
    }

    /// Starts a program that can be cancelled, and gives its id.
    #[napi(catch_unwind)]
    pub fn spawn(&self, operation: u32, request: String, with_events: bool) -> napi::Result<String> {
        let request = ExecutionRequest::from_json(&request).map_err(thrown)?;
        let (embedded, runtime) = self.parts().map_err(thrown)?;
        let spawned = embedded.block_on(async { runtime.spawn(request) }).and_then(|spawned| spawned);
        let mut execution = spawned.map_err(thrown)?;
        let id = execution.id().to_owned();
        self.channel.executions().insert(operation, execution.cancel_handle());
        let channel = Arc::clone(&self.channel);
        let ended = async move {
            if with_events {
                let mut events = execution.take_events().ready_chunks(EVENTS_AT_ONCE);
                while let Some(events) = events.next().await {
                    channel.events(operation, &events);
                }
            }
            let result = execution.join().await;
            channel.executions().remove(&operation);
            result.map(|result| channel::written(&result))
        };
        embedded.begin(self.channel.settles(operation, ended)).map(|task| task.detach()).map_err(thrown)?;
        Ok(id)
    }

    /// Ends a program that was spawned, if it still runs.
    #[napi(catch_unwind)]
    pub fn cancel(&self, operation: u32) {
        if let Some(execution) = self.channel.executions().get(&operation) {
            execution.cancel();
        }
    }

    /// Asks what `question`, the JSON of a `Question`, says.
    #[napi(catch_unwind)]
    pub fn ask(&self, operation: u32, question: String) -> napi::Result<()> {
        let question = Question::from_json(&question).map_err(thrown)?;
        let (embedded, runtime) = self.parts().map_err(thrown)?;
        let answer = async move { question.answer(&runtime).await };
        embedded.spawn(self.channel.settles(operation, answer)).map(drop).map_err(thrown)
    }

    /// Answers a call of a tool: with the JSON of its value, or of `{message, content}`. A call that nobody waits for any more is
    /// not there.
    #[napi(catch_unwind)]
    pub fn reply(&self, call: u32, is_value: bool, json: String) {
        go_on_here_if_short(json.len(), || self.channel.reply(call, is_value, json));
    }

    /// Ends all that is left, without waiting.
    #[napi(catch_unwind)]
    pub fn dispose(&mut self) {
        drop(self.embedded.take());
    }

    fn parts(&self) -> conduit_core::Result<(&Embedded, Runtime)> {
        let closed = || Error::new(ErrorCode::ShutDown, "the runtime is shut down");
        let embedded = self.embedded.as_ref().ok_or_else(closed)?;
        Ok((embedded, embedded.runtime()?.clone()))
    }
}
