//! The contract as Rust types, generated from `wit/` at build time.
//!
//! Three worlds are generated: what the host offers, and the two roles a plugin can have. The
//! roles use the host's types, so that a value is the same type wherever it comes from. Never:
//! code written by hand.

/// What the host offers.
pub(crate) mod host {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "imports",
        imports: { default: async | trappable },
        with: { "remit:plugin/process.child": crate::interface::process::Child },
    });
}

/// A pattern executor.
pub(crate) mod pattern {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "pattern-executor",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "remit:plugin/types": crate::bindings::host::remit::plugin::types,
            "remit:plugin/process": crate::bindings::host::remit::plugin::process,
            "remit:plugin/progress": crate::bindings::host::remit::plugin::progress,
            "remit:plugin/workspace": crate::bindings::host::remit::plugin::workspace,
            "remit:plugin/state": crate::bindings::host::remit::plugin::state,
            "remit:plugin/clock": crate::bindings::host::remit::plugin::clock,
            "remit:plugin/random": crate::bindings::host::remit::plugin::random,
            "remit:plugin/http": crate::bindings::host::remit::plugin::http,
            "remit:plugin/person": crate::bindings::host::remit::plugin::person,
        },
    });
}

/// A tool adapter.
pub(crate) mod adapter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "tool-adapter",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "remit:plugin/types": crate::bindings::host::remit::plugin::types,
            "remit:plugin/process": crate::bindings::host::remit::plugin::process,
            "remit:plugin/progress": crate::bindings::host::remit::plugin::progress,
            "remit:plugin/workspace": crate::bindings::host::remit::plugin::workspace,
            "remit:plugin/state": crate::bindings::host::remit::plugin::state,
            "remit:plugin/clock": crate::bindings::host::remit::plugin::clock,
            "remit:plugin/random": crate::bindings::host::remit::plugin::random,
            "remit:plugin/http": crate::bindings::host::remit::plugin::http,
            "remit:plugin/person": crate::bindings::host::remit::plugin::person,
        },
    });
}
