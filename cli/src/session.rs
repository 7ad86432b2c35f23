//! From the command line's flags to a runtime, and its orderly end.

#[cfg_attr(unix, path = "session/unix.rs")]
#[cfg_attr(windows, path = "session/windows.rs")]
mod signals;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use conduit_core::{
    Config, Error, ErrorCode, NO_POLICY, Policy, Result, Runtime, Shown, ToolPattern, UpstreamStatus, WorkerCommand,
};
use tokio::time::Instant;

use crate::args::{ConfigFile, SetUp};
use crate::output::{Printer, complain};
use signals::Signals;

/// How much of an error about an upstream is shown, in characters: it may end with the last words of a child.
pub(crate) const ERROR: usize = 4_000;
/// How long the end may take. Upstreams that do not end by themselves are killed well before.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// What to do when there is no config.
pub(crate) const NO_CONFIG: &str =
    "there is no config, expected `--config`, `CONDUIT_CONFIG`, or `conduit.yaml` or `conduit.json` here";

/// A runtime with the config's upstreams and the policy of the config and of `--allow`. Without a config there are no tools,
/// which is said where it is about them.
pub(crate) fn open(set_up: &SetUp, about_tools: bool, worker: WorkerCommand) -> Result<Runtime> {
    let config = read(&set_up.config)?;
    if config.is_none() && about_tools {
        complain(NO_CONFIG);
    }
    let mut config = config.unwrap_or_default();
    config.policy = policy(config.policy, &set_up.allow);
    let has_upstreams = !config.upstreams.is_empty();
    let runtime = Runtime::builder_from(config).worker(worker).build()?;
    if has_upstreams {
        warn_without_policy(&runtime);
    }
    Ok(runtime)
}

/// The config that the flag names, else the one that is found; `None` when there is none.
pub(crate) fn read(file: &ConfigFile) -> Result<Option<Config>> {
    let path = file.config.clone().or_else(Config::locate);
    path.as_deref().map(Config::read).transpose()
}

/// `--allow` beside a policy narrows it; without one it is the policy.
fn policy(configured: Policy, allow: &[ToolPattern]) -> Policy {
    match allow {
        [] => configured,
        // SECURITY: a flag does not widen what the operator's file allows.
        allow if configured.is_stated() => configured.narrow(Some(allow)),
        allow => Policy::allow(allow.iter().cloned()),
    }
}

/// What to do when no policy was stated.
pub(crate) fn no_policy() -> String {
    format!("{NO_POLICY}, or `--allow '*'`")
}

pub(crate) fn warn_without_policy(runtime: &Runtime) {
    if !runtime.has_policy() {
        complain(no_policy());
    }
}

/// Says which upstreams cannot be reached, and why.
pub(crate) fn report_upstreams(unavailable: &[UpstreamStatus]) {
    for upstream in unavailable {
        if let Err(error) = &upstream.tools {
            complain(Shown(&error.to_string(), ERROR));
        }
    }
}

/// Ends everything that the runtime started.
pub(crate) async fn close(runtime: &Runtime) {
    if tokio::time::timeout(GRACE, runtime.shutdown()).await.is_err() {
        complain("some upstreams did not end in time");
    }
}

/// Runs `work`, ends everything that the runtime started, and prints what `work` gave; false when an interrupt came first.
pub(crate) async fn print(
    runtime: &Runtime,
    interrupts: &mut Interrupts,
    work: impl Future<Output = Result<String>>,
) -> Result<bool> {
    let text = tokio::select! {
        text = work => Some(text),
        () = interrupts.next() => None,
    };
    close(runtime).await;
    let Some(text) = text else { return Ok(false) };
    let printer = Printer::start();
    printer.print(text?);
    printer.finish(interrupts.end_of_grace()).await
}

/// Ctrl-C, a terminal that goes away, or a request to end. From when it is made, no signal ends the process by itself, and
/// with it leaves upstreams behind.
pub(crate) struct Interrupts {
    signals: Signals,
    first: Option<Instant>,
}

impl Interrupts {
    pub(crate) fn new() -> Result<Interrupts> {
        let signals = Signals::listen()
            .map_err(|error| Error::new(ErrorCode::Internal, "cannot listen to signals").with_source(error))?;
        Ok(Interrupts { signals, first: None })
    }

    /// Waits for the next one. Cancel safe.
    pub(crate) async fn next(&mut self) {
        poll_fn(|context| if self.signals.poll(context) { Poll::Ready(()) } else { Poll::Pending }).await;
        self.first.get_or_insert_with(Instant::now);
    }

    /// Waits for the first one, if none has come, and until [`GRACE`] after it. Cancel safe.
    pub(crate) async fn end_of_grace(&mut self) {
        if self.first.is_none() {
            self.next().await;
        }
        if let Some(first) = self.first {
            tokio::time::sleep_until(first + GRACE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conduit_core::{Decision, ToolName};

    #[test]
    fn t02_allow_narrows_a_policy_and_is_one_when_there_is_none() {
        let patterns = |texts: &[&str]| texts.iter().map(|text| ToolPattern::parse(text).unwrap()).collect::<Vec<_>>();
        let decide = |configured: Policy, allow: &[&str], name: &str| {
            policy(configured, &patterns(allow)).decide(&ToolName::parse(name).unwrap()) == Decision::Allow
        };
        let github = || Policy::allow(patterns(&["github.*"]));
        assert!(decide(github(), &[], "github.x"));
        assert!(decide(github(), &["*"], "github.x"));
        assert!(!decide(github(), &["*"], "slack.x"));
        assert!(!decide(github(), &["github.y"], "github.x"));
        assert!(decide(Policy::unstated(), &["github.*"], "github.x"));
        assert!(!decide(Policy::unstated(), &["github.*"], "slack.x"));
        assert!(!decide(Policy::unstated(), &[], "github.x"));
        assert!(!decide(Policy::allow([]), &["*"], "github.x"));
    }
}
