//! The SECURITY feature set: passwords, the lock, the freeze, ERASE UNIT.

use super::disk::AtaDisk;
use super::options::{Kept, SecurityOptions};
use super::{Answer, Task};
use crate::device::Event;
use std::time::Duration;

const SET_PASSWORD: u8 = 0xF1;
const UNLOCK: u8 = 0xF2;
const ERASE_PREPARE: u8 = 0xF3;
const ERASE_UNIT: u8 = 0xF4;
const FREEZE_LOCK: u8 = 0xF5;
const DISABLE_PASSWORD: u8 = 0xF6;

/// Wrong passwords that UNLOCK takes before it wants a reset.
const ATTEMPTS: u8 = 5;

/// The feature set's state.
#[derive(Clone, Debug)]
pub(crate) struct Security {
    /// Security is enabled while there is one.
    user: Option<[u8; 32]>,
    master: [u8; 32],
    /// IDENTIFY word 92.
    pub(crate) master_id: u16,
    /// The level is Maximum: the master password only erases.
    pub(crate) is_maximum: bool,
    pub(crate) is_locked: bool,
    pub(crate) is_frozen: bool,
    attempts: u8,
}

/// The 512 bytes that come with a password.
struct Parameters {
    control: u16,
    password: [u8; 32],
    master_id: u16,
}

impl Parameters {
    fn of(out: &[u8]) -> Option<Self> {
        let page: &[u8; 512] = out.try_into().ok()?;
        let word = |number: usize| u16::from_le_bytes([page[number * 2], page[number * 2 + 1]]);
        let mut password = [0; 32];
        password.copy_from_slice(&page[2..34]);
        Some(Self {
            control: word(0),
            password,
            master_id: word(17),
        })
    }

    fn is_master(&self) -> bool {
        self.control & 1 != 0
    }
}

impl Security {
    pub(crate) fn new(options: &SecurityOptions) -> Self {
        Self {
            user: options.password,
            master: [b' '; 32],
            master_id: 0xFFFE,
            is_maximum: false,
            is_locked: options.password.is_some(),
            is_frozen: options.frozen,
            attempts: ATTEMPTS,
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.user.is_some()
    }

    pub(crate) fn has_no_attempts(&self) -> bool {
        self.attempts == 0
    }

    pub(crate) fn power_on(&mut self, freezes: bool) {
        self.is_locked = self.is_enabled();
        self.is_frozen = freezes;
        self.attempts = ATTEMPTS;
    }

    /// The lock and the freeze stay, the attempts are new.
    pub(crate) fn reset(&mut self) {
        self.attempts = ATTEMPTS;
    }

    fn is_user(&self, parameters: &Parameters) -> bool {
        !parameters.is_master() && self.user == Some(parameters.password)
    }

    fn is_master(&self, parameters: &Parameters) -> bool {
        parameters.is_master() && self.master == parameters.password
    }

    /// The password opens the drive: the user's, or the master's in level High.
    fn opens(&self, parameters: &Parameters) -> bool {
        self.is_user(parameters) || (self.is_master(parameters) && !self.is_maximum)
    }

    fn set_password(&mut self, parameters: &Parameters) -> bool {
        if self.is_locked || self.is_frozen {
            return false;
        }
        if parameters.is_master() {
            self.master = parameters.password;
            if !matches!(parameters.master_id, 0 | 0xFFFF) {
                self.master_id = parameters.master_id;
            }
        } else {
            self.user = Some(parameters.password);
            self.is_maximum = parameters.control & 0x0100 != 0;
        }
        true
    }

    fn unlock(&mut self, parameters: &Parameters) -> bool {
        if self.is_frozen || self.has_no_attempts() {
            return false;
        }
        if !self.is_enabled() || self.opens(parameters) {
            self.is_locked = false;
            return true;
        }
        if self.is_locked {
            self.attempts -= 1;
        }
        false
    }

    fn disable(&mut self, parameters: &Parameters) -> bool {
        if self.is_locked || self.is_frozen || !self.is_enabled() || !self.opens(parameters) {
            return false;
        }
        self.forget_user();
        true
    }

    fn forget_user(&mut self) {
        self.user = None;
        self.is_locked = false;
        self.is_maximum = false;
    }

    /// Whether ERASE UNIT may begin: the master password erases at either level, and with security
    /// disabled only it does.
    fn may_erase(&self, parameters: &Parameters) -> bool {
        let has_password = self.is_user(parameters) || self.is_master(parameters);
        !self.is_frozen && !self.has_no_attempts() && has_password
    }
}

impl AtaDisk {
    /// `None`: the power went in the middle.
    pub(crate) fn security(&mut self, task: &Task, out: &[u8]) -> Option<Answer> {
        if !self.hidden.has_security(&self.options) {
            return Some(Answer::aborted(task));
        }
        let parameters = Parameters::of(out);
        let security = &mut self.security;
        let is_done = match (task.command, parameters) {
            (SET_PASSWORD, Some(parameters)) => security.set_password(&parameters),
            (UNLOCK, Some(parameters)) => security.unlock(&parameters),
            (DISABLE_PASSWORD, Some(parameters)) => security.disable(&parameters),
            (ERASE_UNIT, Some(parameters)) => return self.erase_unit(task, &parameters),
            (ERASE_PREPARE, None) => !security.is_frozen,
            (FREEZE_LOCK, None) => {
                security.is_frozen |= !security.is_locked;
                security.is_frozen
            }
            _ => false,
        };
        Some(match is_done {
            true => Answer::good(task),
            false => Answer::aborted(task),
        })
    }

    fn erase_unit(&mut self, task: &Task, parameters: &Parameters) -> Option<Answer> {
        let is_enhanced = parameters.control & 2 != 0;
        let before = self.previous.map(|task| task.command);
        let is_prepared = before == Some(ERASE_PREPARE);
        let has_mode = !is_enhanced || self.options.security.enhanced;
        if !is_prepared || !has_mode || !self.security.may_erase(parameters) {
            return Some(Answer::aborted(task));
        }
        self.cache.clear();
        if self.options.lies.erase_power_cut {
            self.erase_cells(false, 2);
            self.befall(Event::PowerOff);
            return None;
        }
        if self.options.lies.erase_reset {
            self.security.is_locked = self.security.is_enabled();
            self.befall(Event::Reset);
            return Some(Answer {
                error: 0x01,
                ..Answer::good(task)
            });
        }
        self.took = self.erase_time(is_enhanced);
        self.clock.pass(self.took);
        self.erase_cells(is_enhanced, 1);
        self.security.forget_user();
        Some(Answer::good(task))
    }

    fn erase_time(&self, is_enhanced: bool) -> Duration {
        match (self.options.lies.instant, is_enhanced) {
            (true, _) => Duration::ZERO,
            (false, true) => self.options.security.enhanced_time,
            (false, false) => self.options.security.erase_time,
        }
    }

    /// Enhanced: a pattern into every place, those that were replaced too. Normal: zeros to the
    /// native addresses (one `part` of them), and what has no address keeps its bytes.
    fn erase_cells(&mut self, is_enhanced: bool, part: u64) {
        let kept: Kept = self.options.lies.erase_keeps.clone();
        if is_enhanced {
            self.fill(&[0x00, 0xFF], &kept);
            return;
        }
        let end = match self.options.lies.erase_leaves_hidden {
            true => self.hidden.accessible(),
            false => self.hidden.native(),
        };
        self.write_zeros(0..end / part, &kept);
    }
}
