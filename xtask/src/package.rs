//! What users install of Conduit, laid out under `.work/packages`: a folder for each language.

pub mod c;

use crate::steps::{Result, Steps};

/// Lays one language's package out, of the dev profile unless `--release` is among the words.
pub fn run(steps: &mut Steps, language: &str, words: &[&str]) -> Result {
    let is_release = match words {
        [] => false,
        ["--release"] => true,
        _ => return Err(format!("`{}` is not understood, expected nothing or `--release`", words.join(" "))),
    };
    match language {
        "c" => c::run(steps, is_release),
        _ => Err(format!("there is no package for `{language}`, expected `c`")),
    }
}
