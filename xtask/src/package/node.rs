//! The Node package and the one with its native half. What is in them stands in `bindings-node/package.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::machine::{NPM, libraries, link as link_to, program, strip};
use crate::steps::{Result, Steps, cargo, command, root};

/// The platform of the native half as napi-rs calls it, and how npm calls its system, its processor and its C library.
const PLATFORM: (&str, &str, &str, Option<&str>) =
    match (cfg!(windows), cfg!(target_os = "macos"), cfg!(target_arch = "aarch64")) {
        (true, _, _) => ("win32-x64-msvc", "win32", "x64", None),
        (_, true, true) => ("darwin-arm64", "darwin", "arm64", None),
        (_, true, false) => ("darwin-x64", "darwin", "x64", None),
        (_, _, true) => ("linux-arm64-gnu", "linux", "arm64", Some("glibc")),
        _ => ("linux-x64-gnu", "linux", "x64", Some("glibc")),
    };

/// What `package.json` says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    name: String,
    version: String,
    license: String,
    engines: Value,
    files: Vec<String>,
    optional_dependencies: BTreeMap<String, String>,
}

/// Builds the Node package and the one with its native half, and packs both. Links the native half into `bindings-node`, where
/// the tests run.
pub fn run(steps: &mut Steps, is_release: bool) -> Result {
    let mut build = cargo();
    build.args(["build", "--locked", "--package", "conduit-node", "--package", "conduit-worker"]);
    let profile = if is_release { "release" } else { "debug" };
    if is_release {
        build.arg("--release");
    }
    if !steps.run("build the Node package", &mut build) {
        return Err("the Node package could not be built".to_owned());
    }
    let place = root().join(".work/packages/node");
    let start = Instant::now();
    let laid_out = lay_out(&place);
    steps.check("lay out the Node package", start, laid_out.as_ref().map(drop).map_err(Clone::clone));
    let [main, native] = laid_out?;
    let [built, _] = libraries("conduit_node").map(|name| root().join("target").join(profile).join(name));
    let half = native.join("conduit.node");
    fs::copy(&built, &half).map_err(|error| format!("cannot copy `{}`: {error}", built.display()))?;
    let worker = native.join(program("conduit-worker"));
    let built = root().join("target").join(profile).join(program("conduit-worker"));
    fs::copy(&built, &worker).map_err(|error| format!("cannot copy `{}`: {error}", built.display()))?;
    strip(steps, &half)?;
    strip(steps, &worker)?;
    link_native(&native)?;
    let mut pack = command(NPM);
    pack.current_dir(&place).args(["pack", "--silent", "--offline"]).args([main, native]);
    if steps.run("pack the Node package", &mut pack) { Ok(()) } else { Err("`npm pack` failed".to_owned()) }
}

/// The folders of both packages, with everything but the native code.
fn lay_out(place: &Path) -> Result<[PathBuf; 2]> {
    let source = root().join("bindings-node");
    let text =
        fs::read_to_string(source.join("package.json")).map_err(|error| format!("no `package.json`: {error}"))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| format!("`package.json` is not understood: {error}"))?;
    let native_name = format!("{}-{}", manifest.name, PLATFORM.0);
    if manifest.optional_dependencies.get(&native_name) != Some(&manifest.version) {
        return Err(format!("`package.json` must want `{native_name}` in its own version"));
    }
    let failed = |error: std::io::Error| format!("cannot fill `{}`: {error}", place.display());
    if place.exists() {
        fs::remove_dir_all(place).map_err(failed)?;
    }
    let [main, native] = [&manifest.name, &native_name].map(|name| place.join(name));
    fs::create_dir_all(&main).map_err(failed)?;
    fs::create_dir_all(&native).map_err(failed)?;
    for file in manifest.files.iter().map(String::as_str).chain(["package.json", "README.md"]) {
        let (from, to) = (source.join(file), main.join(file));
        fs::create_dir_all(to.parent().unwrap_or(&main)).map_err(failed)?;
        fs::copy(from, to).map_err(|error| format!("cannot copy `{file}`: {error}"))?;
    }
    for folder in [&main, &native] {
        fs::copy(root().join("LICENSE"), folder.join("LICENSE")).map_err(failed)?;
    }
    fs::write(native.join("package.json"), format!("{:#}\n", native_manifest(&manifest, &native_name)))
        .map_err(failed)?;
    Ok([main, native])
}

fn native_manifest(main: &Manifest, name: &str) -> Value {
    let (platform, os, cpu, libc) = PLATFORM;
    let mut manifest = json!({
        "name": name,
        "version": main.version,
        "description": format!("The native half of {} for {platform}", main.name),
        "license": main.license,
        "main": "conduit.node",
        "files": ["conduit.node", program("conduit-worker")],
        "os": [os],
        "cpu": [cpu],
        "engines": main.engines,
    });
    if let Value::Object(fields) = &mut manifest {
        fields.extend(libc.map(|libc| ("libc".to_owned(), json!([libc]))));
    }
    manifest
}

/// Node finds the native half from `bindings-node` too.
fn link_native(native: &Path) -> Result {
    let folder = root().join("bindings-node/node_modules");
    let link = folder.join(native.file_name().unwrap_or_default());
    let failed = |error: std::io::Error| format!("cannot make `{}`: {error}", link.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    link_to(native, &link).map_err(failed)
}
