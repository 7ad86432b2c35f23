//! Compiles the hostile guests ahead of time, with the settings of the real one, and notes which wasm features they have.

#![expect(clippy::disallowed_methods, reason = "Cargo speaks to build scripts through the environment")]

use std::fmt::Write;
use std::path::Path;

/// Modules that need one feature each, with what the real guest is made of beside it.
const FEATURES: [(&str, &str); 15] = [
    ("nothing", "(module (memory 1) (func (memory.copy (i32.const 0) (i32.const 1) (i32.const 1))))"),
    ("tail calls", "(module (func $f return_call $f))"),
    ("several memories", "(module (memory 1) (memory 1))"),
    ("64-bit memories", "(module (memory i64 1))"),
    ("small pages", "(module (memory 1 (pagesize 1)))"),
    ("shared memories", "(module (memory 1 1 shared))"),
    ("atomics", "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"),
    ("vectors", "(module (func (drop (v128.const i64x2 0 0))))"),
    ("relaxed vectors", "(module (func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))))"),
    ("constant expressions", "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))"),
    ("wide arithmetic", "(module (func (param i64) (drop (drop (i64.mul_wide_s (local.get 0) (local.get 0))))))"),
    ("references", "(module (table 1 funcref) (func (table.set (i32.const 0) (ref.null func))))"),
    ("typed references", "(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))"),
    ("structures", "(module (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1)))))"),
    ("exceptions", "(module (tag $t) (func (throw $t)))"),
];

fn main() {
    for input in ["hostile.wat", "foreign.wat", "mistyped.wat"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let mut config = wasmtime::Config::new();
    conduit_guest_engine::configure(&mut config);
    config.target(&std::env::var("TARGET").expect("cargo sets it")).expect("wasmtime supports the target");
    let engine = wasmtime::Engine::new(&config).expect("the settings fit each other");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    let out = Path::new(&out);
    for guest in ["hostile", "foreign", "mistyped"] {
        let text = std::fs::read(format!("{guest}.wat")).expect("it lies beside this file");
        let code = engine.precompile_module(&text).expect("it is valid");
        std::fs::write(out.join(format!("{guest}.cwasm")), code).expect("cargo's folder can be written");
    }
    let mut compiled = String::from("&[");
    for (feature, text) in FEATURES {
        let result = engine.precompile_module(text.as_bytes());
        let error = result.err().map(|error| format!("{error:#}"));
        write!(compiled, "({feature:?}, {error:?}), ").expect("a text can be written to");
    }
    std::fs::write(out.join("features.rs"), compiled + "]").expect("cargo's folder can be written");
}
