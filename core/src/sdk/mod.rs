//! The tools as a program sees them: declarations for the model, names, search. Pure: from tools to text and back.
//!
//! Owns nothing that is enforced: what is shown here is convenience, the gateway decides. Whatever is allowed is asked of
//! the caller. Every text of an upstream is data: it is escaped where it is printed and cut where it is long.

pub mod accept;
pub mod names;
pub mod search;
mod words;

pub use accept::accept;
pub use names::Resolver;
pub use search::{Hit, Index};
