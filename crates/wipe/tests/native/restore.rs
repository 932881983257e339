//! Hidden capacity of simulated drives is given back, and never said to be when it is not.

mod path;
mod scsi;

use crate::wire::Wire;
use drive::facts::{DriveFacts, HiddenCapacity, Transport};
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Configured, Lies, Options};
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice};
use sim::random::Random;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wipe::native::witness::Medium as _;
use wipe::restore::{Evidence, Limits, Look, Outcome, Reason, Surroundings, judge, run};

const SECTORS: u64 = 2048;
const ATA: Limits = Limits::Ata { opened: false };

/// A drive that is itself for so many questions.
struct Itself(AtomicU32);

impl Itself {
    fn always() -> Self {
        Self(AtomicU32::new(u32::MAX))
    }
}

impl Surroundings for Itself {
    fn recheck_identity(&self) -> Result<(), String> {
        match self.0.fetch_sub(1, Ordering::Relaxed) {
            0 => Err("identifies as another drive".into()),
            _ => Ok(()),
        }
    }
}

fn ata(options: Options) -> Wire<AtaDisk> {
    Wire::new(AtaDisk::new(options, Clock::by_hand()), 512, SECTORS)
}

fn hpa(sectors: u64) -> Options {
    Options {
        accessible: Some(SECTORS - sectors),
        ..Options::default()
    }
}

fn overlay(native: u64, accessible: Option<u64>) -> Options {
    Options {
        accessible,
        configured: Configured {
            sectors: Some(native),
            ..Configured::default()
        },
        ..Options::default()
    }
}

fn power_cycle<D: ScsiDevice>(wire: &Wire<D>) {
    wire.drive().event(Event::PowerOff);
    wire.drive().event(Event::PowerOn);
}

/// The truth: the last sector that the factory made can be read.
fn is_open<D: ScsiDevice>(wire: &Wire<D>) -> bool {
    wire.read(SECTORS - 1, &mut [0; 512]).is_ok()
}

/// Hides what lies behind `last`, or opens it, until the power goes: READ NATIVE MAX, then SET MAX.
fn set_volatile(wire: &Wire<AtaDisk>, last: u64) {
    let [.., b, a] = last.to_be_bytes();
    let native = [0x85, 7, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x27, 0];
    let set = [0x85, 7, 0x20, 0, 0, 0, 0, 0, a, 0, b, 0, 0, 0x40, 0x37, 0];
    // The first command of all is told of the power.
    for cdb in [native, native, set] {
        wire.drive().command(&cdb, &[]);
    }
}

fn restore(limits: Limits, port: &dyn Port) -> (Outcome, Evidence) {
    let evidence = run(limits, port, &Itself::always());
    (judge(&evidence), evidence)
}

#[test]
fn hidden_sectors_of_honest_drives_are_open_and_stay_so_when_the_power_goes() {
    let amac = Options {
        amac: true,
        hpa: false,
        ..hpa(100)
    };
    for (name, options, from) in [
        ("HPA", hpa(100), SECTORS - 100),
        ("HPA of one sector", hpa(1), SECTORS - 1),
        ("AMAC", amac, SECTORS - 100),
        ("DCO", overlay(2000, None), 2000),
        ("DCO of one sector", overlay(SECTORS - 1, None), SECTORS - 1),
        ("HPA within DCO", overlay(2000, Some(1500)), 1500),
    ] {
        let wire = ata(options);
        assert!(!is_open(&wire), "{name}");
        let (outcome, evidence) = restore(ATA, &wire);
        let restored = Outcome::Restored {
            from,
            to: SECTORS,
            for_good: true,
        };
        assert_eq!(outcome, restored, "{name}: {evidence:?}");
        assert!(is_open(&wire), "{name}");
        power_cycle(&wire);
        assert!(is_open(&wire), "{name}: hidden again");
        // Nothing is left to do, and nothing is sent.
        let (_, evidence) = restore(ATA, &wire);
        assert!(!evidence.steps.iter().any(changes), "{name}");
    }
}

fn changes(step: &wipe::restore::Step) -> bool {
    step.command.contains("SET")
        || step.command.contains("RESTORE")
        || step.command.contains("SELECT")
}

#[test]
fn area_that_the_kernel_opened_for_this_boot_is_opened_for_good() {
    for (count_zeroed, for_good) in [(false, true), (true, false)] {
        let wire = ata(hpa(100));
        // As the kernel does with ignore_hpa.
        set_volatile(&wire, SECTORS - 1);
        assert!(is_open(&wire));
        wire.drive().options_mut().lies.count_zeroed = count_zeroed;
        let (outcome, evidence) = restore(Limits::Ata { opened: true }, &wire);
        if for_good {
            let restored = Outcome::Restored {
                from: SECTORS,
                to: SECTORS,
                for_good,
            };
            assert_eq!(outcome, restored, "{evidence:?}");
        } else {
            let not = Outcome::NotRestored {
                reason: Reason::NotLasting,
                left: Some(SECTORS),
            };
            assert_eq!(outcome, not, "{evidence:?}");
        }
        power_cycle(&wire);
        assert_eq!(is_open(&wire), for_good);
    }
}

#[test]
fn count_that_an_hba_zeroes_makes_no_change_for_good() {
    let wire = ata(Options {
        lies: Lies {
            count_zeroed: true,
            ..Lies::default()
        },
        ..hpa(100)
    });
    let (outcome, evidence) = restore(ATA, &wire);
    let restored = Outcome::Restored {
        from: SECTORS - 100,
        to: SECTORS,
        for_good: false,
    };
    assert_eq!(outcome, restored, "{evidence:?}");
    power_cycle(&wire);
    assert!(!is_open(&wire), "the lie is not simulated");
}

#[test]
fn frozen_limits_are_told_and_lifted_after_the_power_was_off() {
    let amac = Options {
        amac: true,
        hpa: false,
        ..hpa(100)
    };
    for options in [hpa(1), amac, overlay(2000, None), overlay(2000, Some(1500))] {
        let wire = ata(Options {
            hidden_frozen: true,
            ..options
        });
        let (outcome, evidence) = restore(ATA, &wire);
        assert!(
            matches!(outcome, Outcome::NotRestored { .. }),
            "{evidence:?}"
        );
        assert!(!is_open(&wire));
        power_cycle(&wire);
        let (outcome, evidence) = restore(ATA, &wire);
        assert!(
            matches!(outcome, Outcome::Restored { for_good: true, .. }),
            "{evidence:?}"
        );
        assert!(is_open(&wire));
    }
}

#[test]
fn second_change_between_two_power_cycles_is_refused_and_told() {
    let wire = ata(hpa(100));
    restore(ATA, &wire);
    // Somebody hides a sector again: a volatile limit is taken at any time.
    set_volatile(&wire, SECTORS - 2);
    let (outcome, _) = restore(ATA, &wire);
    let Outcome::NotRestored { reason, left } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(left, Some(SECTORS - 1));
    assert!(matches!(&reason, Reason::Refused(of) if of.command == "SET MAX ADDRESS EXT"));
    assert!(reason.remedy().contains("switch the machine off"));
}

#[test]
fn native_maximum_that_is_a_count_restores_nothing() {
    for options in [Options::default(), hpa(1), hpa(100)] {
        let lies = Lies {
            native_max_is_count: true,
            ..Lies::default()
        };
        let wire = ata(Options { lies, ..options });
        let (outcome, evidence) = restore(ATA, &wire);
        assert!(
            matches!(outcome, Outcome::NotRestored { .. }),
            "{evidence:?}"
        );
    }
}

/// A port on which something happens at one command.
struct Meddled<'a> {
    wire: &'a Wire<AtaDisk>,
    sent: AtomicU32,
    /// The power goes at this command, and comes back before the next.
    cut_at: u32,
    /// SET MAX ADDRESS EXT is answered with success and not passed on.
    swallows: bool,
}

impl Port for Meddled<'_> {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        let sent = self.sent.fetch_add(1, Ordering::Relaxed);
        if sent == self.cut_at {
            self.wire.drive().event(Event::PowerOff);
        } else if sent == self.cut_at.saturating_add(1) {
            self.wire.drive().event(Event::PowerOn);
        }
        if self.swallows && cdb.get(14) == Some(&0x37) {
            let power_mode = [0x85, 6, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE5, 0];
            return self.wire.scsi(&power_mode, data, timeout);
        }
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

fn meddled(wire: &Wire<AtaDisk>, cut_at: u32, swallows: bool) -> Meddled<'_> {
    Meddled {
        wire,
        sent: AtomicU32::new(0),
        cut_at,
        swallows,
    }
}

#[test]
fn swallowed_change_is_no_restoration() {
    let wire = ata(hpa(100));
    let (outcome, evidence) = restore(ATA, &meddled(&wire, u32::MAX, true));
    let not = Outcome::NotRestored {
        reason: Reason::NoEffect,
        left: Some(SECTORS - 100),
    };
    assert_eq!(outcome, not, "{evidence:?}");
    assert!(
        !evidence
            .steps
            .iter()
            .any(|step| step.command.contains("RESTORE"))
    );
}

#[test]
fn power_cut_at_any_command_claims_nothing_that_is_not_so_and_a_second_run_ends_well() {
    for at in 0..40 {
        let wire = ata(overlay(2000, Some(1500)));
        let port = meddled(&wire, at, false);
        let (outcome, evidence) = restore(ATA, &port);
        if port.sent.load(Ordering::Relaxed) == at + 1 {
            wire.drive().event(Event::PowerOn);
        }
        if let Outcome::Restored { .. } = outcome {
            assert!(is_open(&wire), "cut at {at}: {evidence:?}");
        }
        power_cycle(&wire);
        let (_, second) = restore(ATA, &wire);
        assert!(is_open(&wire), "cut at {at}: {second:?}");
        let (after, wanted) = (second.after.expect("read"), SECTORS);
        assert_eq!((after.sectors, after.most), (wanted, wanted), "cut at {at}");
    }
}

#[test]
fn another_drive_gets_no_command_that_changes_it_and_is_an_error_afterwards() {
    for (questions, changed) in [(0, false), (1, true)] {
        let wire = ata(hpa(100));
        let evidence = run(ATA, &wire, &Itself(AtomicU32::new(questions)));
        assert!(
            matches!(judge(&evidence), Outcome::Wrong(_)),
            "{evidence:?}"
        );
        assert_eq!(evidence.steps.iter().any(changes), changed);
        assert_eq!(is_open(&wire), changed);
    }
}

#[test]
fn drive_that_is_smaller_or_of_other_sectors_afterwards_is_an_error() {
    let look = |sectors, sector_bytes| {
        Ok(Look {
            sectors,
            sector_bytes,
            most: sectors,
            unknown: Vec::new(),
        })
    };
    for (sectors, sector_bytes) in [(999, 512), (1000, 4096), (1001, 520)] {
        let evidence = Evidence {
            before: look(1000, 512),
            steps: Vec::new(),
            refused: None,
            lasting: true,
            after: look(sectors, sector_bytes),
            identity_lost: None,
        };
        assert!(matches!(judge(&evidence), Outcome::Wrong(_)));
    }
}

#[test]
fn limits_are_lifted_of_drives_that_hide_something_and_take_such_commands() {
    let limits = |transport, vendor: Option<&str>, hidden: &HiddenCapacity| {
        Limits::of(&DriveFacts {
            vendor: vendor.map(str::to_owned),
            hidden: hidden.clone(),
            ..DriveFacts::unasked("sdz", transport)
        })
    };
    let (bytes, evidence) = (512, String::new);
    let hidden = HiddenCapacity::Hidden {
        bytes,
        evidence: evidence(),
    };
    let opened = HiddenCapacity::OpenedForThisBoot {
        bytes,
        evidence: evidence(),
    };
    for (is, opened) in [(&hidden, false), (&opened, true)] {
        let ata = Some(Limits::Ata { opened });
        assert_eq!(limits(Transport::Ata, None, is), ata);
        // Behind a SAS controller.
        assert_eq!(limits(Transport::Scsi, Some("ATA"), is), ata);
        assert_eq!(limits(Transport::Scsi, Some("SIM"), is), Some(Limits::Scsi));
        for transport in [
            Transport::Nvme,
            Transport::Usb,
            Transport::Mmc,
            Transport::Sd,
            Transport::Virtio,
            Transport::Loop,
            Transport::RaidVolume,
            Transport::Network,
            Transport::Other,
        ] {
            assert_eq!(limits(transport, Some("ATA"), is), None);
        }
    }
    for hidden in [
        HiddenCapacity::NotApplicable,
        HiddenCapacity::None {
            evidence: evidence(),
        },
        HiddenCapacity::Unknown { reason: evidence() },
    ] {
        assert_eq!(limits(Transport::Ata, None, &hidden), None);
        assert_eq!(limits(Transport::Scsi, Some("SIM"), &hidden), None);
    }
}

/// `SEEDS=N` for more.
#[test]
fn no_seed_says_restored_of_sectors_that_stay_hidden() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let mut restored = 0;
    for seed in 0..seeds.unwrap_or(1000) {
        let mut random = Random::new(seed);
        let native = random.one_in(2).then(|| SECTORS - 1 - random.below(500));
        let below = native.unwrap_or(SECTORS);
        let few = 12;
        let wire = ata(Options {
            accessible: random.one_in(2).then(|| below - 1 - random.below(500)),
            configured: Configured {
                sectors: native,
                hides_hpa: random.one_in(few),
                ..Configured::default()
            },
            amac: random.one_in(3),
            hpa: random.one_in(2),
            dco: !random.one_in(few),
            hidden_frozen: random.one_in(few),
            lies: Lies {
                native_max_is_count: random.one_in(few),
                count_zeroed: random.one_in(4),
                fixed_sense_only: random.one_in(few),
                registers_28_bit: random.one_in(few),
                registers_of_previous: random.one_in(few),
                sense_empty: random.one_in(few),
                ..Lies::default()
            },
            ..Options::default()
        });
        let cut_at = match random.one_in(4) {
            true => u32::try_from(random.below(30)).expect("small"),
            false => u32::MAX - 1,
        };
        let known = wire.drive().options_mut().dco || native.is_none();
        let port = meddled(&wire, cut_at, random.one_in(few));
        let (outcome, evidence) = restore(ATA, &port);
        if port.sent.load(Ordering::Relaxed) == cut_at + 1 {
            wire.drive().event(Event::PowerOn);
        }
        let Outcome::Restored { for_good, .. } = outcome else {
            continue;
        };
        restored += 1;
        // An overlay on a drive that denies to have one is what no host can see.
        assert!(!known || is_open(&wire), "seed {seed}: {evidence:?}");
        power_cycle(&wire);
        assert!(
            !known || !for_good || is_open(&wire),
            "seed {seed}: hidden again: {evidence:?}"
        );
    }
    assert!(
        restored > 100,
        "{restored}: most seeds must not be hopeless"
    );
}
