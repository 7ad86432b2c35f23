//! The memory limit of one isolate: V8's heap, and the buffers that it keeps outside.
//!
//! Owns the count of both. Near its limit the heap gets some room so that the program can be ended in order; a single
//! allocation beyond that room makes V8 abort, which is the worker's end.

#![allow(unsafe_code, reason = "V8's calling convention, and memory that V8 asks for")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use deno_core::v8;

/// What the heap may grow by, each time it meets the limit, while the program is being ended.
const ROOM: usize = 64 << 20;
/// How often it gets that.
const ROOMS: usize = 4;
/// The same when it is the buffers that the engine counts, whose refusal the program may catch.
const ROOM_FOR_BUFFERS: usize = 16 << 20;
/// Of buffers, as V8 wants it.
const ALIGNMENT: usize = 16;

/// What is known of an isolate's memory; shared with V8's allocator of buffers.
#[derive(Default)]
pub(crate) struct Heap {
    limit: AtomicUsize,
    /// V8's heap, as it was last looked at.
    used: AtomicUsize,
    buffers: AtomicUsize,
    /// A buffer was refused.
    refused: AtomicBool,
    rooms: AtomicUsize,
    isolate: OnceLock<(v8::IsolateHandle, RawIsolate)>,
}

/// Only for the engine's callbacks, on the isolate's own thread.
struct RawIsolate(v8::UnsafeRawIsolatePtr);

// SAFETY: it is used on the isolate's thread alone.
unsafe impl Send for RawIsolate {}
// SAFETY: as above.
unsafe impl Sync for RawIsolate {}

impl Heap {
    pub(crate) fn set_isolate(&self, isolate: &v8::Isolate) {
        // SAFETY: the heap is forgotten by the engine before the isolate is gone.
        let raw = RawIsolate(unsafe { isolate.as_raw_isolate_ptr() });
        // Once per isolate: there is none to replace.
        let _ = self.isolate.set((isolate.thread_safe_handle(), raw));
    }

    pub(crate) fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// The heap has met its limit.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.rooms.load(Ordering::Relaxed) > 0
    }

    /// A buffer was refused, so that an error of an allocation is the limit's doing.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Notes the heap's size and gives all that the guest has, in bytes.
    pub(crate) fn note(&self, used: usize) -> u64 {
        self.used.store(used, Ordering::Relaxed);
        (used + self.buffers.load(Ordering::Relaxed)) as u64
    }

    /// Ends the program: how often that was called for.
    fn exhaust(&self) -> usize {
        if let Some((isolate, _)) = self.isolate.get() {
            isolate.terminate_execution();
        }
        self.rooms.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the heap by itself, without the buffers, is near the limit.
    fn is_full(&self) -> bool {
        let Some((_, RawIsolate(isolate))) = self.isolate.get() else { return true };
        // SAFETY: the engine asks on the isolate's thread.
        let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(*isolate) };
        let limit = self.limit.load(Ordering::Relaxed);
        isolate.get_heap_statistics().used_heap_size() >= limit - limit / 4
    }

    /// Counts a new buffer, if there is room for it.
    fn take(&self, bytes: usize) -> bool {
        let buffers = self.buffers.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        // SECURITY: buffers are outside of V8's heap, whose limit does not count them.
        if buffers.saturating_add(self.used.load(Ordering::Relaxed)) > self.limit.load(Ordering::Relaxed) {
            self.give_back(bytes);
            self.refused.store(true, Ordering::Relaxed);
            return false;
        }
        true
    }

    fn give_back(&self, bytes: usize) {
        self.buffers.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// V8's callback: `data` is the isolate's [`Heap`].
pub(crate) unsafe extern "C" fn near_heap_limit(data: *mut c_void, current: usize, _initial: usize) -> usize {
    // SAFETY: the heap's owner keeps it for as long as its isolate lives.
    let heap = unsafe { &*data.cast::<Heap>() };
    if !heap.is_full() {
        return current.saturating_add(ROOM_FOR_BUFFERS);
    }
    // SECURITY: a program over its limit does not run on, and the room that it gets to end is bounded.
    if heap.exhaust() < ROOMS { current.saturating_add(ROOM) } else { current }
}

/// The allocator of an isolate's buffers, which counts them in `heap`.
pub(crate) fn allocator(heap: &Arc<Heap>) -> v8::UniqueRef<v8::Allocator> {
    static TABLE: v8::RustAllocatorVtable<Heap> =
        v8::RustAllocatorVtable { allocate, allocate_uninitialized, free, drop: forget };
    // SAFETY: the handle is a counted reference, which `forget` gives back.
    unsafe { v8::new_rust_allocator(Arc::into_raw(Arc::clone(heap)), &TABLE) }
}

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.max(1), ALIGNMENT).ok()
}

fn allocate_with(heap: &Heap, bytes: usize, allocate: unsafe fn(Layout) -> *mut u8) -> *mut c_void {
    let Some(layout) = layout(bytes).filter(|_| heap.take(bytes)) else { return std::ptr::null_mut() };
    // SAFETY: the layout is not empty.
    let buffer = unsafe { allocate(layout) };
    if buffer.is_null() {
        heap.give_back(bytes);
    }
    buffer.cast()
}

unsafe extern "C" fn allocate(heap: &Heap, bytes: usize) -> *mut c_void {
    allocate_with(heap, bytes, alloc_zeroed)
}

unsafe extern "C" fn allocate_uninitialized(heap: &Heap, bytes: usize) -> *mut c_void {
    allocate_with(heap, bytes, alloc)
}

unsafe extern "C" fn free(heap: &Heap, buffer: *mut c_void, bytes: usize) {
    if let Some(layout) = layout(bytes).filter(|_| !buffer.is_null()) {
        // SAFETY: V8 gives back what `allocate_with` gave it for as many bytes.
        unsafe { dealloc(buffer.cast(), layout) };
        heap.give_back(bytes);
    }
}

unsafe extern "C" fn forget(heap: *const Heap) {
    // SAFETY: it is the reference that `allocator` gave away.
    drop(unsafe { Arc::from_raw(heap) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_count_beside_the_heap() {
        let heap = Heap::default();
        heap.set_limit(100);
        assert_eq!(heap.note(40), 40);
        assert!(heap.take(60));
        assert_eq!(heap.note(40), 100);
        assert!(!heap.take(1) && heap.has_refused());
        assert!(!heap.take(usize::MAX));
        heap.give_back(60);
        assert!(heap.take(1));
    }
}
