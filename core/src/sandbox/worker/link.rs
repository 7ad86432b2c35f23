//! The host's end of one worker, and the steps of the guest in it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdout;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

use super::super::HostReply;
use super::super::abi::completions_to_bytes;
use super::super::cpu_time::cpu_time_of;
use super::super::place::Start;
use super::super::state::{NAME_BYTES, Shared, Submission, held_by};
use super::super::step::{ERROR_BYTES, RawEnd, Step, StepEnd};
use super::frame::{FromHost, FromWorker, Hello, frame};
use super::pool::Workers;
use crate::egress::process::{End, Pipes, Process, Stdin};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{Limit, Limits};
use crate::model::GuestError;

/// How long the end of a worker is waited for: of one whose pipe has closed, so that it can be said how it ended.
const END_GRACE: Duration = Duration::from_millis(200);
/// What a frame may have beside the text that it carries: a call's name and numbers.
const BESIDE_BYTES: u64 = 8 << 10;
/// The longest name of a call: bytes that are no text become longer.
const MOST_NAME_BYTES: usize = 3 * NAME_BYTES;
/// More CPU time than any execution can have, in nanoseconds.
const MOST_CPU_NS: u64 = Limit::WallTime.maximum() * 1_000_000;
/// After so many frames the execution looks at its clocks.
const FRAMES_IN_A_ROW: u32 = 64;
/// So often the host looks at a worker's CPU clock.
const CPU_LOOK: Duration = Duration::from_millis(100);
/// CPU time that a worker may have beside its program's: to start, to clean up, to read and to write.
const CPU_GRACE: Duration = Duration::from_secs(1);
/// And this part of the time that passes, for its own clock.
const CPU_SHARE: u32 = 20;
/// CPU time of a worker that waits, once it has cleaned up.
const CPU_WAITING: Duration = Duration::from_millis(200);

/// A worker that waits for a program.
pub(super) struct Worker {
    stdin: Stdin,
    stdout: FramedRead<ChildStdout, LengthDelimitedCodec>,
    process: Process,
    /// Programs that it has begun.
    begun: u32,
    /// It waited when those that wait were last looked at.
    pub(super) waited: bool,
    /// The CPU time that it had used when it began to wait.
    waits_since: Option<Duration>,
}

impl Worker {
    /// Takes a process that has just been started, and tells it what it is to be.
    pub(super) async fn greet((process, pipes): (Process, Pipes), hello: &Hello) -> Result<Worker> {
        let internal = |message: String| Error::new(ErrorCode::Internal, message);
        let json = serde_json::to_vec(hello).map_err(|error| internal(format!("it cannot be greeted: {error}")))?;
        let mut bytes = Vec::new();
        frame(&mut bytes, |to| to.extend_from_slice(&json));
        let codec = LengthDelimitedCodec::builder().little_endian().new_codec();
        let Pipes { stdin, stdout } = pipes;
        let mut worker = Worker {
            stdin,
            stdout: FramedRead::new(stdout, codec),
            process,
            begun: 0,
            waited: false,
            waits_since: None,
        };
        if worker.stdin.write_all(&bytes).await.is_err() {
            return Err(internal(worker.last_words().await));
        }
        Ok(worker)
    }

    /// Whether it can be given a program.
    pub(super) fn is_alive(&self) -> bool {
        // Without anybody who would tell, its tokio runtime is gone, and with that the worker.
        self.process.exited().has_changed().is_ok() && self.process.exited().borrow().is_none()
    }

    /// Whether nothing of what it sent is left.
    pub(super) fn is_quiet(&self) -> bool {
        self.stdout.read_buffer().is_empty()
    }

    pub(super) fn begun(&self) -> u32 {
        self.begun
    }

    /// The CPU time that it has used, where the system tells.
    fn cpu_time(&self) -> Option<Duration> {
        cpu_time_of(self.process.id()?)
    }

    /// It has no program from here on.
    pub(super) fn waits(&mut self) {
        self.waited = false;
        self.waits_since = self.cpu_time();
    }

    /// Whether it computes although it has no program.
    pub(super) fn is_busy(&self) -> bool {
        let used = self.cpu_time().zip(self.waits_since).map(|(now, before)| now.saturating_sub(before));
        self.begun > 0 && used.is_some_and(|used| used > CPU_WAITING)
    }

    /// Ends it, and waits a moment until it is gone.
    pub(super) async fn close(self) {
        let _ = timeout(END_GRACE, self.process.close()).await;
    }

    /// How it ended: the system's word, and its own last ones.
    async fn last_words(&self) -> String {
        let mut exited = self.process.exited();
        let end = timeout(END_GRACE, exited.wait_for(Option::is_some)).await;
        let end = end.ok().and_then(|end| end.ok().and_then(|end| *end));
        let how = match end {
            Some(End(Some(status))) => format!("its worker process ended: {status}"),
            _ => "its worker process closed its pipe".to_owned(),
        };
        // No secret is where it could have been said from.
        match self.process.stderr().last_lines(1, |text| text).first() {
            Some(line) => format!("{how}: {line}"),
            None => how,
        }
    }
}

/// The host's own clock of the CPU time that a program's worker uses.
#[derive(Clone)]
struct Meter {
    process: Option<u32>,
    /// What it had used before the program.
    before: Option<Duration>,
    since: Instant,
    limit: Duration,
    shared: Arc<Shared>,
}

impl Meter {
    fn start(worker: &Worker, limits: &Limits, shared: &Arc<Shared>) -> Meter {
        let (process, before) = (worker.process.id(), worker.cpu_time());
        Meter { process, before, since: Instant::now(), limit: limits.cpu_time(), shared: Arc::clone(shared) }
    }

    fn check(&self) -> std::result::Result<(), StepEnd> {
        let most = self.limit + (self.limit + self.since.elapsed()) / CPU_SHARE + CPU_GRACE;
        let used = self.process.and_then(cpu_time_of).zip(self.before).map(|(now, before)| now.saturating_sub(before));
        // SECURITY: the limit of CPU time by the system's clock; a worker that was taken over does not end by itself.
        if used.is_some_and(|used| used > most) {
            self.shared.cpu_ns.store(u64::try_from(self.limit.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
            return Err(StepEnd::Limit(Limit::CpuTime, None));
        }
        Ok(())
    }

    /// Ends when the worker has used too much.
    async fn runs_out(&self) -> StepEnd {
        loop {
            sleep(CPU_LOOK).await;
            if let Err(end) = self.check() {
                return end;
            }
        }
    }
}

/// A worker that has a program. Dropping it ends the worker.
pub(in super::super) struct Link {
    worker: Worker,
    home: Arc<Workers>,
    shared: Arc<Shared>,
    limits: Limits,
    submissions: UnboundedSender<Vec<Submission>>,
    meter: Meter,
    /// Calls that were submitted.
    calls: u64,
    /// Those since the execution was last told.
    submitted: Vec<Submission>,
}

/// A step's end, or what is wrong with the worker.
type Stepped = std::result::Result<Step<Box<Link>>, StepEnd>;

impl Link {
    /// Starts a program in a worker, and runs its first step.
    pub(in super::super) async fn start(home: Arc<Workers>, start: Start) -> Step<Box<Link>> {
        let Start { source, shared, limits, submissions, .. } = start;
        let mut worker = match home.take().await {
            Ok(worker) => worker,
            // Not the program's path: a model reads it.
            Err(error) => {
                let why =
                    std::error::Error::source(&error).map_or_else(|| error.message().to_owned(), ToString::to_string);
                return Step::Ended(crashed(&format!("its worker cannot be started: {why}")));
            }
        };
        worker.begun += 1;
        // SECURITY: no more of a frame is read than the limit of what it carries.
        let most = [limits.output_bytes, limits.call_bytes, limits.result_bytes, ERROR_BYTES.into()];
        let most = most.into_iter().max().unwrap_or_default().saturating_add(BESIDE_BYTES);
        worker.stdout.decoder_mut().set_max_frame_length(usize::try_from(most).unwrap_or(usize::MAX));
        let mut bytes = Vec::new();
        FromHost::Start { limits: limits.clone(), source }.write(&mut bytes);
        let meter = Meter::start(&worker, &limits, &shared);
        let link = Link { worker, home, shared, limits, submissions, meter, calls: 0, submitted: Vec::new() };
        Box::new(link).step(bytes).await
    }

    /// Runs a waiting program on.
    pub(in super::super) async fn resume(self: Box<Link>, completions: Vec<(i64, HostReply)>) -> Step<Box<Link>> {
        let taken = completions.iter().map(|(_, reply)| held_by(reply)).sum();
        let held_bytes = self.shared.held_bytes.fetch_sub(taken, Ordering::Relaxed).saturating_sub(taken);
        let mut bytes = Vec::new();
        FromHost::Resume { held_bytes, completions: &completions_to_bytes(&completions) }.write(&mut bytes);
        drop(completions);
        self.step(bytes).await
    }

    /// Ends when a worker whose program waits does what it may not, or is no more.
    pub(in super::super) async fn fails(&mut self) -> StepEnd {
        let mut exited = self.worker.process.exited();
        tokio::select! {
            () = exited.wait_for(Option::is_some).map(drop) => {}
            end = self.meter.runs_out() => return end,
        }
        crashed(&self.worker.last_words().await)
    }

    async fn step(self: Box<Link>, request: Vec<u8>) -> Step<Box<Link>> {
        let meter = self.meter.clone();
        if let Err(end) = meter.check() {
            return Step::Ended(end);
        }
        tokio::select! {
            biased;
            step = self.run(request) => step.unwrap_or_else(Step::Ended),
            end = meter.runs_out() => Step::Ended(end),
        }
    }

    async fn run(mut self: Box<Link>, request: Vec<u8>) -> Stepped {
        if self.worker.stdin.write_all(&request).await.is_err() {
            return Err(crashed(&self.worker.last_words().await));
        }
        drop(request);
        loop {
            for _ in 0..FRAMES_IN_A_ROW {
                let bytes = self.read().await?;
                let frame = FromWorker::parse(&bytes).ok_or_else(|| crashed("its worker sent no frame"))?;
                match self.take(frame)? {
                    Taken::Nothing => {}
                    Taken::Waiting(wake_at) => {
                        let submitted = std::mem::take(&mut self.submitted);
                        return Ok(Step::Waiting { live: self, wake_at, submitted });
                    }
                    Taken::End(end) => {
                        let Link { worker, home, .. } = *self;
                        home.give_back(worker);
                        return Ok(Step::Ended(end));
                    }
                }
            }
            // A flood of frames does not keep the execution from its deadline, even where no read ever waits.
            self.submit();
            tokio::task::yield_now().await;
        }
    }

    /// The next frame's body. What was submitted before it does not wait for it.
    async fn read(&mut self) -> std::result::Result<BytesMut, StepEnd> {
        let read = match self.worker.stdout.next().now_or_never() {
            Some(read) => read,
            None => {
                self.submit();
                self.worker.stdout.next().await
            }
        };
        match read {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Err(too_long()),
            Some(Err(_)) | None => Err(crashed(&self.worker.last_words().await)),
        }
    }

    fn submit(&mut self) {
        if !self.submitted.is_empty() {
            // The execution may have ended: then this future is about to be dropped.
            let _ = self.submissions.send(std::mem::take(&mut self.submitted));
        }
    }

    /// A call as a guest in this process would have made it.
    fn within_limits(&self, mut submission: Submission) -> std::result::Result<Submission, StepEnd> {
        let call = &mut submission.call;
        let size = call.arguments.as_ref().map_or(0, Vec::len) as u64;
        // SECURITY: the frame may be as long as what carries most; a call's own limits hold in the host.
        if call.name.len() > MOST_NAME_BYTES {
            return Err(too_long());
        }
        if size > self.limits.call_bytes {
            call.arguments = Err(size);
            submission.held_bytes = call.name.len() as u64;
        }
        Ok(submission)
    }

    /// Takes in one frame.
    fn take(&mut self, frame: FromWorker<'_>) -> std::result::Result<Taken, StepEnd> {
        let end = match frame {
            FromWorker::Output(stream, entry) => {
                let mut output = self.shared.output.lock().unwrap_or_else(PoisonError::into_inner);
                // SECURITY: the host's own meter; the worker's word is not enough.
                output.write(stream, entry).map_err(|limit| StepEnd::Limit(limit, None))?;
                return Ok(Taken::Nothing);
            }
            FromWorker::Submit(submission) => {
                let submission = self.within_limits(submission)?;
                // SECURITY: the host's own count.
                if self.calls >= self.limits.tool_calls {
                    return Err(StepEnd::Limit(Limit::ToolCalls, None));
                }
                self.calls += 1;
                self.shared.calls.fetch_max(self.calls, Ordering::Relaxed);
                let held = self.shared.held_bytes.fetch_add(submission.held_bytes, Ordering::Relaxed);
                // SECURITY: what the host holds for a guest is the guest's memory, wherever the guest is.
                let guest = self.shared.memory_peak.load(Ordering::Relaxed);
                if held.saturating_add(submission.held_bytes).saturating_add(guest) > self.limits.memory_bytes {
                    return Err(StepEnd::Limit(Limit::Memory, None));
                }
                self.submitted.push(submission);
                return Ok(Taken::Nothing);
            }
            FromWorker::Used { cpu_ns, memory_bytes, calls } => {
                // Those of the last step are not made, but count.
                self.shared.calls.fetch_max(calls.min(self.limits.tool_calls), Ordering::Relaxed);
                self.shared.memory_peak.fetch_max(memory_bytes.min(self.limits.memory_bytes), Ordering::Relaxed);
                self.shared.cpu_ns.store(cpu_ns.min(MOST_CPU_NS), Ordering::Relaxed);
                return Ok(Taken::Nothing);
            }
            FromWorker::Waiting { wake_at } => return Ok(Taken::Waiting(wake_at)),
            // SECURITY: as in this process, a value over the limit is not even parsed.
            FromWorker::Done(value) if value.len() as u64 > self.limits.result_bytes => {
                RawEnd::Limit(Limit::ResultSize, None)
            }
            FromWorker::Done(value) => RawEnd::Done(value),
            // SECURITY: as in this process, an error is no way around the limit of the value.
            FromWorker::Failed { error, .. } | FromWorker::Invalid(error) if error.len() > ERROR_BYTES as usize => {
                return Err(too_long());
            }
            FromWorker::Limit(_, Some(text)) | FromWorker::Crashed(text) if text.len() > ERROR_BYTES as usize => {
                return Err(too_long());
            }
            FromWorker::Failed { memory_denied, error } => RawEnd::Failed { memory_denied, error },
            FromWorker::Invalid(error) => {
                let error: GuestError =
                    serde_json::from_slice(error).map_err(|_| crashed("its worker's error is not readable"))?;
                RawEnd::Invalid(error)
            }
            FromWorker::Limit(limit, bound) => RawEnd::Limit(limit, bound.map(|bound| bound.to_owned().into())),
            FromWorker::Crashed(why) => RawEnd::Crashed(why.into()),
        };
        Ok(Taken::End(end.understood()))
    }
}

/// What a frame came to.
enum Taken {
    Nothing,
    Waiting(Option<i64>),
    End(StepEnd),
}

fn too_long() -> StepEnd {
    crashed("its worker sent too long a frame")
}

fn crashed(why: &str) -> StepEnd {
    StepEnd::Failed(super::super::step::crashed(why))
}
