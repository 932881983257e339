//! The lies, one by one: those that show, with the reason that they are caught by, and those that no
//! host can see.

use super::{Bench, with};
use crate::trap::{Run, Trap};
use drive::identity::IdentityLost;
use sim::device::{Event, NvmeDevice as _};
use sim::nvme::lies::{Kept, Lies};
use sim::nvme::options::Options;
use wipe::native::Technique;
use wipe::native::Technique::{BlockErase, CryptoErase, Overwrite};

fn trap(
    numbers: &'static [u8],
    name: &'static str,
    technique: Technique,
    options: Options,
    says: &'static str,
) -> Trap<Options> {
    Trap {
        numbers,
        name,
        technique,
        options,
        says,
    }
}

fn stale(dword_10: u32, lies: Lies) -> Options {
    Options {
        earlier_sanitize: Some(dword_10),
        ..with(lies)
    }
}

/// The controller deallocates after a sanitize, whatever it is asked for.
fn deallocating(lies: Lies) -> Options {
    let mut options = with(lies);
    options.switches.no_deallocate_inhibited = true;
    options
}

/// Dword 10 of a block erase as raz sends it to the default drive: NDAS, PREQ.
const OURS: u32 = 0xA02;

fn traps() -> Vec<Trap<Options>> {
    let kept = "still hold";
    vec![
        trap(
            &[1],
            "swallowed, the log is that of an earlier sanitize",
            BlockErase,
            stale(
                2,
                Lies {
                    swallows_sanitize: true,
                    ..Lies::default()
                },
            ),
            kept,
        ),
        trap(
            &[1],
            "swallowed, the log names our command and says that all is erased",
            BlockErase,
            stale(
                OURS,
                Lies {
                    swallows_sanitize: true,
                    global_data_erased_always: true,
                    ..Lies::default()
                },
            ),
            kept,
        ),
        trap(
            &[1],
            "swallowed by a drive that was never sanitized",
            CryptoErase,
            with(Lies {
                swallows_sanitize: true,
                ..Lies::default()
            }),
            "does not say that it completed",
        ),
        trap(
            &[1],
            "the log names another command",
            BlockErase,
            with(Lies {
                command_dword_10: Some(2),
                ..Lies::default()
            }),
            "another operation",
        ),
        trap(
            &[11],
            "deallocates instead, although asked not to",
            BlockErase,
            with(Lies {
                only_deallocates: true,
                ..Lies::default()
            }),
            kept,
        ),
        trap(
            &[11],
            "overwrites nothing, although asked not to deallocate",
            Overwrite,
            with(Lies {
                only_deallocates: true,
                ..Lies::default()
            }),
            kept,
        ),
        trap(
            &[14],
            "locked, reads zeros",
            BlockErase,
            with(Lies {
                locked_reads_zeros: true,
                ..Lies::default()
            }),
            "no witnesses could be written",
        ),
        trap(
            &[14],
            "refused by a lock (286h)",
            BlockErase,
            with(Lies {
                refuses_sanitize: Some(0x286),
                ..Lies::default()
            }),
            "refused with NVMe status 286h",
        ),
        trap(
            &[],
            "refused for a memory region (123h)",
            BlockErase,
            with(Lies {
                refuses_sanitize: Some(0x123),
                ..Lies::default()
            }),
            "refused with NVMe status 123h",
        ),
        trap(
            &[15],
            "nothing is encrypted, or the key stays",
            CryptoErase,
            with(Lies {
                crypto_erase_keeps_the_key: true,
                ..Lies::default()
            }),
            kept,
        ),
        trap(
            &[17],
            "success, all data intact",
            BlockErase,
            with(Lies {
                keeps: Some(Kept::All),
                ..Lies::default()
            }),
            kept,
        ),
        trap(
            &[17],
            "success, the namespace that is read intact",
            CryptoErase,
            deallocating(Lies {
                keeps: Some(Kept::Namespace(1)),
                ..Lies::default()
            }),
            kept,
        ),
        trap(
            &[18],
            "over at once",
            BlockErase,
            deallocating(Lies {
                sanitize_is_instant: true,
                ..Lies::default()
            }),
            "where no drive of its kind needs less",
        ),
        trap(
            &[18],
            "over at once, keeps what is read",
            CryptoErase,
            with(Lies {
                sanitize_is_instant: true,
                ..Lies::default()
            }),
            kept,
        ),
        trap(
            &[1, 18],
            "over at once, and a log that says what it said before",
            CryptoErase,
            Options {
                earlier_sanitize: Some(4),
                ..deallocating(Lies {
                    sanitize_is_instant: true,
                    global_data_erased_always: true,
                    ..Lies::default()
                })
            },
            "no transition was seen",
        ),
        trap(
            &[19],
            "stuck at 655 of 65536",
            BlockErase,
            with(Lies {
                sanitize_sticks_at: Some(655),
                ..Lies::default()
            }),
            "stays at 655/65536",
        ),
        trap(
            &[19, 20],
            "failed (status 3, progress FFFFh)",
            BlockErase,
            with(Lies {
                sanitize_failures: 1,
                ..Lies::default()
            }),
            "says that it failed",
        ),
        trap(
            &[35],
            "flushes ignored, all data intact",
            BlockErase,
            with(Lies {
                ignores_flush: true,
                keeps: Some(Kept::All),
                ..Lies::default()
            }),
            kept,
        ),
        trap(
            &[43],
            "worn out, writes ignored",
            BlockErase,
            with(Lies {
                ignores_writes: true,
                ..Lies::default()
            }),
            "does not hold what was written",
        ),
    ]
}

/// Lies that leave old bytes where no read of a host reaches them.
fn invisible() -> Vec<Trap<Options>> {
    let claimed = "claimed by drive";
    vec![
        trap(
            &[11],
            "deallocates instead, and inhibits that it be asked not to",
            BlockErase,
            deallocating(Lies {
                only_deallocates: true,
                ..Lies::default()
            }),
            claimed,
        ),
        trap(
            &[15],
            "the key stays, and everything is deallocated",
            CryptoErase,
            deallocating(Lies {
                crypto_erase_keeps_the_key: true,
                ..Lies::default()
            }),
            claimed,
        ),
        trap(
            &[17],
            "keeps the places without an address",
            BlockErase,
            with(Lies {
                keeps: Some(Kept::Spares),
                ..Lies::default()
            }),
            claimed,
        ),
        trap(
            &[18],
            "over at once, and everything is deallocated",
            CryptoErase,
            deallocating(Lies {
                sanitize_is_instant: true,
                ..Lies::default()
            }),
            claimed,
        ),
        trap(
            &[31],
            "keeps the namespace that is attached to nothing",
            BlockErase,
            with(Lies {
                keeps: Some(Kept::Namespace(2)),
                ..Lies::default()
            }),
            claimed,
        ),
    ]
}

/// Whether a claim over this drive may be wrong and no host can tell.
pub fn is_invisible(options: &Options, technique: Technique) -> bool {
    let (lies, switches) = (&options.lies, &options.switches);
    let asked_to_keep = !switches.no_deallocate_inhibited && switches.no_deallocate_modifies == 1;
    let deallocates = !asked_to_keep || lies.deallocates_all_the_same;
    let keeps_key = technique == CryptoErase && lies.crypto_erase_keeps_the_key;
    let erases_nothing = lies.only_deallocates || lies.sanitize_is_instant || keeps_key;
    matches!(lies.keeps, Some(Kept::Spares | Kept::Namespace(2)))
        || erases_nothing && deallocates
        || lies.deallocates_all_the_same && erases_nothing
}

fn run_each(traps: Vec<Trap<Options>>) -> Vec<Run> {
    let run = |options, technique| {
        let bench = Bench::new(options);
        let evidence = bench.sanitize(technique, &bench.world());
        (evidence, bench.residue())
    };
    traps
        .into_iter()
        .map(|trap| trap.run("NVMe", run))
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
    for trap in invisible() {
        assert!(is_invisible(&trap.options, trap.technique), "{}", trap.name);
    }
    run_each(invisible()).iter().for_each(Run::assert_invisible);
}

/// A power loss in the middle, which the drive takes for the end.
fn cut(technique: Technique) -> Run {
    let trap = trap(
        &[47],
        "a power cut ends it, and the log says success",
        technique,
        deallocating(Lies {
            power_loss_ends_sanitize: true,
            ..Lies::default()
        }),
        "still hold",
    );
    trap.run("NVMe", |options, technique| {
        let bench = Bench::new(options);
        let mut world = bench.world();
        let wire = bench.wire.clone();
        world.meanwhile = Box::new(move |pauses| {
            if pauses == 2 {
                wire.drive().event(Event::PowerOff);
                wire.drive().event(Event::PowerOn);
            }
        });
        let evidence = bench.sanitize(technique, &world);
        let residue = bench.residue();
        (evidence, residue)
    })
}

/// Another drive answers at the end.
fn swap() -> Run {
    let says = "another drive";
    let trap = trap(
        &[37],
        "another drive in the slot",
        BlockErase,
        with(Lies::default()),
        says,
    );
    trap.run("NVMe", |options, _| {
        let bench = Bench::new(options);
        let evidence = super::swapped(&bench);
        (evidence, bench.residue())
    })
}

/// No lie: its power goes in the middle and does not come back.
fn lost() -> Run {
    let trap = trap(
        &[47],
        "its power goes in the middle and stays away",
        BlockErase,
        Options::default(),
        "lost in its erase",
    );
    trap.run("NVMe", |options, _| {
        let bench = Bench::new(options);
        let gone = IdentityLost::Gone("nvme0n1 has left the machine".into());
        (super::lost(&bench, gone), bench.residue())
    })
}

/// No lie: what is in namespaces that the host does not see is erased with the others.
fn honest(technique: Technique) -> Run {
    let name = "honest: one namespace attached to nothing and one deleted held old data";
    let trap = trap(
        &[31],
        name,
        technique,
        Options::default(),
        "claimed by drive",
    );
    run_each(vec![trap]).remove(0)
}

/// Those beside the lists: something happens meanwhile, or nothing is wrong.
pub fn runs_beside() -> Vec<Run> {
    let honest = super::ALL.into_iter().map(honest);
    honest.chain([cut(BlockErase), lost(), swap()]).collect()
}

#[test]
fn power_cut_that_ends_the_sanitize_as_a_success_and_another_drive_are_refuted() {
    let mut runs: Vec<Run> = super::ALL.into_iter().map(cut).collect();
    runs.push(swap());
    for run in runs {
        run.assert_expected();
        assert!(run.reasons.starts_with("refuted"), "{}", run.reasons);
    }
}
