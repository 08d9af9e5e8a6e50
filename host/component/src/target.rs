//! Whether a component is a plugin for this host, of which kind, and if not, what is missing.
//!
//! By names: a component whose functions have the right names and the wrong types is refused when
//! it is loaded. Never: a "no" without what would make it a "yes".

use serde::Serialize;
use wasmparser::names::{ComponentName, ComponentNameKind};

use crate::contract::{Contract, NAMESPACE};
use crate::surface::{Item, ItemKind, Surface};

/// What a plugin can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It carries out one named, parameterized piece of work.
    PatternExecutor,
    /// It wraps one outside tool.
    ToolAdapter,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::PatternExecutor, Self::ToolAdapter];

    /// The interface that a plugin of this kind exports.
    fn interface(self) -> &'static str {
        match self {
            Self::PatternExecutor => "pattern",
            Self::ToolAdapter => "adapter",
        }
    }

    /// For people, with an article.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::PatternExecutor => "a pattern executor",
            Self::ToolAdapter => "a tool adapter",
        }
    }
}

/// Whether, and as what, this host can use a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Target {
    /// What it can be used as. Both is possible; empty means that it is no plugin for this host.
    pub roles: Vec<Role>,
    /// What is missing, one sentence each. Empty if there is a role and nothing stands in the
    /// way of it.
    pub missing: Vec<String>,
    /// Imports that begin with `remit:` and are not in the contract that this host speaks. Each
    /// refuses the load.
    pub unknown_imports: Vec<String>,
}

impl Target {
    /// Whether this host would load it, as far as names can tell.
    #[must_use]
    pub fn loads(&self) -> bool {
        !self.roles.is_empty() && self.unknown_imports.is_empty()
    }

    /// One line for people.
    #[must_use]
    pub fn verdict(&self) -> String {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.phrase()).collect();
        let roles = roles.join(" and ");
        match (self.roles.is_empty(), self.unknown_imports.is_empty()) {
            (false, true) => format!("a plugin for this host: {roles}"),
            (false, false) => format!(
                "{roles}, but it needs what this host does not offer: {}",
                self.unknown_imports.join(", ")
            ),
            (true, _) => format!("not a plugin for this host: {}", self.missing.join("; ")),
        }
    }

    /// Judges a component.
    pub(crate) fn of_component(contract: &Contract, surface: &Surface) -> Self {
        let mut target = Self::default();
        let mut halves = Vec::new();
        for role in Role::ALL {
            match half(contract, role, &surface.exports) {
                Half::Whole => target.roles.push(role),
                Half::Absent => {}
                Half::Part(why) => halves.push(why),
            }
        }
        // A half-built second role does not spoil the first, but its author will want to know.
        target.missing = halves;
        if target.roles.is_empty() && target.missing.is_empty() {
            target.missing.push(neither(contract));
        }
        target.unknown_imports = surface
            .imports
            .iter()
            .flat_map(|item| unknown(contract, item))
            .collect();
        target
    }

    /// Judges a core module: never a plugin.
    pub(crate) fn of_module() -> Self {
        Self {
            missing: vec![
                "it is a core module; make a component of it first, \
                 for example with `wasm-tools component new`"
                    .into(),
            ],
            ..Self::default()
        }
    }
}

fn neither(contract: &Contract) -> String {
    let wanted: Vec<String> = Role::ALL
        .iter()
        .map(|role| {
            format!(
                "`{}` ({})",
                contract.name_of(role.interface()),
                role.phrase()
            )
        })
        .collect();
    format!("it exports neither {}", wanted.join(" nor "))
}

/// How much of a role a component has.
enum Half {
    Whole,
    Part(String),
    Absent,
}

fn half(contract: &Contract, role: Role, exports: &[Item]) -> Half {
    let wanted = role.interface();
    let mut other_version = None;
    for item in exports {
        let Some(name) = Name::parse(&item.name) else {
            continue;
        };
        if name.package != contract.package || name.interface != wanted {
            continue;
        }
        if !name.fits(contract) {
            other_version = Some(format!(
                "it exports `{}`, this host speaks version {}",
                item.name, contract.version
            ));
            continue;
        }
        let functions = contract
            .interfaces
            .get(wanted)
            .map_or(&[][..], Vec::as_slice);
        let lacking: Vec<String> = functions
            .iter()
            .filter(|function| !item.functions.contains(function))
            .map(|function| format!("`{function}`"))
            .collect();
        if lacking.is_empty() {
            return Half::Whole;
        }
        return Half::Part(format!("its `{}` lacks {}", item.name, lacking.join(", ")));
    }
    other_version.map_or(Half::Absent, Half::Part)
}

/// What of an import is ours and not known.
fn unknown(contract: &Contract, item: &Item) -> Vec<String> {
    let rest = item.name.strip_prefix(NAMESPACE);
    if !rest.is_some_and(|rest| rest.starts_with(':')) {
        return Vec::new();
    }
    let known = Name::parse(&item.name)
        .filter(|name| name.package == contract.package && name.fits(contract))
        .and_then(|name| contract.interfaces.get(&name.interface));
    match (known, item.kind) {
        (Some(functions), ItemKind::Interface) => item
            .functions
            .iter()
            .filter(|function| !functions.contains(function))
            .map(|function| format!("{} {function}", item.name))
            .collect(),
        (
            Some(_) | None,
            ItemKind::Interface
            | ItemKind::Function
            | ItemKind::Type
            | ItemKind::Value
            | ItemKind::Module
            | ItemKind::Component,
        ) => vec![item.name.clone()],
    }
}

/// The name of an interface, taken apart.
pub(crate) struct Name {
    /// For example `wasi:io`.
    pub(crate) package: String,
    /// For example `streams`.
    pub(crate) interface: String,
    /// For example `0.2.6`; some have none.
    pub(crate) version: Option<semver::Version>,
}

impl Name {
    /// Takes a name apart, if it is the name of an interface.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let parsed = ComponentName::new(name, 0).ok()?;
        let ComponentNameKind::Interface(name) = parsed.kind() else {
            return None;
        };
        Some(Self {
            package: format!("{}:{}", name.namespace(), name.package()),
            interface: name.interface().to_string(),
            // Some names carry only the part of the version that has to agree; that is no version.
            version: name.version(None).ok().flatten(),
        })
    }

    fn fits(&self, contract: &Contract) -> bool {
        self.version
            .as_ref()
            .is_some_and(|version| contract.speaks(version))
    }
}
