//! Netboot: the files that PCs start from, over plain HTTP on a port of its own, and the arguments with
//! which each of them enrols itself.
//!
//! Whoever is on the network can read all of it, or put himself in its place: there is no secret here but
//! the token, which enrols one station that waits, and nothing else. The files are read once, at the start:
//! no request names a path of this machine. A PC that asks for `station.cfg` gets a token of its own.

pub mod dnsmasq;

use crate::log;
use crate::serve::Ends;
use crate::store::{Store, StoreError};
use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use jiff::Timestamp;
use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Where the menu that comes by TFTP asks for the rest (`image/boot/netboot.cfg`).
pub const PORT: u16 = 8480;

/// What `cargo xtask image` lays into target/image/netboot, but for what a BIOS takes by TFTP alone.
const FILES: [&str; 9] = [
    "grub/grub.cfg",
    "grubia32.efi",
    "grubx64.efi",
    "initrd.img",
    "kernel.cfg",
    "mmx64.efi",
    "raz.toml",
    "shimx64.efi",
    "vmlinuz",
];
/// From the menu to the enrolment; a new one is given when half of it is over.
const TOKEN_SECONDS: i64 = 15 * 60;
/// Addresses that hold a token at once.
const TOKENS_MAX: usize = 128;

/// The files, and the tokens that were given out.
pub struct Netboot {
    files: HashMap<&'static str, Bytes>,
    store: Store,
    service: SocketAddr,
    pin: String,
    given: Mutex<HashMap<IpAddr, Given>>,
}

struct Given {
    token: String,
    expires_s: i64,
}

impl Netboot {
    /// Reads the files of `folder`. `service` and `pin` are where and as what the API is served.
    pub fn read(folder: &Path, store: Store, service: SocketAddr, pin: String) -> Result<Self> {
        let read = |name: &'static str| {
            let path = folder.join(name);
            let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            Ok((name, Bytes::from(bytes)))
        };
        Ok(Self {
            files: FILES.into_iter().map(read).collect::<Result<_>>()?,
            store,
            service,
            pin,
            given: Mutex::default(),
        })
    }

    /// The token of whoever asks from this address: the one he has, while it is young and not used, so
    /// that a program that asks twice has one. None where too many hold one.
    async fn token(&self, address: IpAddr, now_s: i64) -> Result<Option<String>, StoreError> {
        let mut given = self.given.lock().await;
        given.retain(|_, given| given.expires_s > now_s);
        match given.get(&address) {
            Some(known)
                if known.expires_s - now_s > TOKEN_SECONDS / 2
                    && !self.store.is_used(&known.token).await? =>
            {
                return Ok(Some(known.token.clone()));
            }
            None if given.len() >= TOKENS_MAX => return Ok(None),
            Some(_) | None => {}
        }
        let token = crate::cli::new_token().map_err(|error| StoreError::Row(error.to_string()))?;
        let expires_s = now_s + TOKEN_SECONDS;
        self.store
            .add_netboot_token(&token, expires_s, now_s)
            .await?;
        given.insert(
            address,
            Given {
                token: token.clone(),
                expires_s,
            },
        );
        Ok(Some(token))
    }
}

/// All that is served: `GET` and `HEAD`.
pub fn router(netboot: Netboot) -> Router {
    let netboot = Arc::new(netboot);
    Router::new()
        .route("/station.cfg", get(station))
        .fallback_service(get(file).with_state(netboot.clone()))
        .with_state(netboot)
}

async fn file(
    State(netboot): State<Arc<Netboot>>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    // shim asks for `//grubx64.efi`.
    match netboot
        .files
        .get(request.uri().path().trim_start_matches('/'))
    {
        Some(bytes) => part(bytes, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The file, or what is behind the place that GRUB seeks to (`Range: bytes=N-`).
fn part(bytes: &Bytes, headers: &HeaderMap) -> Response {
    let total = bytes.len();
    let first: Option<usize> = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok())
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        });
    match first {
        None => bytes.clone().into_response(),
        Some(first) if first < total => (
            StatusCode::PARTIAL_CONTENT,
            [(
                header::CONTENT_RANGE,
                format!("bytes {first}-{}/{total}", total - 1),
            )],
            bytes.slice(first..),
        )
            .into_response(),
        Some(_) => StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
    }
}

/// What GRUB reads before it starts the kernel.
async fn station(
    State(netboot): State<Arc<Netboot>>,
    Extension(ends): Extension<Ends>,
) -> Response {
    let token = netboot.token(ends.peer, Timestamp::now().as_second());
    let token = match token.await {
        Ok(Some(token)) => token,
        Ok(None) => {
            log::line("netboot: no token, too many are out");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Err(error) => {
            log::line(&format!("{:#}", anyhow::Error::new(error)));
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    log::line("netboot: a machine starts");
    let mut service = netboot.service;
    if service.ip().is_unspecified() {
        // The way that it came is a way to the API, too.
        service.set_ip(ends.here);
    }
    let text = format!(
        "set station=\"raz.server=https://{service} raz.pin={} raz.token={token}\"\n",
        netboot.pin
    );
    let no_store = HeaderValue::from_static("no-store");
    ([(header::CACHE_CONTROL, no_store)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::stations::Enrolment;
    use crate::store::testing::store;
    use report::sign::StationKey;

    fn netboot(store: Store) -> Netboot {
        Netboot {
            files: HashMap::new(),
            store,
            service: "0.0.0.0:8443".parse().unwrap(),
            pin: "00".repeat(32),
            given: Mutex::default(),
        }
    }

    fn address(number: usize) -> IpAddr {
        let number = u32::try_from(number).unwrap();
        IpAddr::V4((0x0A00_0000 + number).into())
    }

    #[tokio::test]
    async fn address_has_one_token_until_it_is_used_or_half_of_its_time_is_over() {
        let (_folder, store) = store().await;
        let netboot = netboot(store.clone());
        let token = |address, now_s| {
            let netboot = &netboot;
            async move { netboot.token(address, now_s).await.unwrap().unwrap() }
        };
        let first = token(address(1), 0).await;
        assert_eq!(token(address(1), TOKEN_SECONDS / 2 - 1).await, first);
        assert_ne!(token(address(2), 1).await, first);
        let key = StationKey::generate().unwrap();
        let enrolled = store.enrol(&first, key.public(), "a", 2).await.unwrap();
        assert!(matches!(enrolled, Enrolment::Station(_)), "{enrolled:?}");
        let second = token(address(1), 3).await;
        assert_ne!(second, first);
        let late = token(address(1), 3 + TOKEN_SECONDS / 2).await;
        assert_ne!(late, second, "there would be no time left to start with it");
    }

    #[tokio::test]
    async fn flood_of_addresses_gets_a_bounded_number_of_tokens_and_ends_with_them() {
        let (_folder, store) = store().await;
        let netboot = netboot(store);
        for number in 0..TOKENS_MAX {
            let token = netboot.token(address(number), 0).await.unwrap();
            assert!(token.is_some());
        }
        let one_more = address(TOKENS_MAX);
        assert_eq!(netboot.token(one_more, 1).await.unwrap(), None);
        let known = netboot.token(address(0), 1).await.unwrap();
        assert!(known.is_some(), "who has one keeps it");
        let later = netboot.token(one_more, TOKEN_SECONDS).await.unwrap();
        assert!(later.is_some());
    }

    #[test]
    fn file_is_given_from_the_place_that_is_asked_for() {
        let bytes = Bytes::from_static(b"0123456789");
        let asked = |range: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(range));
            part(&bytes, &headers)
        };
        let rest = asked("bytes=4-");
        assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(rest.headers()[header::CONTENT_RANGE], "bytes 4-9/10");
        assert_eq!(asked("bytes=0-").status(), StatusCode::PARTIAL_CONTENT);
        for beyond in ["bytes=10-", "bytes=18446744073709551615-"] {
            assert_eq!(asked(beyond).status(), StatusCode::RANGE_NOT_SATISFIABLE);
        }
        for whole in ["bytes=-4", "bytes=1-2", "bytes=1-,3-", "lines=1-", ""] {
            assert_eq!(asked(whole).status(), StatusCode::OK, "{whole}");
        }
    }
}
