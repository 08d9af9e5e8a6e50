//! What the owner says: every policy layer that counts, with where it comes from, and the decision
//! about one plugin.
//!
//! Never: a workspace policy that was not trusted; a file that exists but is silently ignored.

use std::path::{Path, PathBuf};

use remit_core::decide::decide;
use remit_core::denial::Denial;
use remit_core::grant::Grants;
use remit_core::policy::{FlagRules, Origin, Policy};
use remit_core::scope::Scope;

use crate::cli::target::Rules;
use crate::exit::Stop;
use crate::files;
use crate::loading::Loaded;
use crate::places::Places;
use crate::printable::printable;
use crate::prompt::{self, Answers};
use crate::render::{NOTE, WARN};
use crate::trust::{Standing, Trust, WORKSPACE_POLICY};

/// The owner's rules for one workspace.
#[derive(Debug)]
pub(crate) struct Owner {
    workspace: PathBuf,
    files: Vec<(Origin, String)>,
    flags: FlagRules,
    policy: Policy,
    search: Option<Vec<PathBuf>>,
    hidden: Vec<String>,
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

/// What came of asking the policy, and the owner where that is possible.
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
        let policy = read_policy(&files, &flags)?;
        Ok(Self {
            search: policy.search().map(<[_]>::to_vec),
            workspace,
            files,
            flags,
            policy,
            hidden: Vec::new(),
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
                Scope::Net(_) => &mut flags.allow_net,
            };
            values.push(scope.to_string());
        }
        let policy = read_policy(&files, &flags)?;
        Ok(Self {
            workspace: supposed.workspace,
            search: Some(supposed.search),
            hidden: supposed.hidden,
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
            policy: read_policy(&self.files, &flags)?,
            flags,
            workspace: self.workspace.clone(),
            files: self.files.clone(),
            search: self.search.clone(),
            hidden: self.hidden.clone(),
        })
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

    /// Decides about a plugin; where `ask` allows it, asks the owner about what is undecided.
    pub(crate) fn decide(
        &self,
        loaded: &Loaded,
        ask: bool,
        places: &Places,
    ) -> Result<Decided, Stop> {
        let first = self.decide_with(loaded, &[])?;
        let Decided::Denied(denials) = first else {
            return Ok(first);
        };
        let mut answers = Answers::open(places.answers())?;
        let component = loaded.digest.to_string();
        let mut flags = answers.flags(&component);
        let denials = if flags.is_empty() {
            denials
        } else {
            match self.decide_with(loaded, &flags)? {
                granted @ Decided::Granted(_) => return Ok(granted),
                Decided::Denied(denials) => denials,
            }
        };
        if !ask {
            return Ok(Decided::Denied(denials));
        }
        let id = loaded.manifest.id().to_string();
        let yes = prompt::ask(&id, &component, &denials, &mut answers)?;
        if yes.is_empty() {
            return Ok(Decided::Denied(denials));
        }
        flags.extend(yes);
        self.decide_with(loaded, &flags)
    }

    /// Decides by files and flags alone; nobody is asked, and kept answers do not count.
    pub(crate) fn decide_as_written(&self, loaded: &Loaded) -> Result<Decided, Stop> {
        self.decide_with(loaded, &[])
    }

    /// Decides with further flags, as if they had been on the command line.
    fn decide_with(&self, loaded: &Loaded, flags: &[String]) -> Result<Decided, Stop> {
        let decided = if flags.is_empty() {
            decide(&loaded.manifest, &self.policy, &loaded.digest)
        } else {
            let mut all = self.flags.clone();
            answer(&mut all, flags);
            let policy = read_policy(&self.files, &all)?;
            decide(&loaded.manifest, &policy, &loaded.digest)
        };
        Ok(match decided {
            Ok(grants) => Decided::Granted(Box::new(grants)),
            Err(denials) => Decided::Denied(denials.into_iter().collect()),
        })
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

fn read_policy(files: &[(Origin, String)], flags: &FlagRules) -> Result<Policy, Stop> {
    let texts: Vec<(Origin, &str)> = files
        .iter()
        .map(|(origin, text)| (origin.clone(), text.as_str()))
        .collect();
    Ok(Policy::read(&texts, flags)?)
}

/// The workspace's policy, if its owner trusted exactly this content.
fn trusted_workspace_policy(
    places: &Places,
    workspace: &Path,
) -> Result<Option<(String, String)>, Stop> {
    let file = workspace.join(WORKSPACE_POLICY);
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
        allow_read: rules.allow_read.clone(),
        allow_write: rules.allow_write.clone(),
        allow_env: rules.allow_env.clone(),
        allow_run: rules.allow_run.clone(),
        allow_net: rules.allow_net.clone(),
        deny_read: rules.deny_read.clone(),
        deny_write: rules.deny_write.clone(),
        deny_env: rules.deny_env.clone(),
        deny_run: rules.deny_run.clone(),
        deny_net: rules.deny_net.clone(),
    }
}

/// Adds flags such as `--allow-run=git:status`, as the fixes of denials write them.
fn answer(rules: &mut FlagRules, flags: &[String]) {
    for flag in flags {
        let Some((name, value)) = flag.split_once('=') else {
            continue;
        };
        let values = match name {
            "--allow-read" => &mut rules.allow_read,
            "--allow-write" => &mut rules.allow_write,
            "--allow-env" => &mut rules.allow_env,
            "--allow-run" => &mut rules.allow_run,
            "--allow-net" => &mut rules.allow_net,
            // An answers file that someone edited: what is not an allow flag allows nothing.
            _ => continue,
        };
        values.push(value.to_owned());
    }
}
