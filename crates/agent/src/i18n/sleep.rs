//! What is said of a machine that is to sleep so that drives thaw.

use super::Words;
use crate::sleep::{ASLEEP, AWAKE_WITHIN, Refusal};
use crate::thaw::{KEY_WITHIN, Thaw};

/// What a person must know before the screen goes dark, one sentence each.
#[must_use]
pub fn before() -> Vec<Words> {
    let (asleep, within) = (ASLEEP.as_secs(), AWAKE_WITHIN.as_secs());
    let key = KEY_WITHIN.as_secs();
    vec![
        Words::new(
            format!(
                "La machine va dormir {asleep} s, puis se réveiller d'elle-même par son horloge."
            ),
            format!("The machine will sleep for {asleep} s and then wake by itself, by its clock."),
        ),
        Words::new(
            "L'écran peut rester noir ensuite : écouter le ventilateur et les disques qui redémarrent.",
            "The screen may stay black after that: listen for the fan and the disks starting again.",
        ),
        Words::new(
            format!(
                "Attendre {within} s. N'appuyer sur une touche que si l'écran le demande : elle permet un mot de passe."
            ),
            format!(
                "Wait {within} s. Press a key only if the screen asks for it: it allows a password to be set."
            ),
        ),
        Words::new(
            format!(
                "Écran noir : aucune touche ; tenir le bouton d'alimentation 10 s et recommencer. Avant une touche ou {key} s d'attente, aucun disque n'est modifié."
            ),
            format!(
                "Screen black: no key; hold the power button for 10 s and start over. Before a key or {key} s of waiting no drive is changed."
            ),
        ),
    ]
}

/// Why the machine does not sleep, or did not.
#[must_use]
pub fn refusal(refusal: &Refusal) -> Words {
    match refusal {
        Refusal::InUse { drives } => {
            let drives = drives.join(", ");
            Words::new(
                format!("un autre programme tient {drives} (un effacement en cours ?)"),
                format!("another program holds {drives} (is it being erased?)"),
            )
        }
        Refusal::NobodyThere => Words::new(
            "personne ne pourrait appuyer sur une touche ensuite (pas de terminal)",
            "nobody could press a key afterwards (standard input is no terminal)",
        ),
        Refusal::NoSleep => Words::new(
            "la machine ne connaît pas la mise en veille",
            "the machine knows no sleep",
        ),
        Refusal::OnlyIdle => Words::new(
            "la machine ne connaît qu'une veille où les disques restent alimentés (s2idle, pas S3)",
            "the machine only knows a sleep in which drives keep their power (s2idle, not S3)",
        ),
        Refusal::NoAlarm => Words::new(
            "aucune horloge ne peut réveiller la machine",
            "no clock can wake the machine",
        ),
        Refusal::AlarmTaken => Words::new(
            "un autre programme a déjà réglé le réveil de l'horloge",
            "another program has set the clock's alarm",
        ),
        Refusal::AlarmSilent => Words::new(
            "le réveil de l'horloge, essayé sans dormir, n'a pas sonné à l'heure",
            "the clock's alarm, tried while awake, did not go off when it should",
        ),
        Refusal::Kernel { file, error } => Words::new(
            format!("le noyau refuse {file} ({error})"),
            format!("the kernel refuses {file} ({error})"),
        ),
        Refusal::BrokenOff { error, device } => {
            let device = device.as_deref().map(|device| format!(", {device}"));
            let device = device.unwrap_or_default();
            Words::new(
                format!("le noyau a renoncé à la mise en veille ({error}{device})"),
                format!("the kernel broke off on the way to sleep ({error}{device})"),
            )
        }
        Refusal::NotSlept => Words::new(
            "la machine est revenue aussitôt, sans avoir dormi",
            "the machine came back at once, without having slept",
        ),
        Refusal::NotCarriedOut => Words::new(
            "la mise en veille n'a pas pu être lancée",
            "the sleep could not be begun",
        ),
    }
}

/// The machine is awake, and waits for a person.
#[must_use]
pub fn press_a_key(seconds: u64) -> Words {
    Words::new(
        format!("La machine est réveillée. Appuyer sur une touche dans les {seconds} s."),
        format!("The machine is awake. Press any key within {seconds} s."),
    )
}

/// What a sleep made of a drive.
#[must_use]
pub fn thaw(thaw: &Thaw) -> Words {
    match thaw {
        Thaw::Thawed => Words::new(
            "le disque était gelé par le BIOS ; la mise en veille l'a dégelé, et une touche a été pressée ensuite",
            "the drive was frozen by the firmware; the machine slept, it is not frozen any more, and a key was pressed afterwards",
        ),
        Thaw::SanitizeThawed => Words::new(
            "les commandes d'effacement (SANITIZE) du disque étaient gelées par le BIOS ; la mise en veille les a dégelées",
            "the drive's sanitize commands were frozen by the firmware; the machine slept, and they are not frozen any more",
        ),
        Thaw::NoKey => Words::new(
            "après la mise en veille, personne n'a pressé de touche (écran noir ?) : aucun mot de passe n'est posé, le disque est seulement réécrit",
            "after the machine slept nobody pressed a key (a dark screen?): no password is set, the drive is overwritten only",
        ),
        Thaw::FrozenAgain => Words::new(
            "la machine a dormi, et le BIOS a gelé de nouveau le disque : il est seulement réécrit",
            "the machine slept, and the firmware froze the drive again: it is overwritten only; plug it in while the machine runs, or use another machine",
        ),
        Thaw::Unanswered => Words::new(
            "après la mise en veille, le disque ne dit pas s'il est encore gelé : il est seulement réécrit",
            "after the machine slept the drive does not say whether it is still frozen: it is overwritten only",
        ),
        Thaw::NotSlept(why) => {
            let why = refusal(why);
            Words::new(
                format!(
                    "le disque est gelé, et la machine n'a pas pu dormir : {}",
                    why.french
                ),
                format!(
                    "the drive is frozen, and the machine did not sleep: {}",
                    why.english
                ),
            )
        }
    }
}
