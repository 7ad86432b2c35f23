//! What the tools of the MCP server do.
//!
//! What the model can mend comes back as a result with `isError`, which clients show it; a JSON-RPC error is for what only
//! the client or the operator can.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use conduit_core::{
    Described, Error, ErrorCode, ExecutionRequest, Found, Language, LimitsRequest, Outcome, Runtime, SEARCH_RESULTS,
    Shown, ToolError, ToolPattern,
};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, ErrorData,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::definitions::{DESCRIBE, SEARCH, execute, instructions, one_of, tools};
use super::door::misfit;
use super::texts;
use crate::exec::failed_upstreams;
use crate::output::Printer;
use crate::session::{ERROR, no_policy};

/// The standard JSON-RPC codes are rmcp's; these are from the range for implementations.
const SHUT_DOWN: rmcp::model::ErrorCode = rmcp::model::ErrorCode(-32000);
const CANCELLED: rmcp::model::ErrorCode = rmcp::model::ErrorCode(-32001);

/// How many reasons why upstreams fail are told.
const REPORTS: usize = 1_000;

/// What the operator was told of each upstream last, and how often anything was.
#[derive(Default)]
struct Reported {
    last: HashMap<String, String>,
    count: usize,
}

impl Reported {
    /// Whether this is to be told: not what was told of the upstream last, and not without end.
    fn is_news(&mut self, upstream: &str, error: &str) -> bool {
        // SECURITY: what waits to be written is bounded, though an upstream fails in ever other words and nobody reads.
        if self.count >= REPORTS || self.last.get(upstream).is_some_and(|last| last == error) {
            return false;
        }
        self.count += 1;
        self.last.insert(upstream.to_owned(), error.to_owned());
        true
    }
}

/// Answers the requests of one client.
pub(super) struct Server {
    runtime: Runtime,
    /// The languages that programs may be written in, one at least.
    languages: Vec<Language>,
    /// For the operator; a reader that does not read holds up no request.
    printer: Printer,
    reported: Mutex<Reported>,
}

// SECURITY: an argument that is not known is never skipped: it may be a misspelt restriction.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecuteArguments {
    code: String,
    #[serde(default)]
    input: Value,
    allow: Option<Vec<ToolPattern>>,
    limits: Option<LimitsRequest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    query: String,
    /// JSON Schema's `integer` may be written as `1.0`.
    limit: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribeArguments {
    names: Vec<String>,
    language: Option<Language>,
}

/// What a call ends with; an error is for the model to read.
type Answer = Result<CallToolResult, Refusal>;

/// Why a call gives no result.
enum Refusal {
    /// The model can mend it.
    Model(String),
    /// The client or the operator has to.
    Protocol(ErrorData),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error.code() {
            ErrorCode::Internal => Refusal::Protocol(ErrorData::internal_error(error.to_string(), None)),
            ErrorCode::ShutDown => Refusal::Protocol(ErrorData::new(SHUT_DOWN, error.to_string(), None)),
            _ => Refusal::Model(error.to_string()),
        }
    }
}

impl Server {
    pub(super) fn new(runtime: Runtime) -> Server {
        let languages = runtime.languages();
        Server { runtime, languages, printer: Printer::start(), reported: Mutex::default() }
    }

    async fn call(&self, name: &str, arguments: JsonObject) -> Answer {
        if let Some(language) = self.languages.iter().find(|language| execute(**language) == name) {
            return self.execute(*language, parse(name, arguments)?).await;
        }
        match name {
            SEARCH => self.search(parse(name, arguments)?).await,
            DESCRIBE => self.describe(parse(name, arguments)?).await,
            _ => {
                let known = one_of(tools(&self.languages).iter().map(|tool| format!("`{}`", tool.name)));
                let message = format!("there is no tool `{}`, expected {known}", Shown(name, 80));
                Err(Refusal::Protocol(ErrorData::invalid_params(message, None)))
            }
        }
    }

    async fn execute(&self, language: Language, arguments: ExecuteArguments) -> Answer {
        let limits = arguments.limits.unwrap_or_default();
        let mut request = ExecutionRequest::new(language, arguments.code).input(arguments.input).limits(limits);
        request.allow = arguments.allow;
        let result = self.runtime.execute(request).await?;
        failed_upstreams(&result).into_iter().for_each(|upstream| self.report(upstream));
        let structured = serde_json::to_value(&result)
            .map_err(|error| Error::new(ErrorCode::Internal, "the result is no JSON").with_source(error))?;
        let text = texts::summary(&result);
        Ok(answer(text, structured, result.outcome != Outcome::Completed))
    }

    async fn search(&self, arguments: SearchArguments) -> Answer {
        let SearchArguments { query, limit } = arguments;
        // What is no whole number is refused as 0 is.
        let limit = limit.map_or(SEARCH_RESULTS, |limit| if limit.fract() == 0.0 { limit as usize } else { 0 });
        let Found { tools, unavailable } = self.runtime.search_tools(&query, limit, None).await?;
        let mut text = match tools.as_slice() {
            [] => self.nothing_found("no tool fits the query, try other words\n"),
            tools => tools.iter().map(|tool| texts::line(tool)).collect(),
        };
        text.extend(unavailable.iter().map(texts::unavailable));
        unavailable.iter().for_each(|upstream| self.report(&upstream.id));
        let summaries = tools.iter().map(|tool| match &tool.description {
            Some(description) => json!({"name": tool.name, "description": description}),
            None => json!({"name": tool.name}),
        });
        Ok(answer(text, json!({"tools": summaries.collect::<Vec<_>>()}), false))
    }

    async fn describe(&self, arguments: DescribeArguments) -> Answer {
        let language = self.language(arguments.language)?;
        let Described { tools, not_found, unavailable } = self.runtime.describe_tools(&arguments.names, None).await?;
        let is_error = tools.is_empty();
        let declarations = match is_error {
            true => String::new(),
            false => self.runtime.declarations(language, tools).await?,
        };
        let mut text = declarations.clone();
        for error in &not_found {
            text.push_str(&self.nothing_found(&format!("{}; `{SEARCH}` finds those that there are\n", error.message)));
        }
        text.extend(unavailable.iter().map(|error| format!("{}\n", error.message)));
        unavailable.iter().for_each(|error| self.report(error.tool.split('.').next().unwrap_or_default()));
        let names = |errors: &[ToolError]| errors.iter().map(|error| error.tool.clone()).collect::<Vec<_>>();
        let structured = json!({
            "declarations": declarations, "not_found": names(&not_found), "unavailable": names(&unavailable),
        });
        Ok(answer(text, structured, is_error))
    }

    /// The language that a client states, or the first one that there is.
    fn language(&self, stated: Option<Language>) -> Result<Language, Refusal> {
        let language = self.languages.iter().copied().find(|offered| stated.is_none_or(|stated| stated == *offered));
        language.ok_or_else(|| {
            let names = one_of(self.languages.iter().map(|language| format!("`{}`", language.name())));
            Refusal::Model(format!("`language` must be {names}"))
        })
    }

    /// Tells the operator why an upstream fails, each reason once: the model is told no more than that it does.
    fn report(&self, upstream: &str) {
        let Some(error) = self.runtime.last_error(upstream) else { return };
        if self.reported.lock().unwrap_or_else(PoisonError::into_inner).is_news(upstream, &error) {
            self.printer.complain(format_args!("upstream `{upstream}`: {}", Shown(&error, ERROR)));
        }
    }

    /// Why nothing was found: without a policy, for that reason alone.
    fn nothing_found(&self, otherwise: &str) -> String {
        if self.runtime.has_policy() {
            return otherwise.to_owned();
        }
        format!("{}\n", no_policy())
    }
}

/// The arguments as what the tool takes.
fn parse<T: DeserializeOwned>(name: &str, arguments: JsonObject) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Refusal::Model(format!("the arguments of `{name}` do not fit: {error}")))
}

fn answer(text: String, structured: Value, is_error: bool) -> CallToolResult {
    let content = vec![ContentBlock::text(text)];
    let mut result = if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(structured);
    result
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("conduit", env!("CARGO_PKG_VERSION")).with_title("Conduit"))
            .with_instructions(instructions(&self.languages))
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools(&self.languages)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        // SECURITY: dropping the call cancels whatever it runs; the answer to a cancelled request is not sent.
        let Some(answer) = context.ct.run_until_cancelled(self.call(&request.name, arguments)).await else {
            return Err(ErrorData::new(CANCELLED, "cancelled", None));
        };
        match answer {
            Ok(result) => Ok(result.into()),
            Err(Refusal::Model(message)) => Ok(CallToolResult::error(vec![ContentBlock::text(message)]).into()),
            Err(Refusal::Protocol(error)) => Err(error),
        }
    }

    /// A method whose parameters are not what it takes; one that is not known does not get here.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(misfit(&request.method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r20_reasons_are_told_once_and_only_so_many() {
        let mut reported = Reported::default();
        assert!(reported.is_news("a", "down") && reported.is_news("b", "down"));
        assert!(!reported.is_news("a", "down"));
        assert!((2..REPORTS).all(|at| reported.is_news("a", &at.to_string())));
        assert!(!reported.is_news("a", "one more"));
    }
}
