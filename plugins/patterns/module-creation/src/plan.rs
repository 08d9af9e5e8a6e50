//! The files of a new module and the run of its tests, decided without looking at the disk.
//!
//! Never: a file that depends on what is there, on the time or on chance. The same request always
//! gives the same plan, which is what makes a second run change nothing.

use crate::request::{Language, Request};
use remit_plugin_library::template::{TemplateError, Values};

use crate::dialect::Dialect;
use crate::{javascript, python, starter, typescript};

/// The version that every new module starts with.
const FIRST_VERSION: &str = "0.1.0";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedFile {
    /// Path relative to the project's directory.
    pub(crate) path: String,
    pub(crate) content: String,
    pub(crate) media_type: &'static str,
}

/// How the module's tests are run: a tool and a template by the owner's names, and the one slot
/// of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestRun {
    pub(crate) tool: &'static str,
    pub(crate) template: &'static str,
    pub(crate) slot: &'static str,
    pub(crate) value: String,
}

impl TestRun {
    /// For people: `python3:unittest dir=tests`.
    pub(crate) fn describe(&self) -> String {
        let Self {
            tool,
            template,
            slot,
            value,
        } = self;
        format!("{tool}:{template} {slot}={value}")
    }
}

/// Everything that a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Directory of the module's code, relative to the project's directory.
    pub(crate) module_path: String,
    pub(crate) files: Vec<PlannedFile>,
    pub(crate) tests: TestRun,
}

impl Plan {
    /// Plans a request.
    ///
    /// # Errors
    /// A template is faulty, which the tests of this crate rule out for every request.
    pub(crate) fn of(request: &Request) -> Result<Self, TemplateError> {
        let mut values = Values::new().with_variants(Dialect::VARIANTS);
        values.flag("cli", request.cli);
        values.set("name", request.name.as_str());
        values.set("distribution", request.distribution());
        values.set("version", FIRST_VERSION);
        values.set("spdx", request.license.spdx());
        values.set("title", starter::title(request.module_type));
        match request.language {
            Language::Python => python::plan(request, values),
            Language::JavaScript => javascript::plan(request, values),
            Language::TypeScript => typescript::plan(request, values),
        }
    }
}

/// Collects the files of one module.
pub(crate) struct Files<'a> {
    values: &'a Values,
    files: Vec<PlannedFile>,
}

impl<'a> Files<'a> {
    /// Nothing yet; every file is filled with these values.
    pub(crate) fn new(values: &'a Values) -> Self {
        Self {
            values,
            files: Vec::new(),
        }
    }

    /// Adds a file that is the same in every dialect.
    pub(crate) fn add(
        &mut self,
        path: impl Into<String>,
        template: &str,
    ) -> Result<(), TemplateError> {
        self.add_dialect(path, template, Dialect::Plain)
    }

    /// Adds a file in one dialect.
    pub(crate) fn add_dialect(
        &mut self,
        path: impl Into<String>,
        template: &str,
        dialect: Dialect,
    ) -> Result<(), TemplateError> {
        let path = path.into();
        let content = self.values.fill(template, dialect.variant())?;
        self.files.push(PlannedFile {
            media_type: media_type(&path),
            path,
            content,
        });
        Ok(())
    }

    /// All files, sorted by path.
    pub(crate) fn finish(mut self) -> Vec<PlannedFile> {
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        self.files
    }
}

/// The media type of a file that this plugin writes.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("py") => "text/x-python",
        Some("js") => "text/javascript",
        // The registered `video/mp2t` for `.ts` is something else.
        Some("ts") => "text/x-typescript",
        Some("json") => "application/json",
        Some("md") => "text/markdown",
        Some(_) | None => "text/plain",
    }
}
