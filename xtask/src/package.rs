//! What users install of Conduit, laid out under `.work/packages`: a folder for each language.

pub mod c;
pub mod node;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use crate::machine::write_script;
use crate::python;
use crate::steps::{Result, Steps, root};

/// What the README's example of each language prints.
pub const GREETING: &str = "completed: \"21 °C in Oslo\"\n";

/// Lays one language's package out, of the dev profile unless `--release` is among the words.
pub fn run(steps: &mut Steps, language: &str, words: &[&str]) -> Result {
    let (words, interpreter) = match words {
        [words @ .., "--interpreter", interpreter] if language == "python" => (words, Some(*interpreter)),
        _ => (words, None),
    };
    let is_release = match words {
        [] => false,
        ["--release"] => true,
        _ => return Err(format!("`{}` is not understood, expected nothing or `--release`", words.join(" "))),
    };
    match language {
        "c" => c::run(steps, is_release),
        "node" => node::run(steps, is_release),
        "python" => python::package(steps, if is_release { "release" } else { "dev" }, interpreter),
        _ => Err(format!("there is no package for `{language}`, expected `c`, `node` or `python`")),
    }
}

/// The folder of the conformance runners of other languages; `tests/tests/conformance` starts them.
pub fn runners() -> Result<PathBuf> {
    let folder = root().join(".work/runners");
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    Ok(folder)
}

/// Makes the conformance runner `name` a program that `interpreter` runs.
pub fn lay_out_runner(name: &str, interpreter: &OsStr, program: &str) -> Result {
    let (runner, program) = (runners()?.join(name), root().join(program));
    let text = format!("#!/bin/sh\nexec '{}' '{}'\n", interpreter.display(), program.display());
    write_script(&runner, &text).map_err(|error| format!("cannot write `{}`: {error}", runner.display()))
}
