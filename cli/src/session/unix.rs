//! The signals that end the command on Unix.

use std::io;
use std::task::Context;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Those that end it, each caught.
pub(super) struct Signals(Vec<Signal>);

impl Signals {
    pub(super) fn listen() -> io::Result<Signals> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit(), SignalKind::hangup()];
        let kinds = kinds.into_iter().filter(|kind| *kind != SignalKind::hangup() || !is_ignored(*kind));
        kinds.map(signal).collect::<io::Result<_>>().map(Signals)
    }

    /// Whether one came; if none did, the task is woken when one does.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> bool {
        self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready())
    }
}

/// Whether the command was started to survive this signal, as by `nohup`. Only Linux says so.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
