//! The lies, one by one: those that show, with the reason that they are caught by, and those that no
//! host can see.

use super::{Bench, Options, with};
use crate::trap::{Run, Trap};
use sim::scsi::Lies;
use wipe::native::Technique;
use wipe::native::Technique::{BlockErase, CryptoErase, Overwrite};

fn trap(
    numbers: &'static [u8],
    name: &'static str,
    technique: Technique,
    lies: Lies,
    says: &'static str,
) -> Trap<Options> {
    Trap {
        numbers,
        name,
        technique,
        options: with(lies),
        says,
    }
}

fn traps() -> Vec<Trap<Options>> {
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
fn invisible() -> Vec<Trap<Options>> {
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

fn run_each(traps: Vec<Trap<Options>>) -> Vec<Run> {
    let run = |options, technique| {
        let bench = Bench::new(options);
        let evidence = bench.sanitize(technique, &bench.world());
        (evidence, bench.residue())
    };
    traps
        .into_iter()
        .map(|trap| trap.run("SCSI", run))
        .collect()
}

/// For the table: those that show, and those that do not.
pub fn runs() -> Vec<Run> {
    run_each(traps().into_iter().chain(invisible()).collect())
}

#[test]
fn every_lie_that_shows_is_never_claimed() {
    run_each(traps()).iter().for_each(Run::assert_expected);
}

#[test]
fn what_no_host_can_see_is_claimed_by_the_drive_and_no_more() {
    run_each(invisible()).iter().for_each(Run::assert_invisible);
}
