//! `remit:plugin/clock`: time, and how much of it is left.
//!
//! Never: a sleep that outlives the attempt; the attempt's deadline drops the call.

use std::time::Duration;

use wasmtime::Result;

use crate::bindings::host::remit::plugin::clock::Host;
use crate::store::StoreData;

impl Host for StoreData {
    async fn now_ms(&mut self) -> Result<u64> {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let millis = u64::try_from(now.tv_nsec).unwrap_or_default() / 1_000_000;
        Ok(seconds.saturating_mul(1000).saturating_add(millis))
    }

    async fn monotonic_ns(&mut self) -> Result<u64> {
        Ok(u64::try_from(self.host.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    async fn time_left_ms(&mut self) -> Result<u64> {
        Ok(u64::try_from(self.host.time_left().as_millis()).unwrap_or(u64::MAX))
    }

    async fn sleep_ms(&mut self, duration: u64) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(duration)).await;
        Ok(())
    }
}
