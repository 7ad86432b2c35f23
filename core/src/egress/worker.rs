//! Starts Conduit's own worker processes.
//!
//! Owns one thread of this process that starts all of them: on Linux a worker dies with the thread that started it, so that must
//! be one that lives as long as the process. It also spares the caller, which may be an event loop, the start's millisecond.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::process::{self, Pipes, Process, ProcessSpec};
use crate::error::{Error, ErrorCode, Result};

struct Wish {
    spec: ProcessSpec,
    tokio: Handle,
    reply: oneshot::Sender<Result<(Process, Pipes)>>,
}

/// Starts a worker, within a tokio runtime.
///
/// # Errors
/// `internal` when the system gives no thread; else as [`process::spawn`].
pub async fn spawn(spec: ProcessSpec) -> Result<(Process, Pipes)> {
    let (reply, started) = oneshot::channel();
    let wish = Wish { spec, tokio: Handle::current(), reply };
    let lost = || Error::new(ErrorCode::Internal, "the thread that starts workers is gone");
    starter().ok_or_else(lost)?.send(wish).map_err(|_| lost())?;
    started.await.map_err(|_| lost())?
}

/// The way to this process's thread; `None` when there can be none.
fn starter() -> Option<Sender<Wish>> {
    static STARTER: Mutex<Option<(u32, Sender<Wish>)>> = Mutex::new(None);
    let mut starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    let here = std::process::id();
    // A forked process has a thread of its own, not the other's.
    if starter.as_ref().is_none_or(|(process, _)| *process != here) {
        let (sender, wishes) = mpsc::channel::<Wish>();
        let builder = std::thread::Builder::new().name("conduit-workers".into());
        let is_started = builder.spawn(move || wishes.into_iter().for_each(fulfil)).is_ok();
        *starter = is_started.then_some((here, sender));
    }
    starter.as_ref().map(|(_, sender)| sender.clone())
}

fn fulfil(Wish { spec, tokio, reply }: Wish) {
    // A tokio runtime without I/O panics. Who asked then hears that there is no reply.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _entered = tokio.enter();
        // Who does not wait any more ends it by dropping it.
        let _ = reply.send(process::spawn(&spec));
    }));
}
