//! From what a program wrote to the tool that it means.
//!
//! Owns aliases and their collisions, and the nearest names for an error. A name is looked up exactly, then as the
//! snake_case or camelCase of one tool. Every question takes what is allowed: a tool that is denied changes no answer,
//! so that it cannot be told from one that does not exist.

use std::collections::{BTreeMap, HashMap};

use crate::tool::{MAX_TOOL_NAME_BYTES, MAX_UPSTREAM_ID_BYTES, ToolName};

use super::words::{camel_case, snake_case};

/// The longest name that is looked at, in bytes.
const MAX_WRITTEN_BYTES: usize = MAX_UPSTREAM_ID_BYTES + 1 + MAX_TOOL_NAME_BYTES;
/// The most tools that may share an alias; with more, it means none of them.
const MAX_NAMESAKES: usize = 8;
/// The most names that [`Resolver::nearest`] suggests.
const MAX_SUGGESTIONS: usize = 3;
/// The farthest of those, in letters to change.
const MAX_DISTANCE: usize = 6;
/// The most letters that `nearest` compares: some milliseconds.
const MAX_COMPARED: usize = 300_000;

/// Finds tools by the names that programs write. Built once for a catalog; a lookup does not depend on its size.
#[derive(Debug, Default)]
pub struct Resolver {
    upstreams: BTreeMap<String, Upstream>,
    /// Ids by their snake_case and camelCase.
    aliases: HashMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct Upstream {
    tools: Vec<Named>,
    /// Positions in `tools` by the tool's own name.
    exact: HashMap<String, usize>,
    /// Positions by snake_case and camelCase.
    aliases: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Named {
    name: ToolName,
    /// The tool's own name in snake_case.
    folded: String,
}

impl Resolver {
    /// A resolver of these names.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a ToolName>) -> Resolver {
        let mut resolver = Resolver::default();
        for name in names {
            let upstream = resolver.upstreams.entry(name.upstream().to_owned()).or_insert_with(|| {
                for alias in aliases_of(name.upstream()) {
                    resolver.aliases.entry(alias).or_default().push(name.upstream().to_owned());
                }
                Upstream::default()
            });
            let position = upstream.tools.len();
            if upstream.exact.insert(name.tool().to_owned(), position).is_none() {
                upstream.tools.push(Named { name: name.clone(), folded: snake_case(name.tool()) });
                for alias in aliases_of(name.tool()) {
                    upstream.aliases.entry(alias).or_default().push(position);
                }
            }
        }
        resolver
    }

    /// The one allowed tool that `written` names: `upstream.tool`, each part verbatim, or else in snake_case or
    /// camelCase where that names one allowed tool only.
    pub fn resolve(&self, written: &str, allowed: impl Fn(&ToolName) -> bool) -> Option<&ToolName> {
        if written.len() > MAX_WRITTEN_BYTES {
            return None;
        }
        let (upstream, tool) = written.split_once('.')?;
        let exact = self.upstreams.get(upstream);
        let namesakes = || few(self.aliases.get(upstream)).iter().filter_map(|id| self.upstreams.get(id));
        // From the most exact reading to the least; the first that names anything decides.
        let readings: [Vec<&ToolName>; 4] = [
            exact.and_then(|upstream| upstream.exact(tool)).into_iter().collect(),
            exact.into_iter().flat_map(|upstream| upstream.namesakes(tool)).collect(),
            namesakes().filter_map(|upstream| upstream.exact(tool)).collect(),
            namesakes().flat_map(|upstream| upstream.namesakes(tool)).collect(),
        ];
        for reading in readings {
            // SECURITY: what is denied is left out before ambiguity is judged, or it could be detected through it.
            let mut found = reading.into_iter().filter(|name| allowed(name));
            match (found.next(), found.next()) {
                (None, _) => {}
                (Some(only), None) => return Some(only),
                (Some(_), Some(_)) => return None,
            }
        }
        None
    }

    /// Up to three allowed names that `written` may have meant, the nearest first.
    pub fn nearest(&self, written: &str, allowed: impl Fn(&ToolName) -> bool) -> Vec<String> {
        // SECURITY: a program may ask this often and with any text.
        let written = written.get(..MAX_WRITTEN_BYTES.min(written.len())).unwrap_or_default();
        let (upstream, tool) = written.split_once('.').unwrap_or(("", written));
        let (upstream, tool) = (snake_case(upstream), snake_case(tool));
        let farthest = (tool.len() / 3).clamp(1, MAX_DISTANCE);
        let mut compared = 0;
        let mut found: Vec<(usize, &ToolName)> = Vec::new();
        for (id, held) in &self.upstreams {
            // The same name in another upstream is a likelier guess than a far one in this.
            let detour = distance(&upstream, &snake_case(id), 2).unwrap_or(2);
            // SECURITY: a name that may not be seen is never suggested, nor does it use up what may be compared.
            for Named { name, folded } in held.tools.iter().filter(|tool| allowed(&tool.name)) {
                if folded.len().abs_diff(tool.len()) > farthest {
                    continue;
                }
                compared += tool.len();
                if compared > MAX_COMPARED {
                    break;
                }
                found.extend(distance(&tool, folded, farthest).map(|distance| (distance + detour, name)));
            }
        }
        found.sort_unstable();
        found.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name.to_string()).collect()
    }
}

impl Upstream {
    fn exact(&self, tool: &str) -> Option<&ToolName> {
        self.tools.get(*self.exact.get(tool)?).map(|tool| &tool.name)
    }

    fn namesakes(&self, tool: &str) -> impl Iterator<Item = &ToolName> {
        few(self.aliases.get(tool)).iter().filter_map(|position| Some(&self.tools.get(*position)?.name))
    }
}

/// The list, unless it is too long to be gone through on every call.
fn few<T>(list: Option<&Vec<T>>) -> &[T] {
    list.filter(|list| list.len() <= MAX_NAMESAKES).map(Vec::as_slice).unwrap_or_default()
}

fn aliases_of(name: &str) -> Vec<String> {
    let mut aliases = vec![snake_case(name), camel_case(name)];
    aliases.dedup();
    aliases.retain(|alias| !alias.is_empty());
    aliases
}

/// How many bytes must be added, removed or replaced to make `a` into `b`, if at most `farthest` (Levenshtein).
fn distance(a: &str, b: &str, farthest: usize) -> Option<usize> {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut last = i + 1;
        let mut least = last;
        let Some((first, cells)) = row.split_first_mut() else { return None };
        *first = last;
        for (cell, right) in cells.iter_mut().zip(b.bytes()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            last = replaced.min(diagonal + 1).min(last + 1);
            *cell = last;
            least = least.min(last);
        }
        if least > farthest {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= farthest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<ToolName> {
        texts.iter().map(|text| ToolName::parse(text).unwrap()).collect()
    }

    fn resolver(texts: &[&str]) -> Resolver {
        Resolver::new(&names(texts))
    }

    fn resolve(resolver: &Resolver, written: &str) -> String {
        resolver.resolve(written, |_| true).map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn names_resolve_exactly_and_then_by_alias() {
        let resolver = resolver(&["github.create_issue", "my-server.get-invoice", "my-server.getHTTPUrl", "x.a", "x.A"]);
        let table = [
            ("github.create_issue", "github.create_issue"),
            ("github.createIssue", "github.create_issue"),
            ("my-server.get-invoice", "my-server.get-invoice"),
            ("my-server.get_invoice", "my-server.get-invoice"),
            ("my_server.getInvoice", "my-server.get-invoice"),
            ("myServer.get-invoice", "my-server.get-invoice"),
            ("myServer.get_http_url", "my-server.getHTTPUrl"),
            ("x.a", "x.a"),
            ("x.A", "x.A"),
        ];
        for (written, expected) in table {
            assert_eq!(resolve(&resolver, written), expected, "{written}");
        }
        for written in [
            "", "github", "github.", ".x", "github.CREATE_ISSUE", "github.Create_Issue", "Github.create_issue", "github.createissue",
            "github.create-issue", "github.create_issue ", "github__create_issue", "github.create_issue.x", "github.__proto__",
            "constructor.constructor", "toString.then", "github.\u{0441}reate_issue", &"x.".repeat(1 << 20),
        ] {
            assert_eq!(resolve(&resolver, written), "", "{written:.80}");
        }
    }

    #[test]
    fn an_ambiguous_alias_names_nothing() {
        let resolver = resolver(&["a.get-it", "a.get.it", "a.getThat", "a.get_that", "b-c.x", "b_c.x", "b_c.y-z"]);
        assert_eq!(resolve(&resolver, "a.get_it"), "");
        assert_eq!(resolve(&resolver, "a.getIt"), "");
        assert_eq!(resolve(&resolver, "a.get.it"), "a.get.it");
        assert_eq!(resolve(&resolver, "a.get_that"), "a.get_that");
        assert_eq!(resolve(&resolver, "a.getThat"), "a.getThat");
        assert_eq!(resolve(&resolver, "bC.x"), "");
        assert_eq!(resolve(&resolver, "bC.y_z"), "b_c.y-z");
        let many: Vec<ToolName> = ('a'..='e').flat_map(|_| names(&["u.a-b", "u.a.b", "u.a/b", "u.a--b", "u.a..b", "u.a//b", "u.a-.b", "u.a./b", "u.a-/b"])).collect();
        assert_eq!(Resolver::new(&many).resolve("u.aB", |name| name.tool() == "a-b"), None);
    }

    #[test]
    fn t04_a_denied_tool_changes_no_answer() {
        let with = resolver(&["a.get-it", "a.get_it", "a.getIt", "b.list", "a-b.x", "a_b.x"]);
        let without = resolver(&["a.get-it", "a_b.x"]);
        let allowed = |name: &ToolName| name.tool() == "get-it" || name.upstream() == "a_b";
        for written in ["a.get-it", "a.get_it", "a.getIt", "a.get_itt", "b.list", "b.lists", "c.list", "list", "aB.x", "a-b.x", "a_b.y", ""] {
            assert_eq!(with.resolve(written, allowed), without.resolve(written, allowed), "{written}");
            assert_eq!(with.nearest(written, allowed), without.nearest(written, allowed), "{written}");
        }
    }

    #[test]
    fn the_nearest_names_come_first() {
        let resolver = resolver(&["github.create_issue", "github.create_issues", "github.list", "gitlab.create_issue", "slack.post"]);
        let table: [(&str, &[&str]); 7] = [
            ("github.createIssu", &["github.create_issue", "github.create_issues", "gitlab.create_issue"]),
            ("github.CreateIssue", &["github.create_issue", "github.create_issues", "gitlab.create_issue"]),
            ("create_issue", &["github.create_issue", "gitlab.create_issue", "github.create_issues"]),
            ("slack.create_issue", &["github.create_issue", "gitlab.create_issue", "github.create_issues"]),
            ("github.lisst", &["github.list"]),
            ("github.unheard_of", &[]),
            ("", &[]),
        ];
        for (written, expected) in table {
            assert_eq!(resolver.nearest(written, |_| true), expected, "{written}");
        }
        assert_eq!(resolver.nearest("github.create_issue", |name| name.upstream() == "gitlab"), ["gitlab.create_issue"]);
    }

    #[test]
    fn t04_questions_are_bounded_in_a_large_catalog() {
        let all: Vec<ToolName> = (0..10_000).map(|n| ToolName::new("u", &format!("{}_{n:04}", "a".repeat(120))).unwrap()).collect();
        let resolver = Resolver::new(&all);
        assert_eq!(resolve(&resolver, &format!("u.{}x9999", "a".repeat(120))), "");
        assert_eq!(resolve(&resolver, &format!("u.{}_9999", "a".repeat(120))), all[9_999].to_string());
        // Its own name is the nearest, but what is compared ends before it.
        let nearest = resolver.nearest(&all[9_999].to_string(), |_| true);
        assert!(nearest.len() == 3 && !nearest.contains(&all[9_999].to_string()), "{nearest:?}");
        assert_eq!(resolver.nearest(&"é.".repeat(1 << 20), |_| true), Vec::<String>::new());
    }
}
