//! What each upstream offers: fetched when first needed, kept until the upstream says that it changed.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::UpstreamStatus;
use crate::error::{Error, ErrorCode, Result};
use crate::schema::{Schema, Strictness};
use crate::sdk::names::Resolver;
use crate::sdk::search::Index;
use crate::tool::Tool;
use crate::upstream::Upstream;

/// An upstream that changes its tools all the time, or cannot list them, is not asked for them sooner than this after
/// it was last asked.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// One tool of the catalog, with its input schema compiled at the first call.
pub(super) struct Entry {
    pub(super) tool: Arc<Tool>,
    schema: OnceLock<Option<Result<Schema, String>>>,
}

impl Entry {
    /// Whether there is a schema that is still to be compiled, which takes time.
    pub(super) fn is_raw(&self) -> bool {
        self.tool.input_schema.is_some() && self.schema.get().is_none()
    }

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
    index: OnceLock<Index>,
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

    /// The words of its tools, read at the first search.
    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self.entries.iter().map(|entry| &*entry.tool)))
    }

    /// Why the calls of some of its tools would fail. Compiles all schemas, which takes time.
    pub(super) fn refused_schemas(&self, strictness: Strictness) -> Vec<String> {
        let refused = |entry: &Arc<Entry>| match entry.schema() {
            Some(Err(reason)) => Some(format!("calls of `{}` fail: {reason}", entry.tool.name)),
            None if strictness == Strictness::Strict => {
                Some(format!("calls of `{}` fail: it has no input schema, and validation is strict", entry.tool.name))
            }
            _ => None,
        };
        self.entries.iter().filter_map(refused).collect()
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

/// How long the tools of one upstream are waited for when those of all are asked for. Servers need up to 6 s to start.
const DISCOVERY: Duration = Duration::from_secs(10);

/// One upstream and the latest list of its tools.
pub(super) struct Shelf {
    pub(super) upstream: Upstream,
    state: Mutex<State>,
}

type Fetch = Shared<BoxFuture<'static, Result<Arc<Listing>>>>;

#[derive(Default)]
struct State {
    /// What came of the last fetch, and when.
    latest: Option<(Result<Arc<Listing>>, Instant)>,
    /// The last fetch, until something has come of it.
    fetch: Option<Fetch>,
}

impl Shelf {
    pub(super) fn new(upstream: Upstream) -> Shelf {
        Shelf { upstream, state: Mutex::default() }
    }

    pub(super) fn id(&self) -> &str {
        self.upstream.id()
    }

    /// The list, fetched if there is none or the upstream said that it changed. All who ask meanwhile share one fetch.
    pub(super) async fn listing(self: &Arc<Shelf>) -> Result<Arc<Listing>> {
        let wanted = self.version();
        loop {
            let fetch = {
                let mut state = self.state();
                match &state.latest {
                    Some((Ok(listing), _)) if listing.version >= wanted => return Ok(Arc::clone(listing)),
                    Some((Err(error), at)) if at.elapsed() < PAUSE => return Err(error.clone()),
                    _ => {}
                }
                match &state.fetch {
                    // One that is over without a trace has crashed.
                    Some(fetch) if fetch.peek().is_none() => fetch.clone(),
                    _ => {
                        // SECURITY: a peer decides when it changes, not how often it is asked.
                        let due = state.latest.as_ref().map_or_else(Instant::now, |(_, at)| *at + PAUSE);
                        let fetch = self.fetch(due);
                        state.fetch = Some(fetch.clone());
                        fetch
                    }
                }
            };
            let listing = fetch.await?;
            // One that was under way already may be older than what the caller knows of.
            if listing.version >= wanted {
                return Ok(listing);
            }
        }
    }

    /// Runs by itself, so that a caller who gives up does not undo it for the others.
    fn fetch(self: &Arc<Shelf>, due: Instant) -> Fetch {
        let shelf = Arc::clone(self);
        let task = tokio::spawn(async move {
            sleep_until(due).await;
            // Read before the list: a change that comes while it is fetched makes it stale.
            let version = shelf.version();
            let listed = shelf.upstream.list_tools().await;
            let listed = listed.map(|listed| Arc::new(Listing::new(listed.tools, listed.warnings, version)));
            *shelf.state() = State { latest: Some((listed.clone(), Instant::now())), fetch: None };
            listed
        });
        let crashed = Error::new(ErrorCode::Internal, "its tools could not be read").with_upstream(self.id());
        async move { task.await.unwrap_or(Err(crashed)) }.boxed().shared()
    }

    /// The list, if it can be had soon: whoever asks for the tools of all upstreams does not wait for one that hangs.
    pub(super) async fn listing_soon(self: &Arc<Shelf>) -> Result<Arc<Listing>> {
        match timeout(DISCOVERY, self.listing()).await {
            Ok(listing) => listing,
            Err(_) => {
                let message = "it is still being connected, ask again later";
                Err(Error::new(ErrorCode::UpstreamUnavailable, message).with_upstream(self.id()))
            }
        }
    }

    /// What an operator should know of a list, or of why there is none.
    pub(super) fn status(&self, listing: &Result<Arc<Listing>>) -> UpstreamStatus {
        let (tools, warnings) = match listing {
            Ok(listing) => (Ok(listing.entries.len()), listing.warnings.clone()),
            Err(error) => (Err(error.clone()), Vec::new()),
        };
        UpstreamStatus { id: self.id().to_owned(), tools, warnings }
    }

    /// The list that is there, however old.
    pub(super) fn known(&self) -> Option<Arc<Listing>> {
        self.state().latest.as_ref().and_then(|(listing, _)| listing.as_ref().ok()).cloned()
    }

    pub(super) async fn close(&self) {
        self.upstream.close().await;
    }

    fn version(&self) -> u64 {
        self.upstream.changes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
