//! What wasmtime reports when a guest cannot go on, as the one fault that it was.
//!
//! Never: a guess from a message where a typed error is there to be asked.

use remit_core::outcome::FaultKind;
use remit_engine::host::{LimitHit, PluginHost};
use remit_engine::plugin::PluginFault;
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use crate::limits::{MemoryHit, TableHit};
use crate::linker::NotGranted;

/// Frames of a guest's backtrace that a message shows. More is for a debugger.
const FRAMES: usize = 8;

/// The guest's approval was taken back while it ran: nothing that it calls is there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the approval of this run was revoked")]
pub(crate) struct Revoked;

impl Revoked {
    /// Lets a guest go on only while its run is not over.
    pub(crate) fn check(host: &PluginHost) -> wasmtime::Result<()> {
        if host.is_over() {
            return Err(Self.into());
        }
        Ok(())
    }
}

/// Names the fault in an error that a call or an instantiation returned.
pub(crate) fn from_wasmtime(error: &wasmtime::Error) -> PluginFault {
    if let Some(hit) = error.downcast_ref::<MemoryHit>() {
        return PluginFault::new(FaultKind::Memory, hit.to_string());
    }
    if let Some(hit) = error.downcast_ref::<TableHit>() {
        return PluginFault::new(FaultKind::Limit, hit.to_string());
    }
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        return PluginFault::new(FaultKind::Limit, hit.to_string());
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return PluginFault::new(
            FaultKind::Exit,
            format!(
                "the plugin ended itself with exit code {} instead of returning a result",
                exit.0
            ),
        );
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return from_trap(*trap, error);
    }
    if let Some(revoked) = error.downcast_ref::<Revoked>() {
        return PluginFault::new(FaultKind::NotGranted, revoked.to_string());
    }
    if let Some(refused) = error.downcast_ref::<NotGranted>() {
        return PluginFault::new(FaultKind::NotGranted, refused.to_string());
    }
    PluginFault::new(FaultKind::Trap, error.root_cause().to_string())
}

fn from_trap(trap: Trap, error: &wasmtime::Error) -> PluginFault {
    // `Trap` grows with wasmtime; what has no word of its own here is simply a trap.
    let kind = if trap == Trap::StackOverflow {
        FaultKind::Stack
    } else if trap == Trap::AllocationTooLarge {
        FaultKind::Memory
    } else {
        FaultKind::Trap
    };
    let what = if trap == Trap::UnreachableCodeReached {
        "the plugin panicked or reached code that must not be reached".to_owned()
    } else {
        format!("the plugin trapped: {trap}")
    };
    PluginFault::new(kind, format!("{what}{}", backtrace(error)))
}

/// The innermost frames of the guest, one per line.
fn backtrace(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<wasmtime::WasmBacktrace>() else {
        return String::new();
    };
    let mut text = String::new();
    // A component that was built without names has frames about which nothing can be said.
    let names = trace.frames().iter().filter_map(|frame| frame.func_name());
    for name in names.take(FRAMES) {
        text.push_str("\n  in ");
        text.push_str(name);
    }
    text
}
