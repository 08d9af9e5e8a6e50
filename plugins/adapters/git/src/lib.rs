//! The adapter `git`: reads and writes a repository, also one of a stranger.
//!
//! A repository can configure programs that git runs when it only looks: clean filters, monitors,
//! external diffs. [`sealed`] makes a git directory in the scratch directory that has the repository's
//! refs and index and none of its configuration; git works with that one. [`read`] turns what git says
//! into JSON. [`flow`] makes commits and branches and applies patches in that directory, and [`publish`]
//! brings into the repository what came of it. Never: a word of the repository's configuration that git gets to see, but for the
//! format of its objects; a git that writes to the repository itself.
#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod flow;
mod patch;
mod publish;
mod read;
mod refs;
mod refusal;
mod request;
mod sealed;
mod selection;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
use component::Git;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Git, "remit-plugin.toml");
