//! The C ABI: `conduit.h` is generated from here by `cargo xtask gen`.
//!
//! Converts and decides nothing: texts into requests and configs, handles into values, errors into codes. Every entry goes
//! through [`entry`](boundary::entry), which catches panics; nothing that C hands over is dereferenced but texts and out
//! pointers, within what they say of themselves. Handles are no addresses: see [`handles`].
//!
//! What every `unsafe` function here asks of its caller: a `conduit_str` can be read, an out pointer is NULL or can be written, and
//! any thread may use a `userdata`.

#![allow(unsafe_code, reason = "C's calling convention and C's pointers")]
#![allow(unsafe_op_in_unsafe_fn, clippy::missing_safety_doc, reason = "what is unsafe is what C hands over")]
#![allow(non_camel_case_types, reason = "C's names")]

mod boundary;
mod builder;
mod call;
mod execution;
mod handles;
mod result;
mod runtime;
mod text;

use boundary::{conduit_str, lent};
use conduit_core::Language;

/// The version of the library, such as `0.1.0`. Static: do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_version() -> *const std::ffi::c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// What a model has to know to write a program in `language` (`typescript` or `python`), before the declarations of its tools.
/// Static: do not free it. `{NULL, 0}` when there is no such language.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_guide(language: conduit_str) -> conduit_str {
    lent(|| Ok(conduit_str::borrowed(conduit_core::guide(Language::parse(language.read("language")?)?))))
}

/// All that a worker process does: runs programs for the process that started it, and gives its exit status. The program
/// `conduit-worker`, which is beside the library, calls this and nothing else.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_worker_main() -> u8 {
    conduit_core::worker_exit_status(std::env::args_os())
}

#[cfg(not(panic = "unwind"))]
compile_error!("a panic must unwind, so that the boundary can catch it");

#[cfg(test)]
mod tests;
