//! NVMe admin commands, and one read, by the kernel's pass-through (`include/uapi/linux/nvme_ioctl.h`).
//!
//! Carries commands and statuses; what they mean is for `drive`. A command is sent once: nothing is retried.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::aligned::AlignedBuffer;
use crate::block;
use crate::data::Data;
use crate::ioctl;

const NVME_IOCTL_ID: u32 = 0x4E40;
const NVME_IOCTL_ADMIN_CMD: u32 = 0xC048_4E41;
const NVME_IOCTL_IO_CMD: u32 = 0xC048_4E43;
const NVME_IOCTL_ADMIN64_CMD: u32 = 0xC050_4E47;
const NVME_IOCTL_IO64_CMD: u32 = 0xC050_4E48;

/// Of the NVM command set.
const READ: u8 = 0x02;
const GET_LOG_PAGE: u8 = 0x02;
const IDENTIFY: u8 = 0x06;
const FABRICS: u8 = 0x7F;
const SECURITY_SEND: u8 = 0x81;
const SECURITY_RECEIVE: u8 = 0x82;

/// One admin command (NVMe base specification, common command format). What is not here is sent as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AdminCommand {
    /// Opcode; its two low bits give the direction of the data.
    pub opcode: u8,
    /// Namespace, 0 for none, 0xFFFF_FFFF for all.
    pub nsid: u32,
    /// Command dword 10.
    pub cdw10: u32,
    /// Command dword 11.
    pub cdw11: u32,
    /// Command dword 12.
    pub cdw12: u32,
    /// Command dword 13.
    pub cdw13: u32,
    /// Command dword 14.
    pub cdw14: u32,
    /// Command dword 15.
    pub cdw15: u32,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminReply {
    /// Status code type in bits 10:8, status code in bits 7:0; 0 is success. Type 3 is the host's or the path's
    /// own status: the command may not have reached the controller.
    pub status: u16,
    /// Dwords 0 and 1 of the completion; on kernels before 5.5 only dword 0.
    pub result: u64,
}

/// `struct nvme_passthru_cmd64`; its first 72 bytes but for the end are `struct nvme_passthru_cmd`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Command64 {
    head: CommandHead,
    reserved2: u32,
    result: u64,
}
const _: () = assert!(size_of::<Command64>() == 80);

/// `struct nvme_passthru_cmd`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Command32 {
    head: CommandHead,
    result: u32,
}
const _: () = assert!(size_of::<Command32>() == 72);

/// What both forms begin with. Aligned to 4, so that the 32-bit result follows without padding.
#[repr(C, packed(4))]
#[derive(Clone, Copy)]
struct CommandHead {
    opcode: u8,
    flags: u8,
    reserved1: u16,
    nsid: u32,
    cdw2: u32,
    cdw3: u32,
    metadata: u64,
    addr: u64,
    metadata_len: u32,
    data_len: u32,
    cdw10: u32,
    cdw11: u32,
    cdw12: u32,
    cdw13: u32,
    cdw14: u32,
    cdw15: u32,
    timeout_ms: u32,
}
const _: () = assert!(size_of::<CommandHead>() == 68);

/// Sends one admin command to the controller behind `fd` (a controller or a namespace node) and waits for its
/// end.
///
/// # Errors
/// `InvalidInput` when data and opcode disagree in direction (bits 1:0: 0 none, 1 out, 2 in), or when Identify,
/// Get Log Page or Security Send/Receive name a length other than the buffer's (the controller moves what the
/// command says, whatever the kernel mapped); `ENOTTY` when the node is no NVMe node, `EACCES` without
/// CAP_SYS_ADMIN, `ENODEV` when the controller is dead, `EINTR` when the kernel gave the command up (timeout,
/// reset): its fate is then unknown. A refusal by the controller is no error but a status.
pub fn admin(
    fd: BorrowedFd<'_>,
    command: &AdminCommand,
    data: Data<'_>,
    timeout: Duration,
) -> io::Result<AdminReply> {
    let len_bytes = checked_len_bytes(command, &data).ok_or(io::ErrorKind::InvalidInput)?;
    if len_bytes == 0 {
        return send(fd, ADMIN, head(command, 0, 0, timeout));
    }
    // The kernel maps the pages of the caller's buffer for the controller, and an opcode whose length we cannot
    // check may fill its last page to the end. Whole pages of our own keep that off the neighbours.
    let mut pages = AlignedBuffer::new(len_bytes as usize)?;
    if let Data::Out(buffer) = &data {
        pages.copy_from_slice(buffer);
    }
    let address = pages.as_mut_ptr().expose_provenance() as u64;
    let reply = send(fd, ADMIN, head(command, address, len_bytes, timeout))?;
    if let Data::In(buffer) = data {
        buffer.copy_from_slice(&pages);
    }
    Ok(reply)
}

/// Reads one logical block of the namespace behind `fd` past the disk driver, which takes every status but 0 for
/// an error: what was transferred is in `buffer` whatever the status. Only for a namespace without metadata: of
/// one with metadata apart, the controller would move them to an address that nobody gave it.
///
/// # Errors
/// `InvalidInput` when `buffer` is not as long as a logical block; else as for [`admin`].
pub fn read(
    fd: BorrowedFd<'_>,
    block: u64,
    buffer: &mut [u8],
    timeout: Duration,
) -> io::Result<AdminReply> {
    let len_bytes = block::logical_sector_bytes(fd)?;
    if buffer.len() != len_bytes as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let nsid = namespace_id(fd)?;
    let mut pages = AlignedBuffer::new(buffer.len())?;
    let address = pages.as_mut_ptr().expose_provenance() as u64;
    let command = read_of_one_block(nsid, block);
    let reply = send(fd, IO, head(&command, address, len_bytes, timeout))?;
    buffer.copy_from_slice(&pages);
    Ok(reply)
}

/// Read with PRINFO, STC and NLB of 0: no check of protection information, one block.
fn read_of_one_block(nsid: u32, block: u64) -> AdminCommand {
    AdminCommand {
        opcode: READ,
        nsid,
        cdw10: (block & 0xFFFF_FFFF) as u32,
        cdw11: (block >> 32) as u32,
        ..AdminCommand::default()
    }
}

/// The namespace's number within its subsystem, as the kernel uses it in commands.
///
/// # Errors
/// `ENOTTY` when `fd` is no NVMe namespace node.
pub fn namespace_id(fd: BorrowedFd<'_>) -> io::Result<u32> {
    // SAFETY: NVME_IOCTL_ID takes no argument and returns the number.
    unsafe { ioctl::with_number(fd, NVME_IOCTL_ID, 0) }
}

/// The length of the data, when direction and length agree with the command.
fn checked_len_bytes(command: &AdminCommand, data: &Data<'_>) -> Option<u32> {
    let (direction, len) = match data {
        Data::None => return Some(0),
        Data::Out(buffer) => (1, buffer.len()),
        Data::In(buffer) => (2, buffer.len()),
    };
    // Fabrics commands have their direction elsewhere, and the kernel sends them itself.
    if command.opcode & 3 != direction || command.opcode == FABRICS {
        return None;
    }
    let named = match command.opcode {
        IDENTIFY => 4096,
        GET_LOG_PAGE => {
            let dwords_less_one =
                u64::from(command.cdw11 & 0xFFFF) << 16 | u64::from(command.cdw10 >> 16);
            (dwords_less_one + 1) * 4
        }
        SECURITY_SEND | SECURITY_RECEIVE => u64::from(command.cdw11),
        _ => len as u64,
    };
    u32::try_from(len)
        .ok()
        .filter(|len| *len > 0 && u64::from(*len) == named)
}

fn head(command: &AdminCommand, addr: u64, data_len: u32, timeout: Duration) -> CommandHead {
    CommandHead {
        opcode: command.opcode,
        flags: 0,
        reserved1: 0,
        nsid: command.nsid,
        cdw2: 0,
        cdw3: 0,
        metadata: 0,
        addr,
        metadata_len: 0,
        data_len,
        cdw10: command.cdw10,
        cdw11: command.cdw11,
        cdw12: command.cdw12,
        cdw13: command.cdw13,
        cdw14: command.cdw14,
        cdw15: command.cdw15,
        timeout_ms: ioctl::timeout_ms(timeout),
    }
}

/// The two requests that carry a command: with a result of 64 bits, and before kernel 5.5 of 32.
#[derive(Clone, Copy)]
struct Requests {
    wide: u32,
    narrow: u32,
}

const ADMIN: Requests = Requests {
    wide: NVME_IOCTL_ADMIN64_CMD,
    narrow: NVME_IOCTL_ADMIN_CMD,
};

const IO: Requests = Requests {
    wide: NVME_IOCTL_IO64_CMD,
    narrow: NVME_IOCTL_IO_CMD,
};

fn send(fd: BorrowedFd<'_>, requests: Requests, head: CommandHead) -> io::Result<AdminReply> {
    let mut wide = Command64 {
        head,
        reserved2: 0,
        result: 0,
    };
    // SAFETY: ADMIN64_CMD and IO64_CMD read and write one 80-byte structure. Beyond it the kernel reaches
    // `data_len` bytes at `addr` and at most the rest of their last page, all within pages that `admin` or `read`
    // owns through the call (or nothing when `data_len` is 0). The wait cannot be left before the command is over.
    match unsafe { ioctl::with_pointer(fd, requests.wide, &mut wide) } {
        Ok(status) => {
            return Ok(AdminReply {
                status: status_code(status),
                result: wide.result,
            });
        }
        // Kernels before 5.5 do not know the request, and so have sent nothing.
        Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => {}
        Err(error) => return Err(error),
    }
    let mut narrow = Command32 { head, result: 0 };
    // SAFETY: as above, with the 72-byte structure of ADMIN_CMD and IO_CMD.
    let status = unsafe { ioctl::with_pointer(fd, requests.narrow, &mut narrow)? };
    Ok(AdminReply {
        status: status_code(status),
        result: narrow.result.into(),
    })
}

/// Type and code without "more", "do not retry" and the retry delay, which say nothing about the outcome.
fn status_code(returned: u32) -> u16 {
    (returned & 0x7FF) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;
    use std::os::fd::AsFd;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn structures_lie_as_in_the_kernels_include_file() {
        assert_eq!(offset_of!(Command64, head), 0);
        assert_eq!(offset_of!(CommandHead, nsid), 4);
        assert_eq!(offset_of!(CommandHead, metadata), 16);
        assert_eq!(offset_of!(CommandHead, addr), 24);
        assert_eq!(offset_of!(CommandHead, data_len), 36);
        assert_eq!(offset_of!(CommandHead, cdw10), 40);
        assert_eq!(offset_of!(CommandHead, cdw15), 60);
        assert_eq!(offset_of!(CommandHead, timeout_ms), 64);
        assert_eq!(offset_of!(Command64, result), 72);
        assert_eq!(offset_of!(Command32, result), 68);
    }

    #[test]
    fn data_that_go_the_other_way_than_the_opcode_are_refused() {
        let command = |opcode| AdminCommand {
            opcode,
            ..AdminCommand::default()
        };
        let (mut buffer, constant) = ([0_u8; 4096], [0_u8; 4096]);
        assert_eq!(
            checked_len_bytes(&command(IDENTIFY), &Data::In(&mut buffer)),
            Some(4096)
        );
        assert_eq!(
            checked_len_bytes(&command(IDENTIFY), &Data::Out(&constant)),
            None
        );
        assert_eq!(
            checked_len_bytes(&command(0xC1), &Data::Out(&constant)),
            Some(4096)
        );
        assert_eq!(
            checked_len_bytes(&command(0xC1), &Data::In(&mut buffer)),
            None
        );
        assert_eq!(
            checked_len_bytes(&command(0xC0), &Data::In(&mut buffer)),
            None
        );
        assert_eq!(
            checked_len_bytes(&command(0xC3), &Data::Out(&constant)),
            None
        );
        assert_eq!(
            checked_len_bytes(&command(FABRICS), &Data::Out(&constant)),
            None
        );
        assert_eq!(checked_len_bytes(&command(0xC2), &Data::In(&mut [])), None);
        assert_eq!(checked_len_bytes(&command(0x84), &Data::None), Some(0));
    }

    #[test]
    fn command_that_names_another_length_than_the_buffers_is_refused() {
        let mut buffer = [0_u8; 512];
        let log = |cdw10, cdw11| AdminCommand {
            opcode: GET_LOG_PAGE,
            cdw10,
            cdw11,
            ..AdminCommand::default()
        };
        assert_eq!(
            checked_len_bytes(&log(0x007F_0081, 0), &Data::In(&mut buffer)),
            Some(512)
        );
        assert_eq!(
            checked_len_bytes(&log(0x0080_0081, 0), &Data::In(&mut buffer)),
            None
        );
        assert_eq!(
            checked_len_bytes(&log(0x007F_0081, 1), &Data::In(&mut buffer)),
            None
        );
        let identify = AdminCommand {
            opcode: IDENTIFY,
            ..AdminCommand::default()
        };
        assert_eq!(checked_len_bytes(&identify, &Data::In(&mut buffer)), None);
        let receive = AdminCommand {
            opcode: SECURITY_RECEIVE,
            cdw11: 512,
            ..AdminCommand::default()
        };
        assert_eq!(
            checked_len_bytes(&receive, &Data::In(&mut buffer)),
            Some(512)
        );
        let receive = AdminCommand {
            cdw11: 2048,
            ..receive
        };
        assert_eq!(checked_len_bytes(&receive, &Data::In(&mut buffer)), None);
    }

    #[test]
    fn status_keeps_type_and_code_only() {
        assert_eq!(status_code(0), 0);
        assert_eq!(status_code(0x4002), 0x002); // do not retry + invalid field
        assert_eq!(status_code(0x6286), 0x286); // access denied
        assert_eq!(status_code(0x371), 0x371); // aborted by the host
    }

    #[test]
    fn read_of_one_block_is_the_golden_vector() {
        let command = read_of_one_block(3, 0x1_2345_6789);
        let dwords = [command.cdw10, command.cdw11, command.cdw12, command.cdw13];
        assert_eq!((command.opcode, command.nsid), (0x02, 3));
        assert_eq!(dwords, [0x2345_6789, 1, 0, 0]);
    }

    #[test]
    fn node_without_nvme_commands_is_an_error() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let command = AdminCommand {
            opcode: IDENTIFY,
            cdw10: 1,
            ..AdminCommand::default()
        };
        let refused = admin(null.as_fd(), &command, Data::In(&mut [0; 4096]), SECOND);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::ENOTTY));
        assert_eq!(
            namespace_id(null.as_fd()).unwrap_err().raw_os_error(),
            Some(libc::ENOTTY)
        );
        assert!(read(null.as_fd(), 0, &mut [0; 512], SECOND).is_err());
        let wrong = admin(null.as_fd(), &command, Data::Out(&[0; 4096]), SECOND);
        assert_eq!(wrong.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
