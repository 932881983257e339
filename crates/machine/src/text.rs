//! Text that firmware wrote: made printable, and told apart from what the maker never filled in.
//!
//! A board that says "To be filled by O.E.M." has said something (it was never set up), so the
//! text stays a fact; but two such machines are not the same machine, so nothing may use it as an
//! identity.

/// A text field of the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The text, trimmed, control characters replaced.
    pub text: String,
    /// A filler that many machines share: no name, no identity.
    pub generic: bool,
}

impl Label {
    /// A label from raw bytes; `None` when nothing is left after trimming.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let text = printable(bytes);
        if text.is_empty() {
            return None;
        }
        let generic = is_filler(&text);
        Some(Self { text, generic })
    }

    /// The text if it distinguishes anything.
    #[must_use]
    pub fn specific(&self) -> Option<&str> {
        (!self.generic).then_some(self.text.as_str())
    }
}

/// UTF-8 where it is, `U+FFFD` for anything else and for control characters: this text reaches
/// terminals, where an escape sequence from a donated board must not act.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    text.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Whole texts seen as fillers, lower case. Sources: dmidecode dumps of white-box boards
/// (AMI and Phoenix defaults).
const FILLERS: [&str; 27] = [
    "default string",
    "default",
    "system manufacturer",
    "system product name",
    "system version",
    "system serial number",
    "base board manufacturer",
    "base board product name",
    "base board version",
    "base board serial number",
    "chassis manufacture",
    "chassis manufacturer",
    "chassis version",
    "chassis serial number",
    "asset tag",
    "asset-1234567890",
    "no asset tag",
    "no asset information",
    "none",
    "n/a",
    "not specified",
    "not available",
    "not applicable",
    "unknown",
    "undefined",
    "oem",
    "o.e.m.",
];

/// Fillers with a slot number or other decoration around them: `A1_SerNum0`, `Array1_PartNumber0`.
const FILLER_PARTS: [&str; 7] = [
    "to be filled",
    "sernum",
    "partnum",
    "assettagnum",
    "manufacturer0",
    "[empty]",
    "no dimm",
];

fn is_filler(text: &str) -> bool {
    let lower = text.to_lowercase().replace('_', " ");
    let lower = lower.trim();
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let repeats = |c: char| lower.chars().all(|other| other == c);
    FILLERS.contains(&lower)
        || FILLERS.contains(&bare)
        || FILLER_PARTS.iter().any(|part| lower.contains(part))
        || counts_up(lower)
        || bare.is_empty()
        || ['0', 'f', 'x'].into_iter().any(repeats)
}

/// `0123456789`, `123456789`, `1234567890`: a serial that was typed, not assigned.
fn counts_up(text: &str) -> bool {
    text.len() >= 6 && "01234567890".contains(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> bool {
        Label::new(text.as_bytes()).expect("not empty").generic
    }

    #[test]
    fn fillers_are_generic_and_serials_are_not() {
        for filler in [
            "To be filled by O.E.M.",
            "To Be Filled By O.E.M",
            "Default string",
            "Default_string",
            "System Serial Number",
            "0123456789",
            "123456789",
            "1234567890",
            "00000000",
            "FFFFFFFF",
            "xxxxxxxx",
            "A1_SerNum0",
            "Array1_PartNumber0",
            "Not Specified",
            "[Empty]",
            "None",
            "........",
            "unknown",
        ] {
            assert!(generic(filler), "{filler}");
        }
        for real in [
            "PF00AA11",
            "LENOVO",
            "5CG1234567",
            "20AN",
            "CN-0G8HVN",
            "OptiPlex 7010",
        ] {
            assert!(!generic(real), "{real}");
        }
    }

    #[test]
    fn escape_sequences_do_not_reach_a_terminal() {
        let label = Label::new(b"  EVIL\x1b[2J\x07 \xff\0").expect("not empty");
        assert_eq!(label.text, "EVIL\u{fffd}[2J\u{fffd} \u{fffd}");
    }

    #[test]
    fn blank_text_is_no_label() {
        assert_eq!(Label::new(b"   \0\n"), None);
    }
}
