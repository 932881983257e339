//! What the inventory service answers, and why it does not, in French.
//!
//! English is what the service and the client say themselves, which events and logs take. The
//! French names what happened and what to do; what the kernel or the service adds in detail is to
//! be read in English (key L).

use super::Words;
use crate::upload::client::ClientError;
use report::api::{Arming, NotArmed, Problem};

/// Why a call brought nothing.
#[must_use]
pub fn trouble_french(error: &ClientError) -> String {
    match error {
        ClientError::Address => "l'adresse du service doit être https://hôte:port".into(),
        ClientError::Tls(_) => "TLS ne peut pas être préparé".into(),
        ClientError::Unreachable { server, .. } => format!("{server} : pas de réponse"),
        ClientError::NotTheService { server, .. } => {
            format!("{server} : ce n'est pas le service attendu (certificat)")
        }
        ClientError::Busy { server, status, .. } => {
            format!("{server} : ne peut pas répondre maintenant ({status})")
        }
        ClientError::Refused { server, problem } => {
            format!(
                "{server} : refuse ({}) : {}",
                problem.status,
                refused_french(problem)
            )
        }
        ClientError::Answer { server, .. } => format!("{server} : réponse inutilisable"),
        ClientError::Receipt { server, .. } => format!("{server} : le reçu n'est pas valable"),
        ClientError::Sign(_) => "la demande n'a pas pu être signée".into(),
        ClientError::Random(_) => "le noyau n'a pas donné d'octets aléatoires".into(),
    }
}

/// The meaning of a status in `/api/v1` ([`report::api`]); the service's own words for another.
fn refused_french(problem: &Problem) -> String {
    match problem.status {
        401 => "signature ou clé inconnue".into(),
        403 if problem.is_pending() => "le poste attend d'être accepté".into(),
        403 => "le poste est révoqué ou n'est pas accepté".into(),
        409 => "un autre rapport y porte déjà ce numéro".into(),
        413 => "le message est trop grand".into(),
        422 => "le service ne sait pas lire ce message".into(),
        _ => format!("{} : {}", problem.title, problem.detail),
    }
}

/// Why the service does not let this machine be erased unattended.
#[must_use]
pub fn not_armed(arming: &Arming) -> Words {
    let english = arming.reason.as_deref().unwrap_or("not armed");
    let french = match arming.code {
        Some(NotArmed::NobodyArmed) => {
            "personne ne l'a permis : `raz-inventory arm`, ou confirmer sur la machine"
        }
        Some(NotArmed::AllCounted) => {
            "le nombre de machines est atteint : armer de nouveau, ou confirmer sur la machine"
        }
        Some(NotArmed::NoMachine) => {
            "la machine n'a pas de nom, elle ne peut pas être comptée : la confirmer sur place"
        }
        Some(NotArmed::NotAccepted) => "le poste n'est plus accepté",
        // A service that is newer or older than this raz.
        Some(NotArmed::Unknown) | None => english,
    };
    Words::new(french, english)
}
