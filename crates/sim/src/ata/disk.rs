//! The drive: which command it takes in which state, and what power and resets do to it.

use super::hidden::Hidden;
use super::options::{Kept, Options};
use super::sanitize::Sanitize;
use super::security::Security;
use super::smart::Smart;
use super::{ABORTED, Answer, Received, Task};
use crate::cells::{Cells, Place};
use crate::clock::Clock;
use crate::device::Event;
use crate::random::Random;
use crate::satl::Translation;
use crate::tcg::Tper;
use std::collections::BTreeMap;
use std::time::Duration;

/// What CHECK POWER MODE answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    Active = 0xFF,
    Idle = 0x80,
    Standby = 0x00,
}

/// An ATA disk behind its translation: a [`crate::device::ScsiDevice`].
#[derive(Debug)]
pub struct AtaDisk {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) cells: Cells,
    /// Written and not yet in the cells.
    pub(crate) cache: BTreeMap<u64, Vec<u8>>,
    pub(crate) caches_writes: bool,
    pub(crate) looks_ahead: bool,
    pub(crate) power: Power,
    pub(crate) is_off: bool,
    pub(crate) security: Security,
    pub(crate) sanitize: Sanitize,
    pub(crate) tper: Option<Tper>,
    pub(crate) hidden: Hidden,
    pub(crate) smart: Smart,
    /// Write commands so far.
    pub(crate) writes: u64,
    /// What an indeterminate read returns.
    pub(crate) noise: Random,
    /// The command before, for those that must follow another directly.
    pub(crate) previous: Option<Task>,
    pub(crate) tasks: Received<Task>,
    pub(crate) translation: Translation,
    /// What the last command took.
    pub(crate) took: Duration,
}

impl AtaDisk {
    /// A drive that has just been powered on. Its cells hold zeros.
    ///
    /// # Panics
    /// Where the options contradict each other: more accessible than native sectors, or sectors that
    /// are no multiple of 512 bytes.
    #[must_use]
    pub fn new(options: Options, clock: Clock) -> Self {
        let bytes = usize::from(options.logical_sector_bytes);
        assert!(bytes >= 512 && bytes.is_multiple_of(512), "{bytes} bytes");
        let cells = Cells::new(bytes, options.sectors, options.spares, options.placement);
        let hidden = Hidden::new(&options);
        assert!(hidden.accessible() <= hidden.native() && hidden.native() <= options.sectors);
        Self {
            cells,
            cache: BTreeMap::new(),
            caches_writes: true,
            looks_ahead: true,
            power: Power::Active,
            is_off: false,
            security: Security::new(&options.security),
            sanitize: Sanitize::new(&options.sanitize),
            tper: options.tcg.clone().map(Tper::new),
            hidden,
            smart: Smart::new(),
            writes: 0,
            noise: Random::new(options.wwn),
            previous: None,
            tasks: Received::default(),
            translation: Translation::new(options.d_sense),
            took: Duration::ZERO,
            options,
            clock,
        }
    }

    /// What it physically holds now: not what is in its cache.
    #[must_use]
    pub fn cells(&mut self) -> &Cells {
        self.settle();
        &self.cells
    }

    /// As [`AtaDisk::cells`], to put something there behind the host's back.
    pub fn cells_mut(&mut self) -> &mut Cells {
        self.settle();
        &mut self.cells
    }

    /// The sector becomes bad and is moved to a spare place with its bytes; SMART counts it.
    pub fn reallocate(&mut self, address: u64) {
        self.cells.reallocate(address);
        self.smart.reallocated += 1;
    }

    /// How it is, to change it in the middle of its life.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Command blocks received, answered or not.
    #[must_use]
    pub fn commands(&self) -> &Received<Vec<u8>> {
        &self.translation.commands
    }

    /// ATA commands that reached the drive, those of its translation included.
    #[must_use]
    pub fn tasks(&self) -> &Received<Task> {
        &self.tasks
    }

    /// How long the last command kept the drive busy; whoever carries the bytes may wait as long.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Nothing is answered: the power is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Carries out one ATA command. `None`: it is never answered.
    pub(crate) fn carry_out(&mut self, task: &Task, out: &[u8]) -> Option<Answer> {
        self.settle();
        self.tasks.push(*task);
        self.took = Duration::ZERO;
        if self.is_off || self.options.lies.hangs_on == Some(task.command) {
            return None;
        }
        let answer = self.admit(task, out);
        self.previous = Some(*task);
        answer
    }

    /// Whether its state lets the command in.
    fn admit(&mut self, task: &Task, out: &[u8]) -> Option<Answer> {
        if self.sanitize.is_busy_or_failed() && !is_allowed_while_sanitizing(task) {
            return Some(Answer::aborted(task));
        }
        if self.security.is_locked && is_refused_while_locked(task) {
            let lies = self.options.lies.zeros_while_locked;
            let is_read = [0x20, 0x24, 0x25, 0xC8].contains(&task.command);
            return Some(match lies && is_read {
                true => self.read_zeros(task),
                false => Answer::failed(task, ABORTED),
            });
        }
        if let Some(answer) = self.locked_by_tcg(task) {
            return Some(answer);
        }
        self.dispatch(task, out)
    }

    fn dispatch(&mut self, task: &Task, out: &[u8]) -> Option<Answer> {
        let answer = match task.command {
            command if !self.options.lba48 && HAS_48_BITS.contains(&command) => {
                Answer::aborted(task)
            }
            0x20 | 0x24 | 0x25 | 0xC8 => self.read(task),
            0x30 | 0x34 | 0x35 | 0xCA => self.write(task, out, false),
            0x3D => self.write(task, out, true),
            0x40 | 0x42 => self.read_verify(task),
            0x06 => self.data_set_management(task, out),
            0xE7 | 0xEA => self.flush_cache(task),
            0xEC => Answer::with_data(task, self.identify().to_vec()),
            0xEF => self.set_features(task),
            0xE0..=0xE3 => self.set_power(task),
            0xE5 => Answer {
                count: self.power as u16,
                ..Answer::good(task)
            },
            0x2F | 0x47 => self.read_log(task),
            0x5C..=0x5F => self.trusted(task, out),
            0xB0 => self.smart(task),
            0xB4 => self.sanitize_device(task),
            0xF1..=0xF6 => return self.security(task, out),
            0xF8 | 0x27 | 0xF9 | 0x37 => self.max_address(task, out),
            0x78 => self.accessible_max_address(task),
            0xB1 => self.configuration(task, out),
            _ => Answer::aborted(task),
        };
        Some(answer)
    }

    fn set_features(&mut self, task: &Task) -> Answer {
        match task.feature & 0xFF {
            0x02 => self.caches_writes = true,
            0x82 => {
                self.destage();
                self.caches_writes = false;
            }
            0xAA => self.looks_ahead = true,
            0x55 => self.looks_ahead = false,
            // Transfer mode: any will do.
            0x03 => (),
            _ => return Answer::aborted(task),
        }
        Answer::good(task)
    }

    fn set_power(&mut self, task: &Task) -> Answer {
        self.destage();
        self.power = match task.command {
            0xE0 | 0xE2 => Power::Standby,
            _ => Power::Idle,
        };
        Answer::good(task)
    }

    /// Something happens to it.
    pub(crate) fn befall(&mut self, event: Event) {
        self.settle();
        self.previous = None;
        match event {
            Event::PowerOff => {
                self.is_off = true;
                self.cache.clear();
                self.sanitize.pause(self.clock.now());
                self.smart.power_off(self.clock.now());
            }
            Event::PowerOn => {
                self.is_off = false;
                self.power = Power::Active;
                self.caches_writes = true;
                self.looks_ahead = true;
                self.sanitize.power_on(self.clock.now());
                self.security.power_on(self.options.security.frozen_again);
                self.hidden.power_on();
                if let Some(tper) = &mut self.tper {
                    tper.power_on();
                }
                self.translation.power_on(self.options.d_sense);
            }
            Event::Reset => {
                // Software settings are kept over COMRESET (IDENTIFY word 79 bit 6).
                self.hidden.reset();
                self.security.reset();
                self.translation.reset();
            }
        }
    }

    /// Lets the time that went by have its effect.
    pub(crate) fn settle(&mut self) {
        if !self.is_off {
            self.settle_sanitize();
        }
    }

    /// Fills every place but those that are `kept`.
    pub(crate) fn fill(&mut self, pattern: &[u8], kept: &Kept) {
        let addressed = match kept {
            Kept::Unaddressed => self.cells.addressed(),
            Kept::Nothing | Kept::All | Kept::Places(_) => std::collections::BTreeSet::new(),
        };
        self.cells.fill(pattern, |place: Place| match kept {
            Kept::Nothing => true,
            Kept::All => false,
            Kept::Unaddressed => addressed.contains(&place),
            Kept::Places(places) => !places.contains(&place),
        });
    }

    /// Serial number and world wide name, as it gives them now.
    pub(crate) fn names(&self) -> (&str, u64) {
        let after = self.options.lies.identity_changes_after;
        match after.is_some_and(|after| self.translation.commands.total() > after) {
            true => ("ANOTHER-DRIVE", self.options.wwn + 1),
            false => (&self.options.serial, self.options.wwn),
        }
    }
}

/// Reads, writes, their like and the limits of the address that a drive of 28 bits does not know.
const HAS_48_BITS: [u8; 11] = [
    0x24, 0x25, 0x27, 0x34, 0x35, 0x37, 0x3D, 0x42, 0x78, 0xB4, 0xEA,
];

/// ACS-4 on SANITIZE DEVICE, commands allowed while a sanitize is in progress or has failed.
fn is_allowed_while_sanitizing(task: &Task) -> bool {
    match task.command {
        0xEC | 0xB4 | 0xF2 => true,
        0x2F | 0x47 => [0x10, 0x30, 0xE0].contains(&super::low(task.lba)),
        0xB0 => task.feature & 0xFF == 0xDA,
        // Unload.
        0xE1 => task.feature & 0xFF == 0x44,
        _ => false,
    }
}

fn is_refused_while_locked(task: &Task) -> bool {
    let changes_hidden = [0xF9, 0x37, 0xB1].contains(&task.command);
    let sets_accessible = task.command == 0x78 && task.feature != 0;
    task.touches_media() || changes_hidden || sets_accessible
}
