//! Every sentence that raz shows on the screen: French first, English second, in one table.
//!
//! Kept to ASCII and Latin-1, the characters that a console font and a serial line have, and to
//! 80 columns before numbers and names are filled in. "Effacé" and "erased" stand only beside
//! "vérifié" and "verified": architecture §1, outcome words.

pub mod memory;
pub mod refusal;
pub mod service;
pub mod sleep;
pub mod unseen;
pub mod verdict;
mod words;
pub mod work;

pub use words::Words;

use report::schema::OutcomeWord;

/// Language of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// French.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// Reads `fr`, `en`, also in the form `fr_FR.UTF-8`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.split(['_', '-', '.']).next().unwrap_or("");
        match code.to_ascii_lowercase().as_str() {
            "fr" => Some(Self::French),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The other language.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::French => Self::English,
            Self::English => Self::French,
        }
    }
}

macro_rules! texts {
    ($($name:ident: $french:literal, $english:literal;)*) => {
        /// Name of a sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Text {
            $(#[doc = $english] $name,)*
        }

        impl Text {
            /// All sentences.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The sentence, with `{}` where [`fill`] puts values.
            #[must_use]
            pub fn says(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::French) => $french,
                      (Self::$name, Language::English) => $english,)*
                }
            }

            /// The sentence in both languages.
            #[must_use]
            pub fn words(self) -> Words {
                Words::of(|language| self.says(language).to_owned())
            }
        }
    };
}

texts! {
    // Header.
    Service: "Service : {}", "Service: {}";
    ServiceNone: "aucun (rien ne sera envoyé)", "none (nothing will be sent)";
    ServiceConnecting: "connexion en cours", "connecting";
    ServiceUnreachable: "injoignable, le rapport attendra", "unreachable, the report will wait";
    ServiceNoCard: "pas de carte réseau filaire : effacer sans, le rapport attendra", "no wired network card: wipe without, the report will wait";
    ServiceNoCable: "le câble réseau est débranché : le brancher, ou effacer sans", "the network cable is out: plug it in, or wipe without";
    ServicePinMismatch: "CE N'EST PAS LE BON (certificat inattendu)", "NOT THE RIGHT ONE (unexpected certificate)";
    ServiceTokenRefused: "jeton refusé, en demander un nouveau", "token refused, ask for a new one";
    ServicePending: "en attente : comparer l'empreinte sur les deux écrans", "pending: compare the fingerprint on both screens";
    ServiceAccepted: "poste accepté", "station accepted";
    ServiceRevoked: "POSTE RÉVOQUÉ", "STATION REVOKED";
    Fingerprint: "Empreinte : {}", "Fingerprint: {}";

    // Lists.
    HeadModel: "Modèle", "Model";
    HeadSerial: "Série", "Serial";
    HeadSize: "Taille", "Size";
    HeadState: "État", "State";
    HeadPhase: "Étape", "Phase";
    HeadProgress: "Avancement", "Progress";
    HeadRate: "Débit", "Rate";
    HeadLeft: "Reste", "Left";
    HeadTemperature: "Temp", "Temp";
    HeadErrors: "Err", "Err";
    NoDrives: "Aucun disque trouvé. Vérifier les câbles et le mode SATA du BIOS (AHCI).", "No drive found. Check the cables and the BIOS's SATA mode (AHCI).";
    Reading: "Lecture des disques et de la machine...", "Reading the drives and the machine...";
    NoSerial: "(sans numéro)", "(no serial)";
    NoModel: "(modèle inconnu)", "(unknown model)";

    // States of a drive before and during the run.
    ToErase: "à effacer", "to be wiped";
    Erasable: "effaçable", "may be wiped";
    Confirmed: "confirmé", "confirmed";
    NotSeen: "PAS VU, voir en bas", "NOT SEEN, see below";
    Resumes: ", reprise", ", resumes";
    NotChosen: "non choisi", "not chosen";
    PhaseWaiting: "en attente", "waiting";
    PhaseSanitizing: "auto-effac.", "self-erase";
    PhaseWriting: "écriture", "writing";
    PhaseSettling: "vidage cache", "settling";
    PhaseVerifying: "contrôle", "reading";
    NoAnswer: "sans réponse", "no answer";

    // Outcome words, used strictly.
    OutcomeVerified: "vérifié", "verified";
    OutcomeSampled: "écrit, contrôlé par sondage", "written, checked by sample";
    OutcomeWritten: "écrit, non contrôlé", "written, not checked";
    OutcomeNotComplete: "incomplet", "not complete";
    OutcomeNotStarted: "non commencé", "not started";
    RefusedBecause: "refusé : {}", "refused: {}";
    VerifiedMeans: "effacé : tout a été réécrit, relu et comparé", "erased: everything was overwritten, read back and compared";
    CountVerified: "vérifiés : {}", "verified: {}";
    CountSampled: "par sondage : {}", "by sample: {}";
    CountWritten: "non contrôlés : {}", "not checked: {}";
    CountNotComplete: "incomplets : {}", "not complete: {}";
    CountNotStarted: "non commencés : {}", "not started: {}";
    CountRunning: "en cours : {}", "running: {}";

    // Details.
    Drive: "Disque {} sur {}", "Drive {} of {}";
    Path: "Chemin", "Path";
    Id: "Identifiant", "Id";
    Plan: "Plan : {}", "Plan: {}";
    Refused: "Refusé : {}", "Refused: {}";
    Unseen: "Pas vu : {}", "Not seen: {}";
    Remedy: "À faire : {}", "To do: {}";
    Forgotten: "Amovible : oublié dans la machine ? Le retirer et le rendre, ou le choisir.", "Removable: forgotten in the machine? Take it out and give it back, or choose it.";
    NoAnswerFor: "Ce disque ne répond plus depuis {} s. Les autres continuent.", "This drive has not answered for {} s. The others go on.";
    Latency: "Temps de réponse : médian {}, 99 sur 100 sous {}, le plus long {}", "Response time: median {}, 99 of 100 within {}, longest {}";
    More: "(suite : flèche droite)", "(more: right arrow)";

    // Consent.
    ConfirmTitle: "Confirmation {} sur {}", "Confirmation {} of {}";
    ConfirmWarning: "TOUTES les données de ce disque seront détruites :", "ALL data on this drive will be destroyed:";
    ConfirmTypeTail: "Taper les {} derniers caractères du numéro de série, puis Entrée :", "Type the last {} characters of the serial number, then Enter:";
    ConfirmTypeWhole: "Taper le numéro de série entier, puis Entrée :", "Type the whole serial number, then Enter:";
    ConfirmTypeId: "Taper les {} derniers caractères de l'identifiant, puis Entrée :", "Type the last {} characters of the id, then Enter:";
    ConfirmWrong: "Ce n'est pas le bon numéro : rien n'est confirmé. Recommencer, ou Échap.", "That is not the number: nothing is confirmed. Try again, or Esc.";
    ConfirmCancelled: "Confirmation annulée : aucun disque n'est confirmé.", "Confirmation cancelled: no drive is confirmed.";
    ConfirmAll: "Tous les disques choisis sont confirmés. E pour commencer.", "All chosen drives are confirmed. E to begin.";
    ConfirmChanged: "Les disques ont changé : confirmer de nouveau.", "The drives have changed: confirm again.";
    NothingChosen: "Aucun disque choisi : Espace pour choisir.", "No drive chosen: Space to choose.";
    NotConfirmed: "Chaque disque choisi doit d'abord être confirmé : Entrée.", "Each chosen drive must first be confirmed: Enter.";
    SameIdentity: "Un autre disque porte la même identité : débrancher l'un des deux.", "Another drive has the same identity: unplug one of the two.";
    CannotChoose: "Ce disque est refusé : {}", "This drive is refused: {}";

    // Countdown, stop.
    Countdown: "Première écriture dans {} s, sur {} disque(s).", "First write in {} s, on {} drive(s).";
    CountdownOver: "Première écriture dès que le service confirme l'armement, sur {} disque(s).", "First write as soon as the service confirms the arming, on {} drive(s).";
    CountdownStop: "N'IMPORTE QUELLE TOUCHE arrête tout : rien n'aura été écrit.", "ANY KEY stops everything: nothing will have been written.";
    StopAsk: "Arrêter ? Les disques en cours resteront incomplets. Entrée pour arrêter.", "Stop? Drives in progress will stay not complete. Enter to stop.";
    StopWithdrawn: "L'effacement continue.", "The run continues.";

    // Sleep.
    SleepTitle: "{} disque(s) gelé(s) par le BIOS", "{} drive(s) frozen by the firmware";
    SleepWhy: "Une mise en veille coupe leur courant et peut les dégeler :", "A sleep of the machine takes their power away and may thaw them:";
    SleepBegins: "La machine essaie son réveil, puis s'endort.", "The machine tries its alarm, then sleeps.";
    SleepNoKey: "Sans touche (écran noir ?), ces disques sont seulement réécrits.", "Without a key (a dark screen?) these drives are overwritten only.";
    SleepChoice: "S : dormir maintenant. N : ne pas dormir, réécrire seulement.", "S: sleep now. N: do not sleep, overwrite only.";

    // End.
    Grade: "Note de la machine : {}", "Grade of the machine: {}";
    GradeNone: "Note de la machine : non établie", "Grade of the machine: not established";

    // Keys.
    KeysListing: "Espace choisir  A tous  Entrée confirmer  E commencer  L English  P éteindre", "Space choose  A all  Enter confirm  E begin  L français  P power off";
    KeysConfirming: "Entrée valider  Retour arrière corriger  Échap annuler", "Enter confirm  Backspace correct  Esc cancel";
    KeysSleep: "S dormir  N sans dormir  L English  Échap annuler", "S sleep  N without sleep  L français  Esc cancel";
    KeysAsleep: "Attendre", "Wait";
    KeysAwake: "Une touche quelconque : quelqu'un est là", "Any key: somebody is here";
    KeysCountdown: "Une touche quelconque : arrêter", "Any key: stop";
    KeysRunning: "Flèches parcourir  X arrêter  L English", "Arrows move  X stop  L français";
    KeysMissing: "AUCUN CLAVIER : en brancher un en USB, il sert aussitôt", "NO KEYBOARD: plug one in by USB, it works at once";
    KeysDone: "Flèches parcourir  L English  P éteindre", "Arrows move  L français  P power off";

    // Kernel arguments.
    ArgumentUnknown: "argument inconnu : {}", "unknown argument: {}";
    ArgumentTwice: "{} donné plusieurs fois, le dernier compte", "{} given several times, the last counts";
    ArgumentValue: "{} : valeur inutilisable", "{}: unusable value";
    ArgumentNotText: "{} : ce n'est pas du texte UTF-8", "{}: not UTF-8 text";
    ConfigurationLine: "{} : ligne {} illisible, rien du fichier ne compte", "{}: line {} cannot be read, nothing of the file counts";
    UnattendedNoServer: "raz.auto=erase exige raz.server= et raz.pin=", "raz.auto=erase needs raz.server= and raz.pin=";
    UnattendedNoPin: "raz.server= sans raz.pin= : le service ne peut pas être reconnu", "raz.server= without raz.pin=: the service cannot be recognised";
    UnattendedOddity: "arguments à corriger d'abord : {}", "arguments to correct first: {}";
}

/// Puts `values` in the places `{}` of `sentence`, in order.
#[must_use]
pub fn fill(sentence: &str, values: &[&str]) -> String {
    let mut parts = sentence.split("{}");
    let mut text = parts.next().unwrap_or("").to_owned();
    let mut values = values.iter();
    for part in parts {
        text.push_str(values.next().copied().unwrap_or("?"));
        text.push_str(part);
    }
    text
}

/// The word of an outcome.
#[must_use]
pub fn outcome(word: OutcomeWord) -> Text {
    match word {
        OutcomeWord::Verified => Text::OutcomeVerified,
        OutcomeWord::Sampled => Text::OutcomeSampled,
        OutcomeWord::WrittenNotChecked => Text::OutcomeWritten,
        OutcomeWord::NotComplete => Text::OutcomeNotComplete,
        OutcomeWord::NotStarted => Text::OutcomeNotStarted,
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Text, fill};

    const BOTH: [Language; 2] = [Language::French, Language::English];

    #[test]
    fn every_sentence_exists_in_both_languages_and_fits_eighty_columns() {
        for text in Text::ALL {
            for language in BOTH {
                let says = text.says(language);
                assert!(!says.trim().is_empty(), "{text:?} {language:?} is empty");
                assert!(says.chars().count() <= 80, "{text:?} {language:?}");
                assert!(
                    says.chars()
                        .all(|c| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}')),
                    "{text:?} {language:?} leaves Latin-1"
                );
            }
            let places = |l| text.says(l).matches("{}").count();
            assert_eq!(
                places(Language::French),
                places(Language::English),
                "{text:?}"
            );
        }
    }

    #[test]
    fn erased_is_said_only_of_what_was_verified() {
        for text in Text::ALL {
            for language in BOTH {
                let says = text.says(language).to_lowercase();
                let claims = says.contains("effacé") || says.contains("erased");
                assert!(
                    !claims || *text == Text::VerifiedMeans,
                    "{text:?} {language:?}: {says}"
                );
            }
        }
    }

    #[test]
    fn filling_keeps_order_and_survives_missing_values() {
        assert_eq!(fill("a {} b {}", &["1", "{}"]), "a 1 b {}");
        assert_eq!(fill("{}/{}", &["1"]), "1/?");
        assert_eq!(fill("plain", &["1"]), "plain");
    }

    #[test]
    fn language_codes_with_territory_are_read() {
        assert_eq!(Language::parse("fr_FR.UTF-8"), Some(Language::French));
        assert_eq!(Language::parse("EN"), Some(Language::English));
        assert_eq!(Language::parse("de"), None);
        assert_eq!(Language::parse(""), None);
    }
}
