//! Compiles `guest.wasm` ahead of time for the target, so that the product carries no compiler.

#![expect(clippy::disallowed_methods, reason = "Cargo speaks to build scripts through the environment")]

use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::Path;
use wasmtime::{Config, Engine};

#[path = "src/engine.rs"]
mod engine;

fn main() -> Result<(), Box<dyn Error>> {
    for input in ["guest.wasm", "guest.wasm.sha256", "src/engine.rs", "build.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let wasm = std::fs::read("guest.wasm")?;
    let pinned = std::fs::read_to_string("guest.wasm.sha256")?;
    let digest = Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    // SECURITY: what is compiled into the product is the module that was reviewed, byte for byte.
    if digest != pinned.trim() {
        return Err(format!(
            "guest.wasm has the SHA-256 `{digest}`, guest.wasm.sha256 pins `{}`: rebuild it with guests/builder",
            pinned.trim()
        )
        .into());
    }
    let mut config = Config::new();
    engine::configure(&mut config);
    // Without a target, the code would use whatever features the build machine's processor has.
    config.target(&std::env::var("TARGET")?)?;
    let compiled = Engine::new(&config)?.precompile_module(&wasm)?;
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("guest.cwasm"), compiled)?;
    println!("cargo::rustc-env=CONDUIT_GUEST_JS_SHA256={digest}");
    // For the test that runs this script on other modules.
    println!("cargo::rustc-env=CONDUIT_GUEST_JS_BUILD_SCRIPT={}", std::env::current_exe()?.display());
    println!("cargo::rustc-env=CONDUIT_GUEST_JS_TARGET={}", std::env::var("TARGET")?);
    Ok(())
}
