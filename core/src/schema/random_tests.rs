//! Random schemas and values for the tests of `schema` and `sdk`: the same on every run, mostly sensible, partly hostile.

use serde_json::{Map, Value, json};

/// A generator (xorshift64*), seeded by the case's number.
pub(crate) struct Random(u64);

const NAMES: [&str; 8] = ["a", "b", "kind", "get-it", "class", "__proto__", "constructor", "d e"];
const TEXTS: [&str; 8] =
    ["", "x", "ab", "*/ evil(); /*", "\u{2028}`${evil()}`", "\"\\\n\0", "\u{202e}é😀", "x\", {}); evil(); (\""];
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "null", "array", "object"];

impl Random {
    pub(crate) fn new(case: u64) -> Random {
        let mut random = Random(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.below(2);
        random
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn list(&mut self, most: usize, mut item: impl FnMut(&mut Random) -> Value) -> Value {
        (0..self.below(most + 1)).map(|_| item(self)).collect()
    }

    fn map(&mut self, most: usize, mut item: impl FnMut(&mut Random) -> Value) -> Value {
        (0..self.below(most + 1)).map(|_| (self.pick(&NAMES).to_owned(), item(self))).collect::<Map<_, _>>().into()
    }

    /// Any JSON, `depth` levels deep at most.
    pub(crate) fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(4)),
            3 => json!(self.below(9) as f64 / 2.0 - 1.0),
            4 => json!(self.pick(&[i64::MAX, i64::MIN, -1])),
            5 => json!(self.pick(&TEXTS)),
            6 => self.list(3, |random| random.value(depth - 1)),
            _ => self.map(3, |random| random.value(depth - 1)),
        }
    }

    /// A schema of draft 2020-12 with definitions `#/$defs/...` by the names above.
    pub(crate) fn document(&mut self, depth: usize) -> Value {
        let mut root = self.schema(depth);
        let definitions: Map<_, _> = NAMES.iter().map(|name| ((*name).to_owned(), self.schema(depth.min(2)))).collect();
        if let Some(root) = root.as_object_mut() {
            root.insert("$defs".to_owned(), definitions.into());
        }
        root
    }

    fn schema(&mut self, depth: usize) -> Value {
        if depth == 0 || self.below(8) == 0 {
            return match self.below(5) {
                0 => json!(true),
                1 => json!(false),
                2 => json!({}),
                _ => json!({ "type": self.pick(&TYPES) }),
            };
        }
        let mut schema = Map::new();
        for _ in 0..=self.below(4) {
            let (keyword, value) = self.keyword(depth - 1);
            schema.insert(keyword.to_owned(), value);
        }
        schema.into()
    }

    fn keyword(&mut self, depth: usize) -> (&'static str, Value) {
        match self.below(30) {
            0 | 1 => ("type", json!(self.pick(&TYPES))),
            2 => ("type", json!([self.pick(&TYPES[..3]), self.pick(&TYPES[3..])])),
            3 => ("enum", self.list(3, |random| random.value(1))),
            4 => ("const", self.value(1)),
            5..=7 => ("properties", self.map(3, |random| random.schema(depth))),
            8 => ("required", json!([self.pick(&NAMES)])),
            9 => ("items", self.schema(depth)),
            10 => ("prefixItems", json!([self.schema(depth), self.schema(depth)])),
            11 => ("additionalProperties", self.schema(depth)),
            12 => ("patternProperties", json!({ "^[ab]$": self.schema(depth) })),
            13 => ("propertyNames", self.schema(depth)),
            14 | 15 => ("anyOf", json!([self.schema(depth), self.schema(depth)])),
            16 => ("oneOf", json!([self.schema(depth), self.schema(depth)])),
            17 => ("allOf", json!([self.schema(depth), self.schema(depth)])),
            18 => ("not", self.schema(depth)),
            19 => ("if", self.schema(depth)),
            20 => ("then", self.schema(depth)),
            21 => ("else", self.schema(depth)),
            22 => ("dependentSchemas", self.map(2, |random| random.schema(depth))),
            23 => ("dependentRequired", json!({ self.pick(&NAMES): [self.pick(&NAMES)] })),
            24 => ("unevaluatedProperties", self.schema(depth)),
            25 => ("contains", self.schema(depth)),
            26 => (self.pick(&["minLength", "maxItems", "minimum", "maxProperties"]), json!(self.below(3))),
            27 => (self.pick(&["pattern"]), json!(self.pick(&["^x", "b$", "^(?:ab)*$"]))),
            28 => (self.pick(&["title", "description", "default", "format"]), json!(self.pick(&TEXTS))),
            _ => ("$ref", json!(format!("#/$defs/{}", self.pick(&NAMES).replace(' ', "%20")))),
        }
    }
}
