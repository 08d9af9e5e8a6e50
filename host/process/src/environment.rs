//! The environment of a tool. It starts empty; what is in it was put there here.
//!
//! Never: the host's environment as a whole, an entry of the search path that is empty or
//! relative, a value in a message.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};

use remit_core::tool::EnvName;

use crate::private::RunDirectory;

/// Where tools find programs: directories of the system only, whatever the owner's own search path
/// is.
pub const TOOL_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// UTF-8 without a language, so that messages do not depend on who runs the host.
const TOOL_LANG: &str = "C.UTF-8";

/// The host's environment at one moment, to pass single values on.
#[derive(Clone, Default)]
pub struct HostEnvironment(HashMap<OsString, OsString>);

impl HostEnvironment {
    /// From pairs, usually [`std::env::vars_os`].
    pub fn new(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// One value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }
}

impl std::fmt::Debug for HostEnvironment {
    /// Shows how many variables there are, never a name or a value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostEnvironment({} variables)", self.0.len())
    }
}

/// The whole environment of a tool: constants, then what is passed on, then what is set. Later
/// entries replace earlier ones. Sorted by name.
#[must_use]
pub fn environment(
    scratch: &RunDirectory,
    host: &HostEnvironment,
    pass: &[EnvName],
    set: &[(EnvName, String)],
) -> Vec<(OsString, OsString)> {
    let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
    all.insert("PATH".into(), TOOL_PATH.into());
    all.insert("LANG".into(), TOOL_LANG.into());
    all.insert("HOME".into(), scratch.home().into());
    all.insert("TMPDIR".into(), scratch.temporary().into());
    for name in pass {
        if let Some(value) = host.get(name.as_str()) {
            all.insert(name.as_str().into(), value.to_owned());
        }
    }
    for (name, value) in set {
        all.insert(name.as_str().into(), value.into());
    }
    all.into_iter().collect()
}
