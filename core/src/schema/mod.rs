//! JSON Schema of tools: compile it once, check arguments against it.
//!
//! Owns what a schema may cost and what a refusal says. Understands drafts 4 to 2020-12; a reference leaves the
//! document never. Formats and contents are annotations and not checked: the upstream knows its own. Schemas and values
//! are both hostile: everything is bounded before the validator sees it, and a message never carries a whole value.

mod cost;
mod explain;
mod graph;
mod pattern;

use jsonschema::Validator;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode, Result, Shown};

#[cfg(test)]
pub(crate) mod random_tests;
#[cfg(test)]
mod tests;

/// The most bytes of a schema, as its JSON has them (without spaces, give or take escapes).
pub const MAX_SCHEMA_BYTES: usize = 256 << 10;
/// The most values (objects, arrays, texts, numbers) in a schema.
pub const MAX_SCHEMA_NODES: usize = 20_000;
/// The deepest nesting of a schema.
pub const MAX_SCHEMA_DEPTH: usize = 64;
/// The most values in a call's arguments.
pub const MAX_VALUE_NODES: usize = 100_000;
/// The deepest nesting of a call's arguments.
pub const MAX_VALUE_DEPTH: usize = 64;
/// The most messages of one refusal.
pub const MAX_MESSAGES: usize = 5;

/// How much a check asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// What the schema says.
    Permissive,
    /// Also: no property that the schema does not name, unless it allows others in so many words
    /// (`additionalProperties`, `patternProperties` or `unevaluatedProperties`).
    Strict,
}

/// A compiled schema. Share it in an `Arc`.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    graph: cost::Graph,
}

impl Schema {
    /// Compiles a schema. No network, no file; bounded in time and memory.
    ///
    /// # Errors
    /// `invalid_schema` when it is not JSON Schema, too large, too deep, refers outside itself or to itself without
    /// end, or has a pattern that cannot be matched in linear time.
    pub fn compile(schema: &Value) -> Result<Schema> {
        build(schema).map_err(|reason| Error::new(ErrorCode::InvalidSchema, format!("the schema is refused: {reason}")))
    }

    /// Checks arguments that have passed [`check_shape`].
    ///
    /// # Errors
    /// At most [`MAX_MESSAGES`] short messages for the model: where, what was expected, and never a whole value.
    pub fn check(&self, value: &Value, mode: Strictness) -> std::result::Result<(), Vec<String>> {
        let walk = self.graph.walk(value, mode).map_err(|reason| vec![reason])?;
        let is_valid = self.validator.is_valid(value);
        if is_valid && walk.unknown.is_empty() {
            return Ok(());
        }
        let mut messages = walk.unknown;
        if !is_valid {
            match walk.copies {
                ..=explain::MAX_COPIES => explain::messages(&self.validator, value, &mut messages),
                _ => messages.push("the arguments do not fit the tool's input schema".to_owned()),
            }
        }
        messages.truncate(MAX_MESSAGES);
        Err(messages)
    }
}

fn build(schema: &Value) -> std::result::Result<Schema, String> {
    // SECURITY: what follows costs time, memory and stack by size and nesting.
    let mut survey = Survey { max_depth: MAX_SCHEMA_DEPTH, max_nodes: MAX_SCHEMA_NODES, bytes: 0, keys: Vec::new() };
    survey.add(vec![(schema, 1)]).map_err(|reason| format!("its values {reason}"))?;
    if survey.bytes > MAX_SCHEMA_BYTES {
        return Err(format!("it has more than {MAX_SCHEMA_BYTES} bytes"));
    }
    let mut patterns = pattern::Patterns::default();
    let mut nodes = graph::read(schema, &mut patterns)?;
    let plain = graph::write(&mut nodes);
    let graph = cost::Graph::new(nodes)?;
    let validator = pattern::options(&patterns.cache).build(&plain).map_err(|error| explain::message(&error))?;
    Ok(Schema { validator, graph })
}

/// The rules that hold for every call's arguments, with a schema and without, strict or not.
///
/// # Errors
/// A message for the model, when they nest too deep, hold too many values, or have the key `__proto__` anywhere.
pub fn check_shape(arguments: &Value) -> std::result::Result<(), String> {
    let mut survey = Survey { max_depth: MAX_VALUE_DEPTH, max_nodes: MAX_VALUE_NODES, bytes: 0, keys: Vec::new() };
    // SECURITY: what reads the arguments next recurses over them: the host's stack must hold whatever passes here.
    survey.add(vec![(arguments, 1)]).map_err(|reason| format!("the arguments {reason}"))?;
    // SECURITY: an upstream in JavaScript that merges its arguments would change the prototype of all its objects. No
    // schema of good will names this key, while `constructor` may be a name: those are for strict mode.
    if survey.keys.iter().any(|map| map.contains_key("__proto__")) {
        return Err("the key `__proto__` is not allowed in arguments".to_owned());
    }
    Ok(())
}

/// Counts what a value holds, without recursion.
struct Survey<'a> {
    max_depth: usize,
    max_nodes: usize,
    /// The size as JSON, roughly.
    bytes: usize,
    keys: Vec<&'a Map<String, Value>>,
}

impl<'a> Survey<'a> {
    fn add(&mut self, mut stack: Vec<(&'a Value, usize)>) -> std::result::Result<(), String> {
        let mut nodes = 0;
        while let Some((value, depth)) = stack.pop() {
            nodes += 1;
            if depth > self.max_depth {
                return Err(format!("nest deeper than {} levels", self.max_depth));
            }
            if nodes > self.max_nodes {
                return Err(format!("hold more than {} values", self.max_nodes));
            }
            self.bytes += match value {
                Value::String(text) => text.len() + 2,
                Value::Object(map) => map.keys().map(|key| key.len() + 4).sum::<usize>() + 2,
                _ => 8,
            };
            match value {
                Value::Array(items) => stack.extend(items.iter().map(|item| (item, depth + 1))),
                Value::Object(map) => {
                    self.keys.push(map);
                    stack.extend(map.values().map(|item| (item, depth + 1)));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// At most 40 characters of a value, escaped, for a message.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", Shown(text, 40)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
    }
}
