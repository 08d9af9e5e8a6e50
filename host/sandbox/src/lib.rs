//! What a plugin can touch: a component in wasmtime, inside limits, with exactly the imports that
//! its grants allow.
//!
//! - [`runtime`]: the engine, its configuration and its limits
//! - [`cache`]: compiled components on disk
//! - [`component`]: a plugin's code, linked and ready to be instantiated
//! - `instance`: one plugin in one store, for one attempt
//! - `interface`: one file per WIT interface of the contract
//! - `filesystem`, `access`: the granted directories, and the rules below them
//! - `stdio`: what a plugin prints becomes log events
//!
//! Never: a decision about a grant (that is `core`), a process (that is `process`), a path that a
//! plugin wrote given to `std::fs`.

mod access;
mod bindings;
pub mod cache;
pub mod component;
mod fault;
mod filesystem;
mod instance;
mod interface;
mod limits;
mod linker;
pub mod runtime;
mod stdio;
mod store;
#[cfg(test)]
mod ungranted;

pub use component::{LoadError, LoadedPlugin};
pub use linker::OFFERED;
pub use runtime::{Runtime, RuntimeError};
