//! Builds a project with its author's own toolchain.
//!
//! What a toolchain says goes to standard error as it is; each command is named before it runs.
//! Never: a step that is not named, a result from an earlier build.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use remit_core::manifest::Manifest;

use crate::error::AuthoringError;
use crate::generated;
use crate::language::{Language, Role};
use crate::place;
use crate::source::{self, Project, Source};
use crate::toolchain::{self, RUST_TARGET, Tool};

/// Where results of a build lie, relative to the project.
const RESULTS: &str = ".remit/build";

/// The stack of a plugin in C: zig takes 16 MiB if nobody says, more than the host's own for all
/// of a plugin's calls, and than a plugin gets as memory.
const C_STACK: &str = "-Wl,-z,stack-size=1048576";

/// Told of each command before it runs.
pub type Say<'a> = dyn FnMut(&str) + 'a;

/// What a build made.
#[derive(Debug)]
pub struct Built {
    /// The manifest, checked.
    pub manifest: Manifest,
    /// Its text.
    pub manifest_text: String,
    /// The language.
    pub language: Language,
    /// What the toolchain left.
    pub core: Core,
}

/// What a toolchain left.
#[derive(Debug)]
pub enum Core {
    /// A component.
    Component(Vec<u8>),
    /// A core module that says which world it is for: it has to become a component.
    Module(Vec<u8>),
}

/// Builds the project in a directory; installs the toolchain into it before, if that is asked for.
///
/// # Errors
/// The directory holds no project, its manifest has mistakes, the toolchain is not there or failed.
pub fn build(directory: &Path, install: bool, say: &mut Say<'_>) -> Result<Built, AuthoringError> {
    let project = source::project(directory)?;
    let language = project.source.language();
    for (path, content) in generated::files(project.source, &project.manifest) {
        place::write(&project.directory, &path, &content)?;
    }
    if install && toolchain::find(&project.directory, language).is_err() {
        toolchain::install_for(&project.directory, language, say)?;
    }
    let tool = toolchain::find(&project.directory, language)?;
    let core = match project.source {
        Source::Cargo => Core::Component(cargo(&project, &tool, say)?),
        Source::File(Language::C, role) => Core::Module(c(&project, role, &tool, say)?),
        Source::File(Language::Python, role) => {
            Core::Component(python(&project, role, &tool, say)?)
        }
        Source::File(Language::JavaScript | Language::Rust, role) => {
            Core::Component(javascript(&project, role, &tool, say)?)
        }
    };
    Ok(Built {
        manifest: project.manifest,
        manifest_text: project.manifest_text,
        language,
        core,
    })
}

/// Where a step leaves its result; what lay there is gone.
fn result(project: &Project, name: &str) -> Result<PathBuf, AuthoringError> {
    let folder = project.directory.join(RESULTS);
    fs::create_dir_all(&folder).map_err(|error| AuthoringError::write(&folder, error))?;
    let path = folder.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(AuthoringError::write(&path, error))
        }
        Ok(()) | Err(_) => Ok(path),
    }
}

fn taken(path: &Path, tool: &Tool) -> Result<Vec<u8>, AuthoringError> {
    fs::read(path).map_err(|_| AuthoringError::NoResult {
        program: tool.program.display().to_string(),
        what: path.display().to_string(),
        fix: "read what it says above",
    })
}

fn start(tool: &Tool) -> Command {
    let mut command = Command::new(&tool.program);
    command.args(&tool.arguments);
    command
}

fn cargo(project: &Project, tool: &Tool, say: &mut Say<'_>) -> Result<Vec<u8>, AuthoringError> {
    let mut command = start(tool);
    command
        .args(["build", "--release", "--target", RUST_TARGET])
        .args(["--message-format", "json-render-diagnostics"]);
    let printed = output(&mut command, &project.directory, say)?;
    let path = component_of(&printed).ok_or_else(|| AuthoringError::NoResult {
        program: "cargo".into(),
        what: "component".into(),
        fix: "the package needs `crate-type = [\"cdylib\"]` in its [lib]",
    })?;
    taken(&path, tool)
}

/// The component among the files that cargo says it made: the last one, as a package comes after
/// what it depends on.
fn component_of(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let names = message["filenames"].as_array()?;
            names
                .iter()
                .filter_map(serde_json::Value::as_str)
                .find(|name| name.ends_with(".wasm"))
                .map(PathBuf::from)
        })
        .last()
}

fn javascript(
    project: &Project,
    role: Role,
    tool: &Tool,
    say: &mut Say<'_>,
) -> Result<Vec<u8>, AuthoringError> {
    let made = result(project, "component.wasm")?;
    let mut command = start(tool);
    command
        .args(["--wit", ".remit/javascript/wit", "--world", role.world()])
        .args(source::file(Language::JavaScript, role).map(|file| format!("--js={file}")))
        .args(["--module-root", "."])
        // The host speaks the contract without the component model's own async; randomness, time
        // and files come from the host, so nothing is stubbed.
        .arg("--sync")
        .arg("--output")
        .arg(&made);
    run(&mut command, &project.directory, say)?;
    taken(&made, tool)
}

fn python(
    project: &Project,
    role: Role,
    tool: &Tool,
    say: &mut Say<'_>,
) -> Result<Vec<u8>, AuthoringError> {
    let made = result(project, "component.wasm")?;
    let mut command = start(tool);
    command
        .args([
            "--quiet",
            "--wit-path",
            ".remit/wit",
            "--world",
            role.world(),
        ])
        .args(["componentize", &format!("remit_{}", role.word())])
        .args(["--python-path", ".remit/python", "--python-path", "src"])
        .arg("--output")
        .arg(&made);
    run(&mut command, &project.directory, say)?;
    taken(&made, tool)
}

fn c(
    project: &Project,
    role: Role,
    tool: &Tool,
    say: &mut Say<'_>,
) -> Result<Vec<u8>, AuthoringError> {
    let made = result(project, "module.wasm")?;
    let mut command = start(tool);
    command
        .args(["-mexec-model=reactor", "-Os", "-s", "-Wall", "-Wextra"])
        .arg(C_STACK)
        .arg("-I.remit/c")
        .args((role == Role::Adapter).then_some("-DREMIT_ADAPTER"))
        .args(["-o".as_ref(), made.as_os_str()])
        .args(sources(&project.directory)?)
        .args([
            ".remit/c/remit.c",
            ".remit/c/remit_json.c",
            ".remit/c/contract.c",
        ])
        .arg(format!(".remit/c/remit_{}.c", role.word()))
        .arg(".remit/c/contract_component_type.o");
    run(&mut command, &project.directory, say)?;
    taken(&made, tool)
}

/// The C files of the author, sorted.
fn sources(directory: &Path) -> Result<Vec<PathBuf>, AuthoringError> {
    let folder = directory.join("src");
    let entries = fs::read_dir(&folder).map_err(|error| AuthoringError::read(&folder, error))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| Path::new("src").join(entry.file_name()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "c"))
        .collect();
    found.sort();
    Ok(found)
}

/// Names a command, as someone would type it in the project's directory.
fn name(command: &Command, directory: &Path, say: &mut Say<'_>) {
    let whole = directory.display().to_string();
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            let inside = word
                .strip_prefix(&whole)
                .and_then(|rest| rest.strip_prefix('/'));
            inside.unwrap_or(&word).to_owned()
        })
        .collect();
    say(&words.join(" "));
}

fn status(
    command: &Command,
    ended: io::Result<std::process::ExitStatus>,
) -> Result<(), AuthoringError> {
    let program = Path::new(command.get_program()).display().to_string();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(AuthoringError::Failed {
            program,
            status: status.to_string(),
        }),
        Err(error) => Err(AuthoringError::Failed {
            program,
            status: error.to_string(),
        }),
    }
}

/// Runs a step in the project's directory; all that it says goes to standard error.
pub(crate) fn run(
    command: &mut Command,
    directory: &Path,
    say: &mut Say<'_>,
) -> Result<(), AuthoringError> {
    name(command, directory, say);
    let own = io::stderr().as_fd().try_clone_to_owned();
    let output = own.map_or_else(|_| Stdio::null(), Stdio::from);
    let ended = command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(output)
        .status();
    status(command, ended)
}

/// Runs a step and returns what it prints on standard output.
fn output(
    command: &mut Command,
    directory: &Path,
    say: &mut Say<'_>,
) -> Result<String, AuthoringError> {
    name(command, directory, say);
    let ended = command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let (ended, printed) = match ended {
        Ok(output) => (Ok(output.status), output.stdout),
        Err(error) => (Err(error), Vec::new()),
    };
    status(command, ended)?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_that_cargo_names_is_the_plugin() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","filenames":["/t/other.wasm"]}"#,
            "\nnoise\n",
            r#"{"reason":"compiler-artifact","filenames":["/t/mine.wasm"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(component_of(messages), Some(PathBuf::from("/t/mine.wasm")));
        assert_eq!(component_of("{}"), None);
    }

    #[test]
    fn a_step_is_named_as_one_would_type_it() {
        let mut command = Command::new("/p/.venv/bin/tool");
        command.args(["-o", "/p/.remit/build/x", "/other"]);
        let mut said = String::new();
        name(&command, Path::new("/p"), &mut |line| said.push_str(line));
        assert_eq!(said, ".venv/bin/tool -o .remit/build/x /other");
    }

    #[test]
    fn a_step_that_fails_is_an_error_that_names_it() {
        let place = tempfile::tempdir().unwrap();
        let error = run(&mut Command::new("false"), place.path(), &mut |_| {}).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("false ended with exit status: 1"),
            "{error}"
        );
        let absent = run(&mut Command::new("/absent/tool"), place.path(), &mut |_| {});
        assert!(absent.unwrap_err().to_string().contains("/absent/tool"));
    }
}
