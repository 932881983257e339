//! Security Send and Security Receive (base specification 2.1, sections 5.1.23 and 5.1.24), and what
//! TCG locking keeps from the host.
//!
//! A range is of each namespace alike, as where a drive has one.

use super::{Entry, NvmeDrive, Reply, TRANSFER_BYTES_MAX, io, status};
use crate::tcg::{Effect, Read};

impl NvmeDrive {
    /// SECP is in dword 10 31:24, the ComID in 23:8, the length in dword 11.
    pub(super) fn security_command(&mut self, entry: &Entry, out: &[u8]) -> Reply {
        let Some(tper) = &mut self.tper else {
            return Err(status::INVALID_OPCODE);
        };
        let protocol = entry.byte(43);
        let com_id = entry.word(41);
        let bytes = usize::try_from(entry.dword(44)).unwrap_or(usize::MAX);
        if bytes > TRANSFER_BYTES_MAX {
            return Err(status::INVALID_FIELD);
        }
        if entry.byte(0) == 0x82 {
            let received = tper.receive(protocol, com_id, bytes);
            return received
                .map(|data| (0, data))
                .map_err(|_| status::INVALID_FIELD);
        }
        if out.len() != bytes {
            return Err(status::DATA_TRANSFER_ERROR);
        }
        match tper.send(protocol, com_id, out) {
            Ok(Effect::None) => Ok((0, Vec::new())),
            Ok(Effect::KeyReplaced) => {
                let namespaces = self.namespaces.iter_mut().chain(&mut self.deleted);
                namespaces.for_each(super::namespace::Namespace::change_key);
                Ok((0, Vec::new()))
            }
            Err(_) => Err(status::INVALID_FIELD),
        }
    }

    /// Format NVM and Sanitize are of the whole drive.
    pub(super) fn is_of_all_and_locked(&self, opcode: u8) -> bool {
        let is_of_all = matches!(opcode, 0x80 | 0x84);
        is_of_all
            && self
                .tper
                .as_ref()
                .is_some_and(|tper| !tper.may_change_all())
    }

    /// What an I/O command gets instead of the medium; `None` where TCG lets it through.
    pub(super) fn locked_by_tcg(&self, entry: &Entry) -> Option<Reply> {
        let tper = self.tper.as_ref()?;
        let denied = Some(Err(status::ACCESS_DENIED));
        let opcode = entry.byte(0);
        if opcode == 0x09 {
            return denied.filter(|_| !tper.may_change_all());
        }
        let namespace = self.visible(entry.nsid())?;
        // An address beyond the end is the command's own trouble.
        let (first, count) = io::range(entry, namespace).ok()?;
        let sectors = first..first + count;
        let sector_bytes = usize::from(namespace.format.data_bytes);
        match opcode {
            0x02 => match tper.read(&sectors, sector_bytes) {
                Read::Medium => None,
                Read::Shadow(data) => Some(Ok((0, data))),
                Read::Denied => denied,
            },
            0x01 | 0x08 => denied.filter(|_| !tper.may_write(&sectors, sector_bytes)),
            _ => None,
        }
    }
}
