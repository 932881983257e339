//! A boot area of a claimed card: found by its place below the card's disk in sysfs and by the card's
//! CID, never by a name alone, and held exclusively beside the card.
//!
//! The kernel keeps it read-only (`force_ro`). That is lifted for this one area, and set again when it
//! is let go, however that comes about. Decides nothing and writes nothing by itself.

use super::{Claimed, number_of, open, words_of};
use crate::discover::{self, sysfs::Node};
use crate::facts::Transport;
use crate::identity::Identity;
use crate::refusal::is_kept;
use crate::trace::Trace;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A boot area, held exclusively. Let go, and protected as it was, when it is dropped.
#[derive(Debug)]
pub struct BootArea {
    name: String,
    fd: OwnedFd,
    bytes: u64,
    /// The kernel's switch.
    force_ro: PathBuf,
    /// This claim has lifted it.
    is_lifted: bool,
    trace: Trace,
}

impl Claimed {
    /// Holds the boot area that facts read through this claim name.
    ///
    /// # Errors
    /// In words, why there is none that is provably this card's and nobody's.
    pub fn boot_area(&self, number: u8) -> Result<BootArea, String> {
        let mut areas = self.facts.boot_areas.iter();
        let facts = areas.find(|area| area.number == number);
        let name = facts.and_then(|area| area.name.as_deref());
        let name = name.ok_or("the kernel shows no such area")?;
        self.check_present()?;
        let sys = &self.roots.sys;
        let card = Node::whole(sys, &self.facts.name).ok_or("the card has left")?;
        let node = Node::whole(sys, name).ok_or("the kernel shows no such area")?;
        if self.facts.transport != Transport::Mmc || node.dir.parent() != Some(&*card.dir) {
            return Err(format!("{name} is no area of the claimed card"));
        }
        let shown =
            discover::identity_shown(&self.roots, name).ok_or("it does not show whose it is")?;
        self.same_card(&shown)?;
        if is_kept(&shown, &self.kept) {
            return Err("it is to be kept".into());
        }
        let path = self.roots.dev.join(name);
        let fd = open(&path).map_err(|error| format!("it cannot be held: {error}"))?;
        let number = number_of(&fd).map_err(|error| error.to_string())?;
        if node.device_number() != Some(number) {
            return Err(format!("the open node is not {name}"));
        }
        let bytes = sys::block::size_bytes(fd.as_fd()).map_err(|error| error.to_string())?;
        if bytes != node.capacity_bytes() {
            return Err(format!("has {bytes} bytes, which the kernel does not show"));
        }
        Ok(BootArea {
            name: name.to_owned(),
            fd,
            bytes,
            force_ro: node.dir.join("force_ro"),
            is_lifted: false,
            trace: self.trace.clone(),
        })
    }

    /// An area of this card, by what is on it and nothing that the kernel hands out.
    fn same_card(&self, shown: &Identity) -> Result<(), String> {
        let own = &self.facts.identity;
        match own.world_wide.is_some()
            && shown.world_wide == own.world_wide
            && shown.serial == own.serial
        {
            true => Ok(()),
            false => Err(format!(
                "it shows another card than the claimed one, or no CID: {}",
                shown.recorded()
            )),
        }
    }
}

impl BootArea {
    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads what is on the medium; offset, length and buffer are of whole sectors.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        sys::block::read_at(self.fd.as_fd(), buffer, offset_bytes)
    }

    /// Lifts the kernel's write protection of this area.
    ///
    /// # Errors
    /// In words, when it stays. It is then set again.
    pub fn lift(&mut self) -> Result<(), String> {
        let text = std::fs::read_to_string(&self.force_ro);
        let text = text.map_err(|error| format!("force_ro cannot be read: {error}"))?;
        if text.trim() != "0" {
            self.is_lifted = true;
            self.set("0")
                .map_err(|error| format!("force_ro was not lifted: {error}"))?;
        }
        match sys::block::is_read_only(self.fd.as_fd()) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.protect()?;
                Err("the kernel keeps it read-only all the same".into())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Writes, as [`BootArea::read_at`] reads. Not on the medium before [`BootArea::flush`].
    ///
    /// # Errors
    /// What the kernel says; `EPERM` while the area is protected.
    pub fn write_at(&self, bytes: &[u8], offset_bytes: u64) -> io::Result<()> {
        sys::block::write_at(self.fd.as_fd(), bytes, offset_bytes)
    }

    /// Waits until everything written is on the medium, as far as the card tells.
    ///
    /// # Errors
    /// When the kernel or the card reports a failure.
    pub fn flush(&self) -> io::Result<()> {
        sys::block::sync(self.fd.as_fd())
    }

    /// Sets the kernel's write protection again where [`BootArea::lift`] took it away.
    ///
    /// # Errors
    /// In words, when it was not set.
    pub fn protect(&mut self) -> Result<(), String> {
        if !self.is_lifted {
            return Ok(());
        }
        self.set("1")
            .map_err(|error| format!("force_ro was not set again: {error}"))?;
        self.is_lifted = false;
        Ok(())
    }

    fn set(&self, value: &str) -> io::Result<()> {
        let done = set(&self.force_ro, value);
        let note = format!("sysfs {}/force_ro {value}", self.name);
        self.trace.note(note, words_of(&done));
        done
    }
}

impl Drop for BootArea {
    fn drop(&mut self) {
        // Nobody is left to be told; the trace has it.
        let _ = self.protect();
    }
}

fn set(attribute: &Path, value: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // An attribute that is not there is not made.
    options.write(true).create(false);
    options.open(attribute)?.write_all(value.as_bytes())
}

#[cfg(test)]
mod tests;
