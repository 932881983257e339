//! Messages between a station and the inventory service (`/api/v1`).
//!
//! | call | body | answers |
//! |---|---|---|
//! | `POST /api/v1/enrol` | [`Enrol`] | 201 [`StationStatus`]; 403 token used, expired or unknown |
//! | `POST /api/v1/station` | [`Signed`] over [`StationQuery`] | 200 [`StationStatus`] |
//! | `POST /api/v1/arming` | [`Signed`] over [`ArmingQuery`] | 200 [`Arming`] |
//! | `POST /api/v1/reports` | [`Signed`] over the report's exact bytes | 201 [`SignedReceipt`]; 200 the first receipt again; 409 other bytes under this id |
//! | `POST /api/v1/ledgers` | [`Signed`] over [`LedgerNote`] | 200 [`LedgerNoted`]; 409 not newer than the one here, or ended |
//! | `POST /api/v1/ledger` | [`Signed`] over [`LedgerQuery`] | 200 [`OpenLedgers`] |
//! | `GET /api/v1/time` | | 200 [`ServiceTime`] |
//!
//! Refusals are JSON problem details (RFC 9457, [`Problem`]): 401 signature or key unknown,
//! 403 key pending or revoked, 413 too large, 422 not a report of this schema.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// SSHSIG namespace of [`StationQuery`], [`ArmingQuery`], [`LedgerNote`] and [`LedgerQuery`].
pub const NAMESPACE_REQUEST: &str = "raz-request@v1";
/// SSHSIG namespace of reports.
pub const NAMESPACE_REPORT: &str = "raz-report@v1";
/// SSHSIG namespace of receipts.
pub const NAMESPACE_RECEIPT: &str = "raz-receipt@v1";
/// Largest body that the service reads, in bytes.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// Largest document of a ledger, in bytes.
pub const LEDGER_BYTES_MAX: usize = 1 << 20;
/// Most drives of one [`LedgerQuery`].
pub const LEDGER_DRIVES_MAX: usize = 64;
/// Documents of one [`OpenLedgers`], in bytes before base64: those of the drives asked for last give
/// way.
pub const LEDGERS_BYTES_MAX: usize = 4 << 20;

/// A station presents itself once, with a single-use token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enrol {
    /// The token: it enrols and never erases.
    pub token: String,
    /// OpenSSH public key line (`ssh-ed25519 AAAA…`).
    pub public_key: String,
    /// Wanted name.
    pub name: String,
}

/// Bytes and their detached signature.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Signed {
    /// The exact bytes, base64 (standard alphabet, padded).
    pub bytes_base64: String,
    /// Armored SSHSIG over these bytes.
    pub signature: String,
}

/// Asks for the station's own state. Signed in [`NAMESPACE_REQUEST`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StationQuery {
    /// Always `station`.
    pub request: String,
    /// Random, so that each signature is of one query.
    pub nonce: String,
}

/// Asks whether this machine may be erased unattended. Signed in [`NAMESPACE_REQUEST`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArmingQuery {
    /// Always `arming`.
    pub request: String,
    /// Random.
    pub nonce: String,
    /// What identifies the machine: SMBIOS UUID or serial; the same machine counts once.
    pub machine: String,
    /// Drives in the plan.
    pub drives: u32,
}

/// Where an enrolment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StationState {
    /// Waits for a person to compare the fingerprint on both screens.
    Pending,
    /// Accepted.
    Accepted,
    /// Revoked.
    Revoked,
}

/// The service's view of a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationStatus {
    /// Name that the service gave.
    pub name: String,
    /// `SHA256:…` of the station's key.
    pub fingerprint: String,
    /// State.
    pub state: StationState,
    /// OpenSSH public key line of the service's receipt key.
    pub service_key: String,
}

/// The answer to an [`ArmingQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arming {
    /// A person armed erasing, this machine is within the number, and the time has not come.
    pub armed: bool,
    /// The nonce of the query.
    pub nonce: String,
    /// The machine of the query.
    pub machine: String,
    /// End of the arming, RFC 3339 UTC.
    pub until: Option<String>,
    /// Seconds from now to the end of the arming by the service's clock.
    pub seconds_left: Option<u64>,
    /// Why not, in words, for events and logs.
    pub reason: Option<String>,
    /// Why not, for a program that says it in another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<NotArmed>,
}

/// Why a machine may not be erased unattended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotArmed {
    /// Nobody armed, or the time is over.
    NobodyArmed,
    /// The arming's number of machines is reached.
    AllCounted,
    /// The query names no machine, so that it cannot be counted.
    NoMachine,
    /// The station is not accepted any more.
    NotAccepted,
    /// A word that this version does not know: the words beside it say why.
    #[serde(other)]
    Unknown,
}

/// Keeps the ledger of a run, or ends it. Signed in [`NAMESPACE_REQUEST`].
///
/// A drive has one open ledger. That of a run which the service does not know takes the place of the
/// one before it, whose run is ended by that; a run that is ended stays so, and nothing is kept of it
/// any more. Within a run only a higher sequence replaces a document. So what comes late, or is sent
/// again by somebody else, brings nothing back; the same note again is answered as the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerNote {
    /// Always `ledger-note`.
    pub request: String,
    /// Random.
    pub nonce: String,
    /// The drive: [`crate::ledger::key`] of its identity.
    pub drive: String,
    /// Drawn when the run began. One that goes on from a ledger goes on with its run, too.
    pub run: Uuid,
    /// What is to become of the run's ledger.
    pub what: LedgerChange,
}

/// What is to become of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerChange {
    /// The document is kept in place of the one before.
    Keep {
        /// Rises with each document of the run; below 2⁶³.
        sequence: u64,
        /// The document, base64: at most [`LEDGER_BYTES_MAX`] bytes, which the service does not
        /// look into.
        document_base64: String,
    },
    /// Nothing may be resumed from it any more.
    End,
}

/// The answer to a [`LedgerNote`]: what it asks for is on the medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerNoted {
    /// The nonce of the note.
    pub nonce: String,
}

/// Asks for the open ledgers of drives. Signed in [`NAMESPACE_REQUEST`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LedgerQuery {
    /// Always `ledger`.
    pub request: String,
    /// Random.
    pub nonce: String,
    /// The drives by [`crate::ledger::key`], at most [`LEDGER_DRIVES_MAX`].
    pub drives: Vec<String>,
}

/// The answer to a [`LedgerQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLedgers {
    /// The nonce of the query.
    pub nonce: String,
    /// The open ledgers, in the order of the question; none of a drive that has none.
    pub ledgers: Vec<OpenLedger>,
    /// Drives whose ledgers did not fit into this answer: they are to be asked for again.
    pub left_out: Vec<String>,
}

/// An open ledger, of whichever station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLedger {
    /// The drive.
    pub drive: String,
    /// The run.
    pub run: Uuid,
    /// Of the document.
    pub sequence: u64,
    /// The document as it came, base64.
    pub document_base64: String,
}

/// What the service signs for each report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `raz-receipt@v1`.
    pub schema: String,
    /// Position in the chain, from 1.
    pub number: u64,
    /// The report.
    pub report_id: Uuid,
    /// SHA-256 of the report's exact bytes, hexadecimal.
    pub report_sha256: String,
    /// Fingerprint of the station's key.
    pub station_fingerprint: String,
    /// When the service had stored the report, RFC 3339 UTC.
    pub received: String,
    /// SHA-256 of the previous receipt's exact bytes, hexadecimal; 64 zeros before the first.
    pub previous_sha256: String,
    /// Absent when an accepted station sent the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Box<Imported>>,
}

/// A person brought the report, and vouches for the key that signed it: no station of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Who brought it, as given.
    pub by: String,
    /// Why, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// [`Imported::STATION`], for who reads the receipt alone.
    pub station: String,
}

impl Imported {
    /// What the service knows of the station.
    pub const STATION: &str = "not known to the service when the report was made";

    /// By this person, for this reason.
    #[must_use]
    pub fn new(by: String, reason: Option<String>) -> Self {
        Self {
            by,
            reason,
            station: Self::STATION.to_owned(),
        }
    }
}

/// A receipt's exact bytes and the service's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// Exact bytes of the [`Receipt`] JSON, base64.
    pub bytes_base64: String,
    /// Armored SSHSIG in [`NAMESPACE_RECEIPT`].
    pub signature: String,
}

/// The service's clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceTime {
    /// RFC 3339 UTC.
    pub now: String,
}

/// Problem details (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// Always `about:blank`.
    pub r#type: String,
    /// Short summary.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
}

impl Problem {
    /// A person will accept the station. A revoked one is 403 too, and only the words tell.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        let said = |text: &str| text.to_lowercase().contains("pending");
        self.status == 403 && (said(&self.title) || said(&self.detail))
    }
}
