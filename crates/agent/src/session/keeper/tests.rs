use super::super::finish::{End, Place};
use super::{Job, SILENT, Unfit};
use crate::cli;
use crate::keeping::Brought;
use crate::session::{Session, Stage, look};
use crate::ui::{Mode, Service};
use drive::own_stick::{Mark, OwnStick};
use drive::refusal::PlanKind;
use report::event::{Event, Line};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const OURS: Uuid = Uuid::from_u128(1);

/// A session whose runs are over and whose report is in the spool.
fn session(folder: &Path) -> Session {
    let arguments = folder.join("cmdline");
    let line = format!("raz.lang=en raz.events={}", folder.join("events").display());
    std::fs::write(&arguments, line).unwrap();
    let options = cli::Session {
        arguments,
        keys: "/nonexistent".into(),
        configuration: folder.join("raz.toml"),
        spool: folder.join("run/spool"),
        key: None,
        tty: None,
    };
    let mut session = Session::begin(&options).unwrap();
    let stored = session.spool.store(OURS, b"{}", "signature", "signers");
    stored.unwrap();
    session.stage = Stage::Done {
        runs: Vec::new(),
        report: Some(OURS),
        place: Place::Kept,
        end: End::default(),
        kind: PlanKind {
            unattended: false,
            several: false,
            removable_allowed: true,
            networked_allowed: false,
        },
    };
    // Nothing has changed since the drives were looked at.
    session.keeper.names = look::block_names(&session.machine.roots.sys);
    session
}

fn stick() -> OwnStick {
    OwnStick {
        name: "none".into(),
        path: "/dev/none".into(),
        mark: Mark {
            disk_sequence: 0,
            identity: None,
        },
    }
}

fn told(session: &Session, folder: &Path) -> Vec<(String, String)> {
    assert!(
        session
            .events
            .as_ref()
            .unwrap()
            .flush(Duration::from_secs(60))
    );
    let text = std::fs::read_to_string(folder.join("events")).unwrap();
    text.lines()
        .filter_map(
            |line| match serde_json::from_str::<Line>(line).unwrap().event {
                Event::Kept { place, detail, .. } => Some((place, detail)),
                _ => None,
            },
        )
        .collect()
}

fn shown(session: &Session) -> String {
    match &session.state.mode {
        Mode::Done { lines, .. } => lines.join("\n"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn report_that_is_in_memory_only_is_told_once_with_the_reason_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    session.keeper.stick = Some(Err(Unfit::Several));
    for _ in 0..2 {
        session.keep_reports();
        session.tick_keeper();
    }
    assert!(shown(&session).contains("unplug the others"));
    assert!(shown(&session).contains("leave the PC on"));
    let told = told(&session, folder.path());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "memory");
}

#[test]
fn report_on_the_stick_of_a_station_that_was_not_accepted_asks_to_note_its_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let mut brought = |service| {
        session.state.header.service = service;
        let (sender, answer) = mpsc::channel();
        let kept = BTreeSet::from([OURS]);
        sender.send(Ok(Brought { kept, unsent: 0 })).unwrap();
        session.keeper.job = Some(Job {
            began: Instant::now(),
            answer,
            silence_told: false,
        });
        session.tick_keeper();
        shown(&session)
    };
    for service in [Service::None, Service::Unreachable, Service::Pending] {
        let shown = brought(service);
        assert!(shown.contains("on raz's stick"), "{shown}");
        assert!(shown.contains("the fingerprint above"), "{shown}");
    }
    let shown = brought(Service::Accepted);
    assert!(shown.contains("on raz's stick") && !shown.contains("fingerprint"));
}

#[test]
fn stick_that_does_not_answer_holds_nothing_up_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let (_sender, answer) = mpsc::channel();
    session.keeper.stick = Some(Ok(stick()));
    session.keeper.job = Some(Job {
        began: Instant::now().checked_sub(SILENT).unwrap(),
        answer,
        silence_told: false,
    });
    session.keep_reports();
    session.tick_keeper();
    assert!(shown(&session).contains("does not answer"));
    assert!(!session.waits_for_stick(), "power off waits for ever");
    assert!(session.keeper.wanted, "a second job beside the first");
}

#[test]
fn machine_is_not_switched_off_while_the_stick_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    assert!(!session.waits_for_stick());
    session.keeper.stick = Some(Ok(stick()));
    session.keep_reports();
    assert!(session.waits_for_stick());
    let (_sender, answer) = mpsc::channel();
    session.keeper.wanted = false;
    session.keeper.job = Some(Job {
        began: Instant::now(),
        answer,
        silence_told: false,
    });
    assert!(session.waits_for_stick());
    // No tick: without the job it would switch this machine off.
    session.keeper.off = false;
}
