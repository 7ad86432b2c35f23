//! What each upstream offers: fetched when first needed, kept until the upstream says that it changed.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::UpstreamStatus;
use crate::error::Result;
use crate::schema::Schema;
use crate::sdk::names::Resolver;
use crate::sdk::search::Index;
use crate::tool::Tool;
use crate::upstream::Upstream;

/// One tool of the catalog, with its input schema compiled at the first call.
pub(super) struct Entry {
    pub(super) tool: Arc<Tool>,
    schema: OnceLock<Option<Result<Schema, String>>>,
}

impl Entry {
    /// The compiled input schema; `None` when the tool has none, an error's text when it cannot be used.
    pub(super) fn schema(&self) -> Option<&Result<Schema, String>> {
        let compile = |schema| Schema::compile(schema).map_err(|error| error.to_string());
        self.schema.get_or_init(|| self.tool.input_schema.as_ref().map(compile)).as_ref()
    }
}

/// The tools of one upstream, as it listed them once.
pub(super) struct Listing {
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) warnings: Vec<String>,
    pub(super) index: OnceLock<Index>,
    resolver: Resolver,
    version: u64,
}

impl Listing {
    fn new(tools: Vec<Tool>, warnings: Vec<String>, version: u64) -> Listing {
        let resolver = Resolver::new(tools.iter().map(|tool| tool.name.tool()));
        let entry = |tool| Arc::new(Entry { tool: Arc::new(tool), schema: OnceLock::new() });
        let entries = tools.into_iter().map(entry).collect();
        Listing { entries, warnings, index: OnceLock::new(), resolver, version }
    }

    pub(super) fn tool(&self, index: usize) -> Option<&Arc<Tool>> {
        self.entries.get(index).map(|entry| &entry.tool)
    }

    /// The tool that a program means by `written`, a name within the upstream, among those that `exist` for it.
    pub(super) fn resolve(&self, written: &str, exist: impl Fn(&Tool) -> bool) -> Option<&Arc<Entry>> {
        let exists = |at: usize| self.tool(at).is_some_and(|tool| exist(tool));
        self.resolver.resolve(written, exists).and_then(|at| self.entries.get(at))
    }
}

/// One upstream and the latest list of its tools.
pub(super) struct Shelf {
    pub(super) upstream: Upstream,
    latest: RwLock<Option<Arc<Listing>>>,
    fetching: tokio::sync::Mutex<()>,
}

impl Shelf {
    pub(super) fn new(upstream: Upstream) -> Shelf {
        Shelf { upstream, latest: RwLock::new(None), fetching: tokio::sync::Mutex::new(()) }
    }

    pub(super) fn id(&self) -> &str {
        self.upstream.id()
    }

    /// The list, fetched if there is none or the upstream said that it changed.
    pub(super) async fn listing(&self) -> Result<Arc<Listing>> {
        if let Some(listing) = self.fresh() {
            return Ok(listing);
        }
        let _one_at_a_time = self.fetching.lock().await;
        if let Some(listing) = self.fresh() {
            return Ok(listing);
        }
        // Read before the list: a change that comes while it is fetched makes it stale.
        let version = *self.upstream.changes().borrow();
        let listed = self.upstream.list_tools().await?;
        let listing = Arc::new(Listing::new(listed.tools, listed.warnings, version));
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&listing));
        Ok(listing)
    }

    /// Whether the list can be had.
    pub(super) async fn status(&self) -> UpstreamStatus {
        let listing = self.listing().await;
        let warnings = listing.as_ref().map(|listing| listing.warnings.clone()).unwrap_or_default();
        UpstreamStatus { id: self.id().to_owned(), tools: listing.map(|listing| listing.entries.len()), warnings }
    }

    /// The list that is there, if it is fresh.
    pub(super) fn fresh(&self) -> Option<Arc<Listing>> {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner).clone();
        latest.filter(|listing| listing.version == *self.upstream.changes().borrow())
    }

    pub(super) async fn close(&self) {
        self.upstream.close().await;
    }
}
