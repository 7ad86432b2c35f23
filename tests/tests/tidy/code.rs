//! Rules about Rust code, read as tokens: comments and texts cannot fool them.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::{File, accepts, complains, enforce, files, report};

/// Files that may contain `unsafe`, each with its reason.
const UNSAFE: &[(&str, &str)] = &[
    ("benches/benches/abi.rs", "calls the C library as C does"),
    ("bindings-node/src/lib.rs", "a function that `conduit-worker` finds by its name"),
    ("core/src/egress/process/stdin.rs", "keeps a signal from the thread that writes"),
    ("core/src/sandbox/code.rs", "loads the guests' machine code, which the build put into the binary"),
    ("core/src/sandbox/code/in_place.rs", "lets that code run where it lies"),
    ("core/src/sandbox/worker/command.rs", "asks the loader where Conduit's own code is"),
    ("core/src/sandbox/worker/confine/linux.rs", "closes descriptors that nobody here owns"),
    ("core/src/sandbox/worker/confine/tests.rs", "tries to make memory code"),
    ("core/src/sandbox/cpu_time/unix.rs", "asks Linux for the CPU time of another process"),
    ("core/src/sandbox/cpu_time/windows.rs", "asks Windows for the CPU time of a thread"),
    ("ffi/src/boundary.rs", "reads C's texts and writes to C's places: the one file that follows a pointer of C's"),
    ("ffi/src/builder.rs", "functions that C calls"),
    ("ffi/src/call.rs", "functions that C calls"),
    ("ffi/src/execution.rs", "functions that C calls"),
    ("ffi/src/lib.rs", "a function that C calls"),
    ("ffi/src/result.rs", "functions that C calls"),
    ("ffi/src/runtime.rs", "functions that C calls"),
    ("ffi/src/tests.rs", "calls them as C does"),
    ("ffi/src/text.rs", "functions that C calls"),
    ("guests/v8/src/callbacks.rs", "functions that V8 calls"),
    ("guests/v8/src/fresh.rs", "enters and leaves isolates by hand, so that several may live on a thread"),
    ("guests/v8/src/heap.rs", "functions that V8 calls, and memory that it asks for"),
    ("guests/engine/tests/interface.rs", "loads the same code, to read its imports and exports"),
    ("worker/src/main.rs", "calls the library beside it"),
];

/// What each module may import, from the table in ARCHITECTURE.md.
pub struct Table {
    rows: BTreeMap<String, Vec<String>>,
    order: Vec<String>,
}

impl Table {
    /// Reads the rows under `| module | owns | imports |`.
    fn parse(page: &str) -> Table {
        let mut table = Table { rows: BTreeMap::new(), order: Vec::new() };
        let lines = page.lines().skip_while(|line| *line != "| module | owns | imports |").skip(2);
        for line in lines.take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (module, imports) = (cells[0].to_owned(), cells[cells.len() - 1]);
            let imports = imports.split(',').map(str::trim).filter(|import| *import != "-").map(str::to_owned);
            table.rows.insert(module.clone(), imports.collect());
            table.order.push(module);
        }
        assert!(!table.order.is_empty(), "ARCHITECTURE.md has no table `| module | owns | imports |`");
        table
    }

    /// Rows stand lowest first: a module imports only rows above its own.
    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (position, module) in self.order.iter().enumerate() {
            for import in &self.rows[module] {
                if !self.order[..position].contains(import) {
                    complaints
                        .push(format!("ARCHITECTURE.md: `{module}` imports `{import}`, which no row above it names"));
                }
            }
        }
        complaints
    }

    /// Imports of `file` that the row of its module does not name.
    fn imports(&self, file: &File) -> Vec<String> {
        let Some((module, depth)) = place(&file.path) else { return Vec::new() };
        let Some(row) = self.rows.get(module) else {
            return vec![format!("{}: ARCHITECTURE.md has no row for `{module}`", file.path)];
        };
        let mut paths = Vec::new();
        root_paths(tokens(file), depth, &mut paths);
        let foreign = paths.into_iter().filter(|path| path != module && !row.iter().any(|import| path == import));
        foreign
            .map(|path| format!("{}:{}: `{module}` imports `{path}`, expected {row:?}", file.path, line(&path)))
            .collect()
    }
}

/// The module of a file of core, and how many names from the crate's root it is; `None` for the root and for tests.
fn place(path: &str) -> Option<(&str, usize)> {
    let inner = path.strip_prefix("core/src/")?.strip_suffix(".rs")?;
    let parts: Vec<&str> = inner.split('/').filter(|part| *part != "mod").collect();
    let outside = parts.iter().any(|part| matches!(*part, "lib" | "tests") || part.ends_with("_tests"));
    if outside { None } else { Some((parts[0], parts.len())) }
}

fn tokens(file: &File) -> TokenStream {
    file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path))
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

/// The first name after `crate::`, or after as many `super::` as lead to the crate's root, wherever it stands outside
/// of `#[cfg(test)]`.
fn root_paths(stream: TokenStream, depth: usize, found: &mut Vec<Ident>) {
    let trees = without_tests(stream);
    let mut position = 0;
    while let Some(tree) = trees.get(position) {
        position += 1;
        match tree {
            TokenTree::Group(group) => {
                let inline_module = position >= 3
                    && group.delimiter() == Delimiter::Brace
                    && matches!(&trees[position - 3], TokenTree::Ident(word) if word == "mod");
                root_paths(group.stream(), depth + usize::from(inline_module), found);
            }
            TokenTree::Ident(word) if word == "crate" => {
                first_names(trees.get(position..).unwrap_or_default(), found);
            }
            TokenTree::Ident(word) if word == "super" => {
                let mut climbed = 1;
                while matches!(trees.get(position + 2), Some(TokenTree::Ident(next)) if next == "super") {
                    climbed += 1;
                    position += 3;
                }
                if climbed == depth {
                    first_names(trees.get(position..).unwrap_or_default(), found);
                }
            }
            _ => {}
        }
    }
}

/// `::name`, or `::{name, name::..}`.
fn first_names(rest: &[TokenTree], found: &mut Vec<Ident>) {
    let [TokenTree::Punct(first), TokenTree::Punct(second), next, ..] = rest else { return };
    if first.as_char() != ':' || second.as_char() != ':' {
        return;
    }
    match next {
        TokenTree::Ident(name) => found.push(name.clone()),
        TokenTree::Group(group) => {
            let mut expected = true;
            for tree in group.stream() {
                match tree {
                    TokenTree::Ident(name) if expected => {
                        found.push(name);
                        expected = false;
                    }
                    TokenTree::Punct(comma) if comma.as_char() == ',' => expected = true,
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The tokens of one level, less the items under `#[cfg(test)]`.
fn without_tests(stream: TokenStream) -> Vec<TokenTree> {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let is_mark =
        |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.stream().to_string() == "cfg (test)");
    let mut kept = Vec::new();
    let mut rest = trees.into_iter();
    while let Some(tree) = rest.next() {
        if !is_mark(&tree) {
            kept.push(tree);
            continue;
        }
        for skipped in rest.by_ref() {
            let ends = match &skipped {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                _ => false,
            };
            if ends {
                break;
            }
        }
    }
    kept
}

/// Every identifier, tests' included.
fn idents(stream: TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    for tree in stream {
        match tree {
            TokenTree::Ident(ident) => found.push(ident),
            TokenTree::Group(group) => found.extend(idents(group.stream())),
            _ => {}
        }
    }
    found
}

/// `unsafe` stands only where the list allows it, and the list names no file without it.
fn unsafe_code(allowed: &[(&str, &str)], file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let listed = allowed.iter().any(|(path, _)| *path == file.path);
    match idents(tokens(file)).iter().find(|ident| *ident == "unsafe") {
        Some(word) if !listed => {
            vec![format!("{}:{}: `unsafe` in a file that is not on the list", file.path, line(word))]
        }
        None if listed => vec![format!("{}: on the list of `unsafe` files, but has none", file.path)],
        _ => Vec::new(),
    }
}

/// Machine code is never read from a file at run time (G45), and no test is ignored.
fn forbidden(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let mut words = vec!["deserialize_file", "deserialize_open_file", "ignore"];
    // A worker's two pipes are files.
    if file.path.starts_with("core/src/sandbox/") && !file.path.starts_with("core/src/sandbox/worker/") {
        words.extend(["fs", "File", "OpenOptions"]);
    }
    let attributes = idents(tokens(file)).into_iter().filter(|ident| words.iter().any(|word| ident == word));
    attributes.map(|ident| format!("{}:{}: `{ident}` is not used here", file.path, line(&ident))).collect()
}

#[test]
fn modules_import_only_what_their_row_names() {
    let files = files();
    let page = files.iter().find(|file| file.path == "ARCHITECTURE.md").expect("ARCHITECTURE.md");
    let table = Table::parse(&page.text);
    let mut complaints: Vec<String> = files.iter().flat_map(|file| table.imports(file)).collect();
    complaints.extend(table.complaints());
    for module in &table.order {
        let built = files.iter().any(|file| place(&file.path).is_some_and(|(name, _)| name == module));
        if !built {
            complaints.push(format!("ARCHITECTURE.md: the row `{module}` is of no module"));
        }
    }
    report(complaints);
}

#[test]
fn foreign_imports_are_seen_however_they_are_written() {
    let page = "# x\n\n| module | owns | imports |\n|---|---|---|\n| error | `Error` | - |\n| tool | names | error |\n| policy | x | error, tool |\n\nMore.\n";
    let table = Table::parse(page);
    assert_eq!(table.complaints(), Vec::<String>::new());
    let rule = |file: &File| table.imports(file);
    for text in [
        "use crate::policy::Policy;",
        "use crate::{error::Error, policy::{Policy, Decision}};",
        "fn f() -> crate::policy::Policy { g() }",
        "fn f() { if true { crate::policy::decide() } }",
        "use super::policy::Policy;",
        "mod inner { use super::super::policy; }",
        "#[cfg(test)] mod tests {} use crate::policy::Policy;",
    ] {
        complains(rule, "core/src/tool.rs", text, "`tool` imports `policy`, expected [\"error\"]");
    }
    complains(rule, "core/src/tool/name.rs", "use super::super::policy;", "imports `policy`");
    complains(rule, "core/src/stray.rs", "", "no row for `stray`");
    for text in [
        "use crate::error::{Error, Result}; use crate::tool::x; use std::fmt;",
        "/// See [`Policy`](crate::policy::Policy).\nstruct X; // crate::policy\nconst Y: &str = \"crate::policy\";",
        "#[cfg(test)]\nmod tests { use crate::policy::Policy; }",
        "#[cfg(test)] use crate::policy::Policy;",
        "mod inner { use super::policy; }",
        "pub(crate) fn f() {}",
    ] {
        accepts(rule, "core/src/tool.rs", text);
    }
    accepts(rule, "core/src/tool/name.rs", "use super::policy;");
    accepts(rule, "core/src/tool/name_tests.rs", "use crate::policy;");
    let upwards = "| module | owns | imports |\n|---|---|---|\n| error | x | tool |\n| tool | x | - |\n";
    assert_eq!(Table::parse(upwards).complaints().len(), 1);
}

#[test]
fn unsafe_code_stands_only_where_it_is_allowed() {
    enforce(|file| unsafe_code(UNSAFE, file));
    let list = [("core/src/sandbox/memory.rs", "reads the guest's memory")];
    let rule = |file: &File| unsafe_code(&list, file);
    complains(rule, "core/src/tool.rs", "fn f() { unsafe { g() } }", "not on the list");
    complains(rule, "core/src/sandbox/memory.rs", "fn f() {}", "has none");
    accepts(rule, "core/src/sandbox/memory.rs", "unsafe fn f() {}");
    accepts(rule, "core/src/tool.rs", "#![deny(unsafe_code)] // unsafe");
}

#[test]
fn g45_machine_code_is_not_read_from_files_and_no_test_is_ignored() {
    enforce(forbidden);
    complains(forbidden, "core/src/sandbox.rs", "fn f() { Module::deserialize_file(e, p) }", "`deserialize_file`");
    complains(forbidden, "core/src/sandbox/guest.rs", "fn f() { std::fs::read(p) }", "`fs`");
    complains(forbidden, "core/src/sandbox.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", "sandbox.rs:2: `ignore`");
    accepts(forbidden, "core/src/sandbox.rs", "// ignore\nfn f() { ignored(\"ignore\") }");
}
