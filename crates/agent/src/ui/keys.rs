//! What a key does in each mode. The only place where consent is recorded.
//!
//! No key alone leads to a write: Enter without the typed characters confirms nothing, and E
//! begins only when each chosen drive was confirmed.

use super::consent::agrees;
use super::state::{Mode, Night, Plan, State};
use crate::i18n::{Text, fill};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the session must act upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A drive was chosen.
    Select {
        /// Drive.
        id: String,
    },
    /// A drive is no longer chosen.
    Deselect {
        /// Drive.
        id: String,
    },
    /// All drives that may be erased were chosen, or none is any more.
    SelectAll {
        /// Chosen.
        selected: bool,
    },
    /// The question for the first drive is on the screen.
    BeginConfirm,
    /// The consent for this drive was typed.
    Consented {
        /// Drive.
        id: String,
    },
    /// The person withdrew: no drive is consented.
    CancelConfirm,
    /// Begin: each of these drives was consented, one at a time.
    StartErase {
        /// Drives.
        ids: Vec<String>,
    },
    /// Let the machine sleep before the run.
    Sleep,
    /// Begin without that.
    StayAwake,
    /// Somebody is there after the machine woke.
    Awake,
    /// Stop the countdown or the run.
    Stop,
    /// The language changed: sentences that the session made should be made again.
    Language,
    /// Power off.
    PowerOff,
}

/// Applies a key to the state; returns what the session must do.
pub fn handle_key(state: &mut State, key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    state.message = None;
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let code = if interrupt { KeyCode::Esc } else { key.code };
    if !interrupt
        && key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    {
        // AltGr arrives as both on some terminals: then it is a typed character.
        let altgr = key
            .modifiers
            .contains(KeyModifiers::CONTROL | KeyModifiers::ALT);
        let counting = matches!(state.mode, Mode::Countdown { .. });
        if !altgr && !counting {
            return None;
        }
    }
    match &state.mode {
        Mode::Listing => listing(state, code),
        Mode::Confirming { .. } => confirming(state, code),
        Mode::Sleeping { night } => {
            let night = *night;
            sleeping(state, code, night)
        }
        Mode::Countdown { .. } => {
            state.withdraw();
            Some(Action::Stop)
        }
        Mode::Running { stop_asked } => {
            let asked = *stop_asked;
            running(state, code, asked, interrupt)
        }
        Mode::Done { .. } => done(state, code),
    }
}

fn listing(state: &mut State, code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Char(' ') => toggle(state),
        KeyCode::Char('a' | 'A') => toggle_all(state),
        KeyCode::Enter => ask_next(state).then_some(Action::BeginConfirm),
        KeyCode::Char('e' | 'E') => start(state),
        KeyCode::Char('p' | 'P') => Some(Action::PowerOff),
        other => everywhere(state, other),
    }
}

fn toggle(state: &mut State) -> Option<Action> {
    let unique = state
        .rows
        .get(state.cursor)
        .is_some_and(|row| state.unique(row));
    let row = state.rows.get_mut(state.cursor)?;
    match &row.plan {
        Plan::Erase { .. } if !unique => {
            state.message = Some(Text::SameIdentity.says(state.language).to_owned());
            None
        }
        Plan::Erase { .. } => {
            row.selected = !row.selected;
            row.consented = false;
            let id = row.id.clone();
            Some(if row.selected {
                Action::Select { id }
            } else {
                Action::Deselect { id }
            })
        }
        Plan::Refused { reason, .. } => {
            let sentence = Text::CannotChoose.says(state.language);
            state.message = Some(fill(sentence, &[reason]));
            None
        }
        Plan::Unseen { reason, .. } => {
            state.message = Some(fill(Text::Unseen.says(state.language), &[reason]));
            None
        }
    }
}

fn toggle_all(state: &mut State) -> Option<Action> {
    let may: Vec<bool> = state.rows.iter().map(|row| state.may_choose(row)).collect();
    let selected = state
        .rows
        .iter()
        .any(|row| state.may_choose(row) && !row.selected);
    for (row, may) in state.rows.iter_mut().zip(may) {
        row.selected = selected && may;
        row.consented &= row.selected;
    }
    Some(Action::SelectAll { selected })
}

/// Puts the question for the next chosen drive without consent on the screen; says whether there
/// was one.
fn ask_next(state: &mut State) -> bool {
    let next = state.chosen().find(|row| !row.consented);
    let Some(id) = next.map(|row| row.id.clone()) else {
        let text = if state.chosen().next().is_none() {
            Text::NothingChosen
        } else {
            Text::ConfirmAll
        };
        state.message = Some(state.says(text).to_owned());
        state.mode = Mode::Listing;
        return false;
    };
    if let Some(at) = state.rows.iter().position(|row| row.id == id) {
        state.cursor = at;
        state.details_from = 0;
    }
    state.mode = Mode::Confirming {
        id,
        typed: String::new(),
    };
    true
}

fn start(state: &mut State) -> Option<Action> {
    let ids: Vec<String> = state.chosen().map(|row| row.id.clone()).collect();
    if ids.is_empty() {
        state.message = Some(state.says(Text::NothingChosen).to_owned());
        return None;
    }
    if state.chosen().any(|row| !row.consented) {
        state.message = Some(state.says(Text::NotConfirmed).to_owned());
        return None;
    }
    Some(Action::StartErase { ids })
}

/// Longest answer that is kept: longer than any serial.
const TYPED_CHARACTERS_MAX: usize = 64;

fn confirming(state: &mut State, code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Esc => return cancel(state),
        KeyCode::Enter => return answer(state),
        _ => {}
    }
    if let Mode::Confirming { typed, .. } = &mut state.mode {
        match code {
            KeyCode::Backspace => {
                typed.pop();
            }
            KeyCode::Char(c) if typed.chars().count() < TYPED_CHARACTERS_MAX => typed.push(c),
            _ => {}
        }
    }
    None
}

fn cancel(state: &mut State) -> Option<Action> {
    state.withdraw();
    state.mode = Mode::Listing;
    state.message = Some(state.says(Text::ConfirmCancelled).to_owned());
    Some(Action::CancelConfirm)
}

fn answer(state: &mut State) -> Option<Action> {
    let Mode::Confirming { id, typed } = &mut state.mode else {
        return None;
    };
    let typed = std::mem::take(typed);
    let id = id.clone();
    let row = state.chosen().find(|row| row.id == id);
    let agreed = row.is_some_and(|row| agrees(&typed, row, &state.rows));
    if !agreed {
        state.message = Some(state.says(Text::ConfirmWrong).to_owned());
        return None;
    }
    for row in state.rows.iter_mut().filter(|row| row.id == id) {
        row.consented = true;
    }
    ask_next(state);
    Some(Action::Consented { id })
}

fn sleeping(state: &mut State, code: KeyCode, night: Night) -> Option<Action> {
    match (night, code) {
        (Night::Asked { .. }, KeyCode::Char('s' | 'S')) => Some(Action::Sleep),
        (Night::Asked { .. }, KeyCode::Char('n' | 'N')) => Some(Action::StayAwake),
        (Night::Asked { .. }, KeyCode::Esc) => cancel(state),
        (Night::Asked { .. }, KeyCode::Char('l' | 'L')) => {
            state.language = state.language.other();
            Some(Action::Language)
        }
        (Night::Asked { .. } | Night::Asleep, _) => None,
        (Night::Awake { .. }, _) => Some(Action::Awake),
    }
}

fn running(state: &mut State, code: KeyCode, asked: bool, interrupt: bool) -> Option<Action> {
    // A second key of another kind: a terminal repeats a key that is held.
    if asked && (interrupt || code == KeyCode::Enter) {
        state.mode = Mode::Running { stop_asked: false };
        return Some(Action::Stop);
    }
    if interrupt || matches!(code, KeyCode::Char('x' | 'X')) {
        state.mode = Mode::Running { stop_asked: true };
        state.message = Some(state.says(Text::StopAsk).to_owned());
        return None;
    }
    if asked {
        state.mode = Mode::Running { stop_asked: false };
        state.message = Some(state.says(Text::StopWithdrawn).to_owned());
    }
    everywhere(state, code)
}

fn done(state: &mut State, code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Char('p' | 'P') => Some(Action::PowerOff),
        other => everywhere(state, other),
    }
}

/// Rows that Page Up and Page Down move by.
const PAGE_ROWS: usize = 8;

fn everywhere(state: &mut State, code: KeyCode) -> Option<Action> {
    let last = state.rows.len().saturating_sub(1);
    let cursor = match code {
        KeyCode::Up => state.cursor.saturating_sub(1),
        KeyCode::Down => state.cursor + 1,
        KeyCode::PageUp => state.cursor.saturating_sub(PAGE_ROWS),
        KeyCode::PageDown => state.cursor + PAGE_ROWS,
        KeyCode::Home => 0,
        KeyCode::End => last,
        KeyCode::Left => {
            state.details_from = state.details_from.saturating_sub(1);
            return None;
        }
        KeyCode::Right => {
            let most = super::details::last_line(state);
            state.details_from = (state.details_from + 1).min(most);
            return None;
        }
        KeyCode::Char('l' | 'L') => {
            state.language = state.language.other();
            return Some(Action::Language);
        }
        _ => return None,
    };
    let cursor = cursor.min(last);
    if cursor != state.cursor {
        state.cursor = cursor;
        if !matches!(state.mode, Mode::Done { .. }) {
            state.details_from = 0;
        }
    }
    None
}
