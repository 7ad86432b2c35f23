//! From a position in the compiled program to the one in the program as it was written.
//!
//! Pure. The mappings are decoded when the first position is asked for, never in a run that asks for none.

use std::cell::OnceCell;

/// The file name that a program has in stacks.
pub(crate) const PROGRAM_FILE: &str = "program.ts";
/// What stands before the program's expression on its first line.
pub(crate) const PROGRAM_START: &str = "\"use strict\";return ";

/// Lines and columns from 0, columns in UTF-16 units.
#[derive(Clone, Copy)]
struct Mapping {
    line: u32,
    column: u32,
    source: Option<(u32, u32)>,
}

/// The source map of one program.
#[derive(Default)]
pub(crate) struct Positions {
    mappings: String,
    decoded: OnceCell<Vec<Mapping>>,
}

impl Positions {
    pub(crate) fn new(mappings: String) -> Positions {
        Positions { mappings, decoded: OnceCell::new() }
    }

    /// The place that the user wrote for one of what V8 ran, all from 1; `None` when nothing of the source stands there.
    pub(crate) fn source_of(&self, line: u32, column: u32) -> Option<(u32, u32)> {
        let (line, column) = (line.checked_sub(1)?, column.checked_sub(1)?);
        let column = if line == 0 { column.saturating_sub(PROGRAM_START.len() as u32) } else { column };
        if self.mappings.is_empty() {
            return Some((line + 1, column + 1));
        }
        let decoded = self.decoded.get_or_init(|| decode(&self.mappings));
        let after = decoded.partition_point(|mapping| (mapping.line, mapping.column) <= (line, column));
        let found = decoded.get(after.checked_sub(1)?)?;
        let (source_line, source_column) = found.source.filter(|_| found.line == line)?;
        Some((source_line + 1, source_column + 1))
    }

    /// The place as stacks have it.
    pub(crate) fn place(&self, line: u32, column: u32) -> String {
        match self.source_of(line, column) {
            Some((line, column)) => format!("{PROGRAM_FILE}:{line}:{column}"),
            None => PROGRAM_FILE.to_owned(),
        }
    }
}

/// The line and column of a stack's first frame in the program.
pub(crate) fn of_stack(stack: &str) -> Option<(u32, u32)> {
    let place = stack
        .lines()
        .filter(|line| line.starts_with("    at "))
        .find_map(|line| line.rsplit_once(PROGRAM_FILE)?.1.strip_prefix(':'))?;
    let (line, column) = place.trim_end_matches(')').split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

fn digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

/// One base64 VLQ from the front of `bytes`; `None` at its end or at anything malformed.
fn read_vlq(bytes: &mut std::slice::Iter<'_, u8>) -> Option<i32> {
    let mut value = 0u32;
    for shift in (0..32).step_by(5) {
        let digit = digit(*bytes.next()?)?;
        value |= (digit & 31) << shift;
        if digit & 32 == 0 {
            let size = (value >> 1).cast_signed();
            return Some(if value & 1 == 1 { -size } else { size });
        }
    }
    None
}

fn decode(text: &str) -> Vec<Mapping> {
    let mut mappings = Vec::new();
    let (mut source_line, mut source_column) = (0u32, 0u32);
    for (line, of_line) in (0u32..).zip(text.split(';')) {
        let mut column = 0u32;
        for segment in of_line.split(',') {
            let mut bytes = segment.as_bytes().iter();
            let Some(step) = read_vlq(&mut bytes) else { continue };
            column = column.wrapping_add_signed(step);
            let mut next = || read_vlq(&mut bytes);
            let source = next().and_then(|_| Some((next()?, next()?))).map(|(line_step, column_step)| {
                source_line = source_line.wrapping_add_signed(line_step);
                source_column = source_column.wrapping_add_signed(column_step);
                (source_line, source_column)
            });
            mappings.push(Mapping { line, column, source });
        }
    }
    mappings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_last_one_mapped_on_its_line() {
        // Line 1: column 0 to 2:3; line 3: column 4 without a source, column 8 to 3:4.
        let positions = Positions::new("AACG;;I,IACC".into());
        let first = PROGRAM_START.len() as u32;
        assert_eq!(positions.source_of(1, 1 + first), Some((2, 4)));
        assert_eq!(positions.source_of(1, 90), Some((2, 4)));
        assert_eq!(positions.source_of(2, 1), None);
        assert_eq!(positions.source_of(3, 5), None);
        assert_eq!(positions.source_of(3, 9), Some((3, 5)));
        assert_eq!(positions.place(2, 1), "program.ts");
    }

    #[test]
    fn without_mappings_positions_are_the_programs_own() {
        let positions = Positions::default();
        assert_eq!(positions.source_of(1, 1 + PROGRAM_START.len() as u32), Some((1, 1)));
        assert_eq!(positions.source_of(7, 3), Some((7, 3)));
        assert_eq!(positions.source_of(0, 0), None);
    }

    #[test]
    fn malformed_mappings_place_nothing() {
        for text in ["!", "A!AA", "gggggggggg", ",,,;,"] {
            assert_eq!(Positions::new(text.into()).source_of(1, 1), None, "{text}");
        }
    }

    #[test]
    fn the_first_frame_of_the_program_counts() {
        assert_eq!(of_stack("E: at program.ts:9:9\n    at map (native)\n    at f (program.ts:3:7)"), Some((3, 7)));
        assert_eq!(of_stack("E\n    at program.ts:2:11"), Some((2, 11)));
        assert_eq!(of_stack("E\n    at f (program.ts)"), None);
        assert_eq!(of_stack("program.ts:1:1"), None);
    }
}
