//! The two boot areas of a card: what the register and the kernel say of them. JESD84-B51 6.2, 7.4.
//!
//! Decides what may be written in them, not whether it is; opens nothing.

use super::{BootArea, ExtCsd, WriteProtection};

/// A card of EXT_CSD has two, or none.
pub const AREAS: u8 = 2;

/// What the register says of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootAreas {
    /// Size of each (BOOT_MULT); 0 where there are none.
    pub bytes: u64,
    /// What the card gives at boot (PARTITION_CONFIG).
    pub boots_from: BootArea,
    /// Protection of one of them, or of both (BOOT_WP).
    pub protection: WriteProtection,
}

/// One boot area, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootAreaFacts {
    /// 0 or 1.
    pub number: u8,
    /// The kernel's name of its block device; `None` where the register names an area of which the
    /// kernel shows none.
    pub name: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// Why it may not be written, whatever it holds; `None` where it may.
    pub unwritable: Option<String>,
}

impl BootAreas {
    /// From the register.
    #[must_use]
    pub fn of(register: &ExtCsd) -> Self {
        Self {
            bytes: register.boot_area_bytes,
            boots_from: register.boot_area,
            protection: register.boot_write_protection,
        }
    }

    /// Why an area may not be written, in words: some computers have their firmware in it, and would
    /// not start any more. What is not known counts as that.
    #[must_use]
    pub fn unwritable(&self, number: u8) -> Option<String> {
        let boots = match (self.boots_from, number) {
            (BootArea::First, 0) | (BootArea::Second, 1) => {
                Some("the computer boots from it (EXT_CSD PARTITION_CONFIG)".to_owned())
            }
            (BootArea::Reserved(value), _) => Some(format!(
                "EXT_CSD PARTITION_CONFIG names a boot area that the standard does not have ({value})"
            )),
            (BootArea::None | BootArea::User | BootArea::First | BootArea::Second, _) => None,
        };
        let protected = match self.protection {
            WriteProtection::None => None,
            WriteProtection::UntilPowerCycle => Some(
                "the card protects a boot area from writes until its power goes (EXT_CSD BOOT_WP)",
            ),
            WriteProtection::Permanent => {
                Some("the card protects a boot area from writes for good (EXT_CSD BOOT_WP)")
            }
        };
        boots.or(protected.map(str::to_owned))
    }
}

/// How an area is called, in texts and in the report.
#[must_use]
pub fn name(number: u8) -> String {
    format!("boot{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_that_is_booted_from_or_protected_or_not_understood_is_not_written() {
        let of = |boots_from, protection, number| {
            BootAreas {
                bytes: 4 << 20,
                boots_from,
                protection,
            }
            .unwritable(number)
        };
        use WriteProtection::{None as Free, Permanent, UntilPowerCycle};
        for (boots_from, protection, says) in [
            (BootArea::None, Free, [None, None]),
            (BootArea::User, Free, [None, None]),
            (BootArea::First, Free, [Some("boots from it"), None]),
            (BootArea::Second, Free, [None, Some("boots from it")]),
            (BootArea::Reserved(3), Free, [Some("(3)"), Some("(3)")]),
            (
                BootArea::First,
                UntilPowerCycle,
                [Some("boots from it"), Some("until its power goes")],
            ),
            (
                BootArea::None,
                Permanent,
                [Some("for good"), Some("for good")],
            ),
        ] {
            for number in [0, 1] {
                let found = of(boots_from, protection, number);
                let wanted = says[usize::from(number)];
                let equal = match (&found, wanted) {
                    (None, None) => true,
                    (Some(found), Some(words)) => found.contains(words),
                    _ => false,
                };
                assert!(
                    equal,
                    "{boots_from:?} {protection:?} {number}: {found:?}, not {wanted:?}"
                );
            }
        }
    }
}
