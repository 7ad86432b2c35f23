//! What the committed guest imports and exports, which is all that it and the host share. Needs no toolchain.

use wasmtime::{Config, Engine, ExternType, FuncType, Module, ValType};

const INTERFACE: &str = "\
import conduit.now () -> (i64)
import conduit.random (i32, i32) -> ()
import conduit.sleep (i64) -> ()
import conduit.submit (i32, i32, i32, i32, i32) -> (i64)
import conduit.write (i32, i32, i32) -> ()
export alloc (i32) -> (i32)
export memory memory
export resume (i32, i32) -> (i32)
export start (i32, i32) -> (i32)
";

#[test]
fn the_guest_has_the_doors_of_the_contract_and_no_other() {
    let mut config = Config::new();
    conduit_guest_python::configure(&mut config);
    let engine = Engine::new(&config).unwrap();
    // SAFETY: the bytes are this crate's own, made by its build script from the module with the pinned digest.
    let module = unsafe { Module::deserialize(&engine, conduit_guest_python::CWASM) }.unwrap();
    let imports = module.imports().map(|it| format!("import {}.{} {}\n", it.module(), it.name(), shown(&it.ty())));
    let exports = module.exports().map(|it| format!("export {} {}\n", it.name(), shown(&it.ty())));
    let (mut imports, mut exports): (Vec<_>, Vec<_>) = (imports.collect(), exports.collect());
    imports.sort();
    exports.sort();
    assert_eq!(imports.concat() + &exports.concat(), INTERFACE);
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
