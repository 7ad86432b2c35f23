//! Full-text search over the tools of a catalog.
//!
//! Owns the index: words of names, titles, descriptions and parameters, ranked as BM25 ranks fields of different
//! weight. What may be seen is decided by the caller, per question. Bounded in the question and in what is indexed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::tool::{Tool, ToolName};

use super::words::{cut, words};

/// What is read of a question, in bytes and in words.
const MAX_QUERY_BYTES: usize = 1_000;
const MAX_QUERY_WORDS: usize = 16;
/// The most words of the index that the beginning of a word stands for.
const MAX_COMPLETIONS: usize = 32;
/// The most entries of the index that one question reads: about a millisecond.
const MAX_POSTINGS: usize = 200_000;
/// What is read of a description, in bytes, and of a tool's parameters.
const MAX_DESCRIPTION_BYTES: usize = 2_000;
const MAX_PARAMETERS: usize = 100;

/// What a word counts, by where it stands.
const IN_NAME: f32 = 4.0;
const IN_UPSTREAM: f32 = 3.0;
const IN_TITLE: f32 = 2.5;
const IN_PARAMETER: f32 = 1.5;
const IN_DESCRIPTION: f32 = 1.0;
/// What the beginning of a word counts, against the whole word.
const AS_PREFIX: f32 = 0.5;
/// How soon a word's further occurrences stop to count (BM25's k1).
const SATURATION: f32 = 1.2;

/// An index over the tools of one catalog.
#[derive(Debug, Default)]
pub struct Index {
    tools: Vec<Arc<Tool>>,
    /// For each word, the tools that have it and how much it counts there.
    postings: BTreeMap<String, Vec<(usize, f32)>>,
}

/// One tool that was found.
#[derive(Clone, Debug)]
pub struct Hit<'a> {
    /// The tool.
    pub tool: &'a Arc<Tool>,
    /// How well it fits; only good for comparing hits of one question.
    pub score: f32,
}

impl Index {
    /// Indexes these tools.
    pub fn new(tools: impl IntoIterator<Item = Arc<Tool>>) -> Index {
        let mut tools: Vec<Arc<Tool>> = tools.into_iter().collect();
        tools.sort_by(|a, b| a.name.cmp(&b.name));
        let mut postings: BTreeMap<String, Vec<(usize, f32)>> = BTreeMap::new();
        for (position, tool) in tools.iter().enumerate() {
            for (word, weight) in weighted_words(tool) {
                postings.entry(word).or_default().push((position, weight));
            }
        }
        Index { tools, postings }
    }

    /// The best `limit` of the allowed tools, the best first; of two as good, the one whose name comes first. A question
    /// without words finds every tool, by name.
    pub fn search(&self, query: &str, limit: usize, allowed: impl Fn(&ToolName) -> bool) -> Vec<Hit<'_>> {
        // SECURITY: a program may ask often and with any text.
        let query = cut(query, MAX_QUERY_BYTES);
        let mut asked: Vec<String> = words(query).into_iter().map(stem).collect();
        asked.sort_unstable();
        asked.dedup();
        asked.truncate(MAX_QUERY_WORDS);
        let mut scores = vec![0.0; self.tools.len()];
        let mut left = MAX_POSTINGS;
        for word in &asked {
            self.score(word, &mut scores, &mut left);
        }
        let mut ranked: Vec<(usize, f32)> = scores.into_iter().enumerate().collect();
        if !asked.is_empty() {
            ranked.retain(|(_, score)| *score > 0.0);
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        }
        let tools = ranked.into_iter().filter_map(|(position, score)| Some((self.tools.get(position)?, score)));
        // SECURITY: a tool that is not allowed is not found.
        let seen = tools.filter(|(tool, _)| allowed(&tool.name));
        seen.take(limit).map(|(tool, score)| Hit { tool, score }).collect()
    }

    /// Adds what `word` counts for each tool: where it stands itself, and less where words begin with it.
    fn score(&self, word: &str, scores: &mut [f32], left: &mut usize) {
        let completions = self.postings.range(word.to_owned()..).take_while(|(found, _)| found.starts_with(word));
        for (found, postings) in completions.take(MAX_COMPLETIONS) {
            *left = left.saturating_sub(postings.len());
            if *left == 0 {
                return;
            }
            let rarity = (1.0 + self.tools.len() as f32 / (postings.len() as f32 + 0.5)).ln();
            let factor = if found == word { rarity } else { rarity * AS_PREFIX };
            for (position, weight) in postings {
                if let Some(score) = scores.get_mut(*position) {
                    *score += factor * weight / (weight + SATURATION);
                }
            }
        }
    }
}

/// The words of a tool, each once, with what it counts there.
fn weighted_words(tool: &Tool) -> BTreeMap<String, f32> {
    let mut weights = BTreeMap::new();
    let mut add = |text: &str, weight: f32| {
        for word in words(text) {
            *weights.entry(stem(word)).or_insert(0.0) += weight;
        }
    };
    add(tool.name.tool(), IN_NAME);
    add(tool.name.upstream(), IN_UPSTREAM);
    add(cut(tool.title.as_deref().unwrap_or_default(), MAX_DESCRIPTION_BYTES), IN_TITLE);
    add(cut(tool.description.as_deref().unwrap_or_default(), MAX_DESCRIPTION_BYTES), IN_DESCRIPTION);
    let parameters = tool.input_schema.as_ref().and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    for name in parameters.into_iter().flat_map(|map| map.keys()).take(MAX_PARAMETERS) {
        add(cut(name, MAX_QUERY_BYTES), IN_PARAMETER);
    }
    weights
}

/// English plurals as their singulars: `issues`, `branches`, `repositories`.
fn stem(word: String) -> String {
    let cut = |ending: &str, instead: &str| {
        word.strip_suffix(ending).filter(|rest| rest.len() > 1).map(|rest| format!("{rest}{instead}"))
    };
    if let Some(singular) = cut("ies", "y") {
        return singular;
    }
    for ending in ["ches", "shes", "sses", "xes"] {
        if let Some(singular) = cut(ending, ending.strip_suffix("es").unwrap_or_default()) {
            return singular;
        }
    }
    if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word;
    }
    cut("s", "").unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str, description: &str, parameters: &[&str]) -> Arc<Tool> {
        let properties: serde_json::Map<_, _> = parameters.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        Arc::new(Tool {
            name: ToolName::parse(name).unwrap(),
            title: None,
            description: Some(description.to_owned()),
            input_schema: Some(json!({ "properties": properties })),
            output_schema: None,
            annotations: None,
        })
    }

    fn index() -> Index {
        Index::new([
            tool("github.create_issue", "Create a new issue in a repository", &["owner", "repo", "title"]),
            tool("github.list_issues", "List the issues of a repository", &["owner", "repo", "state"]),
            tool("github.search_repositories", "Search for repositories", &["query"]),
            tool("fs.readTextFile", "Read a file as text", &["path", "maxLines"]),
            tool("fs.list_directory", "List the files of a directory", &["path"]),
            tool("mail.send-message", "Send a message. Branches and boxes.", &["to", "body"]),
        ])
    }

    fn found(query: &str) -> Vec<String> {
        index().search(query, 3, |_| true).iter().map(|hit| hit.tool.name.to_string()).collect()
    }

    #[test]
    fn tools_are_found_by_words_of_names_texts_and_parameters() {
        let table: [(&str, &[&str]); 14] = [
            ("create issue", &["github.create_issue", "github.list_issues"]),
            ("createIssue", &["github.create_issue", "github.list_issues"]),
            ("github.create_issue", &["github.create_issue", "github.list_issues", "github.search_repositories"]),
            ("issues", &["github.create_issue", "github.list_issues"]),
            ("repository search", &["github.search_repositories", "github.create_issue", "github.list_issues"]),
            ("repo", &["github.create_issue", "github.list_issues", "github.search_repositories"]),
            ("READ FILE", &["fs.readTextFile", "fs.list_directory"]),
            ("max lines", &["fs.readTextFile"]),
            ("direct", &["fs.list_directory"]),
            ("branch box", &["mail.send-message"]),
            ("send a message to somebody", &["mail.send-message"]),
            ("nothing like it", &["github.create_issue"]),
            ("xyz", &[]),
            ("", &["fs.list_directory", "fs.readTextFile", "github.create_issue"]),
        ];
        for (query, expected) in table {
            let names = found(query);
            assert!(names.starts_with(&expected.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()), "{query}: {names:?}");
        }
    }

    #[test]
    fn t04_only_allowed_tools_are_found() {
        let index = index();
        let hits = index.search("list issues file", 10, |name| name.upstream() == "fs");
        assert!(!hits.is_empty() && hits.iter().all(|hit| hit.tool.name.upstream() == "fs"));
        assert!(index.search("", 10, |_| false).is_empty());
    }

    #[test]
    fn a_question_is_bounded() {
        let tools = (0..2_000).map(|n| tool(&format!("u.t{n}"), "all have the same words", &["p"]));
        let index = Index::new(tools);
        let hostile = "all have the same words p u t ".repeat(100_000);
        let hits = index.search(&hostile, 5, |_| true);
        assert_eq!(hits.len(), 5);
        let mut left = 2_000;
        let mut scores = vec![0.0; 2_000];
        index.score("t", &mut scores, &mut left);
        assert!(left > 0 && scores.iter().filter(|score| **score > 0.0).count() <= 2_000);
        index.score("all", &mut scores, &mut left);
        assert_eq!(left, 0);
        assert_eq!(stem("s".to_owned()), "s");
    }
}
