//! How the start-up snapshot is made; part of the build script, not of the crate.
//!
//! The library is our own and the one of the guest in QuickJS, whose files are shared and not copied.

use std::error::Error;
use std::path::{Path, PathBuf};

use deno_core::snapshot::{CreateSnapshotOptions, create_snapshot};
use deno_core::{Extension, v8};

use crate::{callbacks, natives};

/// The library's files in their order, from `lib` here or from `js/lib` beside.
const FILES: [(&str, bool); 14] = [
    ("realm.js", true),
    ("web.js", true),
    ("json.js", true),
    ("stack.js", true),
    ("timers.js", true),
    ("lines.js", true),
    ("vendor/core-js.js", false),
    ("errors.js", false),
    ("inspect.js", false),
    ("console.js", false),
    ("encoding.js", false),
    ("events.js", false),
    ("locale.js", false),
    ("calls.js", true),
];

/// Run once before the snapshot is taken, so that what every program needs is compiled in it.
const WARM_UP: &str = "console.log('warm', 1, { a: [1, 'x'] }); try { null.x } catch (error) { error.stack }";

/// Makes `guest.snapshot` in the build's folder.
#[expect(clippy::disallowed_methods, reason = "cargo says so where a build script reads and writes")]
pub(crate) fn make() -> Result<(), Box<dyn Error>> {
    // Where the crate is when this runs, which is not always where it was compiled.
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo has set no CARGO_MANIFEST_DIR")?);
    let mut sources = Vec::new();
    for (name, is_own) in FILES {
        let path = here.join(if is_own { "lib" } else { "js" }).join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        sources.push((name, std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?));
    }
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=build.rs");
    deno_core::v8_set_flags(["", "--enable-sharedarraybuffer-per-context"].map(str::to_owned).to_vec());
    let extension =
        Extension { name: "conduit", external_references: natives::references().into(), ..Extension::default() };
    let made = create_snapshot(
        CreateSnapshotOptions {
            cargo_manifest_dir: env!("CARGO_MANIFEST_DIR"),
            startup_snapshot: None,
            skip_op_registration: false,
            extensions: vec![extension],
            extension_transpiler: None,
            with_runtime_cb: Some(Box::new(move |runtime| add_realm(runtime.v8_isolate(), &sources))),
        },
        None,
    )?;
    let out = std::env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR")?;
    Ok(std::fs::write(Path::new(&out).join("guest.snapshot"), made.output)?)
}

/// The program's realm, which is the snapshot's first: deno_core takes the next for its own.
fn add_realm(isolate: &mut v8::OwnedIsolate, sources: &[(&str, String)]) {
    callbacks::install(isolate);
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let library = {
        let scope = &mut v8::ContextScope::new(scope, context);
        let native = v8::Object::new(scope);
        for (name, function) in natives::functions() {
            let function = v8::Function::builder_raw(function)
                .constructor_behavior(v8::ConstructorBehavior::Throw)
                .build(scope)
                .expect("a function can be made");
            let key = v8::String::new(scope, name).expect("a short name");
            native.set(scope, key.into(), function.into());
        }
        for (name, source) in sources {
            let Some(entry) = run(scope, name, source) else { continue };
            let receiver = v8::undefined(scope).into();
            check(scope, name, |scope| entry.call(scope, receiver, &[native.into()]));
        }
        run(scope, "end", "delete globalThis['__core-js_shared__']; delete Error.isError");
        run(scope, "warm up", WARM_UP);
        native
    };
    scope.add_context_data(context, library);
    assert_eq!(scope.add_context(context), 0, "the program's realm is the first");
}

/// Runs one file; what it evaluates to, if that is a function.
fn run<'s>(scope: &mut v8::PinScope<'s, '_>, name: &str, source: &str) -> Option<v8::Local<'s, v8::Function>> {
    let value = check(scope, name, |scope| {
        let resource = v8::String::new(scope, &format!("conduit:{name}"))?.into();
        let origin = v8::ScriptOrigin::new(scope, resource, 0, 0, false, 0, None, false, false, false, None);
        let code = v8::String::new(scope, &format!("'use strict';{source}"))?;
        v8::Script::compile(scope, code, Some(&origin))?.run(scope)
    });
    v8::Local::<v8::Function>::try_from(value).ok()
}

fn check<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: &str,
    work: impl FnOnce(&mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Value>>,
) -> v8::Local<'s, v8::Value> {
    v8::tc_scope!(let attempt, scope);
    let value = work(attempt);
    value.unwrap_or_else(|| {
        let message = attempt.message().map(|message| {
            let line = message.get_line_number(attempt).unwrap_or(0);
            format!("{} in line {line}", message.get(attempt).to_rust_string_lossy(attempt))
        });
        unreachable!("`{name}` of the guest library fails: {}", message.unwrap_or_default());
    })
}
