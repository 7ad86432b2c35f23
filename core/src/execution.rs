//! One run, top to bottom. The only module that knows both the sandbox and the gateway.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorCode, Result};
use crate::gateway::{Gate, GateLimits, Gateway, Question};
use crate::limits::{Limit, Limits, Usage};
use crate::model::{Event, ExecutionRequest, ExecutionResult, Language, Outcome};
use crate::policy::Policy;
use crate::sandbox::{CallKind, Envelope, HostCall, HostReply, NoProgram, Prepare, Run, Sandbox, Source, ToolHost};
use crate::tool::ReplyForm;
use crate::transpile::{TranspileError, transpile};

/// Calls end by themselves this long after the execution's wall time, so that the limit is what ends it.
const CALLS_OUTLIVE: Duration = Duration::from_secs(1);

/// What the operator decided, and what every execution uses.
pub(crate) struct Ground<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) gateway: &'a Arc<Gateway>,
    pub(crate) policy: &'a Policy,
    pub(crate) defaults: &'a Limits,
    pub(crate) ceiling: &'a Limits,
}

/// What belongs to one execution beside its request.
pub(crate) struct Handle {
    pub(crate) id: String,
    pub(crate) events: Option<UnboundedSender<Event>>,
    pub(crate) cancel: CancellationToken,
}

/// Runs one program to its end.
pub(crate) async fn execute(ground: Ground<'_>, request: ExecutionRequest, handle: Handle) -> Result<ExecutionResult> {
    // SECURITY: a request takes away from what the operator allows, and never adds to it.
    let policy = ground.policy.narrow(request.allow.as_deref());
    let (limits, clamped) = ground.defaults.with(&request.limits, ground.ceiling)?;
    let least = ground.sandbox.least_memory_bytes();
    if limits.memory_bytes < least {
        let (limit, value, language) = (Limit::Memory.key(), limits.memory_bytes, request.language.name());
        let message = format!("limit `{limit}` cannot be `{value}` for `{language}`, expected at least {least}");
        return Err(Error::new(ErrorCode::InvalidLimit, message));
    }
    let input = request.input.to_string();
    // SECURITY: no thread of the sandbox is occupied with a program, or with an input, that is too large.
    if request.code.len().max(input.len()) as u64 > limits.program_bytes {
        let message = Limit::ProgramSize.exceeded(limits.program_bytes);
        let outcome = Outcome::LimitExceeded { limit: Limit::ProgramSize, message };
        return Ok(not_started(handle.id, outcome, clamped));
    }
    let gate_limits = GateLimits::new(&limits, &handle.id, Instant::now() + limits.wall_time() + CALLS_OUTLIVE);
    let upstreams = Value::from(ground.gateway.upstream_ids(&policy)).to_string();
    let gate = Arc::new(ground.gateway.open(policy, request.language, gate_limits, handle.events.clone()));
    let run = Run {
        source: Source { code: request.code, input, upstreams },
        limits,
        host: Arc::new(GateHost(Arc::clone(&gate))),
        events: handle.events,
        cancel: handle.cancel,
    };
    let report = ground.sandbox.run(run).await;
    Ok(ExecutionResult {
        id: handle.id,
        outcome: report.outcome,
        value: report.value,
        stdout: report.stdout,
        stderr: report.stderr,
        tool_calls: gate.take_records(),
        usage: Usage { clamped, ..report.usage },
    })
}

/// An unguessable id of 128 bits, in hex.
///
/// # Errors
/// `internal` when the system has no entropy.
pub(crate) fn new_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorCode::Internal, "the system gives no entropy").with_source(error.to_string())
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The result of an execution that ended before its program began.
pub(crate) fn not_started(id: String, outcome: Outcome, clamped: Vec<Limit>) -> ExecutionResult {
    let usage = Usage { clamped, ..Usage::default() };
    ExecutionResult { usage, ..ExecutionResult::new(id, outcome) }
}

/// What makes the program as the guest takes it.
pub(crate) fn prepare(language: Language) -> Prepare {
    match language {
        Language::TypeScript => |Source { code, input, upstreams }, limits| match transpile(&code, limits) {
            Ok(program) => Ok(Envelope { program: program.code, mappings: program.mappings, input, upstreams }),
            Err(TranspileError::Program(error)) => Err(NoProgram::Invalid(error)),
            Err(TranspileError::Limit(limit, bound)) => Err(NoProgram::Limit(limit, bound)),
        },
        // The guest compiles the source as it is, within its limits.
        Language::Python => |Source { code, input, upstreams }, _limits| {
            Ok(Envelope { program: code, mappings: String::new(), input, upstreams })
        },
    }
}

/// The sandbox's door, opening on one execution's gate.
struct GateHost(Arc<Gate>);

impl ToolHost for GateHost {
    fn call(&self, call: HostCall) -> BoxFuture<'static, HostReply> {
        let gate = Arc::clone(&self.0);
        let HostCall { kind, name, arguments } = call;
        Box::pin(async move {
            let reply = match kind {
                CallKind::Call => gate.call(&name, ReplyForm::Value, arguments).await,
                CallKind::CallFull => gate.call(&name, ReplyForm::Full, arguments).await,
                CallKind::Search => gate.ask(Question::Search, &name, arguments).await,
                CallKind::Describe => gate.ask(Question::Describe, &name, arguments).await,
                CallKind::List => gate.ask(Question::List, &name, arguments).await,
            };
            reply.map_err(|error| serde_json::json!(error).to_string())
        })
    }
}
