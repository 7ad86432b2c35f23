//! The references of a schema that is read for its types, and which of their targets get a name.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The most different targets; those beyond are not resolved.
const MAX_TARGETS: usize = 200;

/// Resolves references within one document: `#`, `#/a/pointer` and `#anchor`.
pub(super) struct References<'a> {
    root: &'a Value,
    anchors: HashMap<&'a str, &'a Value>,
    hoisted: HashSet<*const Value>,
}

impl<'a> References<'a> {
    /// `None` when the document has more than `max_nodes` values.
    pub(super) fn new(root: &'a Value, max_nodes: usize) -> Option<References<'a>> {
        // SECURITY: everything after this recurses and repeats over the document.
        if values(root).nth(max_nodes).is_some() {
            return None;
        }
        let anchors = values(root).filter_map(|value| Some((anchor_of(value)?, value))).collect();
        let mut references = References { root, anchors, hoisted: HashSet::new() };
        references.hoisted = references.find_hoisted();
        Some(references)
    }

    /// The targets that lead back to themselves, or that more than one reference names.
    fn find_hoisted(&self) -> HashSet<*const Value> {
        // Each reference is resolved once, however many targets it is within.
        let holders = values(self.root).map(|value| (std::ptr::from_ref(value), self.targets_of(value)));
        let targets: HashMap<*const Value, Vec<&'a Value>> =
            holders.map(|(holder, targets)| (holder, targets.collect())).collect();
        let targets_in = |value| values(value).filter_map(|value| targets.get(&std::ptr::from_ref(value))).flatten();
        let mut named = HashSet::new();
        let mut hoisted = HashSet::new();
        let mut distinct: Vec<&'a Value> = Vec::new();
        for target in targets_in(self.root).copied() {
            match named.insert(std::ptr::from_ref(target)) {
                true => distinct.push(target),
                // A plain type says more than its name would.
                false if has_structure(target) => drop(hoisted.insert(std::ptr::from_ref(target))),
                false => {}
            }
        }
        // SECURITY: what follows costs the square of their number.
        distinct.truncate(MAX_TARGETS);
        let next: HashMap<*const Value, HashSet<*const Value>> = distinct
            .iter()
            .map(|target| {
                (std::ptr::from_ref(*target), targets_in(target).map(|inner| std::ptr::from_ref(*inner)).collect())
            })
            .collect();
        for start in distinct.into_iter().map(std::ptr::from_ref) {
            let mut seen = HashSet::new();
            let mut reached = vec![start];
            while let Some(target) = reached.pop() {
                reached.extend(next.get(&target).into_iter().flatten().filter(|target| seen.insert(**target)));
            }
            if seen.contains(&start) {
                hoisted.insert(start);
            }
        }
        hoisted
    }

    fn targets_of(&self, value: &'a Value) -> impl Iterator<Item = &'a Value> {
        let references =
            ["$ref", "$dynamicRef", "$recursiveRef"].map(|keyword| value.get(keyword).and_then(Value::as_str));
        references.into_iter().flatten().filter_map(|reference| Some(self.resolve(reference)?.0))
    }

    /// Whether the type of `target` gets a name.
    pub(super) fn is_hoisted(&self, target: &Value) -> bool {
        self.hoisted.contains(&std::ptr::from_ref(target))
    }

    /// What `reference` names, and what to call it.
    pub(super) fn resolve(&self, reference: &str) -> Option<(&'a Value, String)> {
        let own_id = self.root.get("$id").and_then(Value::as_str).unwrap_or_default();
        let fragment = reference.strip_prefix(own_id).unwrap_or(reference).strip_prefix('#')?;
        let fragment = percent_decode_str(fragment).decode_utf8_lossy();
        let target = match &*fragment {
            "" => self.root,
            pointer if pointer.starts_with('/') => self.root.pointer(pointer)?,
            anchor => self.anchors.get(anchor)?,
        };
        let name = fragment.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("Root");
        Some((target, name.replace("~1", "/").replace("~0", "~")))
    }
}

fn has_structure(target: &Value) -> bool {
    ["properties", "items", "prefixItems", "anyOf", "oneOf", "allOf", "enum"]
        .iter()
        .any(|keyword| target.get(keyword).is_some())
}

fn anchor_of(value: &Value) -> Option<&str> {
    let text = |keyword: &str| value.get(keyword).and_then(Value::as_str);
    text("$anchor").or_else(|| text("$dynamicAnchor")).or_else(|| text("$id")?.strip_prefix('#'))
}

/// `root` and every value in it.
fn values(root: &Value) -> impl Iterator<Item = &Value> {
    let mut stack = vec![root];
    std::iter::from_fn(move || {
        let value = stack.pop()?;
        match value {
            Value::Array(items) => stack.extend(items.iter().rev()),
            Value::Object(map) => stack.extend(map.values().rev()),
            _ => {}
        }
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn u29_only_so_many_targets_are_followed() {
        let recursive =
            |n: usize| (format!("d{n}"), json!({ "properties": { "x": { "$ref": format!("#/$defs/d{n}") } } }));
        let root = json!({ "$defs": (0..2 * MAX_TARGETS).map(recursive).collect::<Value>() });
        let references = References::new(&root, 10 * MAX_TARGETS + 10).unwrap();
        let targets = root["$defs"].as_object().unwrap();
        assert_eq!(targets.values().filter(|target| references.is_hoisted(target)).count(), MAX_TARGETS);
    }
}
