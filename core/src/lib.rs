//! Conduit's core: a model's program runs in a fresh wasm sandbox under hard limits and calls tools through a gateway.
//!
//! [`Runtime`] is where to start: it holds the guest and the upstreams, and runs each program in a sandbox of its own.
//!
//! ```
//! use conduit_core::{ExecutionRequest, LocalTool, Outcome, Policy, Runtime, ToolPattern};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> conduit_core::Result<()> {
//! let double = LocalTool::new("double", |arguments, _context| async move {
//!     let number = arguments.get("number").and_then(serde_json::Value::as_i64).unwrap_or_default();
//!     Ok((number * 2).into())
//! });
//! let runtime = Runtime::builder()
//!     .host_tool(double)
//!     .policy(Policy::allow([ToolPattern::parse("host.*")?]))
//!     .build()?;
//!
//! let program = "const n: number = await tools.host.double({ number: 21 }); console.log('got', n); n";
//! let result = runtime.execute(ExecutionRequest::typescript(program)).await?;
//! assert_eq!(result.outcome, Outcome::Completed);
//! assert_eq!((result.value, result.stdout.as_str()), (42.into(), "got 42\n"));
//! # Ok(())
//! # }
//! ```

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

pub use error::{Error, ErrorCode, Result};
pub use limits::{Limit, Limits, LimitsRequest};
pub use model::{Event, ExecutionRequest, ExecutionResult, Language, Outcome};
pub use policy::Policy;
pub use runtime::{Execution, Runtime, RuntimeBuilder};
pub use tool::ToolPattern;
pub use upstream::{LocalTool, UpstreamConfig, UpstreamKind};
