//! A path between host and drive that changes answers, or gives its own: what comes of each in a
//! restoration of ATA limits.

use super::{ATA, SECTORS, ata, changes, hpa, is_open, overlay, power_cycle, restore};
use crate::wire::Wire;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::ata::disk::AtaDisk;
use sim::ata::options::Options;
use sim::device::ScsiDevice;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wipe::restore::{Evidence, Outcome, Reason, Refusal};

const IDENTIFY: u8 = 0xEC;
const READ_NATIVE: u8 = 0x27;
const SET_MAX: u8 = 0x37;
const CONFIGURATION: u8 = 0xB1;
const CONFIGURATION_RESTORE: u8 = 0xC0;
const BUSY: u8 = 0x08;

type Instead = Box<dyn Fn(&[u8]) -> Option<io::Result<ScsiReply>> + Send + Sync>;
type Afterwards = Box<dyn Fn(&[u8], &mut ScsiReply, &mut [u8]) + Send + Sync>;

/// A drive behind such a path.
pub struct Path<D> {
    pub wire: Wire<D>,
    /// Answers in the drive's place, which does not see the command.
    pub instead: Instead,
    /// Changes what the drive answered.
    pub afterwards: Afterwards,
}

impl<D: ScsiDevice> Path<D> {
    pub fn to(wire: &Wire<D>) -> Self {
        Self {
            wire: wire.clone(),
            instead: Box::new(|_| None),
            afterwards: Box::new(|_, _, _| ()),
        }
    }
}

impl<D: ScsiDevice> Port for Path<D> {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        if let Some(reply) = (self.instead)(cdb) {
            return reply;
        }
        match data {
            Data::In(buffer) => {
                let mut reply = self.wire.scsi(cdb, Data::In(&mut *buffer), timeout)?;
                (self.afterwards)(cdb, &mut reply, buffer);
                Ok(reply)
            }
            data @ (Data::None | Data::Out(_)) => {
                let mut reply = self.wire.scsi(cdb, data, timeout)?;
                (self.afterwards)(cdb, &mut reply, &mut []);
                Ok(reply)
            }
        }
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

pub fn reply(status: u8, sense: &[u8]) -> ScsiReply {
    ScsiReply {
        status,
        host_status: 0,
        driver_status: 0,
        sense: sense.to_vec(),
        residual_bytes: 0,
        duration_ms: 0,
    }
}

/// UNIT ATTENTION: a reset. The command was not carried out.
pub fn attention() -> ScsiReply {
    let mut sense = [0; 18];
    sense[0] = 0x70;
    (sense[2], sense[7], sense[12]) = (6, 10, 0x29);
    reply(2, &sense)
}

/// The drive aborted the command.
fn aborted() -> ScsiReply {
    let mut sense = [0; 22];
    (sense[0], sense[1], sense[7]) = (0x72, 0x0B, 14);
    (sense[8], sense[9], sense[11]) = (0x09, 0x0C, 0x04);
    (sense[20], sense[21]) = (0x40, 0x51);
    reply(2, &sense)
}

/// No overlay can hide what the limit does not explain.
fn no_overlay(options: Options) -> Options {
    Options {
        dco: false,
        ..options
    }
}

/// The ATA command of a block, and its feature.
fn ata_command(cdb: &[u8]) -> (u8, u8) {
    (cdb[14], cdb[4])
}

fn is_set_max(cdb: &[u8]) -> bool {
    ata_command(cdb).0 == SET_MAX
}

fn is_restore(cdb: &[u8]) -> bool {
    ata_command(cdb) == (CONFIGURATION, CONFIGURATION_RESTORE)
}

/// Answers in the drive's place where the command is that one.
pub fn answers<D: ScsiDevice>(
    wire: &Wire<D>,
    to: fn(&[u8]) -> bool,
    with: fn() -> io::Result<ScsiReply>,
) -> Path<D> {
    Path {
        instead: Box::new(move |cdb| to(cdb).then(with)),
        ..Path::to(wire)
    }
}

/// Why sectors stay hidden, and how many can be addressed.
pub fn not_restored(outcome: Outcome) -> (Reason, Option<u64>) {
    match outcome {
        Outcome::NotRestored { reason, left } => (reason, left),
        Outcome::Restored { .. } | Outcome::Wrong(_) => panic!("{outcome:?}"),
    }
}

pub fn refused(command: &'static str, answer: &str) -> Reason {
    Reason::Refused(Refusal {
        command,
        answer: answer.into(),
    })
}

pub fn commands(evidence: &Evidence) -> Vec<&str> {
    evidence.steps.iter().map(|step| step.command).collect()
}

#[test]
fn identity_page_that_comes_with_a_status_other_than_good_is_not_read_and_nothing_is_sent() {
    let path = Path {
        afterwards: Box::new(|_, reply, _| {
            if reply.status == 0 {
                reply.status = BUSY;
            }
        }),
        ..Path::to(&ata(hpa(100)))
    };
    let (outcome, evidence) = restore(ATA, &path);
    let why = "IDENTIFY DEVICE: status 08h".to_owned();
    assert_eq!(evidence.before, Err(why.clone()));
    assert_eq!(not_restored(outcome), (Reason::Unanswered(why), None));
    assert!(!evidence.steps.iter().any(changes));
}

#[test]
fn overlay_that_is_not_answered_well_leaves_it_open_although_all_known_sectors_are_there() {
    let path = Path {
        afterwards: Box::new(|cdb, reply, _| {
            if ata_command(cdb).0 == CONFIGURATION {
                reply.status = BUSY;
            }
        }),
        ..Path::to(&ata(hpa(100)))
    };
    let (outcome, _) = restore(ATA, &path);
    let why = "DEVICE CONFIGURATION IDENTIFY: status 08h".to_owned();
    let wanted = (Reason::Unanswered(why), Some(SECTORS));
    assert_eq!(not_restored(outcome), wanted);
}

#[test]
fn page_that_is_no_overlays_leaves_it_open() {
    let path = Path {
        afterwards: Box::new(|cdb, _, data| {
            if ata_command(cdb).0 == CONFIGURATION {
                data.fill(0);
            }
        }),
        ..Path::to(&ata(hpa(100)))
    };
    let (outcome, _) = restore(ATA, &path);
    let why = "DEVICE CONFIGURATION IDENTIFY: the answer is no overlay's".to_owned();
    let wanted = (Reason::Unanswered(why), Some(SECTORS));
    assert_eq!(not_restored(outcome), wanted);
}

#[test]
fn failure_of_the_host_adapter_is_no_answer_whatever_registers_come_with_it() {
    let path = Path {
        afterwards: Box::new(|cdb, reply, _| {
            if ata_command(cdb).0 == READ_NATIVE {
                reply.host_status = 7;
            }
        }),
        ..Path::to(&ata(no_overlay(hpa(100))))
    };
    let (outcome, evidence) = restore(ATA, &path);
    let (Reason::Unanswered(why), left) = not_restored(outcome) else {
        panic!("{evidence:?}");
    };
    let wanted = "READ NATIVE MAX ADDRESS EXT: status 02h, host status 07h, sense 72 01 00 1D 00";
    assert!(why.starts_with(wanted), "{why}");
    assert_eq!(left, Some(SECTORS - 100));
    assert!(!evidence.steps.iter().any(changes));
}

#[test]
fn native_maximum_below_what_can_be_addressed_is_not_believed() {
    for (options, last, says) in [
        (Options::default(), 100, 101),
        (Options::default(), 2046, 2047),
        (hpa(100), 1946, 1947),
    ] {
        let path = Path {
            afterwards: Box::new(move |cdb, reply, _| {
                let [low, middle, ..] = u16::to_le_bytes(last);
                // Descriptor 09h begins at byte 8.
                if ata_command(cdb).0 == READ_NATIVE && reply.sense.get(8) == Some(&0x09) {
                    (reply.sense[15], reply.sense[17]) = (low, middle);
                }
            }),
            ..Path::to(&ata(no_overlay(options)))
        };
        let (outcome, evidence) = restore(ATA, &path);
        let why = format!("a native maximum of {says} sectors is too few");
        let (reason, _) = not_restored(outcome);
        assert_eq!(reason, Reason::Unanswered(why), "{evidence:?}");
        assert!(!evidence.steps.iter().any(changes));
    }
}

#[test]
fn refusals_are_told_with_their_command_and_the_drives_registers() {
    let frozen = |options: Options| Options {
        hidden_frozen: true,
        ..no_overlay(options)
    };
    let amac = Options {
        amac: true,
        hpa: false,
        ..hpa(100)
    };
    let short = Options {
        lba48: false,
        ..hpa(100)
    };
    for (options, command) in [
        (hpa(100), "SET MAX ADDRESS EXT"),
        (amac, "SET ACCESSIBLE MAX ADDRESS EXT"),
        (short, "SET MAX ADDRESS"),
    ] {
        let (outcome, _) = restore(ATA, &ata(frozen(options)));
        let wanted = refused(command, "status 51h, error 04h");
        assert_eq!(not_restored(outcome), (wanted, Some(SECTORS - 100)));
    }
}

#[test]
fn question_that_the_drive_aborts_is_told_by_its_name() {
    for (options, command) in [
        (hpa(100), "READ NATIVE MAX ADDRESS EXT"),
        (
            Options {
                lba48: false,
                ..hpa(100)
            },
            "READ NATIVE MAX ADDRESS",
        ),
        (
            Options {
                amac: true,
                ..hpa(100)
            },
            "GET NATIVE MAX ADDRESS EXT",
        ),
    ] {
        let is_question = |cdb: &[u8]| matches!(ata_command(cdb), (READ_NATIVE | 0xF8 | 0x78, 0));
        let path = answers(&ata(no_overlay(options)), is_question, || Ok(aborted()));
        let (outcome, _) = restore(ATA, &path);
        let why = format!("{command}: aborted by the drive");
        let wanted = (Reason::Unanswered(why), Some(SECTORS - 100));
        assert_eq!(not_restored(outcome), wanted);
    }
}

#[test]
fn restore_of_the_configuration_that_is_refused_or_lost_is_told() {
    type Answer = fn() -> io::Result<ScsiReply>;
    let cases: [(Answer, &str); 4] = [
        (|| Ok(aborted()), "status 51h, error 04h"),
        (
            || Ok(reply(0, &[])),
            "no registers came back: the path brought no sense data",
        ),
        (
            || Err(io::ErrorKind::TimedOut.into()),
            "DEVICE CONFIGURATION RESTORE: timed out",
        ),
        (
            || Ok(attention()),
            "DEVICE CONFIGURATION RESTORE: one reset after another",
        ),
    ];
    for (answer, says) in cases {
        let path = answers(&ata(overlay(2000, None)), is_restore, answer);
        let (outcome, _) = restore(ATA, &path);
        let wanted = refused("DEVICE CONFIGURATION RESTORE", says);
        assert_eq!(not_restored(outcome), (wanted, Some(2000)));
    }
}

#[test]
fn set_whose_answer_is_lost_is_told() {
    type Answer = fn() -> io::Result<ScsiReply>;
    let cases: [(Answer, &str); 3] = [
        (
            || Ok(reply(0, &[])),
            "no registers came back: the path brought no sense data",
        ),
        (
            || Err(io::ErrorKind::TimedOut.into()),
            "SET MAX ADDRESS EXT: timed out",
        ),
        (
            || Ok(attention()),
            "SET MAX ADDRESS EXT: one reset after another",
        ),
    ];
    for (answer, says) in cases {
        let path = answers(&ata(hpa(100)), is_set_max, answer);
        let (outcome, evidence) = restore(ATA, &path);
        let wanted = refused("SET MAX ADDRESS EXT", says);
        assert_eq!(not_restored(outcome), (wanted, Some(SECTORS - 100)));
        // What hides nothing is not undone: it would give and take other features, too.
        assert!(!commands(&evidence).contains(&"DEVICE CONFIGURATION RESTORE"));
    }
}

#[test]
fn reset_between_question_and_set_begins_both_anew() {
    let wire = ata(hpa(100));
    let was_reset = AtomicBool::new(false);
    let path = Path {
        instead: Box::new(move |cdb| {
            let is_first = is_set_max(cdb) && !was_reset.swap(true, Ordering::Relaxed);
            is_first.then(|| Ok(attention()))
        }),
        ..Path::to(&wire)
    };
    let (outcome, evidence) = restore(ATA, &path);
    let restored = Outcome::Restored {
        from: SECTORS - 100,
        to: SECTORS,
        for_good: true,
    };
    assert_eq!(outcome, restored, "{evidence:?}");
    let commands = commands(&evidence);
    let first = commands.iter().position(|name| name.starts_with("SET"));
    let (read, set) = ("READ NATIVE MAX ADDRESS EXT", "SET MAX ADDRESS EXT");
    // The last one shows that the one before it lasts.
    let wanted = [read, set, read, set, read, set];
    assert_eq!(commands[first.expect("a set") - 1..][..6], wanted);
    power_cycle(&wire);
    assert!(is_open(&wire));
}

#[test]
fn question_that_is_answered_by_resets_only_is_asked_four_times() {
    let path = answers(&ata(hpa(100)), |_| true, || Ok(attention()));
    let (outcome, evidence) = restore(ATA, &path);
    let why = "IDENTIFY DEVICE: one reset after another".to_owned();
    assert_eq!(not_restored(outcome), (Reason::Unanswered(why), None));
    assert_eq!(commands(&evidence), ["IDENTIFY DEVICE"; 4]);
}

#[test]
fn page_that_is_no_drives_is_not_read_and_nothing_is_sent() {
    let path = Path {
        afterwards: Box::new(|cdb, _, data| {
            if ata_command(cdb).0 == IDENTIFY {
                // The number of sectors is there; the checksum is wrong.
                data[20] ^= 1;
            }
        }),
        ..Path::to(&ata(hpa(100)))
    };
    let (outcome, evidence) = restore(ATA, &path);
    let why = "IDENTIFY DEVICE: the answer is no drive's".to_owned();
    assert_eq!(not_restored(outcome), (Reason::Unanswered(why), None));
    assert!(!evidence.steps.iter().any(changes));
}

#[test]
fn disk_of_28_bit_addresses_is_whole_again_by_the_short_commands() {
    let wire = ata(Options {
        lba48: false,
        ..hpa(100)
    });
    assert!(!is_open(&wire));
    let (outcome, evidence) = restore(ATA, &wire);
    let restored = Outcome::Restored {
        from: SECTORS - 100,
        to: SECTORS,
        for_good: true,
    };
    assert_eq!(outcome, restored, "{evidence:?}");
    let is_set = |step: &&wipe::restore::Step| step.command == "SET MAX ADDRESS";
    let set = evidence.steps.iter().find(is_set).expect("a set");
    // Last LBA 7FFh, for good.
    assert_eq!(set.bytes, "85 06 20 00 00 00 01 00 FF 00 07 00 00 40 F9 00");
    assert!(!commands(&evidence).iter().any(|name| name.ends_with("EXT")));
    power_cycle(&wire);
    assert!(is_open(&wire));
}

fn keeps_max(accessible: Option<u64>) -> Wire<AtaDisk> {
    ata(Options {
        keeps_max: true,
        ..overlay(2000, accessible)
    })
}

#[test]
fn limit_that_the_overlay_left_is_lifted_too() {
    let wire = keeps_max(None);
    let (outcome, evidence) = restore(ATA, &wire);
    let restored = Outcome::Restored {
        from: 2000,
        to: SECTORS,
        for_good: true,
    };
    assert_eq!(outcome, restored, "{evidence:?}");
    power_cycle(&wire);
    assert!(is_open(&wire));
}

#[test]
fn limits_before_and_after_the_overlay_are_two_changes_and_need_the_power_off_between_them() {
    let wire = keeps_max(Some(1500));
    let (outcome, evidence) = restore(ATA, &wire);
    let (reason, left) = not_restored(outcome);
    assert!(
        matches!(&reason, Reason::Refused(of) if of.command == "SET MAX ADDRESS EXT"),
        "{evidence:?}"
    );
    assert_eq!(left, Some(2000));
    assert!(reason.remedy().contains("switch the machine off"));
    power_cycle(&wire);
    let (outcome, evidence) = restore(ATA, &wire);
    assert!(
        matches!(outcome, Outcome::Restored { for_good: true, .. }),
        "{evidence:?}"
    );
    assert!(is_open(&wire));
}
