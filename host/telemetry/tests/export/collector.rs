//! A collector on loopback that keeps what it is sent and answers as a test says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as WireSpan;
use prost::Message as _;

/// Longer than anything here takes; where it passes, a test has failed.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What a collector was sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads one request; none if the connection was closed before.
    pub(crate) fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length")?.parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let line = line.trim_end().to_owned();
        Some(Self {
            line,
            headers,
            body,
        })
    }

    pub(crate) fn spans(&self) -> Vec<WireSpan> {
        let message = ExportTraceServiceRequest::decode(&self.body[..]).unwrap();
        let scopes = message
            .resource_spans
            .into_iter()
            .flat_map(|r| r.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

/// An answer: status line and further headers, and a body.
pub(crate) type Answer = (&'static str, Vec<u8>);

pub(crate) fn fine() -> Answer {
    ("200 OK", Vec::new())
}

/// A collector on loopback. It answers each request with the next answer, `200` when there are no
/// more; a connection that has no more requests is followed by the next.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    pub(crate) requests: Receiver<Request>,
}

impl Collector {
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        Self::gated(answers, None)
    }

    /// Answers only when the gate lets it, if there is one.
    pub(crate) fn gated(answers: Vec<Answer>, gate: Option<Receiver<()>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        std::thread::spawn(move || serve(&listener, answers, &sender, gate));
        Self { endpoint, requests }
    }

    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(LONG).unwrap()
    }
}

fn serve(
    listener: &TcpListener,
    answers: Vec<Answer>,
    sender: &Sender<Request>,
    gate: Option<Receiver<()>>,
) {
    let mut answers = answers.into_iter();
    while let Ok((stream, _)) = listener.accept() {
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader) {
            if sender.send(request).is_err() {
                return;
            }
            if let Some(gate) = &gate
                && gate.recv().is_err()
            {
                return;
            }
            let (status, body) = answers.next().unwrap_or_else(fine);
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let sent = writer
                .write_all(head.as_bytes())
                .and_then(|()| writer.write_all(&body));
            if sent.is_err() {
                break;
            }
        }
    }
}
