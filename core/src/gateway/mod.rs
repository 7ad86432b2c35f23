//! The catalog of tools, and the one place that every call passes.
//!
//! Owns name resolution, enforcement and the record of each call. Knows nothing of wasm. [`Gateway`] is shared by all
//! executions; a [`Gate`] is one execution's view of it: its policy, its budget and its records. What the SDK shows is
//! convenience; [`Gate::call`] is the boundary.

mod catalog;
mod gate;
mod record;
mod words;

use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Serialize, Serializer};
use tokio::sync::Semaphore;

use crate::error::{Error, ErrorCode, Result, Shown};
use crate::model::Language;
use crate::policy::{Decision, NO_POLICY, Policy};
use crate::schema::Strictness;
use crate::sdk;
use crate::sdk::names::Resolver;
use crate::sdk::search::{Hit, Index, search};
use crate::tool::{Tool, ToolError, ToolPattern};
use crate::upstream::Upstream;

use catalog::{Entry, Listing, Shelf};
pub use gate::{Gate, GateLimits, Question};
pub use record::Watcher;

/// How many tools a search gives when nobody says otherwise.
pub const SEARCH_RESULTS: usize = 10;
/// How many it gives at most.
pub const MAX_SEARCH_RESULTS: usize = 50;
/// The longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 1 << 10;
/// How many tools are described at once.
pub const MAX_DESCRIBED: usize = 50;

/// How much work that is sized by what upstreams list is done at once.
const ASIDE: usize = 2;

/// All upstreams of a runtime, and how their tools are called.
pub struct Gateway {
    shelves: Vec<Arc<Shelf>>,
    resolver: Resolver,
    strictness: Strictness,
    places_aside: Arc<Semaphore>,
}

/// Whether an upstream's tools could be had, for the operator.
#[derive(Debug)]
pub struct UpstreamStatus {
    /// The upstream's id.
    pub id: String,
    /// How many tools it offers, or why they could not be had.
    pub tools: Result<usize>,
    /// What was dropped from its list, and why.
    pub warnings: Vec<String>,
}

/// Whether an upstream's tools could be had, for the operator.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "UpstreamStatus"))]
struct Written<'a> {
    /// The upstream's id.
    id: &'a str,
    /// How many tools it offers, if they could be had.
    tools: Option<&'a usize>,
    /// Why they could not be had.
    error: Option<&'a Error>,
    /// What was dropped from its list, and why.
    warnings: &'a [String],
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for UpstreamStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Written::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}

impl Serialize for UpstreamStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (tools, error) = (self.tools.as_ref().ok(), self.tools.as_ref().err());
        Written { id: &self.id, tools, error, warnings: &self.warnings }.serialize(serializer)
    }
}

/// What a search gives.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Found {
    /// The tools that fit best, best first.
    pub tools: Vec<Arc<Tool>>,
    /// The upstreams whose tools could not be searched, and why.
    pub unavailable: Vec<UpstreamStatus>,
}

/// Tools by their names.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Described {
    /// Those that there are, in the order of their names, each once.
    pub tools: Vec<Arc<Tool>>,
    /// One error for each name that no tool has, or none that is allowed.
    pub not_found: Vec<ToolError>,
    /// One error for each name whose upstream cannot be asked; the tool may exist.
    pub unavailable: Vec<ToolError>,
}

impl Gateway {
    /// A gateway to these upstreams. Nothing is connected yet.
    ///
    /// # Errors
    /// `invalid_config` when two upstreams have the same id, or ids that a program could not tell apart.
    pub fn new(upstreams: Vec<Upstream>, strictness: Strictness) -> Result<Gateway> {
        let resolver = Resolver::new(upstreams.iter().map(Upstream::id));
        let twice = upstreams
            .iter()
            .enumerate()
            .find(|(at, one)| upstreams.iter().skip(at + 1).any(|other| one.id() == other.id()));
        if let Some((_, upstream)) = twice {
            let message = format!("two upstreams have the id `{}`, expected an id for each", upstream.id());
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        if let Some(alias) = resolver.ambiguous() {
            let message = format!(
                "two upstreams would both be `tools.{alias}`, expected ids that differ in more than `-` and `_`"
            );
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        Ok(Gateway {
            shelves: upstreams.into_iter().map(|upstream| Arc::new(Shelf::new(upstream))).collect(),
            resolver,
            strictness,
            places_aside: Arc::new(Semaphore::new(ASIDE)),
        })
    }

    /// One execution's view: its policy and its budget. No network.
    pub fn open(
        self: &Arc<Gateway>,
        policy: Policy,
        language: Language,
        limits: GateLimits,
        watcher: Option<Watcher>,
    ) -> Gate {
        Gate::new(Arc::clone(self), policy, language, limits, watcher)
    }

    /// The ids of the upstreams in which `policy` could allow a tool.
    pub fn upstream_ids(&self, policy: &Policy) -> Vec<&str> {
        self.in_reach(policy).map(|shelf| shelf.id()).collect()
    }

    /// The tools that `policy` allows, of the upstreams that can be reached, in the order of the upstreams.
    pub async fn tools(&self, policy: &Policy) -> Vec<Arc<Tool>> {
        // SECURITY: a list shows what may be called and nothing else.
        let allowed = |entry: &&Arc<Entry>| policy.decide(&entry.tool.name) == Decision::Allow;
        let listings = self.listings(policy).await;
        listings
            .iter()
            .flat_map(|listing| listing.entries.iter().filter(allowed))
            .map(|entry| Arc::clone(&entry.tool))
            .collect()
    }

    /// The tools that `policy` allows and that fit `query` best.
    ///
    /// # Errors
    /// `invalid_request` when the query is empty or longer than [`MAX_QUERY_BYTES`], or `limit` is not from 1 to
    /// [`MAX_SEARCH_RESULTS`].
    pub async fn search(&self, policy: &Policy, query: &str, limit: usize) -> Result<Found> {
        if query.is_empty() || query.len() > MAX_QUERY_BYTES {
            let message = format!("`query` must be a text of 1 to {MAX_QUERY_BYTES} bytes");
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        }
        if !(1..=MAX_SEARCH_RESULTS).contains(&limit) {
            let message = format!("`limit` must be from 1 to {MAX_SEARCH_RESULTS}");
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        }
        let (mut listings, mut unavailable) = (Vec::new(), Vec::new());
        let listed = self.in_reach(policy).map(|shelf| async move { (shelf, shelf.listing_soon().await) });
        for (shelf, listing) in join_all(listed).await {
            match listing {
                Ok(listing) => listings.push(listing),
                listing @ Err(_) => unavailable.push(shelf.status(&listing)),
            }
        }
        let (policy, query) = (policy.clone(), query.to_owned());
        let tools = self.aside(move || best(&listings, &policy, &query, limit)).await?;
        Ok(Found { tools, unavailable })
    }

    /// The tools that `names` mean, aliases or their own names, as far as `policy` allows them.
    ///
    /// # Errors
    /// `invalid_request` when there are no names, or more than [`MAX_DESCRIBED`].
    pub async fn describe(&self, policy: &Policy, names: &[String]) -> Result<Described> {
        if !(1..=MAX_DESCRIBED).contains(&names.len()) {
            let message = format!("`names` must have 1 to {MAX_DESCRIBED} names");
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        }
        let mut described = Described { tools: Vec::new(), not_found: Vec::new(), unavailable: Vec::new() };
        for found in join_all(names.iter().map(|name| self.find(policy, name))).await {
            match found {
                Ok((_, entry)) => described.tools.push(Arc::clone(&entry.tool)),
                Err(mut error) if error.code == ErrorCode::ToolNotFound => {
                    error.message.push_str(&self.hint(policy, &error.tool));
                    described.not_found.push(error);
                }
                Err(error) => described.unavailable.push(error),
            }
        }
        described.tools.sort_by(|a, b| a.name.cmp(&b.name));
        described.tools.dedup_by(|a, b| a.name == b.name);
        Ok(described)
    }

    /// What a model should read before it writes a program in `language`: these tools as types.
    ///
    /// # Errors
    /// `internal` when they cannot be made.
    pub async fn declarations(&self, language: Language, tools: Vec<Arc<Tool>>) -> Result<String> {
        let make = match language {
            Language::TypeScript => sdk::typescript::declarations,
            Language::Python => sdk::python::declarations,
        };
        self.aside(move || make(&tools)).await
    }

    /// Does `work` that takes time by what upstreams list, away from the threads that serve everybody.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        // Held until the work is done, also when nobody waits for it any more.
        let place = Arc::clone(&self.places_aside).acquire_owned().await;
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        task.await.map_err(|error| Error::new(ErrorCode::Internal, "a part of the catalog failed").with_source(error))
    }

    /// Connects every upstream, also those out of any policy's reach, as long as each may take, and says how that went: with
    /// a warning for each tool whose calls would fail by its schema.
    pub async fn check(&self) -> Vec<UpstreamStatus> {
        join_all(self.shelves.iter().map(|shelf| async {
            let listing = shelf.listing().await;
            let mut status = shelf.status(&listing);
            if let Ok(listing) = listing {
                let strictness = self.strictness;
                let refused = self.aside(move || listing.refused_schemas(strictness)).await;
                status.warnings.extend(refused.unwrap_or_else(|error| vec![error.to_string()]));
            }
            status
        }))
        .await
    }

    /// The patterns of `policy` that cover no tool of the upstreams whose tools are known.
    pub fn idle_patterns(&self, policy: &Policy) -> Vec<ToolPattern> {
        let covers = |pattern: &ToolPattern, shelf: &Shelf| match shelf.known() {
            Some(listing) => listing.entries.iter().any(|entry| pattern.matches(&entry.tool.name)),
            None => pattern.reaches(shelf.id()),
        };
        let is_idle = |pattern: &&ToolPattern| !self.shelves.iter().any(|shelf| covers(pattern, shelf));
        policy.patterns().filter(is_idle).cloned().collect()
    }

    /// The upstreams in reach of `policy` whose tools cannot be had, and why.
    pub async fn unavailable(&self, policy: &Policy) -> Vec<UpstreamStatus> {
        let listed = self.in_reach(policy).map(|shelf| async { shelf.status(&shelf.listing_soon().await) });
        let mut upstreams = join_all(listed).await;
        upstreams.retain(|upstream| upstream.tools.is_err());
        upstreams
    }

    /// Why the upstream that `written` means last failed, for the operator.
    pub fn last_error(&self, written: &str) -> Option<String> {
        self.shelf(written)?.upstream.last_error()
    }

    /// Ends every connection.
    pub async fn close(&self) {
        join_all(self.shelves.iter().map(|shelf| shelf.close())).await;
    }

    /// The tool that `written` names, if the policy allows it.
    async fn find(&self, policy: &Policy, written: &str) -> Result<(&Shelf, Arc<Entry>), ToolError> {
        let (upstream, tool) = written.split_once('.').unwrap_or((written, ""));
        // SECURITY: an upstream out of the policy's reach is never asked, and is as if it did not exist.
        let Some(shelf) = self.shelf(upstream).filter(|shelf| policy.may_allow_in(shelf.id())) else {
            return Err(not_found(policy, written));
        };
        let listing = shelf.listing().await;
        let listing = listing.map_err(|error| {
            ToolError::new(error.code(), written, format!("upstream `{}`: {}", shelf.id(), error.message()))
        })?;
        // SECURITY: the boundary. The decision is on the tool's own name, whatever alias the program wrote; a tool that is
        // denied does not exist, not even by what its name does to the aliases of others.
        let entry = listing.resolve(tool, |tool| policy.decide(&tool.name) == Decision::Allow);
        entry.map(|entry| (&**shelf, Arc::clone(entry))).ok_or_else(|| not_found(policy, written))
    }

    /// What may have been meant by `written`, which is no tool; goes on after the error's message.
    fn hint(&self, policy: &Policy, written: &str) -> String {
        // SECURITY: only names that the program may see.
        let listings = self.known_listings(policy);
        let allowed = listings.iter().flat_map(|listing| &listing.entries).map(|entry| &entry.tool.name);
        let nearest = sdk::names::nearest(written, allowed.filter(|name| policy.decide(name) == Decision::Allow));
        let upstream = written.split('.').next().unwrap_or_default();
        if !nearest.is_empty() {
            return format!(", the nearest are `{}`", nearest.join("`, `"));
        }
        if self.shelf(upstream).is_some() {
            return String::new();
        }
        let nearest = sdk::names::nearest_upstream(upstream, self.in_reach(policy).map(|shelf| shelf.id()));
        nearest.map(|id| format!(", the nearest upstream is `{id}`")).unwrap_or_default()
    }

    fn known_listings(&self, policy: &Policy) -> Vec<Arc<Listing>> {
        self.in_reach(policy).filter_map(|shelf| shelf.known()).collect()
    }

    fn in_reach<'a>(&'a self, policy: &Policy) -> impl Iterator<Item = &'a Arc<Shelf>> {
        // SECURITY: who may use none of an upstream's tools makes nobody connect to it, and learns nothing of it.
        self.shelves.iter().filter(|shelf| policy.may_allow_in(shelf.id()))
    }

    fn shelf(&self, written: &str) -> Option<&Arc<Shelf>> {
        self.resolver.resolve(written, |_| true).and_then(|at| self.shelves.get(at))
    }

    /// The lists of the upstreams in reach of `policy`, fetched in parallel; one that is down is left out.
    async fn listings(&self, policy: &Policy) -> Vec<Arc<Listing>> {
        join_all(self.in_reach(policy).map(Shelf::listing_soon)).await.into_iter().flatten().collect()
    }
}

/// That there is no such tool: the same words whether it does not exist or is not allowed.
fn not_found(policy: &Policy, written: &str) -> ToolError {
    let mut message = format!("there is no tool `{}`", Shown(written, 100));
    if !policy.is_stated() {
        message.push_str(&format!("; {NO_POLICY}"));
    }
    ToolError::new(ErrorCode::ToolNotFound, written, message)
}

/// The tools of these lists that `policy` allows and that fit `query` best.
fn best(listings: &[Arc<Listing>], policy: &Policy, query: &str, limit: usize) -> Vec<Arc<Tool>> {
    let indexes: Vec<&Index> = listings.iter().map(|listing| listing.index()).collect();
    let tool = |hit: &Hit| listings.get(hit.index).and_then(|listing| listing.tool(hit.tool));
    // SECURITY: nor does a search find what may not be called.
    let allowed = |hit: &Hit| tool(hit).is_some_and(|tool| policy.decide(&tool.name) == Decision::Allow);
    search(&indexes, query, limit, allowed).iter().filter_map(tool).cloned().collect()
}

#[cfg(test)]
mod tests;
