//! The workers of one guest: some that wait for a program, and how more are started.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::languages::Kind;
use super::frame::Hello;
use super::link::Worker;
use super::{VERSION, WorkerOptions, confine};
use crate::egress::process::{ProcessKind, ProcessSpec};
use crate::egress::worker;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Engine;

/// Programs that one worker runs, each in an instance of its own, before it is replaced.
const PROGRAMS: u32 = 1_000;
/// One that has run programs waits for the next so long at least, and twice as long at the most.
pub(super) const IDLE: Duration = Duration::from_secs(10);

/// The workers of one guest. One is always ready, or on its way, when there was a first.
pub(in super::super) struct Workers {
    program: String,
    args: Vec<String>,
    hello: Hello,
    /// How many may wait for a program.
    most_idle: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    workers: Vec<Worker>,
    /// A spare one is being started.
    starting: bool,
    /// What ends those that wait too long.
    watch: Option<JoinHandle<()>>,
    /// No more is wanted.
    closed: bool,
}

impl Workers {
    /// Starts none yet; later on `most_idle` wait for a program.
    ///
    /// # Errors
    /// `invalid_config` when the workers' program is not there, or this system cannot confine them although it must.
    pub(in super::super) fn new(options: &WorkerOptions, kind: Kind, most_idle: usize) -> Result<Workers> {
        let WorkerOptions { command, memory_bytes, is_strict } = options.clone();
        let invalid = |message| Err(Error::new(ErrorCode::InvalidConfig, message));
        if is_strict {
            lacks_nothing(&confine::lacking())?;
        }
        let program = command.program.to_str().filter(|_| command.program.is_absolute() && command.program.is_file());
        let Some(program) = program.map(str::to_owned) else {
            let message =
                format!("`{}` is no program for workers, expected the path of one", command.program.display());
            return invalid(message);
        };
        let (language, engine) = kind;
        let hello = Hello { version: VERSION.to_owned(), language, engine, memory_bytes, is_strict };
        Ok(Workers { program, args: command.args, hello, most_idle, idle: Mutex::default() })
    }

    /// A worker that has no program, and sees that there is another.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Worker> {
        let taken = {
            let mut idle = self.lock();
            idle.workers.retain(Worker::is_alive);
            // SECURITY: who took a worker over does not compute on in it between two programs.
            std::iter::from_fn(|| idle.workers.pop()).find(|worker| !worker.is_busy())
        };
        self.see_to_a_spare();
        match taken {
            Some(worker) => Ok(worker),
            None => self.start_one().await,
        }
    }

    fn see_to_a_spare(self: &Arc<Self>) {
        let mut idle = self.lock();
        if !idle.workers.is_empty() || idle.starting || idle.closed {
            return;
        }
        idle.starting = true;
        // Tokio may drop the task at once, and `Starting` then wants the lock.
        drop(idle);
        tokio::spawn(Arc::clone(self).start_spare(Starting(Arc::clone(self))));
    }

    async fn start_spare(self: Arc<Self>, starting: Starting) {
        let started = self.start_one().await;
        drop(starting);
        // Whoever wants one next tries again, and hears why not.
        if let Ok(worker) = started {
            self.keep(worker);
        }
    }

    /// Lets a worker wait for a program, if one is wanted.
    fn keep(self: &Arc<Self>, mut worker: Worker) {
        let mut idle = self.lock();
        if idle.workers.len() >= self.most_idle || idle.closed {
            return;
        }
        worker.waits();
        if worker.begun() > 0 && idle.watch.as_ref().is_none_or(JoinHandle::is_finished) {
            idle.watch = Some(tokio::spawn(Workers::watch(Arc::downgrade(self))));
        }
        idle.workers.push(worker);
    }

    /// Ends workers that have run programs and then waited too long, until none is left.
    async fn watch(workers: Weak<Workers>) {
        loop {
            sleep(IDLE).await;
            let Some(workers) = workers.upgrade() else { return };
            let mut idle = workers.lock();
            // SECURITY: nor while nobody wants anything.
            let ended: Vec<Worker> = idle.workers.extract_if(.., |worker| worker.waited || worker.is_busy()).collect();
            idle.workers.iter_mut().for_each(|worker| worker.waited = worker.begun() > 0);
            let is_over = idle.workers.iter().all(|worker| !worker.waited);
            if is_over {
                idle.watch = None;
            }
            drop((idle, ended));
            workers.see_to_a_spare();
            if is_over {
                return;
            }
        }
    }

    /// Ends the workers that wait, and those that come back. Waits for the former.
    pub(in super::super) async fn close(&self) {
        let waiting = {
            let mut idle = self.lock();
            idle.closed = true;
            if let Some(watch) = idle.watch.take() {
                watch.abort();
            }
            std::mem::take(&mut idle.workers)
        };
        join_all(waiting.into_iter().map(Worker::close)).await;
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start_one(&self) -> Result<Worker> {
        let mut args = self.args.clone();
        args.push(std::process::id().to_string());
        let (command, kind) = (self.program.clone(), ProcessKind::Worker);
        let spec = ProcessSpec { command, args, env: Vec::new(), cwd: None, kind };
        Worker::greet(worker::spawn(spec).await?, &self.hello).await
    }

    /// How many programs one worker runs.
    fn most_programs(&self) -> u32 {
        match self.hello.engine {
            Engine::Wasm => PROGRAMS,
            // SECURITY: what is between two programs in one process is V8 alone, so there is never a second one.
            Engine::V8 => 1,
        }
    }

    /// Takes a worker back whose program has ended.
    pub(super) fn give_back(self: &Arc<Self>, worker: Worker) {
        // SECURITY: what it has sent beyond the end, as far as that is here, would be taken for the next program's.
        if worker.begun() < self.most_programs() && worker.is_quiet() {
            self.keep(worker);
        }
    }
}

/// A spare worker is being started, for as long as this is there: its task may be dropped with its tokio runtime.
struct Starting(Arc<Workers>);

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.lock().starting = false;
    }
}

fn lacks_nothing(lacking: &[&str]) -> Result<()> {
    // SECURITY: an operator who requires what there is not gets nothing less.
    if !lacking.is_empty() {
        let message = format!("workers cannot be confined as `confinement` requires: no {}", lacking.join(", no "));
        return Err(Error::new(ErrorCode::InvalidConfig, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_lacks_is_refused_where_it_is_required() {
        assert!(lacks_nothing(&[]).is_ok());
        let error = lacks_nothing(&["landlock", "seccomp"]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidConfig);
        let message = "workers cannot be confined as `confinement` requires: no landlock, no seccomp";
        assert_eq!(error.to_string(), message);
    }
}
