//! Hidden capacity: the host protected area, the accessible max address, device configuration.
//!
//! Every address that these commands exchange is a last one, a count less one.

use super::disk::AtaDisk;
use super::options::{Configured, Options};
use super::{Answer, ID_NOT_FOUND, Task, seal, words};

const READ_NATIVE_MAX: u8 = 0xF8;
const READ_NATIVE_MAX_EXT: u8 = 0x27;
const SET_MAX: u8 = 0xF9;

/// What is hidden, and what may still be changed.
#[derive(Clone, Debug)]
pub(crate) struct Hidden {
    /// All addresses that the factory made.
    factory: u64,
    configured: Configured,
    /// Accessible sectors after the next power on; `None`: all native ones.
    lasting: Option<u64>,
    /// Accessible sectors until then.
    volatile: Option<u64>,
    /// The one lasting change of this power cycle was made.
    is_changed: bool,
    is_set_max_frozen: bool,
    is_set_max_locked: bool,
    is_accessible_frozen: bool,
    is_configuration_frozen: bool,
    password: Option<[u8; 32]>,
}

impl Hidden {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            factory: options.sectors,
            configured: options.configured,
            lasting: options.accessible,
            volatile: None,
            is_changed: false,
            is_set_max_frozen: options.hidden_frozen,
            is_set_max_locked: false,
            is_accessible_frozen: options.hidden_frozen,
            is_configuration_frozen: options.hidden_frozen,
            password: None,
        }
    }

    /// Sectors that can be made accessible without a change of the configuration.
    pub(crate) fn native(&self) -> u64 {
        self.configured.sectors.unwrap_or(self.factory)
    }

    /// Sectors that can be read and written.
    pub(crate) fn accessible(&self) -> u64 {
        self.volatile.or(self.lasting).unwrap_or(self.native())
    }

    pub(crate) fn has_hpa(&self, options: &Options) -> bool {
        options.hpa && !self.configured.hides_hpa
    }

    pub(crate) fn has_security(&self, options: &Options) -> bool {
        options.security.supported && !self.configured.hides_security
    }

    /// Word 86 bit 8: a set max password is in force.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    pub(crate) fn power_on(&mut self) {
        self.reset();
        self.is_changed = false;
        self.is_set_max_frozen = false;
        self.is_set_max_locked = false;
        self.is_accessible_frozen = false;
        self.is_configuration_frozen = false;
        self.password = None;
    }

    /// What was volatile is as before.
    pub(crate) fn reset(&mut self) {
        self.volatile = None;
    }

    fn hide(&mut self, sectors: u64, is_lasting: bool) {
        if is_lasting {
            self.lasting = (sectors < self.native()).then_some(sectors);
            self.volatile = None;
            self.is_changed = true;
        } else {
            self.volatile = Some(sectors);
        }
    }

    /// SET MAX SET PASSWORD, LOCK, UNLOCK and FREEZE LOCK.
    fn protect(&mut self, task: &Task, out: &[u8]) -> bool {
        let password = out.get(2..34).and_then(|bytes| bytes.try_into().ok());
        match task.feature & 0xFF {
            _ if self.is_set_max_frozen => return false,
            0x01 if !self.is_set_max_locked && password.is_some() => self.password = password,
            0x02 if self.has_password() => self.is_set_max_locked = true,
            0x03 if password.is_some() && password == self.password => {
                self.is_set_max_locked = false;
            }
            0x04 if self.has_password() => self.is_set_max_frozen = true,
            _ => return false,
        }
        true
    }
}

impl AtaDisk {
    fn native_answer(&self, task: &Task) -> Answer {
        let is_count = self.options.lies.native_max_is_count;
        let last = self.hidden.native() - u64::from(!is_count);
        let lba = match task.is_48_bit {
            true => last,
            false => last.min(0x0FFF_FFFF),
        };
        Answer {
            lba,
            ..Answer::good(task)
        }
    }

    /// READ NATIVE MAX ADDRESS and SET MAX, short and long.
    pub(crate) fn max_address(&mut self, task: &Task, out: &[u8]) -> Answer {
        if !self.hidden.has_hpa(&self.options) {
            return Answer::aborted(task);
        }
        if [READ_NATIVE_MAX, READ_NATIVE_MAX_EXT].contains(&task.command) {
            return self.native_answer(task);
        }
        let reads = match task.command {
            SET_MAX => READ_NATIVE_MAX,
            _ => READ_NATIVE_MAX_EXT,
        };
        let follows_read = self.previous.map(|task| task.command) == Some(reads);
        if task.command == SET_MAX && !follows_read {
            return match self.hidden.protect(task, out) {
                true => Answer::good(task),
                false => Answer::aborted(task),
            };
        }
        let hidden = &mut self.hidden;
        let is_lasting = task.count & 1 != 0;
        let is_barred = hidden.is_set_max_frozen || hidden.is_set_max_locked;
        if !follows_read || is_barred {
            return Answer::aborted(task);
        }
        if (is_lasting && hidden.is_changed) || task.lba >= hidden.native() {
            return Answer::failed(task, ID_NOT_FOUND);
        }
        hidden.hide(task.lba + 1, is_lasting);
        Answer::good(task)
    }

    /// GET NATIVE MAX ADDRESS EXT, SET ACCESSIBLE MAX ADDRESS EXT and its freeze.
    pub(crate) fn accessible_max_address(&mut self, task: &Task) -> Answer {
        if !self.options.amac || !task.is_48_bit {
            return Answer::aborted(task);
        }
        let hidden = &mut self.hidden;
        match task.feature {
            0x0000 => return self.native_answer(task),
            0x0001 if hidden.is_accessible_frozen || hidden.is_changed => {
                return Answer::aborted(task);
            }
            0x0001 if task.lba >= hidden.native() => return Answer::failed(task, ID_NOT_FOUND),
            0x0001 => hidden.hide(task.lba + 1, true),
            0x0002 => hidden.is_accessible_frozen = true,
            _ => return Answer::aborted(task),
        }
        Answer::good(task)
    }

    /// DEVICE CONFIGURATION RESTORE, FREEZE LOCK, IDENTIFY and SET.
    pub(crate) fn configuration(&mut self, task: &Task, out: &[u8]) -> Answer {
        if !self.options.dco || self.hidden.is_configuration_frozen {
            return Answer::aborted(task);
        }
        let hides_by_address = self.hidden.accessible() < self.hidden.native();
        match task.feature & 0xFF {
            0xC0 if !hides_by_address => {
                let last = self.hidden.native();
                self.hidden.configured = Configured::default();
                if self.options.keeps_max && last < self.hidden.native() {
                    self.hidden.lasting = Some(last);
                }
            }
            0xC1 => self.hidden.is_configuration_frozen = true,
            0xC2 => return Answer::with_data(task, self.configuration_page().to_vec()),
            0xC3 if !hides_by_address => match self.configured(out) {
                Some(configured) => self.hidden.configured = configured,
                None => return Answer::aborted(task),
            },
            _ => return Answer::aborted(task),
        }
        Answer::good(task)
    }

    /// What the factory made: hidden or not.
    fn configuration_page(&self) -> [u8; 512] {
        let options = &self.options;
        let mut page = [0u16; 256];
        page[0] = 0x0002;
        page[1] = 0x0007;
        page[2] = 0x007F;
        page[3..7].copy_from_slice(&words(self.hidden.factory - 1));
        page[7] = u16::from(options.smart)
            | u16::from(options.security.supported) << 3
            | u16::from(options.hpa) << 7
            | 1 << 8;
        let mut bytes = [0u8; 512];
        for (pair, word) in bytes.chunks_mut(2).zip(page) {
            pair.copy_from_slice(&word.to_le_bytes());
        }
        bytes[510] = 0xA5;
        seal(&mut bytes);
        bytes
    }

    /// What the 512 bytes of a SET ask for, if they are in order.
    fn configured(&self, out: &[u8]) -> Option<Configured> {
        let page: &[u8; 512] = out.try_into().ok()?;
        let sum = page.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        if page[510] != 0xA5 || sum != 0 {
            return None;
        }
        let mut last = [0; 8];
        last.copy_from_slice(&page[6..14]);
        let last = u64::from_le_bytes(last);
        if last >= self.hidden.factory {
            return None;
        }
        let features = u16::from_le_bytes([page[14], page[15]]);
        Some(Configured {
            sectors: (last + 1 < self.hidden.factory).then_some(last + 1),
            hides_security: features & 1 << 3 == 0,
            hides_hpa: features & 1 << 7 == 0,
        })
    }
}
