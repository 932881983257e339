//! The model against the standard's words.

use super::options::{Features, Lies, Options};
use super::{Area, MmcCard, SECTOR_BYTES};
use crate::clock::Clock;
use crate::device::{Event, MmcDevice as _};
use std::time::Duration;

const SECRET: &[u8] = b"the donor's accounts";
const READY: u32 = 0x900;
const WRITE_BOOT0: u32 = 0x03B3_0101;
const SANITIZE: u32 = 0x03A5_0101;

struct Bench {
    card: MmcCard,
    clock: Clock,
}

impl Bench {
    /// Every sector of the user area was written, the first eight of them twice.
    fn new(options: Options) -> Self {
        let clock = Clock::by_hand();
        let sectors = u64::from(options.sectors);
        let mut card = MmcCard::new(options, clock.clone());
        for address in (0..sectors).chain(0..8) {
            card.cells_mut(Area::User).write(address, &secret());
        }
        Self { card, clock }
    }

    fn send(&mut self, index: u8, argument: u32) -> u32 {
        let answer = self.card.command(index, argument, &[]);
        answer.expect("an answer").response
    }

    /// The status when the card is no longer busy.
    fn at_rest(&mut self) -> u32 {
        self.clock.advance(Duration::from_secs(3600));
        self.send(13, 1 << 16)
    }

    fn erase(&mut self, first: u32, last: u32, how: u32) -> u32 {
        self.send(35, first);
        self.send(36, last);
        self.send(38, how);
        self.at_rest()
    }

    fn sector(&mut self, address: u32) -> Vec<u8> {
        self.card.command(17, address, &[]).expect("read").data
    }

    fn residue(&mut self, area: Area) -> usize {
        self.card.cells(area).find(SECRET).len()
    }
}

fn secret() -> Vec<u8> {
    let mut bytes = SECRET.repeat(26);
    bytes.truncate(SECTOR_BYTES);
    bytes
}

#[test]
fn erase_unmaps_and_only_sanitize_removes() {
    for (erased_reads_ones, byte) in [(false, 0x00), (true, 0xFF)] {
        let mut bench = Bench::new(Options {
            erased_reads_ones,
            ..Options::default()
        });
        let last = 4 * 1024 + 99;
        assert_eq!(bench.erase(0, last, 0), READY);
        assert_eq!(bench.sector(last), vec![byte; 512]);
        assert_eq!(bench.residue(Area::User), 4 * 1024 + 108, "and old copies");
        assert_eq!(bench.send(6, SANITIZE), READY);
        assert_eq!(bench.send(13, 1 << 16), 0xE00, "programming, not ready");
        assert_eq!(
            bench.card.command(17, 0, &[]),
            None,
            "nothing else is taken"
        );
        assert_eq!(bench.at_rest(), READY | 1 << 22, "which is told");
        assert_eq!(bench.residue(Area::User), 0);
    }
}

#[test]
fn sanitize_leaves_what_is_mapped_and_what_was_only_discarded() {
    let mut bench = Bench::new(Options::default());
    assert_eq!(bench.erase(100, 199, 3), READY);
    assert_eq!(bench.sector(100), vec![0; 512]);
    bench.send(6, SANITIZE);
    assert_eq!(bench.at_rest(), READY);
    let all = 4 * 1024 + 100;
    assert_eq!(bench.residue(Area::User), all, "the old copies are gone");
    assert_eq!(bench.sector(99), secret());
}

#[test]
fn groups_are_erased_whole_and_sectors_alone() {
    for (high_capacity_groups, group) in [(true, 1024), (false, 128)] {
        let mut bench = Bench::new(Options {
            high_capacity_groups,
            ..Options::default()
        });
        assert_eq!(bench.erase(group + 5, group + 6, 1), READY);
        assert_eq!(bench.sector(group + 5), vec![0; 512]);
        assert_eq!(bench.sector(group + 7), secret());
        assert_eq!(bench.erase(group + 9, group + 9, 0), READY);
        assert_eq!(bench.sector(group), vec![0; 512]);
        assert_eq!(bench.sector(2 * group - 1), vec![0; 512]);
        assert_eq!(bench.sector(group - 1), secret());
        assert_eq!(bench.sector(2 * group), secret());
    }
}

#[test]
fn secure_erase_removes_at_once_where_there_is_one() {
    let mut bench = Bench::new(Options::default());
    assert_eq!(bench.erase(0, 4 * 1024 + 99, 0x8000_0000), READY);
    assert_eq!(bench.residue(Area::User), 0);
    let features = Features {
        secure: false,
        trim: false,
        sanitize: false,
    };
    let mut bench = Bench::new(Options {
        features,
        ..Options::default()
    });
    for how in [0x8000_0000, 1, 2] {
        bench.send(35, 0);
        bench.send(36, 9);
        assert_eq!(bench.send(38, how), READY | 1 << 27, "{how:x}");
    }
    bench.send(6, SANITIZE);
    assert_eq!(bench.at_rest(), READY | 1 << 7, "no such switch");
    assert_eq!(bench.at_rest(), READY, "an error shows once");
}

#[test]
fn erase_out_of_order_or_range_is_an_error_and_erases_nothing() {
    let mut bench = Bench::new(Options::default());
    assert_eq!(bench.send(36, 9), READY | 1 << 28);
    assert_eq!(bench.send(38, 0), READY | 1 << 28);
    bench.send(35, 0);
    bench.send(36, 9);
    bench.sector(0);
    assert_eq!(bench.send(38, 0), READY | 1 << 28, "a read came between");
    bench.send(35, 0);
    bench.send(36, 4 * 1024 + 100);
    assert_eq!(bench.send(38, 0), READY | 1 << 27);
    assert_eq!(bench.sector(0), secret());
}

#[test]
fn boot_area_is_reached_by_its_switch_and_protected_until_the_power_goes() {
    let mut bench = Bench::new(Options::default());
    bench.card.cells_mut(Area::Boot(0)).write(3, &secret());
    assert_eq!(bench.send(6, WRITE_BOOT0), READY);
    assert_eq!(bench.sector(3), secret());
    // BOOT_WP: B_PWR_WP_EN.
    bench.send(6, 0x03AD_0101);
    assert_eq!(bench.at_rest(), READY);
    assert_eq!(bench.erase(0, 255, 0), READY | 1 << 15, "left out");
    assert_eq!(bench.sector(3), secret());
    bench.card.event(Event::PowerOff);
    assert_eq!(bench.card.command(13, 1 << 16, &[]), None);
    bench.card.event(Event::PowerOn);
    assert_eq!(bench.card.command(13, 1 << 16, &[]), None, "not yet");
    bench.send(0, 0);
    assert_eq!(bench.sector(3), secret(), "the user area again");
    bench.send(6, WRITE_BOOT0);
    assert_eq!(bench.erase(0, 255, 0), READY);
    assert_eq!(bench.sector(3), vec![0; 512]);
    let user = 4 * 1024 + 108;
    assert_eq!(bench.residue(Area::User), user, "no other area is touched");
    bench.send(6, SANITIZE);
    bench.at_rest();
    assert_eq!(bench.residue(Area::Boot(0)), 1, "sanitize is not of it");
}

#[test]
fn replay_protected_area_gives_and_takes_nothing_and_missing_areas_are_no_areas() {
    let mut bench = Bench::new(Options {
        general_purpose_groups: vec![2],
        ..Options::default()
    });
    bench
        .card
        .cells_mut(Area::GeneralPurpose(0))
        .write(9, &secret());
    assert_eq!(bench.send(6, 0x03B3_0301), READY);
    assert_eq!(bench.send(17, 0), READY | 1 << 19);
    bench.send(35, 0);
    bench.send(36, 9);
    assert_eq!(bench.send(38, 0), READY | 1 << 19);
    assert_eq!(bench.send(6, 0x03B3_0401), READY);
    assert_eq!(bench.sector(9), secret());
    assert_eq!(bench.erase(0, 2047, 0), READY);
    bench.send(6, SANITIZE);
    bench.at_rest();
    assert_eq!(
        bench.residue(Area::GeneralPurpose(0)),
        0,
        "sanitize is of it"
    );
    bench.send(6, 0x03B3_0501);
    assert_eq!(bench.at_rest(), READY | 1 << 7, "there is no second one");
}

#[test]
fn interrupt_and_power_cut_end_a_sanitize_half_done_and_nothing_goes_on_with_it() {
    for is_cut in [false, true] {
        let mut bench = Bench::new(Options::default());
        bench.erase(0, 4 * 1024 + 99, 0);
        let before = bench.residue(Area::User);
        bench.send(6, SANITIZE);
        bench.clock.advance(Duration::from_secs(4));
        if is_cut {
            bench.card.event(Event::PowerOff);
            bench.card.event(Event::PowerOn);
            bench.send(0, 0);
        } else {
            bench.send(13, 1 << 16 | 1);
        }
        assert_eq!(bench.at_rest(), READY);
        let after = bench.residue(Area::User);
        assert!(0 < after && after < before, "{after} of {before}");
    }
}

#[test]
fn lies_are_answered_as_the_truth_is() {
    let after = |lies| {
        let mut bench = Bench::new(Options {
            lies,
            ..Options::default()
        });
        assert_eq!(bench.erase(0, 4 * 1024 + 99, 0), READY);
        let reads = bench.sector(4 * 1024 + 99) == vec![0; 512];
        bench.send(6, SANITIZE);
        assert_eq!(bench.at_rest(), READY);
        (reads, bench.residue(Area::User))
    };
    let lies = Lies::default;
    let all = 4 * 1024 + 108;
    assert_eq!(after(lies()), (true, 0));
    let swallowed = Lies {
        sanitize_swallowed: true,
        ..lies()
    };
    assert_eq!(after(swallowed), (true, all));
    let keeps = Lies {
        sanitize_keeps: true,
        ..lies()
    };
    assert_eq!(after(keeps), (true, all));
    let ignored = Lies {
        erase_ignored: true,
        ..lies()
    };
    assert_eq!(after(ignored), (false, all - 8));
    let discards = Lies {
        erase_only_discards: true,
        ..lies()
    };
    assert_eq!(after(discards), (true, all - 8));
    let tail = Lies {
        erase_leaves_tail: true,
        ..lies()
    };
    assert_eq!(after(tail), (false, 100));
}
