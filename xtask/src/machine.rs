//! What differs between the machines that packages are made on: names of programs and files, links, permissions.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{Result, Steps, command};

/// The npm of this machine.
pub const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
/// The Python of this machine.
pub const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// A program of a virtual environment.
pub fn in_environment(environment: &Path, program: &str) -> PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join(program).with_extension("exe")
    } else {
        environment.join("bin").join(program)
    }
}

/// What cargo calls a shared library and an archive.
pub fn libraries(name: &str) -> [String; 2] {
    if cfg!(windows) {
        [format!("{name}.dll"), format!("{name}.lib")]
    } else if cfg!(target_os = "macos") {
        [format!("lib{name}.dylib"), format!("lib{name}.a")]
    } else {
        [format!("lib{name}.so"), format!("lib{name}.a")]
    }
}

/// Leaves out what only debuggers read, of an archive what linkers can do without. Elsewhere than on Linux cargo does, or it is in a
/// file of its own.
pub fn strip(steps: &mut Steps, file: &Path) -> Result {
    let what = if file.extension().is_some_and(|it| it == "a") { "--strip-debug" } else { "--strip-unneeded" };
    if !cfg!(target_os = "linux") || steps.run("strip", command("strip").arg(what).arg(file)) {
        return Ok(());
    }
    Err("`strip` failed (Debian: binutils)".to_owned())
}

/// Makes `link` lead to `target`, a path from its folder or from the root, in the place of an older link.
#[cfg(unix)]
pub fn link(target: &Path, link: &Path) -> io::Result<()> {
    if link.is_symlink() {
        fs::remove_file(link)?;
    }
    std::os::unix::fs::symlink(target, link)
}

/// A copy: links are a privilege here.
#[cfg(windows)]
pub fn link(target: &Path, link: &Path) -> io::Result<()> {
    let target = link.with_file_name(target);
    if !target.is_dir() {
        return fs::copy(target, link).map(drop);
    }
    fs::create_dir_all(link)?;
    for entry in fs::read_dir(target)? {
        let entry = entry?;
        self::link(&entry.path(), &link.join(entry.file_name()))?;
    }
    Ok(())
}

/// A script that can be started as it is.
pub fn write_script(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(())
}

/// Has the command start a process group of its own, where there are such groups.
pub fn own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// What cargo calls a program.
pub fn program(name: &str) -> String {
    if cfg!(windows) { format!("{name}.exe") } else { name.to_owned() }
}
