//! Search over a catalog: an inverted index of words in names, titles, descriptions and parameters.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::names::snake_case;
use crate::tool::Tool;

/// Words of a query beyond these are ignored.
const QUERY_WORDS: usize = 16;
/// Words of one tool beyond these are ignored.
const TOOL_WORDS: usize = 512;
/// The longest word, in bytes; the rest of a longer one is ignored.
const WORD_BYTES: usize = 40;
/// How many words a prefix may stand for.
const EXPANSIONS: usize = 64;

/// One tool that fits a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The tool's position in the index.
    pub index: usize,
    /// How well it fits; comparable between indexes.
    pub score: f32,
}

/// The words of a list of tools. Made once per list.
#[derive(Debug, Default)]
pub struct Index {
    postings: BTreeMap<String, Vec<(usize, f32)>>,
    tools: usize,
}

impl Index {
    /// Reads the words of all tools.
    pub fn new<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> Index {
        let mut index = Index::default();
        for (at, tool) in tools.into_iter().enumerate() {
            for (word, weight) in words_of(tool) {
                index.postings.entry(word).or_default().push((at, weight));
            }
            index.tools = at + 1;
        }
        index
    }

    /// The tools that fit `query` best among those that `allowed` lets pass, best first.
    pub fn search(&self, query: &str, limit: usize, allowed: &dyn Fn(usize) -> bool) -> Vec<Hit> {
        let mut scores: HashMap<usize, f32> = HashMap::new();
        // SECURITY: each word costs as much as there are tools with it, and each prefix as there are words.
        for word in words(query).take(QUERY_WORDS) {
            let mut best: HashMap<usize, f32> = HashMap::new();
            for (known, postings) in self.expand(&word) {
                let rarity = (1.0 + self.tools as f32 / postings.len() as f32).ln();
                let likeness = if known == word { 1.0 } else { 0.5 };
                for (at, weight) in postings {
                    let score = rarity * likeness * weight / (weight + 1.0);
                    let known = best.entry(*at).or_default();
                    *known = known.max(score);
                }
            }
            for (at, score) in best {
                *scores.entry(at).or_default() += score;
            }
        }
        let mut hits: Vec<Hit> = scores.into_iter().map(|(index, score)| Hit { index, score }).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        hits.into_iter().filter(|hit| allowed(hit.index)).take(limit).collect()
    }

    /// The words that `word` stands for: itself, and what begins with it.
    fn expand<'a>(&'a self, word: &'a str) -> impl Iterator<Item = (&'a str, &'a Vec<(usize, f32)>)> {
        let most = if word.len() < 3 { 1 } else { EXPANSIONS };
        let from = self.postings.range::<str, _>((Bound::Included(word), Bound::Unbounded));
        from.take_while(move |(known, _)| if most == 1 { *known == word } else { known.starts_with(word) })
            .take(most)
            .map(|(known, postings)| (known.as_str(), postings))
    }
}

/// The words of a tool with what they weigh: most in its name.
fn words_of(tool: &Tool) -> HashMap<String, f32> {
    let mut weights = HashMap::new();
    let parameters = tool.input_schema.as_ref().and_then(|schema| schema.get("properties")?.as_object());
    let parameters = parameters.into_iter().flat_map(|properties| properties.keys().map(String::as_str));
    let name = tool.name.to_string();
    let texts = [
        (name.as_str(), 4.0),
        (tool.title.as_deref().unwrap_or(""), 2.0),
        (tool.description.as_deref().unwrap_or(""), 1.0),
    ];
    for (text, weight) in texts.into_iter().chain(parameters.map(|name| (name, 0.5))) {
        for word in words(text) {
            // SECURITY: an upstream's text may be large, and what is kept of each word is larger than the word.
            if weights.len() >= TOOL_WORDS {
                return weights;
            }
            *weights.entry(word).or_default() += weight;
        }
    }
    weights
}

/// The words of a text: small letters, parts of identifiers apart, without the `s` of a plural.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).flat_map(|part| {
        let parts = if part.is_ascii() { snake_case(part) } else { part.to_lowercase() };
        parts.split('_').map(stem).collect::<Vec<_>>()
    })
}

fn stem(word: &str) -> String {
    let word = word.get(..word.floor_char_boundary(WORD_BYTES)).unwrap_or(word);
    match word.strip_suffix('s') {
        Some(singular) if singular.len() > 2 && !singular.ends_with('s') => singular.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::ToolName;

    fn tool(name: &str, description: &str) -> Tool {
        Tool {
            name: ToolName::parse(name).unwrap(),
            title: None,
            description: Some(description.to_owned()),
            input_schema: Some(serde_json::json!({ "properties": { "repositoryOwner": {} } })),
            output_schema: None,
            annotations: None,
        }
    }

    fn search(query: &str) -> Vec<usize> {
        let tools = [
            tool("github.create_issue", "Opens a new issue in a repository"),
            tool("github.listIssues", "Lists the issues of a repository"),
            tool("slack.post", "Posts a message to a channel"),
        ];
        Index::new(&tools).search(query, 2, &|at| at != 2 || query == "message").iter().map(|hit| hit.index).collect()
    }

    #[test]
    fn names_weigh_more_than_descriptions() {
        assert_eq!(search("create issue"), [0, 1]);
        assert_eq!(search("list issues"), [1, 0]);
        assert_eq!(search("message"), [2]);
        assert_eq!(search("post"), [] as [usize; 0]);
    }

    #[test]
    fn words_are_found_by_prefix_and_in_parameters() {
        assert_eq!(search("repo"), [0, 1]);
        assert_eq!(search("owners"), [0, 1]);
        assert_eq!(search("zebra"), [] as [usize; 0]);
        assert_eq!(search(""), [] as [usize; 0]);
    }

    #[test]
    fn r15_only_so_many_words_are_kept_and_looked_at() {
        let numbered = |count: usize| (0..count).map(|n| format!("abc{n:03}")).collect::<Vec<_>>();
        let index = Index::new(&[tool("u.t", &numbered(TOOL_WORDS).join(" "))]);
        // The name has two words of its own.
        let found = |query: &str| index.search(query, 1, &|_| true).len();
        assert_eq!((found(&format!("abc{}", TOOL_WORDS - 3)), found(&format!("abc{}", TOOL_WORDS - 2))), (1, 0));
        let tools: Vec<Tool> = numbered(2 * EXPANSIONS).iter().map(|word| tool("u.t", word)).collect();
        assert_eq!(Index::new(&tools).search("abc", usize::MAX, &|_| true).len(), EXPANSIONS);
        let long = "x".repeat(WORD_BYTES);
        let index = Index::new(&[tool("u.t", &format!("{long}y"))]);
        assert_eq!(index.search(&format!("{long}z"), 1, &|_| true).len(), 1, "the rest of a word is ignored");
    }

    #[test]
    fn long_queries_are_cut() {
        let long = "zebra ".repeat(QUERY_WORDS) + "issue";
        assert_eq!(search(&long), [] as [usize; 0]);
        assert_eq!(search(&"é".repeat(100_000)), [] as [usize; 0]);
    }
}
