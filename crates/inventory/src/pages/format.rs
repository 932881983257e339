//! Numbers, sizes, times and foreign text as the pages show them.

use super::text::{self, Lang};
use crate::store::reports::{Entry, Source};
use jiff::Timestamp;
use maud::{Markup, html};
use report::schema::{RANGES_COUNTED_MAX, Ranges};

/// Byte ranges that a page lists; the report has them all.
const RANGES_SHOWN_MAX: usize = 5;

/// Text that somebody else wrote, kept from turning the direction of the words around it.
pub fn foreign(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// Such text, or a dash.
pub fn optional(text: Option<&str>) -> Markup {
    match text.map(str::trim) {
        None | Some("") => html! { "–" },
        Some(text) => foreign(text),
    }
}

/// A list of such texts.
pub fn listed(texts: &[String]) -> Markup {
    html! { ul { @for text in texts { li { (foreign(text)) } } } }
}

/// `256 060 514 304` or `256,060,514,304`.
pub fn number(number: u64, lang: Lang) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(match lang {
                Lang::Fr => '\u{202f}',
                Lang::En => ',',
            });
        }
        grouped.push(digit);
    }
    grouped
}

/// `256,0 Go (256 060 514 304 octets)`: decimal units as drives are sold, never rounded up.
pub fn size(bytes: u64, lang: Lang) -> String {
    let (unit_fr, unit_en, unit_bytes) = match bytes {
        0..1_000_000 => ("ko", "kB", 1_000_u64),
        1_000_000..1_000_000_000 => ("Mo", "MB", 1_000_000),
        1_000_000_000..1_000_000_000_000 => ("Go", "GB", 1_000_000_000),
        _ => ("To", "TB", 1_000_000_000_000),
    };
    let (whole, tenth) = (bytes / unit_bytes, bytes % unit_bytes / (unit_bytes / 10));
    let exact = number(bytes, lang);
    match lang {
        Lang::Fr => format!("{whole},{tenth}\u{a0}{unit_fr} ({exact} octets)"),
        Lang::En => format!("{whole}.{tenth}\u{a0}{unit_en} ({exact} bytes)"),
    }
}

/// A percentage, never rounded up to 100.
pub fn percent(percent: f64, lang: Lang) -> String {
    let cut = format!("{:.2}", (percent * 100.0).floor() / 100.0);
    match lang {
        Lang::Fr => format!("{}\u{a0}%", cut.replace('.', ",")),
        Lang::En => format!("{cut}%"),
    }
}

/// A probability with six decimals, as reports give it; 0 only when it is.
pub fn probability(probability: f64, lang: Lang) -> String {
    let (mark, shown) = match probability > 0.0 && probability < 1e-6 {
        true => ("< ", 1e-6),
        false => ("", probability),
    };
    let text = format!("{mark}{shown:.6}");
    match lang {
        Lang::Fr => text.replace('.', ","),
        Lang::En => text,
    }
}

/// A time of the service.
pub fn time(second: i64) -> Markup {
    match Timestamp::from_second(second) {
        Ok(time) => html! {
            time datetime=(time.to_string()) { (time.strftime("%Y-%m-%d %H:%M:%S UTC")) }
        },
        Err(_) => html! { "–" },
    }
}

/// Whose word stands for the key that signed a report.
pub fn source(entry: &Entry, lang: Lang) -> Markup {
    match &entry.source {
        Source::Station(name) => foreign(name),
        Source::Imported(imported) => html! {
            (text::IMPORTED_BY.of(lang)) " " (foreign(&imported.by)) " "
            (text::IMPORTED_ON.of(lang)) " " (time(entry.received_s)) "; "
            (text::IMPORTED_UNKNOWN.of(lang))
        },
    }
}

/// Drives that are verified, of all; never without saying that the report was imported.
pub fn verified(entry: &Entry, lang: Lang) -> Markup {
    let (verified, total) = (entry.summary.drives_verified, entry.summary.drives_total);
    html! {
        (verified) " / " (total)
        @if let Source::Imported(_) = entry.source { ", " strong { (text::IMPORTED.of(lang)) } }
    }
}

/// How many ranges and bytes, and the first of them.
pub fn ranges(ranges: &Ranges, none: &str, lang: Lang) -> String {
    if ranges.count == 0 && ranges.bytes == 0 && ranges.listed.is_empty() {
        return none.to_owned();
    }
    let at_least = match ranges.count >= RANGES_COUNTED_MAX as u64 {
        true => "≥\u{a0}",
        false => "",
    };
    let mut text = format!(
        "{at_least}{} × {}",
        number(ranges.count, lang),
        size(ranges.bytes, lang)
    );
    let shown = ranges.listed.iter().take(RANGES_SHOWN_MAX);
    for (at, [start, end]) in shown.enumerate() {
        text.push_str(if at == 0 { " – " } else { ", " });
        text.push_str(&format!("[{start}, {end})"));
    }
    if ranges.listed.len() > RANGES_SHOWN_MAX {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_percentages_are_never_rounded_up() {
        assert_eq!(size(999, Lang::En), "0.9\u{a0}kB (999 bytes)");
        assert_eq!(
            size(1_999_999_999, Lang::En),
            "1.9\u{a0}GB (1,999,999,999 bytes)"
        );
        assert!(size(256_060_514_304, Lang::Fr).starts_with("256,0\u{a0}Go (256\u{202f}060"));
        assert!(size(u64::MAX, Lang::Fr).contains("To"));
        assert_eq!(percent(99.999_999, Lang::En), "99.99%");
        assert_eq!(percent(100.0, Lang::Fr), "100,00\u{a0}%");
        assert_eq!(probability(0.89991, Lang::Fr), "0,899910");
        assert_eq!(probability(1e-9, Lang::En), "< 0.000001");
        assert_eq!(probability(0.0, Lang::En), "0.000000");
    }

    #[test]
    fn ranges_show_the_first_few() {
        let listed = (0..7).map(|at| [at * 10, at * 10 + 1]).collect();
        let text = ranges(
            &Ranges {
                count: 7,
                bytes: 7,
                listed,
            },
            "none",
            Lang::En,
        );
        assert!(
            text.starts_with("7 × 0.0\u{a0}kB (7 bytes) – [0, 1), [10, 11)"),
            "{text}"
        );
        assert!(text.ends_with("[40, 41)…"), "{text}");
        assert_eq!(ranges(&Ranges::default(), "none", Lang::En), "none");
        for (count, expected) in [(9_999, "9,999 × "), (10_000, "≥\u{a0}10,000 × ")] {
            let cut = Ranges {
                count,
                bytes: 1,
                listed: Vec::new(),
            };
            let text = ranges(&cut, "none", Lang::En);
            assert!(text.starts_with(expected), "{text}");
        }
    }
}
