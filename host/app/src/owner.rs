//! What the owner says: every policy layer that counts, with where it comes from, and the decision
//! that follows.
//!
//! Never: a workspace policy that was not trusted; a file that exists but is silently ignored.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use remit_core::approval::{Allowed, Approval};
use remit_core::decide::decide;
use remit_core::denial::{Denial, shell_quoted};
use remit_core::digest::Digest;
use remit_core::grant::Grants;
use remit_core::manifest::Manifest;
use remit_core::policy::{FlagRules, Origin, PathPattern, Policy};
use remit_core::scope::Scope;

use crate::cli::target::Rules;
use crate::exit::Stop;
use crate::files;
use crate::loading::Loaded;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{NOTE, WARN};
use crate::trust::{Standing, Trust, WORKSPACE_POLICY};

/// The owner's rules for one workspace.
#[derive(Debug)]
pub(crate) struct Owner {
    /// As it was said, for commands that are shown.
    directory: PathBuf,
    policy_file: Option<PathBuf>,
    workspace: PathBuf,
    files: Vec<(Origin, String)>,
    flags: FlagRules,
    policy: Policy,
    search: Option<Vec<PathBuf>>,
    hidden: Vec<String>,
    /// What the host keeps from plugins, whoever else allows it.
    protected: Vec<PathPattern>,
}

/// What is different in a rehearsal from what the owner says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supposed {
    /// The workspace: a private copy.
    pub(crate) workspace: PathBuf,
    /// A file with another text than it has, or one that is not there.
    pub(crate) file: Option<(Origin, String)>,
    /// What is allowed besides.
    pub(crate) allow: Vec<Scope>,
    /// Where programs are looked up: what was fit for the real workspace.
    pub(crate) search: Vec<PathBuf>,
    /// Variables that keep their value from the plugin, whatever is allowed.
    pub(crate) hidden: Vec<String>,
}

/// What came of asking the policy.
#[derive(Debug)]
pub(crate) enum Decided {
    /// The run may begin.
    Granted(Box<Grants>),
    /// It may not; every denial.
    Denied(Vec<Denial>),
}

impl Owner {
    /// Reads every layer that counts for this workspace and these flags.
    ///
    /// # Errors
    /// Every mistake in every layer, at once.
    pub(crate) fn read(places: &Places, directory: &Path, rules: &Rules) -> Result<Self, Stop> {
        let workspace = files::real_dir(directory)?;
        let mut files = Vec::new();
        if let Some(text) = files::read_text_if_there(&places.policy())? {
            let name = places.policy().display().to_string();
            files.push((Origin::User(name), text));
        }
        if let Some((name, text)) = trusted_workspace_policy(places, &workspace)? {
            files.push((Origin::Workspace(name), text));
        }
        if let Some(path) = &rules.policy {
            files.push((
                Origin::File(path.display().to_string()),
                files::read_text(path)?,
            ));
        }
        let mut flags = flag_rules(rules);
        keep_out_of_own_files(&mut flags, places, rules.policy.as_deref(), &workspace)?;
        let policy = read_policy(&files, &flags, None)?;
        Ok(Self {
            directory: directory.to_owned(),
            policy_file: rules.policy.clone(),
            search: policy.search().map(<[_]>::to_vec),
            workspace,
            files,
            flags,
            policy,
            hidden: Vec::new(),
            protected: Vec::new(),
        })
    }

    /// The same owner in a rehearsal.
    ///
    /// # Errors
    /// The supposed text has mistakes, or does not fit the other layers.
    pub(crate) fn supposing(&self, supposed: Supposed) -> Result<Self, Stop> {
        let mut files = self.files.clone();
        if let Some((origin, text)) = supposed.file {
            match files.iter_mut().find(|(known, _)| *known == origin) {
                Some((_, old)) => *old = text,
                None => files.push((origin, text)),
            }
        }
        let mut flags = self.flags.clone();
        for scope in supposed.allow {
            let values = match scope {
                Scope::Read(_) => &mut flags.allow_read,
                Scope::Write(_) => &mut flags.allow_write,
                Scope::Env(_) => &mut flags.allow_env,
                Scope::Run(_) | Scope::RunAny => &mut flags.allow_run,
                Scope::Net(_) | Scope::NetAny => &mut flags.allow_net,
            };
            values.push(scope.to_string());
        }
        let policy = read_policy(&files, &flags, None)?;
        Ok(Self {
            directory: self.directory.clone(),
            policy_file: self.policy_file.clone(),
            workspace: supposed.workspace,
            search: Some(supposed.search),
            hidden: supposed.hidden,
            protected: self.protected.clone(),
            files,
            flags,
            policy,
        })
    }

    /// The same owner without the `--allow-…` flags.
    ///
    /// # Errors
    /// None that reading did not have.
    pub(crate) fn without_allow_flags(&self) -> Result<Self, Stop> {
        let flags = FlagRules {
            allow_read: Vec::new(),
            allow_write: Vec::new(),
            allow_env: Vec::new(),
            allow_run: Vec::new(),
            allow_net: Vec::new(),
            ..self.flags.clone()
        };
        Ok(Self {
            policy: read_policy(&self.files, &flags, None)?,
            directory: self.directory.clone(),
            policy_file: self.policy_file.clone(),
            flags,
            workspace: self.workspace.clone(),
            files: self.files.clone(),
            search: self.search.clone(),
            hidden: self.hidden.clone(),
            protected: self.protected.clone(),
        })
    }

    /// The same owner, with what the host itself keeps from plugins and their tools.
    pub(crate) fn protecting(self, protected: Vec<PathPattern>) -> Self {
        Self { protected, ..self }
    }

    /// The directories in which bare program names are looked up, if they are listed.
    pub(crate) fn search(&self) -> Option<&[PathBuf]> {
        self.search.as_deref()
    }

    /// Whether a variable keeps its value from the plugin.
    pub(crate) fn hides(&self, name: &str) -> bool {
        self.hidden.iter().any(|hidden| hidden == name)
    }

    /// The workspace's real path.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// All layers together.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What the flags of the command line allow.
    ///
    /// # Errors
    /// A value that does not parse.
    pub(crate) fn flags_allow(&self) -> Result<Allowed, Stop> {
        Ok(self.flags.allowed()?)
    }

    /// Decides about a component with this manifest: with an approval that stands, and with
    /// further rules as if they had been on the command line.
    pub(crate) fn decide(
        &self,
        manifest: &Manifest,
        component: &Digest,
        approval: Option<&Approval>,
        further: &FlagRules,
    ) -> Result<Decided, Stop> {
        let policy = if approval.is_none() && *further == FlagRules::default() {
            Cow::Borrowed(&self.policy)
        } else {
            let flags = with(&self.flags, further);
            Cow::Owned(read_policy(&self.files, &flags, approval)?)
        };
        let decided = if self.protected.is_empty() {
            decide(manifest, &policy, component)
        } else {
            let policy = policy
                .into_owned()
                .protecting(manifest.id(), &self.protected);
            decide(manifest, &policy, component)
        };
        Ok(match decided {
            Ok(grants) => Decided::Granted(Box::new(grants)),
            Err(denials) => Decided::Denied(denials.into_iter().collect()),
        })
    }

    /// Decides by files and flags alone; nobody is asked, and approvals do not count.
    pub(crate) fn decide_as_written(&self, loaded: &Loaded) -> Result<Decided, Stop> {
        self.decide(
            &loaded.manifest,
            &loaded.digest,
            None,
            &FlagRules::default(),
        )
    }

    /// A command of this program about the same workspace and policy, ready to be pasted.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        let mut text = "remit".to_owned();
        for word in words {
            text.push(' ');
            text.push_str(&shell_quoted(word));
        }
        let mut option = |name: &str, path: &Path| {
            text.push_str(&format!(
                " {name} {}",
                shell_quoted(&path.display().to_string())
            ));
        };
        if self.directory != Path::new(".") {
            option("-C", &self.directory);
        }
        if let Some(path) = &self.policy_file {
            option("--policy", path);
        }
        text
    }
}

/// Whoever works on a home directory must not reach this program's own files in it: a plugin that
/// writes the policy would grant itself what it likes next time.
fn keep_out_of_own_files(
    flags: &mut FlagRules,
    places: &Places,
    policy: Option<&Path>,
    workspace: &Path,
) -> Result<(), Stop> {
    for place in places.all() {
        let place = files::real_or_planned(place);
        if workspace.starts_with(&place) {
            return Err(Stop::usage(
                format!("{} belongs to remit itself", workspace.display()),
                "name another workspace with -C",
            ));
        }
        if let Some(pattern) = below(workspace, &place) {
            flags.deny_read.push(format!("{pattern}/**"));
            flags.deny_write.push(format!("{pattern}/**"));
        }
    }
    if let Some(policy) = policy
        && let Some(pattern) = below(workspace, &files::real_or_planned(policy))
    {
        flags.deny_write.push(pattern);
    }
    Ok(())
}

/// A pattern for exactly this path, if it lies in the workspace and can be written down.
fn below(workspace: &Path, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(workspace).ok()?.to_str()?;
    let mut pattern = String::with_capacity(relative.len());
    for character in relative.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    Some(pattern)
}

fn read_policy(
    files: &[(Origin, String)],
    flags: &FlagRules,
    approval: Option<&Approval>,
) -> Result<Policy, Stop> {
    let texts: Vec<(Origin, &str)> = files
        .iter()
        .map(|(origin, text)| (origin.clone(), text.as_str()))
        .collect();
    Ok(Policy::read_approved(&texts, flags, approval)?)
}

/// The workspace's policy, if its owner trusted exactly this content.
fn trusted_workspace_policy(
    places: &Places,
    workspace: &Path,
) -> Result<Option<(String, String)>, Stop> {
    let file = workspace.join(WORKSPACE_POLICY);
    // A tool of another run works here, and the place of a policy is held for so long.
    if files::is_placeholder(&file, WORKSPACE_POLICY) {
        return Ok(None);
    }
    let Some(text) = files::read_text_if_there(&file)? else {
        return Ok(None);
    };
    let why = match Trust::open(places.trust())?.standing(&file, &text) {
        Standing::Trusted => return Ok(Some((file.display().to_string(), text))),
        Standing::Unknown => "nobody trusted it",
        Standing::Changed => "it changed since it was trusted",
    };
    let shown = workspace.display().to_string();
    anstream::eprintln!(
        "{WARN}note:{WARN:#} {WORKSPACE_POLICY} in this workspace is not used: {why}\n  \
         {NOTE}fix:{NOTE:#} read it, then: remit trust {}",
        printable(&shown)
    );
    Ok(None)
}

fn flag_rules(rules: &Rules) -> FlagRules {
    FlagRules {
        allow_read: rules.allow.allow_read.clone(),
        allow_write: rules.allow.allow_write.clone(),
        allow_env: rules.allow.allow_env.clone(),
        allow_run: rules.allow.allow_run.clone(),
        allow_net: rules.allow.allow_net.clone(),
        deny_read: rules.deny_read.clone(),
        deny_write: rules.deny_write.clone(),
        deny_env: rules.deny_env.clone(),
        deny_run: rules.deny_run.clone(),
        deny_net: rules.deny_net.clone(),
    }
}

/// The rules of a command line, and further ones.
fn with(rules: &FlagRules, further: &FlagRules) -> FlagRules {
    let both = |one: &[String], other: &[String]| [one, other].concat();
    FlagRules {
        allow_read: both(&rules.allow_read, &further.allow_read),
        allow_write: both(&rules.allow_write, &further.allow_write),
        allow_env: both(&rules.allow_env, &further.allow_env),
        allow_run: both(&rules.allow_run, &further.allow_run),
        allow_net: both(&rules.allow_net, &further.allow_net),
        deny_read: both(&rules.deny_read, &further.deny_read),
        deny_write: both(&rules.deny_write, &further.deny_write),
        deny_env: both(&rules.deny_env, &further.deny_env),
        deny_run: both(&rules.deny_run, &further.deny_run),
        deny_net: both(&rules.deny_net, &further.deny_net),
    }
}
