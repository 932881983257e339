//! READ DEFECT DATA(12): how many blocks were retired in the field. SBC-4 5.18.
//!
//! Only the length of the grown list is read; where the defects lie is not.

use crate::bytes::{be32, bit, byte};

/// Number of grown defects. `None`: the answer is short, holds no grown list, or is in a format
/// whose descriptors have no fixed length.
#[must_use]
pub fn grown_defects(data: &[u8]) -> Option<u64> {
    let flags = byte(data, 1)?;
    if !bit(flags, 3) {
        return None;
    }
    let descriptor_bytes = match flags & 0x07 {
        0b000 => 4,
        0b001..=0b101 => 8,
        _ => return None,
    };
    Some(u64::from(be32(data, 4)?) / descriptor_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_follows_from_length_and_format() {
        // Long block format, 24 bytes.
        assert_eq!(grown_defects(&[0, 0x0B, 0, 0, 0, 0, 0, 24]), Some(3));
        // Short block format, 24 bytes.
        assert_eq!(grown_defects(&[0, 0x08, 0, 0, 0, 0, 0, 24]), Some(6));
        assert_eq!(grown_defects(&[0, 0x0B, 0, 0, 0, 0, 0, 0]), Some(0));
    }

    #[test]
    fn no_grown_list_vendor_format_or_short_is_unknown() {
        assert_eq!(grown_defects(&[0, 0x13, 0, 0, 0, 0, 0, 24]), None);
        assert_eq!(grown_defects(&[0, 0x0E, 0, 0, 0, 0, 0, 24]), None);
        assert_eq!(grown_defects(&[0, 0x0B, 0, 0]), None);
    }
}
