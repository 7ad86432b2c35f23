//! `conduit tools` and `conduit declarations`: what programs may call.

use std::sync::Arc;

use conduit_core::{Error, ErrorCode, Result, Runtime, Shown, Tool, WorkerCommand};

use crate::EXIT_CANCELLED;
use crate::args::{DeclarationsArgs, ToolsArgs};
use crate::output::{complain, json_for_stdout, table};
use crate::session::{self, Interrupts};

/// How much of a tool's description a row shows, in characters.
const DESCRIPTION: usize = 100;
/// How many tools a query gives.
const RESULTS: usize = 20;

pub(crate) async fn tools(args: ToolsArgs, worker: WorkerCommand) -> Result<u8> {
    let mut interrupts = Interrupts::new()?;
    let runtime = session::open(&args.set_up, true, worker)?;
    let text = async {
        let tools = found(&runtime, args.query.as_deref()).await?;
        if let (Some(query), []) = (&args.query, tools.as_slice()) {
            complain(format_args!("no tool fits `{}`, try other words", Shown(query, DESCRIPTION)));
        }
        if args.json { json(&tools) } else { Ok(listed(&tools)) }
    };
    let printed = session::print(&runtime, &mut interrupts, text).await?;
    Ok(if printed { 0 } else { EXIT_CANCELLED })
}

pub(crate) async fn declarations(args: DeclarationsArgs, worker: WorkerCommand) -> Result<u8> {
    let mut interrupts = Interrupts::new()?;
    let runtime = session::open(&args.set_up, true, worker)?;
    let text = async { runtime.declarations(args.language, all(&runtime).await).await };
    let printed = session::print(&runtime, &mut interrupts, text).await?;
    Ok(if printed { 0 } else { EXIT_CANCELLED })
}

/// The tools that fit the query, or all.
async fn found(runtime: &Runtime, query: Option<&str>) -> Result<Vec<Arc<Tool>>> {
    let Some(query) = query else { return Ok(all(runtime).await) };
    let found = runtime.search_tools(query, RESULTS, None).await?;
    session::report_upstreams(&found.unavailable);
    Ok(found.tools)
}

/// All tools; says which upstreams' are missing.
async fn all(runtime: &Runtime) -> Vec<Arc<Tool>> {
    let (tools, unavailable) = tokio::join!(runtime.tools(None), runtime.unavailable(None));
    session::report_upstreams(&unavailable);
    tools
}

fn json(tools: &[Arc<Tool>]) -> Result<String> {
    let tools: Vec<&Tool> = tools.iter().map(Arc::as_ref).collect();
    let text = serde_json::to_string_pretty(&tools)
        .map_err(|error| Error::new(ErrorCode::Internal, "the tools are no JSON").with_source(error))?;
    Ok(json_for_stdout(text + "\n"))
}

fn listed(tools: &[Arc<Tool>]) -> String {
    let row = |tool: &Arc<Tool>| {
        let description = tool.description.as_deref().unwrap_or_default().trim();
        let first_line = description.lines().next().unwrap_or_default();
        [tool.name.to_string(), Shown(first_line, DESCRIPTION).to_string()]
    };
    table(&tools.iter().map(row).collect::<Vec<_>>())
}
