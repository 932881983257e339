//! Ledgers with the inventory service: where a session keeps them, because the image writes to no
//! stick.
//!
//! A run that goes on from a ledger goes on with its run at the service, too, so that it ends what it
//! went on from. A fresh run has a name of its own: its first document takes the old one's place.

use super::{Heading, Start, may_be_kept};
use crate::compose;
use crate::upload::client::Client;
use crate::upload::ledgers::Found;
use crate::work::Order;
use drive::facts::DriveFacts;
use report::ledger::{Ledger, key};
use report::sign::StationKey;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;
use wipe::ledger::{Journal, Mark};
use wipe::pattern::SeedError;

/// The name of a drive's ledger at the service; none of a drive of which none may be kept.
#[must_use]
pub fn name(facts: &DriveFacts) -> Option<String> {
    may_be_kept(facts).ok()?;
    Some(key(&facts.identity.recorded()))
}

/// How this drive's run would go on from what the service has.
///
/// # Errors
/// Why it cannot, in words.
pub fn offer(found: &Found, facts: &DriveFacts) -> Result<Start, String> {
    let ledger = Ledger::parse(&found.document).map_err(|error| error.to_string())?;
    Start::resumed(&ledger, facts)
}

/// The ledgers at the service that are over when a drive's run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The drive's id in events.
    pub id: String,
    /// The drive at the service.
    pub drive: String,
    /// The run's own, and the one that it found and could not go on from.
    pub runs: Vec<Uuid>,
}

/// Where ledgers go.
#[derive(Clone, Debug)]
pub struct Place {
    /// The service.
    pub client: Arc<Client>,
    /// The station's key.
    pub key: Arc<StationKey>,
}

impl Place {
    /// How the run of a claimed drive begins: from what the service has, if it fits, and with a
    /// journal there.
    ///
    /// # Errors
    /// No random seed is to be had.
    pub fn start(
        &self,
        order: &Order,
        found: Option<&Found>,
    ) -> Result<(Start, Option<Kept>), SeedError> {
        let facts = &order.facts;
        let Some(drive) = name(facts) else {
            return Ok((Start::fresh()?, None));
        };
        let resumed = found.and_then(|found| Some((offer(found, facts).ok()?, found)));
        let (mut start, run, sequence) = match resumed {
            Some((start, found)) => (start, found.run, found.sequence),
            None => (Start::fresh()?, Uuid::new_v4(), 0),
        };
        let heading = start.heading(facts, &order.plan.passes);
        start.journal = Some(Arc::new(ServiceJournal {
            place: self.clone(),
            drive: drive.clone(),
            run,
            heading,
            state: Mutex::new(State {
                sequence,
                is_ended: false,
            }),
        }));
        let mut runs = vec![run];
        runs.extend(found.map(|found| found.run).filter(|found| *found != run));
        let id = order.consent.id.clone();
        Ok((start, Some(Kept { id, drive, runs })))
    }

    /// Ends a run's ledger.
    ///
    /// # Errors
    /// In words without the service's address: they go into a report.
    pub fn end(&self, drive: &str, run: Uuid) -> io::Result<()> {
        self.client
            .end_ledger(&self.key, drive, run)
            .map_err(|error| self.io_error(&error.to_string()))
    }

    fn io_error(&self, text: &str) -> io::Error {
        let address = format!("{}: ", self.client.server());
        let text = text.strip_prefix(&address).unwrap_or(text);
        io::Error::other(format!("the inventory service: {text}"))
    }
}

/// Takes a run's marks to the service. A call lasts no longer than the client's bound; a service
/// that is away costs that, on the checkpoint's own thread.
struct ServiceJournal {
    place: Place,
    drive: String,
    run: Uuid,
    heading: Heading,
    state: Mutex<State>,
}

struct State {
    /// Of the newest document that was tried: one that failed may have come all the same.
    sequence: u64,
    is_ended: bool,
}

impl ServiceJournal {
    fn next(&self) -> io::Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_ended {
            return Err(io::Error::other("the ledger is ended"));
        }
        state.sequence = state.sequence.saturating_add(1);
        Ok(state.sequence)
    }
}

impl Journal for ServiceJournal {
    fn record(&self, mark: &Mark) -> io::Result<()> {
        let sequence = self.next()?;
        let document = compose::ledger(&self.heading, sequence, mark)
            .to_bytes()
            .map_err(io::Error::other)?;
        let Place { client, key } = &self.place;
        client
            .keep_ledger(key, &self.drive, self.run, sequence, &document)
            .map_err(|error| self.place.io_error(&error.to_string()))
    }

    fn close(&self) -> io::Result<()> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_ended = true;
        self.place.end(&self.drive, self.run)
    }
}
