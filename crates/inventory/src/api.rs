//! `/api/v1`: what stations ask and send (`report::api` says it call by call).

mod ledgers;

use crate::app::App;
use crate::ingest;
use crate::log;
use crate::problem::Refusal;
use crate::store::arming::Answer;
use crate::store::reports::Storing;
use crate::store::stations::{Enrolment, Station};
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::BodyExt;
use jiff::Timestamp;
use report::api::{
    Arming, ArmingQuery, BODY_BYTES_MAX, Enrol, NAMESPACE_REPORT, NAMESPACE_REQUEST, NotArmed,
    ServiceTime, Signed, StationQuery, StationStatus,
};
use report::sign::PublicKey;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// Largest body of the calls that carry no report.
const SMALL_BYTES_MAX: usize = 64 << 10;
/// Of a body that is too large, what is read and dropped so that the sender hears the answer.
const DROPPED_BYTES_MAX: usize = 256 << 20;
/// A whole body comes within this time.
const BODY_TIME_MAX: Duration = Duration::from_secs(120);

/// The routes of `/api/v1`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/enrol", post(enrol))
        .route("/station", post(station))
        .route("/arming", post(arming))
        .route("/reports", post(reports))
        .route("/time", get(time))
        .merge(ledgers::routes())
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "no such call"))
        .method_not_allowed_fallback(async || {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this call takes another method",
            )
        })
}

async fn enrol(State(app): State<Arc<App>>, body: Body) -> Result<Response, Refusal> {
    let enrol: Enrol = read_json(body, SMALL_BYTES_MAX).await?;
    let key = PublicKey::parse_line(&enrol.public_key)
        .map_err(|error| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    let now_s = Timestamp::now().as_second();
    let forbidden = |detail: &str| Err(Refusal::new(StatusCode::FORBIDDEN, detail));
    let fingerprint = key.fingerprint();
    let store = app.store.clone();
    let enrolled =
        whole(async move { Ok(store.enrol(&enrol.token, &key, &enrol.name, now_s).await?) });
    match enrolled.await? {
        Enrolment::Station(station) => {
            log::line(&format!(
                "station {fingerprint} enrolled as {}",
                station.name
            ));
            Ok((StatusCode::CREATED, Json(status(&app, station))).into_response())
        }
        Enrolment::TokenUnknown => forbidden("no such token: make one with `token new`"),
        Enrolment::TokenExpired => forbidden("the token is expired: make one with `token new`"),
        Enrolment::TokenUsed => forbidden("the token is used: make one with `token new`"),
        Enrolment::Revoked => forbidden("this key is revoked: enrol with a new key"),
        Enrolment::Full => {
            log::line("netboot: a station was not enrolled, too many wait to be accepted");
            Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many netbooted stations wait to be accepted: accept or revoke them",
            ))
        }
    }
}

async fn station(State(app): State<Arc<App>>, body: Body) -> Result<Json<StationStatus>, Refusal> {
    let signed: Signed = read_json(body, SMALL_BYTES_MAX).await?;
    let (bytes, station) = ingest::open(&app.store, &signed, NAMESPACE_REQUEST).await?;
    let query: StationQuery = query(&bytes)?;
    kind(&query.request, "station")?;
    app.store
        .heard(&station, Timestamp::now().as_second())
        .await?;
    Ok(Json(status(&app, station)))
}

async fn arming(State(app): State<Arc<App>>, body: Body) -> Result<Json<Arming>, Refusal> {
    let signed: Signed = read_json(body, SMALL_BYTES_MAX).await?;
    let (bytes, station) = ingest::open(&app.store, &signed, NAMESPACE_REQUEST).await?;
    let query: ArmingQuery = query(&bytes)?;
    kind(&query.request, "arming")?;
    ingest::accepted(&station)?;
    let now_s = Timestamp::now().as_second();
    let (store, machine) = (app.store.clone(), query.machine.clone());
    let fingerprint = station.fingerprint.clone();
    let answer = whole(async move { Ok(store.ask(&machine, &fingerprint, now_s).await?) }).await?;
    let no = |code: NotArmed, reason: String| Arming {
        armed: false,
        nonce: query.nonce.clone(),
        machine: query.machine.clone(),
        until: None,
        seconds_left: None,
        reason: Some(reason),
        code: Some(code),
    };
    let arming = match answer {
        Answer::Yes { until_s } => Arming {
            armed: true,
            nonce: query.nonce,
            machine: query.machine,
            until: Timestamp::from_second(until_s)
                .ok()
                .map(|until| until.to_string()),
            seconds_left: Some((until_s - now_s).max(0).unsigned_abs()),
            reason: None,
            code: None,
        },
        Answer::NotArmed => no(
            NotArmed::NobodyArmed,
            "nobody has armed unattended erasing: \
             `raz-inventory arm`, or consent at the machine"
                .to_owned(),
        ),
        Answer::Full(armed) => no(
            NotArmed::AllCounted,
            format!(
                "the arming is for {} machines and all are counted: arm again, or consent at \
                 the machine",
                armed.machines_max
            ),
        ),
        Answer::NoMachine => no(
            NotArmed::NoMachine,
            "the query names no machine, so that it cannot be counted: \
             consent at the machine"
                .to_owned(),
        ),
        Answer::NotAccepted => no(
            NotArmed::NotAccepted,
            "the station is not accepted any more".to_owned(),
        ),
    };
    let word = if arming.armed { "armed" } else { "not armed" };
    log::line(&format!("station {} asked: {word}", station.fingerprint));
    Ok(Json(arming))
}

async fn reports(State(app): State<Arc<App>>, body: Body) -> Result<Response, Refusal> {
    // A few bodies at a time bound the memory, whoever sends.
    let _permit = app.uploads.acquire().await.map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the service is stopping: try again",
        )
    })?;
    let signed: Signed = read_json(body, BODY_BYTES_MAX).await?;
    whole(store_report(app.clone(), signed)).await
}

async fn store_report(app: Arc<App>, signed: Signed) -> Result<Response, Refusal> {
    let (bytes, station) = ingest::open(&app.store, &signed, NAMESPACE_REPORT)
        .await
        .inspect_err(|refusal| log::line(&format!("report refused: {}", refusal.status)))?;
    let by = &station.fingerprint;
    let report = ingest::accepted(&station)
        .and_then(|()| ingest::read(bytes, &station.fingerprint, &signed.signature))
        .inspect_err(|refusal| log::line(&format!("report by {by} refused: {}", refusal.status)))?;
    let id = report.report_id;
    match app
        .store
        .store_report(&report, &app.service_key, Timestamp::now())
        .await?
    {
        Storing::New(receipt) => {
            log::line(&format!("report {id} by {by} stored"));
            Ok((StatusCode::CREATED, Json(receipt)).into_response())
        }
        Storing::Again(receipt) => {
            log::line(&format!("report {id} by {by} again: first receipt"));
            Ok((StatusCode::OK, Json(receipt)).into_response())
        }
        Storing::OtherBytes => {
            log::line(&format!(
                "report {id} by {by} refused: other bytes under this id"
            ));
            Err(Refusal::new(
                StatusCode::CONFLICT,
                "other bytes are stored under this report id: a report never changes, \
                 compose a new one",
            ))
        }
        Storing::NotAccepted => {
            log::line(&format!(
                "report {id} by {by} refused: not accepted any more"
            ));
            Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "the station is not accepted any more",
            ))
        }
    }
}

/// Runs a write to its end in a task of its own: a caller that leaves does not stop it half way.
async fn whole<T: Send + 'static>(
    write: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(write).await.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed: try again",
        ))
    })
}

async fn time() -> Response {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    (
        [(header::CACHE_CONTROL, "no-store")],
        Json(ServiceTime { now }),
    )
        .into_response()
}

fn status(app: &App, station: Station) -> StationStatus {
    StationStatus {
        name: station.name,
        fingerprint: station.fingerprint,
        state: station.state,
        service_key: app
            .service_key
            .public_line(crate::store::stations::SERVICE_NAME),
    }
}

fn query<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|_| {
        Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the signed bytes are not this query",
        )
    })
}

fn kind(found: &str, wanted: &str) -> Result<(), Refusal> {
    if found == wanted {
        return Ok(());
    }
    let detail = format!("the signed query is not of the kind {wanted}");
    Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
}

/// Reads a body of at most `limit` bytes as JSON.
async fn read_json<T: DeserializeOwned>(body: Body, limit: usize) -> Result<T, Refusal> {
    let bytes = tokio::time::timeout(BODY_TIME_MAX, read_bytes(body, limit))
        .await
        .map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body came too slowly"))??;
    // Of serde's error only the place: its text may repeat a token.
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!("the body is not the JSON of this call: line {line}, column {column}");
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })
}

async fn read_bytes(mut body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "the body was cut off",
            ));
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen > DROPPED_BYTES_MAX {
            break;
        }
        if seen > limit {
            // Closing at once would reset the connection before the sender reads why.
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(&data);
        }
    }
    if seen > limit {
        let detail = format!("the body is larger than {limit} bytes");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(bytes)
}
