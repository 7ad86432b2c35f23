//! The functions that the guest library has of the host: the contract's four, and what only the engine knows.
//!
//! Made when the snapshot is taken and known in it by their number in [`FUNCTIONS`]. No function of the program reaches
//! one: the library keeps them.

use deno_core::v8;

use crate::run::{Ended, Run};

type Scope<'s, 'i> = v8::PinScope<'s, 'i>;
type Arguments<'s> = v8::FunctionCallbackArguments<'s>;
type Return<'s> = v8::ReturnValue<'s, v8::Value>;

/// The most entropy in one call: Web Crypto's own bound.
const RANDOM_BYTES: usize = 1 << 16;

/// All natives, by name and in the snapshot's order.
pub(crate) fn functions() -> [(&'static str, v8::FunctionCallback); 12] {
    use v8::MapFnTo as _;
    [
        ("submit", submit.map_fn_to()),
        ("write", write.map_fn_to()),
        ("now", now.map_fn_to()),
        ("random", random.map_fn_to()),
        ("fail", fail.map_fn_to()),
        ("position", position.map_fn_to()),
        ("engineKindOf", engine_kind_of.map_fn_to()),
        ("entries", entries.map_fn_to()),
        ("promiseState", promise_state.map_fn_to()),
        ("utf8Length", utf8_length.map_fn_to()),
        ("writeUtf8", write_utf8.map_fn_to()),
        ("decodeUtf8", decode_utf8.map_fn_to()),
    ]
}

/// What a snapshot writes in place of the functions' addresses.
pub(crate) fn references() -> Vec<v8::ExternalReference> {
    functions().map(|(_, function)| v8::ExternalReference { function }).to_vec()
}

/// What `ask` gives of the run, or nothing; a run that has ended by it is terminated.
fn with_run<T>(scope: &mut Scope<'_, '_>, ask: impl FnOnce(&mut Run) -> Option<T>) -> Option<T> {
    let run = scope.get_slot_mut::<Run>()?;
    let answer = ask(run);
    if run.ended.is_some() {
        scope.terminate_execution();
    }
    answer
}

/// UTF-8 without lone surrogates.
fn text(scope: &Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> String {
    v8::Local::<v8::String>::try_from(value).map_or_else(|_| String::new(), |text| text.to_rust_string_lossy(scope))
}

/// Strict parsers refuse the escape of a lone surrogate, the only ones that the engine escapes: it becomes U+FFFD.
pub(crate) fn without_surrogates(mut json: String) -> String {
    let escapes: Vec<usize> = lone_surrogates(json.as_bytes()).collect();
    for at in escapes {
        json.replace_range(at..at + 6, "\\ufffd");
    }
    json
}

fn lone_surrogates(json: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += json.get(at..)?.iter().position(|byte| *byte == b'\\')?;
            let escape = at;
            // Past the escaped character too, which may be a backslash.
            at += 2;
            if let Some([b'\\', b'u', b'd', b'8'..=b'f', _, _]) = json.get(escape..escape + 6) {
                return Some(escape);
            }
        }
    })
}

/// submit(kind, name, json) -> the call's id
fn submit<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, mut value: Return<'_>) {
    let kind = arguments.get(0).int32_value(scope).unwrap_or(-1);
    let name = text(scope, arguments.get(1));
    let json = without_surrogates(text(scope, arguments.get(2)));
    let id = with_run(scope, |run| {
        let id = run.ask(|host| host.submit(kind, &name, json.as_bytes()))?;
        run.pending.insert(id);
        Some(id)
    });
    value.set_double(id.unwrap_or(-1) as f64);
}

/// write(stream, text)
fn write<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, _: Return<'_>) {
    let stream = arguments.get(0).int32_value(scope).unwrap_or(2);
    let entry = text(scope, arguments.get(1));
    with_run(scope, |run| run.ask(|host| host.write(stream, entry.as_bytes())));
}

/// now() -> milliseconds since the epoch
fn now<'s>(scope: &mut Scope<'s, '_>, _: Arguments<'s>, mut value: Return<'_>) {
    let ns = scope.get_slot::<Run>().map_or(0, |run| run.host.now());
    // SECURITY: no finer than 1 ms, so that the clock is of little use for timing attacks.
    value.set_double(ns.div_euclid(1_000_000) as f64);
}

/// The bytes that a view shows. Nothing of JavaScript runs while they are held.
fn with_bytes<T>(value: v8::Local<'_, v8::Value>, use_them: impl FnOnce(&[std::cell::Cell<u8>]) -> T) -> Option<T> {
    let view = v8::Local::<v8::ArrayBufferView>::try_from(value).ok()?;
    let store = view.get_backing_store()?;
    let start = view.byte_offset();
    store.get(start..start.checked_add(view.byte_length())?).map(use_them)
}

/// random(view): fills it
fn random<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, _: Return<'_>) {
    let length = v8::Local::<v8::ArrayBufferView>::try_from(arguments.get(0)).map_or(0, |view| view.byte_length());
    // The library asks for no more, and says so.
    let mut bytes = vec![0; length.min(RANDOM_BYTES)];
    if with_run(scope, |run| run.ask(|host| host.random(&mut bytes))).is_some() {
        with_bytes(arguments.get(0), |cells| cells.iter().zip(&bytes).for_each(|(cell, byte)| cell.set(*byte)));
    }
}

/// fail(error): ends the program with it, past all code that could catch it
fn fail<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, _: Return<'_>) {
    let thrown = v8::Global::new(scope, arguments.get(0));
    with_run(scope, |run| {
        if run.ended.is_none() {
            run.ended = Some(Ended::Thrown);
            run.thrown = Some(thrown);
        }
        Some(())
    });
}

/// position(line, column) -> the place in the program as it was written
fn position<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, mut value: Return<'_>) {
    let line = arguments.get(0).uint32_value(scope).unwrap_or(0);
    let column = arguments.get(1).uint32_value(scope).unwrap_or(0);
    let place = scope.get_slot::<Run>().map(|run| run.positions.place(line, column)).unwrap_or_default();
    set_text(scope, &mut value, &place);
}

fn set_text(scope: &Scope<'_, '_>, value: &mut Return<'_>, text: &str) {
    if let Some(text) = v8::String::new(scope, text) {
        value.set(text.into());
    }
}

/// engineKindOf(object) -> the name of the engine's class, which the object cannot fake; undefined for any other
fn engine_kind_of<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, mut value: Return<'_>) {
    let object = arguments.get(0);
    let kinds = [
        ("Proxy", object.is_proxy()),
        ("Error", object.is_native_error()),
        ("Map", object.is_map()),
        ("Set", object.is_set()),
        ("Date", object.is_date()),
        ("RegExp", object.is_reg_exp()),
        ("Promise", object.is_promise()),
        ("ArrayBuffer", object.is_array_buffer()),
        ("DataView", object.is_data_view()),
        ("Number", object.is_number_object()),
        ("String", object.is_string_object()),
        ("Boolean", object.is_boolean_object()),
        ("Symbol", object.is_symbol_object()),
        ("BigInt", object.is_big_int_object()),
    ];
    if let Some((kind, _)) = kinds.iter().find(|(_, is_one)| *is_one) {
        set_text(scope, &mut value, kind);
    }
}

/// entries(Map) -> [[key, value]], entries(Set) -> [element]; undefined for anything else
fn entries<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, mut value: Return<'_>) {
    let object = arguments.get(0);
    if let Ok(set) = v8::Local::<v8::Set>::try_from(object) {
        value.set(set.as_array(scope).into());
    } else if let Ok(map) = v8::Local::<v8::Map>::try_from(object) {
        let flat = map.as_array(scope);
        let item = |at| flat.get_index(scope, at).unwrap_or_else(|| v8::undefined(scope).into());
        let pairs: Vec<v8::Local<'_, v8::Value>> = (0..flat.length() / 2)
            .map(|pair| v8::Array::new_with_elements(scope, &[item(2 * pair), item(2 * pair + 1)]).into())
            .collect();
        value.set(v8::Array::new_with_elements(scope, &pairs).into());
    }
}

/// promiseState(promise) -> [0 pending | 1 fulfilled | 2 rejected, result]
fn promise_state<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, mut value: Return<'_>) {
    let Ok(promise) = v8::Local::<v8::Promise>::try_from(arguments.get(0)) else { return };
    let (state, result) = match promise.state() {
        v8::PromiseState::Pending => (0, v8::undefined(scope).into()),
        v8::PromiseState::Fulfilled => (1, promise.result(scope)),
        v8::PromiseState::Rejected => (2, promise.result(scope)),
    };
    let state = v8::Integer::new(scope, state).into();
    value.set(v8::Array::new_with_elements(scope, &[state, result]).into());
}

/// utf8Length(text) -> how many bytes it has as UTF-8
fn utf8_length<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, mut value: Return<'_>) {
    let text = v8::Local::<v8::String>::try_from(arguments.get(0));
    value.set_double(text.map_or(0, |text| text.utf8_length(scope)) as f64);
}

/// writeUtf8(text, bytes): fills them with its UTF-8
fn write_utf8<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, _: Return<'_>) {
    let text = text(scope, arguments.get(0));
    with_bytes(arguments.get(1), |cells| cells.iter().zip(text.as_bytes()).for_each(|(cell, byte)| cell.set(*byte)));
}

/// decodeUtf8(bytes, fatal, stream) -> [text, how many bytes at the end wait for more]; undefined when it is fatal
fn decode_utf8<'s>(scope: &mut Scope<'s, '_>, arguments: Arguments<'s>, mut value: Return<'_>) {
    let (fatal, stream) = (arguments.get(1).is_true(), arguments.get(2).is_true());
    let bytes = with_bytes(arguments.get(0), |cells| cells.iter().map(std::cell::Cell::get).collect::<Vec<u8>>());
    let bytes = bytes.unwrap_or_default();
    let (is_valid, cut) = validity(&bytes);
    let waiting = if stream { cut } else { 0 };
    if fatal && (!is_valid || cut > waiting) {
        return;
    }
    let whole = bytes.get(..bytes.len() - waiting).unwrap_or_default();
    let Some(decoded) = v8::String::new_from_utf8(scope, whole, v8::NewStringType::Normal) else {
        let message = v8::String::new(scope, "Invalid string length").unwrap_or_else(|| v8::String::empty(scope));
        let error = v8::Exception::range_error(scope, message);
        scope.throw_exception(error);
        return;
    };
    let waiting = v8::Number::new(scope, waiting as f64).into();
    value.set(v8::Array::new_with_elements(scope, &[decoded.into(), waiting]).into());
}

/// Whether all is UTF-8 but for a sequence cut off at the end, and how many bytes that has.
fn validity(bytes: &[u8]) -> (bool, usize) {
    let (mut is_valid, mut rest) = (true, bytes);
    while let Err(error) = std::str::from_utf8(rest) {
        let Some(bad) = error.error_len() else { return (is_valid, rest.len() - error.valid_up_to()) };
        is_valid = false;
        rest = rest.get(error.valid_up_to() + bad..).unwrap_or_default();
    }
    (is_valid, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escapes_of_surrogates_are_replaced() {
        for (json, replaced) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""a\udfffb\ud912""#, r#""a\ufffdb\ufffd""#),
            (r#""\\ud800 \u001f \\\ud800""#, r#""\\ud800 \u001f \\\ufffd""#),
            (r#""\ud7"#, r#""\ud7"#),
        ] {
            assert_eq!(without_surrogates(json.into()), replaced);
        }
    }

    #[test]
    fn a_cut_sequence_is_told_from_a_bad_one() {
        assert_eq!(validity("aé".as_bytes()), (true, 0));
        assert_eq!(validity(b"a\xe2\x82"), (true, 2));
        assert_eq!(validity(b"\xff\xe2\x82"), (false, 2));
        assert_eq!(validity(b"\xe2\x28"), (false, 0));
    }
}
