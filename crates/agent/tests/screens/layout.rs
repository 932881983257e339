//! Sizes, many drives, odd names, and the words for what is proven.

use crate::drives::{bench, press, row, running, screen};
use agent::i18n::Language;
use agent::ui::{Mode, Night, Plan, Row, State};
use crossterm::event::KeyCode;
use report::schema::OutcomeWord;

const BOTH: [Language; 2] = [Language::French, Language::English];

fn modes(state: &State) -> Vec<Mode> {
    let id = state
        .rows
        .first()
        .map(|row| row.id.clone())
        .unwrap_or_default();
    vec![
        Mode::Listing,
        Mode::Confirming {
            id,
            typed: "x".repeat(64),
        },
        Mode::Sleeping {
            night: Night::Asked { drives: 60 },
        },
        Mode::Countdown { seconds_left: 3 },
        Mode::Running { stop_asked: true },
        Mode::Done {
            grade: None,
            lines: vec!["long ".repeat(60)],
        },
    ]
}

fn rack(count: usize) -> State {
    let mut state = bench(Language::French);
    state.rows = (0..count)
        .map(|n| row("HGST HUS726T4TAL", &format!("V6G{n:05}")))
        .collect();
    state
}

#[test]
fn sixty_drives_scroll_and_each_can_be_reached() {
    let mut state = rack(60);
    for n in 0..60 {
        let shown = screen(&state, 80, 24);
        let line = shown.lines().find(|line| line.starts_with('>')).unwrap();
        assert!(line.contains(&format!("V6G{n:05}")), "{shown}");
        assert!(
            shown.contains(&format!("Disque {} sur 60", n + 1)),
            "{shown}"
        );
        press(&mut state, KeyCode::Down);
    }
    assert_eq!(state.cursor, 59);
    press(&mut state, KeyCode::Home);
    assert_eq!(state.cursor, 0);
    press(&mut state, KeyCode::PageDown);
    press(&mut state, KeyCode::End);
    press(&mut state, KeyCode::PageUp);
    assert!((45..59).contains(&state.cursor));
}

#[test]
fn any_size_of_terminal_is_drawn() {
    for count in [0, 1, 60] {
        let mut state = rack(count);
        state.message = Some("message ".repeat(40));
        state.cursor = count + 3;
        for mode in modes(&state) {
            state.mode = mode;
            for (width, height) in [
                (1, 1),
                (2, 7),
                (20, 5),
                (40, 12),
                (80, 8),
                (80, 24),
                (80, 25),
                (250, 90),
            ] {
                let _ = screen(&state, width, height);
            }
        }
    }
}

#[test]
fn the_question_stays_on_the_screen_whatever_the_names_are() {
    let mut state = bench(Language::English);
    state.rows[0].selected = true;
    state.rows[0].model = Some("M".repeat(300));
    state.rows[0].plan = Plan::Erase {
        text: "reason ".repeat(200),
    };
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Char('7'));
    let shown = screen(&state, 80, 24);
    assert!(shown.contains("Type the last 6 characters"), "{shown}");
    assert!(shown.contains("> 7_"), "{shown}");
    assert!(shown.contains("WD-WCC7K1234567"), "{shown}");
    assert!(shown.contains("Esc cancel"), "{shown}");
}

#[test]
fn firmware_text_cannot_leave_the_consoles_characters() {
    for language in BOTH {
        let mut state = running(language);
        let nasty = "\u{1b}[31mé\u{9b}日本\u{202e}\u{7}\u{fffd}\u{2014}\n";
        for row in &mut state.rows {
            row.model = Some(nasty.into());
            row.serial = Some(nasty.into());
            row.path = nasty.into();
            row.id = format!("{nasty}{}", row.capacity_bytes);
            row.outcome_text = nasty.into();
            row.plan = Plan::Erase { text: nasty.into() };
        }
        state.header.machine = nasty.into();
        state.message = Some(nasty.into());
        for mode in modes(&state) {
            state.mode = mode;
            let shown = screen(&state, 80, 24);
            let plain = |c| matches!(c, '\n' | ' '..='~' | '\u{a1}'..='\u{ff}' | '─');
            assert!(shown.chars().all(plain), "{shown:?}");
        }
    }
}

#[test]
fn without_a_verified_drive_nothing_is_called_erased() {
    for language in BOTH {
        for outcome in [
            None,
            Some(OutcomeWord::Sampled),
            Some(OutcomeWord::WrittenNotChecked),
            Some(OutcomeWord::NotComplete),
            Some(OutcomeWord::NotStarted),
        ] {
            let mut state = running(language);
            for row in &mut state.rows {
                row.outcome = outcome;
                row.outcome_text.clear();
            }
            for mode in modes(&state) {
                state.mode = mode;
                for cursor in 0..state.rows.len() {
                    state.cursor = cursor;
                    let shown = screen(&state, 80, 40).to_lowercase();
                    for claim in ["effacé", "erased", "vérifié,", "verified,"] {
                        assert!(!shown.contains(claim), "{claim}: {shown}");
                    }
                }
            }
        }
    }
}

#[test]
fn each_outcome_has_its_word() {
    let words = [
        (OutcomeWord::Verified, "vérifié", "verified"),
        (
            OutcomeWord::Sampled,
            "écrit, contrôlé par sondage",
            "written, checked by sample",
        ),
        (
            OutcomeWord::WrittenNotChecked,
            "écrit, non contrôlé",
            "written, not checked",
        ),
        (OutcomeWord::NotComplete, "incomplet", "not complete"),
        (OutcomeWord::NotStarted, "non commencé", "not started"),
    ];
    for (outcome, french, english) in words {
        for (language, word) in BOTH.into_iter().zip([french, english]) {
            let mut state = running(language);
            state.mode = Mode::Running { stop_asked: false };
            state.rows[0].outcome = Some(outcome);
            let shown = screen(&state, 80, 24);
            let line = shown.lines().find(|line| line.starts_with('>')).unwrap();
            assert!(line.ends_with(word), "{line}");
        }
    }
}

#[test]
fn a_refused_drive_says_why_and_what_to_do() {
    for (language, refused, remedy) in [
        (Language::French, "refusé ", "À faire"),
        (Language::English, "refused", "To do"),
    ] {
        let mut state = bench(language);
        state.cursor = 2;
        let shown = screen(&state, 80, 24);
        assert!(
            shown.contains(&format!("{refused}: boot medium")),
            "{shown}"
        );
        assert!(
            shown
                .lines()
                .any(|line| line.starts_with(remedy) && line.contains("another medium")),
            "{shown}"
        );
    }
}

#[test]
fn details_that_do_not_fit_scroll() {
    let mut state = rack(20);
    let sentence = (0..60).map(|n| format!("word{n} ")).collect();
    state.rows[0].plan = Plan::Erase { text: sentence };
    assert!(!screen(&state, 80, 24).contains("word59"));
    for _ in 0..50 {
        press(&mut state, KeyCode::Right);
    }
    assert!(screen(&state, 80, 24).contains("word59"));
    for _ in 0..50 {
        press(&mut state, KeyCode::Left);
    }
    assert!(screen(&state, 80, 24).contains("word0 "));
}

#[test]
fn colour_changes_no_character() {
    let mut state = running(Language::French);
    for mode in modes(&state) {
        state.mode = mode;
        state.colour = false;
        let plain = screen(&state, 80, 24);
        state.colour = true;
        assert_eq!(screen(&state, 80, 24), plain);
    }
}

#[test]
fn no_drive_at_all_says_what_to_look_at() {
    let mut state = bench(Language::English);
    state.rows = Vec::<Row>::new();
    assert!(screen(&state, 80, 24).contains("No drive found. Check the cables"));
    // A slow drive may take a minute to answer: until then nobody knows.
    state.reading = true;
    let shown = screen(&state, 80, 24);
    assert!(shown.contains("Reading the drives") && !shown.contains("No drive found"));
}
