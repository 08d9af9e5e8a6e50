//! What bounds a tool: the part of a request that says how far its process tree may reach.
//!
//! The host has decided all of it, and has resolved every path outside of the workspace to a real
//! one. Paths inside the workspace are relative and are resolved by the supervisor, beneath the
//! workspace and through no link, because whoever may write there can move things meanwhile.
//!
//! Never: a path that the supervisor is to search for, a bound that may be left out silently.

use serde::{Deserialize, Serialize};

/// How tightly a tool is confined, from the tightest to not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// A: namespaces with a root of their own, and Landlock.
    Full,
    /// B: Landlock without namespaces.
    Landlock,
    /// B': namespaces with a root of their own, without Landlock.
    Namespaces,
    /// C: neither.
    None,
}

/// Which network the tool reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// None: no socket can be made.
    None,
    /// A loopback interface of its own, which nobody else can reach.
    Loopback,
    /// The host's.
    Full,
}

/// Something outside of the workspace that the tool may see, read and execute; never write.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A file or a directory with all below it.
    Show(Vec<u8>),
    /// A directory of the host, made for this, that is `/etc` in a root of the tool's own.
    Settings(Vec<u8>),
    /// A file of the host's own `/etc`, for where the tool has no other.
    Setting(Vec<u8>),
    /// A link at the first path to the second, which is shown.
    Link(Vec<u8>, Vec<u8>),
}

impl Place {
    /// Where it is for the tool.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        match self {
            Self::Show(path) | Self::Setting(path) | Self::Link(path, _) => path,
            Self::Settings(_) => b"/etc",
        }
    }
}

/// A path of the workspace that the tool may reach with all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Relative to the workspace; `.` is the workspace itself. The host sends the outermost first.
    pub path: Vec<u8>,
    /// Whether it may be read and executed.
    pub read: bool,
    /// Whether it may be changed.
    pub write: bool,
}

/// What happens to a path inside a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoverKind {
    /// It cannot be moved or removed; what is below it can be changed.
    Pinned,
    /// It and all below it can be read and not changed.
    Sealed,
    /// It is empty, and can be read as that.
    Emptied,
    /// It looks empty and cannot be opened.
    Hidden,
}

/// A part that is carved out of the grants. Only a root of the tool's own can do that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// Relative to the workspace.
    pub path: Vec<u8>,
    /// What happens to it.
    pub kind: CoverKind,
    /// Whether the tool must not run where this is impossible.
    pub required: bool,
}

/// Who the tool is for the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// The user that the host runs as.
    Own,
    /// Another user, because the host is root. In a user namespace of its own the tool is called
    /// by the numbers of the workspace's owner, and what it makes belongs to the owner.
    Service {
        /// The user that the tool is for the rest of the machine.
        user: u32,
        /// The group, likewise.
        group: u32,
        /// The user and group that the workspace belongs to.
        owner: (u32, u32),
    },
}

/// Resource limits. The kernel ends or refuses what goes beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processes and threads at the same time; holds only in a user namespace.
    pub processes: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of writable private memory of one process.
    pub memory: u64,
    /// Seconds of processor time of one process.
    pub cpu: u64,
    /// Bytes in the private directories together; holds only in a root of the tool's own.
    pub scratch: u64,
}

/// Kernel features that are not to be used, as if the machine had none. For tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Without {
    /// No namespaces.
    pub namespaces: bool,
    /// No Landlock.
    pub landlock: bool,
}

/// Everything that bounds one tool.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The loosest level at which the tool may run.
    pub minimum: Level,
    /// What it may see outside of the workspace, parents before what lies in them.
    pub places: Vec<Place>,
    /// The workspace's real path.
    pub workspace: Vec<u8>,
    /// What it may reach in the workspace.
    pub grants: Vec<Grant>,
    /// What is carved out of that.
    pub covers: Vec<Cover>,
    /// The directory that holds the private `home` and `tmp`; made by the host.
    pub scratch: Vec<u8>,
    /// The scratch directory of the attempt, a real path; made by the host. What the plugin and its
    /// tools hand each other is there.
    pub attempt: Option<Vec<u8>>,
    /// The network.
    pub network: Network,
    /// Ports of its own loopback interface on which the host is to listen; only with
    /// [`Network::Loopback`].
    pub listen: Vec<u16>,
    /// The user.
    pub identity: Identity,
    /// The limits.
    pub limits: Limits,
    /// What to do without.
    pub without: Without,
}

impl std::fmt::Debug for Bounds {
    /// Shows sizes where a content could be long.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bounds")
            .field("minimum", &self.minimum)
            .field("places", &self.places.len())
            .field("grants", &self.grants)
            .field("covers", &self.covers)
            .field("network", &self.network)
            .field("listen", &self.listen)
            .field("identity", &self.identity)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a tool did not start on a machine that would start it less confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Need {
    /// A tighter level is demanded.
    Level,
    /// The tool of a root host works on root's files as another user, which only a root of its own
    /// makes possible.
    ServiceUser,
    /// A loopback interface of its own is granted.
    Loopback,
    /// Something is carved out of the grants.
    Covers,
    /// Something may be written that may not be read, which only Landlock tells apart.
    WriteOnly,
}

/// What the machine gave, told with a start so that a person can be told why it is not more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The step at which namespaces with a root of their own were refused, and the number; none
    /// if they were given or not asked for.
    pub refused: Option<super::Failure>,
    /// The version of Landlock's interface; 0 if there is none.
    pub landlock: u8,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
}
