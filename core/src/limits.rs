//! Every limit of an execution, with its default, its maximum and its unit, in one table.
//!
//! Owns [`Limits`] (resolved), [`LimitsRequest`] (what a caller or an operator asks for), [`Limit`] (which one was
//! broken) and [`Usage`]. There is no unlimited: a request above a maximum is clamped, a nonsensical one is refused.

use std::fmt;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result, Shown};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// A number of things.
    Count,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $variant:ident $field:ident: $name:literal $unit:ident, least $least:expr, default $default:expr, most $most:expr, advice $advice:literal;)*) => {
        /// A limit that an execution can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit { $($(#[$doc])* $variant,)* }

        impl Limit {
            /// All limits.
            pub const ALL: &[Limit] = &[$(Limit::$variant,)*];

            /// The stable name, such as `cpu_time`.
            pub const fn name(self) -> &'static str {
                match self { $(Limit::$variant => $name,)* }
            }

            /// The name with its unit, as JSON has it, such as `cpu_time_ms`.
            pub const fn key(self) -> &'static str {
                match self { $(Limit::$variant => stringify!($field),)* }
            }

            /// What the limit counts.
            pub const fn unit(self) -> Unit {
                match self { $(Limit::$variant => Unit::$unit,)* }
            }

            /// The value that holds when nobody asks for another.
            pub const fn default_value(self) -> u64 {
                match self { $(Limit::$variant => $default,)* }
            }

            /// The highest value there is; a request above it is clamped.
            pub const fn maximum(self) -> u64 {
                match self { $(Limit::$variant => $most,)* }
            }

            /// The lowest value that makes sense; a request below it is refused.
            pub const fn minimum(self) -> u64 {
                match self { $(Limit::$variant => $least,)* }
            }

            /// What helps against breaking it, for the model.
            pub const fn advice(self) -> &'static str {
                match self { $(Limit::$variant => $advice,)* }
            }
        }

        /// The limits of one execution, resolved: every field has a value between its minimum and its maximum.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub struct Limits { $($(#[$doc])* pub $field: u64,)* }

        impl Default for Limits {
            fn default() -> Limits {
                Limits { $($field: $default,)* }
            }
        }

        impl Limits {
            /// The value of one limit.
            pub fn get(&self, limit: Limit) -> u64 {
                match limit { $(Limit::$variant => self.$field,)* }
            }

            /// Sets the value of one limit.
            pub fn set(&mut self, limit: Limit, value: u64) {
                match limit { $(Limit::$variant => self.$field = value,)* }
            }
        }

        /// Limits that somebody asks for; what is absent keeps the value it has. Times are in milliseconds, sizes in bytes.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct LimitsRequest {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<u64>,)*
        }

        /// What an object has; by itself it would be read from an array too.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Asked {
            $(#[serde(default, deserialize_with = "whole")] $field: Option<u64>,)*
        }

        impl From<Asked> for LimitsRequest {
            fn from(Asked { $($field),* }: Asked) -> LimitsRequest {
                LimitsRequest { $($field),* }
            }
        }

        impl LimitsRequest {
            /// What is asked for one limit.
            pub fn get(&self, limit: Limit) -> Option<u64> {
                match limit { $(Limit::$variant => self.$field,)* }
            }

            /// Asks for one limit.
            pub fn set(&mut self, limit: Limit, value: u64) {
                match limit { $(Limit::$variant => self.$field = Some(value),)* }
            }
        }
    };
}

limits! {
    /// CPU time of the guest's thread, in milliseconds. Waiting costs none.
    CpuTime cpu_time_ms: "cpu_time" Milliseconds, least 1, default 10_000, most 300_000,
        advice "compute less, or in several runs";
    /// Time from start to end, waiting included, in milliseconds.
    WallTime wall_time_ms: "wall_time" Milliseconds, least 1, default 30_000, most 600_000,
        advice "wait for less: calls that do not need each other can be under way at once";
    /// The guest's memory and what the host holds for its calls under way, in bytes.
    Memory memory_bytes: "memory" Bytes, least 8 * MIB, default 256 * MIB, most 1024 * MIB,
        advice "keep less at once: drop what is no longer needed";
    /// The guest's native stack, in bytes. Recursion normally ends earlier, as an error that the program can catch.
    Stack stack_bytes: "stack" Bytes, least 8 * MIB, default 8 * MIB, most 8 * MIB,
        advice "recurse less deeply";
    /// Standard output and standard error together, in bytes of UTF-8.
    Output output_bytes: "output" Bytes, least 1, default MIB, most 64 * MIB,
        advice "print less";
    /// Writes to standard output and standard error: one `console.log` or `print` each.
    LogEntries log_entries: "log_entries" Count, least 1, default 10_000, most 1_000_000,
        advice "print fewer and longer texts";
    /// The program's source and its input, in bytes each.
    ProgramSize program_bytes: "program_size" Bytes, least 1, default MIB, most 4 * MIB,
        advice "send a shorter program and a smaller input";
    /// Nesting of the program's syntax: brackets, operators, types.
    ProgramDepth program_depth: "program_depth" Count, least 16, default 256, most 500,
        advice "nest brackets, operators and types less deeply, or end each member of a type with `;`";
    /// The JSON of the program's value, in bytes.
    ResultSize result_bytes: "result_size" Bytes, least 4, default MIB, most 64 * MIB,
        advice "end with a smaller value";
    /// Calls of tools, refused ones and searches included.
    ToolCalls tool_calls: "tool_calls" Count, least 1, default 1_000, most 100_000,
        advice "call fewer tools, or in several runs";
    /// Calls at once; further ones wait their turn.
    ToolCallsInFlight tool_calls_in_flight: "tool_calls_in_flight" Count, least 1, default 100, most 1_000,
        advice "call fewer tools at once";
    /// The JSON of one call's arguments, in bytes. A larger call fails; the program can catch it.
    CallSize call_bytes: "call_size" Bytes, least 2, default MIB, most 16 * MIB,
        advice "send less at a time";
    /// One call's reply, or one answer about tools, in bytes. A larger one fails the call; the program can catch it.
    ReplySize reply_bytes: "reply_size" Bytes, least 2, default 4 * MIB, most 16 * MIB,
        advice "ask for less at a time";
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        schemars::json_schema!({ "type": "string", "enum": names, "description": "A limit that an execution can break." })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Limit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Limit {
    /// The limit with this name (`cpu_time`) or key (`cpu_time_ms`), or `None`.
    pub fn from_name(name: &str) -> Option<Limit> {
        Limit::ALL.iter().copied().find(|limit| limit.name() == name || limit.key() == name)
    }

    /// What the model reads when an execution broke this limit, whose value was `value`.
    pub fn exceeded(self, value: u64) -> String {
        format!("the program went over its {}, {}", self.stated(value), self.advice())
    }

    /// The limit with its value, such as "limit `cpu_time` of 500 ms".
    pub(crate) fn stated(self, value: u64) -> String {
        let unit = match self.unit() {
            Unit::Milliseconds => " ms",
            Unit::Bytes => " bytes",
            Unit::Count => "",
        };
        format!("limit `{self}` of {value}{unit}")
    }

    /// Parses a value with its unit: `500ms`, `2s`, `1m`, `64MiB`, `10KB`, or a plain number in the limit's own unit.
    ///
    /// # Errors
    /// `invalid_limit` when it is no number, has a unit of another kind, or is too large for 64 bits.
    pub fn parse_value(self, text: &str) -> Result<u64> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at(split);
        let factor = match (self.unit(), suffix) {
            (Unit::Milliseconds, "" | "ms") | (Unit::Bytes, "" | "B") | (Unit::Count, "") => 1,
            (Unit::Milliseconds, "s") | (Unit::Bytes, "kB" | "KB") => 1_000,
            (Unit::Milliseconds, "m" | "min") => 60_000,
            (Unit::Bytes, "KiB") => KIB,
            (Unit::Bytes, "MB") => 1_000_000,
            (Unit::Bytes, "MiB") => MIB,
            (Unit::Bytes, "GiB") => 1024 * MIB,
            _ => 0,
        };
        let expected = match self.unit() {
            Unit::Milliseconds => "a time such as `500ms` or `2s`",
            Unit::Bytes => "a size such as `64MiB` or `500KB`",
            Unit::Count => "a number such as `100`",
        };
        let value = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        match value {
            Some(value) if factor > 0 => Ok(value),
            _ => Err(Error::new(
                ErrorCode::InvalidLimit,
                format!("limit `{self}` cannot be `{}`, expected {expected}", Shown(text, 80)),
            )),
        }
    }
}

impl Limits {
    /// These limits with what `request` asks for, each value clamped to `ceiling`; second, which were clamped.
    ///
    /// # Errors
    /// `invalid_limit` when a value is below its minimum.
    pub fn with(&self, request: &LimitsRequest, ceiling: &Limits) -> Result<(Limits, Vec<Limit>)> {
        let mut limits = self.clone();
        let mut clamped = Vec::new();
        for limit in Limit::ALL.iter().copied() {
            let most = ceiling.get(limit);
            if let Some(value) = request.get(limit) {
                if value < limit.minimum() {
                    return Err(Error::new(
                        ErrorCode::InvalidLimit,
                        format!("limit `{}` cannot be `{value}`, expected at least {}", limit.key(), limit.minimum()),
                    ));
                }
                if value > most {
                    clamped.push(limit);
                }
                limits.set(limit, value);
            }
            // SECURITY: a request never gets more than the operator's ceiling.
            limits.set(limit, limits.get(limit).min(most));
        }
        Ok((limits, clamped))
    }

    /// The highest value of every limit.
    pub fn maximum() -> Limits {
        let mut limits = Limits::default();
        for limit in Limit::ALL.iter().copied() {
            limits.set(limit, limit.maximum());
        }
        limits
    }

    /// `cpu_time_ms` as a `Duration`.
    pub fn cpu_time(&self) -> Duration {
        Duration::from_millis(self.cpu_time_ms)
    }

    /// `wall_time_ms` as a `Duration`.
    pub fn wall_time(&self) -> Duration {
        Duration::from_millis(self.wall_time_ms)
    }
}

/// What an execution used.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Usage {
    /// CPU time of the guest's thread, in milliseconds.
    #[serde(serialize_with = "thousandths")]
    pub cpu_time_ms: f64,
    /// Time from start to end, in milliseconds.
    #[serde(serialize_with = "thousandths")]
    pub wall_time_ms: f64,
    /// The guest's memory at its largest, in bytes.
    pub memory_bytes: u64,
    /// Output kept, in bytes.
    pub output_bytes: u64,
    /// Writes to standard output and standard error.
    pub log_entries: u64,
    /// Calls of tools, refused ones and searches included.
    pub tool_calls: u64,
    /// Limits that were asked for above what is allowed, and clamped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clamped: Vec<Limit>,
}

impl<'de> Deserialize<'de> for LimitsRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LimitsRequest, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = LimitsRequest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("limits by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LimitsRequest, A::Error> {
                Asked::deserialize(MapAccessDeserializer::new(map)).map(LimitsRequest::from)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Milliseconds in JSON: to the microsecond, without the noise of binary fractions.
pub(crate) fn thousandths<S: serde::Serializer>(milliseconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((milliseconds * 1e3).round() / 1e3)
}

/// A whole number, also one that JSON writes as `1.0` or `1e3`: JSON Schema's `integer`.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    // Beyond 2^53 a float is no number in particular.
    let exact = |number: &f64| number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(number);
    let whole = number.as_u64().or_else(|| number.as_f64().filter(exact).map(|number| number as u64));
    whole.map(Some).ok_or_else(|| {
        serde::de::Error::custom(format_args!(
            "a limit cannot be `{number}`, expected a whole number that is not negative"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_between_its_bounds() {
        for limit in Limit::ALL.iter().copied() {
            assert!(limit.minimum() > 0, "{limit}");
            assert!((limit.minimum()..=limit.maximum()).contains(&limit.default_value()), "{limit}");
            assert_eq!(Limit::from_name(limit.name()), Some(limit));
            assert_eq!(Limit::from_name(limit.key()), Some(limit));
        }
    }

    #[test]
    fn a_request_is_clamped_and_says_so() {
        let ceiling = Limits { tool_calls: 50, ..Limits::maximum() };
        let request = LimitsRequest { tool_calls: Some(80), cpu_time_ms: Some(5), ..LimitsRequest::default() };
        let (limits, clamped) = Limits::default().with(&request, &ceiling).unwrap();
        assert_eq!((limits.tool_calls, limits.cpu_time_ms), (50, 5));
        assert_eq!(clamped, [Limit::ToolCalls]);
    }

    #[test]
    fn r20_nonsensical_limits_are_refused() {
        let request = LimitsRequest { wall_time_ms: Some(0), ..LimitsRequest::default() };
        let error = Limits::default().with(&request, &Limits::maximum()).unwrap_err();
        assert_eq!(error.to_string(), "limit `wall_time_ms` cannot be `0`, expected at least 1");
        for text in ["{\"wall_time_ms\":-1}", "{\"wall_time_ms\":1e309}", "{\"wall_time_ms\":\"1\"}", "{\"x\":1}"] {
            assert!(serde_json::from_str::<LimitsRequest>(text).is_err(), "{text}");
        }
        for text in ["[]", "[50]", "5", "null"] {
            let error = serde_json::from_str::<LimitsRequest>(text).unwrap_err().to_string();
            assert!(error.contains("expected limits by their names"), "{text}: {error}");
        }
        for text in ["-1", "1.5", "1e300", "18446744073709551616"] {
            let error = serde_json::from_str::<LimitsRequest>(&format!("{{\"tool_calls\":{text}}}")).unwrap_err();
            assert!(error.to_string().contains("expected a whole number that is not negative"), "{text}: {error}");
        }
    }

    #[test]
    fn a_whole_number_may_be_written_in_any_way_that_json_has() {
        for text in ["1000", "1000.0", "1e3", "100.0e1"] {
            let request: LimitsRequest = serde_json::from_str(&format!("{{\"tool_calls\":{text}}}")).unwrap();
            assert_eq!(request.tool_calls, Some(1000), "{text}");
        }
        assert_eq!(serde_json::from_str::<LimitsRequest>("{\"tool_calls\":null}").unwrap(), LimitsRequest::default());
    }

    #[test]
    fn usage_is_given_to_the_microsecond() {
        let usage = Usage { cpu_time_ms: 8.098_246_999_999_999, wall_time_ms: 0.1 + 0.2, ..Usage::default() };
        let json = serde_json::to_value(usage).unwrap().to_string();
        assert!(json.starts_with("{\"cpu_time_ms\":8.098,\"wall_time_ms\":0.3,"), "{json}");
    }

    #[test]
    fn values_have_units() {
        assert_eq!(Limit::CpuTime.parse_value("500ms").unwrap(), 500);
        assert_eq!(Limit::WallTime.parse_value("2s").unwrap(), 2_000);
        assert_eq!(Limit::Memory.parse_value("64MiB").unwrap(), 64 << 20);
        assert_eq!(Limit::ToolCalls.parse_value("10").unwrap(), 10);
        for text in ["", "ms", "-1", "1.5s", "64MiB", "99999999999999999999", "999999999999999999m"] {
            assert!(Limit::CpuTime.parse_value(text).is_err(), "{text:?}");
        }
    }
}
