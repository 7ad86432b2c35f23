//! The C library as a folder that can be moved: headers, libraries, and what pkg-config and CMake read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::{libraries, link, program, strip};
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
    @SHARED@
    INTERFACE_INCLUDE_DIRECTORIES "${_conduit}/include")
  add_library(conduit::static STATIC IMPORTED)
  set_target_properties(conduit::static PROPERTIES
    IMPORTED_LOCATION "${_conduit}/lib/@ARCHIVE@"
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
    // With the command, as the other packages have it: what they depend on is built once, with the features of both.
    build
        .args([
            "build",
            "--locked",
            "--package",
            "conduit-ffi",
            "--package",
            "conduit-cli",
            "--package",
            "conduit-worker",
        ])
        .args(is_release.then_some("--release"));
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
    let built = root().join("target").join(if is_release { "release" } else { "debug" });
    let library = lay_out(&built, &to)?;
    // Beside the library, which looks for it there and in which it finds what to do.
    let worker = library.with_file_name(program("conduit-worker"));
    copy(&built.join(program("conduit-worker")), &worker)?;
    if is_release {
        strip(steps, &worker)?;
        strip(steps, &library)?;
        strip(steps, &to.join("lib").join(archive()))?;
    }
    describe(&to)
}

/// The libraries, by the names that they have where they are installed; the shared one's path.
fn lay_out(built: &Path, to: &Path) -> Result<PathBuf> {
    let [shared, built_archive] = libraries("conduit").map(|name| built.join(name));
    copy(&built_archive, &to.join("lib").join(archive()))?;
    let names = shared_names();
    let [name, links @ ..] = names.as_slice() else { return Err("the shared library has no name".to_owned()) };
    let folder = to.join(if cfg!(windows) { "bin" } else { "lib" });
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    let library = folder.join(name);
    copy(&shared, &library)?;
    for other in links {
        let at = folder.join(other);
        link(Path::new(name), &at).map_err(|error| failed(&at, &error))?;
    }
    if cfg!(windows) {
        // What a program is linked with to find the shared library.
        copy(&built.join("conduit.dll.lib"), &to.join("lib/conduit.lib"))?;
    }
    Ok(library)
}

/// The shared library's own name, then that of its ABI and that of any version, which lead to it.
fn shared_names() -> Vec<String> {
    let abi = abi();
    if cfg!(windows) {
        vec!["conduit.dll".to_owned()]
    } else if cfg!(target_os = "macos") {
        [VERSION, abi]
            .map(|version| format!("libconduit.{version}.dylib"))
            .into_iter()
            .chain(["libconduit.dylib".to_owned()])
            .collect()
    } else {
        [VERSION, abi]
            .map(|version| format!("libconduit.so.{version}"))
            .into_iter()
            .chain(["libconduit.so".to_owned()])
            .collect()
    }
}

fn archive() -> &'static str {
    if cfg!(windows) { "conduit_static.lib" } else { "libconduit.a" }
}

/// What CMake is told of the shared library.
fn cmake_shared() -> String {
    let names = shared_names();
    let name = names.first().map_or("", String::as_str);
    match names.get(1) {
        None => format!(
            "IMPORTED_LOCATION \"${{_conduit}}/bin/{name}\"\n    IMPORTED_IMPLIB \"${{_conduit}}/lib/conduit.lib\""
        ),
        Some(abi) => {
            let abi = if cfg!(target_os = "macos") { format!("@rpath/{abi}") } else { abi.clone() };
            format!("IMPORTED_LOCATION \"${{_conduit}}/lib/{name}\"\n    IMPORTED_SONAME \"{abi}\"")
        }
    }
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
        let text =
            text.replace("@SERIES@", &series).replace("@SHARED@", &cmake_shared()).replace("@ARCHIVE@", archive());
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
