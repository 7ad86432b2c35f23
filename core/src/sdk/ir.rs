//! JSON Schema as a small language of types, from which declarations are printed.
//!
//! Owns what of a schema a type can say; what it cannot becomes a hint beside it, and what cannot be read becomes
//! `Unknown` with a note. References stay within the document. Reads any JSON whatsoever, in bounded time and depth:
//! this is for reading only, and `schema` checks.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::references::{Targets, name_of};

/// The most values of a schema that is read at all, and the most that are made of it.
const MAX_NODES: usize = 4_000;
/// The most bytes of names, values and texts that are taken from it. References can repeat what stands there once.
pub(super) const MAX_BYTES: usize = 512 << 10;
/// What a name or a value takes beside itself where it is printed.
const ROW_BYTES: usize = 32;
/// The deepest nesting of types.
pub(super) const MAX_DEPTH: usize = 24;
/// The most values of one `enum` that are listed.
const MAX_LITERALS: usize = 100;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// Anything.
    Unknown,
    /// Nothing.
    Never,
    Null,
    Boolean,
    Integer,
    Number,
    String,
    /// One text, number or truth value.
    Literal(Value),
    Array(Box<Type>),
    /// The first items, how many of them there must be, and what the others are, if there may be others.
    Tuple(Vec<Type>, usize, Option<Box<Type>>),
    Object(Object),
    Union(Vec<Type>),
    Intersection(Vec<Type>),
    /// The definition with this number.
    Named(usize),
}

/// An object's properties and, if it may have others, what those are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Object {
    pub(super) fields: Vec<Field>,
    pub(super) rest: Option<Box<Type>>,
}

/// One property.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) is_optional: bool,
    pub(super) doc: Doc,
}

/// What is said about a type: an upstream's text and hints, neither of them escaped.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Doc {
    pub(super) text: String,
    pub(super) hints: Vec<(&'static str, String)>,
}

/// A type that is recursive or used more than once.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) doc: Doc,
}

/// A schema, read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) kind: Type,
    pub(super) doc: Doc,
    pub(super) definitions: Vec<Definition>,
}

impl Type {
    /// About how many bytes of text it becomes.
    pub(super) fn bytes(&self) -> usize {
        let held = match self {
            Type::Literal(Value::String(text)) => text.len(),
            Type::Array(item) => item.bytes(),
            Type::Tuple(items, _, rest) => items.iter().chain(rest.as_deref()).map(Type::bytes).sum(),
            Type::Object(object) => {
                let field = |field: &Field| field.name.len() + field.kind.bytes() + field.doc.bytes();
                object.fields.iter().map(field).sum::<usize>() + object.rest.as_ref().map_or(0, |rest| rest.bytes())
            }
            Type::Union(kinds) | Type::Intersection(kinds) => kinds.iter().map(Type::bytes).sum(),
            _ => 0,
        };
        held + ROW_BYTES
    }
}

impl Document {
    /// Whether `{}` is a value of it.
    pub(super) fn may_be_omitted(&self) -> bool {
        may_be_omitted(&self.kind, &self.definitions, &mut HashMap::new())
    }
}

/// Reads a schema.
pub(super) fn read(root: &Value) -> Document {
    let Some(targets) = Targets::new(root, MAX_NODES) else {
        let doc = Doc { text: String::new(), hints: vec![("note", "the schema is too large to be shown".to_owned())] };
        return Document { kind: Type::Unknown, doc, definitions: Vec::new() };
    };
    let mut reader = TypeReader {
        targets,
        left: MAX_NODES,
        bytes_left: MAX_BYTES,
        numbers: HashMap::new(),
        queue: Vec::new(),
        definitions: Vec::new(),
    };
    let (kind, doc) = match reader.targets.is_hoisted(root) {
        true => (reader.named(root, "#"), Doc::default()),
        false => reader.read(root, 0),
    };
    while let Some(target) =
        reader.queue.get(reader.definitions.iter().filter(|held| held.1.is_some()).count()).copied()
    {
        let read = reader.read(target, 0);
        if let Some(held) = reader.definitions.iter_mut().find(|held| held.1.is_none()) {
            held.1 = Some(read);
        }
    }
    let mut definitions: Vec<Definition> = Vec::new();
    for (name, read) in reader.definitions {
        let (kind, doc) = read.unwrap_or((Type::Unknown, Doc::default()));
        definitions.push(Definition { name, kind, doc });
    }
    cut_circles(&mut definitions);
    Document { kind, doc, definitions }
}

/// A definition that is itself without a step into the value says nothing.
fn cut_circles(definitions: &mut [Definition]) {
    let in_place: Vec<Vec<usize>> = definitions.iter().map(|held| in_place(&held.kind)).collect();
    for start in 0..definitions.len() {
        let mut seen = HashSet::new();
        let mut reached = vec![start];
        let mut is_circle = false;
        while let Some(number) = reached.pop() {
            let next = in_place.get(number).map(Vec::as_slice).unwrap_or_default();
            is_circle |= next.contains(&start);
            reached.extend(next.iter().copied().filter(|number| seen.insert(*number)));
        }
        if let Some(held) = definitions.get_mut(start).filter(|_| is_circle) {
            held.kind = Type::Unknown;
            held.doc.hints.push(("note", "the schema refers to itself without end".to_owned()));
        }
    }
}

fn in_place(kind: &Type) -> Vec<usize> {
    match kind {
        Type::Named(number) => vec![*number],
        Type::Union(list) | Type::Intersection(list) => list.iter().flat_map(in_place).collect(),
        _ => Vec::new(),
    }
}

/// Whether `{}` is a value of the type. `known` are the definitions that have been asked.
fn may_be_omitted(kind: &Type, definitions: &[Definition], known: &mut HashMap<usize, bool>) -> bool {
    match kind {
        Type::Unknown => true,
        Type::Object(object) => object.fields.iter().all(|field| field.is_optional),
        Type::Union(kinds) => kinds.iter().any(|kind| may_be_omitted(kind, definitions, known)),
        Type::Intersection(kinds) => kinds.iter().all(|kind| may_be_omitted(kind, definitions, known)),
        // Definitions in place of each other end: circles are cut.
        Type::Named(number) => {
            // SECURITY: each may name the next one twice, so that asked anew they take for ever.
            if let Some(answer) = known.get(number) {
                return *answer;
            }
            let answer = definitions.get(*number).is_some_and(|held| may_be_omitted(&held.kind, definitions, known));
            known.insert(*number, answer);
            answer
        }
        _ => false,
    }
}

struct TypeReader<'a> {
    targets: Targets<'a>,
    /// How many more schemas are read, and bytes taken.
    left: usize,
    bytes_left: usize,
    numbers: HashMap<*const Value, usize>,
    queue: Vec<&'a Value>,
    definitions: Vec<(String, Option<(Type, Doc)>)>,
}

impl<'a> TypeReader<'a> {
    fn named(&mut self, target: &'a Value, reference: &str) -> Type {
        let next = self.queue.len();
        let number = *self.numbers.entry(std::ptr::from_ref(target)).or_insert(next);
        if number == next {
            self.queue.push(target);
            self.definitions.push((name_of(reference), None));
        }
        Type::Named(number)
    }

    fn read(&mut self, schema: &'a Value, depth: usize) -> (Type, Doc) {
        let Value::Object(map) = schema else {
            return (if *schema == Value::Bool(false) { Type::Never } else { Type::Unknown }, Doc::default());
        };
        self.left = self.left.saturating_sub(1);
        // SECURITY: what is read becomes memory and text; a schema must not multiply.
        if depth > MAX_DEPTH || self.left == 0 || self.bytes_left == 0 {
            let note = "the schema goes on deeper than is shown".to_owned();
            return (Type::Unknown, Doc { text: String::new(), hints: vec![("note", note)] });
        }
        let mut doc = Doc { text: text_of(map), hints: hints(map) };
        self.bytes_left = self.bytes_left.saturating_sub(bytes_of(map) + doc.bytes());
        let mut parts = vec![self.own(map, depth)];
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(reference) = map.get(keyword) {
                parts.push(self.reference(reference, depth, &mut doc));
            }
        }
        for schema in list_of(map, "allOf") {
            let (kind, inner) = self.read(schema, depth + 1);
            doc.take(inner);
            parts.push(kind);
        }
        for keyword in ["anyOf", "oneOf"] {
            if map.get(keyword).is_some_and(Value::is_array) {
                let kinds = list_of(map, keyword).map(|schema| self.read(schema, depth + 1).0).collect();
                parts.push(union(kinds));
            }
        }
        let kind = intersection(parts);
        match map.get("nullable") {
            Some(Value::Bool(true)) if kind != Type::Unknown => (union(vec![kind, Type::Null]), doc),
            _ => (kind, doc),
        }
    }

    fn reference(&mut self, reference: &'a Value, depth: usize, doc: &mut Doc) -> Type {
        let named = |text: &'a str| Some((text, self.targets.resolve(text)?));
        let Some((text, target)) = reference.as_str().and_then(named) else {
            doc.hints.push(("note", "refers to a schema that is not in this document".to_owned()));
            return Type::Unknown;
        };
        if self.targets.is_hoisted(target) {
            return self.named(target, text);
        }
        let (kind, inner) = self.read(target, depth + 1);
        doc.take(inner);
        kind
    }

    /// What the schema says by itself, without references and combinations.
    fn own(&mut self, map: &'a Map<String, Value>, depth: usize) -> Type {
        if let Some(value) = map.get("const") {
            return literal(value);
        }
        if let Some(Value::Array(values)) = map.get("enum") {
            let rest = if values.len() > MAX_LITERALS { Some(self.of_types(map, depth)) } else { None };
            return union(values.iter().take(MAX_LITERALS).map(literal).chain(rest).collect());
        }
        self.of_types(map, depth)
    }

    fn of_types(&mut self, map: &'a Map<String, Value>, depth: usize) -> Type {
        let has = |keywords: &[&str]| keywords.iter().any(|keyword| map.contains_key(*keyword));
        match map.get("type") {
            Some(Value::String(name)) => self.of_type(name, map, depth),
            Some(Value::Array(names)) => {
                // There are seven types; naming one again says nothing and costs as much.
                let kinds =
                    names.iter().take(7).map(|name| self.of_type(name.as_str().unwrap_or_default(), map, depth));
                union(kinds.collect())
            }
            _ if has(&["properties", "required", "additionalProperties", "patternProperties"]) => {
                self.object(map, depth)
            }
            _ if has(&["items", "prefixItems"]) => self.array(map, depth),
            _ => Type::Unknown,
        }
    }

    fn of_type(&mut self, name: &str, map: &'a Map<String, Value>, depth: usize) -> Type {
        match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "string" => Type::String,
            "array" => self.array(map, depth),
            "object" => self.object(map, depth),
            _ => Type::Unknown,
        }
    }

    fn array(&mut self, map: &'a Map<String, Value>, depth: usize) -> Type {
        let (first, rest) = match (map.get("prefixItems"), map.get("items")) {
            (Some(Value::Array(first)), rest) => (first.as_slice(), rest),
            (_, Some(Value::Array(first))) => (first.as_slice(), map.get("additionalItems")),
            (_, rest) => (Default::default(), rest),
        };
        let rest = rest.map_or(Type::Unknown, |schema| self.read(schema, depth + 1).0);
        if first.is_empty() {
            return Type::Array(Box::new(rest));
        }
        let kinds: Vec<Type> = first.iter().map(|schema| self.read(schema, depth + 1).0).collect();
        let count = |keyword: &str| {
            map.get(keyword).and_then(Value::as_u64).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
        };
        let needed = count("minItems").unwrap_or(0).min(kinds.len());
        let is_closed = rest == Type::Never || count("maxItems").is_some_and(|most| most <= kinds.len());
        Type::Tuple(kinds, needed, (!is_closed).then(|| Box::new(rest)))
    }

    fn object(&mut self, map: &'a Map<String, Value>, depth: usize) -> Type {
        let required: Vec<&str> = list_of(map, "required").filter_map(Value::as_str).collect();
        let properties = map.get("properties").and_then(Value::as_object);
        let mut fields = Vec::new();
        for (name, schema) in properties.into_iter().flatten() {
            let (kind, doc) = self.read(schema, depth + 1);
            fields.push(Field { name: name.clone(), kind, is_optional: !required.contains(&name.as_str()), doc });
        }
        for name in required {
            if !fields.iter().any(|field| field.name == name) {
                let field =
                    Field { name: name.to_owned(), kind: Type::Unknown, is_optional: false, doc: Doc::default() };
                fields.push(field);
            }
        }
        // What a caller must give comes first; JSON's own order is not known any more.
        fields.sort_by(|a, b| a.is_optional.cmp(&b.is_optional).then_with(|| a.name.cmp(&b.name)));
        let mut rest = Vec::new();
        for schema in map.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            rest.push(self.read(schema, depth + 1).0);
        }
        match map.get("additionalProperties") {
            Some(schema) => rest.push(self.read(schema, depth + 1).0),
            None if fields.is_empty() && rest.is_empty() && properties.is_none() => rest.push(Type::Unknown),
            None => {}
        }
        let rest = Some(union(rest)).filter(|kind| *kind != Type::Never).map(Box::new);
        Type::Object(Object { fields, rest })
    }
}

impl Doc {
    fn bytes(&self) -> usize {
        self.text.len() + self.hints.iter().map(|(_, hint)| hint.len()).sum::<usize>()
    }

    /// Takes what another says if this says nothing.
    fn take(&mut self, other: Doc) {
        if self.text.is_empty() {
            self.text = other.text;
        }
        for hint in other.hints {
            if !self.hints.iter().any(|(tag, _)| *tag == hint.0) {
                self.hints.push(hint);
            }
        }
    }
}

fn list_of<'a>(map: &'a Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    map.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Type::Literal(value.clone()),
        Value::Array(_) => Type::Array(Box::new(Type::Unknown)),
        Value::Object(_) => Type::Object(Object { fields: Vec::new(), rest: Some(Box::new(Type::Unknown)) }),
    }
}

/// One of these; `null` last. Nothing of none.
pub(super) fn union(kinds: Vec<Type>) -> Type {
    let mut members: Vec<Type> = Vec::new();
    let flat = kinds.into_iter().flat_map(|kind| match kind {
        Type::Union(members) => members,
        kind => vec![kind],
    });
    for kind in flat {
        match kind {
            Type::Unknown => return Type::Unknown,
            Type::Never => {}
            kind if members.contains(&kind) => {}
            kind => members.push(kind),
        }
    }
    members.sort_by_key(|kind| *kind == Type::Null);
    match members.len() {
        0 => Type::Never,
        1 => members.remove(0),
        _ => Type::Union(members),
    }
}

/// All of these; objects become one.
pub(super) fn intersection(kinds: Vec<Type>) -> Type {
    let mut members: Vec<Type> = Vec::new();
    let flat = kinds.into_iter().flat_map(|kind| match kind {
        Type::Intersection(members) => members,
        kind => vec![kind],
    });
    for kind in flat {
        if kind == Type::Unknown || members.contains(&kind) {
            continue;
        }
        match (kind, members.iter_mut().find(|held| matches!(held, Type::Object(_)))) {
            (Type::Never, _) => return Type::Never,
            (Type::Object(object), Some(Type::Object(held))) => held.merge(object),
            (kind, _) => members.push(kind),
        }
    }
    match members.len() {
        0 => Type::Unknown,
        1 => members.remove(0),
        _ => Type::Intersection(members),
    }
}

impl Object {
    fn merge(&mut self, other: Object) {
        for field in other.fields {
            match self.fields.iter_mut().find(|held| held.name == field.name) {
                Some(held) => {
                    held.is_optional &= field.is_optional;
                    held.doc.take(field.doc);
                    let kind = std::mem::replace(&mut held.kind, Type::Unknown);
                    held.kind = intersection(vec![kind, field.kind]);
                }
                None => self.fields.push(field),
            }
        }
        self.fields.sort_by(|a, b| a.is_optional.cmp(&b.is_optional).then_with(|| a.name.cmp(&b.name)));
        self.rest = self.rest.take().zip(other.rest).map(|(a, b)| Box::new(intersection(vec![*a, *b])));
    }
}

/// The bytes of the names and of the values of its own that a schema holds.
fn bytes_of(map: &Map<String, Value>) -> usize {
    let text = |value: &Value| value.as_str().map_or(0, |text| text.len() + ROW_BYTES);
    let held = |value: &Value| match value {
        Value::Array(items) => items.iter().map(text).sum(),
        Value::Object(fields) => fields.keys().map(|name| name.len() + ROW_BYTES).sum(),
        value => text(value),
    };
    map.values().map(held).sum()
}

fn text_of(map: &Map<String, Value>) -> String {
    map.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What a type cannot say, in JSDoc's spelling.
fn hints(map: &Map<String, Value>) -> Vec<(&'static str, String)> {
    const COPIED: [&str; 14] = [
        "format",
        "default",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    ];
    let mut hints = Vec::new();
    let types = map.get("type").map(|names| names.as_array().map_or(std::slice::from_ref(names), Vec::as_slice));
    if types.is_some_and(|names| names.iter().any(|name| name == "integer")) {
        hints.push(("integer", String::new()));
    }
    for keyword in COPIED {
        match map.get(keyword) {
            Some(Value::String(text)) if keyword != "default" => hints.push((keyword, text.clone())),
            Some(value) => hints.push((keyword, value.to_string())),
            None => {}
        }
    }
    if map.get("uniqueItems") == Some(&Value::Bool(true)) {
        hints.push(("uniqueItems", String::new()));
    }
    if map.get("deprecated") == Some(&Value::Bool(true)) {
        hints.push(("deprecated", String::new()));
    }
    if let Some(values) = map.get("enum").and_then(Value::as_array).filter(|values| values.len() > MAX_LITERALS) {
        hints.push(("note", format!("{} values in all", values.len())));
    }
    hints
}
