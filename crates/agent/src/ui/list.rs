//! The list of drives: one line a drive, before, during and after the run.
//!
//! Columns are for 80; a wider terminal gives the rest to the last one.

use super::state::{Mode, Phase, Plan, Row, State};
use super::words::{bar, fit, fit_end, percent, rate, size, time_left};
use crate::i18n::{Text, fill, outcome};
use ratatui::style::Color;
use report::schema::OutcomeWord;

/// One line and its colour.
pub struct ListLine {
    pub text: String,
    pub colour: Option<Color>,
    pub under_cursor: bool,
}

/// The heading above the rows.
pub fn heading(state: &State) -> String {
    let says = |text| state.says(text);
    match state.mode {
        Mode::Listing
        | Mode::Confirming { .. }
        | Mode::Sleeping { .. }
        | Mode::Countdown { .. } => format!(
            "      {} {} {} {}",
            fit(says(Text::HeadModel), 20),
            fit(says(Text::HeadSerial), 20),
            fit(says(Text::HeadSize), 8),
            says(Text::HeadState)
        ),
        Mode::Running { .. } => format!(
            "  {} {} {} {} {} {} {} {}",
            fit(says(Text::HeadModel), 11),
            fit(says(Text::HeadSerial), 9),
            fit(says(Text::HeadPhase), 12),
            fit(says(Text::HeadProgress), 15),
            fit(says(Text::HeadRate), 8),
            fit(says(Text::HeadLeft), 7),
            fit(says(Text::HeadTemperature), 4),
            says(Text::HeadErrors)
        ),
        Mode::Done { .. } => format!(
            "  {} {} {} {}",
            fit(says(Text::HeadModel), 20),
            fit(says(Text::HeadSerial), 20),
            fit(says(Text::HeadSize), 8),
            says(Text::HeadState)
        ),
    }
}

/// The page of `rows` lines that holds the cursor.
pub fn page(state: &State, rows: usize) -> Vec<ListLine> {
    let rows = rows.max(1);
    let cursor = state.cursor.min(state.rows.len().saturating_sub(1));
    let first = cursor - cursor % rows;
    state
        .rows
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(index, row)| {
            let under_cursor = index == cursor;
            let mark = if under_cursor { '>' } else { ' ' };
            let text = match state.mode {
                Mode::Listing
                | Mode::Confirming { .. }
                | Mode::Sleeping { .. }
                | Mode::Countdown { .. } => {
                    format!("{mark} {} {}", check_box(state, row), planned(state, row))
                }
                Mode::Running { .. } => format!("{mark} {}", running(state, row)),
                Mode::Done { .. } => format!("{mark} {}", ended(state, row)),
            };
            ListLine {
                text,
                colour: colour(row),
                under_cursor,
            }
        })
        .collect()
}

fn check_box(state: &State, row: &Row) -> &'static str {
    match (state.may_choose(row), row.selected) {
        (false, _) => " - ",
        (true, false) => "[ ]",
        (true, true) => "[x]",
    }
}

fn names(state: &State, row: &Row, model: usize, serial: usize) -> String {
    let name = row.model.as_deref().unwrap_or(state.says(Text::NoModel));
    let number = match &row.serial {
        Some(number) => fit_end(number, serial),
        None => fit(state.says(Text::NoSerial), serial),
    };
    format!("{} {number}", fit(name, model))
}

fn planned(state: &State, row: &Row) -> String {
    let mut text = match &row.plan {
        Plan::Refused { reason, .. } => fill(state.says(Text::RefusedBecause), &[reason]),
        Plan::Unseen { .. } => state.says(Text::NotSeen).to_owned(),
        Plan::Erase { .. } if row.selected && row.consented => {
            state.says(Text::Confirmed).to_owned()
        }
        Plan::Erase { .. } if row.selected => state.says(Text::ToErase).to_owned(),
        Plan::Erase { .. } => state.says(Text::Erasable).to_owned(),
    };
    if row.resumes.is_some() {
        text.push_str(state.says(Text::Resumes));
    }
    format!(
        "{} {} {text}",
        names(state, row, 20, 20),
        fit(&size(state.language, row.capacity_bytes), 8)
    )
}

fn running(state: &State, row: &Row) -> String {
    let names = names(state, row, 11, 9);
    if row.outcome.is_some() || !row.selected {
        return format!("{names} {}", result(state, row));
    }
    let phase = match row.phase {
        Phase::Waiting => Text::PhaseWaiting,
        Phase::Sanitizing => Text::PhaseSanitizing,
        Phase::Writing => Text::PhaseWriting,
        Phase::Settling => Text::PhaseSettling,
        Phase::Verifying => Text::PhaseVerifying,
    };
    let phase = match row.phase {
        _ if row.is_silent() => state.says(Text::NoAnswer).to_owned(),
        Phase::Writing | Phase::Verifying if row.passes > 1 => {
            format!("{} {}/{}", state.says(phase), row.pass + 1, row.passes)
        }
        Phase::Waiting
        | Phase::Sanitizing
        | Phase::Writing
        | Phase::Settling
        | Phase::Verifying => state.says(phase).to_owned(),
    };
    let unknown = || "-".to_owned();
    let progress = match row.percent {
        Some(done) => format!("{} {:>4}", bar(done, 10), percent(done)),
        None => unknown(),
    };
    // The means of a phase say nothing of a drive that no longer moves.
    let moving = Some(()).filter(|()| !row.is_silent());
    let speed = moving
        .and(row.bytes_per_second)
        .map_or_else(unknown, |r| rate(state.language, r));
    let left = moving.and(row.seconds_left).map_or_else(unknown, time_left);
    let warm = row
        .temperature_celsius
        .map_or_else(unknown, |t| format!("{t}°C"));
    format!(
        "{names} {} {} {} {} {} {}",
        fit(&phase, 12),
        fit(&progress, 15),
        fit(&speed, 8),
        fit(&left, 7),
        fit(&warm, 4),
        row.errors
    )
}

fn ended(state: &State, row: &Row) -> String {
    format!(
        "{} {} {}",
        names(state, row, 20, 20),
        fit(&size(state.language, row.capacity_bytes), 8),
        result(state, row)
    )
}

/// The outcome's word, or why there is none.
fn result(state: &State, row: &Row) -> String {
    match (&row.plan, row.outcome) {
        (_, Some(word)) => state.says(outcome(word)).to_owned(),
        (Plan::Refused { reason, .. }, None) => fill(state.says(Text::RefusedBecause), &[reason]),
        (Plan::Unseen { .. }, None) => state.says(Text::NotSeen).to_owned(),
        (Plan::Erase { .. }, None) if row.selected => {
            state.says(Text::OutcomeNotStarted).to_owned()
        }
        (Plan::Erase { .. }, None) => state.says(Text::NotChosen).to_owned(),
    }
}

fn colour(row: &Row) -> Option<Color> {
    match (row.outcome, &row.plan) {
        (Some(OutcomeWord::Verified), _) => Some(Color::Green),
        (Some(OutcomeWord::Sampled | OutcomeWord::WrittenNotChecked), _) => Some(Color::Yellow),
        (Some(OutcomeWord::NotComplete | OutcomeWord::NotStarted), _) => Some(Color::Red),
        (None, Plan::Refused { .. }) => Some(Color::DarkGray),
        (None, Plan::Unseen { .. }) => Some(Color::Yellow),
        (None, Plan::Erase { .. }) if row.errors > 0 || row.is_silent() => Some(Color::Red),
        (None, Plan::Erase { .. }) => None,
    }
}
