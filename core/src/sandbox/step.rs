//! One step of a guest, on its thread: from the envelope or completions in to everything copied out.

use std::borrow::Cow;

use serde::Deserialize;
use wasmtime::Trap;

use super::abi::{RawStep, completions_to_bytes};
use super::guest::{Guest, Live};
use super::state::{RunState, Stop, Submission};
use super::{Envelope, HostReply, NoProgram, Prepare, Source};
use crate::limits::Limit;
use crate::model::GuestError;

/// The longest error that is taken from a guest, in bytes. Guests cut theirs far below it.
pub(super) const ERROR_BYTES: u32 = 256 << 10;

/// How a step ended, with everything copied out of the guest.
pub(super) enum Step<L> {
    /// The instance can go on: when there is an answer, or at a time of the guest's clock.
    Waiting { live: L, wake_at: Option<i64>, submitted: Vec<Submission> },
    /// It was the last one.
    Ended(StepEnd),
}

impl<L> Step<L> {
    pub(super) fn map<M>(self, wrap: impl FnOnce(L) -> M) -> Step<M> {
        match self {
            Step::Waiting { live, wake_at, submitted } => Step::Waiting { live: wrap(live), wake_at, submitted },
            Step::Ended(end) => Step::Ended(end),
        }
    }
}

/// How the last step ended.
pub(super) enum StepEnd {
    Done(serde_json::Value),
    Failed(GuestError),
    /// It broke a limit, or a bound that counts as one.
    Limit(Limit, Option<Cow<'static, str>>),
    Asked,
}

/// How the last step ended, with what the guest gave unparsed.
pub(super) enum RawEnd<'a> {
    Done(&'a [u8]),
    Failed { memory_denied: bool, error: &'a [u8] },
    Invalid(GuestError),
    Limit(Limit, Option<Cow<'static, str>>),
    Crashed(Cow<'a, str>),
    Asked,
}

/// Makes the program and a fresh instance, and runs the first step; gives the instance back to be taken down.
pub(super) fn start(
    guest: &Guest,
    state: RunState,
    prepare: Prepare,
    source: Source,
) -> (Step<Box<Live>>, Option<Box<Live>>) {
    match begin(guest, state, prepare, source) {
        Ok((live, raw)) => ended(live, raw),
        Err(end) => (Step::Ended(end.understood()), None),
    }
}

/// Runs a waiting instance on.
pub(super) fn resume(mut live: Box<Live>, completions: Vec<(i64, HostReply)>) -> (Step<Box<Live>>, Option<Box<Live>>) {
    live.state_mut().step_begins();
    let bytes = completions_to_bytes(&completions);
    live.state_mut().hand_over(&completions);
    drop(completions);
    let raw = live.resume(&bytes);
    drop(bytes);
    ended(live, raw)
}

fn ended(mut live: Box<Live>, raw: wasmtime::Result<RawStep>) -> (Step<Box<Live>>, Option<Box<Live>>) {
    live.state_mut().note_cpu_time();
    if let Ok(RawStep::Waiting { wake_at }) = raw {
        let submitted = live.state_mut().take_submitted();
        return (Step::Waiting { live, wake_at, submitted }, None);
    }
    let end = end(&mut live, raw).understood();
    (Step::Ended(end), Some(live))
}

/// Makes the program and a fresh instance, and runs the first step.
///
/// # Errors
/// How it ended, when there was none.
pub(super) fn begin(
    guest: &Guest,
    mut state: RunState,
    prepare: Prepare,
    source: Source,
) -> Result<(Box<Live>, wasmtime::Result<RawStep>), RawEnd<'static>> {
    let envelope = prepared(&mut state, prepare, source)?;
    let live = guest.instantiate(state);
    let mut live = live.map_err(|error| RawEnd::Crashed(format!("it cannot be started: {error:#}").into()))?;
    let raw = live.start(&envelope.to_bytes());
    Ok((Box::new(live), raw))
}

/// Makes the program, within the time of the step that begins with it.
///
/// # Errors
/// How it ended, when there is none.
pub(super) fn prepared(state: &mut RunState, prepare: Prepare, source: Source) -> Result<Envelope, RawEnd<'static>> {
    state.step_begins();
    let envelope = prepare(source, state.limits());
    state.check_time().map_err(stopped)?;
    envelope.map_err(|no_program| match no_program {
        NoProgram::Invalid(error) => RawEnd::Invalid(error),
        NoProgram::Limit(limit, bound) => RawEnd::Limit(limit, bound.map(Cow::Borrowed)),
    })
}

/// What the last step gave.
pub(super) fn end(live: &mut Live, raw: wasmtime::Result<RawStep>) -> RawEnd<'_> {
    let memory_denied = live.state_mut().memory_denied();
    let most = live.state_mut().limits().result_bytes;
    let taken = raw.and_then(|raw| match raw {
        RawStep::Waiting { .. } => Err(wasmtime::Error::msg("a waiting guest has no end")),
        // SECURITY: a value over the limit is not even read.
        RawStep::Done { length, .. } if u64::from(length) > most => Err(Stop::Limit(Limit::ResultSize).into()),
        RawStep::Done { address, length } => live.take(address, length).map(RawEnd::Done),
        RawStep::Failed { address, length } => {
            // SECURITY: an error is no way around the limit of the value.
            let error = live.take(address, length.min(ERROR_BYTES))?;
            Ok(RawEnd::Failed { memory_denied, error })
        }
    });
    taken.unwrap_or_else(|error| fault(memory_denied, &error))
}

/// What it means that the guest trapped or was stopped.
fn fault(memory_denied: bool, error: &wasmtime::Error) -> RawEnd<'static> {
    match (error.downcast_ref::<Stop>(), error.downcast_ref::<Trap>()) {
        (Some(stop), _) => stopped(*stop),
        (None, Some(Trap::StackOverflow)) => RawEnd::Limit(Limit::Stack, None),
        (None, _) if memory_denied => RawEnd::Limit(Limit::Memory, None),
        (None, Some(trap)) => RawEnd::Crashed(trap.to_string().into()),
        (None, None) => RawEnd::Crashed(error.to_string().into()),
    }
}

pub(super) fn stopped(stop: Stop) -> RawEnd<'static> {
    match stop {
        Stop::Limit(limit) => RawEnd::Limit(limit, None),
        Stop::Asked => RawEnd::Asked,
        Stop::Contract(_) => RawEnd::Crashed(stop.to_string().into()),
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

impl RawEnd<'_> {
    /// The same, parsed.
    pub(super) fn understood(self) -> StepEnd {
        match self {
            RawEnd::Done(value) => {
                let value = serde_json::from_slice(value);
                value.map_or_else(|error| StepEnd::Failed(unreadable(&error)), StepEnd::Done)
            }
            RawEnd::Failed { memory_denied, error } => match serde_json::from_slice::<Failure>(error) {
                // An allocation that failed and was not caught is the limit's doing.
                Ok(failure) if memory_denied && failure.out_of_memory => StepEnd::Limit(Limit::Memory, None),
                Ok(failure) => StepEnd::Failed(failure.error.without_header()),
                Err(_) => StepEnd::Failed(crashed("its error is not readable")),
            },
            RawEnd::Invalid(error) => StepEnd::Failed(error),
            RawEnd::Limit(limit, bound) => StepEnd::Limit(limit, bound),
            RawEnd::Crashed(why) => StepEnd::Failed(crashed(&why)),
            RawEnd::Asked => StepEnd::Asked,
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
    GuestError { name: "InternalError".into(), message, internal: true, ..GuestError::default() }
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
