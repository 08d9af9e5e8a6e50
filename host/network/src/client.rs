//! One request of a plugin to one origin: resolve, check each address, connect to a checked one,
//! send, read a bounded answer.
//!
//! Never: a redirect that is followed (whoever asks decides about the next hop), a connection that
//! is kept, an address that was not checked.

use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use remit_core::http::{AddressRule, Hop};
use remit_core::net::NetOrigin;
use remit_engine::seam::{Exchange, ExchangeError, Http};

use crate::dial::{DialError, dial, resolve};
use crate::headers;
use crate::tls::Tls;

/// Carries out the requests of plugins.
#[derive(Clone, Default)]
pub struct HttpClient {
    tls: Tls,
}

impl HttpClient {
    #[cfg(test)]
    pub(crate) fn over(tls: Tls) -> Self {
        Self { tls }
    }

    /// One for all plugins of a host. It keeps nothing but the roots that it trusts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl From<DialError> for ExchangeError {
    fn from(error: DialError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

#[async_trait]
impl Http for HttpClient {
    async fn exchange(&self, hop: &Hop, keep: usize) -> Result<Exchange, ExchangeError> {
        let request = request(hop)?;
        let addresses = checked(hop.origin(), resolve(hop.origin()).await?)?;
        let mut dialed = dial(&self.tls, hop.origin(), &addresses).await?;
        let response = dialed
            .sender
            .send_request(request)
            .await
            .map_err(|error| ExchangeError::Broken(headers::whole(&error)))?;
        answer(response, keep).await
    }
}

/// The addresses that may be connected to. One that may not refuses them all: a name that has both
/// is a name with which somebody tries something.
pub(crate) fn checked(
    origin: &NetOrigin,
    addresses: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, ExchangeError> {
    let rule = AddressRule::of(origin);
    for address in &addresses {
        rule.check(address.ip()).map_err(|closed| {
            ExchangeError::ForbiddenAddress(format!(
                "{} stands for {}, which is {closed}; only an origin that names an address or \
                 `localhost` reaches it",
                origin.host(),
                address.ip()
            ))
        })?;
    }
    Ok(addresses)
}

/// The request as it is sent. The core has checked all of it; what hyper refuses all the same is
/// no request.
fn request(hop: &Hop) -> Result<Request<Full<Bytes>>, ExchangeError> {
    let unfit = |what: &str| ExchangeError::Broken(format!("the request cannot be sent: {what}"));
    let body = Bytes::copy_from_slice(hop.body());
    let has_body = !body.is_empty();
    let length = body.len();
    let mut request = Request::builder()
        .method(hop.method())
        .uri(hop.target())
        .body(Full::new(body))
        .map_err(|error| unfit(&error.to_string()))?;
    let sent = request.headers_mut();
    for (name, value) in hop.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit("a header name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unfit("a header"))?;
        sent.append(name, value);
    }
    let host = headers::host(hop.origin()).ok_or_else(|| unfit("the host"))?;
    sent.insert(HOST, host);
    if has_body || !matches!(hop.method(), "GET" | "HEAD" | "DELETE" | "OPTIONS") {
        sent.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(request)
}

/// Reads an answer, at most `keep` bytes of its body.
async fn answer(response: Response<Incoming>, keep: usize) -> Result<Exchange, ExchangeError> {
    let (head, mut body) = response.into_parts();
    let mut kept = Vec::with_capacity(
        usize::try_from(body.size_hint().lower())
            .unwrap_or(keep)
            .min(keep),
    );
    let mut truncated = false;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ExchangeError::Broken(headers::whole(&error)))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let room = keep.saturating_sub(kept.len());
        if data.len() > room {
            kept.extend_from_slice(data.get(..room).unwrap_or_default());
            // The rest is not even read: the connection ends with this function.
            truncated = true;
            break;
        }
        kept.extend_from_slice(&data);
    }
    Ok(Exchange {
        status: head.status.as_u16(),
        headers: plain(&head.headers),
        body: kept,
        truncated,
    })
}

/// Names and values as text.
fn plain(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_that_may_not_be_reached_refuses_the_whole_name() {
        let addresses = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|text| text.parse().unwrap()).collect()
        };
        let origin: NetOrigin = "https://api.example.org".parse().unwrap();
        let open = addresses(&["93.184.215.14:443", "[2606:4700::1]:443"]);
        assert_eq!(checked(&origin, open.clone()).unwrap(), open);
        for closed in [
            "127.0.0.1:443",
            "[::ffff:10.0.0.1]:443",
            "169.254.169.254:443",
        ] {
            let error = checked(&origin, addresses(&["93.184.215.14:443", closed])).unwrap_err();
            assert!(
                matches!(error, ExchangeError::ForbiddenAddress(_)),
                "{error:?}"
            );
        }
    }
}
