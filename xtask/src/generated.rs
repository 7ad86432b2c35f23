//! Writes the files that are generated from `core` and `ffi`. The generators are tests: what is stale fails them.

use crate::steps::{Result, Steps, cargo};

/// Writes them all.
pub fn run(steps: &mut Steps) -> Result {
    let mut tests = cargo();
    tests.args(["test", "--locked", "--package", "conduit-tests", "--test", "main", "generated_"]);
    steps.run("gen", tests.env("UPDATE_GENERATED", "1"));
    Ok(())
}
