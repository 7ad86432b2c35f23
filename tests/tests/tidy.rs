//! Rules about the code itself. Each is a function from a file's text to complaints, run over every tracked file, and
//! each has a test that feeds it something bad.

mod code;
mod documents;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the repository.
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl File {
    fn new(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every text file that is tracked or about to be.
fn files() -> Vec<File> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let listed = Command::new("git").current_dir(root()).args(arguments).output().unwrap();
    assert!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).unwrap();
    let read = |path: &str| std::fs::read_to_string(root().join(path)).ok().map(|text| File::new(path, &text));
    let files: Vec<File> = paths.split_terminator('\0').filter_map(read).collect();
    assert!(files.iter().any(|file| file.path == "core/src/lib.rs"), "expected the whole repository");
    files
}

/// Runs one rule over the files; fails with all complaints at once.
fn enforce(rule: impl Fn(&File) -> Vec<String>) {
    report(files().iter().flat_map(rule).collect());
}

fn report(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The complaints of one rule about one made-up file.
#[track_caller]
fn complains(rule: impl Fn(&File) -> Vec<String>, path: &str, text: &str, expected: &str) {
    let complaints = rule(&File::new(path, text));
    assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "{text:?} gave {complaints:?}");
}

/// A made-up file that the rule accepts.
#[track_caller]
fn accepts(rule: impl Fn(&File) -> Vec<String>, path: &str, text: &str) {
    assert_eq!(rule(&File::new(path, text)), Vec::<String>::new(), "{text:?}");
}
