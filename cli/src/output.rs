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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(table(&[row("a", "x"), row("bcd", "yz"), row("é", "")]), "a    x\nbcd  yz\né\n");
    }
}
