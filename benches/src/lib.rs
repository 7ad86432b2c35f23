//! Nothing but the folder of the benchmarks: see `benches/runtime.rs`.
