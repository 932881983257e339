//! Simulated SAS disks with blocks that Linux does not drive are formatted anew, and believed only when
//! they are asked again.

use crate::wire::{Wire, World, another};
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice as _};
use sim::scsi::{FormatLies, Lies, ScsiDisk, ScsiOptions};
use std::io;
use std::sync::Mutex;
use std::time::Duration;
use wipe::native::witness::Medium as _;
use wipe::reformat::{Failure, Layout, Patience, Reformatted, block_bytes_wanted, run};

const SECRET: &[u8] = b"the donor's accounts";
const SECTORS: u64 = 2048;
const TAKES: Duration = Duration::from_secs(3 * 3600);

/// A disk full of the donor's data, which takes three hours to be formatted.
fn disk(sector_bytes: u32, format: FormatLies) -> (Wire<ScsiDisk>, Clock) {
    let clock = Clock::by_hand();
    let wanted = block_bytes_wanted(sector_bytes);
    let mut disk = ScsiDisk::new(ScsiOptions {
        sector_bytes,
        other_sector_bytes: vec![wanted],
        format: Some(TAKES),
        lies: Lies {
            format,
            ..Lies::default()
        },
        clock: clock.clone(),
        ..ScsiOptions::disk("SAS520", 0x5000_c500_a1b2_c3d4, SECTORS)
    });
    let sector: Vec<u8> = SECRET
        .iter()
        .copied()
        .cycle()
        .take(disk.cells().sector_bytes())
        .collect();
    for address in 0..SECTORS {
        disk.cells_mut().write(address, &sector);
    }
    let bytes = usize::try_from(wanted).expect("a length");
    (Wire::new(disk, bytes, SECTORS), clock)
}

fn layout(block_bytes: u32) -> Layout {
    Layout {
        blocks: SECTORS,
        block_bytes,
    }
}

fn reformat(wire: &Wire<ScsiDisk>, clock: &Clock) -> Result<Reformatted, Failure> {
    run(wire, &World::new(clock.clone()), &Patience::default())
}

fn power_cycle(wire: &Wire<ScsiDisk>) {
    wire.drive().event(Event::PowerOff);
    wire.drive().event(Event::PowerOn);
}

/// The truth: no old byte is anywhere, and the last block can be read.
fn is_clean(wire: &Wire<ScsiDisk>, block_bytes: usize) -> bool {
    let is_read = wire.read(SECTORS - 1, &mut vec![0; block_bytes]).is_ok();
    // A block begins anywhere in the text.
    is_read && wire.drive().cells().find(&SECRET[..8]).is_empty()
}

#[test]
fn disks_of_storage_arrays_get_blocks_that_linux_drives() {
    for (from, to) in [(520, 512), (528, 512), (4160, 4096), (4224, 4096)] {
        let (wire, clock) = disk(from, FormatLies::default());
        let expected = Reformatted {
            before: Some(layout(from)),
            after: layout(to),
            was_under_way: true,
        };
        assert_eq!(reformat(&wire, &clock), Ok(expected), "{from}");
        let bytes = usize::try_from(to).expect("a length");
        assert!(is_clean(&wire, bytes), "{from}");
        power_cycle(&wire);
        assert!(is_clean(&wire, bytes), "{from}: gone with the power");
    }
}

#[test]
fn protection_information_goes_with_it() {
    let clock = Clock::by_hand();
    let disk = ScsiDisk::new(ScsiOptions {
        sector_bytes: 520,
        other_sector_bytes: vec![512],
        protection_type: Some(2),
        format: Some(TAKES),
        clock: clock.clone(),
        ..ScsiOptions::disk("SASPI", 0x5000_c500_a1b2_c3d4, SECTORS)
    });
    let wire = Wire::new(disk, 512, SECTORS);
    reformat(&wire, &clock).expect("formatted");
    assert_eq!(wire.drive().cells().sector_bytes(), 512);
}

#[test]
fn hidden_blocks_come_back_with_the_new_length() {
    let (wire, clock) = disk(520, FormatLies::default());
    // MODE SELECT (6): 100 blocks of 520 bytes.
    let list = [0, 0, 0, 8, 0, 0, 0, 100, 0, 0, 2, 8];
    let answer = wire.drive().command(&[0x15, 0x10, 0, 0, 12, 0], &list);
    assert!(answer.is_some_and(|answer| answer.status == 0));
    let done = reformat(&wire, &clock).expect("formatted");
    assert_eq!(done.before.map(|before| before.blocks), Some(100));
    assert_eq!(done.after, layout(512));
    assert!(is_clean(&wire, 512));
}

#[test]
fn disk_that_lost_its_power_in_the_format_is_got_back_by_the_next_one() {
    let (wire, clock) = disk(520, FormatLies::default());
    let mut world = World::new(clock.clone());
    let cut = wire.clone();
    world.meanwhile = Box::new(move |pauses| {
        if pauses == 1000 {
            power_cycle(&cut);
        }
    });
    let failure = run(&wire, &world, &Patience::default()).expect_err("cut off");
    assert!(matches!(failure, Failure::Failed(_)), "{failure}");
    assert!(wire.read(0, &mut [0; 512]).is_err(), "not formatted");
    assert!(!wire.drive().cells().find(&SECRET[..8]).is_empty());
    let done = reformat(&wire, &clock).expect("formatted");
    assert_eq!(done.after, layout(512));
    assert!(is_clean(&wire, 512));
}

#[test]
fn format_that_goes_on_by_itself_is_waited_for_and_not_begun_again() {
    let (wire, clock) = disk(520, FormatLies::default());
    let world = World {
        pauses_left: Mutex::new(10),
        ..World::new(clock.clone())
    };
    let failure = run(&wire, &world, &Patience::default()).expect_err("stopped");
    assert_eq!(failure, Failure::Stopped);
    let port = Noted::over(&wire);
    let done = run(&port, &World::new(clock.clone()), &Patience::default()).expect("waited for");
    assert_eq!((done.after, done.was_under_way), (layout(512), true));
    assert_eq!(port.changes(), Vec::<u8>::new());
    assert!(
        clock.now() <= TAKES + Duration::from_secs(3600),
        "begun again"
    );
    assert!(is_clean(&wire, 512));
}

#[test]
fn what_a_disk_says_after_a_format_is_told_as_it_is() {
    let honest = FormatLies::default();
    for (lies, expected) in [
        (
            FormatLies {
                keeps_length: true,
                ..honest
            },
            Err(Failure::Unchanged {
                now: 520,
                wanted: 512,
            }),
        ),
        (
            FormatLies {
                shrinks_to: Some(SECTORS - 1),
                ..honest
            },
            Err(Failure::Shrunk {
                before: SECTORS,
                now: SECTORS - 1,
            }),
        ),
        (
            FormatLies {
                stuck_at: Some(655),
                ..honest
            },
            Err(Failure::Stuck { progress: 655 }),
        ),
        // It has the length, and that is all that is said: the read-back of an erasure finds the rest.
        (
            FormatLies {
                is_early: true,
                ..honest
            },
            Ok(Reformatted {
                before: Some(layout(520)),
                after: layout(512),
                was_under_way: false,
            }),
        ),
        (
            FormatLies {
                keeps_data: true,
                ..honest
            },
            Ok(Reformatted {
                before: Some(layout(520)),
                after: layout(512),
                was_under_way: true,
            }),
        ),
    ] {
        let (wire, clock) = disk(520, lies);
        assert_eq!(reformat(&wire, &clock), expected, "{lies:?}");
    }
    let (wire, clock) = disk(
        520,
        FormatLies {
            fails: true,
            ..honest
        },
    );
    let failure = reformat(&wire, &clock).expect_err("failed");
    assert!(matches!(failure, Failure::Failed(_)), "{failure}");
}

#[test]
fn format_of_which_request_sense_tells_nothing_is_waited_for() {
    let lies = FormatLies {
        is_silent: true,
        ..FormatLies::default()
    };
    let (wire, clock) = disk(520, lies);
    let done = reformat(&wire, &clock).expect("formatted");
    assert!(done.was_under_way && clock.now() >= TAKES, "{done:?}");
    assert!(is_clean(&wire, 512));
}

#[test]
fn another_drive_gets_no_command_that_changes_it_and_is_an_error_afterwards() {
    // Each command that changes it, and the end, is after an identity of its own.
    for (good, changes) in [(0, vec![]), (1, vec![0x55]), (2, vec![0x55, 0x04])] {
        let (wire, clock) = disk(520, FormatLies::default());
        let port = Noted::over(&wire);
        let left = Mutex::new(good);
        let mut world = World::new(clock);
        world.identity = Box::new(move || {
            let mut left = left.lock().expect("no panic");
            if *left == 0 {
                return Err(another());
            }
            *left -= 1;
            Ok(())
        });
        let failure = run(&port, &world, &Patience::default()).expect_err("another drive");
        assert!(failure.to_string().contains("another drive"), "{failure}");
        assert_eq!(port.changes(), changes, "{failure}");
    }
}

#[test]
fn length_that_a_reset_made_the_disk_forget_is_selected_again_before_the_format() {
    let (wire, clock) = disk(520, FormatLies::default());
    let mut world = World::new(clock);
    let asked = Mutex::new(0);
    let reset = wire.clone();
    world.identity = Box::new(move || {
        let mut asked = asked.lock().expect("no panic");
        *asked += 1;
        // Behind MODE SELECT, before FORMAT UNIT.
        if *asked == 2 {
            reset.drive().event(Event::Reset);
        }
        Ok(())
    });
    let port = Noted::over(&wire);
    let done = run(&port, &world, &Patience::default()).expect("formatted");
    assert_eq!(done.after, layout(512));
    assert_eq!(port.changes(), [0x55, 0x04, 0x55, 0x04]);
}

#[test]
fn disk_without_the_commands_is_as_it_was() {
    let clock = Clock::by_hand();
    let options = |others: &[u32], format| ScsiOptions {
        sector_bytes: 520,
        other_sector_bytes: others.to_vec(),
        format,
        clock: clock.clone(),
        ..ScsiOptions::disk("SAS520", 0x5000_c500_a1b2_c3d4, SECTORS)
    };
    for (options, name) in [
        (options(&[], Some(TAKES)), "MODE SELECT (10)"),
        (options(&[512], None), "FORMAT UNIT"),
    ] {
        let wire = Wire::new(ScsiDisk::new(options), 520, SECTORS);
        match reformat(&wire, &clock) {
            Err(Failure::Refused { command, .. }) => assert_eq!(command, name),
            other => panic!("{name}: {other:?}"),
        }
        power_cycle(&wire);
        assert!(wire.read(0, &mut [0; 520]).is_ok(), "{name}");
    }
}

#[test]
fn disk_that_falls_silent_is_given_up_after_a_while() {
    let (wire, clock) = disk(520, FormatLies::default());
    let mut world = World::new(clock.clone());
    let off = wire.clone();
    world.meanwhile = Box::new(move |pauses| {
        if pauses == 3 {
            off.drive().event(Event::PowerOff);
        }
    });
    let patience = Patience::default();
    let failure = run(&wire, &world, &patience).expect_err("silent");
    assert!(matches!(failure, Failure::Silent(_)), "{failure}");
    assert!(clock.now() >= patience.silence);
}

/// Notes the operation codes that are sent.
struct Noted<'a> {
    wire: &'a Wire<ScsiDisk>,
    codes: Mutex<Vec<u8>>,
}

impl<'a> Noted<'a> {
    fn over(wire: &'a Wire<ScsiDisk>) -> Self {
        Self {
            wire,
            codes: Mutex::default(),
        }
    }

    /// Those that change a disk.
    fn changes(&self) -> Vec<u8> {
        let codes = self.codes.lock().expect("no panic");
        let is_change = |code: &u8| !matches!(code, 0x00 | 0x03 | 0x12 | 0x25 | 0x5A | 0x9E);
        codes.iter().copied().filter(is_change).collect()
    }
}

impl Port for Noted<'_> {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        self.codes.lock().expect("no panic").push(cdb[0]);
        self.wire.scsi(cdb, data, timeout)
    }

    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
