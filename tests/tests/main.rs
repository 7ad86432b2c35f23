//! All tests of this crate but those of `memory.rs`, in one program: it links once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test code: a panic is how it fails, and it starts the programs that it tests"
)]

mod conformance;
mod generated;
mod guest_globals;
mod hostile_tools;
mod languages;
mod stdlib;
mod tidy;
mod tools;
