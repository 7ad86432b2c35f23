//! The threads that run guests, and between steps what waits for them: started when needed, at most so many, with a stack that
//! fits a guest.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::task::go_on_after_a_step;

/// A guest's native stack, the transpiler's, and room for the host's own frames.
pub(super) const STACK_BYTES: usize = 16 << 20;

/// How long a thread without work looks for some before it sleeps: waking it costs more than a short program takes.
const LOOK: Duration = Duration::from_micros(50);

type Work = Box<dyn FnOnce(&Shared) + Send>;

#[derive(Default)]
struct Queue {
    /// By their ids.
    jobs: VecDeque<(u64, Work)>,
    next_id: u64,
    idle: usize,
    alive: usize,
    /// One thread at the most is awake and looks for work.
    looking: bool,
    closed: bool,
}

struct Shared {
    name: &'static str,
    most: usize,
    queue: Mutex<Queue>,
    /// Whether there is work, for the thread that looks: a hint, the queue decides.
    waiting: AtomicBool,
    ready: Condvar,
}

thread_local! {
    /// Whose next job this thread takes in a moment: it need not wake another for it.
    static NEXT_OF: Cell<*const Shared> = const { Cell::new(std::ptr::null()) };
}

/// A bounded set of threads. The queue is bounded by admission: an execution has at most one job, and takes it along.
pub(super) struct Threads {
    shared: Arc<Shared>,
}

/// What a job will give. Fails when the job panicked or no thread could be started.
pub(super) struct Job<T> {
    id: u64,
    shared: Arc<Shared>,
    receiver: oneshot::Receiver<T>,
}

impl<T> Future for Job<T> {
    type Output = Result<T, oneshot::error::RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context)
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        if self.receiver.is_terminated() {
            return;
        }
        // SECURITY: what nobody waits for any more does not stay in the queue, with its program and its instance.
        let abandoned = {
            let jobs = &mut self.shared.lock().jobs;
            let at = jobs.iter().position(|(id, _)| *id == self.id);
            at.and_then(|at| jobs.remove(at))
        };
        drop(abandoned);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a job's value, and goes on here with who waited for it.
    fn give<T, L>(&self, sender: oneshot::Sender<T>, (value, left): (T, Option<L>)) {
        if left.is_none() {
            NEXT_OF.set(self);
        }
        // If nobody waits any more, the value comes back and is dropped.
        drop(go_on_after_a_step(|| sender.send(value)));
        NEXT_OF.set(std::ptr::null());
        drop(left);
    }

    /// Returns when there may be work, or after a while.
    fn look(&self) {
        let start = Instant::now();
        while !self.waiting.load(Ordering::Acquire) && start.elapsed() < LOOK {
            std::hint::spin_loop();
        }
    }
}

impl Threads {
    pub(super) fn new(name: &'static str, most: usize) -> Threads {
        let (queue, waiting, ready) = (Mutex::default(), AtomicBool::new(false), Condvar::new());
        Threads { shared: Arc::new(Shared { name, most: most.max(1), queue, waiting, ready }) }
    }

    /// Runs `job` on a guest's thread, for its value and what is to be taken down when the value has been given. Dropping what
    /// this gives takes it out of the queue.
    pub(super) fn run<T: Send + 'static, L>(&self, job: impl FnOnce() -> (T, Option<L>) + Send + 'static) -> Job<T> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.shared.lock();
        let id = queue.next_id;
        queue.next_id += 1;
        queue.jobs.push_back((id, Box::new(move |shared: &Shared| shared.give(sender, job()))));
        self.shared.waiting.store(true, Ordering::Release);
        if NEXT_OF.get() == Arc::as_ptr(&self.shared) {
            NEXT_OF.set(std::ptr::null());
        } else {
            self.wake(queue);
        }
        Job { id, shared: Arc::clone(&self.shared), receiver }
    }

    /// Sees that a thread is awake for each job, as far as there may be.
    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        let asleep = queue.jobs.len() - usize::from(queue.looking);
        let mut lost = VecDeque::new();
        if queue.idle < asleep && queue.alive < self.shared.most {
            if self.spawn() {
                queue.alive += 1;
            } else if queue.alive == 0 {
                lost = std::mem::take(&mut queue.jobs);
            }
        }
        drop(queue);
        // Who waits for them is told, and may want the lock.
        drop(lost);
        if asleep > 0 {
            self.shared.ready.notify_one();
        }
    }

    fn spawn(&self) -> bool {
        let shared = Arc::clone(&self.shared);
        let builder = std::thread::Builder::new().name(format!("conduit-{}", shared.name)).stack_size(STACK_BYTES);
        builder.spawn(move || work(&shared)).is_ok()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_all();
    }
}

fn work(shared: &Shared) {
    let mut queue = shared.lock();
    loop {
        if let Some((_, job)) = queue.jobs.pop_front() {
            drop(queue);
            // SECURITY: a panic ends its own execution, which hears of it by the job's sender, and not the thread.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| job(shared)));
            queue = shared.lock();
            if queue.jobs.is_empty() && !queue.looking && !queue.closed {
                queue.looking = true;
                shared.waiting.store(false, Ordering::Relaxed);
                drop(queue);
                shared.look();
                queue = shared.lock();
                queue.looking = false;
            }
        } else if queue.closed {
            queue.alive -= 1;
            return;
        } else {
            queue.idle += 1;
            queue = shared.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panicking_job_is_heard_of_and_the_thread_lives() {
        let threads = Threads::new("test", 1);
        let panicked = threads.run(|| -> ((), Option<()>) { panic!("on purpose") });
        assert!(panicked.await.is_err());
        let answer = threads.run(|| (7, None::<()>));
        let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
        assert_eq!(answer.expect("no thread is left"), Ok(7));
    }

    #[tokio::test]
    async fn r10_a_job_that_nobody_waits_for_leaves_the_queue() {
        let threads = Threads::new("test", 1);
        let (let_go, wait) = std::sync::mpsc::channel::<()>();
        let busy = threads.run(move || (wait.recv(), None::<()>));
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let queued = threads.run(move || (drop(holds), None::<()>));
        assert_eq!(Arc::strong_count(&held), 2);
        drop(queued);
        assert_eq!(Arc::strong_count(&held), 1);
        let_go.send(()).unwrap();
        assert_eq!(busy.await, Ok(Ok(())));
    }
}
