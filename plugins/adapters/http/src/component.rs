//! The adapter as the host sees it: sends the request, judges the status, saves, reports.
//!
//! Never: a file that is written for an answer that was not expected or is not whole.

use std::time::Duration;

use remit_plugin_sdk::http::{self, HttpError, Response};
use remit_plugin_sdk::{
    Adapter, AdapterReport, Artifact, Capabilities, Context, Failure, Problem, SafetyTier, clock,
    json, progress, workspace,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::request::{INPUT_SCHEMA, Request};

/// How long one request usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 30_000;

/// Nanoseconds of a millisecond.
const NANOS: f64 = 1e6;

/// The plugin.
pub(crate) struct Http;

#[derive(Serialize)]
struct Details {
    status: u16,
    headers: Map<String, Value>,
    final_url: String,
    hops: u32,
    bytes: usize,
    truncated: bool,
    saved_to: Option<String>,
}

impl Adapter for Http {
    fn describe() -> Capabilities {
        Capabilities {
            id: "http".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Send one HTTP request to an origin that you allow".into(),
            task_kinds: Vec::new(),
            domains: Vec::new(),
            max_parallel: u32::MAX,
            timeout_ms: USUAL_TIME_MS,
            safety_tier: SafetyTier::WritesWorkspace,
            tool_versions: None,
            input_schema: INPUT_SCHEMA.into(),
        }
    }

    /// Each request names its origin, and one that is not allowed is denied with the line that
    /// would allow it: nothing is needed by every request.
    fn validate_config() -> Vec<Problem> {
        Vec::new()
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        Request::check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request = Request::check(&context.inputs)?;
        progress::step(&format!(
            "{} {}",
            request.method,
            without_query(&request.url)
        ));
        let mut sent = http::Request::new(&request.method, &request.url)
            .timeout(Duration::from_millis(request.timeout_ms.into()))
            .redirects(request.max_redirects)
            .keeping(request.max_body);
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        if request.idempotent {
            sent = sent.header("idempotency-key", &context.effect_key);
        }
        if let Some(body) = body(&request)? {
            sent = sent.body(body);
        }
        let began = clock::monotonic_ns();
        let answer = sent.send().map_err(failure)?;
        let took = clock::monotonic_ns().saturating_sub(began);
        report(&request, &answer, took)
    }
}

/// A query may hold what is nobody's business.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn body(request: &Request) -> Result<Option<Vec<u8>>, Failure> {
    let Some(file) = &request.body_file else {
        return Ok(request.body());
    };
    let path = workspace::root()?.join(file);
    std::fs::read(path).map(Some).map_err(|error| {
        let message = format!("{file} cannot be read: {error}");
        Failure::InvalidInput(vec![Problem::new("/body_file", "unreadable", message)])
    })
}

/// What the host finds wrong with a request is wrong with the inputs.
fn failure(error: HttpError) -> Failure {
    match error {
        HttpError::Invalid(problems) => Failure::InvalidInput(problems),
        HttpError::Denied(_)
        | HttpError::ForbiddenAddress(_)
        | HttpError::Unreachable(_)
        | HttpError::Broken(_)
        | HttpError::TooManyRedirects(_)
        | HttpError::TimedOut
        | HttpError::Unavailable(_) => error.into(),
    }
}

fn report(request: &Request, answer: &Response, took_ns: u64) -> Result<AdapterReport, Failure> {
    let expected = request.expect_status.holds(answer.status);
    let mut error = (!expected).then(|| {
        format!(
            "the status is {}, expected is {}",
            answer.status,
            request.expect_status.words()
        )
    });
    if expected && answer.truncated && request.save_to.is_some() {
        error = Some(format!(
            "the answer has more than {} bytes and was not saved; raise `max_body`",
            request.max_body
        ));
    }
    let saved = match &request.save_to {
        Some(path) if error.is_none() => Some(save(path, answer)?),
        Some(_) | None => None,
    };
    let details = Details {
        status: answer.status,
        headers: headers(answer),
        final_url: answer.final_url.clone(),
        hops: answer.hops,
        bytes: answer.body.len(),
        truncated: answer.truncated,
        saved_to: saved.as_ref().map(|artifact| artifact.path.clone()),
    };
    Ok(AdapterReport {
        success: error.is_none(),
        output: if saved.is_some() {
            String::new()
        } else {
            answer.text().into_owned()
        },
        error,
        duration_ms: milliseconds(took_ns),
        claimed_changes: saved.iter().map(|artifact| artifact.path.clone()).collect(),
        artifacts: saved.into_iter().collect(),
        cost: None,
        details: json::text(&details)?,
    })
}

/// Milliseconds as the report wants them.
#[expect(
    clippy::cast_precision_loss,
    reason = "no request lasts 2^53 nanoseconds"
)]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / NANOS
}

fn save(path: &str, answer: &Response) -> Result<Artifact, Failure> {
    let target = workspace::root()?.join(path);
    let written = target
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&target, &answer.body));
    written.map_err(|error| Failure::failed("not-saved", format!("{path}: {error}")))?;
    let media_type = answer
        .header("content-type")
        .and_then(|value| value.split(';').next())
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .unwrap_or("application/octet-stream");
    Ok(Artifact {
        path: path.to_owned(),
        media_type: media_type.to_owned(),
        description: Some(format!(
            "what {} answered",
            without_query(&answer.final_url)
        )),
    })
}

/// The headers of the answer; a list where one came more than once.
fn headers(answer: &Response) -> Map<String, Value> {
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        let value = Value::String(value.clone());
        match headers.get_mut(name) {
            None => {
                headers.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    headers
}
