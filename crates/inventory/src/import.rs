//! `import`: a report that was signed by a key which the service never knew, brought by a person.
//!
//! A signature by a key that nobody saw on a machine proves nothing of who signed. So a person gives the
//! key's fingerprint as the machine showed it, and stands for it by name, in the receipt and on every
//! page. This covers the reports brought, and not the key: it becomes no station, no line of
//! `allowed_signers`, and a later report of it is refused like a stranger's.
//!
//! The fingerprint found is told to nobody who has not given it: copied from an error it would be no
//! comparison.

mod folder;

use crate::cli::say;
use crate::data::Data;
use crate::ingest;
use crate::store::Store;
use crate::store::reports::{Importing, NewReport};
use crate::store::stations::Station;
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use jiff::Timestamp;
use report::api::{Imported, NAMESPACE_REPORT, StationState};
use report::sign::{self, StationKey};
use std::path::{Path, PathBuf};

/// Most of an error that is shown.
const ERROR_CHARACTERS_MAX: usize = 1000;
/// Longest name and reason, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;

/// What `import` is given.
#[derive(Args)]
pub struct Options {
    /// Folders with report.json and report.json.sig, or with such folders in them.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// The service's folder: certificate, receipt key and database.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Who brings the reports and stands for their keys: in the receipts and on the pages.
    #[arg(long, value_name = "NAME", value_parser = text)]
    by: String,
    /// Why they come this way: in the receipts and on the pages.
    #[arg(long, value_name = "TEXT", value_parser = text)]
    reason: Option<String>,
    /// `SHA256:…` of a key that signed, as the machine's screen or `raz wipe` showed it; once for each
    /// key.
    #[arg(long, value_name = "SHA256:…", value_parser = fingerprint)]
    fingerprint: Vec<String>,
}

/// Imports what can be, says of each report what came of it, and fails when one was not.
pub async fn run(options: Options) -> Result<()> {
    let data = Data::open(&options.data)?;
    let import = Import {
        store: data.store().await?,
        key: data.service_key()?,
        imported: Imported::new(options.by, options.reason),
        confirmed: options.fingerprint,
    };
    let mut refused = 0_u64;
    for folder in &options.folders {
        let reports = match folder::reports_in(folder) {
            Ok(reports) => reports,
            Err(error) => vec![Err(error)],
        };
        for path in reports {
            let imported = match path {
                Ok(path) => import.one(&path).await,
                Err(error) => Err(error),
            };
            match imported {
                Ok(words) => say(&words)?,
                Err(error) => {
                    refused += 1;
                    eprintln!("not imported: {}", plain(&format!("{error:#}")));
                }
            }
        }
    }
    match refused {
        0 => Ok(()),
        refused => bail!("{refused} not imported, each with its reason above"),
    }
}

struct Import {
    store: Store,
    key: StationKey,
    imported: Imported,
    confirmed: Vec<String>,
}

impl Import {
    /// Imports the report in this folder; says what came of it.
    async fn one(&self, folder: &Path) -> Result<String> {
        let files = folder::read(folder)?;
        let new = signed(files).with_context(|| format!("{folder:?}"))?;
        let confirmed = self.confirmed.contains(&new.fingerprint);
        let now = Timestamp::now();
        let stored = self
            .store
            .import_report(&new, &self.imported, confirmed, &self.key, now)
            .await
            .with_context(|| format!("{folder:?}: storing"))?;
        let id = new.report_id;
        match stored {
            Importing::New(number) => Ok(format!(
                "report {id} imported by {}, receipt {number}: drives verified {} of {}",
                self.imported.by, new.summary.drives_verified, new.summary.drives_total
            )),
            Importing::Again(number) => {
                Ok(format!("report {id} is here already, receipt {number}"))
            }
            Importing::OtherBytes => bail!(
                "{folder:?}: another report is here under its id {id}: a report never changes"
            ),
            Importing::OfStation(station) => bail!("{folder:?}: {}", of_station(&station, folder)),
            Importing::NotConfirmed => bail!("{folder:?}: {}", self.not_confirmed(&new)),
        }
    }

    fn not_confirmed(&self, new: &NewReport) -> String {
        let parts = [&new.summary.maker, &new.summary.model, &new.summary.serial];
        let machine: Vec<&str> = parts
            .into_iter()
            .filter_map(|part| part.as_deref())
            .collect();
        let machine: String = machine.join(" ").chars().take(80).collect();
        let machine = match machine.is_empty() {
            true => "the machine".to_owned(),
            false => format!("the machine {machine:?}"),
        };
        let given = self.confirmed.iter();
        let agree = given
            .map(|given| signs_that_agree(given, &new.fingerprint))
            .max();
        let found = match agree {
            None => "nobody confirmed its key".to_owned(),
            Some(signs) => format!(
                "its key is none of those given; the nearest agrees in its first {signs} signs"
            ),
        };
        format!(
            "{found}: give --fingerprint as the screen of {machine} showed it, or `raz wipe` at its \
             end; where nobody has seen it, the report stays out: `raz verify` reads the drives \
             again"
        )
    }
}

/// The report in files whose signature holds, by whatever key.
fn signed(files: folder::Files) -> Result<NewReport> {
    let key = sign::signer(&files.signature)?;
    sign::verify(&key, NAMESPACE_REPORT, &files.report, &files.signature)?;
    ingest::read(files.report, &key.fingerprint(), &files.signature)
        .map_err(|refusal| anyhow!(refusal.detail))
}

/// Why a station's report is not imported, and what to do.
fn of_station(station: &Station, folder: &Path) -> String {
    let name = &station.name;
    match station.state {
        StationState::Pending => format!(
            "its key is of the station {name}, which waits: compare its fingerprint and accept it \
             (`station accept`); then `raz upload {folder:?}` sends the report"
        ),
        StationState::Accepted => format!(
            "its key is of the accepted station {name}: `raz upload {folder:?}` sends the report"
        ),
        StationState::Revoked => format!(
            "its key is of the revoked station {name}: no report of it is taken any more; \
             `raz verify` reads the drives again, or erase them anew"
        ),
    }
}

/// What a report says may be in an error: it steers no terminal, and does not fill it.
fn plain(text: &str) -> String {
    let signs = text.chars().take(ERROR_CHARACTERS_MAX);
    signs
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// How many signs of the digests agree from the first on: where a slip of the pen is.
fn signs_that_agree(given: &str, found: &str) -> usize {
    let digest = |text: &str| text.trim_start_matches("SHA256:").to_owned();
    let (given, found) = (digest(given), digest(found));
    let pairs = given.chars().zip(found.chars());
    pairs.take_while(|(a, b)| a == b).count()
}

/// As written down: with or without `SHA256:`, in groups or not.
fn fingerprint(text: &str) -> Result<String, String> {
    let signs: String = text.split_whitespace().collect();
    let digest = signs.strip_prefix("SHA256:").unwrap_or(&signs);
    match digest.len() {
        43 => Ok(format!("SHA256:{digest}")),
        length => Err(format!(
            "{length} signs after SHA256:, a fingerprint has 43"
        )),
    }
}

fn text(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("it has control characters".to_owned());
    }
    match text.chars().count() {
        0..=TEXT_CHARACTERS_MAX => Ok(text.to_owned()),
        _ => Err(format!("more than {TEXT_CHARACTERS_MAX} characters")),
    }
}
