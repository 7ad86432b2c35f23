//! One question to core, and two ways to its answer: waiting on this thread, or being called when it is there.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conduit_core::{Embedded, Result, Task};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::time::timeout;

use crate::error::{checked, panicked};
use crate::inbox::Open;

/// How often a waiting thread looks whether Python has got a signal.
const SIGNALS: Duration = Duration::from_millis(20);

/// JSON, or nothing.
type Answer = Result<Option<String>>;

enum State {
    Asked(BoxFuture<'static, Answer>),
    Starting,
    /// Dropping the task ends the question.
    Running(#[expect(dead_code, reason = "held for its drop")] Task<()>),
    Answered(Answer),
    Taken,
}

/// A question that is not answered yet. When nobody has it any more, and when it is cancelled, what it began ends.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Pending {
    embedded: Arc<Embedded>,
    wakes: Arc<Open>,
    state: Arc<Mutex<State>>,
}

impl Pending {
    pub(crate) fn new(
        embedded: Arc<Embedded>,
        wakes: Arc<Open>,
        question: impl Future<Output = Answer> + Send + 'static,
    ) -> Pending {
        // Whatever panics within is an error of this question alone.
        let question = AssertUnwindSafe(question).catch_unwind().map(|ended| ended.unwrap_or_else(|_| Err(panicked())));
        Pending { embedded, wakes, state: Arc::new(Mutex::new(State::Asked(question.boxed()))) }
    }
}

fn put(state: &Mutex<State>, next: State) -> State {
    std::mem::replace(&mut state.lock().unwrap_or_else(PoisonError::into_inner), next)
}

#[pymethods]
impl Pending {
    /// Waits for the answer on this thread. An exception of a signal's handler, such as `KeyboardInterrupt`, cancels it.
    fn wait(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let State::Asked(mut question) = put(&self.state, State::Taken) else {
            return Err(PyRuntimeError::new_err("the question was asked already"));
        };
        loop {
            let slice = py.detach(|| self.embedded.block_on(async { timeout(SIGNALS, &mut question).await }));
            match checked(py, slice)? {
                Ok(answer) => return checked(py, answer),
                Err(_) => py.check_signals()?,
            }
        }
    }

    /// Lets it be answered; then whoever serves the inbox calls `then`.
    fn start(&self, py: Python<'_>, then: Py<PyAny>) -> PyResult<()> {
        let question = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match std::mem::replace(&mut *state, State::Starting) {
                State::Asked(question) => question,
                other => {
                    *state = other;
                    return Err(PyRuntimeError::new_err("the question was asked already"));
                }
            }
        };
        let (state, wakes) = (Arc::clone(&self.state), Arc::clone(&self.wakes));
        let answered = async move {
            let answer = question.await;
            put(&state, State::Answered(answer));
            wakes.0.wake(then);
        };
        let task = checked(py, py.detach(|| self.embedded.begin(answered)))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Else it is answered already, or was cancelled meanwhile: then the task goes.
        if matches!(*state, State::Starting) {
            *state = State::Running(task);
        }
        Ok(())
    }

    /// The answer, after `then` was called.
    fn answer(&self, py: Python<'_>) -> PyResult<Option<String>> {
        match put(&self.state, State::Taken) {
            State::Answered(answer) => checked(py, answer),
            _ => Err(PyRuntimeError::new_err("the question has no answer yet")),
        }
    }

    /// Ends what it began, if that still goes on.
    fn cancel(&self, py: Python<'_>) {
        let state = put(&self.state, State::Taken);
        py.detach(|| drop(state));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // The task has the state too.
        drop(put(&self.state, State::Taken));
    }
}
