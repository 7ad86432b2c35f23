//! Steps: commands that are printed, timed and counted, with a table at the end.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What can go wrong in xtask itself, as a text for the developer.
pub type Result<T = (), E = String> = std::result::Result<T, E>;

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A command that runs in the repository's root, without standard input.
#[expect(clippy::disallowed_methods, reason = "xtask is a developer's tool: it starts other tools")]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this.
pub fn cargo() -> Command {
    command(env!("CARGO"))
}

/// What `command` writes to standard output, if it ends well.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ended = command.output().map_err(|error| format!("cannot run `{program}`: {error}"))?;
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    if ended.status.success() {
        return Ok(said);
    }
    Err(format!("`{program}` ended with {}: {said}{}", ended.status, String::from_utf8_lossy(&ended.stderr)))
}

/// Something that must not be overlooked.
pub fn banner(text: &str) {
    let line = "!".repeat(100);
    println!("\n{line}");
    for row in text.lines() {
        println!("!!  {row}");
    }
    println!("{line}\n");
}

/// The sums of the `test result:` lines of one or more test programs.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Counts {
    /// Adds what `line` says, if it is a `test result:` line of Rust's test harness or a sum of Node's.
    fn add(&mut self, line: &str) {
        let tap = line.strip_prefix("# ").and_then(|sum| sum.split_once(' '));
        if let Some((what, Ok(number))) = tap.map(|(what, number)| (what, number.parse::<u64>())) {
            match what {
                "pass" => self.passed += number,
                "fail" | "cancelled" => self.failed += number,
                "skipped" => self.ignored += number,
                _ => {}
            }
            return;
        }
        let Some((_, sums)) = line.trim_start().strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for sum in sums.split("; ") {
            let Some((number, what)) = sum.split_once(' ') else { continue };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

struct Step {
    name: String,
    took: Duration,
    ok: bool,
    note: String,
}

/// The steps so far.
pub struct Steps {
    done: Vec<Step>,
    tests: Counts,
}

impl Steps {
    /// No step yet.
    pub fn new() -> Steps {
        Steps { done: Vec::new(), tests: Counts::default() }
    }

    /// Runs `command` with its output shown; says whether it succeeded.
    pub fn run(&mut self, name: &str, command: &mut Command) -> bool {
        self.run_if_possible(name, command, -1)
    }

    /// Like [`Steps::run`], for a command whose exit status `missing` says that something cannot be had on this machine.
    pub fn run_if_possible(&mut self, name: &str, command: &mut Command, missing: i32) -> bool {
        announce(name, command);
        let start = Instant::now();
        let ended = command.status();
        if ended.as_ref().is_ok_and(|status| status.code() == Some(missing)) {
            self.cannot(name, "What it needs cannot be had, see above.");
            return false;
        }
        self.record(name, start, ended.map(|status| status.success()))
    }

    /// Like [`Steps::run`], and counts the tests that its output tells of.
    pub fn run_tests(&mut self, name: &str, command: &mut Command) -> bool {
        announce(name, command);
        let start = Instant::now();
        let mut counts = Counts::default();
        let ended = command.stdout(Stdio::piped()).spawn().and_then(|mut child| {
            for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
                let line = line?;
                counts.add(&line);
                writeln!(std::io::stdout(), "{line}")?;
            }
            child.wait()
        });
        self.tests.passed += counts.passed;
        self.tests.failed += counts.failed;
        self.tests.ignored += counts.ignored;
        // A test program that crashed leaves no line: it counts as one failure all the same.
        let ok = self.record(name, start, ended.map(|status| status.success()));
        self.tests.failed += u64::from(!ok && counts.failed == 0);
        ok
    }

    /// Runs `program`, and holds what it prints against `expected`.
    pub fn prints(&mut self, name: &str, program: &mut Command, expected: &str) {
        announce(name, program);
        let start = Instant::now();
        let printed = output(program).and_then(|printed| {
            if printed == expected { Ok(()) } else { Err(format!("it printed {printed:?}, expected {expected:?}")) }
        });
        self.check(name, start, printed);
    }

    /// Records a check that needed no command of its own.
    pub fn check(&mut self, name: &str, start: Instant, result: Result) -> bool {
        if let Err(message) = &result {
            println!("{name}: {message}");
        }
        self.record(name, start, Ok(result.is_ok()))
    }

    /// Records something that failed outside a step.
    pub fn failed(&mut self, name: &str, message: &str) {
        println!("{name}: {message}");
        self.record(name, Instant::now(), Ok(false));
    }

    /// Records something that this machine cannot do, and says so loudly. It does not fail the run.
    pub fn cannot(&mut self, name: &str, why: &str) {
        banner(&format!("{name} COULD NOT BE DONE HERE.\n{why}"));
        let note = "could not be done here, see above".to_owned();
        self.done.push(Step { name: name.to_owned(), took: Duration::ZERO, ok: true, note });
    }

    /// Prints the table of steps and, with `closing_line`, the sums of all tests; the exit status says whether all went well.
    pub fn close(self, closing_line: bool) -> ExitCode {
        println!("\n{}", if self.done.is_empty() { "nothing to do\n".to_owned() } else { table(&self.done) });
        let failed_steps = self.done.iter().filter(|step| !step.ok).count();
        if closing_line {
            // A failed step that ran no test counts too: a red run never closes with `0 failed`.
            let failed = self.tests.failed.max(u64::try_from(failed_steps).unwrap_or(u64::MAX));
            println!("{} passed, {failed} failed, {} skipped", self.tests.passed, self.tests.ignored);
        }
        ExitCode::from(u8::from(failed_steps > 0))
    }

    fn record(&mut self, name: &str, start: Instant, ended: std::io::Result<bool>) -> bool {
        let (ok, note) = match ended {
            Ok(ok) => (ok, if ok { String::new() } else { "FAILED".to_owned() }),
            Err(error) => (false, format!("FAILED: {error}")),
        };
        self.done.push(Step { name: name.to_owned(), took: start.elapsed(), ok, note });
        ok
    }
}

fn announce(name: &str, command: &Command) {
    let mut shown = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    println!("\n== {name}\n   {shown}");
}

fn table(steps: &[Step]) -> String {
    let width = steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for step in steps {
        let _ = writeln!(text, "{:width$}  {:>8.1} s  {}", step.name, step.took.as_secs_f64(), step.note);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed() {
        let mut counts = Counts::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.31s",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "the program printed: 99 passed; 99 failed",
            "# tests 6",
            "# pass 4",
            "# fail 1",
            "# cancelled 1",
            "# skipped 1",
        ] {
            counts.add(line);
        }
        assert_eq!(counts, Counts { passed: 18, failed: 5, ignored: 2 });
    }

    #[test]
    fn a_step_that_cannot_start_or_fails_fails_the_run() {
        let mut steps = Steps::new();
        assert!(!steps.run("none", &mut command("/no/such/program")));
        assert!(!steps.run("false", &mut command("false")));
        assert!(steps.run("true", &mut command("true")));
        assert_eq!(format!("{:?}", steps.close(true)), format!("{:?}", ExitCode::from(1)));
    }

    #[test]
    fn what_a_machine_lacks_fails_no_run() {
        let mut steps = Steps::new();
        assert!(!steps.run_if_possible("lacks", command("sh").args(["-c", "exit 3"]), 3));
        assert!(steps.run_if_possible("has", &mut command("true"), 3));
        assert_eq!(format!("{:?}", steps.close(true)), format!("{:?}", ExitCode::SUCCESS));
        let mut steps = Steps::new();
        assert!(!steps.run_if_possible("fails", &mut command("false"), 3));
        assert_eq!(format!("{:?}", steps.close(true)), format!("{:?}", ExitCode::from(1)));
    }

    #[test]
    fn a_crashed_test_program_counts_as_a_failure() {
        let mut steps = Steps::new();
        assert!(!steps.run_tests("crash", command("sh").args(["-c", "echo 'running 3 tests'; exit 101"])));
        assert_eq!(steps.tests, Counts { passed: 0, failed: 1, ignored: 0 });
    }
}
