//! Sticks that raz did not make: what is known of the medium then, that none is written to, and that a PC is
//! erased and proven all the same, by a person at the machine.

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::{Bench, scenario};
use lab::by_hand::{DISK, bay, confirms, is_kept_in_memory, sees, stick};
use lab::drive::{Bus, Drive};
use lab::firmware::{Firmware, Medium, STICK, Start};
use lab::image::Image;
use lab::machine::{Machine, Running, Screen};
use lab::scenario::{PATIENCE, Workshop};
use report::event::Event;
use std::fs;
use std::path::PathBuf;

/// A machine whose plan would be unattended, with one drive.
fn machine(workshop: &Workshop<'_>, bay: &Bay, start: Start) -> anyhow::Result<Machine> {
    let machine = Machine::new("pc")
        .screen(Screen::Serial)
        .argument("raz.lang=en")
        .drive(bay.drive.clone())
        .start(start);
    workshop.unattended(machine)
}

fn start(firmware: Firmware, medium: Medium) -> Start {
    Start {
        firmware,
        medium,
        grub: String::new(),
    }
}

/// The stick's bytes; its name is the machine's.
fn other_stick(bench: &Bench) -> PathBuf {
    bench.path().join("pc.stick")
}

/// What speaks against erasing the drive with this serial.
fn refusals(running: &Running, serial: &str) -> anyhow::Result<String> {
    let listed = |event: &Event| match event {
        Event::Drives { drives } => {
            let mut drives = drives.iter();
            let drive = drives.find(|drive| drive.serial.as_deref() == Some(serial))?;
            Some(drive.refusals.join("; "))
        }
        _ => None,
    };
    running.events.wait_for(serial, PATIENCE, listed)
}

/// Erased by hand; the report is in memory for this reason, which the screen says in these words, until the station
/// is accepted, and then proves it.
fn erases(
    workshop: &Workshop<'_>,
    running: &Running,
    bay: &Bay,
    why: &str,
    words: &str,
) -> anyhow::Result<()> {
    confirms(running)?;
    is_kept_in_memory(running, why)?;
    println!("{}", sees(running, &[words])?);
    workshop.service.accept(&running.events)?;
    workshop.finished(running)?;
    let audit = workshop.audit(running)?;
    bay.is_proven(&audit)?;
    ensure!(audit.drive(STICK)?.erasure.is_none());
    Ok(())
}

/// A stick with the ISO as a file, as Ventoy's GRUB2 mode starts it (see [`Medium::IsoFile`] for what a real
/// Ventoy does otherwise), beside a stick of raz's own with the same release and configuration. Which stick this
/// PC was started from cannot be known: none is erased, none is written to, nothing begins unattended.
fn iso_file_on_a_stick(firmware: Firmware) {
    let name = format!("iso-file-{firmware:?}").to_lowercase();
    scenario(&name, |bench| {
        let bay = bay(bench)?;
        let workshop = Workshop::open(bench)?;
        let image = Image::built()?;
        let second = bench.path().join("second");
        let size = usize::try_from(fs::metadata(&image.iso)?.len())?;
        fs::write(&second, vec![0; size])?;
        let machine = machine(&workshop, &bay, start(firmware, Medium::IsoFile))?
            .drive(Drive::new("STICK-2", Bus::Usb, &second))
            .argument("raz.removable=erase")
            .qemu(&["-S"]);
        let mut running = machine.boot(bench, &image)?;
        // The ISO as this machine's is configured.
        fs::copy(stick(bench), &second)?;
        let sticks = [other_stick(bench), second];
        let before = sticks.each_ref().map(fs::read);
        running.qmp.execute("cont", &serde_json::json!({}))?;
        running.wait_until_ready()?;

        let against = refusals(&running, STICK)?;
        ensure!(against.starts_with("may be the boot medium"), "{against}");
        // By a GRUB that can tell the ISO's identity, the one that carries it is the boot medium.
        let against = refusals(&running, "STICK-2")?;
        ensure!(against.contains("boot medium"), "{against}");
        ensure!(refusals(&running, DISK)?.is_empty());
        let piece = "started from an ISO file";
        running.events.wait_for_reason(0, piece, PATIENCE)?;

        let why = "started from an image file";
        erases(&workshop, &running, &bay, why, "ISO file (Ventoy)")?;
        running.pull_the_plug()?;
        for (path, before) in sticks.iter().zip(before) {
            let name = path.display();
            ensure!(fs::read(path)? == before?, "{name} was written to");
        }
        Ok(())
    });
}

#[test]
fn iso_file_on_a_stick_is_no_known_medium_and_no_stick_is_touched() {
    iso_file_on_a_stick(Firmware::Bios);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn iso_file_on_a_stick_by_secure_boot_is_no_known_medium_and_no_stick_is_touched() {
    iso_file_on_a_stick(Firmware::SecureBoot);
}

/// The stick is known and protected; its volume is not laid out as raz's, and nothing is written there.
fn copied_files(firmware: Firmware) {
    let name = format!("copied-files-{firmware:?}").to_lowercase();
    scenario(&name, |bench| {
        let bay = bay(bench)?;
        let workshop = Workshop::open(bench)?;
        let machine = machine(&workshop, &bay, start(firmware, Medium::Files))?;
        let running = workshop.boot(&machine)?;
        let before = fs::read(other_stick(bench)).context("the stick")?;
        let against = refusals(&running, STICK)?;
        ensure!(against.starts_with("boot medium"), "{against}");
        // Nothing but the station's acceptance and the arming is waited for.
        running.events.wait_for_reason(0, "accepted", PATIENCE)?;

        let why = "not a medium of raz";
        erases(&workshop, &running, &bay, why, "write it anew")?;
        running.pull_the_plug()?;
        let after = fs::read(other_stick(bench))?;
        ensure!(after == before, "the stick was written to");
        Ok(())
    });
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn stick_of_copied_files_is_known_and_keeps_no_report() {
    copied_files(Firmware::Uefi);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn stick_of_copied_files_by_secure_boot_is_known_and_keeps_no_report() {
    copied_files(Firmware::SecureBoot);
}
