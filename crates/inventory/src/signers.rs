//! The lines by which `ssh-keygen -Y verify` knows the stations and the service.
//!
//! A list that comes with a report proves nothing by itself: the service signs it, and the donor
//! gets the fingerprint of the service's key on paper.

use crate::store::stations::{SERVICE_NAME, Station};
use jiff::Timestamp;
use report::api::{NAMESPACE_RECEIPT, NAMESPACE_REPORT};
use report::sign::{LineError, StationKey, allowed_signers_line};

/// SSHSIG namespace of the service's signature over the list.
pub const NAMESPACE: &str = "raz-allowed-signers@v1";

/// The service's own line, then a line for each station that a person accepted: valid from then,
/// and no longer than to its revocation.
pub fn text(service_key: &StationKey, stations: &[Station]) -> Result<String, LineError> {
    let own = [NAMESPACE_RECEIPT, NAMESPACE];
    let mut text = allowed_signers_line(SERVICE_NAME, service_key.public(), &own, None, None)?;
    text.push('\n');
    for station in stations {
        let Some(accepted_s) = station.accepted_s else {
            continue;
        };
        let line = allowed_signers_line(
            &station.name,
            &station.public_key,
            &[NAMESPACE_REPORT],
            Timestamp::from_second(accepted_s).ok(),
            station
                .revoked_s
                .and_then(|second| Timestamp::from_second(second).ok()),
        )?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}
