//! The guest in V8, driven through its API with a scripted host.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and may read the environment"
)]

mod engine;
mod escapes;
mod stops;
mod world;
