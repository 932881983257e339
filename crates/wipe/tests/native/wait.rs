//! The wait for a drive's own erase, and the last question after it, over a drive whose every answer
//! is the test's.

use crate::ata::Bench;
use crate::trap::{is_claimed, reasons};
use drive::facts::NvmeFormat as Offered;
use drive::port::Port;
use sim::ata::options::Options;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wipe::native::ata::AtaSanitize;
use wipe::native::format::NvmeFormat;
use wipe::native::security::EnhancedErase;
use wipe::native::witness::Medium as _;
use wipe::native::{End, Evidence, Patience, Said, Sanitize, State, Technique, run};

const HOUR: Duration = Duration::from_secs(3600);
const IDLE: State = State::Idle {
    completed: Some(true),
};

/// What it says is a function of the time since the command.
struct Told<F> {
    now: Box<dyn Fn() -> Duration + Send + Sync>,
    began: Mutex<Option<Duration>>,
    says: F,
}

impl<F: Fn(Duration) -> State + Send + Sync> Sanitize for Told<F> {
    fn said(&self) -> Said {
        let began = *self.began.lock().expect("no panic");
        let state = began.map_or(IDLE, |began| (self.says)((self.now)() - began));
        Said {
            state,
            erased_since_write: None,
            is_ours: None,
            is_deallocated: false,
            raw: String::new(),
        }
    }

    fn start(&self, _: Technique) -> Result<(), String> {
        *self.began.lock().expect("no panic") = Some((self.now)());
        Ok(())
    }

    fn may_be_unreadable_after(&self, _: Technique) -> bool {
        false
    }
}

fn waited(says: impl Fn(Duration) -> State + Send + Sync) -> Evidence {
    let bench = Bench::new(Options::default());
    let world = bench.world();
    let clock = world.clock.clone();
    let drive = Told {
        now: Box::new(move || clock.now()),
        began: Mutex::default(),
        says,
    };
    let patience = Patience::of(true);
    run(&drive, Technique::Overwrite, &bench.wire, &world, patience)
}

/// A disk of 20 TB overwrites itself for a day and a half, and stays at one number for minutes.
#[test]
fn drive_that_moves_on_is_waited_for_however_long_it_takes() {
    let whole = HOUR * 36;
    let evidence = waited(|since| match since < whole {
        true => State::InProgress {
            progress: u16::try_from(since.as_secs() / 600).expect("small"),
        },
        false => IDLE,
    });
    assert_eq!(evidence.end, Some(End::Ended));
    assert!(evidence.took >= whole, "{:?}", evidence.took);
}

/// Some drives stay at one number for an hour, before a last slow part.
#[test]
fn drive_that_stands_still_is_given_up_after_two_hours_and_not_before() {
    let slow = |stands: Duration| {
        waited(move |since| match since < stands {
            true => State::InProgress { progress: 655 },
            false => IDLE,
        })
    };
    assert_eq!(
        slow(HOUR * 2 - Duration::from_secs(60)).end,
        Some(End::Ended)
    );
    let given_up = slow(HOUR * 3);
    assert_eq!(given_up.end, Some(End::Stuck { progress: 655 }));
    assert!(given_up.took < HOUR * 2 + Duration::from_secs(60));
}

/// Its success is a word that the first read takes back.
#[test]
fn drive_that_owns_to_a_failure_only_when_its_medium_is_read_is_not_claimed() {
    let bench = Bench::new(Options::default());
    let world = bench.world();
    let clock = world.clock.clone();
    let is_asked = Arc::new(AtomicBool::new(false));
    let drive = Told {
        now: Box::new(move || clock.now()),
        began: Mutex::default(),
        says: move |since: Duration| match since < HOUR {
            true => State::InProgress { progress: 1 },
            false if is_asked.swap(true, Ordering::Relaxed) => {
                State::Failed("sectors remain".into())
            }
            false => IDLE,
        },
    };
    let patience = Patience::of(true);
    let evidence = run(&drive, Technique::Overwrite, &bench.wire, &world, patience);
    assert!(!is_claimed(&evidence));
    let said = reasons(&evidence);
    assert!(said.contains("sectors remain"), "{said}");
}

/// What is too fast for a drive is reckoned by its size.
#[test]
fn evidence_is_of_all_bytes_of_the_medium() {
    let bench = Bench::new(Options::default());
    let evidence = waited(|_| IDLE);
    let medium = &bench.wire;
    assert_eq!(
        evidence.capacity_bytes,
        medium.sectors() * medium.sector_bytes() as u64
    );
}

/// Only a standard, or the drive's own page, lets sectors be unreadable after an erase. Else they are
/// witnesses that nobody could ask.
#[test]
fn failed_reads_are_not_excused_by_an_ata_erase_nor_by_a_format() {
    let port: Arc<dyn Port> = Arc::new(Bench::new(Options::default()).wire);
    let ata = AtaSanitize::new(Arc::clone(&port));
    for technique in [
        Technique::BlockErase,
        Technique::CryptoErase,
        Technique::Overwrite,
    ] {
        assert!(!ata.may_be_unreadable_after(technique), "{technique}");
    }
    let security = EnhancedErase::new(Arc::clone(&port), HOUR);
    assert!(!security.may_be_unreadable_after(Technique::EnhancedErase));
    let format = NvmeFormat::new(port, Offered { nsid: 1 }, 0);
    assert!(!format.may_be_unreadable_after(Technique::Format));
}
