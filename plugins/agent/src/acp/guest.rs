//! The adapter `acp` inside a host.
//!
//! Never: an agent that goes on after its answer; its input is closed, and if that is not enough
//! it is ended.

use std::fs;
use std::path::PathBuf;

use remit_plugin_sdk::{
    AdapterReport, Call, Capabilities, Child, Context, Event, Failure, Stdin, progress, workspace,
};

use super::{Client, Files, Granted, Rules, input_schema, settings_files};
use crate::guest::{Watch, conclude, put_files};
use crate::inputs::{Request, with_files};
use crate::lines::Lines;
use crate::tool::{Stream, Tool};
use crate::verdict::Ended;

/// The template that starts an agent which speaks the protocol.
const TEMPLATE: &str = "acp";
/// How much output is asked for at once.
const CHUNK: u32 = 256 << 10;
/// How long an agent has to end when its input is closed, and again when it is asked to.
const GRACE_MS: u32 = 3_000;

/// What the adapter can do.
#[must_use]
pub fn describe(version: &str) -> Capabilities {
    Capabilities {
        id: Tool::Acp.name().into(),
        title: "Have any agent that speaks the Agent Client Protocol carry out one task".into(),
        tool_versions: None,
        input_schema: input_schema(),
        ..crate::guest::capabilities(version)
    }
}

/// Carries out one request.
///
/// # Errors
/// As those of the other agents.
pub fn execute(context: &Context) -> Result<AdapterReport, Failure> {
    let request = Request::check(&context.inputs, true)?;
    let root = workspace::root()?;
    put_files(&settings_files(&request))?;
    let agent = request.agent.clone().unwrap_or_default();
    let call = crate::guest::limits(Call::new(agent, TEMPLATE).stdin(Stdin::Piped), &request);
    let child = call.spawn()?;
    let rules = Rules {
        granted: workspace::grants().into_iter().map(granted).collect(),
        commands: request.allow_commands.clone(),
    };
    let model = request.model.clone();
    let mut client = Client::new(Tree { root }, rules, with_files(&request), model);
    let mut watch = Watch::new(Tool::Acp, &request, false);
    let ended = talk(&child, &mut client, &mut watch)?;
    // Whoever has answered is ended by this side: how that went says nothing about the work.
    let ended = if client.is_over() && watch.killer.is_none() {
        Ended::Code(0)
    } else {
        ended
    };
    watch.reader = client.into_reader();
    conclude(Tool::Acp, &request, watch, ended, &child)
}

fn talk(child: &Child, client: &mut Client<Tree>, watch: &mut Watch) -> Result<Ended, Failure> {
    let mut lines = Lines::default();
    let mut errors = Lines::default();
    say(child, &client.begin());
    let mut closing = 0;
    loop {
        let limit = client.is_over().then_some(GRACE_MS);
        match child.next_event(CHUNK, limit)? {
            Event::Stdout(bytes) => {
                let mut answers = Vec::new();
                lines.feed(&bytes, &mut |line| answers.extend(client.line(line)));
                answers.iter().for_each(|answer| say(child, answer));
            }
            Event::Stderr(bytes) => {
                errors.feed(&bytes, &mut |line| {
                    client.reader().line(Stream::Stderr, line)
                });
            }
            Event::Exited(exit) => {
                lines.finish(&mut |line| drop(client.line(line)));
                errors.finish(&mut |line| client.reader().line(Stream::Stderr, line));
                watch.hand_on(client.reader().take_notes());
                return Ok(watch.ended(exit));
            }
            Event::NothingYet if client.is_over() && closing == 1 => {
                child.kill(GRACE_MS);
                closing = 2;
            }
            Event::NothingYet => {}
        }
        watch.hand_on(client.reader().take_notes());
        let (retries, steps) = (client.reader().seen().retries, client.reader().seen().steps);
        watch.guard(child, retries, steps);
        if client.is_over() && closing == 0 {
            child.close_stdin();
            closing = 1;
        }
    }
}

/// A line for the agent. One that reads no more has ended or will be ended, and that is seen.
fn say(child: &Child, line: &str) {
    if let Err(error) = child.write_all(format!("{line}\n").as_bytes()) {
        progress::debug(format!("the agent reads no more: {error:?}"));
    }
}

fn granted(grant: workspace::Grant) -> Granted {
    let (read, write) = match grant.mode {
        workspace::Mode::Read => (true, false),
        workspace::Mode::Write => (false, true),
        workspace::Mode::ReadWrite => (true, true),
    };
    Granted {
        path: grant.path,
        read,
        write,
    }
}

/// The workspace as the plugin has it: what is not granted is not there.
struct Tree {
    root: PathBuf,
}

impl Files for Tree {
    fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(path)).map_err(|error| format!("{path}: {error}"))
    }

    fn write(&mut self, path: &str, text: &str) -> Result<(), String> {
        let path = self.root.join(path);
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(told)?;
        }
        fs::write(&path, text).map_err(told)
    }
}
