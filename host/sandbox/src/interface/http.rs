//! `remit:plugin/http`: requests to granted origins, carried out by the host.
//!
//! Never: an answer that was not asked for through the grants.

use std::time::Duration;

use remit_core::http::HttpCall;
use remit_core::outcome::InputProblem;
use remit_engine::host::{HttpAnswer, HttpError as Refused};
use remit_engine::seam::ExchangeError;
use wasmtime::Result;

use super::words;
use crate::bindings::host::remit::plugin::http::{Host, HttpError, Request, Response};
use crate::bindings::host::remit::plugin::types;
use crate::store::StoreData;

impl Host for StoreData {
    async fn send(&mut self, request: Request) -> Result<std::result::Result<Response, HttpError>> {
        match self.host.http(call(request)).await {
            Ok(answer) => Ok(Ok(response(answer))),
            Err(refused) => Ok(Err(error(refused)?)),
        }
    }
}

fn call(request: Request) -> HttpCall {
    let size = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
    HttpCall {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body,
        timeout: request
            .timeout_ms
            .map(|ms| Duration::from_millis(ms.into())),
        max_body: request.max_body.map(size),
        max_redirects: request.max_redirects,
    }
}

fn response(answer: HttpAnswer) -> Response {
    Response {
        status: answer.exchange.status,
        headers: answer.exchange.headers,
        body: answer.exchange.body,
        final_url: answer.url,
        hops: answer.hops,
        truncated: answer.exchange.truncated,
    }
}

/// A refusal as the guest sees it; a guest that passed a limit of the host ends instead.
fn error(refused: Refused) -> Result<HttpError> {
    let said = refused.to_string();
    Ok(match refused {
        Refused::Denied(denial) => HttpError::Denied(words::denial(&denial)),
        Refused::Invalid(problems) => {
            HttpError::Invalid(problems.into_iter().map(problem).collect())
        }
        Refused::Exchange(ExchangeError::ForbiddenAddress(why)) => HttpError::ForbiddenAddress(why),
        Refused::Exchange(ExchangeError::Unreachable(why)) => HttpError::Unreachable(why),
        Refused::Exchange(ExchangeError::Broken(why)) => HttpError::Broken(why),
        Refused::TooManyRedirects(limit) => HttpError::TooManyRedirects(limit),
        Refused::TimedOut => HttpError::TimedOut,
        Refused::Unavailable => HttpError::Unavailable(said),
        Refused::Limit(hit) => return Err(hit.into()),
    })
}

fn problem(problem: InputProblem) -> types::Problem {
    types::Problem {
        path: problem.path,
        code: problem.code,
        message: problem.message,
    }
}
