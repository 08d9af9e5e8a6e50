//! The attributes that turn a function into a plugin and a struct into its inputs or outputs.
//!
//! What the manifest says already is not said again: id, version and title are read from
//! `remit-plugin.toml` while the plugin compiles.
//!
//! Never: used by itself. `remit-plugin-sdk` re-exports everything.

mod manifest;
mod plugin;
mod types;

use proc_macro::TokenStream;

/// Makes a function the work of a pattern executor, and the crate a plugin.
///
/// The function takes its inputs and, if it wants it, `&Context`; it returns
/// `Result<Done<Outputs>, Failure>`, where the error is anything that becomes a `Failure`.
/// `#[pattern(validate = check)]` names a function `fn(&Inputs) -> Vec<Problem>` for what the schema
/// cannot say. The manifest is `remit-plugin.toml` beside `Cargo.toml`.
#[proc_macro_attribute]
pub fn pattern(arguments: TokenStream, function: TokenStream) -> TokenStream {
    plugin::expand(plugin::Role::Pattern, arguments.into(), function.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes a function the work of a tool adapter, and the crate a plugin.
///
/// As [`macro@pattern`], but it returns `Result<AdapterReport, Failure>`, and
/// `#[adapter(about = ABOUT)]` names what the adapter can do, an `About`.
/// `validate_config = check` names a function `fn() -> Vec<Problem>` that says what is missing.
#[proc_macro_attribute]
pub fn adapter(arguments: TokenStream, function: TokenStream) -> TokenStream {
    plugin::expand(plugin::Role::Adapter, arguments.into(), function.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes a type readable from JSON, with a schema that refuses unknown fields.
#[proc_macro_attribute]
pub fn inputs(arguments: TokenStream, item: TokenStream) -> TokenStream {
    types::expand(types::Direction::In, arguments.into(), item.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes a type writable as JSON, with a schema.
#[proc_macro_attribute]
pub fn outputs(arguments: TokenStream, item: TokenStream) -> TokenStream {
    types::expand(types::Direction::Out, arguments.into(), item.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
