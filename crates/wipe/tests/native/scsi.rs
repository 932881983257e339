//! SANITIZE of simulated SAS disks: the honest ones are claimed, the liars never, but for lies that no
//! host can see.

mod answers;
pub mod traps;

use crate::trap::{is_claimed, reasons};
use crate::wire::{Wire, World, another};
use drive::port::{Data, Port};
use drive::scsi::vpd::{Characteristics, characteristics};
use sim::cells::Placement;
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice as _};
use sim::random::Random;
use sim::scsi::{AfterErase, Lies, Sanitize as Offered, ScsiDisk, ScsiOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wipe::native::scsi::ScsiSanitize;
use wipe::native::{End, Evidence, Patience, State, Technique, Verdict, judge, run};

const SECRET: &[u8] = b"the donor's accounts";
const SECTORS: u64 = 2048;

/// Everything that a disk may be here.
#[derive(Clone)]
struct Options {
    is_flash: bool,
    after_erase: AfterErase,
    lies: Lies,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            is_flash: true,
            after_erase: AfterErase::Good,
            lies: Lies::default(),
        }
    }
}

/// A disk full of the donor's data, with some of it in places that no address points to.
struct Bench {
    wire: Wire<ScsiDisk>,
    clock: Clock,
    is_flash: bool,
}

impl Bench {
    fn new(options: Options) -> Self {
        let clock = Clock::by_hand();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let mut disk = ScsiDisk::new(ScsiOptions {
            rotation: if options.is_flash { 1 } else { 7200 },
            placement: match options.is_flash {
                true => Placement::Moving,
                false => Placement::InPlace,
            },
            sanitize: Offered {
                overwrite: seconds(600),
                block_erase: seconds(60).filter(|_| options.is_flash),
                cryptographic_erase: seconds(4),
                after_block_erase: options.after_erase,
                after_cryptographic_erase: options.after_erase,
            },
            clock: clock.clone(),
            ..ScsiOptions::disk("SAS00001", 0x5000_C500_1234_5678, SECTORS)
        });
        let mut bytes = SECRET.repeat(26);
        bytes.truncate(512);
        for address in 0..SECTORS {
            disk.cells_mut().write(address, &bytes);
        }
        for address in [3, 70, 1500] {
            disk.cells_mut().reallocate(address);
        }
        disk.set_lies(options.lies);
        Self {
            wire: Wire::new(disk, 512, SECTORS),
            clock,
            is_flash: options.is_flash,
        }
    }

    fn world(&self) -> World<'_> {
        World::new(self.clock.clone())
    }

    /// VPD page B1h, by raz's own decoder.
    fn characteristics(&self) -> Option<Characteristics> {
        let mut page = [0; 64];
        let inquiry = [0x12, 0x01, 0xB1, 0, 64, 0];
        let data = Data::In(&mut page);
        self.wire.scsi(&inquiry, data, Duration::ZERO).ok()?;
        characteristics(&page)
    }

    fn sanitize(&self, technique: Technique, world: &World<'_>) -> Evidence {
        let door = ScsiSanitize::new(Arc::new(self.wire.clone()), self.characteristics());
        let patience = Patience::of(!self.is_flash);
        run(&door, technique, &self.wire, world, patience)
    }

    /// Places where the donor's data can still be had, by anybody: the truth.
    fn residue(&self) -> usize {
        self.wire.drive().cells().find(SECRET).len()
    }
}

fn with(lies: Lies) -> Options {
    Options {
        lies,
        ..Options::default()
    }
}

#[test]
fn honest_disks_are_claimed_and_nothing_of_the_donor_is_left_anywhere() {
    use Technique::{BlockErase, CryptoErase, Overwrite};
    for (is_flash, technique) in [
        (true, BlockErase),
        (true, CryptoErase),
        (true, Overwrite),
        (false, CryptoErase),
        (false, Overwrite),
    ] {
        let bench = Bench::new(Options {
            is_flash,
            ..Options::default()
        });
        assert!(bench.residue() > 2048, "reallocated sectors too");
        let evidence = bench.sanitize(technique, &bench.world());
        assert!(is_claimed(&evidence), "{technique}: {}", reasons(&evidence));
        assert_eq!(bench.residue(), 0, "{technique}");
        assert!(evidence.in_progress_seen > 0 && evidence.witnesses.planted > 50);
        if technique == Overwrite {
            let (kinds, looked_at) = (evidence.witnesses.kinds, evidence.witnesses.looked_at());
            assert_eq!(kinds.constant, looked_at);
        }
        // The same again: nothing of the first sanitize is taken for the second.
        let evidence = bench.sanitize(technique, &bench.world());
        assert!(is_claimed(&evidence), "{technique}: {}", reasons(&evidence));
    }
}

#[test]
fn page_b1_decides_whether_reads_may_fail_after_an_erase() {
    for (after_erase, may_fail) in [
        (AfterErase::Unspecified, false),
        (AfterErase::Good, false),
        (AfterErase::MediumError, true),
        (AfterErase::WriteRequired, true),
    ] {
        for technique in [Technique::BlockErase, Technique::CryptoErase] {
            let bench = Bench::new(Options {
                after_erase,
                ..Options::default()
            });
            let evidence = bench.sanitize(technique, &bench.world());
            assert_eq!(evidence.may_be_unreadable, may_fail, "{after_erase:?}");
            assert_eq!(bench.residue(), 0);
            // Where all reads fail there is nothing to judge by.
            let reasons = reasons(&evidence);
            let says = match may_fail {
                true => "unknown: none of the witnesses was looked at after it",
                false => "claimed by drive",
            };
            assert_eq!(reasons, says, "{after_erase:?}");
        }
        let bench = Bench::new(Options {
            after_erase,
            ..Options::default()
        });
        let evidence = bench.sanitize(Technique::Overwrite, &bench.world());
        assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    }
}

#[test]
fn reset_just_before_the_command_is_told_and_the_command_sent_again() {
    for technique in [Technique::BlockErase, Technique::Overwrite] {
        let bench = Bench::new(Options::default());
        let mut world = bench.world();
        let wire = bench.wire.clone();
        world.identity = Box::new(move || {
            wire.drive().event(Event::Reset);
            Ok(())
        });
        let evidence = bench.sanitize(technique, &world);
        assert!(is_claimed(&evidence), "{}", reasons(&evidence));
        assert_eq!(bench.residue(), 0);
    }
}

#[test]
fn power_cut_and_reset_that_the_wait_does_not_notice_end_well() {
    for (at, then) in [
        (Event::PowerOff, Event::PowerOn),
        (Event::Reset, Event::Reset),
    ] {
        let bench = Bench::new(Options::default());
        let mut world = bench.world();
        let wire = bench.wire.clone();
        world.meanwhile = Box::new(move |pauses| match pauses {
            3 => wire.drive().event(at),
            4 => wire.drive().event(then),
            _ => {}
        });
        let evidence = bench.sanitize(Technique::BlockErase, &world);
        assert!(is_claimed(&evidence), "{at:?}: {}", reasons(&evidence));
        assert_eq!(bench.residue(), 0);
    }
}

#[test]
fn power_cut_in_the_middle_is_waited_out_and_is_no_claim_of_the_next_run_by_itself() {
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    *world.pauses_left.get_mut().expect("no panic") = 3;
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert_eq!(evidence.end, Some(End::Stopped));
    let reasons = reasons(&evidence);
    assert!(reasons.contains("the drive goes on"), "{reasons}");
    bench.wire.drive().event(Event::PowerOff);
    bench.clock.advance(Duration::from_secs(600));
    bench.wire.drive().event(Event::PowerOn);
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", self::reasons(&evidence));
    assert!(evidence.witnesses.planted > 0);
    assert_eq!(bench.residue(), 0);
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
fn failure_that_a_power_cut_makes_the_disk_forget_is_refuted_by_what_is_left() {
    let bench = Bench::new(with(Lies {
        fails: true,
        forgets_failure: true,
        ..Lies::default()
    }));
    let mut world = bench.world();
    let (wire, clock) = (bench.wire.clone(), bench.clock.clone());
    world.meanwhile = Box::new(move |pauses| {
        if pauses == 2 {
            // It fails between two questions, and comes back as if nothing had been.
            clock.advance(Duration::from_secs(60));
            wire.drive().event(Event::PowerOff);
            wire.drive().event(Event::PowerOn);
        }
    });
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    let idle = State::Idle { completed: None };
    assert_eq!(evidence.after.as_ref().map(|said| &said.state), Some(&idle));
    assert!(evidence.in_progress_seen > 0);
    let reasons = reasons(&evidence);
    assert!(reasons.contains("still hold"), "{reasons}");
}

#[test]
fn another_drive_at_the_end_refutes_it_and_one_at_the_beginning_gets_no_command() {
    for (drives_right, begins) in [(0, false), (1, true)] {
        let bench = Bench::new(Options::default());
        let before = bench.residue();
        let mut world = bench.world();
        let asked = AtomicU32::new(0);
        world.identity = Box::new(move || match asked.fetch_add(1, Ordering::Relaxed) {
            asked if asked < drives_right => Ok(()),
            _ => Err(another()),
        });
        let evidence = bench.sanitize(Technique::BlockErase, &world);
        assert_eq!(evidence.not_begun.is_none(), begins);
        if begins {
            assert!(matches!(judge(&evidence), Verdict::Refuted(_)));
        } else {
            assert!(bench.residue() + 64 >= before, "nothing but witnesses");
        }
    }
}

#[test]
fn disk_that_failed_before_gets_another_try_and_no_claim() {
    let bench = Bench::new(with(Lies {
        fails: true,
        ..Lies::default()
    }));
    let first = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(matches!(judge(&first), Verdict::Refuted(_)));
    bench.wire.drive().set_lies(Lies::default());
    let second = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(second.end.is_some(), "it was sent");
    let reasons = reasons(&second);
    assert!(reasons.contains("no witnesses"), "{reasons}");
    // The disk is well again; a third run can stand witnesses on it.
    let third = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&third), "{}", self::reasons(&third));
}

/// `SEEDS=N` for more.
#[test]
fn no_seed_claims_what_a_host_could_have_seen() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let mut claimed = 0;
    for seed in 0..seeds.unwrap_or(1000) {
        let mut random = Random::new(seed);
        let options = drawn(&mut random);
        let technique = random.pick(&[
            Technique::BlockErase,
            Technique::CryptoErase,
            Technique::Overwrite,
        ]);
        let invisible = options.lies.keeps_unaddressed;
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
                residue == 0 || invisible && residue < 1024,
                "seed {seed}, {technique}: {residue} places, {evidence:?}"
            );
        }
    }
    assert!(
        claimed > 100,
        "{claimed} claims: most of the seeds must not be hopeless"
    );
}

/// A disk with a few lies, seldom many.
fn drawn(random: &mut Random) -> Options {
    let few = 12;
    Options {
        is_flash: random.one_in(2),
        after_erase: random.pick(&[
            AfterErase::Unspecified,
            AfterErase::Good,
            AfterErase::Good,
            AfterErase::MediumError,
            AfterErase::WriteRequired,
        ]),
        lies: Lies {
            swallows: random.one_in(few),
            never_in_progress: random.one_in(few),
            keeps_data: random.one_in(few),
            keeps_unaddressed: random.one_in(few),
            keeps_key: random.one_in(few),
            ignores_pattern: random.one_in(few),
            hurries: random.one_in(few),
            stuck_at: random.one_in(few).then_some(655),
            fails: random.one_in(few),
            forgets_failure: random.one_in(few),
            reads_fail_after_erase: random.one_in(few),
            ..Lies::default()
        },
    }
}
