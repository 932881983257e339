//! Raw values of ATA attributes: one number, or several packed into 48 bits.
//!
//! No standard says what the 48 bits hold. Read as one number, a Fujitsu with no reallocated
//! sector shows 8589934592000 of them, and a Seagate with one time-out 4295032833. The shapes here
//! are those that drives are known for: 16-bit words with the count in the lowest, `N (a b)` or
//! `a b N` as smartmontools prints them. What fits no shape keeps the low word and is marked.

/// A count read from a raw value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The count.
    pub value: u64,
    /// How sure the reading is.
    pub confidence: Confidence,
}

/// How sure a reading of a raw value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Another reading is as likely: the count alone must condemn nothing and clear nothing.
    Doubtful,
    /// A packed value of a known shape, or a large but possible number.
    Likely,
    /// All bits above the count are zero.
    Certain,
}

impl Count {
    /// Attributes 5, 196, 197, 198, 187, 199, 10: a number that is small on every drive that lives.
    #[must_use]
    pub fn of_sectors_or_events(raw: u64) -> Self {
        let [low, middle, high] = words(raw);
        if middle == 0 && high == 0 {
            return Self {
                value: low,
                confidence: Confidence::Certain,
            };
        }
        if middle == 0 {
            // `N (a 0)`: no count skips sixteen bits and goes on above them.
            return Self {
                value: low,
                confidence: Confidence::Likely,
            };
        }
        if high == 0 {
            // More than 65535 would be a drive long dead, yet it is possible: as a lone number it
            // is kept whole, because reading it as its low word could clear a dead drive.
            return Self {
                value: middle << 16 | low,
                confidence: Confidence::Doubtful,
            };
        }
        Self {
            value: low,
            confidence: Confidence::Doubtful,
        }
    }

    /// Attribute 188: Seagate packs three 16-bit counters (all, over 5 s, over 7.5 s); the count is
    /// the lowest.
    #[must_use]
    pub fn of_timeouts(raw: u64) -> Self {
        let [low, middle, high] = words(raw);
        let confidence = if middle == 0 && high == 0 {
            Confidence::Certain
        } else {
            Confidence::Likely
        };
        Self {
            value: low,
            confidence,
        }
    }
}

/// Attribute 9: hours in the low 24 bits, minutes or milliseconds above them on some drives.
///
/// 32 bits are read as one number when the top 16 are 0, so that a counter of minutes or seconds
/// shows as implausible instead of being cut into a plausible one.
#[must_use]
pub fn power_on_counter(raw: u64) -> u64 {
    let [low, middle, high] = words(raw);
    if high == 0 {
        middle << 16 | low
    } else {
        raw & 0x00FF_FFFF
    }
}

/// Attributes 194 and 190: degrees Celsius, signed, in the lowest byte; the rest is minimum and
/// maximum in an order of the vendor's own. `None` for 0 (no sensor) and beyond -40 to 125.
#[must_use]
pub fn temperature_celsius(raw: u64) -> Option<i32> {
    let [low, ..] = raw.to_le_bytes();
    Some(i32::from(low.cast_signed())).filter(|t| *t != 0 && (-40..=125).contains(t))
}

/// The three 16-bit words, lowest first.
fn words(raw: u64) -> [u64; 3] {
    [raw & 0xFFFF, raw >> 16 & 0xFFFF, raw >> 32 & 0xFFFF]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sectors(raw: u64) -> (u64, Confidence) {
        let count = Count::of_sectors_or_events(raw);
        (count.value, count.confidence)
    }

    #[test]
    fn small_numbers_are_certain() {
        assert_eq!(sectors(0), (0, Confidence::Certain));
        assert_eq!(sectors(13), (13, Confidence::Certain));
        assert_eq!(sectors(65_535), (65_535, Confidence::Certain));
    }

    #[test]
    fn fujitsu_0_2000_0_is_no_reallocated_sector() {
        assert_eq!(sectors(8_589_934_592_000), (0, Confidence::Likely));
        assert_eq!(sectors(8_589_934_592_003), (3, Confidence::Likely));
    }

    #[test]
    fn large_lone_number_is_kept_whole_and_doubted() {
        assert_eq!(sectors(70_000), (70_000, Confidence::Doubtful));
        // Read as its low word this dead drive would show 0.
        assert_eq!(sectors(65_536), (65_536, Confidence::Doubtful));
    }

    #[test]
    fn three_words_at_once_are_doubtful() {
        assert_eq!(sectors(0x0001_0002_0003), (3, Confidence::Doubtful));
    }

    #[test]
    fn seagate_timeouts_are_the_lowest_word() {
        let count = Count::of_timeouts(4_295_032_833);
        assert_eq!((count.value, count.confidence), (1, Confidence::Likely));
        assert_eq!(Count::of_timeouts(7).confidence, Confidence::Certain);
    }

    #[test]
    fn power_on_counter_drops_what_is_packed_above_it() {
        assert_eq!(power_on_counter(12_345), 12_345);
        assert_eq!(power_on_counter(0x1234_0000_3039), 12_345);
        assert_eq!(power_on_counter(4_661_094), 4_661_094);
        assert_eq!(power_on_counter(0x8000_0000), 0x8000_0000);
    }

    #[test]
    fn temperature_is_the_lowest_byte() {
        assert_eq!(temperature_celsius(0x002F_000E_0024), Some(36));
        assert_eq!(temperature_celsius(0xFB), Some(-5));
        assert_eq!(temperature_celsius(0), None);
        assert_eq!(temperature_celsius(0x80), None);
    }
}
