//! The main job, for a person to watch: a virtual PC boots raz, every drive is erased and proven,
//! the signed report arrives, an auditor checks it. `cargo xtask demo` builds what it needs first.

use anyhow::{Context, ensure};
use lab::bench::Bench;
use lab::derive::check_medium;
use lab::disk::{CANARY, Disk, FileSystem};
use lab::drive::{Bus, Drive};
use lab::machine::Machine;
use lab::scenario::{PATIENCE, Workshop};
use report::event::Event;
use report::schema::OutcomeWord;
use std::collections::BTreeSet;
use std::time::Instant;

const SIZE_BYTES: u64 = 64 << 20;

fn main() -> anyhow::Result<()> {
    let keep = std::env::args().any(|argument| argument == "--keep");
    let began = Instant::now();
    let bench = Bench::new("demo")?;

    say("A donated PC with four drives to erase and one to keep:");
    let disk = |name, system| Disk::formatted(bench.path(), name, SIZE_BYTES, system);
    let nvme = disk("NVME-SSD", FileSystem::Ext4)?;
    let sata = disk("SATA-HDD", FileSystem::Ntfs)?;
    let scsi = disk("SAS-HDD", FileSystem::Ext4)?;
    let usb = disk("USB-STICK", FileSystem::Fat32)?;
    let kept = disk("KEEP-ME", FileSystem::Ext4)?;
    let kept_before = kept.sha256()?;
    let erased = [
        (
            &nvme,
            Drive::new("NVME-SSD", Bus::Nvme, nvme.path()).wwn(0x0025_3852_0000_0001),
        ),
        (
            &sata,
            Drive::new("SATA-HDD", Bus::Ahci, sata.path())
                .wwn(0x5000_c500_0000_0001)
                .rotation(7200),
        ),
        (
            &scsi,
            Drive::new("SAS-HDD", Bus::VirtioScsi, scsi.path())
                .wwn(0x5000_c500_0000_0002)
                .rotation(10000),
        ),
        (
            &usb,
            Drive::new("USB-STICK", Bus::Usb, usb.path()).removable(),
        ),
    ];
    let mut machine = Machine::new("pc")
        .qemu(&["-smbios", "type=1,manufacturer=raz,product=Demo PC,serial=DEMO0001,uuid=5b1f3a5e-7a42-4f0e-9c36-0d1a54a6a001"])
        .drive(Drive::new("KEEP-ME", Bus::VirtioScsi, kept.path()).wwn(0x5000_c500_0000_0003));
    for (disk, drive) in &erased {
        let files = disk.find(CANARY)?.len();
        say(&format!(
            "  {} with a file system and {files} recognisable pieces of files",
            drive.name()
        ));
        machine = machine.drive(drive.clone());
    }
    say("  KEEP-ME, an ordinary writable drive, kept by raz.keep=KEEP-ME");

    let workshop = Workshop::open(&bench)?;
    let service = &workshop.service;
    say(&format!(
        "The workshop's inventory service: {}  pin {}",
        service.url(),
        service.pin()
    ));
    machine = workshop.unattended(machine)?;
    for argument in [
        "raz.removable=erase",
        "raz.keep=KEEP-ME",
        "raz.poweroff",
        "raz.operator=demo",
        "raz.lot=LOT-2026-11",
    ] {
        machine = machine.argument(argument);
    }
    say("The PC boots ...");
    let running = workshop.boot(&machine)?;
    let fingerprint = service.accept(&running.events)?;
    say(&format!(
        "A person compared the fingerprint on both screens and accepted the station: {fingerprint}"
    ));
    running.events.wait_for(
        "the unattended plan to wait",
        PATIENCE,
        |event| match event {
            Event::Plan {
                ids,
                unattended: true,
            } => (ids.len() == erased.len()).then_some(()),
            _ => None,
        },
    )?;
    for (disk, _) in &erased {
        ensure!(
            !disk.find(CANARY)?.is_empty(),
            "written to before it was armed"
        );
    }
    say(&format!(
        "The plan waits; a person arms it: {}",
        workshop.arm(1)?
    ));

    let status = workshop.finished(&running)?;
    let mut report_id = None;
    for line in running.events.so_far()? {
        match line.event {
            Event::Outcome { id, text, .. } => say(&format!("  {id}: {text}")),
            Event::Reported { report_id: id, .. } => report_id = Some(id),
            Event::Upload { state, detail, .. } => say(&format!("Upload: {state}: {detail}")),
            _ => {}
        }
    }
    running.wait_until_off(PATIENCE)?;
    say("The PC has switched itself off.");

    let audit = workshop.audit_of(report_id.context("no report was made")?)?;
    let report = &audit.report;

    say("From outside, without raz, by the report alone:");
    let serials: BTreeSet<&str> = erased.iter().map(|(_, drive)| drive.name()).collect();
    for (disk, drive) in &erased {
        let entry = audit.drive(drive.name())?;
        let erasure = entry
            .erasure
            .as_ref()
            .with_context(|| format!("{}: not erased", drive.name()))?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified,
            "{}: {}",
            drive.name(),
            erasure.outcome_text
        );
        let pieces = disk.find(CANARY)?.len();
        let check = check_medium(disk.path(), entry)?;
        ensure!(
            pieces == 0 && check.is_as_reported(),
            "{}: the medium is not as reported: {check:?}",
            drive.name()
        );
        say(&format!(
            "  {}: {pieces} pieces of files left; all {} bytes are as derived from the report ({:?})",
            drive.name(),
            check.bytes,
            check.kind
        ));
    }
    ensure!(kept.sha256()? == kept_before, "KEEP-ME was changed");
    let untouched = report
        .drives
        .iter()
        .filter(|entry| !serials.contains(entry.serial.as_deref().unwrap_or("")))
        .all(|entry| entry.erasure.is_none());
    ensure!(
        untouched,
        "a drive outside the plan has an erasure in the report"
    );
    say("  KEEP-ME: byte-identical to before");

    if let Some(verdict) = &report.verdict {
        say(&format!(
            "Grade: {} as it stands, {} once removed: {}",
            verdict.grade,
            verdict.grade_once_removed,
            verdict.remove.join(", ")
        ));
    }
    say(&format!(
        "Page of the machine: {}/reports/{}",
        service.url(),
        report.report_id
    ));
    say(&format!("$ {}\n{}", audit.command, audit.said));
    say(&service.command(&["receipts", "verify"])?);
    ensure!(status == 0, "the session ended with status {status}");
    say(&format!("Done in {} s.", began.elapsed().as_secs()));
    if keep {
        say(&format!(
            "The service runs on at {}; Enter ends it. The report lies in {}",
            service.url(),
            audit.folder.display()
        ));
        std::io::stdin().read_line(&mut String::new())?;
    }
    Ok(())
}

fn say(line: &str) {
    println!("{line}");
}
