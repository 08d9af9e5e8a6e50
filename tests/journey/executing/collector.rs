//! A collector on loopback that takes OTLP over HTTP in its JSON form.
//!
//! Never: an answer that is not sent; a look at what remit knows.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

/// Keeps what it is sent.
pub(super) struct Collector {
    endpoint: String,
    bodies: Receiver<Value>,
}

/// A span, as far as a test asks.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) trace: String,
    /// 1 for a success, 2 for an error, 0 if nobody said.
    pub(super) status: u64,
}

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (sender, bodies) = channel();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let mut writer = stream.try_clone().unwrap();
                let mut reader = BufReader::new(stream);
                while let Some(body) = read(&mut reader) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                    if sender.send(body).is_err() || writer.write_all(answer).is_err() {
                        break;
                    }
                }
            }
        });
        Self { endpoint, bodies }
    }

    /// Tells the program to send its spans here.
    pub(super) fn configure(&self, command: &mut Command) {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &self.endpoint)
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    }

    /// Everything that came so far. The program has ended, and it waits for its answers.
    pub(super) fn spans(&self) -> Vec<Told> {
        let mut spans = Vec::new();
        for body in self.bodies.try_iter() {
            for resource in body["resourceSpans"].as_array().unwrap() {
                for scope in resource["scopeSpans"].as_array().unwrap() {
                    spans.extend(scope["spans"].as_array().unwrap().iter().map(told));
                }
            }
        }
        spans
    }
}

/// One request's body; none if the connection was closed before.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn told(span: &Value) -> Told {
    let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
    let kind = span["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|attribute| attribute["key"] == "remit.kind")
        .unwrap();
    Told {
        name: text("name"),
        kind: kind["value"]["stringValue"].as_str().unwrap().to_owned(),
        id: text("spanId"),
        parent: text("parentSpanId"),
        trace: text("traceId"),
        status: span["status"]["code"].as_u64().unwrap_or(0),
    }
}
