//! `raz check ram`.

use super::{Status, signals};
use crate::cli;
use crate::i18n::memory as words;
use crate::output::{printable, say, tell};
use machine::Roots;
use machine::check::memory::cells::{MainMemory, SystemClock};
use machine::check::memory::counters::Counters;
use machine::check::memory::findings::BadFrame;
use machine::check::memory::schedule::Depth;
use machine::check::memory::{NotDone, Outcome, Progress, Request, run};
use serde_json::{Value, json};
use std::time::Duration;

/// `--budget quick` and `deep`, at most.
const QUICK: Duration = Duration::from_secs(5 * 60);
const DEEP: Duration = Duration::from_secs(30 * 60);
/// Memory is left alone so long, twice in each round; less where there is little time.
const FADE: Duration = Duration::from_secs(90);
/// Part of the time that one wait may take.
const FADE_SHARE: u32 = 10;

/// Runs `raz check ram`.
///
/// # Errors
/// Signals cannot be watched, or the output cannot be serialised.
pub fn ram(arguments: &cli::Ram) -> anyhow::Result<Status> {
    let stop = signals::stop_flag()?;
    // Should the kernel ever have to end a program, it must be this one and not one that erases beside it. A
    // kernel that does not let us is none the worse.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let cores = sys::cpu::usable().unwrap_or_default();
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)?;
    let (depth, time_max, repeat) = match (arguments.minutes, arguments.budget.as_str()) {
        (Some(minutes), _) => (Depth::Deep, Duration::from_secs(60 * minutes), true),
        (None, "deep") => (Depth::Deep, DEEP, true),
        (None, _) => (Depth::Quick, QUICK, false),
    };
    let roots = Roots::live();
    let request = Request {
        depth,
        time_max,
        repeat,
        fade: (depth == Depth::Deep).then(|| FADE.min(time_max / FADE_SHARE)),
        cores: &cores,
        memory_max_bytes: None,
        reserve_bytes: 0,
        seed: u64::from_ne_bytes(seed),
        stop: &stop,
    };
    let mut last = None;
    let outcome = run(
        &MainMemory::new(roots.clone()),
        &roots,
        &SystemClock::start(),
        &request,
        &mut |progress| tell_progress(progress, &mut last),
    );
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&document(&outcome))?);
    } else {
        for words in words::outcome(&outcome) {
            say!("{}", printable(&words.english));
        }
        for what in &outcome.not_done {
            say!("  not done: {}", words::not_done(what).english);
        }
    }
    Ok(status(&outcome))
}

fn status(outcome: &Outcome) -> Status {
    match outcome.is_complete() && !outcome.is_faulty() {
        true => Status::Proven,
        false => Status::NotProven,
    }
}

/// A line when another test begins, or when the number of errors has risen.
fn tell_progress(progress: &Progress, last: &mut Option<(u32, Option<&'static str>, bool)>) {
    let now = (
        progress.round,
        progress.test.map(|test| test.key()),
        progress.errors > 0,
    );
    if last.replace(now) == Some(now) {
        return;
    }
    let test = progress.test.map(words::name);
    tell!(
        "{} s, round {}: {}, {} MiB, {} errors",
        progress.elapsed.as_secs(),
        progress.round,
        test.map_or("memory is taken".to_owned(), |test| test.english),
        progress.held_bytes >> 20,
        progress.errors,
    );
}

/// For programs.
fn document(outcome: &Outcome) -> Value {
    let coverage = outcome.coverage;
    let percent = coverage.map(|coverage| (coverage.percent() * 100.0).round() / 100.0);
    let tests = outcome.tests.iter();
    json!({
        "coverage_percent": percent,
        "reached_bytes": coverage.map(|coverage| coverage.reached_bytes),
        "system_ram_bytes": coverage.map(|coverage| coverage.system_ram_bytes),
        "held_bytes_max": outcome.held_bytes_max,
        "swept_bytes": outcome.swept_bytes,
        "sweeps": outcome.sweeps,
        "rounds": outcome.rounds,
        "seconds": outcome.elapsed.as_secs_f64(),
        "tests": tests
            .map(|(test, times, bytes)| json!({"test": test.key(), "times": times, "bytes": bytes}))
            .collect::<Vec<_>>(),
        "errors": outcome.errors,
        "errors_unlisted": outcome.errors_unlisted,
        "bad_frames": outcome.bad.iter().map(bad_frame).collect::<Vec<_>>(),
        "counters_before": counters(&outcome.counters.0),
        "counters_after": counters(&outcome.counters.1),
        "faulty": outcome.is_faulty(),
        "stopped": outcome.stopped,
        "not_done": outcome.not_done.iter().map(not_done).collect::<Vec<_>>(),
    })
}

fn bad_frame(bad: &BadFrame) -> Value {
    let hex = |word: u64| format!("{word:#018x}");
    let tests = bad.tests.iter().map(|test| test.key());
    json!({
        "frame": bad.frame,
        "address": bad.first.address.map(hex),
        "expected": hex(bad.first.expected),
        "read": hex(bad.first.read),
        "test": bad.first.test.key(),
        "bits": hex(bad.bits),
        "errors": bad.errors,
        "tests": tests.collect::<Vec<_>>(),
        "cores": bad.cores,
        "slot": bad.slot,
    })
}

fn counters(counters: &Counters) -> Value {
    json!({
        "corrupted_bytes": counters.corrupted_bytes,
        "corrected": counters.corrected,
        "uncorrected": counters.uncorrected,
        "machine_checks": counters.machine_checks,
    })
}

fn not_done(what: &NotDone) -> Value {
    let (key, bytes, test) = match what {
        NotDone::NothingTaken => ("nothing-taken", None, None),
        NotDone::FramesUnknown => ("frames-unknown", None, None),
        NotDone::MemoryMapUnknown => ("memory-map-unknown", None, None),
        NotDone::Reserve(bytes) => ("reserve", Some(*bytes), None),
        NotDone::GivenBack(bytes) => ("given-back", Some(*bytes), None),
        NotDone::NotLocked => ("not-locked", None, None),
        NotDone::Caches => ("caches", None, None),
        NotDone::Test(test) => ("test", None, Some(test.key())),
        NotDone::FadeOfLaterRounds => ("fade-of-later-rounds", None, None),
        NotDone::CorrectedErrors => ("corrected-errors", None, None),
    };
    json!({
        "what": key,
        "bytes": bytes,
        "test": test,
        "words": words::not_done(what).english,
    })
}
