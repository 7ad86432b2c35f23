//! Real MCP clients, from PyPI and npm, drive `conduit serve --stdio`. `cargo xtask test` installs them.

use std::path::Path;
use std::process::Command;

use crate::{ALLOWED, Desk};

/// Runs a client's script against the server; the script asserts by itself.
fn drive(program: &str, script: &str) {
    let desk = Desk::with_config(ALLOWED);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let output = Command::new(program)
        .arg(script)
        .args([env!("CARGO_BIN_EXE_conduit"), "serve", "--stdio", "--config", "conduit.yaml"])
        .current_dir(desk.path("."))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), said.trim()), (Some(0), "ok"), "{}", String::from_utf8_lossy(&output.stderr));
}

pub fn installed(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("`{name}` is not set: run `cargo xtask test`, which installs the clients"))
}

#[test]
fn the_client_of_python_lists_and_calls() {
    drive(&installed("CONDUIT_TEST_PYTHON"), "client.py");
}

#[test]
fn the_client_of_the_typescript_sdk_lists_and_calls() {
    installed("CONDUIT_TEST_NODE_MODULES");
    drive("node", "client.mjs");
}
