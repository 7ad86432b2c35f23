//! Guests that run in this process: one engine, and threads that take turns.

use std::sync::Arc;

use super::guest::{Guest, GuestImage, Live};
use super::place::Start;
use super::state::{Door, RunState};
use super::step::{self, Step};
use super::threads::{Job, Threads};
use super::ticker::Ticker;
use super::{HostReply, Prepare, SandboxSize};
use crate::error::Result;

/// One guest runtime: its engine, its compiled module and its threads.
pub(super) struct Here {
    guest: Arc<Guest>,
    threads: Threads,
    ticker: Arc<Ticker>,
    prepare: Prepare,
}

impl Here {
    pub(super) fn load(image: &GuestImage, prepare: Prepare, size: SandboxSize) -> Result<Here> {
        let guest = Arc::new(Guest::load(image, size)?);
        let engine = guest.engine().clone();
        let ticker = Arc::new(Ticker::start(move || engine.increment_epoch())?);
        Ok(Here { guest, threads: Threads::new(image.name, size.threads), ticker, prepare })
    }

    pub(super) fn start(&self, start: Start) -> Job<Step<Box<Live>>> {
        let Start { source, shared, limits, submissions, clock } = start;
        let state = RunState::new(shared, limits, Door::Execution(submissions), clock);
        let (guest, ticker, prepare) = (Arc::clone(&self.guest), Arc::clone(&self.ticker), self.prepare);
        self.threads.run(move || {
            let _running = ticker.running();
            step::start(&guest, state, prepare, source)
        })
    }

    pub(super) fn resume(&self, live: Box<Live>, completions: Vec<(i64, HostReply)>) -> Job<Step<Box<Live>>> {
        let ticker = Arc::clone(&self.ticker);
        self.threads.run(move || {
            let _running = ticker.running();
            step::resume(live, completions)
        })
    }
}
