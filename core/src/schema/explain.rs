//! What the validator found, in words for the model: where, what was expected, and never a whole value.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::{MAX_MESSAGES, short};
use crate::error::Shown;

/// The most that is collected, in errors and in copies of what they are about, by weight: some ten megabytes.
pub(super) const MAX_COPIES: u64 = 100_000;
/// The most names or options in one message.
const MAX_LISTED: usize = 12;

/// Adds what is wrong with `value`, up to [`MAX_MESSAGES`] in all.
pub(super) fn messages(validator: &Validator, value: &Value, messages: &mut Vec<String>) {
    for error in validator.iter_errors(value) {
        let text = message(&error);
        if !messages.contains(&text) {
            messages.push(text);
        }
        if messages.len() >= MAX_MESSAGES {
            return;
        }
    }
}

/// One error in words.
pub(super) fn message(error: &ValidationError<'_>) -> String {
    // SECURITY: the validator's own text prints the whole value, which may be a secret or megabytes.
    let error = nearest(error);
    let path = error.instance_path().segments().map(|segment| segment.to_string());
    format!("{}{}", place(path), fault(error))
}

/// ``at `/labels/0`: ``, or nothing for the arguments themselves.
pub(super) fn place(path: impl Iterator<Item = String>) -> String {
    let pointer: String = path.map(|segment| format!("/{segment}")).collect();
    if pointer.is_empty() {
        return String::new();
    }
    format!("at `{}`: ", Shown(&pointer, 80))
}

/// ``expected one of `a`, `b` ``
pub(super) fn expected_names(names: &[&String]) -> String {
    let listed = list(names.iter().map(|name| short(&Value::String((*name).clone()))), names.len());
    match names.len() {
        0 => "expected none".to_owned(),
        1 => format!("expected {listed}"),
        _ => format!("expected one of {listed}"),
    }
}

fn list(texts: impl Iterator<Item = String>, count: usize) -> String {
    let mut listed: Vec<String> = texts.take(MAX_LISTED).collect();
    if count > MAX_LISTED {
        listed.push(format!("{} more", count - MAX_LISTED));
    }
    listed.join(", ")
}

/// The error inside the alternative that the value comes nearest to, where there is one.
fn nearest<'e, 'i>(error: &'e ValidationError<'i>) -> &'e ValidationError<'i> {
    let mut error = error;
    while let Kind::AnyOf { context } | Kind::OneOfNotValid { context } = error.kind() {
        let here = error.instance_path().as_str();
        let mut fitting = context.iter().filter(|branch| !branch.iter().any(|inner| is_other_kind(inner, here)));
        match (fitting.next().and_then(|branch| branch.first()), fitting.next()) {
            (Some(only), None) => error = only,
            _ => break,
        }
    }
    error
}

/// Whether the error says that the value at `place` is another kind of thing altogether.
fn is_other_kind(error: &ValidationError<'_>, place: &str) -> bool {
    let here = error.instance_path().as_str();
    let is_tag = here.strip_prefix(place).is_some_and(|rest| rest.matches('/').count() <= 1);
    match error.kind() {
        Kind::Type { .. } => here == place,
        Kind::Constant { .. } | Kind::Enum { .. } => is_tag,
        _ => false,
    }
}

fn fault(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    match error.kind() {
        Kind::Type { kind } => format!("expected {}, got {}", type_names(kind), type_name(value)),
        Kind::Required { property } => format!("missing required property {}", short(property)),
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            format!("expected one of {}, got {}", list(options.iter().map(short), options.len()), short(value))
        }
        Kind::Constant { expected_value } => format!("expected {}, got {}", short(expected_value), short(value)),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names = unexpected.iter().map(|name| short(&Value::String(name.clone())));
            format!("unknown property {}", list(names, unexpected.len()))
        }
        Kind::FalseSchema => "no value is allowed here".to_owned(),
        Kind::Pattern { pattern } => {
            format!("expected text that matches the pattern {}", short(&Value::String(pattern.clone())))
        }
        Kind::Not { schema } => match schema.get("pattern") {
            Some(pattern) => format!("expected text that does not match the pattern {}", short(pattern)),
            None => "expected a value that does not fit the schema of `not`".to_owned(),
        },
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => alternatives(context, value),
        Kind::OneOfMultipleValid { .. } => "fits more than one alternative, expected exactly one".to_owned(),
        Kind::PropertyNames { error } => format!("property name: {}", fault(error)),
        kind => bound(kind, value),
    }
}

fn bound(kind: &Kind, value: &Value) -> String {
    match kind {
        Kind::Minimum { limit } => format!("expected at least {limit}, got {}", short(value)),
        Kind::Maximum { limit } => format!("expected at most {limit}, got {}", short(value)),
        Kind::ExclusiveMinimum { limit } => format!("expected more than {limit}, got {}", short(value)),
        Kind::ExclusiveMaximum { limit } => format!("expected less than {limit}, got {}", short(value)),
        Kind::MultipleOf { multiple_of } => format!("expected a multiple of {multiple_of}, got {}", short(value)),
        Kind::MinLength { limit } => format!("expected at least {limit} characters"),
        Kind::MaxLength { limit } => format!("expected at most {limit} characters"),
        Kind::MinItems { limit } => format!("expected at least {limit} items"),
        Kind::MaxItems { limit } => format!("expected at most {limit} items"),
        Kind::MinProperties { limit } => format!("expected at least {limit} properties"),
        Kind::MaxProperties { limit } => format!("expected at most {limit} properties"),
        Kind::AdditionalItems { limit } => format!("expected at most {limit} items"),
        Kind::UniqueItems => "expected items that differ from each other".to_owned(),
        kind => format!("does not satisfy `{}`", kind.keyword()),
    }
}

/// Alternatives that all ask for another type are named by it.
fn alternatives(context: &[Vec<ValidationError<'_>>], value: &Value) -> String {
    let expected = |branch: &Vec<ValidationError<'_>>| match branch.first().map(ValidationError::kind) {
        Some(Kind::Type { kind }) => Some(type_names(kind)),
        Some(Kind::Constant { expected_value }) => Some(short(expected_value)),
        _ => None,
    };
    match context.iter().map(expected).collect::<Option<Vec<_>>>() {
        Some(names) => format!("expected {}, got {}", names.join(" or "), type_name(value)),
        None => format!("fits none of {} alternatives", context.len()),
    }
}

fn type_names(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(name) => name.to_string(),
        TypeKind::Multiple(names) => names.iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" or "),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
