//! What an upstream lists as its tools, page by page, bounded in every direction.
//!
//! A bad tool is dropped with a warning and the rest is used. Schemas are kept as raw values; whether they can be used is
//! for `schema` to say. Names are never repaired: a name that [`ToolName`] refuses is no tool.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::credentials::Redactor;
use crate::error::Shown;
use crate::tool::{Tool, ToolName};

pub(super) const MAX_PAGES: usize = 1_000;
const MAX_TOOLS: usize = 20_000;
const MAX_TOOL_BYTES: usize = 256 << 10;
const MAX_TOTAL_BYTES: usize = 64 << 20;
const MAX_WARNINGS: usize = 100;

/// The tools of an upstream that can be used, and what was wrong with the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolListing {
    /// In the upstream's order.
    pub tools: Vec<Tool>,
    /// For the operator: one line for each tool that was dropped, and for a listing that was cut.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedTool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    input_schema: Option<Value>,
    output_schema: Option<Value>,
    annotations: Option<Value>,
}

/// Collects the pages of one listing.
pub(super) struct Collector<'a> {
    upstream: &'a str,
    redactor: &'a Redactor,
    listing: ToolListing,
    names: HashSet<String>,
    cursors: HashSet<String>,
    total_bytes: usize,
    dropped: usize,
}

impl<'a> Collector<'a> {
    pub(super) fn new(upstream: &'a str, redactor: &'a Redactor) -> Collector<'a> {
        let (names, cursors) = (HashSet::new(), HashSet::new());
        Collector { upstream, redactor, listing: ToolListing::default(), names, cursors, total_bytes: 0, dropped: 0 }
    }

    /// Takes the raw result of one `tools/list`. Returns the next page's cursor if there is one to be asked for, `None`
    /// at the end, and an error when the page cannot be read at all.
    pub(super) fn page(&mut self, raw: &str) -> Result<Option<String>, serde_json::Error> {
        let page: Page<'_> = serde_json::from_str(raw)?;
        for tool in page.tools {
            self.total_bytes += tool.get().len();
            // SECURITY: an upstream decides how much it lists, Conduit how much it keeps.
            if self.listing.tools.len() >= MAX_TOOLS || self.total_bytes > MAX_TOTAL_BYTES {
                self.cut(&format!("more than {MAX_TOOLS} tools or {MAX_TOTAL_BYTES} bytes"));
                return Ok(None);
            }
            match self.tool(tool) {
                Ok(tool) => self.listing.tools.push(tool),
                Err(warning) => self.warn(warning),
            }
        }
        let Some(cursor) = page.next_cursor else { return Ok(None) };
        // SECURITY: a cursor that comes back, or ever new ones, would go on for ever.
        if cursor.len() > MAX_TOOL_BYTES || !self.cursors.insert(cursor.clone()) {
            self.cut("the same page again");
            return Ok(None);
        }
        if self.cursors.len() >= MAX_PAGES {
            self.cut(&format!("more than {MAX_PAGES} pages"));
            return Ok(None);
        }
        Ok(Some(cursor))
    }

    fn tool(&mut self, raw: &RawValue) -> Result<Tool, String> {
        let upstream = self.upstream;
        if raw.get().len() > MAX_TOOL_BYTES {
            return Err(format!("a tool of `{upstream}` was dropped: larger than {MAX_TOOL_BYTES} bytes"));
        }
        let raw = self.redactor.json(raw.get().to_owned());
        let listed: ListedTool = serde_json::from_str(&raw)
            .map_err(|error| format!("a tool of `{upstream}` was dropped: not as MCP describes it ({error})"))?;
        let shown = Shown(&listed.name, 80).to_string();
        let dropped = |why: &str| format!("tool `{shown}` of `{upstream}` was dropped: {why}");
        let name =
            ToolName::new(upstream, &listed.name).map_err(|_| dropped("its name is not 1 to 128 of A-Za-z0-9_-./"))?;
        let is_schema = |schema: &Option<Value>| schema.as_ref().is_none_or(Value::is_object);
        if !is_schema(&listed.input_schema) || !is_schema(&listed.output_schema) {
            return Err(dropped("its schema is not an object"));
        }
        if !self.names.insert(listed.name) {
            return Err(dropped("it is listed twice"));
        }
        Ok(Tool {
            name,
            title: listed.title,
            description: listed.description,
            input_schema: listed.input_schema,
            output_schema: listed.output_schema,
            annotations: listed.annotations,
        })
    }

    fn warn(&mut self, warning: String) {
        self.dropped += 1;
        if self.dropped <= MAX_WARNINGS {
            self.listing.warnings.push(self.redactor.text(warning));
        }
    }

    fn cut(&mut self, why: &str) {
        self.listing.warnings.push(format!(
            "the tools of `{}` after the first {} were dropped: {why}",
            self.upstream,
            self.listing.tools.len()
        ));
    }

    /// What has been collected.
    pub(super) fn finish(mut self) -> ToolListing {
        if let Some(more @ 1..) = self.dropped.checked_sub(MAX_WARNINGS) {
            self.listing.warnings.push(format!("{more} more tools of `{}` were dropped", self.upstream));
        }
        self.listing
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn collect(pages: &[Value]) -> ToolListing {
        let redactor = Redactor::default();
        let mut collector = Collector::new("x", &redactor);
        for page in pages {
            if collector.page(&page.to_string()).unwrap().is_none() {
                break;
            }
        }
        collector.finish()
    }

    fn names(listing: &ToolListing) -> Vec<&str> {
        listing.tools.iter().map(|tool| tool.name.tool()).collect()
    }

    #[test]
    fn u26_bad_names_are_dropped_one_by_one() {
        let good =
            ["__proto__", "constructor", "toString", "then", "class", "__init__", "__del__", "a.b", "a__b", "a/b"];
        let bad = [
            "",
            "$raw",
            "a b",
            "a\nb",
            "naïve",
            "🦀",
            "\u{202e}gpj",
            "x\", {}); evil(); (\"",
            "a\0",
            &"n".repeat(1_000_000),
        ];
        let tools: Vec<Value> = good.iter().chain(&bad).map(|name| json!({"name": name, "inputSchema": {}})).collect();
        let listing = collect(&[json!({"tools": tools})]);
        assert_eq!(names(&listing), good);
        assert_eq!(listing.warnings.len(), bad.len());
        assert!(
            listing.warnings.iter().all(|warning| warning.len() < 300 && !warning.contains('\n')),
            "{:?}",
            listing.warnings
        );
        assert_eq!(listing.warnings[3], "tool `a\\nb` of `x` was dropped: its name is not 1 to 128 of A-Za-z0-9_-./");
    }

    #[test]
    fn u26_malformed_oversized_and_repeated_tools_are_dropped() {
        let listing = collect(&[json!({"tools": [
            {"name": "a", "description": "first"},
            {"name": "big", "description": "d".repeat(10_000_000)},
            {"name": 7},
            "text",
            {"description": "nameless"},
            {"name": "b", "inputSchema": true},
            {"name": "c", "outputSchema": []},
            {"name": "a", "description": "second"},
            {"name": "z", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}, "unknown": 1},
        ]})]);
        assert_eq!(names(&listing), ["a", "z"]);
        assert_eq!(listing.tools[0].description.as_deref(), Some("first"));
        assert_eq!(listing.warnings.len(), 7);
        assert_eq!(listing.warnings[6], "tool `a` of `x` was dropped: it is listed twice");
    }

    #[test]
    fn u26_endless_pages_end() {
        let page =
            |index: usize, cursor: String| json!({"tools": [{"name": format!("t{index}")}], "nextCursor": cursor});
        let same: Vec<Value> = (0..10).map(|index| page(index, "again".into())).collect();
        let listing = collect(&same);
        assert_eq!(names(&listing), ["t0", "t1"]);
        assert_eq!(listing.warnings, ["the tools of `x` after the first 2 were dropped: the same page again"]);
        let new: Vec<Value> = (0..2 * MAX_PAGES).map(|index| page(index, index.to_string())).collect();
        assert_eq!(collect(&new).tools.len(), MAX_PAGES);
    }

    #[test]
    fn u26_a_hundred_thousand_tools_are_cut() {
        let tools: Vec<Value> = (0..100_000).map(|index| json!({"name": format!("t{index}")})).collect();
        let listing = collect(&[json!({"tools": tools, "nextCursor": "more"})]);
        assert_eq!((listing.tools.len(), listing.warnings.len()), (MAX_TOOLS, 1));
        let bad: Vec<Value> = (0..1_000).map(|_| json!({"name": ""})).collect();
        let listing = collect(&[json!({"tools": bad})]);
        assert_eq!(listing.warnings.len(), MAX_WARNINGS + 1);
        assert_eq!(listing.warnings[MAX_WARNINGS], "900 more tools of `x` were dropped");
    }

    #[test]
    fn u26_many_large_tools_are_cut() {
        let page = |index: usize| {
            let tools: Vec<Value> =
                (0..10).map(|n| json!({"name": format!("t{index}_{n}"), "description": "d".repeat(200_000)})).collect();
            json!({"tools": tools, "nextCursor": index.to_string()})
        };
        let redactor = Redactor::default();
        let mut collector = Collector::new("x", &redactor);
        let pages = (0..).take_while(|index| collector.page(&page(*index).to_string()).unwrap().is_some()).count();
        assert!(pages * 2_000_000 <= MAX_TOTAL_BYTES, "{pages}");
        assert_eq!(collector.finish().warnings.len(), 1);
    }
}
