//! What a worker's guest has done and the host has not been told yet.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::output::Stream;
use super::super::state::{Shared, Stop, Submission};
use super::frame::FromWorker;
use crate::limits::Limits;

/// How much is gathered before it is sent.
const MOST_GATHERED: usize = 64 << 10;
/// After so many ticks the host is told what was used, even if there is nothing else to tell.
const QUIET_TICKS: u32 = 10;

/// Frames on their way to the host: sent when the step ends, at a tick, or when they are many.
pub(in super::super) struct Outbox {
    to: Arc<File>,
    frames: Vec<u8>,
    most_of_an_entry: usize,
    quiet: u32,
}

impl Outbox {
    pub(super) fn new(to: Arc<File>, limits: &Limits) -> Outbox {
        // One byte more than the host keeps, so that it sees that something was cut.
        let most_of_an_entry = usize::try_from(limits.output_bytes).unwrap_or(usize::MAX).saturating_add(1);
        Outbox { to, frames: Vec::new(), most_of_an_entry, quiet: 0 }
    }

    pub(in super::super) fn write(&mut self, stream: Stream, entry: &[u8]) -> Result<(), Stop> {
        let entry = entry.get(..self.most_of_an_entry).unwrap_or(entry);
        FromWorker::Output(stream, entry).write(&mut self.frames);
        if self.frames.len() < MOST_GATHERED { Ok(()) } else { self.send() }
    }

    /// Sends what there is at a tick.
    pub(in super::super) fn tick(&mut self, submitted: Vec<Submission>, shared: &Shared) -> Result<(), Stop> {
        self.quiet += 1;
        if submitted.is_empty() && self.frames.is_empty() && self.quiet < QUIET_TICKS {
            return Ok(());
        }
        self.frames = self.gather(submitted, shared);
        self.send()
    }

    /// What there is, with what was submitted last and what was used.
    pub(in super::super) fn gather(&mut self, submitted: Vec<Submission>, shared: &Shared) -> Vec<u8> {
        let mut frames = std::mem::take(&mut self.frames);
        submitted.into_iter().for_each(|submission| FromWorker::Submit(submission).write(&mut frames));
        used(shared).write(&mut frames);
        frames
    }

    fn send(&mut self) -> Result<(), Stop> {
        self.quiet = 0;
        let sent = (&*self.to).write_all(&self.frames);
        self.frames.clear();
        // Nobody is left to hear of it.
        sent.map_err(|_| Stop::Asked)
    }
}

/// What a program has used so far.
pub(super) fn used(shared: &Shared) -> FromWorker<'static> {
    let used = [&shared.cpu_ns, &shared.memory_peak, &shared.calls];
    let [cpu_ns, memory_bytes, calls] = used.map(|number| number.load(Ordering::Relaxed));
    FromWorker::Used { cpu_ns, memory_bytes, calls }
}
