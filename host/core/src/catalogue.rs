//! Ready declarations of common tools, shipped as data in `catalogue.toml`.
//!
//! They are the lowest layer of every policy: declared, and allowed to nobody. An owner who wants
//! another program, template or limit copies one into a policy and edits it. Never: a shell, a
//! rule for a plugin.

use crate::diagnostic::Diagnostics;
use crate::policy::{Layer, Origin};

/// The catalogue as it is shipped, for an owner who wants to copy from it.
pub const TEXT: &str = include_str!("catalogue.toml");

/// The catalogue as a layer.
///
/// # Errors
/// The shipped text is wrong, which a test rules out.
pub fn layer() -> Result<Layer, Diagnostics> {
    Layer::parse(Origin::BuiltIn, TEXT)
}

#[cfg(test)]
mod tests;
