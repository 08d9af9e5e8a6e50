//! The tree of a JavaScript module: ECMAScript modules in `src/`, tests for `node --test`.
//!
//! Never: a dependency; the tests must run without network.

use remit_plugin_library::template::{TemplateError, Values};

use crate::dialect::Dialect;
use crate::plan::{Files, Plan, TestRun};
use crate::request::Request;
use crate::starter;

/// Plans a JavaScript module.
///
/// # Errors
/// A template is faulty.
pub(crate) fn plan(request: &Request, mut values: Values) -> Result<Plan, TemplateError> {
    let code = starter::script(request.module_type);
    let name = &request.name;
    values.set("cli_entry", "../src/cli.js");
    // The tests import the module itself: `index.js` may be there already, for another module.
    values.set("module", format!("../src/{name}.js"));
    // Readers of the README import the package by its name.
    values.set("entry", request.distribution());
    let example = values.fill(code.example, Dialect::Plain.variant())?;
    values.set("example", example.trim_end());
    values.set("entry", "../src/index.js");

    let mut files = Files::new(&values);
    files.add(
        "src/index.js",
        include_str!("../templates/javascript/index.js"),
    )?;
    files.add_dialect(format!("src/{name}.js"), code.module, Dialect::JavaScript)?;
    files.add(format!("tests/{name}.test.js"), code.test)?;
    files.add(
        "package.json",
        include_str!("../templates/javascript/package.json"),
    )?;
    files.add(
        "README.md",
        include_str!("../templates/javascript/README.md"),
    )?;
    files.add(
        ".gitignore",
        include_str!("../templates/javascript/gitignore"),
    )?;
    files.add("LICENSE", request.license.text())?;
    if request.cli {
        files.add_dialect("src/cli.js", code.cli, Dialect::JavaScript)?;
    }
    if request.examples {
        files.add(format!("examples/{name}_basic.js"), code.example)?;
    }
    Ok(Plan {
        module_path: "src".to_owned(),
        files: files.finish(),
        tests: test_run(request),
    })
}

/// How `node` runs the tests. One file and not a directory, because Node 20 and Node 22 read a
/// directory after `--test` differently.
pub(crate) fn test_run(request: &Request) -> TestRun {
    TestRun {
        tool: "node",
        template: "test",
        slot: "file",
        value: format!("tests/{}.test.js", request.name),
    }
}
