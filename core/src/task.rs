//! Tasks that go on where they are woken: begun on the caller's thread, continued on a guest's when its step has ended.
//!
//! Waking a thread costs more than a short program runs. So whoever has something for an execution, and nothing else to do,
//! goes on with it by [`go_on_here`]; whoever has (the guest in the middle of a step, a timer, a socket) leaves it to tokio.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use async_task::{FallibleTask, Runnable, ScheduleInfo, WithInfo};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::error::{Error, ErrorCode, Result};

/// What a guest's thread goes on with at the most before it looks for its next step: an execution, who waits for it, and the
/// execution that gets its place.
const MOST_AFTER_A_STEP: usize = 4;
/// JSON that takes no time to look at, in bytes.
pub(crate) const SHORT_BYTES: usize = 16 << 10;

thread_local! {
    /// What was woken here by [`go_on`], which goes on with it.
    static WOKEN: RefCell<Option<Vec<Runnable>>> = const { RefCell::new(None) };
}

/// A future under way, as a value to wait for. Dropping it drops the future, with what that holds: at once and here, or when the
/// thread that has it just then gives it up.
pub struct Task<T> {
    /// There until it is dropped.
    task: Option<FallibleTask<std::thread::Result<T>>>,
    process: u32,
}

/// Begins a task on this thread, and gives what it will give; `tokio` goes on with it where nobody else does.
pub(crate) fn begin<F>(tokio: Handle, future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let within = Within { tokio: tokio.clone(), future: Some(AssertUnwindSafe(future).catch_unwind().boxed()) };
    let schedule = move |runnable: Runnable, info: ScheduleInfo| {
        // Who gives way is not gone on with at once.
        let elsewhere = if info.woken_while_running { Some(runnable) } else { keep(runnable) };
        if let Some(runnable) = elsewhere {
            let runs = Runs(Some(runnable));
            tokio.spawn(async move { runs.run() });
        }
    };
    let (runnable, task) = async_task::spawn(within, WithInfo(schedule));
    runnable.run();
    Task { task: Some(task.fallible()), process: std::process::id() }
}

/// Keeps what was woken for [`go_on`]; gives it back when that is not under way on this thread.
fn keep(runnable: Runnable) -> Option<Runnable> {
    let mut runnable = Some(runnable);
    // While a thread ends, there is nothing to keep it in.
    let _ = WOKEN.try_with(|woken| {
        if let Some(woken) = &mut *woken.borrow_mut() {
            woken.extend(runnable.take());
        }
    });
    runnable
}

/// What tokio is to run. It refuses when it is shut down, and drops what it was given within the waker that gave it.
struct Runs(Option<Runnable>);

impl Runs {
    fn run(mut self) {
        self.0.take().map(Runnable::run);
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        if let Some(runnable) = self.0.take() {
            // Whoever wakes may hold a lock that the future wants when it is dropped.
            let _ = std::thread::Builder::new().spawn(move || drop(runnable));
        }
    }
}

/// Does `work`, such as answering a call, and then goes on here with the execution that this woke. So an answer reaches its program
/// without waking another thread on the way.
///
/// Holds this thread for as long as Conduit takes to look at the answer, and may call a tool that the program calls next: the caller
/// holds no lock that a tool wants.
pub fn go_on_here<T>(work: impl FnOnce() -> T) -> T {
    go_on(work, 1)
}

/// As [`go_on_here`] if the answer's `bytes` are few, else `work` alone: for a thread that has an event loop.
pub fn go_on_here_if_short<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    // SECURITY: an event loop is not held by an answer of megabytes.
    if bytes <= SHORT_BYTES { go_on_here(work) } else { work() }
}

/// As [`go_on_here`], on a guest's thread whose step has ended.
pub(crate) fn go_on_after_a_step<T>(work: impl FnOnce() -> T) -> T {
    go_on(work, MOST_AFTER_A_STEP)
}

fn go_on<T>(work: impl FnOnce() -> T, most: usize) -> T {
    let is_outermost = WOKEN.try_with(|woken| {
        let woken = &mut *woken.borrow_mut();
        woken.is_none().then(|| *woken = Some(Vec::new())).is_some()
    });
    let _woken = is_outermost.is_ok_and(|it| it).then_some(Woken { most });
    work()
}

/// Goes on with what was woken here; when `work` panicked too.
struct Woken {
    most: usize,
}

impl Drop for Woken {
    fn drop(&mut self) {
        for _ in 0..self.most {
            // Not borrowed while it runs: what it wakes comes here too.
            let Some(runnable) = WOKEN.with_borrow_mut(|woken| woken.as_mut().and_then(Vec::pop)) else { break };
            runnable.run();
        }
        // SECURITY: a thread that is not Conduit's is not held by executions that come and go; the rest is tokio's.
        for runnable in WOKEN.take().into_iter().flatten() {
            runnable.schedule();
        }
    }
}

impl<T> Task<T> {
    /// Lets it go on when nobody waits for it.
    pub fn detach(mut self) {
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        // SECURITY: in a forked process locks of the future may be held by threads that only the other process has.
        if self.process == std::process::id() {
            go_on_here(|| drop(self.task.take()));
        } else {
            std::mem::forget(self.task.take());
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    /// What the future gave; `internal` when it panicked, or its runtime is gone.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let ended = self.task.as_mut().map_or(Poll::Ready(None), |task| Pin::new(task).poll(context));
        ended.map(|ended| match ended {
            Some(Ok(value)) => Ok(value),
            Some(Err(panic)) => Err(lost().with_source(said(&*panic))),
            None => Err(lost()),
        })
    }
}

fn lost() -> Error {
    Error::new(ErrorCode::Internal, "the execution's task failed")
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

/// A future that is polled and dropped as tokio would do it.
struct Within<T> {
    tokio: Handle,
    /// There until it is dropped.
    future: Option<BoxFuture<'static, T>>,
}

impl<T> Future for Within<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Within { tokio, future } = &mut *self;
        let _entered = tokio.enter();
        future.as_mut().map_or(Poll::Pending, |future| future.poll_unpin(context))
    }
}

impl<T> Drop for Within<T> {
    fn drop(&mut self) {
        let _entered = self.tokio.enter();
        // SECURITY: what panics while it is dropped ends no process.
        let _ = catch_unwind(AssertUnwindSafe(|| self.future = None));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread::{Thread, current};

    use tokio::sync::oneshot;

    use super::*;

    /// Begun on one thread, woken on another: where it was polled.
    async fn threads(wait: oneshot::Receiver<()>) -> (Thread, Thread) {
        let before = current();
        wait.await.unwrap();
        (before, current())
    }

    #[tokio::test]
    async fn it_begins_here_and_goes_on_where_it_was_woken() {
        let (answer, wait) = oneshot::channel();
        let task = begin(Handle::current(), threads(wait));
        let waker = std::thread::spawn(move || go_on_here(|| answer.send(())));
        let waking = waker.thread().id();
        let (before, after) = task.await.unwrap();
        assert_eq!((before.id(), after.id()), (current().id(), waking));
        waker.join().unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_does_not_go_on_with_it_leaves_it_to_tokio() {
        let (answer, wait) = oneshot::channel();
        let task = begin(Handle::current(), threads(wait));
        let waker = std::thread::spawn(move || answer.send(()));
        let waking = waker.thread().id();
        let (before, after) = task.await.unwrap();
        assert_eq!(before.id(), current().id());
        assert!(![before.id(), waking].contains(&after.id()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn r10_a_long_answer_is_not_looked_at_where_it_is_given() {
        for (bytes, here) in [(SHORT_BYTES, true), (SHORT_BYTES + 1, false)] {
            let (answer, wait) = oneshot::channel();
            let task = begin(Handle::current(), threads(wait));
            let waker = std::thread::spawn(move || go_on_here_if_short(bytes, || answer.send(()).unwrap()));
            let waking = waker.thread().id();
            assert_eq!(task.await.unwrap().1.id() == waking, here, "{bytes}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_gives_way_goes_on_elsewhere() {
        let task = begin(Handle::current(), async {
            let before = current().id();
            tokio::task::yield_now().await;
            (before, current().id())
        });
        let (before, after) = task.await.unwrap();
        assert_ne!(before, after);
    }

    #[tokio::test]
    async fn one_that_ends_wakes_who_waits_for_it_here() {
        let (answer, wait) = oneshot::channel();
        let inner = begin(Handle::current(), threads(wait));
        let outer = begin(Handle::current(), async { (inner.await.unwrap().1, current()) });
        let waker = std::thread::spawn(move || go_on_after_a_step(|| answer.send(())));
        let waking = waker.thread().id();
        let (inner, outer) = outer.await.unwrap();
        assert_eq!([inner.id(), outer.id()], [waking; 2]);
    }

    #[tokio::test]
    async fn dropping_it_drops_its_future_at_once() {
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let task = begin(Handle::current(), async move {
            std::future::pending::<()>().await;
            drop(holds);
        });
        assert_eq!(Arc::strong_count(&held), 2);
        drop(task);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn a_detached_one_goes_on() {
        let (answer, wait) = oneshot::channel();
        let (done, ended) = oneshot::channel();
        begin(Handle::current(), async move {
            wait.await.unwrap();
            done.send(7).unwrap();
        })
        .detach();
        answer.send(()).unwrap();
        assert_eq!(ended.await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_task_and_not_of_who_woke_it() {
        let (answer, wait) = oneshot::channel::<()>();
        let task = begin(Handle::current(), async {
            wait.await.unwrap();
            panic!("on purpose");
        });
        go_on_here(|| answer.send(()).unwrap());
        assert_eq!(task.await.unwrap_err().code(), ErrorCode::Internal);
    }

    #[test]
    fn one_whose_runtime_is_gone_is_an_error() {
        let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (answer, wait) = oneshot::channel();
        let task = begin(tokio.handle().clone(), threads(wait));
        drop(tokio);
        answer.send(()).unwrap();
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(other.block_on(task).unwrap_err().code(), ErrorCode::Internal);
    }

    #[test]
    fn one_that_shares_what_its_runtime_drops_ends_with_it() {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let listed = tokio.spawn(std::future::pending::<()>()).map(|_| ()).shared();
        let task = begin(tokio.handle().clone(), listed);
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(tokio);
            done.send(()).unwrap();
        });
        ended.recv_timeout(std::time::Duration::from_secs(20)).expect("dropping the runtime never ends");
        drop(task);
    }

    #[tokio::test]
    async fn c06_a_destructor_that_panics_ends_its_task_alone() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        drop(begin(Handle::current(), async {
            let _panics = Panics;
            std::future::pending::<()>().await;
        }));
    }

    #[tokio::test]
    async fn c05_in_a_forked_process_nothing_of_it_is_dropped() {
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let mut task = begin(Handle::current(), async move {
            std::future::pending::<()>().await;
            drop(holds);
        });
        // As a child of this process would find it.
        task.process += 1;
        drop(task);
        assert_eq!(Arc::strong_count(&held), 2);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn r10_who_answers_goes_on_with_one_task_and_no_more() {
        let (answers, waits): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
        let tasks: Vec<_> = waits.into_iter().map(|wait| begin(Handle::current(), threads(wait))).collect();
        let waker = std::thread::spawn(move || go_on_here(|| answers.into_iter().for_each(|it| it.send(()).unwrap())));
        let waking = waker.thread().id();
        let mut here = 0;
        for task in tasks {
            here += usize::from(task.await.unwrap().1.id() == waking);
        }
        assert_eq!(here, 1);
    }
}
