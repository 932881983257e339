//! Storage that is no drive of the list: what a person at the machine reads of it, and that nothing
//! passes for done while it is there. Machines with VMD or RST are folders in `drive`'s tests: QEMU
//! has neither.

use anyhow::ensure;
use lab::bay::Bay;
use lab::bench::scenario;
use lab::disk::{Disk, FileSystem};
use lab::drive::Bus;
use lab::image::Image;
use lab::machine::{Machine, Running, Screen};
use lab::scenario::{PATIENCE, Workshop};
use lab::terminal;
use std::fs;

const MIB: u64 = 16;

fn pc() -> Machine {
    Machine::new("pc")
        .screen(Screen::Serial)
        .argument("raz.lang=en")
}

/// The same screen in the other language, after its key; printed.
fn in_french(running: &Running, words: &[&str]) -> anyhow::Result<()> {
    running.serial.send(b"l")?;
    println!(
        "{}",
        terminal::wait_for_all(&running.serial, words, PATIENCE)?
    );
    Ok(())
}

#[test]
fn pc_without_any_disk_says_so() {
    scenario("no-disk", |bench| {
        let running = pc().boot(bench, &Image::built()?)?;
        terminal::wait_for_all(&running.serial, &["No drive found", "AHCI"], PATIENCE)?;
        in_french(&running, &["Aucun disque trouvé", "(AHCI)"])
    });
}

#[test]
fn pc_with_only_a_raid_volume_says_that_its_members_are_not_seen() {
    scenario("raid", |bench| {
        let disk = Disk::blank(bench.path(), "volume", MIB << 20)?;
        let volume = format!(
            "if=none,id=volume,format=raw,file={}",
            disk.path().display()
        );
        let running = pc()
            .qemu(&["-device", "megasas,id=raid", "-drive", &volume])
            .qemu(&["-device", "scsi-hd,bus=raid.0,drive=volume,serial=VOLUME"])
            .boot(bench, &Image::built()?)?;
        let listed = ["VOLUME", "NOT SEEN, see below", "RAID controller"];
        terminal::wait_for_all(&running.serial, &listed[..2], PATIENCE)?;
        // Down to the controller's line.
        running.serial.send(b"\x1b[B")?;
        let words = ["the RAID controller at", "count the drives in the machine"];
        terminal::wait_for_all(&running.serial, &words, PATIENCE)?;
        in_french(
            &running,
            &[
                "PAS VU, voir en bas",
                "contrôleur RAID",
                "compter les disques",
            ],
        )
    });
}

#[test]
fn forgotten_disc_is_on_the_report_and_keeps_the_machine_on() {
    scenario("disc", |bench| {
        let bay = Bay::new(bench, "DISK", Bus::Nvme, MIB, FileSystem::Ext4)?;
        let disc = bench.path().join("disc.iso");
        fs::write(&disc, vec![0x5A; 1 << 20])?;
        let media = format!(
            "if=none,id=disc,media=cdrom,readonly=on,format=raw,file={}",
            disc.display()
        );
        let workshop = Workshop::open(bench)?;
        let machine = pc()
            .drive(bay.drive.clone())
            .argument("raz.poweroff")
            .qemu(&["-drive", &media, "-device", "ide-cd,drive=disc"]);
        let played = workshop.play(&workshop.unattended(machine)?)?;
        ensure!(played.status == 1, "status {}", played.status);
        let report = &played.audit.report;
        let unseen = &report.unseen_storage;
        ensure!(
            matches!(&unseen[..], [one] if one.kind == "disc" && one.place == "sr0"),
            "{unseen:?}"
        );
        let verdict = report.verdict.as_ref().expect("a verdict");
        ensure!(
            verdict.grade == "parts" && verdict.remove == ["disc sr0"],
            "{verdict:?}"
        );
        ensure!(fs::read(&disc)? == vec![0x5A; 1 << 20]);
        // Down to the last line of the end.
        played.running.serial.send("\x1b[C".repeat(30).as_bytes())?;
        let words = ["The machine stays on: not everything is proven"];
        terminal::wait_for_all(&played.running.serial, &words, PATIENCE)?;
        Ok(())
    });
}
