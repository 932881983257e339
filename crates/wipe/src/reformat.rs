//! A SCSI disk is given blocks that Linux drives: MODE SELECT names the length, FORMAT UNIT makes it.
//!
//! Nothing is believed but what the disk says when it is asked anew, and that is no erasure: a format
//! may leave every byte, and what it says of itself is weighed by nobody. The ordinary erasure comes
//! after it. A format that is cut off leaves the disk unreadable (31/00) until the next one; one that
//! nobody waits for any more goes on by itself. SBC-4 5.3, 6.5.2; SPC-5 6.11.

use crate::native::Surroundings;
use crate::restore::{Talk, said};
use drive::port::{Data, Port};
use drive::scsi::Sense;
use drive::scsi::capacity::{Capacity10, Capacity16};
use drive::scsi::change::{Answer, ModePages, format_unit, mode_select_10};
use drive::scsi::command::{
    PageControl, mode_sense_10, read_capacity_10, read_capacity_16, request_sense, test_unit_ready,
};
use drive::scsi::mode::{ModeHeader, list_of_block_length};
use drive::scsi::progress::LongOperation;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);
/// A drive says UNIT ATTENTION once for each thing that happened to it; then it answers.
const TRIES: usize = 4;
const GOOD: u8 = 0x00;
const KEY_UNIT_ATTENTION: u8 = 6;
const SENSE_BYTES: u8 = 252;
const PAGE_ERROR_RECOVERY: u8 = 0x01;
const MODE_BYTES: u16 = 252;
const CAPACITY_BYTES: u8 = 32;
const CAPACITY_10_BYTES: usize = 8;
const MODES: &str = "MODE SENSE (10)";
const SELECT: &str = "MODE SELECT (10)";
const FORMAT: &str = "FORMAT UNIT";

/// How long raz waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Time between questions.
    pub interval: Duration,
    /// The disk may give no answer, or none that tells of the format, for so long.
    pub silence: Duration,
    /// A progress that it tells may stand still for so long.
    pub stuck: Duration,
    /// Longest format: disks of 20 TB take a day and a half, certification doubles it.
    pub most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self {
            interval: Duration::from_secs(5),
            silence: hours(1) / 2,
            stuck: hours(3),
            most: hours(120),
        }
    }
}

/// Blocks, as the disk tells of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many.
    pub blocks: u64,
    /// Bytes of each.
    pub block_bytes: u32,
}

impl Layout {
    /// Bytes of them all.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blocks.saturating_mul(u64::from(self.block_bytes))
    }
}

/// A disk that says that it has the blocks it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reformatted {
    /// Before, where it told.
    pub before: Option<Layout>,
    /// Now.
    pub after: Layout,
    /// The format was seen under way.
    pub was_under_way: bool,
}

/// Why a disk is not as it was asked to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It cannot be asked, or is not the one that was confirmed. It is as it was.
    #[error("nothing was changed: {0}")]
    NotBegun(String),
    /// It did not take the length or the format.
    #[error("the disk refused {command} ({answer})")]
    Refused {
        /// Name of the command.
        command: &'static str,
        /// What came back.
        answer: String,
    },
    /// A person ended the waiting.
    #[error("no longer waited for: the disk goes on formatting by itself")]
    Stopped,
    /// No answer that tells of the format.
    #[error("the disk tells nothing of its format any more: {0}")]
    Silent(String),
    /// Its progress stands still.
    #[error("the format stands still at {} %", percent(*.progress))]
    Stuck {
        /// Of 65,536.
        progress: u16,
    },
    /// It takes longer than any format.
    #[error("the format takes longer than any that is known")]
    Endless,
    /// It failed, or was cut off.
    #[error("the format failed ({0})")]
    Failed(String),
    /// It says that it is done, and its blocks are of another length.
    #[error("the disk says that it is done, and its blocks are of {now} bytes, not of {wanted}")]
    Unchanged {
        /// Bytes of a block now.
        now: u32,
        /// What was asked for.
        wanted: u32,
    },
    /// It has lost blocks.
    #[error(
        "the disk has {now} blocks now and had {before}: what is in the others cannot be reached"
    )]
    Shrunk {
        /// Blocks before.
        before: u64,
        /// Blocks now.
        now: u64,
    },
    /// It cannot be asked afterwards, or is another one.
    #[error("after the format: {0}")]
    Lost(String),
}

impl Failure {
    /// What the operator can do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotBegun(_) => {
                "list the drives anew; if it stays so, look at its cable and power"
            }
            Self::Refused { .. } => {
                "switch the machine off and on and try once more; a disk that its maker locks to a storage array refuses for good: have it destroyed"
            }
            Self::Stopped => {
                "leave its power on; `raz reformat` again waits for the end of the same format"
            }
            Self::Silent(_) | Self::Lost(_) => {
                "switch the machine off and on and list the drives; a format that was cut off is begun again by `raz reformat`"
            }
            Self::Stuck { .. } | Self::Endless => {
                "give it a night, then `raz reformat` again; if it stands where it stood, have the disk destroyed"
            }
            Self::Failed(_) => {
                "`raz reformat` once more; if it fails again, have the disk destroyed"
            }
            Self::Unchanged { .. } => {
                "attach the disk to another controller: this one may not pass the commands on as they are; else have it destroyed"
            }
            Self::Shrunk { .. } => {
                "have the disk destroyed: `raz wipe` proves only what it can reach"
            }
        }
    }
}

/// Bytes of a block that Linux drives, for a disk with blocks of this length: what lies beyond 512 or
/// 4096 bytes was protection of the array's own.
#[must_use]
pub fn block_bytes_wanted(now: u32) -> u32 {
    if now < 4096 { 512 } else { 4096 }
}

/// What a disk tells of its format.
enum State {
    Ready,
    /// With its progress, of 65,536.
    Formatting(Option<u16>),
    /// In words.
    Broken(String),
    /// In words.
    Other(String),
}

/// Formats the disk, or waits for a format that is under way, and asks what came of it. Blocks for
/// hours. The identity is read anew before each command that changes it, and afterwards.
///
/// # Errors
/// Whatever is not as it was asked for. Only after [`Failure::NotBegun`] it is surely as it was.
pub fn run(
    port: &dyn Port,
    around: &dyn Surroundings,
    patience: &Patience,
) -> Result<Reformatted, Failure> {
    let mut was_under_way = false;
    match state(port).map_err(Failure::NotBegun)? {
        State::Other(words) => return Err(Failure::NotBegun(words)),
        State::Formatting(_) => {
            still_it(around).map_err(Failure::NotBegun)?;
            was_under_way = wait(port, around, patience)?;
        }
        State::Ready | State::Broken(_) => {}
    }
    let mut talk = Talk::over(port);
    let before = layout(&mut talk).ok();
    let is_whole = matches!(state(port), Ok(State::Ready));
    if let Some(after) = before
        && was_under_way
        && is_whole
        && after.block_bytes == block_bytes_wanted(after.block_bytes)
    {
        still_it(around).map_err(Failure::Lost)?;
        return Ok(Reformatted {
            before: None,
            after,
            was_under_way,
        });
    }
    let modes = [PageControl::Current, PageControl::Default].map(|values| {
        let data = mode(&mut talk, values).ok()?;
        ModeHeader::parse(&data)
    });
    let told = modes
        .iter()
        .flatten()
        .filter_map(|header| header.block_bytes);
    let now = before.map(|layout| layout.block_bytes);
    let now = now.or_else(|| told.into_iter().find(|bytes| *bytes > 0));
    let wanted = block_bytes_wanted(now.unwrap_or(512));
    // The default tells of more blocks where some are hidden; of another kind of block it tells nothing.
    let default =
        modes[1].filter(|header| header.block_bytes.map(block_bytes_wanted) == Some(wanted));
    let most = before
        .map(|layout| layout.blocks)
        .max(default.and_then(|header| header.blocks));

    let mut is_begun = false;
    for _ in 0..TRIES {
        select(&mut talk, around, wanted)?;
        is_begun = format(&mut talk, around)?;
        if is_begun {
            break;
        }
    }
    if !is_begun {
        return Err(Failure::Refused {
            command: FORMAT,
            answer: "one reset after another".into(),
        });
    }
    let was_under_way = wait(port, around, patience)?;
    still_it(around).map_err(Failure::Lost)?;
    let after = layout(&mut talk).map_err(Failure::Lost)?;
    if after.block_bytes != wanted {
        return Err(Failure::Unchanged {
            now: after.block_bytes,
            wanted,
        });
    }
    match most {
        Some(most) if after.blocks < most => Err(Failure::Shrunk {
            before: most,
            now: after.blocks,
        }),
        _ => Ok(Reformatted {
            before,
            after,
            was_under_way,
        }),
    }
}

fn still_it(around: &dyn Surroundings) -> Result<(), String> {
    let found = around.recheck_identity();
    found.map_err(|lost| lost.to_string())
}

/// Names the length. What counts is that the disk says it is the one that the next format makes.
fn select(talk: &mut Talk<'_>, around: &dyn Surroundings, wanted: u32) -> Result<(), Failure> {
    let refused = |answer: String| Failure::Refused {
        command: SELECT,
        answer,
    };
    let data = mode(talk, PageControl::Current).map_err(Failure::NotBegun)?;
    let list = list_of_block_length(&data, wanted).ok_or_else(|| {
        Failure::NotBegun("MODE SENSE has no block descriptor with room for the length".into())
    })?;
    still_it(around).map_err(Failure::NotBegun)?;
    let cdb = mode_select_10(
        ModePages::Current,
        u16::try_from(list.len()).unwrap_or(u16::MAX),
    );
    let reply = talk.send(SELECT, &cdb, Some(&list)).map_err(refused)?;
    let data = mode(talk, PageControl::Current).map_err(refused)?;
    let now = ModeHeader::parse(&data).and_then(|header| header.block_bytes);
    if now == Some(wanted) {
        return Ok(());
    }
    let now = now.map_or("not told".to_owned(), |now| format!("{now} bytes"));
    Err(refused(format!("{}; block length {now}", said(&reply))))
}

/// Begins the format, without protection information. False: the disk told of a reset instead, which
/// makes it forget the length.
fn format(talk: &mut Talk<'_>, around: &dyn Surroundings) -> Result<bool, Failure> {
    let refused = |answer: String| Failure::Refused {
        command: FORMAT,
        answer,
    };
    let Some(unit) = format_unit(None, Answer::Immediately) else {
        return Err(refused("not sent".into()));
    };
    still_it(around).map_err(|why| refused(format!("not sent: {why}")))?;
    match talk.once(FORMAT, &unit.command, Data::Out(&unit.parameters)) {
        Ok(None) => Ok(false),
        Ok(Some(reply)) if reply.status == GOOD => Ok(true),
        Ok(Some(reply)) => Err(refused(said(&reply))),
        Err(why) => Err(refused(why)),
    }
}

/// Waits until the disk is ready. True: it was seen under way.
fn wait(port: &dyn Port, around: &dyn Surroundings, patience: &Patience) -> Result<bool, Failure> {
    let begun = around.now();
    let (mut told, mut moved) = (begun, begun);
    let mut last = None;
    let mut was_under_way = false;
    loop {
        let state = state(port);
        let now = around.now();
        match state {
            Ok(State::Ready) => return Ok(was_under_way),
            Ok(State::Broken(words)) => return Err(Failure::Failed(words)),
            Ok(State::Formatting(progress)) => {
                was_under_way = true;
                told = now;
                if progress != last {
                    (last, moved) = (progress, now);
                }
                if let Some(progress) = progress {
                    around.progress(progress);
                    if now.saturating_sub(moved) >= patience.stuck {
                        return Err(Failure::Stuck { progress });
                    }
                }
            }
            Ok(State::Other(words)) | Err(words) => {
                if now.saturating_sub(told) >= patience.silence {
                    return Err(Failure::Silent(words));
                }
            }
        }
        if now.saturating_sub(begun) >= patience.most {
            return Err(Failure::Endless);
        }
        if !around.pause(patience.interval) {
            return Err(Failure::Stopped);
        }
    }
}

/// TEST UNIT READY, whose sense tells; REQUEST SENSE where it leaves the progress out.
fn state(port: &dyn Port) -> Result<State, String> {
    for _ in 0..TRIES {
        let reply = port
            .scsi(&test_unit_ready(), Data::None, TIMEOUT)
            .map_err(|error| error.to_string())?;
        if reply.host_status != 0 {
            return Err(said(&reply));
        }
        if reply.status == GOOD {
            return Ok(State::Ready);
        }
        let Some(sense) = Sense::parse(&reply.sense) else {
            return Err(said(&reply));
        };
        if sense.key == KEY_UNIT_ATTENTION {
            continue;
        }
        return Ok(match LongOperation::from_sense(&sense) {
            LongOperation::Formatting { progress_raw } => {
                State::Formatting(progress_raw.or_else(|| progress(port)))
            }
            LongOperation::FormatFailed | LongOperation::FormatCorrupt => {
                State::Broken(sense.to_string())
            }
            LongOperation::Sanitizing { .. }
            | LongOperation::SanitizeFailed
            | LongOperation::NoneTold
            | LongOperation::Other => State::Other(sense.to_string()),
        });
    }
    Err("one reset after another".into())
}

fn progress(port: &dyn Port) -> Option<u16> {
    let mut data = vec![0; usize::from(SENSE_BYTES)];
    let cdb = request_sense(SENSE_BYTES);
    port.scsi(&cdb, Data::In(&mut data), TIMEOUT).ok()?;
    match LongOperation::from_sense(&Sense::parse(&data)?) {
        LongOperation::Formatting { progress_raw } => progress_raw,
        _ => None,
    }
}

fn layout(talk: &mut Talk<'_>) -> Result<Layout, String> {
    let cdb = read_capacity_16(u32::from(CAPACITY_BYTES));
    let refused = match talk.ask("READ CAPACITY (16)", &cdb, usize::from(CAPACITY_BYTES)) {
        Ok(data) => {
            let capacity = Capacity16::parse(&data).ok_or("READ CAPACITY (16): too short")?;
            return Ok(Layout {
                blocks: capacity.blocks().ok_or("READ CAPACITY (16): too much")?,
                block_bytes: capacity.block_bytes,
            });
        }
        Err(why) => why,
    };
    // Old disks know the short one only.
    let data = talk.ask("READ CAPACITY (10)", &read_capacity_10(), CAPACITY_10_BYTES);
    match data.ok().and_then(|data| Capacity10::parse(&data)) {
        Some(Capacity10::Fits {
            last_lba,
            block_bytes,
        }) => Ok(Layout {
            blocks: u64::from(last_lba) + 1,
            block_bytes,
        }),
        Some(Capacity10::TooLarge) | None => Err(refused),
    }
}

fn mode(talk: &mut Talk<'_>, values: PageControl) -> Result<Vec<u8>, String> {
    let cdb = mode_sense_10(values, PAGE_ERROR_RECOVERY, 0, MODE_BYTES);
    talk.ask(MODES, &cdb, usize::from(MODE_BYTES))
}

/// Whole percent of 65,536ths.
#[must_use]
pub fn percent(progress: u16) -> u32 {
    u32::from(progress) * 100 / 65_536
}
