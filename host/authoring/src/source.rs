//! What lies in a project's directory: its manifest, its language, and what its plugin is.
//!
//! Never: a guess between two.

use std::path::{Path, PathBuf};

use remit_core::manifest::Manifest;

use crate::error::AuthoringError;
use crate::language::{Language, Role};
use crate::place;

/// The manifest's file name.
const MANIFEST: &str = "remit-plugin.toml";

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) directory: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) manifest_text: String,
    pub(crate) source: Source,
}

/// What its plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A cargo package; its code says whether it is a pattern or an adapter.
    Cargo,
    /// `src/ROLE.ENDING`.
    File(Language, Role),
}

impl Source {
    pub(crate) fn language(self) -> Language {
        match self {
            Self::Cargo => Language::Rust,
            Self::File(language, _) => language,
        }
    }
}

/// The source file of a role in a language other than Rust, relative to the project.
pub(crate) fn file(language: Language, role: Role) -> Option<String> {
    Some(format!("src/{}.{}", role.word(), language.ending()?))
}

/// Looks at a project.
pub(crate) fn project(directory: &Path) -> Result<Project, AuthoringError> {
    // Whole paths: the toolchains are started in the project's directory.
    let directory =
        std::path::absolute(directory).map_err(|error| AuthoringError::read(directory, error))?;
    let path = directory.join(MANIFEST);
    if !path.is_file() {
        return Err(AuthoringError::NoProject {
            directory,
            missing: format!("there is no {MANIFEST}"),
        });
    }
    let source = source(&directory)?;
    let manifest_text = place::read_text(&path)?;
    let manifest = Manifest::parse(&path.display().to_string(), &manifest_text)
        .map_err(AuthoringError::Manifest)?;
    Ok(Project {
        directory,
        manifest,
        manifest_text,
        source,
    })
}

fn source(directory: &Path) -> Result<Source, AuthoringError> {
    let mut found = Vec::new();
    if directory.join("Cargo.toml").is_file() {
        found.push(("Cargo.toml".to_owned(), Source::Cargo));
    }
    for language in Language::ALL {
        for role in Role::ALL {
            if let Some(file) = file(language, role)
                && directory.join(&file).is_file()
            {
                found.push((file, Source::File(language, role)));
            }
        }
    }
    match found.as_slice() {
        [(_, source)] => Ok(*source),
        [] => Err(AuthoringError::NoProject {
            directory: directory.to_owned(),
            missing:
                "there is no Cargo.toml, and no pattern or adapter with the ending .js, .py or \
                      .c in src"
                    .into(),
        }),
        several => Err(AuthoringError::SeveralSources {
            directory: directory.to_owned(),
            found: several.iter().map(|(file, _)| file.clone()).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn with(files: &[&str]) -> Result<Source, AuthoringError> {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("src")).unwrap();
        for file in files {
            fs::write(place.path().join(file), "").unwrap();
        }
        source(place.path())
    }

    #[test]
    fn the_files_say_what_a_plugin_is() {
        assert_eq!(with(&["Cargo.toml", "src/lib.rs"]).unwrap(), Source::Cargo);
        let python = Source::File(Language::Python, Role::Adapter);
        assert_eq!(with(&["src/adapter.py", "src/more.py"]).unwrap(), python);
        let refused = with(&["src/pattern.js", "src/pattern.c"]).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("src/pattern.js and src/pattern.c"),
            "{refused}"
        );
        let refused = with(&["src/other.js"]).unwrap_err();
        assert!(
            matches!(refused, AuthoringError::NoProject { .. }),
            "{refused}"
        );
    }

    #[test]
    fn a_directory_without_a_manifest_is_no_project() {
        let place = tempfile::tempdir().unwrap();
        let refused = project(place.path()).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("there is no remit-plugin.toml"),
            "{refused}"
        );
    }
}
