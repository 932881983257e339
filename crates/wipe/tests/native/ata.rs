//! SANITIZE DEVICE of simulated ATA disks: the honest ones are claimed, the liars never, but for lies
//! that no host can see.

use crate::trap::{Run, Trap, is_claimed, reasons};
use crate::wire::{Wire, World, another};
use drive::port::Port;
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Kept, Lies, Options, SanitizeOptions};
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice as _};
use sim::random::Random;
use std::sync::Arc;
use std::time::Duration;
use wipe::native::ata::AtaSanitize;
use wipe::native::{End, Evidence, Patience, Technique, Verdict, judge, run};

const SECRET: &[u8] = b"the donor's accounts";

/// A drive full of the donor's data, with some of it in places that no address points to.
pub struct Bench {
    pub wire: Wire<AtaDisk>,
    clock: Clock,
    is_rotating: bool,
}

impl Bench {
    pub fn new(options: Options) -> Self {
        let clock = Clock::by_hand();
        let (sectors, reserved) = (options.sectors, options.lies.bridge_reserves);
        let is_rotating = options.rotation > 1;
        let writes_ignored_after = options.lies.writes_ignored_after;
        let mut disk = AtaDisk::new(options, clock.clone());
        let mut bytes = SECRET.repeat(26);
        bytes.truncate(512);
        for address in 0..sectors {
            disk.cells_mut().write(address, &bytes);
        }
        for address in [3, 70, 1500] {
            disk.reallocate(address);
        }
        disk.options_mut().lies.writes_ignored_after = writes_ignored_after;
        Self {
            wire: Wire::new(disk, 512, sectors - reserved),
            clock,
            is_rotating,
        }
    }

    pub fn world(&self) -> World<'_> {
        World::new(self.clock.clone())
    }

    fn sanitize(&self, technique: Technique, world: &World<'_>) -> Evidence {
        let port: Arc<dyn Port> = Arc::new(self.wire.clone());
        let patience = Patience::of(self.is_rotating);
        run(
            &AtaSanitize::new(port),
            technique,
            &self.wire,
            world,
            patience,
        )
    }

    /// Places where the donor's data can still be had, by anybody: the truth.
    pub fn residue(&self) -> usize {
        self.wire.drive().cells().find(SECRET).len()
    }
}

pub fn with(lies: Lies) -> Options {
    Options {
        lies,
        ..Options::default()
    }
}

#[test]
fn honest_drives_are_claimed_and_nothing_of_the_donor_is_left_anywhere() {
    for technique in [
        Technique::BlockErase,
        Technique::CryptoErase,
        Technique::Overwrite,
    ] {
        let bench = Bench::new(Options::default());
        assert!(bench.residue() > 2048, "reallocated sectors too");
        let evidence = bench.sanitize(technique, &bench.world());
        assert!(is_claimed(&evidence), "{technique}: {}", reasons(&evidence));
        assert_eq!(bench.residue(), 0, "{technique}");
        assert!(evidence.in_progress_seen > 0 && evidence.witnesses.planted > 50);
    }
    let bench = Bench::new(Options::magnetic());
    let evidence = bench.sanitize(Technique::Overwrite, &bench.world());
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 0);
    assert_eq!(
        evidence.witnesses.kinds.constant,
        evidence.witnesses.looked_at()
    );
}

#[test]
fn honest_drive_that_was_sanitized_before_is_claimed_again() {
    let mut options = Options::default();
    options.sanitize.done_before = true;
    let bench = Bench::new(options);
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 0);
}

fn traps() -> Vec<Trap<Options>> {
    use Technique::{BlockErase, CryptoErase, Overwrite};
    let trap = |numbers, name, technique, options, says| Trap {
        numbers,
        name,
        technique,
        options,
        says,
    };
    let stale = |lies| Options {
        sanitize: SanitizeOptions {
            done_before: true,
            ..SanitizeOptions::default()
        },
        lies,
        ..Options::default()
    };
    let swallowed = || Lies {
        sanitize_swallowed: true,
        ..Lies::default()
    };
    let keeps = |sanitize_keeps| Lies {
        sanitize_keeps,
        ..Lies::default()
    };
    vec![
        trap(
            &[1],
            "swallowed, status from years ago",
            BlockErase,
            stale(swallowed()),
            "still hold",
        ),
        trap(
            &[1],
            "swallowed, status set by the lie",
            CryptoErase,
            with(swallowed()),
            "still hold",
        ),
        trap(
            &[15],
            "nothing is encrypted, the keys change",
            CryptoErase,
            with(Lies {
                key_kept: true,
                ..Lies::default()
            }),
            "still hold",
        ),
        trap(
            &[17],
            "success, all data intact",
            BlockErase,
            with(keeps(Kept::All)),
            "still hold",
        ),
        trap(
            &[18],
            "over at once",
            BlockErase,
            with(Lies {
                instant: true,
                ..Lies::default()
            }),
            "where no drive of its kind needs less",
        ),
        trap(
            &[18, 1],
            "over at once, and a status from years ago",
            CryptoErase,
            stale(Lies {
                instant: true,
                ..Lies::default()
            }),
            "no transition was seen",
        ),
        trap(
            &[19],
            "stuck at 655 of 65536",
            BlockErase,
            with(Lies {
                stuck_at: Some(655),
                ..Lies::default()
            }),
            "stays at 655/65536",
        ),
        trap(
            &[20],
            "physical sectors remain",
            BlockErase,
            with(Lies {
                sanitize_fails: Some(1),
                ..Lies::default()
            }),
            "physical sectors remain unsanitized",
        ),
        trap(
            &[20],
            "failed without a reason",
            BlockErase,
            with(Lies {
                sanitize_fails: Some(0),
                ..Lies::default()
            }),
            "failed",
        ),
        trap(
            &[21],
            "a bridge with empty sense",
            BlockErase,
            with(Lies {
                sense_empty: true,
                ..Lies::default()
            }),
            "state is unknown",
        ),
        trap(
            &[21],
            "a bridge that swallows",
            BlockErase,
            with(Lies {
                pass_through_swallowed: true,
                ..Lies::default()
            }),
            "state is unknown",
        ),
        trap(
            &[35],
            "flushes ignored, all data intact",
            BlockErase,
            with(Lies {
                flush_ignored: true,
                sanitize_keeps: Kept::All,
                ..Lies::default()
            }),
            "still hold",
        ),
        trap(
            &[43],
            "worn out, writes ignored",
            BlockErase,
            with(Lies {
                writes_ignored_after: Some(0),
                ..Lies::default()
            }),
            "does not hold what was written",
        ),
        trap(
            &[49],
            "another pattern than the one given",
            Overwrite,
            with(Lies {
                overwrite_pattern: Some([0; 4]),
                ..Lies::default()
            }),
            "do not hold the byte",
        ),
        trap(
            &[],
            "an HBA with fixed sense only",
            BlockErase,
            with(Lies {
                fixed_sense_only: true,
                ..Lies::default()
            }),
            "state is unknown",
        ),
        trap(
            &[],
            "an HBA that returns 28-bit registers",
            BlockErase,
            with(Lies {
                registers_28_bit: true,
                ..Lies::default()
            }),
            "state is unknown",
        ),
        trap(
            &[],
            "sanitize is never answered",
            BlockErase,
            with(Lies {
                hangs_on: Some(0xB4),
                ..Lies::default()
            }),
            "unknown",
        ),
        trap(
            &[],
            "frozen by the firmware",
            BlockErase,
            Options {
                sanitize: SanitizeOptions {
                    frozen: true,
                    ..SanitizeOptions::default()
                },
                ..Options::default()
            },
            "frozen",
        ),
        trap(
            &[14],
            "locked by a password",
            BlockErase,
            Options {
                security: sim::ata::options::SecurityOptions {
                    password: Some([7; 32]),
                    ..Default::default()
                },
                ..Options::default()
            },
            "no witnesses could be written",
        ),
        trap(
            &[],
            "does not know the command",
            CryptoErase,
            Options {
                sanitize: SanitizeOptions {
                    crypto: false,
                    ..SanitizeOptions::default()
                },
                ..Options::default()
            },
            "does not take the command",
        ),
    ]
}

/// Lies that leave old bytes where no read of a host reaches them.
fn invisible() -> Vec<Trap<Options>> {
    vec![Trap {
        numbers: &[17],
        name: "keeps the places without an address",
        technique: Technique::BlockErase,
        options: with(Lies {
            sanitize_keeps: Kept::Unaddressed,
            ..Lies::default()
        }),
        says: "claimed by drive",
    }]
}

fn run_each(traps: Vec<Trap<Options>>) -> Vec<Run> {
    let run = |options, technique| {
        let bench = Bench::new(options);
        let evidence = bench.sanitize(technique, &bench.world());
        (evidence, bench.residue())
    };
    traps.into_iter().map(|trap| trap.run("ATA", run)).collect()
}

/// For the table: those that show, and those that do not.
pub fn runs() -> Vec<Run> {
    run_each(traps().into_iter().chain(invisible()).collect())
}

#[test]
fn every_lie_that_shows_in_status_reads_or_time_is_never_claimed() {
    run_each(traps()).iter().for_each(Run::assert_expected);
}

/// `SEEDS=N` for more.
#[test]
fn no_seed_claims_what_a_host_could_have_seen() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let mut claimed = 0;
    for seed in 0..seeds.unwrap_or(2000) {
        let mut random = Random::new(seed);
        let options = drawn(&mut random);
        let invisible = matches!(
            options.lies.sanitize_keeps,
            Kept::Unaddressed | Kept::Places(_)
        );
        let technique = random.pick(&[
            Technique::BlockErase,
            Technique::CryptoErase,
            Technique::Overwrite,
        ]);
        let bench = Bench::new(options);
        let mut world = bench.world();
        let cut = random.one_in(4).then(|| random.below(12));
        let wire = bench.wire.clone();
        world.meanwhile = Box::new(move |pauses| {
            if cut == Some(pauses) {
                wire.drive().event(Event::PowerOff);
                wire.drive().event(Event::PowerOn);
            }
        });
        let evidence = bench.sanitize(technique, &world);
        if is_claimed(&evidence) {
            claimed += 1;
            let residue = bench.residue();
            assert!(
                residue == 0 || invisible,
                "seed {seed}: {residue} places, {evidence:?}"
            );
            // What a part of the addresses keeps is seen only where a witness stands.
            assert!(
                residue < 1024,
                "seed {seed}: {residue} places, {evidence:?}"
            );
        }
    }
    assert!(
        claimed > 100,
        "{claimed} claims: most of the seeds must not be hopeless"
    );
}

/// A drive with a few lies, seldom many.
fn drawn(random: &mut Random) -> Options {
    let mut options = match random.one_in(3) {
        true => Options::magnetic(),
        false => Options::default(),
    };
    options.encrypts = random.one_in(2);
    options.sanitize.done_before = random.one_in(2);
    options.sanitize.frozen = random.one_in(20);
    let few = 12;
    let lies = &mut options.lies;
    lies.sanitize_swallowed = random.one_in(few);
    lies.zeros_elided = random.one_in(few);
    lies.key_kept = random.one_in(few);
    lies.instant = random.one_in(few);
    lies.sense_empty = random.one_in(few);
    lies.pass_through_swallowed = random.one_in(few);
    lies.flush_ignored = random.one_in(few);
    lies.reads_short = random.one_in(few);
    lies.count_zeroed = random.one_in(few);
    lies.fixed_sense_only = random.one_in(few);
    lies.registers_28_bit = random.one_in(few);
    lies.registers_of_previous = random.one_in(few);
    lies.stuck_at = random.one_in(few).then_some(655);
    lies.sanitize_fails = random.one_in(few).then(|| random.below(3) as u8);
    lies.overwrite_pattern = random.one_in(few).then_some([0; 4]);
    let start = random.below(1500);
    lies.sanitize_keeps = match random.below(10) {
        0 => Kept::All,
        1 => Kept::Unaddressed,
        2 => Kept::Places(start..start + 1 + random.below(400)),
        _ => Kept::Nothing,
    };
    options
}

#[test]
fn what_no_host_can_see_is_claimed_by_the_drive_and_no_more() {
    run_each(invisible()).iter().for_each(Run::assert_invisible);
}

#[test]
fn range_that_was_left_is_found_when_a_witness_stands_in_it() {
    // A tenth of the addresses: one in ten of some 300 witnesses.
    let mut options = Options::magnetic();
    options.lies.sanitize_keeps = Kept::Places(200..400);
    let bench = Bench::new(options);
    let evidence = bench.sanitize(Technique::Overwrite, &bench.world());
    assert!(bench.residue() > 0);
    assert!(
        reasons(&evidence).contains("still hold"),
        "{}",
        reasons(&evidence)
    );
}

#[test]
fn power_cut_in_the_middle_is_waited_out_and_is_no_claim_of_the_next_run_by_itself() {
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    *world.pauses_left.get_mut().expect("no panic") = 3;
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert_eq!(evidence.end, Some(End::Stopped));
    assert!(
        reasons(&evidence).contains("the drive goes on"),
        "{}",
        reasons(&evidence)
    );
    bench.wire.drive().event(Event::PowerOff);
    bench.clock.advance(Duration::from_secs(600));
    bench.wire.drive().event(Event::PowerOn);
    // It resumes by itself; the next run waits for its end, and erases once more with witnesses.
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert!(evidence.witnesses.planted > 0);
    assert_eq!(bench.residue(), 0);
}

#[test]
fn power_cut_that_the_wait_does_not_notice_ends_well() {
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    let wire = bench.wire.clone();
    world.meanwhile = Box::new(move |pauses| match pauses {
        3 => wire.drive().event(Event::PowerOff),
        4 => wire.drive().event(Event::PowerOn),
        _ => {}
    });
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 0);
}

#[test]
fn stop_that_comes_before_the_command_keeps_it_back() {
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    *world.pauses_left.get_mut().expect("no panic") = 1;
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert!(
        reasons(&evidence).contains("before the command was sent"),
        "{}",
        reasons(&evidence)
    );
    let drive = bench.wire.drive();
    let sent = drive
        .tasks()
        .last()
        .any(|task| task.command == 0xB4 && task.feature != 0);
    assert!(!sent, "only its status was asked for");
    drop(drive);
    assert!(bench.residue() > 0);
}

#[test]
fn cable_that_is_pulled_leaves_it_unknown() {
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    let wire = bench.wire.clone();
    world.meanwhile = Box::new(move |pauses| {
        if pauses == 3 {
            wire.drive().event(Event::PowerOff);
        }
    });
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert_eq!(evidence.end, Some(End::Undecoded));
    assert!(!is_claimed(&evidence));
}

#[test]
fn another_drive_at_the_end_refutes_it_and_one_at_the_beginning_gets_no_command() {
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    world.identity = Box::new(|| Err(another()));
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert!(evidence.not_begun.is_some());
    assert!(bench.residue() > 0, "nothing was sent");

    let asked = std::sync::atomic::AtomicU32::new(0);
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    world.identity = Box::new(
        || match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(another()),
        },
    );
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert!(
        matches!(judge(&evidence), Verdict::Refuted(_)),
        "{}",
        reasons(&evidence)
    );
}

#[test]
fn drive_that_failed_before_gets_another_try_and_no_claim() {
    let mut options = Options::default();
    options.lies.sanitize_fails = Some(1);
    let bench = Bench::new(options);
    let first = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(matches!(judge(&first), Verdict::Refuted(_)));
    bench.wire.drive().options_mut().lies.sanitize_fails = None;
    let second = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(second.end.is_some(), "it was sent");
    assert!(
        reasons(&second).contains("no witnesses"),
        "{}",
        reasons(&second)
    );
    // The drive is well again; a third run can stand witnesses on it.
    let third = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&third), "{}", reasons(&third));
}
