//! Walking the structure table: header, formatted area, string set (DSP0134 §6.1).
//!
//! Total: a structure that lies about its length ends the walk with an oddity, and what came
//! before it stands.
#![warn(clippy::indexing_slicing)]

use crate::text::Label;

/// One structure, borrowed from the table.
pub(super) struct Structure<'a> {
    pub kind: u8,
    pub handle: u16,
    /// Formatted area, header included, so that offsets are those of the specification.
    formatted: &'a [u8],
    strings: &'a [u8],
}

impl Structure<'_> {
    pub fn byte(&self, offset: usize) -> Option<u8> {
        self.formatted.get(offset).copied()
    }

    pub fn word(&self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    pub fn dword(&self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    pub fn qword(&self, offset: usize) -> Option<u64> {
        self.array(offset).map(u64::from_le_bytes)
    }

    pub fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.formatted.get(offset..)?.first_chunk().copied()
    }

    /// The string whose number stands at `offset`; number 0 means that there is none.
    pub fn label(&self, offset: usize) -> Option<Label> {
        let number = usize::from(self.byte(offset)?);
        let string = self
            .strings
            .split(|byte| *byte == 0)
            .nth(number.checked_sub(1)?)?;
        Label::new(string)
    }
}

/// End-of-table structure (§7.45).
const END_OF_TABLE: u8 = 127;

/// Every structure up to the end-of-table mark or the first broken one.
pub(super) fn walk<'a>(table: &'a [u8], oddities: &mut Vec<String>) -> Vec<Structure<'a>> {
    let mut structures = Vec::new();
    let mut rest = table;
    loop {
        let Some([kind, length, handle_low, handle_high]) = rest.first_chunk::<4>().copied() else {
            if !rest.is_empty() {
                oddities.push(format!(
                    "{} stray bytes after the last structure",
                    rest.len()
                ));
            }
            return structures;
        };
        let handle = u16::from_le_bytes([handle_low, handle_high]);
        let split = rest
            .split_at_checked(usize::from(length))
            .filter(|_| length >= 4);
        let Some((formatted, tail)) = split else {
            oddities.push(format!(
                "structure type {kind} handle {handle:#06x}: length {length} is impossible, table ends here"
            ));
            return structures;
        };
        let end = tail.windows(2).position(|pair| pair == [0, 0]);
        let (strings, next) = match end {
            Some(end) => (tail.get(..end), tail.get(end + 2..)),
            None => {
                oddities.push(format!(
                    "structure type {kind} handle {handle:#06x}: strings do not end, table ends here"
                ));
                (Some(tail), None)
            }
        };
        if kind == END_OF_TABLE {
            return structures;
        }
        structures.push(Structure {
            kind,
            handle,
            formatted,
            strings: strings.unwrap_or_default(),
        });
        rest = next.unwrap_or_default();
    }
}
