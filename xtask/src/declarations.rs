//! `tsc --strict` and pyright's strict mode over the declarations that the tests keep as expected output, and over
//! programs that use them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::setup::{install_node, node_modules};
use crate::steps::{Result, Steps, command, root};

/// What pyright is told: each folder by itself, and a complaint that a program expects must come.
const PYRIGHT: &str = r#"{
  "typeCheckingMode": "strict",
  "pythonVersion": "3.13",
  "reportUnnecessaryTypeIgnoreComment": "error",
  "executionEnvironments": [FOLDERS]
}
"#;

/// Checks both languages' declarations.
pub fn run(steps: &mut Steps) -> Result {
    install_node(steps)?;
    typescript(steps)?;
    python(steps)
}

/// Compiles every `tests/declarations/*.ts` by itself: each declares `tools`, or is a program with the `tools` of one.
fn typescript(steps: &mut Steps) -> Result {
    for file in files(".ts")? {
        let name = format!("tsc: {}", file.file_name().unwrap_or_default().to_string_lossy());
        let mut tsc = command(node_modules().join(".bin/tsc"));
        tsc.args(["--strict", "--noEmit", "--target", "es2023", "--lib", "es2023,dom"])
            .args(["--module", "esnext", "--moduleDetection", "force", "--typeRoots", "tests/declarations"])
            .arg(file);
        steps.run(&name, &mut tsc);
    }
    Ok(())
}

/// Gives pyright a folder for each `tests/declarations/*.pyi`, whose names are the built-in ones of the program beside it.
fn python(steps: &mut Steps) -> Result {
    let place = root().join(".work/declarations");
    let failed = |path: &Path, error| format!("cannot write `{}`: {error}", path.display());
    if place.exists() {
        fs::remove_dir_all(&place).map_err(|error| failed(&place, error))?;
    }
    let mut folders = Vec::new();
    for file in files(".pyi")? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = place.join(&name);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        for (from, to) in [(file.clone(), "__builtins__.pyi"), (file.with_extension("py"), "program.py")] {
            if from.exists() {
                fs::copy(&from, folder.join(to)).map_err(|error| failed(&folder, error))?;
            }
        }
        folders.push(format!("{{\"root\": {name:?}}}"));
    }
    let config = place.join("pyrightconfig.json");
    fs::write(&config, PYRIGHT.replace("FOLDERS", &folders.join(", "))).map_err(|error| failed(&config, error))?;
    let mut pyright = command(node_modules().join(".bin/pyright"));
    pyright.arg("--project").arg(config);
    steps.run(&format!("pyright: {} declarations and their programs", folders.len()), &mut pyright);
    Ok(())
}

/// The files of `tests/declarations` with this ending.
fn files(ending: &str) -> Result<Vec<PathBuf>> {
    let folder = root().join("tests/declarations");
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(ending));
    files.sort();
    if files.is_empty() { Err(format!("`{}` has no `{ending}` file", folder.display())) } else { Ok(files) }
}
