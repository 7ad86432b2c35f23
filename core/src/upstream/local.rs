//! Tools that are functions of the embedding program.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::{CallLimits, reply};
use crate::error::{Error, ErrorCode, Result, read_json};
use crate::tool::{ReplyForm, Tool, ToolError, ToolName, ToolReply};

/// What a function is called with beside its arguments.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallContext {
    /// The tool.
    pub tool: ToolName,
    /// The id of the execution whose program calls, as [`Execution::id`](crate::Execution::id) has it.
    pub execution: Arc<str>,
    /// When nobody waits for the function any more; its future is dropped then.
    pub deadline: Instant,
}

/// Why a function failed, as the program sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalToolError {
    /// What went wrong, for the model.
    pub message: String,
    /// Further data, or null.
    pub content: Value,
}

impl LocalToolError {
    /// An error with a message alone.
    pub fn new(message: impl Into<String>) -> LocalToolError {
        LocalToolError { message: message.into(), content: Value::Null }
    }
}

impl fmt::Display for LocalToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LocalToolError {}

impl From<String> for LocalToolError {
    fn from(message: String) -> LocalToolError {
        LocalToolError::new(message)
    }
}

impl From<&str> for LocalToolError {
    fn from(message: &str) -> LocalToolError {
        LocalToolError::new(message)
    }
}

/// A function of the embedding program. Its future must not block: it is polled on threads of the runtime's guests, on tokio's, and on
/// those that answer other calls, so neither task-locals nor the spans of whoever runs the program are around it. It is dropped when the
/// call is cancelled or out of time.
pub type LocalFunction =
    Arc<dyn Fn(Map<String, Value>, CallContext) -> BoxFuture<'static, Result<Value, LocalToolError>> + Send + Sync>;

/// One tool that the embedding program implements.
///
/// # Example: a function whose errors a program can catch
///
/// ```
/// use conduit_core::{ExecutionRequest, LocalTool, LocalToolError, Policy, Runtime, ToolPattern};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> conduit_core::Result<()> {
/// let parse = LocalTool::new("parse", |arguments, _context| async move {
///     let text = arguments["text"].as_str().ok_or("`text` must be a text")?;
///     let number: i64 = text.parse().map_err(|error| format!("`{text}` is no number: {error}"))?;
///     Ok(number.into())
/// })
/// .description("The number that a text means.")
/// .input_schema(serde_json::json!({"type": "object", "required": ["text"]}));
/// let everything = Policy::allow([ToolPattern::parse("*")?]);
/// let runtime = Runtime::builder().host_tool(parse).policy(everything).build()?;
///
/// let code = "try { await tools.host.parse({ text: 'x' }) } catch (error) { return error.message }";
/// let result = runtime.execute(ExecutionRequest::typescript(code)).await?;
/// assert_eq!(result.value, "`x` is no number: invalid digit found in string");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct LocalTool {
    /// Its name within the upstream.
    pub name: String,
    /// A title for people.
    pub title: Option<String>,
    /// What it does, for the model.
    pub description: Option<String>,
    /// JSON Schema of the arguments.
    pub input_schema: Option<Value>,
    /// JSON Schema of the value.
    pub output_schema: Option<Value>,
    /// MCP's `annotations`.
    pub annotations: Option<Value>,
    /// What it runs.
    pub function: LocalFunction,
}

impl LocalTool {
    /// A tool without descriptions and schemas.
    pub fn new<F, R>(name: impl Into<String>, function: F) -> LocalTool
    where
        F: Fn(Map<String, Value>, CallContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, LocalToolError>> + Send + 'static,
    {
        LocalTool {
            name: name.into(),
            title: None,
            description: None,
            input_schema: None,
            output_schema: None,
            annotations: None,
            function: Arc::new(move |arguments, context| function(arguments, context).boxed()),
        }
    }

    /// The same tool, with what it does in words.
    pub fn description(mut self, description: impl Into<String>) -> LocalTool {
        self.description = Some(description.into());
        self
    }

    /// The same tool, with the JSON Schema of its arguments.
    pub fn input_schema(mut self, schema: Value) -> LocalTool {
        self.input_schema = Some(schema);
        self
    }

    /// The same tool, with the JSON Schema of its value.
    pub fn output_schema(mut self, schema: Value) -> LocalTool {
        self.output_schema = Some(schema);
        self
    }
}

/// What a host tool is, as JSON gives it: everything but its function.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolDefinition {
    /// The upstream that it belongs to, the first part of its full name; `host` when absent.
    #[serde(default)]
    pub upstream: Option<String>,
    /// Its name within the upstream.
    pub name: String,
    /// A title for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it does, for the model.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON Schema of the arguments.
    #[serde(default)]
    pub input_schema: Option<Value>,
    /// JSON Schema of the value.
    #[serde(default)]
    pub output_schema: Option<Value>,
    /// MCP's `annotations`.
    #[serde(default)]
    pub annotations: Option<Value>,
}

impl ToolDefinition {
    /// Reads a definition.
    ///
    /// # Errors
    /// `invalid_config` when it is not understood.
    pub fn from_json(json: &str) -> Result<ToolDefinition> {
        read_json(json, ErrorCode::InvalidConfig, "the definition of a tool")
    }

    /// The tool, with what it runs.
    pub fn implemented(self, function: LocalFunction) -> LocalTool {
        LocalTool {
            name: self.name,
            title: self.title,
            description: self.description,
            input_schema: self.input_schema,
            output_schema: self.output_schema,
            annotations: self.annotations,
            function,
        }
    }
}

pub(super) struct LocalTools {
    tools: Vec<Tool>,
    functions: HashMap<String, LocalFunction>,
}

impl LocalTools {
    pub(super) fn new(id: &str, local: Vec<LocalTool>) -> Result<LocalTools> {
        let (mut tools, mut functions) = (Vec::new(), HashMap::new());
        for tool in local {
            let name = ToolName::new(id, &tool.name)?;
            if functions.insert(tool.name, tool.function).is_some() {
                return Err(Error::new(ErrorCode::InvalidConfig, format!("tool `{name}` is defined twice")));
            }
            tools.push(Tool {
                name,
                title: tool.title,
                description: tool.description,
                input_schema: tool.input_schema,
                output_schema: tool.output_schema,
                annotations: tool.annotations,
            });
        }
        Ok(LocalTools { tools, functions })
    }

    pub(super) fn tools(&self) -> &[Tool] {
        &self.tools
    }

    pub(super) async fn call(
        &self,
        tool: &Tool,
        arguments: Map<String, Value>,
        form: ReplyForm,
        limits: &CallLimits,
    ) -> ToolReply {
        let deadline = limits.deadline;
        let error = |code, message: String| ToolError::new(code, &tool.name, message);
        let Some(function) = self.functions.get(tool.name.tool()) else {
            return Err(error(ErrorCode::ToolNotFound, format!("tool `{}` does not exist", tool.name)));
        };
        let context = CallContext { tool: tool.name.clone(), execution: Arc::clone(&limits.execution), deadline };
        // SECURITY: the function is foreign code; its panic is its caller's error and ends nothing else.
        let run = AssertUnwindSafe(async { function(arguments, context).await }).catch_unwind();
        let value = match timeout_at(deadline, run).await {
            Ok(Ok(Ok(value))) => value.to_string(),
            Ok(Ok(Err(failure))) => {
                // As for a server, an error counts like a result.
                if (failure.message.len() + failure.content.to_string().len()) as u64 > limits.reply_bytes {
                    return Err(reply::too_large(tool, limits.reply_bytes));
                }
                return Err(ToolError { content: failure.content, ..error(ErrorCode::ToolFailed, failure.message) });
            }
            Ok(Err(_)) => return Err(error(ErrorCode::ToolFailed, format!("tool `{}` panicked", tool.name))),
            Err(_) => {
                let message = format!("`{}` did not answer in time, the call may have had its effect", tool.name);
                return Err(error(ErrorCode::UpstreamTimeout, message));
            }
        };
        const BEFORE: &str = r#"{"content":[],"structuredContent":"#;
        // As for a server, the whole result counts, whatever is wanted of it.
        if (BEFORE.len() + value.len() + 1) as u64 > limits.reply_bytes {
            return Err(reply::too_large(tool, limits.reply_bytes));
        }
        Ok(match form {
            ReplyForm::Value => value,
            ReplyForm::Full => format!("{BEFORE}{value}}}"),
        })
    }
}
