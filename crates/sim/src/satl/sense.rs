//! Sense data (SPC-4): what it says and both of its formats.

/// What a check condition says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sense {
    pub(super) key: u8,
    pub(super) code: u8,
    pub(super) qualifier: u8,
    /// The address that it is about.
    pub(super) information: Option<u64>,
    /// In 65536ths.
    pub(super) progress: Option<u16>,
}

pub(super) const POWER_ON: Sense = Sense::of(0x06, 0x29, 0x00);
pub(super) const RESET: Sense = Sense::of(0x06, 0x29, 0x00);
pub(super) const INVALID_COMMAND: Sense = Sense::of(0x05, 0x20, 0x00);
pub(super) const OUT_OF_RANGE: Sense = Sense::of(0x05, 0x21, 0x00);
pub(super) const INVALID_FIELD: Sense = Sense::of(0x05, 0x24, 0x00);
pub(super) const INVALID_PARAMETER: Sense = Sense::of(0x05, 0x26, 0x00);
/// Data protect: access denied, no access rights.
pub(super) const NO_ACCESS_RIGHTS: Sense = Sense::of(0x07, 0x20, 0x02);
pub(super) const ABORTED_COMMAND: Sense = Sense::of(0x0B, 0x00, 0x00);
/// ATA pass-through information available.
pub(super) const REGISTERS: Sense = Sense::of(0x01, 0x00, 0x1D);

impl Sense {
    pub(super) const fn of(key: u8, code: u8, qualifier: u8) -> Self {
        Self {
            key,
            code,
            qualifier,
            information: None,
            progress: None,
        }
    }

    pub(super) fn encode(&self, is_descriptor: bool) -> Vec<u8> {
        match is_descriptor {
            true => self.descriptor(&[]),
            false => self.fixed(),
        }
    }

    pub(super) fn fixed(&self) -> Vec<u8> {
        let mut bytes = vec![0; 18];
        bytes[0] = 0x70;
        bytes[2] = self.key;
        bytes[7] = 10;
        bytes[12] = self.code;
        bytes[13] = self.qualifier;
        if let Some(Ok(information)) = self.information.map(u32::try_from) {
            bytes[0] |= 0x80;
            bytes[3..7].copy_from_slice(&information.to_be_bytes());
        }
        if let Some(progress) = self.progress {
            bytes[15] = 0x80;
            bytes[16..18].copy_from_slice(&progress.to_be_bytes());
        }
        bytes
    }

    /// With `more` descriptors at the end.
    pub(super) fn descriptor(&self, more: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x72, self.key, self.code, self.qualifier, 0, 0, 0, 0];
        if let Some(information) = self.information {
            bytes.extend_from_slice(&[0x00, 0x0A, 0x80, 0x00]);
            bytes.extend_from_slice(&information.to_be_bytes());
        }
        if let Some(progress) = self.progress {
            let [high, low] = progress.to_be_bytes();
            bytes.extend_from_slice(&[0x02, 0x06, 0, 0, 0x80, high, low, 0]);
        }
        bytes.extend_from_slice(more);
        bytes[7] = u8::try_from(bytes.len() - 8).unwrap_or(u8::MAX);
        bytes
    }
}
