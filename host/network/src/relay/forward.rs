//! One connection of a tool: each of its requests becomes a request to the origin.
//!
//! Never: a request whose destination is anything but the origin, a redirect that is followed, a
//! body that is collected.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use remit_core::tool::OriginPort;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::traffic::{BodyError, Counted, Counters};
use crate::dial::{DialError, Dialed, dial, resolve};
use crate::headers;
use crate::tls::Tls;

/// Longest wait for the head of a response, the request's body included. A model that answers in
/// one piece may think for many minutes; the tool's own limits end it earlier.
const RESPONSE_LIMIT: Duration = Duration::from_secs(1800);

/// What the tool gets.
type Answer = Response<UnsyncBoxBody<Bytes, BodyError>>;

/// Passes the requests of one connection on.
pub(super) struct Forward {
    tls: Tls,
    entry: OriginPort,
    counters: Arc<Counters>,
    /// A connection to the origin that was used before. The tool's requests come one by one.
    open: Mutex<Option<Dialed<Counted>>>,
}

/// Why a request was not passed on, or has no answer.
struct Failure(StatusCode, String);

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let status = match error {
            DialError::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
            DialError::Resolve(_) | DialError::Connect(..) | DialError::Tls(_) => {
                StatusCode::BAD_GATEWAY
            }
        };
        Self(status, error.to_string())
    }
}

impl Forward {
    pub(super) fn new(tls: Tls, entry: OriginPort, counters: Arc<Counters>) -> Self {
        Self {
            tls,
            entry,
            counters,
            open: Mutex::new(None),
        }
    }

    /// The answer to one request: the origin's, or a short text of the host that says why there
    /// is none.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        match self.pass_on(request).await {
            Ok(response) => response,
            Err(Failure(status, why)) => {
                let OriginPort { port, origin } = &self.entry;
                self.counters.failed(&why);
                tracing::warn!(%origin, port, "a tool's request has no answer: {why}");
                let text = format!("remit: {origin} (port {port}): {why}\n");
                let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
                let mut answer = Response::new(body.boxed_unsync());
                *answer.status_mut() = status;
                let plain = HeaderValue::from_static("text/plain; charset=utf-8");
                answer.headers_mut().insert(CONTENT_TYPE, plain);
                answer
            }
        }
    }

    async fn pass_on(&self, request: Request<Incoming>) -> Result<Answer, Failure> {
        let request = self.rewrite(request)?;
        self.counters.request();
        let response =
            timeout(RESPONSE_LIMIT, self.send(request))
                .await
                .map_err(|_elapsed| {
                    let why = "the origin did not answer in time".to_owned();
                    Failure(StatusCode::GATEWAY_TIMEOUT, why)
                })??;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let why = "the origin switched to another protocol, which nobody asked for".to_owned();
            return Err(Failure(StatusCode::BAD_GATEWAY, why));
        }
        let (mut head, body) = response.into_parts();
        headers::drop_hop(&mut head.headers);
        head.version = Version::HTTP_11;
        let body = Counted::to_tool(body, Arc::clone(&self.counters));
        Ok(Response::from_parts(head, body.boxed_unsync()))
    }

    /// The request as it goes to the origin. Where it goes is not the request's to say.
    fn rewrite(&self, request: Request<Incoming>) -> Result<Request<Counted>, Failure> {
        let refuse = |why: &str| Failure(StatusCode::BAD_REQUEST, why.to_owned());
        if *request.method() == Method::CONNECT {
            return Err(refuse(
                "this port is one origin and no proxy; CONNECT is refused",
            ));
        }
        let (mut head, body) = request.into_parts();
        if head.uri.authority().is_some() || head.uri.scheme().is_some() {
            return Err(refuse(
                "this port is one origin and no proxy; a request names a path, not a whole URL",
            ));
        }
        headers::drop_hop(&mut head.headers);
        let host =
            headers::host(&self.entry.origin).ok_or_else(|| refuse("the origin is no host"))?;
        head.headers.insert(HOST, host);
        head.version = Version::HTTP_11;
        let body = Counted::to_origin(body, Arc::clone(&self.counters));
        Ok(Request::from_parts(head, body))
    }

    /// Sends it on a connection that is there, or on a new one.
    async fn send(&self, mut request: Request<Counted>) -> Result<Response<Incoming>, Failure> {
        let broken = |error: &hyper::Error| {
            let why = format!("the origin's answer is broken: {}", headers::whole(error));
            Failure(StatusCode::BAD_GATEWAY, why)
        };
        let mut open = self.open.lock().await;
        if let Some(mut old) = open.take().filter(|old| old.sender.is_ready()) {
            match old.sender.try_send_request(request).await {
                Ok(response) => {
                    *open = Some(old);
                    return Ok(response);
                }
                // Closed in the meantime, and nothing of the request was sent: it can be again.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(error.error())),
                },
            }
        }
        let addresses = resolve(&self.entry.origin).await?;
        let mut new = dial(&self.tls, &self.entry.origin, &addresses).await?;
        let response = new.sender.send_request(request).await;
        *open = Some(new);
        response.map_err(|error| broken(&error))
    }
}
