//! The C toolchain: Debian's clang 19 for wasm32, with a C library for it. Says which packages are missing.

use crate::Result;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

const CLANG: &str = "clang-19";
const ARCHIVER: &str = "llvm-ar-19";
const PACKAGES: &str = "apt-get install clang-19 lld-19 llvm-19 libclang-rt-19-dev-wasm32 wasi-libc";

const TARGET: [&str; 4] = ["--target=wasm32-wasi", "-mbulk-memory", "-msign-ext", "-mnontrapping-fptoint"];

pub struct Unit {
    pub source: PathBuf,
    pub flags: Vec<String>,
}

pub struct Toolchain {
    sysroot: PathBuf,
}

impl Toolchain {
    /// With the C library below `sysroot`. Checks that everything a build needs is installed.
    pub fn new(sysroot: &Path) -> Result<Toolchain> {
        let missing = |what: &str| format!("`{what}` is missing; on Debian: {PACKAGES}");
        for tool in [CLANG, "wasm-ld-19", ARCHIVER] {
            if Command::new(tool).arg("--version").output().is_err() {
                return Err(missing(tool).into());
            }
        }
        let library = sysroot.join("lib/wasm32-wasi/libc.a");
        if !library.exists() {
            return Err(format!("`{}` is missing in the C library", library.display()).into());
        }
        let runtime = Command::new(CLANG).args(["--target=wasm32-wasi", "-print-libgcc-file-name"]).output()?;
        let runtime = String::from_utf8(runtime.stdout)?;
        if !Path::new(runtime.trim()).exists() {
            return Err(missing(runtime.trim()).into());
        }
        Ok(Toolchain { sysroot: sysroot.to_path_buf() })
    }

    /// Words of a command that compiles and links for the target.
    pub fn compiler(&self) -> Vec<String> {
        let mut words = vec![CLANG.to_owned(), format!("--sysroot={}", self.sysroot.display())];
        words.extend(TARGET.map(str::to_owned));
        words
    }

    /// Compiles every unit to an object in `work`. No path of the build machine may reach the module.
    pub fn compile(&self, work: &Path, units: &[Unit], hidden_prefixes: &[&Path]) -> Result<Vec<PathBuf>> {
        let mut objects = Vec::new();
        for unit in units {
            let name = unit.source.file_stem().ok_or("a source without a name")?;
            let object = work.join(name).with_extension("o");
            let mut command = self.command();
            command.arg("-O2").args(&unit.flags);
            for prefix in hidden_prefixes {
                command.arg(format!("-ffile-prefix-map={}=.", prefix.display()));
            }
            command.arg("-c").arg(&unit.source).arg("-o").arg(&object);
            run(&mut command)?;
            objects.push(object);
        }
        Ok(objects)
    }

    /// Links objects and libraries to a reactor module.
    pub fn link(&self, module: &Path, objects: &[PathBuf], flags: &[&str]) -> Result<()> {
        // No -O here: the driver would run any wasm-opt that is on PATH, and the bytes would differ by machine.
        run(self.command().arg("-mexec-model=reactor").args(objects).arg("-o").arg(module).args(flags))
    }

    fn command(&self) -> Command {
        let words = self.compiler();
        let mut command = bare(&words[0]);
        command.args(&words[1..]);
        command
    }
}

/// Makes a library of objects, without times and owners.
pub fn archive(library: &Path, objects: &[PathBuf]) -> Result<()> {
    run(Command::new(ARCHIVER).arg("rcsD").arg(library).args(objects))
}

/// The compiler's version, to the package: it is part of what a guest's bytes depend on.
pub fn version() -> Result<Vec<u8>> {
    Ok(bare(CLANG).arg("--version").output()?.stdout)
}

/// A command without the caller's environment, which could change what is built.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
    command
}

/// Runs a command to its end; its output is told only when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let output = command.output().map_err(|error| format!("cannot run `{command:?}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let told: Vec<&str> =
        stdout.lines().rev().take(20).collect::<Vec<_>>().into_iter().rev().chain(stderr.lines()).collect();
    Err(format!("`{command:?}` failed:\n{}", told.join("\n")).into())
}
