//! One program in V8, in an isolate that is made before there is a program.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conduit_guest_v8::{Envelope, Failure, Fresh, Host, Step, Stopped};
use serde_json::json;

use super::super::super::abi::completions_from_bytes;
use super::super::super::cpu_time::process_cpu_time;
use super::super::super::state::{RunState, Stop};
use super::super::super::step::{RawEnd, prepared, stopped};
use super::super::super::ticker::Ticker;
use super::super::super::{Prepare, Source};
use super::super::confine;
use super::super::frame::Hello;
use super::{Pipes, not_understood, unexpected};
use crate::error::Result;
use crate::limits::{Limit, Limits};

/// The memory that an isolate has before its program does anything, and some to work with, in bytes.
pub const MEMORY_BYTES: u64 = 16 << 20;

/// Makes the engine ready.
pub(super) fn load() {
    conduit_guest_v8::prepare();
}

/// Runs the one program of this process.
pub(super) fn run(prepare: Prepare, mut pipes: Pipes, hello: &Hello) -> Result<()> {
    let fresh = Fresh::new(usize::try_from(hello.memory_bytes).unwrap_or(usize::MAX));
    let interrupter = fresh.interrupter();
    let over = Arc::new(AtomicU64::new(u64::MAX));
    let most = Arc::clone(&over);
    let ticker = Ticker::start(move || {
        // What the engine does not interrupt has no more time than other programs; wall time ends what remains.
        if !interrupter.tick() && cpu_ns() > most.load(Ordering::Relaxed) {
            interrupter.stop();
        }
    })?;
    confine::give_up_calls(hello)?;
    let Some((limits, source)) = pipes.program().map_err(not_understood)? else { return Ok(()) };
    over.store(cpu_ns().saturating_add(limits.cpu_time_ms.saturating_mul(1_000_000)), Ordering::Relaxed);
    execute(fresh, &ticker, prepare, &mut pipes, (limits, source)).map_err(not_understood)
}

/// The CPU time of this process so far, which is the program's from when there is one.
fn cpu_ns() -> u64 {
    u64::try_from(process_cpu_time().as_nanos()).unwrap_or(u64::MAX)
}

fn execute(
    fresh: Fresh,
    ticker: &Ticker,
    prepare: Prepare,
    pipes: &mut Pipes,
    (limits, source): (Limits, Source),
) -> io::Result<()> {
    let most_value = limits.result_bytes;
    let most_memory = usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX);
    let (mut state, shared) = pipes.state(limits);
    let envelope = match prepared(&mut state, prepare, source) {
        Ok(envelope) => envelope,
        Err(end) => return pipes.not_begun(&shared, end),
    };
    let envelope = Envelope {
        program: &envelope.program,
        mappings: &envelope.mappings,
        input: &envelope.input,
        upstreams: &envelope.upstreams,
    };
    let (mut live, mut step) = {
        let _running = ticker.running();
        fresh.start(&envelope, Box::new(Guest { state, stop: None }), most_memory)
    };
    while let Step::Waiting { wake_at } = step {
        pipes.waiting(&mut guest(live.host())?.state, wake_at)?;
        let Some((held_bytes, completions)) = pipes.completions()? else { return Ok(()) };
        let completions = completions_from_bytes(completions).ok_or_else(unexpected)?;
        let _running = ticker.running();
        let state = &mut guest(live.host())?.state;
        state.step_begins();
        state.hold(held_bytes);
        step = live.resume(&completions);
    }
    let guest = guest(live.host())?;
    guest.state.note_cpu_time();
    let frames = guest.state.take_frames(true);
    match step {
        Step::Done(value) if value.len() as u64 > most_value => {
            pipes.ended(frames, RawEnd::Limit(Limit::ResultSize, None))
        }
        Step::Done(value) => pipes.ended(frames, RawEnd::Done(value.as_bytes())),
        Step::Failed(failure) => {
            let (memory_denied, error) = (failure.out_of_memory, error_of(&failure));
            pipes.ended(frames, RawEnd::Failed { memory_denied, error: error.as_bytes() })
        }
        Step::OutOfMemory => pipes.ended(frames, RawEnd::Limit(Limit::Memory, None)),
        // By its host, or else by the one that looks after its time.
        Step::Stopped => pipes.ended(frames, stopped(guest.stop.unwrap_or(Stop::Limit(Limit::CpuTime)))),
        Step::Waiting { .. } => Err(unexpected()),
    }
}

/// As a guest in wasm says it.
fn error_of(failure: &Failure) -> String {
    let Failure { name, message, stack, line, column, out_of_memory } = failure;
    let mut error = json!({ "name": name, "message": message, "stack": stack, "out_of_memory": out_of_memory });
    if let (Some(line), Some(column)) = (line, column) {
        error["line"] = json!(line);
        error["column"] = json!(column);
    }
    error.to_string()
}

/// The program's host.
fn guest(host: &mut dyn Host) -> io::Result<&mut Guest> {
    (host as &mut dyn Any).downcast_mut().ok_or_else(unexpected)
}

/// A guest's state, as the engine asks for it.
struct Guest {
    state: RunState,
    /// Why it was stopped first.
    stop: Option<Stop>,
}

impl Guest {
    fn told<T>(&mut self, result: std::result::Result<T, Stop>) -> std::result::Result<T, Stopped> {
        result.map_err(|stop| {
            self.stop.get_or_insert(stop);
            Stopped
        })
    }
}

impl Host for Guest {
    fn submit(&mut self, kind: i32, name: &str, arguments: &[u8]) -> std::result::Result<i64, Stopped> {
        let submitted = self.state.call(kind, name.as_bytes(), arguments);
        self.told(submitted)
    }

    fn write(&mut self, stream: i32, entry: &[u8]) -> std::result::Result<(), Stopped> {
        let written = self.state.write(stream, entry);
        self.told(written)
    }

    fn now(&self) -> i64 {
        self.state.now_ns()
    }

    fn random(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Stopped> {
        self.told(getrandom::fill(bytes).map_err(|_| Stop::Contract("a wish for entropy that the system has not")))
    }

    fn tick(&mut self) -> std::result::Result<(), Stopped> {
        let ticked = self.state.tick();
        self.told(ticked)
    }

    fn memory(&mut self, bytes: u64) {
        self.state.note_memory(bytes);
    }
}
