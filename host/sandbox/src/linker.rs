//! What exists for a guest: the contract's interfaces, the few of WASI that a grant or nothing at
//! all stands behind, and for every other `wasi:*` function one that says that it was not granted.
//!
//! Never: an interface of WASI that is linked as a whole package; an unknown `remit:*` import that
//! is answered with anything but a refusal to load.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, ResourceType};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};

use crate::bindings::host::remit::plugin as contract;
use crate::filesystem::{self, GuardedFilesystem};
use crate::store::StoreData;

/// The functions that this host offers in `remit:plugin@0.1`, per interface. A test holds this
/// against `wit/`.
pub const OFFERED: &[(&str, &[&str])] = &[
    ("types", &[]),
    (
        "process",
        &[
            "check",
            "spawn",
            "run",
            "wait-any",
            "[method]child.next-event",
            "[method]child.next-lines",
            "[method]child.write-stdin",
            "[method]child.close-stdin",
            "[method]child.kill",
            "[method]child.usage",
        ],
    ),
    (
        "progress",
        &["step", "percent", "log", "produced", "checkpoint"],
    ),
    ("workspace", &["root", "scratch", "grants", "changed-files"]),
    ("state", &["get", "set", "merge", "remove", "keys"]),
    (
        "clock",
        &["now-ms", "monotonic-ns", "time-left-ms", "sleep-ms"],
    ),
    ("random", &["bytes"]),
    ("http", &["send"]),
    ("person", &["ask"]),
];

/// The contract's package and the version line that this host speaks.
const PACKAGE: &str = "remit:plugin/";
const VERSION_LINE: &str = "0.1.";

/// Links a component against what the host offers.
pub(crate) fn link(engine: &Engine, component: &Component) -> Result<Linker<StoreData>, String> {
    let unknown = unknown_imports(engine, component);
    if !unknown.is_empty() {
        return Err(format!(
            "it imports what this host does not offer: {}; this host speaks remit:plugin@0.1.0",
            unknown.join(", ")
        ));
    }
    let mut linker = Linker::new(engine);
    add_contract(&mut linker).map_err(|error| format!("{error:#}"))?;
    add_wasi(&mut linker).map_err(|error| format!("{error:#}"))?;
    refuse_the_rest(&mut linker, engine, component).map_err(|error| format!("{error:#}"))?;
    Ok(linker)
}

/// A guest called a function that no grant stands behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin called `{0}`, which is granted to no plugin")]
pub(crate) struct NotGranted(String);

/// Gives every WASI interface that does not exist here functions that say so when they are called:
/// toolchains import more than their programs use.
fn refuse_the_rest(
    linker: &mut Linker<StoreData>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<()> {
    let ty = component.component_type();
    for (name, import) in ty.imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            continue;
        };
        if !name.starts_with("wasi:") || is_linked(name) {
            continue;
        }
        let mut stub = linker.instance(name)?;
        for (item, export) in instance.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => {
                    let full = format!("{name}#{item}");
                    stub.func_new(item, move |_, _, _, _| Err(NotGranted(full.clone()).into()))?;
                }
                ComponentItem::Resource(_) => {
                    stub.resource(item, shared_resource(item), |_, _| Ok(()))?;
                }
                // Types need no definition; WASI has nothing else in an interface.
                ComponentItem::Type(_)
                | ComponentItem::ComponentInstance(_)
                | ComponentItem::Component(_)
                | ComponentItem::CoreFunc(_)
                | ComponentItem::Module(_) => {}
            }
        }
    }
    Ok(())
}

/// Whether the functions of this interface are real here, whatever its patch version.
fn is_linked(import: &str) -> bool {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    version.starts_with("0.2.") && LINKED_WASI.contains(&name)
}

/// The WASI interfaces that [`add_wasi`] links.
const LINKED_WASI: &[&str] = &[
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:clocks/wall-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
];

/// A resource that a refused interface mentions must be the same type as where it comes from.
fn shared_resource(name: &str) -> ResourceType {
    match name {
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        "pollable" => ResourceType::host::<DynPollable>(),
        "error" => ResourceType::host::<wasmtime::Error>(),
        "descriptor" => ResourceType::host::<Descriptor>(),
        // Of its own: nothing makes one, so nothing can be mistaken for it.
        _ => ResourceType::host::<()>(),
    }
}

/// Imports that are neither ours nor WASI's, and functions that ours do not have.
fn unknown_imports(engine: &Engine, component: &Component) -> Vec<String> {
    let mut unknown = Vec::new();
    let ty = component.component_type();
    for (name, import) in ty.imports(engine) {
        if name.starts_with("wasi:") {
            continue;
        }
        let Some(offered) = offered(name) else {
            unknown.push(name.to_owned());
            continue;
        };
        if let ComponentItem::ComponentInstance(instance) = import.ty {
            for (function, item) in instance.exports(engine) {
                if matches!(item.ty, ComponentItem::ComponentFunc(_))
                    && !offered.contains(&function)
                {
                    unknown.push(format!("{name}#{function}"));
                }
            }
        }
    }
    unknown
}

/// The functions of an interface of ours, by its full name.
fn offered(import: &str) -> Option<&'static [&'static str]> {
    let (interface, version) = import.strip_prefix(PACKAGE)?.split_once('@')?;
    if !version.starts_with(VERSION_LINE) {
        return None;
    }
    OFFERED
        .iter()
        .find(|(name, _)| *name == interface)
        .map(|(_, functions)| *functions)
}

fn add_contract(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    contract::types::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::process::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::progress::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::workspace::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::state::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::clock::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::random::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::http::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    contract::person::add_to_linker::<_, HasSelf<_>>(linker, |data| data)?;
    Ok(())
}

/// The interfaces of WASI that exist here. Sockets and HTTP do not.
fn add_wasi(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    // Plumbing of every other interface.
    wasi::io::error::add_to_linker::<StoreData, HasTable>(linker, |data| &mut data.table)?;
    wasi::io::poll::add_to_linker::<StoreData, HasTable>(linker, |data| &mut data.table)?;
    wasi::io::streams::add_to_linker::<StoreData, HasTable>(linker, |data| &mut data.table)?;

    // Need no grant: every program may know the time and roll dice.
    wasi::clocks::wall_clock::add_to_linker::<StoreData, WasiClocks>(linker, StoreData::clocks)?;
    wasi::clocks::monotonic_clock::add_to_linker::<StoreData, WasiClocks>(
        linker,
        StoreData::clocks,
    )?;
    wasi::random::random::add_to_linker::<StoreData, WasiRandom>(linker, StoreData::random)?;
    wasi::random::insecure::add_to_linker::<StoreData, WasiRandom>(linker, StoreData::random)?;
    wasi::random::insecure_seed::add_to_linker::<StoreData, WasiRandom>(linker, StoreData::random)?;

    // Granted names only; no arguments; input is empty; output becomes log events.
    wasi::cli::environment::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::exit::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::stdin::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::stdout::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::stderr::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::terminal_input::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::terminal_output::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::terminal_stdin::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::terminal_stdout::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    wasi::cli::terminal_stderr::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;

    // Granted directories only, every path judged.
    wasi::filesystem::types::add_to_linker::<StoreData, GuardedFilesystem>(
        linker,
        filesystem::view,
    )?;
    wasi::filesystem::preopens::add_to_linker::<StoreData, GuardedFilesystem>(
        linker,
        filesystem::view,
    )?;
    Ok(())
}

/// Names the table of handles to the linker.
struct HasTable;

impl wasmtime::component::HasData for HasTable {
    type Data<'a> = &'a mut wasmtime::component::ResourceTable;
}
