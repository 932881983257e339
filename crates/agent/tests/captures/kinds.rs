//! Drives of many kinds, made.
//!
//! To renew the documents after a change of the models or of what discovery asks:
//! `UPDATE_CAPTURES=1 cargo test -p agent --test captures`, then read the difference. Serial numbers
//! are made up; model names and word values are those of data sheets.

mod flash;
pub mod nvme;
pub mod sas;
pub mod sata;
mod usb;

use crate::documents;
use crate::support::folder::Folder;
use agent::capture::{Replayed, record};
use drive::discover::{Machine, Opener};
use drive::facts::DriveFacts;
use report::capture::Capture;
use std::sync::Arc;

/// A drive to be recorded.
pub struct Kind {
    pub name: &'static str,
    /// Kind and origin.
    pub what: &'static str,
    /// The machine around it.
    pub folder: Folder,
    /// Its kernel name.
    pub drive: &'static str,
    /// How a simulated drive is asked; a scripted one is in the folder.
    pub opener: Option<Opener>,
    /// What a model does not say, written into the document.
    pub by_hand: fn(&mut Capture),
}

impl Kind {
    /// Of a scripted drive.
    pub fn scripted(
        name: &'static str,
        what: &'static str,
        folder: Folder,
        drive: &'static str,
    ) -> Self {
        Self {
            name,
            what,
            folder,
            drive,
            opener: None,
            by_hand: |_| (),
        }
    }

    /// Of a simulated drive.
    pub fn simulated(self, opener: Opener) -> Self {
        Self {
            opener: Some(opener),
            ..self
        }
    }

    /// The document, and the facts that were found while it was recorded.
    fn made(&self) -> (Capture, DriveFacts) {
        record(&self.machine(), self.drive, self.what).unwrap()
    }

    /// The machine, whose drive is asked as it is to be.
    pub fn machine(&self) -> Machine {
        let machine = self.folder.machine();
        let opener = self.opener.as_ref().unwrap_or(&machine.opener);
        Machine {
            opener: Arc::clone(opener),
            ..machine
        }
    }
}

fn all() -> Vec<Kind> {
    let mut all = sata::kinds();
    all.extend(sas::kinds());
    all.extend(nvme::kinds());
    all.extend(flash::kinds());
    all.extend(usb::kinds());
    all
}

#[test]
fn documents_are_what_their_makers_answer() {
    let changed: Vec<String> = all()
        .iter()
        .filter_map(|kind| {
            let (mut capture, _) = kind.made();
            (kind.by_hand)(&mut capture);
            let file = format!("{}.json", kind.name);
            documents::is_as_kept(&file, &capture.to_json().unwrap(), "UPDATE_CAPTURES").err()
        })
        .collect();
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

#[test]
fn replayed_facts_are_those_of_the_drive_itself() {
    for kind in all() {
        let (capture, facts) = kind.made();
        let replayed = Replayed::new(&capture).unwrap();
        let again = replayed.facts().unwrap();
        assert_eq!(again.path.to_str().unwrap(), format!("/dev/{}", kind.drive));
        let path = facts.path.clone();
        assert_eq!(DriveFacts { path, ..again }, facts, "{}", kind.name);
    }
}
