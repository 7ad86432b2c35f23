//! cargo-deny: licences, bans, sources and advisories of everything that is built.
//!
//! The tool itself is pinned and built into `.work/tools`. The advisory database lives on a git host: where that cannot
//! be reached the check of advisories is left out, loudly.

use crate::steps::{Result, Steps, cargo, command, root};

const VERSION: &str = "0.20.2";

/// Installs cargo-deny where it is missing, and runs its checks on the workspace and on the builder of guests.
pub fn run(steps: &mut Steps) -> Result {
    let tools = root().join(".work/tools");
    let deny = tools.join("bin/cargo-deny");
    let wanted = format!("cargo-deny {VERSION}");
    let found = command(&deny).arg("--version").output();
    if !found.is_ok_and(|answer| answer.stdout.trim_ascii() == wanted.as_bytes()) {
        let mut install = cargo();
        // Unoptimised: it is built in a third of the time, and checks in seconds all the same.
        install.args(["install", "--locked", "--debug", "--force", "--root"]).arg(&tools);
        if !steps.run("install: cargo-deny", install.args(["--version", &format!("={VERSION}"), "cargo-deny"])) {
            return Err(format!("cannot install {wanted}"));
        }
    }
    let checks = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    steps.run("deny: licences, bans, sources", command(&deny).args(checks));
    let builder = ["--manifest-path", "guests/builder/Cargo.toml"];
    steps.run("deny: the same for guests/builder", command(&deny).args(builder).args(checks));
    if command("timeout").arg("60").arg(&deny).args(["fetch", "db"]).output().is_ok_and(|ended| ended.status.success())
    {
        steps.run("deny: advisories", command(&deny).args(["check", "advisories"]));
        steps.run("deny: advisories of guests/builder", command(&deny).args(builder).args(["check", "advisories"]));
    } else {
        steps.cannot("deny: advisories", "The RustSec advisory database cannot be fetched on this machine.");
    }
    Ok(())
}
