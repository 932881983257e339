//! Which serial numbers are worth the name.
//!
//! Bridges and sticks without a serial of their own say zeros or a counting row, the same on
//! every unit; taken at its word, such a text would make two drives one.

/// Rows that firmware leaves where a serial belongs, compared without case.
const PLACEHOLDERS: [&str; 8] = [
    "0123456789",
    "1234567890",
    "123456789012",
    "0123456789ABCDEF",
    "123456789ABCDEF",
    "DEADBEEF",
    "NONE",
    "UNKNOWN",
];

/// A serial as a drive gave it, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serial {
    /// Nothing was given.
    Absent,
    /// A text that cannot tell one drive from another.
    Junk(String),
    /// A text that may.
    Given(String),
}

impl Serial {
    /// Judges a serial; blanks and NULs at its ends do not count.
    pub fn judge(text: Option<&str>) -> Self {
        let text = text
            .unwrap_or("")
            .trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if text.is_empty() {
            return Self::Absent;
        }
        let mut chars = text.chars();
        let first = chars.next();
        let repeats = chars.all(|c| Some(c) == first);
        let placeholder = PLACEHOLDERS.iter().any(|p| p.eq_ignore_ascii_case(text));
        let unprintable = text
            .chars()
            .any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER);
        if repeats || placeholder || unprintable {
            Self::Junk(text.to_owned())
        } else {
            Self::Given(text.to_owned())
        }
    }

    /// The serial when it counts; a junk one leaves an oddity that says who gave it.
    pub fn credible(
        text: Option<&str>,
        source: &str,
        oddities: &mut Vec<String>,
    ) -> Option<String> {
        match Self::judge(text) {
            Self::Given(serial) => Some(serial),
            Self::Absent => None,
            Self::Junk(text) => {
                let text = text.escape_default();
                let oddity = format!("the serial that {source} gives, \"{text}\", is no serial");
                if !oddities.contains(&oddity) {
                    oddities.push(oddity);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Serial;

    #[test]
    fn placeholders_of_bridges_count_as_no_serial() {
        for junk in [
            "000000000000",
            "0",
            "FFFFFFFF",
            "0123456789ABCDEF",
            "unknown",
            "\u{1}\u{2}",
        ] {
            assert!(
                matches!(Serial::judge(Some(junk)), Serial::Junk(_)),
                "{junk:?}"
            );
        }
        for absent in [None, Some(""), Some("   "), Some("\0\0 ")] {
            assert_eq!(Serial::judge(absent), Serial::Absent, "{absent:?}");
        }
        assert_eq!(
            Serial::judge(Some(" WD-WCC4E0000001 ")),
            Serial::Given("WD-WCC4E0000001".into())
        );
    }
}
