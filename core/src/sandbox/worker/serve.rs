//! The worker's own side: makes one guest ready, gives up what it may, and runs one program after the other for the host.

#[cfg(feature = "v8")]
mod v8;
mod wasm;

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use super::super::output::Output;
use super::super::state::{Clock, Door, RunState, Shared};
use super::super::step::RawEnd;
use super::super::threads::STACK_BYTES;
use super::super::{Prepare, Source};
use super::frame::{self, FromHost, FromWorker, Hello};
use super::outbox::{Outbox, used};
use super::{VERSION, confine};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::Limits;
use crate::model::{Engine, Language};

#[cfg(feature = "v8")]
pub(in super::super) use v8::MEMORY_BYTES as V8_MEMORY_BYTES;

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
    if hello.version != VERSION {
        // Installed anew while the host ran.
        return Err(Error::new(
            ErrorCode::Internal,
            format!("the host is of version {}, start it again", hello.version),
        ));
    }
    let prepare = prepare(hello.language);
    let pipes = Pipes { from, to: Arc::new(to), body };
    match hello.engine {
        Engine::Wasm => {
            let guest = wasm::load(&hello)?;
            confined(hello, move |hello| wasm::run(guest, prepare, pipes, hello))
        }
        #[cfg(feature = "v8")]
        Engine::V8 => {
            v8::load();
            confined(hello, move |hello| v8::run(prepare, pipes, hello))
        }
        #[cfg(not(feature = "v8"))]
        Engine::V8 => Err(Error::new(ErrorCode::Internal, "this build has no V8")),
    }
}

/// Gives up files and does the rest on a thread with a stack for guests, and what it starts, which have none either.
fn confined(hello: Hello, run: impl FnOnce(&Hello) -> Result<()> + Send + 'static) -> Result<()> {
    confine::give_up_files(&hello)?;
    let thread = std::thread::Builder::new().name("conduit-guest".into()).stack_size(STACK_BYTES);
    let running = thread.spawn(move || run(&hello));
    let running =
        running.map_err(|error| Error::new(ErrorCode::Internal, "cannot start a thread").with_source(error))?;
    running.join().unwrap_or_else(|_| Err(Error::new(ErrorCode::Internal, "the worker panicked")))
}

/// The way from the host and to it.
struct Pipes {
    from: File,
    to: Arc<File>,
    /// The last frame from the host.
    body: Vec<u8>,
}

impl Pipes {
    /// The next program; `None` when there is none.
    fn program(&mut self) -> io::Result<Option<(Limits, Source)>> {
        // What the last program was answered is not kept for the next one.
        self.body = Vec::new();
        if !frame::read(&mut self.from, &mut self.body)? {
            return Ok(None);
        }
        match FromHost::parse(&self.body) {
            Some(FromHost::Start { limits, source }) => Ok(Some((limits, source))),
            _ => Err(unexpected()),
        }
    }

    /// What a program that waits goes on with: what the host holds for it, and completions; `None` when nobody wants it any more.
    fn completions(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        if !frame::read(&mut self.from, &mut self.body)? {
            return Ok(None);
        }
        match FromHost::parse(&self.body) {
            Some(FromHost::Resume { held_bytes, completions }) => Ok(Some((held_bytes, completions))),
            _ => Err(unexpected()),
        }
    }

    /// What a program has at its beginning, and what it uses, which is known also when it does not begin.
    fn state(&self, limits: Limits) -> (RunState, Arc<Shared>) {
        let shared = Arc::new(Shared::new(Output::new(&limits, None)));
        let door = Door::Host(Outbox::new(Arc::clone(&self.to), &limits));
        (RunState::new(Arc::clone(&shared), limits, door, Clock::start()), shared)
    }

    /// Tells the host of a program that did not begin.
    fn not_begun(&self, shared: &Shared, end: RawEnd<'_>) -> io::Result<()> {
        let mut frames = Vec::new();
        used(shared).write(&mut frames);
        self.ended(frames, end)
    }

    /// Tells the host of a step after which the program waits.
    fn waiting(&self, state: &mut RunState, wake_at: Option<i64>) -> io::Result<()> {
        state.note_cpu_time();
        let mut frames = state.take_frames(false);
        FromWorker::Waiting { wake_at }.write(&mut frames);
        (&*self.to).write_all(&frames)
    }

    /// Tells the host how the program ended, after the `frames` that say what it did.
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
