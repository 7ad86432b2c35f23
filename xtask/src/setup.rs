//! What the tests and the demo need on a machine: pinned Node and Python packages, and Debian's packages for guests.
//!
//! Nothing is installed twice: a stamp beside each installation is a copy of the lock that it was made from.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::machine::{NPM, PYTHON, in_environment};
use crate::steps::{Result, Steps, command, root};

/// Where `npm ci` puts the MCP servers, the TypeScript SDK, tsc and pyright.
pub fn node_modules() -> PathBuf {
    root().join("tests/node/node_modules")
}

/// The interpreter of the virtual environment with the packages of `tests/python/requirements.txt`.
pub fn python() -> PathBuf {
    in_environment(&root().join(".work/venv"), "python")
}

/// Installs both sets of packages.
pub fn run(steps: &mut Steps) -> Result {
    install_node(steps)?;
    install_python(steps)
}

/// The packages of `tests/node/package-lock.json`, without running any of their install scripts.
pub fn install_node(steps: &mut Steps) -> Result {
    npm_ci(steps, "tests/node", "install: Node packages")
}

/// The agent frameworks of `tests/node/adapters/package-lock.json`, apart as they are large, and found from `bindings-node`: its tests and
/// its adapters ask for them by name.
pub fn install_adapters(steps: &mut Steps) -> Result {
    npm_ci(steps, "tests/node/adapters", "install: agent frameworks")?;
    let (folder, links) = (root().join("tests/node/adapters"), root().join("bindings-node/node_modules"));
    let failed = |error: std::io::Error| format!("cannot fill `{}`: {error}", links.display());
    let text = fs::read_to_string(folder.join("package.json")).map_err(failed)?;
    let manifest: Value =
        serde_json::from_str(&text).map_err(|error| format!("`package.json` is not JSON: {error}"))?;
    fs::create_dir_all(&links).map_err(failed)?;
    // Of a package within a scope, the scope.
    let wanted = manifest.get("dependencies").and_then(Value::as_object).into_iter().flat_map(|names| names.keys());
    for name in wanted.filter_map(|name| name.split('/').next()) {
        let link = links.join(name);
        if link.symlink_metadata().is_err() {
            crate::machine::link(&folder.join("node_modules").join(name), &link).map_err(failed)?;
        }
    }
    Ok(())
}

/// Installs what the lock in `folder` says, unless that is there.
fn npm_ci(steps: &mut Steps, folder: &str, step: &str) -> Result {
    let folder = root().join(folder);
    let (lock, stamp) = (folder.join("package-lock.json"), folder.join("node_modules/.stamp"));
    if is_fresh(&lock, &stamp) {
        return Ok(());
    }
    let mut npm = command(NPM);
    npm.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    if !steps.run(step, &mut npm) {
        return Err(format!("`npm ci` failed in `{}`", folder.display()));
    }
    write_stamp(&lock, &stamp)
}

/// The packages of `tests/python/requirements.txt`, each checked against its hash.
pub fn install_python(steps: &mut Steps) -> Result {
    install_locked(steps, "requirements.txt", &root().join(".work/venv"))
}

/// A virtual environment with the packages of a lock in `tests/python`, each checked against its hash.
pub fn install_locked(steps: &mut Steps, lock: &str, environment: &Path) -> Result {
    let lock = root().join("tests/python").join(lock);
    let stamp = environment.join(".stamp");
    if is_fresh(&lock, &stamp) {
        return Ok(());
    }
    make_environment(steps, PYTHON, environment)?;
    let mut pip = command(in_environment(environment, "python"));
    pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r"]).arg(&lock);
    if !steps.run("install: Python packages", &mut pip) {
        return Err(format!("`pip install` failed for `{}`", lock.display()));
    }
    write_stamp(&lock, &stamp)
}

/// A virtual environment of a Python, with nothing in it.
pub fn make_environment(steps: &mut Steps, python: &str, environment: &Path) -> Result {
    let mut make = command(python);
    make.args(["-m", "venv", "--clear"]).arg(environment);
    if steps.run("install: Python environment", &mut make) {
        return Ok(());
    }
    Err(format!("`{python} -m venv` failed, expected a Python with `venv` (Debian: python3-venv)"))
}

/// Debian packages that are missing, by `apt-get`. Says why when they cannot be had.
pub fn install_debian(steps: &mut Steps, packages: &[&str]) -> Result {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        let mut apt = command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["--quiet", "--yes"]).args(arguments);
        apt
    };
    let installed = steps.run("install: Debian's package lists", &mut apt(&["update"]))
        && steps.run("install: Debian packages", apt(&["install", "--no-install-recommends"]).args(&missing));
    if installed { Ok(()) } else { Err(format!("apt-get could not install {}", missing.join(" "))) }
}

fn is_installed(package: &str) -> bool {
    let asked = command("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    asked.is_ok_and(|answer| answer.stdout == b"installed")
}

fn is_fresh(lock: &Path, stamp: &Path) -> bool {
    matches!((fs::read(lock), fs::read(stamp)), (Ok(wanted), Ok(installed)) if wanted == installed)
}

fn write_stamp(lock: &Path, stamp: &Path) -> Result {
    fs::copy(lock, stamp).map(drop).map_err(|error| format!("cannot write `{}`: {error}", stamp.display()))
}
