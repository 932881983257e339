//! Pages for people: machines, one machine, stations. They read and change nothing.
//!
//! Server-rendered, no scripts. All text from reports goes through maud's escaping and a `bdi`,
//! so that it is shown as it is and does not turn the words around it. Accepting stations and
//! arming through a page needs a login, which is not there yet: the command line does it.

mod downloads;
mod drive;
mod format;
mod list;
mod machine;
mod stations;
mod text;

use crate::app::App;
use crate::log;
use crate::store::StoreError;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use std::convert::Infallible;
use std::sync::Arc;
use text::Lang;

/// The routes of the pages and downloads.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(list::page))
        .route("/machines/{machine}", get(machine::last))
        .route("/reports/{report_id}", get(machine::one))
        .route("/reports/{report_id}/{file}", get(downloads::file))
        .route("/stations", get(stations::page))
        .route("/style.css", get(style))
        .fallback(async |view: View| Failure::not_found(view))
        .method_not_allowed_fallback(async |view: View| Failure::not_allowed(view))
}

async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("pages/style.css"),
    )
        .into_response()
}

/// In which language a page is shown, and on which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    lang: Lang,
    /// Asked for in the address, so that links keep it.
    kept: bool,
    /// Page of a list, from 1.
    page: u32,
}

impl View {
    fn new(query: &str, headers: &HeaderMap) -> Self {
        let value = |name| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value)
                .next_back()
        };
        let asked = value("lang").and_then(Lang::from_tag);
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        Self {
            lang: asked.unwrap_or_else(|| Lang::from_accepted(accepted.unwrap_or_default())),
            kept: asked.is_some(),
            page: value("page")
                .and_then(|page| page.parse().ok())
                .unwrap_or(1)
                .max(1),
        }
    }

    fn link(self, path: &str) -> String {
        match self.kept {
            true => format!("{path}?lang={}", self.lang.tag()),
            false => path.to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(
            parts.uri.query().unwrap_or_default(),
            &parts.headers,
        ))
    }
}

/// A page that cannot be shown.
struct Failure {
    view: View,
    status: StatusCode,
    text: text::Text,
}

impl Failure {
    fn not_found(view: View) -> Self {
        Self {
            view,
            status: StatusCode::NOT_FOUND,
            text: text::NOT_FOUND,
        }
    }

    fn not_allowed(view: View) -> Self {
        Self {
            view,
            status: StatusCode::METHOD_NOT_ALLOWED,
            text: text::NOT_ALLOWED,
        }
    }

    /// For `map_err`: logs the cause.
    fn store(view: View) -> impl FnOnce(StoreError) -> Self {
        move |error| {
            log::line(&format!("{:#}", anyhow::Error::new(error)));
            Self {
                view,
                status: StatusCode::SERVICE_UNAVAILABLE,
                text: text::NOT_NOW,
            }
        }
    }

    fn unreadable(view: View) -> Self {
        Self {
            view,
            status: StatusCode::INTERNAL_SERVER_ERROR,
            text: text::UNREADABLE,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let text = self.text.of(self.view.lang);
        let body = html! { h1 { (text) } };
        (self.status, layout(self.view, "/", text, &body)).into_response()
    }
}

/// The frame of every page. `path` is where the language links lead.
fn layout(view: View, path: &str, title: &str, body: &Markup) -> Response {
    let lang = view.lang;
    let other = lang.other();
    let page = html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · raz" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#content" { (text::SKIP.of(lang)) }
                header {
                    p.brand { a href=(view.link("/")) { "raz" } span { (text::BRAND.of(lang)) } }
                    nav aria-label=(text::NAVIGATION.of(lang)) {
                        a href=(view.link("/")) { (text::MACHINES.of(lang)) }
                        a href=(view.link("/stations")) { (text::STATIONS.of(lang)) }
                        a hreflang=(other.tag()) lang=(other.tag())
                            href={ (path) "?lang=" (other.tag()) } { (other.name()) }
                    }
                }
                main id="content" { (body) }
            }
        }
    };
    ([(header::VARY, "Accept-Language")], page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(query: &str, accepted: &str) -> (Lang, bool, u32) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
        let view = View::new(query, &headers);
        (view.lang, view.kept, view.page)
    }

    #[test]
    fn french_unless_english_is_asked_for_or_preferred() {
        assert_eq!(view("", ""), (Lang::Fr, false, 1));
        assert_eq!(view("", "en-GB,en;q=0.9,fr;q=0.8"), (Lang::En, false, 1));
        assert_eq!(view("", "de,fr;q=0.5,en;q=0.4"), (Lang::Fr, false, 1));
        assert_eq!(view("", "fr;q=0,en;q=0.1"), (Lang::En, false, 1));
        assert_eq!(view("", "de"), (Lang::Fr, false, 1));
        assert_eq!(view("lang=en", "fr"), (Lang::En, true, 1));
        assert_eq!(view("page=3&lang=fr", "en"), (Lang::Fr, true, 3));
        assert_eq!(view("lang=%3Cb&page=-1", "x;q=y"), (Lang::Fr, false, 1));
    }
}
