//! Tools that reach named origins: a real server on this machine's loopback interface, reached by a
//! real program through a port of its own network, and nothing else.
//!
//! Never: a connection beyond this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use crate::home::{Home, PATIENCE, finish, repository};

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
fn server() -> u16 {
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
        "/events" => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).ok()?;
            for event in ["first", "second", "third"] {
                let chunk = format!("{:x}\r\n{event}\n\r\n", event.len() + 1);
                stream.write_all(chunk.as_bytes()).ok()?;
                heard.wait_for(event);
            }
            stream.write_all(b"3\r\nend\r\n0\r\n\r\n").ok()
        }
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
        _ => stream
            .write_all(full(&format!("{path} {}", headers.join(", "))).as_bytes())
            .ok(),
    }
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
fn nobody() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A home whose policy lets `caller.py` reach a server, and a port on which nobody answers.
fn furnished(server: u16, nobody: u16) -> Home {
    let home = Home::new();
    let program = repository().join("tests/journey/programs/caller.py");
    let program = std::fs::read_to_string(program).unwrap();
    let program = Value::from(program.replace('{', "{{").replace('}', "}}"));
    let silent = "import http.client\n\
        http.client.HTTPConnection('127.0.0.1', 8001).request('GET', '/silent')\n\
        print('asked', flush=True)\nimport time\ntime.sleep(600)";
    let silent = Value::from(silent);
    let text = format!(
        "format = 1\n[tools.caller]\nprogram = \"python3\"\n[tools.caller.templates]\n\
         all = [\"-I\", \"-B\", \"-c\", {program}, \"{{one:int:1..65535}}\", \"{{other:int:1..65535}}\"]\n\
         silent = [\"-I\", \"-B\", \"-c\", {silent}]\n\
         [tools.caller.run]\nnetwork = \"origins\"\n\
         origins = {{ \"8001\" = \"http://127.0.0.1:{server}\", \"8002\" = \"http://127.0.0.1:{nobody}\" }}\n\
         [plugins.command]\nread = [\".\"]\nrun = [\"caller\"]\n"
    );
    std::fs::write(home.path("policy.toml"), text).unwrap();
    home
}

/// The events of a run of the tool, and what was said beside.
fn run(home: &Home, inputs: &Value, more: &[&str]) -> (Vec<Value>, String) {
    let mut command = home.remit(&["run", "command", "--json", "--input-file", "-", "--policy"]);
    command.arg(home.path("policy.toml")).args(more);
    let output = finish(command, &inputs.to_string());
    let events = crate::check::events(&String::from_utf8_lossy(&output.stdout)).unwrap();
    (events, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn one<'a>(events: &'a [Value], word: &str) -> &'a Value {
    events
        .iter()
        .find(|event| event["type"] == word)
        .unwrap_or_else(|| panic!("no {word} in {events:#?}"))
}

/// What the tool printed.
fn printed(events: &[Value]) -> Value {
    let pieces = events.iter().filter(|event| event["stream"] == "stdout");
    let text: String = pieces.filter_map(|event| event["text"].as_str()).collect();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{events:#?}"))
}

#[test]
fn a_tool_reaches_its_origins_whole_and_streaming_and_nothing_else() {
    let (server, nobody) = (server(), nobody());
    let beside = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let beside = beside.local_addr().unwrap().port();
    let home = furnished(server, nobody);
    let slots = json!({"one": server.to_string(), "other": beside.to_string()});
    let inputs = json!({"tool": "caller", "template": "all", "slots": slots});
    let (events, said) = run(&home, &inputs, &[]);
    let seen = printed(&events);
    assert_eq!(seen["hello"]["status"], 200, "{seen:#}");
    let hello = seen["hello"]["text"].as_str().unwrap();
    assert!(hello.starts_with("/hello?a=b "), "{hello}");
    assert!(
        hello.contains(&format!("host: 127.0.0.1:{server}")),
        "{hello}"
    );
    assert!(
        !hello.contains("elsewhere") && !hello.contains("upgrade"),
        "{hello}"
    );
    assert_eq!(seen["twice"], json!([200, 200]));
    assert_eq!(seen["events"], json!(["first", "second", "third", "end"]));
    assert_eq!(seen["large"]["text"], (8 << 20).to_string());
    assert_eq!(seen["pieces"]["text"], "50000");
    assert_eq!(seen["early"], "IncompleteRead");
    assert_eq!(seen["garbage"]["status"], 502);
    assert_eq!(seen["away"]["status"], 302);
    assert_eq!(seen["away"]["location"], "http://192.0.2.1/");
    assert_eq!(seen["nobody"]["status"], 502);
    let why = seen["nobody"]["text"].as_str().unwrap();
    assert!(
        why.contains("refused") && why.contains(&nobody.to_string()),
        "{why}"
    );
    assert!(said.contains("has no answer"), "{said}");
    for refused in ["connect", "whole"] {
        assert_eq!(seen[refused], "HTTP/1.1 400 Bad Request");
    }
    assert_eq!(
        seen["others"],
        json!(["ConnectionRefusedError", "ConnectionRefusedError"])
    );
    assert_eq!(seen["address"], "unreachable");
    assert_eq!(seen["name"], "no name");

    let named = json!([
        {"port": 8001, "origin": format!("http://127.0.0.1:{server}")},
        {"port": 8002, "origin": format!("http://127.0.0.1:{nobody}")},
    ]);
    assert_eq!(one(&events, "tool-started")["origins"], named);
    let used = &one(&events, "tool-finished")["usage"]["origins"];
    assert_eq!(used[0]["requests"], 12, "{used:#}");
    assert_eq!(used[0]["failed"], 4, "{used:#}");
    assert_eq!(used[0]["sent"], (8 << 20) + 50_000 + 16, "{used:#}");
    assert_eq!(used[1]["failed"], 1, "{used:#}");
    assert!(
        used[1]["error"].as_str().unwrap().contains("refused"),
        "{used:#}"
    );
    let audit = finish(home.remit(&["audit", "show", "--json"]), "");
    let audit: Vec<Value> = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(one(&audit, "spawn")["origins"], named);
    assert_eq!(&one(&audit, "exit")["usage"]["origins"], used);
    let shown = finish(home.remit(&["audit", "show"]), "");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains(&format!("8001=http://127.0.0.1:{server}")),
        "{shown}"
    );
}

#[test]
fn a_tool_that_is_ended_leaves_no_open_request() {
    let server = server();
    let home = furnished(server, nobody());
    let inputs = json!({"tool": "caller", "template": "silent", "timeout_ms": 3000});
    let (events, _) = run(&home, &inputs, &[]);
    let finished = one(&events, "tool-finished");
    assert_eq!(finished["exit"]["killed"], "wall-timeout", "{events:#?}");
    assert_eq!(
        finished["usage"]["origins"][0]["requests"], 1,
        "{finished:#}"
    );
}
