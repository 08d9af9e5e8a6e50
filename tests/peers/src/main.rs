//! extism, measured on demand by the benchmark `plugin` of remit: see `tests/benches/peer`.
//!
//! The plugin is the smallest that echoes its input, written by hand in extism's own interface, so
//! that the comparison is never in remit's favour because of a toolchain. Never: run as a part of
//! remit or of its tests.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant};

use extism::{CompiledPlugin, Plugin, PluginBuilder};

/// Input and output are the same memory of extism: nothing is copied inside the plugin.
const ECHO: &str = r#"(module
    (import "extism:host/env" "input_offset" (func $offset (result i64)))
    (import "extism:host/env" "input_length" (func $length (result i64)))
    (import "extism:host/env" "output_set" (func $output (param i64 i64)))
    (memory (export "memory") 1)
    (func (export "echo") (result i32)
        (call $output (call $offset) (call $length))
        (i32.const 0)))"#;

/// The same as in the benchmark `plugin`.
const INPUT: &str = "0123456789abcdef";

fn main() -> Result<(), Box<dyn Error>> {
    let compiled = CompiledPlugin::new(PluginBuilder::new(ECHO.as_bytes()))?;
    let mut warm = Plugin::new_from_compiled(&compiled)?;
    let mut answers = std::io::stdout().lock();
    for question in std::io::stdin().lock().lines() {
        let question = question?;
        let words: Vec<&str> = question.split_whitespace().collect();
        let [what, count, goes] = words.as_slice() else {
            return Err(format!("`{question}` is not `fresh|call COUNT GOES`").into());
        };
        let goes = goes.parse()?;
        for _ in 0..count.parse::<u32>()? {
            let took = match *what {
                "fresh" => sample(goes, || echo(&mut Plugin::new_from_compiled(&compiled)?))?,
                "call" => sample(goes, || echo(&mut warm))?,
                other => return Err(format!("`{other}` is not measured here").into()),
            };
            write!(answers, "{} ", took.as_nanos())?;
        }
        writeln!(answers)?;
        answers.flush()?;
    }
    Ok(())
}

fn echo(plugin: &mut Plugin) -> Result<(), Box<dyn Error>> {
    let said: &str = plugin.call("echo", INPUT)?;
    if said != INPUT {
        return Err(format!("the echo was `{said}`").into());
    }
    black_box(said);
    Ok(())
}

/// The mean time of some goes.
fn sample(
    goes: u32,
    mut work: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    for _ in 0..goes {
        work()?;
    }
    Ok(start.elapsed() / goes)
}
