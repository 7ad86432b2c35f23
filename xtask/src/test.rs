//! Everything that CI runs. A failing part does not keep the later ones from running.

use crate::package::runners;
use crate::steps::{Result, Steps, cargo};
use crate::{c, crates, declarations, demo, deny, guests, lint, node, python, setup, v8};

type Part = fn(&mut Steps) -> Result;

/// All checks and all tests.
pub fn run(steps: &mut Steps) -> Result {
    let parts: [(&str, Part); 14] = [
        ("setup", setup::run),
        ("lint", lint::run),
        // Before the tests, which start the runners that these lay out.
        ("prepare c", c::prepare),
        ("node", node::run),
        ("adapters: node", node::adapters),
        ("python", python::test),
        ("tests", tests),
        ("c", c::run),
        ("demo", demo::run),
        ("declarations", declarations::run),
        ("v8", v8::run),
        ("guests check", guests::check),
        ("crates", crates::run),
        ("deny", deny::run),
    ];
    for (name, part) in parts {
        if let Err(message) = part(steps) {
            steps.failed(name, &message);
        }
    }
    Ok(())
}

/// The tests of all crates, documentation's among them.
fn tests(steps: &mut Steps) -> Result {
    setup::install_debian(steps, &["strace"])?;
    let mut tests = cargo();
    tests
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .env("CONDUIT_TEST_NODE_MODULES", setup::node_modules())
        .env("CONDUIT_TEST_PYTHON", setup::python())
        .env("CONDUIT_TEST_RUNNERS", runners()?);
    steps.run_tests("tests", &mut tests);
    Ok(())
}
