//! What the sanitize commands of ATA, SCSI and NVMe ask for in the same words.
//!
//! The encoders are in each set's `change` module. Nothing here says that a sanitize is right for a
//! drive, or that it was done.

/// What a drive accepts after a sanitize that failed. ATA: FAILURE MODE; SCSI and NVMe: AUSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Bit 0: nothing but another restricted sanitize, also over power cycles. What could not be
    /// erased is not readable either.
    Restricted,
    /// Bit 1: the host may leave the failure mode, and then reads what was not erased.
    Unrestricted,
}

/// What becomes of a zoned drive's write pointers. ATA: ZONED NO RESET; SCSI: ZNR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePointers {
    /// Bit 0: all zones are empty afterwards. The only choice for a drive without zones.
    Reset,
    /// Bit 1: zones stay as full as they were.
    Keep,
}

/// Overwrite passes, 1 to 16: what ATA and NVMe take, and SCSI drives behind a SATL (others take 31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes(u8);

impl Passes {
    /// One pass.
    pub const ONE: Self = Self(1);

    /// `None` outside of 1 to 16.
    #[must_use]
    pub fn new(passes: u8) -> Option<Self> {
        (1..=16).contains(&passes).then_some(Self(passes))
    }

    /// How many.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// The 4-bit fields of ATA and NVMe, where 0 means 16.
    pub(crate) fn nibble(self) -> u8 {
        self.0 % 16
    }
}

/// What a sanitize by overwriting writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwrite {
    /// Repeated in every four bytes. Whoever reads it back takes four equal bytes: ATA and NVMe do
    /// not say alike in which order they come.
    pub pattern: u32,
    /// How often.
    pub passes: Passes,
    /// Each pass writes the complement of the one before.
    pub invert_between_passes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_passes_are_zero_on_the_wire_and_zero_passes_do_not_exist() {
        assert_eq!(Passes::new(0), None);
        assert_eq!(Passes::new(17), None);
        let nibble = |n| Passes::new(n).map(Passes::nibble);
        assert_eq!(nibble(1), Some(1));
        assert_eq!(nibble(15), Some(15));
        assert_eq!(nibble(16), Some(0));
        assert_eq!(Passes::new(16).map(Passes::get), Some(16));
    }
}
