//! One machine by one of its reports: verdict and reasons, drives, proof, facts.

use super::downloads::FILES;
use super::format::{foreign, listed, optional, size, source, time, verified};
use super::list::{grade, name};
use super::text::{self, Lang};
use super::{Failure, View, drive, layout};
use crate::app::App;
use crate::signers;
use crate::store::reports::{Entry, Source, Stored};
use crate::store::stations::{SERVICE_NAME, Station};
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use report::api::{Imported, NAMESPACE_RECEIPT, NAMESPACE_REPORT};
use report::schema::{Report, Verdict};
use report::sign::ssh_time;
use std::sync::Arc;
use uuid::Uuid;

/// `/machines/{machine}`: by its last report.
pub async fn last(
    view: View,
    Path(machine): Path<String>,
    State(app): State<Arc<App>>,
) -> Result<Response, Failure> {
    let entries = app
        .store
        .reports_of(&machine)
        .await
        .map_err(Failure::store(view))?;
    let Some(newest) = entries.first() else {
        return Err(Failure::not_found(view));
    };
    let path = format!("/machines/{}", newest.summary.machine);
    show(view, &app, newest.report_id, &path).await
}

/// `/reports/{report_id}`: by this report.
pub async fn one(
    view: View,
    Path(report_id): Path<String>,
    State(app): State<Arc<App>>,
) -> Result<Response, Failure> {
    let Ok(report_id) = report_id.parse::<Uuid>() else {
        return Err(Failure::not_found(view));
    };
    show(view, &app, report_id, &format!("/reports/{report_id}")).await
}

async fn show(view: View, app: &App, report_id: Uuid, path: &str) -> Result<Response, Failure> {
    let lang = view.lang;
    let stored = app
        .store
        .report(report_id)
        .await
        .map_err(Failure::store(view))?;
    let stored = stored.ok_or_else(|| Failure::not_found(view))?;
    let report: Report =
        serde_json::from_slice(&stored.bytes).map_err(|_| Failure::unreadable(view))?;
    let entry = &stored.entry;
    let station = match entry.source {
        Source::Imported(_) => None,
        Source::Station(_) => {
            let station = app.store.station(&entry.fingerprint).await;
            let station = station.map_err(Failure::store(view))?;
            Some(station.ok_or_else(|| Failure::unreadable(view))?)
        }
    };
    let history = app
        .store
        .reports_of(&entry.summary.machine)
        .await
        .map_err(Failure::store(view))?;
    let machine = &report.machine;
    let newest = history
        .first()
        .is_none_or(|newest| newest.report_id == report_id);
    let body = html! {
        h1 {
            (name(machine.maker.as_deref(), machine.model.as_deref(), view)) " "
            small.code { (optional(machine.serial.as_deref())) }
        }
        @if !newest {
            p.note {
                a href=(view.link(&format!("/machines/{}", entry.summary.machine))) {
                    (text::OLDER_REPORT.of(lang))
                }
            }
        }
        @if station.is_none() {
            p { strong { (text::THIS_REPORT.of(lang)) (text::COLON.of(lang)) (source(entry, lang)) } }
        }
        dl.summary {
            dt { (text::GRADE.of(lang)) }
            dd {
                (grade(entry.summary.grade.as_deref(), view))
                @if let Some(verdict) = &report.verdict { (once_removed(verdict, lang)) }
            }
            dt { (text::DRIVES_VERIFIED.of(lang)) }
            dd { (verified(entry, lang)) }
            dt { (text::RECEIVED.of(lang)) }
            dd { (time(entry.received_s)) }
            dt { (text::STATION.of(lang)) }
            dd { (source(entry, lang)) }
        }
        section aria-labelledby="drives" {
            h2 id="drives" { (text::DRIVES.of(lang)) }
            @for one in &report.drives { (drive::section(one, station.is_none(), lang)) }
            @for unseen in &report.unseen_storage {
                p.note {
                    strong { (text::UNSEEN.of(lang)) (text::COLON.of(lang)) (foreign(&unseen.place)) }
                    ", " (foreign(&unseen.text)) "; " (foreign(&unseen.remedy))
                }
            }
        }
        @if let Some(verdict) = &report.verdict { (reasons(verdict, lang)) }
        (proof(&stored, station.as_ref(), app, lang))
        (facts(&report, lang))
        @if history.len() > 1 { (earlier(&history, report_id, view)) }
    };
    let title = [&machine.maker, &machine.model, &machine.serial]
        .into_iter()
        .flatten()
        .map(|part| part.trim())
        .collect::<Vec<_>>()
        .join(" ");
    Ok(layout(view, path, &title, &body))
}

/// What must leave the machine first, and what the rest is worth.
fn once_removed(verdict: &Verdict, lang: Lang) -> Markup {
    html! {
        @if !verdict.remove.is_empty() {
            " " (text::ONCE_REMOVED.of(lang)) " "
            @for (index, part) in verdict.remove.iter().enumerate() {
                @if index > 0 { ", " }
                (foreign(part))
            }
            ": " span.grade { (foreign(&verdict.grade_once_removed)) }
        }
    }
}

fn reasons(verdict: &Verdict, lang: Lang) -> Markup {
    html! {
        section aria-labelledby="verdict" {
            h2 id="verdict" { (text::VERDICT.of(lang)) " " span.grade { (foreign(&verdict.grade)) } }
            @if verdict.caps.is_empty() {
                p { (text::NO_CAPS.of(lang)) }
            } @else {
                div.wide tabindex="0" role="region" aria-labelledby="verdict" {
                    table {
                        thead {
                            tr {
                                th scope="col" { (text::WHY.of(lang)) }
                                th scope="col" { (text::PART.of(lang)) }
                                th scope="col" { (text::MEASURED.of(lang)) }
                                th scope="col" { (text::THRESHOLD.of(lang)) }
                                th scope="col" { (text::EFFECT.of(lang)) }
                                th scope="col" { (text::RULE.of(lang)) }
                                th scope="col" { (text::SOURCE.of(lang)) }
                            }
                        }
                        tbody {
                            @for cap in &verdict.caps {
                                @let message = match lang {
                                    Lang::Fr => &cap.message_fr,
                                    Lang::En => &cap.message_en,
                                };
                                tr {
                                    th scope="row" { (foreign(message)) }
                                    td { (foreign(&cap.axis)) ", " (foreign(&cap.subject)) }
                                    td { (foreign(&cap.measured)) }
                                    td { (foreign(&cap.threshold)) }
                                    td { (foreign(&cap.effect)) }
                                    td.code { (foreign(&cap.rule)) }
                                    td { (foreign(&cap.source)) }
                                }
                            }
                        }
                    }
                }
            }
            dl {
                @if !verdict.not_checked.is_empty() {
                    dt { (text::NOT_CHECKED.of(lang)) }
                    dd { (listed(&verdict.not_checked)) }
                }
                dt { (text::RULES.of(lang)) }
                dd {
                    (foreign(&verdict.rules_version)) ", SHA-256 "
                    span.code { (foreign(&verdict.rules_sha256)) }
                }
            }
        }
    }
}

fn proof(stored: &Stored, station: Option<&Station>, app: &App, lang: Lang) -> Markup {
    let entry = &stored.entry;
    let verify = |name: &str, namespace: &str, file: &str, time: &str| {
        format!(
            "ssh-keygen -Y verify -f allowed_signers -I {name} -n {namespace}{time} \
             -s {file}.sig < {file}"
        )
    };
    let of_report = match station {
        None => format!(
            "ssh-keygen -Y check-novalidate -n {NAMESPACE_REPORT} -s report.json.sig < report.json"
        ),
        Some(station) => {
            // After a revocation the signature is judged at the time when the service had it.
            let time_of_receipt = match station.revoked_s {
                Some(_) => Timestamp::from_second(entry.received_s)
                    .map(|received| format!(" -O verify-time={}", ssh_time(received)))
                    .unwrap_or_default(),
                None => String::new(),
            };
            verify(
                &station.name,
                NAMESPACE_REPORT,
                "report.json",
                &time_of_receipt,
            )
        }
    };
    let of_receipt = verify(SERVICE_NAME, NAMESPACE_RECEIPT, "receipt.json", "");
    let of_list = format!(
        "ssh-keygen -Y check-novalidate -n {} -s allowed_signers.sig < allowed_signers",
        signers::NAMESPACE
    );
    html! {
        section aria-labelledby="proof" {
            h2 id="proof" { (text::PROOF.of(lang)) }
            ul.files {
                @for file in FILES {
                    li { a download=(file) href={ "/reports/" (entry.report_id) "/" (file) } { (file) } }
                }
            }
            p { (text::PROOF_HELP.of(lang)) }
            dl {
                @match station {
                    Some(_) => dt { (text::CHECK_REPORT.of(lang)) },
                    None => dt {
                        (text::CHECK_IMPORTED.of(lang)) " " span.code { (entry.fingerprint) }
                    },
                }
                dd { pre tabindex="0" { code { (of_report) } } }
                dt { (text::CHECK_RECEIPT.of(lang)) }
                dd { pre tabindex="0" { code { (of_receipt) } } }
                dt { (text::CHECK_LIST.of(lang)) " " span.code { (app.service_key.fingerprint()) } }
                dd { pre tabindex="0" { code { (of_list) } } }
                dt { (text::RECEIPT_NUMBER.of(lang)) }
                dd { (entry.number) ", " (time(entry.received_s)) }
                dt { (text::DIGEST.of(lang)) }
                dd.code { (entry.sha256) }
                dt { (text::STATION.of(lang)) }
                dd {
                    (source(entry, lang)) ", "
                    @if let Some(station) = station { (text::station(station.state).of(lang)) ", " }
                    span.code { (entry.fingerprint) }
                }
                @if let Source::Imported(Imported { reason: Some(reason), .. }) = &entry.source {
                    dt { (text::IMPORT_REASON.of(lang)) }
                    dd { (foreign(reason)) }
                }
            }
        }
    }
}

fn facts(report: &Report, lang: Lang) -> Markup {
    let machine = &report.machine;
    html! {
        section aria-labelledby="about" {
            h2 id="about" { (text::ABOUT.of(lang)) }
            dl {
                dt { (text::CHASSIS.of(lang)) }
                dd { (optional(machine.chassis.as_deref())) }
                dt { (text::CPU.of(lang)) }
                dd { @for cpu in &machine.cpus { (foreign(&cpu.model)) br; } }
                dt { (text::MEMORY.of(lang)) }
                dd {
                    @if let Some(bytes) = machine.memory_total_bytes { (size(bytes, lang)) }
                    ul {
                        @for slot in &machine.memory_slots {
                            li {
                                (foreign(&slot.locator)) (text::COLON.of(lang))
                                @match slot.size_bytes {
                                    Some(0) => "–",
                                    Some(bytes) => (size(bytes, lang)),
                                    None => "?",
                                }
                                " " (slot_words(slot))
                            }
                        }
                    }
                }
                @for battery in &machine.batteries {
                    dt { (text::BATTERY.of(lang)) " " (foreign(&battery.name)) }
                    dd {
                        (optional(battery.model.as_deref()))
                        @if let Some(health) = battery.health_percent {
                            ", " (health) " % " (text::BATTERY_HEALTH.of(lang))
                        }
                        @if let Some(cycles) = battery.cycles {
                            ", " (cycles) " " (text::CYCLES.of(lang))
                        }
                    }
                }
                dt { (text::BOARD.of(lang)) }
                dd { (optional(machine.board.as_deref())) br; (optional(machine.bios.as_deref())) }
                dt { (text::FIRMWARE_MODE.of(lang)) }
                dd {
                    (optional(machine.firmware_mode.as_deref())) ", Secure Boot "
                    @match machine.secure_boot {
                        Some(true) => (text::YES.of(lang)),
                        Some(false) => (text::NO.of(lang)),
                        None => "?",
                    }
                    ", TPM " (optional(machine.tpm.as_deref()))
                }
                @if !machine.oddities.is_empty() {
                    dt { (text::ODDITIES.of(lang)) }
                    dd { (listed(&machine.oddities)) }
                }
                dt { (text::MODE.of(lang)) }
                dd {
                    (text::mode(report.mode).of(lang)) ", " (foreign(&report.tool.name)) " "
                    (foreign(&report.tool.version)) ", " (foreign(&report.tool.platform))
                }
                @if let Some(operator) = &report.operator {
                    dt { (text::OPERATOR.of(lang)) }
                    dd {
                        (foreign(&operator.name))
                        @for more in [&operator.title, &operator.location, &operator.contact] {
                            @if let Some(more) = more { ", " (foreign(more)) }
                        }
                    }
                }
                @if let Some(lot) = &report.lot {
                    dt { (text::LOT.of(lang)) }
                    dd { (foreign(lot)) }
                }
                dt { (text::CLOCK.of(lang)) }
                dd {
                    (foreign(&report.created)) ", " (text::clock(report.clock.state).of(lang))
                    @if let Some(offset) = report.clock.offset_seconds { ", " (offset) " s" }
                }
            }
            @if !report.limits.is_empty() {
                h3 { (text::LIMITS.of(lang)) }
                (listed(&report.limits))
            }
        }
    }
}

fn slot_words(slot: &report::schema::MemorySlot) -> Markup {
    html! {
        @for word in [&slot.kind, &slot.maker, &slot.part] {
            @if let Some(word) = word { (foreign(word)) " " }
        }
    }
}

fn earlier(history: &[Entry], shown: Uuid, view: View) -> Markup {
    let lang = view.lang;
    html! {
        section aria-labelledby="history" {
            h2 id="history" { (text::HISTORY.of(lang)) }
            ul {
                @for entry in history {
                    li {
                        a href=(view.link(&format!("/reports/{}", entry.report_id))) {
                            (time(entry.received_s))
                        }
                        " – " (verified(entry, lang))
                        @if entry.report_id == shown { " – " (text::THIS_REPORT.of(lang)) }
                    }
                }
            }
        }
    }
}
