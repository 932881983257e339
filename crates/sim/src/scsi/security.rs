//! SECURITY PROTOCOL IN and OUT (SPC-5), and what TCG locking keeps from the host.

use super::sense::Sense;
use super::{Outcome, ScsiDisk, length_32};
use crate::tcg::{Effect, Read};

/// 7/20/02: no access rights.
const NO_ACCESS_RIGHTS: Sense = Sense::new(7, 0x20, 0x02);

impl ScsiDisk {
    pub(super) fn security_protocol(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let Some(tper) = &mut self.tper else {
            return Err(Sense::INVALID_OPERATION);
        };
        let (protocol, com_id) = (cdb[1], u16::from_be_bytes([cdb[2], cdb[3]]));
        // INC_512.
        let unit = if cdb[4] & 0x80 == 0 { 1 } else { 512 };
        let bytes = length_32(&cdb[6..10]).saturating_mul(unit);
        if bytes > 1 << 16 {
            return Err(Sense::INVALID_FIELD);
        }
        if cdb[0] == 0xA2 {
            let received = tper.receive(protocol, com_id, bytes);
            return received.map_err(|_| Sense::INVALID_FIELD);
        }
        if out.len() != bytes {
            return Err(Sense::DATA_PHASE);
        }
        match tper.send(protocol, com_id, out) {
            Ok(Effect::None) => {}
            Ok(Effect::KeyReplaced) => self.cells.change_key(true),
            Err(_) => return Err(Sense::INVALID_FIELD),
        }
        Ok(Vec::new())
    }

    /// What a command gets instead of the medium; `None` where TCG lets it through.
    pub(super) fn locked_by_tcg(&self, cdb: &[u8]) -> Option<Outcome> {
        let tper = self.tper.as_ref()?;
        let denied = Some(Err(NO_ACCESS_RIGHTS));
        if let 0x04 | 0x48 = cdb[0] {
            return denied.filter(|_| !tper.may_change_all());
        }
        let (0x28 | 0x88 | 0x2A | 0x8A) = cdb[0] else {
            return None;
        };
        // A block beyond the last one is the command's own trouble.
        let blocks = self.blocks(cdb).ok()?;
        let sector_bytes = self.cells.sector_bytes();
        match cdb[0] {
            0x28 | 0x88 => match tper.read(&blocks, sector_bytes) {
                Read::Medium => None,
                Read::Shadow(data) => Some(Ok(data)),
                Read::Denied => denied,
            },
            _ => denied.filter(|_| !tper.may_write(&blocks, sector_bytes)),
        }
    }
}
