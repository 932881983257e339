//! What REQUEST SENSE tells of a sanitize or format that runs or failed. SPC-5 6.39, SBC-4 4.11.
//!
//! Nothing in it says "succeeded": a drive that no longer tells of a sanitize may never have begun
//! one.

use super::sense::Sense;

/// A long operation as sense data name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongOperation {
    /// 04/1B: a sanitize is in progress.
    Sanitizing {
        /// Part done in 65536ths; `None` when not said.
        progress_raw: Option<u16>,
    },
    /// 31/03: a sanitize failed.
    SanitizeFailed,
    /// 04/04: a format is in progress.
    Formatting {
        /// Part done in 65536ths; `None` when not said.
        progress_raw: Option<u16>,
    },
    /// 31/01: a format failed.
    FormatFailed,
    /// 31/00: the medium's format is corrupt, as after a format that was interrupted.
    FormatCorrupt,
    /// No sense, 00/00: no long operation is told of. No success.
    NoneTold,
    /// Anything else: not decodable here, and no success.
    Other,
}

impl LongOperation {
    /// Decodes sense data, those that a command ended with or those that REQUEST SENSE returned.
    ///
    /// A failure counts under every key; a progress under NOT READY, and under NO SENSE, where
    /// drives answer REQUEST SENSE with it.
    #[must_use]
    pub fn from_sense(sense: &Sense) -> Self {
        let progress_raw = sense.progress;
        match sense.triple() {
            (_, Some(0x31), Some(0x03)) => Self::SanitizeFailed,
            (_, Some(0x31), Some(0x01)) => Self::FormatFailed,
            (_, Some(0x31), Some(0x00)) => Self::FormatCorrupt,
            (0x0 | 0x2, Some(0x04), Some(0x1B)) => Self::Sanitizing { progress_raw },
            (0x0 | 0x2, Some(0x04), Some(0x04)) => Self::Formatting { progress_raw },
            (0x0, Some(0x00), Some(0x00)) => Self::NoneTold,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(key: u8, asc: u8, ascq: u8, specific: [u8; 3]) -> LongOperation {
        let [a, b, c] = specific;
        let sense = [
            0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, a, b, c,
        ];
        LongOperation::from_sense(&Sense::parse(&sense).expect("sense"))
    }

    #[test]
    fn sanitize_in_progress_with_and_without_its_progress() {
        let half = LongOperation::Sanitizing {
            progress_raw: Some(0x8000),
        };
        assert_eq!(fixed(2, 0x04, 0x1B, [0x80, 0x80, 0x00]), half);
        assert_eq!(fixed(0, 0x04, 0x1B, [0x80, 0x80, 0x00]), half);
        // SKSV not set: the bytes mean nothing.
        assert_eq!(
            fixed(2, 0x04, 0x1B, [0x00, 0x80, 0x00]),
            LongOperation::Sanitizing { progress_raw: None }
        );
    }

    #[test]
    fn descriptor_format_tells_the_same() {
        let mut sense = vec![0x72, 0x02, 0x04, 0x1B, 0, 0, 0, 8];
        sense.extend([0x02, 0x06, 0, 0, 0x80, 0x12, 0x34, 0]);
        assert_eq!(
            LongOperation::from_sense(&Sense::parse(&sense).expect("sense")),
            LongOperation::Sanitizing {
                progress_raw: Some(0x1234)
            }
        );
    }

    #[test]
    fn failures_are_failures_under_any_key() {
        for key in [0, 2, 3, 4] {
            let of = |ascq| fixed(key, 0x31, ascq, [0; 3]);
            assert_eq!(of(0x03), LongOperation::SanitizeFailed);
            assert_eq!(of(0x01), LongOperation::FormatFailed);
            assert_eq!(of(0x00), LongOperation::FormatCorrupt);
        }
    }

    #[test]
    fn format_in_progress_is_no_sanitize() {
        assert_eq!(
            fixed(2, 0x04, 0x04, [0x80, 0, 1]),
            LongOperation::Formatting {
                progress_raw: Some(1)
            }
        );
    }

    #[test]
    fn silence_and_everything_else_are_no_success() {
        assert_eq!(fixed(0, 0, 0, [0; 3]), LongOperation::NoneTold);
        assert_eq!(fixed(2, 0x04, 0x01, [0; 3]), LongOperation::Other);
        // The reset that ended a sanitize's host, not the sanitize.
        assert_eq!(fixed(6, 0x29, 0x00, [0; 3]), LongOperation::Other);
        assert_eq!(fixed(5, 0x04, 0x1B, [0; 3]), LongOperation::Other);
        let short = Sense::parse(&[0x70, 0, 0, 0, 0, 0, 0, 0]).expect("sense");
        assert_eq!(LongOperation::from_sense(&short), LongOperation::Other);
    }
}
