//! What the committed guests import and export, which is all that they and the host share. Needs no toolchain.

use wasmtime::{Config, Engine, ExternType, FuncType, Module, ValType};

const EXPORTS: &str = "\
export alloc (i32) -> (i32)
export memory memory
export resume (i32, i32) -> (i32)
export start (i32, i32) -> (i32)
";

fn interface(cwasm: &'static [u8]) -> String {
    let mut config = Config::new();
    conduit_guest_engine::configure(&mut config);
    let engine = Engine::new(&config).unwrap();
    // SAFETY: the bytes are a guest crate's own, made by its build script from the module with the pinned digest.
    let module = unsafe { Module::deserialize(&engine, cwasm) }.unwrap();
    let imports = module.imports().map(|it| format!("import {}.{} {}\n", it.module(), it.name(), shown(&it.ty())));
    let exports = module.exports().map(|it| format!("export {} {}\n", it.name(), shown(&it.ty())));
    let mut lines: Vec<String> = imports.chain(exports).collect();
    lines.sort();
    lines.concat()
}

#[test]
fn the_guests_have_the_doors_of_the_contract_and_no_other() {
    const JAVASCRIPT: &str = "\
import conduit.now () -> (i64)
import conduit.random (i32, i32) -> ()
import conduit.submit (i32, i32, i32, i32, i32) -> (i64)
import conduit.write (i32, i32, i32) -> ()
";
    let python = JAVASCRIPT.replace("import conduit.submit", "import conduit.sleep (i64) -> ()\nimport conduit.submit");
    for (cwasm, imports) in [(conduit_guest_js::CWASM, JAVASCRIPT), (conduit_guest_python::CWASM, &python)] {
        assert_eq!(interface(cwasm), [EXPORTS, imports].concat());
    }
}

fn shown(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(function) => signature(function),
        ExternType::Memory(memory) if !memory.is_64() && !memory.is_shared() => "memory".into(),
        other => format!("{other:?}"),
    }
}

fn signature(function: &FuncType) -> String {
    let list = |types: Vec<ValType>| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("({}) -> ({})", list(function.params().collect()), list(function.results().collect()))
}
