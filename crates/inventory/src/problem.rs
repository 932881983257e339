//! Refusals as JSON problem details (RFC 9457).

use crate::log;
use crate::store::StoreError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use report::api::Problem;

/// Why a call is refused, and what to do.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// In words, for the caller only: it may name what he sent, and is never logged.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its words.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        log::line(&format!("{:#}", anyhow::Error::new(error)));
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the service cannot reach its database: nothing was stored, try again",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = Problem {
            r#type: "about:blank".to_owned(),
            title: self
                .status
                .canonical_reason()
                .unwrap_or("Refused")
                .to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let body = serde_json::to_vec(&problem).expect("text and a number are JSON");
        let mut response = (self.status, body).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
