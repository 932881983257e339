//! Receipts: the service's signed, chained word that it stored a report's exact bytes.
//!
//! Each receipt holds the SHA-256 of the previous receipt's bytes, so that a receipt that is
//! removed, changed or put in later shows. It does not say that the report is true: the station's
//! signature and the read-back in the report do what can be done there.

use crate::api::{Imported, NAMESPACE_RECEIPT, Receipt, SignedReceipt};
use crate::sign::{self, KeyError, PublicKey, StationKey, VerifyError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Value of [`Receipt::schema`].
pub const SCHEMA: &str = "raz-receipt@v1";

/// The end of a chain: what the next receipt hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number of the last receipt; 0 before the first.
    pub number: u64,
    /// SHA-256 of its exact bytes, hexadecimal; 64 zeros before the first.
    pub sha256: String,
}

impl Link {
    /// Before the first receipt.
    #[must_use]
    pub fn start() -> Self {
        Self {
            number: 0,
            sha256: "0".repeat(64),
        }
    }

    /// After the receipt with this number and these bytes.
    #[must_use]
    pub fn after(number: u64, bytes: &[u8]) -> Self {
        Self {
            number,
            sha256: sha256_hex(bytes),
        }
    }
}

/// Why a receipt does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The bytes are no base64.
    #[error("the receipt's bytes are not base64")]
    Base64,
    /// The signature does not hold.
    #[error("the receipt's signature does not hold: {0}")]
    Signature(VerifyError),
    /// Not a receipt of this schema.
    #[error("not a receipt of the schema {SCHEMA}: {0}")]
    Schema(String),
    /// A receipt for something else.
    #[error("the receipt is for another report ({0})")]
    OtherReport(String),
    /// Its place in the chain is wrong.
    #[error("the chain is broken: {0}")]
    Chain(String),
}

/// Where a chain breaks and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("receipt {number}: {why}")]
pub struct ChainError {
    /// The place in the chain, from 1.
    pub number: u64,
    /// What is wrong there.
    pub why: ReceiptError,
}

/// Makes and signs the receipt that follows `previous`; `imported` when no accepted station sent the report.
///
/// # Errors
/// The key cannot sign.
pub fn issue(
    key: &StationKey,
    previous: &Link,
    report_id: Uuid,
    report_bytes: &[u8],
    station_fingerprint: &str,
    received: Timestamp,
    imported: Option<Imported>,
) -> Result<(Receipt, SignedReceipt), KeyError> {
    let receipt = Receipt {
        schema: SCHEMA.to_owned(),
        number: previous.number + 1,
        report_id,
        report_sha256: sha256_hex(report_bytes),
        station_fingerprint: station_fingerprint.to_owned(),
        received: received.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        previous_sha256: previous.sha256.clone(),
        imported: imported.map(Box::new),
    };
    let bytes = serde_json::to_vec(&receipt).expect("a struct of text and numbers is JSON");
    let signature = key.sign(NAMESPACE_RECEIPT, &bytes)?;
    Ok((
        receipt,
        SignedReceipt {
            bytes_base64: STANDARD.encode(bytes),
            signature,
        },
    ))
}

/// Checks one receipt's signature and reads it.
///
/// # Errors
/// Base64, signature or schema is wrong.
pub fn open(
    signed: &SignedReceipt,
    service_key: &PublicKey,
) -> Result<(Receipt, Vec<u8>), ReceiptError> {
    let bytes = STANDARD
        .decode(&signed.bytes_base64)
        .map_err(|_| ReceiptError::Base64)?;
    sign::verify(service_key, NAMESPACE_RECEIPT, &bytes, &signed.signature)
        .map_err(ReceiptError::Signature)?;
    let receipt: Receipt =
        serde_json::from_slice(&bytes).map_err(|error| ReceiptError::Schema(error.to_string()))?;
    if receipt.schema != SCHEMA {
        return Err(ReceiptError::Schema(receipt.schema));
    }
    Ok((receipt, bytes))
}

/// Checks that a receipt is the service's and is for exactly these report bytes.
///
/// # Errors
/// As [`open`], or the receipt is for another report.
pub fn open_for_report(
    signed: &SignedReceipt,
    service_key: &PublicKey,
    report_id: Uuid,
    report_bytes: &[u8],
) -> Result<Receipt, ReceiptError> {
    let (receipt, _) = open(signed, service_key)?;
    if receipt.report_id != report_id || receipt.report_sha256 != sha256_hex(report_bytes) {
        return Err(ReceiptError::OtherReport(receipt.report_id.to_string()));
    }
    Ok(receipt)
}

/// Checks a chain receipt by receipt, so that a long one need not be in memory.
#[derive(Clone, Debug)]
pub struct Chain {
    service_key: PublicKey,
    last: Link,
}

impl Chain {
    /// An empty chain of this service.
    #[must_use]
    pub fn new(service_key: PublicKey) -> Self {
        Self {
            service_key,
            last: Link::start(),
        }
    }

    /// The link that the next receipt must hang on.
    #[must_use]
    pub fn last(&self) -> &Link {
        &self.last
    }

    /// Checks the next receipt.
    ///
    /// # Errors
    /// The receipt does not hold by itself, or is not the one that follows.
    pub fn push(&mut self, signed: &SignedReceipt) -> Result<Receipt, ChainError> {
        let number = self.last.number + 1;
        let fail = |why| ChainError { number, why };
        let (receipt, bytes) = open(signed, &self.service_key).map_err(fail)?;
        if receipt.number != number {
            let why = format!("number {} stands here", receipt.number);
            return Err(fail(ReceiptError::Chain(why)));
        }
        if receipt.previous_sha256 != self.last.sha256 {
            let why = "it follows another receipt than the one before it".to_owned();
            return Err(fail(ReceiptError::Chain(why)));
        }
        self.last = Link::after(number, &bytes);
        Ok(receipt)
    }
}

/// Checks a whole chain from its first receipt.
///
/// # Errors
/// The first place where it breaks.
pub fn verify_chain(receipts: &[SignedReceipt], service_key: &PublicKey) -> Result<(), ChainError> {
    let mut chain = Chain::new(service_key.clone());
    receipts
        .iter()
        .try_for_each(|signed| chain.push(signed).map(|_| ()))
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
