//! The traps that an eMMC sets, for the table.

use super::{Bench, with};
use crate::trap::{Run, Trap};
use sim::mmc::options::{Lies, Options};
use wipe::native::Technique;

fn trap(
    numbers: &'static [u8],
    name: &'static str,
    lies: Lies,
    says: &'static str,
) -> Trap<Options> {
    Trap {
        numbers,
        name,
        technique: Technique::BlockErase,
        options: with(lies),
        says,
    }
}

fn traps() -> Vec<Trap<Options>> {
    let none = Lies::default;
    vec![
        trap(
            &[1],
            "SANITIZE_START is over at once and does nothing",
            Lies {
                sanitize_swallowed: true,
                ..none()
            },
            "no transition was seen",
        ),
        trap(
            &[17],
            "erase does nothing",
            Lies {
                erase_ignored: true,
                ..none()
            },
            "still hold what stood there before",
        ),
        trap(
            &[19],
            "busy for ever, until the kernel interrupts it",
            Lies {
                sanitize_never_ends: true,
                ..none()
            },
            "SANITIZE_START: the card answers nothing, or was busy for too long",
        ),
        trap(
            &[37],
            "another card after the erase began",
            Lies {
                becomes_another_after: Some(ERASE_BEGINS + 100),
                ..none()
            },
            "another drive",
        ),
        trap(
            &[40],
            "the group that the area ends in is left, where there is no TRIM",
            Lies {
                erase_leaves_tail: true,
                ..none()
            },
            "does not read as erased memory",
        ),
        trap(
            &[43],
            "writes change nothing",
            Lies {
                ignores_writes: true,
                ..none()
            },
            "no witnesses could be written",
        ),
        trap(
            &[48],
            "SANITIZE_START is refused by a switch error",
            Lies {
                sanitize_refused: true,
                ..none()
            },
            "SANITIZE_START: the card does not take it",
        ),
        trap(
            &[48],
            "reads are not those of erased memory",
            Lies {
                erased_reads_wrong: true,
                ..none()
            },
            "does not read as erased memory",
        ),
    ]
}

/// About so many commands are sent before the erase begins: the kernel of the tests reads and writes boot areas
/// by sector.
pub const ERASE_BEGINS: u64 = 13_203;

/// Lies that only whoever opens the card can see.
fn traps_beside() -> Vec<Trap<Options>> {
    let none = Lies::default;
    let claimed = "claimed by drive";
    vec![
        trap(
            &[17],
            "SANITIZE_START takes its time and removes nothing",
            Lies {
                sanitize_keeps: true,
                ..none()
            },
            claimed,
        ),
        trap(
            &[48],
            "an erase is carried out as a discard",
            Lies {
                erase_only_discards: true,
                ..none()
            },
            claimed,
        ),
    ]
}

/// Whether the card's lies may leave old bytes where no read reaches them, and look right.
pub fn is_invisible(lies: &Lies) -> bool {
    lies.sanitize_keeps || lies.erase_only_discards
}

fn run_each(traps: Vec<Trap<Options>>) -> Vec<Run> {
    let run = |trap: Trap<Options>| {
        trap.run("eMMC", |mut options, _| {
            if options.lies.erase_leaves_tail {
                options.features = super::no_trim();
            }
            let bench = Bench::new(options);
            let evidence = bench.sanitize();
            (evidence, bench.residue())
        })
    };
    traps.into_iter().map(run).collect()
}

/// What a host can see.
pub fn runs() -> Vec<Run> {
    run_each(traps())
}

/// What it cannot.
pub fn runs_beside() -> Vec<Run> {
    run_each(traps_beside())
}

#[test]
fn every_lie_that_shows_is_never_claimed() {
    runs().iter().for_each(Run::assert_expected);
}

#[test]
fn what_no_host_can_see_is_claimed_by_the_drive_and_no_more() {
    runs_beside().iter().for_each(Run::assert_invisible);
}
