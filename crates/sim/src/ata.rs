//! An ATA disk at the level of its registers: what it is told in a [`Task`], what it says in an
//! [`Answer`], and what it really does to its [`crate::cells`].
//!
//! Written from ACS-4 and SAT-4 and from what is published of real drives. It shares no encoder or
//! decoder with the crate `drive`, which is tested against it. A host reaches it through the
//! translation in [`crate::satl`] only. Not modelled: queued commands, zones, SCT, DEVICE RESET.

pub mod disk;
mod hidden;
mod identify;
mod logs;
mod media;
pub mod options;
mod sanitize;
mod security;
mod smart;
mod trusted;

use std::collections::VecDeque;

/// Device ready, seek complete.
const READY: u8 = 0x50;
/// [`READY`] with ERR.
const FAILED: u8 = 0x51;
/// Error register: the command was aborted.
const ABORTED: u8 = 0x04;
/// Error register: no such address.
const ID_NOT_FOUND: u8 = 0x10;
/// Error register: the data is lost.
const UNCORRECTABLE: u8 = 0x40;

/// Registers that the host wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Command register.
    pub command: u8,
    /// FEATURE; 8 bits unless `is_48_bit`.
    pub feature: u16,
    /// COUNT; 8 bits unless `is_48_bit`.
    pub count: u16,
    /// LBA: 28 bits with the low nibble of `device`, or 48.
    pub lba: u64,
    /// Device register.
    pub device: u8,
    /// The second set of registers was written, too.
    pub is_48_bit: bool,
}

/// Registers that the host reads after the command, and data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Error register.
    pub error: u8,
    /// Status register.
    pub status: u8,
    /// Device register.
    pub device: u8,
    /// COUNT, 16 bits.
    pub count: u16,
    /// LBA, 48 bits.
    pub lba: u64,
    /// Bytes for the host.
    pub data: Vec<u8>,
}

impl Answer {
    /// Success; COUNT and LBA as the host left them.
    pub(crate) fn good(task: &Task) -> Self {
        Self {
            error: 0,
            status: READY,
            device: task.device,
            count: task.count,
            lba: task.lba,
            data: Vec::new(),
        }
    }

    /// Success with bytes for the host.
    pub(crate) fn with_data(task: &Task, data: Vec<u8>) -> Self {
        let answer = Self::good(task);
        Self { data, ..answer }
    }

    /// The command is refused.
    pub(crate) fn aborted(task: &Task) -> Self {
        Self::failed(task, ABORTED)
    }

    pub(crate) fn failed(task: &Task, error: u8) -> Self {
        let answer = Self::good(task);
        Self {
            error,
            status: FAILED,
            ..answer
        }
    }

    /// ERR is not set.
    pub(crate) fn is_good(&self) -> bool {
        self.status & 0x01 == 0
    }
}

/// What a command's data phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    None,
    In,
    Out,
}

impl Task {
    /// The data phase of this command. An unknown command has none: the drive aborts it at once.
    pub(crate) fn phase(&self) -> Phase {
        match (self.command, self.feature & 0xFF) {
            (0x20 | 0x24 | 0x25 | 0xC8 | 0x2F | 0x47 | 0x5C | 0x5D | 0xEC, _)
            | (0xB0, 0xD0 | 0xD1 | 0xD5)
            | (0xB1, 0xC2) => Phase::In,
            (
                0x30 | 0x34 | 0x35 | 0x3D | 0x5E | 0x5F | 0xCA | 0x06 | 0xF1 | 0xF2 | 0xF4 | 0xF6,
                _,
            )
            | (0xB1, 0xC3)
            | (0xF9, 0x01 | 0x03) => Phase::Out,
            _ => Phase::None,
        }
    }

    /// Reads, writes or moves what is stored: refused while the drive is locked or sanitizing.
    pub(crate) fn touches_media(&self) -> bool {
        let reads = [0x20, 0x24, 0x25, 0xC8, 0x40, 0x42];
        let writes = [0x30, 0x34, 0x35, 0x3D, 0xCA, 0x06];
        reads.contains(&self.command) || writes.contains(&self.command)
    }
}

/// The last of what was received, and how much it was in all.
#[derive(Clone, Debug)]
pub struct Received<T> {
    last: VecDeque<T>,
    total: u64,
}

impl<T> Received<T> {
    const LAST: usize = 4096;

    pub(crate) fn push(&mut self, item: T) {
        if self.last.len() == Self::LAST {
            self.last.pop_front();
        }
        self.last.push_back(item);
        self.total += 1;
    }

    /// The last 4096, in order.
    pub fn last(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.last.iter()
    }

    /// How many there were since the drive was made.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl<T> Default for Received<T> {
    fn default() -> Self {
        Self {
            last: VecDeque::new(),
            total: 0,
        }
    }
}

/// The lowest 8 bits.
fn low(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Bits 15:0, 31:16, 47:32 and 63:48: a number as ATA lays it into words.
fn words(value: u64) -> [u16; 4] {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    [(a, b), (c, d), (e, f), (g, h)].map(|(low, high)| u16::from_le_bytes([low, high]))
}

/// Sets the last byte so that all of them add up to 0.
fn seal(bytes: &mut [u8]) {
    if let Some((last, others)) = bytes.split_last_mut() {
        let sum = others.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        *last = 0u8.wrapping_sub(sum);
    }
}
