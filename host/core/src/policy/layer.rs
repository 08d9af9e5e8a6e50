//! One policy file, read and checked by itself.
//!
//! Never: a look at other layers. What depends on them is checked when they are put together.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::hooks::{self, DeclaredHook};
use super::rule::{AllowRule, DenyRule, DenyScope, Pin, Place, Section as Rules, Subject};
use super::{AsRoot, Origin, check};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::digest::Digest;
use crate::document::{self, Section, Spanned};
use crate::id::PluginId;
use crate::manifest::{Confinement, MAX_MEMORY, MAX_TIME};
use crate::quantity::{ByteSize, TimeSpan};
use crate::scope::Scope;
use crate::tool::{ToolDeclaration, read_tool};

/// Version of the policy's format.
pub const POLICY_FORMAT: i64 = 1;

/// One source of rules: a file, the catalogue, or the flags of a command line.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(super) origin: Origin,
    pub(super) tools: Vec<ToolDeclaration>,
    /// Tools that are there but wrong: a rule that names one is not wrong for that.
    pub(super) broken: BTreeSet<String>,
    pub(super) sections: Vec<Rules>,
    pub(super) search: Option<Vec<PathBuf>>,
    pub(super) confinement: Option<Confinement>,
    pub(super) as_root: Option<AsRoot>,
    pub(super) hooks: Vec<DeclaredHook>,
}

/// What a file says about the host itself.
#[derive(Default)]
struct Host {
    search: Option<Vec<PathBuf>>,
    confinement: Option<Confinement>,
    as_root: Option<AsRoot>,
}

impl Layer {
    /// Reads a policy file.
    ///
    /// # Errors
    /// Every mistake in the text, and every rule that can never match because of another one in
    /// the same file, with line and fix.
    pub fn parse(origin: Origin, text: &str) -> Result<Self, Diagnostics> {
        let (layer, found) = Self::attempt(origin, text);
        match Diagnostics::of(found) {
            Some(found) => Err(found),
            None => Ok(layer),
        }
    }

    /// Tools alone, declared in a file that is no policy.
    pub(crate) fn of_tools(origin: Origin, tools: Vec<ToolDeclaration>) -> Self {
        Self {
            origin,
            tools,
            broken: BTreeSet::new(),
            sections: Vec::new(),
            search: None,
            confinement: None,
            as_root: None,
            hooks: Vec::new(),
        }
    }

    /// Like [`Self::parse`], but hands over what could be read beside the mistakes.
    pub(super) fn attempt(origin: Origin, text: &str) -> (Self, Vec<Diagnostic>) {
        let source = Source::new(origin.to_string(), text);
        let empty = Self {
            origin: origin.clone(),
            tools: Vec::new(),
            broken: BTreeSet::new(),
            sections: Vec::new(),
            search: None,
            confinement: None,
            as_root: None,
            hooks: Vec::new(),
        };
        let (layer, found) = document::attempt(&source, |root| {
            check_format(root);
            let reader = Reader {
                origin: origin.clone(),
                source: Arc::clone(&source),
            };
            let host = reader.host(root);
            let (tools, broken) = reader.tools(root);
            let sections = reader.plugins(root);
            let hooks = hooks::read(root, |span, rule| reader.place(span, rule));
            Some(Self {
                origin,
                tools,
                broken,
                sections,
                search: host.search,
                confinement: host.confinement,
                as_root: host.as_root,
                hooks,
            })
        });
        (layer.unwrap_or(empty), found)
    }

    /// The tools that it declares.
    #[must_use]
    pub fn tools(&self) -> &[ToolDeclaration] {
        &self.tools
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

fn check_format(root: &mut Section<'_>) {
    match root.need_integer("format", "format = 1") {
        Some(format) if format.value != POLICY_FORMAT => {
            let message = format!("format {} is not one that this version reads", format.value);
            let help = format!("write `format = {POLICY_FORMAT}`, or update the host");
            root.problems()
                .report(&format.span, "unknown-format", message, help);
        }
        Some(_) | None => {}
    }
}

struct Reader {
    origin: Origin,
    source: Arc<Source>,
}

impl Reader {
    fn place(&self, span: &std::ops::Range<usize>, rule: String) -> Place {
        Place {
            origin: self.origin.clone(),
            source: Arc::clone(&self.source),
            span: span.clone(),
            rule,
        }
    }

    fn host(&self, root: &mut Section<'_>) -> Host {
        let Some(mut section) = root.section("host") else {
            return Host::default();
        };
        let texts = section.texts("search");
        let confinement = section
            .parsed::<Confinement>("confinement", "bad-confinement")
            .map(|confinement| confinement.value);
        let as_root = section
            .parsed::<AsRoot>("as-root", "bad-as-root")
            .map(|as_root| as_root.value);
        section.finish();
        Host {
            search: texts.map(|texts| self.search(root, texts)),
            confinement,
            as_root,
        }
    }

    fn search(&self, root: &mut Section<'_>, texts: Vec<Spanned<&str>>) -> Vec<PathBuf> {
        let mut directories = Vec::new();
        for text in texts {
            let plain = text
                .value
                .split('/')
                .skip(1)
                .all(|name| !matches!(name, "" | "." | ".."));
            if text.value.starts_with('/') && plain && !text.value.contains('\0') {
                directories.push(PathBuf::from(text.value));
            } else {
                let message = format!("`{}` is not a plain absolute directory", text.value);
                let help = "write an absolute path without `.`, `..` and a final `/`";
                root.problems()
                    .report(&text.span, "bad-search", message, help);
            }
        }
        directories
    }

    /// The tools, and the names of those that are there but wrong.
    fn tools(&self, root: &mut Section<'_>) -> (Vec<ToolDeclaration>, BTreeSet<String>) {
        let mut tools = Vec::new();
        let mut broken = BTreeSet::new();
        for (name, mut section) in root.sections("tools") {
            match read_tool(&name, &mut section) {
                Some(tool) => tools.push(tool),
                None => {
                    broken.insert(name.value.to_owned());
                }
            }
        }
        (tools, broken)
    }

    fn plugins(&self, root: &mut Section<'_>) -> Vec<Rules> {
        let mut all = Vec::new();
        for (name, mut section) in root.sections("plugins") {
            let id = match name.value.parse::<PluginId>() {
                Ok(id) => id,
                Err(error) => {
                    let whole = error.to_string();
                    let (message, help) = whole.split_once("; ").unwrap_or((&whole, "correct it"));
                    section
                        .problems()
                        .report(&name.span, "bad-id", message, help);
                    continue;
                }
            };
            let rules = self.rules(id, &mut section);
            check::redundant(section.problems(), &rules);
            all.push(rules);
        }
        all
    }

    fn rules(&self, id: PluginId, section: &mut Section<'_>) -> Rules {
        let pin = section
            .parsed::<Digest>("component", "bad-digest")
            .map(|digest| Pin {
                place: self.place(&digest.span, format!("component = \"{}\"", digest.value)),
                component: digest.value,
            });
        let file = self.file(section);
        let mut allow = Vec::new();
        self.allow(section, "read", "bad-path", Scope::Read, &mut allow);
        self.allow(section, "write", "bad-path", Scope::Write, &mut allow);
        self.allow(section, "env", "bad-env-name", Scope::Env, &mut allow);
        self.allow(section, "run", "bad-tool-name", Scope::Run, &mut allow);
        self.allow(section, "net", "bad-origin", Scope::Net, &mut allow);
        let mut deny = Vec::new();
        self.deny(
            section,
            "deny-read",
            "bad-pattern",
            DenyScope::Read,
            &mut deny,
        );
        self.deny(
            section,
            "deny-write",
            "bad-pattern",
            DenyScope::Write,
            &mut deny,
        );
        self.deny(
            section,
            "deny-env",
            "bad-env-name",
            DenyScope::Env,
            &mut deny,
        );
        self.deny(
            section,
            "deny-run",
            "bad-tool-name",
            DenyScope::Run,
            &mut deny,
        );
        self.deny(section, "deny-net", "bad-origin", DenyScope::Net, &mut deny);
        let (memory, time) = limits(section);
        let confinement = section
            .parsed::<Confinement>("confinement", "bad-confinement")
            .map(|confinement| confinement.value);
        section.finish();
        Rules {
            subject: Subject::Plugin(id),
            pin,
            file,
            allow,
            deny,
            memory,
            time,
            confinement,
        }
    }

    fn file(&self, section: &mut Section<'_>) -> Option<(String, Origin)> {
        let text = section.text("file")?;
        if text.value.is_empty() || text.value.contains('\0') {
            let message = "`file` does not name a file";
            let help = "write the path of the plugin's .wasm file";
            section
                .problems()
                .report(&text.span, "bad-file", message, help);
            return None;
        }
        Some((text.value.to_owned(), self.origin.clone()))
    }

    fn allow<T>(
        &self,
        section: &mut Section<'_>,
        key: &str,
        code: &'static str,
        scope: fn(T) -> Scope,
        into: &mut Vec<AllowRule>,
    ) where
        T: FromStr<Err: Display> + Display,
    {
        for Spanned { value, span } in section.list::<T>(key, code) {
            let place = self.place(&span, written(key, &value.to_string()));
            into.push(AllowRule {
                scope: scope(value),
                place,
            });
        }
    }

    fn deny<T>(
        &self,
        section: &mut Section<'_>,
        key: &str,
        code: &'static str,
        scope: fn(T) -> DenyScope,
        into: &mut Vec<DenyRule>,
    ) where
        T: FromStr<Err: Display> + Display,
    {
        for Spanned { value, span } in section.list::<T>(key, code) {
            let place = self.place(&span, written(key, &value.to_string()));
            into.push(DenyRule {
                scope: scope(value),
                place,
            });
        }
    }
}

/// A rule with one value, as TOML.
pub(crate) fn written(key: &str, value: &str) -> String {
    format!("{key} = [{}]", toml_edit::Value::from(value))
}

fn limits(section: &mut Section<'_>) -> (Option<ByteSize>, Option<TimeSpan>) {
    let Some(mut limits) = section.section("limits") else {
        return (None, None);
    };
    let problems = limits.problems();
    let memory = limits.parsed::<ByteSize>("memory", "bad-size");
    let time = limits.parsed::<TimeSpan>("time", "bad-time");
    limits.finish();
    if let Some(memory) = memory
        .as_ref()
        .filter(|memory| memory.value.get() == 0 || memory.value > MAX_MEMORY)
    {
        let help = format!("write a size from 1B to {MAX_MEMORY}");
        problems.report(
            &memory.span,
            "bad-limit",
            format!("`memory` is {}", memory.value),
            help,
        );
    }
    if let Some(time) = time
        .as_ref()
        .filter(|time| time.value.get().is_zero() || time.value > MAX_TIME)
    {
        let help = format!("write a time from 1ms to {MAX_TIME}");
        problems.report(
            &time.span,
            "bad-limit",
            format!("`time` is {}", time.value),
            help,
        );
    }
    (
        memory.map(|memory| memory.value),
        time.map(|time| time.value),
    )
}
