//! The PSID (TCG Storage Feature Set PSID 1.00): 32 characters that are printed on the drive's label and
//! that no command tells, so that whoever has it has the drive in hand.

use std::fmt;

/// Characters of a PSID.
pub const PSID_CHARACTERS: usize = 32;

/// A PSID. It opens nothing and erases everything; it is kept out of logs all the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Psid([u8; PSID_CHARACTERS]);

/// Why a text is no PSID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PsidError {
    /// Its letters and digits, blanks and dashes left out.
    #[error(
        "a PSID has 32 letters and digits, and this has {0}: read the label once more (PSID, not S/N or WWN)"
    )]
    Length(usize),
    /// Something else than letters and digits.
    #[error("a PSID has letters and digits only")]
    Characters,
}

impl Psid {
    /// Takes what was typed or scanned. Blanks and dashes, which labels put between groups, do not count;
    /// letters stay as they are.
    ///
    /// # Errors
    /// When what is left is not 32 letters and digits.
    pub fn parse(text: &str) -> Result<Self, PsidError> {
        let counts = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2014}');
        let characters: Vec<char> = text.chars().filter(counts).collect();
        if !characters.iter().all(char::is_ascii_alphanumeric) {
            return Err(PsidError::Characters);
        }
        let bytes: Vec<u8> = characters
            .into_iter()
            .filter_map(|c| u8::try_from(c).ok())
            .collect();
        let length = bytes.len();
        let bytes = bytes.try_into().map_err(|_| PsidError::Length(length))?;
        Ok(Self(bytes))
    }

    /// As the drive takes it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Small letters, which labels do not have as a rule.
    #[must_use]
    pub fn has_small_letters(&self) -> bool {
        self.0.iter().any(u8::is_ascii_lowercase)
    }
}

impl fmt::Debug for Psid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psid(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "VUTSRQPONMLKJIHGFEDCBA9876543210";

    #[test]
    fn groups_of_a_label_and_the_end_of_a_scanned_line_do_not_count() {
        let psid = Psid::parse(TEXT).unwrap();
        for text in [
            "VUTSRQPO-NMLKJIHG-FEDCBA98-76543210",
            " VUTSRQPO NMLKJIHG\tFEDCBA98 76543210\r\n",
            "VUTSRQPO\u{2013}NMLKJIHGFEDCBA9876543210",
        ] {
            assert_eq!(Psid::parse(text), Ok(psid.clone()), "{text}");
        }
        assert_eq!(psid.as_bytes(), TEXT.as_bytes());
    }

    #[test]
    fn what_is_no_psid_is_refused_with_its_length() {
        assert_eq!(Psid::parse(""), Err(PsidError::Length(0)));
        assert_eq!(Psid::parse(&TEXT[1..]), Err(PsidError::Length(31)));
        assert_eq!(Psid::parse(&format!("{TEXT}0")), Err(PsidError::Length(33)));
        let other = format!("{}é", &TEXT[1..]);
        assert_eq!(Psid::parse(&other), Err(PsidError::Characters));
        assert_eq!(
            Psid::parse(&format!("{}\0", &TEXT[1..])),
            Err(PsidError::Characters)
        );
    }

    #[test]
    fn letters_stay_as_typed_and_debug_shows_none() {
        let psid = Psid::parse(&TEXT.to_lowercase()).unwrap();
        assert_eq!(psid.as_bytes()[0], b'v');
        assert!(psid.has_small_letters() && !Psid::parse(TEXT).unwrap().has_small_letters());
        assert!(!format!("{psid:?}").to_uppercase().contains("VUT"));
    }
}
