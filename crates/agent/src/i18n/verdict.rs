//! The verdict's words on the screen. In reports and events they are words for machines, and stay.

use super::{Language, Words};
use report::schema::{Cap, Verdict};

/// A grade or the effect of a rule: letters are the same in both languages.
#[must_use]
pub fn grade(language: Language, word: &str) -> &str {
    match (language, word) {
        (Language::French, "parts") => "pièces",
        (Language::French, "note") => "remarque",
        (Language::French | Language::English, word) => word,
    }
}

/// The lines below the grade: what to take out, and each rule that says something.
#[must_use]
pub fn lines(verdict: &Verdict) -> Vec<Words> {
    let mut lines = Vec::new();
    if !verdict.remove.is_empty() {
        let then = |language| grade(language, &verdict.grade_once_removed);
        let parts = |language| {
            let parts: Vec<String> = verdict
                .remove
                .iter()
                .map(|part| subject(language, part))
                .collect();
            parts.join(", ")
        };
        lines.push(Words::new(
            format!(
                "À retirer : {}. Note ensuite : {}",
                parts(Language::French),
                then(Language::French)
            ),
            format!(
                "Take out: {}. Grade then: {}",
                parts(Language::English),
                then(Language::English)
            ),
        ));
    }
    lines.extend(verdict.caps.iter().map(line));
    lines
}

fn line(cap: &Cap) -> Words {
    Words::of(|language| {
        let (colon, message) = match language {
            Language::French => (" :", &cap.message_fr),
            Language::English => (":", &cap.message_en),
        };
        format!(
            "{}{colon} {} ({}){colon} {message}",
            grade(language, &cap.effect),
            subject(language, &cap.subject),
            measured(language, &cap.measured)
        )
    })
}

/// A part of the machine; a drive that names no model is called `drive`.
fn subject(language: Language, subject: &str) -> String {
    match (language, subject.strip_prefix("drive ")) {
        (Language::French, Some(id)) => format!("disque {id}"),
        (Language::French | Language::English, _) => subject.to_owned(),
    }
}

/// A word, or a number with its unit.
fn measured(language: Language, measured: &str) -> String {
    let (number, word) = match measured.split_once(' ') {
        Some((number, unit)) => (Some(number), unit),
        None => (None, measured),
    };
    let word = match (language, word) {
        (Language::French, "not-proven") => "non prouvé",
        (Language::French, "not-erased") => "non effacé",
        (Language::French, "proven") => "prouvé",
        (Language::French, "kept") => "gardé",
        (Language::French, "not-seen") => "pas vu",
        (Language::French, "true") => "oui",
        (Language::French, "false") => "non",
        (Language::French, "sectors") => "secteurs",
        (Language::French, "errors") => "erreurs",
        (Language::French, "defects") => "défauts",
        (Language::French, "cores") => "coeurs",
        (Language::French, "MiB") => "Mio",
        (Language::French | Language::English, word) => word,
    };
    match number {
        Some(number) => format!("{number} {word}"),
        None => word.to_owned(),
    }
}
