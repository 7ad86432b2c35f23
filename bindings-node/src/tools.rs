//! Host tools: functions of JavaScript as core calls them.

use std::sync::Arc;

use conduit_core::serde_json::{self, Map, Value};
use conduit_core::{CallContext, LocalFunction, LocalToolError};
use futures_util::FutureExt;
use serde::Deserialize;

use crate::channel::{Channel, written};

/// The function that calls the tool with this index.
pub fn function(channel: &Arc<Channel>, tool: u32) -> LocalFunction {
    let channel = Arc::clone(channel);
    Arc::new(move |arguments, context| call(Arc::clone(&channel), tool, arguments, context).boxed())
}

/// Why a tool failed, as JavaScript says it.
#[derive(Deserialize)]
struct Failure {
    message: String,
    #[serde(default)]
    content: Value,
}

/// Tells JavaScript when the future that holds it is dropped.
struct Waiting {
    channel: Arc<Channel>,
    call: u32,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.channel.abandon(self.call);
    }
}

async fn call(
    channel: Arc<Channel>,
    tool: u32,
    arguments: Map<String, Value>,
    context: CallContext,
) -> Result<Value, LocalToolError> {
    let gone = || LocalToolError::new("the program that has the tool is gone");
    let (call, answer) = channel.call(tool, written(&arguments), context.execution.to_string()).ok_or_else(gone)?;
    let _waiting = Waiting { channel, call };
    let (is_value, json) = answer.await.map_err(|_| gone())?;
    let not_json = |error: serde_json::Error| LocalToolError::new(format!("the tool's answer is not JSON: {error}"));
    if is_value {
        return serde_json::from_str(&json).map_err(not_json);
    }
    let Failure { message, content } = serde_json::from_str(&json).map_err(not_json)?;
    Err(LocalToolError { message, content })
}
