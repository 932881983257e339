//! Simulated drives before the unmodified image: what the guest's kernel and raz see is a real
//! drive's, and what it physically holds is looked at here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, ensure};
use lab::bench::scenario;
use lab::machine::Machine;
use lab::scenario::Workshop;
use lab::truth::{contents, is_as_reported};
use lab::wire::Unit;
use report::schema::{HiddenState, Level, OutcomeWord, SanitizeVerdict};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Kept, Options};
use sim::clock::Clock;
use sim::device::ScsiDevice;
use sim::scsi::{Lies, Sanitize, ScsiDisk, ScsiOptions};

const SECRET: &[u8] = b"OLD-BYTES";

/// A disk that has old bytes in each of its sectors, all of them different.
fn used(serial: &str, wwn: u64, sectors: u64) -> Arc<Mutex<ScsiDisk>> {
    used_by(ScsiOptions::disk(serial, wwn, sectors))
}

fn used_by(options: ScsiOptions) -> Arc<Mutex<ScsiDisk>> {
    let sectors = options.sectors;
    let mut disk = ScsiDisk::new(options);
    for address in 0..sectors {
        let mut sector = [SECRET, &address.to_be_bytes()].concat();
        sector.resize(512, 0x20);
        disk.cells_mut().write(address, &sector);
    }
    Arc::new(Mutex::new(disk))
}

#[test]
fn simulated_sas_disk_is_erased_and_verified_and_the_kept_one_is_byte_identical() {
    scenario("simulated", |bench| {
        let erased = used("SAS-ERASED", 0x5000_c500_0000_0011, (16 << 11) + 7);
        let kept = used("SAS-KEPT", 0x5000_c500_0000_0012, 8 << 11);
        // One of its sectors was replaced; what was in it is where no address points.
        erased.lock().unwrap().replace_sector(100);
        let before = contents(kept.lock().unwrap().cells());

        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .argument("raz.keep=SAS-KEPT")
            .simulated(Unit::new(erased.clone()))
            .simulated(Unit::new(kept.clone()));
        let machine = workshop.unattended(machine)?;
        let played = workshop.play(&machine)?;
        ensure!(played.status == 0, "status {}", played.status);
        let audit = &played.audit;
        ensure!(audit.report.drives.len() == 2, "drives from nowhere");

        let entry = audit.drive("SAS-ERASED")?;
        ensure!(
            entry.identity == "serial=SAS-ERASED;world_wide=wwn-5000c50000000011;area="
                && entry.transport == "scsi"
                && entry.media_type == "magnetic"
                && entry.rotation_rpm == Some(7200)
                && entry.capacity_bytes == (16 << 20) + 7 * 512,
            "{entry:?}"
        );
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified && erasure.achieved_level == Level::Clear,
            "{}",
            erasure.outcome_text
        );
        let other = audit.drive("SAS-KEPT")?;
        ensure!(other.erasure.is_none(), "{other:?}");

        // The media themselves, from outside.
        let disk = erased.lock().unwrap();
        is_as_reported(disk.cells(), entry)?;
        let left = disk.cells().find(SECRET);
        ensure!(
            left == [100] && !disk.cells().is_addressed(100),
            "old bytes at {left:?}"
        );
        let said = &erasure.not_reached;
        ensure!(
            said.iter()
                .any(|text| text.contains("1 replaced sectors keep their old data")),
            "{said:?}"
        );
        drop(disk);
        ensure!(
            contents(kept.lock().unwrap().cells()) == before,
            "the kept drive was changed"
        );

        // The wire lets go when the machine is gone.
        drop(played);
        drop(machine);
        ensure!(Arc::strong_count(&erased) == 1, "a thread holds the drive");
        Ok(())
    });
}

#[test]
fn capacity_that_drives_hide_is_restored_and_erased_with_the_rest() {
    const SECTORS: u64 = (16 << 11) + 9;
    scenario("hidden", |bench| {
        let short = used("SAS-SHORT", 0x5000_c500_0000_0013, SECTORS);
        // MODE SELECT (6): 32,768 blocks of 512 bytes.
        let list = [0, 0, 0, 8, 0, 0, 0x80, 0, 0, 0, 2, 0];
        let answer = short
            .lock()
            .unwrap()
            .command(&[0x15, 0x10, 0, 0, 12, 0], &list);
        ensure!(answer.is_some_and(|answer| answer.status == 0));
        let limited = |serial: &str, wwn: u64, hidden_frozen: bool| {
            let options = Options {
                serial: serial.into(),
                wwn,
                sectors: SECTORS,
                accessible: Some(SECTORS - 1),
                hidden_frozen,
                ..Options::magnetic()
            };
            let mut disk = AtaDisk::new(options, Clock::of_host());
            for address in 0..SECTORS {
                let mut sector = [SECRET, &address.to_be_bytes()].concat();
                sector.resize(512, 0x20);
                disk.cells_mut().write(address, &sector);
            }
            Arc::new(Mutex::new(disk))
        };
        let hpa = limited("ATA-HPA", 0x5000_c500_0000_0014, false);
        let frozen = limited("ATA-FROZEN", 0x5000_c500_0000_0015, true);

        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .simulated(Unit::new(short.clone()))
            .simulated(Unit::new(hpa.clone()))
            .simulated(Unit::new(frozen.clone()));
        let played = workshop.play(&workshop.unattended(machine)?)?;
        // One of them stays below what was asked for.
        ensure!(played.status == 1, "status {}", played.status);
        for (serial, sectors, state, level) in [
            ("SAS-SHORT", SECTORS, HiddenState::None, Level::Clear),
            ("ATA-HPA", SECTORS, HiddenState::None, Level::Clear),
            ("ATA-FROZEN", SECTORS - 1, HiddenState::Hidden, Level::None),
        ] {
            let entry = played.audit.drive(serial)?;
            let hidden = &entry.hidden_capacity;
            ensure!(
                hidden.state == state
                    && hidden.restored_for_good == (state == HiddenState::None)
                    && entry.capacity_bytes == sectors * 512,
                "{serial}: {} bytes, {hidden:?}",
                entry.capacity_bytes
            );
            let erasure = entry.erasure.as_ref().context("no erasure")?;
            ensure!(
                erasure.outcome == OutcomeWord::Verified && erasure.achieved_level == level,
                "{serial}: {:?}: {}",
                erasure.achieved_level,
                erasure.outcome_text
            );
        }

        // The media themselves, from outside.
        is_as_reported(
            short.lock().unwrap().cells(),
            played.audit.drive("SAS-SHORT")?,
        )?;
        is_as_reported(hpa.lock().unwrap().cells(), played.audit.drive("ATA-HPA")?)?;
        let left = [
            short.lock().unwrap().cells().find(SECRET),
            hpa.lock().unwrap().cells().find(SECRET),
        ];
        ensure!(left.iter().all(Vec::is_empty), "old bytes at {left:?}");
        let left = frozen.lock().unwrap().cells().find(SECRET);
        ensure!(left == [SECTORS - 1], "old bytes at {left:?}");
        Ok(())
    });
}

#[test]
fn disks_that_sanitize_or_failed_to_are_refused_and_the_one_beside_them_is_erased() {
    scenario("sanitizing", |bench| {
        let sanitizing = |serial: &str, wwn: u64, lies: Lies| {
            let disk = used_by(ScsiOptions {
                sanitize: Sanitize {
                    block_erase: Some(Duration::from_secs(1 << 20)),
                    ..Sanitize::NONE
                },
                lies,
                ..ScsiOptions::disk(serial, wwn, 8 << 11)
            });
            // The one that fails is asked without IMMED, and has failed.
            let immediate = if lies.fails { 0x00 } else { 0x80 };
            let cdb = [0x48, immediate | 0x02, 0, 0, 0, 0, 0, 0, 0, 0];
            let answer = disk.lock().unwrap().command(&cdb, &[]);
            let is_begun = answer.is_some_and(|answer| (answer.status == 0) != lies.fails);
            assert!(is_begun, "{serial}");
            disk
        };
        let fails = Lies {
            fails: true,
            ..Lies::default()
        };
        let disks = [
            sanitizing("SAS-BUSY", 0x5000_c500_0000_0016, Lies::default()),
            sanitizing("SAS-FAILED", 0x5000_c500_0000_0017, fails),
        ];
        let plain = used("SAS-PLAIN", 0x5000_c500_0000_0018, 8 << 11);
        let before = disks
            .each_ref()
            .map(|disk| contents(disk.lock().unwrap().cells()));

        let workshop = Workshop::open(bench)?;
        let machine = disks
            .iter()
            .chain([&plain])
            .fold(Machine::new("pc"), |machine, disk| {
                machine.simulated(Unit::new(disk.clone()))
            });
        let played = workshop.play(&workshop.unattended(machine)?)?;
        let log = played.running.serial.text();
        for words in ["sanitize in progress", "Sanitize command failed"] {
            ensure!(log.contains(words), "the kernel does not say {words:?}");
        }
        for serial in ["SAS-BUSY", "SAS-FAILED"] {
            let entry = played.audit.drive(serial)?;
            ensure!(
                !entry.refusals.is_empty() && entry.erasure.is_none(),
                "{entry:?}"
            );
        }
        let entry = played.audit.drive("SAS-PLAIN")?;
        is_as_reported(plain.lock().unwrap().cells(), entry)?;
        let after = disks
            .each_ref()
            .map(|disk| contents(disk.lock().unwrap().cells()));
        ensure!(after == before, "a refused drive was changed");
        Ok(())
    });
}

/// A solid-state drive whose every place holds old bytes, those that no address points to as well.
fn used_flash(serial: &str, wwn: u64, sanitize_keeps: Kept) -> Arc<Mutex<AtaDisk>> {
    let sectors = 16 << 11;
    let mut options = Options {
        serial: serial.into(),
        wwn,
        sectors,
        spares: 512,
        ..Options::default()
    };
    options.sanitize.block_time = Duration::from_secs(4);
    options.sanitize.done_before = true;
    options.lies.sanitize_keeps = sanitize_keeps;
    let mut disk = AtaDisk::new(options, Clock::of_host());
    for round in 0..2_u64 {
        for address in 0..sectors {
            let mut sector = [SECRET, &address.to_be_bytes(), &round.to_be_bytes()].concat();
            sector.resize(512, 0x20);
            disk.cells_mut().write(address, &sector);
        }
    }
    Arc::new(Mutex::new(disk))
}

/// A magnetic disk full of old bytes, one of them in a sector that was replaced.
fn used_disk_without_sanitize(serial: &str, wwn: u64) -> Arc<Mutex<AtaDisk>> {
    let sectors = 16 << 11;
    let mut options = Options {
        serial: serial.into(),
        wwn,
        sectors,
        ..Options::magnetic()
    };
    options.sanitize.supported = false;
    options.security.enhanced_time = Duration::from_secs(4);
    let mut disk = AtaDisk::new(options, Clock::of_host());
    for address in 0..sectors {
        let mut sector = [SECRET, &address.to_be_bytes()].concat();
        sector.resize(512, 0x20);
        disk.cells_mut().write(address, &sector);
    }
    disk.reallocate(100);
    Arc::new(Mutex::new(disk))
}

#[test]
fn drive_that_erases_itself_is_purged_and_a_liar_beside_it_is_not() {
    scenario("purge", |bench| {
        let honest = used_flash("ATA-HONEST", 0x5000_c500_0000_0021, Kept::Nothing);
        let liar = used_flash("ATA-LIAR", 0x5000_c500_0000_0022, Kept::All);
        let mut options = ScsiOptions::disk("SAS-HONEST", 0x5000_c500_0000_0023, 16 << 11);
        options.sanitize.overwrite = Some(Duration::from_secs(4));
        let sas = used_by(options);
        // What was in it is where no address points.
        sas.lock().unwrap().replace_sector(100);
        // A disk of before the sanitize commands: its security erase is all it has.
        let old = used_disk_without_sanitize("ATA-OLD", 0x5000_c500_0000_0024);
        let disks = [&honest, &liar];
        for disk in disks {
            let found = disk.lock().unwrap().cells().find(SECRET).len();
            ensure!(found == (16 << 11) + 512, "{found} places with old bytes");
        }
        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .argument("raz.level=purge")
            .simulated(Unit::new(honest.clone()))
            .simulated(Unit::new(liar.clone()))
            .simulated(Unit::new(sas.clone()))
            .simulated(Unit::new(old.clone()));
        let machine = workshop.unattended(machine)?;
        let played = workshop.play(&machine)?;
        // Purge was asked for, and one of them did not reach it.
        ensure!(played.status == 1, "status {}", played.status);
        let audit = &played.audit;
        for (serial, verdict, level) in [
            ("ATA-HONEST", SanitizeVerdict::ClaimedByDrive, Level::Purge),
            ("ATA-LIAR", SanitizeVerdict::Refuted, Level::Clear),
            ("SAS-HONEST", SanitizeVerdict::ClaimedByDrive, Level::Purge),
            ("ATA-OLD", SanitizeVerdict::ClaimedByDrive, Level::Purge),
        ] {
            let entry = audit.drive(serial)?;
            let erasure = entry.erasure.as_ref().context("no erasure")?;
            let sanitize = erasure.own_erases.first().context("no sanitize")?;
            ensure!(
                erasure.outcome == OutcomeWord::Verified
                    && erasure.requested_level == Level::Purge
                    && erasure.achieved_level == level
                    && sanitize.verdict == verdict
                    // A security erase is silent until it answers.
                    && (sanitize.in_progress_seen > 0) == (serial != "ATA-OLD"),
                "{serial}: {} {sanitize:?}",
                erasure.outcome_text
            );
        }
        // The truth, from outside: of the honest one nothing is left anywhere; of the liar what no
        // overwrite reaches, which is what its report says.
        is_as_reported(honest.lock().unwrap().cells(), audit.drive("ATA-HONEST")?)?;
        is_as_reported(liar.lock().unwrap().cells(), audit.drive("ATA-LIAR")?)?;
        is_as_reported(sas.lock().unwrap().cells(), audit.drive("SAS-HONEST")?)?;
        is_as_reported(old.lock().unwrap().cells(), audit.drive("ATA-OLD")?)?;
        let left = [
            honest.lock().unwrap().cells().find(SECRET),
            sas.lock().unwrap().cells().find(SECRET),
            old.lock().unwrap().cells().find(SECRET),
        ];
        ensure!(left.iter().all(Vec::is_empty), "old bytes at {left:?}");
        let mut disk = liar.lock().unwrap();
        let left = disk.cells().find(SECRET);
        let addressed = disk.cells().addressed();
        ensure!(
            !left.is_empty() && left.iter().all(|place| !addressed.contains(place)),
            "the liar keeps {} places",
            left.len()
        );
        Ok(())
    });
}
