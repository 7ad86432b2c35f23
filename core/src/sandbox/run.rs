//! One execution, driven: steps of the guest on its threads, calls and timers between them, deadlines over all.
//!
//! The task that polls this is the only one that dispatches calls. When it decides to stop, it stops dispatching
//! first; the guest hears of it at the next tick; and the report is given even if the guest's thread does not come back.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::output::Output;
use super::place::{Place, Start, UnderWay};
use super::state::{Clock, Shared, Submission, held_by};
use super::step::{self, Step, StepEnd};
use super::{HostReply, Report, Run, ToolHost};
use crate::limits::{Limit, Limits, Usage};
use crate::model::Outcome;
use crate::task::SHORT_BYTES;

/// How long answers are taken in without a look at the clock.
const SLICE: Duration = Duration::from_millis(1);
type Completion = (i64, HostReply, u64);

pub(super) async fn drive(place: &Place, run: Run) -> Report {
    let clock = Clock::start();
    let shared = Arc::new(Shared::new(Output::new(&run.limits, run.events)));
    // Whatever ends this future, the guest's thread is told.
    let _stop_on_drop = StopOnDrop(Arc::clone(&shared));
    let (sender, submissions) = mpsc::unbounded_channel();
    let turn = Arc::new(Turn { start: clock.started(), begun_ns: AtomicU64::new(0) });
    let mut calls = Calls::new(run.host, submissions, &shared, &turn, &run.limits);
    let (source, limits) = (run.source, run.limits.clone());
    let mut step = Some(place.start(Start { source, shared: Arc::clone(&shared), limits, submissions: sender, clock }));
    let deadline = clock.started() + run.limits.wall_time();
    let end = until(deadline, &turn, &run.cancel, drive_steps(&mut step, &mut calls, &clock)).await;
    // SECURITY: the gate closes first: no call is dispatched from here on, and those under way are dropped.
    drop(calls);
    shared.ask_to_stop();
    if let Some(step) = step {
        step.leave().await;
    }
    report(end, &shared, &clock, &run.limits)
}

/// The end that `work` comes to, unless the deadline passes or the caller cancels first.
async fn until(
    deadline: Instant,
    turn: &Turn,
    cancel: &CancellationToken,
    work: impl Future<Output = StepEnd>,
) -> StepEnd {
    tokio::select! {
        // In this order, so that whoever cancels before upstreams go sees the execution cancelled, not failed.
        biased;
        () = cancel.cancelled() => StepEnd::Asked,
        // SECURITY: looked at whenever the execution goes on, also where nobody turns tokio's timers.
        () = turn.past(deadline) => StepEnd::Limit(Limit::WallTime, None),
        () = tokio::time::sleep_until(deadline.into()) => StepEnd::Limit(Limit::WallTime, None),
        end = work => end,
    }
}

/// The time that a thread goes on with the execution, from one wake-up to the next wait.
struct Turn {
    start: Instant,
    /// When the last one began, since `start`.
    begun_ns: AtomicU64,
}

impl Turn {
    /// Begins a turn whenever it is polled, and is over when that is after `deadline`; wakes nobody.
    async fn past(&self, deadline: Instant) {
        std::future::poll_fn(|_| {
            let now = Instant::now();
            let begun = u64::try_from((now - self.start).as_nanos()).unwrap_or(u64::MAX);
            self.begun_ns.store(begun, Ordering::Relaxed);
            if now >= deadline { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_nanos(self.begun_ns.load(Ordering::Relaxed)))
    }
}

fn report(end: StepEnd, shared: &Shared, clock: &Clock, limits: &Limits) -> Report {
    let (outcome, value) = match end {
        StepEnd::Done(value) => (Outcome::Completed, value),
        StepEnd::Failed(error) => (Outcome::Failed { error }, Value::Null),
        StepEnd::Limit(limit, Some(bound)) => {
            let message = format!("the program is too complex: {bound}");
            (Outcome::LimitExceeded { limit, message }, Value::Null)
        }
        StepEnd::Limit(limit, None) => {
            let message = limit.exceeded(limits.get(limit));
            (Outcome::LimitExceeded { limit, message }, Value::Null)
        }
        StepEnd::Asked => (Outcome::Cancelled, Value::Null),
    };
    let (stdout, stderr, output_bytes, log_entries) =
        shared.output.lock().unwrap_or_else(PoisonError::into_inner).take();
    let usage = Usage {
        cpu_time_ms: shared.cpu_ns.load(Ordering::Relaxed) as f64 / 1e6,
        wall_time_ms: clock.started().elapsed().as_secs_f64() * 1e3,
        memory_bytes: shared.memory_peak.load(Ordering::Relaxed),
        output_bytes,
        log_entries,
        tool_calls: shared.calls.load(Ordering::Relaxed),
        clamped: Vec::new(),
    };
    Report { outcome, value, stdout, stderr, usage }
}

struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.ask_to_stop();
    }
}

/// The calls of one execution: waiting for their turn, under way, and answered.
struct Calls {
    host: Arc<dyn ToolHost>,
    submissions: mpsc::UnboundedReceiver<Vec<Submission>>,
    shared: Arc<Shared>,
    queued: VecDeque<Submission>,
    in_flight: FuturesUnordered<BoxFuture<'static, Completion>>,
    answered: Vec<(i64, HostReply)>,
    most_in_flight: usize,
    most_memory: u64,
    turn: Arc<Turn>,
    /// A call was dispatched that takes long to look at.
    has_long: bool,
}

impl Calls {
    fn new(
        host: Arc<dyn ToolHost>,
        submissions: mpsc::UnboundedReceiver<Vec<Submission>>,
        shared: &Arc<Shared>,
        turn: &Arc<Turn>,
        limits: &Limits,
    ) -> Calls {
        Calls {
            host,
            submissions,
            shared: Arc::clone(shared),
            queued: VecDeque::new(),
            in_flight: FuturesUnordered::new(),
            answered: Vec::new(),
            most_in_flight: usize::try_from(limits.tool_calls_in_flight).unwrap_or(usize::MAX),
            most_memory: limits.memory_bytes,
            turn: Arc::clone(turn),
            has_long: false,
        }
    }

    fn accept(&mut self, submitted: Vec<Submission>) {
        self.queued.extend(submitted);
        self.dispatch();
    }

    fn dispatch(&mut self) {
        // SECURITY: never more at once than the limit; the rest waits its turn.
        while self.in_flight.len() < self.most_in_flight {
            let Some(Submission { id, call, held_bytes }) = self.queued.pop_front() else { return };
            self.has_long |= held_bytes > SHORT_BYTES as u64;
            let reply = self.host.call(call);
            self.in_flight.push(Box::pin(reply.map(move |reply| (id, reply, held_bytes))));
        }
    }

    /// The answer is held in its call's place, until the guest takes it.
    fn complete(&mut self, (id, reply, held_bytes): Completion) {
        self.shared.held_bytes.fetch_add(held_by(&reply), Ordering::Relaxed);
        self.shared.held_bytes.fetch_sub(held_bytes, Ordering::Relaxed);
        self.answered.push((id, reply));
        self.dispatch();
    }

    /// Whether the host holds more for the guest than its memory may have.
    fn are_over_memory(&self) -> bool {
        // SECURITY: replies that a guest does not take are its memory too.
        let held = self.shared.held_bytes.load(Ordering::Relaxed);
        held.saturating_add(self.shared.memory_peak.load(Ordering::Relaxed)) > self.most_memory
    }

    /// A step is over: dispatches what the guest submitted in it, `last` at its end.
    fn step_ended(&mut self, last: Vec<Submission>) {
        while let Ok(submitted) = self.submissions.try_recv() {
            self.accept(submitted);
        }
        self.accept(last);
    }

    /// Takes in the answers that are ready, without waiting.
    async fn settle(&mut self) {
        while !self.are_over_memory() {
            let Some(Some(completion)) = self.in_flight.next().now_or_never() else { return };
            self.complete(completion);
            self.look_up().await;
        }
    }

    /// Lets the execution look at its clock, and leave a thread that is not Conduit's.
    async fn look_up(&mut self) {
        // SECURITY: answers may take long to make; deadline and cancel are looked at in between.
        let is_late = self.turn.elapsed() > SLICE;
        // SECURITY: who answers one call does not read the megabytes of the next: that may be an event loop's thread.
        let is_long = std::mem::take(&mut self.has_long);
        if is_late || is_long {
            tokio::task::yield_now().await;
        }
    }

    /// Waits for one submission or one answer; pending for ever when there can be neither.
    async fn progress(&mut self) {
        tokio::select! {
            Some(submitted) = self.submissions.recv() => self.accept(submitted),
            Some(completion) = self.in_flight.next(), if !self.in_flight.is_empty() => self.complete(completion),
            else => std::future::pending().await,
        }
        self.look_up().await;
    }
}

/// Runs steps until one is the last. `under_way` is the step that is being run, so that it outlives a dropped future.
async fn drive_steps(under_way: &mut Option<UnderWay>, calls: &mut Calls, clock: &Clock) -> StepEnd {
    loop {
        let Some(step) = under_way else { return StepEnd::Failed(step::crashed("it has no step")) };
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut *step => break ended,
                () = calls.progress() => {}
            }
            if calls.are_over_memory() {
                return StepEnd::Limit(Limit::Memory, None);
            }
        };
        *under_way = None;
        let (mut live, wake_at, submitted) = match ended {
            Step::Waiting { live, wake_at, submitted } => (live, wake_at, submitted),
            Step::Ended(end) => return end,
        };
        calls.step_ended(submitted);
        // SECURITY: a guest that never waits for long is not looked at by one thread for ever.
        calls.look_up().await;
        calls.settle().await;
        if calls.answered.is_empty() {
            let timer = wake_at.map(|at| clock.instant(at));
            if calls.in_flight.is_empty() && timer.is_none() {
                return StepEnd::Failed(step::deadlock());
            }
            tokio::select! {
                biased;
                () = wait(calls, timer) => {}
                end = live.fails() => return end,
            }
        }
        if calls.are_over_memory() {
            return StepEnd::Limit(Limit::Memory, None);
        }
        *under_way = Some(live.resume(std::mem::take(&mut calls.answered)));
    }
}

/// Waits for an answer or the guest's next timer.
async fn wait(calls: &mut Calls, timer: Option<Instant>) {
    let timer = async {
        match timer {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(timer);
    while calls.answered.is_empty() {
        tokio::select! {
            () = calls.progress() => {}
            () = &mut timer => return,
        }
    }
    calls.settle().await;
}
