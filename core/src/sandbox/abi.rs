//! The guest contract's byte layouts: what the host writes into a guest and what it reads out of it.

use super::{Envelope, HostReply};

/// What a step of the guest came to, as the guest says; nothing of it is trusted beyond its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawStep {
    Waiting { wake_at: Option<i64> },
    Done { address: u32, length: u32 },
    Failed { address: u32, length: u32 },
}

/// Size of a Step record.
pub(super) const STEP_BYTES: usize = 24;

impl RawStep {
    /// Reads a Step record; `None` for a tag that the contract does not have.
    pub(super) fn parse(record: &[u8; STEP_BYTES]) -> Option<RawStep> {
        let word = |at: usize| record.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        let wake_at = record.get(16..24).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes)?;
        let (address, length) = (word(4)?, word(8)?);
        match word(0)? {
            0 => Some(RawStep::Waiting { wake_at: (wake_at >= 0).then_some(wake_at) }),
            1 => Some(RawStep::Done { address, length }),
            2 => Some(RawStep::Failed { address, length }),
            _ => None,
        }
    }
}

impl Envelope {
    /// The bytes for `start`: each section is its length, its bytes, and a zero.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let sections = [&self.program, &self.mappings, &self.input, &self.upstreams];
        let mut bytes = Vec::with_capacity(sections.iter().map(|section| section.len() + 5).sum());
        for section in sections {
            push_section(&mut bytes, section);
        }
        bytes
    }
}

/// The bytes for `resume`: each completion is its call's id, its status, and a section.
pub(super) fn completions_to_bytes(completions: &[(i64, HostReply)]) -> Vec<u8> {
    let text = |reply: &HostReply| reply.as_ref().map_or_else(String::len, String::len);
    let mut bytes = Vec::with_capacity(completions.iter().map(|(_, reply)| text(reply) + 17).sum());
    for (id, reply) in completions {
        let (status, section) = match reply {
            Ok(value) => (0u32, value),
            Err(error) => (1, error),
        };
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&status.to_le_bytes());
        push_section(&mut bytes, section);
    }
    bytes
}

/// Completions as `resume` takes them, read again: for an engine that has no memory of its own to put them in.
#[cfg(any(test, feature = "v8"))]
pub(super) fn completions_from_bytes(mut bytes: &[u8]) -> Option<Vec<(i64, HostReply)>> {
    fn word<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        bytes.split_off(..N)?.try_into().ok()
    }
    let mut completions = Vec::new();
    while !bytes.is_empty() {
        let id = i64::from_le_bytes(word(&mut bytes)?);
        let status = u32::from_le_bytes(word(&mut bytes)?);
        let length = u32::from_le_bytes(word(&mut bytes)?) as usize;
        let text = std::str::from_utf8(bytes.split_off(..length)?).ok()?.to_owned();
        bytes.split_off(..1)?;
        completions.push((id, if status == 0 { Ok(text) } else { Err(text) }));
    }
    Some(completions)
}

fn push_section(bytes: &mut Vec<u8>, section: &str) {
    let length = u32::try_from(section.len()).expect("programs and replies are limited far below 4 GiB");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(section.as_bytes());
    bytes.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_carry_their_length_and_a_zero() {
        let envelope = Envelope { program: "ab".into(), input: "1".into(), ..Envelope::default() };
        assert_eq!(envelope.to_bytes(), b"\x02\0\0\0ab\0\0\0\0\0\0\x01\0\0\x001\0\0\0\0\0\0");
    }

    #[test]
    fn completions_carry_id_and_status() {
        let completions = [(7, Ok("1".into())), (8, Err("{}".into()))];
        let bytes = completions_to_bytes(&completions);
        assert_eq!(completions_from_bytes(&bytes), Some(completions.into()));
        assert_eq!(completions_from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(bytes, b"\x07\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\x001\0\x08\0\0\0\0\0\0\0\x01\0\0\0\x02\0\0\0{}\0");
    }

    #[test]
    fn a_step_with_an_unknown_tag_is_refused() {
        let mut record = [0; STEP_BYTES];
        record[16..24].copy_from_slice(&(-1i64).to_le_bytes());
        assert_eq!(RawStep::parse(&record), Some(RawStep::Waiting { wake_at: None }));
        record[0] = 3;
        assert_eq!(RawStep::parse(&record), None);
    }
}
