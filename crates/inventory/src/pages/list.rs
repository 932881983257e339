//! `/`: the machines, each by its last report, the newest first.

use super::format::{foreign, optional, source, time, verified};
use super::{Failure, View, layout, text};
use crate::app::App;
use crate::store::reports::Source;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use std::sync::Arc;

const ROWS: u32 = 100;

/// One page of the list.
pub async fn page(view: View, State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let lang = view.lang;
    let offset = i64::from(view.page - 1) * i64::from(ROWS);
    // One more than is shown tells whether there are older ones.
    let mut machines = app
        .store
        .machines(offset, i64::from(ROWS) + 1)
        .await
        .map_err(Failure::store(view))?;
    let more = machines.len() > ROWS as usize;
    machines.truncate(ROWS as usize);
    let body = html! {
        h1 { (text::MACHINES.of(lang)) }
        @if machines.is_empty() {
            p { (text::NO_MACHINES.of(lang)) }
        } @else {
            div.wide tabindex="0" role="region" aria-label=(text::MACHINES.of(lang)) {
                table {
                    thead {
                        tr {
                            th scope="col" { (text::MACHINE.of(lang)) }
                            th scope="col" { (text::SERIAL.of(lang)) }
                            th scope="col" { (text::DRIVES_VERIFIED.of(lang)) }
                            th scope="col" { (text::GRADE.of(lang)) }
                            th scope="col" { (text::RECEIVED.of(lang)) }
                            th scope="col" { (text::STATION.of(lang)) }
                        }
                    }
                    tbody {
                        @for entry in &machines {
                            @let summary = &entry.summary;
                            @let all = summary.drives_verified == summary.drives_total
                                && summary.drives_total > 0
                                && matches!(entry.source, Source::Station(_));
                            tr {
                                th scope="row" {
                                    a href=(view.link(&format!("/machines/{}", summary.machine))) {
                                        (name(summary.maker.as_deref(), summary.model.as_deref(), view))
                                    }
                                }
                                td.code { (optional(summary.serial.as_deref())) }
                                td {
                                    span.mark aria-hidden="true" {
                                        @if all { "✓" } @else { "!" }
                                    }
                                    " " (verified(entry, lang))
                                }
                                td { (grade(summary.grade.as_deref(), view)) }
                                td { (time(entry.received_s)) }
                                td { (source(entry, lang)) }
                            }
                        }
                    }
                }
            }
        }
        @if view.page > 1 || more {
            nav.pages aria-label=(text::MACHINES.of(lang)) {
                @if view.page > 1 {
                    a rel="prev" href={ "/?lang=" (lang.tag()) "&page=" (view.page - 1) } {
                        "← " (text::NEWER.of(lang))
                    }
                }
                @if more {
                    a rel="next" href={ "/?lang=" (lang.tag()) "&page=" (view.page + 1) } {
                        (text::OLDER.of(lang)) " →"
                    }
                }
            }
        }
    };
    Ok(layout(view, "/", text::MACHINES.of(lang), &body))
}

/// Maker and model.
pub fn name(maker: Option<&str>, model: Option<&str>, view: View) -> Markup {
    let parts: Vec<_> = [maker, model]
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    // A bdi each: what turns in one of them does not turn the other.
    html! {
        @if parts.is_empty() { (text::UNNAMED.of(view.lang)) }
        @for part in parts { (foreign(part)) " " }
    }
}

/// The grade, or that there is none.
pub fn grade(grade: Option<&str>, view: View) -> Markup {
    match grade {
        Some(grade) => html! { span.grade { (foreign(grade)) } },
        None => html! { (text::NO_GRADE.of(view.lang)) },
    }
}
