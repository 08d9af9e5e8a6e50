//! What `std` lets a guest see of the machine around it.
//!
//! Never: a call to `remit:plugin`; what a guest in another language would try first is tried here.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::trouble::Trouble;

/// A look around.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(crate) enum SurroundingsDeed {
    /// All variables and arguments.
    Env,
    /// Opens a TCP connection.
    Connect { address: String },
    /// Listens on a TCP address.
    Listen { address: String },
    /// Opens a UDP socket and sends one byte.
    Send { address: String },
    /// Looks a host name up.
    Resolve { host: String },
    /// The clocks of `std`, and whether two random states differ.
    StdClock,
    /// Sleeps by `std::thread::sleep`.
    StdSleep { ms: u64 },
    /// Reads standard input to its end.
    Stdin,
    /// Starts a process by `std::process::Command`.
    StdCommand { program: String },
    /// Starts a thread.
    StdThread,
}

impl SurroundingsDeed {
    /// Does it.
    pub(crate) fn perform(self) -> Result<Value, Trouble> {
        match self {
            Self::Env => {
                let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
                let variables: serde_json::Map<String, Value> = std::env::vars_os()
                    .map(|(name, value)| (lossy(name), json!(lossy(value))))
                    .collect();
                let arguments: Vec<String> = std::env::args_os().map(lossy).collect();
                Ok(json!({ "variables": variables, "arguments": arguments }))
            }
            Self::Connect { address } => {
                Ok(json!(TcpStream::connect(address).map(|_| "connected")?))
            }
            Self::Listen { address } => Ok(json!(TcpListener::bind(address).map(|_| "bound")?)),
            Self::Send { address } => {
                Ok(json!(UdpSocket::bind("0.0.0.0:0")?.send_to(b"x", address)?))
            }
            Self::Resolve { host } => {
                let found: Vec<String> = (host.as_str(), 80)
                    .to_socket_addrs()?
                    .map(|one| one.to_string())
                    .collect();
                Ok(json!(found))
            }
            Self::StdClock => {
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let draw = || RandomState::new().build_hasher().finish();
                Ok(json!({
                    "seconds": now.as_secs(),
                    "forward": Instant::now().elapsed() < Duration::from_secs(60),
                    "differ": draw() != draw(),
                }))
            }
            Self::StdSleep { ms } => {
                std::thread::sleep(Duration::from_millis(ms));
                Ok(Value::Null)
            }
            Self::Stdin => {
                let mut text = Vec::new();
                std::io::stdin().read_to_end(&mut text)?;
                Ok(json!(text.len()))
            }
            Self::StdCommand { program } => {
                Ok(json!(Command::new(program).output()?.status.code()))
            }
            Self::StdThread => {
                std::thread::Builder::new().spawn(|| ())?;
                Ok(json!("started"))
            }
        }
    }
}
