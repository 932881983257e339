//! `/stations`: those that wait, with fingerprints to compare by eye; those that are known; the
//! arming. Nothing here is a secret: fingerprints are of public keys.

use super::format::{foreign, time};
use super::{Failure, View, layout, text};
use crate::app::App;
use crate::store::stations::Station;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use report::api::StationState;
use std::sync::Arc;

/// The page.
pub async fn page(view: View, State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let lang = view.lang;
    let stations = app.store.stations().await.map_err(Failure::store(view))?;
    let armed = app
        .store
        .armed(Timestamp::now().as_second())
        .await
        .map_err(Failure::store(view))?;
    let (pending, known): (Vec<_>, Vec<_>) = stations
        .iter()
        .partition(|station| station.state == StationState::Pending);
    let body = html! {
        h1 { (text::STATIONS.of(lang)) }
        @if stations.is_empty() { p { (text::NO_STATIONS.of(lang)) } }
        @if !pending.is_empty() {
            section aria-labelledby="pending" {
                h2 id="pending" { (text::PENDING.of(lang)) }
                p { (text::PENDING_HELP.of(lang)) }
                @for station in pending { (waiting(view, station)) }
            }
        }
        @if !known.is_empty() {
            section aria-labelledby="known" {
                h2 id="known" { (text::KNOWN.of(lang)) }
                div.wide tabindex="0" role="region" aria-labelledby="known" {
                    table {
                        thead {
                            tr {
                                th scope="col" { (text::NAME.of(lang)) }
                                th scope="col" { (text::STATE.of(lang)) }
                                th scope="col" { (text::SINCE.of(lang)) }
                                th scope="col" { (text::FINGERPRINT.of(lang)) }
                            }
                        }
                        tbody {
                            @for station in known {
                                @let since = station.revoked_s.or(station.accepted_s);
                                tr {
                                    th scope="row" { (foreign(&station.name)) }
                                    td { (text::station(station.state).of(lang)) }
                                    td { (time(since.unwrap_or(station.enrolled_s))) }
                                    td.code { (station.fingerprint) }
                                }
                            }
                        }
                    }
                }
            }
        }
        section aria-labelledby="arming" {
            h2 id="arming" { (text::ARMING.of(lang)) }
            @match &armed {
                None => p { (text::NOT_ARMED.of(lang)) },
                Some(armed) => p {
                    strong { (text::ARMED_UNTIL.of(lang)) " " (time(armed.until_s)) }
                    " – " (armed.machines) " " (text::ARMED_MACHINES.of(lang)) " "
                    (armed.machines_max)
                },
            }
            p.note { (text::NOT_YET.of(lang)) }
        }
        section aria-labelledby="service" {
            h2 id="service" { (text::SERVICE_KEY.of(lang)) }
            p.code { (app.service_key.fingerprint()) }
        }
    };
    Ok(layout(view, "/stations", text::STATIONS.of(lang), &body))
}

fn waiting(view: View, station: &Station) -> Markup {
    html! {
        article.waiting {
            h3 {
                (foreign(&station.name)) " "
                small {
                    (time(station.enrolled_s))
                    @if station.heard_s.is_some() { " – " (text::NETBOOT.of(view.lang)) }
                }
            }
            p.fingerprint aria-label=(station.fingerprint) { (in_fours(&station.fingerprint)) }
            pre { code { "raz-inventory station accept --data DIR " (station.fingerprint) } }
        }
    }
}

/// `SHA256:` and then groups of four, which eyes compare; copied, it is one word.
fn in_fours(fingerprint: &str) -> Markup {
    let (kind, digest) = fingerprint.split_once(':').unwrap_or(("", fingerprint));
    let signs: Vec<char> = digest.chars().collect();
    html! {
        span { (kind) ":" }
        @for group in signs.chunks(4) { span { (group.iter().collect::<String>()) } }
    }
}
