//! From signed bytes to a report that may be stored: signature first, then the schema.
//!
//! Nothing is parsed as a report before its signature holds: under the key of an accepted station, or,
//! of an import, under the one that a person is to confirm.

use crate::judge::{Finding, judge};
use crate::problem::Refusal;
use crate::store::Store;
use crate::store::reports::{NewReport, Summary};
use crate::store::stations::Station;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{Signed, StationState};
use report::receipt::sha256_hex;
use report::schema::{Machine, Report, SCHEMA};
use report::sign;

/// The bytes of a signed call and the enrolled station that signed them, whatever its state.
pub async fn open(
    store: &Store,
    signed: &Signed,
    namespace: &str,
) -> Result<(Vec<u8>, Station), Refusal> {
    let bytes = STANDARD.decode(&signed.bytes_base64).map_err(|_| {
        Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bytes_base64 is not base64",
        )
    })?;
    let unauthorized = |detail: String| Refusal::new(StatusCode::UNAUTHORIZED, detail);
    let key = sign::signer(&signed.signature).map_err(|error| unauthorized(error.to_string()))?;
    let fingerprint = key.fingerprint();
    let Some(station) = store.station(&fingerprint).await? else {
        return Err(unauthorized(format!(
            "no station has the key {fingerprint}: enrol it with a token"
        )));
    };
    sign::verify(&station.public_key, namespace, &bytes, &signed.signature)
        .map_err(|error| unauthorized(error.to_string()))?;
    Ok((bytes, station))
}

/// Lets only accepted stations pass.
pub fn accepted(station: &Station) -> Result<(), Refusal> {
    let forbidden = |detail: &str| {
        let detail = format!("the key {} {detail}", station.fingerprint);
        Err(Refusal::new(StatusCode::FORBIDDEN, detail))
    };
    match station.state {
        StationState::Accepted => Ok(()),
        StationState::Pending => {
            forbidden("is pending: compare it on both screens, then accept it in the service")
        }
        StationState::Revoked => forbidden("is revoked: enrol with a new key"),
    }
}

/// The report in bytes whose signature holds under the key with this fingerprint.
pub fn read(bytes: Vec<u8>, fingerprint: &str, armored: &str) -> Result<NewReport, Refusal> {
    let unprocessable = |detail: String| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let report: Report = serde_json::from_slice(&bytes)
        .map_err(|error| unprocessable(format!("not a report of {SCHEMA}: {error}")))?;
    if report.schema != SCHEMA {
        return Err(unprocessable(format!("not a report of {SCHEMA}")));
    }
    if report.station.key_fingerprint != fingerprint {
        let detail = "the report names another station's key than the one that signed it";
        return Err(unprocessable(detail.to_owned()));
    }
    let signature = sign::rearmor(armored)
        .map_err(|error| Refusal::new(StatusCode::UNAUTHORIZED, error.to_string()))?;
    Ok(NewReport {
        report_id: report.report_id,
        fingerprint: fingerprint.to_owned(),
        signature,
        summary: summary(&report),
        bytes,
    })
}

fn summary(report: &Report) -> Summary {
    let verified = report
        .drives
        .iter()
        .filter(|drive| judge(drive) == Finding::Verified);
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    Summary {
        machine: machine_key(&report.machine)
            .unwrap_or_else(|| report.report_id.simple().to_string()),
        maker: report.machine.maker.clone(),
        model: report.machine.model.clone(),
        serial: report.machine.serial.clone(),
        grade: report.verdict.as_ref().map(|verdict| verdict.grade.clone()),
        // Where a drive may be that nobody saw, not every one is verified.
        drives_total: count(report.drives.len() + report.unseen_storage.len()),
        drives_verified: count(verified.count()),
    }
}

/// What reports of one machine share; none when the firmware says nothing that tells it from
/// others of its model: then each report stands alone, rather than two machines becoming one.
fn machine_key(machine: &Machine) -> Option<String> {
    let telling = [&machine.serial, &machine.uuid]
        .into_iter()
        .flatten()
        .any(|text| tells(text));
    if !telling {
        return None;
    }
    let fields = [
        &machine.maker,
        &machine.model,
        &machine.serial,
        &machine.uuid,
        &machine.board,
    ];
    let mut input = Vec::new();
    for field in fields {
        let text = field.as_deref().unwrap_or_default().trim();
        input.extend((text.len() as u64).to_be_bytes());
        input.extend(text.as_bytes());
    }
    let mut digest = sha256_hex(&input);
    digest.truncate(32);
    Some(digest)
}

/// Neither a placeholder of a board maker nor one digit repeated.
fn tells(text: &str) -> bool {
    const PLACEHOLDERS: [&str; 12] = [
        "tobefilledbyoem",
        "defaultstring",
        "systemserialnumber",
        "serialnumber",
        "notspecified",
        "notapplicable",
        "notavailable",
        "none",
        "unknown",
        "invalid",
        "oem",
        // A UUID that whole series of boards share.
        "03000200040005000006000700080009",
    ];
    let kept: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    let counting = "0123456789".starts_with(&kept) || "1234567890".starts_with(&kept);
    let first = kept.chars().next();
    let varied = kept.chars().any(|c| Some(c) != first);
    varied && !counting && !PLACEHOLDERS.contains(&kept.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(serial: &str, uuid: &str) -> Machine {
        Machine {
            maker: Some("MAKER".into()),
            model: Some("MODEL".into()),
            serial: Some(serial.into()),
            uuid: Some(uuid.into()),
            ..Machine::default()
        }
    }

    #[test]
    fn placeholders_never_make_two_machines_one() {
        let empty = "00000000-0000-0000-0000-000000000000";
        let shared = "03000200-0400-0500-0006-000700080009";
        for serial in [
            "",
            "To Be Filled By O.E.M.",
            "Default string",
            "0",
            "123456789",
            "xxxx",
        ] {
            for uuid in ["", empty, shared, "ffffffff-ffff-ffff-ffff-ffffffffffff"] {
                assert_eq!(
                    machine_key(&machine(serial, uuid)),
                    None,
                    "{serial:?} {uuid:?}"
                );
            }
        }
    }

    #[test]
    fn same_machine_has_the_same_key_and_another_serial_another() {
        let a = machine_key(&machine("PF0TEST1", "u1")).unwrap();
        assert_eq!(machine_key(&machine(" PF0TEST1 ", "u1")), Some(a.clone()));
        assert_ne!(machine_key(&machine("PF0TEST2", "u1")), Some(a.clone()));
        let mut moved = machine("PF0TEST1", "u1");
        moved.model = Some("MODELPF0TEST1".into());
        assert_ne!(machine_key(&moved), Some(a));
    }
}
