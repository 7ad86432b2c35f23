//! Compiles `guest.wasm.zst` ahead of time for the target, so that the product carries no compiler.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    conduit_guest_engine::build::compile("guest.wasm.zst")
}
