//! What the attacker tries, as data, and the line that it says for each attempt.
//!
//! The package has two parts. This library is what others need to know: the tests, which run the
//! attacker as a tool, and `remit doctor security`, which does so on a user's machine. The binary
//! `remit-attacker` tries. Never: an attempt that does harm where nothing stops it.

mod rows;
mod verdict;

pub use rows::{Level, ROWS, Row, find};
pub use verdict::{Attempt, Verdict};

/// The option that names the process of the host.
pub const HOST_PID: &str = "--host-pid=";

/// The option that names a file outside, which everybody on the machine could read and its user
/// could write.
pub const CANARY: &str = "--canary=";

/// The option that names a directory outside.
pub const OUTSIDE: &str = "--outside=";

/// The option that names the workspace. It must hold a file [`SCRATCH`].
pub const WORKSPACE: &str = "--workspace=";

/// The option that names a port of this machine's loopback on which somebody listens.
pub const TCP: &str = "--tcp=";

/// The option that names a socket in the file system on which somebody listens.
pub const UNIX: &str = "--unix=";

/// The option that names an abstract socket on which somebody listens.
pub const ABSTRACT: &str = "--abstract=";

/// The option that names the key of a System V memory segment of somebody else.
pub const SHARED_MEMORY: &str = "--shared-memory=";

/// The option that says how many processes a bounded fork bomb starts at most.
pub const PROCESSES: &str = "--processes=";

/// The option that names a file of the workspace that may not be read.
pub const HIDDEN: &str = "--hidden=";

/// The option that names a file of the workspace that may not be changed.
pub const SEALED: &str = "--sealed=";

/// The option with a word that one run leaves behind and another looks for.
pub const WORD: &str = "--word=";

/// The file that says of a directory that its files may be overwritten. Without it nothing in the
/// workspace is touched.
pub const SCRATCH: &str = "remit-attacker-scratch";
