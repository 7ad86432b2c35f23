//! Programs that do not end by themselves: how the host stops them, and how the heap does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use conduit_guest_v8::{Envelope, Fresh, Step};

use crate::world::{BEGINNING, Case, End, MEMORY, MIB, Script, Ticker, World, javascript, run_in, value};

/// Runs a program that gets `ticks` of 5 ms.
fn run_for(ticks: u64, program: &str, heap: usize) -> (End, World, Duration) {
    let world = World { most_ticks: Some(ticks), ..World::default() };
    let began = Instant::now();
    let (end, world) = run_in(world, &Case { heap, ..javascript(program) });
    (
        end,
        Rc::try_unwrap(world).map(RefCell::into_inner).unwrap_or_else(|_| panic!("the host is alive")),
        began.elapsed(),
    )
}

#[test]
fn r01_r02_r05_whatever_computes_is_stopped() {
    for program in [
        "for (;;);",
        "try { for (;;); } catch { for (;;); } finally { for (;;); }",
        "for (;;) try { throw 1; } catch { continue; } finally { continue; }",
        "/^(a+)+$/.test('a'.repeat(40) + '!');",
        "/(x+x+)+y/.exec('x'.repeat(60));",
        "const storm = () => queueMicrotask(storm); storm();",
        "const storm = () => Promise.resolve().then(storm); await storm();",
        "const storm = async () => { for (;;) await null; }; await storm();",
        "Array.from({ length: 1000 }, (_, i) => i).sort(() => { for (;;); });",
        "JSON.stringify({ toJSON() { for (;;); } });",
        "JSON.parse('[1]', () => { for (;;); });",
        "return { get a() { for (;;); } };",
        "return { toJSON() { for (;;); } };",
        "throw { get message() { for (;;); } };",
        "throw new Proxy({}, { get() { for (;;); } });",
        "const e = new Error(); Object.defineProperty(e, 'name', { get() { for (;;); } }); e.stack;",
        "console.log({ get [Symbol.toStringTag]() { for (;;); } }); for (;;);",
        "await new Promise((resolve) => setTimeout(() => { for (;;); }, 1));",
        "setTimeout(function again() { setTimeout(again, 0); }, 0); for (;;) await null;",
        "function* forever() { for (;;) yield 1; } for (const x of forever());",
        "new Proxy({}, { ownKeys() { for (;;); } }), Object.keys(new Proxy({}, { ownKeys() { for (;;); } }));",
        "class A { static { for (;;); } }",
        "[...{ [Symbol.iterator]() { return { next() { for (;;); } }; } }];",
        "(0, eval)('for (;;);');",
        "await { then() { for (;;); } };",
        "const p = Promise.reject(1); p.catch(() => { for (;;); }); await new Promise(() => {});",
    ] {
        let (end, world, took) = run_for(20, &format!("async () => {{ {program} }}"), 512 * MIB);
        assert!(matches!(end, End::Step(Step::Stopped)), "{program}: {end:?}");
        assert!(!world.asked_after_stop, "{program}");
        assert!(took < Duration::from_secs(10), "{program}: {took:?}");
    }
}

#[test]
fn what_the_engine_does_not_interrupt_is_stopped_from_outside() {
    // A product of numbers with a thousand million bits takes seconds, in which no tick comes.
    let program = "async () => { let n = 3n ** 200000n; for (;;) { try { n = n * n; } catch { n = 3n; } } }";
    let (end, _, took) = run_for(20, program, 1024 * MIB);
    assert!(matches!(end, End::Step(Step::Stopped)), "{end:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_refusal_of_the_host_is_the_programs_end() {
    for (program, limits) in [
        (
            "console.log('x'); try { console.log('y'); } finally { console.log('z'); }",
            World { most_output: Some(2), ..World::default() },
        ),
        ("for (;;) try { console.error('x'); } catch {}", World { most_entries: Some(3), ..World::default() }),
        ("for (;;) tools.test.echo({});", World { most_calls: Some(5), ..World::default() }),
        (
            "await Promise.all(Array.from({ length: 9 }, () => tools.test.echo({}))); console.log('z');",
            World { most_calls: Some(5), ..World::default() },
        ),
        (
            "JSON.stringify({ get a() { for (;;) console.log('x'); } });",
            World { most_output: Some(100), ..World::default() },
        ),
        (
            "throw { get message() { for (;;) console.log('x'); } };",
            World { most_output: Some(100), ..World::default() },
        ),
    ] {
        let (end, world) = run_in(limits, &javascript(&format!("async () => {{ {program} }}")));
        assert!(matches!(end, End::Step(Step::Stopped)), "{program}: {end:?}");
        let world = world.borrow();
        assert!(!world.asked_after_stop && !world.stdout.contains('z'), "{program}: {}", world.stdout);
    }
}

#[test]
fn r09_a_full_heap_is_the_programs_end_and_not_the_workers() {
    for program in [
        "const all = []; for (;;) all.push({ a: 1, b: [1, 2, 3] });",
        "const all = []; for (let i = 0; ; i++) all.push('text number ' + i + 'x'.repeat(100).toUpperCase());",
        "const all = new Map(); for (let i = 0; ; i++) all.set(i, i);",
        "const all = []; for (let i = 0; ; i++) all.push(() => i);",
        "const all = []; for (;;) all.push(new Promise(() => {}));",
        "let all = [0]; for (;;) all = all.concat(all);",
        "let text = 'x'; const all = []; for (;;) { text += text.slice(0, 100000) + 'y'; all.push([...text]); }",
        "const all = []; for (;;) { try { all.push(new Array(1000).fill(all.length)); } catch {} }",
        "const keep = []; const grow = async (n) => { keep.push(new Array(100).fill(n)); await null; return grow(n + 1); }; await grow(0);",
    ] {
        let (end, world, took) = run_for(6000, &format!("async () => {{ {program} }}"), 64 * MIB);
        assert!(matches!(end, End::Step(Step::OutOfMemory)), "{program}: {end:?}");
        assert!(world.memory < 256 * MIB as u64, "{program}: {}", world.memory);
        assert!(took < Duration::from_secs(30), "{program}: {took:?}");
    }
    assert_eq!(value("return 1"), 1);
}

#[test]
fn r09_buffers_are_refused_beyond_the_limit() {
    let hoard = "const all = []; for (let i = 0; i < 512; i++) all.push(new Uint8Array(1 << 20).fill(1));";
    let (end, world, _) = run_for(2000, &format!("async () => {{ {hoard} }}"), 64 * MIB);
    let End::Step(Step::Failed(failure)) = end else { panic!("{end:?}") };
    assert!(failure.out_of_memory && failure.name == "RangeError", "{failure:?}");
    assert!(world.memory <= 80 * MIB as u64, "{}", world.memory);

    // Caught, the program goes on; given back, there is room again.
    let body = "let all = [], rounds = 0;
        for (let i = 0; i < 20; i++) { try { for (;;) all.push(new ArrayBuffer(4 << 20)); } catch { all = []; rounds++; } }
        try { new ArrayBuffer(1e12); } catch { rounds++; }
        new ArrayBuffer(8, { maxByteLength: 1024 }).resize(512);
        return rounds;";
    let (end, _, _) = run_for(4000, &format!("async () => {{ {body} }}"), 64 * MIB);
    let End::Step(Step::Done(json)) = end else { panic!("{end:?}") };
    assert_eq!(json, "21");
}

#[test]
fn the_limit_of_a_start_is_below_the_one_of_the_making() {
    let program =
        "async () => { const all = []; for (let i = 0; i < 2500000; i++) all.push({ i, a: [i] }); return all.length; }";
    let _memory = MEMORY.read();
    for (heap, fits) in [(64 * MIB, false), (768 * MIB, true)] {
        let world = Rc::new(RefCell::new(World { now: BEGINNING, ..World::default() }));
        let fresh = Fresh::new(1024 * MIB);
        let envelope = Envelope { program, mappings: "", input: "null", upstreams: "[]" };
        let (_, step) = fresh.start(&envelope, Box::new(Script(Rc::clone(&world))), heap);
        match step {
            Step::Done(json) => assert!(fits && json == "2500000", "{heap}"),
            step => assert!(!fits && step == Step::OutOfMemory, "{heap}: {step:?}"),
        }
    }
}

#[test]
fn deep_recursion_can_be_caught() {
    let found = value(
        "const nested = '['.repeat(100_000);
        const recurse = () => recurse() + 1;
        const deep = []; let at = deep; for (let i = 0; i < 100_000; i++) at = at[0] = [];
        return [() => recurse(), () => (0, eval)(nested), () => new RegExp('('.repeat(100_000)),
          () => structuredClone(deep)].map((attempt) => {
            try { attempt(); return 'no error'; } catch (error) { return error instanceof Error; }
          });",
    );
    assert_eq!(found, serde_json::json!([true, true, true, true]));
}

#[test]
fn a_guest_that_is_gone_has_no_interrupts() {
    let fresh = Fresh::new(64 * MIB);
    let interrupter = fresh.interrupter();
    let ticker = Ticker::start(interrupter.clone(), u64::MAX);
    drop(fresh);
    assert!(interrupter.tick() || !interrupter.tick());
    interrupter.stop();
    drop(ticker);
    // Asked for before there is a program, a tick comes with its first step.
    let fresh = Fresh::new(64 * MIB);
    assert!(fresh.interrupter().tick());
    assert!(!fresh.interrupter().tick());
    let world = Rc::new(RefCell::new(World { now: BEGINNING, ..World::default() }));
    let envelope = Envelope {
        program: "async () => { for (let i = 0; i < 10; i++); }",
        mappings: "",
        input: "null",
        upstreams: "[]",
    };
    let (_, step) = fresh.start(&envelope, Box::new(Script(Rc::clone(&world))), 64 * MIB);
    assert_eq!((step, world.borrow().ticks), (Step::Done("null".into()), 1));
}
