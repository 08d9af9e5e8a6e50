//! Serves listening sockets of tools, each as exactly one origin.
//!
//! Never: a connection that outlives its tool, an origin that a request chose.

mod forward;
mod traffic;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use remit_core::tool::{OriginPort, OriginTraffic};
use remit_engine::seam::{Relay, Relayed};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::dial::MAX_HEAD_BYTES;
use crate::tls::Tls;
use forward::Forward;
use traffic::Counters;

/// Connections to one origin at the same time. What more a tool opens waits.
const MAX_CONNECTIONS: usize = 64;

/// Header lines of a request.
const MAX_HEADERS: usize = 128;

/// Longest wait for the next request on an open connection, and for all of its head.
const HEAD_LIMIT: Duration = Duration::from_secs(300);

/// How long nothing is taken after the kernel refused a connection, for example because the host
/// has no more descriptors.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Serves the origins of tools as a streaming proxy that knows one destination per port.
#[derive(Clone, Default)]
pub struct OriginRelay {
    tls: Tls,
}

impl OriginRelay {
    #[cfg(test)]
    pub(crate) fn over(tls: Tls) -> Self {
        Self { tls }
    }

    /// One for all tools of a host.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// One served origin.
struct Served {
    entry: OriginPort,
    counters: Arc<Counters>,
    taking: JoinHandle<()>,
}

impl Relay for OriginRelay {
    fn serve(&self, listener: TcpListener, entry: &OriginPort) -> io::Result<Box<dyn Relayed>> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let counters = Arc::new(Counters::default());
        let taking = tokio::spawn(take(
            listener,
            self.tls.clone(),
            entry.clone(),
            Arc::clone(&counters),
        ));
        Ok(Box::new(Served {
            entry: entry.clone(),
            counters,
            taking,
        }))
    }
}

impl Relayed for Served {
    fn traffic(&self) -> OriginTraffic {
        self.counters.read(&self.entry)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

/// Takes connections until it is dropped; with it every connection ends.
async fn take(
    listener: tokio::net::TcpListener,
    tls: Tls,
    entry: OriginPort,
    counters: Arc<Counters>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        // Never closed, so there always is a next place.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let forward = Forward::new(tls.clone(), entry.clone(), Arc::clone(&counters));
                open.spawn(async move {
                    serve(stream, forward).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(port = entry.port, %error, "a tool's connection was not taken");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
}

/// Serves one connection of a tool.
async fn serve(stream: TcpStream, forward: Forward) {
    // Events are to arrive one by one.
    drop(stream.set_nodelay(true));
    let forward = Arc::new(forward);
    let service = service_fn(move |request| {
        let forward = Arc::clone(&forward);
        async move { Ok::<_, std::convert::Infallible>(forward.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a tool's connection ended early");
    }
}
