//! What is planned for a drive and how its run ended, in the screen's language.
//!
//! English is what the report says; the French stands here beside it, with no `_` arm, so that a
//! new shortfall cannot be added without its words. The report itself is in English always.

use super::Language;
use crate::compose;
use wipe::outcome::{Conclusion, PassKind, Shortfall};
use wipe::plan::Plan;

/// The technique of a plan.
#[must_use]
pub fn technique(language: Language, plan: &Plan) -> String {
    let has = |kind| plan.passes.contains(&kind);
    match language {
        Language::English => plan.technique.to_owned(),
        Language::French => format!(
            "réécriture par un motif propre à chaque position{}{}",
            match has(PassKind::Complement) {
                true => ", puis son complément",
                false => "",
            },
            match has(PassKind::Zero) {
                true => ", puis des zéros",
                false => "",
            }
        ),
    }
}

/// The end of a run, in a sentence.
#[must_use]
pub fn conclusion(language: Language, conclusion: &Conclusion) -> String {
    match language {
        Language::English => compose::conclusion(conclusion).1,
        Language::French => conclusion_french(conclusion),
    }
}

fn conclusion_french(conclusion: &Conclusion) -> String {
    let reasons = |shortfalls: &[Shortfall]| {
        let reasons: Vec<String> = shortfalls.iter().map(shortfall_french).collect();
        reasons.join(" ; ")
    };
    match conclusion {
        Conclusion::Verified(proof) => format!(
            "effacé et vérifié : les {} octets ont été réécrits par {}, relus et comparés{}",
            proof.bytes_verified(),
            match proof.complement_verified() {
                true => "le motif puis son complément",
                false => "un motif propre à chaque position",
            },
            match proof.zeros_verified() {
                true => " ; ensuite rempli de zéros et relu à zéro",
                false => "",
            }
        ),
        Conclusion::WrittenNotChecked => {
            "écrit, non contrôlé : rien n'a été relu, comme demandé".into()
        }
        Conclusion::NotComplete(shortfalls) => format!("incomplet : {}", reasons(shortfalls)),
        Conclusion::NotStarted(shortfalls) => {
            format!("non commencé, rien n'a été écrit : {}", reasons(shortfalls))
        }
    }
}

fn shortfall_french(shortfall: &Shortfall) -> String {
    match shortfall {
        Shortfall::WriteErrors { bytes } => format!("{bytes} octets n'ont pas pu être écrits"),
        Shortfall::ReadErrors { bytes } => format!("{bytes} octets n'ont pas pu être relus"),
        Shortfall::Mismatch {
            bytes,
            first_offset_bytes,
        } => format!(
            "{bytes} octets relus différents de ce qui a été écrit, le premier à l'octet {first_offset_bytes}"
        ),
        Shortfall::FlushFailed { error } => {
            format!("le cache d'écriture n'a pas pu être vidé : {error}")
        }
        Shortfall::Vanished => "le disque est parti en cours de travail".into(),
        Shortfall::Stalled { seconds } => {
            format!("le disque n'a rien répondu pendant {seconds} s")
        }
        Shortfall::IdentityChanged { confirmed, found } => {
            format!("ce n'est pas le disque confirmé : {found} au lieu de {confirmed}")
        }
        Shortfall::Interrupted => "arrêté par l'opérateur".into(),
        Shortfall::ByteCount {
            accounted,
            capacity,
        } => format!("{accounted} octets comptés sur {capacity}"),
        Shortfall::Other(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::conclusion;
    use crate::i18n::Language;
    use wipe::outcome::{Conclusion, Shortfall};

    fn all() -> Vec<Shortfall> {
        vec![
            Shortfall::WriteErrors { bytes: 4711 },
            Shortfall::ReadErrors { bytes: 4711 },
            Shortfall::Mismatch {
                bytes: 4711,
                first_offset_bytes: 815,
            },
            Shortfall::FlushFailed {
                error: "EIO".into(),
            },
            Shortfall::Vanished,
            Shortfall::Stalled { seconds: 4711 },
            Shortfall::IdentityChanged {
                confirmed: "serial=A".into(),
                found: "serial=B".into(),
            },
            Shortfall::Interrupted,
            Shortfall::ByteCount {
                accounted: 4711,
                capacity: 815,
            },
        ]
    }

    #[test]
    fn french_keeps_numbers_and_names_and_claims_nothing() {
        for shortfall in all() {
            for end in [Conclusion::NotComplete, Conclusion::NotStarted] {
                let end = end(vec![shortfall.clone()]);
                let french = conclusion(Language::French, &end);
                let english = conclusion(Language::English, &end);
                assert_ne!(french, english);
                for piece in ["4711", "815", "EIO", "serial=A", "serial=B"] {
                    assert_eq!(french.contains(piece), english.contains(piece), "{french}");
                }
                assert!(!french.contains("effacé") && !english.contains("erased"));
                assert!(
                    french
                        .chars()
                        .all(|c| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}')),
                    "{french}"
                );
            }
        }
        let unread = conclusion(Language::French, &Conclusion::WrittenNotChecked);
        assert!(unread.starts_with("écrit, non contrôlé") && !unread.contains("effacé"));
    }
}
