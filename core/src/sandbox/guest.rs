//! One guest runtime, loaded: its engine, its module, and how a fresh instance of it is made and called.

use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, Extern, InstanceAllocationStrategy, InstancePre, Linker, Memory, Module, ModuleExport,
    PoolingAllocationConfig, Store, TypedFunc, UpdateDeadline,
};

use super::abi::{RawStep, STEP_BYTES};
use super::state::{RunState, Stop, link};
use super::{SandboxSize, code};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::Limit;

/// Memory of an instance that stays mapped between executions (and is zeroed or copied anew for each). More gains nothing
/// where the kernel tells which pages were written, and costs much where it does not: then the first so many are.
const KEEP_RESIDENT_BYTES: usize = 2 << 20;
/// Elements of the guests' function tables; QuickJS and CPython both have fewer.
const TABLE_ELEMENTS: usize = 20_000;

/// How often the image of a guest's memory is made before that is an error, and the time in between.
const MAP_TRIES: u32 = 5;
const MAP_PAUSE: Duration = Duration::from_millis(10);

/// A guest's native code, compiled ahead of time by its crate and embedded in the program.
#[derive(Clone, Copy)]
pub struct GuestImage {
    /// A short name, for threads and errors.
    pub name: &'static str,
    /// The code. It is machine code: it must come out of the program itself, never out of a file.
    pub cwasm: &'static [u8],
    /// The memory that an instance begins with, in bytes.
    pub memory_bytes: u64,
    /// The settings that the code was made with.
    pub configure: fn(&mut Config),
}

/// A loaded guest runtime.
pub(super) struct Guest {
    engine: Engine,
    instance: InstancePre<RunState>,
    exports: Exports,
}

struct Exports {
    memory: ModuleExport,
    alloc: ModuleExport,
    start: ModuleExport,
    resume: ModuleExport,
}

/// One instance: a store of its own, thrown away after its execution.
pub(super) struct Live {
    store: Store<RunState>,
    memory: Memory,
    alloc: TypedFunc<i32, i32>,
    start: TypedFunc<(i32, i32), i32>,
    resume: TypedFunc<(i32, i32), i32>,
}

fn fault(message: impl Into<String>, source: wasmtime::Error) -> Error {
    Error::new(ErrorCode::Internal, message).with_source(format!("{source:#}"))
}

impl Guest {
    pub(super) fn load(image: &GuestImage, size: SandboxSize) -> Result<Guest> {
        let mut config = Config::new();
        (image.configure)(&mut config);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(size)));
        let place = code::place(image.cwasm);
        config.with_custom_code_memory(place.clone());
        let engine = Engine::new(&config).map_err(|error| fault("cannot start the wasm engine", error))?;
        let module = code::load(&engine, image.cwasm, place.is_some());
        let module = module.map_err(|error| fault("cannot load the guest's code", error))?;
        map_memory(&module).map_err(|error| fault("cannot map the guest's memory", error))?;
        let mut linker = Linker::new(&engine);
        link(&mut linker).map_err(|error| fault("cannot define the guest's imports", error))?;
        // SECURITY: an import outside the contract has no definition, so such a module does not load.
        let instance =
            linker.instantiate_pre(&module).map_err(|error| fault("the guest wants other imports", error))?;
        let export = |name: &str| {
            let missing = || Error::new(ErrorCode::Internal, format!("the guest does not export `{name}`"));
            module.get_export_index(name).ok_or_else(missing)
        };
        let exports = Exports {
            memory: export("memory")?,
            alloc: export("alloc")?,
            start: export("start")?,
            resume: export("resume")?,
        };
        Ok(Guest { engine, instance, exports })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A fresh instance in a fresh store. Fails when every slot is taken.
    pub(super) fn instantiate(&self, state: RunState) -> wasmtime::Result<Live> {
        let mut store = Store::new(&self.engine, state);
        // SECURITY: without its limiter the store lets the guest grow to whatever its slot can hold.
        store.limiter(|state| state);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().tick()?;
            Ok(UpdateDeadline::Continue(1))
        });
        let instance = self.instance.instantiate(&mut store)?;
        let mut export = |index| {
            let found: Option<Extern> = instance.get_module_export(&mut store, index);
            found.ok_or_else(|| wasmtime::Error::msg("the guest lost an export"))
        };
        let not = |what: &str| wasmtime::Error::msg(format!("the guest's `{what}` has another type"));
        let memory = export(&self.exports.memory)?.into_memory().ok_or_else(|| not("memory"))?;
        let alloc = export(&self.exports.alloc)?.into_func().ok_or_else(|| not("alloc"))?;
        let start = export(&self.exports.start)?.into_func().ok_or_else(|| not("start"))?;
        let resume = export(&self.exports.resume)?.into_func().ok_or_else(|| not("resume"))?;
        let (alloc, start, resume) = (alloc.typed(&store)?, start.typed(&store)?, resume.typed(&store)?);
        store.data_mut().set_memory(memory);
        Ok(Live { store, memory, alloc, start, resume })
    }
}

fn pooling(size: SandboxSize) -> PoolingAllocationConfig {
    // An instance is taken down after its result is out, so each thread may hold one more than the executions.
    let slots = size.executions.saturating_add(u32::try_from(size.threads).unwrap_or(u32::MAX));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(usize::try_from(Limit::Memory.maximum()).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(TABLE_ELEMENTS * size_of::<usize>())
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Makes the image of the guest's memory now: else the first execution makes it, and fails where that fails.
fn map_memory(module: &Module) -> wasmtime::Result<()> {
    for _ in 1..MAP_TRIES {
        // The kernel does not seal an image of which something else still holds a page, which passes.
        if module.initialize_copy_on_write_image().is_ok() {
            return Ok(());
        }
        std::thread::sleep(MAP_PAUSE);
    }
    module.initialize_copy_on_write_image()
}

impl Live {
    /// What the execution shares with its guest.
    pub(super) fn state_mut(&mut self) -> &mut RunState {
        self.store.data_mut()
    }

    /// Gives the guest its program and runs it until it ends or waits.
    pub(super) fn start(&mut self, envelope: &[u8]) -> wasmtime::Result<RawStep> {
        let argument = self.give(envelope)?;
        let record = self.start.clone().call(&mut self.store, argument)?;
        self.step(record)
    }

    /// Gives the guest the completions that are there and runs it on.
    pub(super) fn resume(&mut self, completions: &[u8]) -> wasmtime::Result<RawStep> {
        let argument = if completions.is_empty() { (0, 0) } else { self.give(completions)? };
        let record = self.resume.clone().call(&mut self.store, argument)?;
        self.step(record)
    }

    /// Copies `length` bytes out of the guest.
    pub(super) fn take(&self, address: u32, length: u32) -> wasmtime::Result<&[u8]> {
        slice(self.memory.data(&self.store), address, length)
            .ok_or_else(|| Stop::Contract("a result out of bounds").into())
    }

    fn give(&mut self, bytes: &[u8]) -> wasmtime::Result<(i32, i32)> {
        let length = i32::try_from(bytes.len()).map_err(|_| Stop::Limit(Limit::Memory))?;
        let address = self.alloc.clone().call(&mut self.store, length)?;
        if address == 0 {
            return Err(Stop::Limit(Limit::Memory).into());
        }
        // SECURITY: `write` checks that the guest's answer lies in its memory.
        let write = self.memory.write(&mut self.store, address as u32 as usize, bytes);
        write.map_err(|_| Stop::Contract("an allocation out of bounds"))?;
        Ok((address, length))
    }

    fn step(&self, record: i32) -> wasmtime::Result<RawStep> {
        let bytes = self.take(record as u32, STEP_BYTES as u32)?;
        let step = bytes.try_into().ok().and_then(RawStep::parse);
        step.ok_or_else(|| Stop::Contract("an unknown step").into())
    }
}

/// `length` bytes of `memory` from `address`, or `None` when that is not all memory.
pub(super) fn slice(memory: &[u8], address: u32, length: u32) -> Option<&[u8]> {
    // SECURITY: checked arithmetic on the guest's pointers; the sum of two u32 fits a u64 and must fit the memory.
    let end = usize::try_from(u64::from(address) + u64::from(length)).ok()?;
    memory.get(address as usize..end)
}

/// As [`slice`], for writing.
pub(super) fn slice_mut(memory: &mut [u8], address: u32, length: u32) -> Option<&mut [u8]> {
    // SECURITY: as in `slice`.
    let end = usize::try_from(u64::from(address) + u64::from(length)).ok()?;
    memory.get_mut(address as usize..end)
}
