//! Uploads: what is refused and why, retries, and what is stored.

use crate::rig::{Service, Station, read, receipt, refused};
use report::api::{BODY_BYTES_MAX, NAMESPACE_REQUEST, ServiceTime};
use report::receipt::open_for_report;
use report::sign::StationKey;
use std::io::Read;

#[test]
fn report_is_stored_untouched_and_answered_by_a_chained_receipt() {
    let (_folder, service) = Service::fresh();
    let (station, key) = (service.accepted(), service.key());
    for number in 1..=3 {
        let (id, report) = station.report();
        // Odd spacing: what comes back must be these bytes, not their meaning.
        let bytes = format!("{}\n\n ", serde_json::to_string_pretty(&report).unwrap());
        let signed = station.sign_report(bytes.as_bytes());
        let first = receipt(service.upload(&signed), 201);
        let read = open_for_report(&first, &key, id, bytes.as_bytes()).unwrap();
        assert_eq!(read.number, number);
        assert_eq!(read.station_fingerprint, station.key.fingerprint());
        assert_eq!(service.stored(id), bytes.as_bytes());
        assert_eq!(receipt(service.upload(&signed), 200), first);
    }
    assert!(
        service
            .run(&["receipts", "verify"])
            .starts_with("receipts verified: 3,")
    );
    let time: ServiceTime = read(service.get("/api/v1/time"), 200);
    time.now.parse::<jiff::Timestamp>().unwrap();
}

#[test]
fn same_id_with_other_bytes_is_a_conflict_and_changes_nothing() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, mut report) = station.report();
    let bytes = report.to_string();
    let first = receipt(service.upload(&station.sign_report(bytes.as_bytes())), 201);
    report["lot"] = "other".into();
    refused(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        409,
    );
    let other = service.accepted();
    report["station"]["key_fingerprint"] = other.key.fingerprint().into();
    refused(
        service.upload(&other.sign_report(report.to_string().as_bytes())),
        409,
    );
    assert_eq!(service.stored(id), bytes.as_bytes());
    assert_eq!(
        receipt(service.upload(&station.sign_report(bytes.as_bytes())), 200),
        first
    );
}

#[test]
fn same_report_sent_many_times_at_once_has_one_receipt() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let signed = station.sign_report(station.report().1.to_string().as_bytes());
    let answers: Vec<_> = std::thread::scope(|scope| {
        let sending: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let response = service.upload(&signed);
                    (response.status().as_u16(), response.text().unwrap())
                })
            })
            .collect();
        sending.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(
        answers.iter().filter(|(status, _)| *status == 201).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|(status, _)| *status == 200).count(),
        5,
        "{answers:?}"
    );
    assert!(
        answers.iter().all(|(_, text)| *text == answers[0].1),
        "{answers:?}"
    );
    assert!(
        service
            .run(&["receipts", "verify"])
            .starts_with("receipts verified: 1,")
    );
}

#[test]
fn unsigned_and_wrongly_signed_reports_are_refused() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let bytes = station.report().1.to_string().into_bytes();

    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() = b' ';
    let mut signed = station.sign_report(&bytes);
    signed.bytes_base64 = station.sign_report(&changed).bytes_base64;
    refused(service.upload(&signed), 401);
    refused(
        service.upload(&station.sign(NAMESPACE_REQUEST, &bytes)),
        401,
    );
    let stranger = Station {
        key: StationKey::generate().unwrap(),
    };
    refused(service.upload(&stranger.sign_report(&bytes)), 401);
    let mut signed = station.sign_report(&bytes);
    signed.signature = "-----BEGIN SSH SIGNATURE-----".into();
    refused(service.upload(&signed), 401);

    let pending = service.pending();
    let report = pending.report().1.to_string();
    let problem = refused(service.upload(&pending.sign_report(report.as_bytes())), 403);
    assert!(problem.detail.contains("pending"), "{problem:?}");
    service.run(&["station", "revoke", &station.key.fingerprint()]);
    let problem = refused(service.upload(&station.sign_report(&bytes)), 403);
    assert!(problem.detail.contains("revoked"), "{problem:?}");
    assert!(
        service
            .run(&["receipts", "verify"])
            .starts_with("receipts verified: 0,")
    );
}

#[test]
fn signed_bytes_that_are_no_report_are_refused() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (_, good) = station.report();
    let changed = |pointer: &str, value: serde_json::Value| {
        let mut report = good.clone();
        *report.pointer_mut(pointer).unwrap() = value;
        report.to_string().into_bytes()
    };
    let cases = [
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"\xff\xfe".to_vec(),
        "[".repeat(100_000).into_bytes(),
        good.to_string()
            .replace("\"mode\"", "\"mood\"")
            .into_bytes(),
        changed("/schema", "raz-report@v2".into()),
        changed("/report_id", "not-a-uuid".into()),
        changed("/drives/0/erasure/outcome", "erased".into()),
        changed("/drives/0/capacity_bytes", (-1).into()),
        changed("/station/key_fingerprint", "SHA256:other".into()),
    ];
    for bytes in cases {
        refused(service.upload(&station.sign_report(&bytes)), 422);
    }
    for body in ["", "{", "null", "\"x\"", "{\"bytes_base64\":1}"] {
        let sent = service
            .client()
            .post(service.url("/api/v1/reports"))
            .body(body)
            .send();
        refused(sent.unwrap(), 422);
    }
    let sent = station.sign_report(good.to_string().as_bytes());
    receipt(service.upload(&sent), 201);
}

/// `length` bytes that are never in memory at once.
struct Long {
    length: u64,
}

impl Read for Long {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let take = buffer.len().min(usize::try_from(self.length).unwrap());
        buffer[..take].fill(b' ');
        self.length -= take as u64;
        Ok(take)
    }
}

#[test]
fn body_of_100_megabytes_is_refused_without_being_kept() {
    let (_folder, service) = Service::fresh();
    let peak_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap()
            .to_owned();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let before = peak_kib();
    let length = 100_000_000;
    for body in [
        reqwest::blocking::Body::sized(Long { length }, length),
        reqwest::blocking::Body::new(Long { length }),
    ] {
        let sent = service
            .client()
            .post(service.url("/api/v1/reports"))
            .body(body)
            .send();
        refused(sent.unwrap(), 413);
    }
    let grown = (peak_kib() - before) << 10;
    assert!(
        grown < 4 * BODY_BYTES_MAX,
        "the service grew by {grown} bytes"
    );
    refused(service.post("/api/v1/enrol", &"x".repeat(100_000)), 413);
}

#[test]
fn body_cut_off_half_way_leaves_the_service_working() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let body = reqwest::blocking::Body::sized(Long { length: 10 }, 1000);
    assert!(
        service
            .client()
            .post(service.url("/api/v1/reports"))
            .body(body)
            .send()
            .is_err()
    );
    let signed = station.sign_report(station.report().1.to_string().as_bytes());
    receipt(service.upload(&signed), 201);
}

#[test]
fn log_names_reports_and_keys_and_nothing_that_a_report_says() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, report) = station.report();
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    let log = service.log();
    assert!(
        log.contains(&id.to_string()) && log.contains(&station.key.fingerprint()),
        "{log}"
    );
    for secret in ["PF0TEST1", "S3TEST0001", "Camille", "DON-2026-014"] {
        assert!(!log.contains(secret), "{log}");
    }
}
