//! What goes to the terminal: results to standard output, everything else to standard error.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use conduit_core::{Error, ErrorCode, Result};

/// Writes to standard output at once. A reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorCode::Internal, "cannot write to standard output").with_source(error))
        }
        _ => Ok(()),
    }
}

/// Writes to standard error at once. Nothing can be done when that fails.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes what a program wrote to standard output.
pub(crate) fn print_of_program(text: &str) -> Result<()> {
    print(&for_stream(text, io::stdout().is_terminal()))
}

/// Writes what a program wrote to standard error.
pub(crate) fn print_error_of_program(text: &str) {
    print_error(&for_stream(text, io::stderr().is_terminal()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(table(&[row("a", "x"), row("bcd", "yz"), row("é", "")]), "a    x\nbcd  yz\né\n");
    }

    #[test]
    fn a_program_cannot_steer_the_terminal() {
        let text = "a\tb\n\u{1b}]52;c;eA==\u{7}\u{9b}2J\r\u{e9}\n";
        assert_eq!(for_stream(text, false), text);
        assert_eq!(for_stream(text, true), "a\tb\n\\u{1b}]52;c;eA==\\u{7}\\u{9b}2J\\r\u{e9}\n");
        assert_eq!(for_stream("plain\n", true), "plain\n");
    }
}
