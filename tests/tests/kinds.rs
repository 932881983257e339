//! Every kind of drive that QEMU has, in one PC of 512 MiB: each one told apart, erased in full and
//! proven, and described in the report as it is.
//!
//! Drives with faults are in `faults`; ATA security, sanitize and hidden areas QEMU does not have.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use lab::bench::{Bench, scenario};
use lab::derive::check_medium;
use lab::disk::{CANARY, Disk};
use lab::drive::{Bus, Drive};
use lab::machine::Machine;
use lab::scenario::Workshop;
use report::schema::{self, HiddenState, Level, OutcomeWord, PassKind};

const MIB: u64 = 1 << 20;
const ONE_PASS: &[PassKind] = &[PassKind::Pattern];
/// Sticks and cards.
const TWO_PASSES: &[PassKind] = &[PassKind::Pattern, PassKind::Complement];

/// What the report must say of a drive.
#[derive(Clone, Copy)]
struct Facts {
    transport: &'static str,
    /// Serial, world-wide name and area together.
    identity: &'static str,
    /// Logical and physical, in bytes.
    sectors: (u32, u32),
    media_type: &'static str,
    rotation_rpm: Option<u16>,
    removable: bool,
    bridge: bool,
    hidden: HiddenState,
    /// A piece of the evidence for `hidden`.
    evidence: &'static str,
    passes: &'static [PassKind],
    /// A piece of one of the sentences on what is not reached.
    not_reached: Option<&'static str>,
}

/// A drive, the file behind it, what the report must say.
struct Bay {
    drive: Drive,
    disk: Disk,
    facts: Facts,
}

impl Bay {
    /// A disk of `size_bytes` that carries something in its first and last bytes.
    fn new(
        bench: &Bench,
        size_bytes: u64,
        name: &str,
        bus: Bus,
        more: impl FnOnce(Drive) -> Drive,
        facts: Facts,
    ) -> anyhow::Result<Self> {
        let disk = Disk::blank(bench.path(), name, size_bytes)?;
        let mark = format!("{CANARY}-{name}");
        disk.overwrite(0, mark.as_bytes())?;
        disk.overwrite(size_bytes - mark.len() as u64, mark.as_bytes())?;
        ensure!(disk.find(CANARY)?.len() == 2);
        let drive = more(Drive::new(name, bus, disk.path()));
        Ok(Self { drive, disk, facts })
    }

    fn is_as_expected(&self, report: &schema::Report) -> anyhow::Result<()> {
        let name = self.drive.name();
        let facts = &self.facts;
        let mut entries = report
            .drives
            .iter()
            .filter(|entry| entry.identity == facts.identity);
        let entry = entries
            .next()
            .with_context(|| format!("{name}: no {} in the report", facts.identity))?;
        ensure!(entries.next().is_none(), "{name}: twice in the report");

        let found = (
            entry.transport.as_str(),
            (entry.logical_sector_bytes, entry.physical_sector_bytes),
            entry.media_type.as_str(),
            entry.rotation_rpm,
            entry.removable,
            entry.bridge.is_some(),
            entry.hidden_capacity.state,
            entry.capacity_bytes,
        );
        let expected = (
            facts.transport,
            facts.sectors,
            facts.media_type,
            facts.rotation_rpm,
            facts.removable,
            facts.bridge,
            facts.hidden,
            self.disk.size_bytes(),
        );
        ensure!(found == expected, "{name}: {found:?}, not {expected:?}");
        ensure!(!entry.read_only && entry.zoned == "no" && entry.refusals.is_empty());
        // The identity's parts stand in fields of their own too.
        let area = entry.area.as_deref().unwrap_or_default();
        let world_wide = entry.world_wide.as_deref().unwrap_or_default();
        let serial = entry.serial.as_deref().unwrap_or_default();
        ensure!(
            entry.identity == format!("serial={serial};world_wide={world_wide};area={area}"),
            "{name}: {} is not {serial:?}, {world_wide:?}, {area:?}",
            entry.identity
        );
        let evidence = &entry.hidden_capacity.evidence;
        ensure!(evidence.contains(facts.evidence), "{name}: {evidence}");

        let erasure = entry
            .erasure
            .as_ref()
            .with_context(|| format!("{name}: not erased"))?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Clear
                && erasure.shortfalls.is_empty(),
            "{name}: {}",
            erasure.outcome_text
        );
        let kinds: Vec<PassKind> = erasure.passes.iter().map(|pass| pass.kind).collect();
        ensure!(kinds == facts.passes, "{name}: passes {kinds:?}");
        for pass in &erasure.passes {
            let verified = pass.verification.as_ref().is_some_and(|verification| {
                verification.complete
                    && verification.read_bytes == self.disk.size_bytes()
                    && verification.mismatches.count == 0
                    && verification.read_errors.count == 0
            });
            let written = pass.flushed
                && pass.write_errors.count == 0
                && pass.written_bytes == self.disk.size_bytes();
            ensure!(written && verified, "{name}: {pass:?}");
        }
        // Before, between and after: at the claim, and at the end of each write and each verify.
        ensure!(
            erasure.identity_checks.len() == 1 + 2 * facts.passes.len()
                && erasure
                    .identity_checks
                    .iter()
                    .all(|check| check.same && check.found == facts.identity),
            "{name}: {:?}",
            erasure.identity_checks
        );
        if let Some(piece) = facts.not_reached {
            let said = erasure.not_reached.iter().any(|text| text.contains(piece));
            ensure!(said, "{name}: {:?}", erasure.not_reached);
        }

        // The medium itself, from outside; first and last sector among all others.
        let check = check_medium(self.disk.path(), entry)?;
        ensure!(check.is_as_reported(), "{name}: {check:?}");
        ensure!(Some(&check.kind) == facts.passes.last());
        ensure!(self.disk.find(CANARY)?.is_empty(), "{name}: a mark is left");
        Ok(())
    }
}

#[test]
fn every_kind_of_drive_is_erased_proven_and_told_apart_in_512_mib() {
    scenario("kinds", |bench| {
        let bays = bays(bench)?;
        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .memory_mib(512)
            .argument("raz.removable=erase");
        let machine = bays
            .iter()
            .fold(workshop.unattended(machine)?, |machine, bay| {
                machine.drive(bay.drive.clone())
            });
        let played = workshop.play(&machine)?;
        let report = &played.audit.report;

        ensure!(played.status == 0, "status {}", played.status);
        for bay in &bays {
            bay.is_as_expected(report)?;
        }
        ensure!(report.drives.len() == bays.len(), "drives from nowhere");
        let ids: BTreeSet<&str> = report
            .drives
            .iter()
            .map(|drive| drive.id.as_str())
            .collect();
        ensure!(ids.len() == bays.len(), "an id names two drives: {ids:?}");

        // Two namespaces are one drive's, and no other's.
        let controllers = |serial: &str| -> Vec<&Option<String>> {
            let drives = report.drives.iter();
            drives
                .filter(|drive| drive.serial.as_deref() == Some(serial))
                .map(|drive| &drive.controller)
                .collect()
        };
        let (shared, alone) = (controllers("NVME-A"), controllers("NVME-4K"));
        ensure!(
            shared.len() == 2 && shared[0].is_some() && shared[0] == shared[1],
            "{shared:?}"
        );
        ensure!(alone.len() == 1 && alone[0] != shared[0], "{alone:?}");
        Ok(())
    });
}

fn bays(bench: &Bench) -> anyhow::Result<Vec<Bay>> {
    let nvme = Facts {
        transport: "nvme",
        identity: "serial=NVME-A;world_wide=eui-0025385200000001;area=nsid-1",
        sectors: (512, 512),
        media_type: "flash",
        rotation_rpm: None,
        removable: false,
        bridge: false,
        hidden: HiddenState::None,
        evidence: "Identify Controller: UNVMCAP 0",
        passes: ONE_PASS,
        not_reached: Some("other namespace nsid-2 of the same drive"),
    };
    let first = Bay::new(
        bench,
        24 * MIB,
        "NVME-A",
        Bus::Nvme,
        |drive| drive.wwn(0x0025_3852_0000_0001),
        nvme,
    )?;
    let second = Bay::new(
        bench,
        16 * MIB,
        "NVME-A-2",
        Bus::Nvme,
        |drive| {
            drive
                .namespace_of(&first.drive, 2)
                .wwn(0x0025_3852_0000_0002)
        },
        Facts {
            identity: "serial=NVME-A;world_wide=eui-0025385200000002;area=nsid-2",
            not_reached: Some("other namespace nsid-1 of the same drive"),
            ..nvme
        },
    )?;
    let nvme_4kn = Bay::new(
        bench,
        16 * MIB + 3 * 4096,
        "NVME-4K",
        Bus::Nvme,
        |drive| drive.sectors(4096, 4096),
        Facts {
            identity: "serial=NVME-4K;world_wide=;area=nsid-1",
            sectors: (4096, 4096),
            not_reached: Some("flash keeps spare"),
            ..nvme
        },
    )?;
    let sata = Bay::new(
        bench,
        16 * MIB + 7 * 512,
        "SATA-512E",
        Bus::Ahci,
        |drive| {
            drive
                .sectors(512, 4096)
                .wwn(0x5000_c500_0000_0001)
                .rotation(5400)
        },
        Facts {
            transport: "ata",
            identity: "serial=SATA-512E;world_wide=wwn-5000c50000000001;area=",
            sectors: (512, 4096),
            media_type: "magnetic",
            rotation_rpm: Some(5400),
            evidence: "READ NATIVE MAX ADDRESS EXT 32775",
            not_reached: None,
            ..nvme
        },
    )?;
    let scsi_4kn = Bay::new(
        bench,
        16 * MIB + 7 * 4096,
        "SCSI-4KN",
        Bus::VirtioScsi,
        |drive| {
            drive
                .sectors(4096, 4096)
                .wwn(0x5000_c500_0000_0002)
                .rotation(7200)
        },
        Facts {
            transport: "scsi",
            identity: "serial=SCSI-4KN;world_wide=wwn-5000c50000000002;area=",
            sectors: (4096, 4096),
            media_type: "magnetic",
            rotation_rpm: Some(7200),
            evidence: "READ CAPACITY (16) 16805888 bytes",
            not_reached: Some("how many sectors the drive has replaced is unknown"),
            ..nvme
        },
    )?;
    let scsi = Bay::new(
        bench,
        16 * MIB + 7 * 512,
        "SCSI-ODD",
        Bus::VirtioScsi,
        |drive| drive,
        Facts {
            transport: "scsi",
            identity: "serial=SCSI-ODD;world_wide=;area=",
            media_type: "unknown",
            evidence: "READ CAPACITY (16) 16780800 bytes",
            not_reached: Some("if it is flash"),
            ..nvme
        },
    )?;
    let virtio = Bay::new(
        bench,
        16 * MIB + 512,
        "VIRTIO-BLK",
        Bus::VirtioBlk,
        |drive| drive,
        Facts {
            transport: "virtio",
            identity: "serial=VIRTIO-BLK;world_wide=;area=",
            media_type: "unknown",
            hidden: HiddenState::NotApplicable,
            evidence: "no HPA",
            not_reached: Some("a virtual drive"),
            ..nvme
        },
    )?;
    let usb_disk = Facts {
        transport: "usb",
        identity: "serial=USB-DISK;world_wide=;area=",
        media_type: "unknown",
        bridge: true,
        hidden: HiddenState::Unknown,
        evidence: "passes no IDENTIFY DEVICE through",
        not_reached: Some("unknown is not clean"),
        ..nvme
    };
    let stick = Bay::new(
        bench,
        16 * MIB + 512,
        "USB-STICK",
        Bus::Usb,
        Drive::removable,
        Facts {
            identity: "serial=USB-STICK;world_wide=;area=",
            removable: true,
            evidence: "a USB stick's controller does not tell",
            passes: TWO_PASSES,
            ..usb_disk
        },
    )?;
    let usb_disk = Bay::new(
        bench,
        16 * MIB,
        "USB-DISK",
        Bus::Usb,
        |drive| drive,
        usb_disk,
    )?;
    let card = Bay::new(
        bench,
        16 * MIB,
        "SD-CARD",
        Bus::SdCard,
        |drive| drive,
        Facts {
            transport: "sd",
            // QEMU's only card.
            identity: "serial=0xdeadbeef;world_wide=cid-aa585951454d552101deadbeef006200;area=",
            hidden: HiddenState::NotApplicable,
            evidence: "no HPA",
            passes: TWO_PASSES,
            not_reached: Some("flash keeps spare"),
            ..nvme
        },
    )?;
    Ok(vec![
        first, second, nvme_4kn, sata, scsi_4kn, scsi, virtio, stick, usb_disk, card,
    ])
}
