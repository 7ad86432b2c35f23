//! The Python guest: CPython from Debian's source package with Debian's patches and ours, its standard library frozen in,
//! our shim, our library.
//!
//! Everything lies in one work folder; what is there of an earlier build with the same pins is used again.

use crate::Result;
use crate::debian::Apt;
use crate::sources;
use crate::toolchain::{self, Toolchain, Unit, bare, run};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

const PYTHON: &str = "3.13.5-2+deb13u5";
const WASI_LIBC: &str = "wasi-libc=0.0~git20241209.574b88d-2";
/// Beside Python's own packages, what it needs to run here, where it compiles the standard library.
const HOST_LIBRARIES: [&str; 9] =
    ["libc6", "libexpat1", "zlib1g", "libffi8", "libbz2-1.0", "liblzma5", "libssl3t64", "libuuid1", "libsqlite3-0"];
const ZLIB_CRATE: &str = "libz-sys";
const ZLIB_UNITS: [&str; 11] = [
    "adler32", "crc32", "deflate", "infback", "inffast", "inflate", "inftrees", "trees", "zutil", "compress", "uncompr",
];
const SHIM_UNITS: [&str; 6] = ["main", "module", "program", "json", "heap", "wasi"];
const CONFIGURE: [&str; 10] = [
    "--host=wasm32-wasip1",
    "--build=x86_64-linux-gnu",
    "--prefix=/usr",
    "--disable-test-modules",
    "--disable-ipv6",
    "--without-doc-strings",
    "--without-ensurepip",
    "--with-pymalloc",
    "--with-suffix=.wasm",
    "OPT=-DNDEBUG -O3 -g0",
];
/// What of CPython is linked, in its build folder.
const LIBRARIES: [&str; 4] = [
    "libpython3.13.a",
    "Modules/expat/libexpat.a",
    "Modules/_hacl/libHacl_Hash_SHA2.a",
    "Modules/_decimal/libmpdec/libmpdec.a",
];
/// The stack is first, so that an overflow traps at address 0 instead of reaching data.
const LINK: [&str; 9] = [
    "-ldl",
    "-lwasi-emulated-signal",
    "-lwasi-emulated-getpid",
    "-lwasi-emulated-process-clocks",
    "-lm",
    "-Wl,-z,stack-size=8388608",
    "-Wl,--stack-first",
    "-Wl,--initial-memory=33554432",
    "-Wl,--strip-all",
];
const EPOCH: &str = "1700000000";
/// In the work folder: what its build was made of, nothing while it is made.
const STAMP: &str = "conduit-guest-stamp";

struct Build {
    work: PathBuf,
    guest: PathBuf,
    toolchain: Toolchain,
}

/// The linked module, not yet pre-initialised.
pub fn compile(work: &Path) -> Result<Vec<u8>> {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python").canonicalize()?;
    let pins = pins(&guest)?;
    let work = open_work(work)?;
    let stamp = work.join(STAMP);
    if std::fs::read_to_string(&stamp)? != pins {
        empty(&work)?;
        fetch(&work, &guest)?;
        sources::patch(&work.join("source"), &guest.join("shim/python.patch"))?;
        host_python(&work)?;
        let build = Build::new(&work, &guest)?;
        build.zlib()?;
        build.interpreter()?;
        std::fs::write(&stamp, &pins)?;
    }
    let build = Build::new(&work, &guest)?;
    build.freeze()?;
    build.link()
}

/// The work folder, which has a stamp from its first moment: no other folder is ever emptied.
fn open_work(work: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(work)?;
    let work = work.canonicalize()?;
    if !work.join(STAMP).exists() {
        if std::fs::read_dir(&work)?.next().is_some() {
            return Err(format!("`{}` is not empty, expected a new folder to work in", work.display()).into());
        }
        std::fs::write(work.join(STAMP), "")?;
    }
    Ok(work)
}

fn empty(work: &Path) -> Result<()> {
    std::fs::write(work.join(STAMP), "")?;
    for entry in std::fs::read_dir(work)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            std::fs::remove_dir_all(path)?;
        } else if !path.ends_with(STAMP) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// A digest of all that the interpreter's build depends on.
fn pins(guest: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    for text in [include_str!("python.rs"), include_str!("toolchain.rs"), include_str!("../Cargo.lock")] {
        digest.update(text);
    }
    digest.update(std::fs::read(guest.join("shim/python.patch"))?);
    digest.update(std::fs::read(guest.join("tzdata.txt"))?);
    digest.update(toolchain::version()?);
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn fetch(work: &Path, guest: &Path) -> Result<()> {
    let apt = Apt::new(&work.join("apt"))?;
    apt.unpack(WASI_LIBC, &work.join("sysroot"))?;
    for package in ["python3.13-minimal", "libpython3.13-minimal", "libpython3.13-stdlib"] {
        apt.unpack(&format!("{package}={PYTHON}"), &work.join("host"))?;
    }
    for package in HOST_LIBRARIES {
        apt.unpack(package, &work.join("host"))?;
    }
    apt.source(&format!("python3.13={PYTHON}"), &work.join("source"))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--target"]);
    run(pip.arg(work.join("tzdata")).arg("--requirement").arg(guest.join("tzdata.txt")))
}

/// A CPython for this machine of the version that is compiled, which reads its sources: started by its own loader.
fn host_python(work: &Path) -> Result<()> {
    let root = work.join("host/usr");
    let libraries = root.join("lib/x86_64-linux-gnu");
    let script = format!(
        "#!/bin/sh\nPYTHONHOME={root} PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 \\\n  exec {libraries}/ld-linux-x86-64.so.2 --library-path {libraries} {root}/bin/python3.13 \"$@\"\n",
        root = root.display(),
        libraries = libraries.display(),
    );
    let path = work.join("python");
    std::fs::write(&path, script)?;
    run(Command::new("chmod").arg("+x").arg(path))
}

impl Build {
    fn new(work: &Path, guest: &Path) -> Result<Build> {
        let toolchain = Toolchain::new(&work.join("sysroot/usr"))?;
        Ok(Build { work: work.to_path_buf(), guest: guest.to_path_buf(), toolchain })
    }

    fn zlib(&self) -> Result<()> {
        let source = sources::of_crate(ZLIB_CRATE)?.join("src/zlib");
        let objects = self.work.join("zlib");
        std::fs::create_dir_all(objects.join("include"))?;
        for header in ["zlib.h", "zconf.h"] {
            std::fs::copy(source.join(header), objects.join("include").join(header))?;
        }
        let flags = vec!["-O3".into(), "-DNDEBUG".into(), "-w".into(), format!("-I{}", source.display())];
        let unit = |name: &str| Unit { source: source.join(name).with_extension("c"), flags: flags.clone() };
        let units: Vec<Unit> = ZLIB_UNITS.iter().map(|name| unit(name)).collect();
        let compiled = self.toolchain.compile(&objects, &units, &[&source])?;
        toolchain::archive(&objects.join("libz.a"), &compiled)
    }

    /// In a folder beside the sources, which are named by a relative path: it gets into the objects.
    fn interpreter(&self) -> Result<()> {
        let folder = self.work.join("build");
        std::fs::create_dir_all(&folder)?;
        let zlib = self.work.join("zlib");
        let compiler = self.toolchain.compiler().join(" ");
        let variables = [
            ("CONFIG_SITE", "../source/Tools/wasm/config.site-wasm32-wasi".to_owned()),
            ("PKG_CONFIG_PATH", String::new()),
            ("PKG_CONFIG_LIBDIR", "/nonexistent".to_owned()),
            ("SOURCE_DATE_EPOCH", EPOCH.to_owned()),
            ("CPP", format!("{compiler} -E")),
            ("CC", compiler),
            ("CXX", "false".to_owned()),
            ("AR", "llvm-ar-19".to_owned()),
            ("RANLIB", "true".to_owned()),
            ("HOSTRUNNER", "true".to_owned()),
            ("CFLAGS", format!("-ffile-prefix-map={}=.", self.work.display())),
            ("ZLIB_CFLAGS", format!("-I{}", zlib.join("include").display())),
            ("ZLIB_LIBS", format!("-L{} -lz", zlib.display())),
        ];
        let mut configure = bare("../source/configure");
        configure.current_dir(&folder).envs(variables.clone()).args(CONFIGURE);
        run(configure.arg(format!("--with-build-python={}", self.work.join("python").display())))?;
        let jobs = std::thread::available_parallelism().map_or(2, usize::from);
        let mut make = bare("make");
        make.current_dir(&folder).envs(variables).arg(format!("-j{jobs}")).args(LIBRARIES);
        run(&mut make)
    }

    /// The standard library, our library and the time zones, as tables in C.
    fn freeze(&self) -> Result<()> {
        let mut python = bare(self.work.join("python"));
        python.arg(self.guest.join("freeze.py")).arg(self.work.join("source/Lib")).arg(self.guest.join("lib"));
        run(python.arg(self.work.join("tzdata/tzdata/zoneinfo")).arg(&self.work))
    }

    fn link(&self) -> Result<Vec<u8>> {
        let (build, source) = (self.work.join("build"), self.work.join("source"));
        let mut flags: Vec<String> =
            ["-O3", "-DNDEBUG", "-std=gnu23", "-Wall", "-Wextra", "-Werror"].map(str::to_owned).into();
        flags.push("-D_WASI_EMULATED_SIGNAL".into());
        flags.extend(["shim", ".."].map(|folder| format!("-I{}", self.guest.join(folder).display())));
        for include in [build.clone(), source.join("Include"), source.join("Include/internal")] {
            flags.push("-isystem".into());
            flags.push(include.display().to_string());
        }
        let shim =
            |name: &str| Unit { source: self.guest.join("shim").join(name).with_extension("c"), flags: flags.clone() };
        let mut units: Vec<Unit> = SHIM_UNITS.iter().map(|name| shim(name)).collect();
        units.push(Unit { source: self.work.join("frozen.c"), flags: flags.clone() });
        let objects = self.work.join("shim");
        std::fs::create_dir_all(&objects)?;
        let mut linked = self.toolchain.compile(&objects, &units, &[&self.work, &self.guest])?;
        linked.extend(LIBRARIES.map(|library| build.join(library)));
        linked.push(self.work.join("zlib/libz.a"));
        let module = self.work.join("linked.wasm");
        self.toolchain.link(&module, &linked, &LINK)?;
        Ok(std::fs::read(module)?)
    }
}
