//! A place where a drive may be that is not seen, and what to do, in the screen's language. English is
//! what `drive` says itself.

use super::Language;
use drive::unseen::Unseen;

/// What is there, in words.
#[must_use]
pub fn reason(language: Language, unseen: &Unseen) -> String {
    match language {
        Language::English => unseen.to_string(),
        Language::French => reason_french(unseen),
    }
}

/// What the person can do.
#[must_use]
pub fn remedy(language: Language, unseen: &Unseen) -> &'static str {
    match language {
        Language::English => unseen.remedy(),
        Language::French => remedy_french(unseen),
    }
}

fn reason_french(unseen: &Unseen) -> String {
    match unseen {
        Unseen::NoDriver(function) => format!(
            "le contrôleur de stockage en {function} n'a pas de pilote : ses disques ne sont pas vus"
        ),
        Unseen::Remapped {
            function,
            drives: Some(drives),
        } => format!(
            "Intel RST cache {drives} disque(s) NVMe derrière le contrôleur SATA en {function}"
        ),
        Unseen::Remapped {
            function,
            drives: None,
        } => format!(
            "Intel RST cache peut-être un disque NVMe derrière le contrôleur SATA en {function}"
        ),
        Unseen::EmptyVmd(function) => format!(
            "Intel VMD en {function} ne montre aucun disque, alors qu'il n'est là que pour cela"
        ),
        Unseen::NoNamespace { function, state } => format!(
            "le disque NVMe en {function} ne montre rien de ce qu'il contient ({})",
            state.as_deref().unwrap_or("il ne dit pas son état")
        ),
        Unseen::RaidMembers(function) => format!(
            "le contrôleur RAID en {function} montre des volumes, mais ni leurs membres ni les disques de réserve"
        ),
        Unseen::Disc { drive } => format!("un CD ou DVD est dans le lecteur {drive}"),
    }
}

fn remedy_french(unseen: &Unseen) -> &'static str {
    match unseen {
        Unseen::NoDriver(_) => {
            "dans le BIOS, mettre le mode de stockage sur AHCI (ni RAID, ni RST, ni VMD) et relancer raz ; sinon sortir ses disques et les effacer dans une autre machine"
        }
        Unseen::Remapped { .. } => {
            "dans le BIOS, mettre le mode SATA ou de stockage de RAID, RST ou Optane sur AHCI, et relancer raz"
        }
        Unseen::EmptyVmd(_) => {
            "dans le BIOS, désactiver VMD et relancer raz ; si rien de plus n'est listé alors, aucun disque n'est derrière"
        }
        Unseen::NoNamespace { .. } => {
            "éteindre la machine et la rallumer ; un disque qui ne montre toujours rien doit être sorti et détruit"
        }
        Unseen::RaidMembers(_) => {
            "compter les disques de la machine : dans le menu du contrôleur, supprimer ses volumes et présenter chaque disque (mode HBA ou JBOD), ou les effacer dans une autre machine"
        }
        Unseen::Disc { .. } => "le sortir et le rendre",
    }
}

/// One of each, for tests.
#[cfg(test)]
pub(crate) fn all() -> Vec<Unseen> {
    let function = || drive::unseen::Function {
        address: "0000:00:17.0".into(),
        id: (0x8086, 0x282a),
        class: 0x01_0400,
        driver: None,
        dir: "/".into(),
    };
    vec![
        Unseen::NoDriver(function()),
        Unseen::Remapped {
            function: function(),
            drives: Some(2),
        },
        Unseen::Remapped {
            function: function(),
            drives: None,
        },
        Unseen::EmptyVmd(function()),
        Unseen::NoNamespace {
            function: function(),
            state: Some("dead".into()),
        },
        Unseen::NoNamespace {
            function: function(),
            state: None,
        },
        Unseen::RaidMembers(function()),
        Unseen::Disc {
            drive: "sr0".into(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::{all, reason, remedy};
    use crate::i18n::Language;

    #[test]
    fn french_differs_from_english_names_the_place_and_keeps_to_latin_1() {
        for unseen in all() {
            let [french, english] = [Language::French, Language::English].map(|language| {
                assert!(reason(language, &unseen).contains(unseen.place()));
                (reason(language, &unseen), remedy(language, &unseen))
            });
            assert_ne!(french.0, english.0);
            assert_ne!(french.1, english.1);
            let text = format!("{} {}", french.0, french.1);
            let fits = |c: char| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}');
            assert!(text.chars().all(fits), "{text}");
        }
    }
}
