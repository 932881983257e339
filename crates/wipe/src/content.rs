//! What a pass puts on a drive and expects to read back: computed, never stored.

use crate::pattern::{PassKey, first_nonzero};

/// The bytes of one pass.
#[derive(Clone, Debug)]
pub enum Content {
    /// The keyed pattern.
    Pattern(PassKey),
    /// Its complement.
    Complement(PassKey),
    /// Zeros.
    Zeros,
}

impl Content {
    /// Fills `buffer` with the bytes from `offset_bytes` on.
    pub fn fill(&self, offset_bytes: u64, buffer: &mut [u8]) {
        match self {
            Self::Pattern(key) => key.fill(offset_bytes, buffer),
            Self::Complement(key) => key.fill_complement(offset_bytes, buffer),
            Self::Zeros => buffer.fill(0),
        }
    }

    /// Index of the first byte of `data` that is not what belongs at `offset_bytes`.
    #[must_use]
    pub fn first_mismatch(&self, offset_bytes: u64, data: &[u8]) -> Option<usize> {
        match self {
            Self::Pattern(key) => key.compare(offset_bytes, data),
            Self::Complement(key) => key.compare_complement(offset_bytes, data),
            Self::Zeros => first_nonzero(data),
        }
    }

    /// The bytes do not depend on the offset, so that a buffer filled once serves every write.
    pub(crate) fn is_constant(&self) -> bool {
        match self {
            Self::Pattern(_) | Self::Complement(_) => false,
            Self::Zeros => true,
        }
    }
}
