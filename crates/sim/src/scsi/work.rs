//! Operations that take their time: what is going on, how far it is, what it has done at its end.
//!
//! The medium changes when an operation ends. An operation ends when its time is over and the next
//! command, or event, comes.

use super::layout::{Format, Unfinished};
use super::sense::Sense;
use super::{Outcome, ScsiDisk};
use std::collections::BTreeSet;
use std::time::Duration;

/// What is done to the medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// With this pattern, repeated.
    Overwrite(Vec<u8>),
    BlockErase,
    CryptographicErase,
    Format(Format),
}

/// A deed under way.
#[derive(Clone, Debug)]
pub(super) struct Work {
    deed: Deed,
    /// AUSE was zero: should it fail, nothing but a sanitize operation without AUSE gets out.
    is_restricted: bool,
    takes: Duration,
    /// Spent before the last loss of power.
    spent: Duration,
    /// When it went on, on the disk's clock.
    since: Duration,
}

/// What the disk is at.
#[derive(Clone, Debug)]
pub(super) enum State {
    Ready,
    Busy(Work),
    SanitizeFailed {
        is_restricted: bool,
    },
    /// A format was cut short.
    FormatCorrupted,
    /// A format ended half done.
    FormatFailed,
}

/// How reads of blocks end that an erase has emptied (SBC-4, WABEREQ and WACEREQ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterErase {
    /// 0: not said. This disk reads zeros after a block erase, noise after a cryptographic one.
    Unspecified,
    /// 1: with GOOD.
    Good,
    /// 2: with 3/11/00.
    MediumError,
    /// 3: with 3/11/15, write after sanitize required.
    WriteRequired,
}

/// Blocks that were emptied, and those of them that were written since.
#[derive(Clone, Debug)]
pub(super) struct Emptied {
    pub(super) reads: AfterErase,
    pub(super) written: BTreeSet<u64>,
}

impl ScsiDisk {
    /// Begins a deed; is_immediate: the answer comes now, and the deed goes on. Otherwise it is done
    /// when it is answered, and no time of the clock has passed.
    pub(super) fn begin(&mut self, deed: Deed, is_restricted: bool, is_immediate: bool) -> Outcome {
        let lies = self.options.lies;
        let is_sanitize = !matches!(deed, Deed::Format(_));
        if is_sanitize && lies.swallows {
            return Ok(Vec::new());
        }
        let durations = &self.options.sanitize;
        let honest = match &deed {
            Deed::Overwrite(_) => durations.overwrite,
            Deed::BlockErase => durations.block_erase,
            Deed::CryptographicErase => durations.cryptographic_erase,
            Deed::Format(_) => self.options.format,
        };
        let honest = honest.unwrap_or_default();
        if let Deed::Format(format) = &deed
            && lies.format.is_early
        {
            let format = format.clone();
            self.lay_out(&format);
            self.unfinished = Some(Unfinished {
                ends: self.options.clock.now() + honest,
                format,
            });
            return Ok(Vec::new());
        }
        let work = Work {
            deed,
            is_restricted,
            takes: if is_sanitize && lies.hurries {
                honest / 1000
            } else {
                honest
            },
            spent: Duration::ZERO,
            since: self.options.clock.now(),
        };
        if is_immediate && !(is_sanitize && lies.never_in_progress) {
            self.state = State::Busy(work);
            return Ok(Vec::new());
        }
        self.end(work);
        self.failure().map_or(Ok(Vec::new()), Err)
    }

    /// Ends what is over.
    pub(super) fn settle(&mut self) {
        let now = self.options.clock.now();
        if let Some(Unfinished { format, .. }) = self.unfinished.take_if(|late| late.ends <= now) {
            self.go_over(&format, self.cells.addresses());
        }
        let State::Busy(work) = &self.state else {
            return;
        };
        let is_stuck = self.stuck_at(work).is_some();
        if !self.is_powered || is_stuck || self.spent(work) < work.takes {
            return;
        }
        if let State::Busy(work) = std::mem::replace(&mut self.state, State::Ready) {
            self.end(work);
        }
    }

    /// The power goes: a sanitize operation goes on when it comes back, a format does not.
    pub(super) fn interrupt(&mut self) {
        self.settle();
        self.unfinished = None;
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Busy(work) if work.is_sanitize() => {
                let spent = self.spent(&work);
                self.state = State::Busy(Work { spent, ..work });
            }
            State::Busy(Work {
                deed: Deed::Format(format),
                ..
            }) => self.format_half(&format, State::FormatCorrupted),
            State::SanitizeFailed { .. } if self.options.lies.forgets_failure => {}
            other => self.state = other,
        }
    }

    /// The power is back.
    pub(super) fn resume(&mut self) {
        let now = self.options.clock.now();
        if let State::Busy(work) = &mut self.state {
            work.since = now;
        }
    }

    /// Why a command is not carried out now, if the state is why.
    pub(super) fn hindrance(&self, cdb: &[u8]) -> Option<Sense> {
        // INQUIRY, LOG SENSE, REPORT LUNS and REQUEST SENSE always are.
        if matches!(cdb[0], 0x03 | 0x12 | 0x4D | 0xA0) {
            return None;
        }
        // FORMAT UNIT, SANITIZE, mode parameters, capacity.
        let is_of_format = matches!(
            cdb[0],
            0x04 | 0x15 | 0x1A | 0x25 | 0x48 | 0x55 | 0x5A | 0x9E
        );
        match &self.state {
            State::Ready if is_of_format => None,
            State::Ready => self.failure(),
            State::Busy(_) => self.condition(),
            State::SanitizeFailed { .. } if cdb[0] == 0x48 => None,
            State::FormatCorrupted | State::FormatFailed if is_of_format => None,
            State::SanitizeFailed { .. } | State::FormatCorrupted | State::FormatFailed => {
                self.failure()
            }
        }
    }

    /// What REQUEST SENSE tells of the state.
    pub(super) fn condition(&self) -> Option<Sense> {
        match &self.state {
            State::Busy(work) => {
                // Sanitize in progress, format in progress.
                let ascq = if work.is_sanitize() { 0x1B } else { 0x04 };
                let progress = Some(self.progress(work));
                Some(Sense {
                    progress,
                    ..Sense::new(2, 0x04, ascq)
                })
            }
            State::Ready
            | State::SanitizeFailed { .. }
            | State::FormatCorrupted
            | State::FormatFailed => self.failure(),
        }
    }

    /// What REQUEST SENSE tells: a format may leave it out.
    pub(super) fn told(&self) -> Option<Sense> {
        match &self.state {
            State::Busy(work) if !work.is_sanitize() && self.options.lies.format.is_silent => None,
            _ => self.condition(),
        }
    }

    fn failure(&self) -> Option<Sense> {
        match &self.state {
            // Another block length was selected, and nothing was formatted since.
            State::Ready => self.selected.map(|_| Sense::new(3, 0x31, 0x00)),
            State::Busy(_) => None,
            State::SanitizeFailed { .. } => Some(Sense::new(3, 0x31, 0x03)),
            State::FormatCorrupted => Some(Sense::new(3, 0x31, 0x00)),
            State::FormatFailed => Some(Sense::new(3, 0x31, 0x01)),
        }
    }

    fn spent(&self, work: &Work) -> Duration {
        work.spent + self.options.clock.now().saturating_sub(work.since)
    }

    /// Of 65,536.
    fn progress(&self, work: &Work) -> u16 {
        if let Some(progress) = self.stuck_at(work) {
            return progress;
        }
        let spent = self.spent(work).as_nanos();
        let parts = spent * 65_536 / work.takes.as_nanos().max(1);
        u16::try_from(parts).unwrap_or(u16::MAX)
    }

    fn stuck_at(&self, work: &Work) -> Option<u16> {
        let lies = &self.options.lies;
        if work.is_sanitize() {
            lies.stuck_at
        } else {
            lies.format.stuck_at
        }
    }

    fn end(&mut self, work: Work) {
        let lies = self.options.lies;
        let places = self.cells.addresses() + self.options.spare_sectors;
        self.state = State::Ready;
        if let Deed::Format(format) = &work.deed {
            self.format(format);
        } else if lies.fails {
            self.cells.fill(&[0], |place| place < places / 2);
            let is_restricted = work.is_restricted;
            self.state = State::SanitizeFailed { is_restricted };
        } else if !lies.keeps_data {
            self.sanitize_medium(
                &work.deed,
                if lies.hurries { places / 1000 } else { places },
            );
        }
    }

    fn sanitize_medium(&mut self, deed: &Deed, places: u64) {
        let lies = self.options.lies;
        let emptied = match deed {
            Deed::Overwrite(pattern) => {
                let pattern: &[u8] = if lies.ignores_pattern { &[0] } else { pattern };
                self.fill(pattern, places);
                None
            }
            Deed::BlockErase => {
                self.fill(&[0], places);
                Some(self.options.sanitize.after_block_erase)
            }
            Deed::CryptographicErase => {
                self.cells.change_key(!lies.keeps_key);
                Some(self.options.sanitize.after_cryptographic_erase)
            }
            Deed::Format(_) => None,
        };
        let reads = if lies.reads_fail_after_erase {
            emptied.map(|_| AfterErase::MediumError)
        } else {
            emptied
        };
        self.emptied = reads.map(|reads| Emptied {
            reads,
            written: BTreeSet::new(),
        });
    }

    /// The first `places`, or, as a lie, only those with an address.
    fn fill(&mut self, pattern: &[u8], places: u64) {
        if self.options.lies.keeps_unaddressed {
            self.write_all(pattern);
        } else {
            self.cells.fill(pattern, |place| place < places);
        }
    }

    /// A format writes what has an address, and nothing when it is a fast one.
    fn format(&mut self, format: &Format) {
        let lies = self.options.lies.format;
        if lies.fails {
            return self.format_half(format, State::FormatFailed);
        }
        self.lay_out(format);
        if !lies.keeps_data {
            self.go_over(format, self.cells.addresses());
        }
    }

    /// A format that came half way: the layout is the new one, and half of the blocks are old.
    fn format_half(&mut self, format: &Format, state: State) {
        self.lay_out(format);
        self.go_over(format, self.cells.addresses() / 2);
        self.state = state;
    }

    fn write_all(&mut self, pattern: &[u8]) {
        let sector_bytes = self.cells.sector_bytes();
        let sector: Vec<u8> = pattern.iter().copied().cycle().take(sector_bytes).collect();
        for address in 0..self.cells.addresses() {
            self.cells.write(address, &sector);
        }
    }
}

impl Work {
    fn is_sanitize(&self) -> bool {
        !matches!(self.deed, Deed::Format(_))
    }
}
