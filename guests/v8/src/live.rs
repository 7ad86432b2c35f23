//! One program under way: its steps, from what goes in to how each ends.

use deno_core::v8;

use crate::fresh::{Envelope, Vm};
use crate::host::{Failure, Host, Step, cut};
use crate::natives::without_surrogates;
use crate::positions::{self, PROGRAM_FILE, PROGRAM_START};
use crate::run::{Library, Run};

const MAX_NAME: usize = 256;
const MAX_MESSAGE: usize = 8 << 10;
const MAX_STACK: usize = 16 << 10;
/// What V8 says when the allocator of buffers refuses one.
const BUFFER_REFUSED: &str = "Array buffer allocation failed";

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// A program that has begun. After any other step than [`Step::Waiting`] it has ended, and is only to be dropped.
pub struct Live {
    vm: Vm,
}

impl Live {
    pub(crate) fn start(mut vm: Vm, envelope: &Envelope<'_>) -> (Live, Step) {
        let step = step(&mut vm, |scope| begin(scope, envelope));
        (Live { vm }, step)
    }

    /// Runs on with what the host has completed, in this order; there may be nothing, when a timer is due. An error is
    /// the contract's object as JSON. Unknown calls are ignored.
    pub fn resume(&mut self, completions: &[(i64, Result<String, String>)]) -> Step {
        step(&mut self.vm, |scope| go_on(scope, completions))
    }

    /// The host that it was started with.
    pub fn host(&mut self) -> &mut dyn Host {
        self.vm.isolate().get_slot_mut::<Run>().map(|run| run.host.as_mut()).expect("a live program has its host")
    }
}

/// Why a step is not at its end as it was meant to be: the engine has an exception, or is being terminated.
struct Interrupted;

type Ran<T> = Result<T, Interrupted>;

fn step(vm: &mut Vm, work: impl FnOnce(&mut Scope<'_, '_>) -> Ran<Step>) -> Step {
    // SECURITY: a program that has ended does not run on, whoever asks.
    if vm.isolate().get_slot::<Run>().is_none_or(|run| run.is_done) {
        return Step::Stopped;
    }
    let step = vm.enter(|scope| {
        v8::tc_scope!(let scope, scope);
        let step = work(scope);
        let exception = scope.exception();
        scope.reset();
        match step {
            // Ended by the host or the heap while its last code ran.
            Ok(step) => ending(scope).unwrap_or(step),
            Err(Interrupted) => interrupted(scope, exception),
        }
    });
    let used = vm.isolate().get_heap_statistics().total_heap_size();
    let bytes = vm.heap.note(used);
    if let Some(run) = vm.isolate().get_slot_mut::<Run>() {
        run.is_done = !matches!(step, Step::Waiting { .. });
        run.host.memory(bytes);
    }
    step
}

/// The end of a program that is not to run on.
fn ending(scope: &mut Scope<'_, '_>) -> Option<Step> {
    let run = scope.get_slot::<Run>()?;
    if run.is_stopped() {
        return Some(Step::Stopped);
    }
    run.heap.is_exhausted().then_some(Step::OutOfMemory)
}

fn interrupted<'s>(scope: &mut Scope<'s, '_>, exception: Option<v8::Local<'s, v8::Value>>) -> Step {
    if let Some(step) = ending(scope) {
        return step;
    }
    scope.cancel_terminate_execution();
    let thrown = scope.get_slot_mut::<Run>().and_then(|run| {
        run.ended = None;
        run.thrown.take()
    });
    match thrown.map(|thrown| v8::Local::new(scope, thrown)).or(exception) {
        Some(thrown) => failed(scope, thrown),
        None => Step::Failed(Failure::of_engine("it stopped without a reason")),
    }
}

/// Ends the run with a thrown value.
fn failed<'s>(scope: &mut Scope<'s, '_>, thrown: v8::Local<'s, v8::Value>) -> Step {
    let described = {
        v8::tc_scope!(let scope, scope);
        call(scope, |library| &library.failure, &[thrown]).ok().map(|described| strings(scope, described))
    };
    if let Some(step) = ending(scope) {
        return step;
    }
    let Some([name, message, raw, stack]) = described.and_then(|texts| <[String; 4]>::try_from(texts).ok()) else {
        scope.cancel_terminate_execution();
        return Step::Failed(Failure::of_engine("what the program threw cannot be described"));
    };
    let place = positions::of_stack(&raw);
    let refused = scope.get_slot::<Run>().is_some_and(|run| run.heap.has_refused());
    Step::Failed(Failure {
        out_of_memory: refused && message == BUFFER_REFUSED,
        name: cut(name, MAX_NAME),
        message: cut(message, MAX_MESSAGE),
        stack: cut(stack, MAX_STACK),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
    })
}

fn strings(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Vec<String> {
    let Ok(array) = v8::Local::<v8::Array>::try_from(value) else { return Vec::new() };
    (0..array.length())
        .map(|at| array.get_index(scope, at).map_or_else(String::new, |text| text.to_rust_string_lossy(scope)))
        .collect()
}

fn call<'s>(
    scope: &mut Scope<'s, '_>,
    function: impl FnOnce(&Library) -> &v8::Global<v8::Function>,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Ran<v8::Local<'s, v8::Value>> {
    let function = scope.get_slot::<Run>().map(|run| function(&run.library).clone()).ok_or(Interrupted)?;
    let function = v8::Local::new(scope, function);
    let receiver = v8::undefined(scope).into();
    function.call(scope, receiver, arguments).ok_or(Interrupted)
}

fn string<'s>(scope: &mut Scope<'s, '_>, text: &str) -> Ran<v8::Local<'s, v8::Value>> {
    v8::String::new(scope, text).map(Into::into).ok_or(Interrupted)
}

fn begin(scope: &mut Scope<'_, '_>, envelope: &Envelope<'_>) -> Ran<Step> {
    let texts = [string(scope, envelope.input)?, string(scope, envelope.upstreams)?];
    call(scope, |library| &library.start, &texts)?;
    let function = compile(scope, envelope.program)?;
    let receiver = v8::undefined(scope).into();
    let value = function.call(scope, receiver, &[]).ok_or(Interrupted)?;
    let main = v8::Local::<v8::Function>::try_from(value).map_err(|_| Interrupted)?;
    let value = main.call(scope, receiver, &[]).ok_or(Interrupted)?;
    let program = v8::Local::<v8::Promise>::try_from(value).map_err(|_| Interrupted)?;
    let global = v8::Global::new(scope, program);
    if let Some(run) = scope.get_slot_mut::<Run>() {
        // Rejected before it was known to be the program's: that is no promise which nobody handles.
        run.unhandled.retain(|(promise, _)| *promise != global);
        run.program = Some(global);
    }
    run_on(scope)
}

/// A strict function that gives the program's, compiled as a unit of its own.
fn compile<'s>(scope: &mut Scope<'s, '_>, program: &str) -> Ran<v8::Local<'s, v8::Function>> {
    let source = v8::String::new(scope, &format!("{PROGRAM_START}{program}")).ok_or(Interrupted)?;
    let name = string(scope, PROGRAM_FILE)?;
    let origin = v8::ScriptOrigin::new(scope, name, 0, 0, false, 0, None, false, false, false, None);
    let mut source = v8::script_compiler::Source::new(source, Some(&origin));
    let thrown = {
        v8::tc_scope!(let attempt, scope);
        let options = v8::script_compiler::CompileOptions::NoCompileOptions;
        let reason = v8::script_compiler::NoCacheReason::NoReason;
        if let Some(function) = v8::script_compiler::compile_function(attempt, &mut source, &[], &[], options, reason) {
            return Ok(function);
        }
        let place = attempt.message().map(|message| {
            let line = message.get_line_number(attempt).and_then(|line| u32::try_from(line).ok());
            (line.unwrap_or(0), u32::try_from(message.get_start_column() + 1).unwrap_or(0))
        });
        attempt.exception().zip(place)
    };
    if let Some((error, (line, column))) = thrown {
        let place = scope.get_slot::<Run>().map(|run| run.positions.place(line, column)).unwrap_or_default();
        let place = string(scope, &place)?;
        call(scope, |library| &library.set_place, &[error, place])?;
        scope.throw_exception(error);
    }
    Err(Interrupted)
}

fn go_on(scope: &mut Scope<'_, '_>, completions: &[(i64, Result<String, String>)]) -> Ran<Step> {
    for (id, reply) in completions {
        let is_known = scope.get_slot_mut::<Run>().is_some_and(|run| run.pending.remove(id));
        if !is_known {
            continue;
        }
        let json = reply.as_ref().unwrap_or_else(|error| error);
        let arguments = [
            v8::Number::new(scope, *id as f64).into(),
            v8::Boolean::new(scope, reply.is_err()).into(),
            string(scope, json)?,
        ];
        call(scope, |library| &library.complete, &arguments)?;
        if let Some(end) = run_microtasks(scope)? {
            return Ok(end);
        }
    }
    run_on(scope)
}

/// Microtasks and due timers until there is only waiting left, or the end.
fn run_on(scope: &mut Scope<'_, '_>) -> Ran<Step> {
    loop {
        if let Some(end) = run_microtasks(scope)? {
            return Ok(end);
        }
        if !call(scope, |library| &library.fire_due, &[])?.is_true() {
            break;
        }
    }
    let due = call(scope, |library| &library.next_due, &[])?.number_value(scope).unwrap_or(-1.0);
    Ok(Step::Waiting { wake_at: (due >= 0.0).then_some((due as i64).saturating_mul(1_000_000)) })
}

/// Runs microtasks until none is left; the end of the run, if they have brought it.
fn run_microtasks(scope: &mut Scope<'_, '_>) -> Ran<Option<Step>> {
    scope.perform_microtask_checkpoint();
    let Some(run) = scope.get_slot::<Run>() else { return Err(Interrupted) };
    if run.is_over() {
        return Err(Interrupted);
    }
    let is_waiting = !run.pending.is_empty();
    let unhandled = run.unhandled.first().map(|(_, reason)| reason.clone());
    let program = run.program.clone().ok_or(Interrupted)?;
    let program = v8::Local::new(scope, program);
    match program.state() {
        v8::PromiseState::Rejected => {
            let reason = program.result(scope);
            Ok(Some(failed(scope, reason)))
        }
        v8::PromiseState::Fulfilled if !is_waiting => {
            if let Some(reason) = unhandled {
                let reason = v8::Local::new(scope, reason);
                return Ok(Some(failed(scope, reason)));
            }
            let value = program.result(scope);
            let json = call(scope, |library| &library.result_json, &[value])?;
            Ok(Some(Step::Done(without_surrogates(json.to_rust_string_lossy(scope)))))
        }
        _ => Ok(None),
    }
}
