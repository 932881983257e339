//! Loading a kernel module from an open file (`finit_module(2)`). Which file, and in which order, is the
//! caller's business.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `include/uapi/linux/module.h`, from Linux 5.17 on: the kernel unpacks what it checks the signature of.
const MODULE_INIT_COMPRESSED_FILE: libc::c_int = 4;

/// Loads the module in `file` (opened for reading) with `params`; `compressed` when the file is `.ko.xz`,
/// `.ko.zst` or `.ko.gz` as the kernel was built to unpack. A module that is already there is a success.
///
/// # Errors
/// `ENOEXEC` for no module or another kernel's, `EKEYREJECTED` for a bad signature, `ENOENT` for a missing
/// symbol, `EPERM` without CAP_SYS_MODULE, `EOPNOTSUPP` when the kernel cannot unpack, or what the
/// module's own start says (`ENODEV`: no such hardware).
pub fn load(file: BorrowedFd<'_>, params: &CStr, compressed: bool) -> io::Result<()> {
    let flags = if compressed {
        MODULE_INIT_COMPRESSED_FILE
    } else {
        0
    };
    // SAFETY: finit_module reads the file and the zero-terminated string, both alive through the call, and
    // touches no other memory of this process.
    let loaded = unsafe {
        libc::syscall(
            libc::SYS_finit_module,
            file.as_raw_fd(),
            params.as_ptr(),
            flags,
        )
    };
    if loaded == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::EEXIST) {
        Ok(())
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn file_that_is_no_module_is_refused() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        for compressed in [false, true] {
            let errno = load(file.as_fd(), c"", compressed)
                .unwrap_err()
                .raw_os_error();
            // No module; not allowed to; a kernel without modules, or one that cannot unpack.
            let expected = [
                libc::ENOEXEC,
                libc::EPERM,
                libc::ENOSYS,
                libc::EOPNOTSUPP,
                libc::EINVAL,
            ];
            assert!(
                errno.is_some_and(|errno| expected.contains(&errno)),
                "{errno:?}"
            );
        }
    }
}
