//! What is refused after parsing, and words that only look like what is refused.

use super::*;

fn refused_at(source: &str, message: &str, line: u32, column: u32) {
    let error = fails(source);
    assert_eq!(error.message, message, "{source}");
    assert_eq!((error.line, error.column), (Some(line), Some(column)), "{source}");
}

fn works(source: &str) {
    let transpiled = transpile(source, &Limits::default());
    assert!(transpiled.is_ok(), "{source}: {transpiled:?}");
}

#[test]
fn variables_that_a_namespace_exports_are_refused() {
    let message = "an exported `let` or `var` of a namespace is not supported, use `const`, or a class";
    refused_at("namespace A {\n  export let n = 0; export function inc() { n++ }\n}", message, 2, 3);
    refused_at("namespace A { export var n }", message, 1, 15);
    refused_at("namespace A.B { export let n = 0 }", message, 1, 17);
    refused_at("namespace A { export namespace B { export let n = 0 } }", message, 1, 36);
    works("namespace A { let n = 0; export const { a, b } = { a: 1, b: 2 }; export function inc() { return ++n } }");
    works("namespace A { export declare let n: number; export const a = 1 }");
    for source in ["declare namespace A { B }", "declare global { namespace A { B } }", "declare module 'a' { B }"] {
        works(&source.replace('B', "export let n: number; export namespace C { export var n: number }"));
    }
}

#[test]
fn a_namespace_has_one_part_with_values() {
    let message =
        "a second `namespace` of one name does not see the exports of the first, put both into one `namespace`";
    refused_at("namespace A { export const v = 1 }\nnamespace A { export const w = v + 1 }", message, 2, 1);
    refused_at("namespace A.B { export const v = 1 } namespace A { B.v }", message, 1, 38);
    refused_at("namespace A { namespace B { 1 } export namespace B { 1 } }", message, 1, 40);
    for source in [
        "namespace A { export const a = 1; export namespace A { export const a = 2 } } namespace B { A.a }",
        "namespace A { export type T = 1; export interface I {} ; } namespace A { export const a: T = 1 }",
        "namespace A { export namespace B { export type T = 1 } } namespace A { export const a: B.T = 1 }",
        "namespace A.B { export type T = 1 } namespace A { export const a: B.T = 1 }",
        "declare namespace A { const a: number } declare namespace A { const b: number } namespace A { a }",
        "declare global { namespace A { const a: number } namespace A { const b: number } }",
        "class A { static a = 1 } namespace A { export const b = A.a }",
        "function A() {} namespace A { export const b = A() }",
        "enum A { B } namespace A { export const b = A.B }",
    ] {
        works(source);
    }
}

#[test]
fn accessor_fields_are_refused() {
    let message = "`accessor` is not supported, write a getter and a setter";
    refused_at("class A {\n  accessor z = 4\n}", message, 2, 3);
    refused_at("class A { static accessor #z: number }", message, 1, 11);
    works("declare class A { accessor z: number } abstract class B { abstract accessor z: number; accessor = 1 }");
}

/// Words that are divided as names are, apart from those that no variable may have as its name.
const DIVIDED: &str = "abstract accessor async asserts declare from get global infer is keyof module namespace out \
    override readonly require set type unique";

#[test]
fn words_with_a_meaning_elsewhere_are_divided_as_names() {
    for word in DIVIDED.split(' ') {
        for source in ["(W / a) / 2", "const b = W / 2 // \"(", "W / a['`'] + a / 2", "a = W / a /* ` */ / 2"] {
            works(&source.replace('W', word));
        }
    }
}

#[test]
fn r09_a_division_after_a_word_hides_nothing() {
    let message = "cannot tell whether this is a division or a regular expression: put what stands before the `/` into \
        parentheses, with the `/` on the same line";
    for word in ["of", "in", "instanceof", "as", "satisfies", "from\n", "type\n"] {
        assert_eq!(fails(&format!("{word} /`/;{}\n", too_deep())).message, message, "{word}");
    }
    works("const of = 6; (of) / 2 / (3) // (");
}

#[test]
fn properties_with_the_name_of_a_statement_begin_none() {
    for word in ["if", "for", "while", "with"] {
        works(&format!("const o = {{ {word}: (a.n) / 2 }}"));
        works(&format!("const o = {{ {word}: (a.n) / 2, b: '`' }}; o.{word}(1) / 2"));
        works(&format!(
            "interface O {{ {word}?: (a: string) => void }} const p = {{ a: {{ {word}: 1 }}, b: (1) / 2 }}"
        ));
    }
}

#[test]
fn members_of_a_long_type_can_be_ended_where_lines_are_not_enough() {
    let members = |end: &str| format!("type M = {{\n{}}}", format!("a: (b: T) => P<T>{end}\n").repeat(200));
    assert_eq!(broken_limit(&members(""), &Limits::default()), Some(Limit::ProgramDepth));
    assert!(Limit::ProgramDepth.advice().ends_with("or end each member of a type with `;`"));
    works(&members(";"));
}

#[test]
fn decorators_are_refused_with_what_to_do() {
    let message = "decorators are not supported, call the function yourself: `const B = log(class { ... })`";
    refused_at("@log class B {}", message, 1, 1);
    works("const log = <T,>(a: T) => a; const B = log(class { a = 1 })");
}

#[test]
fn jsx_is_named() {
    refused_at("const x = <div>hello</div>", "JSX is not supported", 1, 22);
    refused_at("const x = <div />", "Expected `>` but found `/` (JSX is not supported)", 1, 16);
}

/// What is after such a word is a regular expression to the parser nowhere, whatever is before.
#[test]
fn r09_words_that_are_divided_begin_no_expression() {
    const BEFORE: &str = "|export|export default|import|import a|import a,|import {}|export {}|export *|import a =|\
        export import|export as|export type|import type|declare|abstract|async|await|for (|for await (|for (let|\
        for (await|class A {|class A { static|class A { get|class A { a:|class A<|class A implements|x = {|\
        x = { get|x = { async|(|(a:|(a): asserts|async (|function f(|function f(): a|function*|interface A {|\
        interface A { readonly|type A =|type A = a extends|type A = { [|type A<|type A<in|f<|a as|a satisfies|\
        declare const a:|namespace A {|namespace|enum A {|label:|else|do|case|...|`${";
    let reads_regex = |source: &str| {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, source, SourceType::ts().with_module(true)).parse();
        parsed.diagnostics.iter().any(|error| error.message.starts_with("The 'u' and 'v'"))
    };
    assert!(reads_regex("for (a of /a/uv"));
    let reserved = "interface let private protected public static using";
    for word in DIVIDED.split(' ').chain(reserved.split(' ')) {
        for before in BEFORE.split('|') {
            let source = format!("{before} {word} /a/uv");
            assert!(!reads_regex(&source), "{source}");
        }
    }
}
