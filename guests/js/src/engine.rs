//! The one definition of the settings that the native code depends on: the same when it is made and when it is loaded.

use wasmtime::Config;

/// The deepest native stack of the guest, in bytes; its interpreter refuses to recurse long before.
pub const MAX_STACK_BYTES: usize = 4 << 20;

/// Sets everything that the guest's native code depends on.
pub fn configure(config: &mut Config) {
    config
        .epoch_interruption(true)
        .async_stack_size(MAX_STACK_BYTES)
        .max_wasm_stack(MAX_STACK_BYTES)
        .memory_init_cow(true);
}
