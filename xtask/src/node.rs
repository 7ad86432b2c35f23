//! The tests of the Node package and of its adapters: tsc over its JavaScript and its types, and its own tests in Node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::package::{GREETING, lay_out_runner, node as package};
use crate::setup::{install_adapters, install_node, node_modules};
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
    let folder = root().join("bindings-node");
    tests.current_dir(&folder).args(flags).args(test_files(&folder.join("test"))?);
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

/// Checks the types of the adapters and runs their tests, with the frameworks that they are for. Builds nothing: `run` has.
pub fn adapters(steps: &mut Steps) -> Result {
    install_node(steps)?;
    install_adapters(steps)?;
    let mut tsc = command(node_modules().join(".bin/tsc"));
    steps.run("adapters: tsc", tsc.args(["--project", "bindings-node/test/adapters/tsconfig.json"]));
    steps.run_tests("adapters: node", &mut adapter_tests(&root(), &[])?);
    Ok(())
}

/// The tests of the adapters in this copy of the repository: those with these names, or all.
pub fn adapter_tests(root: &Path, names: &[&str]) -> Result<Command> {
    let folder = root.join("bindings-node");
    let mut tests = command("node");
    tests.current_dir(&folder).args(["--test", "--test-reporter=tap"]);
    tests.args(names.iter().map(|name| format!("--test-name-pattern={name}")));
    tests.args(test_files(&folder.join("test/adapters"))?);
    Ok(tests)
}

/// The files of tests in this folder, without its subfolders: Node 20 takes no patterns.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    Ok(files)
}
