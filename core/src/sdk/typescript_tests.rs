use serde_json::{Value, json};

use super::*;
use crate::schema::random_tests::Random;
use crate::sdk::samples::{UNSEEN, assert_golden, repeated, servers, tool};
use crate::sdk::text::MAX_TOOL_TEXT;

/// What a field with this schema is declared as, on one line, with its comment.
fn kind(schema: Value) -> String {
    let mut document = json!({ "type": "object", "properties": { "x": schema }, "required": ["x"] });
    for keyword in ["$defs", "definitions"] {
        if let Some(definitions) = document["properties"]["x"].as_object_mut().and_then(|schema| schema.remove(keyword))
        {
            document[keyword] = definitions;
        }
    }
    let text = declaration_of(&tool("u.t", document)).split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.strip_prefix("declare const tools: { readonly u: { t(args: { ").unwrap();
    let (kind, types) = text.split_once(" }): Promise<any>; }; };").unwrap();
    let kind = kind.strip_prefix("x: ").unwrap_or(kind).trim_end_matches(';');
    let types =
        types.trim().strip_prefix("declare namespace types {").map(|types| types.strip_suffix('}').unwrap().trim());
    types.map_or(kind.to_owned(), |types| format!("{kind}; {types}"))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn schemas_become_types() {
    let table = [
        (json!({ "type": "string" }), "string"),
        (json!({ "type": "integer", "minimum": 1, "default": 3 }), "/** @integer @default 3 @minimum 1 */ x: number"),
        (json!({}), "unknown"),
        (json!(true), "unknown"),
        (json!(false), "never"),
        (json!({ "type": "strange" }), "unknown"),
        (json!(7), "unknown"),
        (json!({ "type": ["string", "null"] }), "string | null"),
        (json!({ "type": ["null", "string"] }), "string | null"),
        (json!({ "type": "string", "nullable": true }), "string | null"),
        (json!({ "anyOf": [{ "type": "null" }, { "type": "number" }] }), "number | null"),
        (
            json!({ "oneOf": [{ "type": "number" }, { "anyOf": [{ "type": "number" }, { "type": "string" }] }] }),
            "number | string",
        ),
        (json!({ "enum": ["a", 1, null, true, "a"] }), "\"a\" | 1 | true | null"),
        (json!({ "enum": [[1], { "a": 1 }] }), "unknown[] | { [key: string]: unknown }"),
        (json!({ "const": -1.5 }), "-1.5"),
        (json!({ "type": "string", "const": "a" }), "\"a\""),
        (json!({ "enum": [] }), "never"),
        (json!({ "type": "array" }), "unknown[]"),
        (json!({ "type": "array", "items": { "enum": ["bug", "feat"] } }), "(\"bug\" | \"feat\")[]"),
        (json!({ "items": { "type": ["string", "null"] } }), "(string | null)[]"),
        (json!({ "type": "array", "items": { "items": { "type": "string" } } }), "string[][]"),
        (
            json!({ "prefixItems": [{ "type": "string" }, { "type": ["number", "null"] }], "minItems": 1 }),
            "[string, (number | null)?, ...unknown[]]",
        ),
        (json!({ "prefixItems": [{ "type": "string" }], "items": false, "minItems": 1 }), "[string]"),
        (
            json!({ "items": [{ "type": "string" }], "additionalItems": { "enum": [1, 2] }, "minItems": 1 }),
            "[string, ...(1 | 2)[]]",
        ),
        (
            json!({ "prefixItems": [{}, {}], "minItems": 2, "maxItems": 2 }),
            "/** @minItems 2 @maxItems 2 */ x: [unknown, unknown]",
        ),
        (json!({ "type": "object" }), "{ [key: string]: unknown }"),
        (json!({ "type": "object", "properties": {} }), "{}"),
        (json!({ "type": "object", "additionalProperties": false }), "{}"),
        (json!({ "additionalProperties": { "type": "string" } }), "{ [key: string]: string }"),
        (
            json!({ "patternProperties": { "^a": { "type": "string" }, "^b": { "type": "number" } } }),
            "{ [key: string]: string | number }",
        ),
        (
            json!({ "properties": { "b": { "type": "string" }, "a": {} }, "required": ["b", "c"] }),
            "{ b: string; c: unknown; a?: unknown }",
        ),
        (json!({ "properties": { "a": {} }, "additionalProperties": true }), "{ a?: unknown; [key: string]: unknown }"),
        (
            json!({ "properties": { "a": {} }, "additionalProperties": { "type": "number" } }),
            "{ a?: unknown; /** Others: number */ [key: string]: unknown; }",
        ),
        (
            json!({ "allOf": [{ "properties": { "a": { "type": "string" } } }, { "properties": { "b": {} }, "required": ["a"] }] }),
            "{ a: string; b?: unknown }",
        ),
        (json!({ "allOf": [{ "type": "string" }, { "enum": ["a", "b"] }] }), "string & (\"a\" | \"b\")"),
        (
            json!({ "properties": { "a": {} }, "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] }),
            "{ a?: unknown } & ({ a: unknown } | { b: unknown })",
        ),
        (json!({ "type": "array", "items": { "allOf": [{ "type": "string" }, { "const": 1 }] } }), "(string & 1)[]"),
        (json!({ "not": { "type": "string" } }), "unknown"),
    ];
    for (schema, expected) in table {
        let printed = kind(schema.clone());
        // Hints of the outer schema are the comment of the field.
        let without_comment = printed.rsplit_once("*/ x: ").map_or(printed.as_str(), |(_, kind)| kind);
        assert!(
            printed == expected || (without_comment == expected && printed.starts_with("/** @")),
            "{schema}: {printed}"
        );
    }
}

#[test]
fn references_are_followed_and_named_where_that_helps() {
    let table = [
        (json!({ "$ref": "#/$defs/a", "$defs": { "a": { "type": "string" } } }), "string"),
        (
            json!({ "$ref": "#/definitions/a%20b", "definitions": { "a b": { "properties": { "k": {} } } } }),
            "{ k?: unknown }",
        ),
        (json!({ "$ref": "#it", "$defs": { "a": { "$anchor": "it", "type": "number" } } }), "number"),
        (json!({ "$ref": "#/properties/x/items", "items": { "type": "number" } }), "number[]"),
        (
            json!({ "items": [{ "$ref": "#/$defs/p" }, { "$ref": "#/$defs/p" }], "$defs": { "p": { "type": "string" } }, "minItems": 2 }),
            "[string, string, ...unknown[]]",
        ),
        (
            json!({ "anyOf": [{ "$ref": "#/$defs/p" }, { "items": { "$ref": "#/$defs/p" } }], "$defs": { "p": { "properties": { "k": {} } } } }),
            "types.UTP | types.UTP[]; type UTP = { k?: unknown };",
        ),
        (
            json!({ "$ref": "#/$defs/tree-node", "$defs": { "tree-node": { "description": "A node", "properties": { "kids": { "items": { "$ref": "#/$defs/tree-node" } } } } } }),
            "types.UTTreeNode; /** A node */ type UTTreeNode = { kids?: types.UTTreeNode[] };",
        ),
        (
            json!({ "$ref": "#/$defs/A", "$defs": { "A": { "properties": { "b": { "$ref": "#/$defs/B" } } }, "B": { "items": { "$ref": "#/$defs/A" } } } }),
            "types.UTA; type UTA = { b?: types.UTB }; type UTB = types.UTA[];",
        ),
        (
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }, { "type": "null" }] } } }),
            "types.UTA; /** @note the schema refers to itself without end */ type UTA = unknown;",
        ),
        (json!({ "items": { "$ref": "#" } }), "types.UTArgs[]"),
        (
            json!({ "$ref": "#it", "$defs": { "a": { "$anchor": "it", "type": "number" }, "b": { "$anchor": "it" } } }),
            "/** @note refers to a schema that is not in this document */ x: unknown",
        ),
        (
            json!({ "$id": "https://example.com/x", "items": { "$ref": "#/$defs/a" }, "$defs": { "a": { "type": "string" } } }),
            "unknown[]",
        ),
        (
            json!({ "$ref": "https://example.com/a.json" }),
            "/** @note refers to a schema that is not in this document */ x: unknown",
        ),
    ];
    for (schema, expected) in table {
        let printed = match expected.starts_with("types.UTArgs") {
            true => declaration_of(&tool("u.t", json!({ "properties": { "x": schema } }))),
            false => kind(schema.clone()),
        };
        assert!(printed.contains(expected), "{schema}: {printed}");
    }
}

#[test]
fn names_are_verbatim_and_quoted_where_they_must_be() {
    let object = || json!({ "type": "object", "properties": { "a-b": {}, "class": {} } });
    let mut invoice = tool("my-server.get-invoice", object());
    invoice.description = Some("Gets it.\n\nAll of it.".to_owned());
    invoice.output_schema =
        Some(json!({ "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] }));
    let tools = [
        tool("z.a.b", object()),
        tool("my-server.put-it", object()),
        invoice,
        tool("my-server.put_it", json!({ "required": ["x"] })),
    ];
    let printed = declarations(&tools.map(Arc::new));
    let expected = r#"// A tool without an output schema gives `any`: its text, parsed where it is JSON.
declare const tools: {
  /** Also `tools.my_server`. */
  readonly "my-server": {
    /**
     * Gets it.
     *
     * All of it.
     * Also `tools.my_server.get_invoice`.
     */
    "get-invoice"(args?: { "a-b"?: unknown; class?: unknown }): Promise<{ id: string }>;
    "put-it"(args?: { "a-b"?: unknown; class?: unknown }): Promise<any>;
    put_it(args: { x: unknown }): Promise<any>;
  };
  readonly z: {
    /** Also `tools.z.a_b`. */
    "a.b"(args?: { "a-b"?: unknown; class?: unknown }): Promise<any>;
  };
"#;
    assert_eq!(printed, format!("{expected}{COMMON}"));
    assert_eq!(
        declarations(&[]),
        format!("{}declare const tools: {{\n{COMMON}", expected.split_once("declare").unwrap().0)
    );
}

#[test]
fn names_that_mean_something_to_typescript_are_still_tools() {
    let tree = json!({ "$ref": "#/$defs/n", "$defs": { "n": { "properties": { "n": { "$ref": "#/$defs/n" } } } } });
    let printed = declarations(&[
        Arc::new(tool("3d.show", tree)),
        Arc::new(tool("x.new", json!({}))),
        Arc::new(tool("x.then", json!({ "$ref": "https://example.com" }))),
    ]);
    assert!(printed.contains("type T3d"), "{printed}");
    assert!(printed.contains("\"new\"("), "{printed}");
    assert!(printed.contains("* Only by `tools.$call(\"x.then\")`."), "{printed}");
    assert!(printed.contains("Of the arguments: refers to a schema that is not in this document."), "{printed}");
}

#[test]
fn types_of_the_same_name_are_told_apart() {
    let schema = || json!({ "properties": { "kids": { "items": { "$ref": "#" } } } });
    let tools = ["a.b_c", "a_b.c", "a.bC"].map(|name| Tool { output_schema: Some(schema()), ..tool(name, schema()) });
    let printed = declarations(&tools.map(Arc::new));
    for name in ["ABCArgs", "ABCArgs2", "ABCArgs3", "ABCResult", "ABCResult2", "ABCResult3"] {
        assert_eq!(printed.matches(&format!("type {name} = ")).count(), 1, "{printed}");
    }
}

#[test]
fn u27_no_text_of_an_upstream_passes_for_code() {
    let unseen = String::from_iter(UNSEEN);
    let evil = &format!("*/ evil(); /*{0}evil(){0}`${{evil()}}` ```\n\"\"\"{0}[31m", unseen);
    let mut hostile = tool(
        "u.t",
        json!({
            "description": evil,
            "properties": {
                evil: { "enum": [evil, "\\", "\""], "description": evil, "default": evil, "pattern": evil, "format": evil },
                "x\"; evil(); \"": { "$ref": format!("#/$defs/{}", "*~1 evil(); ~1*") },
            },
            "$defs": { "*/ evil(); /*": { "description": evil, "properties": { "a": { "$ref": "#/$defs/*~1 evil(); ~1*" } } } },
        }),
    );
    hostile.description = Some(evil.to_owned());
    hostile.title = Some(evil.to_owned());
    let printed = declarations(&[Arc::new(hostile)]);
    assert!(!printed.contains("```") && !printed.contains(UNSEEN), "{printed:?}");
    // Without its comments and literals nothing of the text is left.
    assert!(!without_text(&printed).contains("evil()"), "{printed}");
    assert!(without_text(&printed).contains("type UTEvil = "), "{printed}");
}

/// The code alone, as a scanner of TypeScript sees it: comments and string literals left out.
fn without_text(code: &str) -> String {
    let (mut rest, mut left) = (code, String::new());
    while let Some(c) = rest.chars().next() {
        rest = if let Some(comment) = rest.strip_prefix("/*") {
            &comment[comment.find("*/").expect("a comment ends") + 2..]
        } else if let Some(comment) = rest.strip_prefix("//") {
            &comment[comment.find('\n').unwrap_or(comment.len())..]
        } else if let Some(mut literal) = rest.strip_prefix('"') {
            while let Some(c) = literal.chars().next() {
                assert_ne!(c, '\n', "a literal ends on its line");
                literal = &literal[c.len_utf8()..];
                match c {
                    '\\' => literal = &literal[1..],
                    '"' => break,
                    _ => {}
                }
            }
            literal
        } else {
            left.push(c);
            &rest[c.len_utf8()..]
        };
    }
    left
}

#[test]
fn any_schema_whatsoever_is_printed() {
    for case in 0..400 {
        let mut random = Random::new(case);
        let schema = if case % 4 == 0 { random.value(4) } else { random.document(3) };
        let mut odd = tool("u.t", schema.clone());
        odd.output_schema = Some(random.document(2));
        let printed = declarations(&[Arc::new(odd)]);
        let code = without_text(&printed);
        assert!(!code.contains("evil"), "case {case}: {schema}\n{printed}");
        for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
            assert_eq!(code.matches(open).count(), code.matches(close).count(), "case {case}: {schema}\n{printed}");
        }
    }
}

#[test]
fn u29_large_and_deep_schemas_are_cut_visibly() {
    let deep = (0..60).fold(json!({}), |schema, _| json!({ "properties": { "a": schema } }));
    assert!(declaration_of(&tool("u.t", deep)).contains("/** @note the schema goes on deeper than is shown */"));
    let wide: Value = (0..5_000).map(|n| (n.to_string(), json!({}))).collect();
    assert!(
        declaration_of(&tool("u.t", json!({ "properties": wide }))).contains("t(args?: { [key: string]: unknown })")
    );
    let many = kind(json!({ "type": "string", "enum": (0..150).map(|n| n.to_string()).collect::<Vec<_>>() }));
    assert!(
        many.starts_with("/** @note 150 values in all */ x: \"0\" | \"1\" | ") && many.ends_with("| \"99\" | string"),
        "{many}"
    );
    // Every level doubles what is said in place; the end comes long before 2^50.
    let mut doubling = json!({ "$ref": "#/$defs/0", "$defs": { "50": { "type": "string" } } });
    for level in 0..50 {
        let next = json!({ "$ref": format!("#/$defs/{}", level + 1) });
        doubling["$defs"][level.to_string()] = json!({ "not": {}, "contains": next, "prefixItems": [next, next] });
    }
    let printed = declaration_of(&tool("u.t", doubling));
    assert!(printed.len() < 20_000, "{}", printed.len());
    let long = Tool {
        description: Some("é".repeat(1 << 20)),
        ..tool("u.t", json!({ "properties": { "a": { "description": "é".repeat(1 << 20) } } }))
    };
    assert!(declaration_of(&long).chars().count() < MAX_TOOL_TEXT + MAX_FIELD_TEXT + 300);
}

#[test]
fn a_reference_means_the_same_to_declarations_and_to_checks() {
    let document = |extra: Value, reference: &str| {
        let mut document = json!({
            "properties": { "x": { "$ref": reference } },
            "$defs": { "a": { "$anchor": "one", "type": "string" }, "b": { "$anchor": "two" }, "c": { "$anchor": "two" } },
        });
        document.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        document
    };
    let own = json!({ "$id": "https://example.com/s#" });
    let embedding = json!({ "properties": { "y": { "$id": "https://example.com/y" }, "x": { "$ref": "#/$defs/a" } } });
    for (extra, reference, is_known) in [
        (&json!({}), "#/$defs/a", true),
        (&json!({}), "#one", true),
        (&json!({}), "#two", false),
        (&json!({}), "#three", false),
        (&json!({}), "#/$defs/z", false),
        (&json!({}), "https://example.com/s#/$defs/a", false),
        (&own, "https://example.com/s#/$defs/a", true),
        (&own, "https://example.com/s#one", true),
        (&own, "https://example.com/t#one", false),
        (&embedding, "#/$defs/a", false),
    ] {
        let document = document(extra.clone(), reference);
        let declared = declaration_of(&tool("u.t", document.clone())).contains("x?: string");
        let checked = crate::schema::Schema::compile(&document).is_ok();
        assert_eq!((declared, checked), (is_known, is_known), "{reference} in {document}");
    }
}

#[test]
fn u26_declarations_are_bounded_as_a_whole() {
    let many: Vec<Arc<Tool>> = (0..5_000)
        .map(|at| Arc::new(Tool { description: Some("d".repeat(2_000)), ..tool(&format!("u.t{at}"), json!({})) }))
        .collect();
    let text = declarations(&many);
    assert!((MAX_BYTES..MAX_BYTES + 10_000).contains(&text.len()), "{}", text.len());
    assert!(text.contains(" more tools are not shown here, `$search` finds them.\n  /** Calls a tool"));
}

#[test]
fn u29_a_schema_does_not_multiply_by_its_references() {
    // A long name that stands once, behind a reference that is followed a thousand times.
    let mut document = json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "required": ["n".repeat(100_000)] } } });
    document["prefixItems"] = (0..1_000).map(|_| json!({ "$ref": "#/$defs/a" })).collect();
    let text = declaration_of(&tool("u.t", document));
    assert!(text.len() < 1 << 20, "{}", text.len());
    // A thousand references within sixty targets that lie in one another.
    let mut nested: Value = (0..1_000).map(|at| json!({ "$ref": format!("#{}", "/n".repeat(at % 60 + 1)) })).collect();
    for _ in 0..60 {
        nested = json!({ "n": nested });
    }
    let start = std::time::Instant::now();
    for _ in 0..50 {
        declaration_of(&tool("u.t", nested.clone()));
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn names_that_need_quotes_take_no_time_of_their_own() {
    let tools: Vec<Arc<Tool>> = (0..4_000).map(|at| Arc::new(tool(&format!("u.kebab-tool-{at}"), json!({})))).collect();
    let start = std::time::Instant::now();
    let text = declarations(&tools);
    assert!(text.contains("/** Also `tools.u.kebab_tool_3999`. */"), "{text:.200}");
    // With a resolver for each name it is a minute.
    assert!(start.elapsed() < std::time::Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn u29_what_references_repeat_is_bounded() {
    let long = "x".repeat(20_000);
    let names: Vec<String> = (0..1_900).map(|n| format!("n{n}")).collect();
    for target in [
        json!({ "const": long }),
        json!({ "required": [long] }),
        json!({ "additionalProperties": { "enum": [long] } }),
        json!({ "additionalProperties": { "properties": { &long: {} } } }),
        json!({ "required": names }),
    ] {
        let printed = declaration_of(&repeated(target));
        assert!(printed.len() < 1 << 20, "{}: {}", printed.len(), &printed[..200]);
        assert!(printed.contains("/** @note the schema goes on deeper than is shown */\n      p999?: unknown;"));
    }
    // Three times as many on each level, none of which gets a name.
    let tripling = |levels: usize| {
        let mut schema = json!({ "$ref": "#/$defs/0", "$defs": { levels.to_string(): { "const": "innermost" } } });
        for level in 0..levels {
            let next = json!({ "$ref": format!("#/$defs/{}", level + 1) });
            schema["$defs"][level.to_string()] = json!({ "patternProperties": { "a": next, "b": next, "c": next } });
        }
        declaration_of(&tool("u.t", schema))
    };
    assert!(tripling(4).contains("innermost"));
    assert!(tripling(11).contains("t(args?: { [key: string]: unknown }): Promise<any>"));
}

#[test]
fn u29_definitions_that_name_the_next_twice_are_asked_once() {
    let mut doubling =
        json!({ "$ref": "#/$defs/0", "$defs": { "90": { "type": "string" }, "91": { "type": "string" } } });
    for level in 0..90 {
        let next = |step: usize| json!({ "$ref": format!("#/$defs/{}", level + step) });
        doubling["$defs"][level.to_string()] = json!({ "anyOf": [next(1), next(2)] });
    }
    let (sender, printed) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(declaration_of(&tool("u.t", doubling))));
    let printed = printed.recv_timeout(std::time::Duration::from_secs(30)).expect("it takes too long");
    assert!(printed.contains("t(args: types.UT2 | types.UT3)"), "{printed}");
}

/// The declarations of real servers, compared with `tests/declarations/*.d.ts`, which tsc checks.
#[test]
fn declarations_of_real_servers_are_as_expected() {
    for (server, tools) in servers() {
        assert_golden(&format!("{server}.d.ts"), &declarations(&tools));
    }
}
