//! Conduit's core: a model's program runs in a fresh wasm sandbox under hard limits and calls tools through a gateway.

pub mod config;
pub mod credentials;
mod egress;
pub mod error;
mod execution;
pub mod gateway;
pub mod limits;
pub mod model;
pub mod policy;
pub mod runtime;
pub mod sandbox;
pub mod schema;
pub mod sdk;
pub mod tool;
pub mod transpile;
pub mod upstream;
