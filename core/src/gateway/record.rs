//! The record of each call: made when it starts, so that one that never ends is in it too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::error::ErrorCode;
use crate::model::{Event, ToolCallRecord};

/// Where the events of an execution's calls go.
pub type Watcher = UnboundedSender<Event>;

/// The longest tool name that is kept of a refused call, in bytes.
const NAME_BYTES: usize = 200;

/// All calls of one execution, in the order in which they started.
pub(super) struct Records {
    started: Instant,
    calls: Mutex<Vec<ToolCallRecord>>,
    watcher: Option<Watcher>,
}

/// A call under way. Dropped before its end, it stays in the records as cancelled.
pub(super) struct OpenRecord {
    records: Arc<Records>,
    index: usize,
    started: Instant,
    ended: bool,
}

impl Records {
    pub(super) fn new(watcher: Option<Watcher>) -> Arc<Records> {
        Arc::new(Records { started: Instant::now(), calls: Mutex::new(Vec::new()), watcher })
    }

    pub(super) fn open(self: &Arc<Records>, written: &str, arguments_bytes: u64) -> OpenRecord {
        let started = Instant::now();
        // SECURITY: the program chooses how long the names are that the host keeps.
        let tool = written.get(..written.floor_char_boundary(NAME_BYTES)).unwrap_or(written).to_owned();
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let index = calls.len();
        self.tell(|| Event::ToolCallStarted { index: index as u64, tool: tool.clone() });
        calls.push(ToolCallRecord {
            tool,
            error: Some(ErrorCode::Cancelled),
            started_ms: (started - self.started).as_secs_f64() * 1e3,
            duration_ms: 0.0,
            arguments_bytes,
            reply_bytes: 0,
        });
        OpenRecord { records: Arc::clone(self), index, started, ended: false }
    }

    /// All records so far.
    pub(super) fn take(&self) -> Vec<ToolCallRecord> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(watcher) = &self.watcher {
            // Nobody may be listening any more; the call goes on.
            let _ = watcher.send(event());
        }
    }
}

impl OpenRecord {
    /// The tool that the name resolved to.
    pub(super) fn resolved(&self, name: &str) {
        self.change(|record| name.clone_into(&mut record.tool));
    }

    /// The call gave a value of so many bytes, or failed.
    pub(super) fn end(mut self, ended: Result<usize, ErrorCode>) {
        self.change(|record| {
            record.error = ended.err();
            record.reply_bytes = ended.map_or(0, |bytes| bytes as u64);
        });
        self.ended = true;
        self.close();
    }

    fn change(&self, change: impl FnOnce(&mut ToolCallRecord)) {
        let mut calls = self.records.calls.lock().unwrap_or_else(PoisonError::into_inner);
        // The records are gone when the execution has been reported.
        if let Some(record) = calls.get_mut(self.index) {
            change(record);
        }
    }

    fn close(&self) {
        self.change(|record| {
            record.duration_ms = self.started.elapsed().as_secs_f64() * 1e3;
            let ended = || Event::ToolCallEnded { index: self.index as u64, record: record.clone() };
            self.records.tell(ended);
        });
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        if !self.ended {
            self.close();
        }
    }
}
