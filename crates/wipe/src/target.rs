//! What the engine needs of a drive, and nothing more: an open file and three questions.
//!
//! `wipe` never opens a drive. A [`Target`] is made from a claimed drive (see [`crate::claimed`]),
//! or in tests from a file.

use drive::identity::IdentityLost;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The addressable bytes of one drive.
#[derive(Clone, Debug)]
pub struct Target {
    /// The drive's name in errors: model and serial, or a path.
    pub label: String,
    /// Bytes to overwrite; a multiple of the logical sector.
    pub capacity_bytes: u64,
    /// Logical sector size in bytes: the smallest transfer.
    pub logical_sector_bytes: u32,
    /// Physical sector size in bytes: where a request is cut, it is cut here.
    pub physical_sector_bytes: u32,
    /// The drive, opened for direct I/O; for writing unless it is only read back.
    pub file: Arc<OwnedFd>,
    /// The longest request that the drive's queue takes whole, when the kernel says it.
    pub max_request_bytes: Option<u64>,
    /// The length that the drive names as its best, when the kernel says it: of a RAID volume, a
    /// stripe.
    pub optimal_request_bytes: Option<u64>,
}

/// The calls to a drive that may block for long. The engine makes each on a thread of its own.
pub trait Control: Send + Sync {
    /// Flushes the drive's write cache.
    ///
    /// # Errors
    /// The kernel's answer; after an error nothing may be believed to be on the medium.
    fn flush(&self) -> io::Result<()>;

    /// Reads the drive's identity anew, in the form that was confirmed and is recorded.
    ///
    /// # Errors
    /// Why it could not be read, or that it is another one.
    fn recheck_identity(&self) -> Result<String, IdentityLost>;

    /// Whether the drive is still there.
    fn is_present(&self) -> bool;
}
