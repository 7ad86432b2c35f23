//! Hostile guests: hand-written wasm in place of an interpreter, owned by the attacker from its first instruction.

/// The native code of the hostile guest. What it does is told by the program: see `hostile.wat`.
pub static HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.cwasm"));

/// A guest that imports a function that the contract does not have.
pub static FOREIGN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/foreign.cwasm"));

/// A guest that imports one of the contract's functions as another type.
pub static MISTYPED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mistyped.cwasm"));

/// Features of WebAssembly, each with why a module that needs it does not compile; none for one that does.
pub static FEATURES: &[(&str, Option<&str>)] = include!(concat!(env!("OUT_DIR"), "/features.rs"));

/// The program that makes the hostile guest do `operation` with these numbers.
pub fn program(operation: char, numbers: &[u32]) -> String {
    let nibble = |number: &u32, shift: u32| char::from(b'0' + ((number >> shift) & 15) as u8);
    let digits = numbers.iter().flat_map(|number| (0..8).rev().map(move |at| nibble(number, at * 4)));
    std::iter::once(operation).chain(digits).collect()
}
