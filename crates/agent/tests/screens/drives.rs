//! Drives and keys for the tests.

use agent::i18n::Language;
use agent::ui::{Action, Header, Phase, Plan, Row, Service, State, draw, handle_key};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use report::schema::OutcomeWord;
use std::time::Duration;
use wipe::latency::Latency;

/// A drive that may be erased.
pub fn row(model: &str, serial: &str) -> Row {
    Row {
        id: format!("{serial}-{:06x}", serial.len() * 4099),
        path: format!(
            "/dev/{}",
            model.chars().next().unwrap().to_ascii_lowercase()
        ),
        model: Some(model.into()),
        serial: Some(serial.into()),
        capacity_bytes: 500_107_862_016,
        plan: Plan::Erase {
            text: "overwrite: pattern, read back".into(),
        },
        ..Row::default()
    }
}

/// A bench with a disk, an SSD, a stick to keep and a drive without serial.
pub fn bench(language: Language) -> State {
    let refused = |row: Row, reason: &str, remedy: &str| Row {
        plan: Plan::Refused {
            reason: reason.into(),
            remedy: remedy.into(),
        },
        ..row
    };
    State {
        language,
        header: Header {
            version: "0.1.0".into(),
            machine: "LENOVO ThinkCentre M710q S4AB1234".into(),
            fingerprint: "SHA256:abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".into(),
            service: Service::Pending,
            ..Header::default()
        },
        rows: vec![
            row("WDC WD40EFRX-68N32N0", "WD-WCC7K1234567"),
            Row {
                capacity_bytes: 4_000_787_030_016,
                ..row(
                    "Samsung SSD 860 EVO 500GB with a long name",
                    "S3Z9NB0K123456A",
                )
            },
            refused(
                row("USB DISK 3.0", "0719A2"),
                "boot medium",
                "boot raz from another medium",
            ),
            Row {
                id: "path-8f32ab".into(),
                serial: None,
                ..row("QEMU HARDDISK", "x")
            },
        ],
        ..State::default()
    }
}

/// The bench with two drives running, one ended.
pub fn running(language: Language) -> State {
    let mut state = bench(language);
    for row in &mut state.rows {
        row.selected = row.erasable();
        row.passes = 2;
    }
    let busy = &mut state.rows[0];
    busy.phase = Phase::Verifying;
    busy.percent = Some(45.7);
    busy.bytes_per_second = Some(182_400_000.0);
    busy.seconds_left = Some(11_220);
    busy.temperature_celsius = Some(41);
    busy.latency = Some(Latency {
        p50: Duration::from_micros(5_430),
        p99: Duration::from_millis(21),
        max: Duration::from_millis(2_310),
    });
    let sick = &mut state.rows[3];
    sick.phase = Phase::Writing;
    sick.pass = 1;
    sick.percent = Some(3.0);
    sick.bytes_per_second = Some(900_000.0);
    sick.errors = 12;
    let ended = &mut state.rows[1];
    ended.outcome = Some(OutcomeWord::Verified);
    ended.outcome_text = "every addressable byte was overwritten and read back".into();
    state
}

/// The bench with one of the running drives no longer answering.
pub fn silent(language: Language) -> State {
    let mut state = running(language);
    state.rows[0].seconds_silent = 75;
    state
}

/// The screen as text, one line a row, without blanks at line ends.
pub fn screen(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Presses a key.
pub fn press(state: &mut State, code: KeyCode) -> Option<Action> {
    handle_key(state, KeyEvent::new(code, KeyModifiers::NONE))
}

/// Types a text.
pub fn type_in(state: &mut State, text: &str) {
    for c in text.chars() {
        assert_eq!(press(state, KeyCode::Char(c)), None);
    }
}
