//! The tree of a TypeScript module: source in `src/`, the same code without types in `dist/`.
//!
//! Node 20 cannot run TypeScript, and no compiler can be fetched without network. So the module
//! comes with `dist/` as a compiler would leave it: both are made from one template, the tests run
//! on `dist/` at once, and `npm run build` renews it later. Never: a dependency that the tests
//! need.

use remit_plugin_library::template::{TemplateError, Values};

use crate::dialect::Dialect;
use crate::javascript;
use crate::plan::{Files, Plan};
use crate::request::Request;
use crate::starter;

/// Plans a TypeScript module.
///
/// # Errors
/// A template is faulty.
pub(crate) fn plan(request: &Request, mut values: Values) -> Result<Plan, TemplateError> {
    let code = starter::script(request.module_type);
    let name = &request.name;
    values.set("cli_entry", "../dist/cli.js");
    values.set("module", format!("../dist/{name}.js"));
    // Readers of the README import the package by its name.
    values.set("entry", request.distribution());
    let example = values.fill(code.example, Dialect::Plain.variant())?;
    values.set("example", example.trim_end());
    values.set("entry", format!("../dist/{name}.js"));

    let mut files = Files::new(&values);
    files.add_dialect(format!("src/{name}.ts"), code.module, Dialect::TypeScript)?;
    files.add_dialect(format!("dist/{name}.js"), code.module, Dialect::Plain)?;
    files.add(format!("tests/{name}.test.js"), code.test)?;
    files.add(
        "package.json",
        include_str!("../templates/typescript/package.json"),
    )?;
    files.add(
        "tsconfig.json",
        include_str!("../templates/typescript/tsconfig.json"),
    )?;
    files.add(
        "README.md",
        include_str!("../templates/typescript/README.md"),
    )?;
    files.add(
        ".gitignore",
        include_str!("../templates/typescript/gitignore"),
    )?;
    files.add("LICENSE", request.license.text())?;
    if request.cli {
        files.add_dialect("src/cli.ts", code.cli, Dialect::TypeScript)?;
        files.add_dialect("dist/cli.js", code.cli, Dialect::Plain)?;
    }
    if request.examples {
        files.add(format!("examples/{name}_basic.js"), code.example)?;
    }
    Ok(Plan {
        module_path: "src".to_owned(),
        files: files.finish(),
        tests: javascript::test_run(request),
    })
}
