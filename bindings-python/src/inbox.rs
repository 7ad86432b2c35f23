//! What threads of Python have to do for the runtime: call functions that are tools, wake tasks of event loops.
//!
//! Only threads that Python started run Python, so that the end of the interpreter, which stops them where they are,
//! is as safe as for Python's own daemon threads. Each event loop has a queue, whose work never takes long, and so have the
//! threads of each runtime, whose work may.

use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Read, Write};
#[cfg(unix)]
use std::os::fd::AsRawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(not(unix))]
use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;

use crate::tool_call::{Stage, ToolCall};

/// Threads that one queue has at the most: as many calls of functions run at once, further ones wait.
const MOST_THREADS: usize = 512;
/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

pub(crate) enum Job {
    /// Dropping it answers it.
    Call(ToolCall),
    /// A function to call.
    Wake(Py<PyAny>),
}

impl Job {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Job::Wake(callback) => Ok(callback),
            Job::Call(call) => Ok(Py::new(py, call)?.into_any()),
        }
    }
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
    /// What an event loop watches; readable while there are jobs.
    watched: Option<Watched>,
}

/// One queue. Bounded by the calls that executions may have under way, and by the questions of the embedder.
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    process: u32,
}

impl Queue {
    /// Whether it is another process that this belongs to; here the lock may be held for ever.
    fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, job: Job) {
        let mut state = self.lock();
        if state.closed {
            // What its drop wakes may want the lock.
            drop(state);
            return;
        }
        state.jobs.push_back(job);
        self.ready.notify_one();
        if let Some(watched) = &mut state.watched {
            watched.signal();
        }
    }

    /// A call that nobody waits for any more does not stay in the queue.
    pub(crate) fn forget(&self, stage: &Arc<Stage>) {
        let is_other = |job: &Job| !matches!(job, Job::Call(call) if Arc::ptr_eq(&call.stage, stage));
        self.lock().jobs.retain(is_other);
    }

    /// Lets the threads end. Calls that wait fail, and so do those that come.
    pub(crate) fn close(&self) {
        if self.is_forked() {
            return;
        }
        let mut state = self.lock();
        state.closed = true;
        self.ready.notify_all();
        let unanswered = std::mem::take(&mut state.jobs);
        drop(state);
        drop(unanswered);
    }

    /// The next job; `None` when the thread may end.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        state.idle += 1;
        loop {
            let job = state.jobs.pop_front();
            if job.is_some() || state.closed {
                state.idle -= 1;
                state.threads -= usize::from(job.is_none());
                return job;
            }
            let waited = self.ready.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            if waited.1.timed_out() && state.idle > 1 && state.jobs.is_empty() {
                state.idle -= 1;
                state.threads -= 1;
                return None;
            }
        }
    }
}

/// The queue of whoever answers calls just then.
#[derive(Clone)]
pub(crate) struct Place(Arc<Mutex<Arc<Queue>>>);

impl Place {
    pub(crate) fn new(inbox: &Inbox) -> Place {
        Place(Arc::new(Mutex::new(inbox.queue())))
    }

    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put(&self, inbox: &Inbox) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = inbox.queue();
    }
}

/// A pipe that holds a byte while somebody should look.
struct Watched {
    reader: PipeReader,
    writer: PipeWriter,
    signalled: bool,
}

impl Watched {
    fn signal(&mut self) {
        self.signalled = self.signalled || self.writer.write_all(&[0]).is_ok();
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.signalled) {
            let _ = self.reader.read_exact(&mut [0]);
        }
    }
}

/// One queue, as the threads or the event loop that serve it have it. It is closed when nobody does any more.
#[pyclass(frozen, weakref, module = "conduit._conduit")]
pub(crate) struct Inbox(Arc<Queue>);

impl Inbox {
    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.0)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[pymethods]
impl Inbox {
    #[new]
    fn new() -> Inbox {
        // The first thread is started by whoever makes the queue.
        let state = State { jobs: VecDeque::new(), threads: 1, idle: 0, closed: false, watched: None };
        Inbox(Arc::new(Queue { state: Mutex::new(state), ready: Condvar::new(), process: std::process::id() }))
    }

    /// Waits for something to do: a call of a tool, or a function to call. `None` when the thread may end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        py.detach(|| self.0.next()).map(|job| job.into_python(py)).transpose()
    }

    /// What an event loop can watch instead of waiting: readable when it should call `take`. Asked for once, before there are jobs.
    ///
    /// Raises `NotImplementedError` where event loops watch no pipes, and `OSError` when there are too many.
    #[cfg(unix)]
    fn descriptor(&self) -> PyResult<i32> {
        let (reader, writer) = std::io::pipe()?;
        let descriptor = reader.as_raw_fd();
        self.0.lock().watched = Some(Watched { reader, writer, signalled: false });
        Ok(descriptor)
    }

    #[cfg(not(unix))]
    fn descriptor(&self) -> PyResult<i32> {
        Err(PyNotImplementedError::new_err("event loops watch no pipes here"))
    }

    /// Everything that there is to do now.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        // A forked process leaves the pipe to the one that it shares it with.
        if self.0.is_forked() {
            return Ok(Vec::new());
        }
        let jobs = {
            let mut state = self.0.lock();
            if let Some(watched) = &mut state.watched {
                watched.clear();
            }
            std::mem::take(&mut state.jobs)
        };
        jobs.into_iter().map(|job| job.into_python(py)).collect()
    }

    /// Whether nobody waits for what comes next, so that the caller must start one more thread.
    fn is_deserted(&self) -> bool {
        let mut state = self.0.lock();
        let deserted = state.idle == 0 && state.threads < MOST_THREADS && !state.closed;
        state.threads += usize::from(deserted);
        deserted
    }

    /// Lets the threads end.
    fn close(&self) {
        self.0.close();
    }
}
