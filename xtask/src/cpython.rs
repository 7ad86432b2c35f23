//! CPython's own test-suite in the sandbox: builds `conduit` and starts `tests/cpython/run.py`, which does the rest.

use crate::steps::{Result, Steps, cargo, command, root};

/// Where `guests build python` leaves the sources that it has built, and a CPython of their version for this machine.
const BUILT: &str = ".work/guests/python-work";

/// Runs the named modules; without names all, and writes `docs/cpython-tests.md`.
pub fn run(steps: &mut Steps, modules: &[&str]) -> Result {
    let built = root().join(BUILT);
    let library = built.join("source/Lib");
    if !library.join("test").is_dir() {
        return Err(format!("there is no `{}`, expected it from `cargo xtask guests build python`", library.display()));
    }
    // A loop of the interpreter runs as fast with a `conduit` of the dev profile: the guest is optimised in either.
    if !steps.run("build conduit", cargo().args(["build", "--locked", "--package", "conduit-cli", "--bin", "conduit"]))
    {
        return Err("`conduit` could not be built".to_owned());
    }
    let mut tests = command(built.join("python"));
    tests.args(["-B", "tests/cpython/run.py", "target/debug/conduit"]).arg(library).arg(".work/cpython").args(modules);
    steps.run("CPython's tests", &mut tests);
    Ok(())
}
