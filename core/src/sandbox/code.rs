//! The guests' machine code: bytes of the program itself, run where they lie.
//!
//! Copying the code costs a start more than all the rest. Wasmtime knows code by its address, so one engine at a time has
//! it in place; those beside it, as further runtimes in one process have them, get a copy. Code is never writable.

#[cfg_attr(target_os = "linux", path = "code/in_place.rs")]
#[cfg_attr(not(target_os = "linux"), path = "code/copied.rs")]
mod place;

use wasmtime::{Engine, Module};

pub(super) use place::place;

/// The code as a module, in its [`place`] or as a copy.
#[allow(unsafe_code, reason = "the only place where machine code is loaded")]
pub(super) fn load(engine: &Engine, cwasm: &'static [u8], in_place: bool) -> wasmtime::Result<Module> {
    // SECURITY: `'static` bytes of the program itself, made by the guest's build script from a module with a pinned
    // digest; nothing is read from a path that somebody could write to.
    if in_place {
        // SAFETY: the bytes come from `Engine::precompile_module` with the same version and settings; nobody writes to them.
        unsafe { Module::deserialize_raw(engine, cwasm.into()) }
    } else {
        // SAFETY: as above.
        unsafe { Module::deserialize(engine, cwasm) }
    }
}
