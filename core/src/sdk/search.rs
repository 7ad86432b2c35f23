//! Search over a catalog: an inverted index of words in names, titles, descriptions and parameters.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::names::snake_case;
use crate::tool::Tool;

/// Words of a query beyond these are ignored.
const QUERY_WORDS: usize = 16;
/// Words of one tool beyond these are ignored.
const TOOL_WORDS: usize = 512;
/// Words of all tools of one list: each tool's share is less when there are very many.
const INDEX_WORDS: usize = 512 << 10;
/// The longest word, in bytes; the rest of a longer one is ignored.
const WORD_BYTES: usize = 40;
/// How many words a prefix may stand for.
const EXPANSIONS: usize = 64;

/// One tool that fits a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The position of the tool's index among those that were searched.
    pub index: usize,
    /// The tool's position in its index.
    pub tool: usize,
    /// How well it fits.
    pub score: f32,
}

/// The tools that have a word, and what it weighs there.
type Postings = Vec<(usize, f32)>;

/// The words of a list of tools. Made once per list.
#[derive(Debug, Default)]
pub struct Index {
    postings: BTreeMap<String, Postings>,
    tools: usize,
}

impl Index {
    /// Reads the words of all tools.
    pub fn new<'a>(tools: impl ExactSizeIterator<Item = &'a Tool>) -> Index {
        let mut index = Index { tools: tools.len(), ..Index::default() };
        // SECURITY: a listing may hold more different words than there is memory for.
        let most = (INDEX_WORDS / index.tools.max(1)).min(TOOL_WORDS);
        for (at, tool) in tools.enumerate() {
            for (word, weight) in words_of(tool, most) {
                index.postings.entry(word).or_default().push((at, weight));
            }
        }
        index
    }

    /// The words that `word` stands for: itself, and what begins with it.
    fn expand<'a>(&'a self, word: &'a str) -> impl Iterator<Item = (&'a str, &'a Postings)> {
        let most = if word.len() < 3 { 1 } else { EXPANSIONS };
        let from = self.postings.range::<str, _>((Bound::Included(word), Bound::Unbounded));
        from.take_while(move |(known, _)| if most == 1 { *known == word } else { known.starts_with(word) })
            .take(most)
            .map(|(known, postings)| (known.as_str(), postings))
    }
}

/// The tools that fit `query` best among those that `allowed` lets pass, best first. How rare a word is counts over all
/// indexes, so that a tool's place does not depend on how many others its upstream has.
pub fn search(indexes: &[&Index], query: &str, limit: usize, allowed: impl Fn(&Hit) -> bool) -> Vec<Hit> {
    let tools: usize = indexes.iter().map(|index| index.tools).sum();
    let mut scores: HashMap<(usize, usize), f32> = HashMap::new();
    for word in words(query).take(QUERY_WORDS) {
        let mut meant: BTreeMap<&str, Vec<(usize, &Postings)>> = BTreeMap::new();
        for (at, index) in indexes.iter().enumerate() {
            for (known, postings) in index.expand(&word) {
                meant.entry(known).or_default().push((at, postings));
            }
        }
        let mut best: HashMap<(usize, usize), f32> = HashMap::new();
        for (known, places) in meant {
            let having: usize = places.iter().map(|(_, postings)| postings.len()).sum();
            let rarity = (1.0 + tools as f32 / having as f32).ln();
            let likeness = if known == word { 1.0 } else { 0.5 };
            for (index, postings) in places {
                for (tool, weight) in postings {
                    let score = rarity * likeness * weight / (weight + 1.0);
                    let known = best.entry((index, *tool)).or_default();
                    *known = known.max(score);
                }
            }
        }
        for (place, score) in best {
            *scores.entry(place).or_default() += score;
        }
    }
    let mut hits: Vec<Hit> = scores.into_iter().map(|((index, tool), score)| Hit { index, tool, score }).collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.index, a.tool).cmp(&(b.index, b.tool))));
    hits.into_iter().filter(allowed).take(limit).collect()
}

/// The first words of a tool with what they weigh: most in its name.
fn words_of(tool: &Tool, most: usize) -> HashMap<String, f32> {
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
            if weights.len() >= most {
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
        let allowed = |hit: &Hit| hit.tool != 2 || query == "message";
        super::search(&[&Index::new(tools.iter())], query, 2, allowed).iter().map(|hit| hit.tool).collect()
    }

    #[test]
    fn a_tool_of_a_large_upstream_has_no_advantage() {
        let mut many: Vec<Tool> = (0..500).map(|at| tool(&format!("large.tool_{at}"), "Does something")).collect();
        many.push(tool("large.other", "Takes a message"));
        let few = [tool("slack.list_channels", "Lists channels"), tool("slack.post_message", "Posts to a channel")];
        let (large, small) = (Index::new(many.iter()), Index::new(few.iter()));
        let places = |indexes: &[&Index]| {
            super::search(indexes, "message", 5, |_| true).iter().map(|hit| (hit.index, hit.tool)).collect::<Vec<_>>()
        };
        assert_eq!(places(&[&large, &small]), [(1, 1), (0, 500)]);
        assert_eq!(places(&[&small, &large]), [(0, 1), (1, 500)]);
        assert!(places(&[]).is_empty());
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
    fn u26_an_index_has_room_for_so_many_words() {
        let many: Vec<Tool> = (0..4_000)
            .map(|at| tool(&format!("x.tool_{at}"), &(0..300).map(|word| format!("w{at}x{word} ")).collect::<String>()))
            .collect();
        let index = Index::new(many.iter());
        let words: usize = index.postings.values().map(Vec::len).sum();
        assert!((INDEX_WORDS / 2..=INDEX_WORDS).contains(&words), "{words}");
        // Its name comes first, so every tool is found by it.
        assert_eq!(super::search(&[&index], "3999", 1, |_| true).first().map(|hit| hit.tool), Some(3_999));
    }

    #[test]
    fn long_queries_are_cut() {
        let long = "zebra ".repeat(QUERY_WORDS) + "issue";
        assert_eq!(search(&long), [] as [usize; 0]);
        assert_eq!(search(&"é".repeat(100_000)), [] as [usize; 0]);
    }
}
