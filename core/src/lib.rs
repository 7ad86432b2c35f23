//! Conduit's core: a model's program runs in a fresh wasm sandbox under hard limits and calls tools through a gateway.

pub mod error;
pub mod limits;
pub mod model;
pub mod policy;
#[cfg(test)]
mod random_schema;
pub mod schema;
pub mod sdk;
pub mod tool;
