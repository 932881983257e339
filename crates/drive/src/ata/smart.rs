//! SMART: attribute table, thresholds, and the drive's own verdict.
//!
//! Raw values stay the 48 bits that the drive gave; what they mean is [`crate::health`]'s business.
//! SFF-8035i revision 2 for the tables (vendor data in ACS), ACS-4 7.48 for the rest.

use super::registers::RegisterReturn;
use crate::bytes::{array, byte, is_one_byte_repeated, le16};

/// Offset of the attribute table in both pages.
const TABLE_AT: usize = 2;
/// Entries of the attribute table.
const TABLE_ENTRIES: usize = 30;
/// Bytes of one entry.
const ENTRY_BYTES: usize = 12;

/// Answer to SMART READ DATA.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SmartData {
    /// Structure revision, as it came.
    pub revision: u16,
    /// Attributes in the drive's order, empty slots left out.
    pub attributes: Vec<AttributeRow>,
    /// Result of the last self-test, 0 to 15 (0 passed or never run, 15 in progress).
    pub self_test_result: Option<u8>,
    /// Part of the running self-test that remains, in percent.
    pub self_test_remaining_percent: Option<u8>,
    /// Recommended polling time of the short self-test.
    pub short_test_minutes: Option<u16>,
    /// Recommended polling time of the extended self-test.
    pub extended_test_minutes: Option<u16>,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// One row of the attribute table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeRow {
    /// Attribute number; its meaning is the vendor's, by custom much the same everywhere.
    pub id: u8,
    /// Flags; bit 0 says that a failing value predicts failure rather than age.
    pub flags: u16,
    /// Normalised value; 1 to 253 count.
    pub value: u8,
    /// Lowest normalised value so far.
    pub worst: u8,
    /// Raw value, 48 bits, little-endian.
    pub raw: u64,
}

/// Answer to SMART READ ATTRIBUTE THRESHOLDS.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Thresholds {
    /// Attribute number and threshold, in the drive's order.
    pub rows: Vec<(u8, u8)>,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// Whether an attribute's normalised value is at or below its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFailed {
    /// Neither now nor before.
    Never,
    /// The worst value was.
    Past,
    /// The value is.
    Now,
    /// No threshold was read, or the value is outside 1 to 253.
    Unknown,
}

/// The drive's verdict on itself, from SMART RETURN STATUS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmartStatus {
    /// LBA mid/high 4Fh/C2h: no threshold exceeded.
    Passed,
    /// LBA mid/high F4h/2Ch: a threshold is exceeded.
    Failing,
    /// Anything else.
    Unknown,
}

impl SmartData {
    /// Parses the 512-byte page; a short one gives what it has.
    #[must_use]
    pub fn parse(page: &[u8]) -> Self {
        let mut oddities = page_oddities("SMART data", page);
        let attributes: Vec<AttributeRow> = table(page).filter_map(AttributeRow::parse).collect();
        for (i, row) in attributes.iter().enumerate() {
            if attributes.iter().take(i).any(|before| before.id == row.id) {
                oddities.push(format!("SMART attribute {} appears twice", row.id));
            }
        }
        let self_test = byte(page, 363);
        let extended_test_minutes = match byte(page, 373) {
            // FFh: the time is in the word at 375.
            Some(0xFF) => le16(page, 375),
            other => other.map(u16::from),
        };
        Self {
            revision: le16(page, 0).unwrap_or(0),
            attributes,
            self_test_result: self_test.map(|b| b >> 4),
            self_test_remaining_percent: self_test.map(|b| (b & 0x0F).saturating_mul(10).min(100)),
            short_test_minutes: byte(page, 372).map(u16::from),
            extended_test_minutes,
            oddities,
        }
    }

    /// The first row with this attribute number.
    #[must_use]
    pub fn attribute(&self, id: u8) -> Option<&AttributeRow> {
        self.attributes.iter().find(|row| row.id == id)
    }
}

impl AttributeRow {
    /// One 12-byte entry; `None` for an empty slot.
    fn parse(entry: &[u8]) -> Option<Self> {
        let id = byte(entry, 0).filter(|id| *id != 0)?;
        let [r0, r1, r2, r3, r4, r5] = array(entry, 5)?;
        Some(Self {
            id,
            flags: le16(entry, 1)?,
            value: byte(entry, 3)?,
            worst: byte(entry, 4)?,
            raw: u64::from_le_bytes([r0, r1, r2, r3, r4, r5, 0, 0]),
        })
    }

    /// Compares with `threshold`. Threshold 0 never fails, by definition.
    #[must_use]
    pub fn when_failed(&self, threshold: Option<u8>) -> WhenFailed {
        let counts = |v: u8| (1..=253).contains(&v);
        match threshold {
            None => WhenFailed::Unknown,
            Some(0) => WhenFailed::Never,
            Some(_) if !counts(self.value) => WhenFailed::Unknown,
            Some(t) if self.value <= t => WhenFailed::Now,
            Some(t) if counts(self.worst) && self.worst <= t => WhenFailed::Past,
            Some(_) => WhenFailed::Never,
        }
    }
}

impl Thresholds {
    /// Parses the 512-byte page; a short one gives what it has.
    #[must_use]
    pub fn parse(page: &[u8]) -> Self {
        let rows = table(page)
            .filter_map(|entry| Some((byte(entry, 0).filter(|id| *id != 0)?, byte(entry, 1)?)))
            .collect();
        Self {
            rows,
            oddities: page_oddities("SMART thresholds", page),
        }
    }

    /// The threshold of an attribute.
    #[must_use]
    pub fn get(&self, id: u8) -> Option<u8> {
        self.rows
            .iter()
            .find(|(row_id, _)| *row_id == id)
            .map(|(_, threshold)| *threshold)
    }
}

impl SmartStatus {
    /// Decodes LBA 23:8, which survive in both sense formats.
    #[must_use]
    pub fn from_registers(registers: &RegisterReturn) -> Self {
        match registers.good().map(|r| r.lba_low >> 8) {
            Some(0xC24F) => Self::Passed,
            Some(0x2CF4) => Self::Failing,
            Some(_) | None => Self::Unknown,
        }
    }
}

fn table(page: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = page.len().min(TABLE_AT + TABLE_ENTRIES * ENTRY_BYTES);
    page.get(TABLE_AT..end)
        .unwrap_or_default()
        .chunks_exact(ENTRY_BYTES)
}

/// Both pages are 512 bytes whose sum is 0 modulo 256.
fn page_oddities(what: &str, page: &[u8]) -> Vec<String> {
    let mut oddities = Vec::new();
    if page.len() < super::command::PAGE_BYTES {
        oddities.push(format!("{what}: {} bytes instead of 512", page.len()));
    } else if is_one_byte_repeated(page) {
        oddities.push(format!("{what}: one byte repeated, no answer"));
    } else if page
        .iter()
        .take(512)
        .fold(0u8, |sum, b| sum.wrapping_add(*b))
        != 0
    {
        oddities.push(format!("{what}: wrong checksum"));
    }
    oddities
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(entries: &[[u8; 12]]) -> Vec<u8> {
        let mut page = vec![0u8; 512];
        page[0] = 0x10;
        for (i, entry) in entries.iter().enumerate() {
            page[2 + 12 * i..14 + 12 * i].copy_from_slice(entry);
        }
        page
    }

    fn seal(mut page: Vec<u8>) -> Vec<u8> {
        page[511] = page[..511].iter().fold(0u8, |sum, b| sum.wrapping_sub(*b));
        page
    }

    #[test]
    fn rows_are_read_at_their_offsets() {
        // 5, flags 0033h, value 100, worst 99, raw 0x07D0_0000_0000 = 8589934592000.
        let mut p = page(&[
            [5, 0x33, 0x00, 100, 99, 0, 0, 0, 0, 0xD0, 0x07, 0],
            [0; 12],
            [194, 0x22, 0x00, 64, 53, 36, 0, 14, 0, 47, 0, 0],
        ]);
        p[363] = 0xF3;
        p[372] = 2;
        p[373] = 0xFF;
        p[375] = 0x2C;
        p[376] = 0x01;
        let data = SmartData::parse(&seal(p));
        assert_eq!(data.revision, 0x10);
        assert_eq!(
            data.attribute(5),
            Some(&AttributeRow {
                id: 5,
                flags: 0x33,
                value: 100,
                worst: 99,
                raw: 8_589_934_592_000
            })
        );
        assert_eq!(data.attributes.len(), 2);
        assert_eq!(data.self_test_result, Some(15));
        assert_eq!(data.self_test_remaining_percent, Some(30));
        assert_eq!(data.short_test_minutes, Some(2));
        assert_eq!(data.extended_test_minutes, Some(300));
        assert_eq!(data.oddities, Vec::<String>::new());
    }

    #[test]
    fn last_row_of_the_table_is_read() {
        let mut entries = [[0u8; 12]; 30];
        entries[29] = [254, 0, 0, 100, 100, 1, 0, 0, 0, 0, 0, 0];
        let data = SmartData::parse(&seal(page(&entries)));
        assert_eq!(data.attributes.first().map(|row| row.id), Some(254));
    }

    #[test]
    fn wrong_checksum_short_page_and_repeated_attribute_are_odd() {
        let mut p = seal(page(&[[5, 0, 0, 100, 100, 0, 0, 0, 0, 0, 0, 0]; 2]));
        assert_eq!(
            SmartData::parse(&p).oddities,
            ["SMART attribute 5 appears twice"]
        );
        p[400] = 1;
        assert!(
            SmartData::parse(&p)
                .oddities
                .contains(&"SMART data: wrong checksum".to_owned())
        );
        assert_eq!(
            SmartData::parse(&p[..20]).oddities,
            ["SMART data: 20 bytes instead of 512"]
        );
        assert_eq!(
            SmartData::parse(&[0; 512]).oddities,
            ["SMART data: one byte repeated, no answer"]
        );
    }

    #[test]
    fn thresholds_belong_to_their_attribute() {
        let t = Thresholds::parse(&seal(page(&[
            [5, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [197, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ])));
        assert_eq!((t.get(5), t.get(197), t.get(9)), (Some(36), Some(0), None));
    }

    #[test]
    fn normalised_value_fails_although_raw_is_zero() {
        // The Hitachi that taught it: attribute 5 raw 0, value 1, threshold 5.
        let row = AttributeRow {
            id: 5,
            flags: 0x33,
            value: 1,
            worst: 1,
            raw: 0,
        };
        assert_eq!(row.when_failed(Some(5)), WhenFailed::Now);
    }

    #[test]
    fn when_failed_knows_past_never_and_unknown() {
        let row = |value, worst| AttributeRow {
            id: 1,
            flags: 0,
            value,
            worst,
            raw: 0,
        };
        assert_eq!(row(100, 44).when_failed(Some(44)), WhenFailed::Past);
        assert_eq!(row(100, 45).when_failed(Some(44)), WhenFailed::Never);
        assert_eq!(row(1, 1).when_failed(Some(0)), WhenFailed::Never);
        assert_eq!(row(1, 1).when_failed(None), WhenFailed::Unknown);
        assert_eq!(row(0, 0).when_failed(Some(5)), WhenFailed::Unknown);
        assert_eq!(row(254, 254).when_failed(Some(255)), WhenFailed::Unknown);
    }

    #[test]
    fn return_status_is_three_valued() {
        let sense = |mid: u8, high: u8, status: u8| {
            let mut s = vec![0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 14];
            s.extend([0x09, 0x0C, 0, 0, 0, 0, 0, 0, 0, mid, 0, high, 0, status]);
            SmartStatus::from_registers(&RegisterReturn::from_sense(&s))
        };
        assert_eq!(sense(0x4F, 0xC2, 0x50), SmartStatus::Passed);
        assert_eq!(sense(0xF4, 0x2C, 0x50), SmartStatus::Failing);
        assert_eq!(sense(0xC2, 0x4F, 0x50), SmartStatus::Unknown);
        assert_eq!(sense(0x4F, 0xC2, 0x51), SmartStatus::Unknown);
        assert_eq!(sense(0x00, 0x00, 0x50), SmartStatus::Unknown);
        assert_eq!(
            SmartStatus::from_registers(&RegisterReturn::from_sense(&[])),
            SmartStatus::Unknown
        );
    }

    #[test]
    fn return_status_is_decoded_from_fixed_sense() {
        let s = [
            0x70, 0, 0x01, 0x00, 0x50, 0xA0, 0x00, 10, 0x00, 0x00, 0xF4, 0x2C, 0x00, 0x1D, 0, 0, 0,
            0,
        ];
        assert_eq!(
            SmartStatus::from_registers(&RegisterReturn::from_sense(&s)),
            SmartStatus::Failing
        );
    }
}
