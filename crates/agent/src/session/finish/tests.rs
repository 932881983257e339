use super::{End, Place, Told, is_left_over};
use crate::cli;
use crate::commands::Status;
use crate::i18n::Words;
use crate::session::{Session, Stage, words};
use crate::ui::Mode;
use crate::upload::client::Posted;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use drive::identity::Identity;
use drive::refusal::{PlanKind, Refusal};
use report::api::{Receipt, SignedReceipt};
use report::event::{Event, Line};
use report::receipt::sha256_hex;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

const REPORT: &[u8] = b"{}";
const OURS: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn refused() -> Posted {
    Posted::Refused {
        status: 403,
        problem: Words::new("le poste est révoqué", "the station is revoked"),
    }
}

fn accepted() -> Posted {
    let receipt = Receipt {
        schema: "raz-receipt@v1".into(),
        number: 7,
        report_id: OURS,
        report_sha256: sha256_hex(REPORT),
        station_fingerprint: String::new(),
        received: "2026-01-02T03:04:05Z".into(),
        previous_sha256: String::new(),
        imported: None,
    };
    let signed = SignedReceipt {
        bytes_base64: STANDARD.encode(serde_json::to_vec(&receipt).unwrap()),
        signature: "signature".into(),
    };
    Posted::Accepted { receipt, signed }
}

#[test]
fn proof_counts_only_where_it_was_to_go() {
    for place in [
        Place::Nowhere,
        Place::Kept,
        Place::Sending,
        Place::Held,
        Place::Received,
    ] {
        let there = matches!(place, Place::Kept | Place::Received);
        assert_eq!(place.status(true) == Status::Proven, there, "{place:?}");
        assert_eq!(place.status(false), Status::NotProven, "{place:?}");
    }
}

/// A machine that is off passes for done.
#[test]
fn drive_that_was_refused_or_not_chosen_is_left_over_and_one_that_was_kept_is_not() {
    let drive = |serial: &str| Identity {
        serial: Some(serial.into()),
        ..Identity::default()
    };
    let (this, other) = (drive("S1"), drive("S2"));
    for (refusals, left) in [
        (vec![], true),
        (vec![Refusal::Locked], true),
        (vec![Refusal::RemovableUnattended], true),
        (vec![Refusal::Kept], false),
        (vec![Refusal::BootMedium], false),
        (vec![Refusal::Locked, Refusal::Networked], false),
    ] {
        assert_eq!(is_left_over(&this, &refusals, &[&other]), left);
        assert!(!is_left_over(&this, &refusals, &[&other, &this]));
    }
}

/// A session whose runs are over and whose report is being sent.
fn session(folder: &Path) -> Session {
    let arguments = folder.join("cmdline");
    let port = folder.join("events");
    std::fs::write(&arguments, format!("raz.events={}", port.display())).unwrap();
    let options = cli::Session {
        arguments,
        configuration: folder.join("raz.toml"),
        keys: "/nonexistent".into(),
        spool: folder.join("run/spool"),
        key: None,
        tty: None,
    };
    let mut session = Session::begin(&options).unwrap();
    let stored = session.spool.store(OURS, REPORT, "signature", "signers");
    stored.unwrap();
    session.stage = Stage::Done {
        runs: Vec::new(),
        report: Some(OURS),
        place: Place::Sending,
        end: End::default(),
        kind: PlanKind {
            unattended: false,
            several: false,
            removable_allowed: true,
            networked_allowed: false,
        },
    };
    session
}

/// The events that follow what the upload tells such a session.
fn events(folder: &Path, told: Vec<Told>) -> Vec<Event> {
    let mut session = session(folder);
    for told in told {
        if let Told::Attempt(id, Posted::Accepted { signed, .. }) = &told {
            session.spool.store_receipt(*id, signed).unwrap();
        }
        session.uploads.0.send(told).unwrap();
        session.hear_upload();
    }
    let written = session.events.as_ref().unwrap();
    assert!(written.flush(Duration::from_secs(60)));
    let text = std::fs::read_to_string(folder.join("events")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap().event)
        .filter(|event| matches!(event, Event::Finished { .. } | Event::Upload { .. }))
        .collect()
}

fn over(refused: &[Uuid]) -> Told {
    let words = |id: &Uuid| (*id, "403: the station is revoked".to_owned());
    Told::Over(refused.iter().map(words).collect::<BTreeMap<_, _>>())
}

/// The whole stream waited for ever for an end that the session did not tell.
#[test]
fn refused_report_ends_the_run_once_and_its_late_receipt_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let all = events(
        folder.path(),
        vec![
            Told::Attempt(OURS, refused()),
            over(&[OURS]),
            Told::Attempt(OURS, refused()),
            over(&[OURS]),
            Told::Attempt(OURS, accepted()),
            over(&[]),
        ],
    );
    let said: Vec<String> = all
        .into_iter()
        .map(|event| match event {
            Event::Upload { state, .. } => state,
            Event::Finished { status, text } => format!("{status} {text}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        said,
        [
            "refused",
            "1 the service refused the report: 403: the station is revoked; \
             it stays in the spool and is tried again",
            "refused",
            "receipt",
            "1 the service has the report",
        ]
    );
}

#[test]
fn report_of_an_earlier_session_that_is_refused_does_not_hide_that_this_one_was_received() {
    let folder = tempfile::tempdir().unwrap();
    let told = vec![
        Told::Attempt(OTHER, refused()),
        Told::Attempt(OURS, accepted()),
        over(&[OTHER]),
        over(&[]),
    ];
    let mut all = events(folder.path(), told);
    all.retain(|event| matches!(event, Event::Finished { .. }));
    let [Event::Finished { text, .. }] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!(text, "the service has the report");
}

/// Nothing is left to be sent, and the service has nothing.
#[test]
fn report_that_is_damaged_in_the_spool_is_not_with_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let all = events(folder.path(), vec![over(&[])]);
    let [Event::Finished { status: 1, text }] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert!(text.contains("cannot be read"), "{text}");
}

#[test]
fn spool_that_fails_ends_the_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let all = events(folder.path(), vec![Told::Failed("no space".into())]);
    let [Event::Finished { status: 1, text }] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert!(text.contains("broke off: no space"), "{text}");
}

/// A receipt for what an earlier session left was read as one for this run's report.
#[test]
fn screen_says_nothing_of_reports_of_earlier_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    session.hear_told(Told::Attempt(OTHER, accepted()));
    let Stage::Done { end, .. } = &session.stage else {
        panic!("not done");
    };
    assert_eq!(end.upload, None);
}

/// The spool is full: neither this report nor another's receipt goes in.
#[test]
fn run_without_a_report_is_not_told_that_it_is_in_the_spool() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let failed = words::report_failed("no space");
    if let Stage::Done {
        report, place, end, ..
    } = &mut session.stage
    {
        (*report, *place) = (None, Place::Nowhere);
        end.note = Some(failed.clone());
    }
    session.hear_told(Told::Failed("no space".into()));
    let Stage::Done { end, place, .. } = &session.stage else {
        panic!("not done");
    };
    assert_eq!((&end.note, *place), (&Some(failed), Place::Nowhere));
}

/// What was said before key L stayed in the other language.
#[test]
fn end_is_said_anew_in_the_other_language() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let verdict = Words::new("pièces : secteurs", "parts: sectors");
    if let Stage::Done { end, .. } = &mut session.stage {
        end.verdict.push(verdict);
    }
    session.hear_told(Told::Attempt(OURS, refused()));
    session.hear_told(Told::Attempt(OURS, refused()));
    let french = session.state.mode.clone();
    let key = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
    session.key(key('l'));
    let english = session.state.mode.clone();
    session.key(key('l'));
    assert_eq!(session.state.mode, french);
    let lines = |mode: &Mode| match mode {
        Mode::Done { lines, .. } => lines.clone(),
        other => panic!("{other:?}"),
    };
    let (french, english) = (lines(&french), lines(&english));
    assert_eq!((french.len(), english.len()), (2, 2), "{french:?}");
    let pieces = [
        ("pièces", "parts"),
        ("403 : le poste est révoqué", "403: the station is revoked"),
    ];
    for ((french, english), (in_french, in_english)) in french.iter().zip(&english).zip(pieces) {
        assert!(french.contains(in_french), "{french}");
        assert!(english.contains(in_english), "{english}");
    }
}
