//! EDID 1.3 and 1.4 base block (VESA E-EDID Release A Revision 2, §3). Total.
//!
//! Extension blocks are not read: they add sound and video modes, nothing that a workshop sorts by.
#![warn(clippy::indexing_slicing)]

use crate::text::printable;

/// What a screen says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edid {
    /// Three letters of the maker (PNP id).
    pub maker: Option<String>,
    /// Product code.
    pub product: Option<u16>,
    /// Serial number as a number; absent when 0 or the filler 0x01010101.
    pub serial_number: Option<u32>,
    /// Serial number as text (descriptor 0xFF).
    pub serial: Option<String>,
    /// Name (descriptor 0xFC).
    pub name: Option<String>,
    /// Free texts (descriptor 0xFE): panel makers write the part number here.
    pub texts: Vec<String>,
    /// Year of manufacture or of the model.
    pub year: Option<u16>,
    /// Width of the picture, rounded to centimetres.
    pub width_cm: Option<u8>,
    /// Height of the picture, rounded to centimetres.
    pub height_cm: Option<u8>,
    /// Native width (first detailed timing).
    pub width_px: Option<u32>,
    /// Native height (first detailed timing).
    pub height_px: Option<u32>,
    /// What the block should not contain.
    pub oddities: Vec<String>,
}

/// Size of a block (§2.2).
const BLOCK_BYTES: usize = 128;

/// Reads the base block; what does not start with the EDID header gives no facts.
#[must_use]
pub fn parse(bytes: &[u8]) -> Edid {
    let mut edid = Edid::default();
    let Some(block) = bytes.first_chunk::<BLOCK_BYTES>() else {
        edid.oddities
            .push(format!("{} bytes, an EDID has at least 128", bytes.len()));
        return edid;
    };
    if !block.starts_with(&[0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00]) {
        edid.oddities.push("no EDID header".into());
        return edid;
    }
    if block.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) != 0 {
        edid.oddities.push("checksum is wrong".into());
    }
    let byte = |offset: usize| block.get(offset).copied().unwrap_or_default();
    let (version, revision) = (byte(18), byte(19));
    if version != 1 || revision > 4 {
        edid.oddities
            .push(format!("EDID version {version}.{revision}, read as 1.4"));
    }

    edid.maker = maker([byte(8), byte(9)]);
    if edid.maker.is_none() {
        edid.oddities.push("maker id is not three letters".into());
    }
    edid.product = Some(u16::from_le_bytes([byte(10), byte(11)]));
    let serial = u32::from_le_bytes([byte(12), byte(13), byte(14), byte(15)]);
    edid.serial_number = Some(serial).filter(|serial| !matches!(serial, 0 | 0x0101_0101));
    // 0 would be 1990, before EDID existed: unset.
    edid.year = Some(byte(17))
        .filter(|year| *year != 0)
        .map(|year| 1990 + u16::from(year));
    // One of the two being zero makes the other an aspect ratio (1.4, §3.6.2).
    if byte(21) != 0 && byte(22) != 0 {
        (edid.width_cm, edid.height_cm) = (Some(byte(21)), Some(byte(22)));
    }

    for (index, descriptor) in block
        .get(54..126)
        .unwrap_or_default()
        .chunks(18)
        .enumerate()
    {
        match descriptor {
            [0, 0, 0, 0xFC, _, text @ ..] => edid.name = text_of(text),
            [0, 0, 0, 0xFF, _, text @ ..] => edid.serial = text_of(text),
            [0, 0, 0, 0xFE, _, text @ ..] => edid.texts.extend(text_of(text)),
            [0, 0, ..] => {}
            // The first is the preferred timing; on a panel that is its native one (§3.10.1).
            timing if index == 0 => {
                if let Some((width, height)) = native(timing) {
                    (edid.width_px, edid.height_px) = (Some(width), Some(height));
                }
            }
            _ => {}
        }
    }
    edid
}

/// Five bits a letter, `A` = 1 (§3.4.1).
fn maker(bytes: [u8; 2]) -> Option<String> {
    let packed = u16::from_be_bytes(bytes);
    [packed >> 10 & 0x1F, packed >> 5 & 0x1F, packed & 0x1F]
        .into_iter()
        .map(|letter| {
            let letter = u8::try_from(letter)
                .ok()
                .filter(|letter| (1..=26).contains(letter))?;
            Some(char::from(b'A' + letter - 1))
        })
        .collect()
}

/// Text up to the line feed that ends it (§3.10.3.1).
fn text_of(bytes: &[u8]) -> Option<String> {
    let text = printable(bytes.split(|byte| *byte == 0x0A).next()?);
    (!text.is_empty()).then_some(text)
}

/// Active pixels and lines of a detailed timing (§3.10.2); an interlaced one counts half its lines.
fn native(timing: &[u8]) -> Option<(u32, u32)> {
    let &[
        _,
        _,
        width_low,
        _,
        width_high,
        height_low,
        _,
        height_high,
        ..,
        flags,
    ] = timing
    else {
        return None;
    };
    let width = u32::from(width_low) | u32::from(width_high & 0xF0) << 4;
    let lines = u32::from(height_low) | u32::from(height_high & 0xF0) << 4;
    let height = if flags & 0x80 != 0 { lines * 2 } else { lines };
    (width != 0 && height != 0).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// EDID of a Samsung SyncMaster 2220WM as its service manual prints it; the manual leaves out
    /// serial, week and checksum: here 0x12345678, 20, and what brings the sum to zero.
    const SYNCMASTER: [u8; 128] = [
        0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x4C, 0x2D, 0x1F, 0x03, 0x78, 0x56, 0x34,
        0x12, 0x14, 0x11, 0x01, 0x03, 0x6C, 0x2F, 0x1E, 0x78, 0x2A, 0xDC, 0x51, 0xA3, 0x59, 0x48,
        0x9E, 0x24, 0x11, 0x50, 0x54, 0xBF, 0xEF, 0x80, 0xB3, 0x00, 0x81, 0x80, 0x81, 0x40, 0x71,
        0x4F, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x21, 0x39, 0x90, 0x30, 0x62, 0x1A,
        0x27, 0x40, 0x68, 0xB0, 0x36, 0x00, 0xDA, 0x28, 0x11, 0x00, 0x00, 0x1C, 0x00, 0x00, 0x00,
        0xFD, 0x00, 0x38, 0x4B, 0x1E, 0x51, 0x0F, 0x00, 0x0A, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
        0x00, 0x00, 0x00, 0xFC, 0x00, 0x53, 0x79, 0x6E, 0x63, 0x4D, 0x61, 0x73, 0x74, 0x65, 0x72,
        0x0A, 0x20, 0x20, 0x00, 0x00, 0x00, 0xFF, 0x00, 0x48, 0x31, 0x41, 0x4B, 0x35, 0x30, 0x30,
        0x30, 0x30, 0x30, 0x0A, 0x20, 0x20, 0x00, 0x7C,
    ];

    #[test]
    fn monitor_of_a_service_manual_is_read() {
        assert_eq!(
            parse(&SYNCMASTER),
            Edid {
                maker: Some("SAM".into()),
                product: Some(0x031F),
                serial_number: Some(0x1234_5678),
                serial: Some("H1AK500000".into()),
                name: Some("SyncMaster".into()),
                texts: vec![],
                year: Some(2007),
                width_cm: Some(47),
                height_cm: Some(30),
                width_px: Some(1680),
                height_px: Some(1050),
                oddities: vec![],
            }
        );
    }

    #[test]
    fn wrong_checksum_is_an_oddity_and_the_facts_stand() {
        let mut bytes = SYNCMASTER;
        bytes[127] ^= 1;
        let edid = parse(&bytes);
        assert_eq!(edid.oddities, ["checksum is wrong"]);
        assert_eq!(edid.width_px, Some(1680));
    }

    #[test]
    fn aspect_ratio_is_not_taken_for_a_size() {
        let mut bytes = SYNCMASTER;
        bytes[22] = 0;
        let edid = parse(&bytes);
        assert_eq!((edid.width_cm, edid.height_cm), (None, None));
    }

    #[test]
    fn zeros_and_stubs_give_no_facts() {
        for bytes in [&[0u8; 128][..], &[], &SYNCMASTER[..127]] {
            let edid = parse(bytes);
            assert_eq!(edid.oddities.len(), 1, "{bytes:?}");
            assert_eq!(
                Edid {
                    oddities: vec![],
                    ..edid
                },
                Edid::default()
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_damage_to_a_real_block_never_panics(at in 8usize..127, value in any::<u8>()) {
            let mut bytes = SYNCMASTER;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            let edid = parse(&bytes);
            prop_assert!(edid.name.is_none_or(|name| !name.chars().any(char::is_control)));
        }
    }
}
