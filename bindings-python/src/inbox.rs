//! What threads of Python have to do for the runtime: call functions that are tools, wake event loops.
//!
//! Only threads that Python started run Python, so that the end of the interpreter, which stops them where they are,
//! is as safe as for Python's own daemon threads. There are two queues: one whose work may take long, one whose work never does.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

use crate::tool_call::{Call, ToolCall};

/// Threads that one queue has at the most: as many calls of functions run at once, further ones wait.
const MOST_THREADS: usize = 512;
/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

enum Job {
    Call(Arc<Call>),
    Wake(Py<PyAny>),
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
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
        let state = State { jobs: VecDeque::new(), threads: 1, idle: 0, closed: false };
        Arc::new(Queue { state: Mutex::new(state), ready: Condvar::new(), process: std::process::id() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job; gives it back when no thread will do it any more.
    fn push(&self, job: Job) -> Option<Job> {
        let mut state = self.lock();
        if state.closed {
            return Some(job);
        }
        state.jobs.push_back(job);
        self.ready.notify_one();
        None
    }

    pub(crate) fn call(&self, call: Arc<Call>) {
        if let Some(Job::Call(call)) = self.push(Job::Call(call)) {
            call.abandon();
        }
    }

    /// Never in vain while there is an [`Open`], which whoever wakes has.
    pub(crate) fn wake(&self, callback: Py<PyAny>) {
        self.push(Job::Wake(callback));
    }

    /// A call that nobody waits for any more does not stay in the queue.
    pub(crate) fn forget(&self, call: &Arc<Call>) {
        let is_other = |job: &Job| !matches!(job, Job::Call(other) if Arc::ptr_eq(other, call));
        self.lock().jobs.retain(is_other);
    }

    /// Lets the threads end when they have woken whom they should. Calls that wait fail, and so do those that come.
    pub(crate) fn close(&self) {
        // In a forked process the lock may be held for ever.
        if self.process != std::process::id() {
            return;
        }
        let abandoned = {
            let mut state = self.lock();
            state.closed = true;
            self.ready.notify_all();
            let jobs = std::mem::take(&mut state.jobs).into_iter();
            let (calls, wakes): (VecDeque<_>, VecDeque<_>) = jobs.partition(|job| matches!(job, Job::Call(_)));
            state.jobs = wakes;
            calls
        };
        for job in abandoned {
            if let Job::Call(call) = job {
                call.abandon();
            }
        }
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

/// One queue, as its threads see it.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Inbox(pub(crate) Arc<Queue>);

#[pymethods]
impl Inbox {
    /// Waits for something to do: a call of a tool, or a function to call. `None` when the thread may end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match py.detach(|| self.0.next()) {
            None => Ok(None),
            Some(Job::Wake(callback)) => Ok(Some(callback)),
            Some(Job::Call(call)) => Ok(Some(Py::new(py, ToolCall(call))?.into_any())),
        }
    }

    /// Whether nobody waits for what comes next, so that the caller must start one more thread.
    fn is_deserted(&self) -> bool {
        let mut state = self.0.lock();
        let deserted = state.idle == 0 && state.threads < MOST_THREADS && !state.closed;
        state.threads += usize::from(deserted);
        deserted
    }
}
