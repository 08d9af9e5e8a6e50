//! `remit:plugin/random`: randomness from the operating system.
//!
//! Never: a generator of our own.

use wasmtime::Result;

use crate::bindings::host::remit::plugin::random::Host;
use crate::store::StoreData;

/// Bytes in one call; the contract's number.
const MAX_BYTES: usize = 64 << 10;

impl Host for StoreData {
    async fn bytes(&mut self, count: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(MAX_BYTES).min(MAX_BYTES)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
        }
        Ok(bytes)
    }
}
