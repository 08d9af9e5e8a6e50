//! The server as a client meets it: answers, streams, and every way to fail that a script can want.
//!
//! Never: a time that has to pass for a test to hold.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and looks into files that it named"
)]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use remit_model_server::{Script, Server, Settings};
use serde_json::{Value, json};

/// How often is looked at what is awaited.
const GLANCE: Duration = Duration::from_millis(2);

fn server(script: &str) -> Server {
    let script = Script::parse(script, &[]).unwrap();
    Server::start(script, &Settings::default()).unwrap()
}

/// Sends a request and reads until the server closes the connection.
fn exchange(server: &Server, path: &str, headers: &str, body: &[u8]) -> String {
    let mut stream = send(server, path, headers, body);
    let mut answer = Vec::new();
    // A connection that is cut may be reset.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

fn send(server: &Server, path: &str, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: model\r\nConnection: close\r\nAuthorization: Bearer hunter2\r\n\
         Content-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream
}

fn ask(stream: bool) -> Vec<u8> {
    let request = json!({"model": "m", "stream": stream, "tools": [{}], "messages": []});
    request.to_string().into_bytes()
}

#[test]
fn an_answer_is_json_and_a_stream_is_events() {
    let server = server(r#"{"steps": [{"text": "hello"}]}"#);
    let whole = exchange(&server, "/v1/messages", "", &ask(false));
    assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
    let body = whole.split("\r\n\r\n").nth(1).unwrap();
    let value: Value = serde_json::from_str(body).unwrap();
    assert_eq!(value["content"][0]["text"], "hello");
    let stream = exchange(&server, "/v1/chat/completions", "", &ask(true));
    assert!(
        stream.contains("content-type: text/event-stream"),
        "{stream}"
    );
    assert!(stream.contains("data: [DONE]\n\n"), "{stream}");
    assert!(
        stream.ends_with("0\r\n\r\n"),
        "a whole stream has an end: {stream}"
    );
}

#[test]
fn a_scripted_status_comes_with_its_body() {
    let server = server(r#"{"steps": [{"status": 401, "error": {"error": {"code": "bad"}}}]}"#);
    let answer = exchange(&server, "/v1/responses", "", &ask(true));
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.ends_with(r#"{"error":{"code":"bad"}}"#), "{answer}");
}

#[test]
fn what_is_cut_has_no_end() {
    let cut = server(r#"{"steps": [{"text": "hello", "cut": 2}]}"#);
    let answer = exchange(&cut, "/v1/messages", "", &ask(true));
    assert!(answer.contains("message_start") && answer.contains("content_block_start"));
    assert!(!answer.contains("content_block_delta"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
    let answer = exchange(&cut, "/v1/messages", "", &ask(false));
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    assert!(serde_json::from_str::<Value>(body).is_err(), "{answer}");
}

#[test]
fn a_request_that_hangs_gets_no_header_until_the_server_is_gone() {
    let server = server(r#"{"steps": [{"hang": true}]}"#);
    let mut stream = send(&server, "/v1/messages", "", &ask(false));
    while server.seen().is_empty() {
        std::thread::sleep(GLANCE);
    }
    stream.set_nonblocking(true).unwrap();
    let nothing = stream.read(&mut [0; 1]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    drop(server);
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
}

#[test]
fn packed_requests_are_read() {
    let server = server(r#"{"steps": [{"text": "first"}, {"text": "second"}]}"#);
    let request = json!({"tools": [{}], "input": [{"type": "function_call_output"}]}).to_string();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(request.as_bytes()).unwrap();
    let gzip = packer.finish().unwrap();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = ruzstd::encoding::compress_to_vec(request.as_bytes(), level);
    for (name, packed) in [("gzip", gzip), ("zstd", zstd)] {
        let header = format!("Content-Encoding: {name}\r\n");
        let answer = exchange(&server, "/v1/responses", &header, &packed);
        assert!(answer.contains("second"), "{name}: {answer}");
    }
    let header = "Content-Encoding: br\r\n";
    let answer = exchange(&server, "/v1/responses", header, b"x");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("br are not read here"), "{answer}");
}

#[test]
fn every_request_is_noted_and_no_key() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log.jsonl");
    let script = Script::parse(r#"{"plain": "a"}"#, &[]).unwrap();
    let settings = Settings {
        log: Some(log.clone()),
        ..Settings::default()
    };
    let server = Server::start(script, &settings).unwrap();
    exchange(&server, "/v1/messages?beta=true", "", &ask(false));
    exchange(&server, "/v1/nothing", "", b"no json");
    let seen = server.seen();
    assert_eq!(seen[0].path, "/v1/messages?beta=true");
    assert_eq!(seen[0].body["model"], "m");
    assert_eq!(seen[1].body, "no json");
    let text = std::fs::read_to_string(log).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_port_that_is_taken_is_an_error_with_its_number() {
    let first = server(r#"{"plain": "a"}"#);
    let port = first.address().port();
    let script = Script::parse(r#"{"plain": "a"}"#, &[]).unwrap();
    let settings = Settings {
        port,
        ..Settings::default()
    };
    let error = Server::start(script, &settings).unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}
