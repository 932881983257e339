//! What a person sees on a serial line: the session draws only what changed, so the bytes mean
//! something to a terminal only.
//!
//! 80 by 24, as the image's serial console has it. Without a second screen, which neither a VT100
//! nor the kernel's own console has: what was on the screen before stays until it is cleared.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::stream::Stream;

const LINES: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();
const SECOND_SCREEN: &[u8] = b"\x1b[?1049h";

/// The screen after `bytes`: at most 24 lines, without blanks at their ends.
#[must_use]
pub fn screen(bytes: &[u8]) -> String {
    let mut terminal = vt100::Parser::new(LINES, COLUMNS, 0);
    let mut from = 0;
    for at in memchr::memmem::find_iter(bytes, SECOND_SCREEN) {
        terminal.process(&bytes[from..at]);
        from = at + SECOND_SCREEN.len();
    }
    terminal.process(&bytes[from..]);
    let contents = terminal.screen().contents();
    let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Waits until `look` finds what it wants on the screen.
///
/// # Errors
/// After `patience`, or when the machine is gone before; the message ends with the screen.
pub fn wait_for<T>(
    serial: &Stream,
    what: &str,
    patience: Duration,
    mut look: impl FnMut(&str) -> Option<T>,
) -> anyhow::Result<T> {
    let mut last = String::new();
    let found = serial.wait(what, patience, |bytes| {
        last = screen(bytes);
        look(&last)
    });
    found.map_err(|error| error.context(format!("the screen:\n{last}")))
}

/// Waits until all of `pieces` are on the screen at once; gives the screen back.
///
/// # Errors
/// As [`wait_for`].
pub fn wait_for_all(
    serial: &Stream,
    pieces: &[&str],
    patience: Duration,
) -> anyhow::Result<String> {
    wait_for(serial, &format!("{pieces:?}"), patience, |screen| {
        let has_all = pieces.iter().all(|piece| screen.contains(piece));
        has_all.then(|| screen.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_drawn_in_pieces_are_read_as_a_person_reads_them() {
        // "reading" becomes "verified": the letters in common are not drawn again.
        let bytes = b"\x1b[2J\x1b[3;5Hreading \x1b[3;5Hv\x1b[3;7Hrified";
        assert_eq!(screen(bytes).lines().nth(2), Some("    verified"));
    }

    #[test]
    fn what_was_there_before_shows_through_what_is_not_drawn() {
        let bytes = b"\x1b[H[ 1.0] raz\x1b[?1049h\x1b[1;1Hnot\x1b[1;5Hcomplete";
        assert_eq!(screen(bytes), "not.complete");
        let bytes = b"\x1b[H[ 1.0] raz\x1b[?1049h\x1b[2J\x1b[1;1Hnot\x1b[1;5Hcomplete";
        assert_eq!(screen(bytes), "not complete");
    }
}
