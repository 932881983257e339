//! What the client makes of the service's answers about ledgers.

use crate::service::{Listener, Proof, Reply, Request};
use agent::upload::client::{Client, ClientError};
use agent::upload::ledgers::Found;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{
    LEDGER_BYTES_MAX, LedgerChange, LedgerNote, LedgerNoted, LedgerQuery, NAMESPACE_REQUEST,
    OpenLedger, OpenLedgers, Signed,
};
use report::sign::{self, StationKey};
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

fn key() -> StationKey {
    StationKey::generate().unwrap()
}

fn answering(answer: impl FnMut(Request) -> Reply + Send + 'static) -> (Listener, Client) {
    let proof = Proof::new("raz.example");
    let listener = Listener::start(&proof, answer);
    let client = listener.client(proof.pin());
    (listener, client)
}

/// The message in a request whose signature holds.
fn message<T: DeserializeOwned>(key: &StationKey, request: &Request) -> T {
    let signed: Signed = serde_json::from_slice(&request.body).unwrap();
    let bytes = STANDARD.decode(&signed.bytes_base64).unwrap();
    sign::verify(key.public(), NAMESPACE_REQUEST, &bytes, &signed.signature).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn ledger(drive: &str, document: &[u8]) -> OpenLedger {
    OpenLedger {
        drive: drive.into(),
        run: Uuid::from_u128(7),
        sequence: 3,
        document_base64: STANDARD.encode(document),
    }
}

fn drives(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:064x}")).collect()
}

#[test]
fn notes_are_signed_and_the_answer_is_to_this_note() {
    let key = key();
    let (run, theirs) = (Uuid::from_u128(5), key.public().clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let mut answers = 0;
    let (_listener, client) = answering(move |request| {
        let signed: Signed = serde_json::from_slice(&request.body).unwrap();
        let bytes = STANDARD.decode(&signed.bytes_base64).unwrap();
        sign::verify(&theirs, NAMESPACE_REQUEST, &bytes, &signed.signature).unwrap();
        let note: LedgerNote = serde_json::from_slice(&bytes).unwrap();
        let nonce = note.nonce.clone();
        keep.lock().unwrap().push((request.path, note));
        answers += 1;
        Reply::json(
            200,
            &LedgerNoted {
                nonce: if answers < 3 { nonce } else { "old".into() },
            },
        )
    });
    client.keep_ledger(&key, "d", run, 4, b"doc").unwrap();
    client.end_ledger(&key, "d", run).unwrap();
    for stale in [
        client.keep_ledger(&key, "d", run, 5, b"doc"),
        client.end_ledger(&key, "d", run),
    ] {
        assert!(matches!(stale, Err(ClientError::Answer { .. })));
    }
    let seen = seen.lock().unwrap();
    let document_base64 = STANDARD.encode(b"doc");
    let kept = LedgerChange::Keep {
        sequence: 4,
        document_base64,
    };
    for ((path, note), what) in seen.iter().zip([kept, LedgerChange::End]) {
        assert_eq!(path, "/api/v1/ledgers");
        assert_eq!(
            (note.request.as_str(), note.drive.as_str(), note.run),
            ("ledger-note", "d", run)
        );
        assert_eq!(note.what, what);
    }
    assert_ne!(seen[0].1.nonce, seen[1].1.nonce);
}

#[test]
fn every_drive_is_asked_for_until_no_ledger_is_left_out() {
    let key = Arc::new(key());
    let theirs = Arc::clone(&key);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&asked);
    let (_listener, client) = answering(move |request| {
        assert_eq!(request.path, "/api/v1/ledger");
        let query: LedgerQuery = message(&theirs, &request);
        keep.lock().unwrap().push(query.drives.len());
        // Two fit into an answer; of every third drive there is none.
        let mut with = query.drives.iter().filter(|drive| !drive.ends_with('3'));
        let ledgers: Vec<_> = with.by_ref().take(2).map(|d| ledger(d, b"x")).collect();
        Reply::json(
            200,
            &OpenLedgers {
                nonce: query.nonce,
                ledgers,
                left_out: with.cloned().collect(),
            },
        )
    });
    let drives = drives(70);
    let found = client.open_ledgers(&key, &drives).unwrap();
    let wanted: Vec<_> = drives.iter().filter(|d| !d.ends_with('3')).collect();
    assert_eq!(found.iter().map(|f| &f.drive).collect::<Vec<_>>(), wanted);
    assert_eq!(
        found[0],
        Found {
            drive: drives[0].clone(),
            run: Uuid::from_u128(7),
            sequence: 3,
            document: b"x".to_vec(),
        }
    );
    assert_eq!(asked.lock().unwrap()[0], 64);
}

#[test]
fn answers_that_do_not_fit_the_question_are_none() {
    let key = Arc::new(key());
    let drives = drives(2);
    type Answer = fn(&[String]) -> (Vec<OpenLedger>, Vec<String>);
    let answers: [Answer; 6] = [
        |_| (vec![ledger(&"ee".repeat(32), b"x")], vec![]),
        |asked| (vec![ledger(&asked[0], b"x"); 2], vec![]),
        |asked| (vec![ledger(&asked[0], b"x")], vec![asked[0].clone()]),
        |asked| (vec![], asked.to_vec()),
        |asked| {
            let document = vec![0; LEDGER_BYTES_MAX + 1];
            (vec![ledger(&asked[0], &document)], vec![])
        },
        |asked| {
            let mut wrong = ledger(&asked[0], b"x");
            wrong.document_base64 = "!".into();
            (vec![wrong], vec![])
        },
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let theirs = Arc::clone(&key);
        let (_listener, client) = answering(move |request| {
            let query: LedgerQuery = message(&theirs, &request);
            let (ledgers, left_out) = answer(&query.drives);
            let nonce = query.nonce;
            Reply::json(
                200,
                &OpenLedgers {
                    nonce,
                    ledgers,
                    left_out,
                },
            )
        });
        let error = client.open_ledgers(&key, &drives).unwrap_err();
        assert!(
            matches!(error, ClientError::Answer { .. }),
            "{number}: {error}"
        );
    }
    let (_listener, client) = answering(|_| {
        Reply::json(
            200,
            &OpenLedgers {
                nonce: "of another".into(),
                ledgers: vec![],
                left_out: vec![],
            },
        )
    });
    let error = client.open_ledgers(&key, &drives).unwrap_err();
    assert!(matches!(error, ClientError::Answer { .. }), "{error}");
    let (_listener, client) = answering(|_| Reply::Answer {
        status: 200,
        body: vec![b' '; 9 << 20],
    });
    let error = client.open_ledgers(&key, &drives).unwrap_err();
    assert!(error.to_string().contains("more than"), "{error}");
}
