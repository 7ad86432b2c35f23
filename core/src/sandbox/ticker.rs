//! Beats while guests run, so that they look at their clocks: advances the engine's epoch. Parks when nothing runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};

/// How late a guest may notice that its time is over.
const TICK: Duration = Duration::from_millis(5);
/// Ticks without a running guest after which the thread parks.
const IDLE_TICKS: u32 = 100;

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    parked: AtomicBool,
    stop: AtomicBool,
}

/// The ticking thread; it ends with this value.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

/// A guest is running.
pub(super) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(super) fn start(beat: impl Fn() + Send + 'static) -> Result<Ticker> {
        let shared = Arc::new(Shared::default());
        let ticking = Arc::clone(&shared);
        let (begins, begun) = mpsc::channel();
        let handle = std::thread::Builder::new()
            .name("conduit-epoch".into())
            .spawn(move || {
                drop(begins);
                tick(&beat, &ticking);
            })
            .map_err(|error| Error::new(ErrorCode::Internal, "cannot start a thread").with_source(error))?;
        // A worker then gives up what a thread needs to begin.
        let _: std::result::Result<(), RecvError> = begun.recv();
        Ok(Ticker { shared, thread: handle.thread().clone(), handle: Some(handle) })
    }

    pub(super) fn running(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            // It only sleeps and counts: it cannot have panicked, and there is nothing to do if it had.
            let _ = handle.join();
        }
    }
}

fn tick(beat: &impl Fn(), shared: &Shared) {
    let mut idle = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        if idle >= IDLE_TICKS {
            shared.parked.store(true, Ordering::SeqCst);
            if shared.running.load(Ordering::SeqCst) == 0 && !shared.stop.load(Ordering::SeqCst) {
                std::thread::park();
            }
            shared.parked.store(false, Ordering::SeqCst);
        }
        // Not asleep but parked, so that the end need not wait for it.
        std::thread::park_timeout(TICK);
        beat();
        idle = if shared.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
    }
}
