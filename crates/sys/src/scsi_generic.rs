//! SCSI commands by SG_IO, version 3 of its header (`include/scsi/sg.h`).
//!
//! Carries the bytes and gives back the statuses; what sense data mean, and that an all-zero answer proves
//! nothing, is for `drive`. A command is sent once: nothing is retried here.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::data::Data;
use crate::ioctl;

const SG_IO: u32 = 0x2285;
const SG_DXFER_NONE: i32 = -1;
const SG_DXFER_TO_DEV: i32 = -2;
const SG_DXFER_FROM_DEV: i32 = -3;
/// Room for sense data: SPC-4 allows 252 bytes; Linux itself keeps 96.
const SENSE_BYTES_MAX: u8 = 252;

/// `struct sg_io_hdr`.
#[repr(C)]
struct Header {
    interface_id: i32,
    dxfer_direction: i32,
    cmd_len: u8,
    mx_sb_len: u8,
    iovec_count: u16,
    dxfer_len: u32,
    dxferp: *mut u8,
    cmdp: *const u8,
    sbp: *mut u8,
    timeout: u32,
    flags: u32,
    pack_id: i32,
    usr_ptr: *mut u8,
    status: u8,
    masked_status: u8,
    msg_status: u8,
    sb_len_wr: u8,
    host_status: u16,
    driver_status: u16,
    resid: i32,
    duration: u32,
    info: u32,
}
const _: () = assert!(size_of::<Header>() == 88, "64-bit layout of sg_io_hdr");

/// How a command ended, as the kernel tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScsiReply {
    /// SCSI status (SAM): 0x00 good, 0x02 check condition, 0x18 reservation conflict.
    pub status: u8,
    /// The host adapter's `DID_*` code, 0 when the command reached the device and came back.
    pub host_status: u16,
    /// The kernel's `DRIVER_*` code. Bit 3 only says that sense was seen somewhere: no proof of any.
    pub driver_status: u16,
    /// Sense data as received, empty when there was none.
    pub sense: Vec<u8>,
    /// Bytes of the data phase that did not move; negative when the device moved more than asked.
    pub residual_bytes: i32,
    /// Time in the device, as measured by the kernel.
    pub duration_ms: u32,
}

/// Sends one command and waits for its end.
///
/// May block longer than `timeout`: the kernel's error handling (abort, reset) comes on top, and on a disk node
/// a timeout below 7 s counts as 7 s. Empty data count as none, since libata rejects a non-data command
/// that names a direction.
///
/// # Errors
/// `InvalidInput` for an empty CDB, one above 255 bytes or data above 4 GiB; `ENOTTY` when the node takes no
/// SCSI commands, `EPERM` without CAP_SYS_RAWIO, `EINVAL`, `EIO` or `ENOMEM` when the kernel did not send it,
/// `EINTR` when a signal ended the wait on a `/dev/sg` node: then the command's fate is unknown. A refusal by the
/// device is no error but a reply.
pub fn execute(
    fd: BorrowedFd<'_>,
    cdb: &[u8],
    data: Data<'_>,
    timeout: Duration,
) -> io::Result<ScsiReply> {
    let cmd_len = u8::try_from(cdb.len())
        .ok()
        .filter(|len| *len > 0)
        .ok_or(io::ErrorKind::InvalidInput)?;
    let (dxfer_direction, dxferp, len_bytes) = match data {
        Data::None => (SG_DXFER_NONE, std::ptr::null_mut(), 0),
        Data::In([]) | Data::Out([]) => (SG_DXFER_NONE, std::ptr::null_mut(), 0),
        Data::In(buffer) => (SG_DXFER_FROM_DEV, buffer.as_mut_ptr(), buffer.len()),
        Data::Out(buffer) => (SG_DXFER_TO_DEV, buffer.as_ptr().cast_mut(), buffer.len()),
    };
    let dxfer_len = u32::try_from(len_bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut sense = vec![0_u8; usize::from(SENSE_BYTES_MAX)];
    let mut header = Header {
        interface_id: i32::from(b'S'),
        dxfer_direction,
        cmd_len,
        mx_sb_len: SENSE_BYTES_MAX,
        iovec_count: 0,
        dxfer_len,
        dxferp,
        cmdp: cdb.as_ptr(),
        sbp: sense.as_mut_ptr(),
        timeout: ioctl::timeout_ms(timeout),
        flags: 0,
        pack_id: 0,
        usr_ptr: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        msg_status: 0,
        sb_len_wr: 0,
        host_status: 0,
        driver_status: 0,
        resid: 0,
        duration: 0,
        info: 0,
    };
    // SAFETY: SG_IO reads and writes one header. It reads `cmd_len` bytes of the CDB, writes at most
    // `mx_sb_len` bytes of sense, and moves at most `dxfer_len` bytes in the direction given: a buffer passed as
    // TO_DEV is only read, whatever the CDB says. All three outlive the call, and after it the kernel keeps no
    // pointer to them: an interrupted wait on a sg node drops the data, as direct I/O (a flag) is not asked for.
    unsafe { ioctl::with_pointer(fd, SG_IO, &mut header)? };
    sense.truncate(usize::from(header.sb_len_wr));
    Ok(ScsiReply {
        status: header.status,
        host_status: header.host_status,
        driver_status: header.driver_status,
        sense,
        residual_bytes: header.resid,
        duration_ms: header.duration,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;
    use std::os::fd::AsFd;

    #[test]
    fn header_lies_as_in_the_kernels_include_file() {
        assert_eq!(offset_of!(Header, cmd_len), 8);
        assert_eq!(offset_of!(Header, dxfer_len), 12);
        assert_eq!(offset_of!(Header, dxferp), 16);
        assert_eq!(offset_of!(Header, cmdp), 24);
        assert_eq!(offset_of!(Header, sbp), 32);
        assert_eq!(offset_of!(Header, timeout), 40);
        assert_eq!(offset_of!(Header, usr_ptr), 56);
        assert_eq!(offset_of!(Header, status), 64);
        assert_eq!(offset_of!(Header, sb_len_wr), 67);
        assert_eq!(offset_of!(Header, host_status), 68);
        assert_eq!(offset_of!(Header, driver_status), 70);
        assert_eq!(offset_of!(Header, resid), 72);
        assert_eq!(offset_of!(Header, duration), 76);
        assert_eq!(offset_of!(Header, info), 80);
    }

    #[test]
    fn node_without_scsi_commands_is_an_error() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let mut answer = [0_u8; 96];
        let inquiry = [0x12, 0, 0, 0, 96, 0];
        let refused = execute(
            null.as_fd(),
            &inquiry,
            Data::In(&mut answer),
            Duration::from_secs(1),
        );
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::ENOTTY));
    }

    #[test]
    fn impossible_cdb_lengths_are_refused_before_the_kernel_sees_them() {
        let null = std::fs::File::open("/dev/null").unwrap();
        for cdb in [&[][..], &[0; 256]] {
            let refused = execute(null.as_fd(), cdb, Data::None, Duration::from_secs(1));
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
