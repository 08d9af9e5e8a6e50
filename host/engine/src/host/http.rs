//! The HTTP requests of a plugin: checked, held against the grants at each hop, on record before
//! anything is sent, ended with the run.
//!
//! Never: a hop to an origin that is not granted; a header, a query or a body in an event.

use std::sync::atomic::Ordering;
use std::time::Duration;

use remit_core::denial::Denial;
use remit_core::event::Event;
use remit_core::http::{Hop, HttpCall};
use remit_core::outcome::InputProblem;

use super::{LimitHit, PluginHost};
use crate::seam::{Exchange, ExchangeError};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The last answer.
    pub exchange: Exchange,
    /// The URL that gave it.
    pub url: String,
    /// How many redirects were followed.
    pub hops: u32,
}

/// Why a request has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    /// The origin, of the request or of a redirect, is not granted.
    #[error("{0}")]
    Denied(Box<Denial>),
    /// The request is not one that could be sent.
    #[error("the request is not one that could be sent ({} problems)", .0.len())]
    Invalid(Vec<InputProblem>),
    /// A hop failed.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// There were more redirects than may be followed.
    #[error("more than {0} redirects")]
    TooManyRedirects(u32),
    /// Its time, or that of the attempt, was over.
    #[error("no answer in time")]
    TimedOut,
    /// The run has no network.
    #[error("there is no network in this run: it only shows what the plugin would do")]
    Unavailable,
    /// The plugin may cause no more events.
    #[error(transparent)]
    Limit(#[from] LimitHit),
}

impl HttpError {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::Invalid(_) => "invalid",
            Self::Exchange(ExchangeError::ForbiddenAddress(_)) => "forbidden-address",
            Self::Exchange(ExchangeError::Unreachable(_)) => "unreachable",
            Self::Exchange(ExchangeError::Broken(_)) => "broken",
            Self::TooManyRedirects(_) => "too-many-redirects",
            Self::TimedOut => "timed-out",
            Self::Unavailable => "unavailable",
            Self::Limit(_) => "limit",
        }
    }
}

impl PluginHost {
    /// Carries out a request with the redirects that it leads to.
    ///
    /// # Errors
    /// See [`HttpError`]. A refusal is an event and counts for the outcome.
    pub async fn http(&self, call: HttpCall) -> Result<HttpAnswer, HttpError> {
        self.charge(call.url.len())?;
        let problems = call.problems();
        if !problems.is_empty() {
            // Who may not reach anything learns that, whatever it asks for.
            if let Err(denial) = self.grants.check_any_net() {
                return Err(self.refuse_hop(*denial).await?);
            }
            return Err(HttpError::Invalid(problems));
        }
        if self.is_over() {
            return Err(HttpError::TimedOut);
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let began = self.elapsed();
        let time = call.time().min(self.time_left());
        let mut trail = Trail::new(number);
        let work = tokio::time::timeout(time, self.follow(call, &mut trail));
        let answer = tokio::select! {
            answer = work => answer.unwrap_or(Err(HttpError::TimedOut)),
            _ = self.cancel.cancelled() => Err(HttpError::TimedOut),
        };
        if trail.was_sent {
            let wall = self.elapsed().saturating_sub(began);
            self.journal.emit(trail.finished(&answer, wall)).await;
        }
        answer
    }

    /// Hop after hop, each of them asked about and on record before it is made.
    async fn follow(&self, call: HttpCall, trail: &mut Trail) -> Result<HttpAnswer, HttpError> {
        let (keep, redirects) = (call.kept(), call.redirects());
        let unreadable = |message| {
            let path = "/url".to_owned();
            let code = "bad-url".to_owned();
            HttpError::Invalid(vec![InputProblem {
                path,
                code,
                message,
            }])
        };
        let mut hop = Hop::first(call).map_err(unreadable)?;
        loop {
            if let Err(denial) = self.grants.check_net(hop.origin()) {
                return Err(self.refuse_hop(*denial).await?);
            }
            let Some(http) = &self.world.http else {
                return Err(HttpError::Unavailable);
            };
            // An answer that leads on is small; what a request may cause is bounded, too.
            self.charge(hop.path().len())?;
            trail.go(&hop);
            self.journal.emit(trail.requested(&hop)).await;
            let exchange = http.exchange(&hop, keep).await?;
            trail.received += exchange.body.len() as u64;
            let location = exchange.headers.iter().find(|(name, _)| name == "location");
            let location = location.map(|(_, value)| value.as_str());
            let next = hop
                .next(exchange.status, location.filter(|_| redirects > 0))
                .map_err(|error| ExchangeError::Broken(error.to_string()))?;
            match next {
                Some(next) if next.number() > redirects => {
                    return Err(HttpError::TooManyRedirects(redirects));
                }
                Some(next) => hop = next,
                None => {
                    return Ok(HttpAnswer {
                        url: hop.url().to_owned(),
                        hops: hop.number(),
                        exchange,
                    });
                }
            }
        }
    }

    async fn refuse_hop(&self, denial: Denial) -> Result<HttpError, LimitHit> {
        self.deny(denial.clone()).await?;
        Ok(HttpError::Denied(Box::new(denial)))
    }
}

/// What is told of a request.
struct Trail {
    number: u32,
    sent: u64,
    received: u64,
    hops: u32,
    origin: String,
    was_sent: bool,
}

impl Trail {
    fn new(number: u32) -> Self {
        Self {
            number,
            sent: 0,
            received: 0,
            hops: 0,
            origin: String::new(),
            was_sent: false,
        }
    }

    /// A hop is about to be made.
    fn go(&mut self, hop: &Hop) {
        self.was_sent = true;
        self.hops = hop.number();
        self.origin = hop.origin().to_string();
        self.sent += hop.body().len() as u64;
    }

    fn requested(&self, hop: &Hop) -> Event {
        Event::HttpRequested {
            call: self.number,
            hop: hop.number(),
            method: hop.method().to_owned(),
            origin: self.origin.clone(),
            path: super::cut(hop.path()).to_owned(),
        }
    }

    fn finished(&self, answer: &Result<HttpAnswer, HttpError>, wall: Duration) -> Event {
        let (status, truncated, error) = match answer {
            Ok(answer) => (
                Some(answer.exchange.status),
                answer.exchange.truncated,
                None,
            ),
            Err(error) => (None, false, Some(error)),
        };
        Event::HttpFinished {
            call: self.number,
            origin: self.origin.clone(),
            hops: self.hops,
            status,
            sent: self.sent,
            received: self.received,
            truncated,
            code: error.map(|error| error.code().to_owned()),
            message: error.map(ToString::to_string),
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
