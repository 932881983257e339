//! Erase and sanitize of an eMMC, by the node of its user area.
//!
//! SANITIZE_START removes what no address points to, so the whole user area is erased first: erased,
//! not discarded, since of what was discarded a sanitize need not remove anything. The card says
//! nothing of a sanitize but that it is busy, and Linux waits for it inside the command; a wait that
//! is given up interrupts it. What may be believed afterwards: every command was answered without an
//! error, the card was busy with the last one for longer than with any switch ([`SHORTEST`]), and one
//! sector of each erase group reads as erased memory. A card that is through sooner may be honest, and
//! has no claim.
//!
//! Boot areas, the replay protected area and general purpose areas are not reached: Linux selects the
//! area of the node before each command, so no switch of the area helps. Boot areas are emptied by
//! their own nodes before it ([`super::boot_area`]). JESD84-B51 6.6.9 to 6.6.13.

use super::boot_area::{Area, Record, empty};
use super::{Said, Sanitize, State, Technique};
use drive::mmc::ExtCsd;
use drive::mmc::boot::{AREAS, BootAreas};
use drive::mmc::change::{Command, Erase, erase, sanitize};
use drive::mmc::erasing::Erasing;
use drive::mmc::status::{CardState, CardStatus, is_switch_error, send_status};
use drive::port::Port;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Why it is done so, for a plan.
pub const REASON: &str = "erase of the user area and sanitize by the card, which removes what no address points to; before it each boot area is read, and overwritten and read back where it holds data, which makes this Clear; it shows no progress, and a power cut ends it undone";

/// Time for a command that only asks something.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A part of the erase is never given up before that.
const PART_LEAST: Duration = Duration::from_secs(60);
/// Nor waited for any longer, whatever the card says that it takes.
const PART_MOST: Duration = Duration::from_secs(3600);
/// For all parts.
const ERASE_MOST: Duration = Duration::from_secs(2 * 3600);
/// Parts of the erase: each is a line of the report's trace.
const PARTS: u32 = 64;
/// A sanitize that removes by overwriting is not slower.
const SLOWEST_BYTES_PER_SECOND: u64 = 5_000_000;
/// For the rest: the questions, and a sector of each erase group.
const REST: Duration = Duration::from_secs(3600);
/// A switch that only sets a byte is through in milliseconds. That the card was busy for longer is seen
/// of a sanitize; less may be of a command that was swallowed.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// Monotonic time.
pub type Now = Box<dyn Fn() -> Duration + Send + Sync>;

/// Holds the boot area of a number, or says in words why not.
pub type Hold = Box<dyn Fn(u8) -> Result<Box<dyn Area>, String> + Send + Sync>;

/// An eMMC by its user area.
pub struct MmcSanitize {
    port: Arc<dyn Port>,
    hold: Hold,
    /// What the card said when it was claimed.
    erasing: Erasing,
    now: Now,
    told: Mutex<Told>,
}

/// What is known of the erase of this run.
#[derive(Clone, Debug, Default)]
struct Told {
    progress: Progress,
    /// What the commands were answered, for the report.
    answers: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// Not sent, or not to the end.
    #[default]
    NotDone,
    /// All was answered; the card was busy with the sanitize for so long.
    Answered { busy: Duration },
    /// It was answered for, and is not so.
    Contradicted(String),
}

impl MmcSanitize {
    /// Over a claimed drive's port; `erasing` is what its register said.
    #[must_use]
    pub fn new(port: Arc<dyn Port>, erasing: Erasing, hold: Hold, now: Now) -> Self {
        Self {
            port,
            hold,
            erasing,
            now,
            told: Mutex::default(),
        }
    }

    fn told(&self) -> Told {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    fn note(&self, progress: Progress, answer: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.progress = progress;
        told.answers.push_str("; ");
        told.answers.push_str(answer);
    }

    /// The register is still the one of the claim.
    fn same_card(&self) -> Result<ExtCsd, String> {
        let data = self.port.mmc_ext_csd();
        let data = data.map_err(|error| format!("EXT_CSD: {error}"))?;
        let register = ExtCsd::parse(&data).ok_or("EXT_CSD: the answer is no register")?;
        match Erasing::of(&register)? == self.erasing {
            true => Ok(register),
            false => Err("EXT_CSD is not that of the claimed card".into()),
        }
    }

    fn status(&self) -> Result<CardStatus, String> {
        let responses = self.port.mmc(&[send_status()], TIMEOUT);
        let responses = responses.map_err(|error| format!("SEND_STATUS: {error}"))?;
        let raw = responses.first().ok_or("SEND_STATUS: no response")?;
        Ok(CardStatus::decode(*raw))
    }

    /// Sends commands and asks for the status after them; nothing but clean ones is success.
    fn good(&self, what: &str, commands: &[Command], timeout: Duration) -> Result<(), String> {
        let responses = self.port.mmc(commands, timeout);
        let responses = responses.map_err(|error| format!("{what}: {}", words(&error)))?;
        for status in responses.into_iter().map(CardStatus::decode) {
            if status.has_error() {
                return Err(format!("{what}: card status {:08x}", status.raw));
            }
        }
        self.clean("after", what)
    }

    /// The status has no error, and the card is not locked.
    fn clean(&self, when: &str, what: &str) -> Result<(), String> {
        let status = self.status().map_err(|why| format!("{what}: {why}"))?;
        match status.has_error() || status.locked {
            true => Err(format!("{what}: card status {:08x} {when} it", status.raw)),
            false => Ok(()),
        }
    }

    /// The ranges that are erased one after the other, in whole groups but for the end.
    fn parts(&self) -> impl Iterator<Item = Range<u32>> {
        let Erasing {
            sectors,
            group_sectors,
            ..
        } = self.erasing;
        let part = sectors.div_ceil(PARTS).max(1);
        let part = part.checked_next_multiple_of(group_sectors).unwrap_or(part);
        steps(sectors, part).map(move |start| start..start.saturating_add(part).min(sectors))
    }

    fn erase_all(&self) -> Result<(), String> {
        let Erasing {
            sectors,
            group_sectors,
            group_time_max,
            ..
        } = self.erasing;
        let began = (self.now)();
        let mut sent = 0_u32;
        let mut send = |range: Range<u32>, how| {
            let groups = (range.end - range.start).div_ceil(group_sectors);
            let time = group_time_max.saturating_mul(groups);
            let time = time.clamp(PART_LEAST, PART_MOST);
            let what = format!("erase of sectors {} to {}", range.start, range.end - 1);
            sent += 1;
            self.good(&what, &erase(range.start, range.end - 1, how), time)
        };
        for range in self.parts() {
            send(range, Erase::Groups)?;
            if (self.now)().saturating_sub(began) > ERASE_MOST {
                return Err("the erase takes longer than any card needs".into());
            }
        }
        // A card may leave the group that its area ends in.
        let tail = sectors - sectors % group_sectors;
        if self.erasing.trim && tail < sectors {
            send(tail..sectors, Erase::Trim)?;
        }
        let took = (self.now)().saturating_sub(began);
        self.note(
            Progress::NotDone,
            &format!("{sent} erases answered in {:.3} s", took.as_secs_f64()),
        );
        Ok(())
    }

    /// The last sector of each erase group: what was left out, as protected or against the card's
    /// word, is whole groups.
    fn first_not_erased(&self) -> Result<Option<u32>, String> {
        let Erasing {
            sectors,
            group_sectors,
            erased_byte,
            ..
        } = self.erasing;
        let mut buffer = [0; 512];
        for start in steps(sectors, group_sectors) {
            let sector = start.saturating_add(group_sectors - 1).min(sectors - 1);
            // What a failed read leaves in the buffer is nobody's.
            buffer.fill(!erased_byte);
            self.port
                .read_at(&mut buffer, u64::from(sector) * 512)
                .map_err(|error| format!("sector {sector} after the sanitize: {error}"))?;
            if buffer.iter().any(|byte| *byte != erased_byte) {
                return Ok(Some(sector));
            }
        }
        Ok(None)
    }
}

/// Where each `step` of so many sectors starts.
fn steps(sectors: u32, step: u32) -> impl Iterator<Item = u32> {
    (0..sectors).step_by(usize::try_from(step).unwrap_or(usize::MAX))
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        _ if is_switch_error(error) => "the card does not take it (switch error)".into(),
        io::ErrorKind::TimedOut => {
            "the card answers nothing, or was busy for too long and is interrupted".into()
        }
        _ => error.to_string(),
    }
}

fn sanitize_bound(erasing: &Erasing) -> Duration {
    PART_MOST + Duration::from_secs(erasing.bytes() / SLOWEST_BYTES_PER_SECOND)
}

impl Sanitize for MmcSanitize {
    fn said(&self) -> Said {
        let Told { progress, answers } = self.told();
        let status = match self.status() {
            Ok(status) => status,
            Err(why) => return Said::unknown(format!("{why}{answers}")),
        };
        let state = match (progress, status.state) {
            (Progress::Contradicted(why), _) => State::Failed(why),
            _ if status.locked => State::Unknown("the card is locked by a password".into()),
            _ if status.has_error() => State::Unknown(format!("card status {:08x}", status.raw)),
            (_, CardState::Programming) => State::InProgress { progress: 0 },
            (_, CardState::Other(state)) => State::Unknown(format!("card state {state}")),
            (progress, CardState::Transfer) => State::Idle {
                completed: match progress {
                    Progress::Answered { busy } if busy >= SHORTEST => Some(true),
                    Progress::Answered { .. } => None,
                    Progress::NotDone | Progress::Contradicted(_) => Some(false),
                },
            },
        };
        Said {
            state,
            erased_since_write: None,
            is_ours: None,
            is_deallocated: true,
            raw: format!("card status {:08x}{answers}", status.raw),
        }
    }

    fn empty_boot_areas(&self, goes_on: &dyn Fn() -> bool) -> Vec<Record> {
        let emptied = |number: u8| {
            // What the card says now, not when it was listed.
            let said = match self.same_card() {
                Ok(register) => BootAreas::of(&register),
                Err(why) => return Some(Record::left(number, 0, why)),
            };
            if said.bytes == 0 {
                return None;
            }
            let left = |why| Record::left(number, said.bytes, why);
            Some(match (self.hold)(number) {
                Err(why) => left(why),
                Ok(area) if area.bytes() != said.bytes => left(format!(
                    "EXT_CSD BOOT_MULT says {} bytes, the kernel {}",
                    said.bytes,
                    area.bytes()
                )),
                Ok(mut area) => empty(number, &mut *area, said.unwritable(number), goes_on),
            })
        };
        (0..AREAS).filter_map(emptied).collect()
    }

    fn start(&self, technique: Technique) -> Result<(), String> {
        match technique {
            Technique::BlockErase => {}
            Technique::CryptoErase
            | Technique::Overwrite
            | Technique::EnhancedErase
            | Technique::Format => {
                return Err("an eMMC knows erase and sanitize only".into());
            }
        }
        self.same_card()?;
        self.clean("before", "erase")?;
        self.erase_all()?;
        let began = (self.now)();
        let bound = sanitize_bound(&self.erasing);
        self.good("SANITIZE_START", &[sanitize()], bound)?;
        let busy = (self.now)().saturating_sub(began);
        self.same_card()?;
        let answer = format!("SANITIZE_START answered after {:.3} s", busy.as_secs_f64());
        self.note(Progress::Answered { busy }, &answer);
        if let Some(sector) = self.first_not_erased()? {
            let why = format!(
                "sector {sector} does not read as erased memory ({:02X}h)",
                self.erasing.erased_byte
            );
            self.note(Progress::Contradicted(why.clone()), &why);
        }
        Ok(())
    }

    /// Erased memory reads as one byte repeated.
    fn may_be_unreadable_after(&self, _: Technique) -> bool {
        false
    }

    fn takes_writes_after_failure(&self) -> bool {
        true
    }

    fn blocks_for(&self) -> Duration {
        ERASE_MOST + PART_MOST + sanitize_bound(&self.erasing) + REST
    }
}
