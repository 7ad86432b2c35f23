//! The C library as its users meet it: the package that they install, the examples, and hostile programs under sanitizers.
//!
//! The programs of `tests/c` print nothing when all is well, and end with a status that is not 0 otherwise.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::package::{GREETING, c as package, runners};
use crate::setup::install_debian;
use crate::steps::{Result, Steps, command, output, root};

const DEBIAN: [&str; 5] = ["g++", "libcjson-dev", "pkg-config", "cmake", "valgrind"];

/// What each `quickstart` prints.
const PRINTED: &str = "Oslo: 21 degrees\nvalue: 42\nthere is no such city\nvalue: \"caught\"\n";

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];
const SANITIZERS: [&str; 4] =
    ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"];

/// Lays the package out, and compiles the conformance runner against it.
pub fn prepare(steps: &mut Steps) -> Result {
    install_debian(steps, &DEBIAN)?;
    package::run(steps, false)?;
    let mut compile = compiler("tests/runners/c.c", &runners()?.join("c"));
    compile.args(pkg_config(&["--libs"])?).arg("-lcjson");
    if steps.run("the conformance runner in C", &mut compile) { Ok(()) } else { Err("it does not compile".to_owned()) }
}

/// Everything here; the package is there already.
pub fn run(steps: &mut Steps) -> Result {
    let start = Instant::now();
    steps.check("the C library exports its header", start, exports());
    let place = root().join(".work/c");
    fs::create_dir_all(&place).map_err(|error| format!("cannot make `{}`: {error}", place.display()))?;
    examples(steps, &place)?;
    programs(steps, &place)
}

/// What is exported is what the header names, no more and no less.
fn exports() -> Result {
    let mut nm = command("nm");
    nm.args(["-D", "--defined-only", "--format=just-symbols"]).arg(package::folder().join("lib/libconduit.so"));
    let listed = output(&mut nm)?;
    let exported: BTreeSet<&str> = listed.lines().collect();
    let header = read(&root().join("include/conduit.h"))?;
    let declared = header.lines().filter(|line| !line.starts_with(['/', ' ', '#', 't']));
    let declared: BTreeSet<&str> =
        declared.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next()).collect();
    if exported == declared && !declared.is_empty() {
        return Ok(());
    }
    let [more, missing] = [&exported - &declared, &declared - &exported];
    Err(format!("exported and not in conduit.h: {more:?}; in conduit.h and not exported: {missing:?}"))
}

/// The examples with the shared library and the archive, by pkg-config and by CMake, and by ctypes.
fn examples(steps: &mut Steps, place: &Path) -> Result {
    for (source, more) in [("examples/c/quickstart.c", "-lcjson"), ("examples/cpp/quickstart.cpp", "-lstdc++")] {
        let ending = source.rsplit('.').next().unwrap_or_default();
        let shared = pkg_config(&["--libs"])?;
        // Of two libraries of one name the linker takes the shared one.
        let archived = pkg_config(&["--libs", "--static"])?.into_iter();
        let archived: Vec<String> = archived.map(|word| word.replace("-lconduit", "-l:libconduit.a")).collect();
        for (kind, libraries) in [("shared", shared), ("archive", archived)] {
            let program = place.join(format!("quickstart-{ending}-{kind}"));
            let mut compile = compiler(source, &program);
            if steps.run(&format!("pkg-config: {source}, {kind}"), compile.args(libraries).arg(more)) {
                steps.prints(&format!("{source}, {kind}"), &mut command(program), PRINTED);
            }
        }
    }
    let hello = place.join("hello");
    let mut compile = compiler("examples/c/hello.c", &hello);
    if steps.run("pkg-config: examples/c/hello.c", compile.args(pkg_config(&["--libs"])?)) {
        steps.prints("examples/c/hello.c", &mut command(hello), GREETING);
    }
    let build = place.join("cmake");
    let mut configure = command("cmake");
    configure.arg("-S").arg("tests/c").arg("-B").arg(&build).arg("--fresh");
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", package::folder().display()));
    let is_built = steps.run("cmake: configure", &mut configure)
        && steps.run("cmake: build", command("cmake").arg("--build").arg(&build));
    for program in ["c-shared", "c-archive", "cpp-shared", "cpp-archive"].iter().filter(|_| is_built) {
        steps.prints(&format!("cmake: {program}"), &mut command(build.join(program)), PRINTED);
    }
    let mut ctypes = command("python3");
    ctypes.arg("examples/ctypes/quickstart.py").env("CONDUIT_LIBRARY", package::folder().join("lib/libconduit.so"));
    steps.prints("examples/ctypes/quickstart.py", &mut ctypes, PRINTED);
    Ok(())
}

/// `tests/c` under AddressSanitizer and UndefinedBehaviorSanitizer, and under valgrind.
fn programs(steps: &mut Steps, place: &Path) -> Result {
    let folder = root().join("tests/c");
    let entries = folder.read_dir().map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut sources: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    sources.retain(|path| path.extension().is_some_and(|ending| ending == "c" || ending == "cpp"));
    sources.sort();
    for source in sources {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = source.to_string_lossy();
        for (tool, options) in [("sanitizers", &SANITIZERS[..]), ("valgrind", &["-g"])] {
            let program = place.join(format!("{name}-{tool}"));
            let mut compile = compiler(&source, &program);
            compile.args(options).args(pkg_config(&["--libs"])?).arg("-lstdc++");
            if !steps.run(&format!("{tool}: compile {name}"), &mut compile) {
                continue;
            }
            let mut run = if tool == "valgrind" { valgrind(&program) } else { command(program) };
            steps.run(&format!("{tool}: {name}"), run.env("CONDUIT_TEST_TOOL", tool));
        }
    }
    Ok(())
}

fn valgrind(program: &Path) -> Command {
    let mut valgrind = command("valgrind");
    valgrind.args([
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
    ]);
    valgrind.args(["--fair-sched=yes", "--suppressions=tests/c/valgrind.supp"]).arg(program);
    valgrind
}

/// A compiler for `source`, which finds the package's library when it runs.
fn compiler(source: &str, program: &Path) -> Command {
    let (compiler, standard) = if source.ends_with(".cpp") { ("c++", "-std=c++17") } else { ("cc", "-std=c11") };
    let mut compiler = command(compiler);
    compiler.arg(standard).args(WARNINGS).arg("-I").arg(package::folder().join("include")).arg(source);
    compiler.arg("-o").arg(program).arg(format!("-Wl,-rpath,{}", package::folder().join("lib").display()));
    compiler.arg("-pthread");
    compiler
}

fn pkg_config(words: &[&str]) -> Result<Vec<String>> {
    let mut asked = command("pkg-config");
    asked.args(words).arg("conduit").env("PKG_CONFIG_PATH", package::folder().join("lib/pkgconfig"));
    Ok(output(&mut asked)?.split_whitespace().map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}
