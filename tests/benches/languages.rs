//! The plugin of `examples/plugins` in each language: how large it is, how long the host compiles it
//! once, what a fresh instance costs with one call, and a call of an instance that is there.
//!
//! The components are those that `cargo test -p remit --test examples` leaves in
//! `target/toolchains`; what is not there is said. Rust is the peer.

use std::path::{Path, PathBuf};

use remit_sandbox::LoadedPlugin;

use crate::measure::{Clock, Contender, Samples, take_turns, time};
use crate::world;

/// The languages, the peer first.
const LANGUAGES: &[&str] = &["rust", "c", "javascript", "python"];

/// Memory of an instance: what the largest of them asks for.
const MEMORY: u64 = 128 << 20;

/// Turns of each contender, and of the compiler, which takes seconds for CPython.
const TURNS: usize = 20;
const COMPILATIONS: usize = 2;

/// Instances in one turn.
const INSTANCES: u32 = 20;

/// Samples in one turn, and calls in each.
const BATCHES: u32 = 20;
const CALLS: u32 = 16;

/// Inputs that fit.
const INPUTS: &str = r#"{"name": "Ada", "file": "HELLO.md"}"#;

struct Contestant {
    language: &'static str,
    bytes: Vec<u8>,
    plugin: LoadedPlugin,
}

pub(crate) fn run() {
    let runtime = world::tokio_runtime();
    let _inside = runtime.enter();
    let found: Vec<Contestant> = LANGUAGES
        .iter()
        .filter_map(|language| {
            let bytes = std::fs::read(component(language)).ok();
            if bytes.is_none() {
                println!("{language}: not there; `cargo test -p remit --test examples` builds it");
            }
            let bytes = bytes?;
            let plugin = runtime.block_on(world::load_bytes(&bytes, MEMORY));
            Some(Contestant {
                language,
                bytes,
                plugin,
            })
        })
        .collect();
    println!("\nsize of the component");
    for contestant in &found {
        let kib = contestant.bytes.len() as f64 / 1024.0;
        println!("{:<44} {kib:>9.0} KiB", contestant.language);
    }
    compile(&runtime, &found);
    fresh(&runtime, &found);
    warm(&runtime, &found);
}

/// Where the tests of the examples leave the component of a language.
fn component(language: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join(format!("toolchains/{language}-hello.wasm"))
}

fn measure(
    title: &str,
    turns: usize,
    found: &[Contestant],
    work: &dyn Fn(&Contestant, &mut Samples),
) {
    let mut turns_of: Vec<_> = found
        .iter()
        .map(|contestant| {
            let turn = move |samples: &mut Samples| work(contestant, samples);
            (contestant.language, turn)
        })
        .collect();
    let mut contenders: Vec<Contender<'_>> = turns_of
        .iter_mut()
        .map(|(language, turn)| (*language, turn as &mut dyn FnMut(&mut Samples)))
        .collect();
    take_turns(title, turns, &mut contenders);
}

fn compile(runtime: &tokio::runtime::Runtime, found: &[Contestant]) {
    measure(
        "compile, once for each component",
        COMPILATIONS,
        found,
        &|contestant, samples| {
            samples.add(time(|| {
                runtime.block_on(world::load_bytes(&contestant.bytes, MEMORY));
            }));
        },
    );
}

fn fresh(runtime: &tokio::runtime::Runtime, found: &[Contestant]) {
    let host = world::bare_host();
    measure(
        "fresh instance + validate-inputs + drop",
        TURNS,
        found,
        &|contestant, samples| {
            runtime.block_on(async {
                for _ in 0..INSTANCES {
                    let clock = Clock::start();
                    let mut instance = world::instance(&contestant.plugin, &host).await;
                    assert!(instance.validate_inputs(INPUTS).await.unwrap().is_empty());
                    drop(instance);
                    samples.add(clock.elapsed());
                }
            });
        },
    );
}

fn warm(runtime: &tokio::runtime::Runtime, found: &[Contestant]) {
    let host = world::bare_host();
    measure(
        "call of an instance that is there",
        TURNS,
        found,
        &|contestant, samples| {
            runtime.block_on(async {
                let mut instance = world::instance(&contestant.plugin, &host).await;
                for _ in 0..BATCHES {
                    let clock = Clock::start();
                    for _ in 0..CALLS {
                        assert!(instance.validate_inputs(INPUTS).await.unwrap().is_empty());
                    }
                    samples.add(clock.elapsed() / CALLS);
                }
            });
        },
    );
}
