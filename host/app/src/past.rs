//! A run that is over, from its record: who ran, where, and what was denied.
//!
//! Never: a change of the record; a run that is not the only one that was meant.

use std::path::PathBuf;

use remit_core::denial::Denial;
use remit_core::event::{Event, Record};
use remit_core::outcome::Outcome;
use remit_ledger::Records;

use crate::exit::Stop;
use crate::places::Places;

/// Most runs that an ambiguous beginning of an id is answered with.
const NAMED: usize = 5;

/// A run that has a record.
pub(crate) struct Past {
    pub(crate) run: String,
    /// The plugin's id, if the record shows it.
    pub(crate) plugin: Option<String>,
    pub(crate) component: Option<String>,
    pub(crate) workspace: Option<PathBuf>,
    /// Everything that was denied or withheld, each thing once.
    pub(crate) denials: Vec<Denial>,
    pub(crate) outcome: Option<Outcome>,
}

impl Past {
    /// Finds the record that is meant: by its id, by the beginning of one, or `last`.
    ///
    /// # Errors
    /// There is none, there are several, or it cannot be read.
    pub(crate) fn find(places: &Places, wanted: &str) -> Result<Self, Stop> {
        let records = Records::in_directory(places.runs());
        let broken = |error: remit_ledger::RecordError| {
            Stop::usage(error.to_string(), "name another run; `last` is the newest")
        };
        let all = records.list().map_err(broken)?;
        let prefix = wanted.to_ascii_uppercase();
        let meant: Vec<&str> = all
            .iter()
            .map(|one| one.run.as_str())
            .filter(|run| wanted == "last" || run.starts_with(&prefix))
            .collect();
        let run = match meant.as_slice() {
            [] => {
                return Err(Stop::usage(
                    format!(
                        "there is no record of a run `{wanted}` in {}",
                        places.runs().display()
                    ),
                    "write a run's id, the beginning of one, `last`, or two words such as: run git:status",
                ));
            }
            [run, ..] if wanted == "last" => run,
            [run] => run,
            several => {
                let some: Vec<&str> = several.iter().take(NAMED).copied().collect();
                return Err(Stop::usage(
                    format!("{} runs begin with `{wanted}`", several.len()),
                    format!("write more of the id: {}", some.join(", ")),
                ));
            }
        };
        let recorded = records.read::<Record>(run).map_err(broken)?;
        let mut past = Self {
            run: (*run).to_owned(),
            plugin: None,
            component: None,
            workspace: None,
            denials: Vec::new(),
            outcome: None,
        };
        for record in recorded.events {
            past.take(record.event);
        }
        if past.plugin.is_none() {
            past.plugin = past.denials.iter().find_map(of_fix);
        }
        Ok(past)
    }

    /// What an event says about denials.
    fn take(&mut self, event: Event) {
        match event {
            Event::RunStarted {
                plugin,
                component,
                workspace,
                grants,
                ..
            } => {
                self.plugin = Some(plugin);
                self.component = Some(component);
                self.workspace = Some(PathBuf::from(workspace));
                self.add(grants.withheld);
            }
            Event::Denied { denial } => self.add(vec![denial]),
            Event::RunFinished { outcome, .. } => {
                if let Outcome::Denied { denials, .. } = &outcome {
                    self.add(denials.clone());
                }
                self.outcome = Some(outcome);
            }
            Event::InputsAccepted { .. }
            | Event::Step { .. }
            | Event::Percent { .. }
            | Event::Log { .. }
            | Event::Produced { .. }
            | Event::CheckpointSaved { .. }
            | Event::ApprovalRevoked { .. }
            | Event::ClaimsDiffer { .. }
            | Event::ToolStarted { .. }
            | Event::ToolOutput { .. }
            | Event::ToolFinished { .. }
            | Event::ToolRefused { .. }
            | Event::HttpRequested { .. }
            | Event::HttpFinished { .. }
            | Event::FilesChanged { .. } => {}
        }
    }

    fn add(&mut self, denials: Vec<Denial>) {
        for denial in denials {
            let known = self
                .denials
                .iter()
                .any(|one| one.capability == denial.capability && one.scope == denial.scope);
            if !known {
                self.denials.push(denial);
            }
        }
    }
}

/// A run that was denied before it began has no `run-started`; the line that would have changed it
/// begins with the plugin.
fn of_fix(denial: &Denial) -> Option<String> {
    let rest = denial.fix.line.strip_prefix("plugins.")?;
    rest.split_once('.').map(|(plugin, _)| plugin.to_owned())
}
