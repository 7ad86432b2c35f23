//! Texts that C borrows from a handle.

use crate::boundary::{conduit_str, freed, lent};
use crate::handles::Table;

/// A text that the library made.
pub struct conduit_text;

pub(crate) static TEXTS: Table<conduit_text, Text> = Table::new("text");

/// A text that does not move while its handle lives.
pub(crate) struct Text(Box<str>);

impl Text {
    pub(crate) fn new(text: String) -> Text {
        Text(text.into_boxed_str())
    }

    /// For C, as long as the handle lives.
    pub(crate) fn lend(&self) -> conduit_str {
        conduit_str::borrowed(&self.0)
    }
}

/// The text. Valid until it is freed; `{NULL, 0}` when this is no text.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_text_str(text: *const conduit_text) -> conduit_str {
    lent(|| Ok(TEXTS.get(text)?.lend()))
}

/// Frees a text. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_text_free(text: *mut conduit_text) {
    freed(&TEXTS, text);
}
