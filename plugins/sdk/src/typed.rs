//! What the attribute macros stand on: schemas from types, inputs read into them, outputs written.
//!
//! Schemas are made when `describe` is called and at no other time.
//!
//! Never: a schema that says less than the type refuses.

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Artifact, Capabilities, Descriptor, Failure, Outcome, Problem, SafetyTier, json, progress,
};

/// Work that is done: a line for people, outputs for programs, and the files that it produced.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "it is what the plugin returns"]
pub struct Done<T> {
    summary: String,
    outputs: T,
    artifacts: Vec<Artifact>,
}

impl<T> Done<T> {
    /// Work that is done, in one line for people, with its outputs.
    pub fn new(summary: impl Into<String>, outputs: T) -> Self {
        Self {
            summary: summary.into(),
            outputs,
            artifacts: Vec::new(),
        }
    }

    /// Names a file that the work produced.
    pub fn artifact(mut self, artifact: Artifact) -> Self {
        self.artifacts.push(artifact);
        self
    }
}

impl Artifact {
    /// A file, by its path relative to the workspace and its media type.
    pub fn new(path: impl Into<String>, media_type: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            media_type: media_type.into(),
            description: None,
        }
    }

    /// One line for people.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Announces the file at once, and hands it back for the outcome.
    #[must_use]
    pub fn announced(self) -> Self {
        progress::produced(&self);
        self
    }
}

/// What the function of a pattern may return.
pub trait Answer {
    /// The JSON Schema of the outputs.
    fn schema() -> String;

    /// The answer as the host wants it.
    ///
    /// # Errors
    /// The failure that the function returned, or outputs without a JSON form.
    fn into_outcome(self) -> Result<Outcome, Failure>;
}

impl<T: Serialize + JsonSchema, E: Into<Failure>> Answer for Result<Done<T>, E> {
    fn schema() -> String {
        text(&schema::<T>())
    }

    fn into_outcome(self) -> Result<Outcome, Failure> {
        let done = self.map_err(Into::into)?;
        Ok(Outcome {
            summary: done.summary,
            outputs: json::text(&done.outputs)?,
            artifacts: done.artifacts,
        })
    }
}

/// An outcome that was put together by hand; its schema promises nothing.
impl<E: Into<Failure>> Answer for Result<Outcome, E> {
    fn schema() -> String {
        "{}".into()
    }

    fn into_outcome(self) -> Result<Outcome, Failure> {
        self.map_err(Into::into)
    }
}

/// What an adapter says of itself that its manifest and its inputs do not.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Kinds of task that it takes; empty for any.
    pub task_kinds: &'static [&'static str],
    /// Fields that it knows; empty for any.
    pub domains: &'static [&'static str],
    /// How many requests may run at once on one machine.
    pub max_parallel: u32,
    /// How long one request usually may take, in milliseconds.
    pub timeout_ms: u64,
    /// How much harm it can do.
    pub safety_tier: SafetyTier,
    /// Versions of the tool that it is known to work with (semver range), if it matters.
    pub tool_versions: Option<&'static str>,
}

impl About {
    /// An adapter that takes any task, one at a time, for a minute.
    #[must_use]
    pub const fn new(safety_tier: SafetyTier) -> Self {
        Self {
            task_kinds: &[],
            domains: &[],
            max_parallel: 1,
            timeout_ms: 60_000,
            safety_tier,
            tool_versions: None,
        }
    }
}

/// The description of a pattern, with schemas from its types.
#[must_use]
pub fn describe<I: JsonSchema, A: Answer>(id: &str, version: &str, title: &str) -> Descriptor {
    Descriptor {
        id: id.into(),
        version: version.into(),
        title: title.into(),
        input_schema: text(&strict(schema::<I>())),
        output_schema: A::schema(),
    }
}

/// The description of an adapter, likewise.
#[must_use]
pub fn capabilities<I: JsonSchema>(
    id: &str,
    version: &str,
    title: &str,
    about: &About,
) -> Capabilities {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Capabilities {
        id: id.into(),
        version: version.into(),
        title: title.into(),
        task_kinds: words(about.task_kinds),
        domains: words(about.domains),
        max_parallel: about.max_parallel,
        timeout_ms: about.timeout_ms,
        safety_tier: about.safety_tier,
        tool_versions: about.tool_versions.map(str::to_owned),
        input_schema: text(&strict(schema::<I>())),
    }
}

/// Everything that is wrong with inputs: what does not fit the type, or else what `check` finds.
pub fn validate<I: DeserializeOwned>(
    inputs: &str,
    check: impl FnOnce(&I) -> Vec<Problem>,
) -> Vec<Problem> {
    match json::inputs(inputs) {
        Ok(inputs) => check(&inputs),
        Err(problems) => problems,
    }
}

fn schema<T: JsonSchema>() -> Schema {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
}

/// Inputs with a field that nobody reads are a mistake of whoever wrote them, also where the type
/// would let it pass.
fn strict(mut schema: Schema) -> Schema {
    if let Some(object) = schema.as_object_mut()
        && object.contains_key("properties")
    {
        object
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
    }
    schema
}

fn text(schema: &Schema) -> String {
    schema.as_value().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, JsonSchema)]
    struct Inputs {
        #[schemars(length(min = 1))]
        name: String,
        #[serde(default)]
        count: u8,
        deep: Vec<Deep>,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    struct Deep {
        on: bool,
    }

    #[derive(Serialize, JsonSchema)]
    struct Outputs {
        files: u64,
    }

    type Answered = Result<Done<Outputs>, Failure>;

    #[test]
    fn the_schema_says_what_the_type_says_and_refuses_what_is_unknown() {
        let described = describe::<Inputs, Answered>("a", "1.0.0", "A");
        let schema: Value = serde_json::from_str(&described.input_schema).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["name"]["minLength"], 1);
        assert_eq!(schema["properties"]["count"]["maximum"], 255);
        assert_eq!(schema["required"], serde_json::json!(["name", "deep"]));
        let outputs: Value = serde_json::from_str(&described.output_schema).unwrap();
        assert_eq!(outputs["required"], serde_json::json!(["files"]));
    }

    #[test]
    fn a_problem_points_to_where_it_is() {
        let found = validate::<Inputs>(
            r#"{"name": "a", "deep": [{"on": true}, {"on": 1}]}"#,
            |_| Vec::new(),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "/deep/1/on");
        let odd = |inputs: &Inputs| {
            let on = inputs.deep.iter().filter(|deep| deep.on).count();
            let name = &inputs.name;
            vec![Problem::new(
                "/name",
                "odd",
                format!("{name} {on} {}", inputs.count),
            )]
        };
        let found = validate::<Inputs>(r#"{"name": "a", "deep": [{"on": true}]}"#, odd);
        assert_eq!(found[0].message, "a 1 0");
    }

    #[test]
    fn an_answer_becomes_an_outcome() {
        let done: Answered = Ok(Done::new("2 files", Outputs { files: 2 })
            .artifact(Artifact::new("a.txt", "text/plain").described("a")));
        let outcome = done.into_outcome().unwrap();
        assert_eq!(outcome.outputs, r#"{"files":2}"#);
        assert_eq!(outcome.artifacts[0].description.as_deref(), Some("a"));
        let failed: Result<Done<Outputs>, Vec<Problem>> = Err(Vec::new());
        assert_eq!(
            failed.into_outcome(),
            Err(Failure::InvalidInput(Vec::new()))
        );
    }
}
