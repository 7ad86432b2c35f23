//! One error type and one closed table of codes for everything that is not the program's own outcome.
//!
//! Owns [`Error`], [`ErrorCode`], [`Result`], for their messages [`Shown`], and [`read_json`]. A program that throws, breaks a limit
//! or is cancelled is an [`Outcome`](crate::model::Outcome), never an `Error`. No message carries a secret or an upstream's raw body.

mod shown;

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

pub use shown::Shown;
pub(crate) use shown::is_invisible;

/// `Result` with Conduit's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// Every code that Conduit reports, in families: 1xx the caller, 2xx policy and tools, 3xx schemas,
        /// 4xx upstreams and egress, 5xx the host. Numbers and names are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $variant = $number,)* }

        impl ErrorCode {
            /// All codes, in the order of their numbers.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The stable name, as JSON and guests see it, such as `tool_not_found`.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }
        }
    };
}

error_codes! {
    /// The request is malformed. The caller mends it; the runtime is as usable as before.
    InvalidRequest = 100, "invalid_request";
    /// The operator's configuration is wrong. Nothing was started.
    InvalidConfig = 101, "invalid_config";
    /// A limit is nonsensical (zero, negative, not a number). The caller mends it.
    InvalidLimit = 102, "invalid_limit";
    /// The tool does not exist or the policy does not allow it: the two are indistinguishable on purpose.
    ToolNotFound = 200, "tool_not_found";
    /// The tool ran and reported an error (MCP's `isError`). Its content says what. It may have had its effect.
    ToolFailed = 201, "tool_failed";
    /// The arguments are larger than the limit `call_bytes`.
    ArgumentsTooLarge = 202, "arguments_too_large";
    /// The reply is larger than the limit `reply_bytes`. The call may have had its effect.
    ReplyTooLarge = 203, "reply_too_large";
    /// The execution ended while the call was under way. The call may have had its effect.
    Cancelled = 204, "cancelled";
    /// The arguments do not fit the tool's input schema. Nothing was sent.
    InvalidArguments = 300, "invalid_arguments";
    /// The tool's schema cannot be used (too large, too deep, remote reference). The tool is refused.
    InvalidSchema = 301, "invalid_schema";
    /// Strict validation refuses a tool without an input schema.
    MissingSchema = 302, "missing_schema";
    /// The upstream cannot be reached or started. A later call tries again.
    UpstreamUnavailable = 400, "upstream_unavailable";
    /// The upstream ended while the call was under way. The call may have had its effect.
    UpstreamDied = 401, "upstream_died";
    /// The upstream answered against the protocol, or with a JSON-RPC error.
    UpstreamProtocol = 402, "upstream_protocol";
    /// The upstream did not answer in time. The call may have had its effect.
    UpstreamTimeout = 403, "upstream_timeout";
    /// The address is not global unicast and the upstream's config does not allow private addresses.
    AddressDenied = 404, "address_denied";
    /// Every slot is taken and the queue is full. Retry later.
    Busy = 500, "busy";
    /// The runtime is shut down.
    ShutDown = 501, "shut_down";
    /// A fault of Conduit itself. Please report it.
    Internal = 502, "internal";
}

impl ErrorCode {
    /// The number, as the C ABI sees it.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The code with this name, or `None`.
    pub fn from_name(name: &str) -> Option<ErrorCode> {
        ErrorCode::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ErrorCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        schemars::json_schema!({ "type": "string", "enum": names, "description": "Why something failed." })
    }
}

/// What the operator or the caller must mend, as JSON has it.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Error"))]
struct Written {
    /// What kind of error this is.
    code: ErrorCode,
    /// The whole text, with the cause.
    message: String,
    /// The id of the upstream that the error is about.
    upstream: Option<String>,
    /// Whether nothing was done, and the same request may succeed later without a change.
    retryable: bool,
}

impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (code, message, upstream) = (self.code, self.to_string(), self.upstream.clone());
        Written { code, message, upstream, retryable: self.is_retryable() }.serialize(serializer)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Error {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Written::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}

/// What the operator or the caller must mend. [`code`](Error::code) says whose turn it is.
#[derive(Clone)]
pub struct Error {
    code: ErrorCode,
    message: String,
    upstream: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A new error. `message` is lower case, names the thing and the value in backticks, and carries no secret.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), upstream: None, source: None }
    }

    /// The same error, with the upstream that it is about: shown before the message, which does not name it.
    pub fn with_upstream(mut self, upstream: impl Into<String>) -> Error {
        self.upstream = Some(upstream.into());
        self
    }

    /// The same error, with its cause.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of error this is.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The text without its cause.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The id of the upstream that the error is about.
    pub fn upstream(&self) -> Option<&str> {
        self.upstream.as_deref()
    }

    /// Whether nothing was done, and the same request may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        matches!(self.code, ErrorCode::Busy | ErrorCode::UpstreamUnavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(upstream) = &self.upstream {
            write!(f, "upstream `{upstream}`: ")?;
        }
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}, {self})", self.code)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Reads JSON that somebody gave, and says which part of it is amiss.
pub(crate) fn read_json<'de, T: Deserialize<'de>>(json: &'de str, code: ErrorCode, what: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let again = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_str(json));
        let path = again.err().map(|error| error.path().to_string());
        // Some causes name the part themselves.
        let is_news = |path: &String| path != "." && !error.to_string().contains(&format!("`{path}`"));
        let message = match path.filter(is_news) {
            Some(path) => format!("{what} is not understood: `{}`", Shown(&path, 80)),
            None => format!("{what} is not understood"),
        };
        Error::new(code, message).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_amiss_in_json_is_named() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Tool {
            #[expect(dead_code, reason = "it is only read")]
            names: Vec<String>,
        }
        let read = |json| read_json::<Tool>(json, ErrorCode::InvalidRequest, "it").unwrap_err();
        for (json, words) in [
            ("{\"names\":5}", "it is not understood: `names`: invalid type: integer `5`, expected a sequence"),
            ("{\"names\":[\"a\",5]}", "it is not understood: `names[1]`: invalid type: integer `5`, expected a string"),
            ("{\"name\":1}", "it is not understood: unknown field `name`"),
            ("[", "it is not understood: EOF"),
        ] {
            let said = read(json).to_string();
            assert!(said.starts_with(words), "{said}");
        }
    }

    #[test]
    fn codes_are_unique_and_ordered() {
        assert!(ErrorCode::ALL.is_sorted_by(|a, b| a.number() < b.number()));
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
        }
    }

    #[test]
    fn what_may_have_had_its_effect_is_not_tried_again() {
        let retryable = ErrorCode::ALL.iter().filter(|code| Error::new(**code, "x").is_retryable());
        assert_eq!(retryable.collect::<Vec<_>>(), [&ErrorCode::UpstreamUnavailable, &ErrorCode::Busy]);
    }

    #[test]
    fn display_ends_with_the_cause() {
        let error = Error::new(ErrorCode::InvalidConfig, "cannot read `x`").with_source("no such file");
        assert_eq!(error.to_string(), "cannot read `x`: no such file");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no such file");
        let error = error.with_upstream("files");
        assert_eq!(error.to_string(), "upstream `files`: cannot read `x`: no such file");
        let error = Error::new(ErrorCode::InvalidConfig, "`files` is no command").with_upstream("files");
        assert_eq!(error.to_string(), "upstream `files`: `files` is no command");
    }
}
