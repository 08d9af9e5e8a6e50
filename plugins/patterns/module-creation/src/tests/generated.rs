//! The generated modules, run for real with the tools that the plugin asks for.
//!
//! Both tools must be installed; the host's own tests need them too. Never: a test that is left
//! out when a tool is missing.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use remit_plugin_library::transaction::MemoryRegister;

use super::{all_requests, begin};
use crate::plan::Plan;
use crate::request::{Language, ModuleType, Request};
use crate::write::write;

fn generate(request: &Request, root: &Path) {
    let register = MemoryRegister::default();
    let mut transaction = begin(root, &register);
    for file in Plan::of(request).unwrap().files {
        write(&mut transaction, &request.root, &file, false).unwrap();
    }
    transaction.commit().unwrap();
}

fn run(root: &Path, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    // Set for test runners below a test runner; the host never passes it on.
    command.env_remove("NODE_TEST_CONTEXT");
    command
        .output()
        .unwrap_or_else(|error| panic!("{program} must be installed: {error}"))
}

#[track_caller]
fn passes(output: &Output, request: &Request) -> String {
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{request:?}\n{said}");
    said
}

/// Runs the generated tests as the host would: same program, same arguments, same directory.
fn run_tests(request: &Request, root: &Path) -> Output {
    let value = Plan::of(request).unwrap().tests.value;
    match request.language {
        Language::Python => run(
            root,
            "python3",
            &[
                "-I", "-B", "-m", "unittest", "discover", "-s", &value, "-t", ".",
            ],
        ),
        Language::JavaScript | Language::TypeScript => run(root, "node", &["--test", &value]),
    }
}

fn each(language: Language, check: impl Fn(&Request, &Path)) {
    for request in all_requests()
        .iter()
        .filter(|request| request.language == language)
    {
        let directory = tempfile::tempdir().unwrap();
        generate(request, directory.path());
        check(request, directory.path());
    }
}

#[test]
fn python_tests_pass() {
    each(Language::Python, |request, root| {
        let said = passes(&run_tests(request, root), request);
        assert!(
            !said.contains("Ran 0 tests") && said.contains("OK"),
            "{said}"
        );
    });
}

#[test]
fn javascript_tests_pass() {
    each(Language::JavaScript, |request, root| {
        let said = passes(&run_tests(request, root), request);
        assert!(
            !said.contains("# tests 0") && said.contains("# fail 0"),
            "{said}"
        );
    });
}

#[test]
fn typescript_tests_pass_without_a_compiler() {
    each(Language::TypeScript, |request, root| {
        let said = passes(&run_tests(request, root), request);
        assert!(
            !said.contains("# tests 0") && said.contains("# fail 0"),
            "{said}"
        );
    });
}

#[test]
fn a_second_module_fits_beside_the_first() {
    for (_, language) in Language::ALL {
        let directory = tempfile::tempdir().unwrap();
        let of_type = |module_type, name: &str| {
            let mut request = all_requests().swap_remove(0);
            request.language = language;
            request.module_type = module_type;
            request.name = name.to_owned();
            request
        };
        let first = of_type(ModuleType::Library, "first");
        let second = of_type(ModuleType::Utility, "second");
        for request in [&first, &second] {
            generate(request, directory.path());
            passes(&run_tests(request, directory.path()), request);
        }
        passes(&run_tests(&first, directory.path()), &first);
    }
}

#[test]
fn the_generated_tests_can_fail() {
    for language in [Language::Python, Language::JavaScript, Language::TypeScript] {
        let request = all_requests()
            .into_iter()
            .find(|one| one.language == language)
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        generate(&request, directory.path());
        let code = match language {
            Language::Python => "demo_kit/core.py",
            Language::JavaScript => "src/demo_kit.js",
            Language::TypeScript => "dist/demo_kit.js",
        };
        let code = directory.path().join(code);
        let broken = fs::read_to_string(&code)
            .unwrap()
            .replace("count - 1", "count - 2");
        fs::write(&code, broken).unwrap();
        assert!(
            !run_tests(&request, directory.path()).status.success(),
            "{language:?}"
        );
    }
}

#[test]
fn examples_run() {
    for request in all_requests().iter().filter(|request| request.examples) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        generate(request, root);
        let output = match request.language {
            // As a module, so that the package is found without being installed.
            Language::Python => run(root, "python3", &["-m", "examples.demo_kit_basic"]),
            Language::JavaScript | Language::TypeScript => {
                run(root, "node", &["examples/demo_kit_basic.js"])
            }
        };
        assert!(!passes(&output, request).trim().is_empty());
    }
}

#[test]
fn command_lines_run() {
    for request in all_requests()
        .iter()
        .filter(|request| request.cli && !request.examples)
    {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        generate(request, root);
        match request.language {
            Language::Python => {
                let help = run(root, "python3", &["-m", "demo_kit.cli", "--help"]);
                assert!(passes(&help, request).contains("demo-kit"));
            }
            Language::JavaScript | Language::TypeScript => {
                let base = if request.language == Language::JavaScript {
                    "src"
                } else {
                    "dist"
                };
                let check = run(root, "node", &["--check", &format!("{base}/cli.js")]);
                passes(&check, request);
            }
        }
    }
}

#[test]
fn setup_py_compiles() {
    let request = all_requests().into_iter().find(|one| one.cli).unwrap();
    let directory = tempfile::tempdir().unwrap();
    generate(&request, directory.path());
    let code = "import ast, pathlib; ast.parse(pathlib.Path('setup.py').read_text())";
    passes(&run(directory.path(), "python3", &["-c", code]), &request);
}
