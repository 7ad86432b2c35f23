//! What the tools of the MCP server do.
//!
//! What the model can mend comes back as a result with `isError`, which clients show it; a JSON-RPC error is for what only
//! the client or the operator can.

use conduit_core::error::{Error, ErrorCode};
use conduit_core::limits::LimitsRequest;
use conduit_core::model::{ExecutionRequest, Language, Outcome};
use conduit_core::runtime::Runtime;
use conduit_core::tool::ToolPattern;
use futures_util::future::join_all;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, ErrorData,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::definitions::{
    DESCRIBE, EXECUTE, INSTRUCTIONS, MAX_DESCRIBED, MAX_QUERY_BYTES, MAX_SEARCH_RESULTS, SEARCH, SEARCH_RESULTS, tools,
};
use super::door::misfit;
use super::texts;

/// The standard JSON-RPC codes are rmcp's; these are from the range for implementations.
const SHUT_DOWN: rmcp::model::ErrorCode = rmcp::model::ErrorCode(-32000);
const CANCELLED: rmcp::model::ErrorCode = rmcp::model::ErrorCode(-32001);

/// Answers the requests of one client.
pub(super) struct Server {
    runtime: Runtime,
}

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
        Server { runtime }
    }

    async fn call(&self, name: &str, arguments: JsonObject) -> Answer {
        match name {
            EXECUTE => self.execute(parse(name, arguments)?).await,
            SEARCH => self.search(parse(name, arguments)?).await,
            DESCRIBE => self.describe(parse(name, arguments)?).await,
            _ => Err(Refusal::Protocol(ErrorData::invalid_params(
                format!("there is no tool `{}`, expected `{EXECUTE}`, `{SEARCH}` or `{DESCRIBE}`", name.escape_debug()),
                None,
            ))),
        }
    }

    async fn execute(&self, arguments: ExecuteArguments) -> Answer {
        let request = ExecutionRequest {
            language: Language::TypeScript,
            code: arguments.code,
            allow: arguments.allow,
            input: arguments.input,
            limits: arguments.limits.unwrap_or_default(),
        };
        let result = self.runtime.execute(request).await?;
        let structured = serde_json::to_value(&result)
            .map_err(|error| Error::new(ErrorCode::Internal, "the result is no JSON").with_source(error))?;
        let text = texts::summary(&result);
        Ok(answer(text, structured, result.outcome != Outcome::Completed))
    }

    async fn search(&self, arguments: SearchArguments) -> Answer {
        let SearchArguments { query, limit } = arguments;
        let limit = limit.unwrap_or(SEARCH_RESULTS as f64);
        if query.is_empty() || query.len() > MAX_QUERY_BYTES {
            return Err(Refusal::Model(format!("`query` must be a text of 1 to {MAX_QUERY_BYTES} bytes")));
        }
        if !(1.0..=MAX_SEARCH_RESULTS as f64).contains(&limit) || limit.fract() != 0.0 {
            return Err(Refusal::Model(format!("`limit` must be a whole number from 1 to {MAX_SEARCH_RESULTS}")));
        }
        let tools = self.runtime.search_tools(&query, limit as usize, None).await;
        let mut text = match tools.as_slice() {
            [] => self.nothing_found("no tool fits the query, try other words\n"),
            tools => tools.iter().map(|tool| texts::line(tool)).collect(),
        };
        for upstream in self.runtime.unavailable(None).await {
            text.push_str(&texts::unavailable(&upstream));
        }
        let summaries = tools.iter().map(|tool| match &tool.description {
            Some(description) => json!({"name": tool.name, "description": description}),
            None => json!({"name": tool.name}),
        });
        Ok(answer(text, json!({"tools": summaries.collect::<Vec<_>>()}), false))
    }

    async fn describe(&self, arguments: DescribeArguments) -> Answer {
        let DescribeArguments { names } = arguments;
        if names.is_empty() || names.len() > MAX_DESCRIBED {
            return Err(Refusal::Model(format!("`names` must have 1 to {MAX_DESCRIBED} names")));
        }
        let found = join_all(names.iter().map(|name| self.runtime.tool(name, None))).await;
        let mut tools: Vec<_> = found.iter().flatten().cloned().collect();
        tools.sort_by(|a, b| a.name.cmp(&b.name));
        tools.dedup_by(|a, b| a.name == b.name);
        let declarations = match tools.as_slice() {
            [] => String::new(),
            tools => conduit_core::sdk::typescript::declarations(tools),
        };
        let mut text = declarations.clone();
        for error in found.iter().filter_map(|found| found.as_ref().err()) {
            let hint = match error.code {
                ErrorCode::ToolNotFound => format!("; `{SEARCH}` finds those that there are"),
                _ => String::new(),
            };
            text.push_str(&self.nothing_found(&format!("{}{hint}\n", error.message)));
        }
        let not_found: Vec<&String> =
            names.iter().zip(&found).filter(|(_, found)| found.is_err()).map(|(name, _)| name).collect();
        let structured = json!({"declarations": declarations, "not_found": not_found});
        Ok(answer(text, structured, tools.is_empty()))
    }

    /// Why nothing was found: without a policy, for that reason alone.
    fn nothing_found(&self, otherwise: &str) -> String {
        if self.runtime.has_policy() {
            return otherwise.to_owned();
        }
        "no tool is allowed: the operator of this server has to state a policy\n".to_owned()
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
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        // Dropping the call cancels whatever it runs; the answer to a cancelled request is not sent.
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
