//! What the report says of small trees, and of a registry that nobody here wrote.
//!
//! Never: a number that was not counted by other means before.

mod origin;
mod small;

use std::fs;
use std::path::Path;

use crate::phases;
use crate::registry::Registry;
use crate::report::{Report, report};
use crate::tree::Tree;

/// Writes files below a directory.
fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The report of a registry, a report of phases and a tree.
fn of(registry: &str, phases: &str, root: &Path) -> Report {
    let registry = Registry::parse(registry).unwrap();
    let phases = phases::parse(phases);
    report("registry.yaml", &registry, &phases, &mut Tree::new(root))
}
