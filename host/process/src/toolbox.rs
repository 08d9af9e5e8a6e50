//! The tools of one run, as the engine sees them: a decided launch becomes a started tool.
//!
//! Never: a check that was made for another start. Program and directory are looked at for each.

#![expect(
    clippy::disallowed_methods,
    reason = "the real paths of the workspace are made once, to compare program paths with"
)]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use remit_core::manifest::Confinement;
use remit_core::path::RelPath;
use remit_core::policy::AsRoot;
use remit_core::tool::{Directory, Launch, Program, StartError, Stdin, ToolId};
use remit_engine::seam::{Relay, RunningTool as _, Started, ToolEvent, Tools};
use remit_supervisor::protocol::Without;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::attempt_directory::{self, AttemptDirectory, MAX_SCRATCH_BYTES, MAX_SCRATCH_FILES};
use crate::broker::Broker;
use crate::confine::Confiner;
use crate::directory::{WorkingDirectory, open_file};
use crate::environment::{HostEnvironment, environment};
use crate::image;
use crate::invocation::{Held, Hold, Input, Invocation, refused, refused_io};
use crate::pin::Pinned;
use crate::pinned_file::Change;
use crate::resolve::{ResolveError, resolve};
use crate::search::SearchPath;
use crate::secrets;

/// Bytes that are taken at once of a tool whose output nobody will see.
const DISCARD: usize = 64 * 1024;

/// What a tool box needs to know about its surroundings.
#[derive(Clone)]
pub struct Settings {
    /// The workspace.
    pub workspace: PathBuf,
    /// Where private directories may be made, for example `/tmp`.
    pub scratch: PathBuf,
    /// The host's environment, from which single values are passed on and `PATH` is searched.
    pub environment: HostEnvironment,
    /// The only directories in which bare names are looked up, if the owner lists them.
    pub search: Option<Vec<PathBuf>>,
    /// As whom tools run if the host is root.
    pub as_root: AsRoot,
    /// Kernel features to do without, as if this machine had none. For tests.
    pub without: Without,
    /// Serves the origins that tools reach; without it such a tool does not start.
    pub relay: Option<Arc<dyn Relay>>,
}

impl std::fmt::Debug for Settings {
    /// Shows names and sizes; no variable.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("workspace", &self.workspace)
            .field("scratch", &self.scratch)
            .field("environment", &self.environment)
            .field("search", &self.search)
            .field("as_root", &self.as_root)
            .field("without", &self.without)
            .field("relay", &self.relay.is_some())
            .finish()
    }
}

/// Starts the tools of one run. Programs are pinned when they are first used, or by
/// [`ToolBox::pin`], and must stay what they were.
pub struct ToolBox {
    inner: Arc<Inner>,
}

/// Shared with the blocking threads that look at the file system.
struct Inner {
    broker: Broker,
    workspace: OwnedFd,
    real_workspace: PathBuf,
    search: SearchPath,
    environment: HostEnvironment,
    confiner: Confiner,
    pins: Mutex<HashMap<Program, Arc<Pinned>>>,
    barred: Mutex<HashMap<Program, String>>,
}

impl ToolBox {
    /// A tool box for one workspace. Looks at the file system; call it where that may block, but
    /// inside a runtime.
    ///
    /// # Errors
    /// The workspace is no directory, or `scratch` cannot be written.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let real_workspace = settings.workspace.canonicalize()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let workspace = openat(CWD, &real_workspace, flags, Mode::empty())?;
        let search = match &settings.search {
            Some(listed) => SearchPath::listed(listed, &real_workspace),
            None => SearchPath::new(settings.environment.get("PATH"), &real_workspace),
        };
        let mut broker = Broker::new(&settings.scratch)?;
        if let Some(relay) = settings.relay {
            broker = broker.with_relay(relay);
        }
        let confiner = Confiner::new(
            &real_workspace,
            settings.environment.get("HOME").map(PathBuf::from),
            broker.private(),
            settings.as_root,
            settings.without,
        )?;
        Ok(Self {
            inner: Arc::new(Inner {
                broker,
                workspace,
                real_workspace,
                search,
                environment: settings.environment,
                confiner,
                pins: Mutex::default(),
                barred: Mutex::default(),
            }),
        })
    }

    /// Finds and pins a program now. `writable` are the workspace directories that the plugin may
    /// write.
    ///
    /// # Errors
    /// It is missing, changed since it was pinned, or can be written by the plugin.
    pub async fn pin(
        &self,
        tool: &ToolId,
        program: &Program,
        writable: &[RelPath],
    ) -> Result<Arc<Pinned>, StartError> {
        let (inner, tool) = (Arc::clone(&self.inner), tool.clone());
        let (program, writable) = (program.clone(), writable.to_vec());
        blocking(&tool.clone(), move || inner.pin(&tool, &program, &writable)).await
    }

    /// A scratch directory for one attempt, in which its tools work beside the workspace.
    #[must_use]
    pub fn scratch(&self) -> AttemptDirectory {
        let owner = self.inner.confiner.owner();
        self.inner.broker.attempt_directory(owner)
    }

    /// Lets nothing start under this name from now on, whatever appears there; says why.
    pub fn bar(&self, program: &Program, reason: impl Into<String>) {
        let barred = self.inner.barred.lock();
        let mut barred = barred.unwrap_or_else(PoisonError::into_inner);
        barred.insert(program.clone(), reason.into());
    }

    /// Notes the level at which this machine was found to confine tools. From then on a tool that
    /// would get less does not run.
    pub fn rely_on(&self, found: Confinement) {
        self.inner.confiner.rely_on(found);
    }

    /// Where bare program names are looked up.
    #[must_use]
    pub fn search(&self) -> &SearchPath {
        &self.inner.search
    }

    /// Ends every tool of the run, and waits until nothing of any is left. Nothing starts
    /// afterwards.
    pub async fn close(&self) {
        self.inner.broker.close().await;
    }
}

#[async_trait]
impl Tools for ToolBox {
    async fn check(&self, launch: &Launch) -> Result<(), StartError> {
        let pinned = self.pin(launch.tool(), launch.program(), launch.writable());
        pinned.await.map(drop)
    }

    async fn start(&self, launch: &Launch) -> Result<Started, StartError> {
        let inner = Arc::clone(&self.inner);
        let prepared = launch.clone();
        let tool = launch.tool();
        let (pinned, invocation) = blocking(tool, move || inner.prepare(&prepared)).await?;
        // The first use of a program reads all of it, which can take longer than its start.
        let named = tool.clone();
        let identify = move || pinned.identity().map_err(|change| changed(&named, change));
        let (running, program) = tokio::join!(
            self.inner.broker.spawn(invocation),
            blocking(tool, identify)
        );
        let mut running = running?;
        match program {
            Ok(program) => Ok(Started {
                tool: Box::new(running),
                program,
            }),
            Err(error) => {
                running.kill(Duration::ZERO);
                while !matches!(running.next_event(DISCARD).await, ToolEvent::Exited(_)) {}
                Err(error)
            }
        }
    }
}

/// A pinned file is not what it was.
fn changed(tool: &ToolId, change: Change) -> StartError {
    StartError::Changed {
        tool: tool.clone(),
        path: change.path,
        change: change.what,
    }
}

impl Inner {
    /// Opens and checks everything that a launch names.
    fn prepare(&self, launch: &Launch) -> Result<(Arc<Pinned>, Invocation), StartError> {
        let tool = launch.tool();
        let pinned = self.pin(tool, launch.program(), launch.writable())?;
        let directory = self.directory(tool, launch.directory())?;
        let input = self.input(launch)?;
        check_scratch(launch)?;
        let scratch = if self.confiner.has_own_root() {
            self.broker.memory_directory()
        } else {
            self.broker.run_directory()
        }
        .map_err(|error| refused_io(tool, "private-directory", &error))?;
        let (variables, secrets) = secrets::read(tool, launch.secrets(), &self.environment)?;
        let confined = self
            .confiner
            .confine(launch, &pinned, self.workspace.as_fd(), &scratch)?;
        let mut arguments = pinned.argument_prefix();
        arguments.extend(launch.arguments().iter().map(OsString::from));
        let mut environment = environment(
            &scratch,
            &self.environment,
            launch.pass_env(),
            launch.set_env(),
        );
        environment.extend(variables);
        let invocation = Invocation {
            tool: tool.clone(),
            program: pinned.executable().to_owned(),
            arguments,
            environment,
            directory,
            input,
            limits: launch.limits().clone(),
            scratch: Some(scratch),
            origins: launch.bounds().origins().to_vec(),
            hold: Hold::Strongest,
            directory_path: match launch.directory() {
                Directory::Workspace(path) if path.is_root() => self.real_workspace.clone(),
                Directory::Workspace(path) => self.real_workspace.join(path.as_str()),
                Directory::Fixed(path) => path.canonicalize().unwrap_or_else(|_| path.clone()),
            },
            bounds: Some(confined.bounds),
            secrets,
            held: Held::new(confined.placeholders),
        };
        Ok((pinned, invocation))
    }

    /// The pinned program, pinned now if it is the first time, and still what it was.
    fn pin(
        &self,
        tool: &ToolId,
        program: &Program,
        writable: &[RelPath],
    ) -> Result<Arc<Pinned>, StartError> {
        let barred = self.barred.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = barred.get(program) {
            return Err(StartError::Missing {
                tool: tool.clone(),
                reason: reason.clone(),
            });
        }
        drop(barred);
        let roots = self.real_roots(writable);
        let known = self.pins().get(program).cloned();
        let pinned = match known {
            Some(pinned) => pinned,
            None => {
                let found =
                    resolve(program, &self.search, &roots).map_err(|error| match error {
                        ResolveError::Missing(reason) => StartError::Missing {
                            tool: tool.clone(),
                            reason,
                        },
                        ResolveError::Writable(path) => StartError::Writable {
                            tool: tool.clone(),
                            path,
                        },
                    })?;
                // Two first uses at once: the first pin stands for both.
                let mut pins = self.pins();
                Arc::clone(
                    pins.entry(program.clone())
                        .or_insert_with(|| Arc::new(found)),
                )
            }
        };
        if let Some(path) = pinned.lies_below(&roots) {
            return Err(StartError::Writable {
                tool: tool.clone(),
                path: path.to_owned(),
            });
        }
        match pinned.recheck() {
            Ok(()) => Ok(pinned),
            Err(change) => Err(changed(tool, change)),
        }
    }

    fn pins(&self) -> std::sync::MutexGuard<'_, HashMap<Program, Arc<Pinned>>> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directories that the plugin may write, as written and as they really are: a link among
    /// them makes both writable.
    fn real_roots(&self, writable: &[RelPath]) -> Vec<PathBuf> {
        let mut roots = Vec::new();
        for path in writable {
            let written = self.real_workspace.join(path.as_str());
            if path.is_root() {
                roots.push(self.real_workspace.clone());
                continue;
            }
            roots.extend(written.canonicalize());
            roots.push(written);
        }
        roots
    }

    fn directory(
        &self,
        tool: &ToolId,
        directory: &Directory,
    ) -> Result<WorkingDirectory, StartError> {
        let failed = |path: &str, errno: Errno| StartError::Directory {
            tool: tool.clone(),
            path: path.to_owned(),
            reason: reason(errno),
        };
        match directory {
            Directory::Workspace(path) => WorkingDirectory::beneath(self.workspace.as_fd(), path)
                .map_err(|errno| failed(path.as_str(), errno)),
            Directory::Fixed(path) => WorkingDirectory::fixed(path)
                .map_err(|errno| failed(&path.display().to_string(), errno)),
        }
    }

    fn input(&self, launch: &Launch) -> Result<Input, StartError> {
        let tool = launch.tool();
        let failed = |error: io::Error| refused_io(tool, "stdin", &error);
        Ok(match launch.stdin() {
            Stdin::Empty => Input::Open(File::open(Path::new("/dev/null")).map_err(failed)?.into()),
            Stdin::Bytes(bytes) => Input::Open(image::readable(bytes).map_err(failed)?),
            Stdin::File(path) => Input::Open(
                open_file(self.workspace.as_fd(), path)
                    .map_err(|errno| refused(tool, "stdin", errno.raw_os_error()))?,
            ),
            Stdin::Piped => Input::Piped,
        })
    }
}

/// Looks whether the attempt's scratch directory is there, if the tool needs it, and within its
/// limits.
fn check_scratch(launch: &Launch) -> Result<(), StartError> {
    if launch.needs_scratch() {
        let what = "an argument or a variable names a file of it, and the attempt has none";
        return Err(StartError::Refused {
            tool: launch.tool().clone(),
            step: "scratch".to_owned(),
            errno: Errno::NOENT.raw_os_error(),
            message: what.to_owned(),
        });
    }
    let over = launch.scratch().and_then(|path| {
        attempt_directory::over_limit(Path::new(path), MAX_SCRATCH_BYTES, MAX_SCRATCH_FILES)
    });
    match over {
        Some(what) => Err(StartError::Limit {
            tool: launch.tool().clone(),
            what,
        }),
        None => Ok(()),
    }
}

/// Why a directory was not opened, in the words of what was asked for.
fn reason(errno: Errno) -> String {
    match errno {
        Errno::XDEV => "it leads out of the workspace".to_owned(),
        Errno::LOOP => "it is reached through a symbolic link; name the real directory".to_owned(),
        Errno::NOTDIR => "it is not a directory".to_owned(),
        Errno::NOENT => "it does not exist; create it first".to_owned(),
        other => io::Error::from(other).to_string(),
    }
}

/// Runs what looks at the file system where that may block.
async fn blocking<T: Send + 'static>(
    tool: &ToolId,
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The runtime is shutting down.
        Err(_) => Err(StartError::RunEnded { tool: tool.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_the_settings_shows_no_variable() {
        let settings = Settings {
            workspace: "/workspace".into(),
            scratch: "/tmp".into(),
            environment: HostEnvironment::new([("NAME-canary".into(), "value-canary".into())]),
            search: None,
            as_root: AsRoot::default(),
            without: Without::default(),
            relay: None,
        };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("1 variables"), "{shown}");
    }
}
