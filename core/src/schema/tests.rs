use serde_json::{Value, json};

use super::Strictness::{Permissive, Strict};
use super::random_tests::Random;
use super::*;

/// The messages of a check, one a line; empty when it passes.
fn check(schema: &Value, value: Value, mode: Strictness) -> String {
    Schema::compile(schema).unwrap().check(&value, mode).err().unwrap_or_default().join("\n")
}

fn refusal(schema: &Value) -> String {
    let error = Schema::compile(schema).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidSchema);
    error.message().strip_prefix("the schema is refused: ").unwrap().to_owned()
}

fn nested(levels: usize, inner: Value, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(inner, |value, _| wrap(value))
}

/// Runs on the smallest stack that a thread of the runtime has.
fn on_2_mib<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, run).unwrap().join().unwrap()
    })
}

fn issue_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "title": { "type": "string", "minLength": 1 },
            "labels": { "type": "array", "items": { "enum": ["bug", "feat"] } },
            "count": { "type": "integer", "maximum": 10 },
            "who": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "meta": { "type": "object" },
            "place": { "type": "object", "properties": { "x": { "type": "number" } } }
        },
        "required": ["title"]
    })
}

#[test]
fn messages_say_where_and_what_was_expected() {
    let table = [
        (json!({ "title": "a" }), ""),
        (json!({}), "missing required property `title`"),
        (json!({ "title": 1 }), "at `/title`: expected string, got integer"),
        (json!({ "title": "" }), "at `/title`: expected at least 1 characters"),
        (json!({ "title": "a", "labels": ["bug", "x"] }), "at `/labels/1`: expected one of `bug`, `feat`, got `x`"),
        (json!({ "title": "a", "count": 11 }), "at `/count`: expected at most 10, got `11`"),
        (json!({ "title": "a", "who": 1 }), "at `/who`: expected string or null, got integer"),
        (json!([]), "expected object, got array"),
        (
            json!({ "count": "1", "labels": 5 }),
            "missing required property `title`\nat `/count`: expected integer, got string\nat `/labels`: expected array, got integer",
        ),
    ];
    for (value, expected) in table {
        let mut lines: Vec<String> = check(&issue_schema(), value, Permissive).lines().map(str::to_owned).collect();
        lines.sort_by_key(|line| (line.starts_with("at"), line.clone()));
        assert_eq!(lines.join("\n"), expected);
    }
}

#[test]
fn the_nearest_alternative_is_explained() {
    let shapes = json!({ "anyOf": [
        { "type": "object", "properties": { "kind": { "const": "circle" }, "r": { "type": "number" } }, "required": ["kind", "r"] },
        { "type": "object", "properties": { "kind": { "const": "square" }, "a": { "type": "number" } }, "required": ["kind", "a"] },
    ] });
    assert_eq!(
        check(&shapes, json!({ "kind": "square", "a": "1" }), Permissive),
        "at `/a`: expected number, got string"
    );
    assert_eq!(check(&shapes, json!({ "kind": "circle" }), Permissive), "missing required property `r`");
    assert_eq!(check(&shapes, json!({ "kind": "x" }), Permissive), "fits none of 2 alternatives");
    assert_eq!(check(&shapes, json!(1), Permissive), "expected object or object, got integer");
}

#[test]
fn messages_never_carry_a_whole_value_and_are_few() {
    let secret = "s3cret-".repeat(100);
    let schema = json!({ "type": "object", "properties": {
        "a": { "enum": ["x"] }, "b": { "type": "integer" }, "c": { "const": {} }, "d": { "pattern": "^x$" },
        "e": { "maxLength": 1 }, "f": { "not": {} }, "g": { "oneOf": [{}, {}] }, "h": { "type": "array", "uniqueItems": true },
    } });
    let value = json!({ "a": secret, "b": secret, "c": { "k": secret }, "d": secret, "e": secret, "f": secret,
        "g": secret, "h": [secret, secret] });
    let messages = Schema::compile(&schema).unwrap().check(&value, Permissive).unwrap_err();
    assert_eq!(messages.len(), MAX_MESSAGES);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let text = check(&schema, json!({ name: value[name] }), Permissive);
        assert!(text.len() < 120 && text.matches("s3cret-").count() <= 6, "{text}");
    }
    let hidden =
        check(&json!({ "properties": { "k\n": { "enum": ["a\u{202e}"] } } }), json!({ "k\n": "\u{0}" }), Permissive);
    assert_eq!(hidden, "at `/k\\n`: expected one of `a\\u{202e}`, got `\\0`");
}

#[test]
fn all_drafts_are_understood() {
    let table = [
        (
            json!({ "$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": true }),
            json!(1),
        ),
        (
            json!({ "$schema": "http://json-schema.org/draft-07/schema#", "items": [{ "type": "string" }], "additionalItems": false }),
            json!(["a", 1]),
        ),
        (json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "number" } }), json!(["a", "b"])),
        (json!({ "dependencies": { "a": ["b"], "c": { "required": ["d"] } } }), json!({ "a": 1 })),
        (json!({ "dependencies": { "a": ["b"], "c": { "required": ["d"] } } }), json!({ "c": 1 })),
        (json!({ "definitions": { "t": { "type": "string" } }, "$ref": "#/definitions/t" }), json!(1)),
        (json!({ "$defs": { "a b": { "type": "string" } }, "$ref": "#/$defs/a%20b" }), json!(1)),
        (json!({ "$defs": { "x": { "$anchor": "t", "type": "string" } }, "$ref": "#t" }), json!(1)),
        (json!({ "$defs": { "x": { "$dynamicAnchor": "t", "type": "string" } }, "$dynamicRef": "#t" }), json!(1)),
        (
            json!({ "$id": "https://example.com/a", "$defs": { "t": { "type": "string" } }, "$ref": "https://example.com/a#/$defs/t" }),
            json!(1),
        ),
        (json!({ "properties": { "a": { "$ref": "#" } }, "required": ["x"] }), json!({ "x": 1, "a": {} })),
        (json!({ "allOf": [{ "properties": { "a": true } }], "unevaluatedProperties": false }), json!({ "b": 1 })),
        (json!({ "if": { "required": ["a"] }, "then": { "required": ["b"] } }), json!({ "a": 1 })),
        (json!({ "type": "array", "contains": { "const": 1 }, "maxContains": 1 }), json!([1, 1])),
        (json!({ "propertyNames": { "maxLength": 1 } }), json!({ "ab": 1 })),
    ];
    for (schema, value) in table {
        assert_ne!(check(&schema, value.clone(), Permissive), "", "{schema} {value}");
    }
    let accepted = [
        (
            json!({ "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/t", "type": "string", "definitions": { "t": {} } }),
            json!(1),
        ),
        (json!({ "type": "string", "nullable": true }), json!(null)),
        (json!({ "enum": ["a"], "nullable": true }), json!(null)),
        (json!({ "type": "object", "properties": { "a": { "type": "string", "required": true } } }), json!({})),
        (json!({ "type": "string", "format": "date-time", "contentEncoding": "base64" }), json!("never mind")),
        (json!({ "type": "integer" }), json!(1.0)),
        (json!({ "x-unknown": { "$ref": "https://example.com" }, "default": { "$id": "x" } }), json!(1)),
        (json!(true), json!({ "a": 1 })),
    ];
    for (schema, value) in accepted {
        assert_eq!(check(&schema, value, Permissive), "", "{schema}");
    }
}

#[test]
fn leading_look_aheads_are_checked() {
    let email = r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$";
    let password = r"^(?=.*[A-Z])(?=.*\d)(?=.*[(\]|]).{8,}$";
    let table = [
        (email, "a.b@example.com", ""),
        (email, ".a@example.com", "expected text that does not match the pattern `^(?:\\.)`"),
        (email, "a..b@example.com", "expected text that does not match the pattern `^(?:.*\\.\\.)`"),
        (
            email,
            "a.b@example",
            "expected text that matches the pattern `^([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A...`",
        ),
        (password, "Passw0rd|", ""),
        (password, "Passw0rd", "expected text that matches the pattern `^(?:.*[(\\]|])`"),
        (password, "Pa0|", "expected text that matches the pattern `^.{8,}$`"),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(check(&json!({ "pattern": pattern }), json!(text), Permissive), expected, "{text}");
    }
    for pattern in ["^(?!a)b|c", "^(?=a)*b", "(?!a)b", "^a(?!b)", "^(?=a", r"^(?=(a))\1"] {
        assert!(refusal(&json!({ "pattern": pattern })).contains("linear time"), "{pattern}");
    }
}

#[test]
fn t07_strict_refuses_what_the_schema_does_not_name() {
    let table = [
        (
            json!({ "title": "a", "x": 1 }),
            "unknown property `x`, expected one of `count`, `labels`, `meta`, `place`, `title`, `who`",
        ),
        (json!({ "title": "a", "place": { "y": 1 } }), "at `/place`: unknown property `y`, expected `x`"),
        (json!({ "title": "a", "meta": { "free": 1 } }), ""),
        (
            json!({ "x": 1 }),
            "unknown property `x`, expected one of `count`, `labels`, `meta`, `place`, `title`, `who`\nmissing required property `title`",
        ),
        (json!({ "title": "a", "count": "1" }), "at `/count`: expected integer, got string"),
        (json!({ "title": "a", "count": 1.5 }), "at `/count`: expected integer, got number"),
        (
            json!({ "title": "a", "count": 9007199254740993u64 }),
            "at `/count`: expected at most 10, got `9007199254740993`",
        ),
        (json!({ "title": "a", "count": -0.0 }), ""),
        (json!({ "title": "a", "meta": { "constructor": 1 } }), ""),
        (
            json!({ "title": "a", "constructor": 1 }),
            "unknown property `constructor`, expected one of `count`, `labels`, `meta`, `place`, `title`, `who`",
        ),
    ];
    for (value, expected) in table {
        assert_eq!(check(&issue_schema(), value, Strict), expected);
    }
    assert_eq!(check(&json!({ "type": "object" }), json!({ "x": 1 }), Strict), "unknown property `x`, expected none");
    assert_eq!(check(&json!({ "type": "object" }), json!({ "x": 1 }), Permissive), "");
}

#[test]
fn t07_strict_accepts_what_the_schema_lets_in() {
    let accepted = [
        json!({ "additionalProperties": true }),
        json!({ "additionalProperties": { "type": "integer" } }),
        json!({ "unevaluatedProperties": true }),
        json!({ "patternProperties": { "^x": {} } }),
        json!({ "allOf": [{ "properties": { "y": {} } }, { "properties": { "x": {} } }] }),
        json!({ "anyOf": [{ "$ref": "#/$defs/a" }, { "type": "null" }], "$defs": { "a": { "properties": { "x": {} } } } }),
        json!({ "if": {}, "then": { "properties": { "x": {} } } }),
    ];
    for schema in accepted {
        assert_eq!(check(&schema, json!({ "x": 1 }), Strict), "", "{schema}");
    }
    for schema in [
        json!({ "additionalProperties": false }),
        json!({ "patternProperties": { "^y": {} } }),
        json!({ "unevaluatedProperties": false }),
    ] {
        assert_ne!(check(&schema, json!({ "x": 1 }), Strict), "", "{schema}");
    }
    // A name that reaches a prototype passes only where the schema itself names it.
    let open = json!({ "additionalProperties": true });
    assert_eq!(check(&open, json!({ "constructor": 1 }), Strict), "unknown property `constructor`, expected none");
    assert_eq!(check(&json!({ "properties": { "constructor": {} } }), json!({ "constructor": "ferrari" }), Strict), "");
}

#[test]
fn t09_shape_rules_hold_in_both_modes() {
    let shape = |value: Value| check_shape(&value).err().unwrap_or_default();
    assert_eq!(shape(json!({ "a": [{ "constructor": 1 }] })), "");
    assert_eq!(shape(json!({ "__proto__": 1 })), "the key `__proto__` is not allowed in arguments");
    assert_eq!(shape(json!({ "a": [{ "__proto__": {} }] })), "the key `__proto__` is not allowed in arguments");
    let deep = |levels: usize| json!({ "a": nested(levels - 2, json!(1), |value| json!([value])) });
    assert_eq!(shape(deep(MAX_VALUE_DEPTH)), "");
    assert_eq!(shape(deep(MAX_VALUE_DEPTH + 1)), "the arguments nest deeper than 64 levels");
    let wide = |count: usize| (0..count).map(|n| (n.to_string(), json!(n))).collect::<Value>();
    assert_eq!(shape(wide(MAX_VALUE_NODES - 1)), "");
    assert_eq!(shape(wide(MAX_VALUE_NODES)), "the arguments hold more than 100000 values");
}

#[test]
fn u29_references_never_leave_the_document() {
    for reference in [
        "http://127.0.0.1:1/a.json",
        "file:///etc/passwd",
        "other.json",
        "//host/x",
        "http://json-schema.org/draft-07/schema#",
    ] {
        let text = refusal(&json!({ "properties": { "a": { "$ref": reference } } }));
        assert!(text.contains("leaves the document"), "{text}");
    }
    for schema in [
        json!({ "$ref": "#/nowhere" }),
        json!({ "$ref": "#nowhere" }),
        json!({ "$ref": "#a", "$defs": { "x": { "$anchor": "a" }, "y": { "$anchor": "a" } } }),
        json!({ "$ref": 1 }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$id": "http://x/y" } } }),
    ] {
        assert!(refusal(&schema).contains("$ref"), "{schema}");
    }
}

#[test]
fn u29_endless_references_are_refused() {
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } } }),
        json!({ "$dynamicAnchor": "n", "allOf": [{ "$dynamicRef": "#n" }] }),
        json!({ "$recursiveAnchor": true, "$recursiveRef": "#" }),
    ] {
        assert_eq!(refusal(&schema), "a reference leads back to itself without descending into the value");
    }
    let tree = json!({ "type": "object", "properties": { "kids": { "type": "array", "items": { "$ref": "#" } } } });
    assert_eq!(
        check(&tree, json!({ "kids": [{ "kids": [1] }] }), Permissive),
        "at `/kids/0/kids/0`: expected object, got integer"
    );
}

#[test]
fn u29_size_and_nesting_are_bounded() {
    // `json!` would copy what it wraps.
    let deep = nested(10_000, json!({}), |value| {
        Value::Object(Map::from_iter([("allOf".to_owned(), Value::Array(vec![value]))]))
    });
    assert_eq!(refusal(&deep), "its values nest deeper than 64 levels");
    // Dropping so deep a value would itself recurse.
    std::mem::forget(deep);
    assert_eq!(refusal(&json!({ "enum": vec![1; 1_000_000] })), "its values hold more than 20000 values");
    assert_eq!(refusal(&json!({ "description": "x".repeat(MAX_SCHEMA_BYTES) })), "it has more than 262144 bytes");
    let chain: Value = (0..1_000).map(|n| (n.to_string(), json!({ "$ref": format!("#/$defs/{}", n + 1) }))).collect();
    let mut chained = json!({ "$ref": "#/$defs/0", "$defs": chain });
    chained["$defs"]["1000"] = json!({});
    assert_eq!(refusal(&chained), "more than 32 references and combinations within each other");
    let wide: Vec<Value> = (0..400).map(|n| json!({ "$ref": format!("#/$defs/{n}") })).collect();
    let all: Value =
        (0..400).map(|n| (n.to_string(), json!({ "allOf": vec![json!({ "$ref": "#/$defs/x" }); 4] }))).collect();
    let mut entangled = json!({ "properties": {}, "$defs": all });
    entangled["$defs"]["x"] = json!({ "anyOf": vec![json!({}); 300] });
    entangled["allOf"] = json!(wide);
    assert_eq!(refusal(&entangled), "too many references and combinations");
}

#[test]
fn u29_patterns_run_in_linear_time_and_bounded_space() {
    assert_eq!(
        check(&json!({ "pattern": "^(a+)+$" }), json!("a".repeat(40) + "!"), Permissive),
        "expected text that matches the pattern `^(a+)+$`"
    );
    for pattern in [r"(?<=a)b", r"(a)\1", r"(?<!a)b", "(", r"(\w{999}){999}"] {
        assert!(refusal(&json!({ "pattern": pattern })).contains("linear time"), "{pattern}");
    }
    assert_eq!(
        refusal(&json!({ "pattern": "a".repeat(100_000) })),
        "a pattern has 100000 bytes, expected at most 2000"
    );
    let many: Vec<Value> = (0..33).map(|n| json!({ "pattern": format!("^{n}$") })).collect();
    assert_eq!(refusal(&json!({ "anyOf": many })), "it has more than 32 different patterns");
    assert!(refusal(&json!({ "patternProperties": { "(?<=a)b": {} } })).contains("linear time"));
    // A pattern whose automaton does not fit costs more for each byte.
    let heavy = json!({ "pattern": "^[01]*1[01]{100}x[01]{100}1[01]*$" });
    assert_eq!(
        check(&heavy, json!("01".repeat(100)), Permissive),
        "expected text that matches the pattern `^[01]*1[01]{100}x[01]{100}1[01]*$`"
    );
    assert_eq!(
        check(&heavy, json!("01".repeat(10_000)), Permissive),
        "the arguments are too large to be checked against this tool's schema"
    );
}

#[test]
fn u29_nonsense_is_refused_or_harmless() {
    for schema in [
        json!({ "multipleOf": 0 }),
        json!({ "$schema": "http://example.com/own" }),
        json!({ "$schema": 7 }),
        json!({ "type": "strin" }),
        json!({ "properties": [] }),
        json!({ "allOf": {} }),
        json!({ "items": 5 }),
        json!({ "minLength": -1 }),
        json!({ "required": "a" }),
        json!([]),
        json!("x"),
    ] {
        refusal(&schema);
    }
    assert_eq!(
        check(&json!({ "minLength": 1e308 }), json!("a"), Permissive),
        "expected at least 18446744073709551615 characters"
    );
    assert_eq!(check(&json!({ "multipleOf": 1e-308 }), json!(1), Permissive), "");
}

#[test]
fn u29_no_schema_makes_a_check_explode() {
    let too_large = "the arguments are too large to be checked against this tool's schema";
    // 4^14 visits of one value.
    let mut multiplying = json!({ "$ref": "#/$defs/0", "$defs": { "14": { "type": "string" } } });
    for level in 0..14 {
        let next = json!({ "$ref": format!("#/$defs/{}", level + 1) });
        multiplying["$defs"][level.to_string()] = json!({ "allOf": vec![next; 4] });
    }
    assert_eq!(check(&multiplying, json!(1), Permissive), too_large);
    // Twice as many visits on each level of the value.
    let list = json!({ "type": "array", "items": { "$ref": "#" } });
    let branching = json!({ "anyOf": [list, list, { "type": "integer" }] });
    assert_eq!(
        check(&branching, nested(5, json!("x"), |value| json!([value])), Permissive),
        "fits none of 3 alternatives"
    );
    assert_eq!(check(&branching, nested(30, json!("x"), |value| json!([value])), Permissive), too_large);
    // Many subschemas over many items; many composite items that may collide; many long options.
    let broad = json!({ "items": { "allOf": vec![json!({ "minimum": 0 }); 1_000] } });
    assert_eq!(check(&broad, json!(vec![1; 10_000]), Permissive), too_large);
    assert_eq!(check(&json!({ "uniqueItems": true }), (0..5_000).map(|n| json!([n])).collect(), Permissive), too_large);
    assert_eq!(check(&json!({ "uniqueItems": true }), (0..5_000).map(|n| json!(n)).collect(), Permissive), "");
    let options = json!({ "items": { "enum": (0..2_000).map(|n| json!([n, "x"])).collect::<Vec<_>>() } });
    assert_eq!(check(&options, json!(vec![json!([1, "y"]); 10_000]), Permissive), too_large);
    assert_eq!(
        check(&json!({ "patternProperties": { "a{1000}b": {} } }), json!({ "a".repeat(50_000): 1 }), Permissive),
        too_large
    );
    assert_eq!(
        check(&json!({ "propertyNames": { "pattern": "a{1000}b" } }), json!({ "a".repeat(50_000): 1 }), Permissive),
        too_large
    );
}

#[test]
fn large_arguments_pass_in_their_budget() {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "array", "items": { "type": "number" } }, "t": { "type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$" } } });
    assert_eq!(
        check(&schema, json!({ "n": (0..90_000).collect::<Vec<_>>(), "t": "QUJD".repeat(100_000) }), Strict),
        ""
    );
    let wrong = json!({ "n": (0..90_000).map(|n| n.to_string()).collect::<Vec<_>>() });
    assert_eq!(check(&schema, wrong, Permissive), "the arguments do not fit the tool's input schema");
}

#[test]
fn u29_the_deepest_schema_and_value_fit_a_small_stack() {
    on_2_mib(|| {
        // As deep in JSON as is allowed, in place and through properties, built, checked and explained.
        for wrap in [
            |value: Value| json!({ "anyOf": [value] }),
            |value: Value| json!({ "not": { "not": value } }),
            |value: Value| json!({ "properties": { "a": value }, "unevaluatedProperties": false }),
            |value: Value| json!({ "items": value, "contains": true }),
            |value: Value| json!({ "if": value, "then": true }),
        ] {
            for levels in [1, 8, 15, 19, 31, 40, MAX_SCHEMA_DEPTH - 1] {
                let Ok(schema) = Schema::compile(&nested(levels, json!({ "type": "string" }), wrap)) else { continue };
                let value = nested(MAX_VALUE_DEPTH - 1, json!(1), |value| json!({ "a": value }));
                let _ = schema.check(&value, Strict);
                let _ = schema.check(&nested(MAX_VALUE_DEPTH - 1, json!(1), |value| json!([value])), Strict);
            }
        }
        // The longest chain at each level of the deepest value.
        let links = [
            |next: Value| json!({ "anyOf": [next, { "type": "null" }] }),
            |next: Value| json!({ "allOf": [next, { "type": "array" }] }),
            |next: Value| json!({ "oneOf": [next, { "type": "null" }] }),
            |next: Value| json!({ "not": { "not": next } }),
            |next: Value| json!({ "if": { "type": "array" }, "then": next, "else": next }),
            |next: Value| json!({ "anyOf": [next, { "type": "null" }], "unevaluatedItems": { "$ref": "#" } }),
        ];
        for link in links {
            for length in [14, 9, 4] {
                let last = json!({ "type": "array", "prefixItems": [{ "$ref": "#" }], "contains": true });
                let mut schema = json!({ "$ref": "#/$defs/0", "$defs": { length.to_string(): last } });
                for level in 0..length {
                    schema["$defs"][level.to_string()] = link(json!({ "$ref": format!("#/$defs/{}", level + 1) }));
                }
                let Ok(schema) = Schema::compile(&schema) else { continue };
                for levels in [1, 4, 7, 10, 15, 20, 30, 36, 42, 48, 54, MAX_VALUE_DEPTH - 1] {
                    let value = nested(levels, json!("wrong"), |value| json!([value]));
                    assert_ne!(schema.check(&value, Strict), Ok(()));
                }
            }
        }
    });
}

#[test]
fn rewriting_a_schema_keeps_its_meaning() {
    let (mut compiled, mut verdicts) = (0, [0, 0]);
    for case in 0..600 {
        let mut random = Random::new(case);
        let document = random.document(3);
        let Ok(schema) = Schema::compile(&document) else { continue };
        let plain = jsonschema::draft202012::options().should_validate_formats(false).build(&document).unwrap();
        compiled += 1;
        for _ in 0..8 {
            let value = random.value(3);
            let is_valid = schema.check(&value, Permissive).is_ok();
            assert_eq!(is_valid, plain.is_valid(&value), "case {case}: {document} {value}");
            assert!(is_valid || schema.check(&value, Strict).is_err(), "case {case}: strict accepts more");
            verdicts[usize::from(is_valid)] += 1;
        }
    }
    assert!(compiled > 300 && verdicts.iter().all(|count| *count > 500), "{compiled} {verdicts:?}");
}
