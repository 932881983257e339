//! Admin commands that only ask, as plain values: Identify (06h), Get Log Page (02h), Security
//! Receive (82h).

use std::num::NonZeroU32;

use sys::nvme::AdminCommand;

/// Bytes that every Identify returns.
pub const IDENTIFY_BYTES: usize = 4096;

/// Bytes of the SMART log and of the sanitize log.
pub const LOG_BYTES: usize = 512;

/// NSID that means the controller or all namespaces.
pub const NSID_ALL: u32 = 0xFFFF_FFFF;

/// Identify Namespace (CNS 00h).
#[must_use]
pub fn identify_namespace(nsid: u32) -> AdminCommand {
    identify(0x00, nsid)
}

/// Identify Controller (CNS 01h).
#[must_use]
pub fn identify_controller() -> AdminCommand {
    identify(0x01, 0)
}

/// Active namespace list (CNS 02h): NSIDs above `after`, ascending, at most 1024.
#[must_use]
pub fn active_namespaces(after: u32) -> AdminCommand {
    identify(0x02, after)
}

/// Allocated namespace list (CNS 10h), attached or not. Optional: only with namespace management.
#[must_use]
pub fn allocated_namespaces(after: u32) -> AdminCommand {
    identify(0x10, after)
}

fn identify(cns: u32, nsid: u32) -> AdminCommand {
    AdminCommand {
        opcode: 0x06,
        nsid,
        cdw10: cns,
        ..AdminCommand::default()
    }
}

/// SMART / Health log (02h) of the whole controller: [`LOG_BYTES`] in.
#[must_use]
pub fn smart_log() -> AdminCommand {
    get_log(0x02)
}

/// Sanitize Status log (81h): [`LOG_BYTES`] in.
#[must_use]
pub fn sanitize_log() -> AdminCommand {
    get_log(0x81)
}

/// NUMDL in CDW10 31:16 counts dwords from 0: 512 bytes are 7Fh.
fn get_log(page: u32) -> AdminCommand {
    AdminCommand {
        opcode: 0x02,
        nsid: NSID_ALL,
        cdw10: 0x007F_0000 | page,
        ..AdminCommand::default()
    }
}

/// What a read of the persistent event log does to its reporting context, the snapshot that the
/// controller keeps of the log while it is read. Only the snapshot changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventContext {
    /// Read from the context that there is.
    Read = 0,
    /// Take a snapshot, then read.
    EstablishAndRead = 1,
    /// Let the snapshot go; no data are meant.
    Release = 2,
}

/// Persistent Event log (0Dh), `dwords` of four bytes from `offset_bytes` on, which is rounded down
/// to a whole dword. For [`super::event_log::SanitizeEvents::parse`].
#[must_use]
pub fn persistent_event_log(
    context: EventContext,
    offset_bytes: u64,
    dwords: NonZeroU32,
) -> AdminCommand {
    let last_dword = dwords.get() - 1;
    let offset = offset_bytes & !3;
    AdminCommand {
        opcode: 0x02,
        nsid: NSID_ALL,
        // NUMDL 31:16, the log's own action in LSP (14:8).
        cdw10: last_dword << 16 | (context as u32) << 8 | 0x0D,
        cdw11: last_dword >> 16,
        cdw12: (offset & 0xFFFF_FFFF) as u32,
        cdw13: (offset >> 32) as u32,
        ..AdminCommand::default()
    }
}

/// Security Receive (82h), `allocation_bytes` in. TCG's Level 0 discovery is protocol 01h with ComID
/// 0001h, for [`crate::tcg::Discovery::parse`].
#[must_use]
pub fn security_receive(protocol: u8, specific: u16, allocation_bytes: u32) -> AdminCommand {
    AdminCommand {
        opcode: 0x82,
        // SECP 31:24, the specific field in SPSP1 and SPSP0 (23:8).
        cdw10: u32::from(protocol) << 24 | u32::from(specific) << 8,
        cdw11: allocation_bytes,
        ..AdminCommand::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identify_puts_cns_in_cdw10() {
        let c = identify_controller();
        assert_eq!((c.opcode, c.nsid, c.cdw10), (0x06, 0, 0x01));
        let c = identify_namespace(3);
        assert_eq!((c.opcode, c.nsid, c.cdw10), (0x06, 3, 0x00));
        let c = active_namespaces(0);
        assert_eq!((c.nsid, c.cdw10), (0, 0x02));
        let c = allocated_namespaces(1024);
        assert_eq!((c.nsid, c.cdw10), (1024, 0x10));
    }

    #[test]
    fn logs_are_512_bytes_of_the_whole_controller() {
        let c = smart_log();
        assert_eq!(
            (c.opcode, c.nsid, c.cdw10, c.cdw11),
            (0x02, 0xFFFF_FFFF, 0x007F_0002, 0)
        );
        let c = sanitize_log();
        assert_eq!(
            (c.opcode, c.nsid, c.cdw10, c.cdw11),
            (0x02, 0xFFFF_FFFF, 0x007F_0081, 0)
        );
    }

    #[test]
    fn event_log_is_read_from_a_snapshot_piece_by_piece() {
        let dwords = |n| NonZeroU32::new(n).expect("dwords");
        let c = persistent_event_log(EventContext::EstablishAndRead, 0, dwords(128));
        assert_eq!(
            (c.opcode, c.nsid, c.cdw10, c.cdw11),
            (0x02, 0xFFFF_FFFF, 0x007F_010D, 0)
        );
        assert_eq!((c.cdw12, c.cdw13), (0, 0));
        let c = persistent_event_log(EventContext::Read, 0x1_2345_6787, dwords(0x2_0001));
        assert_eq!((c.cdw10, c.cdw11), (0x0000_000D, 0x0002));
        assert_eq!((c.cdw12, c.cdw13), (0x2345_6784, 0x1));
        let c = persistent_event_log(EventContext::Release, 0, dwords(1));
        assert_eq!(c.cdw10, 0x0000_020D);
    }

    #[test]
    fn security_receive_is_the_golden_vector() {
        let c = security_receive(0x01, 0x0001, 2048);
        assert_eq!(
            (c.opcode, c.nsid, c.cdw10, c.cdw11),
            (0x82, 0, 0x0100_0100, 0x800)
        );
    }
}
