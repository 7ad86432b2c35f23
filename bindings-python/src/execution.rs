//! One program under way, as Python has it.

use std::pin::Pin;
use std::sync::Arc;

use conduit_core::{CancelHandle, Embedded, Event, Result};
use futures_util::future::{BoxFuture, Shared};
use futures_util::{FutureExt, Stream, StreamExt};
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::error::json;
use crate::pending::Pending;

type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// A program under way. Dropping it cancels the program.
#[pyclass(frozen, module = "conduit._conduit")]
pub(crate) struct Execution {
    embedded: Arc<Embedded>,
    id: String,
    events: Arc<Mutex<Events>>,
    cancel: CancelHandle,
    /// Asked by as many as like; the program ends with the last of them.
    result: Shared<BoxFuture<'static, Result<Arc<str>>>>,
}

impl Execution {
    pub(crate) fn new(mut execution: conduit_core::Execution, embedded: Arc<Embedded>) -> Execution {
        Execution {
            embedded,
            id: execution.id().to_owned(),
            events: Arc::new(Mutex::new(Box::pin(execution.take_events()))),
            cancel: execution.cancel_handle(),
            result: async move { Ok(json(&execution.join().await?).into()) }.boxed().shared(),
        }
    }
}

#[pymethods]
impl Execution {
    #[getter]
    fn id(&self) -> &str {
        &self.id
    }

    /// Asks for the next events, all that there are by then, as JSON of an array; `None` after the last one.
    fn next_events(&self) -> Pending {
        let events = Arc::clone(&self.events);
        Pending::new(Arc::clone(&self.embedded), async move {
            let mut events = events.lock().await;
            let Some(first) = events.next().await else { return Ok(None) };
            let mut batch = vec![first];
            while let Some(Some(event)) = events.next().now_or_never() {
                batch.push(event);
            }
            Ok(Some(json(&batch)))
        })
    }

    /// Ends the program.
    fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Asks for the result.
    fn join(&self) -> Pending {
        let result = self.result.clone();
        Pending::new(Arc::clone(&self.embedded), async move { Ok(Some(result.await?.to_string())) })
    }
}
