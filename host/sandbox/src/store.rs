//! What one store holds: the WASI context, the table of handles, the limits, and the host side of
//! the attempt.
//!
//! Never: anything that outlives the attempt.

use std::sync::Arc;

use remit_engine::host::PluginHost;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::access::Access;
use crate::limits::Limits;
use crate::stdio::LogLines;

/// The data of one store.
pub(crate) struct StoreData {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    pub(crate) host: Arc<PluginHost>,
    pub(crate) access: Arc<Access>,
    pub(crate) stdout: LogLines,
    pub(crate) stderr: LogLines,
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
