//! What a program can reach: the red-team cases of section G that are JavaScript's, and what V8 and deno_core add to them.

use conduit_guest_v8::Step;
use serde_json::json;

use crate::world::{BEGINNING, End, run, value};

/// Walks over all own properties and prototypes, symbols too, from the globals and from what only syntax and calls give.
const WALK: &str = r#"async () => {
const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor } = Reflect;
const lines = [];
const known = new Map();
const queue = [];
const holds = (path, value) => {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value === null ? 'null' : typeof value;
  const name = known.get(value);
  if (name !== undefined) return `= ${name}`;
  known.set(value, path);
  queue.push([path, value]);
  return typeof value;
};
const below = (path, key) => {
  if (typeof key === 'symbol') return `${path}[${key.description}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
};
const look = (path, object) => {
  lines.push(`${path}<prototype>: ${holds(`${path}<prototype>`, getPrototypeOf(object))}`);
  for (const key of ownKeys(object)) {
    if (typeof object === 'function' && (key === 'name' || key === 'length')) continue;
    const place = below(path, key);
    const { value, get, set, writable, enumerable, configurable } = getOwnPropertyDescriptor(object, key);
    const flags = `${writable ? 'w' : '-'}${enumerable ? 'e' : '-'}${configurable ? 'c' : '-'}`;
    if (get || set) lines.push(`${place} ${flags}: get ${holds(`${place}<get>`, get)}, set ${holds(`${place}<set>`, set)}`);
    else lines.push(`${place} ${flags}: ${holds(place, value)}`);
  }
};
const root = (path, value) => lines.push(`${path}: ${holds(path, value)}`);
const caught = async (call) => {
  try { await call(); } catch (error) { return error; }
};
root('globalThis', globalThis);
while (queue.length) look(...queue.shift());
root('<async>', async () => {});
root('<generator>', function* () {});
root('<generated>', (function* () {})());
root('<async generator>', async function* () {});
root('<async generated>', (async function* () {})());
root('<arguments>', (function () { return arguments; })());
root('<array iterator>', [][Symbol.iterator]());
root('<map iterator>', new Map().entries());
root('<set iterator>', new Set().entries());
root('<string iterator>', ''[Symbol.iterator]());
root('<match iterator>', ''.matchAll(/x/g));
root('<iterator helper>', (function* () {})().map((x) => x));
root('<wrapped iterator>', Iterator.from({ next: () => ({ done: true, value: 0 }) }));
root('<match>', /(?<x>a)/d.exec('a'));
root('<template>', ((strings) => strings)`a`);
root('<error>', await caught(() => null.x));
root('<overflow>', await caught(function again() { return [again()]; }));
root('<rejection>', await caught(() => Promise.any([])));
root('<syntax>', await caught(() => (0, eval)('(')));
root('<import>', await caught(() => (0, eval)("import('x')")));
root('<random>', await caught(() => crypto.getRandomValues(new Float32Array(1))));
root('<clone>', await caught(() => structuredClone(() => 1)));
root('<buffer>', await caught(() => new ArrayBuffer(1e15)));
root('<url parameters>', new URL('http://x/?a=1').searchParams);
root('<url iterator>', new URLSearchParams('a=1').entries());
root('<signal>', AbortSignal.abort());
root('<upstream>', tools.test);
root('<tool>', tools.test.echo);
root('<call>', tools.test.echo({}));
for (const name of ['$call', '$search', '$describe', '$list']) root(`<tools.${name}>`, tools[name]);
root('<to primitive>', tools[Symbol.toPrimitive]);
root('<tool error>', await caught(() => tools.test.fail({ message: 'x' })));
root('<reply>', await tools.test.echo({ value: { a: [1] } }));
while (queue.length) look(...queue.shift());
// Of another realm there would be a second one of each of these.
const second = [...known.keys()].filter((object) => object !== Object.prototype && object !== Function.prototype &&
  (Object.hasOwn(object, '__lookupGetter__') || (typeof object === 'function' && Object.hasOwn(object, 'apply') && Object.hasOwn(object, 'bind'))));
return [lines.sort(), second.length, [...known.keys()].filter((f) => typeof f === 'function').map((f) => f.name)];
}"#;

#[test]
fn g06_what_a_program_can_reach_in_v8_is_as_reviewed() {
    let (End::Step(Step::Done(json)), _) = run(WALK) else { panic!("the walk does not end") };
    let (lines, second_realms, functions): (Vec<String>, u32, Vec<String>) = serde_json::from_str(&json).unwrap();
    assert_eq!(second_realms, 0, "the program reaches another realm");
    let natives = ["submit", "write", "fail", "position", "engineKindOf", "writeUtf8", "decodeUtf8"];
    let reached: Vec<_> = functions.iter().filter(|name| natives.contains(&name.as_str())).collect();
    assert!(reached.is_empty(), "{reached:?}");
    for part in ["Deno", "bootstrap", "primordials", "SharedArrayBuffer", "WebAssembly", "Atomics", "Intl", "Temporal"]
    {
        let found: Vec<_> = lines.iter().filter(|line| line.contains(part)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guest/globals.txt");
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap();
    let reviewed: Vec<&str> = reviewed.lines().collect();
    let new: Vec<_> = lines.iter().filter(|line| !reviewed.contains(&line.as_str())).collect();
    let gone: Vec<_> = reviewed.iter().filter(|line| !lines.iter().any(|found| found == *line)).collect();
    assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}\ngone: {gone:#?}\nUPDATE_GOLDEN=1 writes {path}");
    assert!(reviewed.len() > 1500);
}

#[test]
fn g01_g03_no_function_knows_more_than_the_globals() {
    let found = value(
        "const names = ['process', 'require', 'module', 'Deno', 'Bun', 'std', 'os', 'fetch', '__bootstrap', 'core', 'ops',
          'queueMacrotask', 'gc', 'd8', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'ShadowRealm', 'importScripts'];
        const Async = (async () => {}).constructor, Generator = (function* () {}).constructor;
        const makers = [Function, (() => {}).constructor, (0, eval)('Function'), console.log.constructor,
          tools.test.echo.constructor, tools.$call.constructor, setTimeout.constructor, new Error().constructor.constructor,
          Object.getOwnPropertyDescriptor(performance, 'timeOrigin').get.constructor];
        const reached = [];
        for (const name of names) {
          for (const make of makers) if (make(`return typeof ${name}`)() !== 'undefined') reached.push(name);
          if (await Async(`return typeof ${name}`)() !== 'undefined') reached.push(name);
          if (Generator(`yield typeof ${name}`)().next().value !== 'undefined') reached.push(name);
        }
        const roots = makers.map((make) => make('return this')()).filter((root) => root !== globalThis);
        return [reached, roots.length, (function () { 'use strict'; return this; })() === undefined, this === undefined];",
    );
    assert_eq!(found, json!([[], 0, true, true]));
}

#[test]
fn g02_every_import_is_refused() {
    let found = value(
        "const said = [];
        for (const code of ['import(\"fs\")', 'import(\"ext:core/ops\")', 'import(\"data:text/javascript,1\")',
          'import(\"x\", { with: { type: \"json\" } })', 'import.source(\"x\")', 'import.defer(\"x\")']) {
          for (const run of [eval, (text) => Function(`return ${text}`)()]) {
            try {
              await run(code);
              said.push('it imports');
            } catch (error) {
              said.push(error.constructor === TypeError || error.constructor === SyntaxError ? 'refused' : `${error}`);
            }
          }
        }
        let message;
        try { await (0, eval)('import(\"node:fs\")'); } catch (error) { message = error.message; }
        return [[...new Set(said)], message];",
    );
    let message = "cannot import `node:fs`: programs have no modules, only the globals and `tools`";
    assert_eq!(found, json!([["refused"], message]));
}

#[test]
fn stacks_hand_out_neither_sites_nor_places_of_the_library() {
    let found = value(
        "const seen = [];
        Error.prepareStackTrace = (error, sites) => { seen.push(sites); return sites; };
        const error = new Error('x');
        const target = {};
        Error.captureStackTrace(target);
        const nested = [];
        Error.prototype.toString = function () { nested.push(arguments.length); return 'own'; };
        let thrown;
        try { crypto.getRandomValues(1); } catch (error) { thrown = error.stack; }
        const texts = [error.stack, target.stack, new Error('y').stack, thrown];
        return [texts.map((text) => typeof text), seen.length, nested.length,
          texts.some((text) => /conduit|ext:|deno|core\\.js|\\.rs|\\//.test(text))];",
    );
    assert_eq!(found, json!([["string", "string", "string", "string"], 0, 0, false]));
}

#[test]
fn g10_overridden_builtins_change_no_call() {
    let (end, world) = run(
        "async () => {
        const forged = () => 'forged';
        JSON.stringify = JSON.parse = forged;
        for (const name of ['Promise', 'Proxy', 'TypeError', 'Error', 'Map', 'Uint8Array', 'ToolError', 'DOMException']) {
          globalThis[name] = class {};
        }
        for (const prototype of [Array.prototype, Map.prototype, WeakMap.prototype, String.prototype, Function.prototype]) {
          for (const name of Object.getOwnPropertyNames(prototype)) {
            if (name !== 'constructor' && name !== 'length') try { prototype[name] = forged; } catch {}
          }
        }
        Array.prototype[Symbol.iterator] = forged;
        Object.defineProperty(Object.prototype, 'then', { get() { throw new Error('then was asked for'); }, configurable: true });
        Object.defineProperty(Object.prototype, 'get', { value: forged, configurable: true });
        Object.defineProperty(Array.prototype, 0, { __proto__: null, set() { throw new Error('an element was set'); }, configurable: true });
        const got = await tools.test.echo({ value: { a: [1, { b: 2 }] } });
        let error;
        try { await tools.test.fail({ message: 'm' }); } catch (caught) { error = caught; }
        setTimeout(() => {}, 1);
        console.log('fine', 1);
        delete Object.prototype.then;
        delete Object.prototype.get;
        delete Array.prototype[0];
        return { got, own: Object.keys(got), code: error.code, tool: error.tool };
        }",
    );
    let End::Step(Step::Done(json)) = end else { panic!("{end:?}") };
    let expected = json!({ "got": { "a": [1, { "b": 2 }] }, "own": ["a"], "code": "tool_failed", "tool": "test.fail" });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), expected);
    let world = world.borrow();
    assert_eq!(world.calls[0].3, json!({ "value": { "a": [1, { "b": 2 }] } }));
    assert_eq!(world.stdout, "fine 1\n");
}

#[test]
fn g10_tools_are_read_only() {
    let found = value(
        "const refused = (work) => { try { work(); return false; } catch (error) { return error instanceof TypeError; } };
        return [refused(() => { tools.x = 1; }), refused(() => { globalThis.tools = 1; }), refused(() => delete tools.test),
          refused(() => Object.defineProperty(tools, 'test', { value: 1 })), refused(() => Object.setPrototypeOf(tools, {})),
          refused(() => { tools.test.echo = 1; }), refused(() => `${tools}`), refused(() => delete globalThis.tools),
          Object.keys(tools), Object.isExtensible(tools), Object.isExtensible(tools.test), 'nothing' in tools,
          tools.then, tools.test.then, tools.toJSON, JSON.stringify(tools), tools.test === tools.test,
          tools.test.echo.name, tools.test.echo.length, Object.prototype.toString.call(tools)];",
    );
    assert_eq!(
        found,
        json!([
            true,
            true,
            true,
            true,
            true,
            true,
            true,
            true,
            ["test"],
            false,
            false,
            false,
            null,
            null,
            null,
            "{\"test\":{}}",
            true,
            "test.echo",
            1,
            "[object Tools]"
        ])
    );
}

#[test]
fn g14_there_is_one_clock_and_it_is_the_hosts() {
    let found = value(
        "class Own extends Date {}
        const clocks = [Date.now(), new Date().getTime(), +new Date(), new Date.prototype.constructor().getTime(),
          new Own().getTime(), Reflect.construct(Date, [], Object).constructor === Object ? Date.now() : 0,
          +structuredClone(new Date()), Date.parse(Date()), new (Object.getPrototypeOf(Own))().getTime(),
          performance.timeOrigin];
        const event = new Event('x').timeStamp;
        return [[...new Set(clocks)], event, performance.now(), new Date(0).getTimezoneOffset(), new Date(2020, 0, 1).toISOString(),
          Date.length, Date.name, new Date(5).getTime(), new Date(2020, 1).getMonth(), new Date(0) instanceof Date,
          typeof Date(), 'toTemporalInstant' in Date.prototype];",
    );
    assert_eq!(
        found,
        json!([[BEGINNING / 1_000_000], 0, 0, 0, "2020-01-01T00:00:00.000Z", 7, "Date", 5, 1, true, "string", false])
    );
}

#[test]
fn g40_g41_nothing_is_left_for_the_next_program() {
    let leave = "async () => {
        globalThis.left = 'canary'; Object.prototype.left = 'canary'; Array.prototype.map = () => 'canary';
        Math.random = () => 4; Error.stackTraceLimit = 0; console.log = () => {}; globalThis.hoard = ['canary'.repeat(1000)];
        Symbol.for('canary'); localeCanary = 1;
      }";
    let _ = run(leave);
    let found = value(
        "return [typeof left, {}.left === undefined, [1].map((x) => x + 1), Math.random() === 4, Error.stackTraceLimit, typeof hoard];",
    );
    assert_eq!(found, json!(["undefined", true, [2], false, 10, "undefined"]));
}

#[test]
fn r04_nothing_waits_or_shares() {
    let found = value(
        "const buffers = [() => new SharedArrayBuffer(8), () => Atomics.wait(new Int32Array(2), 0, 0),
          () => new WebAssembly.Memory({ initial: 1 }), () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))];
        return buffers.map((make) => { try { make(); return 'made'; } catch (error) { return error.name; } });",
    );
    assert_eq!(found, json!(["ReferenceError", "ReferenceError", "ReferenceError", "ReferenceError"]));
}
