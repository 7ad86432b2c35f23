//! Tables of sources and what becomes of them.

mod refusals;

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
        "import * as os from 'os'",
        "import('node:child_process')",
        "import.meta",
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

/// The segments of `mappings`: line and column of the code, line and column of the source, all from 0.
fn decoded(mappings: &str) -> Vec<[i64; 4]> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut all, mut line, mut column) = (Vec::new(), 0, 0);
    for (code_line, segments) in mappings.split(';').enumerate() {
        let mut code_column = 0;
        for segment in segments.split(',').filter(|segment| !segment.is_empty()) {
            let (mut fields, mut value, mut shift) = (Vec::new(), 0, 0);
            for digit in segment.chars().map(|digit| DIGITS.find(digit).unwrap() as i64) {
                value |= (digit & 31) << shift;
                shift += 5;
                if digit & 32 == 0 {
                    fields.push(if value & 1 == 1 { -(value >> 1) } else { value >> 1 });
                    (value, shift) = (0, 0);
                }
            }
            code_column += fields[0];
            line += fields[2];
            column += fields[3];
            all.push([code_line as i64, code_column, line, column]);
        }
    }
    all
}

#[test]
fn code_has_the_positions_of_the_source() {
    for (source, token, line, column) in [
        ("const é𝒳 = 1; throw é𝒳", "throw", 0, 15),
        ("// 𝒳\nlet s: string = '𝒳é'; f(s)", "f(s)", 1, 23),
        ("x('𝒳', y)", "y", 0, 8),
        ("x('é', '\u{fffd}', y)", "y", 0, 12),
        ("type 𝒳 = {\n  a: 'é'\n}\r\nlet a: 𝒳 = 1;\rb(a)", "b(a)", 4, 0),
        ("enum É { A }\n`𝒳${É.A}`; g()", "g()", 1, 12),
        ("'a\u{2028}b'; h()", "h()", 1, 4),
    ] {
        let program = transpile(source, &Limits::default()).unwrap();
        let before = &program.code[..program.code.rfind(token).unwrap()];
        let code_line = before.matches('\n').count() as i64;
        let code_column = before.rsplit('\n').next().unwrap().encode_utf16().count() as i64;
        let segments = decoded(&program.mappings);
        // A token without a segment belongs to the one before it on its line.
        let found = segments.iter().rfind(|segment| segment[0] == code_line && segment[1] <= code_column);
        assert_eq!(found.map(|segment| &segment[2..]), Some(&[line, column][..]), "{source}: {segments:?}");
    }
}

/// The widest limits that there are.
fn widest() -> Limits {
    Limits {
        program_bytes: Limit::ProgramSize.maximum(),
        program_depth: Limit::ProgramDepth.maximum(),
        ..Limits::default()
    }
}

/// What a scan that saw nothing but names would let pass: nested deeper than the default allows, yet no overflow.
fn too_deep() -> String {
    "(".repeat(300) + "1" + &")".repeat(300)
}

fn start(source: &str) -> String {
    source.chars().take(40).collect()
}

fn refusing_limit(scanned: &Result<(), Refusal>) -> Option<Limit> {
    match scanned {
        Err(Refusal::Limit(limit, _)) => Some(*limit),
        _ => None,
    }
}

/// The limit that `source` breaks.
fn broken_limit(source: &str, limits: &Limits) -> Option<Limit> {
    match transpile(source, limits) {
        Err(TranspileError::Limit(limit, _)) => Some(limit),
        _ => None,
    }
}

/// `source` is refused before the parser sees it, so that a failure of this is no overflow.
fn is_limited(source: &str, limit: Limit) {
    let scanned = scan::scan(source, widest().program_depth);
    assert!(matches!(scanned, Err(Refusal::Limit(broken, _)) if broken == limit), "{}: {scanned:?}", start(source));
    assert_eq!(broken_limit(source, &widest()), Some(limit), "{}", start(source));
}

#[test]
fn r19_a_source_above_its_size_is_refused() {
    let limits = Limits { program_bytes: 10, ..Limits::default() };
    assert!(transpile("1234567890", &limits).is_ok());
    assert_eq!(broken_limit("12345678901", &limits), Some(Limit::ProgramSize));
}

#[test]
fn r09_the_parser_sees_no_source_that_is_too_deep() {
    let limits = Limits { program_depth: 310, ..Limits::default() };
    assert!(transpile(&too_deep(), &limits).is_ok());
    assert_eq!(broken_limit(&too_deep(), &Limits::default()), Some(Limit::ProgramDepth));
}

#[test]
fn r09_r19_every_token_is_charged() {
    for open in ["(", "[", "`${", "{a:", "!", "new ", "a=>", "a?", "if(a)", "<T>", "a=", "a+", "a.b().", "class A{a="] {
        is_limited(&open.repeat(100_000), Limit::ProgramDepth);
    }
    for source in ["f(".repeat(100_000), "a?b?c?;".repeat(100_000), "a\n".repeat(1_000_000)] {
        let refusal = scan::scan(&source, widest().program_depth);
        assert!(matches!(refusal, Err(Refusal::Limit(..))), "{:?}: {refusal:?}", start(&source));
    }
    check(
        "type A<T> = T extends [infer H, ...infer R] ? [H, ...A<R>] : A<[T, T]>; 1",
        "async () => {\n\"use strict\";\nreturn 1;\n}",
    );
}

/// `source` is as large as it may be with `count` parts, and beyond `limit` with one more.
fn is_limited_at(count: usize, limit: Limit, source: impl Fn(usize) -> String) {
    let scan = |count: usize| scan::scan(&source(count), widest().program_depth);
    assert_eq!(scan(count), Ok(()), "{}", start(&source(1)));
    assert_eq!(refusing_limit(&scan(count + 1)), Some(limit), "{}", start(&source(1)));
}

#[test]
fn r19_what_later_passes_cost_is_bounded() {
    is_limited_at(250_000, Limit::ProgramSize, |tokens| "a\n".repeat(tokens));
    is_limited_at(249_997, Limit::ProgramSize, |tokens| format!("enum A {{{}", "a\n".repeat(tokens)));
    is_limited_at(250, Limit::ProgramSize, |enums| "enum A {}\n".repeat(enums));
    is_limited_at(250, Limit::ProgramSize, |namespaces| "namespace A {}\n".repeat(namespaces));
    // Their number times the tokens before them.
    is_limited_at(8_191, Limit::ProgramSize, |names| format!("class A {{{}}}", "#a;".repeat(names)));
    is_limited_at(41_943, Limit::ProgramSize, |names| "{".repeat(400) + &"a;".repeat(names) + &"}".repeat(400));
    is_limited_at(2_000, Limit::ProgramDepth, |links| format!("a{}", ".a".repeat(links)));
}

#[test]
fn r19_what_the_parser_guesses_at_is_bounded() {
    // Each level is guessed at several times, all of them together more often than there is time for.
    for (guess, most) in [("f<(", 9), ("new f<(", 7), ("a extends infer A extends(", 16), ("f<<(", 6), ("([", 18)] {
        is_limited_at(most, Limit::ProgramDepth, |count| guess.repeat(count));
    }
}

/// Refused, even where programs may nest deepest.
fn is_beyond(limit: Limit, source: &str) {
    assert_eq!(refusing_limit(&scan::scan(source, widest().program_depth)), Some(limit), "{}", start(source));
}

#[test]
fn r19_what_is_read_again_is_charged_for_every_guess_around_it() {
    let many = format!("[{}]", "1,".repeat(5_000));
    for guesses in ["(".repeat(300), "a?(a):".repeat(200), "<T>".repeat(200)] {
        is_beyond(Limit::ProgramDepth, &(guesses + &many));
    }
    is_beyond(Limit::ProgramDepth, &"new f<a,".repeat(150));
}

#[test]
fn r19_names_are_charged_for_the_scopes_around_them() {
    is_beyond(Limit::ProgramSize, &("(".repeat(300) + &"a,".repeat(200)));
    for (before, name) in [("", "var a;"), ("var a=1", ",a=1"), ("var[", "a,")] {
        is_beyond(Limit::ProgramDepth, &("{".repeat(300) + before + &name.repeat(4_000)));
    }
}

#[test]
fn r09_all_that_nests_counts_as_depth() {
    for (before, open, beyond) in [
        ("type T=", "A<", 301),
        ("type T=", "keyof ", 301),
        ("type T=a extends ", "infer A extends ", 151),
        ("", "a:if(b)", 151),
        ("", "do ", 301),
        ("", "- ", 301),
        ("", "<T>", 301),
    ] {
        let source = |count: usize| before.to_owned() + &open.repeat(count);
        assert_eq!(scan::scan(&source(beyond / 2), 300), Ok(()), "{open}");
        assert_eq!(refusing_limit(&scan::scan(&source(beyond), 300)), Some(Limit::ProgramDepth), "{open}");
    }
    // What is closed does not count any more.
    assert_eq!(scan::scan(&"f<A>(),".repeat(400), 300), Ok(()));
}

#[test]
fn r09_all_that_joins_counts_as_a_chain() {
    for (link, most) in [("a*", 2_000), ("a%", 2_000), ("a|", 2_000), ("a>", 2_000), ("a<a-", 1_000), ("a<<a-", 1_000)]
    {
        is_limited_at(most, Limit::ProgramDepth, |count| link.repeat(count));
    }
    // Through the brackets around it, also from an element before the last.
    let links = ".a".repeat(1_500);
    is_beyond(Limit::ProgramDepth, &format!("(a{links}){links}"));
    is_beyond(Limit::ProgramDepth, &format!("(a{links},b){links}"));
}

#[test]
fn r19_numbers_are_bounded() {
    let digits = |count: usize| format!("0x{}n", "f".repeat(count - 3));
    assert!(transpile(&digits(16 << 10), &Limits::default()).is_ok());
    assert_eq!(fails(&digits((16 << 10) + 1)).message, "the number is too long");
}

#[test]
fn r09_names_are_written_as_they_are_read() {
    for source in ["a\\u0062", "\\u{61}", "a.\\u0062", "class A { #\\u0061 }"] {
        assert_eq!(fails(source).message, "escapes in names are not supported", "{source}");
    }
}

#[test]
fn words_that_could_declare_something_are_names_too() {
    let rows = r#"{ namespace: "default", module: "m", enum: 1 },"#.repeat(260);
    assert!(transpile(&format!("const rows = [{rows}]; rows.length"), &Limits::default()).is_ok());
}

#[test]
fn a_bound_of_the_compilers_own_is_named() {
    let bound = |source: String| match transpile(&source, &Limits::default()) {
        Err(TranspileError::Limit(_, bound)) => bound.unwrap_or("the limit itself"),
        other => panic!("{other:?}"),
    };
    assert_eq!(bound(format!("[{}]", "1,".repeat(126_000))), "it has more than 250,000 tokens, pass data as `input`");
    assert_eq!(bound("a + ".repeat(2_100) + "a"), "an expression has more than 2,000 links (`a + b`, `a.b`)");
    assert_eq!(bound("enum A {}\n".repeat(251)), "it has more than 250 enums and namespaces");
    assert_eq!(bound(too_deep()), "the limit itself");
}

#[test]
fn divisions_at_the_start_of_a_line_are_divisions() {
    for source in [
        "const total = 6, count = 1;\ntotal\n  / (count * 2) / 3",
        "const total = 6, n = 2;\ntotal\n  / (n); // rate",
        "const total = 6, n = [2];\ntotal\n  / n[0] / (n[0] + 1)",
        "const type = 6;\ntype / Math.max(1, 2) / 3",
    ] {
        assert!(transpile(source, &Limits::default()).is_ok(), "{source}: {:?}", transpile(source, &Limits::default()));
    }
}

#[test]
fn r19_code_does_not_grow_with_lines_times_depth() {
    let source = "{".repeat(200) + &"a;\n".repeat(2_000) + &"}".repeat(200);
    let program = transpile(&source, &Limits::default()).unwrap();
    assert!(program.code.len() < 2 * source.len(), "{} of {}", program.code.len(), source.len());
}

#[test]
fn r19_parameters_are_bounded() {
    let function = |count: usize| {
        let names = (0..count).map(|index| format!("a{index},")).collect::<String>();
        [format!("function f({names}) {{}}"), format!("x = ({names}) => 1"), format!("x = {{ m({names}) {{}} }}")]
    };
    for (fits, beyond) in function(1_000).iter().zip(function(1_001)) {
        assert!(transpile(fits, &Limits::default()).is_ok());
        assert_eq!(broken_limit(&beyond, &Limits::default()), Some(Limit::ProgramSize));
    }
}

#[test]
fn r19_constants_of_enums_cannot_double() {
    let limits = Limits { program_bytes: 4_096, ..Limits::default() };
    let doubled = |times: usize, next: fn(usize) -> String| {
        let members = (1..=times).map(|index| format!("a{index} = {},", next(index - 1))).collect::<String>();
        broken_limit(&format!("enum A {{ a0 = 'xxxxxxxx', {members} }}"), &limits)
    };
    let forms: [fn(usize) -> String; 4] = [
        |last| format!("a{last} + a{last}"),
        |last| format!("`${{a{last}}}${{a{last}}}`"),
        |last| format!("A.a{last} + A['a{last}']"),
        |last| format!("(+a{last}) + (a{last} + a{last})"),
    ];
    for next in forms {
        assert_eq!(doubled(4, next), None, "{}", next(0));
        assert_eq!(doubled(12, next), Some(Limit::ProgramSize), "{}", next(0));
    }
}

/// What makes the scan skip what follows, unless it is refused, cannot hide nesting.
fn hides_nothing(opening: &str, message: &str) {
    let source = format!("{opening}{}\n", too_deep());
    assert!(fails(&source).message.starts_with(message), "{opening}");
}

#[test]
fn r09_html_comments_hide_nothing() {
    for opening in ["<!-- `\n", "a\n<!-- `\n", "a /* \n */ <!-- `\n", "a\u{2028}<!-- `\n", "a\r<!--`\n"] {
        // In these words: the parser has its own, once it has skipped the line.
        hides_nothing(opening, "HTML comments are not allowed, use `//`");
    }
    check("1 <! --a", "async () => {\n\"use strict\";\nreturn 1 < !--a;\n}");
}

#[test]
fn r09_a_division_hides_nothing() {
    for opening in
        ["{}\n/`/;", "if (a) {} /`/;", "a = {} /`/ 1;", "a\n/`/;", "a++\n/`/;", "of /`/;", "a > /`/;", "{} /a/ /*/;"]
    {
        hides_nothing(opening, "cannot tell whether this is a division or a regular expression");
    }
    check("(a) / b / f([1])", "async () => {\n\"use strict\";\nreturn a / b / f([1]);\n}");
    check("if (a) /[`/]/.test(b)", "async () => {\n\"use strict\";\nif (a) /[`/]/.test(b);\n}");
}

#[test]
fn r09_a_regular_expression_hides_nothing() {
    for opening in [
        "/`/;",
        "a = /`/;",
        "a ? /`/ : /'/;",
        "(/`/);",
        "typeof /`/;",
        "return /`/;",
        "if (a) /`/;",
        "if (a) b; else /`/;",
        "while (a) /`/;",
        "for (;;) /`/;",
        "for await (a of b) /`/;",
        "do /`/; while (a);",
        "/[/`]/;",
        "/\\/`/;",
    ] {
        let source = format!("{opening}{}", too_deep());
        let refused = transpile(&source, &Limits::default());
        assert!(matches!(refused, Err(TranspileError::Limit(Limit::ProgramDepth, _))), "{opening}");
    }
}

#[test]
fn r09_a_statement_ends_only_where_nothing_can_join() {
    for source in ["if (a) {}\n".repeat(600), "for (;;) {} a: ".repeat(600) + "1", "a + b\n".repeat(3_000)] {
        assert_eq!(scan::scan(&source, 256), Ok(()), "{}", &source[..10]);
    }
    for source in [
        "x = {}".to_owned() + &" in {}".repeat(5_000),
        "x = {}".to_owned() + &"\nas {}".repeat(5_000),
        "a".to_owned() + &"\ninstanceof a".repeat(5_000),
        "if (a) {} else ".repeat(600),
        "class A extends {}".to_owned() + &" extends {}".repeat(600),
    ] {
        is_limited(&source, Limit::ProgramDepth);
    }
}

#[test]
fn r19_errors_that_every_guess_would_copy_are_the_first() {
    for text in ["'\\x1'", "'\\u12'", "'\\u{}'", "'\\u{110000}'", "'\\u{1'", "\"\\u{00000g}\"", "'\\x'", "'\\uD83'"] {
        assert_eq!(fails(text).message, "the escape sequence is not valid", "{text}");
    }
    for text in ["/a/x", "/a/gg", "/a/gé", "/a/G", "/a/dgimsuvyd"] {
        assert_eq!(fails(text).message, "the flags of the regular expression are not valid", "{text}");
    }
    for text in ["'\\x41\\u0041\\u{000041}\\'\\é\\0'", "'a\\\r\nb\\\u{2028}c'", "/a/dgimsuy", "/[/]\\//v"] {
        assert!(transpile(text, &Limits::default()).is_ok(), "{text}");
    }
}

/// What nests: before, opening, innermost, closing, after.
type Shape = (&'static str, &'static str, &'static str, &'static str, &'static str);

fn nested((before, open, middle, close, after): Shape, count: usize) -> String {
    format!("{before}{}{middle}{}{after}", open.repeat(count), close.repeat(count))
}

/// The largest number that `scan` lets pass.
fn largest(source: impl Fn(usize) -> String) -> usize {
    const BEYOND: usize = 20_000;
    let fits = |count: usize| scan::scan(&source(count), widest().program_depth).is_ok();
    assert!(fits(1), "{}", start(&source(1)));
    assert!(!fits(BEYOND), "{} has no limit", start(&source(1)));
    let (mut low, mut high) = (1, BEYOND);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// On the stack that callers provide. The thread's name is what an overflow reports.
fn on_8_mib(name: &str, source: String) -> Result<Program, TranspileError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(8 << 20);
    thread.spawn(move || transpile(&source, &widest())).unwrap().join().unwrap()
}

fn never_overflows(source: impl Fn(usize) -> String) {
    let count = largest(&source);
    let name = start(&source(1));
    let fits = on_8_mib(&name, source(count));
    assert_eq!(fits.err(), None, "{name}: {count}");
    for beyond in [count + 1, 20_000] {
        let refused = on_8_mib(&name, source(beyond));
        assert!(matches!(refused, Err(TranspileError::Limit(..))), "{name}: {beyond}: {refused:?}");
    }
}

const BRACKETS: &[Shape] = &[
    ("", "(", "1", ")", ""),
    ("x=", "[", "1", "]", ""),
    ("x=", "{a:", "1", "}", ""),
    ("", "{", "1", "}", ""),
    ("", "`${", "1", "}`", ""),
    ("", "f(", "1", ")", ""),
    ("", "function f(){", "1", "}", ""),
    ("x=", "function(){return ", "1", "}", ""),
    ("", "(()=>{", "1", "})()", ""),
    ("x=", "class{m(){return ", "1", "}}", ""),
    ("x=", "class{a=", "1", "}", ""),
    ("", "class A{get a(){", "1", "}}", ""),
    ("", "class A{static{", "1", "}}", ""),
    ("", "class A{constructor(public a=", "1", "){}}", ""),
    ("x=", "{a(){return ", "1", "}}", ""),
    ("", "(a=", "1", ")=>1", ""),
    ("x=", "async(a=", "1", ")=>1", ""),
    ("", "switch(1){case 1:", "1", "}", ""),
    ("", "try{}catch(e){", "1", "}", ""),
    ("", "namespace N{export const a=1;export ", "const x=1", "}", ""),
    ("", "(a&&", "b", ")", ""),
    ("type T=", "[", "a", "]", ""),
    ("type T=", "(a:", "a", ")=>1", ""),
    ("type T=", "A<", "a", ">", ""),
];

const OPERATORS: &[Shape] = &[
    ("", "!", "1", "", ""),
    ("", "typeof ", "1", "", ""),
    ("", "await ", "1", "", ""),
    ("", "new ", "a", "", ""),
    ("", "<T>", "a", "", ""),
    ("", "a?b:", "a", "", ""),
    ("", "a?", "b", ":c", ""),
    ("x=", "(a)=>", "1", "", ""),
    ("", "a=", "1", "", ""),
    ("", "a**", "1", "", ""),
    ("", "if(a)b;else ", "1", "", ""),
    ("", "for(a of b)", "1", "", ""),
    ("", "do ", "1;", "while(a);", ""),
    ("", "class A extends ", "A", "{}", ""),
    ("type T=", "a extends b?c:", "a", "", ""),
];

const CHAINS: &[Shape] = &[
    ("", "a+", "1", "", ""),
    ("", "a??", "1", "", ""),
    ("a", "?.a", "", "", ""),
    ("a", ".a()", "", "", ""),
    ("a", "<T>()", "", "", ""),
    ("a", "``", "", "", ""),
    ("a", "!", "", "", ""),
    ("a", " as A", "", "", ""),
    ("type T=a", "[b]", "", "", ""),
    ("type T=", "a.", "b", "", ""),
    ("enum A{b=f(),a=", "b+", "1", "", "}"),
];

#[test]
fn r09_brackets_stay_within_the_stack() {
    BRACKETS.iter().for_each(|shape| never_overflows(|count| nested(*shape, count)));
}

#[test]
fn r09_operators_and_statements_stay_within_the_stack() {
    OPERATORS.iter().for_each(|shape| never_overflows(|count| nested(*shape, count)));
}

#[test]
fn r09_chains_stay_within_the_stack() {
    CHAINS.iter().for_each(|shape| never_overflows(|count| nested(*shape, count)));
}

#[test]
fn r09_a_chain_at_the_bottom_of_the_deepest_brackets_stays_within_the_stack() {
    for (before, open, _, close, after) in
        [BRACKETS[0], BRACKETS[1], BRACKETS[3], BRACKETS[7], BRACKETS[9], BRACKETS[14]]
    {
        for link in [".a()", "+a", "??a", "!", "?.a", " as A"] {
            let link_in = format!("a{link}");
            let deepest =
                largest(|count| format!("{before}{}{link_in}{}{after}", open.repeat(count), close.repeat(count)));
            let chained = |count: usize| {
                format!("{before}{}a{}{}{after}", open.repeat(deepest), link.repeat(count), close.repeat(deepest))
            };
            never_overflows(chained);
        }
    }
}
