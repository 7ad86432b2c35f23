//! One execution's way to its tools. Everything that a program asks passes here, and is refused unless allowed.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::catalog::{Entry, Shelf};
use super::record::{OpenRecord, Records, Watcher};
use super::{Gateway, SEARCH_RESULTS};
use crate::error::ErrorCode;
use crate::limits::Limits;
use crate::model::ToolCallRecord;
use crate::policy::Policy;
use crate::schema::{Strictness, check_shape};
use crate::sdk;
use crate::tool::{Tool, ToolError, ToolReply};
use crate::upstream::{CallLimits, reply_too_large};

/// The longest search query, in bytes.
const QUERY_BYTES: usize = 1 << 10;

/// What one execution may use of the gateway.
#[derive(Clone, Debug)]
pub struct GateLimits {
    /// Bytes of one call's arguments.
    pub call_bytes: u64,
    /// Bytes of one call's reply.
    pub reply_bytes: u64,
    /// When the execution is over.
    pub deadline: Instant,
}

impl GateLimits {
    /// The part of an execution's limits that holds here.
    pub fn new(limits: &Limits, deadline: Instant) -> GateLimits {
        GateLimits { call_bytes: limits.call_bytes, reply_bytes: limits.reply_bytes, deadline }
    }
}

/// What a program may ask about its tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which tools fit a query best; the query is a JSON string.
    Search,
    /// What one tool is.
    Describe,
    /// All tools.
    List,
}

/// One execution's way to its tools.
pub struct Gate {
    gateway: Arc<Gateway>,
    policy: Policy,
    limits: GateLimits,
    records: Arc<Records>,
}

impl Gate {
    pub(super) fn new(gateway: Arc<Gateway>, policy: Policy, limits: GateLimits, watcher: Option<Watcher>) -> Gate {
        Gate { gateway, policy, limits, records: Records::new(watcher) }
    }

    /// Calls the tool that the program wrote as `written`. The arguments are JSON, or only their size when too large.
    ///
    /// Dropping the future cancels the call at the upstream; it is never repeated.
    ///
    /// # Errors
    /// Whatever the program should catch: see [`ErrorCode`]'s families 2xx to 4xx.
    pub async fn call(&self, written: &str, arguments: Result<Vec<u8>, u64>) -> ToolReply {
        let size = arguments.as_ref().map_or_else(|size| *size, |bytes| bytes.len() as u64);
        let record = self.records.open(written, size);
        let reply = self.decide_and_call(written, arguments, &record).await;
        record.end(match &reply {
            Ok(value) => Ok(value.value.len()),
            Err(error) => Err(error.code),
        });
        reply
    }

    async fn decide_and_call(&self, written: &str, arguments: Result<Vec<u8>, u64>, record: &OpenRecord) -> ToolReply {
        let (shelf, entry) = self.find(written).await?;
        let name = &entry.tool.name;
        record.resolved(&name.to_string());
        let arguments = self.checked(&entry, arguments)?;
        let limits = CallLimits { reply_bytes: self.limits.reply_bytes, deadline: self.limits.deadline };
        let reply = shelf.upstream.call(&entry.tool, arguments, &limits).await?;
        // SECURITY: what goes into the guest is bounded, whatever the transport let through.
        let size = reply.value.len().max(reply.full.len()) as u64;
        if size > self.limits.reply_bytes {
            return Err(reply_too_large(&entry.tool, self.limits.reply_bytes));
        }
        Ok(reply)
    }

    /// The tool, or an error that also says how the program learns what there is.
    async fn find(&self, written: &str) -> Result<(&Shelf, Arc<Entry>), ToolError> {
        self.gateway.find(&self.policy, written).await.map_err(|mut error| {
            if error.code == ErrorCode::ToolNotFound && self.policy.is_stated() {
                error.message.push_str("; `tools.$list()` gives those that there are");
            }
            error
        })
    }

    /// The arguments, if they are what the tool takes: they are parsed once, and what is checked is what is sent.
    fn checked(&self, entry: &Entry, arguments: Result<Vec<u8>, u64>) -> Result<Map<String, Value>, ToolError> {
        let tool = &entry.tool.name;
        let invalid = |message: String| ToolError::new(ErrorCode::InvalidArguments, tool, message);
        let bytes = arguments.map_err(|size| {
            let message = format!("the arguments have {size} bytes, the limit is {}", self.limits.call_bytes);
            ToolError::new(ErrorCode::ArgumentsTooLarge, tool, message)
        })?;
        let arguments: Value =
            serde_json::from_slice(&bytes).map_err(|error| invalid(format!("the arguments are not JSON: {error}")))?;
        let Value::Object(arguments) = arguments else { return Err(invalid("the arguments are not an object".into())) };
        // SECURITY: what no schema may let through: arguments are as hostile as the program.
        check_shape(&arguments).map_err(invalid)?;
        let arguments = Value::Object(arguments);
        match entry.schema() {
            // SECURITY: what does not fit the tool's schema is not sent.
            Some(Ok(schema)) => schema.check(&arguments, self.gateway.strictness).map_err(|problems| {
                invalid(format!(
                    "the arguments do not fit: {}; `tools.$describe(\"{tool}\")` gives the schema",
                    problems.join("; ")
                ))
            })?,
            // SECURITY: a schema that cannot be used lets nothing through.
            Some(Err(error)) => {
                let message = format!("the tool's schema cannot be used: {error}");
                return Err(ToolError::new(ErrorCode::InvalidSchema, tool, message));
            }
            // SECURITY: strict validation takes no tool on trust.
            None if self.gateway.strictness == Strictness::Strict => {
                let message = "the tool has no input schema, and validation is strict";
                return Err(ToolError::new(ErrorCode::MissingSchema, tool, message));
            }
            None => {}
        }
        match arguments {
            Value::Object(arguments) => Ok(arguments),
            _ => Err(invalid("the arguments are not an object".into())),
        }
    }

    /// Answers a question about the tools; the answer is JSON.
    ///
    /// # Errors
    /// `tool_not_found` when the tool to describe is not there, `invalid_arguments` when the query is no text,
    /// `reply_too_large` when there are too many tools to list.
    pub async fn ask(
        &self,
        question: Question,
        name: &str,
        arguments: Result<Vec<u8>, u64>,
    ) -> Result<String, ToolError> {
        let answer = match question {
            Question::List => {
                json!(self.gateway.tools(&self.policy).await.iter().map(|tool| summary(tool)).collect::<Vec<_>>())
            }
            Question::Describe => {
                let (_, entry) = self.find(name).await?;
                let mut answer = json!(&*entry.tool);
                if let Value::Object(fields) = &mut answer {
                    fields.insert("declaration".into(), sdk::typescript::declaration_of(&entry.tool).into());
                }
                answer
            }
            Question::Search => {
                let query = arguments.ok().and_then(|bytes| serde_json::from_slice::<String>(&bytes).ok());
                // SECURITY: a search costs time by the length of its query.
                let query = query.filter(|query| query.len() <= QUERY_BYTES).ok_or_else(|| {
                    let message = format!("the query must be a text of at most {QUERY_BYTES} bytes");
                    ToolError::new(ErrorCode::InvalidArguments, "$search", message)
                })?;
                let tools = self.gateway.search(&self.policy, &query, SEARCH_RESULTS).await;
                json!(tools.iter().map(|tool| summary(tool)).collect::<Vec<_>>())
            }
        };
        let answer = answer.to_string();
        // SECURITY: upstreams decide how much they list and describe, so the answer is bounded like a call's.
        if answer.len() as u64 > self.limits.reply_bytes {
            let message = format!(
                "the answer has {} bytes, the limit `reply_size` is {}, `tools.$search(query)` gives fewer tools",
                answer.len(),
                self.limits.reply_bytes
            );
            return Err(ToolError::new(ErrorCode::ReplyTooLarge, name, message));
        }
        Ok(answer)
    }

    /// The records of all calls; those still under way are cancelled.
    pub fn take_records(&self) -> Vec<ToolCallRecord> {
        self.records.take()
    }
}

fn summary(tool: &Tool) -> Value {
    json!({ "name": tool.name, "description": tool.description })
}
