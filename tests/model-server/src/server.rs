//! Connections: takes requests, notes them, and answers as the script says, or fails as it says.
//!
//! Never: a second look at a request to decide what it was; that is `asked`.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::answer::{Answer, Event, answer};
use crate::asked::Asked;
use crate::script::{Script, Step};
use crate::seen::Seen;

/// Bytes of a request, packed and unpacked. Agents send whole conversations, but not books.
const MAX_REQUEST: usize = 64 << 20;
/// Requests that are remembered. A test sends a handful; an agent that is left to itself must not
/// fill the memory.
const MAX_REMEMBERED: usize = 10_000;
/// Bytes of a body that is no JSON, as they are noted.
const MAX_NOTED: usize = 2_000;

/// How a server is to be.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The port on the loopback interface; 0 for any that is free.
    pub port: u16,
    /// A file to which each request is added as a line of JSON.
    pub log: Option<PathBuf>,
}

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or may not be used.
    #[error("port {0} of the loopback interface cannot be used: {1}")]
    Port(u16, #[source] io::Error),
    /// The log cannot be written.
    #[error("the log {path} cannot be written: {error}", path = .0.display(), error = .1)]
    Log(PathBuf, #[source] io::Error),
    /// The machine gave no thread or no means to wait for connections.
    #[error("the server could not begin: {0}")]
    System(#[from] io::Error),
}

/// A server at work, until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    script: Script,
    began: Instant,
    number: AtomicU64,
    seen: Mutex<Vec<Seen>>,
    log: Option<Mutex<File>>,
}

/// A body that may end in an error, which cuts the connection.
type Body = UnsyncBoxBody<Bytes, Cut>;

/// The script wants the connection to be cut.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("cut, as the script says")]
struct Cut;

impl Server {
    /// Starts a server on the loopback interface, on a thread of its own.
    ///
    /// # Errors
    /// The port cannot be used, or the log not written.
    pub fn start(script: Script, settings: &Settings) -> Result<Self, StartError> {
        let port = settings.port;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(|error| StartError::Port(port, error))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let log = settings.log.as_ref().map(open_log).transpose()?;
        let shared = Arc::new(Shared {
            script,
            began: Instant::now(),
            number: AtomicU64::new(0),
            seen: Mutex::default(),
            log: log.map(Mutex::new),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let work = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("model-server".to_owned())
            .spawn(move || {
                // What is still open when the runtime goes is cut.
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(listener, work) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that came so far, in their order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// Waits for the end of the server, which comes only if it cannot go on.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has said what it was.
            drop(thread.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The log is where the person says who starts the program.
fn open_log(path: &PathBuf) -> Result<File, StartError> {
    let file = File::options().create(true).append(true).open(path);
    file.map_err(|error| StartError::Log(path.clone(), error))
}

/// A lock whose holder died holds what it held.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        // Who gives up before being taken is nobody's loss.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(shared.respond(request).await) }
            });
            // A connection that breaks, or is cut, ends here.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

impl Shared {
    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let packing = head.headers.get(CONTENT_ENCODING).cloned();
        let body = match Limited::new(body, MAX_REQUEST).collect().await {
            Ok(body) => unpack(packing.as_ref(), &body.to_bytes()),
            Err(error) => Err(error.to_string()),
        };
        let body = match body {
            Ok(body) => body,
            Err(problem) => {
                self.note(Seen::new(self.now(), &head, json!(problem)));
                return refusal(StatusCode::BAD_REQUEST, &problem);
            }
        };
        let value = noted(&body);
        self.note(Seen::new(self.now(), &head, value.clone()));
        let path = head.uri.path();
        match head.method {
            Method::HEAD => whole(StatusCode::OK, String::new()),
            Method::GET if path.ends_with("/models") => {
                let model = json!({
                    "id": "fake-model", "object": "model", "created": 0, "owned_by": "script",
                });
                json_response(
                    StatusCode::OK,
                    &json!({ "object": "list", "data": [model] }),
                )
            }
            Method::POST => match Asked::new(&full_path(&head.uri), &value) {
                Some(asked) => self.answer(&asked).await,
                None => refusal(StatusCode::NOT_FOUND, &format!("no API ends with {path}")),
            },
            _ => refusal(StatusCode::NOT_FOUND, &format!("nothing is at {path}")),
        }
    }

    async fn answer(&self, asked: &Asked) -> Response<Body> {
        let step = self.script.step(asked);
        if step.hang {
            return std::future::pending().await;
        }
        pause(step.sleep).await;
        if let Some(status) = step.status {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let scripted = json!({ "message": "scripted failure", "type": "server_error" });
            let error = step.error.unwrap_or(json!({ "error": scripted }));
            return json_response(status, &error);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        match answer(asked, &step, number) {
            Answer::Stream(events) => streamed(events, &step),
            Answer::Whole(value) if step.cut.is_some() => {
                let text = value.to_string();
                cut_in_half(&text)
            }
            Answer::Whole(value) => json_response(StatusCode::OK, &value),
        }
    }

    fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn note(&self, seen: Seen) {
        if let (Some(log), Ok(mut line)) = (&self.log, serde_json::to_string(&seen)) {
            line.push('\n');
            // One write for one line. A log that cannot be written is no reason not to answer.
            drop(lock(log).write_all(line.as_bytes()));
        }
        let mut all = lock(&self.seen);
        if all.len() < MAX_REMEMBERED {
            all.push(seen);
        }
    }
}

/// Path and parameters: Gemini says there whether it wants a stream.
fn full_path(uri: &hyper::Uri) -> String {
    uri.path_and_query()
        .map_or(String::new(), ToString::to_string)
}

/// The body as it is noted and read.
fn noted(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let start = body.get(..MAX_NOTED).unwrap_or(body);
        json!(String::from_utf8_lossy(start))
    })
}

/// Unpacks a body, up to a limit.
fn unpack(packing: Option<&HeaderValue>, body: &[u8]) -> Result<Vec<u8>, String> {
    let packing = packing.map_or(&b"identity"[..], HeaderValue::as_bytes);
    let limit = MAX_REQUEST as u64;
    let mut unpacked = Vec::new();
    let read = match packing {
        b"identity" => return Ok(body.to_vec()),
        b"gzip" => flate2::read::MultiGzDecoder::new(body)
            .take(limit)
            .read_to_end(&mut unpacked),
        b"zstd" => ruzstd::decoding::StreamingDecoder::new(body)
            .map_err(io::Error::other)
            .and_then(|decoder| decoder.take(limit).read_to_end(&mut unpacked)),
        other => {
            let other = String::from_utf8_lossy(other);
            return Err(format!("bodies packed with {other} are not read here"));
        }
    };
    read.map_err(|error| format!("the body cannot be unpacked: {error}"))?;
    Ok(unpacked)
}

async fn pause(seconds: f64) {
    if let Ok(time) = Duration::try_from_secs_f64(seconds)
        && !time.is_zero()
    {
        tokio::time::sleep(time).await;
    }
}

fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let error = json!({ "message": message, "type": "not_found" });
    json_response(status, &json!({ "error": error }))
}

fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    whole(status, value.to_string())
}

fn whole(status: StatusCode, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
    respond(status, "application/json", body.boxed_unsync())
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Events one after the other, as far as the script lets them come.
fn streamed(events: Vec<Event>, step: &Step) -> Response<Body> {
    let (pace, cut) = (step.pace, step.cut);
    let rest = events.into_iter().enumerate();
    let frames = stream::unfold(Some(rest), move |rest| async move {
        let mut rest = rest?;
        let (index, event) = rest.next()?;
        if cut.is_some_and(|cut| index >= cut) {
            // What came before is sent when the body has nothing more for a moment.
            tokio::task::yield_now().await;
            return Some((Err(Cut), None));
        }
        if index > 0 {
            pause(pace).await;
        }
        let frame = Frame::data(Bytes::from(event.text()));
        Some((Ok(frame), Some(rest)))
    });
    let body = StreamBody::new(frames).boxed_unsync();
    respond(StatusCode::OK, "text/event-stream", body)
}

/// The first half of a text, and then nothing.
fn cut_in_half(text: &str) -> Response<Body> {
    let half = text.as_bytes()[..text.len() / 2].to_vec();
    let event = Ok(Frame::data(Bytes::from(half)));
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(Cut)
    });
    let frames = stream::iter([event]).chain(end);
    let body = StreamBody::new(frames).boxed_unsync();
    respond(StatusCode::OK, "application/json", body)
}
