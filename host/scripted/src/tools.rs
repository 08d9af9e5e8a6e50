//! The seam to real tools, played from a scenario.
//!
//! Never: a program that is looked for, let alone started.

use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cap_std::fs::Dir;
use remit_core::digest::Digest;
use remit_core::grant::Grants;
use remit_core::scenario::{ExpectedCall, FileExpected, Scenario};
use remit_core::tool::{FileIdentity, Launch, MAX_STDIN_BYTES, ProgramIdentity, StartError, Stdin};
use remit_engine::cancel::Cancel;
use remit_engine::seam::{Started, Tools};

use crate::check::read_file;
use crate::input::Input;
use crate::material::Material;
use crate::playing::Playing;
use crate::script::{Answer, Report, Script, excerpt};

/// Where tools play.
#[derive(Debug)]
pub struct Stage {
    /// The workspace of the test.
    pub workspace: Dir,
    /// The private directory of the attempt, if it has one.
    pub scratch: Option<Dir>,
    /// The bytes that the scenario names.
    pub material: Material,
    /// How the run is asked to end.
    pub cancel: Cancel,
    complaints: Mutex<Vec<String>>,
}

impl Stage {
    /// A stage on which nothing has happened yet.
    #[must_use]
    pub fn new(workspace: Dir, scratch: Option<Dir>, material: Material, cancel: Cancel) -> Self {
        Self {
            workspace,
            scratch,
            material,
            cancel,
            complaints: Mutex::default(),
        }
    }

    /// Notes what a scenario asks for and no real tool could do.
    pub(crate) fn complain(&self, complaint: String) {
        lock(&self.complaints).push(complaint);
    }
}

/// Tools that play a scenario.
pub struct ScriptedTools {
    stage: Arc<Stage>,
    script: Mutex<Script>,
}

impl std::fmt::Debug for ScriptedTools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedTools").finish_non_exhaustive()
    }
}

impl ScriptedTools {
    /// The tools of a scenario, for a plugin with these grants.
    #[must_use]
    pub fn new(scenario: &Scenario, grants: Grants, stage: Stage) -> Self {
        Self {
            stage: Arc::new(stage),
            script: Mutex::new(Script::new(scenario, grants, None)),
        }
    }

    /// The same, but every call that the scenario does not expect plays `otherwise`: for trials of a
    /// plugin about which nothing is known yet.
    #[must_use]
    pub fn agreeable(
        scenario: &Scenario,
        grants: Grants,
        stage: Stage,
        otherwise: &ExpectedCall,
    ) -> Self {
        Self {
            stage: Arc::new(stage),
            script: Mutex::new(Script::new(scenario, grants, Some(otherwise))),
        }
    }

    /// How what happened so far compares with what was expected. To be asked when the run is over.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = lock(&self.script).report(&self.stage.material);
        report
            .complaints
            .extend(lock(&self.stage.complaints).clone());
        report
    }

    /// Whether the plugin has put there what the tool is expected to find.
    fn look_into_scratch(&self, call: &ExpectedCall, name: &str) {
        for (path, expected) in &call.scratch {
            let found = match &self.stage.scratch {
                Some(directory) => read_file(directory, path),
                None => Err("there is no scratch directory".to_owned()),
            };
            let wrong = match (expected, found) {
                (FileExpected::Absent, Err(_)) => continue,
                (FileExpected::Absent, Ok(_)) => "it is there".to_owned(),
                (_, Err(error)) => error,
                (FileExpected::Is(content), Ok(bytes)) => {
                    if self
                        .stage
                        .material
                        .bytes(content)
                        .is_some_and(|wanted| wanted == bytes)
                    {
                        continue;
                    }
                    format!("it is {:?}", excerpt(&String::from_utf8_lossy(&bytes)))
                }
                (FileExpected::Contains(parts), Ok(bytes)) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let Some(part) = parts.iter().find(|part| !text.contains(part.as_str())) else {
                        continue;
                    };
                    format!("{part:?} is not in {:?}", excerpt(&text))
                }
            };
            self.stage.complain(format!(
                "{name}: the file `{path}` of the scratch directory is not as line {} expects: {wrong}",
                call.line
            ));
        }
    }

    /// What the tool reads, and the bytes if they are all there already.
    fn input(&self, launch: &Launch) -> Result<(Input, Option<Vec<u8>>), StartError> {
        let bytes = match launch.stdin() {
            Stdin::Piped => return Ok((Input::default(), None)),
            Stdin::Empty => Vec::new(),
            Stdin::Bytes(bytes) => bytes.clone(),
            Stdin::File(path) => {
                let failed = |error: std::io::Error| StartError::Refused {
                    tool: launch.tool().clone(),
                    step: format!("open `{path}` for standard input"),
                    errno: error.raw_os_error().unwrap_or(0),
                    message: error.to_string(),
                };
                let file = self.stage.workspace.open(path.as_str()).map_err(failed)?;
                let mut bytes = Vec::new();
                file.take(MAX_STDIN_BYTES as u64)
                    .read_to_end(&mut bytes)
                    .map_err(failed)?;
                bytes
            }
        };
        Ok((Input::whole(bytes.clone()), Some(bytes)))
    }
}

#[async_trait]
impl Tools for ScriptedTools {
    async fn check(&self, launch: &Launch) -> Result<(), StartError> {
        lock(&self.script).check(launch)
    }

    async fn start(&self, launch: &Launch) -> Result<Started, StartError> {
        let (input, bytes) = self.input(launch)?;
        let mut script = lock(&self.script);
        let (call, name) = match script.answer(launch, bytes.as_deref()) {
            Answer::Play(call, name) => (call, name),
            Answer::Refuse(error) => return Err(error),
        };
        script.began(name.clone(), call.as_ref().clone(), input.clone());
        drop(script);
        self.look_into_scratch(&call, &name);
        let stage = Arc::clone(&self.stage);
        Ok(Started {
            tool: Box::new(Playing::new(stage, launch, &call, name, input)),
            program: program(launch),
        })
    }
}

/// What stands in the record for a program that is none.
fn program(launch: &Launch) -> ProgramIdentity {
    let path = format!("/scenario/{}", launch.tool());
    ProgramIdentity {
        executable: FileIdentity {
            digest: Some(Digest::of(path.as_bytes())),
            path,
            device: 0,
            inode: 0,
        },
        script: None,
    }
}

/// A poisoned lock only means that another thread panicked while it held plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
