//! The C library as a folder that can be moved: headers, libraries, and what pkg-config and CMake read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::steps::{Result, Steps, cargo, command, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `conduit.pc` says; the folder that it lies in says where the rest is.
const PKG_CONFIG: &str = "\
prefix=${pcfiledir}/../..
includedir=${prefix}/include
libdir=${prefix}/lib

Name: conduit
Description: Runs a model's program in a fresh sandbox
Version: @VERSION@
Cflags: -I${includedir}
Libs: -L${libdir} -lconduit
Libs.private: @STATIC@
";

const CMAKE: &str = r#"# Defines conduit::conduit, the shared library, and conduit::static, the archive with all that it needs.
get_filename_component(_conduit "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET conduit::conduit)
  add_library(conduit::conduit SHARED IMPORTED)
  set_target_properties(conduit::conduit PROPERTIES
    IMPORTED_LOCATION "${_conduit}/lib/libconduit.so.@VERSION@"
    IMPORTED_SONAME "libconduit.so.@ABI@"
    INTERFACE_INCLUDE_DIRECTORIES "${_conduit}/include")
  add_library(conduit::static STATIC IMPORTED)
  set_target_properties(conduit::static PROPERTIES
    IMPORTED_LOCATION "${_conduit}/lib/libconduit.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_conduit}/include"
    INTERFACE_LINK_LIBRARIES "@STATIC@")
endif()
unset(_conduit)
"#;

/// The same version or a later one whose first part is the same; before 1.0 the first two.
const CMAKE_VERSION: &str = r#"set(PACKAGE_VERSION "@VERSION@")
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(PACKAGE_FIND_VERSION VERSION_LESS_EQUAL PACKAGE_VERSION AND "${PACKAGE_FIND_VERSION}." MATCHES "^@SERIES@")
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
"#;

/// The package's folder.
pub fn folder() -> PathBuf {
    root().join(".work/packages/c")
}

/// Builds the library, and lays the folder out anew.
pub fn run(steps: &mut Steps, is_release: bool) -> Result {
    let mut build = cargo();
    build.args(["build", "--locked", "--package", "conduit-ffi"]).args(is_release.then_some("--release"));
    if !steps.run("build the C library", &mut build) {
        return Err("the C library could not be built".to_owned());
    }
    let to = folder();
    if to.exists() {
        fs::remove_dir_all(&to).map_err(|error| failed(&to, &error))?;
    }
    for part in ["include", "lib/pkgconfig", "lib/cmake/conduit"] {
        fs::create_dir_all(to.join(part)).map_err(|error| failed(&to, &error))?;
    }
    for header in ["conduit.h", "conduit.hpp", "conduit.schema.json"] {
        copy(&root().join("include").join(header), &to.join("include").join(header))?;
    }
    let (library, archive) = (to.join(format!("lib/libconduit.so.{VERSION}")), to.join("lib/libconduit.a"));
    let built = root().join("target").join(if is_release { "release" } else { "debug" });
    copy(&built.join("libconduit.so"), &library)?;
    copy(&built.join("libconduit.a"), &archive)?;
    if !steps.run("strip the C library", command("strip").arg("--strip-debug").args([&library, &archive])) {
        return Err("`strip` failed".to_owned());
    }
    for link in [format!("libconduit.so.{}", abi()), "libconduit.so".to_owned()] {
        let at = to.join("lib").join(link);
        symlink(format!("libconduit.so.{VERSION}"), &at).map_err(|error| failed(&at, &error))?;
    }
    describe(&to)
}

/// The files of pkg-config and CMake.
fn describe(to: &Path) -> Result {
    let libraries = static_libraries()?;
    let series = if abi() == "0" { VERSION.rsplit_once('.').map_or(VERSION, |(series, _)| series) } else { abi() };
    let series = format!("{series}.").replace('.', "[.]");
    for (path, text, libraries) in [
        ("pkgconfig/conduit.pc", PKG_CONFIG, libraries.as_str()),
        ("cmake/conduit/conduit-config.cmake", CMAKE, &libraries.replace(' ', ";")),
        ("cmake/conduit/conduit-config-version.cmake", CMAKE_VERSION, ""),
    ] {
        let text = text.replace("@VERSION@", VERSION).replace("@STATIC@", libraries);
        let text = text.replace("@ABI@", abi()).replace("@SERIES@", &series);
        let at = to.join("lib").join(path);
        fs::write(&at, text).map_err(|error| failed(&at, &error))?;
    }
    Ok(())
}

/// The version of the ABI, as ffi/build.rs has it in the library's name.
fn abi() -> &'static str {
    VERSION.split('.').next().unwrap_or(VERSION)
}

/// What an archive of Rust's needs of the system. No crate of ours adds to it: the test that links the archive would fail.
fn static_libraries() -> Result<String> {
    let mut rustc = command("rustc");
    rustc.args(["--print", "native-static-libs", "--crate-type", "staticlib", "-", "-o"]);
    // A file of its own: `rustc` puts another in the place of what it is given, be it a device.
    rustc.arg(root().join(".work/packages/empty.a"));
    let said = rustc.output().map_err(|error| format!("cannot run `rustc`: {error}"))?;
    let said = String::from_utf8_lossy(&said.stderr);
    let libraries = said.lines().find_map(|line| line.strip_prefix("note: native-static-libs: "));
    libraries.map(str::to_owned).ok_or_else(|| format!("`rustc` did not say what an archive needs: {said}"))
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).map(drop).map_err(|error| failed(from, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("cannot copy or write `{}`: {error}", path.display())
}
