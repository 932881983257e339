//! Who is taken for the service.

use crate::service::{BOTH, Listener, Proof, Reply};
use agent::upload::client::{Client, ClientError};
use agent::upload::pin::Pin;
use report::api::ServiceTime;
use rustls::SupportedProtocolVersion;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asks a service with this proof for the time; says also how many requests it read.
fn ask(
    proof: &Proof,
    pin: Pin,
    version: &'static SupportedProtocolVersion,
) -> (Result<(), ClientError>, usize) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::start_at(address, proof, &[version], move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Reply::json(
            200,
            &ServiceTime {
                now: "2026-01-02T03:04:05Z".into(),
            },
        )
    });
    let asked = listener.client(pin).service_time().map(|_| ());
    drop(listener);
    (asked, read.load(Ordering::SeqCst))
}

#[test]
fn the_pinned_certificate_with_its_key_is_accepted_in_both_versions() {
    let proof = Proof::new("raz.example");
    for version in BOTH {
        let (asked, read) = ask(&proof, proof.pin(), version);
        assert!(asked.is_ok(), "{version:?}: {asked:?}");
        assert_eq!(read, 1);
    }
}

#[test]
fn dates_and_names_do_not_matter() {
    let mut expired = rcgen::CertificateParams::new(["elsewhere.example".to_owned()]).unwrap();
    expired.not_before = rcgen::date_time_ymd(1990, 1, 1);
    expired.not_after = rcgen::date_time_ymd(1991, 1, 1);
    let mut future = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    future.not_before = rcgen::date_time_ymd(2090, 1, 1);
    future.not_after = rcgen::date_time_ymd(2091, 1, 1);
    for params in [expired, future] {
        let proof = Proof::from(params);
        for version in BOTH {
            assert!(ask(&proof, proof.pin(), version).0.is_ok(), "{version:?}");
        }
    }
}

#[test]
fn another_certificate_is_refused_and_named() {
    let pinned = Proof::new("raz.example");
    let other = Proof::new("raz.example");
    for version in BOTH {
        let (asked, read) = ask(&other, pinned.pin(), version);
        match asked {
            Err(ClientError::NotTheService { why, .. }) => {
                assert!(why.contains(&other.pin().to_string()), "{why}");
            }
            asked => panic!("{version:?}: {asked:?}"),
        }
        assert_eq!(read, 0, "a request went to someone else");
    }
}

#[test]
fn the_pinned_certificate_with_another_key_is_refused() {
    let pinned = Proof::new("raz.example");
    let thief = pinned.with_key_of(&Proof::new("raz.example"));
    assert_eq!(thief.pin(), pinned.pin());
    for version in BOTH {
        let (asked, read) = ask(&thief, pinned.pin(), version);
        match asked {
            Err(ClientError::NotTheService { why, .. }) => {
                assert!(why.contains("not its key"), "{why}");
            }
            asked => panic!("{version:?}: {asked:?}"),
        }
        assert_eq!(read, 0, "a request went to someone else");
    }
}

#[test]
fn a_service_without_tls_is_refused() {
    let listener = Listener::listen("127.0.0.1:0".parse().unwrap(), |mut stream| {
        let mut hello = [0; 16];
        let _ = stream.read(&mut hello);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
    let asked = listener.client(Pin::of(b"any")).service_time();
    assert!(
        matches!(asked, Err(ClientError::Unreachable { .. })),
        "{asked:?}"
    );
}

#[test]
fn a_host_name_is_looked_up_without_getaddrinfo() {
    let proof = Proof::new("localhost");
    let listener = Listener::start(&proof, |_| Reply::Close);
    let address = format!("https://localhost:{}", listener.address.port());
    let server = agent::upload::client::Server::parse(&address).unwrap();
    // The wrong pin: the refusal shows that the name led to this listener.
    let asked = Client::new(server, Pin::of(b"other"))
        .unwrap()
        .service_time();
    if std::path::Path::new("/etc/resolv.conf").exists() {
        assert!(
            matches!(asked, Err(ClientError::NotTheService { .. })),
            "{asked:?}"
        );
    } else {
        let said = asked.unwrap_err().to_string();
        assert!(said.contains("/etc/resolv.conf"), "{said}");
    }
}
