//! Listening sockets in a tool's own network: the host's end of them works, and nothing else does.
//!
//! Never: a connection of the host's own network.

use std::io::{self, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use remit_core::tool::{Exit, OriginPort, OriginTraffic};
use remit_engine::seam::{Relay, Relayed};
use remit_process::Without;

use crate::confinement::Place;

/// A relay that names the origin to whoever connects, and counts.
pub(crate) struct Greeter;

struct Greeting(OriginPort, Arc<AtomicU64>);

impl Relay for Greeter {
    fn serve(&self, listener: TcpListener, entry: &OriginPort) -> io::Result<Box<dyn Relayed>> {
        let (greeting, count) = (entry.origin.to_string(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&count);
        // The sockets do not block, as the runtime needs them.
        listener.set_nonblocking(false)?;
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(stream.write_all(greeting.as_bytes()));
            }
        });
        Ok(Box::new(Greeting(entry.clone(), count)))
    }
}

impl Relayed for Greeting {
    fn traffic(&self) -> OriginTraffic {
        OriginTraffic {
            requests: self.1.load(Ordering::SeqCst),
            ..OriginTraffic::none(&self.0)
        }
    }
}

const RULES: &str = "network = \"origins\"\n\
    origins = { 8002 = \"https://second\", 8001 = \"http://first:80\" }";

const READ: &str = "import socket\n\
    for port in (8001, 8002):\n    \
        print(socket.create_connection(('127.0.0.1', port)).recv(99).decode())\n\
    try:\n    \
        socket.create_connection(('127.0.0.1', 8003))\n\
    except OSError as error:\n    \
        print(type(error).__name__)\n\
    import os\n\
    print(len(os.listdir('/proc/self/fd')))";

#[tokio::test]
async fn each_port_is_the_origin_that_was_declared_for_it() {
    let place = Place::new(Without::default(), "read = [\".\"]");
    let outcome = place
        .try_run("/usr/bin/python3", &["-I", "-c", READ], RULES)
        .await
        .unwrap();
    assert_eq!(outcome.exit, Exit::Code(0), "{:?}", outcome.err);
    let lines: Vec<String> = outcome.text().lines().map(str::to_owned).collect();
    // Three streams and the listing itself: no socket of the host is among them.
    assert_eq!(
        lines,
        [
            "http://first",
            "https://second",
            "ConnectionRefusedError",
            "4"
        ]
    );
    let traffic = outcome.usage.origins.iter();
    let counts: Vec<(u16, u64)> = traffic.map(|one| (one.port, one.requests)).collect();
    assert_eq!(counts, [(8001, 1), (8002, 1)]);
}

#[tokio::test]
async fn without_a_network_of_its_own_a_tool_with_origins_does_not_start() {
    let without = Without {
        namespaces: true,
        landlock: false,
    };
    for minimum in ["B", "C"] {
        let place = Place::new(
            without,
            &format!("read = [\".\"]\nconfinement = \"{minimum}\""),
        );
        let error = place
            .try_run("/usr/bin/python3", &["-I", "-c", READ], RULES)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "too-loose");
        assert!(error.to_string().contains("`origins`"), "{error}");
    }
}
