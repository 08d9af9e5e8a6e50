//! The pattern `cleanup`: removes duplicates, puts stale files into an archive, brings imports up to
//! date, and packs old archives.
//!
//! [`config`] reads what somebody wants, [`scan`] looks at the tree; [`duplicates`], [`stale`],
//! [`imports`] and [`archives`] each turn that into a [`plan::Plan`] without changing anything;
//! [`check`] says whether it may begin, [`run`] carries plans out in transactions, runs the tests, and
//! takes everything back where they fail. Only `component` knows the host. Never: a change in a dry run, a success whose
//! tests failed, a file that is gone without a backup or a copy.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

mod archives;
mod check;
#[cfg(target_arch = "wasm32")]
mod component;
mod config;
mod date;
mod duplicates;
mod glob;
mod imports;
mod plan;
mod request;
mod run;
mod scan;
mod stale;
mod status;
mod testing;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
use component::Cleanup;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_pattern!(Cleanup, "remit-plugin.toml");
