//! Secrets: how they are held, sent to their upstream, and kept out of everything else.
//!
//! Owns [`Secret`], [`Credential`] and [`Redactor`]. A secret has no `Display` and no `Serialize`; only this crate can
//! read it. The redactor is a net, not a boundary: it finds a secret in its usual encodings, not one that an upstream
//! has reversed, compressed or split.

use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode, Result, Shown};

/// What stands in for a secret.
pub const REDACTED: &str = "[redacted]";
/// A shorter secret would redact ordinary text.
const MIN_REDACTED_BYTES: usize = 8;

/// A text that must not appear anywhere. Erased from memory when the last clone is dropped.
#[derive(Clone)]
pub struct Secret {
    text: Arc<Zeroizing<String>>,
}

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret { text: Arc::new(Zeroizing::new(text.into())) }
    }

    /// The text itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How Conduit shows an HTTP upstream who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// `Authorization: Bearer <token>`.
    Bearer(Secret),
    /// `<name>: <value>`, such as `X-API-Key`.
    Header {
        /// The header's name.
        name: String,
        /// Its value.
        value: Secret,
    },
}

/// Headers that the transport sets itself, or that decide where a request goes.
const RESERVED_HEADERS: &[&str] = &[
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

impl Credential {
    /// The secret that is sent.
    pub fn secret(&self) -> &Secret {
        match self {
            Credential::Bearer(secret) | Credential::Header { value: secret, .. } => secret,
        }
    }

    /// The header to send; its value is marked sensitive.
    ///
    /// # Errors
    /// `invalid_config` when the name or the value cannot stand in a header; the message does not show the value.
    pub(crate) fn header(&self) -> Result<(HeaderName, HeaderValue)> {
        let invalid = |message: String| Error::new(ErrorCode::InvalidConfig, message);
        let (name, value) = match self {
            Credential::Bearer(token) => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", token.expose()))),
            Credential::Header { name, value } => {
                let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
                // SECURITY: a credential cannot take the place of a header that says where or what a request is.
                let usable = parsed.filter(|parsed| !RESERVED_HEADERS.contains(&parsed.as_str()));
                let refused = || invalid(format!("`{}` cannot be a credential's header", Shown(name, 80)));
                (usable.ok_or_else(refused)?, Zeroizing::new(value.expose().to_owned()))
            }
        };
        let mut value = HeaderValue::from_str(&value).map_err(|_| {
            invalid(format!("the credential for the header `{name}` has a character that headers cannot carry"))
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// Removes a set of secrets from texts. Costs nothing when there are none.
#[derive(Clone, Default)]
pub struct Redactor {
    patterns: Option<AhoCorasick>,
}

impl Redactor {
    /// Finds each secret of at least 8 bytes as it is, in base64 (also within a longer text), in hexadecimal,
    /// URL-encoded and JSON-escaped, in any letter case.
    ///
    /// # Errors
    /// `invalid_config` when the secrets are too long to search for.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Redactor> {
        let mut patterns: Vec<String> = secrets
            .into_iter()
            .filter(|secret| secret.expose().len() >= MIN_REDACTED_BYTES)
            .flat_map(encodings)
            .collect();
        patterns.sort();
        patterns.dedup();
        if patterns.is_empty() {
            return Ok(Redactor::default());
        }
        let patterns = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(&patterns)
            .map_err(|_| Error::new(ErrorCode::InvalidConfig, "the secrets are too long to be redacted"))?;
        Ok(Redactor { patterns: Some(patterns) })
    }

    /// `text` with `[redacted]` in place of every secret.
    pub fn text(&self, text: String) -> String {
        match &self.patterns {
            Some(patterns) if patterns.is_match(&text) => {
                patterns.replace_all(&text, &vec![REDACTED; patterns.patterns_len()])
            }
            _ => text,
        }
    }

    /// As [`Redactor::text`] for a JSON text, which stays JSON.
    pub fn json(&self, text: String) -> String {
        // SECURITY: escapes that nobody needs hide a secret from a search, not from who parses the text.
        let unusual = self.patterns.is_some() && ["\\u", "\\/"].iter().any(|escape| text.contains(escape));
        let text = if unusual { with_usual_escapes(&text) } else { text };
        let Some(patterns) = self.patterns.as_ref().filter(|patterns| patterns.is_match(&text)) else {
            return text;
        };
        let replaced = patterns.replace_all(&text, &vec![REDACTED; patterns.patterns_len()]);
        if serde_json::from_str::<IgnoredAny>(&replaced).is_ok() {
            return replaced;
        }
        // A secret that is a number, or spans strings, tore the text apart: replace within its values instead.
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => self.value(value).to_string(),
            Err(_) => Value::from(REDACTED).to_string(),
        }
    }

    /// As [`Redactor::text`] for every text, key and number within a value.
    pub(crate) fn value(&self, value: Value) -> Value {
        if self.patterns.is_none() {
            return value;
        }
        match value {
            Value::Null | Value::Bool(_) => value,
            Value::Number(number) => {
                let text = number.to_string();
                let redacted = self.text(text.clone());
                if redacted == text { Value::Number(number) } else { Value::from(redacted) }
            }
            Value::String(text) => Value::from(self.text(text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (self.text(key), self.value(value)));
                Value::Object(entries.collect())
            }
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(..)")
    }
}

/// Every form in which a secret is looked for. Letter case does not matter.
fn encodings(secret: &Secret) -> Vec<String> {
    let text = secret.expose();
    let json = json_of(text);
    // What some encoders of JSON also escape: what HTML reserves, everything but ASCII, and slashes.
    let escape = |text: &str, which: fn(char) -> bool| {
        let units =
            |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
        text.chars().map(|c| if which(c) { units(c) } else { c.to_string() }).collect::<String>()
    };
    let html = escape(&json, |c| matches!(c, '<' | '>' | '&'));
    let wide = [escape(&json, |c| !c.is_ascii()), escape(&html, |c| !c.is_ascii())];
    let json = [json, html].into_iter().chain(wide);
    let json = json.flat_map(|form| [form.replace('/', "\\/"), form]);
    let percent = |keep: fn(u8) -> bool| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            if keep(byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02x}"));
            }
            encoded
        })
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let in_query =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'&' | b'%' | b'+' | b'<' | b'>');
    let mut forms = vec![
        text.to_owned(),
        text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        percent(unreserved),
        percent(in_query),
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
    ];
    forms.extend(json);
    for offset in 0..3 {
        forms.extend(base64_within(text.as_bytes(), offset));
    }
    forms
}

/// The part of base64 that depends on `secret` alone when `offset` bytes, modulo 3, stand before it.
fn base64_within(secret: &[u8], offset: usize) -> [String; 2] {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(secret);
    // A character holds 6 bits: those that hold bits of what stands before or behind are cut off.
    let skip = (offset * 8).div_ceil(6);
    let take = bytes.len() * 8 / 6 - skip;
    [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|engine| engine.encode(&bytes).chars().skip(skip).take(take).collect())
}

/// The same JSON with the escapes of serde_json: `\u0061` is written as `a`, `\u0022` as `\"`, `\/` as `/`.
fn with_usual_escapes(json: &str) -> String {
    let mut usual = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        usual.push_str(before);
        let (length, c) = escaped(escape);
        match c {
            None => usual.push_str(escape.get(..length).unwrap_or(escape)),
            Some(c @ ('"' | '\\' | '\0'..='\x1f')) => usual.push_str(&json_of(&c.to_string())),
            Some(c) => usual.push(c),
        }
        rest = escape.get(length..).unwrap_or("");
    }
    usual + rest
}

/// The length of the escape that a text begins with, and the character, if it has other forms.
fn escaped(escape: &str) -> (usize, Option<char>) {
    let unit = |at: usize| {
        let digits = escape.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(first), second) => match char::decode_utf16([first].into_iter().chain(second)).next() {
            Some(Ok(c)) => (6 * c.len_utf16(), Some(c)),
            _ => (6, None),
        },
        // The backslash and what it escapes, which may be a backslash too.
        (None, _) => match escape.chars().nth(1) {
            Some('/') => (2, Some('/')),
            other => (1 + other.map_or(0, char::len_utf8), None),
        },
    }
}

/// A text within JSON's quotes.
fn json_of(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "gh\"p_S3cr/et+T o\\ken~<ü&🦀";

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(&secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn k02_needless_escapes_hide_nothing() {
        let redactor = Redactor::new([&Secret::new("s3cret-token")]).unwrap();
        let json =
            r#"{"a":"\u00733cret\u002dtoken","b":"\\u0073","c":"\u0022\u005c\u00e9\n\ud83e\uDD80\ud800\/\u0001"}"#;
        let usual = r#"{"a":"[redacted]","b":"\\u0073","c":"\"\\é\n🦀\ud800/\u0001"}"#;
        assert_eq!(redactor.json(json.to_owned()), usual);
        let quoted = Redactor::new([&Secret::new("a\"b\nc/d/é")]).unwrap();
        assert_eq!(quoted.json(r#"["a\u0022b\u000Ac\/d/\u00e9"]"#.to_owned()), r#"["[redacted]"]"#);
    }

    #[test]
    fn k01_a_secret_does_not_show() {
        let secret = Secret::new("hunter2hunter2");
        let credential = Credential::Header { name: "X-API-Key".into(), value: secret.clone() };
        let header = credential.header().unwrap();
        assert_eq!(header.1.as_bytes(), b"hunter2hunter2");
        let shown = format!("{secret:?} {credential:?} {header:?} {:?}", Redactor::new([&secret]).unwrap());
        assert_eq!(
            shown,
            "Secret(..) Header { name: \"X-API-Key\", value: Secret(..) } (\"x-api-key\", Sensitive) Redactor(..)"
        );
    }

    #[test]
    fn u33_a_credential_cannot_change_where_or_what_a_request_is() {
        for name in ["Host", "content-length", "Mcp-Session-Id", "a b", "", "x\r\ny", "Transfer-Encoding"] {
            let credential = Credential::Header { name: name.into(), value: Secret::new("value") };
            assert_eq!(credential.header().unwrap_err().code(), ErrorCode::InvalidConfig, "{name:?}");
        }
        let error = Credential::Bearer(Secret::new("hunter2\r\nHost: evil")).header().unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn k02_every_usual_encoding_is_redacted() {
        let redactor = redactor(&[TOKEN]);
        let hex: String = TOKEN.bytes().map(|byte| format!("{byte:02X}")).collect();
        let url: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        let mut query = url::Url::parse("https://example.com").unwrap();
        query.query_pairs_mut().append_pair("token", TOKEN);
        let json = serde_json::to_string(TOKEN).unwrap();
        let html = json.replace('<', "\\u003c").replace('&', "\\u0026");
        let ascii = |json: &str| json.replace('ü', "\\u00FC").replace('🦀', "\\uD83E\\uDD80");
        let jsons = [&json, &html].map(|json| [json.clone(), json.replace('/', "\\/"), ascii(json)]).concat();
        let others = [TOKEN, &hex, &hex.to_lowercase(), &url, query.as_str()];
        for text in others.into_iter().chain(jsons.iter().map(String::as_str)) {
            let redacted = redactor.text(format!("before {text} after"));
            assert!(redacted.contains(REDACTED) && redacted.starts_with("before") && redacted.ends_with("after"));
            for leak in ["S3cr", "T%20o", "7033"] {
                assert!(!redacted.contains(leak), "{redacted}");
            }
        }
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", ":", "::", ":::"] {
                let blob = format!("{before}{TOKEN}{after}");
                for encoded in [STANDARD_NO_PAD.encode(&blob), URL_SAFE_NO_PAD.encode(&blob)] {
                    assert!(redactor.text(format!("Basic {encoded}=")).contains(REDACTED), "{blob} {encoded}");
                }
            }
        }
    }

    #[test]
    fn k02_json_stays_json() {
        let redactor = redactor(&["1234567890", "a\",\"b\":\"c", "s3cret-token"]);
        for (text, expected) in [
            (r#"{"pin":1234567890,"x":1}"#, r#"{"pin":"[redacted]","x":1}"#),
            (r#"{"pin":-1234567890.5}"#, r#"{"pin":"-[redacted].5"}"#),
            (r#"["s3cret-token","S3CRET-TOKEN!"]"#, r#"["[redacted]","[redacted]!"]"#),
            (r#"{"s3cret-token":1}"#, r#"{"[redacted]":1}"#),
            (r#"{"x":"a","b":"c"}"#, r#"{"x":"[redacted]"}"#),
            (r#"{"x":"fine"}"#, r#"{"x":"fine"}"#),
        ] {
            let redacted = redactor.json(text.to_owned());
            assert_eq!(redacted, expected);
            assert!(serde_json::from_str::<Value>(&redacted).is_ok());
        }
    }

    #[test]
    fn short_secrets_and_none_leave_texts_alone() {
        assert_eq!(redactor(&["short", ""]).text("a short text".into()), "a short text");
        assert!(redactor(&[]).patterns.is_none());
    }
}
