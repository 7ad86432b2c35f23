//! Core's transpiler, compiled by itself, so that a guest's tests run the programs that Conduit would.
//!
//! Owns only what the transpiler imports of core: two limits and the shape of an error.

#[cfg_attr(test, allow(clippy::needless_update, reason = "core has more limits"))]
#[path = "../../../../../core/src/transpile/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "a test needs less of it than core")]
mod transpile;

pub use limits::{Limit, Limits};
pub use model::GuestError;
pub use transpile::{Program, TranspileError, transpile};

mod limits {
    /// The limits of a program's source.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Limit {
        /// Of its bytes.
        ProgramSize,
        /// Of its nesting.
        ProgramDepth,
    }

    impl Limit {
        /// Only for core's tests, which are compiled here too and run in core.
        #[cfg(test)]
        pub(crate) fn advice(self) -> &'static str {
            ""
        }

        /// As in core.
        pub(crate) const fn maximum(self) -> u64 {
            match self {
                Limit::ProgramSize => 4 << 20,
                Limit::ProgramDepth => 500,
            }
        }
    }

    /// What they are in a run.
    #[derive(Clone, Debug)]
    pub struct Limits {
        /// Bytes.
        pub program_bytes: u64,
        /// Levels.
        pub program_depth: u64,
    }

    impl Default for Limits {
        fn default() -> Limits {
            Limits { program_bytes: 1 << 20, program_depth: 256 }
        }
    }
}

mod model {
    /// A syntax error, as core tells it.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct GuestError {
        /// The error's class.
        pub name: String,
        /// Its text.
        pub message: String,
        /// The line of the source, marked.
        pub stack: String,
        /// From 1.
        pub line: Option<u32>,
        /// From 1, in UTF-16 units.
        pub column: Option<u32>,
    }
}
