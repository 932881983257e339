//! Consent: no drive begins without its characters having been typed.

use crate::drives::{bench, press, row, running, screen, type_in};
use agent::i18n::Language;
use agent::ui::{Action, Mode, Night, Plan, State, handle_key};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

fn english() -> State {
    bench(Language::English)
}

fn said(state: &State) -> &str {
    state.message.as_deref().unwrap_or("")
}

#[test]
fn the_whole_way_from_choice_to_start() {
    let mut state = english();
    let (first, second) = (state.rows[0].id.clone(), state.rows[1].id.clone());
    assert_eq!(
        press(&mut state, KeyCode::Char(' ')),
        Some(Action::Select { id: first.clone() })
    );
    press(&mut state, KeyCode::Down);
    assert_eq!(
        press(&mut state, KeyCode::Char(' ')),
        Some(Action::Select { id: second.clone() })
    );
    assert_eq!(
        press(&mut state, KeyCode::Enter),
        Some(Action::BeginConfirm)
    );
    assert!(screen(&state, 80, 24).contains("Confirmation 1 of 2"));
    type_in(&mut state, "234567");
    assert_eq!(
        press(&mut state, KeyCode::Enter),
        Some(Action::Consented { id: first.clone() })
    );
    assert!(screen(&state, 80, 24).contains("Confirmation 2 of 2"));
    type_in(&mut state, "23456a");
    assert_eq!(
        press(&mut state, KeyCode::Enter),
        Some(Action::Consented { id: second.clone() })
    );
    assert_eq!(state.mode, Mode::Listing);
    assert_eq!(
        press(&mut state, KeyCode::Char('e')),
        Some(Action::StartErase {
            ids: vec![first, second]
        })
    );
}

#[test]
fn nothing_starts_without_typing() {
    let mut state = english();
    for code in [KeyCode::Char('e'), KeyCode::Enter, KeyCode::Char('E')] {
        assert_eq!(press(&mut state, code), None);
        assert!(said(&state).contains("No drive chosen"), "{}", said(&state));
    }
    assert_eq!(
        press(&mut state, KeyCode::Char('a')),
        Some(Action::SelectAll { selected: true })
    );
    assert_eq!(press(&mut state, KeyCode::Char('e')), None);
    assert!(said(&state).contains("must first be confirmed"));
    press(&mut state, KeyCode::Enter);
    for _ in 0..20 {
        assert_eq!(press(&mut state, KeyCode::Enter), None);
    }
    assert!(state.rows.iter().all(|row| !row.consented));
}

#[test]
fn no_sequence_of_keys_without_letters_and_digits_starts() {
    let codes = [
        KeyCode::Enter,
        KeyCode::Char(' '),
        KeyCode::Char('e'),
        KeyCode::Char('a'),
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(2),
        KeyCode::Char('y'),
    ];
    let mut state = english();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for step in 0..20_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let code = codes[(seed % codes.len() as u64) as usize];
        let action = press(&mut state, code);
        let begun = matches!(
            action,
            Some(Action::StartErase { .. } | Action::Consented { .. })
        );
        assert!(!begun, "step {step}: {action:?}");
    }
}

#[test]
fn wrong_characters_confirm_nothing() {
    let mut state = english();
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Enter);
    // The other drive's characters, one too few, one too many, the right ones in another order.
    for wrong in [
        "23456A", "34567", "1234567", "765432", "oui", "yes", "      ",
    ] {
        type_in(&mut state, wrong);
        assert_eq!(press(&mut state, KeyCode::Enter), None, "{wrong}");
        assert!(said(&state).contains("not the number"), "{wrong}");
        assert!(!state.rows[0].consented);
    }
    type_in(&mut state, "234567x");
    press(&mut state, KeyCode::Backspace);
    assert!(matches!(
        press(&mut state, KeyCode::Enter),
        Some(Action::Consented { .. })
    ));
}

#[test]
fn escape_withdraws_every_consent() {
    let mut state = english();
    press(&mut state, KeyCode::Char('a'));
    press(&mut state, KeyCode::Enter);
    type_in(&mut state, "234567");
    press(&mut state, KeyCode::Enter);
    assert!(state.rows[0].consented);
    assert_eq!(press(&mut state, KeyCode::Esc), Some(Action::CancelConfirm));
    assert_eq!(state.mode, Mode::Listing);
    assert!(state.rows.iter().all(|row| !row.consented));
    assert_eq!(press(&mut state, KeyCode::Char('e')), None);
}

#[test]
fn control_c_withdraws_too() {
    let mut state = english();
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Enter);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(
        handle_key(&mut state, interrupt),
        Some(Action::CancelConfirm)
    );
}

#[test]
fn choosing_again_needs_consent_again() {
    let mut state = english();
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Enter);
    type_in(&mut state, "234567");
    press(&mut state, KeyCode::Enter);
    let id = state.rows[0].id.clone();
    assert_eq!(
        press(&mut state, KeyCode::Char(' ')),
        Some(Action::Deselect { id })
    );
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(press(&mut state, KeyCode::Char('e')), None);
}

#[test]
fn a_drive_added_after_consent_is_asked_for() {
    let mut state = english();
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Enter);
    type_in(&mut state, "234567");
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(press(&mut state, KeyCode::Char('e')), None);
    assert!(said(&state).contains("must first be confirmed"));
}

#[test]
fn a_refused_drive_cannot_be_chosen() {
    let mut state = english();
    state.cursor = 2;
    assert_eq!(press(&mut state, KeyCode::Char(' ')), None);
    assert!(said(&state).contains("boot medium"));
    press(&mut state, KeyCode::Char('a'));
    assert!(!state.rows[2].selected);
    // Even when a caller marks it.
    state.rows.retain(|row| !row.erasable());
    state.rows[0].selected = true;
    state.rows[0].consented = true;
    state.cursor = 0;
    assert_eq!(press(&mut state, KeyCode::Char('e')), None);
}

#[test]
fn drives_that_share_an_id_cannot_be_chosen() {
    let mut state = english();
    let twin = state.rows[0].clone();
    state.rows.push(agent::ui::Row {
        path: "/dev/other".into(),
        ..twin
    });
    assert_eq!(press(&mut state, KeyCode::Char(' ')), None);
    assert!(said(&state).contains("same identity"));
    press(&mut state, KeyCode::Char('a'));
    let chosen: Vec<usize> = (0..state.rows.len())
        .filter(|n| state.rows[*n].selected)
        .collect();
    assert_eq!(chosen, [1, 3]);
    state.rows[0].selected = true;
    state.rows[0].consented = true;
    state.rows[1].selected = false;
    state.rows[3].selected = false;
    assert_eq!(press(&mut state, KeyCode::Char('e')), None);
}

#[test]
fn a_drive_replaced_under_the_question_is_asked_anew() {
    let mut state = english();
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Enter);
    type_in(&mut state, "23456");
    let mut rows = state.rows.clone();
    rows[0].path = "/dev/elsewhere".into();
    rows[0].selected = false;
    state.replace_rows(rows);
    assert_eq!(state.mode, Mode::Listing);
    assert!(said(&state).contains("confirm again"));
    assert!(!state.rows[0].selected);
}

#[test]
fn consent_survives_only_an_unchanged_drive() {
    type Change = fn(&mut agent::ui::Row);
    let changes: [(Change, bool); 6] = [
        (|_| (), true),
        (|row| row.temperature_celsius = Some(50), true),
        (
            |row| {
                row.plan = Plan::Erase {
                    text: "écraser".into(),
                }
            },
            true,
        ),
        (|row| row.path = "/dev/elsewhere".into(), false),
        (|row| row.capacity_bytes += 1, false),
        (
            |row| {
                row.plan = Plan::Refused {
                    reason: "mounted".into(),
                    remedy: "unmount".into(),
                };
            },
            false,
        ),
    ];
    for (number, (change, stays)) in changes.into_iter().enumerate() {
        let mut state = english();
        press(&mut state, KeyCode::Char(' '));
        press(&mut state, KeyCode::Enter);
        type_in(&mut state, "234567");
        press(&mut state, KeyCode::Enter);
        let mut rows = bench(Language::English).rows;
        rows.insert(0, row("New drive", "NEW000001"));
        change(&mut rows[1]);
        state.replace_rows(rows);
        assert_eq!(state.rows[1].consented, stays, "change {number}");
        let begun = press(&mut state, KeyCode::Char('e')).is_some();
        assert_eq!(begun, stays, "change {number}");
    }
}

#[test]
fn any_key_stops_the_countdown() {
    for code in [
        KeyCode::Enter,
        KeyCode::Char('e'),
        KeyCode::F(1),
        KeyCode::Esc,
        KeyCode::Up,
        KeyCode::Null,
    ] {
        let mut state = running(Language::English);
        state.mode = Mode::Countdown { seconds_left: 5 };
        assert_eq!(press(&mut state, code), Some(Action::Stop), "{code:?}");
    }
    let mut state = running(Language::English);
    state.mode = Mode::Countdown { seconds_left: 5 };
    let chord = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert_eq!(handle_key(&mut state, chord), Some(Action::Stop));
    let mut release = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    release.kind = KeyEventKind::Release;
    assert_eq!(handle_key(&mut state, release), None);
}

#[test]
fn who_stopped_the_countdown_is_asked_again() {
    let mut state = english();
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Enter);
    type_in(&mut state, "234567");
    press(&mut state, KeyCode::Enter);
    let begin = press(&mut state, KeyCode::Char('e'));
    assert!(matches!(begin, Some(Action::StartErase { .. })));
    state.mode = Mode::Countdown { seconds_left: 5 };
    assert_eq!(press(&mut state, KeyCode::Char('x')), Some(Action::Stop));
    state.mode = Mode::Listing;
    assert_eq!(press(&mut state, KeyCode::Char('e')), None);
    assert!(said(&state).contains("must first be confirmed"));
}

#[test]
fn stopping_a_run_takes_two_different_keys() {
    let mut state = running(Language::English);
    state.mode = Mode::Running { stop_asked: false };
    assert_eq!(press(&mut state, KeyCode::Enter), None);
    for _ in 0..5 {
        assert_eq!(
            press(&mut state, KeyCode::Char('x')),
            None,
            "a key that is held"
        );
    }
    assert!(said(&state).contains("Enter to stop"));
    assert_eq!(press(&mut state, KeyCode::Down), None);
    assert_eq!(state.mode, Mode::Running { stop_asked: false });
    assert_eq!(press(&mut state, KeyCode::Enter), None);
    press(&mut state, KeyCode::Char('X'));
    assert_eq!(press(&mut state, KeyCode::Enter), Some(Action::Stop));
}

#[test]
fn power_off_is_not_offered_while_drives_run() {
    let mut state = running(Language::English);
    state.mode = Mode::Running { stop_asked: false };
    assert_eq!(press(&mut state, KeyCode::Char('p')), None);
    state.mode = Mode::Done {
        grade: None,
        lines: vec![],
    };
    assert_eq!(
        press(&mut state, KeyCode::Char('p')),
        Some(Action::PowerOff)
    );
}

#[test]
fn the_language_changes_where_nothing_is_typed() {
    let mut state = bench(Language::French);
    assert_eq!(
        press(&mut state, KeyCode::Char('l')),
        Some(Action::Language)
    );
    assert_eq!(state.language, Language::English);
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Enter);
    assert_eq!(press(&mut state, KeyCode::Char('l')), None);
    assert_eq!(state.language, Language::English);
}

#[test]
fn only_s_sends_the_machine_to_sleep_and_escape_withdraws_every_consent() {
    let asked = |state: &mut State| {
        state.rows[0].selected = true;
        state.rows[0].consented = true;
        state.mode = Mode::Sleeping {
            night: Night::Asked { drives: 1 },
        };
    };
    let mut state = english();
    asked(&mut state);
    for code in [KeyCode::Enter, KeyCode::Char(' '), KeyCode::Char('e')] {
        assert_eq!(press(&mut state, code), None);
    }
    assert_eq!(press(&mut state, KeyCode::Char('s')), Some(Action::Sleep));
    assert_eq!(
        press(&mut state, KeyCode::Char('n')),
        Some(Action::StayAwake)
    );
    assert!(state.rows[0].consented);
    assert_eq!(press(&mut state, KeyCode::Esc), Some(Action::CancelConfirm));
    assert!(!state.rows[0].consented && state.mode == Mode::Listing);
}

#[test]
fn key_counts_as_a_persons_only_when_the_machine_is_awake_again() {
    let mut state = english();
    for (night, action) in [
        (Night::Asleep, None),
        (Night::Awake { seconds_left: 5 }, Some(Action::Awake)),
    ] {
        state.mode = Mode::Sleeping { night };
        for code in [KeyCode::Enter, KeyCode::Char('x'), KeyCode::Esc] {
            assert_eq!(press(&mut state, code), action, "{night:?} {code:?}");
        }
    }
}
