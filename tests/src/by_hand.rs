//! The path of one machine that a person walks at the machine itself, without a service: choose, confirm,
//! read where the report is.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use report::event::Event;

use crate::bay::Bay;
use crate::bench::Bench;
use crate::disk::FileSystem;
use crate::drive::Bus;
use crate::events::PORT;
use crate::firmware::{self, Firmware, Medium, Start};
use crate::machine::{Machine, Running, Screen};
use crate::scenario::{Audit, PATIENCE};
use crate::terminal;

/// Serial number of the one drive that is to be erased.
pub const DISK: &str = "DISK-A1B2C3";

/// A machine without a service, to be started by its firmware, with one drive to be erased by hand. Its screen is
/// in English and on the serial line.
#[must_use]
pub fn machine(bay: &Bay, firmware: Firmware, medium: Medium) -> Machine {
    Machine::new("pc")
        .screen(Screen::Serial)
        .argument("raz.lang=en")
        .argument(&format!("raz.events={PORT}"))
        .drive(bay.drive.clone())
        .start(Start {
            firmware,
            medium,
            grub: String::new(),
        })
}

/// Its drive, with files on it.
///
/// # Errors
/// When it cannot be made.
pub fn bay(bench: &Bench) -> anyhow::Result<Bay> {
    Bay::new(bench, DISK, Bus::Ahci, 16, FileSystem::Ext4)
}

/// The bytes of the stick that it is started from.
#[must_use]
pub fn stick(bench: &Bench) -> PathBuf {
    bench.path().join("pc.iso")
}

/// Waits until all these words are on the screen; gives it back.
///
/// # Errors
/// When they are not in time; the message holds the screen.
pub fn sees(running: &Running, words: &[&str]) -> anyhow::Result<String> {
    terminal::wait_for_all(&running.serial, words, PATIENCE)
}

/// Chooses all drives that may be erased, which is one, confirms it and begins.
///
/// # Errors
/// When the screen does not follow, or more than one drive may be erased.
pub fn confirms(running: &Running) -> anyhow::Result<()> {
    let confirmed = "All chosen drives are confirmed";
    confirms_by(running, ["Space choose", "Confirmation 1 of 1", confirmed])
}

/// The same on a screen in French.
///
/// # Errors
/// As [`confirms`].
pub fn confirms_in_french(running: &Running) -> anyhow::Result<()> {
    let confirmed = "Tous les disques choisis sont confirmés";
    confirms_by(
        running,
        ["Espace choisir", "Confirmation 1 sur 1", confirmed],
    )
}

fn confirms_by(running: &Running, [list, asked, confirmed]: [&str; 3]) -> anyhow::Result<()> {
    let keys = |keys: &str| running.serial.send(keys.as_bytes());
    // A plan that would be unattended has them chosen, and the key would undo it.
    if !sees(running, &[DISK, list])?.contains("[x]") {
        keys("a")?;
    }
    sees(running, &["[x]"])?;
    keys("\r")?;
    sees(running, &[asked])?;
    keys("A1B2C3")?;
    sees(running, &["> A1B2C3_"])?;
    keys("\r")?;
    sees(running, &[confirmed])?;
    keys("e")
}

/// Waits until it writes.
///
/// # Errors
/// When it does not.
pub fn writes(running: &Running) -> anyhow::Result<()> {
    running
        .events
        .wait_for("the first write", PATIENCE, |event| match event {
            Event::Phase { phase, .. } if phase == "writing" => Some(()),
            _ => None,
        })
}

/// Where the report is, and why, by an event after the first `seen`.
///
/// # Errors
/// When there is none.
pub fn kept(running: &Running, seen: usize) -> anyhow::Result<(String, String)> {
    let what = "where the report is";
    let kept = |event: &Event| match event {
        Event::Kept { place, detail, .. } => Some((place.clone(), detail.clone())),
        _ => None,
    };
    running.events.wait_after(seen, what, PATIENCE, kept)
}

/// The report is in memory for this reason, which the screen says; gives the screen back.
///
/// # Errors
/// What is not so.
pub fn is_kept_in_memory(running: &Running, why: &str) -> anyhow::Result<String> {
    let (place, detail) = kept(running, 0)?;
    ensure!(
        place == "memory" && detail.contains(why),
        "{place}: {detail}"
    );
    // Down to the last line of the end.
    running.serial.send("\x1b[C".repeat(30).as_bytes())?;
    sees(running, &["in memory only, leave the PC on", "verified"])
}

/// The same of a machine without a service: that is its end, and the runs are proven.
///
/// # Errors
/// What is not so.
pub fn is_in_memory(running: &Running, why: &str) -> anyhow::Result<()> {
    is_kept_in_memory(running, why)?;
    let status = running
        .events
        .wait_for("the end", PATIENCE, |event| match event {
            Event::Finished { status, .. } => Some(*status),
            _ => None,
        })?;
    ensure!(status == 0, "status {status}");
    Ok(())
}

/// The only report on the stick, checked by `ssh-keygen`.
///
/// # Errors
/// When there is none or another one beside it, or it does not hold.
pub fn report_on_stick(bench: &Bench) -> anyhow::Result<Audit> {
    let folder = bench.path().join("found");
    fs::create_dir(&folder)?;
    firmware::copy_out(&stick(bench), "reports", &folder)?;
    let mut entries = fs::read_dir(folder.join("reports"))?;
    let entry = entries.next().context("no report")??;
    ensure!(entries.next().is_none(), "more than one report");
    Audit::of(entry.path(), Some("raz"))
}
