//! A run's marks on their way to the service, and another host that goes on from them.

use crate::service::{Listener, Proof, Reply, Request};
use agent::ledger::service::Place;
use agent::upload::client::Client;
use agent::upload::ledgers::Found;
use agent::work::Order;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drive::claim::{Consent, ConsentSource};
use drive::facts::{DriveFacts, HiddenCapacity, Medium, Security, Tcg, Transport, Zoned};
use drive::health::Health;
use drive::identity::Identity;
use report::api::{LedgerChange, LedgerNote, LedgerNoted, Signed};
use report::ledger::{Ledger, key};
use report::sign::StationKey;
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use wipe::ledger::Mark;
use wipe::plan;

const CAPACITY: u64 = 1 << 30;

fn order() -> Order {
    let facts = DriveFacts {
        name: "sdz".into(),
        disk_sequence: None,
        path: "/dev/sdz".into(),
        transport: Transport::Ata,
        bridge: None,
        controller: None,
        bus_path: "pci-0/ata1".into(),
        vendor: None,
        model: Some("MODEL".into()),
        firmware: None,
        identity: Identity {
            serial: Some("SERIAL-1".into()),
            ..Identity::default()
        },
        capacity_bytes: CAPACITY,
        logical_sector_bytes: 512,
        physical_sector_bytes: 512,
        medium: Medium::Rotating { rpm: 7200 },
        flash_cache: false,
        zoned: Zoned::No,
        removable: false,
        read_only: false,
        security: Security::default(),
        tcg: Tcg::Absent,
        alone: Ok(()),
        hidden: HiddenCapacity::NotApplicable,
        sanitize: Err("a test".into()),
        format: Err("a test".into()),
        blocks: None,
        health: Health::not_read("a test"),
        volumes: Vec::new(),
        volumes_unread: false,
        uses: Vec::new(),
        silent: None,
        not_reached: Vec::new(),
        oddities: Vec::new(),
    };
    Order {
        plan: plan::plan(&facts, &plan::Wishes::default()),
        consent: Consent {
            id: facts.identity.id(),
            source: ConsentSource::Typed,
        },
        armed_until: None,
        restoration: None,
        thaw: None,
        facts,
    }
}

fn mark(mark_bytes: u64) -> Mark {
    Mark {
        mark_bytes,
        holes: Vec::new(),
    }
}

type Notes = Arc<Mutex<Vec<LedgerNote>>>;

/// A service that writes down each note and answers it, until it is to refuse.
fn service(notes: &Notes, refuses_after: usize) -> (Listener, Client) {
    let proof = Proof::new("raz.example");
    let notes = Arc::clone(notes);
    let listener = Listener::start(&proof, move |request: Request| {
        let signed: Signed = serde_json::from_slice(&request.body).unwrap();
        let bytes = STANDARD.decode(&signed.bytes_base64).unwrap();
        let note: LedgerNote = serde_json::from_slice(&bytes).unwrap();
        let nonce = note.nonce.clone();
        notes.lock().unwrap().push(note);
        match notes.lock().unwrap().len() > refuses_after {
            true => Reply::problem(409, "Conflict", "the run is ended"),
            false => Reply::json(200, &LedgerNoted { nonce }),
        }
    });
    let client = listener.client(proof.pin());
    (listener, client)
}

fn place(client: Client) -> Place {
    Place {
        client: Arc::new(client),
        key: Arc::new(StationKey::generate().unwrap()),
    }
}

/// The document of a note, and its place in the run.
fn kept(note: &LedgerNote) -> (u64, Ledger) {
    let LedgerChange::Keep {
        sequence,
        document_base64,
    } = &note.what
    else {
        panic!("{note:?}");
    };
    let ledger = Ledger::parse(&STANDARD.decode(document_base64).unwrap()).unwrap();
    assert_eq!(ledger.sequence, *sequence);
    (*sequence, ledger)
}

#[test]
fn marks_reach_the_service_and_another_host_goes_on_with_run_seed_and_sequence() {
    let (notes, order) = (Notes::default(), order());
    let (_first, client) = service(&notes, usize::MAX);
    let (start, ledgers) = place(client).start(&order, None).unwrap();
    assert!(start.resumes.is_none());
    let journal = start.journal.clone().unwrap();
    journal.record(&mark(512)).unwrap();
    journal.record(&mark(CAPACITY / 2)).unwrap();
    let note = notes.lock().unwrap().last().unwrap().clone();
    let (sequence, ledger) = kept(&note);
    assert_eq!((sequence, ledger.mark_bytes), (2, CAPACITY / 2));
    assert_eq!(note.drive, key(&order.facts.identity.recorded()));
    assert_eq!(ledgers.unwrap().runs, [note.run]);

    // Another host, from what the service has.
    let found = Found {
        drive: note.drive.clone(),
        run: note.run,
        sequence,
        document: ledger.to_bytes().unwrap(),
    };
    let (_second, client) = service(&notes, usize::MAX);
    let place = place(client);
    let (second, ledgers) = place.start(&order, Some(&found)).unwrap();
    assert_eq!((second.seed.0, second.cipher), (start.seed.0, start.cipher));
    assert_eq!(second.resumes.unwrap().mark, mark(CAPACITY / 2));
    let ledgers = ledgers.unwrap();
    assert_eq!(ledgers.runs, [note.run]);
    second.journal.unwrap().record(&mark(CAPACITY)).unwrap();
    let (sequence, ledger) = kept(notes.lock().unwrap().last().unwrap());
    assert_eq!((sequence, ledger.runs_before), (3, 1));
    place.end(&ledgers.drive, note.run).unwrap();
    let last = notes.lock().unwrap().last().unwrap().clone();
    assert_eq!((last.what, last.run), (LedgerChange::End, note.run));
}

#[test]
fn journal_that_is_closed_takes_no_mark_and_tells_the_service() {
    let notes = Notes::default();
    let (_listener, client) = service(&notes, usize::MAX);
    let (start, _) = place(client).start(&order(), None).unwrap();
    let journal = start.journal.unwrap();
    journal.record(&mark(512)).unwrap();
    journal.close().unwrap();
    journal.record(&mark(1024)).unwrap_err();
    let notes = notes.lock().unwrap();
    assert_eq!(notes.len(), 2);
    assert_eq!(notes[1].what, LedgerChange::End);
}

/// The words go into a report, and the workshop's network is nobody's affair.
#[test]
fn service_that_refuses_or_is_away_is_an_error_without_its_address() {
    let notes = Notes::default();
    let (listener, client) = service(&notes, 0);
    let address = listener.address.to_string();
    let (start, _) = place(client).start(&order(), None).unwrap();
    let journal = start.journal.unwrap();
    let refused = journal.record(&mark(512)).unwrap_err().to_string();
    assert!(refused.contains("the run is ended"), "{refused}");
    drop(listener);
    let away = journal.record(&mark(512)).unwrap_err().to_string();
    assert!(away.contains("no answer"), "{away}");
    assert!(!refused.contains(&address) && !away.contains(&address));
    journal.close().unwrap_err();
}

/// Any drive in such a slot would go by its name, on any machine.
#[test]
fn drive_known_by_its_slot_alone_has_no_ledger_at_the_service() {
    let mut order = order();
    order.facts.identity = Identity {
        bus_path: "pci-0/ata1".into(),
        ..Identity::default()
    };
    let (_listener, client) = service(&Notes::default(), 0);
    let found = Found {
        drive: key(&order.facts.identity.recorded()),
        run: Uuid::from_u128(1),
        sequence: 1,
        document: Vec::new(),
    };
    let (start, ledgers) = place(client).start(&order, Some(&found)).unwrap();
    assert!(start.journal.is_none() && start.resumes.is_none() && ledgers.is_none());
}
