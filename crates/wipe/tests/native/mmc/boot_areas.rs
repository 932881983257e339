//! Boot areas of simulated cards: what becomes of them before the card erases itself. The truth is what
//! is found in all places of an area.

use super::traps::ERASE_BEGINS;
use super::{Bench, with};
use crate::trap::{is_claimed, reasons};
use crate::wire::mmc::Kernel;
use sim::device::MmcDevice as _;
use sim::mmc::options::{Lies, Options};
use sim::mmc::{Area, SECTOR_BYTES};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wipe::native::boot_area::{Area as Node, End, Record, empty};
use wipe::native::mmc::MmcSanitize;
use wipe::native::{Evidence, Patience, Sanitize as _, Technique, run};

/// The card erases itself all the same, whatever its boot areas came to.
fn claimed(bench: &Bench) -> Vec<Record> {
    let evidence = bench.sanitize();
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 0);
    evidence.boot_areas
}

fn left(record: &Record) -> &str {
    assert!(!record.is_empty(), "{record:?}");
    match record.end() {
        End::Left(why) => why,
        End::Blank(_) | End::Overwritten => panic!("{record:?}"),
    }
}

#[test]
fn boot_areas_with_data_are_overwritten_and_read_back() {
    let bench = Bench::new(Options::default());
    assert_eq!((bench.boot_residue(0), bench.boot_residue(1)), (1, 1));
    let records = claimed(&bench);
    for (number, record) in (0..).zip(&records) {
        assert_eq!(record.end(), &End::Overwritten);
        assert_eq!((record.number(), record.bytes()), (number, 128 << 10));
        assert_eq!(bench.boot_residue(number), 0);
        let mut card = bench.wire.card();
        let cells = card.cells(Area::Boot(number));
        let zeros = Some(vec![0; SECTOR_BYTES]);
        assert!((0..cells.addresses()).all(|address| cells.read(address) == zeros));
    }
    assert_eq!(records.len(), 2);
    let card = bench.wire.card();
    let sent: Vec<_> = card.commands().last().copied().collect();
    let at = sent
        .iter()
        .position(|(index, _)| *index == 35)
        .expect("an erase");
    let before = card.commands().total() - (sent.len() - at) as u64;
    // How much is found for witnesses differs.
    let differs = before.abs_diff(ERASE_BEGINS);
    assert!(differs < 50, "{before}: the traps go by it");
}

#[test]
fn blank_boot_area_is_read_in_whole_and_not_written() {
    for filling in [0x00, 0xFF] {
        // Also one that the computer would boot from, and one that is protected.
        for (boots_from, boot_protection) in [(0, 0), (1, 0), (0, 4)] {
            let bench = Bench::new(Options {
                boots_from,
                boot_protection,
                ..Options::default()
            });
            for number in [0, 1] {
                let mut card = bench.wire.card();
                let cells = card.cells_mut(Area::Boot(number));
                (0..cells.addresses()).for_each(|address| cells.write(address, &[filling; 512]));
            }
            let before = bench.wire.card().cells(Area::Boot(0)).clone();
            for record in claimed(&bench) {
                assert_eq!(record.end(), &End::Blank(filling));
                assert!(record.is_empty());
            }
            let after = bench.wire.card().cells(Area::Boot(0)).clone();
            assert_eq!(
                format!("{after:?}"),
                format!("{before:?}"),
                "no place moved"
            );
        }
    }
}

#[test]
fn boot_area_that_the_computer_boots_from_is_not_written_and_the_other_one_is() {
    for (boots_from, kept) in [
        (1, [true, false]),
        (2, [false, true]),
        (7, [false, false]),
        (3, [true, true]),
    ] {
        let bench = Bench::new(Options {
            boots_from,
            ..Options::default()
        });
        let before =
            [0, 1].map(|number| format!("{:?}", bench.wire.card().cells(Area::Boot(number))));
        let records = claimed(&bench);
        for number in [0_u8, 1] {
            let at = usize::from(number);
            let after = format!("{:?}", bench.wire.card().cells(Area::Boot(number)));
            match kept[at] {
                true => {
                    assert!(left(&records[at]).contains("PARTITION_CONFIG"));
                    assert_eq!(after, before[at], "{boots_from}: byte for byte as it was");
                }
                false => {
                    assert!(records[at].is_empty(), "{boots_from}");
                    assert_eq!(bench.boot_residue(number), 0);
                }
            }
        }
    }
}

#[test]
fn boot_areas_that_cannot_be_emptied_say_why_and_are_never_called_empty() {
    let lies = Lies {
        ignores_boot_writes: true,
        ..Lies::default()
    };
    let protected = |boot_protection| Options {
        boot_protection,
        ..Options::default()
    };
    let hides = Kernel {
        hides_boot_areas: true,
        ..Kernel::default()
    };
    let keeps = Kernel {
        keeps_force_ro: true,
        ..Kernel::default()
    };
    let plain = Kernel::default();
    for (options, kernel, says) in [
        (with(lies), plain, "is not what was written"),
        (protected(1), plain, "until its power goes"),
        (protected(4), plain, "for good"),
        (Options::default(), hides, "the kernel shows no such area"),
        (
            Options::default(),
            keeps,
            "takes no writes: the kernel keeps it read-only",
        ),
    ] {
        let bench = Bench::behind(options, kernel);
        for (number, record) in (0..).zip(claimed(&bench)) {
            assert!(left(&record).contains(says), "{says}: {record:?}");
            assert_eq!(record.bytes(), 128 << 10);
            assert_eq!(bench.boot_residue(number), 1, "{says}");
        }
    }
}

#[test]
fn protection_that_the_register_does_not_show_refuses_the_write_and_is_no_success() {
    let bench = Bench::new(Options::default());
    let mut area = bench.wire.hold(0).expect("a node");
    // BOOT_WP, set after the register was read.
    let set = bench.wire.card().command(6, 0x03AD_0100, &[]);
    assert!(set.is_some());
    let record = empty(0, &mut *area, None, &|| true);
    assert!(
        left(&record).contains("not overwritten: at byte 0"),
        "{record:?}"
    );
    assert_eq!(bench.boot_residue(0), 1);
}

/// A node that nobody may look at.
struct OfSize(u64);

impl Node for OfSize {
    fn bytes(&self) -> u64 {
        self.0
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        panic!("a read");
    }

    fn lift(&mut self) -> Result<(), String> {
        panic!("write protection is lifted");
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        panic!("a write");
    }

    fn flush(&self) -> io::Result<()> {
        panic!("a flush");
    }

    fn protect(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// More than the register knows may be of something else; of less, the rest is not looked at.
#[test]
fn area_of_another_size_than_the_register_says_is_not_looked_at() {
    for (bytes, says) in [
        (64 << 10, "says 131072 bytes, the kernel 65536"),
        (256 << 10, "says 131072 bytes, the kernel 262144"),
    ] {
        let bench = Bench::new(Options::default());
        let hold = Box::new(move |_| Ok(Box::new(OfSize(bytes)) as Box<dyn Node>));
        let erasing = bench.wire.erasing().expect("a card with sanitize");
        let now = Box::new(|| Duration::ZERO);
        let door = MmcSanitize::new(Arc::new(bench.wire.clone()), erasing, hold, now);
        let records = door.empty_boot_areas(&|| true);
        assert_eq!(records.len(), 2);
        for record in records {
            assert!(left(&record).contains(says), "{record:?}");
            assert_eq!(record.bytes(), 128 << 10);
        }
    }
}

#[test]
fn card_without_boot_areas_has_no_record_of_any() {
    let bench = Bench::new(Options {
        boot_units: 0,
        ..Options::default()
    });
    assert_eq!(claimed(&bench), []);
}

#[test]
fn another_card_is_not_looked_at_and_a_stop_keeps_the_command_back() {
    let bench = Bench::new(Options::default());
    let door = bench.door();
    bench.wire.card().options_mut().lies.becomes_another_after = Some(0);
    for record in door.empty_boot_areas(&|| true) {
        assert!(left(&record).contains("not that of the claimed card"));
    }
    assert_eq!((bench.boot_residue(0), bench.boot_residue(1)), (1, 1));

    // One request for an area of this size: a stop in the middle of either, or after both.
    for pauses in 2..14 {
        let bench = Bench::new(Options::default());
        let mut world = bench.world();
        world.pauses_left = Mutex::new(pauses);
        let patience = Patience::of(false);
        let evidence: Evidence = run(
            &bench.door(),
            Technique::BlockErase,
            &bench.wire,
            &world,
            patience,
        );
        let Some(why) = &evidence.not_begun else {
            assert!(pauses > 10, "{pauses}");
            continue;
        };
        assert!(why.contains("stopped by the operator"), "{why}");
        assert_eq!(bench.changes(), [], "{pauses}: nothing was erased");
        for (number, record) in (0..).zip(&evidence.boot_areas) {
            let residue = bench.boot_residue(number);
            assert!(!record.is_empty() || residue == 0, "{pauses} {record:?}");
        }
    }
}
