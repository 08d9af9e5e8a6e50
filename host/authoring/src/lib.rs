//! Makes and builds plugin projects in Rust, JavaScript, Python and C, from nothing but the program:
//! it carries the contract, an SDK for each language, and templates.
//!
//! What a project gets from here lies in its folder `.remit`, apart from what its author writes, and
//! is written anew by each build: a project always fits the host that builds it, and there is
//! nothing to publish or to download for it.
//!
//! Building runs the author's own toolchain, with the author's rights, as any build does. Nothing
//! here runs a plugin. Never: a toolchain downloaded without being asked for, a file of the author
//! written over.

#![expect(
    clippy::disallowed_methods,
    reason = "works on the author's own project, and runs the author's own toolchain"
)]

mod build;
mod embedded;
mod error;
mod generated;
mod language;
mod place;
mod project;
mod source;
mod toolchain;

pub use build::{Built, Core, Say, build};
pub use error::AuthoringError;
pub use language::{Language, Role};
pub use project::{Created, create};
