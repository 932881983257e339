//! `raz stick` on a stick: what it takes, and that what it made starts a PC, which keeps its reports there.

use anyhow::{Context, ensure};
use lab::bench::scenario;
use lab::by_hand::{bay, confirms, kept, machine, report_on_stick, sees, stick};
use lab::disk::{Disk, FileSystem};
use lab::drive::{Bus, Drive};
use lab::firmware::{self, Firmware, Medium, STICK};
use lab::image::Image;
use lab::machine::Machine;
use lab::shell::Shell;

const STICK_BYTES: u64 = 256 << 20;
const REFUSED: u8 = 3;

/// Made in one machine, from the rescue shell; a second one is started from it.
fn made_stick_starts_a_pc(firmware: Firmware) {
    let name = format!("made-stick-{firmware:?}").to_lowercase();
    scenario(&name, |bench| {
        let mut image = Image::built()?;
        let made = Disk::formatted(bench.path(), "NEW-STICK", STICK_BYTES, FileSystem::Fat32)?;
        let backup = Disk::formatted(bench.path(), "BACKUP", STICK_BYTES, FileSystem::Fat32)?;
        let before = [made.sha256()?, backup.sha256()?];
        let maker = Machine::new("maker")
            .drive(Drive::new("ISO", Bus::VirtioBlk, &image.iso).read_only())
            .drive(Drive::new("NEW-STICK", Bus::Usb, made.path()).removable())
            // A disk on USB, as backups are on.
            .drive(Drive::new("BACKUP", Bus::Usb, backup.path()));
        let shell = Shell::boot(bench, maker)?;
        let (id, other) = (shell.id("NEW-STICK")?, shell.id("BACKUP")?);
        let make = |drive: &str, confirmed: &str| {
            shell.run(&format!("raz stick /dev/vda {drive} --confirm {confirmed}"))
        };
        let said = make(&other, &other)?;
        ensure!(said.status == REFUSED, "{said:?}");
        ensure!(said.text.contains("no removable medium"), "{said:?}");
        let said = make(&id, &other)?;
        ensure!(said.status == REFUSED, "{said:?}");
        ensure!(said.text.contains("id was not confirmed"), "{said:?}");
        let now = [made.sha256()?, backup.sha256()?];
        ensure!(now == before, "a refused drive was written to");

        let said = make(&id, &id)?;
        ensure!(said.status == 0, "{said:?}");
        ensure!(said.text.contains("a stick of raz, read back"), "{said:?}");
        shell.running.pull_the_plug()?;
        ensure!(
            backup.sha256()? == before[1],
            "another drive was written to"
        );

        image.iso = made.path().to_owned();
        let volume = firmware::volume(&image.iso)?;
        let size = volume.end - volume.start;
        ensure!(size > STICK_BYTES / 2, "a volume of {size} bytes");
        let bay = bay(bench)?;
        let running = machine(&bay, firmware, Medium::Stick).boot(bench, &image)?;
        running.wait_until_ready()?;
        let before = firmware::sha256_outside(&stick(bench))?;
        confirms(&running)?;
        let (place, detail) = kept(&running, 0)?;
        ensure!(place == "stick", "{place}: {detail}");
        sees(&running, &["The report is on raz's stick, too"])?;
        running.pull_the_plug()?;
        let audit = report_on_stick(bench)?;
        bay.is_proven(&audit)?;
        let medium = audit
            .drive(STICK)
            .context("the stick it was started from")?;
        ensure!(medium.erasure.is_none(), "{medium:?}");
        let after = firmware::sha256_outside(&stick(bench))?;
        ensure!(after == before, "written outside of the volume");
        Ok(())
    });
}

/// By the firmware that reads the new volume itself.
#[test]
fn stick_that_raz_made_starts_a_pc_by_secure_boot_and_keeps_its_reports() {
    made_stick_starts_a_pc(Firmware::SecureBoot);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn stick_that_raz_made_starts_a_pc_by_bios_and_keeps_its_reports() {
    made_stick_starts_a_pc(Firmware::Bios);
}
