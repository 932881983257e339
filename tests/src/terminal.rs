//! What a person sees on a serial line: the session draws only what changed, so the bytes mean
//! something to a terminal only.
//!
//! 80 by 24, as the image's serial console assumes.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::stream::Stream;

const LINES: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// Waits until `look` finds what it wants on the screen, given as 24 lines of text.
///
/// # Errors
/// After `patience`, or when the machine is gone before; the message ends with the screen.
pub fn wait_for<T>(
    serial: &Stream,
    what: &str,
    patience: Duration,
    mut look: impl FnMut(&str) -> Option<T>,
) -> anyhow::Result<T> {
    let mut terminal = vt100::Parser::new(LINES, COLUMNS, 0);
    let mut seen = 0;
    let found = serial.wait(what, patience, |bytes| {
        terminal.process(&bytes[seen..]);
        seen = bytes.len();
        look(&terminal.screen().contents())
    });
    found.map_err(|error| error.context(format!("the screen:\n{}", terminal.screen().contents())))
}

/// Waits until all of `pieces` are on the screen at once; gives the screen back.
///
/// # Errors
/// As [`wait_for`].
pub fn wait_for_text(
    serial: &Stream,
    pieces: &[&str],
    patience: Duration,
) -> anyhow::Result<String> {
    wait_for(serial, &format!("{pieces:?}"), patience, |screen| {
        pieces
            .iter()
            .all(|piece| screen.contains(piece))
            .then(|| screen.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn words_drawn_in_pieces_are_read_as_a_person_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let serial = Stream::new("test", ours, &folder.path().join("log")).unwrap();
        // "reading" becomes "verified": the common letter is not drawn again.
        theirs
            .write_all(b"\x1b[2J\x1b[3;5Hxeading\x1b[3;5Hv\x1b[3;7Hrified")
            .unwrap();
        let screen = wait_for_text(&serial, &["verified"], Duration::from_secs(20)).unwrap();
        assert_eq!(screen.lines().nth(2), Some("    verified"));
        drop(theirs);
        let error = wait_for_text(&serial, &["reading"], Duration::from_secs(20)).unwrap_err();
        assert!(format!("{error:#}").contains("verified"), "{error:#}");
    }
}
