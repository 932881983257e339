//! Which stick was seen first in this boot, kept for the sessions that init starts one after the other: when
//! the stick was pulled, its copy on a donor's disk must not pass for it.

use drive::discover::Roots;
use drive::facts::DriveFacts;
use drive::medium::BootMedium;
use drive::own_stick::{Mark, OwnStick, Unfit};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The mark of one boot.
#[derive(Clone, Debug)]
pub struct Seen {
    file: PathBuf,
    boot_id: String,
}

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
enum First {
    /// No drive carried raz's medium yet.
    Nothing,
    /// This stick, and no other drive.
    Stick(Mark),
    /// Several at once, or it cannot be read: none is written to in this boot.
    Doubt,
}

impl Seen {
    /// The mark in the spool's folder, for the boot that `roots` show.
    #[must_use]
    pub fn of(spool: &Path, roots: &Roots) -> Self {
        let boot_id = fs::read_to_string(roots.proc.join("sys/kernel/random/boot_id"));
        Self {
            file: spool.join(".stick"),
            boot_id: boot_id.unwrap_or_default().trim().to_owned(),
        }
    }

    /// The stick among `drives`, if it is the one that was seen first in this boot; the first one is noted.
    ///
    /// # Errors
    /// Why there is none.
    pub fn stick(&self, medium: &BootMedium, drives: &[DriveFacts]) -> Result<OwnStick, Unfit> {
        let found = OwnStick::find(medium, drives);
        match (self.first(), found) {
            (First::Doubt, Ok(_)) => Err(Unfit::Several),
            (First::Nothing, Err(Unfit::Several)) => {
                let _ = self.note("several");
                Err(Unfit::Several)
            }
            (First::Nothing, Ok(stick)) => {
                let identity = stick.mark.identity.as_deref().unwrap_or("-");
                self.note(&format!("{} {identity}", stick.mark.disk_sequence))
                    .map_err(|error| Unfit::Kernel(error.to_string()))?;
                Ok(stick)
            }
            (First::Stick(first), Ok(stick)) if stick.mark.is(&first) => Ok(stick),
            (First::Stick(_), Ok(_)) => Err(Unfit::Another),
            (_, Err(error)) => Err(error),
        }
    }

    fn first(&self) -> First {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return First::Nothing,
            Err(_) => return First::Doubt,
        };
        let Some(rest) = text.strip_prefix(&format!("{}\n", self.boot_id)) else {
            return First::Nothing;
        };
        let Some((number, identity)) = rest.split_once(' ') else {
            return First::Doubt;
        };
        match number.parse() {
            Ok(disk_sequence) => First::Stick(Mark {
                disk_sequence,
                identity: (identity != "-").then(|| identity.to_owned()),
            }),
            Err(_) => First::Doubt,
        }
    }

    /// Whole or not at all.
    fn note(&self, what: &str) -> io::Result<()> {
        let partial = self.file.with_extension("partial");
        fs::write(&partial, format!("{}\n{what}", self.boot_id))?;
        fs::rename(&partial, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use drive::discover::Roots;
    use drive::facts::{DriveFacts, Transport};
    use drive::identity::Identity;
    use drive::medium::BootMedium;
    use drive::own_stick::Unfit;
    use std::fs;

    fn usb(name: &str, sequence: u64, serial: &str) -> DriveFacts {
        DriveFacts {
            disk_sequence: Some(sequence),
            identity: Identity {
                serial: (!serial.is_empty()).then(|| serial.into()),
                ..Identity::default()
            },
            ..DriveFacts::unasked(name, Transport::Usb)
        }
    }

    fn medium(drives: &[DriveFacts]) -> BootMedium {
        let named = "2026-01-01-00-00-00-00".to_owned();
        let paths: Vec<_> = drives.iter().map(|drive| drive.path.clone()).collect();
        match &paths[..] {
            [] => BootMedium::Absent {
                named,
                unread: Vec::new(),
            },
            [path] => BootMedium::One {
                named,
                path: path.clone(),
            },
            _ => BootMedium::Several { named, paths },
        }
    }

    struct Boot {
        folder: tempfile::TempDir,
    }

    impl Boot {
        fn new() -> Self {
            let boot = Self {
                folder: tempfile::tempdir().unwrap(),
            };
            boot.starts("one");
            boot
        }

        fn starts(&self, id: &str) {
            let path = self.folder.path().join("proc/sys/kernel/random");
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("boot_id"), format!("{id}\n")).unwrap();
        }

        /// What a session says that begins now, as init starts one after another fell.
        fn stick(&self, drives: &[DriveFacts]) -> Result<String, Unfit> {
            let roots = Roots {
                proc: self.folder.path().join("proc"),
                ..Roots::default()
            };
            let seen = Seen::of(self.folder.path(), &roots);
            seen.stick(&medium(drives), drives).map(|stick| stick.name)
        }
    }

    #[test]
    fn copy_that_is_left_when_the_stick_was_pulled_is_not_the_stick() {
        let boot = Boot::new();
        assert_eq!(boot.stick(&[usb("sdb", 7, "S")]), Ok("sdb".into()));
        assert_eq!(boot.stick(&[usb("sdc", 8, "T")]), Err(Unfit::Another));
        assert_eq!(boot.stick(&[usb("sdc", 8, "")]), Err(Unfit::Another));
        assert_eq!(boot.stick(&[]), Err(Unfit::Absent));
        assert_eq!(boot.stick(&[usb("sdd", 9, "S")]), Ok("sdd".into()));
        boot.starts("two");
        assert_eq!(boot.stick(&[usb("sdc", 8, "T")]), Ok("sdc".into()));
    }

    #[test]
    fn where_several_were_seen_first_none_is_the_stick_in_this_boot() {
        let boot = Boot::new();
        let (one, two) = (usb("sdb", 7, "S"), usb("sdc", 8, "T"));
        assert_eq!(boot.stick(&[one.clone(), two.clone()]), Err(Unfit::Several));
        assert_eq!(boot.stick(&[one]), Err(Unfit::Several));
        assert_eq!(boot.stick(&[two]), Err(Unfit::Several));
    }

    #[test]
    fn copy_that_comes_later_stops_the_writing_while_it_is_there() {
        let boot = Boot::new();
        let (stick, copy) = (usb("sdb", 7, "S"), usb("sdc", 8, "T"));
        assert_eq!(boot.stick(std::slice::from_ref(&stick)), Ok("sdb".into()));
        assert_eq!(boot.stick(&[stick.clone(), copy]), Err(Unfit::Several));
        assert_eq!(boot.stick(&[stick]), Ok("sdb".into()));
    }

    #[test]
    fn mark_that_cannot_be_read_makes_no_stick_known() {
        let boot = Boot::new();
        fs::create_dir(boot.folder.path().join(".stick")).unwrap();
        assert_eq!(boot.stick(&[usb("sdb", 7, "S")]), Err(Unfit::Several));
    }
}
