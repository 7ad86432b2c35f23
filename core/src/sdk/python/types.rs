//! Types as Python writes them: annotations, and the `TypedDict` classes and aliases that they name.
//!
//! What Python cannot say becomes wider, so that no program is refused for what a tool takes. Bounded by what was read:
//! what several types at once become is counted.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::sdk::cut;
use crate::sdk::ir::{self, Doc, Document, Field, MAX_BYTES, MAX_DEPTH, Object, Type};
use crate::sdk::names::{TypeNames, is_python_name, pascal_case};
use crate::sdk::text::{self, MAX_FIELD_TEXT, visible};

use super::{BUILTINS, TYPING};

/// The longest part of a type's name that comes from an upstream, in bytes.
const MAX_NAME: usize = 64;
/// The longest default that stands in an argument's place, in characters.
const MAX_DEFAULT: usize = 40;

/// The classes and aliases of one text.
#[derive(Debug, Default)]
pub(super) struct Types {
    /// Those that are not taken yet.
    pub(super) text: String,
    names: TypeNames,
    /// The name of each class by all but its name.
    by_body: HashMap<String, String>,
    typing: BTreeSet<&'static str>,
    is_qualified: bool,
}

impl Types {
    pub(super) fn new(reserved: &[&str]) -> Types {
        let mut types = Types::default();
        reserved.iter().for_each(|name| drop(types.take_name(name)));
        types
    }

    /// `wanted`, or like it.
    pub(super) fn take_name(&mut self, wanted: &str) -> String {
        self.names.take(wanted.to_owned())
    }

    /// The classes since the last time, with an empty line behind each.
    pub(super) fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// What must be imported, with `others`.
    pub(super) fn imports(&self, others: &[&'static str]) -> String {
        let names: BTreeSet<&str> = self.typing.iter().chain(others).copied().collect();
        let builtins = if self.is_qualified { "import builtins as _builtins\n" } else { "" };
        format!("{builtins}from typing import {}\n", names.into_iter().collect::<Vec<_>>().join(", "))
    }

    fn typing(&mut self, name: &'static str) -> &'static str {
        self.typing.insert(name);
        name
    }
}

/// What a method takes besides `self`.
#[derive(Debug)]
pub(super) enum Parameters {
    Keywords(Vec<Parameter>),
    /// One dict, with its name.
    Dict(String),
}

/// One keyword; the comment comes with its `#`.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) code: String,
    pub(super) comment: String,
}

impl Parameters {
    /// Anything by keyword.
    pub(super) fn any() -> Parameters {
        Parameters::Keywords(vec![Parameter { code: "**others: Any".to_owned(), comment: String::new() }])
    }
}

/// One document, while its types are printed.
pub(super) struct Scope<'a> {
    types: &'a mut Types,
    document: &'a Document,
    /// What the names of its types begin with.
    stem: &'a str,
    /// What the whole document is called.
    root: String,
    /// The built-in types that mean something else where the whole is printed.
    hidden: &'a [&'static str],
    /// The names of the definitions that were mentioned, and those of them that were not yet printed.
    names: HashMap<usize, String>,
    queue: Vec<usize>,
    /// The definitions that are being merged with others.
    opening: Vec<usize>,
    depth: usize,
    /// How many bytes of types may still be merged.
    left: usize,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        types: &'a mut Types,
        document: &'a Document,
        stem: &'a str,
        root: String,
        hidden: &'a [&'static str],
    ) -> Scope<'a> {
        let (names, queue, opening) = (HashMap::new(), Vec::new(), Vec::new());
        Scope { types, document, stem, root, hidden, names, queue, opening, depth: 0, left: MAX_BYTES }
    }

    /// The document as a tool's arguments.
    pub(super) fn parameters(mut self) -> Parameters {
        let document = self.document;
        let parameters = match self.opened(&document.kind) {
            Type::Unknown => Parameters::any(),
            Type::Object(object) if object.fields.iter().all(|field| is_parameter(&field.name)) => {
                Parameters::Keywords(self.keywords(&object))
            }
            kind => {
                let root = self.root.clone();
                let default = if document.may_be_omitted() { " = ..." } else { "" };
                Parameters::Dict(format!("args: {}{default}", self.print(&kind, &root)))
            }
        };
        self.print_mentioned();
        parameters
    }

    /// The document as a tool's result.
    pub(super) fn whole(mut self) -> String {
        let (document, root) = (self.document, self.root.clone());
        let printed = self.print(&document.kind, &root);
        self.print_mentioned();
        printed
    }

    fn keywords(&mut self, object: &Object) -> Vec<Parameter> {
        let mut list: Vec<Parameter> = Vec::new();
        for field in &object.fields {
            let default = default_of(field);
            let without: &[&str] = if default.is_some() { &["integer", "default"] } else { &["integer"] };
            let default = match field.is_optional {
                true => format!(" = {}", default.as_deref().unwrap_or("...")),
                false => String::new(),
            };
            let code = format!("{}: {}{default}", field.name, self.print(&field.kind, &field.name));
            list.push(Parameter { code, comment: comment(&field.doc, without) });
        }
        if let Some(rest) = &object.rest {
            let mut name = "others".to_owned();
            while object.fields.iter().any(|field| field.name == name) {
                name.push('_');
            }
            let code = format!("**{name}: {}", self.print(rest, "Others"));
            list.push(Parameter { code, comment: String::new() });
        }
        list
    }

    /// Prints the definitions that were mentioned, and those that these mention.
    fn print_mentioned(&mut self) {
        self.hidden = &[];
        while let Some(number) = self.queue.pop() {
            let document = self.document;
            let Some(definition) = document.definitions.get(number) else { continue };
            let name = self.name_of(number);
            self.opening = vec![number];
            let kind = match &definition.kind {
                Type::Intersection(kinds) => self.narrowed(kinds),
                kind => kind.clone(),
            };
            let text = match &kind {
                Type::Object(object) if !object.fields.is_empty() => {
                    class(&name, &self.body(object), &comment(&definition.doc, &["integer"]))
                }
                kind => {
                    format!("type {name} = {}{}\n\n", self.print(kind, &name), comment(&definition.doc, &["integer"]))
                }
            };
            self.types.text.push_str(&text);
        }
    }

    fn name_of(&mut self, number: usize) -> String {
        if let Some(name) = self.names.get(&number) {
            return name.clone();
        }
        let wanted = self.document.definitions.get(number).map(|definition| definition.name.as_str());
        let part = part_of(wanted.filter(|wanted| *wanted != "Root").unwrap_or(&self.root));
        let name = self.types.take_name(&format!("{}{part}", self.stem));
        self.names.insert(number, name.clone());
        self.queue.push(number);
        name
    }

    /// The type where it is used; a class that it needs is called something like `wanted`.
    fn print(&mut self, kind: &Type, wanted: &str) -> String {
        match kind {
            Type::Unknown => self.types.typing("Any").to_owned(),
            Type::Never => self.types.typing("Never").to_owned(),
            Type::Null => "None".to_owned(),
            Type::Boolean => self.builtin("bool"),
            Type::Integer => self.builtin("int"),
            Type::Number => self.builtin("float"),
            Type::String => self.builtin("str"),
            Type::Literal(value) => self.one_of(&[literal(value)]),
            Type::Array(item) => format!("{}[{}]", self.builtin("list"), self.print(item, wanted)),
            // Python's lists have items of one type; what may follow and is not known says nothing.
            Type::Tuple(items, _, rest) => {
                let rest = rest.iter().map(|rest| &**rest).filter(|rest| **rest != Type::Unknown);
                let items: Vec<&Type> = items.iter().chain(rest).collect();
                format!("{}[{}]", self.builtin("list"), self.union(&items, wanted))
            }
            Type::Object(object) => self.object(object, wanted),
            Type::Union(kinds) => self.union(&kinds.iter().collect::<Vec<_>>(), wanted),
            Type::Intersection(kinds) => {
                let opening = self.opening.len();
                let kind = self.narrowed(kinds);
                let printed = self.print(&kind, wanted);
                self.opening.truncate(opening);
                printed
            }
            Type::Named(number) => self.name_of(*number),
        }
    }

    /// One of these, each once; `None` last, all literals together.
    fn union(&mut self, kinds: &[&Type], wanted: &str) -> String {
        let literals: Vec<_> = kinds
            .iter()
            .filter_map(|kind| if let Type::Literal(value) = kind { Some(literal(value)) } else { None })
            .collect();
        let mut literals = Some(literals).filter(|literals| !literals.is_empty());
        let mut parts: Vec<String> = Vec::new();
        for kind in kinds {
            let part = match kind {
                Type::Literal(_) => literals.take().map(|literals| self.one_of(&literals)),
                kind => Some(self.print(kind, wanted)),
            };
            parts.extend(part.filter(|part| !parts.contains(part)));
        }
        if parts.iter().any(|part| part == "Any") {
            return self.types.typing("Any").to_owned();
        }
        parts.sort_by_key(|part| part == "None");
        parts.join(" | ")
    }

    /// `Literal[...]` of the texts; numbers with a fraction can be no literals.
    fn one_of(&mut self, literals: &[Option<String>]) -> String {
        let known: Vec<&str> = literals.iter().flatten().map(String::as_str).collect();
        let float = (known.len() < literals.len()).then(|| self.builtin("float"));
        let literal = (!known.is_empty()).then(|| format!("{}[{}]", self.types.typing("Literal"), known.join(", ")));
        literal.into_iter().chain(float).collect::<Vec<_>>().join(" | ")
    }

    fn builtin(&mut self, name: &str) -> String {
        if !self.hidden.contains(&name) {
            return name.to_owned();
        }
        self.types.is_qualified = true;
        format!("_builtins.{name}")
    }

    fn object(&mut self, object: &Object, wanted: &str) -> String {
        if object.fields.is_empty() {
            let rest = object.rest.as_deref().unwrap_or(&Type::Unknown);
            return format!("{}[{}, {}]", self.builtin("dict"), self.builtin("str"), self.print(rest, wanted));
        }
        // SECURITY: merged definitions may nest as deep as there are definitions.
        if self.depth > 2 * MAX_DEPTH {
            return self.types.typing("Any").to_owned();
        }
        self.depth += 1;
        let hidden = std::mem::take(&mut self.hidden);
        let body = self.body(object);
        self.hidden = hidden;
        self.depth -= 1;
        if let Some(name) = self.types.by_body.get(&body) {
            return name.clone();
        }
        let name = self.types.take_name(&format!("{}{}", self.stem, part_of(wanted)));
        self.types.text.push_str(&class(&name, &body, ""));
        self.types.by_body.insert(body, name.clone());
        name
    }

    /// What of a class does not depend on its name: from `(` in the form of a class, from `{` in that of a call.
    fn body(&mut self, object: &Object) -> String {
        let is_class = object.fields.iter().all(|field| is_class_member(&field.name));
        let is_total = !is_class || object.fields.iter().any(|field| !field.is_optional);
        self.types.typing("TypedDict");
        let mut lines = String::new();
        for field in &object.fields {
            let mut kind = self.print(&field.kind, &field.name);
            if field.is_optional && is_total {
                kind = format!("{}[{kind}]", self.types.typing("NotRequired"));
            }
            let comment = comment(&field.doc, &["integer"]);
            lines.push_str(&match is_class {
                true => format!("    {}: {kind}{comment}\n", field.name),
                false => format!("    {}: {kind},{comment}\n", quote(&field.name)),
            });
        }
        if let Some(rest) = &object.rest {
            let rest = comment_text(&cut(&self.print(rest, "Others"), MAX_FIELD_TEXT));
            lines.push_str(&format!("    # Others: {rest}\n"));
        }
        match (is_class, is_total) {
            (true, true) => format!("(TypedDict):@\n{lines}"),
            (true, false) => format!("(TypedDict, total=False):@\n{lines}"),
            (false, _) => format!("{{@\n{lines}}}"),
        }
    }

    /// The type itself where it has a name or is several at once.
    fn opened(&mut self, kind: &Type) -> Type {
        match kind {
            Type::Named(number) => {
                let document = self.document;
                let definition = document.definitions.get(*number).filter(|_| !self.opening.contains(number));
                let Some(definition) = definition else { return kind.clone() };
                // SECURITY: what stands once may be merged in very many places.
                let cost = definition.kind.bytes();
                if cost > self.left {
                    return Type::Unknown;
                }
                self.left -= cost;
                self.opening.push(*number);
                self.opened(&definition.kind)
            }
            Type::Intersection(kinds) => self.narrowed(kinds),
            kind => kind.clone(),
        }
    }

    /// Several types at once as one, which Python has not: merged where they are objects, else the one that says most.
    fn narrowed(&mut self, kinds: &[Type]) -> Type {
        let parts = kinds.iter().map(|kind| self.opened(kind)).collect();
        let parts = match ir::intersection(parts) {
            Type::Intersection(parts) => parts,
            kind => return kind,
        };
        let object = parts.iter().find_map(|part| if let Type::Object(object) = part { Some(object) } else { None });
        let branches =
            parts.iter().find_map(|part| if let Type::Union(branches) = part { Some(branches) } else { None });
        if let (Some(object), Some(branches)) = (object, branches) {
            return self.distributed(object, branches);
        }
        parts.into_iter().min_by_key(rank).unwrap_or(Type::Unknown)
    }

    /// One of `branches` and `object` at once, unless they only say what of it must be there.
    fn distributed(&mut self, object: &Object, branches: &[Type]) -> Type {
        let whole = Type::Object(object.clone());
        let mut opened = Vec::new();
        for branch in branches {
            opened.push(self.opened(branch));
        }
        let is_new =
            |field: &Field| field.kind != Type::Unknown || object.fields.iter().all(|it| it.name != field.name);
        let adds =
            |branch: &Type| if let Type::Object(branch) = branch { branch.fields.iter().any(is_new) } else { false };
        let cost = whole.bytes().saturating_mul(opened.len());
        // SECURITY: what stands once is repeated for each branch.
        if cost > self.left || !opened.iter().any(adds) {
            return whole;
        }
        self.left -= cost;
        ir::union(opened.into_iter().map(|branch| ir::intersection(vec![whole.clone(), branch])).collect())
    }
}

/// Which of several types at once says most: the least.
fn rank(kind: &Type) -> usize {
    match kind {
        Type::Never | Type::Literal(_) | Type::Object(_) => 0,
        Type::Union(_) => 1,
        Type::Named(_) | Type::Intersection(_) => 2,
        Type::Array(_) | Type::Tuple(..) | Type::Integer => 3,
        Type::Null | Type::Boolean | Type::Number | Type::String => 4,
        Type::Unknown => 5,
    }
}

/// A class with this body, and what is said of it.
fn class(name: &str, body: &str, comment: &str) -> String {
    let (head, members) = body.split_once('@').unwrap_or((body, ""));
    match body.starts_with('{') {
        true => format!("{name} = TypedDict(\"{name}\", {head}{comment}{members})\n\n"),
        false => format!("class {name}{head}{comment}{members}\n"),
    }
}

/// What a property's or a definition's name gives for a type's.
fn part_of(name: &str) -> String {
    pascal_case(name.get(..name.floor_char_boundary(MAX_NAME)).unwrap_or(name))
}

/// Whether a property can be a keyword argument of a method.
fn is_parameter(name: &str) -> bool {
    is_python_name(name) && !name.starts_with("__") && name != "self"
}

/// Whether a property can be a member of a class beside others: it must not be one of the names of their types.
fn is_class_member(name: &str) -> bool {
    is_python_name(name)
        && !BUILTINS.contains(&name)
        && !TYPING.contains(&name)
        && name != "NotRequired"
        && !name.starts_with("__")
        && !name.starts_with(|first: char| first == '_' && name.as_bytes().get(1).is_some_and(u8::is_ascii_uppercase))
}

/// The text of a literal, if Python has it.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quote(text)),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A field's default, if it is short and of the field's type.
fn default_of(field: &Field) -> Option<String> {
    let (_, text) = field.doc.hints.iter().find(|(tag, _)| *tag == "default").filter(|_| field.is_optional)?;
    let value = serde_json::from_str(text).ok().filter(|value| fits(value, &field.kind))?;
    let printed = match &value {
        Value::Null => "None".to_owned(),
        Value::Number(number) => number.to_string(),
        value => literal(value)?,
    };
    (printed.chars().count() <= MAX_DEFAULT).then_some(printed)
}

fn fits(value: &Value, kind: &Type) -> bool {
    match kind {
        Type::Null => value.is_null(),
        Type::Boolean => value.is_boolean(),
        Type::Integer => value.is_i64() || value.is_u64(),
        Type::Number => value.is_number(),
        Type::String => value.is_string(),
        Type::Literal(literal) => literal == value,
        Type::Union(kinds) => kinds.iter().any(|kind| fits(value, kind)),
        _ => false,
    }
}

/// A string literal.
pub(super) fn quote(text: &str) -> String {
    text::quote(text, |c| match c {
        0..=0xff => format!("\\x{c:02x}"),
        0x100..=0xffff => format!("\\u{c:04x}"),
        c => format!("\\U{c:08x}"),
    })
}

/// What is said of a type but the hints `without`, as a comment behind it; nothing for nothing.
fn comment(doc: &Doc, without: &[&str]) -> String {
    let text = text::of_field(doc, without);
    if text.is_empty() { text } else { format!("  # {}", comment_text(&text)) }
}

/// A line of an upstream's text, fit for a comment.
pub(super) fn comment_text(text: &str) -> String {
    let fit = |part: &str| {
        // SECURITY: a comment that begins so is none for who checks types.
        let is_order = ["type:", "pyright:"].iter().any(|order| part.trim_start().starts_with(order));
        if is_order { part.replacen(':', " :", 1) } else { part.to_owned() }
    };
    visible(text).split('#').map(fit).collect::<Vec<_>>().join("#")
}
