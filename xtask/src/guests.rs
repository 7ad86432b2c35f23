//! The guests: wasm built from pinned sources, committed with its digest, and the proof that the one gives the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::setup::install_debian;
use crate::steps::{Result, Steps, cargo, root};

/// Debian's clang, its linker and the C library for wasm32.
const TOOLCHAIN: [&str; 4] = ["clang-19", "lld-19", "libclang-rt-19-dev-wasm32", "wasi-libc"];

/// Builds the JavaScript guest into `guests/js` and writes its digest.
pub fn build_js(steps: &mut Steps) -> Result {
    install_debian(steps, &TOOLCHAIN)?;
    let built = build(steps, "js")?;
    let folder = root().join("guests/js");
    let wasm = read(&built)?;
    write(&folder.join("guest.wasm"), &wasm)?;
    write(&folder.join("guest.wasm.sha256"), format!("{}  guest.wasm\n", digest(&wasm)).as_bytes())?;
    println!("guests/js/guest.wasm: {} bytes, {}", wasm.len(), digest(&wasm));
    Ok(())
}

/// Builds the guests again and compares them with what is committed, byte by byte.
pub fn check(steps: &mut Steps) -> Result {
    if let Err(why) = install_debian(steps, &TOOLCHAIN) {
        steps.cannot("guests check: the committed wasm against its sources", &why);
        return Ok(());
    }
    let built = build(steps, "js")?;
    let start = Instant::now();
    let same = compare(&read(&root().join("guests/js/guest.wasm"))?, &read(&built)?);
    steps.check("guests check: js", start, same);
    Ok(())
}

fn build(steps: &mut Steps, guest: &str) -> Result<PathBuf> {
    let folder = root().join(".work/guests");
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    let out = folder.join(format!("{guest}.wasm"));
    let mut builder = cargo();
    builder
        .args(["run", "--release", "--locked", "--manifest-path", "guests/builder/Cargo.toml", "--", guest])
        .arg(&out);
    if steps.run(&format!("build the guest {guest}"), &mut builder) {
        Ok(out)
    } else {
        Err(format!("the guest `{guest}` could not be built"))
    }
}

fn compare(committed: &[u8], built: &[u8]) -> Result {
    if committed == built {
        return Ok(());
    }
    Err(format!(
        "the committed wasm ({}) is not what its sources give ({}), expected the same bytes",
        digest(committed),
        digest(built)
    ))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result {
    fs::write(path, bytes).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_byte_is_seen() {
        assert_eq!(compare(b"abc", b"abc"), Ok(()));
        let message = compare(b"abc", b"abd").unwrap_err();
        assert!(message.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "{message}");
    }
}
