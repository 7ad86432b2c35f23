//! The tests of the Node package: tsc over its JavaScript and its types, and its own tests in Node.

use crate::package;
use crate::setup::{install_node, node_modules};
use crate::steps::{Result, Steps, command, root};

/// Builds the package, checks its types and runs its tests.
pub fn run(steps: &mut Steps) -> Result {
    install_node(steps)?;
    package::node(steps, false)?;
    let mut tsc = command(node_modules().join(".bin/tsc"));
    steps.run("tsc: the Node package", tsc.args(["--project", "bindings-node/test/tsconfig.json"]));
    let mut tests = command("node");
    tests.current_dir(root().join("bindings-node")).args(["--expose-gc", "--test", "test/"]);
    steps.run("tests of the Node package", &mut tests);
    Ok(())
}
