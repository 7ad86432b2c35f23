//! A hostile guest: hand-written wasm in place of an interpreter, owned by the attacker from its first instruction.

#[path = "../../../guests/js/src/engine.rs"]
mod engine;

pub use engine::configure;

/// Its native code. What it does is told by the program: see `hostile.wat`.
pub static HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.cwasm"));

/// The program that makes the hostile guest do `operation` with these numbers.
pub fn program(operation: char, numbers: &[u32]) -> String {
    let nibble = |number: &u32, shift: u32| char::from(b'0' + ((number >> shift) & 15) as u8);
    let digits = numbers.iter().flat_map(|number| (0..8).rev().map(move |at| nibble(number, at * 4)));
    std::iter::once(operation).chain(digits).collect()
}
