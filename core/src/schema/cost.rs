//! What a check will cost, counted before it is made, and the property names that strict mode refuses.
//!
//! The validator has no budget of its own: a schema of a few lines may ask for 2^60 visits (`allOf` twice the same
//! reference, sixty deep), and so may one that visits each of 10^5 items with each of 10^4 subschemas. The walk goes
//! over the same pairs of subschema and value, each once with a multiplicity, and stops when they are too many.

use serde_json::{Map, Value};

use super::graph::{Compare, Id, Keyword, Node, Part};
use super::{MAX_MESSAGES, Strictness, short};

/// The most that one check may cost. A unit is about ten nanoseconds of the validator's, in a release build.
const MAX_UNITS: u64 = 1_000_000;
/// The longest chain of subschemas that apply to one value.
const MAX_CHAIN: usize = 32;
/// The longest chain of subschemas and values within each other: what the validator's recursion takes of the stack.
const MAX_NESTING: usize = 256;
/// The most pairs of a subschema and another one that applies with it to one value.
const MAX_PAIRS: usize = 100_000;

/// The subschemas, each with those that apply with it.
#[derive(Debug)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    /// For each node: itself and all that apply in place, with how often.
    closures: Vec<Vec<(Id, u64)>>,
    /// For each node: the longest chain of those.
    chains: Vec<usize>,
}

/// What a walk found.
pub(super) struct Walk {
    /// What the validator would copy if every subschema of every value failed, by weight.
    pub(super) copies: u64,
    /// Messages about properties that the schema does not name (strict mode only).
    pub(super) unknown: Vec<String>,
}

/// The weight of a value that is compared as a whole, in units.
pub(super) fn weight(value: &Value) -> u64 {
    match value {
        Value::String(text) => 1 + text.len() as u64 / 16,
        Value::Array(items) => 1 + items.iter().map(weight).sum::<u64>(),
        Value::Object(map) => 1 + map.iter().map(|(key, value)| 1 + key.len() as u64 / 16 + weight(value)).sum::<u64>(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

impl Graph {
    /// Counts what applies together.
    ///
    /// # Errors
    /// When a subschema applies to its own value without end, or too many apply to one value.
    pub(super) fn new(nodes: Vec<Node>) -> Result<Graph, String> {
        let mut graph = Graph { closures: vec![Vec::new(); nodes.len()], chains: vec![0; nodes.len()], nodes };
        let mut pairs = 0;
        for id in graph.in_place_order()? {
            let (closure, chain) = graph.close(id);
            // SECURITY: the validator recurses along chains, and visits every pair.
            if chain > MAX_CHAIN {
                return Err(format!("more than {MAX_CHAIN} references and combinations within each other"));
            }
            pairs += closure.len();
            if pairs > MAX_PAIRS {
                return Err("too many references and combinations".to_owned());
            }
            if let (Some(held), Some(length)) = (graph.closures.get_mut(id), graph.chains.get_mut(id)) {
                (*held, *length) = (closure, chain);
            }
        }
        Ok(graph)
    }

    fn in_place(&self, id: Id) -> impl Iterator<Item = Id> {
        let parts = self.nodes.get(id).map(|node| node.parts.as_slice()).unwrap_or_default();
        parts.iter().filter(|(keyword, _)| keyword.is_in_place()).flat_map(|(_, part)| part.ids())
    }

    /// All nodes, each after those that apply in place of it.
    fn in_place_order(&self) -> Result<Vec<Id>, String> {
        let mut waits: Vec<usize> = (0..self.nodes.len()).map(|id| self.in_place(id).count()).collect();
        let mut holders: Vec<Vec<Id>> = vec![Vec::new(); self.nodes.len()];
        for holder in 0..self.nodes.len() {
            for id in self.in_place(holder) {
                holders.get_mut(id).into_iter().for_each(|list| list.push(holder));
            }
        }
        let mut order: Vec<Id> = (0..self.nodes.len()).filter(|id| waits.get(*id) == Some(&0)).collect();
        let mut next = 0;
        while let Some(id) = order.get(next).copied() {
            next += 1;
            for holder in holders.get(id).into_iter().flatten() {
                if let Some(count) = waits.get_mut(*holder) {
                    *count -= 1;
                    if *count == 0 {
                        order.push(*holder);
                    }
                }
            }
        }
        // SECURITY: the validator would follow such a cycle until the stack ends.
        match order.len() == self.nodes.len() {
            true => Ok(order),
            false => Err("a reference leads back to itself without descending into the value".to_owned()),
        }
    }

    fn close(&self, id: Id) -> (Vec<(Id, u64)>, usize) {
        let chain = self.in_place(id).map(|child| self.chain(child)).max().unwrap_or(0) + 1;
        let unevaluated = self.nodes.get(id).is_some_and(|node| {
            node.part(Keyword::UnevaluatedProperties).is_some() || node.part(Keyword::UnevaluatedItems).is_some()
        });
        // What is evaluated is asked again, and again at each level below.
        let times = if unevaluated { 2 + chain as u64 } else { 1 };
        let mut closure = vec![(id, 1)];
        for child in self.in_place(id) {
            let held = self.closures.get(child).into_iter().flatten();
            closure.extend(held.map(|(id, count)| (*id, count.saturating_mul(times))));
        }
        (merge(closure), chain)
    }

    fn chain(&self, id: Id) -> usize {
        self.chains.get(id).copied().unwrap_or(0)
    }

    /// Walks over `value` as the validator will.
    ///
    /// # Errors
    /// A message for the model, when the check would cost too much.
    pub(super) fn walk(&self, value: &Value, mode: Strictness) -> Result<Walk, String> {
        let mut walker =
            Walker { graph: self, mode, units: 0, scalars: 0, composites: 0, unknown: Vec::new(), path: Vec::new() };
        walker.visit(value, &walker.apply(vec![(0, 1)], 0)?)?;
        let copies = walker.composites.saturating_mul(weight(value)).saturating_add(walker.scalars);
        Ok(Walk { copies, unknown: walker.unknown })
    }
}

/// The same list with every node once, its counts added.
fn merge(mut list: Vec<(Id, u64)>) -> Vec<(Id, u64)> {
    list.sort_unstable();
    list.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(later.1);
        }
        same
    });
    list
}

struct Walker<'a> {
    graph: &'a Graph,
    mode: Strictness,
    units: u64,
    /// Visits of texts and numbers, by weight.
    scalars: u64,
    /// Visits of arrays and objects.
    composites: u64,
    unknown: Vec<String>,
    path: Vec<Segment<'a>>,
}

/// What applies to one value.
struct Applied<'a> {
    nodes: Vec<(&'a Node, u64)>,
    /// The chain of subschemas and values that leads here.
    nesting: usize,
}

/// One step into the value.
#[derive(Clone, Copy)]
enum Segment<'a> {
    Property(&'a str),
    Item(usize),
}

impl<'a> Walker<'a> {
    fn charge(&mut self, count: u64, units: u64) -> Result<(), String> {
        self.units = self.units.saturating_add(count.saturating_mul(units));
        // SECURITY: schema and arguments may both be hostile and conspire: without this a call takes any time.
        match self.units > MAX_UNITS {
            true => Err("the arguments are too large to be checked against this tool's schema".to_owned()),
            false => Ok(()),
        }
    }

    /// The subschemas that apply where `entries` do, each with how often, and the chain that leads to the last of them.
    fn apply(&self, entries: Vec<(Id, u64)>, nesting: usize) -> Result<Applied<'a>, String> {
        let nesting = nesting + entries.iter().map(|(id, _)| self.graph.chain(*id)).max().unwrap_or(0);
        // SECURITY: the validator's recursion must end before the host's stack does.
        if nesting > MAX_NESTING {
            return Err("the arguments nest too deep for this tool's schema".to_owned());
        }
        let mut ids = Vec::new();
        for (id, count) in entries {
            let closure = self.graph.closures.get(id).into_iter().flatten();
            ids.extend(closure.map(|(id, times)| (*id, times.saturating_mul(count))));
        }
        let nodes = merge(ids).into_iter().filter_map(|(id, count)| Some((self.graph.nodes.get(id)?, count))).collect();
        Ok(Applied { nodes, nesting })
    }

    fn visit(&mut self, value: &'a Value, applied: &Applied<'a>) -> Result<(), String> {
        let nodes = applied.nodes.as_slice();
        for (node, count) in nodes {
            self.charge(*count, own_units(node, value))?;
            match value {
                Value::Array(_) | Value::Object(_) => self.composites = self.composites.saturating_add(*count),
                _ => self.scalars = self.scalars.saturating_add(count.saturating_mul(weight(value))),
            }
        }
        match value {
            _ if nodes.is_empty() => Ok(()),
            Value::Object(map) => self.visit_object(map, nodes, applied.nesting),
            Value::Array(items) => self.visit_items(items, nodes, applied.nesting),
            _ => Ok(()),
        }
    }

    fn visit_items(&mut self, items: &'a [Value], nodes: &[(&'a Node, u64)], nesting: usize) -> Result<(), String> {
        let prefix_length = |(node, _): &(&Node, u64)| match node.part(Keyword::PrefixItems) {
            Some(Part::List(list)) => list.len(),
            _ => 0,
        };
        let prefixed = nodes.iter().map(prefix_length).max().unwrap_or(0);
        let rest = self.apply(entries_of_item(nodes, prefixed), nesting)?;
        for (index, item) in items.iter().enumerate() {
            self.path.push(Segment::Item(index));
            match index < prefixed {
                true => self.visit(item, &self.apply(entries_of_item(nodes, index), nesting)?)?,
                false => self.visit(item, &rest)?,
            }
            self.path.pop();
        }
        Ok(())
    }

    fn visit_object(
        &mut self,
        map: &'a Map<String, Value>,
        nodes: &[(&'a Node, u64)],
        nesting: usize,
    ) -> Result<(), String> {
        // An object whose schema names nothing is free-form, but for the arguments themselves.
        let names = || nodes.iter().filter_map(|(node, _)| node.part(Keyword::Properties));
        let is_closed = self.mode == Strictness::Strict && (self.path.is_empty() || names().next().is_some());
        for (key, value) in map {
            let mut entries = Vec::new();
            let mut claim = Claim::default();
            for (node, count) in nodes {
                let found = self.subschemas_of(node, *count, key, &mut claim)?;
                entries.extend(found.into_iter().map(|id| (id, *count)));
            }
            if is_closed && !claim.accepts(key) && self.unknown.len() < MAX_MESSAGES {
                self.unknown.push(unknown_property(key, &self.path, names()));
            }
            self.path.push(Segment::Property(key));
            self.visit(value, &self.apply(merge(entries), nesting)?)?;
            self.path.pop();
        }
        Ok(())
    }

    /// The subschemas that `node` applies to the property `key`, and to the key itself only to charge for it.
    fn subschemas_of(&mut self, node: &Node, count: u64, key: &str, claim: &mut Claim) -> Result<Vec<Id>, String> {
        let mut found = Vec::new();
        if let Some(Part::Map(properties)) = node.part(Keyword::Properties) {
            found.extend(properties.get(key));
            claim.named |= !found.is_empty();
        }
        for (pattern, id) in &node.names {
            self.charge(count, 1 + pattern.weight * key.len() as u64)?;
            if pattern.is_match(key) {
                found.push(*id);
                claim.allowed = true;
            }
        }
        if found.is_empty() {
            let additional = node.one(Keyword::AdditionalProperties);
            claim.allowed |= additional.is_some_and(|id| !self.is_never(id));
            found.extend(additional);
        }
        let unevaluated = node.one(Keyword::UnevaluatedProperties);
        claim.allowed |= unevaluated.is_some_and(|id| !self.is_never(id));
        found.extend(unevaluated);
        if let Some(id) = node.one(Keyword::PropertyNames) {
            for (id, times) in self.graph.closures.get(id).into_iter().flatten() {
                if let Some(node) = self.graph.nodes.get(*id) {
                    self.charge(count.saturating_mul(*times), text_units(node, key))?;
                }
            }
        }
        Ok(found)
    }

    fn is_never(&self, id: Id) -> bool {
        self.graph.nodes.get(id).is_some_and(|node| node.never)
    }
}

/// The subschemas that apply to the item at `index`; the same for every index after the longest prefix.
fn entries_of_item(nodes: &[(&Node, u64)], index: usize) -> Vec<(Id, u64)> {
    let mut entries = Vec::new();
    for (node, count) in nodes {
        let at_index = match node.part(Keyword::PrefixItems) {
            Some(Part::List(list)) if index < list.len() => list.get(index).copied(),
            _ => node.one(Keyword::Items),
        };
        let all = [at_index, node.one(Keyword::Contains), node.one(Keyword::UnevaluatedItems)];
        entries.extend(all.into_iter().flatten().map(|id| (id, *count)));
    }
    merge(entries)
}

/// What a subschema says of one property name.
#[derive(Default)]
struct Claim {
    named: bool,
    allowed: bool,
}

impl Claim {
    fn accepts(&self, key: &str) -> bool {
        // SECURITY: an upstream in JavaScript that merges its arguments reaches a prototype through these keys, so
        // they pass only where the schema names them itself.
        self.named || (self.allowed && !matches!(key, "constructor" | "prototype"))
    }
}

fn unknown_property<'a>(key: &str, path: &[Segment<'_>], parts: impl Iterator<Item = &'a Part>) -> String {
    let mut known: Vec<&String> = parts
        .flat_map(|part| match part {
            Part::Map(properties) => properties.keys().collect(),
            Part::One(_) | Part::List(_) => Vec::new(),
        })
        .collect();
    known.sort_unstable();
    known.dedup();
    let place = super::explain::place(path.iter().map(|step| match step {
        Segment::Property(name) => (*name).to_owned(),
        Segment::Item(index) => index.to_string(),
    }));
    let key = short(&Value::String(key.to_owned()));
    format!("{place}unknown property {key}, {}", super::explain::expected_names(&known))
}

fn own_units(node: &Node, value: &Value) -> u64 {
    match value {
        Value::String(text) => text_units(node, text),
        Value::Array(items) => {
            let compared = match node.compare {
                Compare::Nothing => 0,
                Compare::Options => weight(value),
                // Scalars are hashed; what is composite may be made to collide, and is compared with each other.
                Compare::Items => {
                    let composite = items.iter().filter(|item| item.is_array() || item.is_object()).count() as u64;
                    weight(value).saturating_mul(1 + composite)
                }
            };
            node.weight + items.len() as u64 + compared
        }
        Value::Object(map) => {
            let compared = if node.compare == Compare::Options { weight(value) } else { 0 };
            node.weight + map.len() as u64 + compared
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => node.weight,
    }
}

fn text_units(node: &Node, text: &str) -> u64 {
    let patterns: u64 = node.text.iter().map(|pattern| 1 + pattern.weight * text.len() as u64).sum();
    node.weight + text.len() as u64 / 16 + patterns
}
