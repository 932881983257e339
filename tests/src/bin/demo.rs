//! The main job, for a person to watch: a virtual PC boots raz, every drive is erased and proven,
//! the signed report arrives, an auditor checks it. `cargo xtask demo` builds what it needs first.

use anyhow::{Context, bail, ensure};
use lab::bench::Bench;
use lab::derive::check_medium;
use lab::disk::{CANARY, Disk, FileSystem};
use lab::drive::{Bus, Drive};
use lab::image::Image;
use lab::machine::{Machine, Network};
use lab::service::Service;
use report::event::Event;
use report::schema::{OutcomeWord, Report};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIZE_BYTES: u64 = 64 << 20;
/// Everything after boot; a quiet machine needs a tenth of it.
const PATIENCE: Duration = Duration::from_secs(900);

fn main() -> anyhow::Result<()> {
    let keep = std::env::args().any(|argument| argument == "--keep");
    let began = Instant::now();
    let bench = Bench::new("demo")?;
    let image = Image::built()?;

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
        .network(Network::Host)
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

    let service = Service::start(&bench)?;
    say(&format!(
        "The workshop's inventory service: {}  pin {}",
        service.url(),
        service.pin()
    ));
    for argument in service.arguments(&service.token()?) {
        machine = machine.argument(&argument);
    }
    for argument in [
        "raz.auto=erase",
        "raz.removable=erase",
        "raz.keep=KEEP-ME",
        "raz.events=raz.events",
        "raz.poweroff",
        "raz.operator=demo",
        "raz.lot=LOT-2026-11",
    ] {
        machine = machine.argument(argument);
    }
    let running = machine.boot(&bench, &image)?;
    say("The PC boots ...");
    running.wait_until_ready()?;
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
        service.command(&["arm", "--until", "+1h", "--max-machines", "1"])?
    ));

    let status =
        running
            .events
            .wait_for("the end of the session", PATIENCE, |event| match event {
                Event::Finished { status, .. } => Some(*status),
                _ => None,
            })?;
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

    let report_id = report_id.context("no report was made")?;
    let folder = bench.path().join("auditor");
    std::fs::create_dir(&folder)?;
    for file in ["report.json", "report.json.sig", "allowed_signers"] {
        std::fs::write(
            folder.join(file),
            service.get(&format!("/reports/{report_id}/{file}"))?,
        )?;
    }
    let report: Report = serde_json::from_slice(&std::fs::read(folder.join("report.json"))?)?;

    say("From outside, without raz, by the report alone:");
    let serials: BTreeSet<&str> = erased.iter().map(|(_, drive)| drive.name()).collect();
    for (disk, drive) in &erased {
        let entry = report
            .drives
            .iter()
            .find(|entry| entry.serial.as_deref() == Some(drive.name()))
            .with_context(|| format!("{}: not in the report", drive.name()))?;
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
        "Page of the machine: {}/reports/{report_id}",
        service.url()
    ));
    verify(&folder, &report.station.name)?;
    say(&service.command(&["receipts", "verify"])?);
    ensure!(status == 0, "the session ended with status {status}");
    say(&format!("Done in {} s.", began.elapsed().as_secs()));
    if keep {
        say(&format!(
            "The service runs on at {}; Enter ends it. The report lies in {}",
            service.url(),
            folder.display()
        ));
        std::io::stdin().read_line(&mut String::new())?;
    }
    Ok(())
}

fn say(line: &str) {
    println!("{line}");
}

/// What an auditor types.
fn verify(folder: &std::path::Path, station: &str) -> anyhow::Result<()> {
    let words = [
        "-Y",
        "verify",
        "-f",
        "allowed_signers",
        "-I",
        station,
        "-n",
        "raz-report@v1",
        "-s",
        "report.json.sig",
    ];
    say(&format!("$ ssh-keygen {} < report.json", words.join(" ")));
    let output = Command::new("ssh-keygen")
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::from(std::fs::File::open(
            folder.join("report.json"),
        )?))
        .output()
        .context("starting ssh-keygen")?;
    say(String::from_utf8_lossy(&output.stdout).trim());
    if !output.status.success() {
        bail!(
            "ssh-keygen refuses: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
