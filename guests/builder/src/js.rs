//! The JavaScript guest: QuickJS-ng from the crate that Cargo has fetched and checked, our shim, our library.

use crate::Result;
use crate::sources;
use crate::toolchain::{Toolchain, Unit};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const ENGINE_CRATE: &str = "libquickjs-ng-sys";
/// `engine.c` includes `quickjs.c` itself.
const ENGINE_UNITS: [&str; 3] = ["libregexp.c", "libunicode.c", "dtoa.c"];
const SHIM_UNITS: [&str; 11] = [
    "engine.c",
    "libc.c",
    "main.c",
    "setup.c",
    "calls.c",
    "timers.c",
    "console.c",
    "web.c",
    "stack.c",
    "positions.c",
    "json.c",
];
/// In the order in which they run.
const LIBRARY: [&str; 7] =
    ["vendor/core-js.js", "errors.js", "inspect.js", "console.js", "encoding.js", "events.js", "locale.js"];
/// The stack is first, so that an overflow traps at address 0 instead of reaching data.
const LINK: [&str; 3] = ["-Wl,-z,stack-size=1835008", "-Wl,--stack-first", "-Wl,--strip-all"];

/// The linked module, not yet pre-initialised.
pub fn compile() -> Result<Vec<u8>> {
    let toolchain = Toolchain::new(Path::new("/usr"))?;
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../js").canonicalize()?;
    let engine = sources::of_crate(ENGINE_CRATE)?.join("embed/quickjs");
    let work = WorkDirectory::new()?;
    std::fs::copy(engine.join("quickjs.c"), work.0.join("quickjs.c"))?;
    sources::patch(&work.0, &guest.join("shim/quickjs.patch"))?;

    let library = work.0.join("library.c");
    std::fs::write(&library, library_source(&guest.join("lib"))?)?;
    let include = |path: &Path| format!("-I{}", path.display());
    let engine_flags: Vec<String> =
        vec!["-D_GNU_SOURCE".into(), "-DNDEBUG".into(), "-w".into(), include(&work.0), include(&engine)];
    let mut shim_flags = vec!["-D_GNU_SOURCE".into(), "-DNDEBUG".into(), "-Wall".into(), "-Wextra".into()];
    shim_flags.extend([
        "-Werror".into(),
        "-isystem".into(),
        engine.display().to_string(),
        include(&guest.join("shim")),
    ]);

    let mut units: Vec<Unit> =
        ENGINE_UNITS.iter().map(|unit| Unit { source: engine.join(unit), flags: engine_flags.clone() }).collect();
    for unit in SHIM_UNITS {
        let mut flags = if unit == "engine.c" { engine_flags.clone() } else { shim_flags.clone() };
        flags.extend([include(&guest.join("shim")), include(&guest.join(".."))]);
        units.push(Unit { source: guest.join("shim").join(unit), flags });
    }
    units.push(Unit { source: library, flags: shim_flags });
    let objects = toolchain.compile(&work.0, &units, &[&work.0, &engine, &guest])?;
    let module = work.0.join("linked.wasm");
    toolchain.link(&module, &objects, &LINK)?;
    Ok(std::fs::read(module)?)
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
