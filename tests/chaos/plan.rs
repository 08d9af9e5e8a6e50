//! The plan of a chaos run: tasks with tools, needs, priorities, conflict groups, gates, people;
//! and for each of them how it has to end, whatever happens to its hosts.
//!
//! Never: a task whose end depends on when something happens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::chance::Chance;

/// How a task has to end, in the words of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed,
    Failed,
    Blocked,
}

impl Ending {
    /// The terminal event's word.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Completed => "TASK_COMPLETED",
            Self::Failed => "TASK_FAILED",
            Self::Blocked => "TASK_BLOCKED",
        }
    }

    /// The word in `execution_results.json`.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
        }
    }
}

/// Attempts that a failing tool may have.
pub(crate) const TRIES: u64 = 3;
/// The tool's word for "always".
const ALWAYS: u64 = 1000;

/// One call of the tool.
#[derive(Debug, Clone)]
pub(crate) struct ToolCall {
    /// Names it in the log, once in the plan.
    pub(crate) label: String,
    pub(crate) lines: u64,
    pause: u64,
    fails: u64,
}

impl ToolCall {
    pub(crate) fn new(label: impl Into<String>, lines: u64) -> Self {
        Self {
            label: label.into(),
            lines,
            pause: 0,
            fails: 0,
        }
    }

    /// With a pause before each line, in milliseconds.
    pub(crate) fn pausing(self, pause: u64) -> Self {
        Self { pause, ..self }
    }

    /// What it prints.
    pub(crate) fn output(&self) -> String {
        let line = |i| format!("{} line {i}\n", self.label);
        (1..=self.lines).map(line).collect()
    }

    fn slots(&self, tag: &str) -> Value {
        json!({
            "tag": tag, "label": self.label, "lines": self.lines.to_string(),
            "pause": self.pause.to_string(), "fails": self.fails.to_string(),
        })
    }
}

/// Who does a task.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Tools {
        calls: Vec<ToolCall>,
        gates: Vec<ToolCall>,
        remember: bool,
    },
    Manual {
        done: bool,
    },
    Approval {
        approved: bool,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) needs: Vec<usize>,
    pub(crate) group: Option<String>,
    pub(crate) priority: u64,
    pub(crate) work: Work,
    pub(crate) ending: Ending,
    /// Whether it fails when it is not known what a tool did.
    pub(crate) unknown_fails: bool,
}

impl Task {
    /// The calls of its work, in order.
    pub(crate) fn calls(&self) -> &[ToolCall] {
        match &self.work {
            Work::Tools { calls, .. } => calls,
            Work::Manual { .. } | Work::Approval { .. } => &[],
        }
    }

    pub(crate) fn gates(&self) -> &[ToolCall] {
        match &self.work {
            Work::Tools { gates, .. } => gates,
            Work::Manual { .. } | Work::Approval { .. } => &[],
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) run: String,
    pub(crate) tasks: Vec<Task>,
}

impl Plan {
    /// A plan of so many tasks. Two of them ask a person.
    pub(crate) fn random(run: &str, count: usize, chance: &mut Chance) -> Self {
        let mut tasks: Vec<Task> = Vec::with_capacity(count);
        for index in 0..count {
            let task = Self::task(index, count, &tasks, chance);
            tasks.push(task);
        }
        Self {
            run: run.to_owned(),
            tasks,
        }
    }

    fn task(index: usize, count: usize, before: &[Task], chance: &mut Chance) -> Task {
        let mut needs = Vec::new();
        if index > 0 && chance.percent(50) {
            for _ in 0..chance.within(1, 3) {
                // Needs that lie near make chains; needs that lie far make width.
                let back = chance.within(1, index.min(20) as u64) as usize;
                if !needs.contains(&(index - back)) {
                    needs.push(index - back);
                }
            }
        }
        let group = chance
            .percent(25)
            .then(|| format!("group-{}", chance.within(1, 3)));
        let priority = chance.within(0, 9);
        let work = match index {
            _ if index == count / 4 => Work::Manual { done: true },
            _ if index == count / 3 => Work::Approval { approved: true },
            _ if index == count - 1 => Work::Approval { approved: false },
            _ => tools(index, chance),
        };
        if !matches!(work, Work::Tools { .. }) {
            needs.clear();
        }
        let blocked = needs
            .iter()
            .any(|need| before[*need].ending != Ending::Completed);
        let ending = if blocked {
            Ending::Blocked
        } else {
            own_ending(&work)
        };
        Task {
            id: format!("t{index:04}"),
            needs,
            group,
            priority,
            work,
            ending,
            unknown_fails: false,
        }
    }

    /// Lines of the log if nothing ever has to be done again: what kills are spread over.
    pub(crate) fn log_lines(&self) -> u64 {
        let open = self
            .tasks
            .iter()
            .filter(|task| task.ending != Ending::Blocked);
        let calls = open.flat_map(|task| task.calls().iter().chain(task.gates()));
        calls.map(|call| call.lines + 2).sum()
    }

    /// Each call of the work by its label, with its task's place.
    pub(crate) fn calls(&self) -> BTreeMap<&str, (usize, &ToolCall)> {
        let tasks = self.tasks.iter().enumerate();
        tasks
            .flat_map(|(index, task)| task.calls().iter().map(move |call| (index, call)))
            .map(|(index, call)| (call.label.as_str(), (index, call)))
            .collect()
    }

    /// The plan as its file has it. `tag` marks its tools among the machine's processes.
    pub(crate) fn json(&self, plugin: &str, tag: &str) -> Value {
        let tasks: Vec<Value> = self
            .tasks
            .iter()
            .map(|task| self.task_json(task, plugin, tag))
            .collect();
        json!({
            "format": 1,
            "run": self.run,
            "retry": {
                "max-attempts": TRIES, "first-delay": "20ms", "cap": "60ms",
                "jitter": {"min": 1, "max": 1},
            },
            // Tools that fail here fail on purpose; no circuit opens for that.
            "breaker": {"threshold": 1000},
            "tasks": tasks,
        })
    }

    fn task_json(&self, task: &Task, plugin: &str, tag: &str) -> Value {
        let needs: Vec<&str> = task
            .needs
            .iter()
            .map(|need| self.tasks[*need].id.as_str())
            .collect();
        let mut json = json!({"id": task.id, "needs": needs, "priority": task.priority});
        if let Some(group) = &task.group {
            json["conflict-group"] = json!(group);
        }
        if task.unknown_fails {
            json["on-unknown"] = json!("fail");
        }
        let more = match &task.work {
            Work::Manual { .. } => json!({"kind": "manual", "instructions": "do it"}),
            Work::Approval { .. } => json!({"kind": "approval", "question": "may it be?"}),
            Work::Tools {
                calls,
                gates,
                remember,
            } => {
                let call = |call: &ToolCall| json!({"tool": "effect", "template": "do", "slots": call.slots(tag)});
                let gate = |call: &ToolCall| json!({"kind": "custom", "tool": "effect:do", "slots": call.slots(tag)});
                json!({
                    "kind": "plugin",
                    "candidates": [{"plugin": plugin}],
                    "inputs": {
                        "calls": calls.iter().map(call).collect::<Vec<_>>(),
                        "remember": remember,
                        "retryable": true,
                    },
                    "gates": gates.iter().map(gate).collect::<Vec<_>>(),
                })
            }
        };
        for (key, value) in more.as_object().unwrap() {
            json[key] = value.clone();
        }
        json
    }
}

fn tools(index: usize, chance: &mut Chance) -> Work {
    let mut call = |suffix: String, fails| ToolCall {
        label: format!("t{index:04}.{suffix}"),
        lines: chance.within(0, 2),
        pause: chance.within(0, 25),
        fails,
    };
    // Every shape is in every plan, however small.
    let fails = match index % 20 {
        7 => ALWAYS,
        3 | 13 => 1,
        _ => 0,
    };
    let count = 1 + index % 3;
    let calls = (1..=count)
        .map(|number| call(number.to_string(), if number == count { fails } else { 0 }))
        .collect();
    let gates = (0..usize::from(index % 5 == 1) * (1 + index % 2))
        .map(|number| call(format!("gate{number}"), 0))
        .collect();
    Work::Tools {
        calls,
        gates,
        remember: index % 4 == 2,
    }
}

fn own_ending(work: &Work) -> Ending {
    let well = match work {
        Work::Tools { calls, .. } => calls.iter().all(|call| call.fails < ALWAYS),
        Work::Manual { done } => *done,
        Work::Approval { approved } => *approved,
    };
    if well {
        Ending::Completed
    } else {
        Ending::Failed
    }
}

#[test]
fn the_same_seed_gives_the_same_plan_and_every_shape_is_in_it() {
    let made = |seed| Plan::random("r", 40, &mut Chance::new(seed)).json("steps", "tag");
    assert_eq!(made(5), made(5));
    assert_ne!(made(5), made(6));
    let plan = Plan::random("r", 40, &mut Chance::new(5));
    for ending in [Ending::Completed, Ending::Failed, Ending::Blocked] {
        let found = plan.tasks.iter().any(|task| task.ending == ending);
        assert!(found, "no task ends as {ending:?}");
    }
    assert!(plan.tasks.iter().any(|task| !task.gates().is_empty()));
    assert!(plan.tasks.iter().any(|task| task.group.is_some()));
    assert!(plan.tasks.iter().any(|task| task.calls().len() == 3));
}
