//! Carries out the folders of `cases/`, one test for each, so that they run side by side.
//!
//! Never: a folder that no test runs.

use std::collections::BTreeMap;
use std::path::Path;

use crate::case::{self, Case, Step};
use crate::check::Check;
use crate::home::{Home, fill, finish};
use crate::tree;

macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                carry_out(stringify!($name));
            }
        )*

        #[test]
        fn every_folder_is_a_test() {
            let mut folders: Vec<String> = std::fs::read_dir(case::folder())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            folders.sort_unstable();
            let listed: &[&str] = &[$(stringify!($name)),*];
            assert_eq!(folders, listed, "left: folders, right: the list in cases.rs");
        }
    };
}

cases! {
    adapter
    approvals
    approvals_unreadable
    audit
    automation_enabled_status
    claims
    config_import
    config_setup
    contract
    denied_everything
    denied_run
    environment
    hostile
    implementation_status
    inputs_invalid
    inputs_read
    inspect
    listing
    module_again
    module_convergence
    module_import
    module_javascript
    module_python
    module_python_for_people
    module_tests_fail
    module_typescript
    network
    outcomes
    own_files
    pack
    paths_outside
    plugin_not_there
    plugin_unfit
    policy_check
    policy_denies
    policy_explain
    policy_layers
    policy_learn
    policy_mistakes
    secrets_refused
    tests_of_node
    tools_refused
    tools_run
    trust
}

/// Does what a case says, and fails with every difference.
fn carry_out(name: &str) {
    let folder = case::folder().join(name);
    let case = case::read(&folder);
    let home = Home::new();
    let mut places = home.places();
    places.insert("$CASE", folder.to_str().unwrap().to_owned());
    furnish(&case, &folder, &home, &places);
    let mut report = String::new();
    for (number, step) in case.steps.iter().enumerate() {
        prepare(step, &home, &places);
        let before = tree::read(&home.workspace());
        let output = start(step, &home, &places);
        if let Some(found) = Check::new(&home, &places, step, &output).differences(&before) {
            let command = step.args.join(" ");
            report.push_str(&format!("step {}: remit {command}\n{found}", number + 1));
        }
    }
    let outside = tree::read(&home.path("outside"));
    let want: BTreeMap<_, _> = case
        .outside
        .iter()
        .map(|(path, text)| {
            (
                path.clone(),
                tree::Node::File(fill(text, &places).into_bytes()),
            )
        })
        .collect();
    if outside != want {
        report.push_str("something outside of the workspace changed\n");
    }
    assert!(report.is_empty(), "\n{name}: {}\n{report}", case.about);
}

/// What is there before the first step.
fn furnish(case: &Case, folder: &Path, home: &Home, places: &BTreeMap<&'static str, String>) {
    let workspace = folder.join("workspace");
    if workspace.is_dir() {
        tree::copy(&workspace, &home.workspace());
    }
    for (root, files) in [("outside", &case.outside), ("home", &case.home)] {
        for (path, text) in files {
            write(&home.path(root).join(path), &fill(text, places));
        }
    }
    for (path, target) in &case.links {
        let path = home.workspace().join(path);
        std::os::unix::fs::symlink(fill(target, places), path).unwrap();
    }
}

fn prepare(step: &Step, home: &Home, places: &BTreeMap<&'static str, String>) {
    for (path, text) in &step.write {
        write(&home.workspace().join(path), &fill(text, places));
    }
    for path in &step.delete {
        std::fs::remove_file(home.workspace().join(path)).unwrap();
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn start(
    step: &Step,
    home: &Home,
    places: &BTreeMap<&'static str, String>,
) -> std::process::Output {
    let mut arguments: Vec<String> = step.args.iter().map(|text| fill(text, places)).collect();
    let mut stdin = fill(&step.stdin, places);
    if let Some(inputs) = &step.inputs {
        arguments.extend(["--input-file".to_owned(), "-".to_owned()]);
        stdin = fill(&inputs.to_string(), places);
    }
    let mut command = home.remit(&arguments);
    for (name, value) in &step.env {
        command.env(name, fill(value, places));
    }
    finish(command, &stdin)
}
