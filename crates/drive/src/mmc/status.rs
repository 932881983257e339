//! Card status, the 32 bits of an R1 response. JESD84-B51 6.13.
//!
//! A bit may belong to the command before the one that answered: an error of an erase shows in the
//! status after it.

use crate::bytes::bit;
pub use sys::mmc::is_switch_error;
use sys::mmc::{Command, Response};

/// CMD13: asks for the status. Linux gives every card the address 1.
#[must_use]
pub fn send_status() -> Command {
    Command {
        index: 13,
        argument: 1 << 16,
        response: Response::R1,
    }
}

/// What a card says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardStatus {
    /// The bits as they came.
    pub raw: u32,
    /// b28: CMD35, 36, 38 came in the wrong order.
    pub erase_sequence_error: bool,
    /// b27: erase groups that do not exist.
    pub erase_parameter_error: bool,
    /// b26: a write to protected sectors.
    pub write_protect_violation: bool,
    /// b25: the card is locked by a password.
    pub locked: bool,
    /// b15: protected groups were left out of an erase that otherwise succeeds.
    pub protected_groups_skipped: bool,
    /// b13: the erase was ended before it began, by another command.
    pub erase_reset: bool,
    /// b7: the card did not take the value that CMD6 wrote, as of a sanitize that it does not know.
    pub switch_error: bool,
    /// b12:9.
    pub state: CardState,
}

/// What the card is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardState {
    /// 4: ready for commands.
    Transfer,
    /// 7: programming: busy with an erase, a write or a sanitize.
    Programming,
    /// Another state, as it came.
    Other(u8),
}

/// Bits that say that something was not done: b31 to b26, b24 to b19, b17, b16, b15, b13, b7. Left
/// out are b25 (locked, a state) and b18, which is reserved.
const ERRORS: u32 = 0xFDFB_A080;

impl CardStatus {
    /// Decodes the response.
    #[must_use]
    pub fn decode(raw: u32) -> Self {
        Self {
            raw,
            erase_sequence_error: bit(raw, 28),
            erase_parameter_error: bit(raw, 27),
            write_protect_violation: bit(raw, 26),
            locked: bit(raw, 25),
            protected_groups_skipped: bit(raw, 15),
            erase_reset: bit(raw, 13),
            switch_error: bit(raw, 7),
            state: match (raw >> 9 & 0xF) as u8 {
                4 => CardState::Transfer,
                7 => CardState::Programming,
                other => CardState::Other(other),
            },
        }
    }

    /// Whether any error bit is set, those without a field of their own among them.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.raw & ERRORS != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The upper half of the argument is the card's address: no other card answers.
    #[test]
    fn status_is_asked_of_card_number_one() {
        let command = send_status();
        assert_eq!((command.index, command.argument >> 16), (13, 1));
    }

    #[test]
    fn good_status_is_transfer_and_ready() {
        let status = CardStatus::decode(0x0000_0900);
        assert_eq!(status.state, CardState::Transfer);
        assert!(!status.has_error() && !status.locked);
        let busy = CardStatus::decode(0x0000_0E00);
        assert_eq!(busy.state, CardState::Programming);
        assert_eq!(CardStatus::decode(0x0000_0600).state, CardState::Other(3));
    }

    #[test]
    fn each_error_of_an_erase_is_its_own_field() {
        let of = |b: u32| CardStatus::decode(0x0000_0900 | 1 << b);
        assert!(of(28).erase_sequence_error);
        assert!(of(27).erase_parameter_error);
        assert!(of(26).write_protect_violation);
        assert!(of(15).protected_groups_skipped);
        assert!(of(13).erase_reset);
        assert!(of(7).switch_error);
        assert!(of(25).locked);
    }

    #[test]
    fn bits_that_are_no_errors_are_not_taken_for_them() {
        let errors = [
            31, 30, 29, 28, 27, 26, 24, 23, 22, 21, 20, 19, 17, 16, 15, 13, 7,
        ];
        for b in 0..32 {
            assert_eq!(
                CardStatus::decode(1 << b).has_error(),
                errors.contains(&b),
                "bit {b}"
            );
        }
    }
}
