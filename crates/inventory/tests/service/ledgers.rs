//! Ledgers of erasures under way: who may keep, end and ask, what comes late, what is too much.

use crate::hostile::HOSTILE;
use crate::rig::{Service, Station, read, refused, start};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{
    LEDGER_BYTES_MAX, LEDGER_DRIVES_MAX, LedgerChange, LedgerNote, LedgerNoted, LedgerQuery,
    NAMESPACE_REPORT, NAMESPACE_REQUEST, OpenLedgers, Signed,
};
use reqwest::blocking::Response;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use uuid::Uuid;

const NOTES: &str = "/api/v1/ledgers";
const QUERY: &str = "/api/v1/ledger";

fn drive(number: u8) -> String {
    hex::encode([number; 32])
}

fn sign<T: serde::Serialize>(station: &Station, message: &T) -> Signed {
    station.sign(NAMESPACE_REQUEST, &serde_json::to_vec(message).unwrap())
}

fn note(drive: &str, run: Uuid, what: LedgerChange) -> LedgerNote {
    LedgerNote {
        request: "ledger-note".into(),
        nonce: "n1".into(),
        drive: drive.into(),
        run,
        what,
    }
}

fn keep(drive: &str, run: Uuid, sequence: u64, document: &[u8]) -> LedgerNote {
    let document_base64 = STANDARD.encode(document);
    note(
        drive,
        run,
        LedgerChange::Keep {
            sequence,
            document_base64,
        },
    )
}

fn query(drives: &[String]) -> LedgerQuery {
    LedgerQuery {
        request: "ledger".into(),
        nonce: "n2".into(),
        drives: drives.to_vec(),
    }
}

fn noted(response: Response) {
    let noted: LedgerNoted = read(response, 200);
    assert_eq!(noted.nonce, "n1");
}

/// The open ledgers of these drives as this station hears of them.
fn asked(service: &Service, station: &Station, drives: &[String]) -> OpenLedgers {
    let open: OpenLedgers = read(service.post(QUERY, &sign(station, &query(drives))), 200);
    assert_eq!(open.nonce, "n2");
    open
}

/// The open ledger of a drive: run, sequence, document.
fn open(service: &Service, station: &Station, drive: &str) -> Option<(Uuid, u64, Vec<u8>)> {
    let answer = asked(service, station, &[drive.to_owned()]);
    assert!(answer.left_out.is_empty());
    assert!(answer.ledgers.len() <= 1);
    let ledger = answer.ledgers.into_iter().next()?;
    assert_eq!(ledger.drive, drive);
    let document = STANDARD.decode(ledger.document_base64).unwrap();
    Some((ledger.run, ledger.sequence, document))
}

#[test]
fn another_station_gets_the_ledger_goes_on_with_it_and_ends_it() {
    let (_folder, service) = Service::fresh();
    let (first, second) = (service.accepted(), service.accepted());
    let (run, d) = (Uuid::new_v4(), drive(1));
    let send = |station, message: &LedgerNote| service.post(NOTES, &sign(station, message));
    assert_eq!(open(&service, &second, &d), None);
    noted(send(&first, &keep(&d, run, 1, b"one")));
    noted(send(&first, &keep(&d, run, 2, b"two")));
    assert_eq!(open(&service, &second, &d), Some((run, 2, b"two".to_vec())));
    assert_eq!(open(&service, &second, &drive(2)), None);
    noted(send(&second, &keep(&d, run, 3, b"three")));
    refused(send(&first, &keep(&d, run, 3, b"of the first host")), 409);
    assert_eq!(
        open(&service, &first, &d),
        Some((run, 3, b"three".to_vec()))
    );
    noted(send(&second, &note(&d, run, LedgerChange::End)));
    assert_eq!(open(&service, &first, &d), None);
}

/// Whoever has the bytes of an old note can send them again: they bring nothing back.
#[test]
fn replayed_and_late_notes_bring_nothing_back() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (run, next, d) = (Uuid::new_v4(), Uuid::new_v4(), drive(1));
    let old = sign(&station, &keep(&d, run, 1, b"old"));
    let new = sign(&station, &keep(&d, run, 2, b"new"));
    let end = sign(&station, &note(&d, run, LedgerChange::End));
    noted(service.post(NOTES, &old));
    noted(service.post(NOTES, &new));
    noted(service.post(NOTES, &new));
    refused(service.post(NOTES, &old), 409);
    assert_eq!(open(&service, &station, &d).unwrap().2, b"new");
    noted(service.post(NOTES, &end));
    for late in [&old, &new] {
        refused(service.post(NOTES, late), 409);
    }
    refused(
        service.post(NOTES, &sign(&station, &keep(&d, run, 9, b"late"))),
        409,
    );
    assert_eq!(open(&service, &station, &d), None);

    noted(service.post(NOTES, &sign(&station, &keep(&d, next, 1, b"next run"))));
    noted(service.post(NOTES, &end));
    refused(service.post(NOTES, &new), 409);
    let found = open(&service, &station, &d);
    assert_eq!(found, Some((next, 1, b"next run".to_vec())));
    // The run of one drive says nothing of another.
    refused(
        service.post(NOTES, &sign(&station, &keep(&drive(2), next, 5, b"x"))),
        409,
    );
    refused(
        service.post(
            NOTES,
            &sign(&station, &note(&drive(2), next, LedgerChange::End)),
        ),
        409,
    );
    assert_eq!(open(&service, &station, &d), found);
}

#[test]
fn only_accepted_stations_keep_end_and_ask() {
    let (_folder, service) = Service::fresh();
    let accepted = service.accepted();
    let (run, d) = (Uuid::new_v4(), drive(1));
    noted(service.post(NOTES, &sign(&accepted, &keep(&d, run, 1, b"kept"))));
    let unknown = Station {
        key: report::sign::StationKey::generate().unwrap(),
    };
    let pending = service.pending();
    let revoked = service.accepted();
    service.run(&["station", "revoke", &revoked.key.fingerprint()]);
    for (station, status) in [(&unknown, 401), (&pending, 403), (&revoked, 403)] {
        for message in [
            keep(&d, run, 2, b"replaced"),
            keep(&d, Uuid::new_v4(), 1, b"replaced"),
            note(&d, run, LedgerChange::End),
        ] {
            refused(service.post(NOTES, &sign(station, &message)), status);
        }
        let response = service.post(QUERY, &sign(station, &query(std::slice::from_ref(&d))));
        refused(response, status);
    }
    let found = open(&service, &accepted, &d);
    assert_eq!(found, Some((run, 1, b"kept".to_vec())));
}

#[test]
fn signatures_of_other_messages_are_no_notes_and_no_queries() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let message = keep(&drive(1), Uuid::new_v4(), 1, b"x");
    let bytes = serde_json::to_vec(&message).unwrap();
    refused(
        service.post(NOTES, &station.sign(NAMESPACE_REPORT, &bytes)),
        401,
    );
    let mut changed = sign(&station, &message);
    changed.bytes_base64 = sign(&station, &keep(&drive(2), Uuid::new_v4(), 1, b"x")).bytes_base64;
    refused(service.post(NOTES, &changed), 401);
    refused(service.post(NOTES, &sign(&station, &query(&[]))), 422);
    refused(service.post(NOTES, &station.ask("m")), 422);
    refused(service.post(QUERY, &sign(&station, &message)), 422);
    refused(service.post(QUERY, &station.query()), 422);
    for (request, path) in [("ledger", NOTES), ("ledger-note", QUERY)] {
        let wrong = json!({ "request": request, "nonce": "n", "drives": [], "drive": drive(1),
            "run": Uuid::new_v4(), "what": "end" });
        refused(service.post(path, &sign(&station, &wrong)), 422);
    }
}

#[test]
fn malformed_and_hostile_notes_are_refused_and_logged_nowhere() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let fine = json!({ "request": "ledger-note", "nonce": "n1", "drive": drive(1),
        "run": Uuid::new_v4(), "what": { "keep": { "sequence": 1, "document_base64": "eA==" } } });
    for (pointer, value) in [
        ("/drive", json!(HOSTILE)),
        ("/drive", json!(drive(0xab).to_uppercase())),
        ("/drive", json!("ab")),
        ("/drive", json!(null)),
        ("/run", json!(HOSTILE)),
        ("/what", json!(HOSTILE)),
        ("/what/keep/sequence", json!(-1)),
        ("/what/keep/sequence", json!(1_u64 << 63)),
        ("/what/keep/document_base64", json!(HOSTILE)),
        ("/what/keep/document_base64", json!("")),
    ] {
        let mut wrong = fine.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let problem = refused(service.post(NOTES, &sign(&station, &wrong)), 422);
        assert!(!problem.detail.contains("DROP"), "{problem:?}");
    }
    for drives in [
        vec![HOSTILE.to_owned()],
        vec![drive(1); LEDGER_DRIVES_MAX + 1],
    ] {
        refused(service.post(QUERY, &sign(&station, &query(&drives))), 422);
    }
    // A document is anything: it comes back as it was.
    noted(service.post(
        NOTES,
        &sign(
            &station,
            &keep(&drive(1), Uuid::new_v4(), 1, HOSTILE.as_bytes()),
        ),
    ));
    let found = open(&service, &station, &drive(1)).unwrap();
    assert_eq!(found.2, HOSTILE.as_bytes());
    for page in ["/", "/stations"] {
        assert!(!service.page(page).contains("DROP"), "{page}");
    }
    assert!(!service.log().contains("DROP"), "{}", service.log());
}

#[test]
fn largest_ledgers_are_kept_and_an_answer_is_bounded() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let drives: Vec<String> = (1..=6).map(drive).collect();
    let largest = vec![0xee; LEDGER_BYTES_MAX];
    for drive in &drives {
        noted(service.post(
            NOTES,
            &sign(&station, &keep(drive, Uuid::new_v4(), 1, &largest)),
        ));
    }
    for excess in [1, LEDGER_BYTES_MAX, 40 << 20] {
        let too_large = vec![0xee; LEDGER_BYTES_MAX + excess];
        let message = keep(&drives[0], Uuid::new_v4(), 2, &too_large);
        refused(service.post(NOTES, &sign(&station, &message)), 413);
    }
    let first = asked(&service, &station, &drives);
    let named: Vec<_> = first.ledgers.iter().map(|ledger| &ledger.drive).collect();
    assert_eq!(named, drives[..4].iter().collect::<Vec<_>>());
    assert_eq!(first.left_out, drives[4..]);
    let rest = asked(&service, &station, &first.left_out);
    assert_eq!((rest.ledgers.len(), rest.left_out.len()), (2, 0));
    for ledger in first.ledgers.iter().chain(&rest.ledgers) {
        assert_eq!(STANDARD.decode(&ledger.document_base64).unwrap(), largest);
    }
}

/// What the killed service had acknowledged of each drive is there, or something newer.
#[test]
fn killed_service_has_every_acknowledged_ledger() {
    const DRIVES: u8 = 4;
    let (folder, mut service) = Service::fresh();
    let station = service.accepted();
    let runs: Vec<Uuid> = (0..DRIVES).map(|_| Uuid::new_v4()).collect();
    let acknowledged = Mutex::new(HashMap::<u8, u64>::new());
    let mut begin = 1;
    for round in 0..6 {
        let killed = AtomicBool::new(false);
        let (sender, receiver) = channel();
        let address = service.url(NOTES);
        std::thread::scope(|scope| {
            for number in 0..DRIVES {
                let sender = sender.clone();
                let (client, address, station) = (service.client(), &address, &station);
                let (acknowledged, killed, run) =
                    (&acknowledged, &killed, runs[usize::from(number)]);
                scope.spawn(move || {
                    for sequence in begin.. {
                        if killed.load(Ordering::SeqCst) {
                            return;
                        }
                        let document = format!("{sequence} {}", "x".repeat(100_000));
                        let message = keep(&drive(number), run, sequence, document.as_bytes());
                        let sent = client.post(address).json(&sign(station, &message)).send();
                        let Ok(response) = sent else { return };
                        let status = response.status().as_u16();
                        if response.bytes().is_err() {
                            return;
                        }
                        assert_eq!(status, 200);
                        acknowledged.lock().unwrap().insert(number, sequence);
                        let _ = sender.send(());
                    }
                });
            }
            for _ in 0..=round * 3 {
                receiver.recv().unwrap();
            }
            service.kill();
            killed.store(true, Ordering::SeqCst);
        });
        service = start(folder.path());
        let acknowledged = acknowledged.lock().unwrap();
        for (number, at_least) in &*acknowledged {
            let (run, sequence, document) = open(&service, &station, &drive(*number)).unwrap();
            assert_eq!(run, runs[usize::from(*number)]);
            assert!(sequence >= *at_least, "{sequence} {at_least}");
            assert!(document.starts_with(format!("{sequence} x").as_bytes()));
            assert_eq!(document.len(), 100_001 + sequence.to_string().len());
        }
        begin += 1_000_000;
    }
    assert!(acknowledged.into_inner().unwrap().len() > 1);
}
