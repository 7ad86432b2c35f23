//! What programs and models see of tools: names and their aliases, search, declarations.
//!
//! Pure: tools in, texts and positions out. No code is ever made from what an upstream wrote; declarations are for
//! reading. Nothing here decides what is allowed.

mod ir;
pub mod names;
mod references;
pub mod search;
pub mod typescript;
