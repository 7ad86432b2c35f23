//! What goes to the terminal: results to standard output, everything else to standard error.

use std::fmt;
use std::io::{self, Write};

use conduit_core::error::{Error, ErrorCode, Result};

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

/// A text that an upstream may have written, on one line and fit for a terminal.
pub(crate) fn harmless(text: &str) -> String {
    // SECURITY: an upstream's escape sequences do not reach the terminal, nor does text that reverses its direction.
    let shown = |c: char| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
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
