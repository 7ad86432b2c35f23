//! Takes the start-up snapshot: a realm of its own beside deno_core's, with the guest library in it.

#![allow(dead_code, reason = "the build needs a part of the modules that it shares with the crate")]

#[cfg(feature = "v8")]
#[path = "src/callbacks.rs"]
mod callbacks;
#[cfg(feature = "v8")]
#[path = "src/heap.rs"]
mod heap;
#[cfg(feature = "v8")]
#[path = "src/host.rs"]
mod host;
#[cfg(feature = "v8")]
#[path = "src/natives.rs"]
mod natives;
#[cfg(feature = "v8")]
#[path = "src/positions.rs"]
mod positions;
#[cfg(feature = "v8")]
#[path = "src/run.rs"]
mod run;
#[cfg(feature = "v8")]
#[path = "src/snapshot.rs"]
mod snapshot;

#[cfg(feature = "v8")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    snapshot::make()
}

#[cfg(not(feature = "v8"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
