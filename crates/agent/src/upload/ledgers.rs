//! The service as the place of ledgers: to keep, to end, to ask for.
//!
//! Each call is bounded in time and size as every other of the client. A document is bytes here, and
//! what the service hands out is believed in nothing but its form: `crate::ledger` looks into it.

use super::client::{Client, ClientError, nonce, signed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{
    LEDGER_BYTES_MAX, LEDGER_DRIVES_MAX, LEDGERS_BYTES_MAX, LedgerChange, LedgerNote, LedgerNoted,
    LedgerQuery, OpenLedger, OpenLedgers,
};
use report::sign::StationKey;
use std::collections::HashSet;
use uuid::Uuid;

/// Largest answer that is read: the documents in base64 and what stands around them.
const ANSWER_BYTES_MAX: u64 = 2 * LEDGERS_BYTES_MAX as u64;

/// An open ledger as the service has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The drive, by [`report::ledger::key`]: one of those that were asked for.
    pub drive: String,
    /// The run; one that goes on from the ledger goes on with it.
    pub run: Uuid,
    /// Of the document; the next one has a higher.
    pub sequence: u64,
    /// At most [`LEDGER_BYTES_MAX`] bytes, of whatever.
    pub document: Vec<u8>,
}

impl Client {
    /// Has the document kept in place of an older one; on the service's medium when it returns.
    ///
    /// # Errors
    /// As the service or the network answers: it refuses a run that is ended, and a sequence that is
    /// not higher than the one it has.
    pub fn keep_ledger(
        &self,
        key: &StationKey,
        drive: &str,
        run: Uuid,
        sequence: u64,
        document: &[u8],
    ) -> Result<(), ClientError> {
        let document_base64 = STANDARD.encode(document);
        let keep = LedgerChange::Keep {
            sequence,
            document_base64,
        };
        self.note(key, drive, run, keep)
    }

    /// Has the run's ledger ended for good.
    ///
    /// # Errors
    /// As the service or the network answers.
    pub fn end_ledger(&self, key: &StationKey, drive: &str, run: Uuid) -> Result<(), ClientError> {
        self.note(key, drive, run, LedgerChange::End)
    }

    /// The open ledgers of these drives.
    ///
    /// # Errors
    /// As the service or the network answers; [`ClientError::Answer`] for an answer to another
    /// question.
    pub fn open_ledgers(
        &self,
        key: &StationKey,
        drives: &[String],
    ) -> Result<Vec<Found>, ClientError> {
        let mut found = Vec::new();
        for drives in drives.chunks(LEDGER_DRIVES_MAX) {
            let mut left = drives.to_vec();
            while !left.is_empty() {
                let before = left.len();
                let answer = self.open_ledgers_once(key, left)?;
                // Each answer brings at least one of those that were left out of the one before.
                if answer.left_out.len() >= before {
                    return Err(self.answer("ledgers without an end"));
                }
                for ledger in answer.ledgers {
                    found.push(self.found(ledger)?);
                }
                left = answer.left_out;
            }
        }
        Ok(found)
    }

    fn open_ledgers_once(
        &self,
        key: &StationKey,
        drives: Vec<String>,
    ) -> Result<OpenLedgers, ClientError> {
        let query = LedgerQuery {
            request: "ledger".to_owned(),
            nonce: nonce()?,
            drives,
        };
        let request = self.http.post(self.url("ledger"));
        let answer: OpenLedgers =
            self.receive(request.json(&signed(key, &query)?), ANSWER_BYTES_MAX)?;
        let mut asked: HashSet<&String> = query.drives.iter().collect();
        let answered = answer.ledgers.iter().map(|ledger| &ledger.drive);
        let fits = answer.nonce == query.nonce
            && answered
                .chain(&answer.left_out)
                .all(|drive| asked.remove(drive));
        match fits {
            true => Ok(answer),
            false => Err(self.answer("ledgers for another question")),
        }
    }

    fn found(&self, ledger: OpenLedger) -> Result<Found, ClientError> {
        let document = STANDARD
            .decode(&ledger.document_base64)
            .ok()
            .filter(|document| document.len() <= LEDGER_BYTES_MAX)
            .ok_or_else(|| self.answer("a ledger that is none"))?;
        Ok(Found {
            drive: ledger.drive,
            run: ledger.run,
            sequence: ledger.sequence,
            document,
        })
    }

    fn note(
        &self,
        key: &StationKey,
        drive: &str,
        run: Uuid,
        what: LedgerChange,
    ) -> Result<(), ClientError> {
        let note = LedgerNote {
            request: "ledger-note".to_owned(),
            nonce: nonce()?,
            drive: drive.to_owned(),
            run,
            what,
        };
        let noted: LedgerNoted = self.post("ledgers", &signed(key, &note)?)?;
        match noted.nonce == note.nonce {
            true => Ok(()),
            false => Err(self.answer("a note of another ledger")),
        }
    }
}
