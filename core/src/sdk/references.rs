//! What the references of a schema name that is read for its types, and which of their targets get a name.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::refs::References;

/// The most different targets that are searched for ways back to themselves: the bits of a row below.
const MAX_TARGETS: usize = u128::BITS as usize;

/// What the references of one document name.
pub(super) struct Targets<'a> {
    by_reference: HashMap<&'a str, Option<&'a Value>>,
    hoisted: HashSet<*const Value>,
}

impl<'a> Targets<'a> {
    /// `None` when the document has more than `max_nodes` values.
    pub(super) fn new(root: &'a Value, max_nodes: usize) -> Option<Targets<'a>> {
        // SECURITY: everything after this recurses and repeats over the document.
        let values = in_order(root, max_nodes)?;
        let references = References::new(root);
        let mut by_reference = HashMap::new();
        let mut uses: Vec<(usize, &'a Value)> = Vec::new();
        for (place, (value, _)) in values.iter().enumerate() {
            for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
                let Some(text) = value.get(keyword).and_then(Value::as_str) else { continue };
                let target = *by_reference.entry(text).or_insert_with(|| references.resolve(text).ok());
                uses.extend(target.map(|target| (place, target)));
            }
        }
        Some(Targets { by_reference, hoisted: find_hoisted(&values, &uses) })
    }

    /// Whether the type of `target` gets a name.
    pub(super) fn is_hoisted(&self, target: &Value) -> bool {
        self.hoisted.contains(&std::ptr::from_ref(target))
    }

    /// What a reference of the document names.
    pub(super) fn resolve(&self, reference: &str) -> Option<&'a Value> {
        self.by_reference.get(reference).copied().flatten()
    }
}

/// What to call the target of `reference`.
pub(super) fn name_of(reference: &str) -> String {
    let fragment = reference.split_once('#').map_or("", |(_, fragment)| fragment);
    let fragment = percent_decode_str(fragment).decode_utf8_lossy();
    let name = fragment.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("Root");
    name.replace("~1", "/").replace("~0", "~")
}

/// The targets that lead back to themselves, or that more than one reference names. `uses` are the references in their
/// order: the place of each, and its target.
fn find_hoisted(values: &[(&Value, usize)], uses: &[(usize, &Value)]) -> HashSet<*const Value> {
    let mut hoisted = HashSet::new();
    let mut numbers: HashMap<*const Value, usize> = HashMap::new();
    let mut distinct: Vec<*const Value> = Vec::new();
    // The same references with the numbers of their targets.
    let mut numbered: Vec<(usize, usize)> = Vec::with_capacity(uses.len());
    for (place, target) in uses {
        let number = *numbers.entry(std::ptr::from_ref(*target)).or_insert(distinct.len());
        if number == distinct.len() {
            distinct.push(std::ptr::from_ref(*target));
        } else if has_structure(target) {
            // A plain type says more than its name would.
            hoisted.insert(std::ptr::from_ref(*target));
        }
        numbered.push((*place, number));
    }
    // One bit for each target that a target leads to: first by the references in it, then by theirs.
    let mut rows = vec![0_u128; distinct.len().min(MAX_TARGETS)];
    for (place, (value, end)) in values.iter().enumerate() {
        let Some(row) = numbers.get(&std::ptr::from_ref(*value)).and_then(|number| rows.get_mut(*number)) else {
            continue;
        };
        let first = numbered.partition_point(|(at, _)| *at < place);
        for (_, number) in numbered.iter().skip(first).take_while(|(at, _)| at < end) {
            *row |= u32::try_from(*number).ok().and_then(|number| 1_u128.checked_shl(number)).unwrap_or_default();
        }
    }
    for middle in 0..rows.len() {
        let beyond = rows.get(middle).copied().unwrap_or_default();
        for row in &mut rows {
            if *row >> middle & 1 == 1 {
                *row |= beyond;
            }
        }
    }
    let returning = rows.iter().enumerate().filter(|(number, row)| **row >> number & 1 == 1);
    hoisted.extend(returning.filter_map(|(number, _)| distinct.get(number)));
    hoisted
}

fn has_structure(target: &Value) -> bool {
    ["properties", "items", "prefixItems", "anyOf", "oneOf", "allOf", "enum"]
        .iter()
        .any(|keyword| target.get(keyword).is_some())
}

/// `root` and every value in it, each before what is in it and with the place where that ends; `None` when there are more
/// than `most`.
fn in_order(root: &Value, most: usize) -> Option<Vec<(&Value, usize)>> {
    enum Step<'a> {
        Enter(&'a Value),
        Leave(usize),
    }
    let (mut values, mut steps) = (Vec::new(), vec![Step::Enter(root)]);
    while let Some(step) = steps.pop() {
        match step {
            Step::Enter(_) if values.len() == most => return None,
            Step::Enter(value) => {
                steps.push(Step::Leave(values.len()));
                values.push((value, 0));
                match value {
                    Value::Array(items) => steps.extend(items.iter().rev().map(Step::Enter)),
                    Value::Object(map) => steps.extend(map.values().rev().map(Step::Enter)),
                    _ => {}
                }
            }
            Step::Leave(place) => {
                let reached = values.len();
                if let Some((_, end)) = values.get_mut(place) {
                    *end = reached;
                }
            }
        }
    }
    Some(values)
}
