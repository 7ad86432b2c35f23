//! Upstreams: where tools come from. One MCP server (stdio or streamable HTTP), or a set of the embedder's functions.
//!
//! Owns connecting (lazily, one attempt at a time, with back-off), listing and calling, and the words of what goes wrong.
//! Decides nothing about who may call what. An upstream that is down fails its own calls alone. A call is sent at most
//! once. Whatever leaves here is redacted; an error for a program carries nothing of the operator's.

mod connection;
mod http;
mod listing;
mod local;
mod remote;
mod reply;
mod stdio;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tokio::time::{Duration, Instant};
use url::Url;

use self::connection::Endpoint;
pub use self::listing::ToolListing;
use self::local::LocalTools;
pub use self::local::{CallContext, LocalFunction, LocalTool, LocalToolError, ToolDefinition};
use self::remote::Remote;
pub(crate) use self::reply::too_large as reply_too_large;
use crate::credentials::{Credential, Secret};
use crate::error::{Error, ErrorCode, Result, Shown};
use crate::tool::{ReplyForm, Tool, ToolReply, is_upstream_id};

/// How to reach one upstream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamConfig {
    /// Its id, the first part of its tools' names.
    pub id: String,
    /// What it is.
    pub kind: UpstreamKind,
    /// The longest time for one call, and for one listing, whatever a caller allows.
    pub call_timeout: Duration,
    /// The longest time for starting or reaching it, handshake included.
    pub connect_timeout: Duration,
    /// What must not show in replies and errors beside the secrets within `kind`.
    pub secrets: Vec<Secret>,
}

impl UpstreamConfig {
    /// A config with the default time limits (a minute for a call, half a minute for connecting) and nothing else.
    pub fn new(id: impl Into<String>, kind: UpstreamKind) -> UpstreamConfig {
        UpstreamConfig {
            id: id.into(),
            kind,
            call_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(30),
            secrets: Vec::new(),
        }
    }

    fn all_secrets(&self) -> Vec<&Secret> {
        let mut secrets: Vec<&Secret> = self.secrets.iter().collect();
        match &self.kind {
            UpstreamKind::Stdio { env, .. } => secrets.extend(env.values().filter_map(|value| match value {
                EnvValue::Secret(secret) => Some(secret),
                EnvValue::Plain(_) => None,
            })),
            UpstreamKind::Http { credential, .. } => secrets.extend(credential.as_ref().map(Credential::secret)),
            #[cfg(test)]
            UpstreamKind::Pipe(_, secret) => secrets.extend(secret),
        }
        secrets
    }
}

/// What an MCP upstream is.
#[derive(Clone)]
#[non_exhaustive]
pub enum UpstreamKind {
    /// A child process that speaks MCP over its standard input and output.
    Stdio {
        /// A path, or a name that is looked up in `PATH`.
        command: String,
        /// Its arguments. Anybody on the machine can read them: no secrets here.
        args: Vec<String>,
        /// Its environment beside `PATH`, `HOME`, `LANG` and `TMPDIR`.
        env: BTreeMap<String, EnvValue>,
        /// Its working directory.
        cwd: Option<PathBuf>,
    },
    /// A server that speaks MCP over streamable HTTP.
    Http {
        /// Its endpoint.
        url: Url,
        /// Allows an address that is not global unicast, such as loopback.
        allow_private: bool,
        /// What it is shown.
        credential: Option<Credential>,
    },
    #[cfg(test)]
    /// A scripted peer in the same process.
    Pipe(Arc<dyn Fn() -> tokio::io::DuplexStream + Send + Sync>, Option<Secret>),
}

impl fmt::Debug for UpstreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpstreamKind::Stdio { command, .. } => {
                f.debug_struct("Stdio").field("command", command).finish_non_exhaustive()
            }
            // The query may hold a token.
            UpstreamKind::Http { url, .. } => {
                f.debug_struct("Http").field("host", &url.host_str()).finish_non_exhaustive()
            }
            #[cfg(test)]
            UpstreamKind::Pipe(..) => f.write_str("Pipe"),
        }
    }
}

/// A variable of a child's environment.
#[derive(Clone, Debug)]
pub enum EnvValue {
    /// May appear in replies and errors.
    Plain(String),
    /// Redacted from them.
    Secret(Secret),
}

impl EnvValue {
    fn expose(&self) -> &str {
        match self {
            EnvValue::Plain(text) => text,
            EnvValue::Secret(secret) => secret.expose(),
        }
    }
}

/// What one call may cost, and whose it is.
#[derive(Clone, Debug)]
pub struct CallLimits {
    /// The id of the execution that calls.
    pub execution: Arc<str>,
    /// The MCP result's JSON, in bytes; that of what the program gets, and of an answer about tools.
    pub reply_bytes: u64,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

/// One source of tools. Share it in an `Arc`. Must be used within a tokio runtime.
pub struct Upstream {
    id: String,
    changes: Arc<AtomicU64>,
    source: Source,
}

enum Source {
    Local(LocalTools),
    Remote(Arc<Remote>),
}

impl Upstream {
    /// An MCP server. Nothing is started or connected before the first listing or call.
    ///
    /// # Errors
    /// `invalid_config` when the id, the URL or the credential cannot be used; `address_denied` when the URL's host
    /// cannot be global unicast and `allow_private` is not set; `upstream_unavailable` when the system has no trusted root
    /// certificates for `https`.
    pub fn connectable(config: UpstreamConfig) -> Result<Upstream> {
        let id = checked_id(&config.id)?;
        let at = |error: Error| error.with_upstream(&id);
        let endpoint = Endpoint::new(&config).map_err(at)?;
        let changes = Arc::new(AtomicU64::new(0));
        let remote = Arc::new(Remote::new(id.clone(), endpoint, changes.clone()));
        Ok(Upstream { id, changes, source: Source::Remote(remote) })
    }

    /// A set of the embedding program's functions.
    ///
    /// # Errors
    /// `invalid_config` or `invalid_request` when the id or a name cannot be used or a name stands twice.
    pub fn local(id: &str, tools: Vec<LocalTool>) -> Result<Upstream> {
        let source = Source::Local(LocalTools::new(&checked_id(id)?, tools)?);
        Ok(Upstream { id: id.to_owned(), changes: Arc::default(), source })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tools that it lists now. Connects if need be.
    ///
    /// # Errors
    /// For the operator: why the upstream cannot be used, with the end of what it wrote to standard error.
    pub async fn list_tools(&self) -> Result<ToolListing> {
        match &self.source {
            Source::Local(tools) => Ok(ToolListing { tools: tools.tools().to_vec(), warnings: Vec::new() }),
            Source::Remote(remote) => remote.list_tools().await,
        }
    }

    /// How often the upstream's tools may have changed: it said so, or it was connected to again.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Calls `tool` with `arguments`, once. Dropping the future cancels the call at the upstream.
    pub async fn call(
        &self,
        tool: &Tool,
        arguments: Map<String, Value>,
        form: ReplyForm,
        limits: &CallLimits,
    ) -> ToolReply {
        match &self.source {
            Source::Local(tools) => tools.call(tool, arguments, form, limits).await,
            Source::Remote(remote) => remote.call(tool, arguments, form, limits).await,
        }
    }

    /// Why it last failed, for the operator; redacted.
    pub fn last_error(&self) -> Option<String> {
        match &self.source {
            Source::Local(_) => None,
            Source::Remote(remote) => remote.last_error(),
        }
    }

    /// Ends the connection and the child behind it. Later calls fail with `shut_down`.
    pub async fn close(&self) {
        if let Source::Remote(remote) = &self.source {
            remote.close().await;
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("id", &self.id).finish_non_exhaustive()
    }
}

fn checked_id(id: &str) -> Result<String> {
    if is_upstream_id(id) {
        return Ok(id.to_owned());
    }
    Err(Error::new(
        ErrorCode::InvalidConfig,
        format!("`{}` is not an upstream id, expected 1 to 64 of A-Za-z0-9_- without `__`", Shown(id, 80)),
    ))
}

#[cfg(test)]
mod tests;
