//! Packages of another release of Debian, unpacked in a private folder: the system's own apt is read and never changed.

use crate::toolchain::run;
use crate::{Result, Unavailable};
use std::path::{Path, PathBuf};
use std::process::Command;

const RELEASE: &str = "trixie";

/// An apt of our own, whose lists and downloads lie in one folder.
pub struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Reads the release's lists from the mirror that the system uses; apt checks their signatures.
    pub fn new(folder: &Path) -> Result<Apt> {
        let apt = Apt { folder: folder.to_path_buf() };
        for made in ["lists/partial", "cache/archives/partial", "files"] {
            std::fs::create_dir_all(folder.join(made))?;
        }
        let mirror = mirror()?;
        let sources = format!("deb {mirror} {RELEASE} main\ndeb-src {mirror} {RELEASE} main\n");
        std::fs::write(folder.join("sources.list"), sources)?;
        apt.download(&["update"])?;
        Ok(apt)
    }

    /// Downloads a binary package, `name` or `name=version`, and unpacks it below `root`.
    pub fn unpack(&self, package: &str, root: &Path) -> Result<()> {
        self.download(&["download", package])?;
        let name = package.split('=').next().unwrap_or(package);
        let file = self.file(&format!("{name}_"), ".deb")?;
        run(Command::new("dpkg").arg("--extract").arg(file).arg(root))
    }

    /// Downloads a source package, `name=version`, and unpacks it with Debian's patches as `tree`.
    pub fn source(&self, package: &str, tree: &Path) -> Result<()> {
        self.download(&["source", "--download-only", package])?;
        let name = package.split('=').next().unwrap_or(package);
        let description = self.file(&format!("{name}_"), ".dsc")?;
        // apt has checked its digest against the signed lists.
        run(Command::new("dpkg-source").args(["--no-check", "-x"]).arg(description).arg(tree))
    }

    /// Mirrors drop old packages: that is told apart from all else that can fail.
    fn download(&self, arguments: &[&str]) -> Result<()> {
        Ok(run(self.command().args(arguments)).map_err(|error| Unavailable(error.to_string()))?)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("apt-get");
        command.current_dir(self.folder.join("files")).arg("--quiet");
        let settings = [
            ("Dir::Etc::sourcelist", self.folder.join("sources.list")),
            ("Dir::Etc::sourceparts", "/dev/null".into()),
            ("Dir::State::lists", self.folder.join("lists")),
            ("Dir::Cache", self.folder.join("cache")),
            ("APT::Sandbox::User", "root".into()),
        ];
        for (name, value) in settings {
            command.arg("-o").arg(format!("{name}={}", value.display()));
        }
        command
    }

    fn file(&self, start: &str, end: &str) -> Result<PathBuf> {
        for entry in std::fs::read_dir(self.folder.join("files"))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(start) && name.ends_with(end) {
                return Ok(path);
            }
        }
        Err(format!("apt-get gave no `{start}*{end}`").into())
    }
}

/// Where the system gets Debian's packages from.
fn mirror() -> Result<String> {
    let output =
        Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let found = text.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    Ok(found.ok_or("apt-get names no mirror of Debian: the Python guest is built from Debian's packages")?.to_owned())
}
