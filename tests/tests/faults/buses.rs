//! Bad sectors on each bus: every driver of the kernel has its own way to tell of them and its own
//! stubbornness in trying again.

use anyhow::ensure;
use lab::bench::scenario;
use lab::drive::{Bus, Operation};
use lab::machine::Machine;
use lab::scenario::Workshop;
use report::schema::Ranges;

use crate::steps::{FAULT_BYTES, bay, failing, has_bad_sectors, judged, ranges};

/// In units of [`FAULT_BYTES`]: first and last sector of the drive, and the borders of a request.
const FAULTS: [[u64; 2]; 3] = [[0, 1], [2047, 2049], [32_767, 32_768]];
/// The same with a drive whose sectors have 4096 bytes: each holds eight of those units.
const FAULTS_4096: [[u64; 2]; 3] = [[0, 1], [255, 257], [4095, 4096]];

#[test]
fn bad_sectors_are_told_exactly_on_every_bus() {
    scenario("buses", |bench| {
        let write = |name, bus| failing(bay(bench, name, bus, 16)?, Operation::Write, &FAULTS);
        let read = |name, bus| failing(bay(bench, name, bus, 16)?, Operation::Read, &FAULTS[1..]);
        let large = bay(bench, "W4KN", Bus::VirtioScsi, 16)?;
        let large = large.drive(|drive| drive.sectors(4096, 4096));
        let large = failing(large, Operation::Write, &FAULTS)?;
        let unwritable = [
            write("WSATA", Bus::Ahci)?,
            write("WNVME", Bus::Nvme)?,
            write("WUSB", Bus::Usb)?,
            write("WVIRTIO", Bus::VirtioBlk)?,
        ];
        // The first sector stays readable: the partition table is looked for before the wipe.
        let unreadable = [
            read("RSATA", Bus::Ahci)?,
            read("RSCSI", Bus::VirtioScsi)?,
            read("RUSB", Bus::Usb)?,
            read("RVIRTIO", Bus::VirtioBlk)?,
        ];
        let all = unwritable.iter().chain(&unreadable).chain([&large]);
        let machine = all.fold(Machine::new("pc"), |machine, bay| {
            machine.drive(bay.drive.clone())
        });
        let machine = machine.argument("raz.removable=erase");

        let workshop = Workshop::open(bench)?;
        let played = workshop.play(&workshop.unattended(machine)?)?;
        let audit = played.audit;
        judged(&audit, || {
            ensure!(played.status == 1, "exit status {}", played.status);
            let none = Ranges::default();
            let listed = ranges(FAULT_BYTES, &FAULTS);
            for bay in &unwritable {
                has_bad_sectors(bay, &audit, &listed, &none)?;
            }
            let listed = ranges(FAULT_BYTES, &FAULTS[1..]);
            for bay in &unreadable {
                has_bad_sectors(bay, &audit, &none, &listed)?;
            }
            has_bad_sectors(&large, &audit, &ranges(4096, &FAULTS_4096), &none)
        })
    });
}
