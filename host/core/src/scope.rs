//! Capabilities as data: a kind of effect, and how far it reaches.
//!
//! Never: an effect, a decision. A scope is what both keys speak about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::excerpt::excerpt;
use crate::net::NetOrigin;
use crate::path::RelPath;
use crate::tool::{EnvName, NameError, TemplateId, ToolId};

/// A kind of effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Be run at all. Refused only when the owner pinned or approved another component; never during a run.
    Load,
    /// Read files below a directory of the workspace.
    Read,
    /// Create, change and delete files below a directory of the workspace.
    Write,
    /// See one environment variable of the host.
    Env,
    /// Have the host run one declared tool.
    Run,
    /// Reach one network origin.
    Net,
}

impl Capability {
    /// The word in files, flags and output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Read => "read",
            Self::Write => "write",
            Self::Env => "env",
            Self::Run => "run",
            Self::Net => "net",
        }
    }
}

/// The text does not name something that a plugin could ask for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The first word is no kind of effect.
    #[error("`{0}` is no capability; write read, write, env, run or net")]
    Capability(String),
    /// The rest does not fit the kind of effect.
    #[error("{0}")]
    Value(String),
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A tool or one of its templates: `git` or `git:status`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolScope {
    /// The tool.
    pub tool: ToolId,
    /// One of its templates; all of them if absent.
    pub template: Option<TemplateId>,
}

impl ToolScope {
    /// Whether `other` is this tool, or this template of it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.tool == other.tool && (self.template.is_none() || self.template == other.template)
    }
}

impl fmt::Display for ToolScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.template {
            Some(template) => write!(f, "{}:{template}", self.tool),
            None => write!(f, "{}", self.tool),
        }
    }
}

impl FromStr for ToolScope {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (tool, template) = match text.split_once(':') {
            Some((tool, template)) => (tool, Some(template.parse()?)),
            None => (text, None),
        };
        Ok(Self {
            tool: tool.parse()?,
            template,
        })
    }
}

impl TryFrom<String> for ToolScope {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ToolScope> for String {
    fn from(scope: ToolScope) -> Self {
        scope.to_string()
    }
}

/// What a manifest requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read below this directory.
    Read(RelPath),
    /// Write below this directory.
    Write(RelPath),
    /// See this variable.
    Env(EnvName),
    /// Have this tool run.
    Run(ToolScope),
    /// Have any tool run that the owner allows; what that is, is decided call by call.
    RunAny,
    /// Reach this origin.
    Net(NetOrigin),
    /// Reach any origin that the owner allows; which that is, is decided request by request.
    NetAny,
}

impl Scope {
    /// Reads a scope as denials and flags write it: `read`, `src/a`.
    ///
    /// # Errors
    /// The word is no capability that can be asked for, or the value does not fit it.
    pub fn parse(capability: &str, value: &str) -> Result<Self, ScopeError> {
        fn read<T: FromStr<Err: fmt::Display>>(value: &str) -> Result<T, ScopeError> {
            let parsed = value.parse::<T>();
            parsed.map_err(|error| ScopeError::Value(error.to_string()))
        }
        match capability {
            "read" => read(value).map(Self::Read),
            "write" => read(value).map(Self::Write),
            "env" => read(value).map(Self::Env),
            "run" if value == "*" => Ok(Self::RunAny),
            "run" => read(value).map(Self::Run),
            "net" if value == "*" => Ok(Self::NetAny),
            "net" => read(value).map(Self::Net),
            other => Err(ScopeError::Capability(excerpt(other))),
        }
    }

    /// The kind of effect.
    #[must_use]
    pub fn capability(&self) -> Capability {
        match self {
            Self::Read(_) => Capability::Read,
            Self::Write(_) => Capability::Write,
            Self::Env(_) => Capability::Env,
            Self::Run(_) | Self::RunAny => Capability::Run,
            Self::Net(_) | Self::NetAny => Capability::Net,
        }
    }

    /// Whether it means whatever the owner allows, and so nothing that could be allowed as such.
    #[must_use]
    pub fn is_any(&self) -> bool {
        match self {
            Self::RunAny | Self::NetAny => true,
            Self::Read(_) | Self::Write(_) | Self::Env(_) | Self::Run(_) | Self::Net(_) => false,
        }
    }

    /// Whether everything that `other` asks for is asked for here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Read(above), Self::Read(below)) | (Self::Write(above), Self::Write(below)) => {
                above.covers(below)
            }
            (Self::Env(one), Self::Env(other)) => one == other,
            (Self::Run(above), Self::Run(below)) => above.covers(below),
            (Self::RunAny, Self::Run(_) | Self::RunAny) => true,
            (Self::Net(one), Self::Net(other)) => one == other,
            (Self::NetAny, Self::Net(_) | Self::NetAny) => true,
            (
                Self::Read(_)
                | Self::Write(_)
                | Self::Env(_)
                | Self::Run(_)
                | Self::RunAny
                | Self::Net(_)
                | Self::NetAny,
                _,
            ) => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path) | Self::Write(path) => write!(f, "{path}"),
            Self::Env(name) => write!(f, "{name}"),
            Self::Run(tool) => write!(f, "{tool}"),
            Self::RunAny | Self::NetAny => f.write_str("*"),
            Self::Net(origin) => write!(f, "{origin}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_scopes() {
        for (text, ok) in [
            ("git", true),
            ("git:status", true),
            ("git:", false),
            (":status", false),
            ("", false),
            ("*", false),
            ("git:a:b", false),
            ("git status", false),
            ("/bin/git", false),
        ] {
            let scope = text.parse::<ToolScope>();
            assert_eq!(scope.is_ok(), ok, "{text}");
            if let Ok(scope) = scope {
                assert_eq!(scope.to_string(), text);
            }
        }
    }

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for (capability, value) in [
            ("read", "src/a"),
            ("write", "."),
            ("env", "LANG"),
            ("run", "git"),
            ("run", "git:status"),
            ("run", "*"),
            ("net", "https://api.example.org"),
            ("net", "*"),
        ] {
            let scope = Scope::parse(capability, value).unwrap();
            assert_eq!(scope.to_string(), value);
            assert_eq!(scope.capability().word(), capability);
        }
        for (capability, value, said) in [
            ("walk", "x", "`walk` is no capability"),
            ("load", "x", "`load` is no capability"),
            ("read", "/etc", "`/etc` is absolute"),
            ("run", "/bin/sh", "is not a tool name"),
            ("env", "A=B", "is not the name of an environment variable"),
        ] {
            let error = Scope::parse(capability, value).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn scopes_cover_only_their_own_kind() {
        let run = |text: &str| Scope::Run(text.parse().unwrap());
        let net = |text: &str| Scope::Net(text.parse().unwrap());
        let read = |text: &str| Scope::Read(text.parse().unwrap());
        let write = |text: &str| Scope::Write(text.parse().unwrap());
        for (above, below, expected) in [
            (read("."), read("src"), true),
            (read("src"), read("."), false),
            (read("."), write("src"), false),
            (write("."), read("."), false),
            (run("git"), run("git:log"), true),
            (run("git:log"), run("git"), false),
            (run("git:log"), run("git:log"), true),
            (run("git"), run("go"), false),
            (Scope::RunAny, run("git"), true),
            (run("git"), Scope::RunAny, false),
            (Scope::NetAny, net("https://a"), true),
            (Scope::NetAny, run("git"), false),
            (net("https://a"), Scope::NetAny, false),
            (net("https://a"), net("https://a:443"), true),
        ] {
            assert_eq!(above.covers(&below), expected, "{above:?} {below:?}");
        }
    }
}
