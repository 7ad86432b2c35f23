//! What threads of Python have to do for the runtime: call functions that are tools, wake event loops.
//!
//! Only threads that Python started run Python, so that the end of the interpreter, which stops them where they are,
//! is as safe as for Python's own daemon threads. There are two queues: one whose work may take long, one whose work never does.

use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Read, Write};
#[cfg(unix)]
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(not(unix))]
use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;

use crate::error::{checked, of_this_process};
use crate::tool_call::{Call, ToolCall};

/// Threads that one queue has at the most: as many calls of functions run at once, further ones wait.
const MOST_THREADS: usize = 512;
/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

enum Job {
    Call(Arc<Call>),
    Wake(Py<PyAny>),
}

impl Job {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Job::Wake(callback) => Ok(callback),
            Job::Call(call) => Ok(Py::new(py, ToolCall(call))?.into_any()),
        }
    }
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
    /// What event loops watch, when any does; readable while there are jobs, and when it is closed.
    watched: Option<Watched>,
    watching: usize,
    /// The last loop that watched was closed: nobody will answer a call.
    deserted: bool,
}

impl State {
    /// The calls that are in the queue, which has them no longer.
    fn take_calls(&mut self) -> Vec<Arc<Call>> {
        let mut calls = Vec::new();
        for job in std::mem::take(&mut self.jobs) {
            match job {
                Job::Call(call) => calls.push(call),
                wake @ Job::Wake(_) => self.jobs.push_back(wake),
            }
        }
        calls
    }

    /// Tells one who waits of a new job, or all that it is closed.
    fn tell(&mut self, ready: &Condvar) {
        if self.closed {
            ready.notify_all()
        } else {
            ready.notify_one()
        }
        if let Some(watched) = &mut self.watched {
            watched.signal();
        }
    }
}

/// One queue. Bounded by the calls that executions may have under way, and by the questions of the embedder.
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    process: u32,
}

impl Queue {
    pub(crate) fn new() -> Arc<Queue> {
        // The first thread is started by whoever makes the queue.
        let state = State {
            jobs: VecDeque::new(),
            threads: 1,
            idle: 0,
            closed: false,
            watched: None,
            watching: 0,
            deserted: false,
        };
        Arc::new(Queue { state: Mutex::new(state), ready: Condvar::new(), process: std::process::id() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, mut state: MutexGuard<'_, State>, job: Job) {
        state.jobs.push_back(job);
        state.tell(&self.ready);
    }

    pub(crate) fn call(&self, call: Arc<Call>) {
        let state = self.lock();
        if state.closed || state.deserted {
            drop(state);
            call.abandon();
        } else {
            self.push(state, Job::Call(call));
        }
    }

    /// Never in vain while there is an [`Open`], which whoever wakes has.
    pub(crate) fn wake(&self, callback: Py<PyAny>) {
        self.push(self.lock(), Job::Wake(callback));
    }

    /// A call that nobody waits for any more does not stay in the queue.
    pub(crate) fn forget(&self, call: &Arc<Call>) {
        let is_other = |job: &Job| !matches!(job, Job::Call(other) if Arc::ptr_eq(other, call));
        self.lock().jobs.retain(is_other);
    }

    /// Lets the threads end when they have woken whom they should. Calls that wait fail, and so do those that come.
    pub(crate) fn close(&self) {
        // In a forked process the lock may be held for ever.
        if of_this_process(self.process).is_err() {
            return;
        }
        let abandoned = {
            let mut state = self.lock();
            state.closed = true;
            state.tell(&self.ready);
            state.take_calls()
        };
        abandoned.iter().for_each(|call| call.abandon());
    }

    /// One loop less watches.
    fn unwatch(&self) {
        let abandoned = {
            let mut state = self.lock();
            state.watching -= 1;
            state.deserted = state.watching == 0;
            if state.deserted { state.take_calls() } else { Vec::new() }
        };
        abandoned.iter().for_each(|call| call.abandon());
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

/// A pipe that holds a byte while somebody should look.
struct Watched {
    reader: PipeReader,
    writer: PipeWriter,
    signalled: bool,
}

impl Watched {
    fn new() -> std::io::Result<Watched> {
        let (reader, writer) = std::io::pipe()?;
        Ok(Watched { reader, writer, signalled: false })
    }

    fn signal(&mut self) {
        self.signalled = self.signalled || self.writer.write_all(&[0]).is_ok();
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.signalled) {
            let _ = self.reader.read_exact(&mut [0]);
        }
    }
}

/// A queue whose threads stay for as long as somebody has this.
pub(crate) struct Open(pub(crate) Arc<Queue>);

impl Open {
    pub(crate) fn new() -> Arc<Open> {
        Arc::new(Open(Queue::new()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// One queue, as its threads see it, or an event loop, which has this for as long as it watches.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Inbox {
    queue: Arc<Queue>,
    watches: AtomicBool,
}

impl Inbox {
    pub(crate) fn new(queue: &Arc<Queue>) -> Inbox {
        Inbox { queue: Arc::clone(queue), watches: AtomicBool::new(false) }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if *self.watches.get_mut() && of_this_process(self.queue.process).is_ok() {
            self.queue.unwatch();
        }
    }
}

#[pymethods]
impl Inbox {
    /// Waits for something to do: a call of a tool, or a function to call. `None` when the thread may end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        py.detach(|| self.queue.next()).map(|job| job.into_python(py)).transpose()
    }

    /// What an event loop can watch instead of waiting: readable when it should call `take`.
    ///
    /// Raises `NotImplementedError` where event loops watch no pipes, and `OSError` when there are too many.
    fn descriptor(&self, py: Python<'_>) -> PyResult<i32> {
        #[cfg(not(unix))]
        return Err(PyNotImplementedError::new_err("event loops watch no pipes here"));
        #[cfg(unix)]
        {
            // A forked process leaves the pipe to the one that it shares it with.
            checked(py, of_this_process(self.queue.process))?;
            let mut state = self.queue.lock();
            let watched = match state.watched.take() {
                Some(watched) => watched,
                None => Watched::new()?,
            };
            let descriptor = watched.reader.as_raw_fd();
            state.watched = Some(watched);
            if !self.watches.swap(true, Ordering::Relaxed) {
                state.watching += 1;
                state.deserted = false;
            }
            // For what came before.
            state.tell(&self.queue.ready);
            Ok(descriptor)
        }
    }

    /// Everything that there is to do now; `None` when there never will be more.
    fn take(&self, py: Python<'_>) -> PyResult<Option<Vec<Py<PyAny>>>> {
        if of_this_process(self.queue.process).is_err() {
            return Ok(Some(Vec::new()));
        }
        let (jobs, closed) = {
            let mut state = self.queue.lock();
            let closed = state.closed;
            // One that is closed stays readable until everybody has seen that.
            if let Some(watched) = state.watched.as_mut().filter(|_| !closed) {
                watched.clear();
            }
            (std::mem::take(&mut state.jobs), closed)
        };
        if closed && jobs.is_empty() {
            return Ok(None);
        }
        jobs.into_iter().map(|job| job.into_python(py)).collect::<PyResult<_>>().map(Some)
    }

    /// Whether nobody waits for what comes next, so that the caller must start one more thread.
    fn is_deserted(&self) -> bool {
        let mut state = self.queue.lock();
        let deserted = state.idle == 0 && state.threads < MOST_THREADS && !state.closed;
        state.threads += usize::from(deserted);
        deserted
    }
}
