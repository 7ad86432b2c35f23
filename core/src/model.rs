//! Plain data that crosses every boundary: what goes into an execution and what comes out.
//!
//! No behaviour beyond construction, no decisions. The JSON of these types is the contract of the command line, the C
//! ABI and the packages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result, Shown, read_json};
use crate::limits::{Limit, LimitsRequest, Usage, thousandths};
use crate::tool::ToolPattern;

/// The language of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Language {
    /// TypeScript, of which JavaScript is a part.
    TypeScript,
    /// Python 3.13, with its standard library.
    Python,
}

impl Language {
    /// All languages.
    pub const ALL: &[Language] = &[Language::TypeScript, Language::Python];

    /// The stable name, such as `typescript`.
    pub const fn name(self) -> &'static str {
        match self {
            Language::TypeScript => "typescript",
            Language::Python => "python",
        }
    }

    /// The language with this name.
    ///
    /// # Errors
    /// `invalid_request` when there is none.
    pub fn parse(name: &str) -> Result<Language> {
        Language::from_name(name).ok_or_else(|| {
            let names: Vec<_> = Language::ALL.iter().map(|language| language.name()).collect();
            let message = format!("`{}` is no language, expected `{}`", Shown(name, 40), names.join("` or `"));
            Error::new(ErrorCode::InvalidRequest, message)
        })
    }

    /// The language with this name, or `None`.
    pub fn from_name(name: &str) -> Option<Language> {
        Language::ALL.iter().copied().find(|language| language.name() == name)
    }
}

/// What runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Engine {
    /// An interpreter in WebAssembly: QuickJS or CPython.
    Wasm,
    /// V8, for TypeScript alone, in a worker process: compiles what a program computes much with. Not in every build.
    V8,
}

impl Engine {
    /// All engines.
    pub const ALL: &[Engine] = &[Engine::Wasm, Engine::V8];

    /// The stable name, such as `wasm`.
    pub const fn name(self) -> &'static str {
        match self {
            Engine::Wasm => "wasm",
            Engine::V8 => "v8",
        }
    }

    /// The engine with this name, or `None`.
    pub fn from_name(name: &str) -> Option<Engine> {
        Engine::ALL.iter().copied().find(|engine| engine.name() == name)
    }

    /// Whether it runs programs in `language`.
    pub const fn runs(self, language: Language) -> bool {
        match self {
            Engine::Wasm => true,
            Engine::V8 => matches!(language, Language::TypeScript),
        }
    }
}

/// One program to run, and what it may do.
///
/// # Example: less than the operator allows
///
/// ```
/// use conduit_core::{ExecutionRequest, Limit, LimitsRequest, Outcome, Runtime, ToolPattern};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> conduit_core::Result<()> {
/// let mut limits = LimitsRequest { tool_calls: Some(5), ..LimitsRequest::default() };
/// limits.set(Limit::CpuTime, Limit::CpuTime.parse_value("50ms")?);
/// let request = ExecutionRequest::typescript("while (input.endless) {} return input.name")
///     .input(serde_json::json!({"endless": true, "name": "x"}))
///     .allow([ToolPattern::parse("github.get_issue")?])
///     .limits(limits);
///
/// let result = Runtime::builder().build()?.execute(request).await?;
/// let Outcome::LimitExceeded { limit, message } = result.outcome else { panic!("{result:?}") };
/// assert_eq!(limit, Limit::CpuTime);
/// assert_eq!(message, "the program went over its limit `cpu_time` of 50 ms, compute less, or in several runs");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ExecutionRequest {
    /// The program's language.
    pub language: Language,
    /// The program's source.
    pub code: String,
    /// Narrows the operator's policy. Absent keeps it, empty allows nothing.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>"))]
    pub allow: Option<Vec<ToolPattern>>,
    /// What the program finds as `input`.
    #[serde(default)]
    pub input: Value,
    /// Limits that differ from the operator's defaults.
    #[serde(default)]
    pub limits: LimitsRequest,
    /// What is to run it, one of those that the operator offers. Absent is the first of them that runs the language.
    #[serde(default)]
    pub engine: Option<Engine>,
}

impl ExecutionRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// `invalid_request` when it is not understood.
    pub fn from_json(json: &str) -> Result<ExecutionRequest> {
        read_json(json, ErrorCode::InvalidRequest, "the request")
    }

    /// A program in `language`, with the operator's policy and default limits.
    pub fn new(language: Language, code: impl Into<String>) -> ExecutionRequest {
        ExecutionRequest {
            language,
            code: code.into(),
            allow: None,
            input: Value::Null,
            limits: LimitsRequest::default(),
            engine: None,
        }
    }

    /// A TypeScript (or JavaScript) program.
    pub fn typescript(code: impl Into<String>) -> ExecutionRequest {
        ExecutionRequest::new(Language::TypeScript, code)
    }

    /// A Python program.
    ///
    /// # Example: a program calls a tool
    ///
    /// ```
    /// use conduit_core::{ExecutionRequest, LocalTool, Policy, Runtime, ToolPattern};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> conduit_core::Result<()> {
    /// let ping = LocalTool::new("ping", |_arguments, _context| async { Ok("pong".into()) });
    /// let everything = Policy::allow([ToolPattern::parse("*")?]);
    /// let runtime = Runtime::builder().host_tool(ping).policy(everything).build()?;
    /// let request = ExecutionRequest::python("print(await tools.host.ping())\nreturn input['n'] + 1");
    /// let result = runtime.execute(request.input(serde_json::json!({"n": 41}))).await?;
    /// assert_eq!((result.value, result.stdout.as_str()), (42.into(), "pong\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn python(code: impl Into<String>) -> ExecutionRequest {
        ExecutionRequest::new(Language::Python, code)
    }

    /// Narrows the operator's policy to these patterns.
    pub fn allow(mut self, patterns: impl IntoIterator<Item = ToolPattern>) -> ExecutionRequest {
        self.allow = Some(patterns.into_iter().collect());
        self
    }

    /// What the program finds as `input`.
    pub fn input(mut self, input: Value) -> ExecutionRequest {
        self.input = input;
        self
    }

    /// Limits that differ from the operator's defaults.
    pub fn limits(mut self, limits: LimitsRequest) -> ExecutionRequest {
        self.limits = limits;
        self
    }

    /// What is to run it.
    pub fn engine(mut self, engine: Engine) -> ExecutionRequest {
        self.engine = Some(engine);
        self
    }
}

/// How an execution ended, and everything that it produced until then.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ExecutionResult {
    /// Unguessable, unique per execution.
    pub id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The program's value; `null` unless it completed.
    pub value: Value,
    /// Standard output, complete or cut at the limit.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// Every call of a tool, in the order in which they started.
    pub tool_calls: Vec<ToolCallRecord>,
    /// What it used.
    pub usage: Usage,
}

impl ExecutionResult {
    /// The result of an execution that gave, wrote, called and used nothing.
    pub fn new(id: impl Into<String>, outcome: Outcome) -> ExecutionResult {
        ExecutionResult {
            id: id.into(),
            outcome,
            value: Value::Null,
            stdout: String::new(),
            stderr: String::new(),
            tool_calls: Vec::new(),
            usage: Usage::default(),
        }
    }
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The program ended by itself; its value is in the result.
    Completed,
    /// The program threw, or is not a program.
    Failed {
        /// What was thrown.
        error: GuestError,
    },
    /// The program broke a limit; what it had produced is kept.
    LimitExceeded {
        /// Which one.
        limit: Limit,
        /// The limit's value and what to do, for the model.
        message: String,
    },
    /// The caller cancelled it.
    Cancelled,
}

impl Outcome {
    /// `completed`, `failed`, `limit_exceeded` or `cancelled`.
    pub const fn status(&self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::Failed { .. } => "failed",
            Outcome::LimitExceeded { .. } => "limit_exceeded",
            Outcome::Cancelled => "cancelled",
        }
    }
}

/// What a program threw, in the positions of its own source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct GuestError {
    /// The error's class, such as `TypeError`.
    pub name: String,
    /// The error's text.
    pub message: String,
    /// Where it was thrown, one frame a line, then what else the error tells: causes, fields; for a syntax error the line of the
    /// source, marked. Empty when not known.
    #[serde(default)]
    pub stack: String,
    /// The line in the program, from 1, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in the program, from 1, in UTF-16 units, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Whether it was the sandbox that failed, so that the program could not go on: another run may end otherwise. Calls that were
    /// made have had their effect.
    // SECURITY: a program, which may throw whatever it likes, does not say this.
    #[serde(default, skip_deserializing, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
}

/// One call of a tool, as it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ToolCallRecord {
    /// The tool: as resolved, or as the program named it when it was refused.
    pub tool: String,
    /// Why the call failed; nothing when it gave a value.
    pub error: Option<ErrorCode>,
    /// When it started, in milliseconds after the execution.
    #[serde(serialize_with = "thousandths")]
    pub started_ms: f64,
    /// How long it took, in milliseconds.
    #[serde(serialize_with = "thousandths")]
    pub duration_ms: f64,
    /// The arguments' JSON, in bytes.
    pub arguments_bytes: u64,
    /// The JSON that the program got, in bytes.
    pub reply_bytes: u64,
}

/// What happens while an execution runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The program wrote to standard output.
    Stdout {
        /// What it wrote.
        text: String,
    },
    /// The program wrote to standard error.
    Stderr {
        /// What it wrote.
        text: String,
    },
    /// A call of a tool went out.
    ToolCallStarted {
        /// Counts the calls of this execution from 0.
        index: u64,
        /// The tool.
        tool: String,
    },
    /// A call of a tool ended.
    ToolCallEnded {
        /// As when it went out.
        index: u64,
        /// How it went.
        record: ToolCallRecord,
    },
}
