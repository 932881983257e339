//! Sending what is in the spool, on a thread of its own, for as long as the session lasts.

use super::ledgers::Ends;
use crate::ledger::service::Place;
use crate::upload::client::Posted;
use crate::upload::spool::{Backoff, Pause, Spool, SpoolError, Stop};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;

/// After the service refused a report, a person may mend the cause: it is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// The upload under way.
pub struct Upload {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

/// What the upload's thread tells.
#[derive(Debug)]
pub enum Told {
    /// A report was sent once.
    Attempt(Uuid, Posted),
    /// A drive's ledger could not be ended at the service, where its report is.
    LedgerOpen {
        /// Drive.
        id: String,
        /// In words.
        why: String,
    },
    /// Each report has its receipt, but for those that the service refused, with its words.
    Over(BTreeMap<Uuid, String>),
    /// The spool cannot be read, or takes no receipt.
    Failed(String),
}

/// Begins to send, and ends the ledgers that end with a receipt, when the upload `before`, which is stopped, has ended: two at once would each
/// send the same report and get into each other's files.
pub fn begin(
    place: Place,
    spool: Spool,
    ends: Ends,
    teller: Sender<Told>,
    before: Option<Upload>,
) -> std::io::Result<Upload> {
    if let Some(before) = &before {
        before.stop.stop();
    }
    let stop = Arc::new(Stop::default());
    let pause = Arc::clone(&stop);
    let thread = std::thread::Builder::new()
        .name("raz-upload".into())
        .spawn(move || {
            if let Some(before) = before {
                // Its panic was told by itself.
                let _ = before.thread.join();
            }
            let teller = Teller(teller);
            let drain = |tell: &mut Tell<'_>| {
                spool.drain(
                    &place.client,
                    Backoff::default(),
                    &*pause,
                    &mut |id, posted| {
                        tell(id, posted);
                        // Before all is said to be sent: the power may go with that.
                        if let Posted::Accepted { .. } = posted {
                            for (id, why) in ends.end(id, &place, &*pause) {
                                let _ = teller.0.send(Told::LedgerOpen { id, why });
                            }
                        }
                    },
                )
            };
            send_all(drain, &*pause, &teller.0);
        })?;
    Ok(Upload { stop, thread })
}

/// A thread of ours that falls says so.
struct Teller(Sender<Told>);

impl Drop for Teller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Told::Failed("a fault of raz itself".into()));
        }
    }
}

/// What hears of each attempt.
type Tell<'a> = dyn FnMut(Uuid, &Posted) + 'a;

/// Drains the spool until nothing is left in it. After each drain it says what the service refused.
fn send_all(
    mut drain: impl FnMut(&mut Tell<'_>) -> Result<usize, SpoolError>,
    pause: &dyn Pause,
    sender: &Sender<Told>,
) {
    loop {
        let mut refused = BTreeMap::new();
        let drained = drain(&mut |id, posted| {
            if let Posted::Refused { status, problem } = posted {
                refused.insert(id, format!("{status}: {}", problem.english));
            }
            let _ = sender.send(Told::Attempt(id, posted.clone()));
        });
        let over = matches!(drained, Ok(0));
        let told = match drained {
            Ok(0) => Some(Told::Over(BTreeMap::new())),
            // What was stored meanwhile was not tried.
            Ok(_) if refused.is_empty() => None,
            Ok(_) => Some(Told::Over(refused)),
            Err(error) => Some(Told::Failed(error.to_string())),
        };
        let heard = told.is_none_or(|told| sender.send(told).is_ok());
        if over || !heard || !pause.pause(AGAIN) {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
