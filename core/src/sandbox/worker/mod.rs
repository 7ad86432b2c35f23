//! Guests in processes of their own: a second wall, for hosts that would not trust one sandbox inside their own process.
//!
//! Owns both sides. The host's ([`Workers`], [`Link`]) keeps workers ready and drives their guests; the gateway, limits,
//! output and records are where they always are, so that a worker sees programs and replies, and what it says is parsed as any
//! guest's. The worker's ([`serve`]) loads one guest and gives up what it may before it runs a program. Invariants: a worker has
//! one execution at a time; whatever goes wrong in one, or is stopped, ends the process; nothing of the host is inherited.

mod command;
#[cfg_attr(target_os = "linux", path = "confine/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "confine/elsewhere.rs")]
mod confine;
mod frame;
mod link;
mod outbox;
mod pool;
mod serve;
#[cfg(test)]
#[cfg(unix)]
mod tests;

pub use command::WorkerCommand;
pub use confine::lacking;
pub(super) use link::Link;
pub(super) use outbox::Outbox;
pub(super) use pool::Workers;
#[cfg(feature = "v8")]
pub(super) use serve::V8_MEMORY_BYTES;
pub use serve::serve;

/// What both sides must have in common.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How workers are treated.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// What starts them.
    pub command: WorkerCommand,
    /// The most memory that an execution may have, in bytes.
    pub memory_bytes: u64,
    /// Whether nothing runs in one that the system confines less than it could.
    pub is_strict: bool,
}
