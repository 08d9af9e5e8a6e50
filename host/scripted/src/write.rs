//! A scenario made of what was recorded: a text, and the files beside it.
//!
//! Never: the value of a variable of the host; the name alone is written, for a person to fill in.

use std::fmt::Write as _;

use base64::Engine as _;
use remit_core::catalogue;
use remit_core::change::Change;
use remit_core::event::Stream;
use remit_core::grant::{Access, GrantedTool, Grants};
use remit_core::outcome::Outcome;
use remit_core::path::RelPath;
use remit_core::tool::{Exit, KillCause};
use serde_json::Value;

use crate::record::{Recorded, RecordedStep};

/// What the directory of the files beside a scenario ends with.
pub const SIDE_DIRECTORY: &str = ".files";

/// Longest text that stands in the scenario itself.
const MAX_INLINE: usize = 1_000;
/// What stands for the value of a variable.
const NO_VALUE: &str = "not-recorded";
/// Members of outputs that are of one moment and not of the work.
const OF_THE_MOMENT: [&str; 10] = [
    "duration-ms",
    "duration_ms",
    "usage",
    "wall-ms",
    "wall_ms",
    "user-ms",
    "system-ms",
    "max-rss",
    "elapsed",
    "elapsed_ms",
];

/// What was recorded of a run.
#[derive(Debug)]
pub struct Taken<'a> {
    /// What the scenario is called.
    pub name: &'a str,
    /// The inputs that the plugin got.
    pub inputs: &'a Value,
    /// What it was granted.
    pub grants: &'a Grants,
    /// The tools that it had run.
    pub calls: &'a [Recorded],
    /// How it ended.
    pub outcome: &'a Outcome,
    /// What the host saw change.
    pub changes: &'a [Change],
    /// The directory with the first content of the workspace, relative to the scenario's.
    pub workspace: Option<&'a str>,
}

/// A scenario, and the files that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The scenario.
    pub text: String,
    /// Files, relative to the directory of the scenario.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Writes down what was recorded. `side` is the directory for files, relative to the scenario's.
#[must_use]
pub fn written(taken: &Taken<'_>, side: &str) -> Written {
    let mut writer = Writer {
        text: String::new(),
        files: Vec::new(),
        side: side.to_owned(),
    };
    writer.head(taken);
    writer.grant(taken.grants);
    for (place, call) in taken.calls.iter().enumerate() {
        writer.call(place + 1, call);
    }
    writer.expect(taken);
    Written {
        text: writer.text,
        files: writer.files,
    }
}

/// A text as TOML reads it.
fn quoted(text: &str) -> String {
    // Both write strings the same way, but for one character.
    Value::String(text.to_owned())
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let each: Vec<String> = texts
        .into_iter()
        .map(|text| quoted(text.as_ref()))
        .collect();
    format!("[{}]", each.join(", "))
}

struct Writer {
    text: String,
    files: Vec<(String, Vec<u8>)>,
    side: String,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn head(&mut self, taken: &Taken<'_>) {
        self.line("format = 1");
        self.line(&format!("name = {}", quoted(taken.name)));
        if let Some(workspace) = taken.workspace {
            self.line(&format!("workspace = {}", quoted(workspace)));
        }
        self.line(&format!(
            "inputs-json = {}",
            quoted(&taken.inputs.to_string())
        ));
    }

    fn grant(&mut self, grants: &Grants) {
        let env = grants.env_names();
        if !env.is_empty() {
            self.line("\n# Values are not recorded: write what the plugin should see.\n[env]");
            for name in env {
                self.line(&format!("{name} = {}", quoted(NO_VALUE)));
            }
        }
        self.line("\n[grant]");
        let mut rule = |key: &str, values: Vec<String>| {
            if !values.is_empty() {
                let line = format!("{key} = {}", list(values));
                self.line(&line);
            }
        };
        let texts = |paths: &[remit_core::path::RelPath]| {
            paths.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        rule("read", texts(grants.read_roots()));
        rule("write", texts(grants.write_roots()));
        rule("env", env.iter().map(ToString::to_string).collect());
        let run = grants.tools().iter().flat_map(|(tool, granted)| {
            granted
                .templates()
                .iter()
                .map(move |template| format!("{tool}:{template}"))
        });
        rule("run", run.collect());
        rule(
            "net",
            grants.nets().iter().map(ToString::to_string).collect(),
        );
        let patterns = |access| {
            let patterns = grants.patterns(access);
            patterns
                .map(|pattern| pattern.as_str().to_owned())
                .collect()
        };
        rule("deny-read", patterns(Access::Read));
        rule("deny-write", patterns(Access::Write));
        // Those of the catalogue are there in every scenario.
        let known = catalogue::layer().map(|layer| layer.tools().to_vec());
        let known = known.unwrap_or_default();
        for granted in grants.tools().values() {
            if !known.contains(granted.declaration()) {
                self.tool(granted);
            }
        }
    }

    /// The declaration as far as a scenario needs it: a played tool has no program.
    fn tool(&mut self, granted: &GrantedTool) {
        let tool = granted.declaration();
        let id = tool.id();
        let rules = tool.rules();
        self.line(&format!("\n[tools.{id}]"));
        self.line(&format!(
            "program = {}",
            quoted(&tool.program().to_string())
        ));
        self.line(&format!("[tools.{id}.templates]"));
        let templates = tool.templates().iter();
        for (name, template) in templates.filter(|(name, _)| granted.templates().contains(*name)) {
            self.line(&format!("{name} = {}", list(template.source())));
        }
        self.line(&format!("[tools.{id}.run]"));
        let codes: Vec<String> = rules.success().iter().map(ToString::to_string).collect();
        self.line(&format!("success = [{}]", codes.join(", ")));
        if !rules.plugin_env().is_empty() {
            let names = rules.plugin_env().iter().map(ToString::to_string);
            self.line(&format!("plugin-env = {}", list(names)));
        }
    }

    fn call(&mut self, number: usize, call: &Recorded) {
        self.line("\n[[calls]]");
        self.line(&format!("tool = {}", quoted(&call.tool)));
        self.line(&format!("template = {}", quoted(&call.template)));
        self.line(&format!("arguments = {}", list(&call.arguments)));
        if let Some(directory) = call.directory.as_ref().filter(|path| !path.is_root()) {
            self.line(&format!("directory = {}", quoted(directory.as_str())));
        }
        if let Some(stdin) = &call.stdin {
            let content = self.content(number, "stdin", stdin);
            self.line(&format!("stdin = {content}"));
        }
        if let Some(code) = &call.refused {
            // What a scenario cannot refuse for the same reason, it refuses for none in particular.
            let known = ["tool-missing", "tool-changed", "limit"];
            let word = known
                .iter()
                .find(|word| *word == code)
                .unwrap_or(&"spawn-refused");
            self.line(&format!("refuse = {}", quoted(word)));
            return;
        }
        if call.cut {
            self.line("# Not all of it was kept: it was too much, or no regular file.");
        }
        self.line("play = [");
        for (place, step) in call.steps.iter().enumerate() {
            let step = self.step(number, place + 1, step);
            self.line(&format!("  {step},"));
        }
        if let Some(exit) = call.exit {
            self.line(&format!("  {},", ending(exit)));
        } else {
            self.line("  { hang = true },");
        }
        self.line("]");
    }

    fn step(&mut self, call: usize, place: usize, step: &RecordedStep) -> String {
        match step {
            RecordedStep::Output(stream, bytes) => {
                let word = match stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                };
                let content = self.content(call, &format!("{place}.{word}"), bytes);
                format!("{{ {word} = {content} }}")
            }
            RecordedStep::Pause(time) => format!("{{ pause = \"{}ms\" }}", time.as_millis()),
            RecordedStep::Wrote(path, bytes) => self.file(call, place, path, bytes, ""),
            RecordedStep::Left(path, bytes) => {
                self.file(call, place, path, bytes, ", in = \"scratch\"")
            }
            RecordedStep::Deleted(path) => format!("{{ delete = {} }}", quoted(path.as_str())),
        }
    }

    fn file(
        &mut self,
        call: usize,
        place: usize,
        path: &RelPath,
        bytes: &[u8],
        where_to: &str,
    ) -> String {
        let path = quoted(path.as_str());
        match std::str::from_utf8(bytes) {
            Ok(text) if text.len() <= MAX_INLINE => {
                format!("{{ write = {path}, text = {}{where_to} }}", quoted(text))
            }
            Ok(_) | Err(_) => {
                let name = self.beside(call, &format!("{place}.written"), bytes);
                format!("{{ write = {path}, from = {}{where_to} }}", quoted(&name))
            }
        }
    }

    fn content(&mut self, call: usize, what: &str, bytes: &[u8]) -> String {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.len() <= MAX_INLINE => quoted(text),
            Err(_) if bytes.len() <= MAX_INLINE => {
                let text = base64::engine::general_purpose::STANDARD.encode(bytes);
                format!("{{ base64 = {} }}", quoted(&text))
            }
            Ok(_) | Err(_) => {
                let name = self.beside(call, what, bytes);
                format!("{{ from = {} }}", quoted(&name))
            }
        }
    }

    /// A file beside the scenario; its name in it.
    fn beside(&mut self, call: usize, what: &str, bytes: &[u8]) -> String {
        let name = format!("{}/{call}.{what}", self.side);
        self.files.push((name.clone(), bytes.to_vec()));
        name
    }

    fn expect(&mut self, taken: &Taken<'_>) {
        self.line("\n[expect]");
        self.line(&format!("status = {}", quoted(taken.outcome.status())));
        if let Outcome::Failed { code, .. } = taken.outcome {
            self.line(&format!("code = {}", quoted(code)));
        }
        if let Outcome::Succeeded { outputs, .. } | Outcome::Failed { outputs, .. } = taken.outcome
            && let Some(outputs) = lasting(outputs)
        {
            self.line(&format!("outputs-json = {}", quoted(&outputs.to_string())));
        }
        let mut changes = String::new();
        for change in taken.changes {
            let path = quoted(change.path.as_str());
            let _ = write!(changes, "{path} = \"{}\", ", change.kind.word());
        }
        let changes = changes.trim_end_matches(", ");
        self.line(&format!("changes = {{{changes}}}"));
    }
}

fn ending(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("{{ exit = {code} }}"),
        Exit::Signal(signal) => format!("{{ signal = {signal} }}"),
        // Whoever asked for it asks again.
        Exit::Killed(KillCause::Requested | KillCause::RunEnded) => "{ hang = true }".to_owned(),
        Exit::Killed(KillCause::WallTimeout) => "{ killed = \"wall-timeout\" }".to_owned(),
        Exit::Killed(KillCause::IdleTimeout) => "{ killed = \"idle-timeout\" }".to_owned(),
        Exit::Killed(KillCause::OutputLimit) => "{ killed = \"output-limit\" }".to_owned(),
        Exit::Killed(KillCause::SupervisorLost) => "{ killed = \"supervisor-lost\" }".to_owned(),
    }
}

/// Outputs without what is another number each time; nothing if nothing is left.
fn lasting(value: &Value) -> Option<Value> {
    let Value::Object(object) = value else {
        return None;
    };
    let mut kept = serde_json::Map::new();
    for (name, value) in object {
        if OF_THE_MOMENT.contains(&name.as_str()) {
            continue;
        }
        let value = match value {
            Value::Object(_) => {
                lasting(value).unwrap_or_else(|| Value::Object(serde_json::Map::new()))
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => value.clone(),
        };
        kept.insert(name.clone(), value);
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}
