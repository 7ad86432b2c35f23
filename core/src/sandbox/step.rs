//! One step of a guest, on its thread: from the envelope or completions in to everything copied out.

use tokio::sync::oneshot;
use wasmtime::Trap;

use super::abi::RawStep;
use super::guest::{Guest, Live};
use super::state::{RunState, Stop};
use super::{MakeEnvelope, NoProgram};
use crate::limits::Limit;
use crate::model::GuestError;

/// The longest error text that is taken from a guest, in bytes.
const ERROR_BYTES: u32 = 64 << 10;

/// How a step ended, with everything copied out of the guest.
pub(super) enum StepEnd {
    Waiting { wake_at: Option<i64> },
    Done(serde_json::Value),
    Failed(GuestError),
    Limit(Limit),
    Asked,
}

/// A step's end, and the instance if it can go on.
pub(super) type Step = (StepEnd, Option<Box<Live>>);

/// Makes the program and a fresh instance, and runs the first step.
pub(super) fn start(guest: &Guest, mut state: RunState, make: MakeEnvelope) -> Step {
    state.step_begins();
    let envelope = match make() {
        Ok(envelope) => envelope,
        Err(NoProgram::Invalid(error)) => return (StepEnd::Failed(error), None),
        Err(NoProgram::Limit(limit)) => return (StepEnd::Limit(limit), None),
    };
    if let Err(stop) = state.check_time() {
        return (stopped(stop), None);
    }
    let mut live = match guest.instantiate(state) {
        Ok(live) => Box::new(live),
        Err(error) => return (StepEnd::Failed(crashed(&format!("it cannot be started: {error:#}"))), None),
    };
    let raw = live.start(&envelope.to_bytes());
    (end_of(&mut live, raw), Some(live))
}

/// Runs a waiting instance on.
pub(super) fn resume(mut live: Box<Live>, completions: &[u8]) -> Step {
    live.state_mut().step_begins();
    let raw = live.resume(completions);
    (end_of(&mut live, raw), Some(live))
}

/// Gives the step's end to the execution; only then takes down an instance that is done.
pub(super) fn finish(sender: oneshot::Sender<Step>, (end, live): Step) {
    match end {
        // If nobody waits for the step any more, it comes back and the instance is dropped with it.
        StepEnd::Waiting { .. } => drop(sender.send((end, live))),
        _ => {
            let _ = sender.send((end, None));
            drop(live);
        }
    }
}

fn end_of(live: &mut Live, raw: wasmtime::Result<RawStep>) -> StepEnd {
    live.state_mut().note_cpu_time();
    let end = raw.and_then(|raw| copy_out(live, raw));
    let memory_denied = live.state_mut().memory_denied();
    match end {
        // An allocation that failed and was not caught is the limit's doing.
        Ok(StepEnd::Failed(error)) if memory_denied && error.is_out_of_memory() => StepEnd::Limit(Limit::Memory),
        Ok(end) => end,
        Err(error) => match (error.downcast_ref::<Stop>(), error.downcast_ref::<Trap>()) {
            (Some(stop), _) => stopped(*stop),
            (None, Some(Trap::StackOverflow)) => StepEnd::Limit(Limit::Stack),
            (None, _) if memory_denied => StepEnd::Limit(Limit::Memory),
            (None, Some(trap)) => StepEnd::Failed(crashed(&trap.to_string())),
            (None, None) => StepEnd::Failed(crashed(&error.to_string())),
        },
    }
}

fn stopped(stop: Stop) -> StepEnd {
    match stop {
        Stop::Limit(limit) => StepEnd::Limit(limit),
        Stop::Asked => StepEnd::Asked,
        Stop::Contract(_) => StepEnd::Failed(crashed(&stop.to_string())),
    }
}

fn copy_out(live: &mut Live, raw: RawStep) -> wasmtime::Result<StepEnd> {
    match raw {
        RawStep::Waiting { wake_at } => Ok(StepEnd::Waiting { wake_at }),
        RawStep::Done { address, length } => {
            // SECURITY: a value over the limit is not even read.
            if u64::from(length) > live.state_mut().limits().result_bytes {
                return Err(Stop::Limit(Limit::ResultSize).into());
            }
            let value = serde_json::from_slice(live.take(address, length)?);
            Ok(value.map_or_else(|error| StepEnd::Failed(unreadable(&error)), StepEnd::Done))
        }
        RawStep::Failed { address, length } => {
            // SECURITY: an error is no way around the limit of the value.
            let error = serde_json::from_slice::<GuestError>(live.take(address, length.min(ERROR_BYTES))?);
            Ok(StepEnd::Failed(error.map_or_else(|_| crashed("its error is not readable"), GuestError::located)))
        }
    }
}

/// The program's value is JSON that the host does not take.
fn unreadable(error: &serde_json::Error) -> GuestError {
    let message = format!("the program's value cannot be read: {error}");
    GuestError { name: "RangeError".into(), message, ..GuestError::default() }
}

/// The interpreter itself failed: its fault, or an attack.
pub(super) fn crashed(why: &str) -> GuestError {
    let message = format!("the guest runtime failed: {why}");
    GuestError { name: "InternalError".into(), message, ..GuestError::default() }
}

/// The program can never go on.
pub(super) fn deadlock() -> GuestError {
    let message = "the program waits for something that never happens: no tool call and no timer is pending";
    GuestError { name: "DeadlockError".into(), message: message.into(), ..GuestError::default() }
}

impl GuestError {
    /// With no memory left for an error object, QuickJS throws `null`.
    fn is_out_of_memory(&self) -> bool {
        let (name, message) = (self.name.as_str(), self.message.as_str());
        matches!((name, message), ("InternalError", "out of memory") | ("Error", "null"))
    }

    /// The error with line and column of the first frame of its stack that lies in the program.
    fn located(mut self) -> GuestError {
        let frame = self.stack.split("(program.ts:").nth(1).and_then(|rest| rest.split(')').next());
        let mut numbers = frame.unwrap_or("").split(':').map(|number| number.parse().ok());
        self.line = numbers.next().flatten();
        self.column = numbers.next().flatten();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_located_by_their_first_frame() {
        let stack = "TypeError: x\n    at f (program.ts:3:7)\n    at main (program.ts:9:1)".to_owned();
        let error = GuestError { stack, ..GuestError::default() }.located();
        assert_eq!((error.line, error.column), (Some(3), Some(7)));
        let error = GuestError { stack: "at f (program.ts:x)".into(), ..GuestError::default() }.located();
        assert_eq!((error.line, error.column), (None, None));
    }
}
