//! What the session itself says, in both languages. The screens' own texts are in `i18n`.

use crate::events::EventsError;
use crate::i18n::Words;

/// An unattended plan waits.
#[must_use]
pub fn waiting_for_arming(drives: usize, why: &Words) -> Words {
    Words::new(
        format!(
            "Effacement automatique de {drives} disque(s) : en attente d'armement ({})",
            why.french
        ),
        format!(
            "Automatic wipe of {drives} drive(s): waiting to be armed ({})",
            why.english
        ),
    )
}

/// An unattended plan cannot be followed.
#[must_use]
pub fn not_unattended(why: &Words) -> Words {
    Words::new(
        format!("Pas d'effacement automatique : {}", why.french),
        format!("No automatic wipe: {}", why.english),
    )
}

/// A drive to keep that is not there.
#[must_use]
pub fn kept_unknown(serials: &str) -> Words {
    Words::new(
        format!("raz.keep={serials} : aucun disque n'a ce numéro, il est peut-être mal écrit"),
        format!("raz.keep={serials}: no drive has this serial, it may be misspelt"),
    )
}

/// Told before drives are chosen: what becomes of the reports.
#[must_use]
pub fn from_image() -> Words {
    Words::new(
        "Démarré d'un fichier ISO (Ventoy) : rapports en mémoire seulement. Une clé faite par `raz stick` les garderait.",
        "Started from an ISO file (Ventoy): reports in memory only. A stick that `raz stick` made would keep them.",
    )
}

/// Nothing in the plan.
#[must_use]
pub fn nothing_to_erase() -> Words {
    Words::new(
        "aucun disque ne peut être effacé sans personne",
        "no drive may be wiped unattended",
    )
}

/// The countdown was stopped.
#[must_use]
pub fn countdown_stopped() -> Words {
    Words::new(
        "Arrêté : rien n'a été écrit. Choisir et confirmer les disques à la main.",
        "Stopped: nothing was written. Choose and confirm drives by hand.",
    )
}

/// Why there is no unattended run without a terminal.
#[must_use]
pub fn no_terminal() -> Words {
    Words::new(
        "aucun écran ne montre le compte à rebours",
        "no terminal shows the countdown",
    )
}

/// Why there is no unattended run of a nameless machine.
#[must_use]
pub fn no_machine() -> Words {
    Words::new(
        "cette machine n'a ni UUID, ni numéro de série, ni adresse réseau",
        "this machine has neither UUID, serial nor network address",
    )
}

/// In this boot somebody stopped the unattended mode, or it had its run.
#[must_use]
pub fn attended() -> Words {
    Words::new(
        "L'effacement automatique a déjà été lancé ou arrêté depuis le démarrage : choisir et confirmer à la main.",
        "The automatic wipe was started or stopped since boot: choose and confirm by hand.",
    )
}

/// What was confirmed is no longer there as it was.
#[must_use]
pub fn drives_changed() -> Words {
    Words::new(
        "Les disques ont changé : vérifier et confirmer à nouveau.",
        "The drives have changed: look and confirm again.",
    )
}

/// A person is asked whether the machine should sleep.
#[must_use]
pub fn asks_to_sleep(drives: usize) -> Words {
    Words::new(
        format!("{drives} disque(s) gelé(s) : la machine doit-elle dormir avant ?"),
        format!("{drives} frozen drive(s): should the machine sleep first?"),
    )
}

/// The machine has woken.
#[must_use]
pub fn waits_for_key() -> Words {
    Words::new(
        "La machine a dormi ; en attente d'une touche.",
        "The machine has slept; waiting for a key.",
    )
}

/// The machine stays on because of what is on the screen.
#[must_use]
pub fn stays_on() -> Words {
    Words::new(
        "La machine reste allumée : tout n'est pas prouvé.",
        "The machine stays on: not everything is proven.",
    )
}

/// The machine stays on because a report would be lost with its power.
#[must_use]
pub fn stays_on_for_report() -> Words {
    Words::new(
        "La machine reste allumée : le service n'a pas encore tous les rapports.",
        "The machine stays on: the service does not have every report yet.",
    )
}

/// The run could not begin.
#[must_use]
pub fn cannot_begin(why: &str) -> Words {
    Words::new(
        format!("Impossible de commencer : {why}"),
        format!("Cannot begin: {why}"),
    )
}

/// No report could be made or kept.
#[must_use]
pub fn report_failed(why: &str) -> Words {
    Words::new(
        format!("LE RAPPORT N'A PAS PU ÊTRE FAIT : {why}"),
        format!("THE REPORT COULD NOT BE MADE: {why}"),
    )
}

/// Where the report is when there is no service.
#[must_use]
pub fn report_kept(id: &str) -> Words {
    Words::new(
        format!("Rapport signé {id} : aucun service, il ne sera pas envoyé"),
        format!("Signed report {id}: no service, it will not be sent"),
    )
}

/// The service could not take the report yet.
#[must_use]
pub fn upload_waits(why: &Words) -> Words {
    Words::new(
        format!("Envoi du rapport : {}", why.french),
        format!("Upload of the report: {}", why.english),
    )
}

/// The service refused the report.
#[must_use]
pub fn upload_refused(status: u16, why: &Words) -> Words {
    Words::new(
        format!(
            "Envoi du rapport : {status} : {}. Il reste ici et sera renvoyé.",
            why.french
        ),
        format!(
            "Upload of the report: {status}: {}. It stays here and is sent again.",
            why.english
        ),
    )
}

/// Sending the report broke off: the spool fails, or the report in it.
#[must_use]
pub fn upload_failed(why: &str) -> Words {
    Words::new(
        format!("L'ENVOI DU RAPPORT A ÉCHOUÉ : {why}"),
        format!("SENDING THE REPORT FAILED: {why}"),
    )
}

/// There is no stream of events.
#[must_use]
pub fn no_events(error: &EventsError) -> Words {
    let french = match error {
        EventsError::NoPort { name } => {
            format!("raz.events={name} : aucun port virtio-serial n'a ce nom")
        }
        EventsError::NotAPort { path } => format!(
            "raz.events={} : ni une ligne de terminal, ni un FIFO, ni un fichier ordinaire",
            path.display()
        ),
        EventsError::Io { path, .. } => {
            format!("raz.events={} : ne peut pas être ouvert", path.display())
        }
    };
    Words::new(french, error.to_string())
}

/// A ledger of the service that a drive cannot go on from.
#[must_use]
pub fn ledger_ignored(id: &str, why: &str) -> Words {
    Words::new(
        format!("{id} : le registre d'un effacement interrompu ne convient pas, il est ignoré"),
        format!("{id}: the ledger of an interrupted erasure is ignored: {why}"),
    )
}

/// The kernel did not switch the machine off.
#[must_use]
pub fn cannot_power_off(why: &str) -> Words {
    Words::new(
        format!("La machine ne s'éteint pas : {why}"),
        format!("The machine does not switch off: {why}"),
    )
}

/// The service has the report.
#[must_use]
pub fn receipt(number: u64) -> Words {
    Words::new(
        format!("Rapport reçu par le service, reçu n° {number}"),
        format!("The service has the report, receipt no {number}"),
    )
}

/// A report would be lost by switching off.
#[must_use]
pub fn power_off_loses_report() -> Words {
    Words::new(
        "Le rapport n'est pas encore envoyé et serait perdu. P encore une fois pour éteindre.",
        "The report is not sent yet and would be lost. P once more to power off.",
    )
}

/// The machine goes off when the stick has been written.
#[must_use]
pub fn waits_for_stick() -> Words {
    Words::new(
        "La clé est en cours d'écriture, la machine s'éteint ensuite.",
        "The stick is being written; the machine switches off after that.",
    )
}

/// Reports of earlier sessions on the stick.
#[must_use]
pub fn found_on_stick(reports: usize, is_sent: bool) -> Words {
    match is_sent {
        true => Words::new(
            format!("{reports} rapport(s) d'avant sur la clé, sans reçu : envoi au service"),
            format!("{reports} earlier report(s) on the stick without a receipt: being sent"),
        ),
        false => Words::new(
            format!("{reports} rapport(s) d'avant sur la clé, sans reçu : voir `raz upload`"),
            format!("{reports} earlier report(s) on the stick without a receipt: see `raz upload`"),
        ),
    }
}
