//! What the engine asks while a program runs: the text of a stack, a rejected promise, an import, an interrupt.
//!
//! They take the place of deno_core's, which know only its own realm.

#![allow(unsafe_code, reason = "V8's calling convention")]

use std::ffi::c_void;
use std::sync::atomic::Ordering;

use deno_core::v8;

use crate::run::{Ended, Run};

/// Puts them into the isolate.
pub(crate) fn install(isolate: &mut v8::Isolate) {
    isolate.set_prepare_stack_trace_callback(prepare_stack_trace);
    isolate.set_promise_reject_callback(promise_rejected);
    isolate.set_host_import_module_dynamically_callback(import_refused);
    isolate.set_host_import_module_with_phase_dynamically_callback(import_of_phase_refused);
    // No machine code but the engine's own, if a program came by a way to compile WebAssembly.
    isolate.set_allow_wasm_code_generation_callback(no_wasm);
}

extern "C" fn no_wasm(_: v8::Local<'_, v8::Context>, _: v8::Local<'_, v8::String>) -> bool {
    false
}

fn prepare_stack_trace<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
    sites: v8::Local<'s, v8::Array>,
) -> v8::Local<'s, v8::Value> {
    let format = scope.get_slot::<Run>().map(|run| run.library.format_stack.clone());
    let text = format.and_then(|format| {
        let format = v8::Local::new(scope, format);
        let receiver = v8::undefined(scope).into();
        format.call(scope, receiver, &[error, sites.into()])
    });
    text.or_else(|| Some(v8::String::new(scope, "Error")?.into())).unwrap_or_else(|| v8::undefined(scope).into())
}

unsafe extern "C" fn promise_rejected(message: v8::PromiseRejectMessage<'_>) {
    // SAFETY: the engine calls this in a scope of its own.
    v8::callback_scope!(unsafe scope, &message);
    let promise = v8::Global::new(scope, message.get_promise());
    let value = message.get_value().map(|value| v8::Global::new(scope, value));
    let Some(run) = scope.get_slot_mut::<Run>() else { return };
    match (message.get_event(), value) {
        (v8::PromiseRejectEvent::PromiseRejectWithNoHandler, Some(reason)) => {
            // Rejected, the program ends at once.
            let is_program = run.program.as_ref() == Some(&promise);
            if is_program && run.ended.is_none() {
                run.ended = Some(Ended::Thrown);
                run.thrown = Some(reason);
                scope.terminate_execution();
            } else {
                run.unhandled.push((promise, reason));
            }
        }
        (v8::PromiseRejectEvent::PromiseHandlerAddedAfterReject, _) => {
            if let Some(at) = run.unhandled.iter().rposition(|(known, _)| *known == promise) {
                run.unhandled.remove(at);
            }
        }
        _ => {}
    }
}

fn refuse_import<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    file: v8::Local<'s, v8::String>,
) -> Option<v8::Local<'s, v8::Promise>> {
    let file = file.to_rust_string_lossy(scope);
    let message = format!("cannot import `{file}`: programs have no modules, only the globals and `tools`");
    let message = v8::String::new(scope, &message)?;
    let error = v8::Exception::type_error(scope, message);
    let resolver = v8::PromiseResolver::new(scope)?;
    // SECURITY: a program has no modules, whatever code it makes.
    resolver.reject(scope, error);
    Some(resolver.get_promise(scope))
}

fn import_refused<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _: v8::Local<'s, v8::Data>,
    _: v8::Local<'s, v8::Value>,
    file: v8::Local<'s, v8::String>,
    _: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    refuse_import(scope, file)
}

fn import_of_phase_refused<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _: v8::Local<'s, v8::Data>,
    _: v8::Local<'s, v8::Value>,
    file: v8::Local<'s, v8::String>,
    _: v8::ModuleImportPhase,
    _: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    refuse_import(scope, file)
}

/// The interrupt that an [`Interrupter`](crate::Interrupter) asks for.
pub(crate) unsafe extern "C" fn interrupted(isolate: v8::UnsafeRawIsolatePtr, _: *mut c_void) {
    // SAFETY: the engine gives the isolate that it interrupts, on its own thread.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    let used = isolate.get_heap_statistics().total_heap_size();
    let Some(run) = isolate.get_slot_mut::<Run>() else { return };
    run.signals.ticking.store(false, Ordering::Relaxed);
    let bytes = run.heap.note(used);
    run.host.memory(bytes);
    run.ask(|host| host.tick());
    if run.ended.is_some() {
        isolate.terminate_execution();
    }
}
