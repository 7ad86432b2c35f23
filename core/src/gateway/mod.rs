//! The catalog of tools, and the one place that every call passes.
//!
//! Owns name resolution, enforcement and the record of each call. Knows nothing of wasm. [`Gateway`] is shared by all
//! executions; a [`Gate`] is one execution's view of it: its policy, its budget and its records. What the SDK shows is
//! convenience; [`Gate::call`] is the boundary.

mod catalog;
mod gate;
mod record;

use std::sync::Arc;

use futures_util::future::join_all;

use crate::error::{Error, ErrorCode, Result};
use crate::policy::{Decision, Policy};
use crate::schema::Strictness;
use crate::sdk;
use crate::sdk::names::Resolver;
use crate::sdk::search::{Hit, Index};
use crate::tool::{Tool, ToolError};
use crate::upstream::Upstream;

use catalog::{Entry, Listing, Shelf};
pub use gate::{Gate, GateLimits, Question};
pub use record::Watcher;

/// How many tools a search gives when nobody says otherwise.
pub const SEARCH_RESULTS: usize = 10;

/// All upstreams of a runtime, and how their tools are called.
pub struct Gateway {
    shelves: Vec<Shelf>,
    resolver: Resolver,
    strictness: Strictness,
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

impl Gateway {
    /// A gateway to these upstreams. Nothing is connected yet.
    ///
    /// # Errors
    /// `invalid_config` when two upstreams have the same id, or ids that a program could not tell apart.
    pub fn new(upstreams: Vec<Upstream>, strictness: Strictness) -> Result<Gateway> {
        let resolver = Resolver::new(upstreams.iter().map(Upstream::id));
        if let Some(alias) = resolver.ambiguous() {
            let message = format!(
                "two upstreams would both be `tools.{alias}`, expected ids that differ in more than `-` and `_`"
            );
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        Ok(Gateway { shelves: upstreams.into_iter().map(Shelf::new).collect(), resolver, strictness })
    }

    /// One execution's view: its policy and its budget. No network.
    pub fn open(self: &Arc<Gateway>, policy: Policy, limits: GateLimits, watcher: Option<Watcher>) -> Gate {
        Gate::new(Arc::clone(self), policy, limits, watcher)
    }

    /// The ids of the upstreams in which `policy` could allow a tool.
    pub fn upstream_ids(&self, policy: &Policy) -> Vec<&str> {
        self.in_reach(policy).map(Shelf::id).collect()
    }

    /// The tools that `policy` allows, of the upstreams that can be reached, in the order of the upstreams.
    pub async fn tools(&self, policy: &Policy) -> Vec<Arc<Tool>> {
        let allowed = |entry: &&Arc<Entry>| policy.decide(&entry.tool.name) == Decision::Allow;
        let listings = self.listings(policy).await;
        listings
            .iter()
            .flat_map(|listing| listing.entries.iter().filter(allowed))
            .map(|entry| Arc::clone(&entry.tool))
            .collect()
    }

    /// The tools that `policy` allows and that fit `query` best, best first.
    pub async fn search(&self, policy: &Policy, query: &str, limit: usize) -> Vec<Arc<Tool>> {
        let listings = self.listings(policy).await;
        let allowed = |tool: &Tool| policy.decide(&tool.name) == Decision::Allow;
        let mut hits: Vec<(Hit, &Listing)> = Vec::new();
        for listing in &listings {
            let index = listing.index.get_or_init(|| Index::new(listing.entries.iter().map(|entry| &*entry.tool)));
            hits.extend(
                index
                    .search(query, limit, &|at| listing.tool(at).is_some_and(|tool| allowed(tool)))
                    .into_iter()
                    .map(|hit| (hit, &**listing)),
            );
        }
        hits.sort_by(|(a, _), (b, _)| b.score.total_cmp(&a.score));
        hits.truncate(limit);
        hits.iter().filter_map(|(hit, listing)| listing.tool(hit.index).cloned()).collect()
    }

    /// The tool that `written` names, an alias or its own name, if `policy` allows it.
    ///
    /// # Errors
    /// `tool_not_found` whether it does not exist or is not allowed; an upstream's own code when it is down.
    pub async fn tool(&self, policy: &Policy, written: &str) -> Result<Arc<Tool>, ToolError> {
        let (_, entry) = self.find(policy, written).await?;
        Ok(Arc::clone(&entry.tool))
    }

    /// Connects every upstream, also those out of any policy's reach, and says how that went.
    pub async fn check(&self) -> Vec<UpstreamStatus> {
        join_all(self.shelves.iter().map(Shelf::status)).await
    }

    /// The upstreams in reach of `policy` whose tools cannot be had, and why.
    pub async fn unavailable(&self, policy: &Policy) -> Vec<UpstreamStatus> {
        let mut upstreams = join_all(self.in_reach(policy).map(Shelf::status)).await;
        upstreams.retain(|upstream| upstream.tools.is_err());
        upstreams
    }

    /// Why the upstream that `written` means last failed, for the operator.
    pub fn last_error(&self, written: &str) -> Option<String> {
        self.shelf(written)?.upstream.last_error()
    }

    /// Ends every connection.
    pub async fn close(&self) {
        join_all(self.shelves.iter().map(Shelf::close)).await;
    }

    /// The tool that `written` names, if the policy allows it.
    async fn find(&self, policy: &Policy, written: &str) -> Result<(&Shelf, Arc<Entry>), ToolError> {
        let (upstream, tool) = written.split_once('.').unwrap_or((written, ""));
        // SECURITY: an upstream out of the policy's reach is never asked, and is as if it did not exist.
        let Some(shelf) = self.shelf(upstream).filter(|shelf| policy.may_allow_in(shelf.id())) else {
            return Err(self.not_found(policy, written));
        };
        let listing = shelf.listing().await;
        let listing = listing.map_err(|error| ToolError::new(error.code(), written, error.message()))?;
        // SECURITY: the boundary. The decision is on the tool's own name, whatever alias the program wrote; a tool that is
        // denied does not exist, not even by what its name does to the aliases of others.
        let entry = listing.resolve(tool, |tool| policy.decide(&tool.name) == Decision::Allow);
        entry.map(|entry| (shelf, Arc::clone(entry))).ok_or_else(|| self.not_found(policy, written))
    }

    /// Why there is no such tool; the same words whether it does not exist or is not allowed.
    fn not_found(&self, policy: &Policy, written: &str) -> ToolError {
        let shown: String = written.chars().take(100).collect();
        let mut message = format!("there is no tool `{}`", shown.escape_debug());
        if !policy.is_stated() {
            message.push_str(
                ": no tool is allowed, add for example `policy: {allow: [\"*\"]}` to the config, or `--allow '*'`",
            );
            return ToolError::new(ErrorCode::ToolNotFound, written, message);
        }
        // SECURITY: only names that the program may see.
        let listings = self.known_listings(policy);
        let allowed = listings.iter().flat_map(|listing| &listing.entries).map(|entry| &entry.tool.name);
        let nearest = sdk::names::nearest(&shown, allowed.filter(|name| policy.decide(name) == Decision::Allow));
        if !nearest.is_empty() {
            message.push_str(&format!(", the nearest are `{}`", nearest.join("`, `")));
        }
        ToolError::new(ErrorCode::ToolNotFound, written, message)
    }

    fn known_listings(&self, policy: &Policy) -> Vec<Arc<Listing>> {
        self.in_reach(policy).filter_map(Shelf::fresh).collect()
    }

    fn in_reach<'a>(&'a self, policy: &Policy) -> impl Iterator<Item = &'a Shelf> {
        self.shelves.iter().filter(|shelf| policy.may_allow_in(shelf.id()))
    }

    fn shelf(&self, written: &str) -> Option<&Shelf> {
        self.resolver.resolve(written, |_| true).and_then(|at| self.shelves.get(at))
    }

    /// The lists of the upstreams in reach of `policy`, fetched in parallel; one that is down is left out.
    async fn listings(&self, policy: &Policy) -> Vec<Arc<Listing>> {
        join_all(self.in_reach(policy).map(Shelf::listing)).await.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests;
