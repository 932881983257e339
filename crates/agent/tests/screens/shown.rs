//! Each mode at 80×24 in both languages, against the text files in `80x24`.
//!
//! To renew them after a wanted change: `UPDATE_SCREENS=1 cargo test -p agent --test screens`,
//! then read the difference.

use crate::drives::{bench, running, screen, silent};
use agent::i18n::Language;
use agent::ui::{Mode, Network, Night, Phase, Plan, Row, Service, State};
use report::schema::OutcomeWord;
use std::path::PathBuf;

fn shows(name: &str, of: impl Fn(Language) -> State) {
    for (language, code) in [(Language::French, "fr"), (Language::English, "en")] {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/screens/80x24/{name}.{code}.txt"));
        let shown = screen(&of(language), 80, 24);
        if std::env::var_os("UPDATE_SCREENS").is_some() {
            std::fs::write(&file, &shown).unwrap();
        }
        let wanted = std::fs::read_to_string(&file).unwrap();
        assert!(
            shown == wanted,
            "{name}.{code} shows:\n{shown}\ninstead of:\n{wanted}"
        );
    }
}

#[test]
fn listing() {
    shows("listing", |language| {
        let mut state = bench(language);
        state.rows[0].selected = true;
        state.rows[1].selected = true;
        state.rows[1].consented = true;
        state.cursor = 2;
        state.message = Some("message".into());
        state
    });
}

#[test]
fn place_where_a_drive_may_be_unseen() {
    shows("unseen", |language| {
        let mut state = bench(language);
        state.rows.truncate(1);
        state.rows.push(Row {
            id: "unseen 0000:00:17.0".into(),
            path: "0000:00:17.0".into(),
            model: Some("0000:00:17.0".into()),
            plan: Plan::Unseen {
                reason: "what is there".into(),
                remedy: "what to do".into(),
            },
            ..Row::default()
        });
        state.cursor = 1;
        state
    });
}

#[test]
fn machine_without_a_cable_and_a_keyboard() {
    shows("lacking", |language| {
        let mut state = bench(language);
        state.header.service = Service::Unreachable;
        state.header.network = Network::NoCable;
        state.lacks_keyboard = true;
        state
    });
}

#[test]
fn confirming() {
    shows("confirming", |language| {
        let mut state = bench(language);
        state.rows[0].selected = true;
        state.rows[3].selected = true;
        state.mode = Mode::Confirming {
            id: state.rows[0].id.clone(),
            typed: "2345".into(),
        };
        state
    });
}

#[test]
fn confirming_without_serial() {
    shows("confirming-id", |language| {
        let mut state = bench(language);
        state.rows[3].selected = true;
        state.mode = Mode::Confirming {
            id: state.rows[3].id.clone(),
            typed: String::new(),
        };
        state
    });
}

#[test]
fn sleeping() {
    for (name, night) in [
        ("sleep-asked", Night::Asked { drives: 2 }),
        ("sleep-begins", Night::Asleep),
        ("sleep-awake", Night::Awake { seconds_left: 117 }),
    ] {
        shows(name, |language| {
            let mut state = bench(language);
            state.mode = Mode::Sleeping { night };
            state
        });
    }
}

#[test]
fn countdown() {
    shows("countdown", |language| {
        let mut state = running(language);
        state.rows[1].outcome = None;
        state.mode = Mode::Countdown { seconds_left: 9 };
        state
    });
}

#[test]
fn countdown_over() {
    shows("countdown-over", |language| {
        let mut state = running(language);
        state.rows[1].outcome = None;
        state.mode = Mode::Countdown { seconds_left: 0 };
        state
    });
}

#[test]
fn running_drives() {
    shows("running", |language| {
        let mut state = running(language);
        state.mode = Mode::Running { stop_asked: false };
        state
    });
}

#[test]
fn running_drive_that_does_not_answer() {
    shows("silent", |language| {
        let mut state = silent(language);
        state.mode = Mode::Running { stop_asked: false };
        state
    });
}

#[test]
fn long_flush_is_not_called_silence() {
    let mut state = silent(Language::English);
    state.mode = Mode::Running { stop_asked: false };
    assert!(screen(&state, 80, 24).contains("no answer"));
    state.rows[0].phase = Phase::Settling;
    let shown = screen(&state, 80, 24);
    assert!(
        shown.contains("settling") && !shown.contains("answer"),
        "{shown}"
    );
}

#[test]
fn done() {
    shows("done", |language| {
        let mut state = running(language);
        state.rows[0].outcome = Some(OutcomeWord::WrittenNotChecked);
        state.rows[3].outcome = Some(OutcomeWord::NotComplete);
        state.rows[3].outcome_text = "12 sectors could not be written: destroy the drive".into();
        state.cursor = 3;
        state.mode = Mode::Done {
            grade: Some("C".into()),
            lines: vec!["disk.errors caps at C".into(), "receipt 17".into()],
        };
        state
    });
}
