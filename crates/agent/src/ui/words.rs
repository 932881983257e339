//! Numbers and names as text of a given width, in the characters that every console has.

use crate::i18n::Language;
use std::time::Duration;

/// `text` in ASCII and Latin-1: what firmware says may hold escape sequences, and a serial line
/// has no other characters.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}' => c,
            '\u{a0}' | '\t' | '\n' => ' ',
            '\u{2019}' => '\'',
            _ => '?',
        })
        .collect()
}

/// `text` in exactly `width` columns; `~` marks what was cut off at the end.
pub fn fit(text: &str, width: usize) -> String {
    let text = plain(text);
    let count = text.chars().count();
    if count <= width {
        return format!("{text:<width$}");
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        cut.push('~');
    }
    cut
}

/// `text` in exactly `width` columns, keeping its end: the part of a serial that tells drives
/// apart.
pub fn fit_end(text: &str, width: usize) -> String {
    let text = plain(text);
    let count = text.chars().count();
    if count <= width {
        return format!("{text:<width$}");
    }
    let kept: String = text.chars().skip(count - width.saturating_sub(1)).collect();
    if width == 0 {
        String::new()
    } else {
        format!("~{kept}")
    }
}

/// `text` in lines of at most `width` columns, broken at blanks where there are any.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in plain(paragraph).split(' ') {
            let mut word: Vec<char> = word.chars().collect();
            if used > 0 && used + 1 + word.len() > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            while used + word.len() > width {
                let rest = word.split_off(width - used);
                line.extend(word);
                lines.push(std::mem::take(&mut line));
                used = 0;
                word = rest;
            }
            used += word.len();
            line.extend(word);
        }
        lines.push(line);
    }
    lines
}

/// A size in decimal units, as on drives' labels.
pub fn size(language: Language, bytes: u64) -> String {
    scaled(language, bytes as f64, unit(language))
}

/// A rate in decimal units a second.
pub fn rate(language: Language, bytes_per_second: f64) -> String {
    format!("{}/s", scaled(language, bytes_per_second, unit(language)))
}

fn unit(language: Language) -> char {
    match language {
        Language::French => 'o',
        Language::English => 'B',
    }
}

fn scaled(language: Language, value: f64, unit: char) -> String {
    let mut value = if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    };
    let mut prefix = 0;
    const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    // 999.5 would print as 1000.
    while value >= 999.5 && prefix + 1 < PREFIXES.len() {
        value /= 1000.0;
        prefix += 1;
    }
    let number = if prefix > 0 {
        two_digits(language, value)
    } else {
        format!("{value:.0}")
    };
    format!("{number} {}{unit}", PREFIXES[prefix])
}

/// A time left: `45s`, `12min`, `3h07`.
pub fn time_left(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}min", seconds.div_ceil(60).min(59)),
        3600.. => format!("{}h{:02}", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long a drive took to answer: `0.4 ms`, `12 ms`, `2.5 s`.
pub fn answer_time(language: Language, took: Duration) -> String {
    let millis = took.as_secs_f64() * 1e3;
    let (value, unit) = if millis < 999.5 {
        (millis, "ms")
    } else {
        (millis / 1e3, "s")
    };
    format!("{} {unit}", two_digits(language, value))
}

/// One decimal below 10, none above.
fn two_digits(language: Language, value: f64) -> String {
    let decimals = usize::from(value < 9.95);
    let number = format!("{value:.decimals$}");
    match language {
        Language::French => number.replace('.', ","),
        Language::English => number,
    }
}

/// A bar of `width` columns.
pub fn bar(percent: f64, width: usize) -> String {
    let full = (percent.clamp(0.0, 100.0) / 100.0 * width as f64).floor() as usize;
    format!(
        "{}{}",
        "#".repeat(full),
        ".".repeat(width - full.min(width))
    )
}

/// Whole percents, rounded down: 100 stands only at the end.
pub fn percent(percent: f64) -> String {
    format!("{:.0}%", percent.clamp(0.0, 100.0).floor())
}

#[cfg(test)]
mod tests {
    use super::{answer_time, bar, fit, fit_end, percent, plain, size, time_left, wrap};
    use crate::i18n::Language;
    use std::time::Duration;

    #[test]
    fn names_are_cut_with_a_mark() {
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abcdef", 5), "abcd~");
        assert_eq!(fit_end("abcdef", 5), "~cdef");
        assert_eq!(fit_end("abcdef", 0), "");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_end("abc", 1), "~");
    }

    #[test]
    fn escape_sequences_and_wide_characters_are_replaced() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}c日d\u{ad}é"), "a?[2Jb?c?d?é");
    }

    #[test]
    fn sizes_in_both_languages() {
        assert_eq!(size(Language::French, 500_107_862_016), "500 Go");
        assert_eq!(size(Language::French, 4_000_787_030_016), "4,0 To");
        assert_eq!(size(Language::English, 4_000_787_030_016), "4.0 TB");
        assert_eq!(size(Language::English, 999_600), "1.0 MB");
        assert_eq!(size(Language::English, 12), "12 B");
        assert_eq!(size(Language::English, u64::MAX), "18 EB");
    }

    #[test]
    fn progress_says_one_hundred_only_at_the_end() {
        assert_eq!(percent(99.99), "99%");
        assert_eq!(bar(99.99, 4), "###.");
        assert_eq!(bar(100.0, 4), "####");
        assert_eq!(bar(f64::NAN, 4), "....");
        assert_eq!(time_left(59), "59s");
        assert_eq!(time_left(3599), "59min");
        assert_eq!(time_left(11_220), "3h07");
    }

    #[test]
    fn answer_times_have_two_digits_and_a_unit() {
        for (micros, french, english) in [
            (0, "0,0 ms", "0.0 ms"),
            (431, "0,4 ms", "0.4 ms"),
            (9_960, "10 ms", "10 ms"),
            (999_400, "999 ms", "999 ms"),
            (999_600, "1,0 s", "1.0 s"),
            (62_000_000, "62 s", "62 s"),
        ] {
            let took = Duration::from_micros(micros);
            assert_eq!(answer_time(Language::French, took), french);
            assert_eq!(answer_time(Language::English, took), english);
        }
    }

    proptest::proptest! {
        #[test]
        fn wrapped_lines_keep_every_character_and_fit(text in "[a-c ]{0,60}", width in 1usize..12) {
            let lines = wrap(&text, width);
            proptest::prop_assert!(lines.iter().all(|l| l.chars().count() <= width));
            let squeeze = |s: &str| s.replace(' ', "");
            proptest::prop_assert_eq!(squeeze(&lines.concat()), squeeze(&text));
        }

        #[test]
        fn any_text_fits_exactly(text in proptest::prelude::any::<String>(), width in 0usize..20) {
            proptest::prop_assert_eq!(fit(&text, width).chars().count(), width);
            proptest::prop_assert_eq!(fit_end(&text, width).chars().count(), width);
        }
    }
}
