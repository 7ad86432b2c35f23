//! What is written once in Rust and generated for others: the header, the schema, the types of the packages.
//!
//! `cargo xtask gen` runs these tests with UPDATE_GENERATED set, which writes the files; without, a stale file fails.

mod header;
mod python;
mod schema;
mod typescript;
mod waiting;

use std::path::Path;

/// Holds `path` against what it should be, or writes it.
fn check(path: &str, expected: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&full, expected).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let found = std::fs::read_to_string(&full).unwrap_or_default();
    assert!(found == expected, "`{path}` is stale, run `cargo xtask gen`");
}

#[test]
fn generated_header_is_fresh() {
    check("include/conduit.h", &header::text());
}

#[test]
fn generated_schema_is_fresh() {
    check("include/conduit.schema.json", &format!("{:#}\n", schema::schema()));
}

#[test]
fn generated_types_for_node_are_fresh() {
    check("bindings-node/types.d.ts", &typescript::text(&schema::schema()));
}

#[test]
fn generated_types_for_python_are_fresh() {
    check("bindings-python/python/conduit/_types.py", &python::text(&schema::schema()));
}

#[test]
fn generated_runtime_for_python_is_fresh() {
    let text = include_str!("../../../bindings-python/python/conduit/_async_runtime.py");
    check("bindings-python/python/conduit/_sync_runtime.py", &waiting::text(text));
}
