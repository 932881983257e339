//! SMBIOS: what the firmware says of the computer. Total: bytes in, facts and oddities out.
//!
//! DMTF DSP0134 3.x, types 0, 1, 2, 3, 4, 16, 17, 19, 20 and 22; section numbers are of 3.7.0.
//! Input is what Linux gives at `/sys/firmware/dmi/tables/{smbios_entry_point,DMI}`. Other types
//! (cache, slots, management controllers) decide nothing at a workshop and are skipped. A field
//! that the firmware's older structure does not reach is absent, not zero.
#![warn(clippy::indexing_slicing)]

mod entry;
mod memory_device;
mod structure;

use crate::parts::chassis::ChassisKind;
use crate::text::Label;
pub use memory_device::{MemoryArray, MemoryDevice, MemoryRange, RangeOwner};
use structure::Structure;

/// SMBIOS version of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Before the point.
    pub major: u8,
    /// After the point.
    pub minor: u8,
}

/// First version that defines the byte order of the UUID's first three fields (§7.2.1).
const UUID_LITTLE_ENDIAN_SINCE: Version = Version { major: 2, minor: 6 };

/// Everything wanted from the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Smbios {
    /// Absent when the entry point could not be read.
    pub version: Option<Version>,
    /// Type 0.
    pub bios: Option<Bios>,
    /// Type 1.
    pub system: Option<System>,
    /// Type 2, the first: further ones are daughter boards.
    pub board: Option<Board>,
    /// Type 3, the first: further ones are docks and bays.
    pub chassis: Option<Chassis>,
    /// Type 4, also empty sockets.
    pub sockets: Vec<Socket>,
    /// Type 16.
    pub memory_arrays: Vec<MemoryArray>,
    /// Type 17, also empty slots.
    pub memory_devices: Vec<MemoryDevice>,
    /// Types 19 and 20: which addresses an array or a module answers to.
    pub memory_ranges: Vec<MemoryRange>,
    /// Type 22.
    pub batteries: Vec<PortableBattery>,
    /// What the table should not contain.
    pub oddities: Vec<String>,
}

/// Type 0 (§7.1): firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bios {
    /// Vendor.
    pub vendor: Option<Label>,
    /// Version.
    pub version: Option<Label>,
    /// Release date as written, usually `mm/dd/yyyy`.
    pub date: Option<Label>,
    /// UEFI is supported (extension byte 2, bit 3), whatever mode it booted in.
    pub uefi_supported: Option<bool>,
}

/// Type 1 (§7.2): the computer as sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Manufacturer.
    pub maker: Option<Label>,
    /// Product name. Lenovo writes its type number here and the name in `version`.
    pub product: Option<Label>,
    /// Version.
    pub version: Option<Label>,
    /// Serial number.
    pub serial: Option<Label>,
    /// UUID, lower case with hyphens.
    pub uuid: Option<Label>,
    /// SKU number.
    pub sku: Option<Label>,
    /// Family.
    pub family: Option<Label>,
}

/// Type 2 (§7.3): the main board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Manufacturer.
    pub maker: Option<Label>,
    /// Product.
    pub product: Option<Label>,
    /// Version.
    pub version: Option<Label>,
    /// Serial number.
    pub serial: Option<Label>,
}

/// Type 3 (§7.4): the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chassis {
    /// Kind, by table 17 of the specification.
    pub kind: ChassisKind,
    /// Manufacturer.
    pub maker: Option<Label>,
    /// Serial number.
    pub serial: Option<Label>,
    /// Asset tag of the former owner, if he wrote one.
    pub asset_tag: Option<Label>,
}

/// Type 4 (§7.5): a processor socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// As printed on the board.
    pub name: Option<Label>,
    /// Something is in it (status bit 6).
    pub populated: Option<bool>,
    /// Manufacturer.
    pub maker: Option<Label>,
    /// Processor version, usually the brand string.
    pub version: Option<Label>,
    /// Cores; absent when unknown.
    pub cores: Option<u16>,
    /// Threads; absent when unknown.
    pub threads: Option<u16>,
    /// Highest speed that the socket supports, in MHz.
    pub speed_max_mhz: Option<u16>,
}

/// Type 22 (§7.23): a battery as the firmware describes it. Capacity now is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortableBattery {
    /// Where it sits.
    pub location: Option<Label>,
    /// Manufacturer.
    pub maker: Option<Label>,
    /// Device name.
    pub name: Option<Label>,
    /// Serial number.
    pub serial: Option<Label>,
    /// Design capacity; absent when unknown.
    pub capacity_design_mwh: Option<u32>,
    /// Design voltage; absent when unknown.
    pub voltage_design_mv: Option<u16>,
    /// Year and month of manufacture from the SBDS date, when that is used.
    pub made: Option<(u16, u8)>,
}

/// Reads entry point and structure table.
#[must_use]
pub fn parse(entry: &[u8], table: &[u8]) -> Smbios {
    let mut oddities = Vec::new();
    let version = entry::version(entry, &mut oddities);
    let structures = structure::walk(table, &mut oddities);
    let mut smbios = Smbios {
        version,
        ..Smbios::default()
    };
    for structure in &structures {
        match structure.kind {
            0 => keep_first(&mut smbios.bios, || bios(structure)),
            1 => keep_first(&mut smbios.system, || {
                system(structure, version, &mut oddities)
            }),
            2 => keep_first(&mut smbios.board, || board(structure)),
            3 => keep_first(&mut smbios.chassis, || chassis(structure)),
            4 => smbios.sockets.push(socket(structure)),
            16 => smbios.memory_arrays.push(memory_device::array(structure)),
            17 => smbios.memory_devices.push(memory_device::device(structure)),
            19 | 20 => match memory_device::range(structure) {
                Some(range) => smbios.memory_ranges.push(range),
                None => oddities.push(format!(
                    "memory range handle {:#06x}: addresses are missing or reversed",
                    structure.handle
                )),
            },
            22 => smbios.batteries.push(battery(structure)),
            _ => {}
        }
    }
    smbios.oddities = oddities;
    smbios
}

fn keep_first<T>(place: &mut Option<T>, make: impl FnOnce() -> T) {
    if place.is_none() {
        *place = Some(make());
    }
}

fn bios(structure: &Structure) -> Bios {
    Bios {
        vendor: structure.label(0x04),
        version: structure.label(0x05),
        date: structure.label(0x08),
        uefi_supported: structure.byte(0x13).map(|byte| byte & 1 << 3 != 0),
    }
}

fn system(structure: &Structure, version: Option<Version>, oddities: &mut Vec<String>) -> System {
    System {
        maker: structure.label(0x04),
        product: structure.label(0x05),
        version: structure.label(0x06),
        serial: structure.label(0x07),
        uuid: structure
            .array(0x08)
            .and_then(|bytes| uuid(bytes, version, oddities)),
        sku: structure.label(0x19),
        family: structure.label(0x1A),
    }
}

/// UUIDs that boards share: AMI's and another default, beside all zeros and all ones (§7.2.1:
/// "not present" and "not set").
const UUIDS_SHARED: [&str; 2] = [
    "03000200-0400-0500-0006-000700080009",
    "00010203-0405-0607-0809-0a0b0c0d0e0f",
];

fn uuid(bytes: [u8; 16], version: Option<Version>, oddities: &mut Vec<String>) -> Option<Label> {
    let unset = bytes == [0; 16] || bytes == [0xFF; 16];
    let mut ordered = bytes;
    match version {
        Some(version) if version >= UUID_LITTLE_ENDIAN_SINCE => {
            let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
            let [i, j, k, l, m, n, o, p] = rest;
            ordered = [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p];
        }
        Some(_) => {}
        None if unset => {}
        None => {
            oddities.push("UUID left out: without a version its byte order is unknown".into());
            return None;
        }
    }
    let mut text = String::with_capacity(36);
    for (index, byte) in ordered.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    let generic = unset || UUIDS_SHARED.contains(&text.as_str());
    Some(Label { text, generic })
}

fn board(structure: &Structure) -> Board {
    Board {
        maker: structure.label(0x04),
        product: structure.label(0x05),
        version: structure.label(0x06),
        serial: structure.label(0x07),
    }
}

fn chassis(structure: &Structure) -> Chassis {
    Chassis {
        // Bit 7 is the lock, not the kind.
        kind: ChassisKind {
            code: structure.byte(0x05).unwrap_or_default() & 0x7F,
        },
        maker: structure.label(0x04),
        serial: structure.label(0x07),
        asset_tag: structure.label(0x08),
    }
}

fn socket(structure: &Structure) -> Socket {
    // 0 is unknown; 0xFF sends the reader to the 16-bit field that SMBIOS 3.0 added.
    let count = |byte: usize, word: usize| match structure.byte(byte)? {
        0 => None,
        0xFF => structure
            .word(word)
            .filter(|count| *count != 0 && *count != 0xFFFF)
            .or(Some(0xFF)),
        count => Some(u16::from(count)),
    };
    Socket {
        name: structure.label(0x04),
        populated: structure.byte(0x18).map(|status| status & 1 << 6 != 0),
        maker: structure.label(0x07),
        version: structure.label(0x10),
        cores: count(0x23, 0x2A),
        threads: count(0x25, 0x2E),
        speed_max_mhz: structure.word(0x14).filter(|mhz| *mhz != 0),
    }
}

fn battery(structure: &Structure) -> PortableBattery {
    let multiplier = u32::from(structure.byte(0x15).unwrap_or(1).max(1));
    let capacity = structure.word(0x0A).filter(|capacity| *capacity != 0);
    PortableBattery {
        location: structure.label(0x04),
        maker: structure.label(0x05),
        name: structure.label(0x08),
        serial: structure.label(0x07),
        capacity_design_mwh: capacity.map(|capacity| u32::from(capacity) * multiplier),
        voltage_design_mv: structure.word(0x0C).filter(|voltage| *voltage != 0),
        made: structure.word(0x12).and_then(|date| {
            let month = u8::try_from(date >> 5 & 0x0F).ok()?;
            (date != 0 && (1..=12).contains(&month)).then_some((1980 + (date >> 9), month))
        }),
    }
}
