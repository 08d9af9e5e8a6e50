//! What an instance that waits takes of the host's memory: pages that belong to this process alone
//! and were written, before and after many instances with one call each.
//!
//! Each guest has an engine of its own, and so a pool that nobody has used before.

use remit_engine::plugin::Instance;

use crate::world;

/// Instances that are there at once. The pool has room for 256.
const INSTANCES: u64 = 200;

pub(crate) fn run() {
    let runtime = world::tokio_runtime();
    let _inside = runtime.enter();
    for guest in ["noop", "probe"] {
        let plugin = runtime.block_on(world::load_testing(guest, None));
        let host = world::bare_host();
        let call = async || {
            let mut instance = world::instance(&plugin, &host).await;
            instance.validate_inputs("{\"problems\":[]}").await.unwrap();
            instance
        };
        // What the first one makes and the process keeps is not a cost of each.
        let first = runtime.block_on(call());
        let before = private_dirty();
        let mut instances: Vec<Box<dyn Instance>> = Vec::new();
        for _ in 0..INSTANCES {
            instances.push(runtime.block_on(call()));
        }
        let grown = private_dirty().saturating_sub(before);
        println!(
            "{guest}: {INSTANCES} idle instances, {:.1} KiB each (private dirty)",
            grown as f64 / 1024.0 / INSTANCES as f64
        );
        drop((first, instances));
    }
}

/// Bytes of pages that only this process has and has written to.
fn private_dirty() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"))
        .unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}
