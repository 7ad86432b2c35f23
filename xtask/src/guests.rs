//! The guests: wasm built from pinned sources, committed with its digest, and the proof that the one gives the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::setup::install_debian;
use crate::steps::{Result, Steps, cargo, root};

/// Debian's clang, its linker and the C library for wasm32.
const TOOLCHAIN: [&str; 4] = ["clang-19", "lld-19", "libclang-rt-19-dev-wasm32", "wasi-libc"];

/// What the builder writes beside a module.
const PINNED: &str = "wasm.sha256";

/// Builds the JavaScript guest into `guests/js`, with its digest.
pub fn build_js(steps: &mut Steps) -> Result {
    install_debian(steps, &TOOLCHAIN)?;
    let built = build(steps, "js")?;
    let committed = committed("js");
    copy(&built, &committed)?;
    copy(&built.with_extension(PINNED), &committed.with_extension(PINNED))
}

/// Builds the guests again and compares them with what is committed, byte by byte.
pub fn check(steps: &mut Steps) -> Result {
    if let Err(why) = install_debian(steps, &TOOLCHAIN) {
        steps.cannot("guests check: the committed wasm against its sources", &why);
        return Ok(());
    }
    let built = build(steps, "js")?;
    let start = Instant::now();
    steps.check("guests check: js", start, compare(&committed("js"), &built));
    Ok(())
}

fn committed(guest: &str) -> PathBuf {
    root().join("guests").join(guest).join("guest.wasm")
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

/// Compares two modules and what is written beside them.
fn compare(committed: &Path, built: &Path) -> Result {
    let (wasm, other) = (read(committed)?, read(built)?);
    if wasm != other {
        return Err(format!(
            "the committed wasm ({}) is not what its sources give ({}), expected the same bytes",
            digest(&wasm),
            digest(&other)
        ));
    }
    let pinned = committed.with_extension(PINNED);
    if read(&pinned)? != read(&built.with_extension(PINNED))? {
        return Err(format!("`{}` is not what the builder writes", pinned.display()));
    }
    Ok(())
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("cannot copy `{}`: {error}", from.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_byte_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let module = |name: &str, wasm: &str, pinned: &str| {
            let path = folder.path().join(name);
            fs::write(&path, wasm).unwrap();
            fs::write(path.with_extension(PINNED), pinned).unwrap();
            path
        };
        let committed = module("guest.wasm", "abc", "ba78\n");
        assert_eq!(compare(&committed, &module("same.wasm", "abc", "ba78\n")), Ok(()));
        let message = compare(&committed, &module("other.wasm", "abd", "ba78\n")).unwrap_err();
        assert!(message.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "{message}");
        let message = compare(&committed, &module("list.wasm", "abc", "ba78  guest.wasm\n")).unwrap_err();
        assert!(message.contains("guest.wasm.sha256` is not what the builder writes"), "{message}");
    }
}
