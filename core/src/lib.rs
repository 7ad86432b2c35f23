//! Conduit's core: a model's program runs in a fresh wasm sandbox under hard limits and calls tools through a gateway.
//!
//! What there is, and how long it lives:
//!
//! - [`Config`] is what an operator decides, read from a file or made in code; [`RuntimeBuilder`] adds functions of the
//!   embedding program.
//! - [`Runtime`] holds the guest and the upstreams. Make one and keep it: building takes milliseconds and much address space.
//! - [`Embedded`] is one with threads of its own, for a program without tokio.
//! - [`ExecutionRequest`] is one program and what it may do; [`ExecutionResult`] is how it ended and what it gave.
//! - [`Execution`] is one program under way, with its [`Event`]s.
//! - [`Policy`] says which [`Tool`]s programs may call; a request can only narrow it.
//! - [`Error`] is for the operator or the caller to mend. A program that throws or breaks a [`Limit`] is an [`Outcome`].

mod config;
mod credentials;
mod egress;
mod embedded;
mod error;
mod execution;
mod gateway;
mod limits;
mod model;
mod policy;
mod question;
mod refs;
mod runtime;
mod sandbox;
mod schema;
mod sdk;
mod task;
mod tool;
mod transpile;
mod upstream;

pub use config::{Config, Confinement, Isolation, MAX_EXECUTIONS};
pub use credentials::{Credential, Secret};
pub use embedded::Embedded;
pub use error::{Error, ErrorCode, Result, Shown};
pub use gateway::{
    Described, Found, MAX_DESCRIBED, MAX_QUERY_BYTES, MAX_SEARCH_RESULTS, SEARCH_RESULTS, UpstreamStatus,
};
pub use limits::{Limit, LimitsRequest, Unit, Usage};
pub use model::{Engine, Event, ExecutionRequest, ExecutionResult, GuestError, Language, Outcome, ToolCallRecord};
pub use policy::{Decision, NO_POLICY, Policy};
pub use question::Question;
pub use runtime::{CancelHandle, Execution, HOST_UPSTREAM, Runtime, RuntimeBuilder, worker_exit_status, worker_main};
pub use sandbox::WorkerCommand;
pub use schema::Strictness;
pub use sdk::guide;
pub use task::{Task, go_on_here, go_on_here_if_short};
pub use tool::{Tool, ToolError, ToolName, ToolPattern};
pub use upstream::{
    CallContext, EnvValue, LocalFunction, LocalTool, LocalToolError, ToolDefinition, UpstreamConfig, UpstreamKind,
};

/// JSON, as requests, results and functions have it.
pub use serde_json;
/// An HTTP upstream's endpoint, in [`UpstreamKind`].
pub use url::Url;
