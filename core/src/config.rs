//! The operator's file as domain values.
//!
//! Owns the keys of `conduit.yaml` (or `.json`: JSON is YAML) and `${VAR}` in their values; the only reader of the
//! environment. No behaviour and no defaults but those of the types it fills. A key that is not known, a variable that
//! is not set or a value of the wrong kind is an error that says where; nothing is guessed or skipped.

#[cfg_attr(unix, path = "config/access_unix.rs")]
#[cfg_attr(not(unix), path = "config/access_elsewhere.rs")]
mod access;
mod tree;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::IgnoredAny;
use url::Url;

use crate::credentials::{Credential, Secret};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{Limit, LimitsRequest};
use crate::model::{Engine, Language};
use crate::policy::Policy;
use crate::schema::Strictness;
use crate::tool::ToolPattern;
use crate::upstream::{EnvValue, UpstreamConfig, UpstreamKind};
use access::Everybody;
use tree::{At, Environment, Fields, Tree, meant};

/// The most executions at once: each reserves more than 4 GiB of addresses, and a process has 128 TiB of them.
pub const MAX_EXECUTIONS: u32 = 10_000;
/// The largest config, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Names the config when nobody else does.
const CONFIG_VARIABLE: &str = "CONDUIT_CONFIG";
/// Where a config is looked for, in this order.
const CONFIG_FILES: &[&str] = &["conduit.yaml", "conduit.json"];
/// The keys of a config, and those of an upstream: of both kinds, of `stdio`, of `streamable_http`.
const ROOT: &[&str] = &[
    "upstreams",
    "policy",
    "limits",
    "max_limits",
    "validation",
    "languages",
    "engines",
    "max_executions",
    "max_queue",
    "isolation",
    "confinement",
];
const COMMON: &[&str] = &["id", "type", "call_timeout", "connect_timeout"];
const STDIO: &[&str] = &["command", "args", "env", "cwd"];
const HTTP: &[&str] = &["url", "allow_private", "bearer_token", "api_key", "header"];
/// The header of an API key when the config names none.
const API_KEY_HEADER: &str = "X-API-Key";
/// A variable whose name ends in one of these words holds a secret, wherever it stands.
const SECRET_NAMES: &[&str] =
    &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "APIKEY", "PAT", "CREDENTIAL", "CREDENTIALS"];

/// Everything that an operator decides.
///
/// # Example: a config that stands elsewhere than in a file
///
/// ```
/// use conduit_core::{Config, Runtime, ToolName, Decision};
///
/// let text = r#"
/// upstreams:
///   - {id: github, type: streamable_http, url: "https://api.githubcopilot.com/mcp/", bearer_token: "${TOKEN}"}
/// policy: {allow: ["github.get_*"]}
/// "#;
/// let error = Config::parse(text, &|_variable| Some("secret".into())).unwrap_err();
/// assert!(error.to_string().starts_with("line 4: `policy.allow[0]` is wrong"), "{error}");
///
/// let config = Config::parse(&text.replace("get_*", "get_issue"), &|_variable| Some("secret".into()))?;
/// assert_eq!(config.policy.decide(&ToolName::parse("github.get_issue")?), Decision::Allow);
/// let runtime = Runtime::builder_from(config).max_queue(10).build()?;
/// # Ok::<(), conduit_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where tools come from.
    pub upstreams: Vec<UpstreamConfig>,
    /// Which of them programs may call.
    pub policy: Policy,
    /// Limits of requests that do not ask for others.
    pub limits: LimitsRequest,
    /// The most that a request may ask for.
    pub max_limits: LimitsRequest,
    /// How arguments are validated.
    pub validation: Strictness,
    /// Which languages programs may be written in.
    pub languages: Vec<Language>,
    /// What programs may run in, what is preferred first.
    pub engines: Vec<Engine>,
    /// Executions at once, 1 to [`MAX_EXECUTIONS`], those that wait for a tool included.
    pub max_executions: u32,
    /// How many more may queue for a place.
    pub max_queue: u32,
    /// Where programs run.
    pub isolation: Isolation,
    /// What is done where the system confines workers less than others do.
    pub confinement: Confinement,
}

/// Where programs run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each in a wasm instance of its own, in this process.
    #[default]
    InProcess,
    /// The same in a worker process, which has nothing else.
    Process,
}

/// How far worker processes must be confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confinement {
    /// As far as the system can.
    #[default]
    BestEffort,
    /// By landlock and by seccomp; where one is not to be had, nothing runs.
    Require,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            upstreams: Vec::new(),
            policy: Policy::unstated(),
            limits: LimitsRequest::default(),
            max_limits: LimitsRequest::default(),
            validation: Strictness::Permissive,
            languages: Language::ALL.to_vec(),
            engines: vec![Engine::Wasm],
            max_executions: 100,
            max_queue: 100,
            isolation: Isolation::default(),
            confinement: Confinement::default(),
        }
    }
}

impl Config {
    /// The config that nobody named: the file in the variable `CONDUIT_CONFIG`, else `conduit.yaml` or `conduit.json` in
    /// the working directory, else `None`.
    #[expect(clippy::disallowed_methods, reason = "the operator may name the config in the environment")]
    pub fn locate() -> Option<PathBuf> {
        // SECURITY: one that is there and cannot be read is an error when it is read, not passed over.
        let is_there =
            |path: &PathBuf| !matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound);
        let named = std::env::var_os(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        named.or_else(|| CONFIG_FILES.iter().map(PathBuf::from).find(is_there))
    }

    /// Reads a file, and the environment for its variables.
    ///
    /// # Errors
    /// `invalid_config` when it cannot be read, is no regular file or larger than 1 MiB, can be changed by everybody on the
    /// machine, holds a secret that everybody can read, or is not understood.
    pub fn read(path: &Path) -> Result<Config> {
        let shown = path.display();
        let (text, everybody) = read_file(path)?;
        let mut reading = Reading::default();
        let config = reading
            .config(&text, Some(&environment))
            .map_err(|error| Error::new(ErrorCode::InvalidConfig, format!("config `{shown}`, {}", error.message())))?;
        // SECURITY: whoever can change the config can start programs with its secrets.
        if everybody.can_write {
            let message = format!("config `{shown}` can be changed by everybody, use `chmod o-w`");
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        match reading.written_secrets.first() {
            // SECURITY: a secret that others on the machine can read is refused before it is used.
            Some(key) if everybody.can_read => Err(Error::new(
                ErrorCode::InvalidConfig,
                format!(
                    "config `{shown}` holds a secret in `{key}` and everybody can read it, use `${{VAR}}` or `chmod 600`"
                ),
            )),
            _ => Ok(config),
        }
    }

    /// Understands a config. `environment` gives the value of a variable.
    ///
    /// # Errors
    /// `invalid_config` when it is not understood; the message begins with the line.
    pub fn parse(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config> {
        Reading::default().config(text, Some(environment))
    }

    /// Understands a config that a program made: JSON with the keys of a config file. Its texts are taken as they are, `${`
    /// included: the program has its values already.
    ///
    /// # Errors
    /// `invalid_config` when it is not understood.
    pub fn from_json(json: &str) -> Result<Config> {
        let invalid = |message: &str| Error::new(ErrorCode::InvalidConfig, message);
        if json.len() as u64 > MAX_BYTES {
            return Err(invalid(&format!("the config is larger than {MAX_BYTES} bytes")));
        }
        // YAML would read more than JSON.
        serde_json::from_str::<IgnoredAny>(json)
            .map_err(|error| invalid("the config is not JSON").with_source(error))?;
        Reading::default().config(json, None).map_err(|error| match error.message().split_once(": ") {
            Some((line, message)) if line.starts_with("line ") => invalid(message),
            _ => invalid(&format!("the config {}", error.message())),
        })
    }
}

/// The value of a variable; one that is not Unicode counts as not set.
#[expect(clippy::disallowed_methods, reason = "the operator's config is expanded here")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The file's text, and what everybody on the machine can do with it.
fn read_file(path: &Path) -> Result<(String, Everybody)> {
    let invalid =
        |problem: &str| Error::new(ErrorCode::InvalidConfig, format!("config `{}` {problem}", path.display()));
    let unreadable = |error: std::io::Error| invalid("cannot be read").with_source(error);
    let file = access::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(invalid("is not a regular file"));
    }
    let bytes = read_at_most(file, MAX_BYTES).map_err(unreadable)?;
    let bytes = bytes.ok_or_else(|| invalid(&format!("is larger than {MAX_BYTES} bytes")))?;
    let text = String::from_utf8(bytes).map_err(|_| invalid("is not UTF-8"))?;
    Ok((text, Everybody::of(&metadata)))
}

/// All that `source` has, or `None` if that is more than `most` bytes.
fn read_at_most(source: impl Read, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // SECURITY: a file without end, or one that grows meanwhile, is not read into memory.
    source.take(most + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
}

/// One reading of a config: the values go up, what was noticed on the way stays here.
#[derive(Default)]
struct Reading {
    /// Keys whose secret stands in the file itself.
    written_secrets: Vec<String>,
}

impl Reading {
    fn config(&mut self, text: &str, environment: Environment<'_>) -> Result<Config> {
        let tree = Tree::parse(text)?;
        let root = tree.root(environment);
        let mut config = Config::default();
        if root.is_null() {
            return Ok(config);
        }
        let fields = root.fields(ROOT)?;
        if let Some(upstreams) = fields.get("upstreams") {
            config.upstreams = upstreams.list()?.iter().map(|at| self.upstream(at)).collect::<Result<_>>()?;
        }
        // An empty policy is not no policy: it says neither `allow nothing` nor `allow everything`.
        if let Some(at) = fields.written("policy") {
            config.policy = policy(at)?;
        }
        if let Some(at) = fields.get("limits") {
            config.limits = limits(at)?;
        }
        if let Some(at) = fields.get("max_limits") {
            config.max_limits = limits(at)?;
        }
        if let Some(at) = fields.get("validation") {
            config.validation = one_of(at, [("permissive", Strictness::Permissive), ("strict", Strictness::Strict)])?;
        }
        if let Some(at) = fields.get("languages") {
            config.languages = listed(at, Language::ALL, Language::name, "a language")?;
        }
        if let Some(at) = fields.get("engines") {
            config.engines = listed(at, Engine::ALL, Engine::name, "an engine")?;
        }
        if let Some(at) = fields.get("max_executions") {
            config.max_executions = at.count(1..=MAX_EXECUTIONS)?;
        }
        if let Some(at) = fields.get("max_queue") {
            config.max_queue = at.count(0..=u32::MAX)?;
        }
        if let Some(at) = fields.get("isolation") {
            config.isolation = one_of(at, [("in_process", Isolation::InProcess), ("process", Isolation::Process)])?;
        }
        if let Some(at) = fields.get("confinement") {
            let words = [("best_effort", Confinement::BestEffort), ("require", Confinement::Require)];
            config.confinement = one_of(at, words)?;
        }
        Ok(config)
    }

    fn upstream(&mut self, at: &At<'_>) -> Result<UpstreamConfig> {
        let all = at.fields(&[COMMON, STDIO, HTTP].concat())?;
        let id = all.require("id")?.text()?;
        let kind = all.require("type")?;
        let mut shown = Vec::new();
        let mut upstream = match kind.text()?.as_str() {
            "stdio" => {
                let fields = at.fields(&[COMMON, STDIO].concat())?;
                shown.extend(fields.get("args").map(At::list).transpose()?.unwrap_or_default());
                UpstreamConfig::new(id, self.stdio(&fields)?)
            }
            "streamable_http" | "streamableHttp" => {
                let fields = at.fields(&[COMMON, HTTP].concat())?;
                let url = fields.require("url")?;
                let parsed = Url::parse(&url.text()?).map_err(|error| url.error(format!("is not a URL: {error}")))?;
                let allow_private = fields.get("allow_private").map(At::flag).transpose()?.unwrap_or(false);
                shown.push(url.clone());
                let credential = self.credential(&fields)?;
                UpstreamConfig::new(id, UpstreamKind::Http { url: parsed, allow_private, credential })
            }
            "http" | "sse" => {
                return Err(
                    kind.error("must be `stdio` or `streamable_http`, which is what MCP servers speak over HTTP")
                );
            }
            _ => return Err(kind.error("must be `stdio` or `streamable_http`")),
        };
        for at in shown {
            let variables = at.expanded_lines()?.variables.into_iter();
            // SECURITY: a secret may be part of what is no secret as a whole.
            let secrets = variables.filter(|(name, _)| is_secret_name(name)).map(|(_, value)| Secret::new(value));
            upstream.secrets.extend(secrets);
        }
        if let Some(at) = all.get("call_timeout") {
            upstream.call_timeout = duration(at)?;
        }
        if let Some(at) = all.get("connect_timeout") {
            upstream.connect_timeout = duration(at)?;
        }
        Ok(upstream)
    }

    fn stdio(&mut self, fields: &Fields<'_>) -> Result<UpstreamKind> {
        let args = fields.get("args").map(At::list).transpose()?.unwrap_or_default();
        let env = fields.get("env").map(At::entries).transpose()?.unwrap_or_default();
        let mut variables = BTreeMap::new();
        for (name, at) in env {
            variables.insert(name.to_owned(), self.variable(name, &at)?);
        }
        Ok(UpstreamKind::Stdio {
            command: fields.require("command")?.text()?,
            args: args.iter().map(|arg| Ok(arg.expanded_lines()?.text)).collect::<Result<_>>()?,
            env: variables,
            cwd: fields.get("cwd").map(At::text).transpose()?.map(PathBuf::from),
        })
    }

    /// A text; or `{secret: text}` and `{plain: text}`, which say what it is.
    fn variable(&mut self, name: &str, at: &At<'_>) -> Result<EnvValue> {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(at.error("is not the name of a variable"));
        }
        if at.is_map() {
            let fields = at.fields(&["secret", "plain"])?;
            return match fields.written("plain") {
                Some(plain) if fields.written("secret").is_none() => Ok(EnvValue::Plain(plain.expanded_lines()?.text)),
                Some(plain) => Err(plain.error("stands beside `secret`, expected one of them")),
                None => self.secret(fields.require("secret")?).map(EnvValue::Secret),
            };
        }
        let expanded = at.expanded_lines()?;
        // SECURITY: what may be a secret is one, so that it is redacted, until the operator says that it is none.
        if !expanded.variables.is_empty() || is_secret_name(name) {
            return self.secret(at).map(EnvValue::Secret);
        }
        Ok(EnvValue::Plain(expanded.text))
    }

    fn credential(&mut self, fields: &Fields<'_>) -> Result<Option<Credential>> {
        match (fields.get("bearer_token"), fields.get("api_key"), fields.get("header")) {
            (Some(_), Some(key), _) => Err(key.error("stands beside `bearer_token`, expected one of them")),
            (_, None, Some(header)) => Err(header.error("is the header of an `api_key`, which is not there")),
            (Some(token), None, None) => self.one_line_secret(token).map(Credential::Bearer).map(Some),
            (None, Some(key), header) => {
                let name = header.map(At::text).transpose()?.unwrap_or_else(|| API_KEY_HEADER.to_owned());
                let value = self.one_line_secret(key)?;
                Ok(Some(Credential::Header { name, value }))
            }
            (None, None, None) => Ok(None),
        }
    }

    /// A secret that becomes a header.
    fn one_line_secret(&mut self, at: &At<'_>) -> Result<Secret> {
        at.text()?;
        self.secret(at)
    }

    fn secret(&mut self, at: &At<'_>) -> Result<Secret> {
        let expanded = at.expanded_lines()?;
        // SECURITY: an empty secret would look like an upstream that needs none.
        if expanded.text.trim().is_empty() {
            return Err(at.error("is empty"));
        }
        if expanded.variables.is_empty() {
            self.written_secrets.push(at.path().to_owned());
        }
        Ok(Secret::new(expanded.text))
    }
}

fn is_secret_name(variable: &str) -> bool {
    let last = variable.rsplit('_').next().unwrap_or(variable).to_ascii_uppercase();
    SECRET_NAMES.contains(&last.as_str())
}

fn policy(at: &At<'_>) -> Result<Policy> {
    let fields = at.fields(&["allow"])?;
    let pattern = |at: &At<'_>| ToolPattern::parse(&at.text()?).map_err(|error| at.error(format!("is wrong: {error}")));
    let patterns = fields.require("allow")?.list()?.iter().map(pattern).collect::<Result<Vec<_>>>()?;
    Ok(Policy::allow(patterns))
}

fn limits(at: &At<'_>) -> Result<LimitsRequest> {
    let names: Vec<&str> = Limit::ALL.iter().map(|limit| limit.name()).collect();
    let mut request = LimitsRequest::default();
    for (key, value) in at.entries()? {
        let limit =
            Limit::from_name(key).ok_or_else(|| value.error(format!("is not a limit, {}", meant(key, &names))))?;
        if request.get(limit).is_some() {
            return Err(value.error(format!("is there twice, as `{}` and as `{}`", limit.name(), limit.key())));
        }
        let text = value.number_or_text("a number or a text")?;
        request.set(limit, limit.parse_value(&text).map_err(|error| value.error(format!("is wrong: {error}")))?);
    }
    Ok(request)
}

/// What one of two words means.
fn one_of<T>(at: &At<'_>, words: [(&str, T); 2]) -> Result<T> {
    let (text, names) = (at.text()?, words.each_ref().map(|(word, _)| *word).join("` or `"));
    let found = words.into_iter().find(|(word, _)| *word == text);
    found.map(|(_, meant)| meant).ok_or_else(|| at.error(format!("must be `{names}`")))
}

/// Some of `all`, each once and one at the least.
fn listed<T: Copy + PartialEq>(at: &At<'_>, all: &[T], name: fn(T) -> &'static str, what: &str) -> Result<Vec<T>> {
    let mut list = Vec::new();
    for at in at.list()? {
        let text = at.text()?;
        let names = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join("` or `");
        let found = all.iter().copied().find(|one| name(*one) == text);
        let one = found.ok_or_else(|| at.error(format!("must be `{}`", names())))?;
        if list.contains(&one) {
            return Err(at.error("is there twice"));
        }
        list.push(one);
    }
    if list.is_empty() { Err(at.error(format!("must have {what}"))) } else { Ok(list) }
}

fn duration(at: &At<'_>) -> Result<Duration> {
    let text = at.number_or_text("a time")?;
    match Limit::WallTime.parse_value(&text) {
        Ok(milliseconds) if milliseconds > 0 => Ok(Duration::from_millis(milliseconds)),
        _ => Err(at.error("must be a time such as `500ms` or `2s`")),
    }
}

#[cfg(test)]
mod tests;
