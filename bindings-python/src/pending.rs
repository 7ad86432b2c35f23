//! One question to core, and two ways to its answer: waiting on this thread, or being called when it is there.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conduit_core::{Embedded, Error, ErrorCode, Result, Task};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pyo3::prelude::*;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::Checked;
use crate::inbox::{Inbox, Job};

/// How often a waiting thread looks whether Python has got a signal.
const SIGNALS: Duration = Duration::from_millis(20);

/// JSON, or nothing.
type Answer = Result<Option<String>>;

enum State {
    Asked(BoxFuture<'static, Answer>),
    /// Dropping the task ends the question.
    Started(#[expect(dead_code, reason = "held for its drop")] Task<()>, oneshot::Receiver<Answer>),
    Over,
}

/// A question that is not answered yet. When nobody has it any more, and when it is cancelled, what it began ends.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Pending {
    embedded: Arc<Embedded>,
    state: Mutex<State>,
}

impl Pending {
    pub(crate) fn new(embedded: Arc<Embedded>, question: impl Future<Output = Answer> + Send + 'static) -> Pending {
        // Whatever panics within is an error of this question alone.
        let panicked = |_| Err(Error::new(ErrorCode::Internal, "conduit panicked, please report it"));
        let question = AssertUnwindSafe(question).catch_unwind().map(move |ended| ended.unwrap_or_else(panicked));
        Pending { embedded, state: Mutex::new(State::Asked(question.boxed())) }
    }

    fn put(&self, next: State) -> State {
        std::mem::replace(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), next)
    }

    /// The question, once.
    fn question(&self) -> Result<BoxFuture<'static, Answer>> {
        match self.put(State::Over) {
            State::Asked(question) => Ok(question),
            _ => Err(Error::new(ErrorCode::Internal, "the question was asked already")),
        }
    }
}

#[pymethods]
impl Pending {
    /// Waits for the answer on this thread. An exception of a signal's handler, such as `KeyboardInterrupt`, cancels it.
    fn wait(&self, py: Python<'_>) -> Checked<Option<String>> {
        let mut question = self.question()?;
        loop {
            let slice = py.detach(|| self.embedded.block_on(async { timeout(SIGNALS, &mut question).await }))?;
            match slice {
                Ok(answer) => return Ok(answer?),
                Err(_) => py.check_signals()?,
            }
        }
    }

    /// Lets it be answered; then whoever serves `inbox` calls `then`.
    fn start(&self, py: Python<'_>, inbox: &Inbox, then: Py<PyAny>) -> Checked<()> {
        let question = self.question()?;
        let (sender, receiver) = oneshot::channel();
        let queue = inbox.queue();
        let answered = async move {
            // Who asked may have gone this moment.
            let _ = sender.send(question.await);
            queue.push(Job::Wake(then));
        };
        let task = py.detach(|| self.embedded.begin(answered))?;
        self.put(State::Started(task, receiver));
        Ok(())
    }

    /// The answer, after `then` was called.
    fn answer(&self) -> Checked<Option<String>> {
        let unanswered = || Error::new(ErrorCode::Internal, "the question has no answer yet");
        let State::Started(_, mut receiver) = self.put(State::Over) else { return Err(unanswered().into()) };
        Ok(receiver.try_recv().map_err(|_| unanswered())??)
    }

    /// Ends what it began, if that still goes on.
    fn cancel(&self, py: Python<'_>) {
        let state = self.put(State::Over);
        py.detach(|| drop(state));
    }
}
