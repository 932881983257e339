//! Enhanced SECURITY ERASE UNIT of simulated ATA disks.

use crate::ata::{Bench, with};
use crate::trap::{Run, Trap, is_claimed, reasons};
use drive::ata::change::security::{Level, NewPassword, set_password, set_password_block};
use drive::ata::identify::EraseTime;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::ata::options::{Kept, Lies, Options, SanitizeOptions, SecurityOptions};
use sim::device::{Event, ScsiDevice as _};
use sim::random::Random;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wipe::native::security::{EnhancedErase, PASSWORD, Unlocked, bound, unlock};
use wipe::native::{Evidence, Patience, Sanitize as _, State, Technique, run};

/// A disk of before the sanitize feature set.
fn disk(lies: Lies) -> Options {
    Options {
        lies,
        sanitize: SanitizeOptions {
            supported: false,
            ..SanitizeOptions::default()
        },
        ..Options::magnetic()
    }
}

fn port(bench: &Bench) -> Arc<dyn Port> {
    Arc::new(bench.wire.clone())
}

fn erase(bench: &Bench) -> Evidence {
    let drive = EnhancedErase::new(port(bench), bound(EraseTime::Minutes(2), 1 << 20));
    let world = bench.world();
    let patience = Patience::of(true);
    run(
        &drive,
        Technique::EnhancedErase,
        &bench.wire,
        &world,
        patience,
    )
}

/// IDENTIFY DEVICE word 128: enabled, locked.
fn is_enabled_and_locked(bench: &Bench) -> (bool, bool) {
    let cdb = [0x85, 0x08, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xEC, 0];
    let mut word = None;
    for _ in 0..4 {
        let answer = bench.wire.drive().command(&cdb, &[]).expect("an answer");
        word = answer.data.get(256).copied();
        if word.is_some() {
            break;
        }
    }
    let word = word.expect("IDENTIFY DEVICE");
    (word & 2 != 0, word & 4 != 0)
}

#[test]
fn honest_disk_is_claimed_and_nothing_is_left_anywhere_nor_a_password() {
    let bench = Bench::new(disk(Lies::default()));
    assert!(bench.residue() > 2048, "replaced sectors too");
    let evidence = erase(&bench);
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 0);
    assert_eq!(is_enabled_and_locked(&bench), (false, false));
    let raw = evidence.after.expect("an end").raw;
    for said in [
        "word 128",
        "SECURITY SET PASSWORD",
        "SECURITY ERASE PREPARE",
        "SECURITY ERASE UNIT",
    ] {
        assert!(raw.contains(said), "{said}: {raw}");
    }
}

/// A port over which one command has this answer, whether it was carried out or not.
struct Meddling {
    port: Arc<dyn Port>,
    command: u8,
    answer: Registers,
    is_carried_out: bool,
    sent: Mutex<Vec<u8>>,
}

impl Port for Meddling {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        let command = cdb[14];
        self.sent.lock().expect("no panic").push(command);
        if command != self.command {
            return self.port.scsi(cdb, data, timeout);
        }
        if self.is_carried_out {
            self.port.scsi(cdb, data, timeout)?;
        }
        let [error, status] = self.answer;
        let sense = vec![
            0x72, 1, 0, 0x1D, 0, 0, 0, 14, 9, 12, 0, error, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, status,
        ];
        Ok(ScsiReply {
            status: 2,
            host_status: 0,
            driver_status: 0,
            sense,
            residual_bytes: 0,
            duration_ms: 0,
        })
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

/// ERROR and STATUS.
type Registers = [u8; 2];

const ABORT: Registers = [0x04, 0x51];
const CLEAN: Registers = [0x00, 0x50];

/// What came of an erase, the commands that were sent, and the disk.
fn meddled(command: u8, answer: Registers, is_carried_out: bool) -> (String, Vec<u8>, Bench) {
    let bench = Bench::new(disk(Lies::default()));
    let meddling = Arc::new(Meddling {
        port: port(&bench),
        command,
        answer,
        is_carried_out,
        sent: Mutex::default(),
    });
    let port = Arc::clone(&meddling) as Arc<dyn Port>;
    let drive = EnhancedErase::new(port, bound(EraseTime::Minutes(2), 1 << 20));
    let refusal = drive.start(Technique::EnhancedErase).unwrap_err();
    let sent = meddling.sent.lock().expect("no panic").clone();
    (refusal, sent, bench)
}

const SET_PASSWORD: u8 = 0xF1;
const ERASE_PREPARE: u8 = 0xF3;
const ERASE_UNIT: u8 = 0xF4;
const DISABLE_PASSWORD: u8 = 0xF6;

/// The next command could be carried out all the same, on a drive that is in who knows what state.
#[test]
fn command_that_the_disk_aborts_is_the_last_but_for_taking_the_password_away() {
    for (command, name) in [
        (SET_PASSWORD, "SECURITY SET PASSWORD: the drive answers"),
        (ERASE_PREPARE, "SECURITY ERASE PREPARE: the drive answers"),
    ] {
        for is_carried_out in [false, true] {
            let (refusal, sent, bench) = meddled(command, ABORT, is_carried_out);
            assert!(refusal.starts_with(name), "{refusal}");
            assert!(!sent.contains(&ERASE_UNIT), "{sent:02X?}");
            assert!(bench.residue() > 0);
            assert_eq!(is_enabled_and_locked(&bench), (false, false));
        }
    }
}

/// Half of it may be erased: that the password is gone says nothing then.
#[test]
fn erase_that_ends_in_an_abort_is_not_done_though_the_password_is_gone() {
    let (refusal, sent, bench) = meddled(ERASE_UNIT, ABORT, true);
    assert_eq!(is_enabled_and_locked(&bench), (false, false));
    assert!(
        refusal.starts_with("SECURITY ERASE UNIT: the drive answers"),
        "{refusal}"
    );
    assert_eq!(sent.iter().filter(|sent| **sent == ERASE_UNIT).count(), 1);
}

/// A bridge may do that.
#[test]
fn command_that_is_answered_for_and_was_swallowed_is_found_by_the_password() {
    let (refusal, sent, bench) = meddled(SET_PASSWORD, CLEAN, false);
    assert!(refusal.contains("is not set"), "{refusal}");
    assert!(!sent.contains(&ERASE_UNIT) && bench.residue() > 0);

    let (refusal, _, bench) = meddled(ERASE_UNIT, CLEAN, false);
    assert!(refusal.contains("the password is still set"), "{refusal}");
    assert!(refusal.contains("taken away again"), "{refusal}");
    assert_eq!(is_enabled_and_locked(&bench), (false, false));
    assert!(bench.residue() > 0);
}

/// Else nobody would look for a drive that is locked at its next start.
#[test]
fn unlock_says_opened_only_of_a_password_that_the_disk_gave_up() {
    for (answer, is_carried_out, opened) in [
        (CLEAN, true, true),
        (CLEAN, false, false),
        (ABORT, true, false),
        (ABORT, false, false),
    ] {
        let mut options = disk(Lies::default());
        options.security.password = Some(PASSWORD);
        let bench = Bench::new(options);
        let door: Arc<dyn Port> = Arc::new(Meddling {
            port: port(&bench),
            command: DISABLE_PASSWORD,
            answer,
            is_carried_out,
            sent: Mutex::default(),
        });
        let said = unlock(&door);
        assert_eq!(said == Ok(Unlocked::Opened), opened, "{said:?}");
        let still = is_enabled_and_locked(&bench);
        assert_eq!(still, (!is_carried_out, false));
    }
}

/// [`EnhancedErase`] looks itself, whoever calls it: SET PASSWORD would replace the owner's.
#[test]
fn password_that_is_open_is_not_replaced_and_a_frozen_disk_is_sent_none() {
    let open = Bench::new(disk(Lies::default()));
    let block = set_password_block(NewPassword::User { level: Level::High }, &[b'o'; 32]);
    for _ in 0..2 {
        // The first is told of the power-on.
        let _ = port(&open).scsi(&set_password(), Data::Out(&block), Duration::from_secs(15));
    }
    assert_eq!(is_enabled_and_locked(&open), (true, false));
    let mut options = disk(Lies::default());
    options.security.frozen = true;
    for bench in [open, Bench::new(options)] {
        let recording = Arc::new(Meddling {
            port: port(&bench),
            command: 0,
            answer: CLEAN,
            is_carried_out: true,
            sent: Mutex::default(),
        });
        let door = Arc::clone(&recording) as Arc<dyn Port>;
        let drive = EnhancedErase::new(door, Duration::from_secs(60));
        let refusal = drive.start(Technique::EnhancedErase).unwrap_err();
        assert!(refusal.contains("not at rest"), "{refusal}");
        let sent = recording.sent.lock().expect("no panic");
        assert!(!sent.contains(&SET_PASSWORD), "{sent:02X?}");
    }
}

/// It locks itself when its power goes.
#[test]
fn disk_whose_password_is_set_and_open_is_not_at_rest_and_raz_unlock_is_named() {
    let bench = Bench::new(disk(Lies::default()));
    let block = set_password_block(NewPassword::User { level: Level::High }, &PASSWORD);
    let drive = EnhancedErase::new(port(&bench), Duration::from_secs(60));
    // Beside the UNIT ATTENTION of its power-on.
    assert!(matches!(drive.said().state, State::Idle { .. }));
    let set = port(&bench).scsi(&set_password(), Data::Out(&block), Duration::from_secs(15));
    assert!(set.is_ok());
    assert_eq!(is_enabled_and_locked(&bench), (true, false));
    let State::Failed(why) = drive.said().state else {
        panic!("{:?}", drive.said());
    };
    assert!(why.contains("a password is set") && why.contains("raz unlock"));
    assert_eq!(unlock(&port(&bench)), Ok(Unlocked::Opened));
}

#[test]
fn power_cut_in_the_middle_leaves_it_locked_and_unlock_opens_it_for_another_run() {
    let bench = Bench::new(disk(Lies {
        erase_power_cut: true,
        ..Lies::default()
    }));
    let evidence = erase(&bench);
    assert!(!is_claimed(&evidence), "half of it is erased");
    let said = reasons(&evidence);
    assert!(
        said.contains("raz-temporary-password") && said.contains("raz unlock"),
        "{said}"
    );
    assert!(bench.residue() > 0);

    bench.wire.drive().event(Event::PowerOn);
    assert_eq!(is_enabled_and_locked(&bench), (true, true));
    let again = erase(&bench);
    assert!(!is_claimed(&again), "a locked drive takes no erase");
    assert!(
        reasons(&again).contains("raz unlock"),
        "{}",
        reasons(&again)
    );

    assert_eq!(unlock(&port(&bench)), Ok(Unlocked::Opened));
    assert_eq!(is_enabled_and_locked(&bench), (false, false));
    assert_eq!(unlock(&port(&bench)), Ok(Unlocked::HadNone));
    bench.wire.drive().options_mut().lies.erase_power_cut = false;
    let evidence = erase(&bench);
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 0);
}

#[test]
fn owners_password_is_neither_tried_twice_nor_taken_for_razs() {
    let mut options = disk(Lies::default());
    options.security.password = Some([b'o'; 32]);
    let bench = Bench::new(options);
    let refused = unlock(&port(&bench)).unwrap_err();
    assert!(refused.contains("not raz's"), "{refused}");
    assert_eq!(is_enabled_and_locked(&bench), (true, true));

    let mut options = disk(Lies::default());
    options.security.password = Some(PASSWORD);
    options.security.frozen = true;
    let refused = unlock(&port(&Bench::new(options))).unwrap_err();
    assert!(refused.contains("frozen"), "{refused}");
}

#[test]
fn nothing_is_sent_to_a_disk_that_is_frozen_or_has_no_enhanced_erase() {
    let frozen = SecurityOptions {
        frozen: true,
        ..SecurityOptions::default()
    };
    let normal = SecurityOptions {
        enhanced: false,
        ..SecurityOptions::default()
    };
    for (security, says) in [(frozen, "frozen"), (normal, "no enhanced erase")] {
        let bench = Bench::new(Options {
            security,
            ..disk(Lies::default())
        });
        let evidence = erase(&bench);
        assert!(reasons(&evidence).contains(says), "{}", reasons(&evidence));
        assert_eq!(is_enabled_and_locked(&bench), (false, false));
    }
}

pub fn traps() -> Vec<Trap<Options>> {
    let trap = |numbers, name, lies, says| Trap {
        numbers,
        name,
        technique: Technique::EnhancedErase,
        options: disk(lies),
        says,
    };
    vec![
        trap(
            &[17],
            "all is kept",
            Lies {
                erase_keeps: Kept::All,
                ..Lies::default()
            },
            "still hold what stood there before",
        ),
        trap(
            &[18],
            "ends at once",
            Lies {
                instant: true,
                ..Lies::default()
            },
            "where no drive of its kind needs less",
        ),
        trap(
            &[21],
            "bridge swallows pass-through",
            Lies {
                pass_through_swallowed: true,
                ..Lies::default()
            },
            "IDENTIFY DEVICE has no answer that counts",
        ),
        trap(
            &[21],
            "bridge returns no registers",
            Lies {
                sense_empty: true,
                ..Lies::default()
            },
            "no registers came back",
        ),
        trap(
            &[46],
            "a bus reset ends it, answered as success",
            Lies {
                erase_reset: true,
                ..Lies::default()
            },
            "temporary password is taken away again",
        ),
        trap(
            &[46],
            "its power goes half way",
            Lies {
                erase_power_cut: true,
                ..Lies::default()
            },
            "may be locked by the password",
        ),
    ]
}

fn run_each(traps: Vec<Trap<Options>>) -> Vec<Run> {
    traps
        .into_iter()
        .map(|trap| {
            trap.run("ATA security", |options, _| {
                let bench = Bench::new(options);
                let evidence = erase(&bench);
                (evidence, bench.residue())
            })
        })
        .collect()
}

/// Every trap of this technique, for the table.
pub fn runs() -> Vec<Run> {
    run_each(traps())
}

#[test]
fn every_lie_that_shows_is_never_claimed() {
    for run in runs() {
        run.assert_expected();
    }
}

#[test]
fn bytes_kept_where_no_address_points_are_claimed_by_the_drive_and_no_more() {
    let bench = Bench::new(disk(Lies {
        erase_keeps: Kept::Unaddressed,
        ..Lies::default()
    }));
    let evidence = erase(&bench);
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 3, "the replaced sectors");
}

#[test]
fn no_seed_claims_what_a_host_could_have_seen() {
    let seeds = std::env::var("SEEDS").map_or(500, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        let mut random = Random::new(seed);
        let mut lies = Lies::default();
        for _ in 0..random.below(3) {
            match random.below(10) {
                0 => lies.erase_keeps = Kept::All,
                1 => lies.instant = true,
                2 => lies.pass_through_swallowed = true,
                3 => lies.sense_empty = true,
                4 => lies.erase_reset = true,
                5 => lies.erase_power_cut = true,
                6 => lies.registers_of_previous = true,
                7 => lies.identity_changes_after = Some(random.below(600)),
                8 => lies.pass_through_28_bit = true,
                _ => lies.flush_ignored = true,
            }
        }
        let bench = Bench::new(disk(lies.clone()));
        let evidence = erase(&bench);
        if is_claimed(&evidence) {
            assert_eq!(bench.residue(), 0, "seed {seed}: {lies:?}");
            assert_eq!(
                is_enabled_and_locked(&bench),
                (false, false),
                "seed {seed}: {lies:?}"
            );
        }
    }
}

#[test]
fn drive_without_the_lies_of_this_list_is_no_trap() {
    let bench = Bench::new(with(Lies::default()));
    assert!(
        erase(&bench).not_begun.is_none(),
        "a drive with sanitize has security commands too"
    );
}
