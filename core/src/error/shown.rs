//! How a text that somebody else wrote stands in a message, a log or on a terminal.

use std::fmt::{self, Write};

/// A text of somebody else's as one line that hides nothing: the first so many characters, `...` when there are more, and
/// what cannot be seen as an escape.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str, pub usize);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(text, max_chars) = *self;
        for (count, c) in text.chars().enumerate() {
            if count == max_chars {
                return f.write_str("...");
            }
            // SECURITY: no escape sequence reaches a terminal, nothing begins a line or reverses it, nothing is hidden.
            match c {
                '\n' | '\r' | '\t' | '\0' => write!(f, "{}", c.escape_debug())?,
                _ if is_invisible(c) => write!(f, "{}", c.escape_unicode())?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Control characters, line and paragraph separators, and what changes direction or has no width.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u27_what_others_write_is_one_visible_line() {
        let shown = |text: &str| Shown(text, 20).to_string();
        assert_eq!(shown("\u{1b}[2Jfiles\u{9b}\r\n"), "\\u{1b}[2Jfiles\\u{9b}\\r\\n");
        assert_eq!(shown("a\u{202e}b\u{2028}c\u{200b}d\u{e0041}\0"), "a\\u{202e}b\\u{2028}c\\u{200b}d\\u{e0041}\\0");
        assert_eq!(shown("दिल्ली 'x' \\ `y`"), "दिल्ली 'x' \\ `y`");
        assert_eq!(shown(&"é".repeat(20)), "é".repeat(20));
        assert_eq!(shown(&"é".repeat(21)), format!("{}...", "é".repeat(20)));
    }
}
