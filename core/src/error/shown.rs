//! How a text that somebody else wrote stands in a message, a log or on a terminal.

use std::fmt::{self, Write};
use std::ops::RangeInclusive;

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

/// Control characters, line and paragraph separators, and what changes direction, has no width or shows nothing.
pub(crate) fn is_invisible(c: char) -> bool {
    const RANGES: [RangeInclusive<char>; 17] = [
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{61c}'..='\u{61c}',
        '\u{115f}'..='\u{1160}',
        '\u{17b4}'..='\u{17b5}',
        '\u{180b}'..='\u{180f}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{2800}'..='\u{2800}',
        '\u{3164}'..='\u{3164}',
        '\u{fe00}'..='\u{fe0f}',
        '\u{feff}'..='\u{feff}',
        '\u{ffa0}'..='\u{ffa0}',
        '\u{fff0}'..='\u{fffb}',
        '\u{1d173}'..='\u{1d17a}',
        '\u{e0000}'..='\u{e0fff}',
    ];
    c.is_control() || RANGES.iter().any(|range| range.contains(&c))
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
