//! One drive of a report: the word first, then what it rests on.

use super::format::{foreign, listed, number, optional, percent, probability, ranges, size};
use super::text::{self, Lang};
use crate::judge::{Finding, judge};
use maud::{Markup, html};
use report::schema::{Drive, Erasure, Health, Pass, Resumed, Sample};

/// The drive as a section of its machine's page; `imported` when the service did not know the station.
pub fn section(drive: &Drive, imported: bool, lang: Lang) -> Markup {
    let finding = judge(drive);
    let (mark, class) = match &finding {
        Finding::Verified if imported => ("!", "open"),
        Finding::Verified => ("✓", "good"),
        Finding::Sampled => ("◐", "open"),
        Finding::WrittenNotChecked => ("○", "open"),
        Finding::NotComplete => ("✗", "bad"),
        Finding::NotStarted | Finding::NotTried => ("–", "still"),
        Finding::Contradiction(_) => ("⚠", "bad"),
    };
    html! {
        article.drive.(class) {
            h3 {
                (optional(drive.model.as_deref())) " " span.code { (optional(drive.serial.as_deref())) }
            }
            p.word {
                span.mark aria-hidden="true" { (mark) } " "
                strong {
                    (text::finding(&finding).of(lang))
                    @if imported { ", " (text::IN_IMPORTED.of(lang)) }
                }
            }
            @if let Finding::Contradiction(doubts) = &finding {
                p { strong { (text::DOUBTS.of(lang)) } }
                ul { @for doubt in doubts { li { (text::doubt(*doubt).of(lang)) } } }
            }
            @if !drive.refusals.is_empty() {
                p { strong { (text::REFUSALS.of(lang)) } }
                (listed(&drive.refusals))
            }
            @if let Some(erasure) = &drive.erasure { (short(erasure, lang)) }
            (facts(drive, lang))
            @if let Some(erasure) = &drive.erasure { (evidence(erasure, lang)) }
        }
    }
}

fn short(erasure: &Erasure, lang: Lang) -> Markup {
    let colon = text::COLON.of(lang);
    html! {
        p { (text::OUTCOME_TEXT.of(lang)) (colon) (foreign(&erasure.outcome_text)) }
        @if !erasure.shortfalls.is_empty() {
            p { strong { (text::SHORTFALLS.of(lang)) } }
            (listed(&erasure.shortfalls))
        }
        dl {
            dt { (text::LEVEL.of(lang)) }
            dd {
                (text::ACHIEVED.of(lang)) (colon)
                strong { (text::level(erasure.achieved_level).of(lang)) }
                ", " (text::REQUESTED.of(lang)) (colon)
                (text::level(erasure.requested_level).of(lang))
            }
            dt { (text::TECHNIQUE.of(lang)) }
            dd { (foreign(&erasure.technique)) (listed(&erasure.reasons)) }
            @if !erasure.not_reached.is_empty() {
                dt { (text::NOT_REACHED.of(lang)) }
                dd { (listed(&erasure.not_reached)) }
            }
        }
        @if !erasure.passes.is_empty() {
            div.wide tabindex="0" role="region" aria-label=(text::PASSES.of(lang)) {
                table {
                    thead {
                        tr {
                            th scope="col" { (text::PASS.of(lang)) }
                            th scope="col" { (text::WRITTEN.of(lang)) }
                            th scope="col" { (text::WRITE_ERRORS.of(lang)) }
                            th scope="col" { (text::FLUSHED.of(lang)) }
                            th scope="col" { (text::READ_BACK.of(lang)) }
                            th scope="col" { (text::COVERAGE.of(lang)) }
                            th scope="col" { (text::DIFFERENCES.of(lang)) }
                            th scope="col" { (text::READ_ERRORS.of(lang)) }
                        }
                    }
                    tbody { @for pass in &erasure.passes { (row(pass, lang)) } }
                }
            }
            @for pass in &erasure.passes {
                @if let Some(taken) = &pass.resumed { (resumed(taken, lang)) }
                @if let Some(sample) = pass.verification.as_ref().and_then(|read| read.sample.as_ref()) {
                    (sampled(pass, sample, lang))
                }
            }
        }
    }
}

/// What a pass took over from an earlier run, and what was read of it first.
fn resumed(resumed: &Resumed, lang: Lang) -> Markup {
    let colon = text::COLON.of(lang);
    let recall = &resumed.recall;
    html! {
        dl {
            dt { (text::RESUMED.of(lang)) }
            dd {
                (text::BEGUN.of(lang)) " " (foreign(&resumed.begun)) ", "
                (text::RUNS_BEFORE.of(lang)) (colon) (number(resumed.runs_before, lang)) br;
                (text::TAKEN_OVER.of(lang)) (colon) (size(resumed.taken_over_bytes, lang)) ", "
                (text::MARK.of(lang)) (colon) (size(resumed.mark_bytes, lang)) br;
                (text::RECALL.of(lang)) (colon) (size(recall.read_bytes, lang))
                @if !recall.complete { ", " strong { (text::RECALL_CUT.of(lang)) } }
                @if recall.mismatch_bytes > 0 {
                    ", " (text::DIFFERENCES.of(lang)) (colon) (size(recall.mismatch_bytes, lang))
                }
                (first(recall.first_read_error.as_deref(), lang))
            }
        }
    }
}

/// What was read of a pass, how to find the same places again, and what such a sample misses.
fn sampled(pass: &Pass, sample: &Sample, lang: Lang) -> Markup {
    let colon = text::COLON.of(lang);
    let coverage = pass
        .verification
        .as_ref()
        .map_or(0.0, |read| read.coverage_percent);
    html! {
        dl {
            dt { (text::SAMPLE.of(lang)) " (" (text::PASS.of(lang)) " " (pass.pass) " " (text::pass(pass.kind).of(lang)) ")" }
            dd {
                (number(sample.sectors, lang)) " " (text::SECTORS_OF.of(lang)) " "
                (number(sample.sectors_total, lang)) " (" (percent(coverage, lang)) ")"
            }
            dt { (text::SAMPLE_SEED.of(lang)) }
            dd.code { (foreign(&sample.seed)) br; (foreign(&sample.derivation)) }
            dt { (text::MISSED.of(lang)) }
            dd {
                (text::MISSED_MEANS.of(lang))
                ul {
                    @for missed in &sample.missed {
                        li {
                            (number(missed.sectors, lang)) " " (text::arrangement(missed.arrangement).of(lang))
                            ", " (size(missed.bytes, lang)) (colon)
                            strong { (probability(missed.probability, lang)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(pass: &Pass, lang: Lang) -> Markup {
    let none = text::NONE.of(lang);
    html! {
        tr {
            th scope="row" { (pass.pass) " " (text::pass(pass.kind).of(lang)) }
            td {
                (size(pass.written_bytes, lang))
                @if let Some(taken @ 1..) = pass.resumed.as_ref().map(|resumed| resumed.taken_over_bytes) {
                    br; (text::TAKEN_OVER.of(lang)) (text::COLON.of(lang)) (size(taken, lang))
                }
            }
            td {
                (ranges(&pass.write_errors, none, lang))
                @if let Some(seen @ 1..) = pass.write_errors_seen {
                    br; (text::FAILED_COMMANDS.of(lang)) (text::COLON.of(lang)) (number(seen, lang))
                }
                (first(pass.first_write_error.as_deref(), lang))
            }
            td { (yes(pass.flushed, lang)) }
            @match &pass.verification {
                Some(verification) => {
                    td { (size(verification.read_bytes, lang)) }
                    td { (percent(verification.coverage_percent, lang)) " " (foreign(&verification.r#type)) }
                    td { (ranges(&verification.mismatches, none, lang)) }
                    td {
                        (ranges(&verification.read_errors, none, lang))
                        (first(verification.first_read_error.as_deref(), lang))
                    }
                }
                None => {
                    td colspan="4" { strong { (text::finding(&Finding::WrittenNotChecked).of(lang)) } }
                }
            }
        }
    }
}

/// The first error of a phase.
fn first(error: Option<&str>, lang: Lang) -> Markup {
    html! {
        @if let Some(error) = error {
            br; (text::FIRST_ERROR.of(lang)) (text::COLON.of(lang)) (foreign(error))
        }
    }
}

fn facts(drive: &Drive, lang: Lang) -> Markup {
    let hidden = &drive.hidden_capacity;
    html! {
        dl {
            dt { (text::CAPACITY.of(lang)) }
            dd { (size(drive.capacity_bytes, lang)) }
            dt { (text::HIDDEN.of(lang)) }
            dd {
                (text::hidden(hidden.state).of(lang))
                @if let Some(bytes) = hidden.bytes { ", " (size(bytes, lang)) }
                @if hidden.restored_for_good { ", " (text::RESTORED.of(lang)) }
                br; (foreign(&hidden.evidence))
            }
            dt { (text::KIND.of(lang)) }
            dd {
                (foreign(&drive.transport)) ", " (foreign(&drive.media_type))
                @if let Some(bridge) = &drive.bridge { ", USB " (foreign(bridge)) }
                ", " (text::SECTORS.of(lang)) " " (number(u64::from(drive.logical_sector_bytes), lang)) " / "
                (number(u64::from(drive.physical_sector_bytes), lang))
            }
            dt { (text::FIRMWARE.of(lang)) }
            dd { (optional(drive.firmware.as_deref())) }
            dt { (text::IDENTITY.of(lang)) }
            dd.code { (foreign(&drive.identity)) }
            @for (moment, health) in [
                (text::HEALTH_BEFORE, &drive.health_before),
                (text::HEALTH_AFTER, &drive.health_after),
            ] {
                @if let Some(health) = health {
                    dt { (moment.of(lang)) }
                    dd { (counters(health, lang)) }
                }
            }
            @if !drive.oddities.is_empty() {
                dt { (text::ODDITIES.of(lang)) }
                dd { (listed(&drive.oddities)) }
            }
        }
    }
}

fn evidence(erasure: &Erasure, lang: Lang) -> Markup {
    let colon = text::COLON.of(lang);
    html! {
        details {
            summary { (text::EVIDENCE.of(lang)) }
            dl {
                dt { (text::CONSENT.of(lang)) }
                dd {
                    (foreign(&erasure.consent.by)) ", " (foreign(&erasure.consent.drive_id))
                    @if let Some(detail) = &erasure.consent.detail { ", " (foreign(detail)) }
                }
                @if let Some(ledger) = &erasure.ledger {
                    dt { (text::LEDGER.of(lang)) }
                    dd {
                        (text::MARKS_KEPT.of(lang)) (colon) (number(ledger.recorded, lang)) ", "
                        (text::FAILURES.of(lang)) (colon) (number(ledger.failures, lang))
                        (first(ledger.first_error.as_deref(), lang))
                    }
                }
                dt { (text::TIMES.of(lang)) }
                dd { (foreign(&erasure.started)) " – " (foreign(&erasure.ended)) }
                @for check in &erasure.identity_checks {
                    dt { (text::IDENTITY.of(lang)) ", " (foreign(&check.moment)) }
                    dd {
                        @if check.same { (text::IDENTITY_SAME.of(lang)) }
                        @else { strong { (text::IDENTITY_OTHER.of(lang)) } }
                        (colon) span.code { (foreign(&check.found)) }
                    }
                }
                @for command in &erasure.commands {
                    dt.code { (foreign(&command.command)) }
                    dd.code { (foreign(&command.status)) }
                }
            }
        }
    }
}

fn counters(health: &Health, lang: Lang) -> Markup {
    let counted = [
        (text::TEMPERATURE, health.temperature_celsius.map(i64::from)),
        (
            text::POWER_ON_HOURS,
            health.power_on_hours.map(u64::cast_signed),
        ),
        (text::REALLOCATED, health.reallocated.map(u64::cast_signed)),
        (text::PENDING_SECTORS, health.pending.map(u64::cast_signed)),
        (
            text::UNCORRECTABLE,
            health.offline_uncorrectable.map(u64::cast_signed),
        ),
        (
            text::MEDIA_ERRORS,
            health.media_errors.map(u64::cast_signed),
        ),
        (
            text::GROWN_DEFECTS,
            health.grown_defects.map(u64::cast_signed),
        ),
        (text::PERCENT_USED, health.percentage_used.map(i64::from)),
    ];
    html! {
        @if health.failing == Some(true) { strong { (text::FAILING.of(lang)) } ", " }
        @for (name, count) in counted {
            @if let Some(count) = count { (name.of(lang)) (text::COLON.of(lang)) (count) ", " }
        }
        (foreign(&health.source))
        @if !health.oddities.is_empty() { (listed(&health.oddities)) }
    }
}

fn yes(value: bool, lang: Lang) -> Markup {
    match value {
        true => html! { (text::YES.of(lang)) },
        false => html! { strong { (text::NO.of(lang)) } },
    }
}
