//! The stick that raz runs from, as far as raz may write into its own volume: reports are kept there.
//!
//! It is known, not looked for: the one drive that carries what GRUB booted from, on USB, and, once it was
//! seen in a boot, that same one and no other that looks like it. So a stick's copy on a donor's disk is not
//! written, also when the stick was pulled and the copy alone is left. What is written, and whether the
//! volume is raz's, is not decided here (crate `stick`).

use crate::claim::{number_of, same_device};
use crate::discover::Roots;
use crate::facts::{DriveFacts, Transport};
use crate::medium::BootMedium;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// A stick that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnStick {
    /// Kernel name.
    pub name: String,
    /// Its node.
    pub path: PathBuf,
    /// What makes it known in this boot.
    pub mark: Mark,
}

/// What tells a stick from another with the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The kernel's number of this disk: another one, or the same one plugged in anew, has another.
    pub disk_sequence: u64,
    /// Its recorded identity, `None` where it says no serial.
    pub identity: Option<String>,
}

/// Why raz writes to no stick.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Started from no medium, as by the network.
    #[error("raz was not started from a stick")]
    NotNamed,
    /// Started from an image file on some drive, or from a disc that is gone.
    #[error("raz was started from an image file, and not from a stick of its own")]
    Image,
    /// No drive carries the medium: a stick that was pulled.
    #[error("the medium that raz was started from is on no drive")]
    Absent,
    /// Several drives carry it.
    #[error("several drives look like raz's stick")]
    Several,
    /// It is on a drive that is no stick.
    #[error("what looks like raz's stick is not on USB")]
    NotUsb,
    /// It is another one than the first that was seen in this boot.
    #[error("another stick than the one that raz was started from")]
    Another,
    /// Write-protected.
    #[error("the stick is write-protected")]
    ReadOnly,
    /// Somebody uses it.
    #[error("the stick is in use by another program")]
    Busy,
    /// The kernel opens it not, or says nothing of it.
    #[error("the stick cannot be opened: {0}")]
    Kernel(String),
}

impl Mark {
    /// Whether this is what was seen `before` in the same boot.
    #[must_use]
    pub fn is(&self, before: &Self) -> bool {
        self.disk_sequence == before.disk_sequence
            || (self.identity.is_some() && self.identity == before.identity)
    }
}

impl OwnStick {
    /// The stick among `drives`, if exactly one of them is raz's medium and it hangs on USB.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(medium: &BootMedium, drives: &[DriveFacts]) -> Result<Self, Unfit> {
        let path = match medium {
            BootMedium::Network | BootMedium::NotNamed | BootMedium::Disc { .. } => {
                return Err(Unfit::NotNamed);
            }
            BootMedium::Image { .. } => return Err(Unfit::Image),
            BootMedium::Absent { .. } => return Err(Unfit::Absent),
            BootMedium::Several { .. } => return Err(Unfit::Several),
            BootMedium::One { path, .. } => path,
        };
        let drive = drives.iter().find(|drive| drive.path == *path);
        let drive = drive.ok_or(Unfit::Absent)?;
        if drive.transport != Transport::Usb {
            return Err(Unfit::NotUsb);
        }
        if drive.read_only {
            return Err(Unfit::ReadOnly);
        }
        let unnumbered = || Unfit::Kernel("this kernel numbers no disks".into());
        Ok(Self {
            name: drive.name.clone(),
            path: drive.path.clone(),
            mark: Mark {
                disk_sequence: drive.disk_sequence.ok_or_else(unnumbered)?,
                identity: (!drive.identity.is_path_only()).then(|| drive.identity.recorded()),
            },
        })
    }

    /// Opens it for reading and writing, and keeps mounts and other programs out while the file is open.
    /// May block as long as the kernel's error handling takes.
    ///
    /// # Errors
    /// What has changed since it was found, or what the kernel says.
    pub fn open(&self, roots: &Roots) -> Result<File, Unfit> {
        let kernel = |error: io::Error| match error.raw_os_error() {
            Some(libc::EBUSY) => Unfit::Busy,
            Some(libc::EROFS | libc::EACCES) => Unfit::ReadOnly,
            Some(libc::ENOENT | libc::ENXIO | libc::ENODEV | libc::ENOMEDIUM) => Unfit::Absent,
            _ => Unfit::Kernel(error.to_string()),
        };
        let fd = sys::block::open_exclusive_buffered(&self.path).map_err(kernel)?;
        let number = number_of(&fd).map_err(kernel)?;
        let sequence = sys::block::disk_sequence(fd.as_fd()).map_err(kernel)?;
        same_device(roots, &self.name, number, Some(sequence)).map_err(Unfit::Kernel)?;
        if sequence != self.mark.disk_sequence {
            return Err(Unfit::Absent);
        }
        match sys::block::is_read_only(fd.as_fd()).map_err(kernel)? {
            true => Err(Unfit::ReadOnly),
            false => Ok(File::from(fd)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, OwnStick, Unfit};
    use crate::facts::{DriveFacts, Transport};
    use crate::identity::Identity;
    use crate::medium::BootMedium;

    fn drive(name: &str, transport: Transport, serial: Option<&str>) -> DriveFacts {
        DriveFacts {
            disk_sequence: Some(7),
            identity: Identity {
                serial: serial.map(Into::into),
                ..Identity::default()
            },
            ..DriveFacts::unasked(name, transport)
        }
    }

    fn one(drive: &DriveFacts) -> BootMedium {
        BootMedium::One {
            named: "2026-01-01-00-00-00-00".into(),
            path: drive.path.clone(),
        }
    }

    #[test]
    fn stick_is_the_one_drive_that_carries_the_medium_on_usb() {
        let usb = drive("sdb", Transport::Usb, Some("S"));
        let found = OwnStick::find(&one(&usb), std::slice::from_ref(&usb)).unwrap();
        assert_eq!(found.name, "sdb");
        assert_eq!(found.mark.disk_sequence, 7);
        for transport in [
            Transport::Ata,
            Transport::Nvme,
            Transport::Mmc,
            Transport::Virtio,
        ] {
            let other = drive("sda", transport, Some("S"));
            assert_eq!(
                OwnStick::find(&one(&other), std::slice::from_ref(&other)),
                Err(Unfit::NotUsb)
            );
        }
    }

    #[test]
    fn no_stick_where_the_medium_is_several_none_or_not_named() {
        let usb = drive("sdb", Transport::Usb, Some("S"));
        let named = || "2026-01-01-00-00-00-00".to_owned();
        let several = BootMedium::Several {
            named: named(),
            paths: vec![usb.path.clone(), "/dev/sda".into()],
        };
        let absent = BootMedium::Absent {
            named: named(),
            unread: Vec::new(),
        };
        let image = BootMedium::Image {
            named: named(),
            alike: vec![usb.path.clone()],
        };
        for (medium, why) in [
            (several, Unfit::Several),
            (absent, Unfit::Absent),
            (BootMedium::NotNamed, Unfit::NotNamed),
            // Whatever looks like it is another stick.
            (image, Unfit::Image),
        ] {
            assert_eq!(
                OwnStick::find(&medium, std::slice::from_ref(&usb)),
                Err(why)
            );
        }
        let protected = DriveFacts {
            read_only: true,
            ..usb.clone()
        };
        assert_eq!(
            OwnStick::find(&one(&usb), &[protected]),
            Err(Unfit::ReadOnly)
        );
    }

    #[test]
    fn a_copy_with_another_serial_or_none_is_another_stick() {
        let mark = |disk_sequence, identity: Option<&str>| Mark {
            disk_sequence,
            identity: identity.map(Into::into),
        };
        let seen = mark(7, Some("serial=S"));
        assert!(mark(7, Some("serial=S")).is(&seen));
        assert!(mark(9, Some("serial=S")).is(&seen), "plugged in anew");
        assert!(!mark(9, Some("serial=T")).is(&seen));
        assert!(!mark(9, None).is(&seen));
        assert!(!mark(9, None).is(&mark(7, None)));
    }

    /// A file is no block device: what is not the listed disk is not opened as the stick.
    #[test]
    fn file_in_the_sticks_place_is_not_opened() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stick = OwnStick {
            name: "sdb".into(),
            path: file.path().into(),
            mark: Mark {
                disk_sequence: 7,
                identity: None,
            },
        };
        let opened = stick.open(&crate::discover::Roots::default());
        assert!(matches!(opened, Err(Unfit::Kernel(_))), "{opened:?}");
    }
}
