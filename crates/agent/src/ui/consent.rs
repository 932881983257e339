//! What a person types to consent to one drive's erasure.
//!
//! The last characters of the serial, because they are printed on the drive's label: the eyes
//! must go to the drive. Where two drives end alike, more characters are asked for, so that one
//! answer never fits two drives.

use super::state::Row;

/// Characters asked for where nothing else is needed.
pub const TAIL_CHARACTERS: usize = 6;

/// The text that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What must be typed; case does not matter.
    pub text: String,
    /// Where it is printed.
    pub source: Source,
}

/// Where the wanted text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The end of the serial.
    SerialTail,
    /// The serial, whole.
    SerialWhole,
    /// The end of the id: there is no serial that can be typed, or it is not unique.
    IdTail,
}

/// What to type for `row` among `all` rows.
#[must_use]
pub fn wanted(row: &Row, all: &[Row]) -> Wanted {
    let others = || all.iter().filter(|other| other.id != row.id);
    if let Some(serial) = typable(row.serial.as_deref()) {
        let others: Vec<&str> = others()
            .filter_map(|other| typable(other.serial.as_deref()))
            .collect();
        if let Some((text, whole)) = unique_tail(serial, &others) {
            let source = if whole {
                Source::SerialWhole
            } else {
                Source::SerialTail
            };
            return Wanted {
                text: text.to_owned(),
                source,
            };
        }
    }
    let others: Vec<&str> = others().map(|other| other.id.as_str()).collect();
    let text = match unique_tail(&row.id, &others) {
        Some((text, _)) => text,
        None => row.id.as_str(),
    };
    Wanted {
        text: text.to_owned(),
        source: Source::IdTail,
    }
}

/// Whether `typed` is the consent: the wanted text, or the whole serial as a barcode reader
/// types it. Nothing typed is never consent.
#[must_use]
pub fn agrees(typed: &str, row: &Row, all: &[Row]) -> bool {
    let typed = typed.trim();
    let wanted = wanted(row, all);
    if typed.is_empty() || wanted.text.is_empty() {
        return false;
    }
    let whole = match wanted.source {
        Source::SerialTail | Source::SerialWhole => typable(row.serial.as_deref()),
        Source::IdTail => Some(row.id.as_str()),
    };
    typed.eq_ignore_ascii_case(&wanted.text)
        || whole.is_some_and(|whole| typed.eq_ignore_ascii_case(whole))
}

/// A serial that any keyboard can type, without the blanks around it.
fn typable(serial: Option<&str>) -> Option<&str> {
    let serial = serial?.trim();
    let printable = serial.bytes().all(|b| (b' '..=b'~').contains(&b));
    (printable && !serial.is_empty()).then_some(serial)
}

/// The shortest end of `text`, of at least [`TAIL_CHARACTERS`] and without a leading blank, that
/// no other text ends with; and whether it is the whole text.
fn unique_tail<'a>(text: &'a str, others: &[&str]) -> Option<(&'a str, bool)> {
    let count = text.chars().count();
    for characters in TAIL_CHARACTERS.min(count)..=count {
        let tail = match text.char_indices().nth(count - characters) {
            Some((at, _)) => &text[at..],
            None => "",
        };
        let alone = others.iter().all(|other| !ends_with(other, tail));
        if alone && !tail.is_empty() && !tail.starts_with(' ') {
            return Some((tail, characters == count));
        }
    }
    None
}

fn ends_with(text: &str, tail: &str) -> bool {
    let (text, tail) = (text.as_bytes(), tail.as_bytes());
    text.len() >= tail.len() && text[text.len() - tail.len()..].eq_ignore_ascii_case(tail)
}

#[cfg(test)]
mod tests {
    use super::{Source, agrees, wanted};
    use crate::ui::state::Row;

    fn row(id: &str, serial: Option<&str>) -> Row {
        Row {
            id: id.into(),
            serial: serial.map(Into::into),
            ..Row::default()
        }
    }

    #[test]
    fn last_six_characters_of_the_serial() {
        let all = [
            row("a-000001", Some("WD-WCC7K1234567")),
            row("b-000002", Some("S3Z9NB0K")),
        ];
        let asked = wanted(&all[0], &all);
        assert_eq!(
            (asked.text.as_str(), asked.source),
            ("234567", Source::SerialTail)
        );
        assert!(agrees("234567", &all[0], &all));
        assert!(agrees("wd-wcc7k1234567", &all[0], &all));
        assert!(!agrees("1234567", &all[0], &all));
        assert!(!agrees("34567", &all[0], &all));
        assert!(!agrees("", &all[0], &all));
        assert!(!agrees("9NB0K", &all[0], &all));
    }

    #[test]
    fn short_serial_is_typed_whole() {
        let all = [row("12-000001", Some("12"))];
        let asked = wanted(&all[0], &all);
        assert_eq!(
            (asked.text.as_str(), asked.source),
            ("12", Source::SerialWhole)
        );
    }

    #[test]
    fn without_a_typable_serial_the_ids_end_is_asked_for() {
        for serial in [
            None,
            Some(""),
            Some("  "),
            Some("\u{7f}\u{1}abc"),
            Some("é12345678"),
        ] {
            let all = [row("path-8f32ab", serial)];
            let asked = wanted(&all[0], &all);
            assert_eq!(
                (asked.text.as_str(), asked.source),
                ("8f32ab", Source::IdTail)
            );
            assert!(agrees("8F32AB", &all[0], &all));
            assert!(!agrees("", &all[0], &all));
        }
    }

    #[test]
    fn serials_that_end_alike_ask_for_more_characters() {
        let all = [
            row("a-000001", Some("AAA1234567")),
            row("b-000002", Some("BBB1234567")),
        ];
        assert_eq!(wanted(&all[0], &all).text, "A1234567");
        assert!(!agrees("234567", &all[0], &all));
        assert!(!agrees("B1234567", &all[0], &all));
    }

    #[test]
    fn a_serial_that_is_the_end_of_another_falls_to_the_id() {
        let all = [
            row("x-aaaaaa", Some("1234567")),
            row("y-bbbbbb", Some("91234567")),
        ];
        assert_eq!(wanted(&all[0], &all).source, Source::IdTail);
        assert_eq!(wanted(&all[1], &all).text, "91234567");
    }

    #[test]
    fn two_drives_with_the_same_serial_are_told_apart_by_id() {
        let all = [
            row("DUP-aaaaaa", Some("DUP00001")),
            row("DUP-bbbbbb", Some("DUP00001")),
        ];
        assert_eq!(wanted(&all[0], &all).text, "aaaaaa");
        assert!(!agrees("DUP00001", &all[0], &all));
        assert!(agrees("aaaaaa", &all[0], &all));
        assert!(!agrees("bbbbbb", &all[0], &all));
    }

    #[test]
    fn serial_with_a_blank_six_from_the_end_starts_at_a_letter() {
        let all = [row("x-aaaaaa", Some("ABC 12345"))];
        assert_eq!(wanted(&all[0], &all).text, "C 12345");
    }

    proptest::proptest! {
        #[test]
        fn one_answer_never_fits_two_drives(serials in proptest::collection::vec("[ab ]{0,9}", 1..8)) {
            let all: Vec<Row> = serials
                .iter()
                .enumerate()
                .map(|(n, serial)| row(&format!("id-{n:06}"), Some(serial)))
                .collect();
            for asked in &all {
                let text = wanted(asked, &all).text;
                let fits: Vec<&str> = all
                    .iter()
                    .filter(|other| agrees(&text, other, &all))
                    .map(|other| other.id.as_str())
                    .collect();
                proptest::prop_assert_eq!(fits, vec![asked.id.as_str()]);
            }
        }
    }
}
