//! The files of a configuration, decided without looking at the disk.
//!
//! Never: a file that depends on what is there, on the time or on chance. The same request always
//! gives the same plan, which is what makes a second run change nothing.

use remit_plugin_library::template::TemplateError;

use crate::request::Request;
use crate::{documented, formats, loaders, schema};

/// Where the files are, relative to the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths {
    pub(crate) config: String,
    pub(crate) schema: String,
    pub(crate) python: String,
    pub(crate) powershell: String,
    pub(crate) example: String,
    pub(crate) readme: String,
}

/// Whose a file is once it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// A person's: the configuration with its values.
    Person,
    /// The pattern's: made anew with `force`.
    Pattern,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedFile {
    /// Relative to the workspace.
    pub(crate) path: String,
    pub(crate) content: String,
    pub(crate) media_type: &'static str,
    pub(crate) belongs: Belongs,
}

/// Everything that a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) paths: Paths,
    pub(crate) files: Vec<PlannedFile>,
}

impl Paths {
    fn of(request: &Request) -> Self {
        let name = request.path.name();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        Self {
            config: request.path.to_string(),
            schema: request.beside(&format!("{stem}.schema.json")),
            python: request.beside("config_loader.py"),
            powershell: request.beside("Load-Config.ps1"),
            example: format!("{}.example", request.path),
            readme: request.beside("README_CONFIG.md"),
        }
    }
}

impl Plan {
    /// Plans a request.
    ///
    /// # Errors
    /// A template is faulty, which the tests of this crate rule out.
    pub(crate) fn of(request: &Request) -> Result<Self, TemplateError> {
        let paths = Paths::of(request);
        let title = request.title();
        let described = "README_CONFIG.md describes the settings.".to_owned();
        let head = [title.clone(), described.clone()];
        let copy = format!("Copy this file to {} and change it.", request.path.name());
        let example = [format!("Example: {title}"), copy, described];
        let media_type = match request.format {
            crate::request::Format::Yaml => "application/yaml",
            crate::request::Format::Json => "application/json",
            crate::request::Format::Toml => "application/toml",
        };
        let mut files = Vec::new();
        let mut add = |path: &str, content: String, media_type, belongs| {
            files.push(PlannedFile {
                path: path.to_owned(),
                content,
                media_type,
                belongs,
            });
        };
        let of_pattern = Belongs::Pattern;
        add(
            &paths.config,
            formats::text(request, &head),
            media_type,
            Belongs::Person,
        );
        add(
            &paths.schema,
            schema::text(request),
            "application/schema+json",
            of_pattern,
        );
        if request.python() {
            add(
                &paths.python,
                loaders::python(request)?,
                "text/x-python",
                of_pattern,
            );
        }
        if request.powershell() {
            add(
                &paths.powershell,
                loaders::powershell(request)?,
                "text/plain",
                of_pattern,
            );
        }
        add(
            &paths.example,
            formats::text(request, &example),
            media_type,
            of_pattern,
        );
        add(
            &paths.readme,
            documented::text(request, &paths),
            "text/markdown",
            of_pattern,
        );
        Ok(Self { paths, files })
    }
}
