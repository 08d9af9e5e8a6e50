//! A server on this machine's loopback interface that does what the paths of requests ask for, well
//! and badly.
//!
//! Never: a connection beyond this machine, a thread that outlives the tests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use crate::home::PATIENCE;

/// What the tool told the server that it has heard.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>, Condvar);

impl Heard {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
        self.1.notify_all();
    }

    /// Waits until this was heard. A tool that never says it is ended by its own limit.
    fn wait_for(&self, text: &str) {
        let heard = self.0.lock().unwrap();
        let missing = |heard: &mut Vec<String>| !heard.iter().any(|one| one == text);
        drop(self.1.wait_timeout_while(heard, PATIENCE, missing).unwrap());
    }
}

/// A server on loopback that does what paths ask for; its port.
pub(crate) fn server() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Heard::default());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = Arc::clone(&heard);
            std::thread::spawn(move || while serve(&stream, &heard).is_some() {});
        }
    });
    port
}

/// A request as it arrived.
struct Asked {
    path: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

/// Reads one request; nothing if no more comes.
fn read(stream: &TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        chunked |= line == "transfer-encoding: chunked";
        headers.push(line);
    }
    let body = if chunked {
        read_chunks(&mut reader)?
    } else {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        body
    };
    Some(Asked {
        path,
        headers,
        body,
    })
}

/// Serves one request; nothing if the connection is to end.
fn serve(mut stream: &TcpStream, heard: &Heard) -> Option<()> {
    let Asked {
        path,
        headers,
        body,
    } = read(stream)?;
    let full = |text: &str| {
        let length = text.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nKeep-Alive: 9\r\n\r\n{text}")
    };
    match path.as_str() {
        "/heard" => {
            heard.note(String::from_utf8(body).unwrap());
            stream.write_all(full("").as_bytes()).ok()
        }
        "/size" => stream
            .write_all(full(&body.len().to_string()).as_bytes())
            .ok(),
        "/events" => events(stream, heard),
        "/early" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
            stream.write_all(head.as_bytes()).ok()?;
            stream.shutdown(std::net::Shutdown::Both).ok()?;
            None
        }
        "/garbage" => {
            stream.write_all(b"this is no HTTP\r\n\r\n").ok()?;
            stream.shutdown(std::net::Shutdown::Both).ok()?;
            None
        }
        "/away" => {
            let head =
                "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(head.as_bytes()).ok()
        }
        "/silent" => {
            heard.note("asked".to_owned());
            std::thread::sleep(PATIENCE);
            None
        }
        path if path.starts_with("/to?") => {
            let location = path.strip_prefix("/to?")?;
            let head =
                format!("HTTP/1.1 307 Away\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).ok()
        }
        path if path.starts_with("/status?") => {
            let status = path.strip_prefix("/status?")?;
            let head = format!(
                "HTTP/1.1 {status} So\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 4\r\n\r\nsaid"
            );
            stream.write_all(head.as_bytes()).ok()
        }
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
            // Until the other side has enough.
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
            None
        }
        "/echo" => stream
            .write_all(full(&String::from_utf8_lossy(&body)).as_bytes())
            .ok(),
        _ => stream
            .write_all(full(&format!("{path} {}", headers.join(", "))).as_bytes())
            .ok(),
    }
}

/// One chunk after the other, each when the one before was heard of.
fn events(mut stream: &TcpStream, heard: &Heard) -> Option<()> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).ok()?;
    for event in ["first", "second", "third"] {
        let chunk = format!("{:x}\r\n{event}\n\r\n", event.len() + 1);
        stream.write_all(chunk.as_bytes()).ok()?;
        heard.wait_for(event);
    }
    stream.write_all(b"3\r\nend\r\n0\r\n\r\n").ok()
}

fn read_chunks(reader: &mut impl std::io::BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend(&chunk[..size]);
    }
}

/// A port of this machine on which nobody listens.
pub(crate) fn nobody() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
