//! Conduit's core: a model's program runs in a fresh wasm sandbox under hard limits and calls tools through a gateway.
//!
//! [`Runtime`] is where to start: it holds the guest and the upstreams, and runs each program in a sandbox of its own.

pub mod config;
pub mod credentials;
mod egress;
pub mod error;
mod execution;
pub mod gateway;
pub mod limits;
pub mod model;
pub mod policy;
pub mod runtime;
pub mod sandbox;
pub mod schema;
pub mod sdk;
pub mod tool;
pub mod transpile;
pub mod upstream;

pub use error::{Error, ErrorCode, Result, Shown};
pub use limits::{Limit, Limits, LimitsRequest};
pub use model::{Event, ExecutionRequest, ExecutionResult, Language, Outcome};
pub use policy::Policy;
pub use runtime::{CancelHandle, Execution, Runtime, RuntimeBuilder};
pub use tool::ToolPattern;
pub use upstream::{LocalTool, UpstreamConfig, UpstreamKind};
