//! Runs one program in a fresh wasm instance, under limits, and hands its tool calls to a [`ToolHost`].
//!
//! Owns the engine, the guest's threads, every limit of the guest and the guest contract (guests/CONTRACT.md). Knows
//! nothing of MCP, HTTP or policy. The guest is hostile from its first instruction: every pointer, length, order and
//! text that it gives is checked here, and nothing that it writes outlives its execution.
//!
//! A waiting execution holds no thread: no wasm frame is alive between two steps, so its store is parked in the future.
//!
//! Guests run on threads of this process, or each in a process of its own ([`worker`]); what is decided about an execution is
//! decided in this process in either case ([`run`]).

mod abi;
mod code;
#[cfg_attr(unix, path = "cpu_time/unix.rs")]
#[cfg_attr(windows, path = "cpu_time/windows.rs")]
mod cpu_time;
mod guest;
mod here;
mod languages;
mod output;
mod place;
mod run;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod threads;
mod ticker;
mod worker;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::limits::{Limit, Limits, Usage};
use crate::model::{Event, GuestError, Outcome};

pub use guest::GuestImage;
use here::Here;
pub use languages::{Kind, Sandboxes};
use place::Place;
use worker::Workers;
pub use worker::{WorkerCommand, WorkerOptions, lacking, serve as serve_worker};

/// What a guest asks of the host, by its number in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CallKind {
    /// Call a tool; the program gets its value.
    Call,
    /// Call a tool; the program gets the whole MCP result.
    CallFull,
    /// Search the tools that the program may call.
    Search,
    /// Describe one tool.
    Describe,
    /// List the tools that the program may call.
    List,
}

impl CallKind {
    /// The kind with this number, or `None`.
    fn from_number(number: i32) -> Option<CallKind> {
        use CallKind::{Call, CallFull, Describe, List, Search};
        [Call, CallFull, Search, Describe, List].into_iter().find(|kind| *kind as i32 == number)
    }
}

/// One request of a guest, its bytes unparsed.
#[derive(Debug, PartialEq, Eq)]
pub struct HostCall {
    /// What is asked.
    pub kind: CallKind,
    /// The tool as the program named it, cut at 1 KiB.
    pub name: String,
    /// The arguments' JSON, or only its size when that is over the limit `call_bytes`.
    pub arguments: Result<Vec<u8>, u64>,
}

/// The host's answer, as JSON: a value, or an error object that the guest throws.
pub type HostReply = std::result::Result<String, String>;

/// The only door out of the sandbox.
pub trait ToolHost: Send + Sync {
    /// Answers one request. Dropping the future cancels it.
    fn call(&self, call: HostCall) -> BoxFuture<'static, HostReply>;
}

/// A program, ready for the guest.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// The program, in the form that the guest expects.
    pub program: String,
    /// Its source map's `mappings`.
    pub mappings: String,
    /// JSON of the program's input.
    pub input: String,
    /// JSON array of the upstreams' names.
    pub upstreams: String,
}

/// A program as its request has it, with what its guest is told beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The source.
    pub code: String,
    /// JSON of the program's input.
    pub input: String,
    /// JSON array of the upstreams' names.
    pub upstreams: String,
}

/// Makes the envelope, where the guest runs and within its time; or says why there is none.
pub type Prepare = fn(Source, &Limits) -> std::result::Result<Envelope, NoProgram>;

/// Why a source is not a program.
#[derive(Debug)]
pub enum NoProgram {
    /// It has an error.
    Invalid(GuestError),
    /// It breaks a limit, or a bound that counts as one.
    Limit(Limit, Option<&'static str>),
}

/// One execution, as the sandbox sees it.
pub struct Run {
    /// The program.
    pub source: Source,
    /// The limits that hold.
    pub limits: Limits,
    /// Answers the guest's calls.
    pub host: Arc<dyn ToolHost>,
    /// Where output goes while it is written.
    pub events: Option<UnboundedSender<Event>>,
    /// Ends the execution as cancelled.
    pub cancel: CancellationToken,
}

/// How an execution ended, as the sandbox saw it.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The program's value.
    pub value: serde_json::Value,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// What it used.
    pub usage: Usage,
}

/// How large a sandbox is.
#[derive(Clone, Copy, Debug)]
pub struct SandboxSize {
    /// Executions that may be alive at once, waiting ones included.
    pub executions: u32,
    /// Threads that run guests; waiting executions hold none.
    pub threads: usize,
}

/// One guest runtime, and where its guests run.
pub struct Sandbox {
    place: Place,
    least_memory_bytes: u64,
}

impl Sandbox {
    /// Loads the guest's native code and reserves the memory of its instances, in this process.
    ///
    /// # Errors
    /// `internal` when the code was made for another engine or processor, or the address space is too small.
    pub fn here(image: &GuestImage, prepare: Prepare, size: SandboxSize) -> Result<Sandbox> {
        let place = Place::Here(Arc::new(Here::load(image, prepare, size)?));
        Ok(Sandbox { place, least_memory_bytes: image.memory_bytes })
    }

    /// Has programs run in worker processes, which load the guest themselves.
    fn in_workers(workers: Workers, least_memory_bytes: u64) -> Sandbox {
        Sandbox { place: Place::Workers(Arc::new(workers)), least_memory_bytes }
    }

    /// The memory that a program has before it does anything: with a lower limit it does not start.
    pub fn least_memory_bytes(&self) -> u64 {
        self.least_memory_bytes
    }

    /// Ends the processes that wait for a program.
    pub async fn close(&self) {
        if let Place::Workers(workers) = &self.place {
            workers.close().await;
        }
    }

    /// Runs one program to its end. Dropping the future ends it, as cancelled.
    pub async fn run(&self, run: Run) -> Report {
        run::drive(&self.place, run).await
    }
}
