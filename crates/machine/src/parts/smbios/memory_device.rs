//! Memory in SMBIOS: arrays (type 16), modules and empty slots (17), address ranges (19, 20).
//!
//! DSP0134 §7.17, §7.18, §7.20, §7.21.
#![warn(clippy::indexing_slicing)]

use super::structure::Structure;
use crate::text::Label;

/// Type 16: a group of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryArray {
    /// By which modules name it.
    pub handle: u16,
    /// It is the computer's main memory (use 3), not flash or video memory.
    pub main_memory: bool,
    /// Slots.
    pub slots: Option<u16>,
    /// Highest capacity that the maker states.
    pub capacity_max_bytes: Option<u64>,
    /// The array corrects errors (ECC).
    pub corrects_errors: Option<bool>,
}

/// Type 17: a module or an empty slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryDevice {
    /// By which address ranges name it.
    pub handle: u16,
    /// The array that it belongs to.
    pub array_handle: Option<u16>,
    /// As printed on the board, such as `DIMM 1` or `ChannelA-DIMM0`.
    pub locator: Option<Label>,
    /// Bank, such as `BANK 0`.
    pub bank: Option<Label>,
    /// False for an empty slot; absent when the firmware does not say.
    pub populated: Option<bool>,
    /// Size of the module; absent when empty or unknown.
    pub capacity_bytes: Option<u64>,
    /// Type, such as `DDR4`.
    pub kind: Option<&'static str>,
    /// Form, such as `SODIMM`; `soldered` for rows of chips.
    pub form: Option<&'static str>,
    /// Highest speed of the module in MT/s.
    pub speed_mts: Option<u32>,
    /// Speed that it runs at, in MT/s.
    pub speed_configured_mts: Option<u32>,
    /// Manufacturer.
    pub maker: Option<Label>,
    /// Part number.
    pub part: Option<Label>,
    /// Serial number.
    pub serial: Option<Label>,
}

/// Type 19 or 20: physical addresses, so that a bad address can name its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// What answers to the addresses.
    pub owner: RangeOwner,
    /// First physical byte.
    pub first_byte: u64,
    /// Last physical byte, included.
    pub last_byte: u64,
    /// Rows that share the range; above 1 an address names no single module. Type 20 only.
    pub interleave_depth: Option<u8>,
}

/// What a [`MemoryRange`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeOwner {
    /// Type 19: the array with this handle.
    Array(u16),
    /// Type 20: the module with this handle.
    Module(u16),
}

pub(super) fn array(structure: &Structure) -> MemoryArray {
    let capacity = match structure.dword(0x07) {
        Some(0x8000_0000) => structure.qword(0x0F),
        kib => kib.map(|kib| u64::from(kib) << 10),
    };
    MemoryArray {
        handle: structure.handle,
        main_memory: structure.byte(0x05) == Some(0x03),
        slots: structure.word(0x0D),
        capacity_max_bytes: capacity.filter(|bytes| *bytes != 0),
        // 4 parity, 5 and 6 single- and multi-bit ECC, 7 CRC; 1 and 2 say nothing.
        corrects_errors: match structure.byte(0x06) {
            Some(3 | 4 | 7) => Some(false),
            Some(5 | 6) => Some(true),
            _ => None,
        },
    }
}

pub(super) fn device(structure: &Structure) -> MemoryDevice {
    let (populated, capacity_bytes) = size(structure);
    MemoryDevice {
        handle: structure.handle,
        array_handle: structure.word(0x04),
        locator: structure.label(0x10),
        bank: structure.label(0x11),
        populated,
        capacity_bytes,
        kind: structure.byte(0x12).and_then(kind),
        form: structure.byte(0x0E).and_then(form),
        speed_mts: speed(structure, 0x15, 0x54),
        speed_configured_mts: speed(structure, 0x20, 0x58),
        maker: structure.label(0x17),
        part: structure.label(0x1A),
        serial: structure.label(0x18),
    }
}

/// Populated, and bytes. Word 0x0C: 0 empty, 0xFFFF unknown, 0x7FFF see the double word at 0x1C,
/// otherwise MiB, or KiB with bit 15.
fn size(structure: &Structure) -> (Option<bool>, Option<u64>) {
    match structure.word(0x0C) {
        None => (None, None),
        Some(0) => (Some(false), None),
        Some(0xFFFF) => (Some(true), None),
        Some(0x7FFF) => {
            let mib = structure
                .dword(0x1C)
                .map(|mib| u64::from(mib & 0x7FFF_FFFF));
            (Some(true), mib.filter(|mib| *mib != 0).map(|mib| mib << 20))
        }
        Some(kib) if kib & 0x8000 != 0 => (Some(true), Some(u64::from(kib & 0x7FFF) << 10)),
        Some(mib) => (Some(true), Some(u64::from(mib) << 20)),
    }
}

/// 0 is unknown; 0xFFFF sends the reader to the double word that SMBIOS 3.3 added.
fn speed(structure: &Structure, word: usize, dword: usize) -> Option<u32> {
    match structure.word(word)? {
        0 => None,
        0xFFFF => structure
            .dword(dword)
            .map(|mts| mts & 0x7FFF_FFFF)
            .filter(|mts| *mts != 0),
        mts => Some(u32::from(mts)),
    }
}

pub(super) fn range(structure: &Structure) -> Option<MemoryRange> {
    let module = structure.kind == 20;
    let (extended_first, extended_last) = if module { (0x13, 0x1B) } else { (0x0F, 0x17) };
    let (first_byte, last_byte) = match structure.dword(0x04)? {
        0xFFFF_FFFF => (
            structure.qword(extended_first)?,
            structure.qword(extended_last)?,
        ),
        first_kib => {
            let last_kib = structure.dword(0x08)?;
            (
                u64::from(first_kib) << 10,
                (u64::from(last_kib) << 10) + 1023,
            )
        }
    };
    let owner = structure.word(0x0C)?;
    (first_byte <= last_byte).then_some(MemoryRange {
        owner: if module {
            RangeOwner::Module(owner)
        } else {
            RangeOwner::Array(owner)
        },
        first_byte,
        last_byte,
        // 0xFF is unknown, 0 is not interleaved.
        interleave_depth: structure
            .byte(0x12)
            .filter(|depth| module && *depth != 0xFF),
    })
}

/// Table 79 of the specification (§7.18.2); codes 1 and 2 (other, unknown) say nothing.
fn kind(code: u8) -> Option<&'static str> {
    Some(match code {
        0x03 => "DRAM",
        0x07 => "RAM",
        0x09 => "FLASH",
        0x0F => "SDRAM",
        0x12 => "DDR",
        0x13 => "DDR2",
        0x14 => "DDR2 FB-DIMM",
        0x18 => "DDR3",
        0x19 => "FBD2",
        0x1A => "DDR4",
        0x1B => "LPDDR",
        0x1C => "LPDDR2",
        0x1D => "LPDDR3",
        0x1E => "LPDDR4",
        0x1F => "non-volatile",
        0x20 => "HBM",
        0x21 => "HBM2",
        0x22 => "DDR5",
        0x23 => "LPDDR5",
        0x24 => "HBM3",
        _ => return None,
    })
}

/// Table 77 of the specification (§7.18.1).
fn form(code: u8) -> Option<&'static str> {
    Some(match code {
        0x03 => "SIMM",
        0x05 => "chip",
        0x09 => "DIMM",
        0x0B => "soldered",
        0x0C => "RIMM",
        0x0D => "SODIMM",
        0x0F => "FB-DIMM",
        0x10 => "die",
        0x11 => "CAMM",
        _ => return None,
    })
}
