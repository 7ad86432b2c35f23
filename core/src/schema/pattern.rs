//! Regular expressions of schemas: only the engine whose time is linear in the text, with bounded size and number.

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::{PatternCache, PatternOptions, ValidationOptions, Validator};
use serde_json::{Value, json};

use super::short;

/// The longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 2_000;
/// The most different patterns of one schema.
const MAX_PATTERNS: usize = 32;
/// The size of one compiled pattern, in bytes: with `MAX_PATTERNS` a quarter of what a schema may take.
const MAX_COMPILED_BYTES: usize = 64 << 10;
/// Up to this size a pattern runs as a finite automaton whose states fit in `MAX_STATES_BYTES`, a few nanoseconds a
/// byte; a larger one may need its states simulated, up to some microseconds a byte (measured on `[01]*1[01]{n}`).
const LIGHT_COMPILED_BYTES: usize = 4 << 10;
const MAX_STATES_BYTES: usize = 256 << 10;

/// How every schema is compiled, patterns among them.
pub(super) fn options(cache: &PatternCache) -> ValidationOptions<'static> {
    options_within(MAX_COMPILED_BYTES, cache)
}

fn options_within(compiled_bytes: usize, cache: &PatternCache) -> ValidationOptions<'static> {
    // SECURITY: the linear-time engine: look-around and back references are refused, and no text takes more than
    // linear time. Without its limits a short pattern such as `(\w{9999}){99}` takes any amount of memory.
    let engine = PatternOptions::regex().size_limit(compiled_bytes).dfa_size_limit(MAX_STATES_BYTES);
    jsonschema::draft202012::options()
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(engine)
        .with_pattern_cache(cache.clone())
}

/// One compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    /// Whether it must not match.
    negated: bool,
    validator: Validator,
    /// What a byte of text costs, in units of the walk.
    pub(super) weight: u64,
}

impl Pattern {
    /// Whether `text` matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.validator.is_valid(&Value::String(text.to_owned()))
    }

    /// The schema that says the same.
    pub(super) fn to_schema(&self) -> Value {
        let schema = json!({ "pattern": self.text });
        if self.negated { json!({ "not": schema }) } else { schema }
    }
}

/// The patterns of one schema, each compiled once.
#[derive(Default)]
pub(super) struct Patterns {
    pub(super) cache: PatternCache,
    compiled: HashMap<(String, bool), Arc<Pattern>>,
}

impl Patterns {
    /// The parts of the pattern `text`: one, unless it starts with look-aheads.
    pub(super) fn parts(&mut self, text: &str) -> Result<Vec<Arc<Pattern>>, String> {
        match split_lookaheads(text) {
            Some(parts) => parts.iter().map(|(part, negated)| self.get(part, *negated)).collect(),
            None => Ok(vec![self.get(text, false)?]),
        }
    }

    /// The compiled pattern of this text.
    pub(super) fn get(&mut self, text: &str, negated: bool) -> Result<Arc<Pattern>, String> {
        if let Some(pattern) = self.compiled.get(&(text.to_owned(), negated)) {
            return Ok(Arc::clone(pattern));
        }
        // SECURITY: compiling costs time and memory by length and number.
        if text.len() > MAX_PATTERN_BYTES {
            return Err(format!("a pattern has {} bytes, expected at most {MAX_PATTERN_BYTES}", text.len()));
        }
        if self.compiled.len() == MAX_PATTERNS {
            return Err(format!("it has more than {MAX_PATTERNS} different patterns"));
        }
        let schema = json!({ "pattern": text });
        let light = options_within(LIGHT_COMPILED_BYTES, &self.cache).build(&schema);
        // SECURITY: linear time is long when each byte of the text takes microseconds.
        let weight = if light.is_ok() { 1 } else { 128 };
        let validator = light.or_else(|_| options(&self.cache).build(&schema)).map_err(|_| {
            let shown = short(&Value::String(text.to_owned()));
            format!("the pattern {shown} cannot be checked in linear time, or is too large")
        })?;
        let pattern = Arc::new(Pattern { text: text.to_owned(), negated, validator, weight });
        self.compiled.insert((text.to_owned(), negated), Arc::clone(&pattern));
        Ok(pattern)
    }
}

/// `^(?=a)(?!b)c` as `^(?:a)`, not `^(?:b)`, `^c`: what such a pattern means, for an engine without look-ahead.
///
/// Schema libraries write e-mail addresses and passwords that way. `None` for every other shape.
fn split_lookaheads(pattern: &str) -> Option<Vec<(String, bool)>> {
    let mut rest = pattern.strip_prefix('^')?;
    let mut parts = Vec::new();
    loop {
        let negated = rest.starts_with("(?!");
        let Some(body) = rest.strip_prefix(if negated { "(?!" } else { "(?=" }) else { break };
        let end = end_of_group(body)?;
        parts.push((format!("^(?:{})", body.get(..end)?), negated));
        rest = body.get(end + 1..)?;
        if rest.starts_with(['*', '+', '?', '{']) {
            return None;
        }
    }
    // A `|` outside groups would part the look-aheads from the rest.
    let is_alternation = end_of_group(&format!("{rest})")) != Some(rest.len()) || has_top_level_bar(rest);
    if parts.is_empty() || is_alternation {
        return None;
    }
    parts.push((format!("^{rest}"), false));
    Some(parts)
}

/// Where the bracket closes that was open before `text`.
fn end_of_group(text: &str) -> Option<usize> {
    outside_classes(text, 1).find(|(_, depth, _)| *depth == 0).map(|(at, _, _)| at)
}

fn has_top_level_bar(text: &str) -> bool {
    outside_classes(text, 1).any(|(_, depth, c)| depth == 1 && c == '|')
}

/// The characters that are neither escaped nor in a class, with the number of brackets open after each.
fn outside_classes(text: &str, open: usize) -> impl Iterator<Item = (usize, usize, char)> {
    let mut chars = text.char_indices();
    let (mut depth, mut in_class) = (open, false);
    std::iter::from_fn(move || {
        loop {
            let (at, c) = chars.next()?;
            match c {
                '\\' => {
                    chars.next();
                    continue;
                }
                ']' => in_class = false,
                '[' => in_class = true,
                '(' if !in_class => depth += 1,
                ')' if !in_class => depth = depth.saturating_sub(1),
                _ => {}
            }
            if !in_class {
                return Some((at, depth, c));
            }
        }
    })
}
