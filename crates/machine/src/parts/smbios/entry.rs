//! The SMBIOS entry point: only its version is of interest, since the kernel hands over the table.
//!
//! DSP0134 §5.2.1 (32-bit, `_SM_`), §5.2.2 (64-bit, `_SM3_`), and the bare `_DMI_` of SMBIOS 2.0.
#![warn(clippy::indexing_slicing)]

use super::Version;

/// Version of the table, with what was odd about the entry point.
pub(super) fn version(entry: &[u8], oddities: &mut Vec<String>) -> Option<Version> {
    let field = |offset: usize| entry.get(offset).copied();
    let (stated, length) = if entry.starts_with(b"_SM3_") {
        (field(0x07).zip(field(0x08)), field(0x06))
    } else if entry.starts_with(b"_SM_") {
        // Some SMBIOS 2.1 firmware states 0x1E for the 0x1F bytes (note in §5.2.1).
        let length = field(0x05).map(|length| if length == 0x1E { 0x1F } else { length });
        (field(0x06).zip(field(0x07)), length)
    } else if entry.starts_with(b"_DMI_") {
        (field(0x0E).map(|bcd| (bcd >> 4, bcd & 0x0F)), Some(0x0F))
    } else {
        oddities.push("entry point: no SMBIOS anchor".into());
        return None;
    };

    match length.and_then(|length| entry.get(..usize::from(length))) {
        None => oddities.push("entry point: shorter than it states".into()),
        Some(covered) => {
            if covered
                .iter()
                .fold(0u8, |sum, byte| sum.wrapping_add(*byte))
                != 0
            {
                oddities.push("entry point: checksum is wrong".into());
            }
        }
    }

    let (major, minor) = stated?;
    // Versions that no specification has, written in hexadecimal or decimal by mistake; dmidecode
    // and Linux (dmi_scan.c) read them the same way.
    let (major, minor) = match (major, minor) {
        (2, 0x1F | 0x21) => (2, 3),
        (2, 0x33) => (2, 6),
        stated => stated,
    };
    Some(Version { major, minor })
}
