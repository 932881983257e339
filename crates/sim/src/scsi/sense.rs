//! Sense data (SPC-5 4.4): what a command that was not carried out is told.

/// Key, codes, and what goes with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sense {
    pub(super) key: u8,
    pub(super) asc: u8,
    pub(super) ascq: u8,
    /// The block it is about.
    pub(super) information: Option<u64>,
    /// The two bytes behind SKSV: progress in 65,536ths.
    pub(super) progress: Option<u16>,
}

impl Sense {
    /// 5/20/00.
    pub(super) const INVALID_OPERATION: Self = Self::new(5, 0x20, 0x00);
    /// 5/24/00.
    pub(super) const INVALID_FIELD: Self = Self::new(5, 0x24, 0x00);
    /// 5/21/00.
    pub(super) const BEYOND_THE_LAST_BLOCK: Self = Self::new(5, 0x21, 0x00);

    /// 5/26/00.
    pub(super) const INVALID_IN_LIST: Self = Self::new(5, 0x26, 0x00);
    /// 5/1A/00.
    pub(super) const LIST_LENGTH: Self = Self::new(5, 0x1A, 0x00);
    /// B/4B/00: the host sent less than it announced.
    pub(super) const DATA_PHASE: Self = Self::new(0x0B, 0x4B, 0x00);

    pub(super) const fn new(key: u8, asc: u8, ascq: u8) -> Self {
        Self {
            key,
            asc,
            ascq,
            information: None,
            progress: None,
        }
    }

    /// Fixed format, 18 bytes: response code 70h, VALID with an information field.
    pub(super) fn as_fixed(self) -> Vec<u8> {
        let mut bytes = vec![0; 18];
        bytes[0] = 0x70;
        bytes[2] = self.key;
        bytes[7] = 10;
        bytes[12] = self.asc;
        bytes[13] = self.ascq;
        // A block number of more than 32 bits has no room and is left out.
        if let Some(block) = self.information.and_then(|block| u32::try_from(block).ok()) {
            bytes[0] |= 0x80;
            bytes[3..7].copy_from_slice(&block.to_be_bytes());
        }
        if let Some(progress) = self.progress {
            bytes[15] = 0x80;
            bytes[16..18].copy_from_slice(&progress.to_be_bytes());
        }
        bytes
    }

    /// Descriptor format: response code 72h.
    pub(super) fn as_descriptors(self) -> Vec<u8> {
        let mut bytes = vec![0x72, self.key, self.asc, self.ascq, 0, 0, 0, 0];
        if let Some(block) = self.information {
            bytes.extend([0x00, 0x0A, 0x80, 0x00]);
            bytes.extend(block.to_be_bytes());
        }
        if let Some(progress) = self.progress {
            bytes.extend([0x02, 0x06, 0x00, 0x00, 0x80]);
            bytes.extend(progress.to_be_bytes());
            bytes.push(0);
        }
        bytes[7] = u8::try_from(bytes.len() - 8).unwrap_or(u8::MAX);
        bytes
    }
}
