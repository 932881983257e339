//! A folder of signed reports that leave it only as "sent": nothing is ever deleted.
//!
//! One folder a report, named by its id: `report.json`, `report.json.sig`, `allowed_signers`,
//! and after the service took it `receipt.json` with `receipt.json.sig`. Each step is made under
//! another name, flushed, and renamed, so that a power cut at any point leaves the state before
//! or the state after it. A report without a whole receipt for its bytes counts as unsent, and
//! is sent again: the service answers the same bytes with the same receipt.

use super::client::{Client, Posted};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{Receipt, SignedReceipt};
use report::receipt::sha256_hex;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

const REPORT: &str = "report.json";
const REPORT_SIGNATURE: &str = "report.json.sig";
const SIGNERS: &str = "allowed_signers";
const RECEIPT: &str = "receipt.json";
const RECEIPT_SIGNATURE: &str = "receipt.json.sig";
/// All of a report's files, in the order in which they are written.
const FILES: [&str; 5] = [
    REPORT_SIGNATURE,
    SIGNERS,
    REPORT,
    RECEIPT_SIGNATURE,
    RECEIPT,
];

/// What went wrong with the folder.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The kernel refused.
    #[error("{}: {what}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// The id is taken by other bytes.
    #[error("report {report_id} is in the spool already, with other bytes")]
    OtherBytes {
        /// Report.
        report_id: Uuid,
    },
    /// The receipt's bytes are no base64.
    #[error("report {report_id}: the receipt is not base64")]
    Receipt {
        /// Report.
        report_id: Uuid,
    },
}

/// One report in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Report.
    pub report_id: Uuid,
    /// Its folder.
    pub folder: PathBuf,
    /// Where it stands.
    pub state: EntryState,
}

/// Where a report stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// The service has not confirmed it.
    Unsent,
    /// A receipt for these bytes is beside it.
    Sent,
    /// Report or signature cannot be read; the words say which.
    Damaged(String),
}

/// A folder of reports.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Opens the folder, and makes it when it is not there.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn open(folder: &Path) -> Result<Self, SpoolError> {
        fs::create_dir_all(folder).map_err(|e| io_error(folder, "cannot be made", e))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Stores a signed report; when this returns, it is on the medium. Storing the same bytes
    /// again changes nothing.
    ///
    /// # Errors
    /// As the kernel says; [`SpoolError::OtherBytes`] when the id holds another report.
    pub fn store(
        &self,
        report_id: Uuid,
        report_bytes: &[u8],
        signature: &str,
        allowed_signers: &str,
    ) -> Result<PathBuf, SpoolError> {
        let folder = self.folder_of(report_id);
        match fs::read(folder.join(REPORT)) {
            Ok(found) if found == report_bytes => return Ok(folder),
            Ok(_) => return Err(SpoolError::OtherBytes { report_id }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(&folder.join(REPORT), "cannot be read", error)),
        }
        let partial = self.folder.join(format!(".{report_id}.partial"));
        // Left by a power cut in an earlier attempt at this report, whose bytes are here again.
        match fs::remove_dir_all(&partial) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(&partial, "cannot be cleared", error)),
        }
        fs::create_dir(&partial).map_err(|e| io_error(&partial, "cannot be made", e))?;
        write_synced(&partial.join(REPORT), report_bytes)?;
        write_synced(&partial.join(REPORT_SIGNATURE), signature.as_bytes())?;
        write_synced(&partial.join(SIGNERS), allowed_signers.as_bytes())?;
        sync_folder(&partial)?;
        fs::rename(&partial, &folder).map_err(|e| io_error(&folder, "cannot be named", e))?;
        sync_folder(&self.folder)?;
        Ok(folder)
    }

    /// Puts the receipt beside its report.
    ///
    /// # Errors
    /// As the kernel says, or the receipt is not base64.
    pub fn store_receipt(&self, report_id: Uuid, signed: &SignedReceipt) -> Result<(), SpoolError> {
        let bytes = STANDARD
            .decode(&signed.bytes_base64)
            .map_err(|_| SpoolError::Receipt { report_id })?;
        let folder = self.folder_of(report_id);
        // The receipt last: its presence is what makes the report sent.
        replace_synced(&folder, RECEIPT_SIGNATURE, signed.signature.as_bytes())?;
        replace_synced(&folder, RECEIPT, &bytes)
    }

    /// All reports, ordered by id.
    ///
    /// # Errors
    /// When the folder itself cannot be listed; a damaged report is an entry.
    pub fn entries(&self) -> Result<Vec<Entry>, SpoolError> {
        let listing = fs::read_dir(&self.folder)
            .map_err(|e| io_error(&self.folder, "cannot be listed", e))?;
        let mut entries = Vec::new();
        for item in listing {
            let item = item.map_err(|e| io_error(&self.folder, "cannot be listed", e))?;
            let name = item.file_name();
            let Some(report_id) = name.to_str().and_then(|name| Uuid::parse_str(name).ok()) else {
                continue;
            };
            let folder = item.path();
            let state = state(&folder);
            entries.push(Entry {
                report_id,
                folder,
                state,
            });
        }
        entries.sort_by_key(|entry| entry.report_id);
        Ok(entries)
    }

    /// Reports without a receipt, ordered by id.
    ///
    /// # Errors
    /// As [`Self::entries`].
    pub fn unsent(&self) -> Result<Vec<Entry>, SpoolError> {
        let mut entries = self.entries()?;
        entries.retain(|entry| entry.state == EntryState::Unsent);
        Ok(entries)
    }

    /// Name and bytes of each file of a report that is there, `report.json` last of the report's and
    /// `receipt.json` last of the receipt's: what has it has the others.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn files(entry: &Entry) -> Result<Vec<(&'static str, Vec<u8>)>, SpoolError> {
        let mut files = Vec::new();
        for name in FILES {
            let path = entry.folder.join(name);
            match fs::read(&path) {
                Ok(bytes) => files.push((name, bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_error(&path, "cannot be read", error)),
            }
        }
        Ok(files)
    }

    /// Sends every unsent report, again and again with growing pauses, until each has its
    /// receipt or was refused, or the pause says stop. A refused report stays and is tried again
    /// by the next call. `tell` hears of each attempt.
    ///
    /// Returns how many reports still have no receipt.
    ///
    /// # Errors
    /// When the folder cannot be read, or a receipt not be stored.
    pub fn drain(
        &self,
        client: &Client,
        backoff: Backoff,
        pause: &dyn Pause,
        tell: &mut dyn FnMut(Uuid, &Posted),
    ) -> Result<usize, SpoolError> {
        let mut refused = BTreeSet::new();
        let mut failures = 0;
        loop {
            let mut again = false;
            for entry in self.unsent()? {
                if refused.contains(&entry.report_id) {
                    continue;
                }
                if pause.stopped() {
                    return Ok(self.unsent()?.len());
                }
                let posted = self.send(&entry, client)?;
                match &posted {
                    Posted::Accepted { .. } => failures = 0,
                    Posted::Retry { .. } => again = true,
                    Posted::Refused { .. } => {
                        refused.insert(entry.report_id);
                    }
                }
                tell(entry.report_id, &posted);
            }
            if !again {
                return Ok(self.unsent()?.len());
            }
            if !pause.pause(backoff.delay(failures, pause.fraction())) {
                return Ok(self.unsent()?.len());
            }
            failures = failures.saturating_add(1);
        }
    }

    /// One attempt; a receipt is on the medium before this returns.
    fn send(&self, entry: &Entry, client: &Client) -> Result<Posted, SpoolError> {
        let report = entry.folder.join(REPORT);
        let bytes = fs::read(&report).map_err(|e| io_error(&report, "cannot be read", e))?;
        let signature = entry.folder.join(REPORT_SIGNATURE);
        let signature = fs::read_to_string(&signature)
            .map_err(|e| io_error(&signature, "cannot be read", e))?;
        let posted = client.post_report(entry.report_id, &bytes, &signature);
        if let Posted::Accepted { signed, .. } = &posted {
            self.store_receipt(entry.report_id, signed)?;
        }
        Ok(posted)
    }

    fn folder_of(&self, report_id: Uuid) -> PathBuf {
        self.folder.join(report_id.to_string())
    }
}

fn state(folder: &Path) -> EntryState {
    let bytes = match fs::read(folder.join(REPORT)) {
        Ok(bytes) if bytes.is_empty() => {
            return EntryState::Damaged(format!("{REPORT} is empty"));
        }
        Ok(bytes) => bytes,
        Err(error) => return EntryState::Damaged(format!("{REPORT}: {error}")),
    };
    match fs::read_to_string(folder.join(REPORT_SIGNATURE)) {
        Ok(signature) if !signature.is_empty() => {}
        Ok(_) => return EntryState::Damaged(format!("{REPORT_SIGNATURE} is empty")),
        Err(error) => return EntryState::Damaged(format!("{REPORT_SIGNATURE}: {error}")),
    }
    // The signature was checked when the receipt came; here only a half-written one is told
    // from a whole one.
    let receipt = fs::read(folder.join(RECEIPT)).ok();
    let receipt = receipt.and_then(|bytes| serde_json::from_slice::<Receipt>(&bytes).ok());
    let signed = fs::metadata(folder.join(RECEIPT_SIGNATURE)).is_ok_and(|file| file.len() > 0);
    match receipt {
        Some(receipt) if signed && receipt.report_sha256 == sha256_hex(&bytes) => EntryState::Sent,
        Some(_) | None => EntryState::Unsent,
    }
}

/// Pauses between attempts.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub max: Duration,
}

impl Default for Backoff {
    /// 1 s, doubled up to 60 s.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The pause after `failures` earlier failures in a row: between half and the whole of the
    /// doubled delay, so that twenty stations do not knock at once when the service comes back.
    #[must_use]
    pub fn delay(&self, failures: u32, fraction: f64) -> Duration {
        let doubled = 2_u32
            .checked_pow(failures)
            .and_then(|times| self.first.checked_mul(times));
        let whole = doubled.unwrap_or(self.max).min(self.max);
        whole.mul_f64(0.5 + fraction.clamp(0.0, 1.0) / 2.0)
    }
}

/// How to wait, given from outside: a test advances the clock instead.
pub trait Pause {
    /// Waits, or less when told to stop; says whether to go on.
    fn pause(&self, duration: Duration) -> bool;
    /// Told to stop.
    fn stopped(&self) -> bool;
    /// A random number from 0 to 1.
    fn fraction(&self) -> f64;
}

/// Real time; another thread may stop the wait.
#[derive(Debug, Default)]
pub struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Ends a wait under way and every later one.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

impl Pause for Stop {
    fn pause(&self, duration: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(stopped, duration, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fraction(&self) -> f64 {
        let mut byte = [0];
        // Without random bytes the whole delay is as good.
        match getrandom::fill(&mut byte) {
            Ok(()) => f64::from(byte[0]) / 255.0,
            Err(_) => 1.0,
        }
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| io_error(path, "cannot be written", e))
}

fn replace_synced(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    let partial = folder.join(format!(".{name}.partial"));
    write_synced(&partial, bytes)?;
    let whole = folder.join(name);
    fs::rename(&partial, &whole).map_err(|e| io_error(&whole, "cannot be named", e))?;
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> Result<(), SpoolError> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(|e| io_error(folder, "cannot be flushed", e))
}

fn io_error(path: &Path, what: &'static str, source: io::Error) -> SpoolError {
    SpoolError::Io {
        path: path.to_owned(),
        what,
        source,
    }
}
