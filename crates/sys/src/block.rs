//! Block devices: opening, geometry, cache, and single blocking reads and writes.
//!
//! Nothing here decides whether a device may be written: an exclusive open is the kernel's own claim against
//! mounts and holders, the rest of the question is `drive`'s. Bulk data goes through [`crate::queue`].
//! Requests: `include/uapi/linux/fs.h`.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::ioctl;

const BLKROGET: u32 = 0x125E;
const BLKRRPART: u32 = 0x125F;
const BLKFLSBUF: u32 = 0x1261;
const BLKSSZGET: u32 = 0x1268;
const BLKPBSZGET: u32 = 0x127B;
const BLKGETSIZE64: u32 = 0x8008_1272;
const BLKGETDISKSEQ: u32 = 0x8008_1280;

/// How long an exclusive open waits before its one retry: a process that just ended with io_uring releases its
/// files a moment later than its exit is seen.
const BUSY_RETRY: Duration = Duration::from_millis(250);

/// Opens for questions: read-only, through the page cache.
///
/// Opened with `O_NONBLOCK`, so that a card reader or tray without a medium still answers INQUIRY; the flag is
/// then cleared, because io_uring would pass it on to each read as "fail rather than wait".
///
/// # Errors
/// What `open` says: `ENOENT`, `EACCES`, `ENXIO` (the device has left).
pub fn open_read(path: &Path) -> io::Result<OwnedFd> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file.into())
}

/// Opens for reading what is on the medium, past the page cache: offsets, lengths and buffers must be multiples
/// of the logical sector.
///
/// # Errors
/// As [`open_read`]; `ENOMEDIUM` without a medium, `EINVAL` where the file system has no direct I/O.
pub fn open_read_direct(path: &Path) -> io::Result<OwnedFd> {
    Ok(OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)?
        .into())
}

/// Opens for erasing: read and write, direct, and exclusive, which for a block device fails while it or one of
/// its partitions is mounted, held (md, dm, swap) or opened exclusively, and keeps others from doing so while
/// the descriptor lives. On a regular file the exclusion has no effect.
///
/// A busy device is tried once more after a quarter of a second. A read-only device does open on current kernels
/// (each write then gives `EPERM`; some drivers refuse with `EROFS` or `EACCES`): ask [`is_read_only`].
///
/// # Errors
/// `EBUSY` when it is in use, else as [`open_read_direct`].
pub fn open_exclusive(path: &Path) -> io::Result<OwnedFd> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(libc::O_EXCL | libc::O_DIRECT);
    Ok(twice_if_busy(|| options.open(path))?.into())
}

/// Opens for keeping others out: exclusive as [`open_exclusive`], and for reading only. A tray or reader without a
/// medium opens, too.
///
/// # Errors
/// As [`open_exclusive`].
pub fn open_exclusive_read(path: &Path) -> io::Result<OwnedFd> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(libc::O_EXCL | libc::O_NONBLOCK);
    Ok(twice_if_busy(|| options.open(path))?.into())
}

/// Opens for changing a few bytes: read and write, exclusive as [`open_exclusive`], and through the page cache,
/// so that no offset, length or buffer must fit the sector. [`sync`] is what reaches the medium.
///
/// # Errors
/// As [`open_exclusive`].
pub fn open_exclusive_buffered(path: &Path) -> io::Result<OwnedFd> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_EXCL);
    Ok(twice_if_busy(|| options.open(path))?.into())
}

fn twice_if_busy<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match open() {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            std::thread::sleep(BUSY_RETRY);
            open()
        }
        first => first,
    }
}

/// Whether reads and writes pass the page cache by (`O_DIRECT`), so that what is read is what the device gave.
///
/// # Errors
/// None that an open descriptor gives.
pub fn is_direct(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    Ok(flags.contains(OFlag::O_DIRECT))
}

/// Capacity that the kernel gives access to.
///
/// # Errors
/// `ENOTTY` when the descriptor is no block device, as with each question below.
pub fn size_bytes(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let mut size = 0_u64;
    // SAFETY: BLKGETSIZE64 stores one u64 (its number says size_t; the kernel writes 64 bits on every port).
    unsafe { ioctl::with_pointer(fd, BLKGETSIZE64, &mut size)? };
    Ok(size)
}

/// The unit in which the device is addressed.
///
/// # Errors
/// See [`size_bytes`].
pub fn logical_sector_bytes(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut size: libc::c_int = 0;
    // SAFETY: BLKSSZGET stores one int.
    unsafe { ioctl::with_pointer(fd, BLKSSZGET, &mut size)? };
    u32::try_from(size).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The unit in which the device says it writes without reading first.
///
/// # Errors
/// See [`size_bytes`].
pub fn physical_sector_bytes(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut size: libc::c_uint = 0;
    // SAFETY: BLKPBSZGET stores one unsigned int.
    unsafe { ioctl::with_pointer(fd, BLKPBSZGET, &mut size)? };
    Ok(size)
}

/// Whether the kernel refuses writes to it.
///
/// # Errors
/// See [`size_bytes`].
pub fn is_read_only(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut flag: libc::c_int = 0;
    // SAFETY: BLKROGET stores one int.
    unsafe { ioctl::with_pointer(fd, BLKROGET, &mut flag)? };
    Ok(flag != 0)
}

/// A number that the kernel gives to each disk or medium once per boot: the same name with another number is
/// another disk.
///
/// # Errors
/// See [`size_bytes`]; also `ENOTTY` on kernels before 5.15.
pub fn disk_sequence(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let mut sequence = 0_u64;
    // SAFETY: BLKGETDISKSEQ stores one u64.
    unsafe { ioctl::with_pointer(fd, BLKGETDISKSEQ, &mut sequence)? };
    Ok(sequence)
}

/// Writes dirty pages of the device out and drops its cached pages, so that cached reads see the medium again.
///
/// # Errors
/// See [`size_bytes`]; `EACCES` without CAP_SYS_ADMIN.
pub fn flush_buffers(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: BLKFLSBUF takes no argument.
    unsafe { ioctl::with_number(fd, BLKFLSBUF, 0)? };
    Ok(())
}

/// Makes the kernel read the partition table again.
///
/// # Errors
/// See [`size_bytes`]; `EBUSY` while a partition is in use, `EINVAL` on a device that has no partitions by kind.
pub fn reread_partitions(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: BLKRRPART takes no argument.
    unsafe { ioctl::with_number(fd, BLKRRPART, 0)? };
    Ok(())
}

/// Waits until everything written is on the medium, the device's own cache included where it obeys.
/// May block for as long as the device takes.
///
/// # Errors
/// `EIO` when the device, or a write that was still on its way, failed. The kernel reports such a failure once.
pub fn sync(fd: BorrowedFd<'_>) -> io::Result<()> {
    loop {
        match nix::unistd::fsync(fd) {
            Err(nix::Error::EINTR) => {}
            done => return Ok(done?),
        }
    }
}

/// Fills the whole of `buf` from `offset_bytes` on, in as many reads as it takes.
///
/// # Errors
/// `UnexpectedEof` when the device ends first: a short read is never a success. On any error the content of
/// `buf` is unspecified.
pub fn read_at(fd: BorrowedFd<'_>, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
    let mut done = 0;
    while done < buf.len() {
        match nix::sys::uio::pread(fd, &mut buf[done..], file_offset(offset_bytes, done)?) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => done += n,
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes the whole of `buf` from `offset_bytes` on, in as many writes as it takes. Not on the medium before
/// [`sync`].
///
/// # Errors
/// `WriteZero` or `ENOSPC` when the device ends first. On any error an unknown part of `buf` is written.
pub fn write_at(fd: BorrowedFd<'_>, buf: &[u8], offset_bytes: u64) -> io::Result<()> {
    let mut done = 0;
    while done < buf.len() {
        match nix::sys::uio::pwrite(fd, &buf[done..], file_offset(offset_bytes, done)?) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => done += n,
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The kernel's signed offset; beyond 2^63 there is no device.
pub(crate) fn file_offset(offset_bytes: u64, done: usize) -> io::Result<i64> {
    let offset = offset_bytes
        .checked_add(done as u64)
        .and_then(|offset| i64::try_from(offset).ok());
    offset.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(answers: &[Result<(), i32>]) -> (Result<(), Option<i32>>, usize) {
        let mut asked = 0;
        let opened = twice_if_busy(|| {
            asked += 1;
            answers[asked - 1].map_err(io::Error::from_raw_os_error)
        });
        (opened.map_err(|error| error.raw_os_error()), asked)
    }

    #[test]
    fn file_that_may_be_read_from_memory_is_told_from_one_that_is_not() {
        use std::os::fd::AsFd;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("medium");
        std::fs::write(&path, [0; 4096]).unwrap();
        for (opened, direct) in [
            (open_read(&path), false),
            (open_read_direct(&path), true),
            (open_exclusive(&path), true),
        ] {
            assert_eq!(is_direct(opened.unwrap().as_fd()).unwrap(), direct);
        }
    }

    #[test]
    fn only_a_busy_device_is_tried_again_and_only_once() {
        assert_eq!(opened(&[Ok(())]), (Ok(()), 1));
        assert_eq!(opened(&[Err(libc::EBUSY), Ok(())]), (Ok(()), 2));
        let busy = Err(libc::EBUSY);
        assert_eq!(opened(&[busy, busy, Ok(())]), (Err(Some(libc::EBUSY)), 2));
        assert_eq!(
            opened(&[Err(libc::ENOENT), Ok(())]),
            (Err(Some(libc::ENOENT)), 1)
        );
    }
}
