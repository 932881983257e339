//! `raz upload`: reports that were made without the service, sent later.

use super::Status;
use crate::arguments::Secret;
use crate::cli::Upload;
use crate::output::{say, tell};
use crate::upload::client::{Client, Posted, Server};
use crate::upload::pin::Pin;
use crate::upload::spool::{Backoff, Pause, Spool};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::schema::Report;
use report::sign::StationKey;
use std::path::Path;
use std::time::Duration;

/// Runs `raz upload`.
///
/// # Errors
/// Files that cannot be read, a service that cannot be named.
pub fn upload(arguments: &Upload) -> anyhow::Result<Status> {
    let (server, pin, key) = match given(arguments) {
        Ok(given) => given,
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    let client = Client::new(server, pin)?;
    let status = match &arguments.token_file {
        Some(file) => {
            let token = std::fs::read_to_string(file)
                .with_context(|| format!("{}: reading the token", file.display()))?;
            client.enrol(&Secret::new(token.trim().to_owned()), "station", &key)
        }
        None => client.station(&key),
    };
    match status {
        Ok(status) => tell!(
            "station {} {}: {:?}",
            status.name,
            status.fingerprint,
            status.state
        ),
        Err(error) => tell!("{:#}", anyhow::Error::from(error)),
    }
    if arguments.folder.join("report.json").exists() {
        one(&client, &arguments.folder)
    } else {
        all(&client, arguments)
    }
}

/// What the command line names, read.
fn given(arguments: &Upload) -> anyhow::Result<(Server, Pin, StationKey)> {
    let server = Server::parse(&arguments.server).context("--server")?;
    let pin = Pin::parse(&arguments.pin).context("--pin")?;
    let key = StationKey::read(&arguments.key)
        .with_context(|| format!("{}: reading the station's key", arguments.key.display()))?;
    // An empty spool would be made of a slip in the name.
    std::fs::read_dir(&arguments.folder)
        .with_context(|| format!("{}: no such folder", arguments.folder.display()))?;
    Ok((server, pin, key))
}

/// Sends the report of a folder once; its receipt is put beside it.
fn one(client: &Client, folder: &Path) -> anyhow::Result<Status> {
    let read = |name: &str| {
        std::fs::read(folder.join(name))
            .with_context(|| format!("{}: reading {name}", folder.display()))
    };
    let bytes = read("report.json")?;
    let signature = String::from_utf8(read("report.json.sig")?).context("report.json.sig")?;
    let report: Report = serde_json::from_slice(&bytes).context("report.json is not a report")?;
    let posted = client.post_report(report.report_id, &bytes, &signature);
    say!("{}: {}", report.report_id, words(&posted));
    let Posted::Accepted { signed, .. } = posted else {
        return Ok(Status::NotProven);
    };
    // As in a spool: the exact bytes and their signature, so that `ssh-keygen` checks it.
    let receipt = STANDARD
        .decode(&signed.bytes_base64)
        .context("the receipt is not base64")?;
    let files: [(&str, &[u8]); 2] = [
        ("receipt.json.sig", signed.signature.as_bytes()),
        ("receipt.json", &receipt),
    ];
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("{}: writing", path.display()))?;
    }
    Ok(Status::Proven)
}

fn all(client: &Client, arguments: &Upload) -> anyhow::Result<Status> {
    let spool = Spool::open(&arguments.folder)?;
    let mut tell = |id: uuid::Uuid, posted: &Posted| say!("{id}: {}", words(posted));
    let tries = Tries(std::cell::Cell::new(arguments.tries));
    let left = spool.drain(client, Backoff::default(), &tries, &mut tell)?;
    say!("{left} reports without a receipt");
    Ok(if left == 0 {
        Status::Proven
    } else {
        Status::NotProven
    })
}

fn words(posted: &Posted) -> String {
    match posted {
        Posted::Accepted { receipt, .. } => {
            format!("receipt {} of {}", receipt.number, receipt.received)
        }
        Posted::Retry { why } => format!("not now: {}", why.english),
        Posted::Refused { status, problem } => {
            format!("refused: {status}: {}", problem.english)
        }
    }
}

/// Stops after so many pauses.
struct Tries(std::cell::Cell<u32>);

impl Pause for Tries {
    fn pause(&self, duration: Duration) -> bool {
        let left = self.0.get().saturating_sub(1);
        self.0.set(left);
        if left > 0 {
            std::thread::sleep(duration);
        }
        left > 0
    }

    fn stopped(&self) -> bool {
        self.0.get() == 0
    }

    fn fraction(&self) -> f64 {
        1.0
    }
}
