//! The adapter `git`: reads a repository, also one of a stranger.
//!
//! A repository can configure programs that git runs when it only looks: clean filters, monitors,
//! external diffs. [`sealed`] makes a git directory in the scratch directory that has the repository's
//! refs and index and none of its configuration; git works with that one. [`read`] turns what git says
//! into JSON. Never: a word of the repository's configuration that git gets to see, but for the
//! format of its objects; a change of the repository.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod read;
mod request;
mod sealed;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
use component::Git;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Git, "remit-plugin.toml");
