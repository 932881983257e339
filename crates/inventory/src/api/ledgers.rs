//! Ledgers of erasures under way: keeping, ending and handing them out.
//!
//! Any accepted station may do each of these for any drive: a drive goes on on another host. A
//! document is bytes that nobody looks into here; what a station makes of it is its own affair, and
//! it proves nothing.

use super::{kind, query, read_json, whole};
use crate::app::App;
use crate::ingest;
use crate::log;
use crate::problem::Refusal;
use crate::store::ledgers::{Noting, Open};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use report::api::{
    LEDGER_BYTES_MAX, LEDGER_DRIVES_MAX, LEDGERS_BYTES_MAX, LedgerChange, LedgerNote, LedgerNoted,
    LedgerQuery, NAMESPACE_REQUEST, OpenLedger, OpenLedgers, Signed,
};
use std::sync::Arc;

/// A document in base64 twice, and the rest of the note.
const NOTE_BYTES_MAX: usize = LEDGER_BYTES_MAX * 2;

/// The routes of ledgers.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/ledgers", post(note))
        .route("/ledger", post(open))
}

async fn note(State(app): State<Arc<App>>, body: Body) -> Result<Json<LedgerNoted>, Refusal> {
    // As reports: a few bodies at a time bound the memory, whoever sends.
    let _permit = app.uploads.acquire().await.map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the service is stopping: try again",
        )
    })?;
    let signed: Signed = read_json(body, NOTE_BYTES_MAX).await?;
    let (bytes, station) = ingest::open(&app.store, &signed, NAMESPACE_REQUEST).await?;
    let note: LedgerNote = query(&bytes)?;
    kind(&note.request, "ledger-note")?;
    ingest::accepted(&station)?;
    is_drive(&note.drive)?;
    let now_s = Timestamp::now().as_second();
    let LedgerNote {
        nonce,
        drive,
        run,
        what,
        ..
    } = note;
    let (store, by) = (app.store.clone(), station.fingerprint.clone());
    let is_end = what == LedgerChange::End;
    let noting = match what {
        LedgerChange::Keep {
            sequence,
            document_base64,
        } => {
            let new = Open {
                run,
                sequence: i64::try_from(sequence)
                    .map_err(|_| unprocessable("the sequence is not below 2^63"))?,
                document: document(&document_base64)?,
            };
            whole(async move { Ok(store.keep_ledger(&drive, &new, &by, now_s).await?) }).await?
        }
        LedgerChange::End => {
            whole(async move { Ok(store.end_ledger(&drive, run, &by, now_s).await?) }).await?
        }
    };
    let conflict = |detail: &str| Err(Refusal::new(StatusCode::CONFLICT, detail));
    let by = &station.fingerprint;
    let say = |what: &str| log::line(&format!("ledger of run {run} by {by} {what}"));
    match noting {
        Noting::Done => {
            if is_end {
                say("ended");
            }
            Ok(Json(LedgerNoted { nonce }))
        }
        Noting::Begun => {
            say("begun");
            Ok(Json(LedgerNoted { nonce }))
        }
        Noting::Ended => {
            say("refused: ended");
            conflict("the run is ended: nothing is kept of it any more")
        }
        Noting::NotNewer => {
            say("refused: not newer");
            conflict("a document of the run that is as new or newer is here")
        }
        Noting::OtherDrive => {
            say("refused: other drive");
            conflict("the run is that of another drive")
        }
        Noting::NotAccepted => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "the station is not accepted any more",
        )),
    }
}

async fn open(State(app): State<Arc<App>>, body: Body) -> Result<Json<OpenLedgers>, Refusal> {
    let signed: Signed = read_json(body, super::SMALL_BYTES_MAX).await?;
    let (bytes, station) = ingest::open(&app.store, &signed, NAMESPACE_REQUEST).await?;
    let LedgerQuery {
        request,
        nonce,
        drives,
    } = query(&bytes)?;
    kind(&request, "ledger")?;
    ingest::accepted(&station)?;
    if drives.len() > LEDGER_DRIVES_MAX {
        let detail = format!("more than {LEDGER_DRIVES_MAX} drives in one query");
        return Err(unprocessable(&detail));
    }
    let now_s = Timestamp::now().as_second();
    let mut answer = OpenLedgers {
        nonce,
        ledgers: Vec::new(),
        left_out: Vec::new(),
    };
    let mut left_bytes = LEDGERS_BYTES_MAX;
    for drive in drives {
        is_drive(&drive)?;
        let Some(open) = app.store.open_ledger(&drive, now_s).await? else {
            continue;
        };
        match left_bytes.checked_sub(open.document.len()) {
            Some(left) => {
                left_bytes = left;
                answer.ledgers.push(OpenLedger {
                    drive,
                    run: open.run,
                    sequence: open.sequence.unsigned_abs(),
                    document_base64: STANDARD.encode(open.document),
                });
            }
            None => answer.left_out.push(drive),
        }
    }
    Ok(Json(answer))
}

fn unprocessable(detail: &str) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// 64 hexadecimal digits, lower case: no text of a caller becomes a key.
fn is_drive(text: &str) -> Result<(), Refusal> {
    let digit = |c: &u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 64 && text.as_bytes().iter().all(digit) {
        return Ok(());
    }
    Err(unprocessable(
        "a drive is not named by 64 hexadecimal digits",
    ))
}

fn document(base64: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| unprocessable("document_base64 is not base64"))?;
    if bytes.is_empty() {
        return Err(unprocessable("the document is empty"));
    }
    if bytes.len() > LEDGER_BYTES_MAX {
        let detail = format!("the document is larger than {LEDGER_BYTES_MAX} bytes");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(bytes)
}
