//! What the client makes of answers.

use crate::service::{Book, Listener, Proof, Reply, Request, report};
use agent::arguments::Secret;
use agent::upload::client::{Client, ClientError, Posted, Server};
use agent::upload::pin::Pin;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{Arming, ArmingQuery, Enrol, NAMESPACE_REQUEST, Signed, StationState};
use report::sign::{self, StationKey};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

fn key() -> StationKey {
    StationKey::generate().unwrap()
}

/// A client of a service that answers every request so.
fn answering(answer: impl FnMut(Request) -> Reply + Send + 'static) -> (Listener, Client) {
    let proof = Proof::new("raz.example");
    let listener = Listener::start(&proof, answer);
    let client = listener.client(proof.pin());
    (listener, client)
}

#[test]
fn addresses_are_https_and_bare() {
    for good in [
        "https://h",
        "https://h:8443",
        "https://[::1]:8443/",
        "https://10.0.2.2:1",
    ] {
        assert!(Server::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "http://h",
        "h:8443",
        "https://",
        "https://u@h",
        "https://u:p@h",
        "https://h/x",
        "https://h?q",
        "https://h#f",
        "ftp://h",
        "",
    ] {
        let error = Server::parse(bad).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the service's address must be https://host:port",
            "{bad}"
        );
    }
}

#[test]
fn enrolment_sends_token_and_key_and_learns_the_receipt_key() {
    let key = key();
    let book = Book::new(&key);
    let status = book.lock().unwrap().status();
    let seen = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&seen);
    let answer = status.clone();
    let (_listener, client) = answering(move |request| {
        let body: Enrol = serde_json::from_slice(&request.body).unwrap();
        *keep.lock().unwrap() = Some((request.method, request.path, body));
        Reply::json(201, &answer)
    });
    assert!(client.service_key().is_none());
    let got = client
        .enrol(&Secret::new("t0ken".into()), "bench", &key)
        .unwrap();
    assert_eq!(got, status);
    let (method, path, body) = seen.lock().unwrap().take().unwrap();
    assert_eq!((method.as_str(), path.as_str()), ("POST", "/api/v1/enrol"));
    assert_eq!(
        (body.token.as_str(), body.name.as_str()),
        ("t0ken", "bench")
    );
    assert_eq!(body.public_key, key.public_line("bench"));
    assert_eq!(
        client.service_key().as_ref(),
        Some(book.lock().unwrap().key.public())
    );
}

#[test]
fn a_service_that_quotes_the_token_does_not_bring_it_to_the_screen() {
    for status in [403, 503] {
        let (_listener, client) = answering(move |_| {
            Reply::problem(status, "token t0psecret", "token t0psecret was used")
        });
        let error = client
            .enrol(&Secret::new("t0psecret".into()), "b", &key())
            .unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains("(token) was used"), "{said}");
        assert!(!said.contains("t0psecret"), "{said}");
    }
}

#[test]
fn a_state_of_another_station_is_refused() {
    let other = Book::new(&key());
    let (_listener, client) = answering(move |_| Reply::json(200, &other.lock().unwrap().status()));
    assert!(matches!(
        client.station(&key()),
        Err(ClientError::Answer { .. })
    ));
    assert!(client.service_key().is_none());
}

#[test]
fn the_receipt_key_does_not_change_after_the_first_contact() {
    let key = key();
    let mut books = vec![Book::new(&key), Book::new(&key)];
    let first = books[1].lock().unwrap().key.public().clone();
    let (_listener, client) =
        answering(move |_| Reply::json(200, &books.pop().unwrap().lock().unwrap().status()));
    assert_eq!(client.station(&key).unwrap().state, StationState::Accepted);
    assert!(matches!(
        client.station(&key),
        Err(ClientError::Answer { .. })
    ));
    assert_eq!(client.service_key(), Some(first));
}

/// A service that reads a signed arming query and lets the test forge the answer.
fn arming(
    forge: impl Fn(&ArmingQuery) -> Arming + Send + 'static,
) -> (Result<Arming, ClientError>, Vec<ArmingQuery>) {
    let key = key();
    let public = key.public().clone();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&asked);
    let (listener, client) = answering(move |request| {
        let signed: Signed = serde_json::from_slice(&request.body).unwrap();
        let bytes = STANDARD.decode(signed.bytes_base64).unwrap();
        sign::verify(&public, NAMESPACE_REQUEST, &bytes, &signed.signature).unwrap();
        let query: ArmingQuery = serde_json::from_slice(&bytes).unwrap();
        let answer = forge(&query);
        keep.lock().unwrap().push(query);
        Reply::json(200, &answer)
    });
    let _ = client.arming(&key, "uuid-1", 4);
    let answer = client.arming(&key, "uuid-1", 4);
    drop(listener);
    let asked = asked.lock().unwrap().clone();
    (answer, asked)
}

fn armed(query: &ArmingQuery) -> Arming {
    Arming {
        armed: true,
        nonce: query.nonce.clone(),
        machine: query.machine.clone(),
        until: Some("2026-01-02T03:04:05Z".into()),
        seconds_left: Some(60),
        reason: None,
        code: None,
    }
}

#[test]
fn an_arming_for_this_question_is_taken_and_no_nonce_is_used_twice() {
    let (answer, asked) = arming(armed);
    assert!(answer.unwrap().armed);
    assert_eq!((asked[0].machine.as_str(), asked[0].drives), ("uuid-1", 4));
    assert_eq!(asked[0].nonce.len(), 64);
    assert_ne!(asked[0].nonce, asked[1].nonce);
}

#[test]
fn an_arming_for_another_question_or_without_an_end_is_none() {
    type Forge = fn(&ArmingQuery) -> Arming;
    let forged: [Forge; 5] = [
        |q| Arming {
            nonce: "0".repeat(64),
            ..armed(q)
        },
        |q| Arming {
            machine: "uuid-2".into(),
            ..armed(q)
        },
        |q| Arming {
            seconds_left: None,
            ..armed(q)
        },
        |q| Arming {
            seconds_left: Some(0),
            ..armed(q)
        },
        |q| Arming {
            until: None,
            ..armed(q)
        },
    ];
    for forge in forged {
        let (answer, _) = arming(forge);
        assert!(
            matches!(answer, Err(ClientError::Answer { .. })),
            "{answer:?}"
        );
    }
}

#[test]
fn an_unarmed_answer_brings_its_reason() {
    let (answer, _) = arming(|q| Arming {
        armed: false,
        until: None,
        seconds_left: None,
        reason: Some("nobody armed".into()),
        ..armed(q)
    });
    let answer = answer.unwrap();
    assert!(!answer.armed);
    assert_eq!(answer.reason.as_deref(), Some("nobody armed"));
}

#[test]
fn redirects_are_not_followed() {
    let followed = Arc::new(Mutex::new(0));
    let count = Arc::clone(&followed);
    let (listener, client) = answering(move |request| {
        *count.lock().unwrap() += 1;
        assert_eq!(request.path, "/api/v1/time");
        Reply::Header {
            status: 302,
            header: "Location: /elsewhere".into(),
        }
    });
    let answer = client.service_time();
    drop(listener);
    assert!(
        matches!(&answer, Err(ClientError::Refused { problem, .. }) if problem.status == 302),
        "{answer:?}"
    );
    assert_eq!(*followed.lock().unwrap(), 1);
}

#[test]
fn answers_are_bounded_whole_and_of_the_right_kind() {
    let (_l, client) = answering(|_| Reply::Answer {
        status: 200,
        body: vec![b' '; 2 << 20],
    });
    assert!(matches!(
        client.service_time(),
        Err(ClientError::Answer { .. })
    ));
    let (_l, client) = answering(|_| Reply::Truncated {
        body: b"{\"now\":\"2026-01-02T03:04:05Z\"}".to_vec(),
    });
    assert!(matches!(
        client.service_time(),
        Err(ClientError::Unreachable { .. })
    ));
    let (_l, client) = answering(|_| Reply::Close);
    assert!(matches!(
        client.service_time(),
        Err(ClientError::Unreachable { .. })
    ));
    for body in ["", "[]", "{\"now\":\"yesterday\"}"] {
        let (_l, client) = answering(move |_| Reply::Answer {
            status: 200,
            body: body.into(),
        });
        assert!(
            matches!(client.service_time(), Err(ClientError::Answer { .. })),
            "{body}"
        );
    }
}

#[test]
fn the_clock_of_the_service_is_read() {
    let (_l, client) = answering(|request| {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("GET", "/api/v1/time")
        );
        Reply::Answer {
            status: 200,
            body: b"{\"now\":\"2026-01-02T03:04:05Z\"}".to_vec(),
        }
    });
    assert_eq!(
        client.service_time().unwrap().to_string(),
        "2026-01-02T03:04:05Z"
    );
}

/// Posts one report to a service that answers so.
fn posted(answer: impl Fn(&mut Book, &Request) -> Reply + Send + 'static) -> Posted {
    let key = key();
    let book = Book::new(&key);
    let service_key = book.lock().unwrap().key.public().clone();
    let (_listener, client) = answering(move |request| answer(&mut book.lock().unwrap(), &request));
    let client = client.with_service_key(service_key);
    let id = Uuid::new_v4();
    let (bytes, signature) = report(&key, id);
    client.post_report(id, &bytes, &signature)
}

#[test]
fn a_receipt_that_holds_is_accepted() {
    match posted(Book::take) {
        Posted::Accepted { receipt, .. } => assert_eq!(receipt.number, 1),
        posted => panic!("{posted:?}"),
    }
}

#[test]
fn what_can_be_tried_again_is_told_from_what_a_person_must_see() {
    let pending = "the key SHA256:x is pending: compare it on both screens, then accept it";
    for (status, detail) in [(500, "x"), (503, "x"), (429, "x"), (403, pending)] {
        let posted = posted(move |_, _| Reply::problem(status, "title", detail));
        assert!(
            matches!(posted, Posted::Retry { .. }),
            "{status}: {posted:?}"
        );
    }
    let revoked = "the key SHA256:x is revoked: enrol with a new key";
    for (status, detail) in [
        (401, "x"),
        (403, revoked),
        (404, "x"),
        (409, pending),
        (413, "x"),
        (422, "x"),
    ] {
        match posted(move |_, _| Reply::problem(status, "title", detail)) {
            Posted::Refused {
                status: got,
                problem,
            } => {
                assert_eq!(got, status);
                assert!(problem.english.contains(detail), "{problem:?}");
            }
            posted => panic!("{status}: {posted:?}"),
        }
    }
    let lost = posted(|_, _| Reply::Close);
    assert!(matches!(lost, Posted::Retry { .. }), "{lost:?}");
}

#[test]
fn a_receipt_that_does_not_hold_is_no_receipt() {
    let by_another_key = posted(|book, request| {
        book.key = key();
        book.take(request)
    });
    let for_another_report = posted(|book, _| {
        let station = key();
        book.station = station.public().clone();
        let (bytes, signature) = report(&station, Uuid::new_v4());
        let body = Signed {
            bytes_base64: STANDARD.encode(bytes),
            signature,
        };
        book.take(&Request {
            method: "POST".into(),
            path: "/api/v1/reports".into(),
            body: serde_json::to_vec(&body).unwrap(),
        })
    });
    let no_receipt = posted(|_, _| Reply::json(201, &"stored"));
    for posted in [by_another_key, for_another_report, no_receipt] {
        assert!(
            matches!(posted, Posted::Refused { status: 200, .. }),
            "{posted:?}"
        );
    }
}

#[test]
fn before_enrolment_nothing_is_sent() {
    let (_listener, client) = answering(|_| panic!("a report was sent"));
    let id = Uuid::new_v4();
    let (bytes, signature) = report(&key(), id);
    assert!(matches!(
        client.post_report(id, &bytes, &signature),
        Posted::Retry { .. }
    ));
}

#[test]
fn a_report_that_the_service_would_not_read_is_not_sent() {
    let (_listener, client) = answering(|_| panic!("a report was sent"));
    let client = client.with_service_key(key().public().clone());
    let bytes = vec![0; (16 << 20) + 1];
    let posted = client.post_report(Uuid::new_v4(), &bytes, "");
    assert!(
        matches!(posted, Posted::Refused { status: 413, .. }),
        "{posted:?}"
    );
}

#[test]
fn nobody_there_is_unreachable() {
    let listener = Listener::listen("127.0.0.1:0".parse().unwrap(), drop);
    let client = listener.client(Pin::of(b"x"));
    drop(listener);
    let error = client.service_time().unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
}
