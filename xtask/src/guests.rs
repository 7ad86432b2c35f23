//! The guests: wasm built from pinned sources, committed with its digest, and the proof that the one gives the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::setup::install_debian;
use crate::steps::{Result, Steps, cargo, root};

/// Debian's clang, its linker, the C library for wasm32, and what CPython is unpacked and built with.
const TOOLCHAIN: [&str; 8] =
    ["clang-19", "lld-19", "llvm-19", "libclang-rt-19-dev-wasm32", "wasi-libc", "dpkg-dev", "make", "patch"];

/// The builder's exit status when a pinned source cannot be had.
const UNAVAILABLE: i32 = 3;

/// A guest, and the endings of the files that are committed of it: what is run, and its digest.
struct Guest {
    name: &'static str,
    files: [&'static str; 2],
}

const GUESTS: [Guest; 2] = [
    Guest { name: "js", files: ["wasm", "wasm.sha256"] },
    Guest { name: "python", files: ["wasm.zst", "wasm.sha256"] },
];

/// Builds one guest into its folder, with its digest.
pub fn build(steps: &mut Steps, name: &str) -> Result {
    let guest = GUESTS.iter().find(|guest| guest.name == name);
    let guest = guest.ok_or_else(|| format!("there is no guest `{name}`, expected `js` or `python`"))?;
    install_debian(steps, &TOOLCHAIN)?;
    let built = make(steps, guest).ok_or_else(|| format!("the guest `{name}` could not be built"))?;
    for file in guest.files {
        copy(&built.with_extension(file), &committed(guest).with_extension(file))?;
    }
    Ok(())
}

/// Builds the guests again and compares them with what is committed, byte by byte.
pub fn check(steps: &mut Steps) -> Result {
    if let Err(why) = install_debian(steps, &TOOLCHAIN) {
        steps.cannot("guests check: the committed wasm against its sources", &why);
        return Ok(());
    }
    for guest in &GUESTS {
        if let Some(built) = make(steps, guest) {
            let start = Instant::now();
            let same = compare(&committed(guest), &built, guest.files);
            steps.check(&format!("guests check: {}", guest.name), start, same);
        }
    }
    Ok(())
}

fn committed(guest: &Guest) -> PathBuf {
    root().join("guests").join(guest.name).join("guest")
}

/// The path of what was built, without an ending. What failed, or cannot be had here, is told and recorded.
fn make(steps: &mut Steps, guest: &Guest) -> Option<PathBuf> {
    let folder = root().join(".work/guests");
    if let Err(error) = fs::create_dir_all(&folder) {
        steps.failed("guests", &format!("cannot make `{}`: {error}", folder.display()));
        return None;
    }
    let out = folder.join(guest.name);
    let mut builder = cargo();
    builder.args(["run", "--release", "--locked", "--manifest-path", "guests/builder/Cargo.toml", "--", guest.name]);
    if guest.name == "python" {
        builder.arg(folder.join("python-work"));
    }
    builder.arg(out.with_extension("wasm"));
    let built = steps.run_if_possible(&format!("build the guest {}", guest.name), &mut builder, UNAVAILABLE);
    built.then_some(out)
}

/// Compares what is committed with what was built.
fn compare(committed: &Path, built: &Path, files: [&str; 2]) -> Result {
    for file in files {
        let (path, other) = (committed.with_extension(file), built.with_extension(file));
        let (expected, got) = (read(&path)?, read(&other)?);
        if expected != got {
            return Err(format!(
                "`{}` (SHA-256 {}) is not what its sources give ({}), expected the same bytes",
                path.display(),
                digest(&expected),
                digest(&got)
            ));
        }
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
        const FILES: [&str; 2] = ["wasm", "wasm.sha256"];
        let folder = tempfile::tempdir().unwrap();
        let module = |name: &str, wasm: &str, pinned: &str| {
            let path = folder.path().join(name);
            fs::write(path.with_extension(FILES[0]), wasm).unwrap();
            fs::write(path.with_extension(FILES[1]), pinned).unwrap();
            path
        };
        let committed = module("guest", "abc", "ba78\n");
        assert_eq!(compare(&committed, &module("same", "abc", "ba78\n"), FILES), Ok(()));
        let message = compare(&committed, &module("other", "abd", "ba78\n"), FILES).unwrap_err();
        assert!(message.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "{message}");
        let message = compare(&committed, &module("list", "abc", "ba78  guest.wasm\n"), FILES).unwrap_err();
        assert!(message.contains("guest.wasm.sha256` (SHA-256"), "{message}");
    }
}
