//! Enhanced SECURITY ERASE UNIT of an ATA drive, through a path that returns its registers.
//!
//! The set needs a password, and a drive that loses its power on the way stays locked by it. So the
//! password is fixed, printed and no secret ([`PASSWORD`]), [`unlock`] takes it away again, and nothing
//! is begun on a drive that has a password or is frozen. The command answers at its end, hours later,
//! and says nothing meanwhile; a host that gives it up resets the drive. What may be believed
//! afterwards is that this run saw its own password set and then gone, which no drive does of itself.
//!
//! ACS-4 7.30 to 7.35; NIST SP 800-88r1 table A-5. Not for flash: there it is no purge.

use super::ata::{Sent, path_returns_registers, registers, send};
use super::{Said, Sanitize, State, Technique};
use drive::ata::Identify;
use drive::ata::change::security::{
    EraseMode, Identifier, Level, NewPassword, Password, disable_password, erase_prepare,
    erase_unit, erase_unit_block, password_block, set_password, set_password_block,
    unlock as unlock_command,
};
use drive::ata::command::identify_device;
use drive::ata::identify::{Checksum, EraseTime, SecurityWord};
use drive::port::{Data, Port};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The user password while an erase runs: these letters, then zeros. Not a secret.
pub const PASSWORD: Password = *b"raz-temporary-password\0\0\0\0\0\0\0\0\0\0";

/// [`PASSWORD`] as a person types it.
pub const PASSWORD_TEXT: &str = "raz-temporary-password";

const TIMEOUT: Duration = Duration::from_secs(15);
/// No erase is given up before that, whatever the drive says that it takes.
const LEAST: Duration = Duration::from_secs(30 * 60);
/// Where the drive says nothing.
const UNSPECIFIED: Duration = Duration::from_secs(12 * 3600);
/// No platter is slower.
const SLOWEST_BYTES_PER_SECOND: u64 = 30_000_000;

/// A drive with enhanced SECURITY ERASE UNIT.
pub struct EnhancedErase {
    port: Arc<dyn Port>,
    bound: Duration,
    /// This run saw its password set, the command answered, and the password gone.
    is_done: AtomicBool,
    /// What the commands of the erase were answered, for the report.
    answers: RwLock<String>,
}

/// How long the command may take: twice what the drive says, and never less than the slowest platter
/// needs.
#[must_use]
pub fn bound(said: EraseTime, capacity_bytes: u64) -> Duration {
    let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
    let by_size = Duration::from_secs(capacity_bytes / SLOWEST_BYTES_PER_SECOND);
    let told = match said {
        EraseTime::Unspecified => UNSPECIFIED,
        EraseTime::Minutes(most) | EraseTime::MoreThanMinutes(most) => minutes(most) * 2,
    };
    told.max(by_size) + LEAST
}

impl EnhancedErase {
    /// Over a claimed drive's port; `bound` is how long the command may take.
    #[must_use]
    pub fn new(port: Arc<dyn Port>, bound: Duration) -> Self {
        Self {
            port,
            bound,
            is_done: AtomicBool::new(false),
            answers: RwLock::default(),
        }
    }

    fn note(&self, what: &str, answer: &impl std::fmt::Debug) {
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        answers.push_str(&format!("; {what}: {answer:x?}"));
    }

    /// Sends a command and takes nothing but registers without an error for success.
    fn good(&self, what: &str, cdb: &[u8], block: Option<&[u8]>) -> Result<(), String> {
        let answer = registers(&*self.port, cdb, block, TIMEOUT);
        self.note(what, &answer);
        match answer {
            Ok(registers) if is_clean(&registers) => Ok(()),
            Ok(registers) => Err(format!("{what}: the drive answers {registers:x?}")),
            Err(error) => Err(format!("{what}: {error}")),
        }
    }

    /// SECURITY ERASE UNIT is sent once: a UNIT ATTENTION means that the drive was reset, which ends
    /// both the preparation and an erase.
    fn erase(&self) -> Result<(), String> {
        self.good("SECURITY ERASE PREPARE", &erase_prepare(), None)?;
        let block = erase_unit_block(Identifier::User, EraseMode::Enhanced, &PASSWORD);
        let answer = send(&*self.port, &erase_unit(), Data::Out(&block), self.bound);
        self.note("SECURITY ERASE UNIT", &answer);
        match answer? {
            Sent::Registers(registers) if is_clean(&registers) => Ok(()),
            Sent::Registers(registers) => Err(format!(
                "SECURITY ERASE UNIT: the drive answers {registers:x?}"
            )),
            Sent::UnitAttention => Err("SECURITY ERASE UNIT: the drive was reset".into()),
        }
    }

    /// After an erase that failed: the password is taken away again where the drive lets it.
    fn failed(&self, why: &str) -> String {
        match unlock(&self.port) {
            Ok(_) => format!("{why}; its temporary password is taken away again"),
            Err(error) => format!(
                "{why}; the drive may be locked by the password \"{PASSWORD_TEXT}\" ({error}): switch it off and on and run `raz unlock`"
            ),
        }
    }
}

/// No error in STATUS, nor one in ERROR that STATUS hides: that is how a reset ends an erase.
fn is_clean(registers: &drive::ata::registers::RegisterReturn) -> bool {
    registers
        .good()
        .is_some_and(|registers| registers.error == 0)
}

/// Any password, raz's or another's.
fn has_password(word: &SecurityWord) -> bool {
    word.enabled || word.locked
}

impl Sanitize for EnhancedErase {
    fn said(&self) -> Said {
        let answers = self
            .answers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let word = match security(&*self.port) {
            Ok(word) => word,
            Err(error) => return Said::unknown(format!("{error}{answers}")),
        };
        let state = if word.frozen {
            State::Frozen
        } else if has_password(&word) {
            State::Failed(format!(
                "a password is set{}; if an earlier run left it, `raz unlock` takes it away",
                if word.locked { " and it is locked" } else { "" }
            ))
        } else {
            State::Idle {
                completed: Some(self.is_done.load(Ordering::Relaxed)),
            }
        };
        Said {
            state,
            erased_since_write: None,
            is_ours: None,
            is_deallocated: false,
            raw: format!("IDENTIFY DEVICE word 128: {:04x}{answers}", word.raw),
        }
    }

    fn start(&self, technique: Technique) -> Result<(), String> {
        if technique != Technique::EnhancedErase {
            return Err(format!("not this command set's: {technique}"));
        }
        path_returns_registers(&*self.port)?;
        let word = security(&*self.port)?;
        if has_password(&word) || word.frozen || word.attempts_expired {
            return Err(format!(
                "the drive's security is not at rest (word 128: {:04x})",
                word.raw
            ));
        }
        if !word.enhanced_erase {
            return Err("the drive names no enhanced erase".into());
        }
        let new = NewPassword::User { level: Level::High };
        let block = set_password_block(new, &PASSWORD);
        self.good("SECURITY SET PASSWORD", &set_password(), Some(&block))
            .map_err(|why| self.failed(&why))?;
        match security(&*self.port) {
            Ok(word) if word.enabled => {}
            Ok(_) => return Err("the password was answered for and is not set".into()),
            Err(error) => return Err(self.failed(&error)),
        }
        self.erase().map_err(|why| self.failed(&why))?;
        match security(&*self.port) {
            Ok(word) if !has_password(&word) => {
                self.is_done.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(word) => Err(self.failed(&format!(
                "SECURITY ERASE UNIT was answered for, and the password is still set (word 128: {:04x})",
                word.raw
            ))),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// ACS-4 leaves the contents open, not whether they can be read.
    fn may_be_unreadable_after(&self, _: Technique) -> bool {
        false
    }

    fn blocks_for(&self) -> Duration {
        // SET PASSWORD and the questions around it beside the erase.
        self.bound + TIMEOUT * 10
    }
}

/// IDENTIFY DEVICE, word 128, of an answer that is one.
fn security(port: &dyn Port) -> Result<SecurityWord, String> {
    let mut data = [0; 512];
    let sent = send(port, &identify_device(), Data::In(&mut data), TIMEOUT)?;
    let sent = match sent {
        Sent::UnitAttention => send(port, &identify_device(), Data::In(&mut data), TIMEOUT)?,
        Sent::Registers(_) => sent,
    };
    let identify = Identify::parse(&data);
    if matches!(sent, Sent::UnitAttention)
        || !identify.is_answer
        || identify.checksum == Checksum::Wrong
    {
        return Err("IDENTIFY DEVICE has no answer that counts".into());
    }
    Ok(identify.security)
}

/// What [`unlock`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlocked {
    /// The password was raz's and is gone.
    Opened,
    /// The drive has no password.
    HadNone,
}

/// Takes raz's temporary password away from a drive that an erase left with it. The data is not
/// touched.
///
/// # Errors
/// The drive has another password, is frozen, or does not answer, in words.
pub fn unlock(port: &Arc<dyn Port>) -> Result<Unlocked, String> {
    let word = security(&**port)?;
    if !has_password(&word) {
        return Ok(Unlocked::HadNone);
    }
    if word.frozen {
        return Err(
            "its security is frozen until the power goes: switch the drive off and on".into(),
        );
    }
    if word.attempts_expired {
        return Err(
            "it takes no more passwords until the power goes: switch the drive off and on".into(),
        );
    }
    let block = password_block(Identifier::User, &PASSWORD);
    if word.locked {
        let answer = registers(&**port, &unlock_command(), Some(&block), TIMEOUT)?;
        if !is_clean(&answer) {
            return Err("its password is not raz's".into());
        }
    }
    let answer = registers(&**port, &disable_password(), Some(&block), TIMEOUT)?;
    let after = security(&**port)?;
    match is_clean(&answer) && !has_password(&after) {
        true => Ok(Unlocked::Opened),
        false => Err("its password is not raz's, or the drive keeps it".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_its_text_and_zeros() {
        assert_eq!(
            PASSWORD.strip_prefix(PASSWORD_TEXT.as_bytes()),
            Some(&[0; 10][..])
        );
    }

    #[test]
    fn no_erase_is_given_up_before_the_slowest_disk_is_through() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let tb = 1_000_000_000_000;
        assert_eq!(bound(EraseTime::Minutes(30), 0), minutes(60 + 30));
        assert_eq!(
            bound(EraseTime::MoreThanMinutes(508), 0),
            minutes(1016 + 30)
        );
        let by_size = Duration::from_secs(33_333) + minutes(30);
        assert_eq!(bound(EraseTime::Minutes(2), tb), by_size);
        assert_eq!(bound(EraseTime::Unspecified, 0), minutes(12 * 60 + 30));
    }
}
