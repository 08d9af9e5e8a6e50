//! Takes instances and schemas of other systems, and explains what it made of them.
//!
//! A pattern's inputs can come from an *instance*: a JSON file that another system wrote, bare or
//! wrapped as `{doc_id, pattern_id, inputs, outputs, metadata}`. Such files have placeholders where
//! values should be, members that nobody knows, and schemas that are no valid JSON Schema. In
//! [`Mode::Lenient`] what can be understood is understood, and each adaptation is a [`Note`]; in
//! [`Mode::Strict`] each is a problem with its JSON pointer. What cannot be understood is a problem
//! in both.
//!
//! Never: an adaptation without a note, or another pattern's instance taken for one's own.

mod hold;
mod instance;
mod schema;

use serde_json::{Map, Value};

pub use hold::hold;
pub use instance::{Field, Imported, Known, Repair, instance};
pub use schema::{ImportedSchema, schema};

use crate::path::SafePath;
use crate::validation::{Fields, Problems, Wrong, parse};

/// Most instances that name each other by `instance_path`: an instance of the convergence pattern
/// names one of a pattern, and nothing names more.
const MAX_CHAIN: usize = 4;

/// What to do about deviations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Adapt and explain.
    #[default]
    Lenient,
    /// Each is a problem.
    Strict,
}

impl Mode {
    /// The modes by their words in inputs.
    pub const ALL: [(&'static str, Self); 2] =
        [("lenient", Self::Lenient), ("strict", Self::Strict)];
}

/// One adaptation.
pub type Note = Wrong;

/// Adaptations and problems of one document, sorted into one of two by the mode.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What was adapted.
    pub notes: Vec<Note>,
    /// What is wrong.
    pub problems: Problems,
}

impl Findings {
    /// Notes a deviation: a note if it may be adapted, and otherwise a problem.
    pub fn deviation(
        &mut self,
        mode: Mode,
        path: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        match mode {
            Mode::Strict => self.problems.add(path, code, message),
            Mode::Lenient => self.notes.push(Wrong {
                path: path.into(),
                code,
                message: message.into(),
            }),
        }
    }
}

/// The inputs of a pattern, taken apart: its own ones, and where others are.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Its own inputs, which win over those of an instance.
    own: Map<String, Value>,
    /// An instance inside of the inputs: the wrapped form.
    wrapped: Option<Value>,
    /// An instance in a file.
    file: Option<SafePath>,
    /// A schema in a file, against which the instance is held.
    schema: Option<SafePath>,
    mode: Mode,
}

/// Inputs that are put together, with how that was done.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The pattern's inputs.
    pub inputs: Value,
    /// The `doc_id` of the instance, or of the inputs.
    pub document: Option<String>,
    /// What was adapted.
    pub notes: Vec<Note>,
}

impl Asked {
    /// Takes inputs apart, without looking at the disk.
    ///
    /// # Errors
    /// Everything that is wrong with what concerns instances.
    pub fn of(inputs: &str) -> Result<Self, Vec<Wrong>> {
        const WRAPPER: [&str; 4] = ["pattern_id", "inputs", "outputs", "metadata"];
        const FILES: [&str; 3] = ["instance_path", "schema_path", "import"];
        let value = parse(inputs)?;
        let mut problems = Problems::new();
        let Some(mut fields) = Fields::of(&value, "", &mut problems) else {
            return Err(problems.check::<()>(None).err().unwrap_or_default());
        };
        let mode = fields.word("import", &Mode::ALL, &mut problems);
        let file = fields.path("instance_path", &mut problems);
        let schema = fields.path("schema_path", &mut problems);
        fields.object("inputs", &mut problems);
        let mut own = match &value {
            Value::Object(map) => map.clone(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        };
        let mut wrapped = Map::new();
        if own.contains_key("inputs") || own.contains_key("pattern_id") {
            for name in WRAPPER.iter().chain(&["doc_id"]) {
                wrapped.extend(own.remove_entry(*name));
            }
        }
        own.retain(|name, _| !FILES.contains(&name.as_str()));
        problems.check(Some(Self {
            own,
            wrapped: (!wrapped.is_empty()).then_some(Value::Object(wrapped)),
            file,
            schema,
            mode: mode.unwrap_or_default(),
        }))
    }

    /// Whether files have to be read before anything can be said about the inputs.
    pub fn needs_files(&self) -> bool {
        self.file.is_some()
            || self.schema.is_some()
            || self
                .wrapped
                .as_ref()
                .is_some_and(|wrapped| wrapped.pointer("/inputs/instance_path").is_some())
    }

    /// Puts the inputs together. `read` gives the text of a file of the workspace.
    ///
    /// # Errors
    /// A file cannot be read, or an instance is none of this pattern's; in strict mode every
    /// deviation.
    pub fn resolve(
        mut self,
        known: &Known,
        read: impl Fn(&SafePath) -> Result<String, String>,
    ) -> Result<Resolved, Vec<Wrong>> {
        let mut findings = Findings::default();
        let mut document = text(&self.own, "doc_id");
        let mut chain = 0;
        let mut next = match (self.wrapped.take(), self.file.take()) {
            (Some(wrapped), file) => {
                if let Some(file) = file {
                    // Both: the file is what the wrapped inputs are added to.
                    self.own
                        .entry("instance_path")
                        .or_insert_with(|| file.as_str().into());
                }
                Some(wrapped)
            }
            (None, Some(file)) => self.read(&file, &read, known, &mut findings),
            (None, None) => None,
        };
        self.check_schema(next.as_ref(), &read, &mut findings);
        while let Some(value) = next.take() {
            chain += 1;
            let imported = instance(&value, known, &self.own, self.mode, &mut findings);
            document = document.or(imported.document);
            let mut inner = imported.inputs;
            let path = self
                .own
                .remove("instance_path")
                .or(inner.remove("instance_path"));
            for (name, value) in inner {
                // What is said nearer to the run wins.
                self.own.entry(name).or_insert(value);
            }
            if let Some(path) = path {
                next = self.follow(&path, chain, &read, known, &mut findings);
            }
        }
        findings.problems.check(Some(Resolved {
            inputs: Value::Object(self.own),
            document,
            notes: findings.notes,
        }))
    }

    /// The instance that an instance names.
    fn follow(
        &self,
        path: &Value,
        chain: usize,
        read: &impl Fn(&SafePath) -> Result<String, String>,
        known: &Known,
        findings: &mut Findings,
    ) -> Option<Value> {
        let at = "/instance_path";
        if chain >= MAX_CHAIN {
            findings
                .problems
                .add(at, "chain", "instances name each other in a circle");
            return None;
        }
        let parsed = path.as_str().map(SafePath::file);
        match parsed {
            Some(Ok(path)) => self.read(&path, read, known, findings),
            Some(Err(rule)) => {
                findings.problems.add(at, rule.code(), rule.to_string());
                None
            }
            None => {
                findings.problems.add(at, "type", "must be a string");
                None
            }
        }
    }

    fn read(
        &self,
        path: &SafePath,
        read: &impl Fn(&SafePath) -> Result<String, String>,
        known: &Known,
        findings: &mut Findings,
    ) -> Option<Value> {
        match read(path).map(|text| parse(&text)) {
            Ok(Ok(value)) => Some(value),
            Ok(Err(wrong)) => {
                let why: Vec<String> = wrong.into_iter().map(|wrong| wrong.message).collect();
                let message = format!("{path} is not JSON: {}", why.join("; "));
                findings.problems.add("/instance_path", "json", message);
                None
            }
            // A placeholder in place of a path does no harm if everything is said beside it.
            Err(why) if self.mode == Mode::Lenient && known.is_complete(&self.own) => {
                let message = format!("{path} was left out, because it cannot be read: {why}");
                findings.deviation(self.mode, "/instance_path", "not-there", message);
                None
            }
            Err(why) => {
                let message = format!("{path} cannot be read: {why}");
                findings
                    .problems
                    .add("/instance_path", "not-there", message);
                None
            }
        }
    }

    fn check_schema(
        &self,
        instance: Option<&Value>,
        read: &impl Fn(&SafePath) -> Result<String, String>,
        findings: &mut Findings,
    ) {
        let (Some(path), Some(instance)) = (&self.schema, instance) else {
            return;
        };
        let at = "/schema_path";
        let value = match read(path).and_then(|text| {
            serde_json::from_str::<Value>(&text).map_err(|error| error.to_string())
        }) {
            Ok(value) => value,
            Err(why) => {
                findings
                    .problems
                    .add(at, "not-there", format!("{path}: {why}"));
                return;
            }
        };
        let imported = schema(&value);
        for one in imported.repairs {
            let message = format!("schema {path}: {}", one.message);
            findings.deviation(self.mode, one.path, one.code, message);
        }
        for one in hold(instance, &imported.schema) {
            let message = format!("against {path}: {}", one.message);
            findings.deviation(self.mode, one.path, one.code, message);
        }
    }
}

fn text(map: &Map<String, Value>, name: &str) -> Option<String> {
    map.get(name).and_then(Value::as_str).map(str::to_owned)
}
