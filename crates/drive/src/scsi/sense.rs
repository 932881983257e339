//! Sense data, fixed and descriptor format. SPC-5 4.4.
//!
//! A field that the format or the length does not carry is `None`. Registers of ATA commands are
//! read by [`crate::ata::registers`].

use crate::bytes::{be16, be32, be64, bit, byte};
use std::fmt;

/// The two formats of sense data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenseForm {
    /// Response codes 70h and 71h.
    Fixed,
    /// Response codes 72h and 73h.
    Descriptor,
}

/// Why a command ended with CHECK CONDITION, or what REQUEST SENSE answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sense {
    /// Format.
    pub form: SenseForm,
    /// The sense belongs to an earlier command (71h, 73h).
    pub deferred: bool,
    /// Sense key, 0 to 15.
    pub key: u8,
    /// Additional sense code; `None` when the sense is too short to hold it.
    pub asc: Option<u8>,
    /// Additional sense code qualifier.
    pub ascq: Option<u8>,
    /// INFORMATION, when marked valid: for medium errors the LBA.
    pub information: Option<u64>,
    /// Progress of a background operation, in 65536ths.
    pub progress: Option<u16>,
}

impl Sense {
    /// Parses what the transport returned; `None` when it is empty or of neither format.
    #[must_use]
    pub fn parse(sense: &[u8]) -> Option<Self> {
        match byte(sense, 0)? & 0x7F {
            code @ (0x70 | 0x71) => Self::parse_fixed(sense, code == 0x71),
            code @ (0x72 | 0x73) => Self::parse_descriptor(sense, code == 0x73),
            _ => None,
        }
    }

    fn parse_fixed(sense: &[u8], deferred: bool) -> Option<Self> {
        let key = byte(sense, 2)? & 0x0F;
        let end = 8 + usize::from(byte(sense, 7).unwrap_or(0));
        let sense = sense.get(..end.min(sense.len()))?;
        let information = be32(sense, 3).filter(|_| byte(sense, 0).is_some_and(|b| bit(b, 7)));
        // SKSV; with NO SENSE and NOT READY the bytes are a progress, else a field pointer or so.
        let has_progress = byte(sense, 15).is_some_and(|b| bit(b, 7)) && carries_progress(key);
        Some(Self {
            form: SenseForm::Fixed,
            deferred,
            key,
            asc: byte(sense, 12),
            ascq: byte(sense, 13),
            information: information.map(u64::from),
            progress: be16(sense, 16).filter(|_| has_progress),
        })
    }

    fn parse_descriptor(sense: &[u8], deferred: bool) -> Option<Self> {
        let key = byte(sense, 1)? & 0x0F;
        let mut parsed = Self {
            form: SenseForm::Descriptor,
            deferred,
            key,
            asc: byte(sense, 2),
            ascq: byte(sense, 3),
            information: None,
            progress: None,
        };
        for d in descriptors(sense) {
            let valid = |at| byte(d, at).is_some_and(|b| bit(b, 7));
            match byte(d, 0) {
                Some(0x00) if valid(2) => parsed.information = be64(d, 4),
                Some(0x02) if valid(4) && carries_progress(key) => parsed.progress = be16(d, 5),
                Some(0x0A) => parsed.progress = parsed.progress.or(be16(d, 6)),
                _ => {}
            }
        }
        Some(parsed)
    }

    /// Key, code and qualifier as one value, to compare with a table.
    #[must_use]
    pub fn triple(&self) -> (u8, Option<u8>, Option<u8>) {
        (self.key, self.asc, self.ascq)
    }

    /// The sense key in words, SPC-5 table 48.
    #[must_use]
    pub fn key_name(&self) -> &'static str {
        match self.key {
            0x0 => "no sense",
            0x1 => "recovered error",
            0x2 => "not ready",
            0x3 => "medium error",
            0x4 => "hardware error",
            0x5 => "illegal request",
            0x6 => "unit attention",
            0x7 => "data protect",
            0x8 => "blank check",
            0x9 => "vendor specific",
            0xA => "copy aborted",
            0xB => "aborted command",
            0xD => "volume overflow",
            0xE => "miscompare",
            0xF => "completed",
            _ => "reserved sense key",
        }
    }
}

/// `medium error (3/11/00)`: key in decimal words, codes in hexadecimal, `--` where they were cut off.
impl fmt::Display for Sense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = |c: Option<u8>| c.map_or("--".to_owned(), |c| format!("{c:02X}"));
        write!(
            f,
            "{} ({:X}/{}/{})",
            self.key_name(),
            self.key,
            code(self.asc),
            code(self.ascq)
        )
    }
}

/// Sense keys whose sense-key-specific bytes are a progress.
fn carries_progress(key: u8) -> bool {
    matches!(key, 0x0 | 0x2)
}

/// The descriptors of descriptor-format sense, whole ones only.
pub(crate) fn descriptors(sense: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = 8 + usize::from(byte(sense, 7).unwrap_or(0));
    let mut rest = sense.get(8..end.min(sense.len())).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = 2 + usize::from(byte(rest, 1)?);
        let (descriptor, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(descriptor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_medium_error_with_its_lba() {
        let s = [
            0xF0, 0, 0x03, 0x00, 0x01, 0x40, 0x00, 10, 0, 0, 0, 0, 0x11, 0x00, 0, 0, 0, 0,
        ];
        let sense = Sense::parse(&s).expect("sense");
        assert_eq!(sense.triple(), (3, Some(0x11), Some(0x00)));
        assert_eq!(sense.information, Some(81_920));
        assert_eq!(sense.to_string(), "medium error (3/11/00)");
        assert!(!sense.deferred);
    }

    #[test]
    fn information_counts_only_when_valid() {
        let s = [
            0x70, 0, 0x03, 0, 1, 0x40, 0, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0,
        ];
        assert_eq!(Sense::parse(&s).expect("sense").information, None);
    }

    #[test]
    fn fixed_sanitize_in_progress_has_a_progress() {
        let s = [
            0x70, 0, 0x02, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x04, 0x1B, 0, 0x80, 0x40, 0x00,
        ];
        let sense = Sense::parse(&s).expect("sense");
        assert_eq!(sense.triple(), (2, Some(0x04), Some(0x1B)));
        assert_eq!(sense.progress, Some(0x4000));
    }

    #[test]
    fn field_pointer_is_no_progress() {
        let s = [
            0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0x00, 0, 0xC0, 0x00, 0x02,
        ];
        assert_eq!(Sense::parse(&s).expect("sense").progress, None);
    }

    #[test]
    fn descriptor_format_reads_information_and_progress() {
        let mut s = vec![0x72, 0x02, 0x04, 0x1B, 0, 0, 0, 20];
        s.extend([0x00, 0x0A, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
        s.extend([0x02, 0x06, 0, 0, 0x80, 0x12, 0x34, 0]);
        let sense = Sense::parse(&s).expect("sense");
        assert_eq!(sense.form, SenseForm::Descriptor);
        assert_eq!(sense.information, Some(0x1_0000_0002));
        assert_eq!(sense.progress, Some(0x1234));
    }

    #[test]
    fn progress_descriptor_0a_counts_under_any_key() {
        let mut s = vec![0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 8];
        s.extend([0x0A, 0x06, 0x02, 0x04, 0x1B, 0, 0x80, 0x00]);
        assert_eq!(Sense::parse(&s).expect("sense").progress, Some(0x8000));
    }

    #[test]
    fn sense_shorter_than_its_length_gives_what_it_has() {
        let s = [0x70, 0, 0x06, 0, 0, 0, 0, 10];
        let sense = Sense::parse(&s).expect("sense");
        assert_eq!(sense.triple(), (6, None, None));
        assert_eq!(sense.to_string(), "unit attention (6/--/--)");
    }

    #[test]
    fn length_byte_bounds_the_fixed_fields() {
        // Additional length 0: what follows is a stale buffer.
        let s = [
            0x70, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x00, 0, 0, 0, 0,
        ];
        assert_eq!(Sense::parse(&s).expect("sense").asc, None);
    }

    #[test]
    fn empty_zero_and_vendor_sense_are_none() {
        assert_eq!(Sense::parse(&[]), None);
        assert_eq!(Sense::parse(&[0; 18]), None);
        assert_eq!(Sense::parse(&[0x7F; 18]), None);
    }

    #[test]
    fn deferred_codes_are_marked() {
        assert!(
            Sense::parse(&[0x71, 0, 3, 0, 0, 0, 0, 0])
                .expect("sense")
                .deferred
        );
        assert!(
            Sense::parse(&[0x73, 3, 0x11, 0, 0, 0, 0, 0])
                .expect("sense")
                .deferred
        );
    }
}
