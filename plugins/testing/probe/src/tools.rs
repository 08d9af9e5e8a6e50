//! Tools in every way that the contract has, and in some that it forbids.
//!
//! Never: a tool that the test did not name.

use std::collections::BTreeMap;
use std::time::Duration;

use remit_plugin_sdk::{Call, Child, Event, Exit, KillCause, LineEvent, Output, Stdin, Usage};
use remit_plugin_sdk::{ProcessError, clock, wait_any};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::hostile::spin;
use crate::trouble::Trouble;

/// Most bytes of one event, unless the test says otherwise.
const CHUNK: u32 = 64 * 1024;
/// Most bytes of text that a result quotes.
const QUOTED: usize = 4096;

/// A use of tools.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(crate) enum ToolDeed {
    /// Asks whether a call would be carried out.
    Check { call: ToolCall },
    /// Runs to the end; exit, output, usage.
    Run { call: ToolCall, limit: Option<u32> },
    /// Runs the same call several times, one after the other; the exits.
    RunMany { call: ToolCall, count: usize },
    /// Reads events to the end and counts; with `text`, first writes it to the input, which must
    /// be piped, and closes it.
    Stream {
        call: ToolCall,
        text: Option<String>,
        max: Option<u32>,
    },
    /// Reads events to the end and looks at nothing but their length, as fast as a guest can.
    Drain { call: ToolCall, max: Option<u32> },
    /// Reads whole lines to the end; the first `keep` come back.
    Lines { call: ToolCall, keep: usize },
    /// Starts `count` at once and waits for all with `wait-any`; the exits in order of starting.
    Parallel { call: ToolCall, count: usize },
    /// Starts one, reads the first output, drops the handle, and returns that output.
    SpawnDrop { call: ToolCall },
    /// Starts one, reads the first output, forgets the handle, and returns that output.
    SpawnForget { call: ToolCall },
    /// Starts one, reads the first output, and loops for ever.
    SpawnSpin { call: ToolCall },
    /// Starts one, reads the first output, kills it; its exit.
    SpawnKill { call: ToolCall, grace_ms: u32 },
    /// Starts one, reads nothing for a while, and then everything.
    SpawnIdle { call: ToolCall, ms: u64 },
    /// Asks a tool that is silent for news with this patience, once.
    Poll { call: ToolCall, ms: u32 },
    /// Uses a handle in ways that do not fit its state; what each attempt said.
    Misuse { call: ToolCall },
}

/// A call as a test writes it.
#[derive(Deserialize)]
pub(crate) struct ToolCall {
    tool: String,
    template: String,
    #[serde(default)]
    slots: BTreeMap<String, Slot>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cwd: Option<String>,
    #[serde(default)]
    stdin: Input,
    timeout_ms: Option<u64>,
    idle_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Slot {
    One(String),
    Many(Vec<String>),
}

/// What the tool reads; nothing by default.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Input {
    #[default]
    Empty,
    Text(String),
    File(String),
    Piped,
}

impl ToolCall {
    fn build(self) -> Call {
        let mut call = Call::new(self.tool, self.template).stdin(match self.stdin {
            Input::Empty => Stdin::Empty,
            Input::Text(text) => Stdin::Bytes(text.into_bytes()),
            Input::File(path) => Stdin::File(path),
            Input::Piped => Stdin::Piped,
        });
        for (name, slot) in self.slots {
            call = match slot {
                Slot::One(value) => call.slot(name, value),
                Slot::Many(values) => call.slots(name, values),
            };
        }
        for (name, value) in self.env {
            call = call.env(name, value);
        }
        if let Some(directory) = self.cwd {
            call = call.cwd(directory);
        }
        if let Some(time) = self.timeout_ms {
            call = call.timeout(Duration::from_millis(time));
        }
        if let Some(time) = self.idle_ms {
            call = call.idle(Duration::from_millis(time));
        }
        call
    }
}

impl ToolDeed {
    /// Does it.
    pub(crate) fn perform(self) -> Result<Value, Trouble> {
        match self {
            Self::Check { call } => Ok(json!(call.build().check()?)),
            Self::Run { call, limit } => {
                let output = call.build().run_keeping(limit.unwrap_or(1 << 20))?;
                Ok(describe_output(&output))
            }
            Self::RunMany { call, count } => {
                let call = call.build();
                let mut exits = Vec::new();
                for _ in 0..count {
                    exits.push(describe_exit(call.run()?.exit));
                }
                Ok(json!(exits))
            }
            Self::Stream { call, text, max } => {
                let child = call.build().spawn()?;
                if let Some(text) = text {
                    child.write_all(text.as_bytes())?;
                    child.close_stdin();
                }
                stream(&child, max.unwrap_or(CHUNK))
            }
            Self::Drain { call, max } => drain(&call.build().spawn()?, max.unwrap_or(CHUNK)),
            Self::Lines { call, keep } => lines(&call.build().spawn()?, keep),
            Self::Parallel { call, count } => parallel(&call.build(), count),
            Self::SpawnDrop { call } => first_output(&call.build().spawn()?),
            Self::SpawnForget { call } => {
                let child = call.build().spawn()?;
                let said = first_output(&child)?;
                std::mem::forget(child);
                Ok(said)
            }
            Self::SpawnSpin { call } => {
                let child = call.build().spawn()?;
                first_output(&child)?;
                spin()
            }
            Self::SpawnKill { call, grace_ms } => {
                let child = call.build().spawn()?;
                first_output(&child)?;
                child.kill(grace_ms);
                stream(&child, CHUNK)
            }
            Self::SpawnIdle { call, ms } => {
                let child = call.build().spawn()?;
                clock::sleep_ms(ms);
                stream(&child, CHUNK)
            }
            Self::Poll { call, ms } => {
                let child = call.build().spawn()?;
                Ok(describe_event(&child.next_event(CHUNK, Some(ms))?))
            }
            Self::Misuse { call } => misuse(&call.build()),
        }
    }
}

/// Reads to the end and counts what came.
fn stream(child: &Child, max: u32) -> Result<Value, Trouble> {
    let (mut out, mut err, mut lines, mut chunks) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut beginning = Vec::new();
    loop {
        match child.next_event(max, None)? {
            Event::Stdout(bytes) => {
                chunks += 1;
                out += bytes.len() as u64;
                lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                let room = QUOTED.saturating_sub(beginning.len()).min(bytes.len());
                beginning.extend_from_slice(&bytes[..room]);
            }
            Event::Stderr(bytes) => err += bytes.len() as u64,
            Event::NothingYet => {}
            Event::Exited(exit) => {
                return Ok(json!({
                    "exit": describe_exit(exit),
                    "stdout_bytes": out,
                    "stderr_bytes": err,
                    "lines": lines,
                    "chunks": chunks,
                    "beginning": String::from_utf8_lossy(&beginning),
                    "usage": describe_usage(&child.usage()),
                }));
            }
        }
    }
}

/// Reads to the end and adds up how much came.
fn drain(child: &Child, max: u32) -> Result<Value, Trouble> {
    let (mut out, mut err) = (0, 0);
    loop {
        match child.next_event(max, None)? {
            Event::Stdout(bytes) => out += bytes.len(),
            Event::Stderr(bytes) => err += bytes.len(),
            Event::NothingYet => {}
            Event::Exited(exit) => {
                let exit = describe_exit(exit);
                return Ok(json!({ "exit": exit, "stdout_bytes": out, "stderr_bytes": err }));
            }
        }
    }
}

fn lines(child: &Child, keep: usize) -> Result<Value, Trouble> {
    let (mut out, mut err, mut longest) = (Vec::new(), Vec::new(), 0);
    let (mut out_count, mut err_count) = (0, 0);
    loop {
        let (new, kept, count) = match child.next_lines(64, None)? {
            LineEvent::Stdout(new) => (new, &mut out, &mut out_count),
            LineEvent::Stderr(new) => (new, &mut err, &mut err_count),
            LineEvent::NothingYet => continue,
            LineEvent::Exited(exit) => {
                return Ok(json!({
                    "exit": describe_exit(exit),
                    "stdout": out,
                    "stderr": err,
                    "stdout_lines": out_count,
                    "stderr_lines": err_count,
                    "longest": longest,
                }));
            }
        };
        *count += new.len();
        longest = new.iter().map(String::len).fold(longest, usize::max);
        let room = keep.saturating_sub(kept.len());
        kept.extend(new.into_iter().take(room));
    }
}

fn parallel(call: &Call, count: usize) -> Result<Value, Trouble> {
    let mut children: Vec<(usize, Child)> = Vec::new();
    for number in 0..count {
        children.push((number, call.spawn()?));
    }
    let mut exits = vec![Value::Null; count];
    while !children.is_empty() {
        let waiting: Vec<&Child> = children.iter().map(|(_, child)| child).collect();
        let Some(ready) = wait_any(&waiting, None) else {
            return Err(Trouble::Other("wait-any gave up without a limit".into()));
        };
        let Some((number, child)) = children.get(ready as usize) else {
            return Err(Trouble::Other(format!("wait-any returned {ready}")));
        };
        if let Event::Exited(exit) = child.next_event(CHUNK, None)? {
            exits[*number] = describe_exit(exit);
            children.remove(ready as usize);
        }
    }
    Ok(json!(exits))
}

/// Waits for the first output: the tool then surely runs.
fn first_output(child: &Child) -> Result<Value, Trouble> {
    loop {
        match child.next_event(CHUNK, None)? {
            Event::NothingYet => {}
            event @ (Event::Stdout(_) | Event::Stderr(_) | Event::Exited(_)) => {
                return Ok(describe_event(&event));
            }
        }
    }
}

fn misuse(call: &Call) -> Result<Value, Trouble> {
    fn said<T>(result: Result<T, ProcessError>) -> Value {
        match result {
            Ok(_) => json!("ok"),
            Err(error) => Trouble::Process(error).describe()["kind"].clone(),
        }
    }
    let child = call.spawn()?;
    let unpiped = said(child.write_stdin(b"x"));
    child.close_stdin();
    child.close_stdin();
    let closed = said(child.write_stdin(b"x"));
    let zero_bytes = said(child.next_event(0, Some(0)));
    let huge = said(child.next_event(u32::MAX, Some(0)));
    let zero_lines = said(child.next_lines(0, Some(0)));
    stream(&child, CHUNK)?;
    let after = said(child.next_event(CHUNK, None));
    child.kill(0);
    Ok(json!({
        "write_unpiped": unpiped,
        "write_closed": closed,
        "zero_bytes": zero_bytes,
        "huge": huge,
        "zero_lines": zero_lines,
        "event_after_exit": after,
        "wait_for_nothing": wait_any(&[], Some(0)),
    }))
}

fn describe_event(event: &Event) -> Value {
    let quote =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED)]).into_owned();
    match event {
        Event::Stdout(bytes) => json!({ "stdout": quote(bytes) }),
        Event::Stderr(bytes) => json!({ "stderr": quote(bytes) }),
        Event::NothingYet => json!("nothing-yet"),
        Event::Exited(exit) => json!({ "exit": describe_exit(*exit) }),
    }
}

fn describe_exit(exit: Exit) -> Value {
    match exit {
        Exit::Code(code) => json!({ "code": code }),
        Exit::Signal(number) => json!({ "signal": number }),
        Exit::Killed(cause) => json!({ "killed": match cause {
            KillCause::Requested => "requested",
            KillCause::WallTimeout => "wall-timeout",
            KillCause::IdleTimeout => "idle-timeout",
            KillCause::OutputLimit => "output-limit",
            KillCause::RunEnded => "run-ended",
            KillCause::SupervisorLost => "supervisor-lost",
        } }),
    }
}

fn describe_usage(usage: &Usage) -> Value {
    json!({
        "wall_ms": usage.wall_ms,
        "user_ms": usage.user_ms,
        "system_ms": usage.system_ms,
        "max_rss": usage.max_rss,
        "stdout_bytes": usage.stdout_bytes,
        "stderr_bytes": usage.stderr_bytes,
        "truncated": usage.truncated,
        "containment": usage.containment,
    })
}

fn describe_output(output: &Output) -> Value {
    json!({
        "exit": describe_exit(output.exit),
        "success": output.success,
        "stdout": output.stdout_text(),
        "stderr": output.stderr_text(),
        "truncated": output.truncated,
        "usage": describe_usage(&output.usage),
    })
}
