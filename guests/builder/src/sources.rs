//! Sources that Cargo has fetched and checked: crates of which only the C code is wanted.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Cargo has unpacked a crate; its digest is in our Cargo.lock.
pub fn of_crate(name: &str) -> Result<PathBuf> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path", manifest])
        .output()?;
    if !output.status.success() {
        return Err(format!("`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let path = text
        .split("\"manifest_path\":\"")
        .filter_map(|rest| rest.split_once("/Cargo.toml\"").map(|(path, _)| path))
        .find(|path| Path::new(path).file_name().is_some_and(|found| found.to_string_lossy().starts_with(name)));
    Ok(PathBuf::from(path.ok_or_else(|| format!("`cargo metadata` does not know `{name}`"))?))
}

/// Applies our few changes to a tree; `patch` refuses what does not fit exactly.
pub fn patch(tree: &Path, patch: &Path) -> Result<()> {
    let mut command = Command::new("patch");
    command.args(["--fuzz=0", "--silent", "--strip=1", "--forward", "--directory"]).arg(tree).arg("--input").arg(patch);
    crate::toolchain::run(&mut command)
}
