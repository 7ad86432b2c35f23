//! The only code that opens a socket or starts a process.
//!
//! Owns [`address`] (which addresses may be reached), [`http`] (a client for one URL), [`process`] (a child in its own
//! process group) and [`worker`] (where workers are started). It knows nothing of MCP, credentials or policy. No redirects, no proxies from the environment, no
//! inherited environment; the address that is connected to is the address that was checked.
#![allow(clippy::disallowed_methods, reason = "this module is where sockets are opened and processes started")]

pub mod address;
pub mod http;
pub mod process;
pub mod worker;
