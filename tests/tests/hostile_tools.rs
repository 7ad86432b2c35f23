//! Tools whose names and texts are written to become code, or to be mistaken for something else.

use conduit_core::{ExecutionRequest, LocalTool, Outcome, Policy, Runtime, ToolPattern};
use serde_json::{Value, json};

/// All that a tool may be called, and that an object has by itself or a language keeps for itself.
const NAMES: [&str; 16] = [
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "then",
    "toJSON",
    "call",
    "name",
    "class",
    "__init__",
    "__del__",
    "a.b",
    "a__b",
    "a/b",
];

const EVIL: &str = "*/ globalThis.pwn = 1; /* `${globalThis.pwn = 1}` \"); globalThis.pwn = 1; (\"\u{2028}\
    globalThis.pwn = 1\r\n\"\"\"\nimport os\n</script><script>globalThis.pwn = 1</script>";

/// Tells its own name, and what it was called with.
fn tool(name: &'static str) -> LocalTool {
    let schema = json!({
        "type": "object",
        "title": EVIL,
        "description": EVIL,
        "properties": { EVIL: { "enum": [EVIL], "default": EVIL, "description": EVIL }, "value": {} },
        "$defs": { EVIL: { "properties": { EVIL: { "$ref": "#" } } } },
    });
    let mut tool = LocalTool::new(name, move |arguments, _| async move { Ok(json!([name, arguments])) })
        .description(EVIL)
        .input_schema(schema.clone());
    tool.title = Some(EVIL.to_owned());
    tool.annotations = Some(json!({ "title": EVIL, EVIL: EVIL }));
    tool
}

async fn run(code: &str) -> Value {
    let runtime = Runtime::builder()
        .host_tools("odd", NAMES.map(tool))
        .policy(Policy::allow([ToolPattern::parse("*").unwrap()]))
        .build()
        .unwrap();
    let result = runtime.execute(ExecutionRequest::typescript(code).input(json!(NAMES))).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
    result.value
}

#[tokio::test]
async fn u26_odd_names_are_names_like_any() {
    let code = "
        const names = input as string[];
        const by_name = await Promise.all(names.map((name) => tools.$call(`odd.${name}`, { value: name })));
        const callable = names.filter((name) => tools.odd[name] !== undefined);
        const by_member = await Promise.all(callable.map((name) => tools.odd[name]({ value: name })));
        [by_name, by_member, (await tools.$list()).map((tool) => tool.name)]
    ";
    let called = |name: &&str| json!([name, { "value": name }]);
    // Were these two members, `await tools.odd` and JSON.stringify would call them.
    let members = NAMES.iter().filter(|name| !["then", "toJSON"].contains(name));
    let listed = NAMES.iter().map(|name| format!("odd.{name}"));
    let expected =
        [NAMES.iter().map(called).collect::<Value>(), members.map(called).collect(), listed.collect::<Vec<_>>().into()];
    assert_eq!(run(code).await, json!(expected));
}

#[tokio::test]
async fn u26_nothing_is_inherited_by_tools() {
    let code = "
        const inherited = (object: object) => {
          const names: unknown[] = [];
          for (let at = Object.getPrototypeOf(object); at; at = Object.getPrototypeOf(at)) names.push(...Reflect.ownKeys(at));
          return names.map(String);
        };
        (Object.prototype as any).evil = () => 'polluted';
        const code = await tools.odd.evil({}).catch((error: any) => error.code);
        delete (Object.prototype as any).evil;
        [inherited(tools), inherited(tools.odd), code]
    ";
    assert_eq!(run(code).await, json!([[], [], "tool_not_found"]));
}

#[tokio::test]
async fn u27_texts_of_an_upstream_are_never_run() {
    let code = "
        const found = await tools.$search('globalThis');
        const described = await Promise.all(input.map((name: string) => tools.$describe(`odd.${name}`)));
        console.log(found, described, tools, tools.odd);
        const texts = described.map((tool) => tool.description);
        [found.length, new Set(texts).size, texts[0], typeof (globalThis as any).pwn, typeof (Object.prototype as any).pwn]
    ";
    assert_eq!(run(code).await, json!([10, 1, EVIL, "undefined", "undefined"]));
}
