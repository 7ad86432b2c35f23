//! Programs in wasm: each in an instance of its own, one after the other.

use std::io;

use super::super::super::abi::RawStep;
use super::super::super::guest::Guest;
use super::super::super::languages::image;
use super::super::super::ticker::Ticker;
use super::super::super::{Prepare, SandboxSize, Source, step};
use super::super::confine;
use super::super::frame::Hello;
use super::{Pipes, not_understood};
use crate::error::Result;
use crate::limits::Limits;

/// One execution at a time.
const SIZE: SandboxSize = SandboxSize { executions: 1, threads: 1 };

pub(super) fn load(hello: &Hello) -> Result<Guest> {
    Guest::load(image(hello.language), SIZE)
}

/// Runs programs until the host has no more.
pub(super) fn run(guest: Guest, prepare: Prepare, mut pipes: Pipes, hello: &Hello) -> Result<()> {
    let engine = guest.engine().clone();
    let ticker = Ticker::start(move || engine.increment_epoch())?;
    confine::give_up_calls(hello)?;
    while let Some((limits, source)) = pipes.program().map_err(not_understood)? {
        execute(&guest, &ticker, prepare, &mut pipes, (limits, source)).map_err(not_understood)?;
    }
    Ok(())
}

/// Runs one program to its end.
fn execute(
    guest: &Guest,
    ticker: &Ticker,
    prepare: Prepare,
    pipes: &mut Pipes,
    (limits, source): (Limits, Source),
) -> io::Result<()> {
    let (state, shared) = pipes.state(limits);
    let begun = {
        let _running = ticker.running();
        step::begin(guest, state, prepare, source)
    };
    let (mut live, mut raw) = match begun {
        Ok(begun) => begun,
        Err(end) => return pipes.not_begun(&shared, end),
    };
    while let Ok(RawStep::Waiting { wake_at }) = raw {
        pipes.waiting(live.state_mut(), wake_at)?;
        let Some((held_bytes, completions)) = pipes.completions()? else { return Ok(()) };
        let _running = ticker.running();
        live.state_mut().step_begins();
        live.state_mut().hold(held_bytes);
        raw = live.resume(completions);
    }
    live.state_mut().note_cpu_time();
    let frames = live.state_mut().take_frames(true);
    pipes.ended(frames, step::end(&mut live, raw))
}
