//! What C holds instead of pointers: numbers that a table knows, never used twice.
//!
//! A handle that is stale, forged, of another kind or NULL is not in its table: an error, whatever C does with it. The tables hold
//! `Arc`s, so what is freed while another thread uses it lives until that thread is done.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use conduit_core::{Error, ErrorCode, Result};

/// How many handles there have been, of all kinds.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// Sets the handles of this process apart from small numbers and from those of others.
static KEY: OnceLock<u64> = OnceLock::new();

/// The live handles of one kind. `H` is the type that C knows.
pub(crate) struct Table<H, T> {
    kind: &'static str,
    live: LazyLock<RwLock<HashMap<usize, Arc<T>>>>,
    handle: PhantomData<fn(H)>,
}

impl<H, T> Table<H, T> {
    /// An empty table; `kind` is how errors call what it holds.
    pub(crate) const fn new(kind: &'static str) -> Table<H, T> {
        Table { kind, live: LazyLock::new(RwLock::default), handle: PhantomData }
    }

    /// A new handle to `value`.
    pub(crate) fn insert(&self, value: impl Into<Arc<T>>) -> *mut H {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let value = value.into();
        loop {
            let id = next_id();
            // Where addresses have 32 bits, numbers come back after a while.
            if id != 0 && !live.contains_key(&id) {
                live.insert(id, Arc::clone(&value));
                return std::ptr::without_provenance_mut(id);
            }
        }
    }

    /// What `handle` stands for.
    ///
    /// # Errors
    /// `invalid_request` when it stands for nothing of this kind.
    pub(crate) fn get(&self, handle: *const H) -> Result<Arc<T>> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        // SECURITY: a handle is looked up and never followed, so a stale or forged one reaches nothing.
        live.get(&handle.addr()).cloned().ok_or_else(|| self.unknown(handle))
    }

    /// Ends `handle`, and gives what it stood for.
    ///
    /// # Errors
    /// As [`get`](Table::get).
    pub(crate) fn remove(&self, handle: *const H) -> Result<Arc<T>> {
        let removed = self.live.write().unwrap_or_else(PoisonError::into_inner).remove(&handle.addr());
        removed.ok_or_else(|| self.unknown(handle))
    }

    fn unknown(&self, handle: *const H) -> Error {
        let kind = self.kind;
        let message = match handle.is_null() {
            true => format!("the {kind} is NULL"),
            false => format!("this is no {kind}, or it was freed"),
        };
        Error::new(ErrorCode::InvalidRequest, message)
    }
}

/// The finalizer of splitmix64 over a count: one to one, so no number comes twice.
#[expect(clippy::cast_possible_truncation, reason = "the table looks whether a shorter number is free")]
fn next_id() -> usize {
    let key = *KEY.get_or_init(|| getrandom::u64().unwrap_or(0x9e37_79b9_7f4a_7c15));
    let mut id = COUNT.fetch_add(1, Ordering::Relaxed).wrapping_add(key);
    id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (id ^ (id >> 31)) as usize
}
