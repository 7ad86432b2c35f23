//! Names as programs write them: verbatim, or in camelCase, snake_case or Python's spelling of it where that means one
//! thing only.

use std::collections::{HashMap, HashSet};

use crate::tool::ToolName;

/// Finds names by what a program wrote. Made once for a set of names; a look-up is one or two hashes.
#[derive(Debug, Default)]
pub struct Resolver {
    exact: HashMap<String, usize>,
    /// The names that have an alias, in their order.
    aliases: HashMap<String, Vec<usize>>,
}

impl Resolver {
    /// A resolver of these names; what it finds is their position.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Resolver {
        let mut resolver = Resolver::default();
        for (at, name) in names.into_iter().enumerate() {
            resolver.exact.insert(name.to_owned(), at);
            let snake = snake_case(name);
            for alias in [camel_case(&snake), python_case(&snake), snake] {
                let sharing = resolver.aliases.entry(alias).or_default();
                if sharing.last() != Some(&at) {
                    sharing.push(at);
                }
            }
        }
        resolver
    }

    /// The position of the name that `written` means: exactly, else by an alias that only one name has. A name that
    /// does not `exist` for who asks hides no other and makes none ambiguous.
    pub fn resolve(&self, written: &str, exists: impl Fn(usize) -> bool) -> Option<usize> {
        let exact = self.exact.get(written).copied().filter(|at| exists(*at));
        exact.or_else(|| {
            let mut sharing = self.aliases.get(written)?.iter().copied().filter(|at| exists(*at));
            let only = sharing.next();
            if sharing.next().is_none() { only } else { None }
        })
    }

    /// An alias that two of the names share, if there is one.
    pub fn ambiguous(&self) -> Option<&str> {
        self.aliases.iter().filter(|(_, sharing)| sharing.len() > 1).map(|(alias, _)| alias.as_str()).min()
    }
}

/// What some distinct names may be called.
pub(super) struct Aliases<'a> {
    names: Vec<&'a str>,
    resolver: Resolver,
}

impl<'a> Aliases<'a> {
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Aliases<'a> {
        let names: Vec<&str> = names.collect();
        Aliases { resolver: Resolver::new(names.iter().copied()), names }
    }

    /// Whether a program that writes `alias` means `name` and no other.
    pub(super) fn means(&self, alias: &str, name: &str) -> bool {
        let position = self.resolver.resolve(alias, |_| true);
        position.and_then(|at| self.names.get(at)) == Some(&name)
    }
}

/// The names of types in one text, each given once.
#[derive(Debug, Default)]
pub(super) struct TypeNames {
    given: HashSet<String>,
    /// How often each name was wanted.
    wanted: HashMap<String, usize>,
}

impl TypeNames {
    /// `wanted`, with a number behind it when it is given already.
    pub(super) fn take(&mut self, wanted: String) -> String {
        let number = self.wanted.entry(wanted.clone()).or_insert(0);
        loop {
            *number += 1;
            let name = if *number == 1 { wanted.clone() } else { format!("{wanted}{number}") };
            if self.given.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// `name` in snake_case: words end at a separator and where a capital follows a small letter or a digit.
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut small = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            snake.push('_');
        } else {
            if small && c.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    snake
}

/// A name in snake_case as Python takes it: `class_` for a keyword, `_3d` for what starts with a digit.
pub(super) fn python_case(snake: &str) -> String {
    match snake {
        keyword if is_python_keyword(keyword) => format!("{keyword}_"),
        digit if digit.starts_with(|first: char| first.is_ascii_digit()) => format!("_{digit}"),
        name => name.to_owned(),
    }
}

/// Whether Python takes `name` as a name.
pub(super) fn is_python_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter)
        && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
        && !is_python_keyword(name)
}

/// The keywords of Python 3.13; `match`, `case`, `type` and `_` are names too.
fn is_python_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
        "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ];
    KEYWORDS.contains(&name)
}

fn camel_case(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    for word in snake.split('_').filter(|word| !word.is_empty()) {
        let mut chars = word.chars();
        match chars.next() {
            Some(first) if !camel.is_empty() => camel.push(first.to_ascii_uppercase()),
            Some(first) => camel.push(first),
            None => {}
        }
        camel.push_str(chars.as_str());
    }
    camel
}

/// `name` in PascalCase, for a part of a type's name.
pub(super) fn pascal_case(name: &str) -> String {
    let mut text = String::new();
    for word in snake_case(name).split('_') {
        let mut chars = word.chars();
        text.extend(chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars));
    }
    if text.is_empty() { "Type".to_owned() } else { text }
}

/// `name` in PascalCase, with a letter in front: what a type's name begins with.
pub(super) fn type_stem(name: &str) -> String {
    let stem = pascal_case(name);
    if stem.starts_with(|first: char| first.is_ascii_digit()) { format!("T{stem}") } else { stem }
}

/// How many names [`nearest`] compares: a wrong name costs little in a large catalog.
const NEAREST_COMPARED: usize = 1_000;
/// How many it gives.
const NEAREST_GIVEN: usize = 3;
/// How much of the written name it compares, in bytes.
const NEAREST_BYTES: usize = 64;

/// The names most like `written`, the most alike first; none that is not much like it. A name whose tool's part alone is
/// alike, or holds what was written, is less alike.
pub fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a ToolName>) -> Vec<String> {
    let written = written.get(..written.floor_char_boundary(NEAREST_BYTES)).unwrap_or(written);
    let part = snake_case(written.split_once('.').map_or(written, |(_, tool)| tool));
    let written = snake_case(written);
    let whole_or_part = |name: &ToolName| {
        let (snake, tool) = (snake_case(&name.to_string()), snake_case(name.tool()));
        let holds = part.len() >= 4 && tool.contains(&part);
        distance(&written, &snake).or_else(|| distance(&part, &tool).or(holds.then_some(0)).map(|far| far + 100))
    };
    let mut found: Vec<(usize, String)> = names
        .take(NEAREST_COMPARED)
        .filter_map(|name| whole_or_part(name).map(|far| (far, name.to_string())))
        .collect();
    found.sort();
    found.into_iter().take(NEAREST_GIVEN).map(|(_, name)| name).collect()
}

/// The upstream whose id is most like `written`, if one is much like it.
pub fn nearest_upstream<'a>(written: &str, ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = snake_case(written.get(..written.floor_char_boundary(NEAREST_BYTES)).unwrap_or(written));
    let far = ids.filter_map(|id| distance(&written, &snake_case(id)).map(|far| (far, id)));
    far.min().map(|(_, id)| id)
}

/// How many letters differ, when they are few.
fn distance(a: &str, b: &str) -> Option<usize> {
    let most = (a.len() / 4).clamp(1, 8);
    if b.len().abs_diff(a.len()) > most {
        return None;
    }
    Some(strsim::levenshtein(a, b)).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_upstream_is_much_like_it() {
        let nearest = |written| nearest_upstream(written, ["everything", "files"].into_iter());
        assert_eq!(
            (nearest("everythng"), nearest("file"), nearest("github")),
            (Some("everything"), Some("files"), None)
        );
    }

    #[test]
    fn names_are_found_verbatim_and_by_alias() {
        let names = ["get-invoice", "createIssue", "list_all", "getURLs", "a.b"];
        let resolver = Resolver::new(names);
        for (written, expected) in [
            ("get-invoice", Some(0)),
            ("get_invoice", Some(0)),
            ("getInvoice", Some(0)),
            ("createIssue", Some(1)),
            ("create_issue", Some(1)),
            ("listAll", Some(2)),
            ("get_urls", Some(3)),
            ("a_b", Some(4)),
            ("CREATE_ISSUE", None),
            ("GetInvoice", None),
            ("get invoice", None),
            ("__proto__", None),
            ("constructor", None),
            ("", None),
        ] {
            assert_eq!(resolver.resolve(written, |_| true), expected, "{written}");
        }
    }

    #[test]
    fn names_are_found_as_python_spells_them() {
        let names =
            ["class", "3d", "get-3d", "Import", "import_", "async", "async-", "None", "match", "__class__", "mro"];
        let resolver = Resolver::new(names);
        for (written, expected) in [
            ("class_", Some(0)),
            ("_3d", Some(1)),
            ("get_3d", Some(2)),
            // `Import` would be `import_` too, which another is verbatim.
            ("import_", Some(4)),
            ("import", None),
            ("async_", None),
            ("none_", None),
            ("None_", None),
            ("none", Some(7)),
            ("match", Some(8)),
            ("match_", None),
            ("_class__", None),
            ("__class__", Some(9)),
            ("class__", None),
            ("_get_3d", None),
            ("mro", Some(10)),
        ] {
            assert_eq!(resolver.resolve(written, |_| true), expected, "{written}");
        }
        // What does not exist for who asks is as if it were not there.
        assert_eq!(resolver.resolve("class_", |at| at != 0), None);
        assert_eq!(resolver.resolve("import_", |at| at != 4), Some(3));
        assert_eq!(resolver.resolve("import", |at| at != 4), Some(3));
        assert_eq!(resolver.resolve("async_", |at| at != 5), Some(6));
        assert_eq!(resolver.resolve("async_", |at| at != 6), Some(5));
    }

    #[test]
    fn an_alias_of_two_names_means_neither() {
        let resolver = Resolver::new(["get-item", "get_item", "getItem", "put-item", "putItem"]);
        let resolve = |written| resolver.resolve(written, |_| true);
        assert_eq!(resolve("get-item"), Some(0));
        assert_eq!(resolve("get_item"), Some(1));
        assert_eq!(resolve("getItem"), Some(2));
        assert_eq!(resolve("put_item"), None);
        assert!(resolver.ambiguous().is_some());
    }

    #[test]
    fn t04_names_that_do_not_exist_make_none_ambiguous() {
        let resolver = Resolver::new(["get-item", "get_item", "getItem", "put-item", "putItem"]);
        let first = |written| resolver.resolve(written, |at| at == 0 || at == 3);
        for (written, expected) in [("get_item", Some(0)), ("getItem", Some(0)), ("put_item", Some(3))] {
            assert_eq!(first(written), expected, "{written}");
        }
        assert_eq!(resolver.resolve("get-item", |_| false), None);
        assert_eq!(resolver.resolve("get_item", |at| at != 1), None);
    }

    #[test]
    fn the_nearest_names_come_first() {
        let names: Vec<ToolName> = ["github.create_issue", "github.create_pull", "slack.post", "github.close_issue"]
            .map(|name| ToolName::parse(name).unwrap())
            .into();
        let nearest = |written| nearest(written, names.iter());
        assert_eq!(nearest("github.creat_issue"), ["github.create_issue", "github.close_issue"]);
        assert_eq!(nearest("githubb.createIssue"), ["github.create_issue", "github.close_issue"]);
        assert_eq!(nearest("create_issue"), ["github.create_issue"]);
        assert_eq!(nearest("gitlab.create_issue"), ["github.create_issue"]);
        assert!(nearest("weather.today").is_empty());
        assert!(nearest("").is_empty());
    }
}
