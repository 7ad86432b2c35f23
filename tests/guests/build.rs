//! Compiles the hostile guests ahead of time, with the settings of the real one.

#![expect(clippy::disallowed_methods, reason = "Cargo speaks to build scripts through the environment")]

#[path = "../../guests/js/src/engine.rs"]
mod engine;

fn main() {
    println!("cargo:rerun-if-changed=hostile.wat");
    println!("cargo:rerun-if-changed=../../guests/js/src/engine.rs");
    let mut config = wasmtime::Config::new();
    engine::configure(&mut config);
    config.target(&std::env::var("TARGET").expect("cargo sets it")).expect("wasmtime supports the target");
    let engine = wasmtime::Engine::new(&config).expect("the settings fit each other");
    let text = std::fs::read("hostile.wat").expect("it lies beside this file");
    let code = engine.precompile_module(&text).expect("it is valid");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(format!("{out}/hostile.cwasm"), code).expect("cargo's folder can be written");
}
