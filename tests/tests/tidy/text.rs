//! Rules about any text: length, unfinished work, names of modules, names of hosts.

use regex::Regex;

use super::{File, accepts, complains, enforce};

const MOST_LINES: usize = 600;
const MOST_HEADER_LINES: usize = 15;
const MOST_COMMENT_LINES: usize = 3;

fn is_ours(path: &str) -> bool {
    let folders = ["generated", "vendor", "include", "node_modules"];
    let is_expectation = path.starts_with("tests/declarations/") && path.ends_with(".d.ts");
    !is_expectation && !path.split('/').any(|part| folders.contains(&part))
}

fn is_source(path: &str) -> bool {
    let endings = [".rs", ".ts", ".mts", ".js", ".mjs", ".py", ".c", ".h", ".sh"];
    is_ours(path) && endings.iter().any(|ending| path.ends_with(ending))
}

fn size(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if is_source(&file.path) && lines > MOST_LINES {
        return vec![format!("{}: {lines} lines, expected at most {MOST_LINES}", file.path)];
    }
    Vec::new()
}

fn is_product(file: &File) -> bool {
    let folders = ["core/src/", "cli/src/", "ffi/src/", "bindings-node/src/", "bindings-python/src/", "xtask/src/"];
    file.is_rust() && folders.iter().any(|folder| file.path.starts_with(folder))
}

/// Every module of the product says what it owns, and briefly.
fn header(file: &File) -> Vec<String> {
    if !is_product(file) || file.path.ends_with("tests.rs") {
        return Vec::new();
    }
    let lines = file.text.lines().take_while(|line| line.starts_with("//!")).count();
    match lines {
        1..=MOST_HEADER_LINES => Vec::new(),
        _ => vec![format!("{}: a module's header has 1 to {MOST_HEADER_LINES} lines of `//!`, not {lines}", file.path)],
    }
}

/// A comment says why, and briefly.
fn comments(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut lines = 0;
    for (number, line) in file.text.lines().enumerate().filter(|_| is_product(file)) {
        let line = line.trim_start();
        let plain = line.starts_with("//") && !line.starts_with("///") && !line.starts_with("//!");
        lines = if plain { lines + 1 } else { 0 };
        if lines == MOST_COMMENT_LINES + 1 {
            complaints.push(format!("{}:{}: a comment of more than {MOST_COMMENT_LINES} lines", file.path, number + 1));
        }
    }
    complaints
}

/// Nothing is left for later without an issue, and no test is left out.
fn unfinished(file: &File) -> Vec<String> {
    // Written so that this file does not complain of itself.
    let marks = Regex::new(&["TO", "DO|FIX", "ME|X", "XX"].concat()).unwrap();
    let issue = Regex::new(r"#\d+").unwrap();
    let skips = Regex::new(&[r"\b(it|test|describe)\.sk", r"ip\(|pytest\.mark\.sk", r"ip|unittest\.sk", "ip"].concat())
        .unwrap();
    let mut complaints = Vec::new();
    for (number, line) in file.text.lines().enumerate().filter(|_| is_source(&file.path)) {
        if marks.is_match(line) && !issue.is_match(line) {
            complaints.push(format!("{}:{}: unfinished without an issue's number", file.path, number + 1));
        }
        if skips.is_match(line) {
            complaints.push(format!("{}:{}: a test is left out", file.path, number + 1));
        }
    }
    complaints
}

fn module_names(file: &File) -> Vec<String> {
    let vague = ["utils", "util", "helpers", "helper", "common", "misc"];
    let parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    match parts.into_iter().find(|part| vague.contains(part)) {
        Some(part) if is_source(&file.path) => vec![format!("{}: `{part}` says nothing of what is in it", file.path)],
        _ => Vec::new(),
    }
}

/// Packages come by name: which registry serves them is the machine's business.
fn hosts(file: &File) -> Vec<String> {
    let known = [
        ["registry.npmjs", "org"],
        ["npmjs", "com"],
        ["registry.yarnpkg", "com"],
        ["pypi", "org"],
        ["pythonhosted", "org"],
        ["static.crates", "io"],
        ["index.crates", "io"],
        ["//crates", "io"],
        ["debian", "org"],
    ];
    let usual_source = ["registry+https://github.com/rust-lang/", "crates.io-index"].concat();
    // The text of a licence is its author's, and is copied to the letter: a host in it serves nothing here.
    let is_licence = file.path.split('/').any(|part| part == "licenses");
    let mut complaints = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let at = format!("{}:{}", file.path, number + 1);
        if let Some(host) = known.iter().map(|parts| parts.join(".")).find(|host| !is_licence && line.contains(host)) {
            complaints.push(format!("{at}: names the registry host `{host}`"));
        }
        let line = line.trim();
        if file.path.ends_with("Cargo.lock")
            && line.starts_with("source = ")
            && line != format!("source = {usual_source:?}")
        {
            complaints.push(format!("{at}: a source that is not the usual registry"));
        }
        if file.path.ends_with("package-lock.json") && line.starts_with("\"resolved\":") {
            complaints.push(format!("{at}: a lock of npm without addresses is wanted"));
        }
        let option = ["--index-url", "--extra-index-url", "--find-links", "--trusted-host"]
            .iter()
            .any(|it| line.starts_with(it));
        if file.path.contains("requirements") && option {
            complaints.push(format!("{at}: names a registry"));
        }
    }
    complaints
}

#[test]
fn files_have_at_most_600_lines() {
    enforce(size);
    complains(size, "core/src/gateway.rs", &"x\n".repeat(601), "601 lines");
    accepts(size, "core/src/gateway.rs", &"x\n".repeat(600));
    accepts(size, "guests/js/vendor/quickjs.c", &"x\n".repeat(60_000));
    accepts(size, "tests/declarations/all.d.ts", &"x\n".repeat(601));
    complains(size, "tests/declarations/all.ts", &"x\n".repeat(601), "601 lines");
}

#[test]
fn modules_say_what_they_own() {
    enforce(header);
    complains(header, "core/src/gateway.rs", "use std::fmt;", "not 0");
    complains(header, "core/src/gateway.rs", &"//! x\n".repeat(16), "not 16");
    accepts(header, "core/src/gateway.rs", "//! Owns calls.\n");
    accepts(header, "core/src/gateway/tests.rs", "use super::*;\n");
}

#[test]
fn comments_are_brief() {
    enforce(comments);
    complains(
        comments,
        "core/src/gateway.rs",
        &"    // why\n".repeat(4),
        "gateway.rs:4: a comment of more than 3 lines",
    );
    accepts(comments, "core/src/gateway.rs", &format!("{0}x\n{0}{1}", "// why\n".repeat(3), "/// what\n".repeat(9)));
}

#[test]
fn nothing_is_unfinished_or_left_out() {
    enforce(unfinished);
    let mark = ["TO", "DO"].concat();
    complains(unfinished, "core/src/gateway.rs", &format!("// {mark}: retry"), "gateway.rs:1: unfinished");
    complains(unfinished, "bindings-node/index.ts", &["it.sk", "ip('works')"].concat(), "left out");
    complains(unfinished, "tests/python/test_x.py", &["@pytest.mark.sk", "ip"].concat(), "left out");
    accepts(unfinished, "core/src/gateway.rs", &format!("// {mark}(#12): retry"));
}

#[test]
fn modules_have_telling_names() {
    enforce(module_names);
    complains(module_names, "core/src/utils.rs", "", "`utils`");
    complains(module_names, "core/src/common/mod.rs", "", "`common`");
    accepts(module_names, "core/src/gateway.rs", "");
}

#[test]
fn no_registry_is_named() {
    enforce(hosts);
    let npm = ["https://registry.npmjs", "org/zod"].join(".");
    complains(hosts, "docs/x.md", &npm, "registry host");
    accepts(hosts, "guests/js/licenses/x.txt", &npm);
    complains(hosts, "Cargo.lock", "source = \"registry+https://mirror.example/index\"", "not the usual");
    complains(
        hosts,
        "tests/node/package-lock.json",
        "  \"resolved\": \"https://mirror.example/zod.tgz\",",
        "addresses",
    );
    complains(hosts, "tests/python/requirements.txt", "--index-url https://mirror.example/simple", "names a registry");
    accepts(hosts, "docs/x.md", "from crates.io, npm and PyPI");
}
