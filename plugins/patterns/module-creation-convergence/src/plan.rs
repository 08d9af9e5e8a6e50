//! The files that a module has when it is complete, decided without looking at the disk.
//!
//! Never: a file that depends on what is there, on the time or on chance.

use remit_plugin_library::template::{TemplateError, Values};

use crate::request::{ModuleType, Request, requirement_name};

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedFile {
    /// Relative to the workspace.
    pub(crate) path: String,
    pub(crate) content: String,
    pub(crate) media_type: &'static str,
}

/// Everything that a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Directory of the module, relative to the workspace.
    pub(crate) module_path: String,
    pub(crate) files: Vec<PlannedFile>,
}

impl Plan {
    /// Plans a request.
    ///
    /// # Errors
    /// A template is faulty, which the tests of this crate rule out.
    pub(crate) fn of(request: &Request) -> Result<Self, TemplateError> {
        let package = request.module_type == ModuleType::Package;
        let mut values = Values::new();
        values.set("name", request.name.as_str());
        let title = if package {
            "a program."
        } else {
            "figures about values."
        };
        values.set("title", title);
        values.flag("package", package);
        values.flag("library", !package);
        let module_path = request.root.join(&request.name);
        let (name, template) = if package {
            ("main.py", include_str!("../templates/main.py"))
        } else {
            ("core.py", include_str!("../templates/core.py"))
        };
        let file = |name: &str, content: String, media_type| PlannedFile {
            path: format!("{module_path}/{name}"),
            content,
            media_type,
        };
        let init = values.fill(include_str!("../templates/init.py"), None)?;
        let code = values.fill(template, None)?;
        let mut files = vec![
            file("__init__.py", init, "text/x-python"),
            file(name, code, "text/x-python"),
        ];
        if !request.dependencies.is_empty() {
            let lines = format!("{}\n", request.dependencies.join("\n"));
            files.push(file("requirements.txt", lines, "text/plain"));
        }
        Ok(Self { module_path, files })
    }

    /// The files that python3 can compile.
    pub(crate) fn code(&self) -> Vec<&str> {
        let paths = self.files.iter().map(|file| file.path.as_str());
        paths.filter(|path| path.ends_with(".py")).collect()
    }
}

/// The dependencies that a file of requirements does not name.
pub(crate) fn missing(dependencies: &[String], requirements: &str) -> Vec<String> {
    let named: Vec<String> = requirements
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .map(requirement_name)
        .collect();
    dependencies
        .iter()
        .filter(|one| !named.contains(&requirement_name(one)))
        .cloned()
        .collect()
}
