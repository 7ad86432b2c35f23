//! What users install of Conduit, laid out under `.work/packages`: a folder for each language.

pub mod c;

use crate::python;
use crate::steps::{Result, Steps};

/// What the README's example of each language prints.
pub const GREETING: &str = "completed: \"21 °C in Oslo\"\n";

/// Lays one language's package out, of the dev profile unless `--release` is among the words.
pub fn run(steps: &mut Steps, language: &str, words: &[&str]) -> Result {
    let is_release = match words {
        [] => false,
        ["--release"] => true,
        _ => return Err(format!("`{}` is not understood, expected nothing or `--release`", words.join(" "))),
    };
    match language {
        "c" => c::run(steps, is_release),
        "python" => python::package(steps, if is_release { "release" } else { "dev" }),
        _ => Err(format!("there is no package for `{language}`, expected `c`, `node` or `python`")),
    }
}
