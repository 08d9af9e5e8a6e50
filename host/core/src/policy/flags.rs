//! The `--allow-*` and `--deny-*` flags of a command line, as a layer.
//!
//! Never: a flag that declares a tool, or that is weaker than a `deny` in a file.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use super::rule::{AllowRule, DenyRule, DenyScope, Place, Section, Subject};
use super::{Layer, Origin};
use crate::approval::Allowed;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::scope::{Capability, Scope};

/// The values of the flags, as they were written; each value is one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlagRules {
    /// `--allow-read`: directories.
    pub allow_read: Vec<String>,
    /// `--allow-write`: directories.
    pub allow_write: Vec<String>,
    /// `--allow-env`: names.
    pub allow_env: Vec<String>,
    /// `--allow-run`: `tool` or `tool:template`.
    pub allow_run: Vec<String>,
    /// `--allow-net`: origins.
    pub allow_net: Vec<String>,
    /// `--deny-read`: patterns.
    pub deny_read: Vec<String>,
    /// `--deny-write`: patterns.
    pub deny_write: Vec<String>,
    /// `--deny-env`: names.
    pub deny_env: Vec<String>,
    /// `--deny-run`: `tool` or `tool:template`.
    pub deny_run: Vec<String>,
    /// `--deny-net`: origins.
    pub deny_net: Vec<String>,
}

impl FlagRules {
    /// The layer with the highest precedence; it holds for the plugin that is being run.
    ///
    /// # Errors
    /// Every value that does not parse. The text of the diagnostics has one flag on each line.
    pub fn layer(&self) -> Result<Layer, Diagnostics> {
        let (layer, found) = self.attempt();
        match Diagnostics::of(found) {
            Some(found) => Err(found),
            None => Ok(layer),
        }
    }

    /// What the allow flags allow.
    ///
    /// # Errors
    /// Every value that does not parse.
    pub fn allowed(&self) -> Result<Allowed, Diagnostics> {
        let mut allowed = Allowed::default();
        for section in self.layer()?.sections {
            for rule in section.allow {
                allowed.add(rule.scope);
            }
        }
        Ok(allowed)
    }

    /// Adds an allow rule for what a denial refused, as it is written there. What no flag allows
    /// adds nothing.
    pub fn allow(&mut self, capability: Capability, scope: &str) {
        let values = match capability {
            Capability::Load => return,
            Capability::Read => &mut self.allow_read,
            Capability::Write => &mut self.allow_write,
            Capability::Env => &mut self.allow_env,
            Capability::Run => &mut self.allow_run,
            Capability::Net => &mut self.allow_net,
        };
        values.push(scope.to_owned());
    }

    /// Like [`Self::layer`], but hands over what could be read beside the mistakes.
    pub(super) fn attempt(&self) -> (Layer, Vec<Diagnostic>) {
        let mut reader = Reader::new(self);
        let mut allow = Vec::new();
        reader.allow("--allow-read", &self.allow_read, Scope::Read, &mut allow);
        reader.allow("--allow-write", &self.allow_write, Scope::Write, &mut allow);
        reader.allow("--allow-env", &self.allow_env, Scope::Env, &mut allow);
        reader.allow("--allow-run", &self.allow_run, Scope::Run, &mut allow);
        reader.allow("--allow-net", &self.allow_net, Scope::Net, &mut allow);
        let mut deny = Vec::new();
        reader.deny("--deny-read", &self.deny_read, DenyScope::Read, &mut deny);
        reader.deny(
            "--deny-write",
            &self.deny_write,
            DenyScope::Write,
            &mut deny,
        );
        reader.deny("--deny-env", &self.deny_env, DenyScope::Env, &mut deny);
        reader.deny("--deny-run", &self.deny_run, DenyScope::Run, &mut deny);
        reader.deny("--deny-net", &self.deny_net, DenyScope::Net, &mut deny);
        let section = Section {
            subject: Subject::Running,
            pin: None,
            file: None,
            allow,
            deny,
            memory: None,
            time: None,
            confinement: None,
        };
        let layer = Layer {
            origin: Origin::Flag("command line".to_owned()),
            tools: Vec::new(),
            sections: vec![section],
            broken: BTreeSet::new(),
            search: None,
            confinement: None,
            as_root: None,
            hooks: Vec::new(),
        };
        (layer, reader.found)
    }

    /// All flags with their values, in the order in which [`Self::layer`] reads them.
    fn lines(&self) -> impl Iterator<Item = String> {
        let groups: [(&str, &Vec<String>); 10] = [
            ("--allow-read", &self.allow_read),
            ("--allow-write", &self.allow_write),
            ("--allow-env", &self.allow_env),
            ("--allow-run", &self.allow_run),
            ("--allow-net", &self.allow_net),
            ("--deny-read", &self.deny_read),
            ("--deny-write", &self.deny_write),
            ("--deny-env", &self.deny_env),
            ("--deny-run", &self.deny_run),
            ("--deny-net", &self.deny_net),
        ];
        groups
            .into_iter()
            .flat_map(|(flag, values)| values.iter().map(move |value| format!("{flag}={value}")))
    }
}

struct Reader {
    source: Arc<Source>,
    offset: usize,
    found: Vec<Diagnostic>,
}

impl Reader {
    fn new(rules: &FlagRules) -> Self {
        let text: Vec<String> = rules.lines().collect();
        Self {
            source: Source::new("command line", text.join("\n")),
            offset: 0,
            found: Vec::new(),
        }
    }

    fn allow<T>(
        &mut self,
        flag: &str,
        values: &[String],
        scope: fn(T) -> Scope,
        into: &mut Vec<AllowRule>,
    ) where
        T: FromStr<Err: Display>,
    {
        for value in values {
            if let Some((value, place)) = self.value::<T>(flag, value) {
                into.push(AllowRule {
                    scope: scope(value),
                    place,
                });
            }
        }
    }

    fn deny<T>(
        &mut self,
        flag: &str,
        values: &[String],
        scope: fn(T) -> DenyScope,
        into: &mut Vec<DenyRule>,
    ) where
        T: FromStr<Err: Display>,
    {
        for value in values {
            if let Some((value, place)) = self.value::<T>(flag, value) {
                into.push(DenyRule {
                    scope: scope(value),
                    place,
                });
            }
        }
    }

    fn value<T: FromStr<Err: Display>>(&mut self, flag: &str, value: &str) -> Option<(T, Place)> {
        let rule = format!("{flag}={value}");
        let span = self.offset..self.offset + rule.len();
        self.offset = span.end + 1;
        match value.parse::<T>() {
            Ok(value) => {
                let origin = Origin::Flag(rule.clone());
                let source = Arc::clone(&self.source);
                Some((
                    value,
                    Place {
                        origin,
                        source,
                        span,
                        rule,
                    },
                ))
            }
            Err(error) => {
                let whole = error.to_string();
                let (message, help) = whole
                    .split_once("; ")
                    .unwrap_or((&whole, "correct the value"));
                let message = format!("{flag}: {message}");
                self.found.push(Diagnostic::new(
                    &self.source,
                    Some(span),
                    "bad-flag",
                    message,
                    help,
                ));
                None
            }
        }
    }
}
