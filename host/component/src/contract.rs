//! The plugin contract that this host speaks, read from the same files that plugins are built
//! against.
//!
//! Never: a second list of interfaces and functions that could fall behind the first.

use std::collections::BTreeMap;

use semver::Version;
use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup};

use crate::error::InspectError;

/// Namespace of everything that is ours. An import from it that is not known refuses the load.
pub(crate) const NAMESPACE: &str = "remit";

/// The files of `wit/`. A test compares the list with the folder.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("adapter.wit", include_str!("../../../wit/adapter.wit")),
    ("clock.wit", include_str!("../../../wit/clock.wit")),
    ("http.wit", include_str!("../../../wit/http.wit")),
    ("pattern.wit", include_str!("../../../wit/pattern.wit")),
    ("person.wit", include_str!("../../../wit/person.wit")),
    ("process.wit", include_str!("../../../wit/process.wit")),
    ("progress.wit", include_str!("../../../wit/progress.wit")),
    ("random.wit", include_str!("../../../wit/random.wit")),
    ("state.wit", include_str!("../../../wit/state.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("workspace.wit", include_str!("../../../wit/workspace.wit")),
    ("world.wit", include_str!("../../../wit/world.wit")),
];

/// The interfaces of the contract, by name.
#[derive(Debug)]
pub(crate) struct Contract {
    /// The package without its version, for example `remit:plugin`.
    pub(crate) package: String,
    /// The version of the package.
    pub(crate) version: Version,
    /// For each interface its functions, as a binary names them.
    pub(crate) interfaces: BTreeMap<String, Vec<String>>,
}

impl Contract {
    /// Reads the contract. A millisecond.
    ///
    /// # Errors
    /// The files are not WIT or have no version, which the tests of this crate rule out.
    pub(crate) fn read() -> Result<Self, InspectError> {
        let damaged = |error: String| InspectError::Contract(error);
        let mut sources = SourceMap::new();
        for (name, text) in FILES {
            sources.push_str(name, *text);
        }
        let group: UnresolvedPackageGroup = sources
            .parse()
            .map_err(|(_, error)| damaged(error.to_string()))?;
        let mut resolve = Resolve::new();
        let id = resolve
            .push_group(group)
            .map_err(|error| damaged(error.to_string()))?;
        let package = &resolve.packages[id];
        let version = package.name.version.clone();
        let interfaces = package
            .interfaces
            .iter()
            .map(|(name, id)| {
                let functions = &resolve.interfaces[*id].functions;
                (name.clone(), functions.keys().cloned().collect())
            })
            .collect();
        Ok(Self {
            package: format!("{}:{}", package.name.namespace, package.name.name),
            version: version.ok_or_else(|| damaged("the package has no version".into()))?,
            interfaces,
        })
    }

    /// Whether a plugin built for a version of the contract can be linked with this one: equal up
    /// to the first number that is not zero.
    pub(crate) fn speaks(&self, other: &Version) -> bool {
        let own = &self.version;
        if !own.pre.is_empty() || !other.pre.is_empty() {
            return own == other;
        }
        if own.major != 0 || other.major != 0 {
            return own.major == other.major;
        }
        if own.minor != 0 || other.minor != 0 {
            return own.minor == other.minor;
        }
        own == other
    }

    /// An interface's full name in this version.
    pub(crate) fn name_of(&self, interface: &str) -> String {
        format!("{}/{interface}@{}", self.package, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "looks at the repository's own folder"
    )]
    fn every_file_of_the_folder_is_here() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".wit"))
            .collect();
        found.sort();
        let known: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, known, "add new files to FILES in contract.rs");
    }

    #[test]
    fn the_contract_is_read_with_methods_and_functions() {
        let contract = Contract::read().unwrap();
        assert_eq!(contract.name_of("pattern"), "remit:plugin/pattern@0.1.0");
        let process = &contract.interfaces["process"];
        for function in ["spawn", "run", "[method]child.next-event"] {
            assert!(
                process.iter().any(|f| f == function),
                "{function} in {process:?}"
            );
        }
        assert_eq!(contract.interfaces["types"], Vec::<String>::new());
    }

    #[test]
    fn versions_meet_up_to_their_first_number() {
        let contract = |version: &str| Contract {
            package: "remit:plugin".into(),
            version: version.parse().unwrap(),
            interfaces: BTreeMap::new(),
        };
        for (own, other, expected) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.0", "0.1.7", true),
            ("0.1.3", "0.1.0", true),
            ("0.1.0", "0.2.0", false),
            ("0.1.0", "1.1.0", false),
            ("1.2.0", "1.9.0", true),
            ("1.2.0", "2.2.0", false),
            ("0.0.1", "0.0.2", false),
            ("0.1.0", "0.1.0-rc", false),
            ("0.1.0-rc", "0.1.0-rc", true),
        ] {
            let other = other.parse().unwrap();
            assert_eq!(contract(own).speaks(&other), expected, "{own} and {other}");
        }
    }
}
