//! Builds the wasm guests of Conduit: compiles an interpreter and its shim from source with clang, pre-initialises the
//! module with Wizer, checks its imports and exports against the guest contract, writes it and its SHA-256.
//!
//! Two builds from the same sources and toolchain give the same bytes: no path, no time and no randomness goes in.

mod interface;
mod js;
mod snapshot;
mod toolchain;

use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["js", out] => build_js(Path::new(out)),
        _ => Err("usage: guest-builder js OUT.wasm".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("guest-builder: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build_js(out: &Path) -> Result<()> {
    let linked = js::compile()?;
    let wasm = snapshot::pre_initialise(&linked)?;
    println!("{}", interface::check(&wasm)?);
    write(out, &wasm)
}

fn write(out: &Path, wasm: &[u8]) -> Result<()> {
    let digest = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    std::fs::write(out, wasm).map_err(|error| format!("cannot write `{}`: {error}", out.display()))?;
    std::fs::write(out.with_extension("wasm.sha256"), format!("{digest}\n"))?;
    println!("{} bytes, sha256 {digest}", wasm.len());
    Ok(())
}
