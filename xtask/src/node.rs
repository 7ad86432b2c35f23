//! The tests of the Node package: tsc over its JavaScript and its types, and its own tests in Node.

use std::fs;
use std::path::PathBuf;

use crate::package::{GREETING, lay_out_runner, node as package};
use crate::setup::{install_node, node_modules};
use crate::steps::{Result, Steps, command, root};

/// Builds the package, checks its types and runs its tests.
pub fn run(steps: &mut Steps) -> Result {
    install_node(steps)?;
    package::run(steps, false)?;
    lay_out_runner("node", "node".as_ref(), "tests/runners/node.mjs")?;
    let mut tsc = command(node_modules().join(".bin/tsc"));
    steps.run("tsc: the Node package", tsc.args(["--project", "bindings-node/test/tsconfig.json"]));
    let mut tests = command("node");
    let flags = ["--expose-gc", "--test", "--test-reporter=tap"];
    tests.current_dir(root().join("bindings-node")).args(flags).args(test_files()?);
    steps.run_tests("tests of the Node package", &mut tests);
    // A program in the package's own folder finds it by its name.
    let example = root().join("examples/node/quickstart.mjs");
    let program =
        fs::read_to_string(&example).map_err(|error| format!("cannot read `{}`: {error}", example.display()))?;
    let mut node = command("node");
    node.current_dir(root().join("bindings-node")).args(["--input-type=module", "--eval", &program]);
    steps.prints("examples/node/quickstart.mjs", &mut node, GREETING);
    Ok(())
}

fn test_files() -> Result<Vec<PathBuf>> {
    let folder = root().join("bindings-node/test");
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    Ok(files)
}
