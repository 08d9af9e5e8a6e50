//! The toolchains: found in the project, in its virtual environment or on the search path, or else
//! explained; installed into the project's own `.remit/toolchain` if its author asks for it.
//!
//! Never: an installation that nobody asked for, a version that nobody tried.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::build::{Say, run};
use crate::error::AuthoringError;
use crate::language::Language;

/// The versions that the tests of this repository build with.
const QJS: &str = "componentize-qjs@0.4.5";
const PY: &str = "componentize-py==0.25.1";
const ZIG: &str = "ziglang==0.17.0";
/// The target of Rust plugins.
pub(crate) const RUST_TARGET: &str = "wasm32-wasip2";

/// Where an installation goes, relative to the project.
const OWN: &str = ".remit/toolchain";

/// A program, and the arguments that come before all others.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
}

impl Tool {
    fn plain(program: PathBuf) -> Self {
        Self {
            program,
            arguments: Vec::new(),
        }
    }

    fn with(program: PathBuf, arguments: &[&str]) -> Self {
        Self {
            program,
            arguments: arguments.iter().map(Into::into).collect(),
        }
    }
}

/// Finds what builds plugins of this language.
pub(crate) fn find(project: &Path, language: Language) -> Result<Tool, AuthoringError> {
    let found = match language {
        Language::Rust => return rust(),
        Language::JavaScript => javascript(project),
        Language::Python => python(project),
        Language::C => c(project),
    };
    found.ok_or_else(|| missing(language))
}

fn rust() -> Result<Tool, AuthoringError> {
    let cargo = on_path("cargo").ok_or_else(|| missing(Language::Rust))?;
    let libraries =
        said(Command::new("rustc").args(["--print", "target-libdir", "--target", RUST_TARGET]));
    if libraries.is_some_and(|directory| Path::new(directory.trim()).is_dir()) {
        return Ok(Tool::plain(cargo));
    }
    Err(AuthoringError::NoToolchain {
        tool: "the Rust target wasm32-wasip2",
        language: Language::Rust.to_string(),
        looked: "the directories of rustc".into(),
        fix: format!("rustup target add {RUST_TARGET}\nor: remit plugin build --install-toolchain"),
    })
}

fn javascript(project: &Path) -> Option<Tool> {
    // What npm installs is a script that starts node.
    on_path("node")?;
    let name = "componentize-qjs";
    [
        format!("{OWN}/node_modules/.bin"),
        "node_modules/.bin".to_owned(),
    ]
    .iter()
    .map(|folder| project.join(folder).join(name))
    .find(|program| program.is_file())
    .or_else(|| on_path(name))
    .map(Tool::plain)
}

fn python(project: &Path) -> Option<Tool> {
    let name = "componentize-py";
    environments(project)
        .into_iter()
        .find(|folder| folder.join(name).is_file())
        // The script names its interpreter by the path at which it was installed; a project that
        // was moved has another one.
        .map(|folder| Tool {
            program: folder.join("python3"),
            arguments: vec![folder.join(name).into()],
        })
        .or_else(|| on_path(name).map(Tool::plain))
}

/// The compilers for C: zig, which brings its own libc, or a clang that has one for wasm.
fn c(project: &Path) -> Option<Tool> {
    let zig = ["-target", "wasm32-wasi"];
    let mut pythons: Vec<PathBuf> = environments(project)
        .into_iter()
        .map(|folder| folder.join("python3"))
        .filter(|program| program.is_file())
        .collect();
    let zig_tool = |program, first: &[&str]| Tool::with(program, &[first, &["cc"], &zig].concat());
    pythons.extend(on_path("python3"));
    for python in pythons {
        if said(Command::new(&python).args(["-c", "import ziglang"])).is_some() {
            return Some(zig_tool(python, &["-m", "ziglang"]));
        }
    }
    if let Some(zig) = on_path("zig") {
        return Some(zig_tool(zig, &[]));
    }
    let sdk = env::var_os("WASI_SDK_PATH").map(|sdk| PathBuf::from(sdk).join("bin/clang"));
    sdk.filter(|clang| clang.is_file())
        .into_iter()
        .chain(on_path("clang"))
        .find(|clang| has_libc(clang))
        .map(|clang| Tool::with(clang, &["--target=wasm32-wasi"]))
}

/// Whether a clang knows a libc for wasm: then it says where, not only the name back.
fn has_libc(clang: &Path) -> bool {
    let asked = ["--target=wasm32-wasi", "-print-file-name=libc.a"];
    said(Command::new(clang).args(asked)).is_some_and(|path| Path::new(path.trim()).is_absolute())
}

/// The programs of the project's own Python environments, the installed one first.
fn environments(project: &Path) -> Vec<PathBuf> {
    vec![
        project.join(OWN).join("venv/bin"),
        project.join(".venv/bin"),
    ]
}

/// What a program prints, if it ends well.
fn said(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

/// A program on the search path.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn missing(language: Language) -> AuthoringError {
    let (tool, looked, commands) = match language {
        Language::Rust => (
            "cargo",
            "the search path",
            "install Rust with rustup, then: rustup target add wasm32-wasip2".to_owned(),
        ),
        Language::JavaScript => (
            "componentize-qjs, which needs node 18 or newer,",
            ".remit/toolchain/node_modules/.bin, node_modules/.bin and the search path",
            format!("npm install --save-dev {QJS}"),
        ),
        Language::Python => (
            "componentize-py",
            ".remit/toolchain/venv/bin, .venv/bin and the search path",
            format!("python3 -m venv .venv && .venv/bin/pip install {PY}"),
        ),
        Language::C => (
            "zig, or clang with wasi-libc,",
            "python3's packages (of .remit/toolchain/venv, .venv and the search path), zig, \
             WASI_SDK_PATH and clang",
            format!(
                "python3 -m venv .venv && .venv/bin/pip install {ZIG}\n\
                 or, on Debian: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32"
            ),
        ),
    };
    let fix = match language {
        Language::Rust => commands,
        Language::JavaScript | Language::Python | Language::C => {
            format!("remit plugin build --install-toolchain\nor: {commands}")
        }
    };
    AuthoringError::NoToolchain {
        tool,
        language: language.to_string(),
        looked: looked.into(),
        fix,
    }
}

/// Installs what builds plugins of this language: into the project's own directory, or, for Rust,
/// the target into the Rust that is there.
///
/// # Errors
/// The package manager is not there, or it failed; its own messages say why.
pub(crate) fn install_for(
    project: &Path,
    language: Language,
    say: &mut Say<'_>,
) -> Result<(), AuthoringError> {
    match language {
        Language::Rust => {
            let rustup = program("rustup", language, "install Rust with rustup")?;
            run(
                Command::new(rustup).args(["target", "add", RUST_TARGET]),
                project,
                say,
            )
        }
        Language::JavaScript => {
            let npm = program("npm", language, "install node 18 or newer with its npm")?;
            let quiet = ["--no-audit", "--no-fund", "--no-save"];
            let mut command = Command::new(npm);
            command
                .args(["install", "--prefix", OWN])
                .args(quiet)
                .arg(QJS);
            run(&mut command, project, say)
        }
        Language::Python => into_environment(project, language, PY, say),
        Language::C => into_environment(project, language, ZIG, say),
    }
}

fn into_environment(
    project: &Path,
    language: Language,
    package: &str,
    say: &mut Say<'_>,
) -> Result<(), AuthoringError> {
    let python = program("python3", language, "install python3 with its venv")?;
    let environment = format!("{OWN}/venv");
    run(
        Command::new(python).args(["-m", "venv", &environment]),
        project,
        say,
    )?;
    let pip = project.join(&environment).join("bin/pip");
    run(
        Command::new(pip).args(["install", "--quiet", package]),
        project,
        say,
    )
}

fn program(name: &'static str, language: Language, fix: &str) -> Result<PathBuf, AuthoringError> {
    on_path(name).ok_or_else(|| AuthoringError::NoToolchain {
        tool: name,
        language: language.to_string(),
        looked: "the search path".into(),
        fix: fix.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_explained_with_a_command() {
        for (language, command) in [
            (Language::Rust, "rustup target add wasm32-wasip2"),
            (
                Language::JavaScript,
                "npm install --save-dev componentize-qjs@",
            ),
            (Language::Python, "pip install componentize-py=="),
            (Language::C, "pip install ziglang=="),
        ] {
            let error = missing(language);
            assert!(error.fix().contains(command), "{}", error.fix());
            assert!(error.to_string().contains("was not found"), "{error}");
        }
    }

    #[test]
    fn the_project_s_own_toolchain_comes_first() {
        let place = tempfile::tempdir().unwrap();
        for folder in [".venv/bin", ".remit/toolchain/venv/bin"] {
            let folder = place.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("componentize-py"), "").unwrap();
            let found = python(place.path()).unwrap();
            assert_eq!(found.program, folder.join("python3"));
            assert_eq!(found.arguments, [folder.join("componentize-py")]);
        }
    }
}
