//! The tree of a Python module: a package, its tests, its packaging.
//!
//! The tests are a package too, because `unittest discover` with a top-level directory finds only
//! packages. Never: a dependency beyond the standard library; the tests must run without network.

use remit_plugin_library::template::{TemplateError, Values};

use crate::dialect::Dialect;
use crate::plan::{Files, Plan, TestRun};
use crate::request::Request;
use crate::starter;

/// Plans a Python module.
///
/// # Errors
/// A template is faulty.
pub(crate) fn plan(request: &Request, mut values: Values) -> Result<Plan, TemplateError> {
    let code = starter::python(request.module_type);
    let names = starter::python_names(request.module_type);
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    values.set("imports", names.join(", "));
    values.set("exports", quoted.join(", "));
    let example = values.fill(code.example, Dialect::Plain.variant())?;
    values.set("example", example.trim_end());

    let name = &request.name;
    let mut files = Files::new(&values);
    files.add(
        format!("{name}/__init__.py"),
        include_str!("../templates/python/package/init.py"),
    )?;
    files.add(format!("{name}/core.py"), code.module)?;
    files.add(
        "tests/__init__.py",
        include_str!("../templates/python/package/tests_init.py"),
    )?;
    files.add(format!("tests/test_{name}.py"), code.test)?;
    files.add(
        "setup.py",
        include_str!("../templates/python/package/setup.py"),
    )?;
    files.add(
        "README.md",
        include_str!("../templates/python/package/README.md"),
    )?;
    files.add(
        "requirements.txt",
        include_str!("../templates/python/package/requirements.txt"),
    )?;
    files.add(
        "requirements-dev.txt",
        include_str!("../templates/python/package/requirements-dev.txt"),
    )?;
    files.add(
        ".gitignore",
        include_str!("../templates/python/package/gitignore"),
    )?;
    files.add("LICENSE", request.license.text())?;
    if request.cli {
        files.add(format!("{name}/cli.py"), code.cli)?;
    }
    if request.examples {
        files.add(format!("examples/{name}_basic.py"), code.example)?;
    }
    Ok(Plan {
        module_path: name.clone(),
        files: files.finish(),
        tests: TestRun {
            tool: "python3",
            template: "unittest",
            slot: "dir",
            value: "tests".to_owned(),
        },
    })
}
