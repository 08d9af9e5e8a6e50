//! The wire protocol between host and supervisor, over one `SOCK_SEQPACKET` socket.
//!
//! The host sends one [`Request`], cut into packets because a socket takes no packet of its full
//! size; the first packet, the head, carries the [`DESCRIPTORS`]. After that it sends
//! [`Command`]s. The supervisor sends [`Report`]s. The end of the socket on the host's side
//! means that the host is gone, and the tool must go too.
//!
//! Never: an unbounded length, a value that is read before its version is known, a tool's
//! arguments or environment in a `Debug` output (both may hold secrets).

mod bounds;

pub use bounds::{
    Bounds, Cover, CoverKind, Grant, Identity, Level, Limits, Machine, Need, Network, Place,
    Without,
};

use serde::{Deserialize, Serialize};

/// The version of everything in this file. Both sides are built from one source tree; the
/// number catches a host that starts a supervisor of another build.
pub const VERSION: u8 = 3;

/// The first bytes of a request, so that a stray writer is told from a host.
const MAGIC: [u8; 3] = *b"rmt";

/// Bytes of the head packet: magic, version, length of the encoded request.
pub const HEAD_BYTES: usize = 8;

/// The largest encoded request in bytes. Arguments and environment are capped at half of it by
/// the host, and the encoding adds at most a few bytes per element.
pub const MAX_REQUEST_BYTES: usize = 512 * 1024;

/// The largest packet of a request body. Well below the default send buffer of 208 KiB, which
/// bounds a single packet on this kind of socket.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// The largest command or report in bytes. The longest is a report of an end: five integers.
pub const MAX_MESSAGE_BYTES: usize = 128;

/// How many descriptors travel with the head: the tool's working directory, then its standard
/// input.
pub const DESCRIPTORS: usize = 2;

/// How many listening sockets a tool's own network may have for the host.
pub const MAX_LISTENERS: usize = 8;

/// How many descriptors may come with a [`Report::Started`].
pub const STARTED_DESCRIPTORS: usize = MAX_LISTENERS + 1;

/// How hard the supervisor tries to hold the tool's process tree together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// The strongest that the kernel gives here.
    Strongest,
    /// No namespace, as on a machine that gives none. For tests of that case.
    SubreaperOnly,
}

/// What holds the tool's process tree together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holding {
    /// The supervisor adopts orphans and kills what it finds.
    Subreaper,
    /// The tree lives in a PID namespace, which the kernel empties when its first process ends.
    PidNamespace,
}

/// One tool to run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The absolute path to execute.
    pub program: Vec<u8>,
    /// The whole argument vector, the tool's own name first.
    pub arguments: Vec<Vec<u8>>,
    /// The whole environment, each `NAME=value`.
    pub environment: Vec<Vec<u8>>,
    /// Device number of the working directory, compared after entering it.
    pub directory_device: u64,
    /// Inode number of the working directory, likewise.
    pub directory_inode: u64,
    /// Milliseconds until the supervisor ends the tool without being told to; the net under a
    /// host that hangs.
    pub deadline_ms: u64,
    /// How many descriptors the tool may have open.
    pub open_files: u64,
    /// How the tree is to be held together, if nothing bounds it.
    pub wish: Wish,
    /// The working directory's real path, entered in a root of the tool's own.
    pub directory: Vec<u8>,
    /// What bounds the tool. Without bounds it has the rights of the host: for tests of what is
    /// below this, and for a machine whose owner said so.
    pub bounds: Option<Bounds>,
}

impl std::fmt::Debug for Request {
    /// Shows the program and sizes, never an argument or a variable.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("program", &String::from_utf8_lossy(&self.program))
            .field("arguments", &self.arguments.len())
            .field("environment", &self.environment.len())
            .field("deadline_ms", &self.deadline_ms)
            .field("wish", &self.wish)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

/// What the host may say after the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Ask every process of the tree to end (SIGTERM).
    Stop,
    /// End the tree now (SIGKILL).
    Kill,
}

/// A step of starting a tool, named in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Reading the request.
    Request,
    /// Leaving the host's session.
    Session,
    /// Becoming the one that orphans fall to.
    Adopt,
    /// Making a process.
    Fork,
    /// Tying the life of one process to another's.
    Tie,
    /// Putting standard input in its place.
    Stdin,
    /// Entering the working directory.
    Directory,
    /// Setting resource limits.
    Limits,
    /// Making a root of the tool's own.
    Root,
    /// Mounting a fresh `/proc`.
    Proc,
    /// Mounting something outside of the workspace.
    Place,
    /// Mounting a granted path of the workspace.
    Grant,
    /// Covering a path that is carved out of the grants.
    Cover,
    /// Letting the workspace's owner appear as the service user.
    Ownership,
    /// Setting up the loopback interface.
    Loopback,
    /// Opening listening sockets for the host.
    Listen,
    /// Becoming the service user.
    User,
    /// Giving up capabilities.
    Capabilities,
    /// Making or applying the Landlock rules.
    Landlock,
    /// Marking descriptors to be closed.
    Descriptors,
    /// Filtering system calls.
    Seccomp,
    /// Giving up the way to gain privileges.
    Privileges,
    /// Executing the program.
    Exec,
}

impl Step {
    /// The step as a short word for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Session => "session",
            Self::Adopt => "adopt-orphans",
            Self::Fork => "fork",
            Self::Tie => "tie-to-supervisor",
            Self::Stdin => "stdin",
            Self::Directory => "directory",
            Self::Limits => "limits",
            Self::Root => "private-root",
            Self::Proc => "private-proc",
            Self::Place => "system-directory",
            Self::Grant => "granted-directory",
            Self::Cover => "protected-path",
            Self::Ownership => "map-owner",
            Self::Loopback => "loopback",
            Self::Listen => "listen",
            Self::User => "service-user",
            Self::Capabilities => "drop-capabilities",
            Self::Landlock => "landlock",
            Self::Descriptors => "close-descriptors",
            Self::Seccomp => "seccomp",
            Self::Privileges => "no-new-privileges",
            Self::Exec => "exec",
        }
    }
}

/// A step that the kernel refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which step.
    pub step: Step,
    /// The error number.
    pub errno: i32,
}

/// How a tool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It exited with this code, and nobody had asked it to end.
    Exited(u8),
    /// This signal ended it, and the host had not sent one.
    Signaled(u8),
    /// It ended after the host asked for it, by a command or by being gone.
    Asked,
    /// It ended because the deadline in the request passed.
    Deadline,
}

/// What a tool cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Processor time in user mode, in microseconds: the tool and the children it waited for.
    pub user_us: u64,
    /// Processor time in the kernel, likewise.
    pub system_us: u64,
    /// Largest resident size, in bytes.
    pub max_rss: u64,
}

/// What the supervisor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The program is executing. With it come the listening sockets that [`Bounds::listen`] asks
    /// for, in that order, and after them one more descriptor may come: a pidfd of the process whose
    /// end means that the tree is gone (or, with [`Holding::Subreaper`], of the tool).
    Started {
        /// What holds the tree together.
        holding: Holding,
        /// How tightly it is confined.
        level: Level,
        /// What the machine gave for that.
        machine: Machine,
    },
    /// The program never executed. Nothing is left running.
    Failed(Failure),
    /// The machine does not give the level that is demanded. Nothing was started.
    TooLoose {
        /// What it is needed for.
        need: Need,
        /// The tightest level that it would give.
        best: Level,
        /// What it gave.
        machine: Machine,
    },
    /// The tool and everything it started is gone.
    Ended {
        /// How.
        ending: Ending,
        /// What it cost.
        cost: Cost,
    },
}

/// Why bytes are not a message of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// The bytes do not begin as a request does.
    Foreign,
    /// Another version; the number that was sent.
    Version(u8),
    /// Longer than the limit; the number of bytes.
    TooLarge(usize),
    /// The body does not decode.
    Malformed,
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign => f.write_str("not a message of the supervisor protocol"),
            Self::Version(found) => write!(f, "protocol version {found}, expected {VERSION}"),
            Self::TooLarge(size) => {
                write!(f, "{size} bytes, the limit is {MAX_REQUEST_BYTES} bytes")
            }
            Self::Malformed => f.write_str("the body of the message does not decode"),
        }
    }
}

impl std::error::Error for WireError {}

/// Encodes a request into its head and its body.
///
/// # Errors
/// The body is larger than [`MAX_REQUEST_BYTES`].
pub fn encode_request(request: &Request) -> Result<([u8; HEAD_BYTES], Vec<u8>), WireError> {
    let body = postcard::to_allocvec(request).map_err(|_| WireError::Malformed)?;
    if body.len() > MAX_REQUEST_BYTES {
        return Err(WireError::TooLarge(body.len()));
    }
    let length = u32::try_from(body.len()).map_err(|_| WireError::TooLarge(body.len()))?;
    let mut head = [0; HEAD_BYTES];
    head[..3].copy_from_slice(&MAGIC);
    head[3] = VERSION;
    head[4..].copy_from_slice(&length.to_le_bytes());
    Ok((head, body))
}

/// Reads the head of a request: the number of bytes that its body has.
///
/// # Errors
/// The bytes are not a head, of another version, or announce more than the limit.
pub fn decode_head(head: &[u8]) -> Result<usize, WireError> {
    let [m0, m1, m2, version, l0, l1, l2, l3] = *head else {
        return Err(WireError::Foreign);
    };
    if [m0, m1, m2] != MAGIC {
        return Err(WireError::Foreign);
    }
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    match usize::try_from(length) {
        Ok(length) if length <= MAX_REQUEST_BYTES => Ok(length),
        Ok(length) => Err(WireError::TooLarge(length)),
        Err(_) => Err(WireError::TooLarge(usize::MAX)),
    }
}

/// Reads the body of a request.
///
/// # Errors
/// The bytes do not decode, or more bytes follow.
pub fn decode_body(body: &[u8]) -> Result<Request, WireError> {
    decode_whole(body)
}

/// Encodes a command or a report.
///
/// # Errors
/// The message does not encode; none of this file's does that.
pub fn encode_message<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    let mut bytes = vec![VERSION];
    bytes.extend(postcard::to_allocvec(message).map_err(|_| WireError::Malformed)?);
    Ok(bytes)
}

/// Reads a command or a report.
///
/// # Errors
/// The bytes are empty, of another version, or do not decode.
pub fn decode_message<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, WireError> {
    match bytes {
        [] => Err(WireError::Foreign),
        [VERSION, body @ ..] => decode_whole(body),
        [version, ..] => Err(WireError::Version(*version)),
    }
}

/// Decodes a value that must use up all bytes: what follows would be a writer that means
/// something else.
fn decode_whole<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(WireError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(arguments: Vec<Vec<u8>>, environment: Vec<Vec<u8>>) -> Request {
        Request {
            program: b"/bin/true".to_vec(),
            arguments,
            environment,
            directory_device: u64::MAX,
            directory_inode: 7,
            deadline_ms: 1,
            open_files: 4096,
            wish: Wish::Strongest,
            directory: b"/".to_vec(),
            bounds: None,
        }
    }

    proptest! {
        #[test]
        fn a_request_survives_the_wire(
            arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20),
            environment in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20),
        ) {
            let sent = request(arguments, environment);
            let (head, body) = encode_request(&sent).unwrap();
            prop_assert_eq!(decode_head(&head).unwrap(), body.len());
            prop_assert_eq!(decode_body(&body).unwrap(), sent);
        }

        #[test]
        fn no_bytes_panic_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            // The result does not matter; a panic fails the test.
            let _ = decode_head(&bytes);
            drop(decode_body(&bytes));
            let _ = decode_message::<Report>(&bytes);
            let _ = decode_message::<Command>(&bytes);
        }
    }

    #[test]
    fn reports_and_commands_fit_into_one_message() {
        let longest = Report::Ended {
            ending: Ending::Signaled(255),
            cost: Cost {
                user_us: u64::MAX,
                system_us: u64::MAX,
                max_rss: u64::MAX,
            },
        };
        let bytes = encode_message(&longest).unwrap();
        assert!(bytes.len() <= MAX_MESSAGE_BYTES, "{}", bytes.len());
        assert_eq!(decode_message::<Report>(&bytes).unwrap(), longest);
        let stop = encode_message(&Command::Stop).unwrap();
        assert_eq!(decode_message::<Command>(&stop).unwrap(), Command::Stop);
    }

    #[test]
    fn heads_are_checked() {
        fn check(head: &[u8], expected: Result<usize, WireError>) {
            assert_eq!(decode_head(head), expected, "{head:?}");
        }
        check(b"rmt\x03\x05\0\0\0", Ok(5));
        check(b"rmt\x04\x05\0\0\0", Err(WireError::Version(4)));
        check(b"xyz\x01\x05\0\0\0", Err(WireError::Foreign));
        check(b"rmt\x03\x05\0\0", Err(WireError::Foreign));
        check(b"", Err(WireError::Foreign));
        check(b"rmt\x03\0\0\x08\0", Ok(MAX_REQUEST_BYTES));
        check(
            b"rmt\x03\x01\0\x08\0",
            Err(WireError::TooLarge(MAX_REQUEST_BYTES + 1)),
        );
    }

    #[test]
    fn a_request_over_the_limit_is_refused() {
        let sent = request(vec![vec![b'a'; MAX_REQUEST_BYTES]], Vec::new());
        assert!(matches!(encode_request(&sent), Err(WireError::TooLarge(_))));
    }

    #[test]
    fn trailing_bytes_and_other_versions_are_refused() {
        let (_, mut body) = encode_request(&request(Vec::new(), Vec::new())).unwrap();
        body.push(0);
        assert_eq!(decode_body(&body), Err(WireError::Malformed));
        assert_eq!(
            decode_message::<Command>(&[9, 0]),
            Err(WireError::Version(9))
        );
        assert_eq!(decode_message::<Command>(&[]), Err(WireError::Foreign));
    }

    #[test]
    fn debug_shows_no_argument_and_no_variable() {
        let shown = format!(
            "{:?}",
            request(vec![b"canary-1".to_vec()], vec![b"K=canary-2".to_vec()])
        );
        assert!(!shown.contains("canary"), "{shown}");
    }
}
