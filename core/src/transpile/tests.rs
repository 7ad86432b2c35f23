//! Tables of sources and what becomes of them.

use super::*;

fn check(source: &str, expected: &str) {
    let program = transpile(source, &Limits::default()).unwrap_or_else(|error| panic!("{source}: {error:?}"));
    assert_eq!(program.code.trim_end(), expected, "{source}");
}

fn fails(source: &str) -> GuestError {
    match transpile(source, &Limits::default()) {
        Err(TranspileError::Program(error)) => error,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn the_last_expression_is_the_value() {
    check("1 + 1", "async () => {\n\"use strict\";\nreturn 1 + 1;\n}");
    check("const a = 1;", "async () => {\n\"use strict\";\nconst a = 1;\n}");
    check("return 7", "async () => {\n\"use strict\";\nreturn 7;\n}");
    check("await f(); g()", "async () => {\n\"use strict\";\nawait f();\nreturn g();\n}");
    check("", "async () => {\n\"use strict\";\n}");
}

#[test]
fn types_are_stripped() {
    check("let a: number = 1 as any; a!", "async () => {\n\"use strict\";\nlet a = 1;\nreturn a;\n}");
    check(
        "interface A { b: string } type C = A; declare const d: C; d",
        "async () => {\n\"use strict\";\nreturn d;\n}",
    );
    check("import type { A } from 'a'; 1", "async () => {\n\"use strict\";\nreturn 1;\n}");
    check("export type A = string; 1", "async () => {\n\"use strict\";\nreturn 1;\n}");
    check(
        "function f<T>(a?: T): T | undefined { return a } f<string>('x') satisfies string",
        "async () => {\n\"use strict\";\nfunction f(a) {\nreturn a;\n}\nreturn f(\"x\");\n}",
    );
}

#[test]
fn what_typescript_adds_to_javascript_works() {
    for (source, part) in [
        ("enum A { B, C = 5, D } A.D", "A[A[\"D\"] = 6] = \"D\""),
        ("const enum A { B = 'x' } A.B", "\"x\""),
        ("namespace N { export const a = 1 } N.a", "N.a"),
        ("class A { constructor(readonly a: number) {} } new A(1).a", "this.a = a"),
    ] {
        let program = transpile(source, &Limits::default()).unwrap();
        assert!(program.code.contains(part), "{source}: {}", program.code);
        assert!(!program.code.contains("import"), "{source}: {}", program.code);
    }
}

#[test]
fn errors_have_the_position_of_the_source() {
    let error = fails("const a = 1;\nconst é𝒳 = ;");
    assert_eq!((error.name.as_str(), error.line, error.column), ("SyntaxError", Some(2), Some(13)));
    assert!(error.stack.ends_with("2 | const é𝒳 = ;\n  |            ^"), "{}", error.stack);
    let error = fails("let a = 1; let a = 2;");
    assert_eq!(error.line, Some(1));
}

#[test]
fn g09_a_program_cannot_leave_its_wrapper() {
    for source in ["}}); globalThis.__x=1; (async()=>{ try {", "} f(); async () => {", "*/ 1", "})(); (() => {"] {
        assert_eq!(fails(source).name, "SyntaxError", "{source}");
    }
    check("'\\u2028</script>' //# sourceURL=x", "async () => {\n\"use strict\";\nreturn \"\\u2028<\\/script>\";\n}");
}

#[test]
fn g02_modules_are_refused_with_a_hint() {
    for source in [
        "import fs from 'fs'",
        "import 'https://x/y.js'",
        "export const a = 1",
        "export default 1",
        "export * from 'a'",
    ] {
        let error = fails(source);
        assert!(error.message.starts_with("programs have no modules"), "{source}: {}", error.message);
        assert_eq!((error.line, error.column), (Some(1), Some(1)));
    }
}

#[test]
fn decorators_and_using_are_refused_with_a_hint() {
    assert!(fails("@a class B {}").message.starts_with("decorators are not supported"));
    assert!(fails("{ using a = b(); }").message.starts_with("`using` is not supported"));
}

#[test]
fn r19_size_and_depth_are_limits() {
    let limits = Limits { program_bytes: 10, ..Limits::default() };
    assert_eq!(transpile("12345678901", &limits), Err(TranspileError::Limit(Limit::ProgramSize)));
    let limits = Limits { program_bytes: 4 << 20, ..Limits::default() };
    let deep = |source: String| {
        let error = transpile(&source, &limits).unwrap_err();
        assert_eq!(error, TranspileError::Limit(Limit::ProgramDepth), "{}", &source[..20]);
    };
    deep("(".repeat(100_000));
    deep("[".repeat(100_000));
    deep("`${".repeat(100_000));
    deep("a?".repeat(500_000));
    deep("!".repeat(100_000) + "1");
}
