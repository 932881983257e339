//! The lies, one by one: those that show, with the reason that they are caught by, and those that no
//! host can see.

use super::{Bench, Options, with};
use crate::verdict::{is_claimed, reasons};
use sim::scsi::Lies;
use wipe::native::Technique;
use wipe::native::Technique::{BlockErase, CryptoErase, Overwrite};

/// One way to lie or to fail, and what must come of it.
pub struct Trap {
    /// In the list of traps.
    pub numbers: &'static [u8],
    pub name: &'static str,
    pub technique: Technique,
    pub options: Options,
    /// A part of the reason.
    pub says: &'static str,
}

fn trap(
    numbers: &'static [u8],
    name: &'static str,
    technique: Technique,
    lies: Lies,
    says: &'static str,
) -> Trap {
    Trap {
        numbers,
        name,
        technique,
        options: with(lies),
        says,
    }
}

pub fn traps() -> Vec<Trap> {
    let kept = "still hold";
    let honest = Lies::default();
    vec![
        trap(
            &[1],
            "swallowed",
            BlockErase,
            Lies {
                swallows: true,
                ..honest
            },
            kept,
        ),
        trap(
            &[1, 18],
            "over when it is answered",
            CryptoErase,
            Lies {
                never_in_progress: true,
                ..honest
            },
            "no transition was seen",
        ),
        trap(
            &[15],
            "the key stays",
            CryptoErase,
            Lies {
                keeps_key: true,
                ..honest
            },
            kept,
        ),
        trap(
            &[17],
            "all data intact",
            BlockErase,
            Lies {
                keeps_data: true,
                ..honest
            },
            kept,
        ),
        trap(
            &[17, 18],
            "a thousandth of its time, and of the medium",
            BlockErase,
            Lies {
                hurries: true,
                ..honest
            },
            kept,
        ),
        trap(
            &[19],
            "stuck at 655 of 65536",
            BlockErase,
            Lies {
                stuck_at: Some(655),
                ..honest
            },
            "stays at 655/65536",
        ),
        trap(
            &[19, 20],
            "failed half way (31/03)",
            Overwrite,
            Lies {
                fails: true,
                ..honest
            },
            "says that it failed",
        ),
        trap(
            &[19],
            "reads fail after it, against its own word",
            BlockErase,
            Lies {
                reads_fail_after_erase: true,
                ..honest
            },
            "could not be read after it",
        ),
        trap(
            &[49],
            "another pattern than the one given",
            Overwrite,
            Lies {
                ignores_pattern: true,
                ..honest
            },
            "do not hold the byte",
        ),
    ]
}

/// Lies that leave old bytes where no read of a host reaches them.
pub fn invisible() -> Vec<Trap> {
    vec![trap(
        &[17],
        "keeps the places without an address",
        BlockErase,
        Lies {
            keeps_unaddressed: true,
            ..Lies::default()
        },
        "claimed by drive",
    )]
}

#[test]
fn every_lie_that_shows_is_never_claimed() {
    for trap in traps() {
        let bench = Bench::new(trap.options);
        let evidence = bench.sanitize(trap.technique, &bench.world());
        let reasons = reasons(&evidence);
        let name = format!("{:?} {}", trap.numbers, trap.name);
        assert!(!is_claimed(&evidence), "{name}: {reasons}");
        assert!(reasons.contains(trap.says), "{name}: {reasons}");
    }
}

#[test]
fn what_no_host_can_see_is_claimed_by_the_drive_and_no_more() {
    for trap in invisible() {
        let bench = Bench::new(trap.options);
        let evidence = bench.sanitize(trap.technique, &bench.world());
        assert!(bench.residue() > 0, "{}", trap.name);
        let reasons = reasons(&evidence);
        assert!(is_claimed(&evidence), "{}: {reasons}", trap.name);
    }
}
