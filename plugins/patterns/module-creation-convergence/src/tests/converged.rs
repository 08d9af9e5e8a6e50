//! What is added, what is not touched, and whether it runs.

use std::fs;
use std::path::Path;
use std::process::Command;

use remit_plugin_library::path::SafePath;
use remit_plugin_library::transaction::{Existing, Fate, MemoryRegister, Owner, Transaction};
use serde_json::{Value, json};

use super::check;
use crate::plan::{Plan, missing};

fn plan(inputs: &Value) -> Plan {
    Plan::of(&check(inputs).unwrap()).unwrap()
}

/// Adds what is missing, and returns it.
fn converge(base: &Path, inputs: &Value) -> Vec<String> {
    let register = MemoryRegister::default();
    let owner = Owner {
        id: "test".into(),
        task: "test".into(),
        ends_at_ms: 0,
    };
    let mut transaction = Transaction::begin(base, &SafePath::here(), owner, &register).unwrap();
    let mut created = Vec::new();
    for file in plan(inputs).files {
        let fate = transaction
            .write(&file.path, file.content.as_bytes(), Existing::Keep)
            .unwrap();
        if fate == Fate::Created {
            created.push(file.path);
        }
    }
    transaction.commit().unwrap();
    created
}

fn python(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("python3")
        .args(["-E", "-s", "-B"])
        .args(arguments)
        .current_dir(root)
        .output()
        .unwrap_or_else(|error| panic!("python3 must be installed: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_module_has_the_files_of_its_type_and_requirements_if_it_has_dependencies() {
    for (inputs, expected) in [
        (
            json!({"module_name": "demo"}),
            &["demo/__init__.py", "demo/core.py"][..],
        ),
        (
            json!({"module_name": "demo", "module_type": "package"}),
            &["demo/__init__.py", "demo/main.py"],
        ),
        (
            json!({"module_name": "demo", "project_root": "a", "dependencies": ["requests>=2", "rich"]}),
            &[
                "a/demo/__init__.py",
                "a/demo/core.py",
                "a/demo/requirements.txt",
            ],
        ),
    ] {
        let plan = plan(&inputs);
        let paths: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, expected);
        if let Some(file) = plan.files.get(2) {
            assert_eq!(file.content, "requests>=2\nrich\n");
        }
    }
}

#[test]
fn it_converges_only_what_was_deleted_returns_and_nothing_else_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let inputs = json!({"module_name": "demo", "dependencies": ["rich"]});
    assert_eq!(converge(root, &inputs).len(), 3);
    assert_eq!(converge(root, &inputs), [""; 0]);
    fs::write(root.join("demo/core.py"), "mine = 1\n").unwrap();
    fs::remove_file(root.join("demo/__init__.py")).unwrap();
    assert_eq!(converge(root, &inputs), ["demo/__init__.py"]);
    assert_eq!(
        fs::read_to_string(root.join("demo/core.py")).unwrap(),
        "mine = 1\n"
    );
    assert_eq!(converge(root, &inputs), [""; 0]);
}

#[test]
fn modules_can_be_imported_and_run() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    converge(root, &json!({"module_name": "kit"}));
    converge(
        root,
        &json!({"module_name": "tool", "module_type": "package"}),
    );
    let code = "import kit; print(kit.__version__, kit.describe([1, 2, 6])['mean'])";
    assert_eq!(python(root, &["-c", code]), "0.1.0 3.0\n");
    // What the pattern has compiled is all of its code.
    let compiled = plan(&json!({"module_name": "kit", "dependencies": ["rich"]}));
    assert_eq!(compiled.code(), ["kit/__init__.py", "kit/core.py"]);
    assert_eq!(python(root, &["-m", "tool.main", "you"]), "Hello, you!\n");
    assert_eq!(
        python(root, &["-c", "import tool; tool.main([])"]),
        "Hello, world!\n"
    );
}

#[test]
fn dependencies_that_kept_requirements_do_not_name_are_found() {
    let dependencies = [
        "rich>=13".to_owned(),
        "Foo.Bar".to_owned(),
        "click".to_owned(),
    ];
    let requirements = "# click is not needed\nRich==13.1 # pinned\nfoo_bar[x]>=2\n-r other.txt\n";
    assert_eq!(missing(&dependencies, requirements), ["click"]);
}
