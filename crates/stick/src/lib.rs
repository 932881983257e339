//! raz's own medium as bytes: where its FAT volume stands in an ISO or on a stick, and files in it.
//!
//! Nothing here opens a device or decides which one: a [`Storage`] is given, a file or the exclusive
//! descriptor of raz's own stick. What is written stays within the volume; everything else on the
//! medium is read only.

pub mod configuration;
#[cfg(test)]
mod example;
pub mod layout;
pub mod making;
mod part;
#[cfg(test)]
mod tests;
pub mod volume;

pub use configuration::Configuration;
pub use layout::Layout;
pub use volume::Volume;

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// Folder of the volume that keeps reports, one folder a report, as in a spool.
pub const REPORTS: &str = "reports";
/// The configuration in the volume.
pub const CONFIGURATION: &str = "raz.toml";

/// Something that raz's image lies on.
pub trait Storage: Read + Write + Seek {
    /// Waits until everything written is on the medium.
    ///
    /// # Errors
    /// As the kernel says.
    fn sync(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Storage for io::Cursor<Vec<u8>> {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why a medium's volume cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not laid out as raz's ISO.
    #[error("not a medium of raz: {0}")]
    NotRaz(&'static str),
    /// What is to be written does not fit.
    #[error("the volume is full: {free_bytes} bytes are free")]
    Full {
        /// Bytes left.
        free_bytes: u64,
    },
    /// A file is larger than its reader takes.
    #[error("a file of more than {bytes_max} bytes")]
    TooLarge {
        /// What was taken at most.
        bytes_max: u64,
    },
    /// The file system is damaged, or the medium does not read or write.
    #[error("the volume cannot be used")]
    Io(#[from] io::Error),
}
