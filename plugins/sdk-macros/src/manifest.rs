//! What the package that is compiled says of itself: its plugin manifest, and under which name it
//! knows the SDK.
//!
//! Never: a check of what is requested. `remit` reads the manifest as a whole and explains.

use std::path::{Path, PathBuf};

use proc_macro2::{Ident, Span};
use toml::{Table, Value};

/// The manifest's file name.
pub(crate) const FILE: &str = "remit-plugin.toml";

/// The SDK's package name.
const SDK: &str = "remit-plugin-sdk";

/// The tables of `Cargo.toml` in which the SDK can stand.
const TABLES: &[&str] = &["dependencies", "dev-dependencies"];

/// What a plugin says of itself.
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) title: String,
}

/// The directory of the package that is compiled.
fn package() -> Result<PathBuf, String> {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| "cargo sets no CARGO_MANIFEST_DIR: build with cargo".into())
}

fn table(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    text.parse()
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads id, version and title from the manifest beside `Cargo.toml`.
pub(crate) fn named() -> Result<Named, String> {
    let path = package()?.join(FILE);
    let manifest = table(&path)?;
    let text = |key: &str| {
        manifest
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| format!("{}: `{key}` is missing, a string", path.display()))
    };
    Ok(Named {
        id: text("id")?,
        version: text("version")?,
        title: text("title")?,
    })
}

/// The name by which the package knows the SDK: `remit_plugin_sdk`, or what its `Cargo.toml` calls
/// it with `NAME = { package = "remit-plugin-sdk", … }`.
pub(crate) fn sdk() -> Ident {
    let renamed = package()
        .and_then(|package| table(&package.join("Cargo.toml")))
        .ok()
        .and_then(|cargo| renamed(&cargo));
    let name = renamed.unwrap_or_else(|| SDK.to_owned());
    Ident::new(&name.replace('-', "_"), Span::call_site())
}

fn renamed(cargo: &Table) -> Option<String> {
    TABLES
        .iter()
        .filter_map(|name| cargo.get(*name)?.as_table())
        .flatten()
        .find(|(_, dependency)| dependency.get("package").and_then(Value::as_str) == Some(SDK))
        .map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_sdk_is_found() {
        let cargo = |text: &str| text.parse::<Table>().unwrap();
        let other =
            cargo("[dependencies]\nremit = { package = \"remit-plugin-sdk\", path = \"x\" }");
        assert_eq!(renamed(&other).as_deref(), Some("remit"));
        let same = cargo("[dependencies]\nserde = \"1\"\nremit-plugin-sdk = { path = \"x\" }");
        assert_eq!(renamed(&same), None);
    }
}
