//! `tsc --strict` over the declarations that the tests keep as expected output, and over programs that use them.

use std::path::PathBuf;

use crate::setup::{install_node, node_modules};
use crate::steps::{Result, Steps, command, root};

/// Compiles every `tests/declarations/*.ts` by itself: each declares `tools`, or is a program with the `tools` of one.
pub fn run(steps: &mut Steps) -> Result {
    install_node(steps)?;
    for file in files()? {
        let name = format!("tsc: {}", file.file_name().unwrap_or_default().to_string_lossy());
        let mut tsc = command(node_modules().join(".bin/tsc"));
        tsc.args(["--strict", "--noEmit", "--target", "es2023", "--lib", "es2023,dom"])
            .args(["--module", "esnext", "--moduleDetection", "force", "--typeRoots", "tests/declarations"])
            .arg(file);
        steps.run(&name, &mut tsc);
    }
    Ok(())
}

fn files() -> Result<Vec<PathBuf>> {
    let folder = root().join("tests/declarations");
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".ts"));
    files.sort();
    if files.is_empty() { Err(format!("`{}` has no `.ts` file", folder.display())) } else { Ok(files) }
}
