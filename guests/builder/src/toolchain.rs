//! The C toolchain: Debian's clang 19 for wasm32. Says which packages are missing.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

const CLANG: &str = "clang-19";
const PACKAGES: &str = "apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc";

/// No path of the build machine may reach the module, hence the prefix maps; `-w` because the engine is not ours.
const TARGET: [&str; 5] = ["--target=wasm32-wasi", "--sysroot=/usr", "-mbulk-memory", "-msign-ext", "-mnontrapping-fptoint"];

pub struct Unit {
    pub source: PathBuf,
    pub flags: Vec<String>,
}

/// Checks that everything a build needs is installed.
pub fn check() -> Result<()> {
    let missing = |what: &str| format!("`{what}` is missing; on Debian: {PACKAGES}");
    for tool in [CLANG, "wasm-ld-19"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return Err(missing(tool).into());
        }
    }
    if !Path::new("/usr/lib/wasm32-wasi/libc.a").exists() {
        return Err(missing("/usr/lib/wasm32-wasi/libc.a").into());
    }
    let runtime = Command::new(CLANG).args(["--target=wasm32-wasi", "-print-libgcc-file-name"]).output()?;
    let runtime = String::from_utf8(runtime.stdout)?;
    if !Path::new(runtime.trim()).exists() {
        return Err(missing(runtime.trim()).into());
    }
    Ok(())
}

/// Compiles every unit and links them to a reactor module, in `work`.
pub fn build(work: &Path, units: &[Unit], hidden_prefixes: &[&Path], link: &[&str]) -> Result<PathBuf> {
    let mut objects = Vec::new();
    for unit in units {
        let name = unit.source.file_stem().ok_or("a source without a name")?;
        let object = work.join(name).with_extension("o");
        let mut command = Command::new(CLANG);
        command.args(TARGET).arg("-O2").args(&unit.flags);
        for prefix in hidden_prefixes {
            command.arg(format!("-ffile-prefix-map={}=.", prefix.display()));
        }
        command.arg("-c").arg(&unit.source).arg("-o").arg(&object);
        run(&mut command)?;
        objects.push(object);
    }
    let module = work.join("linked.wasm");
    // No -O here: the driver would run any wasm-opt that is on PATH, and the bytes would differ by machine.
    run(Command::new(CLANG).args(TARGET).arg("-mexec-model=reactor").args(&objects).arg("-o").arg(&module).args(link))?;
    Ok(module)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`{command:?}` failed:\n{}", String::from_utf8_lossy(&output.stderr)).into())
}
