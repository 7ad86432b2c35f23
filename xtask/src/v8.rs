//! V8: finds its static library and runs the tests of the guest in it, and those of workers and of the corpus with it.
//!
//! Owns where the library is looked for. Fetches nothing: where there is none, the tests are left out, loudly.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::steps::{Result, Steps, cargo, output, root};

/// Where the crate `v8` takes its library from, and the bindings that fit it.
const ARCHIVE: &str = "RUSTY_V8_ARCHIVE";
const BINDING: &str = "RUSTY_V8_SRC_BINDING_PATH";

/// The bindings in the source of the crate `v8`.
const BINDING_FILE: &str = "gen/src_binding_release_x86_64-unknown-linux-gnu.rs";

/// What a build with V8 needs in its environment.
pub type Environment = [(&'static str, PathBuf); 2];

/// Runs the guest's tests, if V8 can be had here.
pub fn run(steps: &mut Steps) -> Result {
    let environment = match environment()? {
        Ok(environment) => environment,
        Err(why) => {
            steps.cannot("v8: everything with V8", &why);
            return Ok(());
        }
    };
    for (name, args) in [
        ("v8: tests of the guest", &["--package", "conduit-guest-v8"][..]),
        ("v8: workers", &["--package", "conduit-tests", "--test", "workers"]),
        ("v8: the corpus", &["--package", "conduit-tests", "--test", "main", "the_corpus_holds_in_v8"]),
    ] {
        let mut tests = cargo();
        tests.args(["test", "--locked", "--features", "v8"]).args(args);
        steps.run_tests(name, tests.envs(environment.clone()));
    }
    Ok(())
}

/// Where V8 is, or why it is not here.
pub fn environment() -> Result<Result<Environment>> {
    let Some(archive) = archive() else {
        let looked = beside();
        return Ok(Err(format!("V8's static library is not here: no {ARCHIVE}, and no `{}`.", looked.display())));
    };
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--locked", "--all-features"]))?;
    let binding = source_of_v8(&metadata).ok_or("no package of the workspace needs the crate `v8`")?.join(BINDING_FILE);
    if !binding.exists() {
        return Ok(Err(format!("The crate `v8` has no bindings for this machine: `{}`.", binding.display())));
    }
    Ok(Ok([(ARCHIVE, archive), (BINDING, binding)]))
}

/// Where a developer's machine keeps it: beside the checkout.
fn beside() -> PathBuf {
    root().join("../shared/v8/librusty_v8.a.gz")
}

#[expect(clippy::disallowed_methods, reason = "the crate `v8` reads the same variable")]
fn archive() -> Option<PathBuf> {
    let archive = std::env::var_os(ARCHIVE).map_or_else(beside, PathBuf::from);
    archive.canonicalize().ok()
}

/// The folder of the crate `v8`, from what cargo says of the workspace.
fn source_of_v8(metadata: &str) -> Option<PathBuf> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let packages = metadata.get("packages")?.as_array()?;
    let v8 = packages.iter().find(|package| package.get("name").is_some_and(|name| name == "v8"))?;
    Path::new(v8.get("manifest_path")?.as_str()?).parent().map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_v8_is_found_by_its_name() {
        let metadata = r#"{"packages": [{"name": "deno_v8", "manifest_path": "/a/Cargo.toml"},
            {"name": "v8", "manifest_path": "/registry/v8-1.0.0/Cargo.toml"}]}"#;
        assert_eq!(source_of_v8(metadata), Some(PathBuf::from("/registry/v8-1.0.0")));
        assert_eq!(source_of_v8(r#"{"packages": []}"#), None);
        assert_eq!(source_of_v8("no JSON"), None);
    }
}
