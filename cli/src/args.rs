//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use conduit_core::{Engine, Error, ErrorCode, Language, Limit, LimitsRequest, ToolPattern};
use serde_json::Value;

/// Runs programs that a model wrote in a sandbox, and lets them call MCP tools.
#[derive(Debug, Parser)]
#[command(name = "conduit", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program and print its output and its value.
    Exec(ExecArgs),
    /// List the tools that programs may call.
    Tools(ToolsArgs),
    /// Print the tools as declarations in a program's language.
    Declarations(DeclarationsArgs),
    /// Check the config and connect every upstream.
    Check(CheckArgs),
    /// Serve `execute_typescript`, `execute_python`, `search_tools` and `describe_tools` over MCP.
    Serve(ServeArgs),
    /// Run programs for another process of Conduit.
    #[command(hide = true)]
    Worker {
        /// That process.
        host: OsString,
    },
}

/// Which tools there are, and which of them may be called.
#[derive(Debug, clap::Args)]
pub(crate) struct SetUp {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Allow only tools like this: `*`, `github.*` or `github.create_issue`. Narrows the config's policy; without one it
    /// is the policy. Can be given more than once.
    #[arg(long, value_name = "PATTERN", value_parser = ToolPattern::parse)]
    pub(crate) allow: Vec<ToolPattern>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConfigFile {
    /// The config. Default: what `CONDUIT_CONFIG` names, else `conduit.yaml` or `conduit.json` here, else none.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExecArgs {
    /// The program, or `-` for standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) set_up: SetUp,
    /// What the program finds as `input`.
    #[arg(long, value_name = "JSON", value_parser = parse_input, allow_negative_numbers = true)]
    pub(crate) input: Option<Value>,
    /// A limit, such as `cpu_time=500ms` or `memory=64MiB`. Can be given for several limits.
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = parse_limit)]
    pub(crate) limits: Vec<(Limit, u64)>,
    /// The program's language. Default: by the file's ending, and `typescript` for standard input.
    #[arg(long, value_parser = parse_language)]
    pub(crate) language: Option<Language>,
    /// What runs the program: `wasm` or `v8`, if the config offers it. Default: the config's first that runs the language.
    #[arg(long, value_parser = parse_engine)]
    pub(crate) engine: Option<Engine>,
    /// Print the whole result as JSON, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

impl ExecArgs {
    /// # Errors
    /// `invalid_limit` when one limit has two values.
    pub(crate) fn limits(&self) -> Result<LimitsRequest, Error> {
        let mut request = LimitsRequest::default();
        for (limit, value) in &self.limits {
            if request.get(*limit).is_some() {
                return Err(Error::new(ErrorCode::InvalidLimit, format!("limit `{limit}` is given twice")));
            }
            request.set(*limit, *value);
        }
        Ok(request)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ToolsArgs {
    /// Only the tools that fit these words best, best first.
    pub(crate) query: Option<String>,
    #[command(flatten)]
    pub(crate) set_up: SetUp,
    /// Print the tools with their schemas as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeclarationsArgs {
    #[command(flatten)]
    pub(crate) set_up: SetUp,
    /// The language of the declarations.
    #[arg(long, value_parser = parse_language, default_value = Language::TypeScript.name())]
    pub(crate) language: Language,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Speak MCP over standard input and output.
    #[arg(long, required = true)]
    pub(crate) stdio: bool,
    #[command(flatten)]
    pub(crate) set_up: SetUp,
}

fn parse_input(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("expected JSON: {error}"))
}

fn parse_language(name: &str) -> Result<Language, String> {
    Language::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Language::ALL.iter().map(|language| language.name()).collect();
        format!("expected `{}`", names.join("`, `"))
    })
}

fn parse_engine(name: &str) -> Result<Engine, String> {
    Engine::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Engine::ALL.iter().map(|engine| engine.name()).collect();
        format!("expected `{}`", names.join("`, `"))
    })
}

fn parse_limit(text: &str) -> Result<(Limit, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected `name=value`, such as `cpu_time=500ms`")?;
    let limit = Limit::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        format!("there is no limit `{name}`, expected `{}`", names.join("`, `"))
    })?;
    let value = limit.parse_value(value).map_err(|error| error.to_string())?;
    Ok((limit, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn refused(line: &str) -> String {
        let error = Args::try_parse_from(line.split_whitespace()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        error.to_string().lines().next().unwrap().to_owned()
    }

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_whole_line_is_understood() {
        let line = "conduit exec p.ts --config c.yaml --allow a.* --allow b.c --input {\"x\":1} --limit cpu_time=500ms \
                    --limit memory_bytes=64MiB --limit tool_calls=3 --language typescript --json";
        let Command::Exec(args) = Args::try_parse_from(line.split_whitespace()).unwrap().command else { panic!() };
        assert_eq!(args.set_up.allow.iter().map(ToolPattern::as_str).collect::<Vec<_>>(), ["a.*", "b.c"]);
        assert_eq!(args.input, Some(serde_json::json!({"x": 1})));
        let limits = args.limits().unwrap();
        assert_eq!((limits.cpu_time_ms, limits.memory_bytes, limits.tool_calls), (Some(500), Some(64 << 20), Some(3)));
        assert!(args.json);
    }

    #[test]
    fn the_input_may_be_a_negative_number() {
        let Command::Exec(args) = Args::try_parse_from(["conduit", "exec", "p.ts", "--input", "-1.5"]).unwrap().command
        else {
            panic!()
        };
        assert_eq!(args.input, Some(serde_json::json!(-1.5)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, message) in [
            (
                "conduit exec p.ts --limit cpu_time",
                "error: invalid value 'cpu_time' for '--limit <NAME=VALUE>': expected `name=value`, such as `cpu_time=500ms`",
            ),
            (
                "conduit exec p.ts --limit cpu_time=5MiB",
                "error: invalid value 'cpu_time=5MiB' for '--limit <NAME=VALUE>': limit `cpu_time` cannot be `5MiB`, expected a time such as `500ms` or `2s`",
            ),
            (
                "conduit exec p.ts --allow github__x",
                "error: invalid value 'github__x' for '--allow <PATTERN>': `github__x` is not a tool pattern, expected `*`, `upstream.*` or `upstream.tool`",
            ),
            (
                "conduit exec p.ts --input {",
                "error: invalid value '{' for '--input <JSON>': expected JSON: EOF while parsing an object at line 1 column 1",
            ),
            (
                "conduit exec p.ts --language cobol",
                "error: invalid value 'cobol' for '--language <LANGUAGE>': expected `typescript`, `python`",
            ),
            ("conduit serve", "error: the following required arguments were not provided:"),
            ("conduit exce p.ts", "error: unrecognized subcommand 'exce'"),
        ] {
            assert_eq!(refused(line), message);
        }
        assert!(
            refused("conduit exec p.ts --limit cpu=1")
                .contains("there is no limit `cpu`, expected `cpu_time`, `wall_time`")
        );
    }
}
