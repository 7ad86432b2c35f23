//! The crates that are published, as the registry would get them.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::steps::{Result, Steps, cargo, root};

/// Those that are published, lowest first.
const CRATES: [&str; 7] = [
    "conduit-guest-engine",
    "conduit-guest-js",
    "conduit-guest-python",
    "conduit-guest-v8",
    "conduit-core",
    "conduit-ffi",
    "conduit-cli",
];
/// The largest crate that the registry takes, in bytes.
const MOST: u64 = 10_000_000;

/// Packs each and looks at its size. They are not built again: the workspace has built the same sources.
pub fn run(steps: &mut Steps) -> Result {
    let folder = root().join("target/package");
    let mut package = cargo();
    package.args(["package", "--locked", "--no-verify", "--allow-dirty"]);
    for name in CRATES {
        package.args(["--package", name]);
    }
    if steps.run("cargo package", &mut package) {
        steps.check("crates fit the registry", Instant::now(), CRATES.iter().try_for_each(|name| fits(&folder, name)));
    }
    Ok(())
}

fn fits(folder: &Path, name: &str) -> Result {
    let path = folder.join(format!("{name}-{}.crate", env!("CARGO_PKG_VERSION")));
    let size = fs::metadata(&path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?.len();
    println!("   {name}: {size} bytes");
    if size <= MOST { Ok(()) } else { Err(format!("{name} has {size} bytes, expected at most {MOST}")) }
}
