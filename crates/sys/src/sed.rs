//! Self-encrypting drives by the kernel's own TCG sessions (`include/uapi/linux/sed-opal.h`).
//!
//! Only the revert with the PSID, which destroys all data: whether it may be sent is for `drive`.

use std::io;
use std::os::fd::BorrowedFd;

use crate::ioctl;

/// `_IOW('p', 232, struct opal_key)`.
const IOC_OPAL_PSID_REVERT_TPR: u32 = 0x4108_70E8;
const KEY_BYTES: usize = 256;

/// `struct opal_key`; `key_type` 0 means that the key is in it (kernels before 6.3 have padding there).
#[repr(C)]
struct Key {
    lr: u8,
    key_len: u8,
    key_type: u8,
    align: [u8; 5],
    key: [u8; KEY_BYTES],
}
const _: () = assert!(size_of::<Key>() == 264);

/// Has the kernel open a session with the drive's Admin SP as the PSID authority and revert it: the drive is
/// then as it left the factory, with another media key. Blocks as long as the drive takes.
///
/// Gives back what the kernel does: 0 for success, a method status of the drive (01h not authorized, 12h locked
/// out) or, above 3Fh, the transport's own status.
///
/// # Errors
/// `InvalidInput` for an empty PSID or one longer than 255 bytes; `ENOTTY` where the kernel has no such request,
/// `EOPNOTSUPP` or 524 (the kernel's own ENOTSUPP) where it does not speak TCG with this drive, `EACCES` without
/// CAP_SYS_ADMIN, `EPERM` for a session that the drive did not open as asked, and the transport's errors.
pub fn revert_by_psid(fd: BorrowedFd<'_>, psid: &[u8]) -> io::Result<u32> {
    let key_len = u8::try_from(psid.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    if key_len == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut key = Key {
        lr: 0,
        key_len,
        key_type: 0,
        align: [0; 5],
        key: [0; KEY_BYTES],
    };
    key.key[..psid.len()].copy_from_slice(psid);
    // SAFETY: IOC_OPAL_PSID_REVERT_TPR copies the 264 bytes of one `struct opal_key` in, and writes nothing.
    unsafe { ioctl::with_pointer(fd, IOC_OPAL_PSID_REVERT_TPR, &mut key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;
    use std::os::fd::AsFd;

    #[test]
    fn structure_and_number_are_those_of_the_kernels_include_file() {
        assert_eq!(offset_of!(Key, key_len), 1);
        assert_eq!(offset_of!(Key, key_type), 2);
        assert_eq!(offset_of!(Key, key), 8);
        // Direction 1 (write) in 31:30, size in 29:16, 'p' in 15:8.
        let number = 1 << 30 | 264 << 16 | u32::from(b'p') << 8 | 232;
        assert_eq!(IOC_OPAL_PSID_REVERT_TPR, number);
    }

    #[test]
    fn node_that_is_no_drive_and_psids_of_no_length_are_errors() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let error = revert_by_psid(null.as_fd(), &[b'A'; 32]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTTY));
        for psid in [&[][..], &[b'A'; 256]] {
            let error = revert_by_psid(null.as_fd(), psid).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
