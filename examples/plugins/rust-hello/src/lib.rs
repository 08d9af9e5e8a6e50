//! An example plugin: writes a greeting into a file of the workspace.
//!
//! It shows what most plugins need: typed inputs, files, a tool that it can do without, a value
//! that outlives the run, and an outcome for people and for programs. The same plugin is beside it
//! in JavaScript, Python and C.
//!
//! Never: a file replaced that holds something else.

use std::fs;
use std::io::ErrorKind;

use remit::progress::{self, Level};
use remit::state::{self, Scope};
use remit::{Artifact, Call, Done, Exit, Failure, Line, Problem, ProcessError, workspace};

/// Where a greeting goes if nobody says.
const FILE: &str = "HELLO.md";

/// What to do.
#[remit::inputs]
struct Inputs {
    /// Who is greeted.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// Where the greeting is written, relative to the workspace.
    #[serde(default = "file")]
    #[schemars(length(min = 1))]
    file: String,
}

fn file() -> String {
    FILE.into()
}

/// What was done.
#[remit::outputs]
struct Outputs {
    file: String,
    /// How many files git knows, if it could be asked.
    files_in_git: Option<u64>,
    /// How often this plugin has greeted in this workspace.
    greetings: u64,
}

/// The fields of the line in the log.
#[remit::outputs]
struct Greeted<'a> {
    name: &'a str,
    file: &'a str,
}

#[remit::pattern(validate = check)]
fn greet(inputs: Inputs) -> Result<Done<Outputs>, Failure> {
    let Inputs { name, file } = inputs;
    progress::step("ask git");
    let files_in_git = files_in_git()?;
    progress::percent(50);

    progress::step("write the greeting");
    write(&file, &format!("# Hello, {name}!\n"))?;
    let greetings = state::get::<u64>(Scope::Project, "greetings")?.unwrap_or(0) + 1;
    state::set(Scope::Project, "greetings", &greetings)?;

    let artifact = Artifact::new(&file, "text/markdown")
        .described(format!("a greeting for {name}"))
        .announced();
    let fields = Greeted {
        name: &name,
        file: &file,
    };
    progress::log(Level::Info, "greeted", &fields)?;
    progress::percent(100);
    let summary = match files_in_git {
        Some(files) => format!("{name} is greeted, among {files} files"),
        None => format!("{name} is greeted"),
    };
    let outputs = Outputs {
        file,
        files_in_git,
        greetings,
    };
    Ok(Done::new(summary, outputs).artifact(artifact))
}

/// What the schema cannot say. The host calls this before any work, and shows every problem.
fn check(inputs: &Inputs) -> Vec<Problem> {
    let mut problems = Vec::new();
    if inputs.name.chars().any(|character| character < ' ') {
        let message = "a name is one line of plain text";
        problems.push(Problem::new("/name", "control-character", message));
    }
    if !inputs.file.ends_with(".md") {
        let message = "a greeting is Markdown: its name ends with `.md`";
        problems.push(Problem::new("/file", "not-markdown", message));
    }
    problems
}

/// How many files git knows; nothing where the owner does not grant git, or this is no repository.
fn files_in_git() -> Result<Option<u64>, Failure> {
    let child = match Call::new("git", "ls-files").spawn() {
        Ok(child) => child,
        // The host has told its owner already what would allow it.
        Err(ProcessError::Denied(_) | ProcessError::ToolMissing(_)) => {
            progress::warn("git cannot be asked");
            return Ok(None);
        }
        Err(other) => return Err(other.into()),
    };
    // The template asks git for names that end with a zero byte.
    let mut files = 0;
    let exit = child.read_lines(|line| match line {
        Line::Stdout(text) => files += text.matches('\0').count() as u64,
        Line::Stderr(text) => progress::debug(text),
    })?;
    if exit == Exit::Code(0) {
        return Ok(Some(files));
    }
    progress::info(format!("git {exit}"));
    Ok(None)
}

/// Writes the greeting. The host decides whether the file may be touched; its answer is an error
/// of the standard library like any other.
fn write(file: &str, text: &str) -> Result<(), Failure> {
    let path = workspace::root()?.join(file);
    match fs::read_to_string(&path) {
        Ok(old) if old == text => return Ok(()),
        Ok(_) => {
            return Err(Failure::failed_with_hint(
                "file-exists",
                format!("{file} holds something else"),
                "move it away, or name another file",
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(_) => return Err(cannot("read", file)),
    }
    fs::write(&path, text).map_err(|_| cannot("write", file))
}

fn cannot(what: &str, file: &str) -> Failure {
    Failure::failed(format!("cannot-{what}"), format!("cannot {what} {file}"))
}
