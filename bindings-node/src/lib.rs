//! Placeholder until its issue is built.
