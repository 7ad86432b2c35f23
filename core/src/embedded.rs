//! A runtime with threads of its own, for embedding programs without tokio: the C library and the Python package.
//!
//! Owns the tokio threads and what a fork means. Decides nothing.

use tokio::runtime::{Builder, Runtime as Tokio};
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorCode, Result};
use crate::runtime::{Runtime, RuntimeBuilder};
use crate::task::{self, Task};

/// Threads that run what never blocks; foreign functions have threads of their own.
const THREADS: usize = 2;

/// A [`Runtime`] and the threads that it needs. Dropping it cancels what runs and waits for nothing: where something runs, the threads
/// go on until that has been reported and connections are closed, a few seconds at the most.
///
/// # Example: without tokio
///
/// ```
/// use conduit_core::{Embedded, ExecutionRequest, Runtime};
///
/// let embedded = Embedded::start(Runtime::builder())?;
/// let runtime = embedded.runtime()?.clone();
/// let result = embedded.block_on(async move { runtime.execute(ExecutionRequest::python("6 * 7")).await })??;
/// assert_eq!(result.value, 42);
/// # Ok::<(), conduit_core::Error>(())
/// ```
pub struct Embedded {
    /// There until it is dropped.
    parts: Option<(Runtime, Tokio)>,
    process: u32,
}

impl Embedded {
    /// Makes the runtime and starts its threads.
    ///
    /// # Errors
    /// As [`RuntimeBuilder::build`], and `internal` when the system gives no threads.
    pub fn start(builder: RuntimeBuilder) -> Result<Embedded> {
        let threads = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("conduit")
            .enable_all()
            .build()
            .map_err(|error| Error::new(ErrorCode::Internal, "cannot start threads").with_source(error))?;
        let runtime = {
            let _entered = threads.enter();
            builder.build()?
        };
        Ok(Embedded { parts: Some((runtime, threads)), process: std::process::id() })
    }

    /// The runtime, whose methods want [`block_on`](Embedded::block_on) or [`spawn`](Embedded::spawn).
    ///
    /// # Errors
    /// `shut_down` in a process that was forked after the runtime was made: its threads are in the other one.
    pub fn runtime(&self) -> Result<&Runtime> {
        self.parts().map(|(runtime, _)| runtime)
    }

    /// Waits for `future` on this thread.
    ///
    /// # Errors
    /// `shut_down` as [`runtime`](Embedded::runtime).
    ///
    /// # Panics
    /// In a task of tokio's, which must not wait; `spawn_blocking` is no such task.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(self.parts()?.1.block_on(future))
    }

    /// Begins `future` on this thread and goes on with it on those of the runtime and of its guests: for what only waits for an
    /// execution, which so begins and ends without waking a thread on the way. It must not block. Dropping the task ends it.
    ///
    /// # Errors
    /// `shut_down` as [`runtime`](Embedded::runtime).
    pub fn begin<F>(&self, future: F) -> Result<Task<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Ok(task::begin(self.parts()?.1.handle().clone(), future))
    }

    /// Runs `future` on the runtime's threads. It must not block.
    ///
    /// # Errors
    /// `shut_down` as [`runtime`](Embedded::runtime).
    pub fn spawn<F>(&self, future: F) -> Result<JoinHandle<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Ok(self.parts()?.1.spawn(future))
    }

    fn parts(&self) -> Result<&(Runtime, Tokio)> {
        // SECURITY: a forked process has none of the threads; waiting for them would never end.
        let parts = self.parts.as_ref().filter(|_| self.process == std::process::id());
        parts.ok_or_else(|| {
            Error::new(ErrorCode::ShutDown, "the runtime was made before this process was forked, make one here")
        })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let is_forked = self.parts().is_err();
        match self.parts.take() {
            // Locks may be held by threads that only the other process has.
            parts if is_forked => std::mem::forget(parts),
            Some((runtime, threads)) if runtime.cancel_all() => {
                // Executions go on where they are woken, also on guests' threads, and want tokio's timers until they have ended.
                let handle = threads.handle().clone();
                handle.spawn(async move {
                    runtime.shutdown().await;
                    threads.shutdown_background();
                });
            }
            Some((_, threads)) => threads.shutdown_background(),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionRequest, Outcome};

    #[test]
    fn a_forked_process_gets_an_error_and_waits_for_nothing() {
        let mut embedded = Embedded::start(Runtime::builder()).unwrap();
        // As a child of this process would find it.
        embedded.process += 1;
        let codes = [
            embedded.runtime().err().map(|error| error.code()),
            embedded.block_on(std::future::ready(())).err().map(|error| error.code()),
            embedded.spawn(std::future::ready(())).err().map(|error| error.code()),
            embedded.begin(std::future::ready(())).err().map(|error| error.code()),
        ];
        assert_eq!(codes, [Some(ErrorCode::ShutDown); 4]);
    }

    #[test]
    fn dropping_it_ends_what_was_begun() {
        let embedded = Embedded::start(Runtime::builder()).unwrap();
        let runtime = embedded.runtime().unwrap().clone();
        let (ends, ended) = std::sync::mpsc::channel();
        let request = ExecutionRequest::typescript("while (true) {}");
        let waits = async move { ends.send(runtime.execute(request).await.map(|result| result.outcome)) };
        embedded.begin(waits).unwrap().detach();
        drop(embedded);
        let end = ended.recv_timeout(std::time::Duration::from_secs(20)).expect("it is reported");
        assert_eq!(end.unwrap(), Outcome::Cancelled);
    }

    #[test]
    fn dropping_it_ends_what_runs() {
        let embedded = Embedded::start(Runtime::builder()).unwrap();
        let runtime = embedded.runtime().unwrap().clone();
        let request = ExecutionRequest::typescript("while (true) {}");
        let execution = embedded.block_on(async { runtime.spawn(request) }).unwrap().unwrap();
        let cancelled = execution.cancel_handle();
        drop((embedded, execution));
        drop(cancelled);
        let next = Embedded::start(Runtime::builder()).unwrap();
        let runtime = next.runtime().unwrap().clone();
        let result = next.block_on(async move { runtime.execute(ExecutionRequest::typescript("1")).await }).unwrap();
        assert_eq!(result.unwrap().outcome, Outcome::Completed);
    }
}
