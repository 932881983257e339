//! What the processor can do, as far as raz chooses by it, and which of its cores a thread runs on.

use std::io;

/// Cores that a set of the C library has room for.
const CORES_MAX: usize = libc::CPU_SETSIZE as usize;

/// Whether the processor has AES instructions: with them AES-CTR is the fastest keystream, without them one of
/// the slowest.
#[must_use]
pub fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// The cores that this thread may run on, by the kernel's numbers.
///
/// # Errors
/// What `sched_getaffinity` says: a machine with more cores than the C library counts.
pub fn usable() -> io::Result<Vec<usize>> {
    // SAFETY: a set of bits, for which all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes the set's own size at most; 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: reads a bit of a set that lives here, below its size.
    let is_set = |core: &usize| unsafe { libc::CPU_ISSET(*core, &set) };
    Ok((0..CORES_MAX).filter(is_set).collect())
}

/// Keeps the calling thread on one core.
///
/// # Errors
/// `InvalidInput` for a core that no set has room for, else what the kernel says.
pub fn pin(core: usize) -> io::Result<()> {
    if core >= CORES_MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: a set of bits, for which all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: writes a bit of a set that lives here, below its size.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: the kernel reads the set's own size; 0 is the calling thread.
    match unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn thread_that_is_pinned_may_run_on_that_core_only() {
        let before = super::usable().unwrap();
        let last = *before.last().unwrap();
        std::thread::spawn(move || {
            super::pin(last).unwrap();
            assert_eq!(super::usable().unwrap(), [last]);
        })
        .join()
        .unwrap();
        assert_eq!(super::usable().unwrap(), before);
        assert!(super::pin(usize::MAX).is_err());
    }

    #[test]
    fn agrees_with_what_the_kernel_lists() {
        let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = listed
            .lines()
            .find(|line| line.starts_with("flags") || line.starts_with("Features"));
        let listed = flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "aes"));
        assert_eq!(super::has_aes(), listed);
    }
}
