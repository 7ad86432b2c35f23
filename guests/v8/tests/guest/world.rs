//! A host that answers from a script, and the loop that drives a program to its end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{RwLock, mpsc};
use std::time::{Duration, Instant};

use conduit_guest_v8::{Envelope, Fresh, Host, Interrupter, Step, Stopped};
use serde_json::{Value, json};

pub const MIB: usize = 1 << 20;
/// When every world begins, in nanoseconds.
pub const BEGINNING: i64 = 1_800_000_000_000_000_000;

/// What the host of one program saw, and what it allows.
#[derive(Default)]
pub struct World {
    pub stdout: String,
    pub stderr: String,
    pub calls: Vec<(i64, i32, String, Value)>,
    /// Calls that the driver has seen.
    pub taken: usize,
    pub counted: u64,
    pub peak: usize,
    /// A call is never answered.
    pub never: bool,
    pub now: i64,
    pub ticks: u64,
    pub memory: u64,
    pub random: u64,
    /// Why the program was stopped.
    pub stopped: Option<&'static str>,
    /// A method was called after the stop.
    pub asked_after_stop: bool,
    pub most_ticks: Option<u64>,
    pub most_calls: Option<u64>,
    pub most_output: Option<usize>,
    pub most_entries: Option<u64>,
    pub entries: u64,
}

impl World {
    fn stop(&mut self, why: &'static str) -> Stopped {
        self.stopped = Some(why);
        Stopped
    }

    fn look(&mut self) {
        self.asked_after_stop |= self.stopped.is_some();
    }
}

/// The host's side of a world.
pub struct Script(pub Rc<RefCell<World>>);

impl Host for Script {
    fn submit(&mut self, kind: i32, name: &str, arguments: &[u8]) -> Result<i64, Stopped> {
        let mut world = self.0.borrow_mut();
        world.look();
        if world.most_calls.is_some_and(|most| world.calls.len() as u64 >= most) {
            return Err(world.stop("tool_calls"));
        }
        let id = world.calls.len() as i64 + 1;
        let arguments = serde_json::from_slice(arguments).expect("arguments are JSON");
        world.calls.push((id, kind, name.to_owned(), arguments));
        Ok(id)
    }

    fn write(&mut self, stream: i32, entry: &[u8]) -> Result<(), Stopped> {
        let mut world = self.0.borrow_mut();
        world.look();
        world.entries += 1;
        if world.most_entries.is_some_and(|most| world.entries > most) {
            return Err(world.stop("log_entries"));
        }
        let entry = std::str::from_utf8(entry).expect("an entry is UTF-8");
        if world.most_output.is_some_and(|most| world.stdout.len() + world.stderr.len() + entry.len() > most) {
            return Err(world.stop("output"));
        }
        if stream == 1 {
            world.stdout.push_str(entry)
        } else {
            world.stderr.push_str(entry)
        }
        Ok(())
    }

    fn now(&self) -> i64 {
        self.0.borrow().now
    }

    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Stopped> {
        let mut world = self.0.borrow_mut();
        world.look();
        for byte in bytes {
            world.random += 1;
            *byte = (world.random.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Stopped> {
        let mut world = self.0.borrow_mut();
        world.look();
        world.ticks += 1;
        if world.most_ticks.is_some_and(|most| world.ticks > most) {
            return Err(world.stop("cpu_time"));
        }
        Ok(())
    }

    fn memory(&mut self, bytes: u64) {
        self.0.borrow_mut().memory = bytes;
    }
}

/// Ticks every 5 ms until it is dropped; ends a guest that has missed too many at once.
pub struct Ticker(Option<(mpsc::Sender<()>, std::thread::JoinHandle<()>)>);

impl Ticker {
    pub fn start(interrupter: Interrupter, most_missed: u64) -> Ticker {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut missed = 0;
            while stopped.recv_timeout(Duration::from_millis(5)) == Err(mpsc::RecvTimeoutError::Timeout) {
                missed = if interrupter.tick() { 0 } else { missed + 1 };
                if missed == most_missed {
                    interrupter.stop();
                }
            }
        });
        Ticker(Some((stop, thread)))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            thread.join().expect("the ticker ends");
        }
    }
}

/// How a program ended.
#[derive(Debug)]
pub enum End {
    Step(Step),
    /// Nothing is pending.
    Deadlock,
    /// It waits for a call that is never answered.
    Waits,
}

/// One program to run.
pub struct Case<'a> {
    pub program: &'a str,
    pub mappings: &'a str,
    pub input: &'a str,
    pub upstreams: &'a str,
    pub heap: usize,
}

pub fn javascript(program: &str) -> Case<'_> {
    Case { program, mappings: "", input: "null", upstreams: r#"["test"]"#, heap: 64 * MIB }
}

/// Held by whatever needs much memory, and alone by what measures it.
pub static MEMORY: RwLock<()> = RwLock::new(());

/// Runs a program to its end, with a tick every 5 ms; waiting takes no time.
pub fn run_in(world: World, case: &Case<'_>) -> (End, Rc<RefCell<World>>) {
    let _memory = MEMORY.read();
    let world = Rc::new(RefCell::new(World { now: BEGINNING, ..world }));
    let fresh = Fresh::new(case.heap.max(64 * MIB));
    let _ticker = Ticker::start(fresh.interrupter(), world.borrow().most_ticks.unwrap_or(u64::MAX));
    let Case { program, mappings, input, upstreams, heap } = *case;
    let envelope = Envelope { program, mappings, input, upstreams };
    let (mut live, mut step) = fresh.start(&envelope, Box::new(Script(Rc::clone(&world))), heap);
    let began = Instant::now();
    let mut sleeping = Vec::new();
    loop {
        let Step::Waiting { wake_at } = step else { return (End::Step(step), world) };
        assert!(began.elapsed() < Duration::from_secs(60), "the program never ends");
        let completions = next_completions(&mut world.borrow_mut(), &mut sleeping, wake_at);
        match completions {
            Ok(completions) => step = live.resume(&completions),
            Err(end) => return (end, world),
        }
    }
}

type Completion = (i64, Result<String, String>);

/// What the program goes on with: answers there are at once, or those of calls that have slept until then.
fn next_completions(
    world: &mut World,
    sleeping: &mut Vec<(i64, Completion)>,
    wake_at: Option<i64>,
) -> Result<Vec<Completion>, End> {
    let new: Vec<_> = world.calls.iter().skip(world.taken).cloned().collect();
    world.taken += new.len();
    let mut completions = Vec::new();
    for (id, kind, name, arguments) in new {
        match answer(kind, &name, &arguments, world.counted, world.peak) {
            Some(reply) if name == "test.sleep" => {
                sleeping.push((world.now + arguments["ms"].as_i64().unwrap() * 1_000_000, (id, reply)));
                world.peak = world.peak.max(sleeping.len());
            }
            Some(reply) => {
                world.counted += u64::from(name == "test.count");
                completions.push((id, reply));
            }
            None => world.never = true,
        }
    }
    if !completions.is_empty() {
        return Ok(completions);
    }
    let slept = sleeping.iter().map(|(due, _)| *due).min();
    let Some(next) = slept.into_iter().chain(wake_at).min() else {
        return Err(if world.never { End::Waits } else { End::Deadlock });
    };
    // A program that only waits would do so until its wall time is over.
    if next > BEGINNING + 20_000_000_000 {
        return Err(End::Waits);
    }
    world.now = world.now.max(next);
    let due = sleeping.extract_if(.., |(due, _)| *due <= next).map(|(_, completion)| completion);
    Ok(due.collect())
}

/// What the tools of the corpus say; `None`: never anything.
fn answer(kind: i32, name: &str, arguments: &Value, counted: u64, peak: usize) -> Option<Result<String, String>> {
    let of = |key: &str| arguments.get(key).cloned().unwrap_or_default();
    let error = |code: &str, message: &str, content: Value| {
        Some(Err(json!({ "code": code, "message": message, "tool": name, "content": content }).to_string()))
    };
    let value = match (kind, name) {
        (2, _) => json!([{ "name": "test.echo" }]),
        (3, _) => json!({ "name": name }),
        (4, _) => json!([{ "name": "test.echo" }]),
        (_, "test.echo") => of("value"),
        (0, "test.add") => json!({ "sum": of("a").as_i64()? + of("b").as_i64()? }),
        (1, "test.add") => {
            json!({ "content": [], "structuredContent": { "sum": of("a").as_i64()? + of("b").as_i64()? } })
        }
        (_, "test.text") => of("text"),
        (_, "test.big") => json!("x".repeat(of("bytes").as_u64()? as usize)),
        (_, "test.getInvoice" | "test.get_invoice" | "test.get-invoice") => json!({ "id": of("id") }),
        (_, "test.class") => json!({ "x": of("x") }),
        (_, "test.no_schema") => arguments.clone(),
        (_, "test.sleep") => of("ms"),
        (_, "test.count") => json!({ "calls": counted + 1, "peak": peak }),
        (_, "test.never") => return None,
        (_, "test.fail") => {
            let message = of("message");
            let content = json!([{ "type": "text", "text": message }]);
            return error("tool_failed", message.as_str().unwrap_or_default(), content);
        }
        _ => return error("tool_not_found", &format!("there is no tool `{name}`"), Value::Null),
    };
    Some(Ok(value.to_string()))
}

pub fn run(program: &str) -> (End, Rc<RefCell<World>>) {
    run_in(World::default(), &javascript(program))
}

/// Runs the body of an async function and gives the value that it returns.
pub fn value(body: &str) -> Value {
    let (end, _) = run(&format!("async () => {{{body}}}"));
    match end {
        End::Step(Step::Done(json)) => serde_json::from_str(&json).expect("a value is JSON"),
        other => panic!("{body}: {other:?}"),
    }
}
