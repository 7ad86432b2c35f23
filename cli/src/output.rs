//! What goes to the terminal: results to standard output, everything else to standard error.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;
use std::thread;

use conduit_core::{Error, ErrorCode, Result};
use tokio::sync::oneshot;

/// Standard output and standard error, written in turn by a thread of its own: a reader that does not read holds up nothing
/// else. What waits to be written is bounded by what a program may print.
pub(crate) struct Printer {
    pieces: mpsc::Sender<Piece>,
    written: oneshot::Receiver<io::Result<()>>,
}

enum Piece {
    Out(String),
    Err(String),
}

impl Printer {
    pub(crate) fn start() -> Printer {
        let (pieces, receiver) = mpsc::channel();
        let (done, written) = oneshot::channel();
        thread::spawn(move || done.send(write(receiver)));
        Printer { pieces, written }
    }

    pub(crate) fn print(&self, text: impl Into<String>) {
        // The thread lives as long as the sender.
        let _ = self.pieces.send(Piece::Out(text.into()));
    }

    /// Writes what a program wrote to standard output.
    pub(crate) fn print_of_program(&self, text: &str) {
        self.print(for_stream(text, io::stdout().is_terminal()));
    }

    /// Writes what a program wrote to standard error.
    pub(crate) fn print_error_of_program(&self, text: &str) {
        let _ = self.pieces.send(Piece::Err(for_stream(text, io::stderr().is_terminal()).into_owned()));
    }

    /// As [`complain`], after what waits to be written.
    pub(crate) fn complain(&self, message: impl fmt::Display) {
        let _ = self.pieces.send(Piece::Err(complaint(message)));
    }

    /// Waits until everything is written, or until `give_up` ends; tells whether it was written. A reader that has gone
    /// away is no error.
    pub(crate) async fn finish(self, give_up: impl Future<Output = ()>) -> Result<bool> {
        drop(self.pieces);
        let failed = |error| Error::new(ErrorCode::Internal, "cannot write to standard output").with_source(error);
        tokio::select! {
            biased;
            // Without an answer, the thread has panicked.
            written = self.written => written.unwrap_or(Err(io::ErrorKind::Other.into())).map_err(failed).map(|()| true),
            () = give_up => Ok(false),
        }
    }
}

fn write(pieces: mpsc::Receiver<Piece>) -> io::Result<()> {
    let mut result = Ok(());
    for piece in pieces {
        match piece {
            Piece::Out(text) if result.is_ok() => {
                let mut stdout = io::stdout().lock();
                result = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
            }
            Piece::Out(_) => {}
            Piece::Err(text) => print_error(&text),
        }
    }
    result.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Writes to standard error at once. Nothing can be done when that fails.
fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A program's text, byte for byte, but for a terminal: there it moves no cursor, changes no title and no clipboard.
fn for_stream(text: &str, is_terminal: bool) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    // SECURITY: a program's control sequences do not reach the terminal.
    if !is_terminal || !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The same JSON, which moves no cursor either when standard output is a terminal.
pub(crate) fn json_for_stdout(json: String) -> String {
    if io::stdout().is_terminal() { json_for_terminal(json) } else { json }
}

fn json_for_terminal(json: String) -> String {
    // SECURITY: JSON escapes only the control characters of ASCII; DEL and those above stand in texts alone.
    let steers = |c: char| c.is_control() && !c.is_ascii_control() || c == '\u{7f}';
    if !json.contains(steers) {
        return json;
    }
    json.chars().map(|c| if steers(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

/// One line on standard error, with the command's name.
pub(crate) fn complain(message: impl fmt::Display) {
    print_error(&complaint(message));
}

fn complaint(message: impl fmt::Display) -> String {
    format!("conduit: {message}\n")
}

/// Rows in columns that are as wide as their widest cell; the last one is not filled up.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(table(&[row("a", "x"), row("bcd", "yz"), row("é", "")]), "a    x\nbcd  yz\né\n");
    }

    #[test]
    fn json_cannot_steer_the_terminal() {
        let json = "{\n  \"a\": \"\u{9b}2J\u{7f}é\\u001b\"\n}\n";
        assert_eq!(json_for_terminal(json.to_owned()), "{\n  \"a\": \"\\u009b2J\\u007fé\\u001b\"\n}\n");
        assert_eq!(json_for_terminal("{}\n".to_owned()), "{}\n");
    }

    #[test]
    fn a_program_cannot_steer_the_terminal() {
        let text = "a\tb\n\u{1b}]52;c;eA==\u{7}\u{9b}2J\r\u{e9}\n";
        assert_eq!(for_stream(text, false), text);
        assert_eq!(for_stream(text, true), "a\tb\n\\u{1b}]52;c;eA==\\u{7}\\u{9b}2J\\r\u{e9}\n");
        assert_eq!(for_stream("plain\n", true), "plain\n");
    }
}
