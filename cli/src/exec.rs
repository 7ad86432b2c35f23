//! `conduit exec`: one program, its output as it comes, its value at the end.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use conduit_core::{
    Error, ErrorCode, Event, ExecutionRequest, ExecutionResult, GuestError, Language, Limit, Outcome, Result, Runtime,
    Shown, WorkerCommand,
};
use futures_util::StreamExt;

use crate::EXIT_CANCELLED;
use crate::args::ExecArgs;
use crate::output::{Printer, json_for_stdout};
use crate::session::{self, Interrupts};

/// The endings of files, and the language that they mean.
const ENDINGS: &[(&str, Language)] = &[
    ("ts", Language::TypeScript),
    ("mts", Language::TypeScript),
    ("js", Language::TypeScript),
    ("mjs", Language::TypeScript),
    ("py", Language::Python),
];

pub(crate) async fn exec(args: ExecArgs, worker: WorkerCommand) -> Result<u8> {
    let language = language(&args.file, args.language)?;
    let code = read_program(&args.file)?;
    let mut request = ExecutionRequest::new(language, code).limits(args.limits()?);
    if let Some(input) = args.input {
        request = request.input(input);
    }
    request.engine = args.engine;
    let mut interrupts = Interrupts::new()?;
    let runtime = session::open(&args.set_up, !args.set_up.allow.is_empty(), worker)?;
    let printer = Printer::start();
    let result = run(&runtime, request, (!args.json).then_some(&printer), &mut interrupts).await;
    if let Ok(result) = &result {
        report_upstreams(&runtime, result, &printer);
    }
    match &result {
        Ok(result) if args.json => printer.print(json_for_stdout(json(result)? + "\n")),
        Ok(result) => report(result, &printer),
        Err(_) => {}
    }
    let ((), printed) = tokio::join!(session::close(&runtime), printer.finish(interrupts.end_of_grace()));
    let status = exit_status(&result?.outcome);
    Ok(if printed? { status } else { EXIT_CANCELLED })
}

/// 0 completed, 1 failed, 3 over a limit, 130 cancelled.
fn exit_status(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Completed => 0,
        Outcome::LimitExceeded { .. } => 3,
        Outcome::Cancelled => EXIT_CANCELLED,
        _ => 1,
    }
}

fn language(file: &Path, named: Option<Language>) -> Result<Language> {
    if let Some(language) = named {
        return Ok(language);
    }
    if file == Path::new("-") {
        return Ok(Language::TypeScript);
    }
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, language)| *language).ok_or_else(
        || {
            let known: Vec<_> = ENDINGS.iter().map(|(known, _)| format!("`.{known}`")).collect();
            let message = format!("`{}` does not end in {}, say `--language`", file.display(), known.join(", "));
            Error::new(ErrorCode::InvalidRequest, message)
        },
    )
}

/// The program's text, up to a little more than any limit allows.
fn read_program(file: &Path) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorCode::InvalidRequest, format!("cannot read `{}`", file.display())).with_source(error)
    };
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    let most = Limit::ProgramSize.maximum();
    let mut bytes = Vec::new();
    // SECURITY: no more is read than the limit needs to refuse it.
    source.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        // The limit refuses it, though the cut may have gone through a character.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let code = String::from_utf8(bytes)
        .map_err(|error| unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
    // A mark that editors put in front of a text is no part of it.
    Ok(code.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(code))
}

/// Runs the program to its end; the first interrupt cancels it.
async fn run(
    runtime: &Runtime,
    request: ExecutionRequest,
    show: Option<&Printer>,
    interrupts: &mut Interrupts,
) -> Result<ExecutionResult> {
    let mut execution = runtime.spawn(request)?;
    let mut events = execution.take_events();
    loop {
        tokio::select! {
            event = events.next() => match (event, show) {
                (Some(Event::Stdout { text }), Some(printer)) => printer.print_of_program(&text),
                (Some(Event::Stderr { text }), Some(printer)) => printer.print_error_of_program(&text),
                (Some(_), _) => {}
                (None, _) => return execution.join().await,
            },
            () = interrupts.next() => execution.cancel(),
        }
    }
}

fn json(result: &ExecutionResult) -> Result<String> {
    serde_json::to_string_pretty(result)
        .map_err(|error| Error::new(ErrorCode::Internal, "the result is no JSON").with_source(error))
}

/// Says why the upstreams failed that failed calls: the program was told no more than that they did.
fn report_upstreams(runtime: &Runtime, result: &ExecutionResult, printer: &Printer) {
    for upstream in failed_upstreams(result) {
        if let Some(error) = runtime.last_error(upstream) {
            printer.complain(format_args!("upstream `{upstream}`: {}", Shown(&error, session::ERROR)));
        }
    }
}

/// The upstreams that failed calls of the program.
pub(crate) fn failed_upstreams(result: &ExecutionResult) -> BTreeSet<&str> {
    let failed = result.tool_calls.iter().filter(|call| call.error.is_some_and(|code| code.number() / 100 == 4));
    failed.filter_map(|call| call.tool.split('.').next()).collect()
}

/// What is left to say after the program's output.
fn report(result: &ExecutionResult, printer: &Printer) {
    match &result.outcome {
        Outcome::Completed if result.value.is_null() => {}
        Outcome::Completed => printer.print_of_program(&format!("{:#}\n", result.value)),
        Outcome::Failed { error } => printer.print_error_of_program(&describe(error)),
        Outcome::LimitExceeded { message, .. } => printer.complain(message),
        outcome => printer.complain(outcome.status()),
    }
}

/// The error as the program would have shown it, and where it came from.
pub(crate) fn describe(error: &GuestError) -> String {
    let mut text = format!("{}: {}", error.name, error.message);
    let stack = error.stack.trim_end();
    // Python's traceback ends with the error, and has its place.
    if stack.ends_with(&text) {
        return format!("{stack}\n");
    }
    if let Some(line) = error.line {
        text.push_str(&format!(" (line {line}"));
        if let Some(column) = error.column {
            text.push_str(&format!(", column {column}"));
        }
        text.push(')');
    }
    text.push('\n');
    if !stack.is_empty() {
        text.push_str(stack);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_language() {
        for name in ["a.ts", "A.TS", "a.mts", "a.js", "b/a.mjs", "-"] {
            assert_eq!(language(Path::new(name), None).unwrap(), Language::TypeScript, "{name}");
        }
        assert_eq!(language(Path::new("a.py"), None).unwrap(), Language::Python);
        for named in [Language::TypeScript, Language::Python] {
            for name in ["a", "-", "a.py", "a.ts"] {
                assert_eq!(language(Path::new(name), Some(named)).unwrap(), named, "{name}");
            }
        }
        assert_eq!(
            language(Path::new("a.rb"), None).unwrap_err().to_string(),
            "`a.rb` does not end in `.ts`, `.mts`, `.js`, `.mjs`, `.py`, say `--language`"
        );
    }

    #[test]
    fn a_program_that_is_too_large_is_cut_anywhere_and_another_must_be_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.ts");
        let most = usize::try_from(Limit::ProgramSize.maximum()).unwrap();
        std::fs::write(&file, format!("{}{}", "/".repeat(most), "é")).unwrap();
        assert!(read_program(&file).unwrap().len() > most);
        std::fs::write(&file, [b'1', 0xe9]).unwrap();
        let error = read_program(&file).unwrap_err().to_string();
        assert!(error.contains("utf-8"), "{error}");
    }

    #[test]
    fn every_outcome_has_its_exit_status() {
        let limit = Outcome::LimitExceeded { limit: Limit::CpuTime, message: String::new() };
        let failed = Outcome::Failed { error: GuestError::default() };
        let statuses = [Outcome::Completed, failed, limit, Outcome::Cancelled].map(|outcome| exit_status(&outcome));
        assert_eq!(statuses, [0, 1, 3, 130]);
    }

    #[test]
    fn an_error_says_where() {
        let mut error = GuestError::default();
        (error.name, error.message) = ("TypeError".into(), "no".into());
        assert_eq!(describe(&error), "TypeError: no\n");
        error.line = Some(3);
        assert_eq!(describe(&error), "TypeError: no (line 3)\n");
        error.column = Some(7);
        error.stack = "    at f (program.ts:3:7)\n".into();
        assert_eq!(describe(&error), "TypeError: no (line 3, column 7)\n    at f (program.ts:3:7)\n");
    }
}
