//! What each operator and separator adds to the counts of its bracket, and how long it is.

use super::{Prev, Scan};

impl Scan<'_> {
    pub(super) fn operator(&mut self, byte: u8) {
        let next = (self.peek(1), self.peek(2));
        let before = std::mem::replace(&mut self.prev, Prev::Operator);
        let level = &mut self.current;
        self.position += match (byte, next) {
            (b';', _) => {
                level.end_expression();
                self.prev = Prev::Semicolon;
                1
            }
            (b',', _) => {
                level.end_element();
                1
            }
            (b'.', (b'.', b'.')) => 3,
            (b'.', _) => self.dot(1),
            (b'?', (b'.', after)) if !after.is_ascii_digit() => self.dot(2),
            (b'?', (b'?', _)) => level.binary(next, b'?'),
            (b'?' | b':' | b'~', _) => {
                level.hard += 1;
                1
            }
            (b'=', (b'>', _)) => {
                level.hard += 1;
                2
            }
            (b'=' | b'!', (b'=', third)) => {
                level.compare();
                2 + usize::from(third == b'=')
            }
            (b'=', _) => level.assigned(1),
            (b'!', _) => self.prefix_or_postfix(before, 1),
            (b'+' | b'-', (second, _)) if second == byte => self.prefix_or_postfix(before, 2),
            (b'+' | b'-' | b'*' | b'/' | b'%' | b'^', (b'=', _)) => level.assigned(2),
            (b'+' | b'-', _) => self.sign(before),
            (b'<', _) => self.less(before, next),
            (b'>', _) => self.greater(),
            (b'*', (b'*', third)) => {
                level.hard += 1;
                2 + usize::from(third == b'=')
            }
            (b'*', _) => {
                level.chain += 1;
                1
            }
            (b'&' | b'|', _) => level.binary(next, byte),
            (b'/' | b'%' | b'^', _) => {
                level.compare();
                1
            }
            _ => 1,
        };
    }

    fn dot(&mut self, length: usize) -> usize {
        self.current.chain += 1;
        self.prev = Prev::Dot;
        length
    }

    /// `!`, `++` and `--`.
    fn prefix_or_postfix(&mut self, before: Prev, length: usize) -> usize {
        let postfix = before == Prev::Operand && !self.newline;
        self.current.chain += u32::from(before.may_be_operand());
        self.current.hard += u32::from(!postfix);
        if before.may_be_operand() {
            self.prev = if postfix { Prev::Operand } else { Prev::Unsure };
        }
        length
    }

    /// `+` and `-`, before an operand or between two.
    fn sign(&mut self, before: Prev) -> usize {
        self.current.chain += u32::from(before.may_be_operand());
        self.current.hard += u32::from(before != Prev::Operand);
        if before == Prev::Operand {
            self.current.end_types();
        }
        1
    }

    /// `<`, `<=`, `<<` and `<<=`: any of them may open type arguments.
    fn less(&mut self, before: Prev, next: (u8, u8)) -> usize {
        let level = &mut self.current;
        let (count, length) = match next {
            (b'<', third) => (2, 2 + usize::from(third == b'=')),
            (b'=', _) => (1, 2),
            _ => {
                if before != Prev::Operand {
                    level.hard += 1;
                    level.guesses += 1;
                }
                level.chain += u32::from(before.may_be_operand());
                level.open_types(1);
                return 1;
            }
        };
        level.chain += 1;
        level.open_types(count);
        length
    }

    /// `>`, up to three of them, and `=`: the end of type arguments, a comparison or a shift.
    fn greater(&mut self) -> usize {
        let bytes = self.source.as_bytes();
        let length = bytes.iter().skip(self.position).take(3).take_while(|byte| **byte == b'>').count();
        let assigns = bytes.get(self.position + length) == Some(&b'=');
        self.current.close_types(length);
        if assigns {
            self.current.assign();
        } else {
            self.prev = Prev::Angle;
        }
        length + usize::from(assigns)
    }
}
