//! How the guests of Conduit are compiled ahead of time and run: the one definition of what both sides must agree on.
//!
//! Used by the guests' build scripts, which compile (`build`, with the feature `compile`), and by the
//! sandbox, whose engines load the result: wasmtime refuses ahead-of-time code that was made with other settings. What
//! only the running side decides (pooling) is the sandbox's.

#[cfg(feature = "compile")]
pub mod build;

use wasmtime::{Config, WasmFeatures};

/// How much of a thread's stack guest code may use. The thread that runs a guest needs this and 1 MiB for the host.
///
/// QuickJS counts its own stack in linear memory and throws `RangeError` long before this is reached; CPython raises
/// `RecursionError`, which with a quarter of this comes too late.
pub const MAX_WASM_STACK_BYTES: usize = 8 << 20;

/// What the guests' modules are made of: WebAssembly 1.0 and what LLVM adds to it.
const USED: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG);

/// Applies the settings that ahead-of-time code depends on, and the least set of wasm features the guests need.
pub fn configure(config: &mut Config) {
    // SECURITY: the deadline of a run depends on epochs; without them a loop in the guest is never stopped.
    config.epoch_interruption(true);
    config.max_wasm_stack(MAX_WASM_STACK_BYTES);
    // Wasmtime wants it no smaller, though no guest runs on such a stack.
    config.async_stack_size(MAX_WASM_STACK_BYTES + (1 << 20));

    // A 4 GiB reservation with guard pages needs no bounds checks, and lets the image be mapped copy-on-write.
    config.memory_reservation(4 << 30);
    config.memory_guard_size(32 << 20);
    config.memory_may_move(false);
    config.memory_init_cow(true);
    config.signals_based_traps(true);

    // SECURITY: what the guests' modules do not use stays off, or a flaw in it could be reached.
    config.wasm_features(!USED, false);
    config.concurrency_support(false);

    // Traps are reported by kind; nobody reads wasm addresses, and the tables would double the artefact.
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    config.native_unwind_info(false);
}
