//! rustfmt and clippy over the whole workspace.

use crate::steps::{Result, Steps, cargo};

/// Runs both, whatever the first one says.
pub fn run(steps: &mut Steps) -> Result {
    steps.run("rustfmt", cargo().args(["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    steps.run("clippy", cargo().args(clippy));
    Ok(())
}
