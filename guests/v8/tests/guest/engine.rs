//! The engine and its isolates: how fresh they are, how they live side by side, and what a step gives.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use conduit_guest_v8::{Envelope, Fresh, Live, Step};
use serde_json::json;

use crate::world::{BEGINNING, End, MEMORY, MIB, Script, World, javascript, run, run_in, value};

fn start(program: &str) -> (Live, Step, Rc<RefCell<World>>) {
    let world = Rc::new(RefCell::new(World { now: BEGINNING, ..World::default() }));
    let envelope = Envelope { program, mappings: "", input: "null", upstreams: r#"["a", "__proto__"]"# };
    let (live, step) = Fresh::new(64 * MIB).start(&envelope, Box::new(Script(Rc::clone(&world))), 64 * MIB);
    (live, step, world)
}

fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn a_thousand_fresh_ones_leave_nothing_behind() {
    let rounds =
        |count: u32| (0..count).for_each(|_| drop(start("async () => { globalThis.a = [1, 2, 3]; return tools; }")));
    let _alone = MEMORY.write();
    rounds(50);
    let before = resident();
    rounds(1000);
    let grown = resident().saturating_sub(before);
    assert!(grown < 24 * MIB as u64, "{grown} bytes more");
}

#[test]
fn k_isolates_live_side_by_side_on_one_thread() {
    let program = "async () => { let n = 0; for (let i = 0; i < 3; i++) n += await tools.a.next({}); return n; }";
    let mut lives: Vec<_> = (0..5).map(|_| start(program)).collect();
    let ahead = Fresh::new(64 * MIB);
    for round in 1..=3i64 {
        for (at, (live, step, _)) in lives.iter_mut().enumerate() {
            assert_eq!(*step, Step::Waiting { wake_at: None });
            *step = live.resume(&[(round, Ok((at as i64 + round).to_string()))]);
        }
    }
    drop(ahead);
    for (at, (live, step, _)) in lives.into_iter().enumerate().rev() {
        assert_eq!(step, Step::Done((3 * at + 6).to_string()));
        drop(live);
    }
}

#[test]
fn entropy_is_fresh_in_every_execution() {
    let draws: BTreeSet<String> = (0..40).map(|_| value("return [Math.random(), Math.random()]").to_string()).collect();
    assert_eq!(draws.len(), 40);
    let (_, world) = run("async () => [crypto.randomUUID(), crypto.getRandomValues(new Uint16Array(7))]");
    assert_eq!(world.borrow().random, 30);
}

#[test]
fn g14_the_guests_clock_has_whole_milliseconds() {
    let (mut live, step, world) = {
        let world = Rc::new(RefCell::new(World { now: BEGINNING + 1_999_999, ..World::default() }));
        let program = "async () => { const a = [Date.now(), performance.now()]; await new Promise((r) => setTimeout(r, 2.7)); return [a, Date.now(), performance.now()]; }";
        let envelope = Envelope { program, mappings: "", input: "null", upstreams: "[]" };
        let (live, step) = Fresh::new(64 * MIB).start(&envelope, Box::new(Script(Rc::clone(&world))), 64 * MIB);
        (live, step, world)
    };
    assert_eq!(step, Step::Waiting { wake_at: Some(BEGINNING + 3_000_000) });
    // Woken too early, it waits on.
    world.borrow_mut().now = BEGINNING + 2_999_999;
    assert_eq!(live.resume(&[]), Step::Waiting { wake_at: Some(BEGINNING + 3_000_000) });
    world.borrow_mut().now = BEGINNING + 3_000_001;
    let ms = BEGINNING / 1_000_000;
    assert_eq!(live.resume(&[]), Step::Done(json!([[ms + 1, 0], ms + 3, 2]).to_string()));
}

#[test]
fn unknown_calls_are_ignored_and_answers_may_come_together() {
    let program = "async () => {
        const order = [];
        const call = (n) => tools.a.b({ n }).then(() => order.push(n), (error) => order.push(error.code));
        await Promise.all([call(1), call(2), call(3)]);
        return order; }";
    let (mut live, step, world) = start(program);
    assert_eq!(step, Step::Waiting { wake_at: None });
    assert_eq!(
        world.borrow().calls.iter().map(|(id, kind, name, _)| (*id, *kind, name.as_str())).collect::<Vec<_>>(),
        [(1, 0, "a.b"), (2, 0, "a.b"), (3, 0, "a.b")]
    );
    assert_eq!(live.resume(&[(99, Ok("1".into())), (-1, Err("{}".into()))]), Step::Waiting { wake_at: None });
    let refused = (2, Err(json!({ "code": "x", "message": "m", "tool": "a.b" }).to_string()));
    assert_eq!(live.resume(&[(3, Ok("1".into())), refused, (1, Ok("1".into()))]), Step::Done("[3,\"x\",1]".into()));
    // What is no JSON is the call's error.
    let (mut live, _, _) = start("async () => { try { await tools.a.b(); } catch (error) { return error.name; } }");
    assert_eq!(live.resume(&[(1, Ok("{".into()))]), Step::Done("\"SyntaxError\"".into()));
    assert!((live.host() as &mut dyn std::any::Any).downcast_mut::<Script>().is_some());
}

#[test]
fn a_run_ends_as_the_contract_says() {
    // Fulfilled, it waits for its calls and for nothing else.
    let (mut live, step, _) = start("async () => { tools.a.b(); setTimeout(() => {}, 5); return 'done'; }");
    assert_eq!(step, Step::Waiting { wake_at: Some(BEGINNING + 5_000_000) });
    assert_eq!(live.resume(&[(1, Ok("null".into()))]), Step::Done("\"done\"".into()));
    // Rejected, it ends at once, whatever is queued.
    let flood = "const again = () => queueMicrotask(again); again();";
    let (_, step, _) = start(&format!("async () => {{ {flood} tools.a.b(); await null; throw new Error('now'); }}"));
    assert!(matches!(&step, Step::Failed(failure) if failure.message == "now"), "{step:?}");
    // A microtask that throws, a timer that throws, a rejection that nobody handles.
    for program in [
        "queueMicrotask(() => { throw new Error('x'); }); for (;;) await null;",
        "Promise.reject(new Error('x'));",
        "setTimeout(() => { throw new Error('x'); }, 0); await new Promise(() => {});",
    ] {
        let (mut live, mut step, world) = start(&format!("async () => {{ {program} }}"));
        if let Step::Waiting { wake_at: Some(at) } = step {
            world.borrow_mut().now = at;
            step = live.resume(&[]);
        }
        assert!(matches!(&step, Step::Failed(failure) if failure.message == "x"), "{program}: {step:?}");
    }
    // What is no program.
    for program in ["1", "() => 1", "(", "", "}); (async () => {"] {
        let (_, step, _) = start(program);
        assert!(matches!(step, Step::Failed(_)), "{program}: {step:?}");
    }
}

#[test]
fn a_program_that_has_ended_does_not_run_on() {
    for program in
        ["for (;;) console.log(await tools.a.b());", "const a = tools.a.b(); a.then(() => console.log('x')); throw 1;"]
    {
        let world = Rc::new(RefCell::new(World { now: BEGINNING, most_entries: Some(1), ..World::default() }));
        let program = format!("async () => {{ {program} }}");
        let envelope = Envelope { program: &program, mappings: "", input: "null", upstreams: "[]" };
        let (mut live, _) = Fresh::new(64 * MIB).start(&envelope, Box::new(Script(Rc::clone(&world))), 64 * MIB);
        live.resume(&[(1, Ok("1".into()))]);
        live.resume(&[(2, Ok("2".into()))]);
        world.borrow_mut().most_entries = None;
        assert_eq!(live.resume(&[(3, Ok("3".into())), (1, Ok("1".into()))]), Step::Stopped, "{program}");
        assert!(!world.borrow().asked_after_stop && !world.borrow().stdout.contains('x'), "{program}");
    }
}

#[test]
fn values_are_json_for_strict_parsers() {
    for (body, json) in [
        ("return undefined", "null"),
        ("return () => 1", "null"),
        ("return 12345678901234567890n", "\"12345678901234567890\""),
        (
            "return { n: 1n, m: new Map([[1, new Set(['a', { b: 2n }])]]) }",
            "{\"n\":\"1\",\"m\":[[1,[\"a\",{\"b\":\"2\"}]]]}",
        ),
        ("return ['\\ud800', '\\\\ud800', '\\u{1d4b3}', '\\udc00x']", "[\"\\ufffd\",\"\\\\ud800\",\"𝒳\",\"\\ufffdx\"]"),
        ("return [NaN, -0, 1e21, new Date(0), Symbol('x')]", "[null,0,1e+21,\"1970-01-01T00:00:00.000Z\",null]"),
        ("return new Map()", "[]"),
        ("return 'a'", "\"a\""),
    ] {
        let (end, _) = run(&format!("async () => {{ {body} }}"));
        let End::Step(Step::Done(found)) = end else { panic!("{body}: {end:?}") };
        assert_eq!(found, json, "{body}");
    }
    for (body, message) in [
        (
            "const a = new Map(); a.set(1, a); return a",
            "the program's result contains a cycle, which JSON cannot express",
        ),
        ("const a = {}; a.a = a; return a", "the program's result contains a cycle, which JSON cannot express"),
    ] {
        let (end, _) = run(&format!("async () => {{ {body} }}"));
        assert!(matches!(&end, End::Step(Step::Failed(failure)) if failure.message == message), "{body}: {end:?}");
    }
}

#[test]
fn an_error_of_syntax_has_its_place() {
    let (end, _) = run("async () => { const a = 1;\nconst b = /(/; }");
    let End::Step(Step::Failed(failure)) = end else { panic!("{end:?}") };
    assert_eq!((failure.name.as_str(), failure.line, failure.column), ("SyntaxError", Some(2), Some(11)));
    assert!(failure.stack.ends_with("\n    at program.ts:2:11"), "{}", failure.stack);
}

#[test]
fn texts_and_bytes_cross_as_utf_8() {
    let found = value(
        "const said = [];
        const decode = (bytes, options, stream) => { try { return new TextDecoder('utf-8', options).decode(new Uint8Array(bytes), { stream }); } catch (error) { return error.name; } };
        said.push([...new TextEncoder().encode('é\\ud800𝒳')], decode([0xe2, 0x82]), decode([0xe2, 0x82], {}, true),
          decode([0xff, 97]), decode([0xff], { fatal: true }), decode([0xef, 0xbb, 0xbf, 97]), decode(new Array(100000).fill(97)).length);
        const streaming = new TextDecoder();
        said.push(streaming.decode(new Uint8Array([0xe2]), { stream: true }) + streaming.decode(new Uint8Array([0x82, 0xac])));
        said.push(new TextEncoder().encodeInto('aé€', new Uint8Array(4)), btoa('\\xff\\x00a'), atob(' /wBh '), atob(''));
        for (const bad of ['a', 'a===', '!', '=']) try { atob(bad); said.push('fine'); } catch (error) { said.push(error.name); }
        return said;",
    );
    assert_eq!(
        found,
        json!([[195, 169, 239, 191, 189, 240, 157, 146, 179], "\u{fffd}", "", "\u{fffd}a", "TypeError", "a", 100_000, "€",
            { "read": 2, "written": 3 }, "/wBh", "\u{ff}\0a", "", "InvalidCharacterError", "InvalidCharacterError",
            "InvalidCharacterError", "InvalidCharacterError"])
    );
    let (_, world) =
        run_in(World::default(), &javascript("async () => { console.log('é\\ud800', [1]); console.error(''); }"));
    assert_eq!((world.borrow().stdout.as_str(), world.borrow().stderr.as_str()), ("é\u{fffd} [ 1 ]\n", "\n"));
}

/// Not a claim: `--nocapture` shows what it took here.
#[test]
fn a_fresh_isolate_and_a_short_program_take_milliseconds() {
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (mut fresh_times, mut start_times, mut drop_times) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..60 {
        let world = Rc::new(RefCell::new(World { now: BEGINNING, ..World::default() }));
        let began = Instant::now();
        let fresh = Fresh::new(256 * MIB);
        fresh_times.push(began.elapsed());
        let envelope =
            Envelope { program: "async () => { console.log(1 + 1); }", mappings: "", input: "null", upstreams: "[]" };
        let host = Box::new(Script(Rc::clone(&world)));
        let began = Instant::now();
        let (live, step) = fresh.start(&envelope, host, 64 * MIB);
        start_times.push(began.elapsed());
        assert_eq!((step, world.borrow().stdout.as_str()), (Step::Done("null".into()), "2\n"));
        let began = Instant::now();
        drop(live);
        drop_times.push(began.elapsed());
    }
    let (fresh, start, end) = (median(fresh_times), median(start_times), median(drop_times));
    println!(
        "p50 of 60: Fresh::new {fresh:?}, start of console.log(1 + 1) {start:?}, drop {end:?}; resident {} MiB",
        resident() >> 20
    );
    assert!(fresh + start < Duration::from_millis(500));
}
