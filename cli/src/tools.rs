//! `conduit tools` and `conduit declarations`: what programs may call.

use std::sync::Arc;

use conduit_core::error::{Error, ErrorCode, Result};
use conduit_core::model::Language;
use conduit_core::tool::Tool;

use crate::EXIT_CANCELLED;
use crate::args::{SetUp, ToolsArgs};
use crate::output::{complain, first_line, table};
use crate::session::{self, Interrupts};

/// How many tools a query gives.
const RESULTS: usize = 20;

pub(crate) async fn tools(args: ToolsArgs) -> Result<u8> {
    let mut interrupts = Interrupts::new()?;
    let runtime = session::open(&args.set_up)?;
    let text = async {
        session::report_upstreams(&runtime).await;
        let tools = match &args.query {
            Some(query) => runtime.search_tools(query, RESULTS, None).await,
            None => runtime.tools(None).await,
        };
        if let (Some(query), []) = (&args.query, tools.as_slice()) {
            complain(format_args!("no tool fits `{}`, try other words", query.escape_debug()));
        }
        if args.json { json(&tools) } else { Ok(listed(&tools)) }
    };
    let printed = session::print(&runtime, &mut interrupts, text).await?;
    Ok(if printed { 0 } else { EXIT_CANCELLED })
}

pub(crate) async fn declarations(set_up: SetUp) -> Result<u8> {
    let mut interrupts = Interrupts::new()?;
    let runtime = session::open(&set_up)?;
    let text = async {
        session::report_upstreams(&runtime).await;
        Ok(runtime.declarations(Language::TypeScript, None).await)
    };
    let printed = session::print(&runtime, &mut interrupts, text).await?;
    Ok(if printed { 0 } else { EXIT_CANCELLED })
}

fn json(tools: &[Arc<Tool>]) -> Result<String> {
    let tools: Vec<&Tool> = tools.iter().map(Arc::as_ref).collect();
    let text = serde_json::to_string_pretty(&tools)
        .map_err(|error| Error::new(ErrorCode::Internal, "the tools are no JSON").with_source(error))?;
    Ok(text + "\n")
}

fn listed(tools: &[Arc<Tool>]) -> String {
    let row = |tool: &Arc<Tool>| [tool.name.to_string(), first_line(tool.description.as_deref().unwrap_or_default())];
    table(&tools.iter().map(row).collect::<Vec<_>>())
}
