//! The read-only stream of progress events (`raz.events=PORT`): one JSON object a line.
//!
//! `docs/events.md` is the page for readers of the stream. Tokens, private keys, seeds and the
//! kernel's command line never appear here. A reader ignores kinds that it does not know. Sizes are
//! bytes, rates bytes per second, `seconds` since the session began.

use crate::schema::{Drive, OutcomeWord};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Counts from 0 without gaps.
    pub sequence: u64,
    /// Seconds since the session began.
    pub seconds: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen in a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The session began.
    Started {
        /// Version of raz.
        version: String,
        /// Fingerprint of the station's key: a person compares it with the service's page.
        fingerprint: String,
    },
    /// The drives that were found, with their refusals for this session's plan.
    Drives {
        /// Each drive.
        drives: Vec<Drive>,
    },
    /// The machine is ready to show: maker, model, serial.
    Machine {
        /// In one line.
        summary: String,
    },
    /// The network or the service's state changed.
    Service {
        /// `none`, `connecting`, `unreachable`, `pin mismatch`, `token refused`, `pending`,
        /// `accepted`, `revoked`.
        state: String,
        /// In words.
        detail: String,
    },
    /// The plan: drives to be erased.
    Plan {
        /// Ids in the plan.
        ids: Vec<String>,
        /// Nobody at the machine confirms each drive.
        unattended: bool,
    },
    /// The plan waits for consent or arming; the reason in words.
    Waiting {
        /// Why, in English whatever the screen's language.
        reason: String,
    },
    /// Armed or consented; a key stops it.
    Countdown {
        /// Seconds to the first write; at 0 the service is asked once more whether it is armed.
        seconds_left: u64,
    },
    /// What the service keeps of an erasure of the drive that was interrupted.
    Ledger {
        /// Drive.
        id: String,
        /// `offered`, `ignored`, `resumes`, `left_open`.
        state: String,
        /// In words.
        detail: String,
    },
    /// A phase of a drive began.
    Phase {
        /// Drive.
        id: String,
        /// `waiting`, `sanitizing`, `writing`, `settling`, `verifying`, `done`.
        phase: String,
        /// Pass, from 0.
        pass: u32,
        /// Passes planned.
        passes: u32,
    },
    /// Where a drive stands.
    Progress {
        /// Drive.
        id: String,
        /// Phase.
        phase: String,
        /// Bytes done in the phase.
        bytes_done: u64,
        /// Bytes in the phase.
        bytes_total: u64,
        /// Mean rate of the last ten seconds.
        bytes_per_second: f64,
        /// Estimated time until the drive's last phase is over.
        seconds_left: Option<f64>,
        /// How long the drive took to answer a request of the phase, in seconds: the median.
        latency_p50_seconds: Option<f64>,
        /// The same: 99 of 100 answers came within it.
        latency_p99_seconds: Option<f64>,
        /// The same: the longest.
        latency_max_seconds: Option<f64>,
        /// Errors so far.
        errors: u64,
        /// Drive temperature.
        temperature_celsius: Option<i32>,
        /// For so long the drive owes an answer and gave none.
        #[serde(default)]
        seconds_silent: f64,
    },
    /// A drive's run ended.
    Outcome {
        /// Drive.
        id: String,
        /// The word.
        outcome: OutcomeWord,
        /// The sentence.
        text: String,
    },
    /// The verdict on the machine.
    Verdict {
        /// Grade.
        grade: String,
    },
    /// The report is signed and in the spool.
    Reported {
        /// Report id.
        report_id: Uuid,
        /// SHA-256 of its bytes.
        sha256: String,
    },
    /// Where the report is beside the service.
    Kept {
        /// Report id.
        report_id: Uuid,
        /// `stick`: on raz's stick; `memory`: a power cut loses it until the service has it.
        place: String,
        /// In words: why not on the stick.
        detail: String,
    },
    /// An upload was tried.
    Upload {
        /// Report id.
        report_id: Uuid,
        /// `receipt`, `retry`, `refused`.
        state: String,
        /// In words.
        detail: String,
    },
    /// The run is over. A second one follows, and counts, when the service takes a report after all
    /// that it had refused.
    Finished {
        /// Exit status: 0 all proven and the report where it was to go, 1 something not, 3 refused
        /// for safety.
        status: u8,
        /// In words.
        text: String,
    },
}
