//! Erasure by the drive's own sanitize command, and how much of it may be believed.
//!
//! A drive that says "done" proves nothing: the word may be years old, the command may have been
//! swallowed on the way, and firmware lies. So a [`Claim`] needs all of this: what the drive said
//! *before*, witnesses on the medium that were read back before ([`witness`]), a transition that
//! this run saw, the drive's own status decoded to the last bit, witnesses gone, a plausible time,
//! and the identity read anew. Whatever is missing makes the outcome *unknown*, whatever
//! contradicts it *refuted* ([`judge`]). A claim remains the drive's: never "verified".
//!
//! NIST SP 800-88r2 §3.1.2 and §4.5.1; command sets: ACS-4 7.36, SBC-4 5.30, NVMe base 2.0 5.24.

pub mod ata;
pub mod boot_area;
pub mod format;
mod judge;
pub mod mmc;
pub mod nvme;
pub mod scsi;
pub mod security;
pub mod witness;

use drive::identity::IdentityLost;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use judge::{Claim, Verdict, judge};
use witness::{Medium, Witnesses};

/// How the drive is told to erase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Technique {
    /// All flash blocks, spare and replaced ones among them, are erased.
    BlockErase,
    /// The keys under which everything is stored are replaced.
    CryptoErase,
    /// The drive overwrites all of its medium with four equal bytes, once.
    Overwrite,
    /// ATA's enhanced SECURITY ERASE UNIT: a pattern of the maker's, replaced sectors too.
    EnhancedErase,
    /// NVMe's Format NVM of one namespace, with an erase of user data.
    Format,
}

impl Technique {
    /// A command of the sanitize feature sets, and not of another one.
    pub(crate) fn is_sanitize(self) -> bool {
        match self {
            Self::BlockErase | Self::CryptoErase | Self::Overwrite => true,
            Self::EnhancedErase | Self::Format => false,
        }
    }
}

impl fmt::Display for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlockErase => "block erase by the drive",
            Self::CryptoErase => "cryptographic erase by the drive",
            Self::Overwrite => "overwrite by the drive",
            Self::EnhancedErase => "enhanced security erase by the drive",
            Self::Format => "Format NVM by the drive",
        })
    }
}

/// The byte that an overwrite by the drive leaves everywhere: neither zero nor what erased flash
/// reads as.
pub const OVERWRITE_BYTE: u8 = 0xA5;

/// One drive's erase by itself, to be done before the passes of a job.
#[derive(Clone)]
pub struct Order {
    /// Its commands.
    pub drive: Arc<dyn Sanitize>,
    /// How.
    pub technique: Technique,
    /// Its sectors, for the witnesses.
    pub medium: Arc<dyn Medium>,
    /// How long to wait, and what is too fast.
    pub patience: Patience,
}

/// What the drive says of its sanitize operation at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Decoded.
    pub state: State,
    /// Nothing was written since the last sanitize that succeeded (NVMe's Global Data Erased);
    /// `None` where the command set has no such word.
    pub erased_since_write: Option<bool>,
    /// The operation that the drive speaks of is the one that was sent (NVMe's SCDW10); `None` where
    /// the command set does not tell.
    pub is_ours: Option<bool>,
    /// What was erased is deallocated: reads bring the drive's filling, not what is on the medium.
    pub is_deallocated: bool,
    /// The status bytes, for the report.
    pub raw: String,
}

impl Said {
    /// Nothing that could be decoded, and why.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            state: State::Unknown(why.clone()),
            erased_since_write: None,
            is_ours: None,
            is_deallocated: false,
            raw: why,
        }
    }
}

/// Where the drive's sanitize operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing under way.
    Idle {
        /// The drive says that the last one completed, perhaps years ago; `None` where its command
        /// set has no word for that.
        completed: Option<bool>,
    },
    /// Under way.
    InProgress {
        /// Part done, in 65536ths.
        progress: u16,
    },
    /// NVMe: erased, and its medium left to be looked at. It stays so until somebody ends it.
    MediaVerification,
    /// The last one failed, in words.
    Failed(String),
    /// Sanitize commands are refused until the next power cycle.
    Frozen,
    /// Not decodable, and why: never success.
    Unknown(String),
}

/// The sanitize commands of one drive. Every call may block as long as the kernel's error handling
/// takes.
pub trait Sanitize: Send + Sync {
    /// Asks where the operation stands.
    fn said(&self) -> Said;

    /// Tells the drive to begin.
    ///
    /// # Errors
    /// The drive's refusal, in words with its status bytes.
    fn start(&self, technique: Technique) -> Result<(), String>;

    /// Ends [`State::MediaVerification`]: what was erased is deallocated.
    ///
    /// # Errors
    /// The drive's refusal, in words with its status bytes.
    fn leave_media_verification(&self) -> Result<(), String> {
        Err("this command set has none".into())
    }

    /// Empties the boot areas, which the technique does not reach, before [`Sanitize::start`]: what they
    /// held may leave copies behind. Of a drive that has none, nothing. Ends when `goes_on` says no.
    fn empty_boot_areas(&self, goes_on: &dyn Fn() -> bool) -> Vec<boot_area::Record> {
        let _ = goes_on;
        Vec::new()
    }

    /// Reads may fail afterwards until everything was written once, by the rules of the command set
    /// and the drive's own word.
    fn may_be_unreadable_after(&self, technique: Technique) -> bool;

    /// A drive that failed goes on to take reads and writes, and not sanitize commands alone.
    fn takes_writes_after_failure(&self) -> bool {
        false
    }

    /// [`Sanitize::start`] may take so long without a sign of life, because the command answers at its
    /// end.
    fn blocks_for(&self) -> Duration {
        Duration::ZERO
    }
}

/// The world around a run.
pub trait Surroundings: Send + Sync {
    /// Monotonic time.
    fn now(&self) -> Duration;

    /// Lets time pass. False when the operator wants the run to end.
    fn pause(&self, time: Duration) -> bool;

    /// Shows how far the drive is, in 65536ths.
    fn progress(&self, part: u16);

    /// Reads the drive's identity anew and compares it with what was confirmed.
    ///
    /// # Errors
    /// It cannot be read or is another one.
    fn recheck_identity(&self) -> Result<(), IdentityLost>;
}

/// How long raz waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Time between questions at first; it doubles up to `interval_most`.
    pub interval: Duration,
    /// Longest time between questions.
    pub interval_most: Duration,
    /// The drive may stay at the same progress for so long.
    pub stuck: Duration,
    /// So many answers in a row may be undecodable.
    pub undecoded_most: u32,
    /// No drive of its kind overwrites more bytes in a second.
    pub fastest_overwrite: u64,
    /// No drive erases its blocks in less.
    pub shortest_block_erase: Duration,
}

impl Patience {
    /// For a drive of this kind. A platter passes 300 MB a second under its heads, and a drive may have
    /// two sets of them; what flash takes is bounded by its channels (PCIe 5.0 x4 carries 16 GB/s).
    #[must_use]
    pub fn of(is_rotating: bool) -> Self {
        Self {
            interval: Duration::from_millis(200),
            interval_most: Duration::from_secs(10),
            stuck: Duration::from_secs(2 * 3600),
            undecoded_most: 5,
            fastest_overwrite: if is_rotating { 1 << 30 } else { 16 << 30 },
            shortest_block_erase: Duration::from_secs(1),
        }
    }
}

/// How the wait for the drive ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The drive says that nothing is under way any more, or that it failed.
    Ended,
    /// The same progress for too long: the drive goes on or hangs, nobody knows.
    Stuck {
        /// Part done, in 65536ths.
        progress: u16,
    },
    /// Too many answers that could not be decoded.
    Undecoded,
    /// The operator ended the wait; the drive goes on.
    Stopped,
}

/// Everything that was seen of one sanitize operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// How the drive was told to erase.
    pub technique: Technique,
    /// Bytes that can be addressed.
    pub capacity_bytes: u64,
    /// What the drive said before the witnesses were written.
    pub at_first: Said,
    /// What it said after that, just before the command.
    pub before: Said,
    /// Why the command was not sent, or what the drive said against it.
    pub not_begun: Option<String>,
    /// The drive did not take the command, and says that nothing is under way.
    pub is_refused: bool,
    /// How often the drive said that it was under way.
    pub in_progress_seen: u32,
    /// How the wait ended; `None` when the command was not sent or was refused.
    pub end: Option<End>,
    /// What the drive said at the end.
    pub after: Option<Said>,
    /// From the command to the end of the wait.
    pub took: Duration,
    /// Reads may fail by the rules.
    pub may_be_unreadable: bool,
    /// What stood on the medium, before and after.
    pub witnesses: Witnesses,
    /// What became of an eMMC's boot areas before the command.
    pub boot_areas: Vec<boot_area::Record>,
    /// Why the identity does not hold any more, asked once the command may have been taken.
    pub identity_lost: Option<IdentityLost>,
    /// The bounds that it is judged by.
    pub patience: Patience,
}

impl Evidence {
    /// Where the drive stood when it was asked last.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.after.as_ref().unwrap_or(&self.at_first).state
    }

    /// Another technique may be tried after this one: the drive says itself that this one did not
    /// happen, and would take the next. Of a drive that says it did it, and did not, nothing more is
    /// believed.
    #[must_use]
    pub fn leaves_open(&self, next: Technique) -> bool {
        let may = match self.state() {
            State::Idle { .. } => self.is_refused,
            // Such a drive takes nothing else.
            State::Failed(_) => self.technique.is_sanitize() && next.is_sanitize(),
            State::Frozen => !next.is_sanitize(),
            State::InProgress { .. } | State::MediaVerification | State::Unknown(_) => false,
        };
        may && self.identity_lost.is_none()
    }
}

/// Lets a drive erase itself, and looks. Blocks for as long as the drive takes.
///
/// The command is sent once, and only to a drive whose state could be decoded, that is not frozen,
/// and on whose medium witnesses stand. One exception: a drive in the failed state of an earlier
/// sanitize takes nothing else, so it gets the command without witnesses, and no claim can come of
/// it.
#[must_use]
pub fn run(
    drive: &dyn Sanitize,
    technique: Technique,
    medium: &dyn Medium,
    surroundings: &dyn Surroundings,
    patience: Patience,
) -> Evidence {
    let (_, at_first) = ended(drive, surroundings, &patience, &mut 0);
    let mut evidence = Evidence {
        technique,
        capacity_bytes: medium.sectors() * medium.sector_bytes() as u64,
        before: at_first.clone(),
        at_first,
        not_begun: None,
        is_refused: false,
        in_progress_seen: 0,
        end: None,
        after: None,
        took: Duration::ZERO,
        may_be_unreadable: drive.may_be_unreadable_after(technique),
        witnesses: Witnesses::default(),
        boot_areas: Vec::new(),
        identity_lost: None,
        patience,
    };
    let stops = match &evidence.at_first.state {
        State::Idle { .. } => match Witnesses::plant(medium) {
            Ok(witnesses) => {
                evidence.witnesses = witnesses;
                evidence.before = drive.said();
                None
            }
            Err(error) => Some(format!("no witnesses could be written: {error}")),
        },
        State::Failed(_) => None,
        State::InProgress { .. } => Some("an earlier sanitize is still under way".into()),
        State::MediaVerification => Some("the drive does not leave its media verification".into()),
        State::Frozen => Some("sanitize commands are frozen until the next power cycle".into()),
        State::Unknown(why) => Some(format!("the drive's state is unknown: {why}")),
    };
    let lost = || surroundings.recheck_identity().err();
    // Witnesses may take a while; a stop that came meanwhile keeps the command back.
    let stopped = || {
        let goes_on = surroundings.pause(Duration::ZERO);
        (!goes_on).then(|| "stopped by the operator before the command was sent".to_owned())
    };
    let lost_before = || lost().map(|lost| lost.to_string());
    if let Some(why) = stops.or_else(lost_before).or_else(stopped) {
        evidence.not_begun = Some(why);
        return evidence;
    }
    evidence.boot_areas = drive.empty_boot_areas(&|| surroundings.pause(Duration::ZERO));
    if !evidence.boot_areas.is_empty()
        && let Some(why) = stopped()
    {
        evidence.not_begun = Some(why);
        return evidence;
    }
    let began = surroundings.now();
    if let Err(refusal) = drive.start(technique) {
        evidence.not_begun = Some(refusal);
        // A command whose answer was lost may be under way all the same: nothing can be claimed of it,
        // and it is waited for, since the drive takes nothing else.
        let said = drive.said();
        match said.state {
            State::InProgress { .. } | State::MediaVerification => {}
            State::Failed(_) | State::Frozen => {
                evidence.after = Some(said);
                return evidence;
            }
            State::Idle { .. } => {
                evidence.is_refused = true;
                return evidence;
            }
            State::Unknown(_) => {
                evidence.identity_lost = lost();
                return evidence;
            }
        }
    }
    let (end, said) = ended(
        drive,
        surroundings,
        &patience,
        &mut evidence.in_progress_seen,
    );
    evidence.took = surroundings.now().saturating_sub(began);
    if end == End::Ended {
        evidence.witnesses.look(medium);
    }
    evidence.end = Some(end);
    // Once more, for what only shows when the medium is read.
    evidence.after = Some(match said.state {
        State::Idle { .. } => drive.said(),
        _ => said,
    });
    evidence.identity_lost = lost();
    evidence
}

/// Waits for the end of a sanitize, also of one that an earlier run began or a power cut left: it
/// resumes by itself. Out of media verification the drive is told to go, and is still in it only where
/// it does not.
fn ended(
    drive: &dyn Sanitize,
    surroundings: &dyn Surroundings,
    patience: &Patience,
    in_progress_seen: &mut u32,
) -> (End, Said) {
    let (end, said) = wait(drive, surroundings, patience, in_progress_seen);
    if said.state != State::MediaVerification {
        return (end, said);
    }
    match drive.leave_media_verification() {
        Ok(()) => wait(drive, surroundings, patience, in_progress_seen),
        Err(why) => {
            let raw = format!("{}; told to leave media verification: {why}", said.raw);
            (end, Said { raw, ..said })
        }
    }
}

fn wait(
    drive: &dyn Sanitize,
    surroundings: &dyn Surroundings,
    patience: &Patience,
    in_progress_seen: &mut u32,
) -> (End, Said) {
    let mut interval = patience.interval;
    let mut undecoded = 0;
    let mut moved = (None, surroundings.now());
    loop {
        let said = drive.said();
        match said.state {
            State::InProgress { progress } => {
                undecoded = 0;
                *in_progress_seen += 1;
                surroundings.progress(progress);
                let now = surroundings.now();
                if moved.0 != Some(progress) {
                    moved = (Some(progress), now);
                } else if now.saturating_sub(moved.1) >= patience.stuck {
                    return (End::Stuck { progress }, said);
                }
            }
            State::Unknown(_) => {
                undecoded += 1;
                if undecoded >= patience.undecoded_most {
                    return (End::Undecoded, said);
                }
            }
            State::Idle { .. } | State::MediaVerification | State::Failed(_) | State::Frozen => {
                return (End::Ended, said);
            }
        }
        if !surroundings.pause(interval) {
            return (End::Stopped, said);
        }
        interval = (interval * 2).min(patience.interval_most);
    }
}
