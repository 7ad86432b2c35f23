//! What goes between the host and a worker: frames of a length (`u32`, little-endian, as all numbers), a tag and a body.
//!
//! Each kind is written and read here, so both sides agree. What a worker sends is hostile until it is parsed: a frame that is
//! not one of these is `None`, and every length was bounded before its bytes were read.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use super::super::output::Stream;
use super::super::state::Submission;
use super::super::{CallKind, HostCall, Source};
use crate::limits::{Limit, Limits};
use crate::model::{Engine, Language};

/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 4;
/// The largest frame that a worker reads. Programs, inputs and replies are far below it, each by its limit.
const MOST_FROM_HOST: usize = 1 << 31;

/// The first frame to a worker: what it is to be. JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    /// Conduit's own version: frames have no other.
    pub(super) version: String,
    pub(super) language: Language,
    pub(super) engine: Engine,
    /// The most that an execution may have, in bytes.
    pub(super) memory_bytes: u64,
    /// Whether it is to end when the system confines it less than it could.
    pub(super) is_strict: bool,
}

/// What the host sends after it.
#[derive(Debug, PartialEq)]
pub(super) enum FromHost<'a> {
    /// Run a program.
    Start { limits: Limits, source: Source },
    /// Go on with it: what the host holds for the guest, and completions as the guest takes them.
    Resume { held_bytes: u64, completions: &'a [u8] },
}

/// What a worker sends.
#[derive(Debug, PartialEq)]
pub(super) enum FromWorker<'a> {
    /// The program has written something.
    Output(Stream, &'a [u8]),
    /// It has submitted a call.
    Submit(Submission),
    /// What it has used so far.
    Used { cpu_ns: u64, memory_bytes: u64, calls: u64 },
    /// The step has ended and the program waits, until a time of the guest's clock or for an answer.
    Waiting { wake_at: Option<i64> },
    /// The program has ended, with JSON.
    Done(&'a [u8]),
    /// It has failed. The JSON of the guest's error, and whether the memory limit had refused it something.
    Failed { memory_denied: bool, error: &'a [u8] },
    /// It was none. The JSON of a guest's error.
    Invalid(&'a [u8]),
    /// It broke a limit, or a bound that counts as one.
    Limit(Limit, Option<&'a str>),
    /// The guest runtime failed.
    Crashed(&'a str),
}

impl FromHost<'_> {
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        frame(to, |to| match self {
            FromHost::Start { limits, source } => {
                to.push(0);
                Limit::ALL.iter().for_each(|limit| to.extend_from_slice(&limits.get(*limit).to_le_bytes()));
                for text in [&source.code, &source.input, &source.upstreams] {
                    section(to, text.as_bytes());
                }
            }
            FromHost::Resume { held_bytes, completions } => {
                to.push(1);
                to.extend_from_slice(&held_bytes.to_le_bytes());
                to.extend_from_slice(completions);
            }
        });
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<FromHost<'_>> {
        let mut rest = Rest(bytes);
        match rest.byte()? {
            0 => {
                let mut limits = Limits::default();
                for limit in Limit::ALL {
                    limits.set(*limit, rest.u64()?);
                }
                let mut text = || Some(std::str::from_utf8(rest.section()?).ok()?.to_owned());
                Some(FromHost::Start { limits, source: Source { code: text()?, input: text()?, upstreams: text()? } })
            }
            1 => Some(FromHost::Resume { held_bytes: rest.u64()?, completions: rest.0 }),
            _ => None,
        }
    }
}

impl FromWorker<'_> {
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        frame(to, |to| match self {
            FromWorker::Output(stream, entry) => {
                to.extend_from_slice(&[0, u8::from(*stream == Stream::Stderr)]);
                to.extend_from_slice(entry);
            }
            FromWorker::Submit(submission) => {
                to.push(1);
                write_submission(submission, to);
            }
            FromWorker::Used { cpu_ns, memory_bytes, calls } => {
                to.push(2);
                for number in [cpu_ns, memory_bytes, calls] {
                    to.extend_from_slice(&number.to_le_bytes());
                }
            }
            FromWorker::Waiting { wake_at } => {
                to.push(3);
                to.extend_from_slice(&wake_at.unwrap_or(-1).to_le_bytes());
            }
            FromWorker::Done(value) => {
                to.push(4);
                to.extend_from_slice(value);
            }
            FromWorker::Failed { memory_denied, error } => {
                to.extend_from_slice(&[5, u8::from(*memory_denied)]);
                to.extend_from_slice(error);
            }
            FromWorker::Invalid(error) => {
                to.push(8);
                to.extend_from_slice(error);
            }
            FromWorker::Limit(limit, bound) => {
                to.push(6);
                section(to, limit.name().as_bytes());
                to.extend_from_slice(bound.unwrap_or_default().as_bytes());
            }
            FromWorker::Crashed(why) => {
                to.push(7);
                to.extend_from_slice(why.as_bytes());
            }
        });
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<FromWorker<'_>> {
        let mut rest = Rest(bytes);
        match rest.byte()? {
            0 => Some(FromWorker::Output(if rest.flag()? { Stream::Stderr } else { Stream::Stdout }, rest.0)),
            1 => Some(FromWorker::Submit(read_submission(rest)?)),
            2 => Some(FromWorker::Used { cpu_ns: rest.u64()?, memory_bytes: rest.u64()?, calls: rest.u64()? }),
            3 => {
                let wake_at = rest.u64()?.cast_signed();
                Some(FromWorker::Waiting { wake_at: (wake_at >= 0).then_some(wake_at) })
            }
            4 => Some(FromWorker::Done(rest.0)),
            5 => Some(FromWorker::Failed { memory_denied: rest.flag()?, error: rest.0 }),
            6 => {
                let limit = Limit::from_name(std::str::from_utf8(rest.section()?).ok()?)?;
                let bound = std::str::from_utf8(rest.0).ok()?;
                Some(FromWorker::Limit(limit, Some(bound).filter(|bound| !bound.is_empty())))
            }
            7 => std::str::from_utf8(rest.0).ok().map(FromWorker::Crashed),
            8 => Some(FromWorker::Invalid(rest.0)),
            _ => None,
        }
    }
}

fn write_submission(Submission { id, call, .. }: &Submission, to: &mut Vec<u8>) {
    to.extend_from_slice(&id.to_le_bytes());
    to.push(call.kind as u8);
    section(to, call.name.as_bytes());
    match &call.arguments {
        Ok(arguments) => {
            to.push(0);
            to.extend_from_slice(arguments);
        }
        Err(size) => {
            to.push(1);
            to.extend_from_slice(&size.to_le_bytes());
        }
    }
}

fn read_submission(mut rest: Rest<'_>) -> Option<Submission> {
    let id = rest.u64()?.cast_signed();
    let kind = CallKind::from_number(rest.byte()?.into())?;
    let name = std::str::from_utf8(rest.section()?).ok()?.to_owned();
    let arguments = if rest.flag()? { Err(rest.u64()?) } else { Ok(rest.0.to_vec()) };
    let held_bytes = (name.len() + arguments.as_ref().map_or(0, Vec::len)) as u64;
    Some(Submission { id, call: HostCall { kind, name, arguments }, held_bytes })
}

/// Appends a frame, whose tag and body `write` appends.
pub(super) fn frame(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = to.len();
    to.extend_from_slice(&[0; LENGTH_BYTES]);
    write(to);
    let length =
        u32::try_from(to.len() - start - LENGTH_BYTES).expect("every text in a frame is limited far below 4 GiB");
    if let Some(place) = to.get_mut(start..start + LENGTH_BYTES) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn section(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("every text in a frame is limited far below 4 GiB");
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(bytes);
}

/// Reads the body of one frame into `body`; false at the end of `from`.
///
/// # Errors
/// When the end comes within a frame.
pub(super) fn read(from: &mut impl Read, body: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; LENGTH_BYTES];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_FROM_HOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame that is too long"));
    }
    body.resize(length, 0);
    from.read_exact(body)?;
    Ok(true)
}

/// What is left of a body.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn flag(&mut self) -> Option<bool> {
        self.byte().and_then(|byte| [false, true].get(usize::from(byte)).copied())
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn section(&mut self) -> Option<&'a [u8]> {
        let length = self.take(LENGTH_BYTES)?.try_into().ok().map(u32::from_le_bytes)?;
        self.take(length as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what was written as one frame.
    fn body(written: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        assert!(read(&mut &*written, &mut body).unwrap());
        assert_eq!(written.len(), body.len() + LENGTH_BYTES);
        body
    }

    fn submission(arguments: Result<Vec<u8>, u64>, held_bytes: u64) -> FromWorker<'static> {
        let call = HostCall { kind: CallKind::Describe, name: "a.b".into(), arguments };
        FromWorker::Submit(Submission { id: 7, call, held_bytes })
    }

    fn all_from_worker() -> [FromWorker<'static>; 14] {
        [
            FromWorker::Output(Stream::Stdout, b"a\xff"),
            FromWorker::Output(Stream::Stderr, b""),
            submission(Ok(b"{}".to_vec()), 5),
            submission(Err(1 << 40), 3),
            FromWorker::Used { cpu_ns: 1, memory_bytes: u64::MAX, calls: 3 },
            FromWorker::Waiting { wake_at: None },
            FromWorker::Waiting { wake_at: Some(i64::MAX) },
            FromWorker::Done(b"1"),
            FromWorker::Failed { memory_denied: true, error: b"{}" },
            FromWorker::Failed { memory_denied: false, error: b"" },
            FromWorker::Invalid(b"{}"),
            FromWorker::Limit(Limit::CpuTime, None),
            FromWorker::Limit(Limit::ProgramDepth, Some("too deep")),
            FromWorker::Crashed("why"),
        ]
    }

    #[test]
    fn what_a_worker_sends_is_what_the_host_reads() {
        for frame in all_from_worker() {
            let mut written = Vec::new();
            frame.write(&mut written);
            assert_eq!(FromWorker::parse(&body(&written)), Some(frame));
        }
    }

    #[test]
    fn what_the_host_sends_is_what_a_worker_reads() {
        let limits = Limits { cpu_time_ms: 7, reply_bytes: 9, ..Limits::default() };
        let source = Source { code: "1".into(), input: "null".into(), upstreams: "[\"é\"]".into() };
        for frame in [FromHost::Start { limits, source }, FromHost::Resume { held_bytes: 3, completions: b"ab" }] {
            let mut written = Vec::new();
            frame.write(&mut written);
            assert_eq!(FromHost::parse(&body(&written)), Some(frame));
        }
    }

    #[test]
    fn what_is_cut_or_changed_is_no_frame_or_another_and_never_a_panic() {
        for frame in all_from_worker() {
            let mut written = Vec::new();
            frame.write(&mut written);
            let body = body(&written);
            for end in 0..body.len() {
                let _ = FromWorker::parse(&body[..end]);
                for changed in [0, 1, 0x7f, 0xff] {
                    let mut body = body.clone();
                    body[end] = changed;
                    let _ = FromWorker::parse(&body);
                }
            }
        }
        assert_eq!(FromWorker::parse(&[]), None);
        assert_eq!(FromWorker::parse(&[9]), None);
        assert_eq!(FromWorker::parse(&[0, 2]), None);
    }

    #[test]
    fn the_end_within_a_frame_is_an_error() {
        let mut body = Vec::new();
        assert!(!read(&mut &b""[..], &mut body).unwrap());
        assert!(read(&mut &b"\x02\0\0\0a"[..], &mut body).is_err());
        assert!(read(&mut &b"\xff\xff\xff\xff"[..], &mut body).is_err());
    }
}
