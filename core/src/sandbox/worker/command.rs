//! How a worker is started.

use std::path::PathBuf;

/// How a worker process is started: a program that calls [`worker_main`](crate::worker_main).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program's absolute path; nothing is looked up in `PATH`.
    pub program: PathBuf,
    /// Its arguments. After them comes one more, which is for [`worker_main`](crate::worker_main).
    pub args: Vec<String>,
}

/// The program that comes with Conduit's packages.
const PROGRAM: &str = if cfg!(windows) { "conduit-worker.exe" } else { "conduit-worker" };

impl WorkerCommand {
    /// The program `conduit-worker` beside the file that this code was loaded from: a shared library, or the program itself.
    pub fn beside_library() -> WorkerCommand {
        // Where that cannot be found out, the error names this.
        let program = this_file().map_or_else(|| PROGRAM.into(), |file| file.with_file_name(PROGRAM));
        WorkerCommand { program, args: Vec::new() }
    }
}

/// The file that this code was loaded from.
#[cfg(unix)]
#[allow(unsafe_code, reason = "asks the loader")]
fn this_file() -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;

    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let here = WorkerCommand::beside_library as fn() -> WorkerCommand;
    // SAFETY: any address may be asked for, and zeroes are a value of what is filled.
    let found = unsafe { (libc::dladdr(here as *const _, found.as_mut_ptr()) != 0).then(|| found.assume_init()) }?;
    // SAFETY: the loader's name of a file that stays loaded, since this code is in it.
    let name = unsafe { (!found.dli_fname.is_null()).then(|| CStr::from_ptr(found.dli_fname)) }?;
    std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
}

/// The file that this code was loaded from.
#[cfg(windows)]
#[allow(unsafe_code, reason = "asks the loader")]
fn this_file() -> Option<PathBuf> {
    use std::ffi::OsString;
    use std::os::windows::ffi::OsStringExt;

    use windows::Win32::Foundation::{HMODULE, MAX_PATH};
    use windows::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
        GetModuleHandleExW,
    };
    use windows::core::PCWSTR;

    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let here = WorkerCommand::beside_library as fn() -> WorkerCommand;
    let (mut module, mut path) = (HMODULE::default(), [0; 4 * MAX_PATH as usize]);
    // SAFETY: with this flag the name is an address, and any may be asked for.
    unsafe { GetModuleHandleExW(flags, PCWSTR(here as *const u16), &raw mut module) }.ok()?;
    // SAFETY: the module is this code's own.
    let length = unsafe { GetModuleFileNameW(Some(module), &mut path) };
    path.get(..length as usize).filter(|path| !path.is_empty()).map(|path| OsString::from_wide(path).into())
}
