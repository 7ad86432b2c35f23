//! YAML or JSON text as a tree that knows its lines, and typed reading of it with errors that say where.
//!
//! Owns the syntax and `${VAR}`. Knows no key of the config. No error quotes a value: it could be a secret.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, UserMessageFormatter};

use crate::error::{Error, ErrorCode, Result, Shown};

/// How deep a config may be nested.
const DEPTH: usize = 16;
/// How many values it may have, those that aliases repeat included.
const NODES: usize = 20_000;

/// Where `${VAR}` comes from; `None` where texts are taken as they are.
pub(super) type Environment<'a> = Option<&'a dyn Fn(&str) -> Option<String>>;

/// One value of the text. No `Debug`: it may be a secret.
enum Value {
    Null,
    Flag(bool),
    /// As JSON writes it.
    Number(String),
    Text(String),
    List(Vec<Spanned<Value>>),
    Map(Vec<(Spanned<String>, Spanned<Value>)>),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Flag(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        struct AnyValue;
        impl<'de> Visitor<'de> for AnyValue {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
                Ok(Value::Flag(flag))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Number(number.to_string()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Value::Map(map))
            }
        }
        deserializer.deserialize_any(AnyValue)
    }
}

/// A whole document.
pub(super) struct Tree(Spanned<Value>);

impl Tree {
    /// Parses YAML; JSON is YAML.
    ///
    /// # Errors
    /// `invalid_config` when it is not YAML, has a key twice, or is nested or repeated beyond measure.
    pub(super) fn parse(text: &str) -> Result<Tree> {
        let budget = serde_saphyr::budget! {
            // SECURITY: whatever reads the tree recurses.
            max_depth: DEPTH,
            // SECURITY: what aliases repeat counts, so that a small text does not become a large tree.
            max_nodes: NODES,
        };
        let options = serde_saphyr::options! {
            budget: budget,
            // SECURITY: a key that is there twice is no guess but an error.
            duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
            strict_booleans: true,
            leading_zero_numbers_as_strings: true,
            reject_unsupported_tags: true,
            // SECURITY: an error does not show the lines around it, which may hold a secret.
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map(Tree).map_err(|error| {
            let shown = error.render_with_formatter(&UserMessageFormatter);
            // SECURITY: a secret that begins with `!` reads as a tag, which the error would name.
            let shown = match shown.split_once("unsupported tag `").and_then(|(_, tag)| tag.rsplit_once('`')) {
                Some((_, place)) => format!("a tag is not supported{place}, put a text that begins with `!` in quotes"),
                None => shown,
            };
            Error::new(ErrorCode::InvalidConfig, format!("cannot be read: {shown}"))
        })
    }

    /// The outermost value.
    pub(super) fn root<'a>(&'a self, environment: Environment<'a>) -> At<'a> {
        At { path: String::new(), node: &self.0, environment }
    }
}

/// One value and the way to it.
#[derive(Clone)]
pub(super) struct At<'a> {
    path: String,
    node: &'a Spanned<Value>,
    environment: Environment<'a>,
}

/// A text, and the names and values of the variables within it.
pub(super) struct Expanded {
    pub(super) text: String,
    pub(super) variables: Vec<(String, String)>,
}

impl<'a> At<'a> {
    /// The keys that led here, such as `upstreams[0].url`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether nothing is written here.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    /// Whether this is a map.
    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// An error about this value: `problem` goes on after its path.
    pub(super) fn error(&self, problem: impl fmt::Display) -> Error {
        let place = if self.path.is_empty() { "the config".to_owned() } else { format!("`{}`", self.path) };
        error_at(self.node, format!("{place} {problem}"))
    }

    fn expected(&self, what: &str) -> Error {
        self.error(format!("must be {what}, got {}", self.node.value.kind()))
    }

    fn below(&self, path: String, node: &'a Spanned<Value>) -> At<'a> {
        At { path, node, environment: self.environment }
    }

    /// A text on one line, with its variables.
    pub(super) fn text(&self) -> Result<String> {
        self.expanded().map(|expanded| expanded.text)
    }

    /// A text on one line, with its variables.
    pub(super) fn expanded(&self) -> Result<Expanded> {
        let expanded = self.expanded_lines()?;
        // SECURITY: no line break or control character gets into a URL, a header or a command by way of a variable.
        if expanded.text.chars().any(char::is_control) {
            return Err(self.error("must be one line without control characters"));
        }
        Ok(expanded)
    }

    /// A text of any number of lines, with its variables.
    pub(super) fn expanded_lines(&self) -> Result<Expanded> {
        match &self.node.value {
            Value::Text(text) => self.expand(text),
            Value::Number(_) | Value::Flag(_) => {
                Err(self.error(format!("must be a text, got {}: put it in quotes", self.node.value.kind())))
            }
            _ => Err(self.expected("a text")),
        }
    }

    /// A number or a text, as text.
    pub(super) fn number_or_text(&self, what: &str) -> Result<String> {
        match &self.node.value {
            Value::Number(number) => Ok(number.clone()),
            Value::Text(_) => self.text(),
            _ => Err(self.expected(what)),
        }
    }

    /// A whole number of at least 0.
    pub(super) fn count(&self, allowed: RangeInclusive<u32>) -> Result<u32> {
        let what = "a whole number";
        let text = self.number_or_text(what)?;
        text.parse()
            .ok()
            .filter(|count| allowed.contains(count))
            .ok_or_else(|| self.error(format!("must be {what} from {} to {}", allowed.start(), allowed.end())))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Result<bool> {
        match &self.node.value {
            Value::Flag(flag) => Ok(*flag),
            Value::Text(_) => self.text()?.parse().map_err(|_| self.error("must be `true` or `false`")),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    /// The items of a list.
    pub(super) fn list(&self) -> Result<Vec<At<'a>>> {
        let Value::List(items) = &self.node.value else { return Err(self.expected("a list")) };
        let item = |(index, node)| self.below(format!("{}[{index}]", self.path), node);
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The entries of a map whose keys are free.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, At<'a>)>> {
        let Value::Map(entries) = &self.node.value else { return Err(self.expected("a map")) };
        let entry = |(key, node): &'a (Spanned<String>, Spanned<Value>)| {
            let path = if self.path.is_empty() { key.value.clone() } else { format!("{}.{}", self.path, key.value) };
            (key.value.as_str(), self.below(path, node))
        };
        Ok(entries.iter().map(entry).collect())
    }

    /// The entries of a map whose keys are `known`.
    pub(super) fn fields(&self, known: &[&str]) -> Result<Fields<'a>> {
        let entries = self.entries()?;
        // SECURITY: a key that is not known is never skipped: it may be a misspelt restriction.
        if let Value::Map(written) = &self.node.value
            && let Some((key, _)) = written.iter().find(|(key, _)| !known.contains(&key.value.as_str()))
        {
            let place = if self.path.is_empty() { "the config".to_owned() } else { format!("`{}`", self.path) };
            let shown = Shown(&key.value, 80);
            let message = format!("unknown key `{shown}` in {place}, {}", meant(&shown.to_string(), known));
            return Err(error_at(key, message));
        }
        Ok(Fields { at: self.clone(), entries })
    }

    /// Replaces `${VAR}` and `${VAR:-default}`; `$${` stands for `${`. What a variable holds is not looked at again.
    fn expand(&self, text: &str) -> Result<Expanded> {
        let Some(environment) = self.environment else {
            return Ok(Expanded { text: text.to_owned(), variables: Vec::new() });
        };
        let mut expanded = Expanded { text: String::with_capacity(text.len()), variables: Vec::new() };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                expanded.text.push_str(before);
                expanded.text.push_str("${");
                rest = after;
                continue;
            }
            expanded.text.push_str(before);
            let malformed = || {
                self.error("has a `${` that is not `${NAME}` or `${NAME:-default}`, write `$${` for the text itself")
            };
            let (inside, after) = after.split_once('}').ok_or_else(malformed)?;
            let (name, default) = match inside.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            if !is_variable(name) {
                return Err(malformed());
            }
            // SECURITY: a variable that is not set is an error, never an empty token or an empty list.
            match (environment(name).filter(|value| !value.is_empty()), default) {
                (Some(value), _) => {
                    expanded.text.push_str(&value);
                    expanded.variables.push((name.to_owned(), value));
                }
                (None, Some(default)) => expanded.text.push_str(default),
                (None, None) => {
                    return Err(self.error(format!("needs the environment variable `{name}`, which is not set")));
                }
            }
            rest = after;
        }
        expanded.text.push_str(rest);
        Ok(expanded)
    }
}

/// A map whose keys are all known.
pub(super) struct Fields<'a> {
    at: At<'a>,
    entries: Vec<(&'a str, At<'a>)>,
}

impl<'a> Fields<'a> {
    /// The value of `key`, if it is there and is not empty.
    pub(super) fn get(&self, key: &str) -> Option<&At<'a>> {
        self.written(key).filter(|at| !at.is_null())
    }

    /// The value of `key`, even if it is empty.
    pub(super) fn written(&self, key: &str) -> Option<&At<'a>> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, at)| at)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// `invalid_config` when it is not there.
    pub(super) fn require(&self, key: &str) -> Result<&At<'a>> {
        self.written(key).ok_or_else(|| self.at.error(format!("has no `{key}`")))
    }
}

fn error_at<T>(node: &Spanned<T>, message: String) -> Error {
    Error::new(ErrorCode::InvalidConfig, format!("line {}: {message}", node.referenced.line()))
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What somebody who wrote `word` may have meant: the nearest of `known`, else all of them.
pub(super) fn meant(word: &str, known: &[&str]) -> String {
    let folded = |word: &str| word.replace(['_', '-'], "").to_lowercase();
    let distance = |known: &str| strsim::osa_distance(&folded(word), &folded(known));
    match known.iter().map(|known| (distance(known), known)).min() {
        Some((distance, nearest)) if distance <= nearest.len() / 3 => format!("did you mean `{nearest}`?"),
        _ => format!("expected `{}`", known.join("`, `")),
    }
}
