//! The security feature set: SECURITY SET PASSWORD to SECURITY DISABLE PASSWORD, F1h to F6h.
//!
//! The password is no secret: an erase needs one, and a drive that is left locked by an erase that
//! failed must be opened by a person who reads it in the report. So nothing here hides or zeroises
//! it. Wrong for a drive behind a USB bridge: bridges set the password and fail the erase. ACS-4
//! 7.30 to 7.35.

use super::super::command::PAGE_BYTES;
use super::super::pass_through::{Cdb, PLAIN, Protocol, Registers};

/// What a command of this set sends as data.
pub type Block = [u8; PAGE_BYTES];

/// A password, 32 bytes; a shorter one is padded with zeros. Not a secret.
pub type Password = [u8; 32];

/// Which password is compared, word 0 b0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// Bit 0: the user password.
    User,
    /// Bit 1: the master password.
    Master,
}

/// Master password capability, word 0 b8: what the master password can do once a user password is
/// set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Bit 0: it unlocks, too.
    High,
    /// Bit 1: it erases only.
    Maximum,
}

/// The password that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPassword {
    /// The user password: security is enabled, and the drive locks at the next power cycle.
    User {
        /// Master password capability.
        level: Level,
    },
    /// The master password; security stays as it is.
    Master {
        /// Word 17, master password identifier, which IDENTIFY DEVICE repeats in word 92.
        identifier: u16,
    },
}

/// How SECURITY ERASE UNIT erases, word 0 b1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseMode {
    /// Bit 0: zeros up to the native max address. Nothing is read back by the drive.
    Normal,
    /// Bit 1: a pattern of the maker's, reallocated sectors too.
    Enhanced,
}

/// SECURITY SET PASSWORD (F1h), with [`set_password_block`].
#[must_use]
pub fn set_password() -> Cdb {
    with_block(0xF1)
}

/// SECURITY UNLOCK (F2h), with [`password_block`].
#[must_use]
pub fn unlock() -> Cdb {
    with_block(0xF2)
}

/// SECURITY ERASE PREPARE (F3h), directly before [`erase_unit`].
#[must_use]
pub fn erase_prepare() -> Cdb {
    without_data(0xF3)
}

/// SECURITY ERASE UNIT (F4h), with [`erase_unit_block`]. It answers at its end, hours later; a host
/// that gives it up resets the drive and leaves it locked.
#[must_use]
pub fn erase_unit() -> Cdb {
    with_block(0xF4)
}

/// SECURITY FREEZE LOCK (F5h): no other command of this set is accepted until the next power cycle.
#[must_use]
pub fn freeze_lock() -> Cdb {
    without_data(0xF5)
}

/// SECURITY DISABLE PASSWORD (F6h), with [`password_block`].
#[must_use]
pub fn disable_password() -> Cdb {
    with_block(0xF6)
}

fn without_data(command: u8) -> Cdb {
    Registers { command, ..PLAIN }.cdb()
}

fn with_block(command: u8) -> Cdb {
    Registers {
        protocol: Protocol::PioOut,
        count: 1,
        command,
        ..PLAIN
    }
    .cdb()
}

/// Data of [`set_password`].
#[must_use]
pub fn set_password_block(new: NewPassword, password: &Password) -> Block {
    let (identifier, level, master_identifier) = match new {
        NewPassword::User { level: Level::High } => (Identifier::User, 0, 0),
        NewPassword::User {
            level: Level::Maximum,
        } => (Identifier::User, 1, 0),
        NewPassword::Master { identifier } => (Identifier::Master, 0, identifier),
    };
    // Word 0 b8 is bit 0 of its second byte.
    block(identifier.bit(), level, password, master_identifier)
}

/// Data of [`unlock`] and of [`disable_password`].
#[must_use]
pub fn password_block(identifier: Identifier, password: &Password) -> Block {
    block(identifier.bit(), 0, password, 0)
}

/// Data of [`erase_unit`].
#[must_use]
pub fn erase_unit_block(identifier: Identifier, mode: EraseMode, password: &Password) -> Block {
    let enhanced = match mode {
        EraseMode::Normal => 0,
        EraseMode::Enhanced => 1 << 1,
    };
    block(identifier.bit() | enhanced, 0, password, 0)
}

impl Identifier {
    fn bit(self) -> u8 {
        match self {
            Self::User => 0,
            Self::Master => 1,
        }
    }
}

/// Word 0, password in words 1 to 16, word 17; words are little-endian.
fn block(word_0_low: u8, word_0_high: u8, password: &Password, word_17: u16) -> Block {
    let mut block = [0; PAGE_BYTES];
    let head = [word_0_low, word_0_high]
        .into_iter()
        .chain(*password)
        .chain(word_17.to_le_bytes());
    for (to, from) in block.iter_mut().zip(head) {
        *to = from;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::super::tests::vector;
    use super::*;

    // Golden vectors, written from SAT-4 and ACS-4 by hand.

    #[test]
    fn commands_are_the_golden_vectors() {
        assert_eq!(
            set_password().to_vec(),
            vector("85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F1 00")
        );
        assert_eq!(
            unlock().to_vec(),
            vector("85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F2 00")
        );
        assert_eq!(
            erase_unit().to_vec(),
            vector("85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F4 00")
        );
        assert_eq!(
            disable_password().to_vec(),
            vector("85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F6 00")
        );
        assert_eq!(
            erase_prepare().to_vec(),
            vector("85 06 20 00 00 00 00 00 00 00 00 00 00 00 F3 00")
        );
        assert_eq!(
            freeze_lock().to_vec(),
            vector("85 06 20 00 00 00 00 00 00 00 00 00 00 00 F5 00")
        );
    }

    /// Bytes 0 to 35 and whether the rest is zero.
    fn head(block: Block) -> (Vec<u8>, bool) {
        let (head, rest) = block.split_at(36);
        (head.to_vec(), rest.iter().all(|b| *b == 0))
    }

    fn with_password(word_0: [u8; 2], word_17: [u8; 2]) -> (Vec<u8>, bool) {
        ([&word_0[..], &PASSWORD, &word_17].concat(), true)
    }

    const PASSWORD: Password = *b"raz-0123456789-0123456789-012345";

    #[test]
    fn set_password_blocks_carry_level_and_master_identifier() {
        let set = |new| head(set_password_block(new, &PASSWORD));
        let user = |level| set(NewPassword::User { level });
        assert_eq!(user(Level::High), with_password([0, 0], [0, 0]));
        assert_eq!(user(Level::Maximum), with_password([0, 1], [0, 0]));
        assert_eq!(
            set(NewPassword::Master { identifier: 0xFFFE }),
            with_password([1, 0], [0xFE, 0xFF])
        );
    }

    #[test]
    fn unlock_and_erase_blocks_name_password_and_mode() {
        let (user, master) = (Identifier::User, Identifier::Master);
        let unlock = |identifier| head(password_block(identifier, &PASSWORD));
        assert_eq!(unlock(user), with_password([0, 0], [0, 0]));
        assert_eq!(unlock(master), with_password([1, 0], [0, 0]));
        let erase = |identifier, mode| head(erase_unit_block(identifier, mode, &PASSWORD));
        assert_eq!(
            erase(user, EraseMode::Normal),
            with_password([0, 0], [0, 0])
        );
        assert_eq!(
            erase(user, EraseMode::Enhanced),
            with_password([2, 0], [0, 0])
        );
        assert_eq!(
            erase(master, EraseMode::Enhanced),
            with_password([3, 0], [0, 0])
        );
    }
}
