//! The JavaScript guest of Conduit in V8, for a worker process: the contract of `guests/CONTRACT.md` by functions.
//!
//! [`prepare`] makes the engine ready, once per process. A [`Fresh`] is one isolate with the guest library in it, from a
//! snapshot that this crate's build makes; it can be made ahead. [`Fresh::start`] runs one program in it, whose [`Live`]
//! goes on when its [`Host`] has completed calls. An [`Interrupter`] makes a running program ask its host whether it may
//! go on. Everything but that stays on the thread that made it; what a program left goes with its isolate.
//!
//! Owns the engine, the library and the limit of memory. Time, output and calls are the host's to limit. Invariants: a
//! program's realm never held anything of deno_core's; of the host it has only what [`Host`] offers.
//!
//! Empty without the feature `v8`, which needs V8's static library (see `README.md`).

#[cfg(feature = "v8")]
mod callbacks;
#[cfg(feature = "v8")]
mod fresh;
#[cfg(feature = "v8")]
mod heap;
#[cfg(feature = "v8")]
mod host;
#[cfg(feature = "v8")]
mod live;
#[cfg(feature = "v8")]
mod natives;
#[cfg(feature = "v8")]
mod positions;
#[cfg(feature = "v8")]
mod run;

#[cfg(feature = "v8")]
pub use fresh::{Envelope, Fresh, Interrupter, prepare};
#[cfg(feature = "v8")]
pub use host::{Failure, Host, Step, Stopped};
#[cfg(feature = "v8")]
pub use live::Live;
