//! What goes to the terminal: results to standard output, everything else to standard error.

use std::fmt;
use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;

use conduit_core::error::{Error, ErrorCode, Result};
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

    pub(crate) fn print_error(&self, text: impl Into<String>) {
        let _ = self.pieces.send(Piece::Err(text.into()));
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

/// One line on standard error, with the command's name.
pub(crate) fn complain(message: impl fmt::Display) {
    print_error(&format!("conduit: {message}\n"));
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

/// A line that an upstream may have written, as one line and fit for a terminal.
pub(crate) fn harmless(text: &str) -> String {
    // SECURITY: an upstream's escape sequences do not reach the terminal, nor does text that reverses its direction.
    let shown = |c: char| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() && c != '\t' => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The first line of a text that an upstream wrote, not too long and fit for a terminal.
pub(crate) fn first_line(text: &str) -> String {
    const LONGEST: usize = 100;
    let line = harmless(text.trim().lines().next().unwrap_or_default().trim_end());
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(&line)),
        None => line,
    }
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
    fn u27_what_upstreams_write_cannot_steer_the_terminal() {
        assert_eq!(first_line("\n  Lists \u{1b}[2Jfiles\u{9b}\r\nmore"), "Lists \u{fffd}[2Jfiles\u{fffd}");
        assert_eq!(first_line("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(first_line(&"x".repeat(101)), format!("{}…", "x".repeat(100)));
        assert_eq!(first_line(&"x".repeat(100)), "x".repeat(100));
        assert_eq!(first_line(""), "");
    }
}
