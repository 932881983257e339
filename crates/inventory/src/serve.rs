//! The accept loop: bounds on every wait, and TLS in front of the application, or nothing where what is
//! served is no secret (netboot).
//!
//! Written here over tokio-rustls and hyper, which are in the tree anyway, for what a ready-made
//! server does not bound: the handshake's time, a header's time, the number of connections.

use crate::log;
use anyhow::{Context, Result};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

const CONNECTIONS_MAX: usize = 256;
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
const STOPPING_TIME_MAX: Duration = Duration::from_secs(10);
/// Of a connection without TLS: a hundred PCs that load the image at once by 100 Mbit/s need a third of it.
const PLAIN_TIME_MAX: Duration = Duration::from_secs(15 * 60);

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Who connected.
    pub peer: IpAddr,
    /// At which of this machine's addresses.
    pub here: IpAddr,
}

/// Serves until SIGINT or SIGTERM, then lets calls in progress end. `router` makes what a connection is
/// answered by; without `tls` it is plain HTTP.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: impl Fn(Ends) -> Router,
) -> Result<()> {
    let acceptor = tls.map(TlsAcceptor::from);
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    loop {
        let next = async {
            let permit = connections.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        };
        let ends = accepted.and_then(|(stream, peer)| {
            let here = stream.local_addr()?.ip();
            let peer = peer.ip();
            Ok((stream, Ends { peer, here }))
        });
        let (stream, ends) = match ends {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: give those in use a moment to come back.
                log::line(&format!("a connection was not accepted: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let permit = permit?;
        let (acceptor, router) = (acceptor.clone(), router(ends));
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let _permit = permit;
            let Some(acceptor) = acceptor else {
                let _ = timeout(PLAIN_TIME_MAX, speak(stream, router, watcher)).await;
                return;
            };
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream)).await {
                speak(stream, router, watcher).await;
            }
        });
    }
    log::line("stopping");
    let _ = timeout(STOPPING_TIME_MAX, graceful.shutdown()).await;
    Ok(())
}

async fn speak<S>(stream: S, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        // GRUB knows headers by their capitals only, and waits for an end that it was told.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // What a peer does wrong on its own connection is its own affair.
    let _ = watcher.watch(connection).await;
}
