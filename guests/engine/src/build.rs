//! The build script of a guest's crate: from the committed module to native code for the target.

#![expect(clippy::disallowed_methods, reason = "Cargo speaks to build scripts through the environment")]

use std::error::Error;
use std::io::Read;
use std::path::Path;

use object::build::elf::{Builder, SectionData};
use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine};

/// The most that a module may have, in bytes; the largest guest has a third of it.
pub const MAX_MODULE_BYTES: u64 = 64 << 20;

/// The file with the SHA-256 of the module, in hex.
const PINNED: &str = "guest.wasm.sha256";

/// Compiles `module`, a file beside the build script, into `guest.cwasm` in Cargo's folder.
///
/// What ends in `.zst` is decompressed first. The module's digest must be the one in `guest.wasm.sha256`; the crate gets it
/// as the variable `CONDUIT_GUEST_SHA256`.
///
/// # Errors
/// When a file cannot be read or written, the module is not the one that is pinned, or it does not compile.
pub fn compile(module: &str) -> Result<(), Box<dyn Error>> {
    for input in [module, PINNED, "build.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let mut wasm = std::fs::read(module)?;
    if module.ends_with(".zst") {
        wasm = decompress(&wasm).map_err(|why| format!("{module} {why}"))?;
    }
    let pinned = std::fs::read_to_string(PINNED)?;
    let digest = Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    // SECURITY: what is compiled into the product is the module that was reviewed, byte for byte.
    if digest != pinned.trim() {
        return Err(format!(
            "guest.wasm has the SHA-256 `{digest}`, {PINNED} pins `{}`: rebuild it with guests/builder",
            pinned.trim()
        )
        .into());
    }
    let target = std::env::var("TARGET")?;
    let mut config = Config::new();
    crate::configure(&mut config);
    // Without a target, the code would use whatever features the build machine's processor has.
    config.target(&target)?;
    let compiled = Engine::new(&config)?.precompile_module(&wasm)?;
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("guest.cwasm"), without_symbols(&compiled)?)?;
    println!("cargo::rustc-env=CONDUIT_GUEST_SHA256={digest}");
    // For the test that runs this script on other modules.
    println!("cargo::rustc-env=CONDUIT_GUEST_BUILD_SCRIPT={}", std::env::current_exe()?.display());
    println!("cargo::rustc-env=CONDUIT_GUEST_TARGET={target}");
    Ok(())
}

/// The code without its symbol table, which only debuggers read. It is an ELF file for every target.
fn without_symbols(compiled: &[u8]) -> Result<Vec<u8>, object::build::Error> {
    let mut file = Builder::read(compiled)?;
    for symbol in &mut file.symbols {
        symbol.delete = true;
    }
    for section in &mut file.sections {
        section.delete = matches!(section.data, SectionData::Symbol | SectionData::String);
    }
    let mut stripped = Vec::new();
    file.write(&mut stripped)?;
    Ok(stripped)
}

fn decompress(compressed: &[u8]) -> Result<Vec<u8>, String> {
    let decoder = StreamingDecoder::new(compressed).map_err(|error| format!("is not Zstandard: {error}"))?;
    let mut wasm = Vec::new();
    // SECURITY: what unpacks to more than any guest is given up there.
    let read = decoder.take(MAX_MODULE_BYTES + 1).read_to_end(&mut wasm);
    read.map_err(|error| format!("cannot be decompressed: {error}"))?;
    if wasm.len() as u64 > MAX_MODULE_BYTES {
        return Err(format!("is larger than {MAX_MODULE_BYTES} bytes when it is decompressed"));
    }
    Ok(wasm)
}
