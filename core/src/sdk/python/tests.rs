use serde_json::{Value, json};

use super::*;
use crate::schema::random_tests::Random;
use crate::sdk::samples::{UNSEEN, assert_golden, repeated, servers, tool};
use crate::sdk::text::{MAX_FIELD_TEXT, MAX_TOOL_TEXT};

/// What an argument with this schema is declared as, on one line, and the classes that it needs.
fn kind(schema: Value) -> String {
    let mut document = json!({ "type": "object", "properties": { "x": schema }, "required": ["x"] });
    if let Some(definitions) = document["properties"]["x"].as_object_mut().and_then(|schema| schema.remove("$defs")) {
        document["$defs"] = definitions;
    }
    let text = declaration_of(&tool("u.t", document)).split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.strip_prefix("class _U: # tools.u async def t(self, *, x: ").unwrap_or(&text);
    let (kind, types) = text.split_once(") -> Any: ...").unwrap();
    if types.is_empty() { kind.to_owned() } else { format!("{kind};{types}") }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn schemas_become_types_of_python() {
    let table = [
        (json!({ "type": "string" }), "str"),
        (json!({ "type": "integer" }), "int"),
        (json!({ "type": "number" }), "float"),
        (json!({ "type": "boolean" }), "bool"),
        (json!({}), "Any"),
        (json!(false), "Never"),
        (json!(7), "Any"),
        (json!({ "type": ["null", "string"] }), "str | None"),
        (json!({ "type": "string", "nullable": true }), "str | None"),
        (json!({ "enum": ["a", 1, null, true, "a"] }), "Literal[\"a\", 1, True] | None"),
        (json!({ "enum": ["a", 1.5, 2.5] }), "Literal[\"a\"] | float"),
        (json!({ "enum": [[1], { "a": 1 }] }), "list[Any] | dict[str, Any]"),
        (
            json!({ "anyOf": [{ "const": "a" }, { "type": "integer" }, { "const": "b" }] }),
            "Literal[\"a\", \"b\"] | int",
        ),
        (json!({ "const": -1.5 }), "float"),
        (json!({ "type": "array" }), "list[Any]"),
        (json!({ "items": { "type": ["string", "null"] } }), "list[str | None]"),
        (json!({ "prefixItems": [{ "type": "string" }, { "type": "number" }] }), "list[str | float]"),
        (
            json!({ "prefixItems": [{ "type": "string" }], "items": { "enum": [1, null] } }),
            "list[str | Literal[1] | None]",
        ),
        (json!({ "type": "object" }), "dict[str, Any]"),
        (json!({ "additionalProperties": { "type": "string" } }), "dict[str, str]"),
        (
            json!({ "additionalProperties": { "properties": { "a": {} } } }),
            "dict[str, _UX]; class _UX(TypedDict, total=False): a: Any",
        ),
        (
            json!({ "properties": { "b": { "type": "string", "description": "B" }, "a": {} }, "required": ["b"] }),
            "_UX; class _UX(TypedDict): b: str # B a: NotRequired[Any]",
        ),
        (
            json!({ "properties": { "a": {} }, "additionalProperties": { "type": "number" } }),
            "_UX; class _UX(TypedDict, total=False): a: Any # Others: float",
        ),
        (
            json!({ "properties": { "a-b": {}, "c": { "type": "null" } }, "required": ["c"] }),
            "_UX; _UX = TypedDict(\"_UX\", { \"c\": None, \"a-b\": NotRequired[Any], })",
        ),
        // Names that would hide the types of the members beside them, or that a class would change.
        (
            json!({ "properties": { "list": { "items": {} } } }),
            "_UX; _UX = TypedDict(\"_UX\", { \"list\": NotRequired[list[Any]], })",
        ),
        (json!({ "properties": { "__a": {} } }), "_UX; _UX = TypedDict(\"_UX\", { \"__a\": NotRequired[Any], })"),
        (json!({ "properties": { "_UX": {} } }), "_UX; _UX = TypedDict(\"_UX\", { \"_UX\": NotRequired[Any], })"),
        (json!({ "properties": { "class": {} } }), "_UX; _UX = TypedDict(\"_UX\", { \"class\": NotRequired[Any], })"),
        (
            json!({ "properties": { "_id": {}, "y": { "items": { "properties": { "_id": {}, "type": {} } } } } }),
            "_UX; class _UY(TypedDict, total=False): _id: Any type: Any class _UX(TypedDict, total=False): _id: Any y: list[_UY]",
        ),
        // What is the same has one name.
        (
            json!({ "properties": { "a": { "properties": { "k": {} } }, "b": { "properties": { "k": {} } } } }),
            "_UX; class _UA(TypedDict, total=False): k: Any class _UX(TypedDict, total=False): a: _UA b: _UA",
        ),
        // Several at once are one where they are objects, else the one that says most.
        (
            json!({ "allOf": [{ "properties": { "a": { "type": "string" } } }, { "properties": { "b": {} }, "required": ["a"] }] }),
            "_UX; class _UX(TypedDict): a: str b: NotRequired[Any]",
        ),
        (json!({ "allOf": [{ "type": "string" }, { "enum": ["a", "b"] }] }), "Literal[\"a\", \"b\"]"),
        (json!({ "allOf": [{ "type": "number" }, { "type": "integer" }] }), "int"),
        (
            json!({ "properties": { "a": {}, "b": {} }, "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] }),
            "_UX; class _UX(TypedDict, total=False): a: Any b: Any",
        ),
        (
            json!({ "properties": { "a": {} }, "oneOf": [{ "properties": { "b": { "type": "null" } } }, { "properties": { "c": {} } }] }),
            "_UX | _UX2; class _UX(TypedDict, total=False): a: Any b: None class _UX2(TypedDict, total=False): a: Any c: Any",
        ),
        (
            json!({ "allOf": [{ "$ref": "#/$defs/p" }, { "properties": { "q": { "items": { "$ref": "#/$defs/p" } } } }], "$defs": { "p": { "properties": { "k": {} } } } }),
            "_UX; class _UX(TypedDict, total=False): k: Any q: list[_UP] class _UP(TypedDict, total=False): k: Any",
        ),
        // Definitions.
        (
            json!({ "$ref": "#/$defs/tree-node", "$defs": { "tree-node": { "description": "A node", "properties": { "kids": { "items": { "$ref": "#/$defs/tree-node" } } } } } }),
            "_UTreeNode; class _UTreeNode(TypedDict, total=False): # A node kids: list[_UTreeNode]",
        ),
        (
            json!({ "$ref": "#/$defs/A", "$defs": { "A": { "properties": { "b": { "$ref": "#/$defs/B" } } }, "B": { "items": { "$ref": "#/$defs/A" } } } }),
            "_UA; class _UA(TypedDict, total=False): b: _UB type _UB = list[_UA]",
        ),
        (
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }, { "type": "null" }] } } }),
            "_UA; type _UA = Any # @note the schema refers to itself without end",
        ),
        (
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "properties": { "x": { "allOf": [{ "$ref": "#/$defs/a" }, { "required": ["y"] }] } } } } }),
            "_UA; class _UX(TypedDict): y: Any class _UA(TypedDict, total=False): x: _UX",
        ),
        (
            json!({ "$ref": "https://example.com/a" }),
            "class _U: # tools.u async def t( self, *, x: Any, # @note refers to a schema that is not in this document",
        ),
    ];
    for (schema, expected) in table {
        let printed = kind(schema.clone());
        assert_eq!(printed.trim(), expected, "{schema}");
    }
}

#[test]
fn arguments_are_keywords_where_python_has_such_names() {
    let table = [
        (json!({}), "self, **others: Any"),
        (json!({ "type": "object" }), "self, **others: Any"),
        (json!({ "properties": {} }), "self"),
        (json!({ "required": ["a"], "additionalProperties": { "type": "string" } }), "self, *, a: Any, **others: str"),
        (
            json!({ "properties": { "others": {} }, "additionalProperties": true }),
            "self, *, others: Any = ..., **others_: Any",
        ),
        (
            json!({ "properties": { "n": { "type": "integer", "default": 3 }, "s": { "type": ["string", "null"], "default": null } } }),
            "self, *, n: int = 3, s: str | None = None",
        ),
        (
            json!({ "properties": { "a": { "enum": ["x", "\"`"], "default": "\"`" } } }),
            r#"self, *, a: Literal["x", "\"\x60"] = "\"\x60""#,
        ),
        (json!({ "properties": { "a": { "type": "boolean", "default": true } } }), "self, *, a: bool = True"),
        // A default that is none stays a remark, and so does that of an argument that must be there.
        (
            json!({ "properties": { "a": { "type": "integer", "default": "3" } } }),
            "self, *, a: int = ..., # @default \"3\"",
        ),
        (json!({ "properties": { "a": { "default": 1 } }, "required": ["a"] }), "self, *, a: Any, # @default 1"),
        (
            json!({ "properties": { "type": {}, "match": {}, "print": {} } }),
            "self, *, match: Any = ..., print: Any = ..., type: Any = ...",
        ),
        (json!({ "required": ["from"] }), "self, args: _UTArgs, /"),
        (json!({ "properties": { "self": {} } }), "self, args: _UTArgs = ..., /"),
        (json!({ "properties": { "__x": {} } }), "self, args: _UTArgs = ..., /"),
        (json!({ "properties": { "é": {} } }), "self, args: _UTArgs = ..., /"),
        (json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] }), "self, args: _UTArgs | _UTArgs2, /"),
        (json!({ "type": "string" }), "self, args: str, /"),
        (
            json!({ "$ref": "#/$defs/n", "$defs": { "n": { "properties": { "n": { "$ref": "#/$defs/n" } } } } }),
            "self, *, n: _UN = ...",
        ),
    ];
    for (schema, expected) in table {
        let printed = declaration_of(&tool("u.t", schema.clone())).split_whitespace().collect::<Vec<_>>().join(" ");
        let printed = printed.replace("( self", "(self").replace(", )", ")").replace(" ) -> Any", ") -> Any");
        assert!(printed.contains(&format!("async def t({expected}) -> Any: ...")), "{schema}: {printed}");
    }
}

#[test]
fn names_are_those_that_a_program_writes() {
    let mut invoice = tool("my-server.get-invoice", json!({ "required": ["id"] }));
    invoice.description = Some("Gets it.\n\n  All \"of\" it".to_owned());
    invoice.output_schema = Some(json!({ "properties": { "id": { "type": "string" } }, "required": ["id"] }));
    let names = ["class", "list", "items", "getItem", "get_item", "3d", "a.b/c", "_hidden", "Any", "any", "x-y", "xY"];
    let mut tools: Vec<Tool> = names.map(|name| tool(&format!("z.{name}"), json!({ "items": {} }))).into();
    tools.extend([tool("3d.show", json!({ "properties": {} })), tool("-.a", json!({})), invoice]);
    let printed = declarations(&tools.into_iter().map(Arc::new).collect::<Vec<_>>());
    let expected = r#"import builtins as _builtins
from typing import Any, TypedDict

class _Type:
    # Only by `call_tool("-.a", ...)`:
    # async def a(self, **others: Any) -> Any: ...
    ...

class _T3d:  # tools._3d
    async def show(self) -> Any: ...

class _MyServer:  # tools.my_server
    async def get_invoice(self, *, id: Any) -> _MyServerGetInvoiceResult:
        """Gets it.

          All "of" it"""

class _MyServerGetInvoiceResult(TypedDict):
    id: str

class _Z:  # tools.z
    async def _3d(self, args: _builtins.list[Any], /) -> Any: ...
    # Only by `call_tool("z.Any", ...)`:
    # async def Any(self, args: list[Any], /) -> Any: ...
    # Only by `call_tool("z._hidden", ...)`:
    # async def _hidden(self, args: list[Any], /) -> Any: ...
    async def a_b_c(self, args: _builtins.list[Any], /) -> Any: ...
    async def any(self, args: _builtins.list[Any], /) -> Any: ...
    async def class_(self, args: _builtins.list[Any], /) -> Any: ...
    async def getItem(self, args: _builtins.list[Any], /) -> Any: ...
    async def get_item(self, args: _builtins.list[Any], /) -> Any: ...
    async def items(self, args: _builtins.list[Any], /) -> Any: ...
    async def list(self, args: _builtins.list[Any], /) -> Any: ...
    # Only by `call_tool("z.x-y", ...)`:
    # async def x-y(self, args: list[Any], /) -> Any: ...
    async def xY(self, args: _builtins.list[Any], /) -> Any: ...

class _Tools:
    _3d: _T3d
    my_server: _MyServer
    z: _Z
"#;
    assert_eq!(printed, format!("{HEAD}{expected}{COMMON}"));
    assert_eq!(
        declarations(&[]),
        format!("{HEAD}from typing import Any, TypedDict\n\nclass _Tools:\n    ...\n{COMMON}")
    );
}

#[test]
fn a_comment_gives_no_orders_to_who_checks_types() {
    let schema = |text: &str| json!({ "properties": { "a": { "description": text } } });
    for (text, expected) in [
        ("type: str", "# type : str"),
        ("x # type: ignore", "# x # type : ignore"),
        ("pyright: basic", "# pyright : basic"),
        ("the type: str", "# the type: str"),
    ] {
        let printed = declaration_of(&tool("u.t", schema(text)));
        assert!(printed.contains(expected), "{printed}");
    }
}

/// Tools with names, texts and schemas that should break out of their place.
fn hostile() -> Vec<Arc<Tool>> {
    let unseen = String::from_iter(UNSEEN);
    let evil = &format!(
        "\"\"\" evil() \"\"\" {unseen}\\\"\"\"\"evil(){unseen}# evil()\n'''evil()\n``` type: evil\nx # type: evil\\"
    );
    let schema = json!({
        "description": evil,
        "properties": {
            evil: { "enum": [evil, "\\", "\""], "description": evil, "default": evil, "pattern": evil, "format": evil },
            "x\"): evil() #": { "$ref": format!("#/$defs/{}", "evil()") },
            "y": { "properties": { "z": { "description": evil }, evil: {} }, "additionalProperties": { "const": evil } },
        },
        "$defs": { "evil()": { "description": evil, "properties": { "a": { "$ref": "#/$defs/evil()" } } } },
    });
    let mut keywords = schema.clone();
    keywords["properties"] = json!({ "a": keywords["properties"]["y"], "b": { "enum": ["\"`\\"], "description": evil, "default": "\"`\\" } });
    let mut tools = Vec::new();
    for (at, name) in ["t", "__class__", "list", "str", "u", "none", "v", "w"].into_iter().enumerate() {
        let mut one = tool(&format!("u.{name}"), if at % 2 == 0 { schema.clone() } else { keywords.clone() });
        // Each of these ends differently.
        one.description =
            Some(evil.clone() + ["", "\"", "\\\"", "\"\"\"", "\"\"\"\"", "\\", "#", "'"].get(at).unwrap());
        one.output_schema = (at % 3 == 0).then(|| schema.clone());
        tools.push(Arc::new(one));
    }
    tools
}

#[test]
fn u27_no_text_of_an_upstream_passes_for_python() {
    let printed = declarations(&hostile());
    assert!(!printed.contains("```") && !printed.contains(UNSEEN), "{printed:?}");
    // Without its comments and literals nothing of the text is left.
    assert!(!without_text(&printed).contains("evil()"), "{printed}");
    assert!(without_text(&printed).contains("class _UEvil"), "{printed}");
}

/// The code alone, as Python sees it: comments and string literals left out.
fn without_text(code: &str) -> String {
    let (mut rest, mut left) = (code, String::new());
    while let Some(c) = rest.chars().next() {
        rest = if rest.starts_with('#') {
            &rest[rest.find('\n').unwrap_or(rest.len())..]
        } else if c == '"' {
            let quotes = if rest.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
            let mut literal = &rest[quotes.len()..];
            while !literal.starts_with(quotes) {
                let c = literal.chars().next().expect("a literal ends");
                assert!(quotes.len() == 3 || c != '\n', "a literal ends on its line: {code}");
                literal = &literal[c.len_utf8()..];
                if c == '\\' {
                    literal = &literal[literal.chars().next().map_or(0, char::len_utf8)..];
                }
            }
            &literal[quotes.len()..]
        } else {
            left.push(c);
            &rest[c.len_utf8()..]
        };
    }
    left
}

/// Random schemas with their results, at three upstreams.
fn random(cases: u64) -> Vec<Arc<Tool>> {
    let cases = (0..cases).map(|case| {
        let mut random = Random::new(case);
        let schema = if case % 8 == 0 { random.value(4) } else { random.document(3) };
        let output_schema = (case % 2 == 0).then(|| random.document(2));
        Arc::new(Tool { output_schema, ..tool(&format!("up-{}.tool_{case}", case % 3), schema) })
    });
    cases.collect()
}

#[test]
fn any_schema_whatsoever_is_printed_for_python() {
    for odd in random(400) {
        let printed = declaration_of(&odd);
        let code = without_text(&printed);
        assert!(!code.contains("evil"), "{odd:?}\n{printed}");
        for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
            assert_eq!(code.matches(open).count(), code.matches(close).count(), "{odd:?}\n{printed}");
        }
    }
}

/// Pyright checks `tests/declarations/*.pyi`.
#[test]
fn declarations_in_python_are_as_expected() {
    for (server, tools) in servers() {
        assert_golden(&format!("{server}.pyi"), &declarations(&tools));
    }
    assert_golden("hostile.pyi", &declarations(&[hostile(), random(96)].concat()));
}

#[test]
fn u29_large_and_deep_schemas_are_cut_visibly_for_python() {
    let deep = (0..60).fold(json!({}), |schema, _| json!({ "properties": { "a": schema } }));
    assert!(declaration_of(&tool("u.t", deep)).contains("# @note the schema goes on deeper than is shown"));
    let wide: Value = (0..5_000).map(|n| (n.to_string(), json!({}))).collect();
    let wide = declaration_of(&tool("u.t", json!({ "properties": wide })));
    assert!(wide.contains("t(self, **others: Any) -> Any:") && wide.contains("the schema is too large"), "{wide}");
    let long = Tool {
        description: Some("é".repeat(1 << 20)),
        ..tool("u.t", json!({ "properties": { "a": { "description": "é".repeat(1 << 20) } } }))
    };
    assert!(declaration_of(&long).chars().count() < MAX_TOOL_TEXT + MAX_FIELD_TEXT + 300);
    for target in [json!({ "const": "x".repeat(20_000) }), json!({ "properties": { "x".repeat(20_000): {} } })] {
        let printed = declaration_of(&repeated(target));
        assert!(printed.len() < 1 << 20, "{}: {}", printed.len(), &printed[..200]);
    }
}

#[test]
fn many_literals_take_no_time_of_their_own() {
    let literals: Vec<Value> = (0..1_300).map(|n| json!({ "const": format!("{n:0300}") })).collect();
    let schema = json!({ "properties": { "a": { "items": { "anyOf": literals } } } });
    let start = std::time::Instant::now();
    for _ in 0..20 {
        assert!(declaration_of(&tool("u.t", schema.clone())).contains("1299\"]] = ..."));
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn u26_declarations_in_python_are_bounded_as_a_whole() {
    let many: Vec<Arc<Tool>> = (0..5_000)
        .map(|at| Arc::new(Tool { description: Some("d".repeat(2_000)), ..tool(&format!("u.t{at}"), json!({})) }))
        .collect();
    let text = declarations(&many);
    assert!((MAX_BYTES..MAX_BYTES + 10_000).contains(&text.len()), "{}", text.len());
    assert!(text.contains(" more tools are not shown here, `search_tools` finds them.\n\nclass _Tools:\n    u: _U\n"));
}

#[test]
fn u29_what_several_types_at_once_become_is_bounded() {
    let names: Vec<String> = (0..1_000).map(|n| format!("n{n}")).collect();
    // The same definition merged with something else at each of 200 places.
    let merged: Value = (0..200)
        .map(|n| (format!("p{n}"), json!({ "allOf": [{ "$ref": "#/$defs/t" }, { "required": [format!("q{n}")] }] })))
        .collect();
    let printed = declaration_of(&tool(
        "u.t",
        json!({ "properties": merged, "$defs": { "t": { "required": names, "properties": {} } } }),
    ));
    assert!(printed.contains("n999: Any") && printed.len() < 1 << 20, "{}", printed.len());
    // The same properties in each of 200 branches.
    let branches: Vec<Value> =
        (0..200).map(|n| json!({ "properties": { format!("p{n}"): { "type": "null" } } })).collect();
    let printed = declaration_of(&tool("u.t", json!({ "required": names, "anyOf": branches })));
    assert!(printed.contains("n999: Any") && printed.len() < 1 << 20, "{}", printed.len());
    // Each is merged with the next one, twice.
    let mut nested = json!({ "$ref": "#/$defs/0", "$defs": { "120": { "properties": { "innermost": {} } } } });
    for level in 0..120 {
        let next = json!({ "allOf": [{ "$ref": format!("#/$defs/{}", level + 1) }, { "required": ["z"] }] });
        nested["$defs"][level.to_string()] = json!({ "properties": { "x": next, "y": next } });
    }
    let printed = declaration_of(&tool("u.t", nested));
    assert!(
        printed.contains("x: NotRequired[Any]") && !printed.contains("innermost") && printed.len() < 1 << 20,
        "{printed}"
    );
}
