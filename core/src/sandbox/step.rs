//! One step of a guest, on its thread: from the envelope or completions in to everything copied out.

use serde::Deserialize;
use wasmtime::Trap;

use super::abi::{RawStep, completions_to_bytes};
use super::guest::{Guest, Live};
use super::state::{RunState, Stop, Submission};
use super::{HostReply, MakeEnvelope, NoProgram};
use crate::limits::Limit;
use crate::model::GuestError;

/// The longest error that is taken from a guest, in bytes. Guests cut theirs far below it.
const ERROR_BYTES: u32 = 256 << 10;

/// How a step ended, with everything copied out of the guest.
pub(super) enum Step {
    /// The instance can go on: when there is an answer, or at a time of the guest's clock.
    Waiting { live: Box<Live>, wake_at: Option<i64>, submitted: Vec<Submission> },
    /// It was the last one.
    Ended(StepEnd),
}

/// How the last step ended.
pub(super) enum StepEnd {
    Done(serde_json::Value),
    Failed(GuestError),
    Limit(Limit),
    /// The program was not even begun: it breaks a limit, or a bound that counts as one.
    Refused(Limit, Option<&'static str>),
    Asked,
}

/// Makes the program and a fresh instance, and runs the first step; gives the instance back to be taken down.
pub(super) fn start(guest: &Guest, mut state: RunState, make: MakeEnvelope) -> (Step, Option<Box<Live>>) {
    state.step_begins();
    let envelope = make();
    if let Err(stop) = state.check_time() {
        return (Step::Ended(stopped(stop)), None);
    }
    let envelope = match envelope {
        Ok(envelope) => envelope,
        Err(NoProgram::Invalid(error)) => return (Step::Ended(StepEnd::Failed(error)), None),
        Err(NoProgram::Limit(limit, bound)) => return (Step::Ended(StepEnd::Refused(limit, bound)), None),
    };
    match guest.instantiate(state) {
        Ok(mut live) => {
            let raw = live.start(&envelope.to_bytes());
            ended(Box::new(live), raw)
        }
        Err(error) => {
            let why = format!("it cannot be started: {error:#}");
            (Step::Ended(StepEnd::Failed(crashed(&why))), None)
        }
    }
}

/// Runs a waiting instance on.
pub(super) fn resume(mut live: Box<Live>, completions: Vec<(i64, HostReply)>) -> (Step, Option<Box<Live>>) {
    live.state_mut().step_begins();
    let bytes = completions_to_bytes(&completions);
    live.state_mut().hand_over(&completions);
    drop(completions);
    let raw = live.resume(&bytes);
    drop(bytes);
    ended(live, raw)
}

fn ended(mut live: Box<Live>, raw: wasmtime::Result<RawStep>) -> (Step, Option<Box<Live>>) {
    live.state_mut().note_cpu_time();
    if let Ok(RawStep::Waiting { wake_at }) = raw {
        let submitted = live.state_mut().take_submitted();
        return (Step::Waiting { live, wake_at, submitted }, None);
    }
    let end = raw.and_then(|raw| copy_out(&mut live, raw));
    (Step::Ended(end.unwrap_or_else(|error| fault(&mut live, &error))), Some(live))
}

/// What it means that the guest trapped or was stopped.
fn fault(live: &mut Live, error: &wasmtime::Error) -> StepEnd {
    match (error.downcast_ref::<Stop>(), error.downcast_ref::<Trap>()) {
        (Some(stop), _) => stopped(*stop),
        (None, Some(Trap::StackOverflow)) => StepEnd::Limit(Limit::Stack),
        (None, _) if live.state_mut().memory_denied() => StepEnd::Limit(Limit::Memory),
        (None, Some(trap)) => StepEnd::Failed(crashed(&trap.to_string())),
        (None, None) => StepEnd::Failed(crashed(&error.to_string())),
    }
}

fn stopped(stop: Stop) -> StepEnd {
    match stop {
        Stop::Limit(limit) => StepEnd::Limit(limit),
        Stop::Asked => StepEnd::Asked,
        Stop::Contract(_) => StepEnd::Failed(crashed(&stop.to_string())),
    }
}

/// What a guest says of its program's failure.
#[derive(Deserialize)]
struct Failure {
    #[serde(flatten)]
    error: GuestError,
    #[serde(default)]
    out_of_memory: bool,
}

fn copy_out(live: &mut Live, raw: RawStep) -> wasmtime::Result<StepEnd> {
    match raw {
        RawStep::Waiting { .. } => Err(wasmtime::Error::msg("a waiting guest has no end")),
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
            let failure = serde_json::from_slice::<Failure>(live.take(address, length.min(ERROR_BYTES))?);
            Ok(match failure {
                // An allocation that failed and was not caught is the limit's doing.
                Ok(failure) if live.state_mut().memory_denied() && failure.out_of_memory => {
                    StepEnd::Limit(Limit::Memory)
                }
                Ok(failure) => StepEnd::Failed(failure.error.without_header()),
                Err(_) => StepEnd::Failed(crashed("its error is not readable")),
            })
        }
    }
}

/// The program's value is JSON that the host does not take.
fn unreadable(error: &serde_json::Error) -> GuestError {
    let reason = error.to_string();
    let message = if reason.starts_with("recursion limit") {
        "the program's value is nested more than 127 deep, return it flatter or as text".to_owned()
    } else {
        format!("the program's value cannot be read: {reason}")
    };
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
    /// The error without its own text, with which JavaScript begins a stack.
    fn without_header(mut self) -> GuestError {
        let header = match (self.name.as_str(), self.message.as_str()) {
            (name, "") => name.to_owned(),
            ("", message) => message.to_owned(),
            (name, message) => format!("{name}: {message}"),
        };
        let frames = self.stack.strip_prefix(&header).filter(|frames| frames.is_empty() || frames.starts_with('\n'));
        if let Some(frames) = frames {
            self.stack = frames.trim_start_matches('\n').to_owned();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_frames_alone() {
        let frames = "    at f (program.ts:3:7)";
        for (name, message, stack, left) in [
            ("TypeError", "x", format!("TypeError: x\n{frames}"), frames),
            ("TypeError", "two\nlines", format!("TypeError: two\nlines\n{frames}"), frames),
            ("TypeError", "", format!("TypeError\n{frames}"), frames),
            ("", "x", format!("x\n{frames}"), frames),
            ("TypeError", "x", "TypeError: x".to_owned(), ""),
            ("TypeError", "x", "TypeError: xy".to_owned(), "TypeError: xy"),
            ("TypeError", "x", frames.to_owned(), frames),
        ] {
            let (name, message) = (name.to_owned(), message.to_owned());
            let error = GuestError { name, message, stack, ..GuestError::default() }.without_header();
            assert_eq!(error.stack, left);
        }
    }
}
