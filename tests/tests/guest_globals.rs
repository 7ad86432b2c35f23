//! Everything that a program can reach, compared with the list that was reviewed: tests/fixtures/guest-globals.txt.

use conduit_core::{ExecutionRequest, Outcome, Policy, Runtime, ToolPattern};
use std::collections::BTreeSet;

use crate::tools;

/// Walks over all own properties and prototypes, symbols too, from the globals and from what only syntax and calls give.
/// A line says where a property is, whether it is writable, enumerable and configurable, and what it holds: what is
/// reached twice has the name of the first time.
const WALK: &str = r#"
const lines: string[] = [];
const known = new Map<unknown, string>();
const queue: [string, any][] = [];
const holds = (path: string, value: unknown) => {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value === null ? 'null' : typeof value;
  const name = known.get(value);
  if (name !== undefined) return `= ${name}`;
  known.set(value, path);
  queue.push([path, value]);
  return typeof value;
};
const below = (path: string, key: string | symbol) => {
  if (typeof key === 'symbol') return `${path}[${key.description}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
};
const look = (path: string, object: any) => {
  lines.push(`${path}<prototype>: ${holds(`${path}<prototype>`, Object.getPrototypeOf(object))}`);
  for (const key of Reflect.ownKeys(object)) {
    // Every function has these two, and they are texts and numbers.
    if (typeof object === 'function' && (key === 'name' || key === 'length')) continue;
    const place = below(path, key);
    const { value, get, set, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(object, key)!;
    const flags = `${writable ? 'w' : '-'}${enumerable ? 'e' : '-'}${configurable ? 'c' : '-'}`;
    if (get || set) lines.push(`${place} ${flags}: get ${holds(`${place}<get>`, get)}, set ${holds(`${place}<set>`, set)}`);
    else lines.push(`${place} ${flags}: ${holds(place, value)}`);
  }
};
const root = (path: string, value: unknown) => lines.push(`${path}: ${holds(path, value)}`);
const walk = () => {
  for (let next = queue.shift(); next; next = queue.shift()) look(...next);
};
const caught = async (call: () => unknown) => {
  try {
    await call();
  } catch (error) {
    return error;
  }
};

root('globalThis', globalThis);
walk();
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
root('<wrapped iterator>', Iterator.from({ next: () => ({ done: true, value: 0 }) } as any));
root('<match>', /(?<x>a)/d.exec('a'));
root('<template>', ((strings: TemplateStringsArray) => strings)`a`);
root('<resolvers>', Promise.withResolvers());
root('<revocable>', Proxy.revocable({}, {}));
root('<error>', await caught(() => (null as any).x));
root('<overflow>', await caught(function again(): unknown { return [again()]; }));
root('<rejection>', await caught(() => Promise.any([])));
root('<url parameters>', new URL('http://x/?a=1').searchParams);
root('<url iterator>', new URLSearchParams('a=1').entries());
root('<signal>', AbortSignal.abort());
root('<timer>', setTimeout(() => {}, 0));
root('<upstream>', tools.test);
root('<tool>', tools.test.echo);
root('<call>', tools.test.echo({}));
for (const name of ['$call', '$search', '$describe', '$list']) root(`<tools.${name}>`, tools[name]);
root('<to primitive>', tools[Symbol.toPrimitive]);
root('<tool error>', await caught(() => tools.test.fail({ message: 'x' })));
root('<refused>', await caught(() => tools.other.secret({})));
root('<reply>', await tools.$call('test.echo', {}, { full: true }));
walk();
lines.join('\n')
"#;

#[tokio::test]
async fn g06_what_a_program_can_reach_is_as_reviewed() {
    let runtime = Runtime::builder()
        .host_tools("test", tools::test_tools())
        .host_tools("other", tools::other_tools())
        .policy(Policy::allow([ToolPattern::parse("test.*").unwrap()]))
        .build()
        .unwrap();
    let result = runtime.execute(ExecutionRequest::typescript(WALK)).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed);
    let mut lines: Vec<&str> = result.value.as_str().unwrap().lines().collect();
    lines.sort_unstable();

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/guest-globals.txt");
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap();
    let (found, reviewed): (BTreeSet<&str>, BTreeSet<&str>) = (lines.into_iter().collect(), reviewed.lines().collect());
    let new: Vec<_> = found.difference(&reviewed).collect();
    let gone: Vec<_> = reviewed.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "new: {new:#?}\ngone: {gone:#?}\nUPDATE_GOLDEN=1 writes {path}");
    // So that a walk that stops early does not pass for a small world.
    for known in ["globalThis.tools -e-: object", "globalThis.Promise.prototype.then w-c: function", "<tool>: function"]
    {
        assert!(reviewed.contains(known), "{known}");
    }
}
