//! The program of worker processes, as the packages ship it. All that it has to do is in the library beside it, which holds the
//! guests once for all processes; the `conduit` command and the Python package are their own workers.

use std::path::Path;
use std::process::ExitCode;

use libloading::{Library, Symbol};

/// What the library is called, in the package of Node and in that of C.
const LIBRARIES: [&str; 2] = ["conduit.node", SHARED];
const SHARED: &str = if cfg!(windows) {
    "conduit.dll"
} else if cfg!(target_os = "macos") {
    "libconduit.0.dylib"
} else {
    "libconduit.so.0"
};

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("conduit-worker: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<u8, Box<dyn std::error::Error>> {
    let program = std::env::current_exe()?;
    // SECURITY: only what was installed with this program, and nothing from a path of the system or the environment.
    let beside = LIBRARIES.map(|name| program.with_file_name(name));
    let found = beside.iter().find(|path| path.is_file());
    call(found.ok_or_else(|| format!("there is neither {} beside this program", LIBRARIES.join(" nor ")))?)
}

#[expect(unsafe_code, reason = "calls a function by its name")]
fn call(library: &Path) -> Result<u8, Box<dyn std::error::Error>> {
    // SAFETY: it is Conduit's own library of the same package, which does nothing when it is loaded, and its function takes nothing
    // and gives an exit status.
    unsafe {
        let library = Library::new(library)?;
        let main: Symbol<'_, unsafe extern "C" fn() -> u8> = library.get(b"conduit_worker_main")?;
        Ok(main())
    }
}
