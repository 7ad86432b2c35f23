//! What lives in the store of one execution, and the five imports of the guest contract that work on it.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::UnboundedSender;
use wasmtime::{Caller, Linker, Memory, ResourceLimiter};

use super::cpu_time::thread_cpu_time;
use super::guest::{slice, slice_mut};
use super::output::{Output, Stream};
use super::worker::Outbox;
use super::{CallKind, HostCall, HostReply};
use crate::limits::{Limit, Limits};

/// The longest name that a guest may give; longer ones are cut, and name nothing.
pub(super) const NAME_BYTES: usize = 1 << 10;
/// The most entropy in one call: Web Crypto's own bound.
const RANDOM_BYTES: u32 = 1 << 16;
/// The longest that Python's `time.sleep` stays in the host before it looks at its stop flag.
const SLEEP_SLICE: Duration = Duration::from_millis(5);

/// Why the host stopped a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It broke a limit.
    Limit(Limit),
    /// The execution was asked to end; why is known where it was asked.
    Asked,
    /// It broke the guest contract.
    Contract(&'static str),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Limit(limit) => write!(f, "limit {limit}"),
            Stop::Asked => f.write_str("stopped"),
            Stop::Contract(what) => write!(f, "the guest gave {what}"),
        }
    }
}

impl std::error::Error for Stop {}

/// One request on its way from the guest's thread to the execution.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Submission {
    pub(super) id: i64,
    pub(super) call: HostCall,
    pub(super) held_bytes: u64,
}

/// The bytes of a reply that the guest has not taken yet.
pub(super) fn held_by(reply: &HostReply) -> u64 {
    reply.as_ref().map_or_else(String::len, String::len) as u64
}

/// What the guest's thread and the execution share.
pub(super) struct Shared {
    pub(super) output: Mutex<Output>,
    pub(super) memory_peak: AtomicU64,
    pub(super) cpu_ns: AtomicU64,
    pub(super) calls: AtomicU64,
    /// Bytes that the host holds for the guest: arguments of calls that are not answered, replies that it has not taken.
    pub(super) held_bytes: AtomicU64,
    stop: AtomicU8,
}

impl Shared {
    pub(super) fn new(output: Output) -> Shared {
        Shared {
            output: Mutex::new(output),
            memory_peak: AtomicU64::new(0),
            cpu_ns: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
            stop: AtomicU8::new(0),
        }
    }

    /// Asks the guest to end; it hears of it at the next tick.
    pub(super) fn ask_to_stop(&self) {
        self.stop.store(1, Ordering::Relaxed);
    }
}

/// Where a guest's thread brings what its program does.
pub(super) enum Door {
    /// To the execution, in this process.
    Execution(UnboundedSender<Vec<Submission>>),
    /// To the host's process, from a worker.
    Host(Outbox),
}

/// The data of one execution's store.
pub(super) struct RunState {
    shared: Arc<Shared>,
    limits: Limits,
    /// What was submitted since the last tick: in a short step all of it, which goes along with the step's end.
    submitted: Vec<Submission>,
    door: Door,
    memory: Option<Memory>,
    memory_bytes: u64,
    /// The memory limit has refused the guest once.
    memory_denied: bool,
    next_call: i64,
    clock: Clock,
    /// The thread's CPU clock when the step began, less what earlier steps used.
    cpu_start: Duration,
}

/// Wall-clock time that never goes back, in steps of a millisecond.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    epoch: Duration,
    started: Instant,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "the guest's clock starts here")]
    pub(super) fn start() -> Clock {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { epoch, started: Instant::now() }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    fn now_ns(&self) -> i64 {
        // SECURITY: no finer than 1 ms, so that the clock is of little use for timing attacks.
        let ms = (self.epoch + self.started.elapsed()).as_millis();
        i64::try_from(ms).ok().and_then(|ms| ms.checked_mul(1_000_000)).unwrap_or(i64::MAX)
    }

    /// How long after the start of the clock `at` is, as the guest counts.
    pub(super) fn instant(&self, at_ns: i64) -> Instant {
        let at = Duration::from_nanos(u64::try_from(at_ns).unwrap_or(0));
        self.started.checked_add(at.saturating_sub(self.epoch)).unwrap_or(self.started)
    }
}

impl RunState {
    pub(super) fn new(shared: Arc<Shared>, limits: Limits, door: Door, clock: Clock) -> RunState {
        RunState {
            shared,
            limits,
            submitted: Vec::new(),
            door,
            memory: None,
            memory_bytes: 0,
            memory_denied: false,
            next_call: 1,
            clock,
            cpu_start: Duration::ZERO,
        }
    }

    pub(super) fn set_memory(&mut self, memory: Memory) {
        self.memory = Some(memory);
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn memory_denied(&self) -> bool {
        self.memory_denied
    }

    /// A step begins on this thread.
    pub(super) fn step_begins(&mut self) {
        let used = Duration::from_nanos(self.shared.cpu_ns.load(Ordering::Relaxed));
        self.cpu_start = thread_cpu_time().saturating_sub(used);
    }

    /// The guest takes these replies.
    pub(super) fn hand_over(&mut self, completions: &[(i64, HostReply)]) {
        let bytes = completions.iter().map(|(_, reply)| held_by(reply)).sum();
        self.shared.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The CPU time used so far; also noted for the report.
    pub(super) fn note_cpu_time(&self) -> Duration {
        let used = thread_cpu_time().saturating_sub(self.cpu_start);
        self.shared.cpu_ns.store(u64::try_from(used.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        used
    }

    /// The guest has so much memory.
    pub(super) fn note_memory(&mut self, bytes: u64) {
        self.memory_bytes = bytes;
        self.shared.memory_peak.fetch_max(bytes, Ordering::Relaxed);
    }

    /// The guest's clock.
    pub(super) fn now_ns(&self) -> i64 {
        self.clock.now_ns()
    }

    /// Gives what was submitted, once.
    pub(super) fn take_submitted(&mut self) -> Vec<Submission> {
        std::mem::take(&mut self.submitted)
    }

    /// In a worker, what the host is to be told at the end of a step: after its `last` one, calls no longer count.
    pub(super) fn take_frames(&mut self, is_last: bool) -> Vec<u8> {
        let submitted = if is_last { Vec::new() } else { self.take_submitted() };
        match &mut self.door {
            Door::Execution(_) => Vec::new(),
            Door::Host(outbox) => outbox.gather(submitted, &self.shared),
        }
    }

    /// In a worker, what the host says that it holds for the guest.
    pub(super) fn hold(&mut self, bytes: u64) {
        self.shared.held_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Whether the guest may go on. What it did does not wait until it has computed.
    pub(super) fn tick(&mut self) -> Result<(), Stop> {
        let submitted = self.take_submitted();
        match &mut self.door {
            // The execution may have ended: then this guest is about to hear of it.
            Door::Execution(way) if !submitted.is_empty() => way.send(submitted).map_err(|_| Stop::Asked)?,
            Door::Execution(_) => {}
            Door::Host(outbox) => outbox.tick(submitted, &self.shared)?,
        }
        self.check_time()
    }

    /// Whether the guest has time left.
    pub(super) fn check_time(&self) -> Result<(), Stop> {
        // SECURITY: a guest whose execution is over does not run on.
        if self.shared.stop.load(Ordering::Relaxed) != 0 {
            return Err(Stop::Asked);
        }
        // SECURITY: the limit of CPU time, looked at in every tick.
        if self.note_cpu_time() >= self.limits.cpu_time() {
            return Err(Stop::Limit(Limit::CpuTime));
        }
        Ok(())
    }

    /// One log entry, to the stream of this number in the contract.
    pub(super) fn write(&mut self, stream: i32, bytes: &[u8]) -> Result<(), Stop> {
        let stream = match stream {
            1 => Stream::Stdout,
            2 => Stream::Stderr,
            _ => return Err(Stop::Contract("an unknown stream")),
        };
        match &mut self.door {
            Door::Execution(_) => {
                let mut output = self.shared.output.lock().unwrap_or_else(PoisonError::into_inner);
                output.write(stream, bytes).map_err(Stop::Limit)
            }
            Door::Host(outbox) => outbox.write(stream, bytes),
        }
    }

    /// One call, as the guest has it in its memory; gives the call's id.
    pub(super) fn call(&mut self, kind: i32, name: &[u8], arguments: &[u8]) -> Result<i64, Stop> {
        let kind = CallKind::from_number(kind).ok_or(Stop::Contract("an unknown kind of call"))?;
        // SECURITY: a name is cut before it is copied, since every call has one.
        let name = String::from_utf8_lossy(name.get(..NAME_BYTES).unwrap_or(name)).into_owned();
        let size = arguments.len() as u64;
        // SECURITY: over the limit nothing is copied.
        let fits = size <= self.limits.call_bytes;
        let arguments = if fits { Ok(arguments.to_vec()) } else { Err(size) };
        self.submit(HostCall { kind, name, arguments })
    }

    fn submit(&mut self, call: HostCall) -> Result<i64, Stop> {
        // SECURITY: refused and cheap calls count like any other.
        if self.shared.calls.load(Ordering::Relaxed) >= self.limits.tool_calls {
            return Err(Stop::Limit(Limit::ToolCalls));
        }
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        let held_bytes = (call.name.len() + call.arguments.as_ref().map_or(0, Vec::len)) as u64;
        // SECURITY: what the host holds for the guest is part of the guest's memory.
        let held = self.shared.held_bytes.fetch_add(held_bytes, Ordering::Relaxed) + held_bytes;
        if held + self.memory_bytes > self.limits.memory_bytes {
            return Err(Stop::Limit(Limit::Memory));
        }
        let id = self.next_call;
        self.next_call += 1;
        self.submitted.push(Submission { id, call, held_bytes });
        Ok(id)
    }
}

impl ResourceLimiter for RunState {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let desired = desired as u64;
        // SECURITY: the memory limit. The guest's allocator fails, which its program may catch.
        if desired + self.shared.held_bytes.load(Ordering::Relaxed) > self.limits.memory_bytes {
            self.memory_denied = true;
            return Ok(false);
        }
        self.note_memory(desired);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // SECURITY: tables are made with the instance and never grow.
        Ok(current == 0)
    }
}

/// The guest's memory beside the state of its store.
fn memory_and_state<'a>(caller: &'a mut Caller<'_, RunState>) -> Result<(&'a mut [u8], &'a mut RunState), Stop> {
    let memory = caller.data().memory.ok_or(Stop::Contract("a call before its time"))?;
    Ok(memory.data_and_store_mut(caller))
}

/// Defines the imports of the guest contract; nothing else is ever defined.
pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    linker.func_wrap("conduit", "submit", submit)?;
    linker.func_wrap("conduit", "write", write)?;
    linker.func_wrap("conduit", "now", |caller: Caller<'_, RunState>| caller.data().now_ns())?;
    linker.func_wrap("conduit", "random", random)?;
    linker.func_wrap("conduit", "sleep", sleep)?;
    Ok(())
}

fn submit(
    mut caller: Caller<'_, RunState>,
    kind: i32,
    name: u32,
    name_length: u32,
    arguments: u32,
    arguments_length: u32,
) -> wasmtime::Result<i64> {
    let (memory, state) = memory_and_state(&mut caller)?;
    let out_of_bounds = Stop::Contract("a call out of bounds");
    let name = slice(memory, name, name_length).ok_or(out_of_bounds)?;
    let arguments = slice(memory, arguments, arguments_length).ok_or(out_of_bounds)?;
    Ok(state.call(kind, name, arguments)?)
}

fn write(mut caller: Caller<'_, RunState>, stream: i32, address: u32, length: u32) -> wasmtime::Result<()> {
    let (memory, state) = memory_and_state(&mut caller)?;
    let bytes = slice(memory, address, length).ok_or(Stop::Contract("output out of bounds"))?;
    Ok(state.write(stream, bytes)?)
}

fn random(mut caller: Caller<'_, RunState>, address: u32, length: u32) -> wasmtime::Result<()> {
    let (memory, _) = memory_and_state(&mut caller)?;
    // SECURITY: the host's work in one call is bounded.
    if length > RANDOM_BYTES {
        return Err(Stop::Contract("too large a wish for entropy").into());
    }
    let bytes = slice_mut(memory, address, length).ok_or(Stop::Contract("entropy out of bounds"))?;
    getrandom::fill(bytes).map_err(|error| wasmtime::Error::msg(format!("the host has no entropy: {error}")))
}

fn sleep(mut caller: Caller<'_, RunState>, ns: i64) -> wasmtime::Result<()> {
    let until = Instant::now().checked_add(Duration::from_nanos(u64::try_from(ns).unwrap_or(0)));
    loop {
        // SECURITY: a sleeping guest is stopped like a running one.
        caller.data_mut().tick()?;
        let left = until.map_or(SLEEP_SLICE, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(SLEEP_SLICE));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::UnboundedReceiver;

    use super::*;

    #[test]
    fn g14_the_clock_has_steps_of_a_millisecond() {
        let clock = Clock::start();
        let steps: std::collections::BTreeSet<i64> = (0..20_000).map(|_| clock.now_ns()).collect();
        assert!(steps.iter().all(|now| now % 1_000_000 == 0), "{steps:?}");
    }

    fn state(limits: Limits) -> (RunState, UnboundedReceiver<Vec<Submission>>) {
        let shared = Arc::new(Shared::new(Output::new(&limits, None)));
        let (submissions, submitted) = tokio::sync::mpsc::unbounded_channel();
        (RunState::new(shared, limits, Door::Execution(submissions), Clock::start()), submitted)
    }

    #[test]
    fn r09_a_guest_is_not_ahead_of_its_memory_limit() {
        // Whoever drives the execution would notice, but only in its turn.
        let (mut state, _submitted) = state(Limits { memory_bytes: 10_000, ..Limits::default() });
        let mut submit = || {
            let call = HostCall { kind: CallKind::Call, name: "a.b".into(), arguments: Ok(vec![0; 997]) };
            state.submit(call)
        };
        assert!((1..=10).all(|id| submit().is_ok_and(|given| given == id)));
        assert!(matches!(submit(), Err(Stop::Limit(Limit::Memory))));
    }

    #[test]
    fn g50_a_table_is_made_and_never_grows() {
        let (mut state, _submitted) = state(Limits::default());
        assert!(state.table_growing(0, 10_000, None).unwrap());
        assert!(!state.table_growing(10_000, 10_001, None).unwrap());
    }
}
