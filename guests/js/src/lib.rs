//! The JavaScript guest of Conduit: QuickJS-ng and the guest's side of the contract in `guests/CONTRACT.md`, as one
//! pre-initialised wasm module, compiled ahead of time when this crate is built.
//!
//! Owns the module. It instantiates nothing: limits, imports and the life of
//! an instance are the sandbox's. Invariant: [`CWASM`] was compiled from the module whose digest is [`WASM_SHA256`],
//! with the settings of [`configure`].

pub use conduit_guest_engine::configure;

/// Aligns the bytes to a page, so that wasmtime can use them in place.
#[repr(C, align(4096))]
struct PageAligned<Bytes: ?Sized>(Bytes);

static ALIGNED: &PageAligned<[u8]> = &PageAligned(*include_bytes!(concat!(env!("OUT_DIR"), "/guest.cwasm")));

/// The guest's native code, for `wasmtime::Module::deserialize` in an engine made with [`configure`].
///
/// # Examples
///
/// ```
/// let mut config = wasmtime::Config::new();
/// conduit_guest_js::configure(&mut config);
/// let engine = wasmtime::Engine::new(&config)?;
/// // SAFETY: the bytes are this crate's own, made by its build script.
/// let module = unsafe { wasmtime::Module::deserialize(&engine, conduit_guest_js::CWASM)? };
/// assert!(module.imports().all(|import| import.module() == "conduit"));
/// let memory = module.exports().find_map(|export| export.ty().memory().cloned()).expect("it has a memory");
/// assert_eq!(memory.minimum() * memory.page_size(), conduit_guest_js::MEMORY_BYTES);
/// # Ok::<(), wasmtime::Error>(())
/// ```
pub static CWASM: &[u8] = &ALIGNED.0;

/// The memory that an instance begins with, in bytes.
pub const MEMORY_BYTES: u64 = 4_980_736;

/// SHA-256 of the wasm module that [`CWASM`] was compiled from, in hex; it names the guest's version in reports.
pub const WASM_SHA256: &str = env!("CONDUIT_GUEST_SHA256");
