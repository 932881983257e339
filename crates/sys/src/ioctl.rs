//! The ioctl forms that the other modules share, and nothing else: numbers and meanings stay with their module.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// An ioctl whose argument is a pointer to one `T`, which the kernel reads, writes or both.
///
/// Returns the ioctl's own value, never negative.
///
/// # Safety
/// `request` must be one for which the kernel accesses at most `size_of::<T>()` bytes at the pointer, leaves a
/// valid `T` there, and touches other memory only through pointers in `*argument` that are valid for it.
pub(crate) unsafe fn with_pointer<T>(
    fd: BorrowedFd<'_>,
    request: u32,
    argument: &mut T,
) -> io::Result<u32> {
    // SAFETY: the caller vouches for the request; the descriptor and the pointer live through the call, and
    // none of our requests lets the kernel keep the pointer after it returns.
    let value = unsafe {
        libc::ioctl(
            fd.as_raw_fd(),
            request as libc::Ioctl,
            std::ptr::from_mut(argument),
        )
    };
    u32::try_from(value).map_err(|_| io::Error::last_os_error())
}

/// An ioctl whose argument is a plain number or nothing.
///
/// # Safety
/// `request` must be one for which the kernel does not take `argument` as an address.
pub(crate) unsafe fn with_number(
    fd: BorrowedFd<'_>,
    request: u32,
    argument: libc::c_ulong,
) -> io::Result<u32> {
    // SAFETY: the caller vouches that no memory is reached through the argument.
    let value = unsafe { libc::ioctl(fd.as_raw_fd(), request as libc::Ioctl, argument) };
    u32::try_from(value).map_err(|_| io::Error::last_os_error())
}

/// A timeout in whole milliseconds, rounded up: 0 would mean "the driver's default" to the kernel, and values
/// beyond `i32::MAX` (25 days) are taken as negative by some drivers.
pub(crate) fn timeout_ms(timeout: Duration) -> u32 {
    let ms = timeout.as_nanos().div_ceil(1_000_000);
    u32::try_from(ms)
        .unwrap_or(u32::MAX)
        .clamp(1, i32::MAX as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_is_rounded_up_and_never_the_drivers_default() {
        assert_eq!(timeout_ms(Duration::ZERO), 1);
        assert_eq!(timeout_ms(Duration::from_nanos(1)), 1);
        assert_eq!(timeout_ms(Duration::from_micros(1500)), 2);
        assert_eq!(timeout_ms(Duration::from_secs(600)), 600_000);
        assert_eq!(timeout_ms(Duration::MAX), 0x7FFF_FFFF);
    }
}
