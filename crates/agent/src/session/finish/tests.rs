use super::{End, Place, Told, Upload, send_all};
use crate::cli;
use crate::commands::Status;
use crate::i18n::Words;
use crate::session::{Session, Stage};
use crate::ui::Mode;
use crate::upload::client::Posted;
use crate::upload::spool::{Pause, SpoolError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use drive::refusal::PlanKind;
use report::api::{Receipt, SignedReceipt};
use report::event::{Event, Line};
use report::receipt::sha256_hex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
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
    };
    let signed = SignedReceipt {
        bytes_base64: STANDARD.encode(serde_json::to_vec(&receipt).unwrap()),
        signature: "signature".into(),
    };
    Posted::Accepted { receipt, signed }
}

/// Passes at once.
struct AtOnce;

impl Pause for AtOnce {
    fn pause(&self, _duration: Duration) -> bool {
        true
    }

    fn stopped(&self) -> bool {
        false
    }

    fn fraction(&self) -> f64 {
        1.0
    }
}

/// The attempts of a drain, and how many reports it leaves.
type Drain = (Vec<(Uuid, Posted)>, Result<usize, SpoolError>);

/// What is told of these drains.
fn told(drains: Vec<Drain>) -> Vec<Told> {
    let (sender, heard) = mpsc::channel();
    let mut drains = drains.into_iter();
    let drain = |tell: &mut super::Tell<'_>| {
        let (attempts, left) = drains.next().expect("no drain is left to be made");
        for (id, posted) in &attempts {
            tell(*id, posted);
        }
        left
    };
    send_all(drain, &AtOnce, &sender);
    drop(sender);
    heard.iter().collect()
}

#[test]
fn each_drain_that_is_over_says_what_the_service_refused() {
    let all = told(vec![
        (vec![(OTHER, accepted()), (OURS, refused())], Ok(1)),
        (vec![(OURS, refused())], Ok(1)),
        // Stored while the drain was under way, and not tried by it.
        (vec![], Ok(1)),
        (vec![(OURS, accepted())], Ok(0)),
    ]);
    let overs: Vec<Vec<Uuid>> = all
        .iter()
        .filter_map(|told| match told {
            Told::Over(refused) => Some(refused.keys().copied().collect()),
            Told::Attempt(..) | Told::Failed(_) => None,
        })
        .collect();
    assert_eq!(overs, [vec![OURS], vec![OURS], vec![]]);
    assert_eq!(all.len(), 4 + 3, "{all:?}");
}

#[test]
fn spool_that_fails_is_told_and_tried_again() {
    let failure = SpoolError::Receipt { report_id: OURS };
    let all = told(vec![
        (vec![], Err(failure)),
        (vec![(OURS, accepted())], Ok(0)),
    ]);
    assert!(matches!(&all[0], Told::Failed(why) if why.contains("not base64")));
    assert!(matches!(&all[2], Told::Over(refused) if refused.is_empty()));
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

/// A session whose runs are over and whose report is being sent.
fn session(folder: &Path) -> Session {
    let arguments = folder.join("cmdline");
    let port = folder.join("events");
    std::fs::write(&arguments, format!("raz.events={}", port.display())).unwrap();
    let options = cli::Session {
        arguments,
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
        },
    };
    session
}

/// The events that follow what the upload tells such a session.
fn events(folder: &Path, told: Vec<Told>) -> Vec<Event> {
    let mut session = session(folder);
    let (sender, heard) = mpsc::channel();
    session.upload = Some(Upload { heard });
    for told in told {
        if let Told::Attempt(id, Posted::Accepted { signed, .. }) = &told {
            session.spool.store_receipt(*id, signed).unwrap();
        }
        sender.send(told).unwrap();
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
    assert!(text.contains("damaged"), "{text}");
}

#[test]
fn spool_that_fails_ends_the_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let all = events(folder.path(), vec![Told::Failed("no space".into())]);
    let [Event::Finished { status: 1, text }] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert!(text.contains("cannot be sent: no space"), "{text}");
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
    session.hear_told(Told::Attempt(OTHER, accepted()));
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
    assert_eq!((french.len(), english.len()), (3, 3), "{french:?}");
    let pieces = [
        ("pièces", "parts"),
        ("403 : le poste est révoqué", "403: the station is revoked"),
        ("reçu par le service", "service has the report"),
    ];
    for ((french, english), (in_french, in_english)) in french.iter().zip(&english).zip(pieces) {
        assert!(french.contains(in_french), "{french}");
        assert!(english.contains(in_english), "{english}");
    }
}
