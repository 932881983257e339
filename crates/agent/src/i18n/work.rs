//! What is planned for a drive and how its run ended, in the screen's language.
//!
//! English is what the report says; the French stands here beside it, with no `_` arm, so that a
//! new shortfall cannot be added without its words. The report itself is in English always.

use super::Language;
use crate::compose::{self, Resumption, Run};
use crate::ledger::Resumes;
use crate::work::restoring::Restoration;
use wipe::native::Technique;
use wipe::outcome::{Conclusion, PassKind, SampleProof, Shortfall};
use wipe::plan::Plan;
use wipe::restore::{Outcome, Reason};

/// The technique of a plan.
#[must_use]
pub fn technique(language: Language, plan: &Plan) -> String {
    let has = |kind| plan.passes.contains(&kind);
    let by_drive = |technique: Technique| match (language, technique) {
        (Language::English, _) => technique.to_string(),
        (Language::French, Technique::BlockErase) => {
            "effacement de tous les blocs par le disque".into()
        }
        (Language::French, Technique::CryptoErase) => {
            "effacement cryptographique par le disque".into()
        }
        (Language::French, Technique::Overwrite) => "réécriture par le disque lui-même".into(),
        (Language::French, Technique::EnhancedErase) => {
            "effacement de sécurité étendu par le disque".into()
        }
        (Language::French, Technique::Format) => "formatage NVM par le disque".into(),
    };
    let (or_else, then) = match language {
        Language::English => ("else", "then"),
        Language::French => ("sinon", "puis"),
    };
    let mut first = String::new();
    for (number, rung) in plan.ladder.iter().enumerate() {
        if number > 0 {
            first.push_str(&format!(", {or_else} "));
        }
        first.push_str(&by_drive(rung.technique));
    }
    if !first.is_empty() {
        first.push_str(&format!(", {then} "));
    }
    match language {
        Language::English => format!("{first}{}", plan.technique),
        Language::French => format!(
            "{first}réécriture par un motif propre à chaque position{}{}",
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

/// What an erasure goes on from, before it begins.
#[must_use]
pub fn resumes(language: Language, resumes: &Resumes, capacity_bytes: u64) -> String {
    // Rounded down: 100 % is said of the whole drive only.
    let written = u128::from(resumes.mark.written_bytes());
    let percent = written * 100 / u128::from(capacity_bytes.max(1));
    let begun = &resumes.earlier.begun;
    match language {
        Language::French => format!(
            "reprise à {percent} % : un effacement commencé le {begun} a été interrompu ; chaque octet sera relu"
        ),
        Language::English => format!(
            "resumes at {percent} %: an erasure begun {begun} was interrupted; every byte will be read back"
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

/// The end of a run, and of one that went on from a ledger what that means.
#[must_use]
pub fn ended(language: Language, run: &Run) -> String {
    match language {
        Language::English => compose::ended(run),
        Language::French => {
            let mut text = conclusion_french(&run.outcome.conclusion);
            if let Some(resumption) = compose::resumption(run) {
                text.push_str(" ; ");
                text.push_str(&resumption_french(&resumption));
            }
            if let Some(restoration) = &run.restoration {
                text.push_str(" ; ");
                text.push_str(&restoration_french(restoration));
            }
            text
        }
    }
}

/// What was done about capacity that the drive hid.
#[must_use]
pub fn restoration_french(restoration: &Restoration) -> String {
    match &restoration.outcome {
        Outcome::Restored { from, to, for_good } => format!(
            "{} secteurs cachés ont été rendus accessibles {}",
            to.saturating_sub(*from),
            match for_good {
                true => "pour de bon",
                false => "jusqu’à la coupure du courant seulement",
            }
        ),
        Outcome::NotRestored { reason, .. } => {
            let (reason, remedy) = match reason {
                Reason::Refused(refusal) => (
                    format!("le disque a refusé {}", refusal.command),
                    "éteindre la machine, sans se contenter de la redémarrer, et recommencer ; si le disque refuse encore, le faire détruire",
                ),
                Reason::NoEffect => (
                    "le disque a pris les commandes sans rien changer".into(),
                    "brancher le disque à un autre contrôleur",
                ),
                Reason::NotLasting => (
                    "la zone n’est ouverte que jusqu’à la coupure du courant".into(),
                    "brancher le disque à un autre contrôleur",
                ),
                Reason::Unanswered(_) => (
                    "le disque ne dit pas tout de sa capacité".into(),
                    "brancher le disque à un autre contrôleur, ou le faire détruire",
                ),
            };
            format!(
                "une partie cachée du disque n’a pas été rendue ({reason}) ; à faire : {remedy}"
            )
        }
        Outcome::Wrong(_) => "le disque n’est plus celui qui a été confirmé".into(),
    }
}

fn resumption_french(resumption: &Resumption) -> String {
    match resumption {
        Resumption::Proven { begun, runs } => format!(
            "écrit en {runs} fois, la première commencée le {begun}, et tout a été relu cette fois-ci"
        ),
        Resumption::Unproven { begun } => format!(
            "suite d'un travail commencé le {begun}, dont les octets n'ont pas été réécrits"
        ),
        Resumption::Untrue { begun } => format!(
            "ce que dit le registre d'un travail commencé le {begun} n'était pas sur le disque : tout a été réécrit"
        ),
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
        Conclusion::SampleVerified(proof) => sampled_french(proof),
        Conclusion::WrittenNotChecked => {
            "écrit, non contrôlé : rien n'a été relu, comme demandé".into()
        }
        Conclusion::NotComplete(shortfalls) => format!("incomplet : {}", reasons(shortfalls)),
        Conclusion::NotStarted(shortfalls) => {
            format!("non commencé, rien n'a été écrit : {}", reasons(shortfalls))
        }
    }
}

fn sampled_french(proof: &SampleProof) -> String {
    let figures = compose::figures(proof);
    let comma = |number: &str| number.replace('.', ",");
    format!(
        "écrit, contrôlé par sondage : chaque secteur a été écrit par {}{} ; {} secteurs sur {} ({} %), pris au hasard, ont été relus et sont ce qui a été écrit ; les autres n'ont pas été relus. Un secteur resté sans écriture échapperait avec la probabilité {}, une suite de 1 Mio avec {}. Si un sondage suffit, c'est à l'organisation d'en décider",
        match proof.complement() {
            true => "le motif puis son complément",
            false => "un motif propre à chaque position",
        },
        match proof.zeros() {
            true => ", ensuite rempli de zéros, sondés aussi",
            false => "",
        },
        figures.sectors,
        figures.sectors_total,
        comma(&figures.percent),
        comma(&figures.sector_missed),
        comma(&figures.mebibyte_missed)
    )
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
    use super::{conclusion, resumption_french};
    use crate::compose::Resumption;
    use crate::i18n::Language;
    use std::os::unix::fs::OpenOptionsExt;
    use std::sync::Arc;
    use wipe::job::{Job, VerifyMode};
    use wipe::options::Options;
    use wipe::outcome::{Conclusion, PassKind, Shortfall};
    use wipe::pattern::{Cipher, Seed};
    use wipe::sample::Share;
    use wipe::target::{Control, Target};

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

    #[test]
    fn resumed_runs_are_told_in_both_languages_and_claim_nothing_unproven() {
        let begun = || "2026-11-26T22:00:00Z".to_owned();
        for (resumption, number) in [
            (
                Resumption::Proven {
                    begun: begun(),
                    runs: 4711,
                },
                "4711",
            ),
            (Resumption::Unproven { begun: begun() }, ""),
            (Resumption::Untrue { begun: begun() }, ""),
        ] {
            let (french, english) = (resumption_french(&resumption), resumption.english());
            assert_ne!(french, english);
            for said in [&french, &english] {
                assert!(said.contains(&begun()) && said.contains(number), "{said}");
                for claim in ["effacé", "vérifié", "erased", "verified"] {
                    assert!(!said.contains(claim), "{said}");
                }
            }
            let shown = |c| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}');
            assert!(french.chars().all(shown), "{french}");
        }
    }

    struct Still(std::fs::File);

    impl Control for Still {
        fn flush(&self) -> std::io::Result<()> {
            self.0.sync_all()
        }

        fn recheck_identity(&self) -> Result<String, drive::identity::IdentityLost> {
            Ok("still".into())
        }

        fn is_present(&self) -> bool {
            true
        }
    }

    /// The end of a real run over a file: there is no other way to a sample's proof.
    fn sampled(passes: &[PassKind]) -> Conclusion {
        let named = tempfile::NamedTempFile::new().unwrap();
        let capacity_bytes = 512 * 40_960;
        named.as_file().set_len(capacity_bytes).unwrap();
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_DIRECT)
            .open(named.path())
            .unwrap();
        let job = Job {
            target: Target {
                label: "still".into(),
                capacity_bytes,
                logical_sector_bytes: 512,
                physical_sector_bytes: 4096,
                file: Arc::new(file.try_clone().unwrap().into()),
                max_request_bytes: None,
                optimal_request_bytes: None,
            },
            control: Arc::new(Still(file)),
            identity: "still".into(),
            seed: Seed([7; 32]),
            cipher: Cipher::ChaCha8,
            ladder: Vec::new(),
            passes: passes.to_vec(),
            verify: VerifyMode::Sampled(Share::MIN),
            journal: None,
            resume: None,
            progress: Arc::default(),
        };
        wipe::engine::run(vec![job], &Options::default(), &Arc::default())
            .remove(0)
            .conclusion
    }

    #[test]
    fn sample_is_told_with_its_figures_and_claims_nothing_in_either_language() {
        for passes in [
            &[PassKind::Pattern][..],
            &[PassKind::Pattern, PassKind::Complement, PassKind::Zero],
        ] {
            let end = sampled(passes);
            assert!(matches!(end, Conclusion::SampleVerified(_)), "{end:?}");
            let french = conclusion(Language::French, &end);
            let english = conclusion(Language::English, &end);
            assert!(
                french.starts_with("écrit, contrôlé par sondage :"),
                "{french}"
            );
            assert!(
                english.starts_with("written, checked by sample:"),
                "{english}"
            );
            for claim in ["effacé", "vérifié", "erased", "verified"] {
                assert!(
                    !french.contains(claim) && !english.contains(claim),
                    "{claim}"
                );
            }
            let numbers = |text: &str| -> Vec<String> {
                text.replace(',', ".")
                    .split(|c: char| !c.is_ascii_digit() && c != '.')
                    .filter(|word| word.chars().any(|c| c.is_ascii_digit()))
                    .map(|word| word.trim_matches('.').to_owned())
                    .collect()
            };
            assert_eq!(numbers(&french), numbers(&english));
            assert!(numbers(&english).contains(&"40960".to_owned()));
            let shown = |c| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}');
            assert!(french.chars().all(shown), "{french}");
            assert_eq!(french.contains("complément"), passes.len() == 3);
            assert_eq!(english.contains("zeros"), passes.len() == 3);
        }
    }
}
