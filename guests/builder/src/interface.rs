//! What a built guest imports and exports, held against `../CONTRACT.md`.

use crate::Result;
use std::collections::BTreeMap;
use std::fmt::Write;
use wasmparser::{CompositeInnerType, ExternalKind, Parser, Payload, TypeRef};

const IMPORTS: [(&str, &str); 5] = [
    ("now", "() -> i64"),
    ("random", "(i32, i32)"),
    ("sleep", "(i64)"),
    ("submit", "(i32, i32, i32, i32, i32) -> i64"),
    ("write", "(i32, i32, i32)"),
];
const EXPORTS: [(&str, &str); 4] =
    [("alloc", "(i32) -> i32"), ("memory", "memory"), ("resume", "(i32, i32) -> i32"), ("start", "(i32, i32) -> i32")];

/// Fails on an import beyond the contract's and on exports that are not exactly the contract's; lists both.
pub fn check(wasm: &[u8]) -> Result<String> {
    let (imports, exports) = read(wasm)?;
    for (name, signature) in &imports {
        let known = name.strip_prefix("conduit.");
        if !IMPORTS.iter().any(|(import, expected)| known == Some(*import) && expected == signature) {
            return Err(format!("the guest imports `{name}{signature}`, which the contract does not have").into());
        }
    }
    let expected: BTreeMap<String, String> =
        EXPORTS.iter().map(|(name, signature)| (name.to_string(), signature.to_string())).collect();
    if exports != expected {
        return Err(format!("the guest exports {exports:?}, the contract wants {expected:?}").into());
    }
    let mut list = String::new();
    for (name, signature) in &imports {
        writeln!(list, "import {name} {signature}")?;
    }
    for (name, signature) in &exports {
        writeln!(list, "export {name} {signature}")?;
    }
    Ok(list.trim_end().into())
}

type Interface = BTreeMap<String, String>;

fn read(wasm: &[u8]) -> Result<(Interface, Interface)> {
    let (mut types, mut functions) = (Vec::new(), Vec::new());
    let (mut imports, mut exports) = (Interface::new(), Interface::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.types() {
                        types.push(signature(&ty.composite_type.inner));
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let TypeRef::Func(ty) = import.ty else {
                        return Err(format!("the guest imports `{}`, which is no function", import.name).into());
                    };
                    functions.push(ty);
                    imports.insert(format!("{}.{}", import.module, import.name), types[ty as usize].clone());
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    functions.push(ty?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let described = match export.kind {
                        ExternalKind::Func => types[functions[export.index as usize] as usize].clone(),
                        kind => format!("{kind:?}").to_lowercase(),
                    };
                    exports.insert(export.name.into(), described);
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn signature(ty: &CompositeInnerType) -> String {
    let CompositeInnerType::Func(function) = ty else {
        return "not a function".into();
    };
    let list = |types: &[wasmparser::ValType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let parameters = format!("({})", list(function.params()));
    match function.results() {
        [] => parameters,
        results => format!("{parameters} -> {}", list(results)),
    }
}
