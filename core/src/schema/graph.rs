//! A JSON Schema as a graph of subschemas, whatever its draft, and back to plain 2020-12.
//!
//! Owns the reading of keywords and references. Every reference is resolved here, within the document, so that the
//! validator sees no `$id`, `$anchor`, `$dynamicRef` or `$schema`, only `$ref` to `#/$defs/<number>`. Keywords of all
//! drafts are understood in all drafts; formats and contents are annotations and are not read.
//! Never recursive over references; recursion over nesting is bounded by `MAX_SCHEMA_DEPTH`, which is checked before.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::cost::weight;
use super::pattern::{Pattern, Patterns};
use super::short;
use crate::refs::{References, Unresolved};

/// A subschema's number.
pub(super) type Id = usize;

/// A keyword that applies subschemas, in its 2020-12 spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    AllOf,
    AnyOf,
    OneOf,
    Not,
    If,
    Then,
    Else,
    DependentSchemas,
    Properties,
    PatternProperties,
    AdditionalProperties,
    UnevaluatedProperties,
    PropertyNames,
    PrefixItems,
    Items,
    Contains,
    UnevaluatedItems,
}

use Keyword::*;

impl Keyword {
    const ALL: [(Keyword, &str); 17] = [
        (AllOf, "allOf"),
        (AnyOf, "anyOf"),
        (OneOf, "oneOf"),
        (Not, "not"),
        (If, "if"),
        (Then, "then"),
        (Else, "else"),
        (DependentSchemas, "dependentSchemas"),
        (Properties, "properties"),
        (PatternProperties, "patternProperties"),
        (AdditionalProperties, "additionalProperties"),
        (UnevaluatedProperties, "unevaluatedProperties"),
        (PropertyNames, "propertyNames"),
        (PrefixItems, "prefixItems"),
        (Items, "items"),
        (Contains, "contains"),
        (UnevaluatedItems, "unevaluatedItems"),
    ];

    /// Whether the subschemas apply to the same value as the schema that holds them.
    pub(super) fn is_in_place(self) -> bool {
        matches!(self, AllOf | AnyOf | OneOf | Not | If | Then | Else | DependentSchemas)
    }

    fn name(self) -> &'static str {
        Keyword::ALL.iter().find(|(keyword, _)| *keyword == self).map_or("", |(_, name)| name)
    }
}

/// The subschemas of one keyword.
#[derive(Debug)]
pub(super) enum Part {
    One(Id),
    List(Vec<Id>),
    Map(BTreeMap<String, Id>),
}

impl Part {
    /// The numbers of all its subschemas.
    pub(super) fn ids(&self) -> Vec<Id> {
        match self {
            Part::One(id) => vec![*id],
            Part::List(ids) => ids.clone(),
            Part::Map(map) => map.values().copied().collect(),
        }
    }
}

/// What a subschema compares its value with as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Nothing,
    Options,
    Items,
}

/// One subschema.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parts: Vec<(Keyword, Part)>,
    /// The schema `false`.
    pub(super) never: bool,
    /// What checking its own assertions costs, in units of the walk.
    pub(super) weight: u64,
    pub(super) compare: Compare,
    /// The patterns of its own text, as parts that must all hold.
    pub(super) text: Vec<Arc<Pattern>>,
    /// The patterns of property names, with the subschemas of what they match.
    pub(super) names: Vec<(Arc<Pattern>, Id)>,
    assertions: Map<String, Value>,
    nullable: bool,
    shared: bool,
}

impl Node {
    /// The subschemas of `keyword`, if it is there.
    pub(super) fn part(&self, keyword: Keyword) -> Option<&Part> {
        self.parts.iter().find(|(held, _)| *held == keyword).map(|(_, part)| part)
    }

    /// The subschema of a keyword that has one.
    pub(super) fn one(&self, keyword: Keyword) -> Option<Id> {
        match self.part(keyword)? {
            Part::One(id) => Some(*id),
            Part::List(_) | Part::Map(_) => None,
        }
    }
}

/// Assertions that are passed on as they are. `nullable`, old spellings and references are rewritten.
const ASSERTIONS: [&str; 20] = [
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
];

/// Reads a schema. Nodes are made once per JSON value and queued, so references of any shape end.
pub(super) struct Reader<'a> {
    references: References<'a>,
    /// In drafts up to 7, `$ref` hides its siblings.
    lone_ref: bool,
    known: HashMap<*const Value, Id>,
    queue: Vec<&'a Value>,
    nodes: Vec<Node>,
    referenced: Vec<Id>,
    patterns: &'a mut Patterns,
}

/// Reads `root` into nodes; the root is number 0.
pub(super) fn read<'a>(root: &'a Value, patterns: &'a mut Patterns) -> Result<Vec<Node>, String> {
    let mut reader = Reader {
        references: References::new(root),
        lone_ref: is_legacy(root)?,
        known: HashMap::new(),
        queue: Vec::new(),
        nodes: Vec::new(),
        referenced: Vec::new(),
        patterns,
    };
    reader.id_of(root);
    while let Some(raw) = reader.queue.get(reader.nodes.len()) {
        let node = reader.node(raw)?;
        reader.nodes.push(node);
    }
    for id in reader.referenced {
        if let Some(node) = reader.nodes.get_mut(id) {
            node.shared = true;
        }
    }
    Ok(reader.nodes)
}

/// Whether the root names a draft up to 7. Without `$schema` the dialect is 2020-12, as MCP says.
fn is_legacy(root: &Value) -> Result<bool, String> {
    let Some(dialect) = root.get("$schema") else { return Ok(false) };
    let uri = dialect.as_str().unwrap_or_default().trim_end_matches('#');
    match uri.split_once("://json-schema.org/").map(|(_, path)| path) {
        Some("draft-04/schema" | "draft-06/schema" | "draft-07/schema") => Ok(true),
        Some("draft/2019-09/schema" | "draft/2020-12/schema") => Ok(false),
        _ => Err(format!("`$schema` is {}, expected draft-04 to draft 2020-12", short(dialect))),
    }
}

impl<'a> Reader<'a> {
    fn id_of(&mut self, raw: &'a Value) -> Id {
        let next = self.queue.len();
        let id = *self.known.entry(std::ptr::from_ref(raw)).or_insert(next);
        if id == next {
            self.queue.push(raw);
        }
        id
    }

    fn node(&mut self, raw: &'a Value) -> Result<Node, String> {
        let mut node = Node {
            parts: Vec::new(),
            never: *raw == Value::Bool(false),
            weight: 1,
            compare: Compare::Nothing,
            text: Vec::new(),
            names: Vec::new(),
            assertions: Map::new(),
            nullable: false,
            shared: false,
        };
        let schema = match raw {
            Value::Bool(_) => return Ok(node),
            Value::Object(schema) => schema,
            _ => return Err(format!("a subschema is {}, expected an object or a boolean", short(raw))),
        };
        let references = self.references_of(schema)?;
        let mut parts = BTreeMap::new();
        if references.is_empty() || !self.lone_ref {
            node.nullable = schema.get("nullable") == Some(&Value::Bool(true));
            self.read_parts(schema, &mut parts)?;
            self.read_assertions(schema, &mut node)?;
        }
        self.referenced.extend(&references);
        if !references.is_empty() {
            match parts.entry(AllOf as u8).or_insert((AllOf, Part::List(Vec::new()))) {
                (_, Part::List(list)) => list.extend(references),
                (_, Part::One(_) | Part::Map(_)) => {}
            }
        }
        node.parts = parts.into_values().collect();
        if let Some(Part::Map(map)) = node.part(PatternProperties) {
            let compiled = map.iter().map(|(text, id)| Ok((self.patterns.get(text, false)?, *id)));
            node.names = compiled.collect::<Result<_, String>>()?;
        }
        Ok(node)
    }

    /// What `$ref` and its relatives name. In one document without embedded resources all three mean the same.
    fn references_of(&mut self, schema: &'a Map<String, Value>) -> Result<Vec<Id>, String> {
        let mut ids = Vec::new();
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(reference) = schema.get(keyword) {
                let text =
                    reference.as_str().ok_or_else(|| format!("`$ref` is {}, expected text", short(reference)))?;
                let target = self.references.resolve(text).map_err(|why| unresolved(reference, why))?;
                ids.push(self.id_of(target));
            }
        }
        Ok(ids)
    }

    fn read_parts(
        &mut self,
        schema: &'a Map<String, Value>,
        parts: &mut BTreeMap<u8, (Keyword, Part)>,
    ) -> Result<(), String> {
        for (keyword, name) in Keyword::ALL {
            let Some(value) = schema.get(name) else { continue };
            let (keyword, part) = match (keyword, value) {
                (AllOf | AnyOf | OneOf | PrefixItems, Value::Array(list)) => (keyword, self.list(list)),
                // An array of schemas is how drafts before 2020-12 write `prefixItems`.
                (Items, Value::Array(list)) => (PrefixItems, self.list(list)),
                (DependentSchemas | Properties | PatternProperties, Value::Object(map)) => {
                    (keyword, self.map(map.iter()))
                }
                (AllOf | AnyOf | OneOf | PrefixItems | DependentSchemas | Properties | PatternProperties, _) => {
                    return Err(format!("`{name}` is {}, expected subschemas", short(value)));
                }
                _ => (keyword, Part::One(self.id_of(value))),
            };
            parts.insert(keyword as u8, (keyword, part));
        }
        if let (Some(Value::Array(_)), Some(rest)) = (schema.get("items"), schema.get("additionalItems")) {
            let rest = Part::One(self.id_of(rest));
            parts.insert(Items as u8, (Items, rest));
        }
        if let Some(Value::Object(dependencies)) = schema.get("dependencies") {
            let map = self.map(dependencies.iter().filter(|(_, value)| !value.is_array()));
            parts.entry(DependentSchemas as u8).or_insert((DependentSchemas, map));
        }
        Ok(())
    }

    fn list(&mut self, list: &'a [Value]) -> Part {
        Part::List(list.iter().map(|item| self.id_of(item)).collect())
    }

    fn map(&mut self, entries: impl Iterator<Item = (&'a String, &'a Value)>) -> Part {
        Part::Map(entries.map(|(name, value)| (name.clone(), self.id_of(value))).collect())
    }

    fn read_assertions(&mut self, schema: &Map<String, Value>, node: &mut Node) -> Result<(), String> {
        for name in ASSERTIONS {
            if let Some(value) = schema.get(name) {
                node.assertions.insert(name.to_owned(), value.clone());
            }
        }
        for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            rewrite_draft_4_bound(&mut node.assertions, exclusive, bound);
        }
        // OpenAPI and draft 3 write it on the property; which object it would bind is gone.
        if node.assertions.get("required").is_some_and(Value::is_boolean) {
            node.assertions.remove("required");
        }
        if let Some(Value::Object(dependencies)) = schema.get("dependencies") {
            let required = dependencies.iter().filter(|(_, value)| value.is_array());
            let required: Map<_, _> = required.map(|(name, value)| (name.clone(), value.clone())).collect();
            node.assertions.entry("dependentRequired").or_insert(Value::Object(required));
        }
        for name in ["enum", "const"] {
            if let Some(options) = node.assertions.get(name) {
                node.weight += weight(options);
                node.compare = Compare::Options;
            }
        }
        for name in ["required", "dependentRequired"] {
            node.weight += node.assertions.get(name).map_or(0, weight);
        }
        if node.assertions.get("uniqueItems") == Some(&Value::Bool(true)) {
            node.compare = Compare::Items;
        }
        if let Some(Value::String(pattern)) = node.assertions.get("pattern") {
            node.text = self.patterns.parts(pattern)?;
        }
        Ok(())
    }
}

fn unresolved(reference: &Value, why: Unresolved) -> String {
    match why {
        Unresolved::Foreign => format!("`$ref` to {} leaves the document, which is refused", short(reference)),
        Unresolved::Embedded => "`$ref` beside an `$id` inside the schema is not supported".to_owned(),
        Unresolved::Unknown => format!("`$ref` to {} names nothing, or more than one schema", short(reference)),
    }
}

/// `minimum: 1, exclusiveMinimum: true` of draft 4 is `exclusiveMinimum: 1`.
fn rewrite_draft_4_bound(assertions: &mut Map<String, Value>, exclusive: &str, bound: &str) {
    let Some(Value::Bool(is_exclusive)) = assertions.get(exclusive).cloned() else { return };
    assertions.remove(exclusive);
    if is_exclusive && let Some(limit) = assertions.remove(bound) {
        assertions.insert(exclusive.to_owned(), limit);
    }
}

/// The nodes as one 2020-12 schema. Takes the assertions out of the nodes.
pub(super) fn write(nodes: &mut [Node]) -> Value {
    let shared: Vec<Id> = (0..nodes.len()).filter(|id| nodes.get(*id).is_some_and(|node| node.shared)).collect();
    let mut root = write_node(nodes, 0);
    let definitions: Map<_, _> = shared.into_iter().map(|id| (id.to_string(), write_body(nodes, id))).collect();
    if let Some(root) = root.as_object_mut() {
        root.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

fn write_node(nodes: &mut [Node], id: Id) -> Value {
    if nodes.get(id).is_some_and(|node| node.shared) {
        json!({ "$ref": format!("#/$defs/{id}") })
    } else {
        write_body(nodes, id)
    }
}

fn write_body(nodes: &mut [Node], id: Id) -> Value {
    let Some(node) = nodes.get_mut(id) else { return Value::Bool(true) };
    if node.never {
        return Value::Bool(false);
    }
    let mut body = std::mem::take(&mut node.assertions);
    let nullable = node.nullable;
    let text: Vec<Value> = node.text.iter().map(|pattern| pattern.to_schema()).collect();
    let parts = std::mem::take(&mut node.parts);
    for (keyword, part) in &parts {
        let value = match part {
            Part::One(id) => write_node(nodes, *id),
            Part::List(ids) => ids.iter().map(|id| write_node(nodes, *id)).collect(),
            Part::Map(map) => map.iter().map(|(name, id)| (name.clone(), write_node(nodes, *id))).collect(),
        };
        body.insert(keyword.name().to_owned(), value);
    }
    if let Some(node) = nodes.get_mut(id) {
        node.parts = parts;
    }
    if text.len() > 1 {
        body.remove("pattern");
        if let Value::Array(all) = body.entry("allOf").or_insert_with(|| json!([])) {
            all.extend(text);
        }
    }
    match nullable {
        true => json!({ "anyOf": [body, { "type": "null" }] }),
        false => Value::Object(body),
    }
}
