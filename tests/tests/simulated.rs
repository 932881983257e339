//! Simulated drives before the unmodified image: what the guest's kernel and raz see is a real
//! drive's, and what it physically holds is looked at here.

use std::io::Read;
use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
use lab::bench::scenario;
use lab::derive::expected_reader;
use lab::machine::Machine;
use lab::scenario::Workshop;
use lab::wire::Unit;
use report::schema::{Level, OutcomeWord};
use sim::cells::Cells;
use sim::scsi::{ScsiDisk, ScsiOptions};

const SECRET: &[u8] = b"OLD-BYTES";

/// A disk that has old bytes in each of its sectors, all of them different.
fn used(serial: &str, wwn: u64, sectors: u64) -> Arc<Mutex<ScsiDisk>> {
    let mut disk = ScsiDisk::new(ScsiOptions::disk(serial, wwn, sectors));
    for address in 0..sectors {
        let mut sector = [SECRET, &address.to_be_bytes()].concat();
        sector.resize(512, 0x20);
        disk.cells_mut().write(address, &sector);
    }
    Arc::new(Mutex::new(disk))
}

/// What every address holds, and nothing of how.
fn contents(cells: &Cells) -> Vec<Option<Vec<u8>>> {
    (0..cells.addresses())
        .map(|address| cells.read(address))
        .collect()
}

#[test]
fn simulated_sas_disk_is_erased_and_verified_and_the_kept_one_is_byte_identical() {
    scenario("simulated", |bench| {
        let erased = used("SAS-ERASED", 0x5000_c500_0000_0011, (16 << 11) + 7);
        let kept = used("SAS-KEPT", 0x5000_c500_0000_0012, 8 << 11);
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
        let mut expected = expected_reader(entry, 0)?;
        for address in 0..disk.cells().addresses() {
            let mut sector = vec![0; 512];
            expected.read_exact(&mut sector)?;
            ensure!(
                disk.cells().read(address) == Some(sector),
                "address {address} is not what the report says"
            );
        }
        let left = disk.cells().find(SECRET);
        ensure!(left.is_empty(), "old bytes at {left:?}");
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
