//! What the documents claim, held against the code.

use conduit_core::{Limit, Unit};
use regex::Regex;
use sha2::{Digest, Sha256};

use super::{File, accepts, complains, enforce, files, report, root};

fn page<'a>(files: &'a [File], path: &str) -> &'a File {
    files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("`{path}` is missing"))
}

/// A limit's value as people write it.
fn shown(unit: Unit, value: u64) -> String {
    match unit {
        Unit::Milliseconds if value >= 60_000 && value.is_multiple_of(60_000) => format!("{} min", value / 60_000),
        Unit::Milliseconds if value.is_multiple_of(1_000) => format!("{} s", value / 1_000),
        Unit::Milliseconds => format!("{value} ms"),
        Unit::Bytes if value.is_multiple_of(1 << 20) => format!("{} MiB", value >> 20),
        Unit::Bytes => format!("{value} B"),
        Unit::Count => grouped(value),
    }
}

fn grouped(value: u64) -> String {
    if value < 1_000 { value.to_string() } else { format!("{},{:03}", grouped(value / 1_000), value % 1_000) }
}

/// The README's table of limits has a row for each limit, in order, with its default and its maximum.
fn limits_table(readme: &File) -> Vec<String> {
    let rows: Vec<&str> = readme.text.lines().filter(|line| line.starts_with("| `")).collect();
    let mut complaints = Vec::new();
    for limit in Limit::ALL {
        let start = format!("| `{}` | ", limit.name());
        let (default, most) = (shown(limit.unit(), limit.default_value()), shown(limit.unit(), limit.maximum()));
        let end = format!(" | {default} | {most} |");
        if !rows.iter().any(|row| row.starts_with(&start) && row.ends_with(&end)) {
            complaints.push(format!("{}: expected the row {start}...{end}", readme.path));
        }
    }
    complaints
}

/// Links to files of the repository lead somewhere.
fn links(file: &File) -> Vec<String> {
    if !file.path.ends_with(".md") {
        return Vec::new();
    }
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let folder = root().join(&file.path).parent().unwrap().to_path_buf();
    let targets = link.captures_iter(&file.text).map(|found| found.get(1).unwrap().as_str().to_owned());
    let ours =
        targets.filter(|target| !target.contains("://") && !target.starts_with('#') && !target.starts_with("mailto:"));
    let broken = ours.filter(|target| !folder.join(target.split('#').next().unwrap_or_default()).exists());
    broken.map(|target| format!("{}: the link `{target}` leads nowhere", file.path)).collect()
}

/// Samples in the README are files of the repository, which are run.
fn samples(readme: &File, samples: &[&File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for sample in samples {
        let fence = match sample.path.rsplit('.').next() {
            Some("ts") => "ts",
            Some("py") => "python",
            Some("mjs") => "js",
            Some("rs") => "rust",
            Some("c") => "c",
            _ => "yaml",
        };
        if !readme.text.contains(&format!("```{fence}\n{}```\n", sample.text)) {
            complaints.push(format!("{}: expected `{}` word for word", readme.path, sample.path));
        }
    }
    complaints
}

/// A committed guest is the one whose digest is committed.
fn guest_digest(wasm: &[u8], digest: &str) -> bool {
    let found: String = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    digest.split_whitespace().next() == Some(found.as_str())
}

/// `core` depends on no other crate of ours but the guests; what embeds it depends on nothing else of ours.
fn crate_dependencies(file: &File) -> Vec<String> {
    let allowed: &[&str] = match file.path.as_str() {
        "core/Cargo.toml" => &["conduit-guest-js", "conduit-guest-python", "conduit-guest-v8"],
        "ffi/Cargo.toml" | "cli/Cargo.toml" => &["conduit-core"],
        "bindings-node/Cargo.toml" | "bindings-python/Cargo.toml" => &["conduit-core", "conduit-cli"],
        _ => return Vec::new(),
    };
    let ours = Regex::new("^conduit-[a-z0-9-]+").unwrap();
    let mut in_tests = false;
    let mut complaints = Vec::new();
    for line in file.text.lines() {
        if line.starts_with('[') {
            in_tests = line.contains("dev-dependencies");
        }
        let name = ours.find(line).map(|found| found.as_str()).filter(|name| !in_tests && !allowed.contains(name));
        complaints.extend(name.map(|name| format!("{}: depends on `{name}`, expected {allowed:?}", file.path)));
    }
    complaints
}

#[test]
fn the_readme_has_the_limits_of_the_code() {
    let files = files();
    let readme = page(&files, "README.md");
    report(limits_table(readme));
    let wrong = readme.text.replace("| 30 s | 10 min |", "| 60 s | 10 min |");
    complains(limits_table, "README.md", &wrong, "`wall_time` | ... | 30 s | 10 min |");
}

#[test]
fn links_lead_somewhere() {
    enforce(links);
    complains(links, "docs/x.md", "see [this](../NOWHERE.md)", "NOWHERE.md");
    accepts(links, "docs/x.md", "see [this](../README.md#limits), [that](#here)");
}

#[test]
fn the_readmes_samples_are_files_that_are_run() {
    let files = files();
    let wanted = [
        "examples/quickstart.ts",
        "examples/quickstart.py",
        "examples/conduit.yaml",
        "examples/node/quickstart.mjs",
        "examples/python/quickstart.py",
        "core/examples/quickstart.rs",
        "examples/c/hello.c",
    ]
    .map(|path| page(&files, path));
    report(samples(page(&files, "README.md"), &wanted));
    let other = File::new("README.md", "```ts\nconsole.log(2);\n```\n");
    assert_eq!(samples(&other, &[&File::new("examples/quickstart.ts", "console.log(1);\n")]).len(), 1);
    assert_eq!(samples(&other, &[&File::new("examples/quickstart.ts", "console.log(2);\n")]).len(), 0);
}

#[test]
fn k10_committed_guests_have_their_digests() {
    let wasm = std::fs::read(root().join("guests/js/guest.wasm")).unwrap();
    let digest = std::fs::read_to_string(root().join("guests/js/guest.wasm.sha256")).unwrap();
    assert!(guest_digest(&wasm, &digest), "guests/js/guest.wasm is not the file of its digest");
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  guest.wasm\n";
    assert!(guest_digest(b"abc", digest));
    assert!(!guest_digest(b"abd", digest));
}

#[test]
fn crates_depend_downwards() {
    enforce(crate_dependencies);
    complains(crate_dependencies, "core/Cargo.toml", "[dependencies]\nconduit-cli.workspace = true\n", "`conduit-cli`");
    complains(crate_dependencies, "ffi/Cargo.toml", "conduit-cli = { path = \"../cli\" }", "`conduit-cli`");
    accepts(
        crate_dependencies,
        "cli/Cargo.toml",
        "[package]\nname = \"conduit-cli\"\n[dependencies]\nconduit-core.workspace = true\n[dev-dependencies]\nconduit-tests.workspace = true\n",
    );
}
