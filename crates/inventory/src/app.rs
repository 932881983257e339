//! The HTTP application: routes, and the headers that every answer carries.

use crate::store::Store;
use crate::{api, pages};
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use report::sign::StationKey;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Bodies with a report that are in memory at once.
const UPLOADS_MAX: usize = 8;

/// What every call needs.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// Signs receipts and allowed signers.
    pub service_key: StationKey,
    /// One permit for each upload in memory.
    pub uploads: Semaphore,
}

/// All routes.
pub fn router(store: Store, service_key: StationKey) -> Router {
    let app = Arc::new(App {
        store,
        service_key,
        uploads: Semaphore::new(UPLOADS_MAX),
    });
    Router::new()
        .nest("/api/v1", api::routes())
        .merge(pages::routes())
        .layer(map_response(guard))
        .with_state(app)
}

/// No script, no frame, no other site, no guessing of types, no address passed on, no copy kept.
async fn guard(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; \
        form-action 'none'; frame-ancestors 'none'";
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
