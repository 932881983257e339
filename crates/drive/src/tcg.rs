//! TCG Level 0 discovery: whether a drive locks ranges, shadows its first sectors, encrypts.
//!
//! A drive that shadows or locks reads as if it were clean. Only what the drive says of itself is
//! parsed; sessions are the kernel's, and the [`Psid`] is what a person gives one for a revert. The questions are `ata::command::trusted_receive_level_0`,
//! `scsi::command::security_protocol_in` and `nvme::command::security_receive`. TCG Storage
//! Architecture Core Specification 2.01, 3.3.6, and the feature descriptors of each SSC.

mod psid;

pub use psid::{Psid, PsidError};

use std::fmt;

use crate::bytes::{be16, be32, bit, byte, is_one_byte_repeated};

/// Security protocol of Level 0 discovery.
pub const LEVEL_0_PROTOCOL: u8 = 0x01;

/// ComID of Level 0 discovery, the protocol's specific field.
pub const LEVEL_0_COM_ID: u16 = 0x0001;

/// Bytes of the header before the first descriptor.
const HEADER_BYTES: usize = 48;

/// What Level 0 discovery says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Descriptor 0001h: the drive is a trusted peripheral at all.
    pub tper: bool,
    /// Descriptor 0002h. `None`: the drive told none, which is not "unlocked" when the answer was cut.
    pub locking: Option<Locking>,
    /// Security subsystem classes, in the drive's order.
    pub classes: Vec<SubsystemClass>,
    /// Descriptor 0402h.
    pub block_sid: Option<BlockSid>,
    /// Bytes of the whole answer as its header names them.
    pub answer_bytes: u64,
    /// Every descriptor was read, up to the end that the header names.
    pub is_whole: bool,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// Locking feature, byte 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Locking {
    /// The byte as it came.
    pub raw: u8,
    /// b0: the drive can lock.
    pub supported: bool,
    /// b1: an owner has taken the locking into use.
    pub enabled: bool,
    /// b2: at least one range is locked now.
    pub locked: bool,
    /// b3: user data are encrypted on the medium.
    pub media_encryption: bool,
    /// b4: the shadow MBR is in use.
    pub mbr_enabled: bool,
    /// b5: the shadow MBR has been put aside since power on.
    pub mbr_done: bool,
}

/// A security subsystem class and the ComID that its sessions begin at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubsystemClass {
    /// Which.
    pub kind: ClassKind,
    /// Base ComID; `None` when the descriptor is too short to say.
    pub base_com_id: Option<u16>,
}

/// Feature codes of the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassKind {
    /// 0100h.
    Enterprise,
    /// 0200h.
    Opal1,
    /// 0203h.
    Opal2,
    /// 0301h.
    Opalite,
    /// 0302h: locks and encrypts nothing, so a revert erases nothing by itself.
    Pyrite1,
    /// 0303h: as Pyrite 1, with ways to remove data on request.
    Pyrite2,
    /// 0304h.
    Ruby,
}

/// Block SID authentication feature, bytes 4 and 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSid {
    /// Byte 4 b0: the owner's password is not the maker's any more.
    pub sid_changed: bool,
    /// Byte 4 b1: the firmware of the computer has blocked the owner until a power cycle.
    pub sid_blocked: bool,
    /// Byte 5 b0: a hardware reset clears the block, too.
    pub cleared_by_reset: bool,
}

/// What a blocked owner means for whoever wants the drive reverted.
pub const SID_BLOCKED: &str = "the firmware has blocked the owner's password (Block SID): a revert by it is not possible until the drive's power goes; one by the PSID is not blocked on most drives";

impl fmt::Display for ClassKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enterprise => "Enterprise",
            Self::Opal1 => "Opal 1",
            Self::Opal2 => "Opal 2",
            Self::Opalite => "Opalite",
            Self::Pyrite1 => "Pyrite 1",
            Self::Pyrite2 => "Pyrite 2",
            Self::Ruby => "Ruby",
        })
    }
}

impl Locking {
    /// Whether reads and writes of the host do not reach all of the medium now: a range is locked, or
    /// the shadow MBR stands before the first sectors.
    #[must_use]
    pub fn hides_medium(&self) -> bool {
        self.locked || self.shadows()
    }

    /// Whether the shadow MBR stands before the first sectors now.
    #[must_use]
    pub fn shadows(&self) -> bool {
        self.mbr_enabled && !self.mbr_done
    }
}

impl Discovery {
    /// Parses the answer. `None` when the header is short, names no length or is one byte repeated:
    /// what a drive without TCG, or a bridge, leaves.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let length = be32(data, 0)?;
        if length == 0 || data.len() < HEADER_BYTES || is_one_byte_repeated(data) {
            return None;
        }
        // The length does not count its own four bytes.
        let answer_bytes = u64::from(length) + 4;
        let end = usize::try_from(answer_bytes).map_or(data.len(), |end| end.min(data.len()));
        let mut found = Self {
            tper: false,
            locking: None,
            classes: Vec::new(),
            block_sid: None,
            answer_bytes,
            is_whole: false,
            oddities: Vec::new(),
        };
        let mut rest = data.get(HEADER_BYTES..end).unwrap_or_default();
        // Code (2), version, length of what follows.
        while let (Some(code), Some(length)) = (be16(rest, 0), byte(rest, 3)) {
            let Some((descriptor, after)) = rest.split_at_checked(4 + usize::from(length)) else {
                break;
            };
            rest = after;
            found.take(code, descriptor);
        }
        found.is_whole = rest.is_empty() && answer_bytes <= data.len() as u64;
        if !found.is_whole {
            found.oddities.push(format!(
                "TCG: {} bytes of an answer of {answer_bytes}, or a descriptor cut",
                data.len()
            ));
        }
        Some(found)
    }

    fn take(&mut self, code: u16, descriptor: &[u8]) {
        let kind = match code {
            0x0001 => {
                self.tper = true;
                return;
            }
            0x0002 => return self.take_locking(descriptor),
            0x0402 => {
                self.block_sid = BlockSid::decode(descriptor);
                return;
            }
            0x0100 => ClassKind::Enterprise,
            0x0200 => ClassKind::Opal1,
            0x0203 => ClassKind::Opal2,
            0x0301 => ClassKind::Opalite,
            0x0302 => ClassKind::Pyrite1,
            0x0303 => ClassKind::Pyrite2,
            0x0304 => ClassKind::Ruby,
            // Geometry, data store, data removal and others: not needed to know what is hidden.
            _ => return,
        };
        self.classes.push(SubsystemClass {
            kind,
            base_com_id: be16(descriptor, 4),
        });
    }

    /// Of two Locking descriptors the one that hides more counts.
    fn take_locking(&mut self, descriptor: &[u8]) {
        let Some(raw) = byte(descriptor, 4) else {
            self.oddities.push("TCG: empty Locking descriptor".into());
            return;
        };
        let locking = Locking::decode(raw);
        match self.locking {
            Some(before) if before != locking => {
                self.oddities
                    .push("TCG: two Locking descriptors that differ".into());
                if !before.hides_medium() {
                    self.locking = Some(locking);
                }
            }
            Some(_) | None => self.locking = Some(locking),
        }
    }
}

impl Locking {
    fn decode(raw: u8) -> Self {
        Self {
            raw,
            supported: bit(raw, 0),
            enabled: bit(raw, 1),
            locked: bit(raw, 2),
            media_encryption: bit(raw, 3),
            mbr_enabled: bit(raw, 4),
            mbr_done: bit(raw, 5),
        }
    }
}

impl BlockSid {
    fn decode(descriptor: &[u8]) -> Option<Self> {
        let (state, resets) = (byte(descriptor, 4)?, byte(descriptor, 5)?);
        Some(Self {
            sid_changed: bit(state, 0),
            sid_blocked: bit(state, 1),
            cleared_by_reset: bit(resets, 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(code: u16, data: &[u8]) -> Vec<u8> {
        let [high, low] = code.to_be_bytes();
        let mut d = vec![high, low, 0x10, data.len() as u8];
        d.extend(data);
        d
    }

    fn answer(descriptors: &[Vec<u8>]) -> Vec<u8> {
        let mut data = vec![0u8; 48];
        data[7] = 1;
        data.extend(descriptors.concat());
        let length = (data.len() - 4) as u32;
        data[..4].copy_from_slice(&length.to_be_bytes());
        data
    }

    fn locking(flags: u8) -> Vec<u8> {
        let mut data = [0; 12];
        data[0] = flags;
        descriptor(0x0002, &data)
    }

    fn opal(flags: u8) -> Vec<u8> {
        answer(&[
            descriptor(0x0001, &[0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            locking(flags),
            descriptor(0x0003, &[0; 28]),
            descriptor(0x0402, &[0x03, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            descriptor(0x0203, &[0x07, 0xFE, 0, 1, 0, 0, 4, 0, 8, 0, 0, 0]),
        ])
    }

    fn parse(data: &[u8]) -> Discovery {
        Discovery::parse(data).expect("answer")
    }

    #[test]
    fn opal_drive_by_descriptor() {
        let found = parse(&opal(0x09));
        assert!(found.tper && found.is_whole);
        assert_eq!(
            found.classes,
            [SubsystemClass {
                kind: ClassKind::Opal2,
                base_com_id: Some(0x07FE)
            }]
        );
        assert_eq!(
            found.block_sid,
            Some(BlockSid {
                sid_changed: true,
                sid_blocked: true,
                cleared_by_reset: true
            })
        );
        assert_eq!(found.answer_bytes, 48 + 16 + 16 + 32 + 16 + 16);
        assert_eq!(found.oddities, Vec::<String>::new());
    }

    #[test]
    fn each_locking_bit_is_its_own_field() {
        let of = |flags| parse(&opal(flags)).locking.expect("locking");
        let none = of(0);
        assert_eq!(none, Locking::default());
        assert!(of(0x01).supported);
        assert!(of(0x02).enabled);
        assert!(of(0x04).locked);
        assert!(of(0x08).media_encryption);
        assert!(of(0x10).mbr_enabled);
        assert!(of(0x20).mbr_done);
        assert_eq!(of(0xC0), Locking { raw: 0xC0, ..none });
    }

    #[test]
    fn shadow_mbr_and_locked_ranges_hide_the_medium() {
        let hides = |flags| parse(&opal(flags)).locking.expect("locking").hides_medium();
        assert!(!hides(0x0B));
        assert!(hides(0x1B));
        assert!(!hides(0x3B));
        assert!(hides(0x0F));
        assert!(hides(0x3F));
    }

    #[test]
    fn each_class_has_its_code() {
        for (code, kind) in [
            (0x0100, ClassKind::Enterprise),
            (0x0200, ClassKind::Opal1),
            (0x0203, ClassKind::Opal2),
            (0x0301, ClassKind::Opalite),
            (0x0302, ClassKind::Pyrite1),
            (0x0303, ClassKind::Pyrite2),
            (0x0304, ClassKind::Ruby),
        ] {
            let found = parse(&answer(&[descriptor(code, &[0x10, 0x00, 0, 1])]));
            assert_eq!(
                found.classes,
                [SubsystemClass {
                    kind,
                    base_com_id: Some(0x1000)
                }]
            );
            assert_eq!(found.locking, None);
        }
    }

    #[test]
    fn answer_that_is_cut_is_not_whole() {
        let data = opal(0x09);
        for end in 48..data.len() {
            let found = parse(&data[..end]);
            assert!(!found.is_whole, "{end} bytes");
            assert_eq!(found.oddities.len(), 1);
        }
    }

    #[test]
    fn what_lies_behind_the_answers_end_is_no_descriptor() {
        let mut data = answer(&[locking(0x01)]);
        data.extend(locking(0x04));
        data.resize(512, 0);
        let found = parse(&data);
        assert!(found.is_whole);
        assert!(!found.locking.expect("locking").locked);
    }

    #[test]
    fn of_two_locking_descriptors_the_one_that_hides_counts() {
        for pair in [[0x01, 0x05], [0x05, 0x01]] {
            let found = parse(&answer(&pair.map(locking)));
            assert!(found.locking.expect("locking").hides_medium());
            assert_eq!(found.oddities.len(), 1);
        }
    }

    #[test]
    fn empty_locking_descriptor_is_odd_and_says_nothing() {
        let found = parse(&answer(&[descriptor(0x0002, &[])]));
        assert_eq!(found.locking, None);
        assert_eq!(found.oddities.len(), 1);
    }

    #[test]
    fn zeros_ones_and_short_headers_are_no_discovery() {
        assert_eq!(Discovery::parse(&[0; 512]), None);
        assert_eq!(Discovery::parse(&[0xFF; 512]), None);
        assert_eq!(Discovery::parse(&opal(0)[..47]), None);
        assert_eq!(Discovery::parse(&[]), None);
    }
}
