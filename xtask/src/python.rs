//! The Python package: its wheel, laid out by maturin, and its tests, in environments that have nothing but what they say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{PYTHON, in_environment};
use crate::package::{GREETING, lay_out_runner};
use crate::setup::{install_locked, make_environment};
use crate::steps::{Result, Steps, command, root};

/// Has maturin, mypy and pydantic; the wheel is installed into it to be looked at.
const BUILDING: &str = ".work/python-package";
/// Has the wheel and nothing else.
const EMPTY: &str = ".work/python-empty";
/// Has the agent frameworks that there are adapters for.
const ADAPTERS: &str = ".work/venv-adapters";
const WHEELS: &str = ".work/packages/python";

/// Builds the wheel, without debugging information. A free-threaded `interpreter` has one of its own.
pub fn package(steps: &mut Steps, profile: &str, interpreter: Option<&str>) -> Result {
    let building = root().join(BUILDING);
    install_locked(steps, "requirements-package.txt", &building)?;
    let wheels = root().join(WHEELS);
    let _ = fs::remove_dir_all(&wheels);
    let mut maturin = command(in_environment(&building, "maturin"));
    maturin.args(["build", "--locked", "--manifest-path", "bindings-python/Cargo.toml", "--profile", profile]);
    let interpreter = interpreter.map_or_else(|| in_environment(&building, "python"), PathBuf::from);
    maturin.arg("--interpreter").arg(interpreter).arg("--out").arg(&wheels);
    if steps.run("package: Python", &mut maturin) {
        Ok(())
    } else {
        Err("maturin could not build the wheel".to_owned())
    }
}

/// Builds the wheel, runs its tests, and lays out the runner of the conformance corpus.
pub fn test(steps: &mut Steps) -> Result {
    package(steps, "dev", None)?;
    test_wheel(steps, PYTHON)?;
    let (building, empty) = (root().join(BUILDING), root().join(EMPTY));
    install_wheel(steps, &building)?;
    lay_out_runner("python", in_environment(&empty, "python").as_os_str(), "tests/runners/python.py")?;
    let mut example = command(in_environment(&empty, "python"));
    steps.prints("examples/python", example.arg("examples/python/quickstart.py"), GREETING);
    let mut packaged = command(in_environment(&building, "python"));
    steps.run_tests("Python tests with packages", packaged.args(["bindings-python/tests/run.py", "packages"]));
    test_adapters(steps)
}

/// Builds the wheel for another interpreter and runs those tests that need nothing but the wheel.
pub fn test_alone(steps: &mut Steps, interpreter: &str) -> Result {
    package(steps, "dev", Some(interpreter))?;
    test_wheel(steps, interpreter)
}

fn test_wheel(steps: &mut Steps, interpreter: &str) -> Result {
    let empty = root().join(EMPTY);
    make_environment(steps, interpreter, &empty)?;
    install_wheel(steps, &empty)?;
    steps.run_tests("Python tests", command(in_environment(&empty, "python")).arg("bindings-python/tests/run.py"));
    Ok(())
}

/// The agent frameworks, and the wheel beside them.
pub fn install_adapters(steps: &mut Steps) -> Result {
    let adapters = root().join(ADAPTERS);
    install_locked(steps, "adapters.txt", &adapters)?;
    install_wheel(steps, &adapters)
}

/// Gives the package in this copy of the repository the native half of the installed wheel.
pub fn link_native(steps: &mut Steps, copy: &Path) -> Result {
    let code = "import os, sys, conduit._conduit as it\n\
        place = os.path.join(sys.argv[1], os.path.basename(it.__file__))\n\
        os.path.lexists(place) or os.symlink(it.__file__, place)";
    let mut link = command(in_environment(&root().join(ADAPTERS), "python"));
    let linked =
        steps.run("link: the native half", link.args(["-c", code]).arg(copy.join("bindings-python/python/conduit")));
    if linked { Ok(()) } else { Err("the native half could not be linked".to_owned()) }
}

/// The tests of the adapters in this copy of the repository that have these names.
pub fn adapter_tests(copy: &Path, names: &[&str]) -> Command {
    let mut tests = command(in_environment(&root().join(ADAPTERS), "python"));
    tests.current_dir(copy.join("bindings-python/tests/adapters"));
    // What was compiled a moment ago may be of other text and the same size.
    tests.env("PYTHONPATH", copy.join("bindings-python/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    tests.args(["-m", "unittest"]).args(names.iter().flat_map(|name| ["-k", name]));
    tests
}

/// Runs the tests of the adapters, with the frameworks themselves.
fn test_adapters(steps: &mut Steps) -> Result {
    install_adapters(steps)?;
    let mut tests = command(in_environment(&root().join(ADAPTERS), "python"));
    steps.run_tests("adapters: python", tests.args(["bindings-python/tests/run.py", "adapters"]));
    Ok(())
}

/// The wheel, from its file alone: no index is asked.
fn install_wheel(steps: &mut Steps, environment: &Path) -> Result {
    let mut pip = command(in_environment(environment, "python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall"]).arg(wheel()?);
    if steps.run("install: the wheel", &mut pip) {
        Ok(())
    } else {
        Err("`pip install` failed for the wheel".to_owned())
    }
}

fn wheel() -> Result<PathBuf> {
    let listed = fs::read_dir(root().join(WHEELS)).map_err(|error| format!("cannot read `{WHEELS}`: {error}"))?;
    let mut wheels = listed.filter_map(|entry| Some(entry.ok()?.path()));
    wheels.find(|path| path.extension().is_some_and(|it| it == "whl")).ok_or(format!("`{WHEELS}` has no wheel"))
}
