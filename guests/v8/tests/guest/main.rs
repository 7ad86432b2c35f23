//! The guest in V8, driven through its API with a scripted host.

mod corpus;
mod engine;
mod escapes;
mod stops;
mod world;
