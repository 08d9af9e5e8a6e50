//! A new project: a template with its names filled in. It builds and runs at once.
//!
//! Never: a file in a directory that holds something already.

use std::fs;
use std::path::Path;

use remit_core::id::PluginId;

use crate::embedded::TEMPLATES;
use crate::error::AuthoringError;
use crate::language::Language;
use crate::place;

/// The folder of templates that every language gets.
const EVERY: &str = "every";

/// Names that a template cannot have as a file of this repository, and what they become.
const RENAMED: &[(&str, &str)] = &[("gitignore", ".gitignore"), ("Cargo.toml.in", "Cargo.toml")];

/// A project that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its files, relative to its directory, sorted.
    pub files: Vec<String>,
    /// The one that its author changes first.
    pub source: String,
}

/// Makes a project in a directory that is not there or empty.
///
/// # Errors
/// The directory is not empty, or a file cannot be written.
pub fn create(
    directory: &Path,
    id: &PluginId,
    language: Language,
) -> Result<Created, AuthoringError> {
    if !place::is_free(directory)? {
        return Err(AuthoringError::Occupied(directory.to_owned()));
    }
    fs::create_dir_all(directory).map_err(|error| AuthoringError::write(directory, error))?;
    let mut files = Vec::new();
    for (path, content) in files_of(id, language) {
        place::write(directory, &path, content.as_bytes())?;
        files.push(path);
    }
    files.sort();
    let source = source(language);
    Ok(Created { files, source })
}

/// The files of a new project.
fn files_of(id: &PluginId, language: Language) -> Vec<(String, String)> {
    let names = [
        ("{{id}}", id.to_string()),
        ("{{crate}}", id.to_string().replace('-', "_")),
        ("{{language}}", language.to_string()),
        ("{{word}}", language.word().to_owned()),
        ("{{memory}}", memory(language).to_owned()),
        ("{{source}}", source(language)),
    ];
    let own = format!("{}/", language.word());
    let every = format!("{EVERY}/");
    TEMPLATES
        .iter()
        .filter_map(|(path, content)| {
            let path = path.strip_prefix(&own).or(path.strip_prefix(&every))?;
            let mut text = String::from_utf8_lossy(content).into_owned();
            for (name, value) in &names {
                text = text.replace(name, value);
            }
            Some((renamed(path), text))
        })
        .collect()
}

fn source(language: Language) -> String {
    match language.ending() {
        None => "src/lib.rs".to_owned(),
        Some(ending) => format!("src/pattern.{ending}"),
    }
}

/// What an instance needs at least, with room for the plugin's own: CPython alone takes 20 MiB.
fn memory(language: Language) -> &'static str {
    match language {
        Language::Rust | Language::C => "16MiB",
        Language::JavaScript => "32MiB",
        Language::Python => "128MiB",
    }
}

fn renamed(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let known = RENAMED.iter().find(|(from, _)| *from == name);
    let name = known.map_or(name, |(_, to)| to);
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use remit_core::manifest::Manifest;

    use super::*;

    fn id() -> PluginId {
        "say-hello".parse().unwrap()
    }

    #[test]
    fn every_project_has_what_a_project_needs_and_no_name_is_left_open() {
        for language in Language::ALL {
            let place = tempfile::tempdir().unwrap();
            let directory = place.path().join("new");
            let created = create(&directory, &id(), language).unwrap();
            for file in [
                "remit-plugin.toml",
                "README.md",
                "LICENSE",
                ".gitignore",
                "tests/hello.toml",
            ] {
                assert!(
                    created.files.contains(&file.to_owned()),
                    "{language}: {file}"
                );
            }
            assert!(created.files.contains(&created.source), "{language}");
            for file in &created.files {
                let text = fs::read_to_string(directory.join(file)).unwrap();
                assert!(!text.contains("{{"), "{language}: {file}\n{text}");
            }
            let text = fs::read_to_string(directory.join("remit-plugin.toml")).unwrap();
            let manifest = Manifest::parse("remit-plugin.toml", &text).unwrap();
            assert_eq!(manifest.id(), &id());
        }
    }

    #[test]
    fn nothing_is_written_where_something_is() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("mine.txt"), "mine").unwrap();
        let refused = create(place.path(), &id(), Language::C);
        assert!(matches!(refused, Err(AuthoringError::Occupied(_))));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
