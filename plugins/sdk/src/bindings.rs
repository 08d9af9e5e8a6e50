//! What `wit-bindgen` makes of the contract in `wit/`, once for both worlds.
//!
//! Never: anything written by hand. Plugin authors use the names that the crate root re-exports;
//! this module is public only because the export macros name it.

#![allow(
    missing_docs,
    reason = "the contract is documented in wit/, which the generator copies where it can"
)]
#![allow(
    unsafe_code,
    reason = "lowering to the canonical ABI is unsafe by nature; only generated code does it"
)]

/// Everything that the host offers.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "imports",
        generate_all,
        additional_derives: [PartialEq],
    });
}

/// The glue that exports a pattern. Its types are those of [`imports`], so that a denial that the
/// host returned can be handed back to the host as it is.
pub mod pattern {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "pattern-executor",
        pub_export_macro: true,
        default_bindings_module: "remit_plugin_sdk::bindings::pattern",
        export_macro_name: "export_pattern_world",
        additional_derives: [PartialEq],
        with: {
            "remit:plugin/types@0.1.0": super::imports::remit::plugin::types,
            "remit:plugin/process@0.1.0": super::imports::remit::plugin::process,
            "remit:plugin/progress@0.1.0": super::imports::remit::plugin::progress,
            "remit:plugin/workspace@0.1.0": super::imports::remit::plugin::workspace,
            "remit:plugin/state@0.1.0": super::imports::remit::plugin::state,
            "remit:plugin/clock@0.1.0": super::imports::remit::plugin::clock,
            "remit:plugin/random@0.1.0": super::imports::remit::plugin::random,
            "remit:plugin/http@0.1.0": super::imports::remit::plugin::http,
            "remit:plugin/person@0.1.0": super::imports::remit::plugin::person,
        },
    });
}

/// The glue that exports an adapter, likewise.
pub mod adapter {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "tool-adapter",
        pub_export_macro: true,
        default_bindings_module: "remit_plugin_sdk::bindings::adapter",
        export_macro_name: "export_adapter_world",
        additional_derives: [PartialEq],
        with: {
            "remit:plugin/types@0.1.0": super::imports::remit::plugin::types,
            "remit:plugin/process@0.1.0": super::imports::remit::plugin::process,
            "remit:plugin/progress@0.1.0": super::imports::remit::plugin::progress,
            "remit:plugin/workspace@0.1.0": super::imports::remit::plugin::workspace,
            "remit:plugin/state@0.1.0": super::imports::remit::plugin::state,
            "remit:plugin/clock@0.1.0": super::imports::remit::plugin::clock,
            "remit:plugin/random@0.1.0": super::imports::remit::plugin::random,
            "remit:plugin/http@0.1.0": super::imports::remit::plugin::http,
            "remit:plugin/person@0.1.0": super::imports::remit::plugin::person,
        },
    });
}
