//! One execution's way to its tools. Everything that a program asks passes here, and is refused unless allowed.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::catalog::{Entry, Shelf};
use super::record::{OpenRecord, Records, Watcher};
use super::words::Words;
use super::{Gateway, SEARCH_RESULTS};
use crate::error::ErrorCode;
use crate::limits::{Limit, Limits};
use crate::model::{Language, ToolCallRecord};
use crate::policy::Policy;
use crate::schema::{Strictness, check_shape};
use crate::sdk;
use crate::tool::{ReplyForm, Tool, ToolError, ToolName, ToolReply};
use crate::upstream::{CallLimits, reply_too_large};

/// What a list shows of a tool's description, in characters; a description gives all of it.
const SUMMARY_CHARS: usize = 500;

/// How many wrong names of one execution are compared with those that there are.
pub(super) const MAX_HINTS: u32 = 50;

/// What one execution may use of the gateway.
#[derive(Clone, Debug)]
pub struct GateLimits {
    /// Bytes of one call's arguments.
    pub call_bytes: u64,
    /// What each call may cost; `reply_bytes` holds for the answer to a question too.
    pub call: CallLimits,
}

impl GateLimits {
    /// The part of an execution's limits that holds here.
    pub fn new(limits: &Limits, execution: &str, deadline: Instant) -> GateLimits {
        let call = CallLimits { execution: execution.into(), reply_bytes: limits.reply_bytes, deadline };
        GateLimits { call_bytes: limits.call_bytes, call }
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
    language: Language,
    limits: GateLimits,
    records: Arc<Records>,
    hints: AtomicU32,
}

impl Gate {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        policy: Policy,
        language: Language,
        limits: GateLimits,
        watcher: Option<Watcher>,
    ) -> Gate {
        Gate { gateway, policy, language, limits, records: Records::new(watcher), hints: AtomicU32::new(0) }
    }

    fn words(&self) -> Words {
        Words::of(self.language)
    }

    /// Calls the tool that the program wrote as `written`. The arguments are JSON, or only their size when too large.
    ///
    /// Dropping the future cancels the call at the upstream; it is never repeated.
    ///
    /// # Errors
    /// Whatever the program should catch: see [`ErrorCode`]'s families 2xx to 4xx.
    pub async fn call(&self, written: &str, form: ReplyForm, arguments: Result<Vec<u8>, u64>) -> ToolReply {
        let size = arguments.as_ref().map_or_else(|size| *size, |bytes| bytes.len() as u64);
        let record = self.records.open(written, size);
        let reply = self.decide_and_call(written, form, arguments, &record).await;
        record.end(match &reply {
            Ok(text) => Ok(text.len()),
            Err(error) => Err(error.code),
        });
        reply
    }

    async fn decide_and_call(
        &self,
        written: &str,
        form: ReplyForm,
        arguments: Result<Vec<u8>, u64>,
        record: &OpenRecord,
    ) -> ToolReply {
        let (shelf, entry) = self.find(written).await?;
        let name = &entry.tool.name;
        record.resolved(&name.to_string());
        if entry.is_raw() {
            let entry = Arc::clone(&entry);
            self.aside(written, move || {
                entry.schema();
            })
            .await?;
        }
        let arguments = self.checked(&entry, arguments)?;
        let limits = &self.limits.call;
        let reply = shelf.upstream.call(&entry.tool, arguments, form, limits).await?;
        // SECURITY: what goes into the guest is bounded, whatever the transport let through.
        if reply.len() as u64 > limits.reply_bytes {
            return Err(reply_too_large(&entry.tool, limits.reply_bytes));
        }
        Ok(reply)
    }

    /// The tool, or an error that also says how the program learns what there is.
    async fn find(&self, written: &str) -> Result<(&Shelf, Arc<Entry>), ToolError> {
        self.gateway.find(&self.policy, written).await.map_err(|mut error| {
            if error.code == ErrorCode::ToolNotFound && self.policy.is_stated() {
                // SECURITY: a hint takes the host time that no limit counts.
                if self.hints.fetch_add(1, Ordering::Relaxed) < MAX_HINTS {
                    error.message.push_str(&self.gateway.hint(&self.policy, written));
                }
                error.message.push_str(&format!("; `{}` gives those that there are", self.words().list_call));
            }
            error
        })
    }

    async fn aside<T: Send + 'static>(
        &self,
        asked: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ToolError> {
        self.gateway.aside(work).await.map_err(|error| ToolError::new(error.code(), asked, error.message()))
    }

    /// The arguments, if they are what the tool takes: they are parsed once, and what is checked is what is sent.
    fn checked(&self, entry: &Entry, arguments: Result<Vec<u8>, u64>) -> Result<Map<String, Value>, ToolError> {
        let tool = &entry.tool.name;
        let invalid = |message: String| ToolError::new(ErrorCode::InvalidArguments, tool, message);
        let bytes = arguments.map_err(|size| {
            let limit = Limit::CallSize;
            let (stated, advice) = (limit.stated(self.limits.call_bytes), limit.advice());
            let message = format!("the arguments have {size} bytes, over the {stated}, {advice}");
            ToolError::new(ErrorCode::ArgumentsTooLarge, tool, message)
        })?;
        let arguments: Value =
            serde_json::from_slice(&bytes).map_err(|error| invalid(format!("the arguments are not JSON: {error}")))?;
        // SECURITY: what no schema may let through: arguments are as hostile as the program.
        check_shape(&arguments).map_err(invalid)?;
        match entry.schema() {
            // SECURITY: what does not fit the tool's schema is not sent.
            Some(Ok(schema)) => schema.check(&arguments, self.gateway.strictness).map_err(|problems| {
                invalid(format!(
                    "the arguments do not fit: {}; `{}` gives the schema",
                    problems.join("; "),
                    self.words().describe_call(tool)
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
    /// `reply_too_large`.
    pub async fn ask(
        &self,
        question: Question,
        name: &str,
        arguments: Result<Vec<u8>, u64>,
    ) -> Result<String, ToolError> {
        match question {
            Question::List => {
                let tools = self.gateway.tools(&self.policy).await;
                let why = format!("`{}` gives fewer tools", self.words().search_call);
                self.answer(self.words().list, &why, &summaries(&tools))
            }
            Question::Describe => {
                let (_, entry) = self.find(name).await?;
                let tool = Arc::clone(&entry.tool);
                let declare = match self.language {
                    Language::TypeScript => sdk::typescript::declaration_of,
                    Language::Python => sdk::python::declaration_of,
                };
                let declaration = self.aside(name, move || declare(&tool)).await?;
                self.answer(name, "its schemas are that long", &Description { tool: &entry.tool, declaration })
            }
            Question::Search => {
                // What is no text is as good as none.
                let query = arguments.ok().and_then(|bytes| serde_json::from_slice::<String>(&bytes).ok());
                let found = self.gateway.search(&self.policy, &query.unwrap_or_default(), SEARCH_RESULTS).await;
                let found = found.map_err(|error| {
                    let code = match error.code() {
                        ErrorCode::InvalidRequest => ErrorCode::InvalidArguments,
                        code => code,
                    };
                    ToolError::new(code, self.words().search, error.message())
                })?;
                let why = "the tools' names and descriptions are that long";
                self.answer(self.words().search, why, &summaries(&found.tools))
            }
        }
    }

    /// The JSON of an answer, unless it is larger than a reply may be; then `why` says what to do.
    fn answer(&self, asked: &str, why: &str, answer: &impl Serialize) -> Result<String, ToolError> {
        let max_bytes = self.limits.call.reply_bytes;
        let too_large = |_| {
            let message = format!("the answer is larger than the limit `reply_size` of {max_bytes} bytes: {why}");
            ToolError::new(ErrorCode::ReplyTooLarge, asked, message)
        };
        let mut capped = Capped { bytes: Vec::new(), max_bytes };
        serde_json::to_writer(&mut capped, answer).map_err(too_large)?;
        String::from_utf8(capped.bytes).map_err(|_| ToolError::new(ErrorCode::Internal, asked, "the answer is no text"))
    }

    /// The records of all calls; those still under way are cancelled.
    pub fn take_records(&self) -> Vec<ToolCallRecord> {
        self.records.take()
    }
}

/// A tool in a list.
#[derive(Serialize)]
struct Summary<'a> {
    name: &'a ToolName,
    description: Option<Cow<'a, str>>,
}

fn summaries(tools: &[Arc<Tool>]) -> Vec<Summary<'_>> {
    let cut = |text| sdk::cut(text, SUMMARY_CHARS);
    tools.iter().map(|tool| Summary { name: &tool.name, description: tool.description.as_deref().map(cut) }).collect()
}

/// One tool, all of it.
#[derive(Serialize)]
struct Description<'a> {
    #[serde(flatten)]
    tool: &'a Tool,
    declaration: String,
}

/// Bytes that are written, up to a limit.
struct Capped {
    bytes: Vec<u8>,
    max_bytes: u64,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SECURITY: what upstreams list is theirs to size; an answer is given up where it goes beyond the limit.
        if (self.bytes.len() + bytes.len()) as u64 > self.max_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
