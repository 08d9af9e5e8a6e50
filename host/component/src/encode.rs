//! From a core module to a component, for languages whose compilers know only the first.
//!
//! The module says in custom sections which world it is for, as the bindings generators leave them.
//! What it uses of WASI 0.1 is served by the adapter that belongs to the host's wasmtime.
//!
//! Never: a module run.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

/// Why a module did not become a component.
#[derive(Debug, thiserror::Error)]
#[error("the module cannot become a component: {0}")]
pub struct EncodeError(String);

/// Makes a component of a core module.
///
/// # Errors
/// The bytes are no module, it lacks what its world exports, or it imports what neither the world
/// nor WASI has.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| {
            encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
        })
        .map_err(|error| EncodeError(format!("{error:#}")))?;
    encoder
        .encode()
        .map_err(|error| EncodeError(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused() {
        let error = encode(b"no module").unwrap_err();
        assert!(
            error.to_string().contains("cannot become a component"),
            "{error}"
        );
    }
}
