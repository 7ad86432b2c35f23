//! References within one schema document, whatever its draft. Nothing is ever fetched.
//!
//! The one resolver: what checks arguments and what shows types to a model mean the same by a reference.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Why a reference names no schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// It names another document.
    Foreign,
    /// The document has subschemas with an `$id`, which change what references mean.
    Embedded,
    /// It names nothing, or more than one schema.
    Unknown,
}

/// Resolves the references of one document.
pub(crate) struct References<'a> {
    root: &'a Value,
    /// The document's own `$id`, without its fragment.
    own_id: Option<&'a str>,
    /// Whether a subschema has an `$id`, which would change what `#` means below it.
    embeds: bool,
    /// `None` where a name is given twice.
    anchors: HashMap<&'a str, Option<&'a Value>>,
}

impl<'a> References<'a> {
    pub(crate) fn new(root: &'a Value) -> References<'a> {
        let own_id = id_of(root).map(|id| id.trim_end_matches('#'));
        let mut embeds = false;
        let mut anchors = HashMap::new();
        for object in objects(root) {
            embeds |= !std::ptr::eq(object, root) && id_of(object).is_some();
            if let Some(name) = anchor_of(object) {
                anchors.entry(name).and_modify(|named| *named = None).or_insert(Some(object));
            }
        }
        References { root, own_id, embeds, anchors }
    }

    /// The schema that `reference` names: `#`, `#/a/pointer` or `#anchor`.
    pub(crate) fn resolve(&self, reference: &str) -> Result<&'a Value, Unresolved> {
        let local = self.own_id.and_then(|id| reference.strip_prefix(id)).unwrap_or(reference);
        // SECURITY: a reference stays within its document: no address of an upstream's choice is ever asked.
        let fragment = match (local.strip_prefix('#'), local.is_empty()) {
            (Some(fragment), _) => fragment,
            (None, true) => "",
            (None, false) => return Err(Unresolved::Foreign),
        };
        if self.embeds {
            return Err(Unresolved::Embedded);
        }
        let fragment = percent_decode_str(fragment).decode_utf8_lossy();
        let target = match &*fragment {
            "" => Some(self.root),
            pointer if pointer.starts_with('/') => self.root.pointer(pointer),
            anchor => self.anchors.get(anchor).copied().flatten(),
        };
        target.ok_or(Unresolved::Unknown)
    }
}

fn id_of(value: &Value) -> Option<&str> {
    value.get("$id").and_then(Value::as_str).filter(|id| !id.is_empty() && !id.starts_with('#'))
}

fn anchor_of(value: &Value) -> Option<&str> {
    let text = |keyword: &str| value.get(keyword).and_then(Value::as_str);
    text("$anchor").or_else(|| text("$dynamicAnchor")).or_else(|| text("$id")?.strip_prefix('#'))
}

/// Every object in `root`, depth first.
fn objects(root: &Value) -> impl Iterator<Item = &Value> {
    let mut stack = vec![root];
    std::iter::from_fn(move || {
        loop {
            let value = stack.pop()?;
            match value {
                Value::Array(items) => stack.extend(items),
                Value::Object(map) => {
                    stack.extend(map.values());
                    return Some(value);
                }
                _ => {}
            }
        }
    })
}
