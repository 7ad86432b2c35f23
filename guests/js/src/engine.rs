//! How guest code is compiled and run: the one definition of every setting that both sides must agree on.
//!
//! Used by `build.rs`, which compiles, and by the sandbox, whose engine loads the result: wasmtime refuses
//! ahead-of-time code that was made with other settings. What only the running side decides (pooling) is the sandbox's.

use wasmtime::Config;

/// How much of a thread's stack guest code may use. The thread that runs a guest needs this and 1 MiB for the host.
///
/// The interpreter counts its own stack in linear memory and throws `RangeError` long before this is reached.
pub const MAX_WASM_STACK_BYTES: usize = 7 << 20;

/// Applies the settings that ahead-of-time code depends on, and the least set of wasm features the guest needs.
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

    // SECURITY: what the guest's module does not use stays off, or a flaw in it could be reached.
    config.gc_support(false);
    config.shared_memory(false);
    config.concurrency_support(false);
    config.wasm_tail_call(false);
    config.wasm_multi_memory(false);
    config.wasm_memory64(false);
    config.wasm_relaxed_simd(false);
    config.wasm_simd(false);
    config.wasm_extended_const(false);
    config.wasm_custom_page_sizes(false);
    config.wasm_wide_arithmetic(false);
    config.wasm_stack_switching(false);

    // Traps are reported by kind; nobody reads wasm addresses, and the tables would double the artefact.
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    config.native_unwind_info(false);
}
