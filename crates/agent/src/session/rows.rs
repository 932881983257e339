//! Drives and their runs as rows of the screen and as events.

use crate::compose;
use crate::i18n::{self, Language, refusal, work};
use crate::survey::is_forgotten;
use crate::ui::{Phase, Plan, Row};
use crate::work::Flight;
use drive::facts::DriveFacts;
use drive::refusal::Refusal;
use drive::unseen::Unseen;
use report::event::Event;
use std::time::Duration;
use wipe::latency::Latency;
use wipe::progress::{self, Snapshot};

/// The row of a drive before anything is done to it.
#[must_use]
pub fn row(
    facts: &DriveFacts,
    refusals: &[Refusal],
    plan: &wipe::plan::Plan,
    language: Language,
) -> Row {
    let plan = match refusals.first() {
        Some(first) => Plan::Refused {
            reason: refusal::reason(language, first),
            remedy: refusal::remedy(language, first),
        },
        None => Plan::Erase {
            text: work::technique(language, plan),
        },
    };
    Row {
        id: facts.identity.id(),
        path: facts.path.display().to_string(),
        model: facts.model.clone(),
        serial: facts.identity.serial.clone(),
        capacity_bytes: facts.capacity_bytes,
        plan,
        forgotten: is_forgotten(facts, refusals),
        temperature_celsius: facts.health.temperature_celsius,
        ..Row::default()
    }
}

/// The row of a place where a drive may be that is not seen.
#[must_use]
pub fn unseen(unseen: &Unseen, language: Language) -> Row {
    let place = unseen.place();
    Row {
        id: format!("unseen {place}"),
        path: place.into(),
        model: Some(place.into()),
        plan: Plan::Unseen {
            reason: i18n::unseen::reason(language, unseen),
            remedy: i18n::unseen::remedy(language, unseen).into(),
        },
        ..Row::default()
    }
}

/// Brings a row up to date with its run and the drive's temperature, when it is known.
pub fn update(row: &mut Row, now: &Snapshot, temperature_celsius: Option<i32>) {
    row.phase = match now.phase {
        progress::Phase::Waiting => Phase::Waiting,
        progress::Phase::Sanitizing => Phase::Sanitizing,
        progress::Phase::Writing => Phase::Writing,
        progress::Phase::Settling | progress::Phase::Done => Phase::Settling,
        progress::Phase::Verifying => Phase::Verifying,
    };
    row.pass = now.pass_index;
    row.passes = now.pass_count;
    row.percent = (now.bytes_total > 0)
        .then(|| (now.bytes_done as f64 * 100.0 / now.bytes_total as f64).min(100.0));
    row.bytes_per_second = (now.bytes_per_second > 0.0).then_some(now.bytes_per_second);
    row.seconds_left = now.time_left.map(|left| left.as_secs());
    row.latency = now.latency;
    row.errors = now.errors;
    row.seconds_silent = now.silent.as_secs();
    row.temperature_celsius = temperature_celsius.or(row.temperature_celsius);
}

/// Name of a phase in events.
#[must_use]
pub fn phase_name(phase: progress::Phase) -> &'static str {
    match phase {
        progress::Phase::Waiting => "waiting",
        progress::Phase::Sanitizing => "sanitizing",
        progress::Phase::Writing => "writing",
        progress::Phase::Settling => "settling",
        progress::Phase::Verifying => "verifying",
        progress::Phase::Done => "done",
    }
}

/// Where a drive stands, as an event.
#[must_use]
pub fn progress_event(flight: &Flight, now: &Snapshot, row: Option<&Row>) -> Event {
    let seconds = |of: fn(Latency) -> Duration| now.latency.map(|all| of(all).as_secs_f64());
    Event::Progress {
        id: flight.order.consent.id.clone(),
        phase: phase_name(now.phase).into(),
        bytes_done: now.bytes_done,
        bytes_total: now.bytes_total,
        bytes_per_second: now.bytes_per_second,
        seconds_left: now.time_left.map(|left| left.as_secs_f64()),
        latency_p50_seconds: seconds(|all| all.p50),
        latency_p99_seconds: seconds(|all| all.p99),
        latency_max_seconds: seconds(|all| all.max),
        errors: now.errors,
        temperature_celsius: row.and_then(|row| row.temperature_celsius),
        seconds_silent: now.silent.as_secs_f64(),
    }
}

/// The list of drives as an event.
#[must_use]
pub fn drives_event(drives: &[(DriveFacts, Vec<Refusal>)]) -> Event {
    Event::Drives {
        drives: drives
            .iter()
            .map(|(facts, refusals)| compose::drive(facts, refusals))
            .collect(),
    }
}
