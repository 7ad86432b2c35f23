//! Standard output and standard error of one execution, metered.

use tokio::sync::mpsc::UnboundedSender;

use crate::limits::{Limit, Limits};
use crate::model::Event;

/// Which stream a guest writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// What an execution has written, never more than its limits allow.
pub(super) struct Output {
    stdout: String,
    stderr: String,
    bytes: u64,
    entries: u64,
    most_bytes: u64,
    most_entries: u64,
    events: Option<UnboundedSender<Event>>,
}

impl Output {
    pub(super) fn new(limits: &Limits, events: Option<UnboundedSender<Event>>) -> Output {
        Output {
            stdout: String::new(),
            stderr: String::new(),
            bytes: 0,
            entries: 0,
            most_bytes: limits.output_bytes,
            most_entries: limits.log_entries,
            events,
        }
    }

    /// Appends one entry; past a limit, what fits of it, marked.
    pub(super) fn write(&mut self, stream: Stream, entry: &[u8]) -> Result<(), Limit> {
        // SECURITY: both limits hold before a byte is copied.
        if self.entries >= self.most_entries {
            return Err(Limit::LogEntries);
        }
        self.entries += 1;
        let room = usize::try_from(self.most_bytes - self.bytes).unwrap_or(usize::MAX);
        let mut text = String::from_utf8_lossy(entry.get(..room).unwrap_or(entry)).into_owned();
        // Bytes that are no text become longer.
        let fits = entry.len() <= room && text.len() <= room;
        if !fits {
            text.truncate(whole_chars(&text, room));
        }
        self.bytes += text.len() as u64;
        if !fits {
            text.push_str(&format!("\n[output cut at {} bytes]\n", self.most_bytes));
        }
        self.append(stream, text);
        if fits { Ok(()) } else { Err(Limit::Output) }
    }

    fn append(&mut self, stream: Stream, text: String) {
        let kept = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        kept.push_str(&text);
        if let Some(events) = &self.events {
            // The receiver may be gone: then nobody wants events, and the execution goes on.
            let _ = events.send(match stream {
                Stream::Stdout => Event::Stdout { text },
                Stream::Stderr => Event::Stderr { text },
            });
        }
    }

    /// Standard output, standard error, bytes kept, entries. Nothing is sent to anybody after it.
    pub(super) fn take(&mut self) -> (String, String, u64, u64) {
        self.events = None;
        (std::mem::take(&mut self.stdout), std::mem::take(&mut self.stderr), self.bytes, self.entries)
    }
}

/// The length of `text` up to `room` bytes without a broken character at its end.
fn whole_chars(text: &str, room: usize) -> usize {
    let mut end = text.floor_char_boundary(room);
    // A character that the cut split was decoded as a replacement: it is no part of the output.
    if text.get(..end).is_some_and(|kept| kept.ends_with(char::REPLACEMENT_CHARACTER)) {
        end -= char::REPLACEMENT_CHARACTER.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(bytes: u64, entries: u64) -> Output {
        let limits = Limits { output_bytes: bytes, log_entries: entries, ..Limits::default() };
        Output::new(&limits, None)
    }

    #[test]
    fn r12_output_is_cut_on_a_character_border() {
        let mut output = output(4, 10);
        assert_eq!(output.write(Stream::Stdout, "aéé".as_bytes()), Err(Limit::Output));
        assert_eq!(output.take().0, "aé\n[output cut at 4 bytes]\n");
    }

    #[test]
    fn r12_both_streams_share_one_limit() {
        let mut output = output(4, 10);
        assert_eq!(output.write(Stream::Stdout, b"abc"), Ok(()));
        assert_eq!(output.write(Stream::Stderr, b"de"), Err(Limit::Output));
        let (stdout, stderr, bytes, entries) = output.take();
        assert_eq!((stdout.as_str(), stderr.as_str()), ("abc", "d\n[output cut at 4 bytes]\n"));
        assert_eq!((bytes, entries), (4, 2));
    }

    #[test]
    fn r12_entries_are_counted() {
        let mut output = output(100, 2);
        assert_eq!(output.write(Stream::Stdout, b""), Ok(()));
        assert_eq!(output.write(Stream::Stderr, b""), Ok(()));
        assert_eq!(output.write(Stream::Stdout, b""), Err(Limit::LogEntries));
    }

    #[test]
    fn r12_output_that_grows_when_it_is_made_a_text_is_cut_and_says_so() {
        let mut output = output(7, 10);
        assert_eq!(output.write(Stream::Stdout, b"a\xff\xff\xff"), Err(Limit::Output));
        assert_eq!(output.take().0, "a\u{fffd}\n[output cut at 7 bytes]\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut output = output(100, 2);
        assert_eq!(output.write(Stream::Stdout, b"a\xffb"), Ok(()));
        assert_eq!(output.take().0, "a\u{fffd}b");
    }
}
