//! What a plugin costs without what it does: a fresh instance with one call, and a call of an
//! instance that is there. The peer is extism, if `tests/peers` was built.

use std::sync::Arc;

use remit_engine::host::PluginHost;
use remit_engine::plugin::Instance;
use remit_sandbox::LoadedPlugin;
use tokio::runtime::Runtime;

use crate::measure::{Clock, Contender, Samples, take_turns, time};
use crate::peer::Peer;
use crate::world;

/// A string in and a string out, as long as in the numbers of others.
const ECHO: &str = "0123456789abcdef";

/// Turns of each contender.
const TURNS: usize = 40;

/// Instances in one turn: enough that the processor is warm for most of them.
const INSTANCES: u32 = 250;

/// Samples of calls in one turn.
const BATCHES: u32 = 100;

/// Calls in one sample: one call is not much longer than a look at the clock.
const CALLS: u32 = 64;

pub(crate) fn run() {
    let runtime = world::tokio_runtime();
    let _inside = runtime.enter();
    let host = world::bare_host();
    let peer = Peer::start();
    fresh(&runtime, &host, &peer);
    warm(&runtime, &host, &peer);
}

fn fresh(runtime: &Runtime, host: &Arc<PluginHost>, peer: &Peer) {
    let noop = runtime.block_on(world::load_testing("noop", None));
    let real = runtime.block_on(world::load_built_in("module-creation"));
    let mut extism = |samples: &mut Samples| peer.ask("fresh", INSTANCES, 1, samples);
    let mut echo = |samples: &mut Samples| {
        fresh_instances(runtime, &noop, host, samples, async |instance| {
            let problems = instance.validate_inputs(ECHO).await;
            assert_eq!(problems.unwrap().len(), 1);
        });
    };
    let mut describe = |samples: &mut Samples| {
        fresh_instances(runtime, &real, host, samples, async |instance| {
            let descriptor = instance.describe().await;
            assert_eq!(descriptor.unwrap().id, "module-creation");
        });
    };
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    if peer.is_there() {
        contenders.push(("extism: echo", &mut extism));
    }
    contenders.push(("remit: noop, echo", &mut echo));
    contenders.push(("remit: module-creation, describe", &mut describe));
    take_turns("fresh instance + call + drop", TURNS, &mut contenders);
}

fn warm(runtime: &Runtime, host: &Arc<PluginHost>, peer: &Peer) {
    let noop = runtime.block_on(world::load_testing("noop", None));
    let mut instance = runtime.block_on(world::instance(&noop, host));
    let mut extism = |samples: &mut Samples| peer.ask("call", BATCHES, CALLS, samples);
    let mut echo = |samples: &mut Samples| warm_calls(runtime, instance.as_mut(), samples);
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    if peer.is_there() {
        contenders.push(("extism: echo", &mut extism));
    }
    contenders.push(("remit: noop, echo", &mut echo));
    take_turns("call of an instance that is there", TURNS, &mut contenders);
}

/// A fresh instance, one call, and the end of the instance; often.
fn fresh_instances(
    runtime: &Runtime,
    plugin: &LoadedPlugin,
    host: &Arc<PluginHost>,
    samples: &mut Samples,
    call: impl AsyncFn(&mut dyn Instance),
) {
    runtime.block_on(async {
        for _ in 0..INSTANCES {
            let clock = Clock::start();
            let mut instance = world::instance(plugin, host).await;
            call(instance.as_mut()).await;
            drop(instance);
            samples.add(clock.elapsed());
        }
    });
}

/// The same call of an instance that lives on.
fn warm_calls(runtime: &Runtime, instance: &mut dyn Instance, samples: &mut Samples) {
    for _ in 0..BATCHES {
        let took = time(|| {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    let problems = instance.validate_inputs(ECHO).await;
                    assert_eq!(problems.unwrap().len(), 1);
                }
            });
        });
        samples.add(took / CALLS);
    }
}
