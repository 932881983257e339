//! Admin commands as plain values: Identify (06h) and Get Log Page (02h).

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
}
