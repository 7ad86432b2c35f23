//! Builds the wasm guests of Conduit: compiles an interpreter and its shim from source with clang, pre-initialises the
//! module with Wizer, checks its imports and exports against the guest contract, writes it and its SHA-256.
//!
//! Two builds from the same sources and toolchain give the same bytes: no path, no time and no randomness goes in.

mod debian;
mod interface;
mod js;
mod python;
mod snapshot;
mod sources;
mod toolchain;

use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const ZSTD_LEVEL: i32 = 19;

/// The exit status when a pinned source cannot be had: that says nothing against the module that was made of it.
const UNAVAILABLE: u8 = 3;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A pinned source cannot be had, and why.
#[derive(Debug)]
struct Unavailable(String);

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a pinned source cannot be had: {}", self.0)
    }
}

impl Error for Unavailable {}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["js", out] => build_js(Path::new(out)),
        ["python", work, out] => build_python(Path::new(work), Path::new(out)),
        _ => Err("usage: guest-builder js OUT.wasm | guest-builder python WORK_FOLDER OUT.wasm".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("guest-builder: {error}");
            ExitCode::from(if error.is::<Unavailable>() { UNAVAILABLE } else { 1 })
        }
    }
}

fn build_js(out: &Path) -> Result<()> {
    write(out, &pre_initialise(&js::compile()?)?)
}

/// The module is large, so it is committed compressed.
fn build_python(work: &Path, out: &Path) -> Result<()> {
    let wasm = pre_initialise(&python::compile(work)?)?;
    write(out, &wasm)?;
    let compressed = zstd::bulk::compress(&wasm, ZSTD_LEVEL)?;
    println!("{} bytes compressed", compressed.len());
    Ok(std::fs::write(out.with_extension("wasm.zst"), compressed)?)
}

fn pre_initialise(linked: &[u8]) -> Result<Vec<u8>> {
    let wasm = snapshot::pre_initialise(linked)?;
    println!("{}", interface::check(&wasm)?);
    Ok(wasm)
}

fn write(out: &Path, wasm: &[u8]) -> Result<()> {
    let digest = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    std::fs::write(out, wasm).map_err(|error| format!("cannot write `{}`: {error}", out.display()))?;
    std::fs::write(out.with_extension("wasm.sha256"), format!("{digest}\n"))?;
    println!("{} bytes, sha256 {digest}", wasm.len());
    Ok(())
}
