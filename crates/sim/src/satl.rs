//! The SCSI side of an ATA disk: a SCSI/ATA translation layer (SAT-4) as an HBA or a bridge has it,
//! with ATA PASS-THROUGH.
//!
//! What it does not know is an invalid command. It does not translate SANITIZE.

mod blocks;
mod inquiry;
mod mode;
mod pass_through;
mod security;
mod sense;

use crate::ata::disk::AtaDisk;
use crate::ata::{Answer, Received, Task};
use crate::device::{Event, ScsiAnswer, ScsiDevice};
use sense::{ABORTED_COMMAND, INVALID_COMMAND, INVALID_FIELD, Sense};

/// The translation's own state.
#[derive(Clone, Debug)]
pub(crate) struct Translation {
    /// What the next command is told instead of being carried out.
    unit_attention: Option<Sense>,
    /// Sense data in descriptor format.
    d_sense: bool,
    /// Stopped by START STOP UNIT.
    is_stopped: bool,
    /// Registers of the last pass-through.
    last: Option<Registers>,
    pub(crate) commands: Received<Vec<u8>>,
}

/// Registers as the translation keeps them for the host.
#[derive(Clone, Debug)]
struct Registers {
    answer: Answer,
    is_48_bit: bool,
}

impl Translation {
    pub(crate) fn new(d_sense: bool) -> Self {
        Self {
            unit_attention: Some(sense::POWER_ON),
            d_sense,
            is_stopped: false,
            last: None,
            commands: Received::default(),
        }
    }

    pub(crate) fn power_on(&mut self, d_sense: bool) {
        self.unit_attention = Some(sense::POWER_ON);
        self.d_sense = d_sense;
        self.is_stopped = false;
        self.last = None;
    }

    pub(crate) fn reset(&mut self) {
        self.unit_attention = Some(sense::RESET);
    }
}

/// Why a command does not succeed.
#[derive(Debug)]
enum Refusal {
    /// Check condition with this.
    Sense(Sense),
    /// It is never answered.
    Silence,
}

impl From<Sense> for Refusal {
    fn from(sense: Sense) -> Self {
        Self::Sense(sense)
    }
}

type Outcome = Result<ScsiAnswer, Refusal>;

fn good(data: Vec<u8>) -> ScsiAnswer {
    ScsiAnswer {
        data,
        ..ScsiAnswer::default()
    }
}

/// Big endian numbers of a command block; 0 beyond its end.
fn number(cdb: &[u8], first: usize, bytes: usize) -> u64 {
    let at = |index| u64::from(cdb.get(index).copied().unwrap_or(0));
    (first..first + bytes).fold(0, |value, index| value << 8 | at(index))
}

/// At most as many bytes as the command allows.
fn cut(mut data: Vec<u8>, allowed: u64) -> ScsiAnswer {
    data.truncate(usize::try_from(allowed).unwrap_or(usize::MAX));
    good(data)
}

/// The command block without what a transport put behind it, by its group code; empty where it is too
/// short or of a group without a length.
fn command_block(cdb: &[u8]) -> &[u8] {
    let length = match cdb.first().map(|operation| operation >> 5) {
        Some(0) => 6,
        Some(1 | 2) => 10,
        Some(4) => 16,
        Some(5) => 12,
        _ => 0,
    };
    cdb.get(..length).unwrap_or_default()
}

impl ScsiDevice for AtaDisk {
    fn command(&mut self, cdb: &[u8], out: &[u8]) -> Option<ScsiAnswer> {
        let cdb = command_block(cdb);
        self.translation.commands.push(cdb.to_vec());
        self.took = std::time::Duration::ZERO;
        if self.is_off {
            return None;
        }
        self.settle();
        match self.translate(cdb, out) {
            Ok(answer) => Some(answer),
            Err(Refusal::Silence) => None,
            Err(Refusal::Sense(sense)) => Some(ScsiAnswer {
                status: 0x02,
                sense: sense.encode(self.has_d_sense()),
                data: Vec::new(),
            }),
        }
    }

    fn event(&mut self, event: Event) {
        self.befall(event);
    }
}

impl AtaDisk {
    fn has_d_sense(&self) -> bool {
        self.translation.d_sense && !self.options.lies.fixed_sense_only
    }

    fn translate(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let operation = cdb.first().copied().ok_or(INVALID_COMMAND)?;
        let ignores_attention = [0x03, 0x12, 0xA0].contains(&operation);
        if !ignores_attention && let Some(sense) = self.translation.unit_attention.take() {
            return Err(sense.into());
        }
        match operation {
            0x00 => self.test_unit_ready(),
            0x03 => Ok(self.request_sense(cdb)),
            0x12 => self.inquiry(cdb),
            0xA0 => Ok(report_luns(cdb)),
            0x15 | 0x55 => self.mode_select(cdb, out),
            0x1A | 0x5A => self.mode_sense(cdb),
            0x1B => self.start_stop(cdb),
            0x25 => self.read_capacity_10(),
            0x9E if cdb.get(1).is_some_and(|byte| byte & 0x1F == 0x10) => {
                self.read_capacity_16(cdb)
            }
            0x28 | 0x88 => self.read_blocks(cdb),
            0x2A | 0x8A => self.write_blocks(cdb, out),
            0x2F | 0x8F => self.verify_blocks(cdb),
            0x35 | 0x91 => self.synchronize_cache(),
            0x42 => self.unmap(cdb, out),
            0x85 | 0xA1 => self.pass_through(cdb, out),
            0xA2 | 0xB5 => self.security_protocol(cdb, out),
            _ => Err(INVALID_COMMAND.into()),
        }
    }

    fn test_unit_ready(&self) -> Outcome {
        match self.readiness() {
            Some(sense) => Err(sense.into()),
            None => Ok(good(Vec::new())),
        }
    }

    /// Why the medium cannot be had now.
    fn readiness(&self) -> Option<Sense> {
        if let Some(progress) = self.sanitize_progress() {
            return Some(Sense {
                progress: Some(progress),
                ..Sense::of(0x02, 0x04, 0x1B)
            });
        }
        if self.sanitize.has_failed() {
            return Some(Sense::of(0x03, 0x31, 0x03));
        }
        self.translation
            .is_stopped
            .then_some(Sense::of(0x02, 0x04, 0x02))
    }

    fn request_sense(&mut self, cdb: &[u8]) -> ScsiAnswer {
        let attention = self.translation.unit_attention.take();
        let sense = attention.or(self.readiness()).unwrap_or_default();
        let is_descriptor = cdb.get(1).is_some_and(|byte| byte & 1 != 0);
        let is_descriptor = is_descriptor && !self.options.lies.fixed_sense_only;
        cut(sense.encode(is_descriptor), number(cdb, 4, 1))
    }

    fn start_stop(&mut self, cdb: &[u8]) -> Outcome {
        let bits = cdb.get(4).copied().unwrap_or(0);
        if bits & 0xF0 != 0 || bits & 0x02 != 0 {
            return Err(INVALID_FIELD.into());
        }
        let is_start = bits & 1 != 0;
        if !is_start {
            let standby = Task {
                command: 0xE0,
                ..Task::default()
            };
            self.ata(&standby, &[])?;
        }
        self.translation.is_stopped = !is_start;
        Ok(good(Vec::new()))
    }

    /// Has the drive carry out a command; its refusal in the words of SCSI.
    fn ata(&mut self, task: &Task, out: &[u8]) -> Result<Answer, Refusal> {
        if let Some(sense) = self.readiness()
            && (task.touches_media() || self.sanitize.is_busy_or_failed())
        {
            return Err(sense.into());
        }
        let answer = self.carry_out(task, out).ok_or(Refusal::Silence)?;
        match answer.is_good() {
            true => Ok(answer),
            false => Err(self.sense_of(task, &answer).into()),
        }
    }

    /// SAT-4 on the translation of ATA errors.
    fn sense_of(&self, task: &Task, answer: &Answer) -> Sense {
        if answer.error & 0x40 != 0 {
            return Sense {
                information: Some(answer.lba),
                ..Sense::of(0x03, 0x11, 0x04)
            };
        }
        if answer.error & 0x10 != 0 {
            return sense::OUT_OF_RANGE;
        }
        if self.locked_by_tcg(task).is_some() {
            return sense::NO_ACCESS_RIGHTS;
        }
        match self.security.is_locked && task.touches_media() {
            true => Sense::of(0x07, 0x74, 0x71),
            false => ABORTED_COMMAND,
        }
    }
}

/// One logical unit.
fn report_luns(cdb: &[u8]) -> ScsiAnswer {
    let mut data = vec![0; 16];
    data[3] = 8;
    cut(data, number(cdb, 6, 4))
}
