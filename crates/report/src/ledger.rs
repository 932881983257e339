//! The ledger of an erasure under way, as it is kept in a folder or with the service: what another
//! run, on another host too, needs to go on after a power cut.
//!
//! A document is one line of JSON and a line with the SHA-256 of that line (its line feed included)
//! in hexadecimal. What is cut, torn or changed has another digest and is no document. The digest
//! is no signature: whoever can write the document can make one up. Nothing is believed of a ledger
//! but which bytes need not be written again, and each of them is read back (`wipe::ledger`).
//!
//! It holds no secret: drive, seed and passes are in the report, too.

use crate::schema::{PassKind, RANGES_COUNTED_MAX};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Value of [`Ledger::schema`].
pub const SCHEMA: &str = "raz-ledger@v1";

/// A longer document is none: room for as many holes as a run can list.
pub const BYTES_MAX: usize = 512 << 10;

/// Most passes of a plan that is believed to be one.
const PASSES_MAX: usize = 16;

/// Largest sequence number and number of runs: another one can always follow.
const COUNT_MAX: u64 = 1 << 53;

/// How every document of this schema begins.
const BEGINNING: &[u8] = br#"{"schema":"raz-ledger@v1","#;

/// Hexadecimal SHA-256 and a line feed.
const DIGEST_LINE_BYTES: usize = 65;

/// How far a drive's first pass is, and all that its pattern is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Always `raz-ledger@v1`.
    pub schema: String,
    /// The highest of a drive's documents is the newest one.
    pub sequence: u64,
    /// The drive's identity as the report records it: the string that keys the pattern.
    pub identity: String,
    /// The drive's capacity.
    pub capacity_bytes: u64,
    /// Its logical sector.
    pub logical_sector_bytes: u32,
    /// BLAKE3 key derivation context string of the pattern.
    pub derivation: String,
    /// 32 random bytes in hexadecimal, lower case.
    pub seed: String,
    /// `aes-128-ctr` or `chacha8`.
    pub cipher: String,
    /// The passes of the run that wrote this, in order.
    pub passes: Vec<PassKind>,
    /// When the first run began; RFC 3339.
    pub begun: String,
    /// Runs before the one that wrote this.
    pub runs_before: u64,
    /// Nothing is known to be written from here on; 0 says that there is nothing to resume.
    pub mark_bytes: u64,
    /// What is not written below the mark: all of them, ascending, as `[start, end)` byte offsets.
    pub holes: Vec<[u64; 2]>,
}

/// Why bytes are no ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLedger {
    /// The beginning is a ledger's, or nothing is there: what a power cut in mid-write leaves.
    #[error("a ledger that was not written to its end")]
    Torn,
    /// A ledger of another version of raz.
    #[error("a ledger of the schema {0:?}, and this version knows {SCHEMA}")]
    OtherSchema(String),
    /// The digest holds, the contents are not a ledger's.
    #[error("no ledger: {0}")]
    Malformed(String),
    /// Something else altogether.
    #[error("something other than a ledger")]
    Foreign,
}

/// The name under which a drive's ledger is kept: 64 hexadecimal digits made of the identity, so
/// that no serial stands in a file name or an address.
#[must_use]
pub fn key(identity: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(SCHEMA);
    digest.update([0]);
    digest.update(identity);
    hex::encode(digest.finalize())
}

impl Ledger {
    /// The document's bytes; [`Ledger::parse`] reads the same ledger back.
    ///
    /// # Errors
    /// It is none that could be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NoLedger> {
        self.check()?;
        let mut bytes =
            serde_json::to_vec(self).map_err(|error| NoLedger::Malformed(error.to_string()))?;
        bytes.push(b'\n');
        let digest = hex::encode(Sha256::digest(&bytes));
        bytes.extend_from_slice(digest.as_bytes());
        bytes.push(b'\n');
        if bytes.len() > BYTES_MAX {
            return Err(too_long());
        }
        Ok(bytes)
    }

    /// A ledger from its document. Whether it is that of a drive, and its mark one that the drive
    /// can have, is the caller's to check.
    ///
    /// # Errors
    /// Why the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoLedger> {
        if bytes.len() > BYTES_MAX {
            return Err(too_long());
        }
        let Some(json) = proven(bytes) else {
            return Err(unproven(bytes));
        };
        let malformed = |error: serde_json::Error| NoLedger::Malformed(error.to_string());
        let Word { schema } = serde_json::from_slice(json).map_err(malformed)?;
        if schema != SCHEMA {
            return Err(NoLedger::OtherSchema(schema));
        }
        let ledger: Self = serde_json::from_slice(json).map_err(malformed)?;
        ledger.check()?;
        Ok(ledger)
    }

    fn check(&self) -> Result<(), NoLedger> {
        let is_hex = |c: &u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        let wrong = [
            ("schema", self.schema != SCHEMA),
            ("sequence", self.sequence > COUNT_MAX),
            (
                "seed",
                self.seed.len() != 64 || !self.seed.as_bytes().iter().all(is_hex),
            ),
            (
                "passes",
                self.passes.is_empty() || self.passes.len() > PASSES_MAX,
            ),
            ("begun", self.begun.parse::<Timestamp>().is_err()),
            ("runs_before", self.runs_before > COUNT_MAX),
            ("holes", self.holes.len() > RANGES_COUNTED_MAX),
        ];
        match wrong.iter().find(|(_, is_wrong)| *is_wrong) {
            Some((field, _)) => Err(NoLedger::Malformed(format!("{field} cannot be that"))),
            None => Ok(()),
        }
    }
}

/// The part of every schema that tells it from others.
#[derive(Deserialize)]
struct Word {
    schema: String,
}

fn too_long() -> NoLedger {
    NoLedger::Malformed(format!("longer than {BYTES_MAX} bytes"))
}

/// The line of JSON, when the digest after it is its own.
fn proven(bytes: &[u8]) -> Option<&[u8]> {
    let (json, line) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_LINE_BYTES)?)?;
    let digest = line.strip_suffix(b"\n")?;
    let holds = json.ends_with(b"\n") && hex::encode(Sha256::digest(json)).as_bytes() == digest;
    holds.then_some(json)
}

/// Zeros are what some file systems show where a write did not reach the medium.
fn unproven(bytes: &[u8]) -> NoLedger {
    let ours = |(byte, found): (&u8, &u8)| byte == found || *found == 0;
    match BEGINNING.iter().zip(bytes).all(ours) {
        true => NoLedger::Torn,
        false => NoLedger::Foreign,
    }
}
