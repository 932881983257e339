//! Namespace Attachment and, of Namespace Management, deletion (base specification 2.1, sections
//! 5.1.20 and 5.1.21).

use super::status;
use super::{CONTROLLER_ID, Entry, NvmeDrive, Reply};

impl NvmeDrive {
    pub(super) fn attachment_command(&mut self, entry: &Entry, out: &[u8]) -> Reply {
        if !self.options.switches.namespace_management {
            return Err(status::INVALID_OPCODE);
        }
        let attaches = match entry.byte(40) & 0xF {
            0 => true,
            1 => false,
            _ => return Err(status::INVALID_FIELD),
        };
        let is_for_us = out.get(..4) == Some(&[1, 0, CONTROLLER_ID.to_le_bytes()[0], 0]);
        if !is_for_us {
            return Err(status::INVALID_FIELD);
        }
        let nsid = entry.nsid();
        self.visible(nsid).ok_or(status::INVALID_NAMESPACE)?;
        for namespace in self.namespaces.iter_mut().filter(|one| one.nsid == nsid) {
            match (namespace.attached, attaches) {
                (true, true) => return Err(status::NAMESPACE_ALREADY_ATTACHED),
                (false, false) => return Err(status::NAMESPACE_NOT_ATTACHED),
                (true, false) | (false, true) => namespace.attached = attaches,
            }
        }
        Ok((0, Vec::new()))
    }

    /// Deletes a namespace; its capacity is unallocated from then on, and its bytes stay.
    pub(super) fn management_command(&mut self, entry: &Entry) -> Reply {
        if !self.options.switches.namespace_management {
            return Err(status::INVALID_OPCODE);
        }
        if entry.byte(40) & 0xF != 1 {
            return Err(status::INVALID_FIELD);
        }
        let nsid = entry.nsid();
        self.visible(nsid).ok_or(status::INVALID_NAMESPACE)?;
        let (gone, left) = std::mem::take(&mut self.namespaces)
            .into_iter()
            .partition(|namespace| namespace.nsid == nsid);
        self.namespaces = left;
        let gone: Vec<_> = gone;
        self.deleted.extend(gone);
        Ok((0, Vec::new()))
    }
}
