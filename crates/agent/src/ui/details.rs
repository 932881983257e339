//! The lines below the list: the drive under the cursor in full, the countdown, or the grade.

use super::state::{Mode, Plan, Row, State};
use super::words::{answer_time, plain, wrap};
use crate::i18n::{Text, fill, outcome, verdict};
use report::schema::OutcomeWord;
use wipe::latency::Latency;

/// The heading of the details.
pub fn heading(state: &State) -> String {
    match state.mode {
        Mode::Listing
        | Mode::Confirming { .. }
        | Mode::Sleeping { .. }
        | Mode::Countdown { .. } => position(state),
        Mode::Running { .. } | Mode::Done { .. } => {
            format!("{} · {}", position(state), counts(state))
        }
    }
}

fn position(state: &State) -> String {
    let count = state.rows.len();
    let at = state.cursor.min(count.saturating_sub(1)) + usize::from(count > 0);
    fill(
        state.says(Text::Drive),
        &[&at.to_string(), &count.to_string()],
    )
}

/// How many drives ended with which word.
fn counts(state: &State) -> String {
    let count = |wanted: Option<OutcomeWord>| {
        let of = |row: &&Row| row.selected && row.outcome == wanted;
        state.rows.iter().filter(of).count()
    };
    let running = match state.mode {
        Mode::Running { .. } => Text::CountRunning,
        Mode::Listing
        | Mode::Confirming { .. }
        | Mode::Sleeping { .. }
        | Mode::Countdown { .. }
        | Mode::Done { .. } => Text::CountNotStarted,
    };
    let not_started = count(Some(OutcomeWord::NotStarted));
    let parts = match state.mode {
        Mode::Running { .. } => vec![
            (running, count(None)),
            (Text::CountVerified, count(Some(OutcomeWord::Verified))),
            (Text::CountSampled, count(Some(OutcomeWord::Sampled))),
            (
                Text::CountWritten,
                count(Some(OutcomeWord::WrittenNotChecked)),
            ),
            (
                Text::CountNotComplete,
                count(Some(OutcomeWord::NotComplete)),
            ),
            (Text::CountNotStarted, not_started),
        ],
        Mode::Listing
        | Mode::Confirming { .. }
        | Mode::Sleeping { .. }
        | Mode::Countdown { .. }
        | Mode::Done { .. } => {
            vec![
                (Text::CountVerified, count(Some(OutcomeWord::Verified))),
                (Text::CountSampled, count(Some(OutcomeWord::Sampled))),
                (
                    Text::CountWritten,
                    count(Some(OutcomeWord::WrittenNotChecked)),
                ),
                (
                    Text::CountNotComplete,
                    count(Some(OutcomeWord::NotComplete)),
                ),
                (running, not_started + count(None)),
            ]
        }
    };
    let always = |text: Text| matches!(text, Text::CountVerified | Text::CountRunning);
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(text, n)| *n > 0 || always(*text))
        .map(|(text, n)| fill(state.says(text), &[&n.to_string()]))
        .collect();
    said.join(", ")
}

/// All lines of the details, at most `width` columns each.
pub fn lines(state: &State, width: usize) -> Vec<String> {
    match &state.mode {
        Mode::Listing | Mode::Confirming { .. } | Mode::Sleeping { .. } | Mode::Running { .. } => {
            drive(state, width)
        }
        Mode::Countdown { seconds_left } => {
            let drives = state.chosen().count().to_string();
            // Only what the service armed stays at zero, until it is confirmed once more.
            let sentence = match seconds_left {
                0 => fill(state.says(Text::CountdownOver), &[&drives]),
                left => fill(state.says(Text::Countdown), &[&left.to_string(), &drives]),
            };
            let mut lines = wrap(&sentence, width);
            lines.extend(wrap(state.says(Text::CountdownStop), width));
            lines
        }
        Mode::Done { grade, lines } => {
            let mut all = vec![match grade {
                Some(grade) => fill(
                    state.says(Text::Grade),
                    &[&plain(verdict::grade(state.language, grade))],
                ),
                None => state.says(Text::GradeNone).to_owned(),
            }];
            all.extend(drive(state, width));
            all.extend(lines.iter().flat_map(|line| wrap(line, width)));
            all
        }
    }
}

/// Index of the last line on an 80 column screen: how far a person can scroll.
pub fn last_line(state: &State) -> usize {
    lines(state, 80).len().saturating_sub(1)
}

/// Model, serial, path and id: what tells the drive apart, uncut.
pub fn identity(state: &State, row: &Row) -> Vec<String> {
    vec![
        format!(
            "{} {} · {} {}",
            state.says(Text::HeadModel),
            plain(row.model.as_deref().unwrap_or(state.says(Text::NoModel))),
            state.says(Text::HeadSerial),
            plain(row.serial.as_deref().unwrap_or(state.says(Text::NoSerial)))
        ),
        format!(
            "{} {} · {} {}",
            state.says(Text::Path),
            plain(&row.path),
            state.says(Text::Id),
            plain(&row.id)
        ),
    ]
}

fn drive(state: &State, width: usize) -> Vec<String> {
    let Some(row) = state.rows.get(state.cursor) else {
        return Vec::new();
    };
    let mut lines: Vec<String> = identity(state, row)
        .iter()
        .flat_map(|line| wrap(line, width))
        .collect();
    let mut say = |text: &str| lines.extend(wrap(text, width));
    if let Some(word) = row.outcome {
        let said = state.says(outcome(word));
        match word {
            OutcomeWord::Verified => {
                say(&format!("{said}, {}", state.says(Text::VerifiedMeans)));
            }
            OutcomeWord::Sampled
            | OutcomeWord::WrittenNotChecked
            | OutcomeWord::NotComplete
            | OutcomeWord::NotStarted => say(said),
        }
        if !row.outcome_text.is_empty() {
            say(&row.outcome_text);
        }
        return lines;
    }
    if row.is_silent() {
        let seconds = row.seconds_silent.to_string();
        say(&fill(state.says(Text::NoAnswerFor), &[&seconds]));
    }
    match &row.plan {
        Plan::Erase { text } => {
            say(&fill(state.says(Text::Plan), &[text]));
            row.resumes.iter().for_each(|text| say(text));
        }
        Plan::Refused { reason, remedy } => {
            say(&fill(state.says(Text::Refused), &[reason]));
            say(&fill(state.says(Text::Remedy), &[remedy]));
        }
        Plan::Unseen { reason, remedy } => {
            say(&fill(state.says(Text::Unseen), &[reason]));
            say(&fill(state.says(Text::Remedy), &[remedy]));
        }
    }
    if row.forgotten {
        say(state.says(Text::Forgotten));
    }
    if let Some(Latency { p50, p99, max }) = row.latency {
        let [p50, p99, max] = [p50, p99, max].map(|took| answer_time(state.language, took));
        say(&fill(state.says(Text::Latency), &[&p50, &p99, &max]));
    }
    lines
}
