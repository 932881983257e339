//! SANITIZE DEVICE (ACS-4): the states SD0 to SD4 and what each command does in them.
//!
//! An operation has its effect on the cells when it ends, all at once.

use super::disk::AtaDisk;
use super::options::{Kept, SanitizeOptions};
use super::{Answer, Task};
use std::time::Duration;

const CRYPTO_SCRAMBLE: u16 = 0x0011;
const BLOCK_ERASE: u16 = 0x0012;
const OVERWRITE: u16 = 0x0014;
const FREEZE: u16 = 0x0020;
const ANTIFREEZE: u16 = 0x0040;

/// Reasons in LBA 7:0 of a refusal.
const UNSPECIFIED: u8 = 0;
const UNSUPPORTED: u8 = 2;
const FROZEN: u8 = 3;
const ANTIFROZEN: u8 = 4;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    CryptoScramble,
    BlockErase,
    /// With what the last pass leaves.
    Overwrite([u8; 4]),
}

/// An operation in progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    operation: Operation,
    /// FAILURE MODE was 0.
    is_restricted: bool,
    takes: Duration,
    /// Done before the power was last off.
    done: Duration,
    /// When it went on; `None` while the power is off.
    since: Option<Duration>,
}

impl Run {
    fn elapsed(&self, now: Duration) -> Duration {
        let since = self.since.map(|since| now.saturating_sub(since));
        self.done + since.unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// SD0.
    Idle,
    /// SD1.
    Frozen,
    /// SD2.
    InProgress(Run),
    /// SD3.
    Failed { reason: u8, is_restricted: bool },
    /// SD4.
    Succeeded,
}

/// The feature set's state.
#[derive(Clone, Debug)]
pub(crate) struct Sanitize {
    state: State,
    is_antifrozen: bool,
    /// COUNT bit 15: the last one ended without error. Kept without power.
    is_completed: bool,
}

impl Sanitize {
    pub(crate) fn new(options: &SanitizeOptions) -> Self {
        Self {
            state: match options.frozen {
                true => State::Frozen,
                false => State::Idle,
            },
            is_antifrozen: false,
            is_completed: options.done_before,
        }
    }

    /// SD2 or SD3: hardly any command is allowed.
    pub(crate) fn is_busy_or_failed(&self) -> bool {
        self.is_in_progress() || self.has_failed()
    }

    pub(crate) fn is_in_progress(&self) -> bool {
        matches!(self.state, State::InProgress(_))
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed { .. })
    }

    /// The power goes: what is done stays done.
    pub(crate) fn pause(&mut self, now: Duration) {
        if let State::InProgress(run) = &mut self.state {
            run.done = run.elapsed(now);
            run.since = None;
        }
    }

    /// The power comes back: an operation goes on, a failure stays, a freeze is over.
    pub(crate) fn power_on(&mut self, now: Duration) {
        self.is_antifrozen = false;
        match &mut self.state {
            State::InProgress(run) => run.since = Some(now),
            State::Frozen | State::Succeeded => self.state = State::Idle,
            State::Idle | State::Failed { .. } => (),
        }
    }
}

impl AtaDisk {
    pub(crate) fn sanitize_device(&mut self, task: &Task) -> Answer {
        if !self.options.sanitize.supported || !task.is_48_bit {
            return Answer {
                lba: 0,
                ..Answer::aborted(task)
            };
        }
        let result = match task.feature {
            0x0000 => self.sanitize_status(task),
            FREEZE => self.sanitize_freeze(task),
            ANTIFREEZE => self.sanitize_antifreeze(task),
            _ => self.sanitize_start(task),
        };
        match result {
            Ok(()) => self.sanitize_answer(task),
            Err(reason) => Answer {
                lba: u64::from(reason),
                count: 0,
                ..Answer::aborted(task)
            },
        }
    }

    fn sanitize_status(&mut self, task: &Task) -> Result<(), u8> {
        let clears = task.count & 1 != 0;
        match self.sanitize.state {
            State::Failed {
                is_restricted: false,
                ..
            } if clears => {
                self.sanitize.state = State::Idle;
                Ok(())
            }
            State::Failed { reason, .. } => Err(reason),
            State::Idle | State::Frozen | State::InProgress(_) | State::Succeeded => Ok(()),
        }
    }

    fn sanitize_freeze(&mut self, task: &Task) -> Result<(), u8> {
        if task.lba != 0x4672_4C6B {
            return Err(UNSPECIFIED);
        }
        match self.sanitize.state {
            State::InProgress(_) | State::Failed { .. } => return Err(UNSPECIFIED),
            State::Idle | State::Frozen | State::Succeeded => (),
        }
        if self.sanitize.is_antifrozen {
            return Err(ANTIFROZEN);
        }
        self.sanitize.state = State::Frozen;
        Ok(())
    }

    fn sanitize_antifreeze(&mut self, task: &Task) -> Result<(), u8> {
        if !self.options.sanitize.antifreeze {
            return Err(UNSUPPORTED);
        }
        match self.sanitize.state {
            State::Frozen => return Err(FROZEN),
            State::InProgress(_) | State::Failed { .. } => return Err(UNSPECIFIED),
            State::Idle | State::Succeeded => (),
        }
        if task.lba != 0x416E_7469 {
            return Err(UNSPECIFIED);
        }
        self.sanitize.is_antifrozen = true;
        Ok(())
    }

    fn sanitize_start(&mut self, task: &Task) -> Result<(), u8> {
        let (operation, takes) = self.sanitize_operation(task)?;
        let is_restricted = task.count & 0x10 == 0;
        match self.sanitize.state {
            State::Frozen => return Err(FROZEN),
            State::InProgress(_) => return Err(UNSPECIFIED),
            State::Failed {
                is_restricted: true,
                ..
            } if !is_restricted => return Err(UNSPECIFIED),
            State::Idle | State::Failed { .. } | State::Succeeded => (),
        }
        if self.security.is_locked && !(is_restricted && self.options.sanitize.overrides_lock) {
            return Err(UNSPECIFIED);
        }
        if self.options.lies.sanitize_swallowed {
            return Ok(());
        }
        self.destage();
        self.sanitize.is_completed = false;
        self.sanitize.state = State::InProgress(Run {
            operation,
            is_restricted,
            takes: match self.options.lies.instant {
                true => Duration::ZERO,
                false => takes,
            },
            done: Duration::ZERO,
            since: Some(self.clock.now()),
        });
        Ok(())
    }

    /// What the command asks for and how long that takes, if the drive has it and it is signed.
    fn sanitize_operation(&self, task: &Task) -> Result<(Operation, Duration), u8> {
        let options = &self.options.sanitize;
        let (is_supported, is_signed) = match task.feature {
            CRYPTO_SCRAMBLE => (options.crypto, task.lba == 0x4372_7970),
            BLOCK_ERASE => (options.block, task.lba == 0x426B_4572),
            OVERWRITE => (options.overwrite, task.lba >> 32 == 0x4F57),
            _ => (false, false),
        };
        if !is_supported {
            return Err(UNSUPPORTED);
        }
        if !is_signed {
            return Err(UNSPECIFIED);
        }
        Ok(match task.feature {
            CRYPTO_SCRAMBLE => (Operation::CryptoScramble, options.crypto_time),
            BLOCK_ERASE => (Operation::BlockErase, options.block_time),
            _ => {
                let passes = match task.count & 0x0F {
                    0 => 16,
                    passes => u32::from(passes),
                };
                let pattern = self.last_pattern(task, passes);
                let operation = Operation::Overwrite(pattern);
                (operation, options.pass_time * passes)
            }
        })
    }

    /// With INVERT every other pass is inverted: this drive begins with the pattern as it was given,
    /// unless DEFINITIVE ENDING PATTERN asks that it ends with it.
    fn last_pattern(&self, task: &Task, passes: u32) -> [u8; 4] {
        let [_, _, _, _, a, b, c, d] = task.lba.to_be_bytes();
        let given = self.options.lies.overwrite_pattern.unwrap_or([a, b, c, d]);
        let is_definitive = task.count & 0x40 != 0;
        let inverts = task.count & 0x80 != 0;
        match inverts && !is_definitive && passes.is_multiple_of(2) {
            true => given.map(|byte| !byte),
            false => given,
        }
    }

    /// COUNT and LBA of a status.
    fn sanitize_answer(&self, task: &Task) -> Answer {
        let sanitize = &self.sanitize;
        let is_completed = sanitize.is_completed || self.options.lies.sanitize_swallowed;
        let flags = [
            (15, is_completed),
            (14, sanitize.is_in_progress()),
            (13, matches!(sanitize.state, State::Frozen)),
            (12, sanitize.is_antifrozen),
        ];
        let set = flags.iter().filter(|(_, is_set)| *is_set);
        Answer {
            count: set.fold(0, |count, (bit, _)| count | 1 << bit),
            lba: u64::from(self.sanitize_progress().unwrap_or(0xFFFF)),
            ..Answer::good(task)
        }
    }

    /// How far it is, in 65536ths; `None` when none is in progress.
    pub(crate) fn sanitize_progress(&self) -> Option<u16> {
        let State::InProgress(run) = self.sanitize.state else {
            return None;
        };
        let takes = run.takes.as_millis().max(1);
        let share = run.elapsed(self.clock.now()).as_millis() * 65_536 / takes;
        let share = u16::try_from(share).unwrap_or(u16::MAX).min(0xFFFE);
        Some(share.min(self.options.lies.stuck_at.unwrap_or(share)))
    }

    /// Ends an operation whose time is over.
    pub(crate) fn settle_sanitize(&mut self) {
        let State::InProgress(run) = self.sanitize.state else {
            return;
        };
        let is_stuck = self.options.lies.stuck_at.is_some();
        if is_stuck || run.elapsed(self.clock.now()) < run.takes {
            return;
        }
        self.sanitize_cells(run.operation);
        self.sanitize.state = match self.options.lies.sanitize_fails {
            Some(reason) => State::Failed {
                reason,
                is_restricted: run.is_restricted,
            },
            None => {
                self.sanitize.is_completed = true;
                State::Succeeded
            }
        };
    }

    fn sanitize_cells(&mut self, operation: Operation) {
        let kept = self.options.lies.sanitize_keeps.clone();
        match operation {
            Operation::CryptoScramble => {
                let destroys = self.options.encrypts && !self.options.lies.key_kept;
                self.cells.change_key(destroys);
            }
            Operation::BlockErase => {
                self.fill(&[0], &kept);
                if kept == Kept::Nothing && self.options.trim {
                    self.cells.deallocate_all();
                }
            }
            Operation::Overwrite(pattern) => {
                self.fill(&pattern, &kept);
                self.options.unreadable.clear();
            }
        }
    }
}
