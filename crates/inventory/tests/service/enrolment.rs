//! Folder, tokens, stations, arming.

use crate::rig::{Service, Station, armed, client, read, refused, start};
use report::api::{Enrol, NAMESPACE_REPORT, NotArmed, Signed, StationState, StationStatus};
use report::sign::StationKey;
use std::os::unix::fs::PermissionsExt;

fn state(service: &Service, station: &Station) -> StationState {
    let status: StationStatus = read(service.post("/api/v1/station", &station.query()), 200);
    status.state
}

#[test]
fn folder_is_private_and_kept_over_a_restart() {
    let (folder, service) = Service::fresh();
    let mode = |name: &str| {
        let path = folder.path().join("data").join(name);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("tls.pem"), 0o600);
    assert_eq!(mode("receipt_key"), 0o600);
    assert_eq!(service.pin.len(), 64);
    assert_eq!(service.run(&["pin"]), service.pin);
    let before = (service.pin.clone(), service.service_key.clone());
    drop(service);
    let service = start(folder.path());
    assert_eq!((service.pin.clone(), service.service_key.clone()), before);
    assert!(
        client(&"0".repeat(64))
            .get(service.url("/"))
            .send()
            .is_err(),
        "another pin"
    );
}

#[test]
fn commands_never_make_a_folder() {
    let (folder, service) = Service::fresh();
    let elsewhere = folder.path().join("mistyped");
    for command in [
        &["token", "new"][..],
        &["arm", "--until", "+1h", "--max-machines", "1"],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_raz-inventory"))
            .args(command)
            .arg("--data")
            .arg(&elsewhere)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("mistyped"),
            "{output:?}"
        );
    }
    assert!(!elsewhere.exists());
    assert_eq!(
        service
            .command(&["token", "new", "--hours", "25"])
            .status
            .code(),
        Some(2)
    );
    let none = ["arm", "--until", "+1h", "--max-machines", "0"];
    assert_eq!(service.command(&none).status.code(), Some(2));
}

#[test]
fn token_enrols_once_and_is_stored_and_logged_nowhere() {
    let (folder, service) = Service::fresh();
    let (a, b) = (
        StationKey::generate().unwrap(),
        StationKey::generate().unwrap(),
    );
    let (a, b) = (Station { key: a }, Station { key: b });
    let token = service.run(&["token", "new", "--hours", "1"]);
    let first: StationStatus = read(service.enrol(&a, &token), 201);
    assert_eq!(
        (first.name.as_str(), first.state),
        ("banc-2", StationState::Pending)
    );
    let again: StationStatus = read(service.enrol(&a, &token), 201);
    assert_eq!(again, first, "a retry after a lost answer");
    refused(service.enrol(&b, &token), 403);
    refused(service.enrol(&b, "no such token"), 403);
    let wrong = Enrol {
        token: token.clone(),
        public_key: "no key".into(),
        name: "x".into(),
    };
    refused(service.post("/api/v1/enrol", &wrong), 422);
    refused(service.post("/api/v1/enrol", &token), 422);

    let listed = service.run(&["station", "list"]);
    assert!(listed.contains(&a.key.fingerprint()) && !listed.contains(&b.key.fingerprint()));
    assert!(!service.log().contains(&token), "{}", service.log());
    for file in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes
            .windows(token.len())
            .any(|window| window == token.as_bytes());
        assert!(!found, "the token is in {}", path.display());
    }
}

#[test]
fn one_token_used_by_two_keys_at_once_enrols_one() {
    let (_folder, service) = Service::fresh();
    let token = service.run(&["token", "new"]);
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let enrolling: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let station = Station {
                        key: StationKey::generate().unwrap(),
                    };
                    service.enrol(&station, &token).status().as_u16()
                })
            })
            .collect();
        enrolling
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 403).count(),
        5,
        "{statuses:?}"
    );
}

#[test]
fn station_is_pending_then_accepted_then_revoked_for_good() {
    let (_folder, service) = Service::fresh();
    let station = service.pending();
    let fingerprint = station.key.fingerprint();
    assert_eq!(state(&service, &station), StationState::Pending);
    assert!(service.page("/stations").contains(&fingerprint));
    service.run(&["station", "accept", &fingerprint]);
    assert_eq!(state(&service, &station), StationState::Accepted);
    service.run(&["station", "revoke", &fingerprint]);
    assert_eq!(state(&service, &station), StationState::Revoked);
    assert_eq!(
        service
            .command(&["station", "accept", &fingerprint])
            .status
            .code(),
        Some(1)
    );
    let unknown = StationKey::generate().unwrap().fingerprint();
    assert_eq!(
        service
            .command(&["station", "accept", &unknown])
            .status
            .code(),
        Some(1)
    );
    refused(
        service.enrol(&station, &service.run(&["token", "new"])),
        403,
    );
}

#[test]
fn queries_that_are_not_the_stations_own_are_refused() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let stranger = Station {
        key: StationKey::generate().unwrap(),
    };
    refused(service.post("/api/v1/station", &stranger.query()), 401);
    refused(service.post("/api/v1/arming", &stranger.ask("m")), 401);

    let mut query = station.query();
    query.bytes_base64 = station.ask("m").bytes_base64;
    refused(service.post("/api/v1/station", &query), 401);
    // A report's signature is no request, and one request is not another.
    let bytes = br#"{"request":"station","nonce":"n"}"#;
    refused(
        service.post("/api/v1/station", &station.sign(NAMESPACE_REPORT, bytes)),
        401,
    );
    refused(service.post("/api/v1/station", &station.ask("m")), 422);
    refused(service.post("/api/v1/arming", &station.query()), 422);
    let garbage = Signed {
        bytes_base64: "!".into(),
        signature: String::new(),
    };
    refused(service.post("/api/v1/station", &garbage), 422);
    refused(service.post("/api/v1/nothing", &garbage), 404);
    refused(service.get("/api/v1/reports"), 405);
}

#[test]
fn arming_is_for_accepted_stations_a_time_and_a_number() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let ask = |machine: &str| armed(service.post("/api/v1/arming", &station.ask(machine)));
    let answer = ask("m1");
    assert!(!answer.armed && answer.reason.is_some() && answer.until.is_none());
    assert_eq!(answer.code, Some(NotArmed::NobodyArmed));
    assert_eq!(
        (answer.nonce.as_str(), answer.machine.as_str()),
        ("nonce of m1", "m1")
    );

    service.run(&["arm", "--until", "+30m", "--max-machines", "2"]);
    for machine in ["m1", "m2", "m1", "m2"] {
        let answer = ask(machine);
        assert!(answer.armed, "{answer:?}");
        assert_eq!(answer.nonce, format!("nonce of {machine}"));
        assert_eq!(answer.machine, machine);
        assert!(
            answer
                .seconds_left
                .is_some_and(|left| left > 0 && left <= 30 * 60)
        );
        assert!(answer.until.is_some() && answer.reason.is_none() && answer.code.is_none());
    }
    for (machine, code) in [("m3", NotArmed::AllCounted), ("", NotArmed::NoMachine)] {
        let answer = ask(machine);
        assert!(!answer.armed && answer.code == Some(code), "{answer:?}");
    }
    assert!(service.page("/stations?lang=en").contains("Armed until"));

    let pending = service.pending();
    refused(service.post("/api/v1/arming", &pending.ask("m1")), 403);
    service.run(&["disarm"]);
    assert!(!ask("m1").armed);
    service.run(&["arm", "--until", "+1h", "--max-machines", "1"]);
    assert!(ask("m3").armed);
    service.run(&["station", "revoke", &station.key.fingerprint()]);
    refused(service.post("/api/v1/arming", &station.ask("m3")), 403);
}

#[test]
fn terminated_service_ends_by_itself_without_error() {
    let (_folder, mut service) = Service::fresh();
    let station = service.accepted();
    let asked = std::process::Command::new("kill")
        .args(["-TERM", &service.id().to_string()])
        .status();
    assert!(asked.unwrap().success());
    assert_eq!(service.ended(), Some(0));
    let again = start(&service.folder);
    assert_eq!(state(&again, &station), StationState::Accepted);
}
