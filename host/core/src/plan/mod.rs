//! A plan: the tasks of a run, what each needs, and what applies to all of them.
//!
//! [`Plan`] is what remit itself writes and reads (`format = 1`, JSON); other people's files become
//! one by import. [`CheckedPlan`] is a plan that has been held against itself: names are unique,
//! what tasks need exists, and nothing needs itself.
//!
//! Never: a task whose work is a command line.

pub mod import;
mod read;
mod shape;
mod text;
mod work;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::breaker::BreakerSettings;
use crate::durable::{AdapterId, RunId, TaskId};
use crate::gate::{Criteria, GateKind};
use crate::graph::{Cycle, Graph};
use crate::quantity::TimeSpan;
use crate::retry::RetryPolicy;

pub use read::read_plan;
pub use text::{MAX_DEPTH, MAX_PLAN_BYTES};

/// Version of the plan format.
pub const PLAN_FORMAT: u32 = 1;
/// Most tasks of one plan: what one host can hold in memory with room to spare.
pub const MAX_TASKS: usize = 1_000_000;
/// Most tasks that one task may need, and most candidates and gates that it may have.
pub const MAX_LISTED: usize = 10_000;
/// Most attempts that may be made at the same time on one host.
pub const MAX_PARALLEL: u32 = 1_024;
/// Attempts at the same time if nobody says otherwise. Two for each core of a small machine.
pub const DEFAULT_PARALLEL: u32 = 4;

/// What happens to the rest of a run when a task fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// What does not need the task goes on.
    #[default]
    Continue,
    /// Nothing more begins.
    FailFast,
    /// What does not need the task goes on, and a person is called.
    Escalate,
}

/// How much happens at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Concurrency {
    /// Attempts of this run.
    pub total: u32,
    /// Attempts with each of these adapters; the others are bounded by the total alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub per_adapter: BTreeMap<AdapterId, u32>,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            total: DEFAULT_PARALLEL,
            per_adapter: BTreeMap::new(),
        }
    }
}

/// What applies to a whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RunSettings {
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What happens to the rest when a task fails.
    pub on_failure: OnFailure,
    /// How much happens at the same time.
    pub concurrency: Concurrency,
    /// When and how often failed attempts are made again, for tasks that do not say.
    pub retry: RetryPolicy,
    /// When adapters are left alone.
    pub breaker: BreakerSettings,
    /// Whether a task needs at least one passed gate to complete.
    pub require_evidence: bool,
    /// How long one attempt may take, for tasks that do not say; the plugin's own limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// Gates of every plugin task, before its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateSpec>,
    /// The directory on the host that the work is about. Set when a plan is submitted, never by a
    /// plan's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// A plugin that can do a task's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Candidate {
    /// A plugin as on the command line: an id, or a `.wasm` file.
    pub plugin: String,
    /// The adapter's name for breaker and limits; the plugin's id if absent. A routed tool keeps
    /// its own name here while the `command` adapter runs it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub adapter: Option<AdapterId>,
    /// Its inputs; the task's inputs if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inputs: Option<Map<String, Value>>,
}

/// What a task's work is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Work {
    /// A plugin does it: the first candidate, the next ones if that crashes or is not there.
    Plugin {
        /// At least one.
        candidates: Vec<Candidate>,
        /// The inputs of candidates that have none of their own.
        #[serde(default)]
        inputs: Map<String, Value>,
    },
    /// A person does it, and says how it went.
    Manual {
        /// What is to be done.
        instructions: String,
        /// How long the person has; for ever if absent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        expires: Option<TimeSpan>,
    },
    /// A person says yes or no.
    Approval {
        /// To what.
        question: String,
        /// How long the person has; for ever if absent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        expires: Option<TimeSpan>,
    },
}

/// An acceptance gate: a declared tool whose end is held against criteria.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GateSpec {
    /// What it is called, for people; its kind if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// What it checks.
    pub kind: GateKind,
    /// The owner's tool and argument shape, as `tool:template`.
    pub tool: String,
    /// Values of the template's slots.
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub slots: Map<String, Value>,
    /// Where the tool runs, relative to the workspace.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub directory: Option<String>,
    /// Whether the task fails if the gate is not passed.
    #[serde(default = "yes")]
    pub required: bool,
    /// What has to hold besides the tool's success.
    #[serde(default)]
    pub criteria: Criteria,
}

fn yes() -> bool {
    true
}

impl GateSpec {
    /// What people call it.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.tool.clone())
    }
}

/// What a task does about an effect of which is not known whether it happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnknown {
    /// It is reported, and may be started again, under the same effect key.
    #[default]
    Repeat,
    /// It is reported, and the task fails.
    Fail,
}

/// One task of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskSpec {
    /// Its name, once in the plan.
    pub id: TaskId,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// What is to be done.
    #[serde(flatten)]
    pub work: Work,
    /// Tasks that have to complete before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub needs: Vec<TaskId>,
    /// Larger is sooner; 0 if nobody says.
    #[serde(default)]
    pub priority: i32,
    /// Tasks with the same word are never worked on at the same time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conflict_group: Option<String>,
    /// When and how often failed attempts are made again; the run's settings if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry: Option<RetryPolicy>,
    /// How long one attempt may take; the run's settings, then the plugin's own limit if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timeout: Option<TimeSpan>,
    /// What to do about an effect of which is not known whether it happened.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// Its acceptance gates, after the run's.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gates: Vec<GateSpec>,
    /// Facts from an imported file that remit only keeps, such as `task-kind`.
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub metadata: Map<String, Value>,
}

/// A plan as it was written or imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format: u32,
    /// The run's name; a new ULID if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunId>,
    /// What applies to all of it.
    #[serde(flatten)]
    pub settings: RunSettings,
    /// Its tasks, in the order in which they are begun if nothing else decides.
    pub tasks: Vec<TaskSpec>,
}

/// What is wrong with a plan as a whole. The reader of a file puts the place to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two tasks have the same name.
    #[error("two tasks are called `{id}`")]
    Twice {
        /// The name.
        id: TaskId,
        /// The second one's place in the plan.
        index: usize,
    },
    /// A task needs one that is not there.
    #[error("task `{task}` needs `{needs}`, which is not in the plan")]
    Missing {
        /// The task.
        task: TaskId,
        /// What it needs.
        needs: TaskId,
        /// The task's place in the plan.
        index: usize,
    },
    /// Tasks need each other in a circle.
    #[error("tasks need each other in a circle: {0}")]
    Cycle(Cycle),
    /// A number is out of its range.
    #[error("{what} is {found}; the limit is {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A plugin task has nobody to do it.
    #[error("task `{task}` names no plugin")]
    Nobody {
        /// The task.
        task: TaskId,
        /// Its place in the plan.
        index: usize,
    },
}

/// A plan that has been held against itself, with the graph of what needs what.
#[derive(Debug, Clone)]
pub struct CheckedPlan {
    plan: Plan,
    graph: Graph,
}

impl CheckedPlan {
    /// Holds a plan against itself.
    ///
    /// # Errors
    /// Everything that is wrong with it; a circle only if nothing else is.
    pub fn new(plan: Plan) -> Result<Self, Vec<PlanError>> {
        let mut errors = Vec::new();
        let too_many = |what, found, limit| {
            (found > limit).then_some(PlanError::TooMany { what, found, limit })
        };
        errors.extend(too_many("the number of tasks", plan.tasks.len(), MAX_TASKS));
        let parallel = usize::try_from(plan.settings.concurrency.total).unwrap_or(usize::MAX);
        errors.extend(too_many(
            "concurrency.total",
            parallel,
            MAX_PARALLEL as usize,
        ));
        let mut places: HashMap<&TaskId, usize> = HashMap::with_capacity(plan.tasks.len());
        for (index, task) in plan.tasks.iter().enumerate() {
            if places.insert(&task.id, index).is_some() {
                let id = task.id.clone();
                errors.push(PlanError::Twice { id, index });
            }
            errors.extend(too_many(
                "the number of needs",
                task.needs.len(),
                MAX_LISTED,
            ));
            errors.extend(too_many(
                "the number of gates",
                task.gates.len(),
                MAX_LISTED,
            ));
            if let Work::Plugin { candidates, .. } = &task.work
                && candidates.is_empty()
            {
                let task = task.id.clone();
                errors.push(PlanError::Nobody { task, index });
            }
        }
        let mut needs = Vec::with_capacity(plan.tasks.len());
        for (index, task) in plan.tasks.iter().enumerate() {
            let mut of_task = Vec::with_capacity(task.needs.len());
            for need in &task.needs {
                match places.get(need) {
                    Some(place) => of_task.push(*place),
                    None => errors.push(PlanError::Missing {
                        task: task.id.clone(),
                        needs: need.clone(),
                        index,
                    }),
                }
            }
            needs.push(of_task);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let names: Vec<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
        match Graph::new(&names, &needs) {
            Ok(graph) => Ok(Self { plan, graph }),
            Err(cycle) => Err(vec![PlanError::Cycle(cycle)]),
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What needs what, by place in the plan.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The plan again.
    #[must_use]
    pub fn into_plan(self) -> Plan {
        self.plan
    }
}

#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod tests;
