//! What a guest asks of its host, and what it tells it: the types of the contract, which know nothing of V8.

use std::any::Any;

/// The host has stopped the program, and knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// What a guest asks of its host. All of it is called on the guest's thread.
///
/// Once a method has refused with [`Stopped`], the program does not run on and no method is called again.
pub trait Host: Any {
    /// Queues one host call and never blocks; gives the host's id of the call. The kinds are those of the contract.
    ///
    /// # Errors
    /// [`Stopped`] when a limit is reached.
    fn submit(&mut self, kind: i32, name: &str, arguments: &[u8]) -> Result<i64, Stopped>;

    /// One log entry to stdout (1) or stderr (2).
    ///
    /// # Errors
    /// [`Stopped`] when a limit is reached.
    fn write(&mut self, stream: i32, entry: &[u8]) -> Result<(), Stopped>;

    /// Nanoseconds since the Unix epoch, monotonic within a run. The guest sees whole milliseconds of it.
    fn now(&self) -> i64;

    /// Fills `bytes`, at most 64 KiB, with entropy.
    ///
    /// # Errors
    /// [`Stopped`] when the host has none to give.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Stopped>;

    /// The program has computed for a while: may it go on?
    ///
    /// # Errors
    /// [`Stopped`] when it may not.
    fn tick(&mut self) -> Result<(), Stopped>;

    /// The guest's memory in bytes, at ticks and at the end of a step.
    fn memory(&mut self, bytes: u64);
}

/// How a step of a program ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Every pending promise waits for the host, or for a timer that is due at `wake_at`, in nanoseconds of the host's clock.
    Waiting {
        /// When the next timer is due; `None` when there is none.
        wake_at: Option<i64>,
    },
    /// The program's value, as JSON.
    Done(String),
    /// The program threw.
    Failed(Failure),
    /// The host stopped it.
    Stopped,
    /// It needed more memory than it was given.
    OutOfMemory,
}

/// What a failed program threw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The error's name, of at most 256 bytes.
    pub name: String,
    /// Its message, of at most 8 KiB.
    pub message: String,
    /// All that the console would say of it, in at most 16 KiB.
    pub stack: String,
    /// The line of the program, as it was written, from 1.
    pub line: Option<u32>,
    /// The column in UTF-16 units, from 1.
    pub column: Option<u32>,
    /// It is what an allocation throws that the memory limit has refused.
    pub out_of_memory: bool,
}

impl Failure {
    /// Of the engine itself, not of the program.
    pub(crate) fn of_engine(what: &str) -> Failure {
        let message = format!("the guest runtime failed: {what}");
        Failure { name: "InternalError".into(), message, ..Failure::default() }
    }
}

/// Of a longer text than `most` bytes, its beginning and its end.
pub(crate) fn cut(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let head = text.floor_char_boundary(most / 2);
    let tail = text.ceil_char_boundary(text.len() - most / 2);
    match (text.get(..head), text.get(tail..)) {
        (Some(start), Some(end)) => format!("{start}... {} bytes left out ...{end}", tail - head),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_text_is_left_out() {
        assert_eq!(cut("abcdef".into(), 6), "abcdef");
        assert_eq!(cut("abcdefgh".into(), 4), "ab... 4 bytes left out ...gh");
        assert_eq!(cut("éééé".into(), 6), "é... 4 bytes left out ...é");
    }
}
