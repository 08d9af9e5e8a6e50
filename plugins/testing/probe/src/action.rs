//! Everything that a test can ask for, by family.
//!
//! Never: a deed without a name that a test can write down.

use remit_plugin_sdk::{Artifact, Context, Failure, Outcome, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::files::FileDeed;
use crate::hostile::HostileDeed;
use crate::services::ServiceDeed;
use crate::surroundings::SurroundingsDeed;
use crate::tools::ToolDeed;
use crate::trouble::Trouble;

/// One deed, named by `action`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Action {
    File(FileDeed),
    Tool(ToolDeed),
    Service(ServiceDeed),
    Surroundings(SurroundingsDeed),
    Hostile(HostileDeed),
    Flow(FlowDeed),
}

/// Several deeds, and endings.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(crate) enum FlowDeed {
    /// One after the other; the list of all results.
    Sequence { actions: Vec<Action> },
    /// Ends exactly so. Stands alone, not in a sequence.
    Return(Wanted),
}

/// An ending that a test wants.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// `ok`, or the name of a failure; anything else is `failed`.
    ending: String,
    /// Text of `outputs`, or the message of the failure. Need not be JSON.
    #[serde(default)]
    text: String,
    /// Paths of artifacts. Need not exist.
    #[serde(default)]
    artifacts: Vec<String>,
    /// Whether a `failed` says that trying again could help.
    #[serde(default)]
    retryable: bool,
    /// The code of a `failed` that does not; `wanted` if absent.
    code: Option<String>,
}

impl Wanted {
    /// The ending.
    pub(crate) fn into_result(self) -> Result<Outcome, Failure> {
        let text = self.text;
        match self.ending.as_str() {
            "ok" => Ok(Outcome {
                summary: "as wanted".into(),
                outputs: text,
                artifacts: self.artifacts.into_iter().map(artifact).collect(),
            }),
            "invalid-input" => Err(vec![Problem::new("/text", "wanted", text)].into()),
            "unavailable" => Err(Failure::Unavailable(text)),
            "rejected" => Err(Failure::Rejected(text)),
            "cancelled" => Err(Failure::Cancelled),
            "timed-out" => Err(Failure::TimedOut),
            _ if self.retryable => Err(Failure::failed_for_now("wanted", text)),
            _ => Err(Failure::failed(
                self.code.as_deref().unwrap_or("wanted"),
                text,
            )),
        }
    }
}

/// An artifact of which only the path matters.
pub(crate) fn artifact(path: String) -> Artifact {
    Artifact {
        path,
        media_type: "text/plain".into(),
        description: None,
    }
}

impl Action {
    /// Does it.
    pub(crate) fn perform(self, context: &Context) -> Result<Value, Trouble> {
        match self {
            Self::File(deed) => deed.perform(),
            Self::Tool(deed) => deed.perform(),
            Self::Service(deed) => deed.perform(context),
            Self::Surroundings(deed) => deed.perform(),
            Self::Hostile(deed) => deed.perform(),
            Self::Flow(FlowDeed::Sequence { actions }) => Ok(actions
                .into_iter()
                .map(|action| result(action.perform(context)))
                .collect()),
            Self::Flow(FlowDeed::Return(_)) => Err(Trouble::Other("`return` stands alone".into())),
        }
    }
}

/// `{"ok": …}` or `{"error": …}`.
pub(crate) fn result(result: Result<Value, Trouble>) -> Value {
    match result {
        Ok(value) => json!({ "ok": value }),
        Err(trouble) => json!({ "error": trouble.describe() }),
    }
}
