//! Where guests run: on threads of this process, or each in a process of its own. Either runs one step and says how it ended.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;

use super::here::Here;
use super::state::{Clock, Shared, Submission};
use super::step::{self, Step, StepEnd};
use super::threads::Job;
use super::worker::{Link, Workers};
use super::{HostReply, Source, guest};
use crate::limits::Limits;

/// How long a stopped guest's thread may take to come back before the report is given without it.
const GRACE: Duration = Duration::from_millis(250);

/// Where the guests of one sandbox run.
pub(super) enum Place {
    Here(Arc<Here>),
    Workers(Arc<Workers>),
}

/// What a guest starts with.
pub(super) struct Start {
    pub(super) source: Source,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    /// Where calls go that are submitted in the middle of a step.
    pub(super) submissions: UnboundedSender<Vec<Submission>>,
}

/// A guest that waits.
pub(super) enum Live {
    Here(Arc<Here>, Box<guest::Live>),
    Worker(Box<Link>),
}

/// A step that is being run. Dropping it takes it from its thread, if it has not begun, or ends its worker.
pub(super) enum UnderWay {
    Here(Arc<Here>, Job<Step<Box<guest::Live>>>),
    Worker(BoxFuture<'static, Step<Box<Link>>>),
}

impl Place {
    /// Starts a program and runs its first step.
    pub(super) fn start(&self, start: Start) -> UnderWay {
        match self {
            Place::Here(here) => UnderWay::Here(Arc::clone(here), here.start(start)),
            Place::Workers(workers) => UnderWay::Worker(Link::start(Arc::clone(workers), start).boxed()),
        }
    }
}

impl Live {
    /// Ends when a guest that waits is no more, or did what it may not: never in this process.
    pub(super) async fn fails(&mut self) -> StepEnd {
        match self {
            Live::Here(..) => std::future::pending().await,
            Live::Worker(link) => link.fails().await,
        }
    }

    /// Runs a waiting program on.
    pub(super) fn resume(self, completions: Vec<(i64, HostReply)>) -> UnderWay {
        match self {
            Live::Here(here, live) => {
                let job = here.resume(live, completions);
                UnderWay::Here(here, job)
            }
            Live::Worker(link) => UnderWay::Worker(link.resume(completions).boxed()),
        }
    }
}

impl Future for UnderWay {
    type Output = Step<Live>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Step<Live>> {
        match &mut *self {
            UnderWay::Here(here, job) => job.poll_unpin(context).map(|step| match step {
                Ok(step) => step.map(|live| Live::Here(Arc::clone(here), live)),
                // A step that gives nothing panicked or found no thread.
                Err(_) => Step::Ended(StepEnd::Failed(step::crashed("its thread ended"))),
            }),
            UnderWay::Worker(step) => step.poll_unpin(context).map(|step| step.map(Live::Worker)),
        }
    }
}

impl UnderWay {
    /// Leaves a step that was told to stop: waits a moment for the thread, or ends the worker.
    pub(super) async fn leave(self) {
        if let UnderWay::Here(_, job) = self {
            // SECURITY: the report does not wait for a thread that does not come back.
            let _ = tokio::time::timeout(GRACE, job).await;
        }
    }
}
