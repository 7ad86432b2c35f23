//! Conduit's core: a model's program runs in a fresh wasm sandbox under hard limits and calls tools through a gateway.

pub mod config;
pub mod error;
pub mod limits;
pub mod model;
pub mod policy;
pub mod sandbox;
pub mod tool;
