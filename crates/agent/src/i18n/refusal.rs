//! A drive's refusal and its remedy in the screen's language.
//!
//! English is what `drive` says itself; the French stands here beside it, with no `_` arm, so
//! that a new refusal cannot be added without its words.

use super::{Language, Words};
use drive::facts::OwnErase;
use drive::medium::BootMedium;
use drive::refusal::Refusal;
use std::path::PathBuf;

/// Why, in words.
#[must_use]
pub fn reason(language: Language, refusal: &Refusal) -> String {
    match language {
        Language::English => refusal.to_string(),
        Language::French => reason_french(refusal),
    }
}

/// What the person can do.
#[must_use]
pub fn remedy(language: Language, refusal: &Refusal) -> String {
    match language {
        Language::English => refusal.remedy(),
        Language::French => remedy_french(refusal),
    }
}

/// Why no unattended plan may run beside raz's own medium, if so.
#[must_use]
pub fn medium(medium: &BootMedium) -> Option<Words> {
    let english = medium.stops_unattended()?;
    let listed = |paths: &[PathBuf]| {
        let paths = paths.iter().map(|path| path.display().to_string());
        paths.collect::<Vec<String>>().join(", ")
    };
    Some(match medium {
        BootMedium::Network | BootMedium::Disc { .. } | BootMedium::One { .. } => {
            Words::verbatim(english)
        }
        BootMedium::Image { .. } => Words::new(
            "raz a démarré d'un fichier ISO (Ventoy) ou d'un disque optique retiré, et le disque qui le contient n'est pas connu : démarrer d'une clé de raz, ou confirmer sur la machine",
            english,
        ),
        BootMedium::NotNamed => Words::new(
            "rien ne dit d'où raz tourne (raz.medium=, ou raz.boot=net) : confirmer sur la machine",
            english,
        ),
        BootMedium::Absent { named, unread } if unread.is_empty() => Words::new(
            format!(
                "le support {named} de raz n'est sur aucun lecteur ni disque optique : le rebrancher, ou confirmer sur la machine"
            ),
            english,
        ),
        BootMedium::Absent { named, unread } => Words::new(
            format!(
                "le support {named} de raz n'est pas trouvé, et {} ne peut pas être lu là où il peut se trouver : le débrancher, ou confirmer sur la machine",
                listed(unread)
            ),
            english,
        ),
        BootMedium::Several { named, paths } => Words::new(
            format!(
                "{} portent tous le support {named} de raz : ne laisser que celui d'où raz tourne",
                listed(paths)
            ),
            english,
        ),
    })
}

fn reason_french(refusal: &Refusal) -> String {
    match refusal {
        Refusal::BootMedium => "support de démarrage de raz".into(),
        Refusal::MaybeBootMedium => "peut être le support de démarrage de raz".into(),
        Refusal::Mounted { device } => format!("monté : {device}"),
        Refusal::Held { device, by } => format!("utilisé : {device} par {by}"),
        Refusal::Swap { device } => format!("mémoire d'échange (swap) : {device}"),
        Refusal::Busy => "occupé par un autre programme".into(),
        Refusal::ReadOnly => "lecture seule".into(),
        Refusal::Networked => "disque réseau".into(),
        Refusal::Locked => "verrouillé".into(),
        Refusal::TcgLocked { shadow_mbr: true } => {
            "verrouillé par TCG : un faux MBR tient la place de ses premiers secteurs et cache leur contenu".into()
        }
        Refusal::TcgLocked { shadow_mbr: false } => {
            "verrouillé par TCG : tout ou partie ne peut être ni lu ni réécrit".into()
        }
        Refusal::OwnErase { of, .. } => own_erase_french(*of),
        Refusal::AmbiguousIdentity { same_as } if same_as.is_empty() => {
            "identité ambiguë : ni série ni nom mondial".into()
        }
        Refusal::AmbiguousIdentity { same_as } => {
            format!("identité ambiguë : comme {}", same_as.join(", "))
        }
        Refusal::HostManagedZones => "zones gérées par l'hôte".into(),
        Refusal::Silent { why } => format!("ne répond pas : {why}"),
        Refusal::NotOpened { error } => format!("ouverture impossible : {error}"),
        Refusal::Denied { error } => format!("accès refusé : {error}"),
        Refusal::UnservedBlocks {
            protection_type: Some(kind @ 4..),
            ..
        } => format!(
            "blocs non servis : information de protection de type {kind}, que Linux ne pilote pas"
        ),
        Refusal::UnservedBlocks { block_bytes, .. } => format!(
            "blocs non servis : des blocs de {block_bytes} octets, comme dans une baie de stockage, que Linux ne pilote pas"
        ),
        Refusal::NoCapacity => "aucune capacité".into(),
        Refusal::Kept => "à garder (raz.keep=)".into(),
        Refusal::RemovableUnattended => "amovible".into(),
    }
}

fn own_erase_french(of: OwnErase) -> String {
    let percent = |progress: Option<u16>| match progress {
        Some(part) => format!("{} %", u32::from(part) * 100 / 65536),
        None => "avancement non dit".into(),
    };
    match of {
        OwnErase::Sanitizing { progress } => {
            format!("s'efface lui-même (sanitize, {})", percent(progress))
        }
        OwnErase::Formatting { progress } => {
            format!("se formate lui-même ({})", percent(progress))
        }
        OwnErase::MediaVerification => {
            "en vérification du support : un sanitize l'a effacé, et il attend qu'on y mette fin"
                .into()
        }
        OwnErase::SanitizeFailed => "sanitize échoué : il n'accepte ni lecture ni écriture".into(),
        OwnErase::FormatFailed => {
            "formatage échoué ou coupé : il n'accepte ni lecture ni écriture".into()
        }
    }
}

fn own_erase_remedy_french(of: OwnErase, is_without_capacity: bool) -> &'static str {
    match of {
        OwnErase::Formatting { .. } => {
            "le laisser sous tension, et `raz reformat` en attend la fin ; l'effacer ensuite"
        }
        OwnErase::Sanitizing { .. } if is_without_capacity => {
            "le laisser sous tension jusqu'à la fin, puis redémarrer la machine, dont le noyau ne connaît pas encore sa capacité, et l'effacer"
        }
        OwnErase::Sanitizing { .. } => {
            "le laisser sous tension jusqu'à la fin, puis relire la liste des disques et l'effacer"
        }
        OwnErase::MediaVerification => {
            "seule une commande sanitize y met fin, et raz ne peut pas lui en envoyer ici : le brancher directement sur une autre machine, ou couper puis rétablir son alimentation"
        }
        OwnErase::SanitizeFailed => {
            "seul un autre sanitize l'en sort, et raz ne peut pas lui en envoyer ici : le brancher directement, essayer `sg_sanitize` ou `hdparm`, sinon le détruire"
        }
        OwnErase::FormatFailed => {
            "`raz reformat` le formate à nouveau, ce qui prend des heures ; l'effacer ensuite ; s'il échoue encore, le détruire"
        }
    }
}

fn remedy_french(refusal: &Refusal) -> String {
    match refusal {
        Refusal::BootMedium => {
            "raz tourne depuis ce disque ; pour l'effacer, démarrer raz d'un autre support".into()
        }
        Refusal::MaybeBootMedium => {
            "le support de raz n'est sur aucun disque, c'est peut-être celui-ci ; rebrancher la clé de raz, ou démarrer d'une clé faite par `raz stick` (pas par Ventoy)".into()
        }
        Refusal::Mounted { device } => {
            format!("le démonter (`umount /dev/{device}`) si ses données peuvent disparaître")
        }
        Refusal::Held { device, by } => format!(
            "arrêter {by}, construit sur {device} (`mdadm --stop` ou `dmsetup remove`), si ses données peuvent disparaître"
        ),
        Refusal::Swap { device } => format!("désactiver le swap (`swapoff /dev/{device}`)"),
        Refusal::Busy => {
            "fermer le programme qui s'en sert, ou redémarrer la machine sur le support de raz"
                .into()
        }
        Refusal::ReadOnly => "ouvrir son verrou d'écriture, s'il en a un ; une zone de démarrage eMMC est protégée par le noyau, le plus souvent pour le micrologiciel : la laisser ; une mémoire flash passée en lecture seule par usure doit être détruite".into(),
        Refusal::Networked => "l'effacer sur la machine à laquelle il appartient".into(),
        Refusal::Locked => "si un effacement de raz a été coupé, lancer `raz unlock` ; sinon le déverrouiller avec son mot de passe, ou le réinitialiser avec le PSID de son étiquette ; sinon le détruire".into(),
        Refusal::TcgLocked { .. } => "lire le PSID sur son étiquette et le donner à `raz revert`, qui détruit toutes ses données, puis l'effacer ; un disque dont le PSID est illisible doit être détruit".into(),
        Refusal::OwnErase {
            of,
            is_without_capacity,
        } => own_erase_remedy_french(*of, *is_without_capacity).into(),
        Refusal::AmbiguousIdentity { same_as } if same_as.is_empty() => {
            "il n'a pas de numéro : le nommer seul sur une ligne de commande de cette machine"
                .into()
        }
        Refusal::AmbiguousIdentity { same_as } => format!(
            "débrancher les disques qui lui ressemblent ({}) et les effacer un par un, ou le brancher sans son adaptateur USB",
            same_as.join(", ")
        ),
        Refusal::HostManagedZones => {
            "raz ne réécrit pas encore ces zones ; mettre le disque à part".into()
        }
        Refusal::Silent { .. } => "vérifier son câble et son alimentation, puis redémarrer la machine ; un disque qui ne répond jamais doit être détruit".into(),
        Refusal::NotOpened { .. } => "relire la liste des disques ; si rien ne change, vérifier son câble et son alimentation, puis redémarrer la machine".into(),
        Refusal::Denied { .. } => {
            "lancer raz en root (`sudo`) ; dans un conteneur, lui donner les périphériques bloc"
                .into()
        }
        Refusal::UnservedBlocks { .. } => "`raz reformat` le reformate avec des blocs que Linux pilote, ce qui prend des heures et perd ses données ; puis l'effacer, car cela ne prouve aucun effacement".into(),
        Refusal::NoCapacity => {
            "insérer un support, ou vérifier le câble et le format des secteurs".into()
        }
        Refusal::Kept => "retirer son numéro de raz.keep= pour l'effacer".into(),
        Refusal::RemovableUnattended => {
            "démarrer avec raz.removable=erase, ou le confirmer sur la machine".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{reason, remedy};
    use crate::i18n::Language;
    use drive::facts::OwnErase;
    use drive::refusal::Refusal;

    fn all() -> Vec<Refusal> {
        let device = || "sda1".to_owned();
        vec![
            Refusal::BootMedium,
            Refusal::MaybeBootMedium,
            Refusal::Mounted { device: device() },
            Refusal::Held {
                device: device(),
                by: "md0".into(),
            },
            Refusal::Swap { device: device() },
            Refusal::Busy,
            Refusal::ReadOnly,
            Refusal::Networked,
            Refusal::Locked,
            Refusal::TcgLocked { shadow_mbr: true },
            Refusal::TcgLocked { shadow_mbr: false },
            Refusal::OwnErase {
                of: OwnErase::Sanitizing {
                    progress: Some(24_000),
                },
                is_without_capacity: false,
            },
            Refusal::OwnErase {
                of: OwnErase::Formatting { progress: None },
                is_without_capacity: true,
            },
            Refusal::OwnErase {
                of: OwnErase::MediaVerification,
                is_without_capacity: false,
            },
            Refusal::OwnErase {
                of: OwnErase::SanitizeFailed,
                is_without_capacity: false,
            },
            Refusal::OwnErase {
                of: OwnErase::FormatFailed,
                is_without_capacity: false,
            },
            Refusal::AmbiguousIdentity { same_as: vec![] },
            Refusal::AmbiguousIdentity {
                same_as: vec!["/dev/sdb".into()],
            },
            Refusal::HostManagedZones,
            Refusal::Silent {
                why: "no answer within 20 s".into(),
            },
            Refusal::NotOpened {
                error: "ENXIO".into(),
            },
            Refusal::Denied {
                error: "EPERM".into(),
            },
            Refusal::UnservedBlocks {
                block_bytes: 520,
                protection_type: None,
            },
            Refusal::UnservedBlocks {
                block_bytes: 512,
                protection_type: Some(5),
            },
            Refusal::NoCapacity,
            Refusal::Kept,
            Refusal::RemovableUnattended,
        ]
    }

    #[test]
    fn french_differs_from_english_and_keeps_the_names() {
        for refusal in all() {
            for says in [reason, remedy] {
                let french = says(Language::French, &refusal);
                let english = says(Language::English, &refusal);
                assert_ne!(french, english, "{refusal:?}");
                for name in ["sda1", "md0", "/dev/sdb"] {
                    assert_eq!(
                        french.contains(name),
                        english.contains(name),
                        "{refusal:?}: {name}"
                    );
                }
            }
        }
    }

    #[test]
    fn words_stay_in_latin_1() {
        for refusal in all() {
            for text in [
                reason(Language::French, &refusal),
                remedy(Language::French, &refusal),
            ] {
                assert!(
                    text.chars()
                        .all(|c| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}')),
                    "{text}"
                );
            }
        }
    }
}
