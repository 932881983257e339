//! eMMC: commands and the extended CSD register (`include/uapi/linux/mmc/ioctl.h`).
//!
//! Before each command the kernel selects the area of the node that it came by: through the node of
//! the user area no other area can be reached, whatever PARTITION_CONFIG is told.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::ioctl;

const MMC_IOC_CMD: u32 = 0xC048_B300;
const MMC_IOC_MULTI_CMD: u32 = 0xC008_B301;
const SEND_EXT_CSD: u32 = 8;
/// `MMC_RSP_R1 | MMC_RSP_SPI_R1 | MMC_CMD_ADTC` of the kernel's `mmc/core.h`: a response with CRC and opcode,
/// then a block of data.
const R1_THEN_DATA: u32 = 0x15 | 0x80 | 0x20;

/// `MMC_RSP_R1 | MMC_RSP_SPI_R1 | MMC_CMD_AC`.
const R1: u32 = 0x15 | 0x80;
/// [`R1`] with `MMC_RSP_BUSY | MMC_RSP_SPI_BUSY`.
const R1B: u32 = R1 | 0x08 | 0x400;

/// Most commands that are sent in one go.
pub const COMMANDS_MAX: usize = 4;

/// A command without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// CMD number.
    pub index: u8,
    /// Its argument.
    pub argument: u32,
    /// What the card answers with.
    pub response: Response,
}

/// The response that a command has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// R1: the card status.
    R1,
    /// R1b: the card status, and busy until the work is done.
    R1b,
}

/// `struct mmc_ioc_cmd`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct RawCommand {
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
const _: () = assert!(size_of::<RawCommand>() == 72);

/// `struct mmc_ioc_multi_cmd`, whose array has as many members as `count` says.
#[repr(C)]
struct RawCommands {
    count: u64,
    commands: [RawCommand; COMMANDS_MAX],
}
const _: () = assert!(size_of::<RawCommands>() == 8 + 72 * COMMANDS_MAX);

/// Reads the 512 bytes of EXT_CSD from a whole eMMC device. The kernel's own timeout for the card applies.
///
/// # Errors
/// `ENOTTY` when `fd` is no MMC device, `EPERM` for a partition or without CAP_SYS_RAWIO, `EILSEQ` or
/// `ETIMEDOUT` from the bus; an SD card, which has no such register, gives `ETIMEDOUT`.
pub fn ext_csd(fd: BorrowedFd<'_>) -> io::Result<[u8; 512]> {
    let mut register = [0_u8; 512];
    let mut command = RawCommand {
        opcode: SEND_EXT_CSD,
        flags: R1_THEN_DATA,
        blksz: 512,
        blocks: 1,
        data_ptr: register.as_mut_ptr().expose_provenance() as u64,
        ..RawCommand::default()
    };
    // SAFETY: MMC_IOC_CMD reads and writes one 72-byte structure and, as this is a read, copies
    // `blksz * blocks` = 512 bytes to `data_ptr` before it returns.
    unsafe { ioctl::with_pointer(fd, MMC_IOC_CMD, &mut command)? };
    Ok(register)
}

/// Sends commands one after the other, with no other between them, each once the card is no longer busy
/// with the one before; waits for the last as well. Gives the status of each response (R1) in order.
///
/// A card that is busy for longer than `timeout` is given up. What the kernel asks meanwhile takes
/// error bits of the work away: a clean status afterwards does not prove that all of it was done. Of a
/// sanitize (CMD6 of byte 165), which the kernel sends by its own means, the status is 0, a switch
/// error is `EBADMSG` ([`is_switch_error`]), and giving it up interrupts it for good.
///
/// # Errors
/// `ENOTTY`, `EPERM` as for [`ext_csd`]; `ETIMEDOUT`, `EILSEQ`, `EIO` from the bus, when the commands
/// after the one that failed were not sent; `InvalidInput` for more than [`COMMANDS_MAX`] commands.
pub fn send(fd: BorrowedFd<'_>, commands: &[Command], timeout: Duration) -> io::Result<Vec<u32>> {
    if commands.len() > COMMANDS_MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut raw = RawCommands {
        count: commands.len() as u64,
        commands: [RawCommand::default(); COMMANDS_MAX],
    };
    for (raw, command) in raw.commands.iter_mut().zip(commands) {
        *raw = raw_command(*command, timeout);
    }
    // SAFETY: MMC_IOC_MULTI_CMD reads the count and as many 72-byte structures as it says, at most the
    // array's, and writes their responses; none has data, so no `data_ptr` is followed.
    unsafe { ioctl::with_pointer(fd, MMC_IOC_MULTI_CMD, &mut raw)? };
    let sent = raw.commands.iter().take(commands.len());
    Ok(sent.map(|command| command.response[0]).collect())
}

/// The card did not take what CMD6 told it: how the kernel tells it of a sanitize.
#[must_use]
pub fn is_switch_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBADMSG)
}

fn raw_command(command: Command, timeout: Duration) -> RawCommand {
    RawCommand {
        // A command that changes the card counts as a write.
        write_flag: i32::from(command.response == Response::R1b),
        opcode: u32::from(command.index),
        arg: command.argument,
        flags: match command.response {
            Response::R1 => R1,
            Response::R1b => R1B,
        },
        cmd_timeout_ms: ioctl::timeout_ms(timeout),
        ..RawCommand::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;
    use std::os::fd::AsFd;

    #[test]
    fn structure_lies_as_in_the_kernels_include_file() {
        assert_eq!(offset_of!(RawCommand, opcode), 8);
        assert_eq!(offset_of!(RawCommand, response), 16);
        assert_eq!(offset_of!(RawCommand, flags), 32);
        assert_eq!(offset_of!(RawCommand, blksz), 36);
        assert_eq!(offset_of!(RawCommand, cmd_timeout_ms), 56);
        assert_eq!(offset_of!(RawCommand, data_ptr), 64);
        assert_eq!(R1_THEN_DATA, 0xB5);
        assert_eq!(offset_of!(RawCommands, commands), 8);
    }

    #[test]
    fn node_without_mmc_commands_is_an_error() {
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(
            ext_csd(null.as_fd()).unwrap_err().raw_os_error(),
            Some(libc::ENOTTY)
        );
        let status = Command {
            index: 13,
            argument: 1 << 16,
            response: Response::R1,
        };
        let sent = |count| send(null.as_fd(), &vec![status; count], Duration::from_secs(1));
        assert_eq!(sent(1).unwrap_err().raw_os_error(), Some(libc::ENOTTY));
        assert!(!is_switch_error(&sent(1).unwrap_err()));
        assert!(is_switch_error(&io::Error::from_raw_os_error(74)));
        let many = sent(COMMANDS_MAX + 1).unwrap_err();
        assert_eq!(many.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn response_with_busy_is_told_to_the_kernel_with_its_time() {
        let raw = raw_command(
            Command {
                index: 38,
                argument: 0x8000_0000,
                response: Response::R1b,
            },
            Duration::from_secs(90),
        );
        assert_eq!((raw.opcode, raw.arg), (38, 0x8000_0000));
        // MMC_RSP_SPI_R1B | MMC_RSP_R1B | MMC_CMD_AC.
        assert_eq!(raw.flags, 0x49D);
        assert_eq!((raw.write_flag, raw.cmd_timeout_ms), (1, 90_000));
    }
}
