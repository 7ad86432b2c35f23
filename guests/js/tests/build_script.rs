//! The build script as the program that it is, in a folder of its own: what it compiles and what it refuses.

#![expect(clippy::disallowed_methods, reason = "it starts the program that it tests")]

use std::path::Path;
use std::process::Command;

/// An empty module with a section of four bytes that nobody reads.
const MODULE: &[u8] = b"\0asm\x01\0\0\0\x00\x05\x04note";
const SHA256: &str = "d2dd450668f00f7d0d0f97bd120612b5c923637af38404140243525375ac6d59";

/// Runs the script on `module` with the digest `pinned`: what it says when it fails, and whether there is code then.
fn build(name: &str, module: &[u8], pinned: &str) -> (Result<(), String>, bool) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("guest.wasm"), module).unwrap();
    std::fs::write(folder.join("guest.wasm.sha256"), format!("{pinned}\n")).unwrap();
    let mut script = Command::new(env!("CONDUIT_GUEST_BUILD_SCRIPT"));
    script.current_dir(&folder).env("OUT_DIR", &folder).env("TARGET", env!("CONDUIT_GUEST_TARGET"));
    let output = script.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (if output.status.success() { Ok(()) } else { Err(error) }, folder.join("guest.cwasm").exists())
}

#[test]
fn g45_only_the_module_with_the_pinned_digest_is_compiled() {
    assert_eq!(build("whole", MODULE, SHA256), (Ok(()), true));
    let mut damaged = MODULE.to_vec();
    damaged[MODULE.len() - 1] ^= 1;
    let other = SHA256.replace("d2dd", "d2de");
    // All of them are valid modules: nothing but the digest tells.
    for (name, module, pinned) in [
        ("damaged", damaged.as_slice(), SHA256),
        ("truncated", &MODULE[..8], SHA256),
        ("longer", &[MODULE, b"\x00\x01\x00"].concat(), SHA256),
        ("repinned", MODULE, &other),
        ("unpinned", MODULE, ""),
    ] {
        let (result, compiled) = build(name, module, pinned);
        let error = result.expect_err(name);
        assert!(error.contains("guest.wasm has the SHA-256 `"), "{name}: {error}");
        assert!(error.contains(&format!("guest.wasm.sha256 pins `{pinned}`")), "{name}: {error}");
        assert!(!compiled, "{name}: there is code");
    }
}
