//! What went through one served origin, counted where it passes.
//!
//! Never: a body that is kept, a wait for an end that may not come.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use remit_core::tool::{OriginPort, OriginTraffic};
use tokio::time::{Instant, Sleep, sleep};

/// Longest silence of an origin in the middle of a response. Models think for minutes; servers of
/// events send a sign of life more often than that.
const SILENCE_LIMIT: Duration = Duration::from_secs(600);

/// Longest text of a failure that is kept.
const MAX_ERROR: usize = 300;

/// The error of a body.
pub(super) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Counts of one served origin.
#[derive(Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    failed: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    error: Mutex<Option<String>>,
}

impl Counters {
    /// One more request is passed on.
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// One more request failed.
    pub(super) fn failed(&self, why: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let why = why.chars().take(MAX_ERROR).collect();
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// The counts as they are now.
    pub(super) fn read(&self, entry: &OriginPort) -> OriginTraffic {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        OriginTraffic {
            port: entry.port,
            origin: entry.origin.clone(),
            requests: self.requests.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            error: error.clone(),
        }
    }
}

/// Which way a body goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToOrigin,
    ToTool,
}

/// A body on its way, which is counted and passed on as it comes.
pub(super) struct Counted {
    body: Incoming,
    counters: Arc<Counters>,
    way: Way,
    silence: Pin<Box<Sleep>>,
}

impl Counted {
    /// The body of a request.
    pub(super) fn to_origin(body: Incoming, counters: Arc<Counters>) -> Self {
        Self::new(body, counters, Way::ToOrigin)
    }

    /// The body of a response.
    pub(super) fn to_tool(body: Incoming, counters: Arc<Counters>) -> Self {
        Self::new(body, counters, Way::ToTool)
    }

    fn new(body: Incoming, counters: Arc<Counters>, way: Way) -> Self {
        Self {
            body,
            counters,
            way,
            silence: Box::pin(sleep(SILENCE_LIMIT)),
        }
    }

    /// The body ended before its end.
    fn broke(&self, why: &str) {
        if self.way == Way::ToTool {
            self.counters.failed(why);
        }
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let size = frame.data_ref().map_or(0, Bytes::len);
                let counter = match self.way {
                    Way::ToOrigin => &self.counters.sent,
                    Way::ToTool => &self.counters.received,
                };
                counter.fetch_add(u64::try_from(size).unwrap_or(u64::MAX), Ordering::Relaxed);
                let until = Instant::now() + SILENCE_LIMIT;
                self.silence.as_mut().reset(until);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.broke(&format!("the body of the response broke off: {error}"));
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.silence.as_mut().poll(context).is_ready() => {
                let why = "the origin was silent for too long";
                self.broke(why);
                Poll::Ready(Some(Err(why.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
