//! Scenarios for a plugin about which nothing is known but its manifest and its schema.
//!
//! Never: a judgement. What comes of a trial is judged elsewhere.

use std::sync::Arc;

use remit_core::catalogue;
use remit_core::decide::decide;
use remit_core::manifest::Manifest;
use remit_core::policy::Policy;
use remit_core::quantity::TimeSpan;
use remit_core::scenario::{End, ExpectedCall, Scenario, Step};
use remit_core::scope::Scope;
use remit_core::tool::{Exit, ToolId};
use remit_engine::cancel::Cancel;
use remit_engine::host::PluginHost;
use remit_scripted::{Material, ScriptedTools, Stage};
use serde_json::{Map, Value};

use super::{Bench, open};
use crate::asking::powerless;
use crate::exit::Stop;

/// How long a stranger may take: much more than a plugin needs whose tools cost no time, also on a
/// machine that is busy.
pub(crate) const PATIENCE: TimeSpan = TimeSpan::seconds(60);

/// A scenario in which everything that the manifest requests is granted.
///
/// # Errors
/// A fault of the host: what it writes itself is no scenario.
pub(crate) fn scenario(manifest: &Manifest, inputs: &Value) -> Result<Scenario, Stop> {
    let text = format!("format = 1\n{}", stand_ins(manifest)?);
    let mut scenario = Scenario::parse("what the host tries", &text)?;
    scenario.inputs = match inputs {
        Value::Object(object) => object.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    scenario.time = Some(PATIENCE);
    Ok(scenario)
}

/// Any tool, which does nothing and succeeds.
pub(crate) fn content() -> ExpectedCall {
    ExpectedCall::anything(vec![Step::End(End::Exit(Exit::Code(0)))])
}

/// Declarations for the tools that a manifest requests and that nobody here has declared. Their
/// slots cannot be known: a call with slots is refused as not fitting.
fn stand_ins(manifest: &Manifest) -> Result<String, Stop> {
    let known = catalogue::layer()?;
    let is_known = |tool: &ToolId| known.tools().iter().any(|declared| declared.id() == tool);
    let mut tools: Vec<(&ToolId, Vec<String>)> = Vec::new();
    for request in manifest.requests() {
        let Scope::Run(scope) = request.scope() else {
            continue;
        };
        if is_known(&scope.tool) {
            continue;
        }
        let template = scope.template.as_ref().map(ToString::to_string);
        match tools.iter_mut().find(|(tool, _)| *tool == &scope.tool) {
            Some((_, templates)) => templates.extend(template),
            None => tools.push((&scope.tool, template.into_iter().collect())),
        }
    }
    let mut text = String::new();
    for (tool, templates) in tools {
        text.push_str(&format!(
            "[tools.{tool}]\nprogram = \"{tool}\"\n[tools.{tool}.templates]\n"
        ));
        if templates.is_empty() {
            text.push_str("any = []\n");
        }
        for template in templates {
            text.push_str(&format!("{template} = []\n"));
        }
    }
    Ok(text)
}

impl Bench {
    /// The host side of a conversation in which nothing is granted and nothing can be started.
    ///
    /// # Errors
    /// This machine has no directory for temporary files.
    pub(crate) fn silent_host(&self) -> Result<Arc<PluginHost>, Stop> {
        let place = std::env::temp_dir();
        let empty = Scenario::parse("nothing", "format = 1")?;
        let grants = decide(
            &self.powerless()?.loaded().manifest,
            &Policy::layered(Vec::new())?,
            &self.loaded().digest,
        )
        .map_err(|denials| Stop::Denied(denials.into_iter().collect()))?;
        let stage = Stage::new(open(&place)?, None, Material::default(), Cancel::new());
        let tools = ScriptedTools::new(&empty, grants, stage);
        powerless(&place, self.loaded(), Arc::new(tools))
    }

    /// The same component with a manifest that requests nothing: whatever it asks for is refused.
    ///
    /// # Errors
    /// A fault of the host.
    pub(crate) fn powerless(&self) -> Result<Self, Stop> {
        let mut loaded = self.loaded().clone();
        loaded.manifest = Manifest::parse(
            "nothing",
            &format!(
                "format = 1\nid = \"{}\"\nversion = \"{}\"\nwit = \"remit:plugin@0.1.0\"\n\
                 title = \"{}\"\n[limits]\nmemory = \"{}\"\n",
                loaded.manifest.id(),
                loaded.manifest.version(),
                "A plugin without requests",
                loaded.manifest.needs().memory(),
            ),
        )?;
        Ok(Self {
            plugin: self.plugin().clone(),
            loaded,
        })
    }
}
