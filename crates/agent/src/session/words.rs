//! What the session itself says, in both languages. The screens' own texts are in `i18n`.

use crate::i18n::Language;

fn pick(language: Language, french: String, english: String) -> String {
    match language {
        Language::French => french,
        Language::English => english,
    }
}

/// An unattended plan waits.
#[must_use]
pub fn waiting_for_arming(language: Language, drives: usize, why: &str) -> String {
    pick(
        language,
        format!("Effacement automatique de {drives} disque(s) : en attente d'armement ({why})"),
        format!("Automatic wipe of {drives} drive(s): waiting to be armed ({why})"),
    )
}

/// An unattended plan cannot be followed.
#[must_use]
pub fn not_unattended(language: Language, why: &str) -> String {
    pick(
        language,
        format!("Pas d'effacement automatique : {why}"),
        format!("No automatic wipe: {why}"),
    )
}

/// A drive to keep that is not there.
#[must_use]
pub fn kept_unknown(language: Language, serials: &str) -> String {
    pick(
        language,
        format!("raz.keep={serials} : aucun disque n'a ce numéro, il est peut-être mal écrit"),
        format!("raz.keep={serials}: no drive has this serial, it may be misspelt"),
    )
}

/// Nothing in the plan.
#[must_use]
pub fn nothing_to_erase(language: Language) -> String {
    pick(
        language,
        "aucun disque ne peut être effacé sans personne".into(),
        "no drive may be wiped unattended".into(),
    )
}

/// The countdown was stopped.
#[must_use]
pub fn countdown_stopped(language: Language) -> String {
    pick(
        language,
        "Arrêté : rien n'a été écrit. Choisir et confirmer les disques à la main.".into(),
        "Stopped: nothing was written. Choose and confirm drives by hand.".into(),
    )
}

/// Why there is no unattended run without a terminal.
#[must_use]
pub fn no_terminal(language: Language) -> String {
    pick(
        language,
        "aucun écran ne montre le compte à rebours".into(),
        "no terminal shows the countdown".into(),
    )
}

/// Why there is no unattended run of a nameless machine.
#[must_use]
pub fn no_machine(language: Language) -> String {
    pick(
        language,
        "cette machine n'a ni UUID, ni numéro de série, ni adresse réseau".into(),
        "this machine has neither UUID, serial nor network address".into(),
    )
}

/// In this boot somebody stopped the unattended mode, or it had its run.
#[must_use]
pub fn attended(language: Language) -> String {
    pick(
        language,
        "L'effacement automatique a déjà été lancé ou arrêté depuis le démarrage : choisir et confirmer à la main."
            .into(),
        "The automatic wipe was started or stopped since boot: choose and confirm by hand.".into(),
    )
}

/// What was confirmed is no longer there as it was.
#[must_use]
pub fn drives_changed(language: Language) -> String {
    pick(
        language,
        "Les disques ont changé : vérifier et confirmer à nouveau.".into(),
        "The drives have changed: look and confirm again.".into(),
    )
}

/// The machine stays on because of what is on the screen.
#[must_use]
pub fn stays_on(language: Language) -> String {
    pick(
        language,
        "La machine reste allumée : tout n'est pas prouvé.".into(),
        "The machine stays on: not everything is proven.".into(),
    )
}

/// The machine stays on because a report would be lost with its power.
#[must_use]
pub fn stays_on_for_report(language: Language) -> String {
    pick(
        language,
        "La machine reste allumée : le service n'a pas encore tous les rapports.".into(),
        "The machine stays on: the service does not have every report yet.".into(),
    )
}

/// The run could not begin.
#[must_use]
pub fn cannot_begin(language: Language, why: &str) -> String {
    pick(
        language,
        format!("Impossible de commencer : {why}"),
        format!("Cannot begin: {why}"),
    )
}

/// No report could be made or kept.
#[must_use]
pub fn report_failed(language: Language, why: &str) -> String {
    pick(
        language,
        format!("LE RAPPORT N'A PAS PU ÊTRE FAIT : {why}"),
        format!("THE REPORT COULD NOT BE MADE: {why}"),
    )
}

/// Where the report is when there is no service.
#[must_use]
pub fn report_kept(language: Language, folder: &str) -> String {
    pick(
        language,
        format!("Rapport signé dans {folder} : aucun service, il ne sera pas envoyé"),
        format!("Signed report in {folder}: no service, it will not be sent"),
    )
}

/// The upload's state.
#[must_use]
pub fn upload(language: Language, state: &str) -> String {
    pick(
        language,
        format!("Envoi du rapport : {state}"),
        format!("Upload of the report: {state}"),
    )
}

/// The service has the report.
#[must_use]
pub fn receipt(language: Language, number: u64) -> String {
    pick(
        language,
        format!("Rapport reçu par le service, reçu no {number}"),
        format!("The service has the report, receipt no {number}"),
    )
}

/// A report would be lost by switching off.
#[must_use]
pub fn power_off_loses_report(language: Language) -> String {
    pick(
        language,
        "Le rapport n'est pas encore envoyé et serait perdu. P encore une fois pour éteindre."
            .into(),
        "The report is not sent yet and would be lost. P once more to power off.".into(),
    )
}

/// The drive must leave before the machine does.
#[must_use]
pub fn remove_first(language: Language, parts: &str, grade: &str) -> String {
    pick(
        language,
        format!("À retirer : {parts}. Note ensuite : {grade}"),
        format!("Take out: {parts}. Grade then: {grade}"),
    )
}
