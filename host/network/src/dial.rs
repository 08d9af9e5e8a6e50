//! Connecting to an origin: its name becomes addresses, one of them a connection, and that, for
//! `https`, an encrypted one.
//!
//! Never: a connection to an address that the caller has not seen, a wait without an end.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hyper::body::{Body, Bytes};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use remit_core::net::NetOrigin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::tls::Tls;

/// Longest wait for the name service. Its own retries end before that.
const RESOLVE_LIMIT: Duration = Duration::from_secs(15);

/// Longest wait for a connection to one address.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Longest wait for the beginning of TLS.
const TLS_LIMIT: Duration = Duration::from_secs(15);

/// Addresses of one name that are tried. Names have a few; more only make a failure slower.
const MAX_ADDRESSES: usize = 8;

/// Header lines of a response. Servers behind several others come near a hundred.
const MAX_HEADERS: usize = 256;

/// Bytes that are read ahead of a peer, which is also the longest head.
pub(crate) const MAX_HEAD_BYTES: usize = 128 * 1024;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// The name has no address.
    #[error("the name cannot be resolved: {0}")]
    Resolve(io::Error),
    /// No address took a connection; the last one's reason.
    #[error("no connection to {0}: {1}")]
    Connect(SocketAddr, io::Error),
    /// TLS did not come about.
    #[error("no TLS: {0}")]
    Tls(String),
    /// Something took too long; says what.
    #[error("{0} took too long")]
    TimedOut(&'static str),
}

/// A connection on which one request at a time can be sent.
pub(crate) struct Dialed<B> {
    /// Sends requests.
    pub(crate) sender: SendRequest<B>,
    /// Drives the connection; with its end the connection ends.
    _driver: Driver,
}

/// A task that ends with its holder.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a byte stream must be able to do here.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn within<T>(
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, DialError> {
    timeout(limit, work)
        .await
        .map_err(|_elapsed| DialError::TimedOut(what))
}

/// The addresses of an origin, in the order of the name service.
///
/// # Errors
/// It has none.
pub(crate) async fn resolve(origin: &NetOrigin) -> Result<Vec<SocketAddr>, DialError> {
    let host = origin.host().trim_matches(['[', ']']);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, origin.port())]);
    }
    let found = within(
        RESOLVE_LIMIT,
        "the name service",
        lookup_host((host, origin.port())),
    )
    .await?
    .map_err(DialError::Resolve)?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(DialError::Resolve(io::ErrorKind::NotFound.into()));
    }
    Ok(addresses)
}

/// Connects to an origin at one of these addresses, the first that takes a connection.
///
/// # Errors
/// None does, or it is not who it should be.
pub(crate) async fn dial<B>(
    tls: &Tls,
    origin: &NetOrigin,
    addresses: &[SocketAddr],
) -> Result<Dialed<B>, DialError>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let stream = connect(addresses).await?;
    // What was written is to arrive now: events come one by one.
    drop(stream.set_nodelay(true));
    let stream: Box<dyn Stream> = if origin.is_secure() {
        Box::new(within(TLS_LIMIT, "the TLS handshake", tls.connect(origin, stream)).await??)
    } else {
        Box::new(stream)
    };
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| DialError::Tls(error.to_string()))?;
    let driver = Driver(tokio::spawn(async move {
        // Whoever waits for the response is told, too.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to an origin ended early");
        }
    }));
    Ok(Dialed {
        sender,
        _driver: driver,
    })
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, DialError> {
    let mut last = DialError::Resolve(io::ErrorKind::NotFound.into());
    for address in addresses {
        match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = DialError::Connect(*address, error),
            Err(_elapsed) => {
                last = DialError::Connect(*address, io::ErrorKind::TimedOut.into());
            }
        }
    }
    Err(last)
}
