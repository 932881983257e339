//! Drives whose power was cut while they erased themselves, and that go on: listed with how far they
//! are, and nothing is read from them.

use crate::bench;
use crate::kinds::{Kind, nvme, sas, sata};
use drive::discover::Machine;
use drive::facts::OwnErase;
use drive::medium::Own;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use drive::refusal::{PlanKind, refusals};
use sim::ata::disk::AtaDisk;
use sim::clock::Clock;
use sim::device::{Event, NvmeDevice as _, ScsiDevice};
use sim::nvme::NvmeDrive;
use sim::scsi::ScsiDisk;
use std::io;
use std::sync::Arc;
use std::time::Duration;

const TIME: Duration = Duration::from_secs(1000);

/// A port that does not let go of a read: nobody may ask for one.
struct Unread(Box<dyn Port>);

impl Port for Unread {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        self.0.scsi(cdb, data, timeout)
    }

    fn nvme_admin(&self, c: &AdminCommand, data: Data<'_>, t: Duration) -> io::Result<AdminReply> {
        self.0.nvme_admin(c, data, t)
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        self.0.mmc_ext_csd()
    }

    fn read_at(&self, _: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        panic!("read at {offset_bytes}")
    }
}

/// What is said of this drive before its sanitize ends, and after that.
fn is_told(kind: &Kind, clock: &Clock) {
    let machine = kind.machine();
    let opener = Arc::clone(&machine.opener);
    let unread = Machine {
        opener: Arc::new(move |path| Ok(Box::new(Unread(opener(path)?)) as Box<dyn Port>)),
        ..machine.clone()
    };
    let name = kind.name;
    let drive = unread.listed(kind.drive).expect(name);
    let progress = Some(0x4000);
    assert_eq!(
        (drive.own_erase, &drive.silent),
        (Some(OwnErase::Sanitizing { progress }), &None),
        "{name}"
    );
    let told = refusals(&drive, &[], Own::No, &[], PlanKind::default());
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["erasing itself (sanitize, 25 %)"], "{name}");

    clock.advance(TIME);
    let drive = machine.listed(kind.drive).expect(name);
    assert_eq!(drive.own_erase, None, "{name}");
    let told = refusals(&drive, &[], Own::No, &[], PlanKind::default());
    assert!(told.is_empty(), "{name}: {told:?}");
}

/// A quarter of it is done, then its power goes and comes back.
fn cut(drive: &mut impl ScsiDevice, clock: &Clock, cdb: &[u8], out: &[u8]) {
    drive.command(&[0; 6], &[]);
    drive.command(cdb, out);
    clock.advance(TIME / 4);
    drive.event(Event::PowerOff);
    drive.event(Event::PowerOn);
}

#[test]
fn sata_drive_goes_on_after_a_power_cut_and_says_how_far_it_is() {
    let clock = Clock::by_hand();
    let mut options = sata::ssd();
    // What the folder says of its size is another matter.
    options.sectors = 2048;
    options.sanitize.block_time = TIME;
    let mut drive = AtaDisk::new(options, clock.clone());
    // SANITIZE DEVICE, BLOCK ERASE EXT, its key in the LBA.
    let cdb = [
        0x85, 0x07, 0, 0, 0x12, 0, 0, 0x42, 0x72, 0, 0x45, 0, 0x6B, 0, 0xB4, 0,
    ];
    cut(&mut drive, &clock, &cdb, &[]);
    is_told(&sata::around(bench::disk(drive)), &clock);
}

#[test]
fn sas_disk_goes_on_after_a_power_cut_and_says_how_far_it_is() {
    let clock = Clock::by_hand();
    let mut options = sas::disk("ST600MM0006", "RAZ0BUSY");
    options.clock = clock.clone();
    options.sanitize.overwrite = Some(TIME);
    let mut drive = ScsiDisk::new(options);
    let cdb = [0x48, 0x81, 0, 0, 0, 0, 0, 0, 8, 0];
    cut(&mut drive, &clock, &cdb, &[1, 0, 0, 4, 0, 0, 0, 0]);
    is_told(&sas::around(bench::disk(drive)), &clock);
}

#[test]
fn nvme_drive_goes_on_after_a_power_cut_and_says_how_far_it_is() {
    let clock = Clock::by_hand();
    let mut options = nvme::ordinary();
    options.namespaces[0].sectors = 2048;
    options.durations.block_erase = TIME;
    let mut drive = NvmeDrive::new(options, clock.clone());
    let mut entry = [0; 64];
    entry[0] = 0x84;
    entry[40] = 2;
    let answer = drive.admin(&entry, &[]).expect("an answer");
    assert_eq!(answer.status, 0);
    clock.advance(TIME / 4);
    drive.event(Event::PowerOff);
    drive.event(Event::PowerOn);
    let opener = bench::nvme(drive);
    let kind = nvme::around("NVMe", "", &nvme::ordinary(), opener);
    is_told(&kind, &clock);
}
