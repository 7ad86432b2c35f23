//! Runs a module's initialiser and makes a module of the state it has left.
//!
//! Every import traps here, but `write`, which tells why an initialiser failed: nothing of this machine's clock, entropy
//! or tools can be frozen into a guest.

use crate::Result;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use wasmparser::ValType;
use wasmtime::{Caller, Config, Engine, Extern, Instance, Linker, Module, Store, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, Wizer};

/// How much of the calling thread's stack an initialiser may use.
const WASM_STACK_BYTES: usize = 1 << 20;

pub fn pre_initialise(linked: &[u8]) -> Result<Vec<u8>> {
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument(linked).map_err(|error| format!("{error:?}"))?;
    let mut config = Config::new();
    config.max_wasm_stack(WASM_STACK_BYTES);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, &instrumented)?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("conduit", "write", tell)?;
    linker.define_unknown_imports_as_traps(&module)?;
    let instance = linker.instantiate(&mut store, &module)?;
    for function in ["_initialize", wizer.get_init_func()] {
        let initialise = instance.get_typed_func::<(), ()>(&mut store, function)?;
        initialise.call(&mut store, ()).map_err(|error| format!("the initialiser `{function}` failed: {error:?}"))?;
    }
    let mut state = State { store, instance };
    let snapshot = ready(wizer.snapshot(&context, &mut state))?;
    Ok(snapshot.map_err(|error| format!("{error:?}"))?)
}

/// What an initialiser writes: the reason of its failure.
fn tell(mut caller: Caller<'_, ()>, _stream: i32, at: u32, len: u32) {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let text = memory.as_ref().and_then(|memory| memory.data(&caller).get(at as usize..at as usize + len as usize));
    eprint!("{}", String::from_utf8_lossy(text.unwrap_or_default()));
}

struct State {
    store: Store<()>,
    instance: Instance,
}

impl InstanceState for State {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name).expect("Wizer exports every global");
        match global.get(&mut self.store) {
            Val::I32(value) => SnapshotVal::I32(value),
            Val::I64(value) => SnapshotVal::I64(value),
            Val::F32(value) => SnapshotVal::F32(value),
            Val::F64(value) => SnapshotVal::F64(value),
            other => panic!("C has no global of the type of {other:?}"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let memory = self.instance.get_memory(&mut self.store, name).expect("Wizer exports every memory");
        contents(memory.data(&self.store));
    }
}

/// `State` never waits, so one poll is all it takes.
fn ready<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err("Wizer waited for something".into()),
    }
}
