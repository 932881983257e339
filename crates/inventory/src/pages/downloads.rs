//! A report's files: the exact bytes, signatures, signers, receipt. Always as attachments, never
//! as anything that a browser would show.

use super::{Failure, View};
use crate::app::App;
use crate::signers;
use crate::store::reports::{Source, Stored};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use uuid::Uuid;

/// Names of the files, in the order of the page.
pub const FILES: [&str; 6] = [
    "report.json",
    "report.json.sig",
    "allowed_signers",
    "allowed_signers.sig",
    "receipt.json",
    "receipt.json.sig",
];

/// One file of one report.
pub async fn file(
    view: View,
    Path((report_id, name)): Path<(String, String)>,
    State(app): State<Arc<App>>,
) -> Result<Response, Failure> {
    let Some(name) = FILES.into_iter().find(|file| *file == name) else {
        return Err(Failure::not_found(view));
    };
    let Ok(report_id) = report_id.parse::<Uuid>() else {
        return Err(Failure::not_found(view));
    };
    let stored = app
        .store
        .report(report_id)
        .await
        .map_err(Failure::store(view))?;
    let stored = stored.ok_or_else(|| Failure::not_found(view))?;
    let kind = match name.ends_with(".json") {
        true => "application/json",
        false => "application/octet-stream",
    };
    let bytes = bytes(view, &app, stored, name).await?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .map_err(|_| Failure::not_found(view))?;
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

async fn bytes(view: View, app: &App, stored: Stored, name: &str) -> Result<Vec<u8>, Failure> {
    match name {
        "report.json" => Ok(stored.bytes),
        "report.json.sig" => Ok(stored.signature.into_bytes()),
        "receipt.json" => STANDARD
            .decode(stored.receipt.bytes_base64)
            .map_err(|_| Failure::unreadable(view)),
        "receipt.json.sig" => Ok(stored.receipt.signature.into_bytes()),
        _ => {
            // A line for the key of an imported report would stand for any other report of it, too.
            let stations: Vec<_> = match stored.entry.source {
                Source::Imported(_) => Vec::new(),
                Source::Station(_) => {
                    let station = app.store.station(&stored.entry.fingerprint).await;
                    station.map_err(Failure::store(view))?.into_iter().collect()
                }
            };
            let text = signers::text(&app.service_key, &stations)
                .map_err(|_| Failure::unreadable(view))?;
            if name == "allowed_signers" {
                return Ok(text.into_bytes());
            }
            app.service_key
                .sign(signers::NAMESPACE, text.as_bytes())
                .map(String::into_bytes)
                .map_err(|_| Failure::unreadable(view))
        }
    }
}
