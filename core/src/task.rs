//! Tasks that go on where they are woken: begun on the caller's thread, continued on a guest's when its step has ended.
//!
//! Waking a thread costs more than a short program runs. So whoever has something for an execution, and nothing else to do,
//! goes on with it by [`go_on_here`]; whoever has (the guest in the middle of a step, a timer, a socket) leaves it to tokio.

use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_task::{FallibleTask, Runnable, ScheduleInfo, WithInfo};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::error::{Error, ErrorCode, Result};

thread_local! {
    /// What was woken here by [`go_on_here`], which goes on with it.
    static WOKEN: RefCell<Option<Vec<Runnable>>> = const { RefCell::new(None) };
}

/// A task under way. Dropping it drops its future: here and now, or when the thread that has it just then gives it up.
pub struct Task<T>(Option<FallibleTask<std::thread::Result<T>>>);

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
            tokio.spawn(async move { runnable.run() });
        }
    };
    let (runnable, task) = async_task::spawn(within, WithInfo(schedule));
    runnable.run();
    Task(Some(task.fallible()))
}

/// Keeps what was woken for [`go_on_here`]; gives it back when that is not under way on this thread.
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

/// Does `work`, such as answering a call, and then goes on here with what that woke. So an answer reaches its program without
/// waking another thread on the way. Holds this thread for as long as Conduit takes to look at the answer.
pub fn go_on_here<T>(work: impl FnOnce() -> T) -> T {
    let is_outermost = WOKEN.try_with(|woken| {
        let woken = &mut *woken.borrow_mut();
        woken.is_none().then(|| *woken = Some(Vec::new())).is_some()
    });
    let _woken = is_outermost.is_ok_and(|it| it).then_some(Woken);
    work()
}

/// Goes on with what was woken here; when `work` panicked too.
struct Woken;

impl Drop for Woken {
    fn drop(&mut self) {
        // Not held while it runs: what it wakes comes here too.
        while let Some(runnable) = WOKEN.with_borrow_mut(|woken| woken.as_mut().and_then(Vec::pop)) {
            runnable.run();
        }
        WOKEN.set(None);
    }
}

impl<T> Task<T> {
    /// Lets it go on when nobody waits for it.
    pub fn detach(mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        go_on_here(|| drop(self.0.take()));
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let ended = self.0.as_mut().map_or(Poll::Ready(None), |task| Pin::new(task).poll(context));
        let lost = || Error::new(ErrorCode::Internal, "the execution's task failed");
        ended.map(|ended| ended.and_then(std::result::Result::ok).ok_or_else(lost))
    }
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
        self.future = None;
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
        let waker = std::thread::spawn(move || go_on_here(|| answer.send(())));
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
        assert_eq!(task.await.map(|()| ()).unwrap_err().code(), ErrorCode::Internal);
    }

    #[test]
    fn one_whose_runtime_is_gone_is_an_error() {
        let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (answer, wait) = oneshot::channel();
        let task = begin(tokio.handle().clone(), threads(wait));
        drop(tokio);
        answer.send(()).unwrap();
        assert_eq!(futures_util::FutureExt::now_or_never(task).unwrap().unwrap_err().code(), ErrorCode::Internal);
    }
}
