//! What programs and models see of tools: names and their aliases, search, declarations.
//!
//! Pure: tools in, texts and positions out. No code is ever made from what an upstream wrote; declarations are for
//! reading. Nothing here decides what is allowed.

use std::borrow::Cow;

mod guide;
mod ir;
pub mod names;
pub mod python;
mod references;
#[cfg(test)]
mod samples;
pub mod search;
mod text;
pub mod typescript;

pub use guide::guide;

/// At most this many characters, with a mark where something is missing.
pub(crate) fn cut(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}
