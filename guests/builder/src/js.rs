//! The JavaScript guest: QuickJS-ng from the crate that Cargo has fetched and checked, our shim, our library.

use crate::Result;
use crate::toolchain::{self, Unit};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const ENGINE_CRATE: &str = "libquickjs-ng-sys";
/// `engine.c` includes `quickjs.c` itself.
const ENGINE_UNITS: [&str; 3] = ["libregexp.c", "libunicode.c", "dtoa.c"];
const SHIM_UNITS: [&str; 11] = [
    "engine.c", "libc.c", "main.c", "setup.c", "calls.c", "timers.c", "console.c", "web.c", "stack.c", "positions.c",
    "json.c",
];
/// In the order in which they run.
const LIBRARY: [&str; 7] =
    ["vendor/core-js.js", "errors.js", "inspect.js", "console.js", "encoding.js", "events.js", "locale.js"];
/// The stack is first, so that an overflow traps at address 0 instead of reaching data.
const LINK: [&str; 3] = ["-Wl,-z,stack-size=1835008", "-Wl,--stack-first", "-Wl,--strip-all"];

/// The linked module, not yet pre-initialised.
pub fn compile() -> Result<Vec<u8>> {
    toolchain::check()?;
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../js").canonicalize()?;
    let engine = engine_sources()?;
    let work = WorkDirectory::new()?;
    patch_engine(&engine, &guest.join("shim/quickjs.patch"), &work.0)?;

    let library = work.0.join("library.c");
    std::fs::write(&library, library_source(&guest.join("lib"))?)?;
    let include = |path: &Path| format!("-I{}", path.display());
    let engine_flags: Vec<String> =
        vec!["-D_GNU_SOURCE".into(), "-DNDEBUG".into(), "-w".into(), include(&work.0), include(&engine)];
    let mut shim_flags = vec!["-D_GNU_SOURCE".into(), "-DNDEBUG".into(), "-Wall".into(), "-Wextra".into()];
    shim_flags.extend(["-Werror".into(), "-isystem".into(), engine.display().to_string(), include(&guest.join("shim"))]);

    let mut units: Vec<Unit> =
        ENGINE_UNITS.iter().map(|unit| Unit { source: engine.join(unit), flags: engine_flags.clone() }).collect();
    for unit in SHIM_UNITS {
        let mut flags = if unit == "engine.c" { engine_flags.clone() } else { shim_flags.clone() };
        flags.push(include(&guest.join("shim")));
        units.push(Unit { source: guest.join("shim").join(unit), flags });
    }
    units.push(Unit { source: library, flags: shim_flags });
    let module = toolchain::build(&work.0, &units, &[&work.0, &engine, &guest], &LINK)?;
    Ok(std::fs::read(module)?)
}

/// Where Cargo has unpacked the engine's sources; their digest is in our Cargo.lock.
fn engine_sources() -> Result<PathBuf> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo).args(["metadata", "--format-version=1", "--locked", "--manifest-path", manifest]).output()?;
    if !output.status.success() {
        return Err(format!("`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let suffix = "/Cargo.toml\"";
    let path = text
        .split("\"manifest_path\":\"")
        .filter_map(|rest| rest.split_once(suffix).map(|(path, _)| path))
        .find(|path| Path::new(path).file_name().is_some_and(|name| name.to_string_lossy().starts_with(ENGINE_CRATE)));
    let crate_path = path.ok_or_else(|| format!("`cargo metadata` does not know `{ENGINE_CRATE}`"))?;
    Ok(Path::new(crate_path).join("embed/quickjs"))
}

/// Copies `quickjs.c` into `work` with our few changes; `patch` refuses what does not fit exactly.
fn patch_engine(engine: &Path, patch: &Path, work: &Path) -> Result<()> {
    let output = Command::new("patch")
        .args(["--fuzz=0", "--silent", "--output"])
        .arg(work.join("quickjs.c"))
        .arg(engine.join("quickjs.c"))
        .arg(patch)
        .output()
        .map_err(|_| "`patch` is missing; on Debian: apt-get install patch")?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`{}` does not apply:\n{}", patch.display(), String::from_utf8_lossy(&output.stdout)).into())
}

/// The library's files as C arrays.
fn library_source(directory: &Path) -> Result<String> {
    let mut source = String::from("#include \"library.h\"\n\n");
    let mut table = String::new();
    for (index, file) in LIBRARY.iter().enumerate() {
        let path = directory.join(file);
        let bytes = std::fs::read(&path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        write!(source, "static unsigned char FILE_{index}[] = {{")?;
        for byte in &bytes {
            write!(source, "{byte},")?;
        }
        writeln!(source, "0}};")?;
        writeln!(table, "    {{\"conduit:{file}\", (char *)FILE_{index}, {}}},", bytes.len())?;
    }
    write!(source, "\nconst struct LibraryFile LIBRARY[] = {{\n{table}}};\n")?;
    writeln!(source, "const size_t LIBRARY_FILES = {};", LIBRARY.len())?;
    Ok(source)
}

struct WorkDirectory(PathBuf);

impl WorkDirectory {
    fn new() -> Result<WorkDirectory> {
        let path = std::env::temp_dir().join(format!("conduit-guest-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| format!("cannot create `{}`: {error}", path.display()))?;
        Ok(WorkDirectory(path.canonicalize()?))
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        // What is left behind in the temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
