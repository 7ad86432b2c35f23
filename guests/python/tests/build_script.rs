//! The build script as the program that it is, in a folder of its own: what it compiles and what it refuses.

#![expect(clippy::disallowed_methods, reason = "it starts the program that it tests")]

use std::path::Path;
use std::process::Command;

/// An empty module with a section of four bytes that nobody reads.
const MODULE: &[u8] = b"\0asm\x01\0\0\0\x00\x05\x04note";
const SHA256: &str = "d2dd450668f00f7d0d0f97bd120612b5c923637af38404140243525375ac6d59";
/// A Zstandard frame begins with this; then come the descriptor and a window of 128 KiB.
const FRAME: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];

/// A Zstandard frame of one block that holds `bytes` as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let header = (u32::try_from(bytes.len()).unwrap() << 3) | 1;
    [&FRAME, &header.to_le_bytes()[..3], bytes].concat()
}

/// A Zstandard frame of `blocks` times 128 KiB of zeros, in four bytes each.
fn zeros(blocks: usize) -> Vec<u8> {
    let block = |last: u32| (((128 * 1024) << 3) | (1 << 1) | last).to_le_bytes();
    let mut frame = FRAME.to_vec();
    for at in 1..=blocks {
        // The header's three bytes, and the byte that is repeated.
        frame.extend(block(u32::from(at == blocks)));
    }
    frame
}

/// Runs the script on `compressed` with the digest `pinned`: what it says when it fails, and whether there is code then.
fn build(name: &str, compressed: &[u8], pinned: &str) -> (Result<(), String>, bool) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("guest.wasm.zst"), compressed).unwrap();
    std::fs::write(folder.join("guest.wasm.sha256"), format!("{pinned}\n")).unwrap();
    let mut script = Command::new(env!("CONDUIT_GUEST_BUILD_SCRIPT"));
    script.current_dir(&folder).env("OUT_DIR", &folder).env("TARGET", env!("CONDUIT_GUEST_TARGET"));
    let output = script.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (if output.status.success() { Ok(()) } else { Err(error) }, folder.join("guest.cwasm").exists())
}

#[test]
fn g45_only_the_module_with_the_pinned_digest_is_decompressed_and_compiled() {
    assert_eq!(build("whole", &stored(MODULE), SHA256), (Ok(()), true));
    let digest = "guest.wasm has the SHA-256 `";
    let refused: [(&str, Vec<u8>, &str); 4] = [
        ("truncated", stored(&MODULE[..8]), digest),
        ("not-compressed", MODULE.to_vec(), "guest.wasm.zst is not Zstandard: "),
        ("cut", stored(MODULE)[..20].to_vec(), "guest.wasm.zst cannot be decompressed: "),
        ("empty", Vec::new(), "guest.wasm.zst is not Zstandard: "),
    ];
    for (name, compressed, message) in refused {
        let (result, compiled) = build(name, &compressed, SHA256);
        let error = result.expect_err(name);
        assert!(error.contains(message), "{name}: {error}");
        assert!(!compiled, "{name}: there is code");
    }
}

#[test]
fn g45_a_module_that_unpacks_without_end_is_given_up() {
    let (result, _) = build("fits", &zeros(512), SHA256);
    assert!(result.unwrap_err().contains("guest.wasm has the SHA-256 `"), "64 MiB are no more than a guest may have");
    // Whoever reads on finds that its end is missing.
    let bomb = zeros(600);
    let (result, _) = build("bomb", &bomb[..bomb.len() - 2], SHA256);
    let error = result.unwrap_err();
    assert!(error.contains("guest.wasm.zst is larger than 67108864 bytes when it is decompressed"), "{error}");
}
