//! The worker's own side: loads one guest, gives up what it may, and runs one program after the other for the host.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use super::super::abi::RawStep;
use super::super::guest::Guest;
use super::super::languages::image;
use super::super::output::Output;
use super::super::state::{Clock, Door, RunState, Shared};
use super::super::step::{self, RawEnd};
use super::super::threads::STACK_BYTES;
use super::super::ticker::Ticker;
use super::super::{Prepare, SandboxSize, Source};
use super::confine;
use super::frame::{self, FromHost, FromWorker, Hello};
use super::outbox::Outbox;
use crate::error::{Error, ErrorCode, Result};
use crate::limits::Limits;
use crate::model::Language;

/// One execution at a time.
const SIZE: SandboxSize = SandboxSize { executions: 1, threads: 1 };

fn not_understood(error: io::Error) -> Error {
    Error::new(ErrorCode::Internal, "the host is not understood").with_source(error)
}

/// Runs programs for the process `host`, which speaks over standard input and output, until it has no more.
///
/// # Errors
/// `internal` when the guest cannot be loaded, this system confines less than the host wants, or the host is not understood.
pub fn serve(host: u32, prepare: fn(Language) -> Prepare) -> Result<()> {
    confine::at_start(host)?;
    let [mut from, to] = confine::pipes().map_err(not_understood)?;
    let mut body = Vec::new();
    if !frame::read(&mut from, &mut body).map_err(not_understood)? {
        return Ok(());
    }
    let hello: Hello = serde_json::from_slice(&body).map_err(|error| not_understood(error.into()))?;
    let guest = Guest::load(&image(hello.language), SIZE)?;
    // Threads have what the one that starts them has given up.
    confine::give_up_files(&hello)?;
    let ticker = Ticker::start(guest.engine().clone())?;
    let worker = Worker { guest, ticker, prepare: prepare(hello.language), from, to: Arc::new(to), body };
    let thread = std::thread::Builder::new().name("conduit-guest".into()).stack_size(STACK_BYTES);
    let running = thread.spawn(move || {
        confine::give_up_calls(&hello)?;
        worker.run().map_err(not_understood)
    });
    let running =
        running.map_err(|error| Error::new(ErrorCode::Internal, "cannot start a thread").with_source(error))?;
    running.join().unwrap_or_else(|_| Err(Error::new(ErrorCode::Internal, "the worker panicked")))
}

struct Worker {
    guest: Guest,
    ticker: Ticker,
    prepare: Prepare,
    from: File,
    to: Arc<File>,
    /// The last frame from the host.
    body: Vec<u8>,
}

impl Worker {
    fn run(mut self) -> io::Result<()> {
        while frame::read(&mut self.from, &mut self.body)? {
            let Some(FromHost::Start { limits, source }) = FromHost::parse(&self.body) else {
                return Err(unexpected());
            };
            self.execute(limits, source)?;
        }
        Ok(())
    }

    /// Runs one program to its end.
    fn execute(&mut self, limits: Limits, source: Source) -> io::Result<()> {
        let shared = Arc::new(Shared::new(Output::new(&limits, None)));
        let door = Door::Host(Outbox::new(Arc::clone(&self.to), &limits));
        let state = RunState::new(Arc::clone(&shared), limits, door, Clock::start());
        let begun = {
            let _running = self.ticker.running();
            step::begin(&self.guest, state, self.prepare, source)
        };
        let (mut live, mut raw) = match begun {
            Ok(begun) => begun,
            Err(end) => return self.ended(Vec::new(), end),
        };
        while let Ok(RawStep::Waiting { wake_at }) = raw {
            live.state_mut().note_cpu_time();
            let mut frames = live.state_mut().take_frames(false);
            FromWorker::Waiting { wake_at }.write(&mut frames);
            (&*self.to).write_all(&frames)?;
            if !frame::read(&mut self.from, &mut self.body)? {
                return Ok(());
            }
            let Some(FromHost::Resume { held_bytes, completions }) = FromHost::parse(&self.body) else {
                return Err(unexpected());
            };
            let _running = self.ticker.running();
            live.state_mut().step_begins();
            live.state_mut().hold(held_bytes);
            raw = live.resume(completions);
        }
        live.state_mut().note_cpu_time();
        let frames = live.state_mut().take_frames(true);
        self.ended(frames, step::end(&mut live, raw))
    }

    /// Tells the host how the program ended.
    fn ended(&self, mut frames: Vec<u8>, end: RawEnd<'_>) -> io::Result<()> {
        match end {
            RawEnd::Done(value) => FromWorker::Done(value).write(&mut frames),
            RawEnd::Failed { memory_denied, error } => FromWorker::Failed { memory_denied, error }.write(&mut frames),
            RawEnd::Invalid(error) => FromWorker::Invalid(&serde_json::to_vec(&error)?).write(&mut frames),
            RawEnd::Limit(limit, bound) => FromWorker::Limit(limit, bound.as_deref()).write(&mut frames),
            RawEnd::Crashed(why) => FromWorker::Crashed(&why).write(&mut frames),
            // Only the host asks, and it does so by ending the process.
            RawEnd::Asked => return Err(unexpected()),
        }
        (&*self.to).write_all(&frames)
    }
}

fn unexpected() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame out of its turn")
}
