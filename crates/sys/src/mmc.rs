//! eMMC: the extended CSD register (`include/uapi/linux/mmc/ioctl.h`, JEDEC eMMC command 8).
//!
//! Only reads; erase and sanitize are not here yet.

use std::io;
use std::os::fd::BorrowedFd;

use crate::ioctl;

const MMC_IOC_CMD: u32 = 0xC048_B300;
const SEND_EXT_CSD: u32 = 8;
/// `MMC_RSP_R1 | MMC_RSP_SPI_R1 | MMC_CMD_ADTC` of the kernel's `mmc/core.h`: a response with CRC and opcode,
/// then a block of data.
const R1_THEN_DATA: u32 = 0x15 | 0x80 | 0x20;

/// `struct mmc_ioc_cmd`.
#[repr(C)]
struct Command {
    write_flag: i32,
    is_acmd: i32,
    opcode: u32,
    arg: u32,
    response: [u32; 4],
    flags: u32,
    blksz: u32,
    blocks: u32,
    postsleep_min_us: u32,
    postsleep_max_us: u32,
    data_timeout_ns: u32,
    cmd_timeout_ms: u32,
    pad: u32,
    data_ptr: u64,
}
const _: () = assert!(size_of::<Command>() == 72);

/// Reads the 512 bytes of EXT_CSD from a whole eMMC device. The kernel's own timeout for the card applies.
///
/// # Errors
/// `ENOTTY` when `fd` is no MMC device, `EPERM` for a partition or without CAP_SYS_RAWIO, `EILSEQ` or
/// `ETIMEDOUT` from the bus; an SD card, which has no such register, gives `ETIMEDOUT`.
pub fn ext_csd(fd: BorrowedFd<'_>) -> io::Result<[u8; 512]> {
    let mut register = [0_u8; 512];
    let mut command = Command {
        write_flag: 0,
        is_acmd: 0,
        opcode: SEND_EXT_CSD,
        arg: 0,
        response: [0; 4],
        flags: R1_THEN_DATA,
        blksz: 512,
        blocks: 1,
        postsleep_min_us: 0,
        postsleep_max_us: 0,
        data_timeout_ns: 0,
        cmd_timeout_ms: 0,
        pad: 0,
        data_ptr: register.as_mut_ptr().expose_provenance() as u64,
    };
    // SAFETY: MMC_IOC_CMD reads and writes one 72-byte structure and, as this is a read, copies
    // `blksz * blocks` = 512 bytes to `data_ptr` before it returns.
    unsafe { ioctl::with_pointer(fd, MMC_IOC_CMD, &mut command)? };
    Ok(register)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;
    use std::os::fd::AsFd;

    #[test]
    fn structure_lies_as_in_the_kernels_include_file() {
        assert_eq!(offset_of!(Command, opcode), 8);
        assert_eq!(offset_of!(Command, response), 16);
        assert_eq!(offset_of!(Command, flags), 32);
        assert_eq!(offset_of!(Command, blksz), 36);
        assert_eq!(offset_of!(Command, cmd_timeout_ms), 56);
        assert_eq!(offset_of!(Command, data_ptr), 64);
        assert_eq!(R1_THEN_DATA, 0xB5);
    }

    #[test]
    fn node_without_mmc_commands_is_an_error() {
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(
            ext_csd(null.as_fd()).unwrap_err().raw_os_error(),
            Some(libc::ENOTTY)
        );
    }
}
