//! eMMC commands that change a card: erase and sanitize. JESD84-B51 6.6.9 to 6.6.13 and 6.13.
//!
//! Encoders only: nothing here sends one, and none is right without a claim. Sanitize removes what is
//! unmapped, so the whole area is erased before it, and every general purpose area as well; boot
//! areas and the replay protected one are not reached.
//! Responses are decoded by [`super::status::CardStatus`].

pub use sys::mmc::{Command, Response};

/// What CMD38 does with the range.
///
/// There is no value for discard (3): sanitize need not remove what was discarded. The secure trim
/// of two steps, obsolete since 4.5, is left out as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erase {
    /// 0000_0000h: whole erase groups.
    Groups,
    /// 0000_0001h: sectors.
    Trim,
    /// 8000_0000h: whole erase groups, and the copies of their data. Obsolete since 4.5.
    SecureGroups,
}

impl Erase {
    fn argument(self) -> u32 {
        match self {
            Self::Groups => 0x0000_0000,
            Self::Trim => 0x0000_0001,
            Self::SecureGroups => 0x8000_0000,
        }
    }
}

/// CMD35, CMD36 and CMD38, which must follow each other with nothing between.
///
/// First and last are both of the range, in sectors of 512 bytes, or in bytes for cards of 2 GB or
/// less. Of groups, each that either lies in is erased whole.
#[must_use]
pub fn erase(first: u32, last: u32, erase: Erase) -> [Command; 3] {
    let command = |index, argument, response| Command {
        index,
        argument,
        response,
    };
    [
        command(35, first, Response::R1),
        command(36, last, Response::R1),
        command(38, erase.argument(), Response::R1b),
    ]
}

/// SANITIZE_START: CMD6 that writes 1 to byte 165 of EXT_CSD. The card is busy until it is done, as
/// long as hours; an interrupt (HPI), which the kernel sends at its timeout, a reset or a power cut
/// end it unfinished.
#[must_use]
pub fn sanitize() -> Command {
    const WRITE_BYTE: u8 = 3;
    const SANITIZE_START: u8 = 165;
    const COMMAND_SET: u8 = 1;
    Command {
        index: 6,
        argument: u32::from_be_bytes([WRITE_BYTE, SANITIZE_START, 1, COMMAND_SET]),
        response: Response::R1b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitize_is_the_golden_vector() {
        assert_eq!(
            sanitize(),
            Command {
                index: 6,
                argument: 0x03A5_0101,
                response: Response::R1b
            }
        );
    }

    #[test]
    fn erase_is_start_end_and_action_in_this_order() {
        let words = |how| {
            erase(0x1000, 0x03A2_FFFF, how)
                .map(|command| (command.index, command.argument, command.response))
        };
        assert_eq!(
            words(Erase::Groups),
            [
                (35, 0x1000, Response::R1),
                (36, 0x03A2_FFFF, Response::R1),
                (38, 0, Response::R1b)
            ]
        );
        assert_eq!(words(Erase::Trim)[2].1, 0x0000_0001);
        assert_eq!(words(Erase::SecureGroups)[2].1, 0x8000_0000);
    }
}
