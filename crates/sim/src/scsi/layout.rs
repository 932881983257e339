//! The layout of the medium: the length of a block, how many there are, the protection information
//! behind each (SBC-4 4.5, 4.22, 6.5.2).
//!
//! MODE SELECT names another length; FORMAT UNIT makes it, and until then nothing can be read or
//! written. A reset forgets what was selected and not made. A cell can be longer than its block: by
//! protection information, which is made anew with each write, or because a format that was said to
//! be done left it so; then no write reaches what lies behind the block.

use super::ScsiDisk;
use std::time::Duration;

/// Bytes of protection information: guard, application tag, reference tag.
const PROTECTION_BYTES: usize = 8;

/// Blocks and their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) sector_bytes: u32,
    pub(super) sectors: u64,
}

/// What a FORMAT UNIT makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Repeated over each block; a fast format has none and leaves the data.
    pub(super) pattern: Option<Vec<u8>>,
    pub(super) layout: Layout,
    pub(super) protection_type: Option<u8>,
}

/// A format that was called done: it goes over the medium at this time.
#[derive(Clone, Debug)]
pub(super) struct Unfinished {
    pub(super) ends: Duration,
    pub(super) format: Format,
}

/// Bytes that a block takes on the medium.
pub(super) fn cell_bytes(sector_bytes: u32, protection_type: Option<u8>) -> usize {
    let behind = match protection_type {
        None | Some(0) => 0,
        Some(_) => PROTECTION_BYTES,
    };
    usize::try_from(sector_bytes).unwrap_or(usize::MAX - PROTECTION_BYTES) + behind
}

impl ScsiDisk {
    pub(super) fn sector_bytes(&self) -> usize {
        cell_bytes(self.options.sector_bytes, None)
    }

    /// What the next FORMAT UNIT makes.
    pub(super) fn next_layout(&self) -> Layout {
        self.selected.unwrap_or(Layout {
            sector_bytes: self.options.sector_bytes,
            sectors: self.sectors,
        })
    }

    /// A block as a host reads it.
    pub(super) fn block(&self, address: u64) -> Vec<u8> {
        let cell = self.cells.read(address);
        let mut block = cell.unwrap_or_else(|| vec![0; self.sector_bytes()]);
        block.truncate(self.sector_bytes());
        block
    }

    /// Writes a block, and what lies behind it.
    pub(super) fn write_block(&mut self, address: u64, block: &[u8]) {
        let behind = match self.options.protection_type {
            None | Some(0) => {
                let cell = self.cells.read(address);
                cell.unwrap_or_else(|| vec![0; self.cells.sector_bytes()])[block.len()..].to_vec()
            }
            // Made by the disk where the host sends none (WRPROTECT 0): the application tag is nobody's.
            Some(kind) => {
                let [.., a, b, c, d] = address.to_be_bytes();
                let reference = if kind == 1 { [a, b, c, d] } else { [0xFF; 4] };
                let [high, low] = guard(block).to_be_bytes();
                [&[high, low, 0xFF, 0xFF], &reference[..]].concat()
            }
        };
        self.cells.write(address, &[block, &behind].concat());
    }

    /// Takes over what a format makes, and what it says of it.
    pub(super) fn lay_out(&mut self, format: &Format) {
        let lies = self.options.lies.format;
        self.selected = None;
        if !lies.keeps_length {
            self.options.sector_bytes = format.layout.sector_bytes;
        }
        self.options.protection_type = format.protection_type;
        self.sectors = format.layout.sectors;
        if let Some(sectors) = lies.shrinks_to {
            self.sectors = sectors;
            self.sectors_max = sectors;
        }
    }

    /// Goes over the blocks below `end` as a format does: cells of the new length, with its pattern.
    /// Protection information is all ones, which nothing checks.
    pub(super) fn go_over(&mut self, format: &Format, end: u64) {
        let Some(pattern) = &format.pattern else {
            return;
        };
        let bytes = cell_bytes(self.options.sector_bytes, format.protection_type);
        self.cells.set_sector_bytes(bytes);
        let block = pattern.iter().copied().cycle().take(self.sector_bytes());
        let mut cell: Vec<u8> = block.collect();
        cell.resize(bytes, 0xFF);
        for address in 0..end {
            self.cells.write(address, &cell);
        }
        self.emptied = None;
    }
}

/// The guard: CRC-16/T10-DIF, polynomial 8BB7h (SBC-4 4.22.4).
fn guard(block: &[u8]) -> u16 {
    block.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x8BB7
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::guard;

    #[test]
    fn guard_is_that_of_the_catalogue() {
        // The check value of CRC-16/T10-DIF.
        assert_eq!(guard(b"123456789"), 0xD0DB);
    }
}
