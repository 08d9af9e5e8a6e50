//! What is left of a run that has finished, as a plan of its own: the tasks that did not complete,
//! without the needs that did.
//!
//! Never: a task that completed; a change of the run that has finished.

use std::collections::{HashMap, HashSet};

use super::name::{MAX_NAME, RunId, TaskId};
use super::task::Phase;
use crate::plan::{PLAN_FORMAT, Plan, RunSettings, TaskSpec};

/// Highest number that is tried for a name.
const MAX_NUMBER: u32 = 100_000;

/// Why there is nothing to do again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NothingLeft {
    /// Every task completed.
    #[error("every task completed")]
    AllCompleted,
    /// The task completed.
    #[error("task `{0}` completed")]
    Completed(TaskId),
    /// There is no such task.
    #[error("there is no task `{0}`")]
    Missing(TaskId),
    /// No free name was found.
    #[error("{0} names that begin with the run's are taken")]
    NoName(u32),
}

/// The plan of what is left: of the whole run, or of one task with what it needs and what was
/// blocked by it. `taken` says whether a run's name is used already.
///
/// # Errors
/// Nothing is left.
pub fn plan_again(
    run: &RunId,
    settings: RunSettings,
    tasks: Vec<(TaskSpec, Phase)>,
    only: Option<&TaskId>,
    taken: impl Fn(&RunId) -> bool,
) -> Result<Plan, NothingLeft> {
    let mut left: Vec<TaskSpec> = Vec::new();
    let mut known = None;
    for (spec, phase) in tasks {
        if Some(&spec.id) == only {
            known = Some(phase);
        }
        if phase != Phase::Completed {
            left.push(spec);
        }
    }
    if let Some(task) = only {
        match known {
            None => return Err(NothingLeft::Missing(task.clone())),
            Some(Phase::Completed) => return Err(NothingLeft::Completed(task.clone())),
            Some(_) => {
                let wanted = around(task, &left);
                left.retain(|spec| wanted.contains(&spec.id));
            }
        }
    }
    if left.is_empty() {
        return Err(NothingLeft::AllCompleted);
    }
    let ids: HashSet<TaskId> = left.iter().map(|spec| spec.id.clone()).collect();
    for spec in &mut left {
        spec.needs.retain(|need| ids.contains(need));
    }
    Ok(Plan {
        format: PLAN_FORMAT,
        run: Some(next_name(run, taken)?),
        settings,
        tasks: left,
    })
}

/// The task, what could not be done without it, and what all of those need.
fn around(task: &TaskId, left: &[TaskSpec]) -> HashSet<TaskId> {
    let mut needed_by: HashMap<&TaskId, Vec<&TaskId>> = HashMap::new();
    let mut needs: HashMap<&TaskId, &[TaskId]> = HashMap::new();
    for spec in left {
        needs.insert(&spec.id, &spec.needs);
        for need in &spec.needs {
            needed_by.entry(need).or_default().push(&spec.id);
        }
    }
    let mut wanted = HashSet::from([task.clone()]);
    let mut open = vec![task];
    while let Some(next) = open.pop() {
        for follower in needed_by.get(next).into_iter().flatten() {
            if wanted.insert((*follower).clone()) {
                open.push(follower);
            }
        }
    }
    let mut open: Vec<TaskId> = wanted.iter().cloned().collect();
    while let Some(next) = open.pop() {
        for need in needs.get(&next).copied().unwrap_or_default() {
            if needs.contains_key(need) && wanted.insert(need.clone()) {
                open.push(need.clone());
            }
        }
    }
    wanted
}

/// `<run>-2`, or the next number that is free. A long name is shortened.
fn next_name(run: &RunId, taken: impl Fn(&RunId) -> bool) -> Result<RunId, NothingLeft> {
    for number in 2..=MAX_NUMBER {
        let suffix = format!("-{number}");
        let room = MAX_NAME - suffix.len();
        // A name is ASCII: every byte is a character.
        let start = run.as_str().get(..room).unwrap_or(run.as_str());
        if let Ok(name) = format!("{start}{suffix}").parse::<RunId>()
            && !taken(&name)
        {
            return Ok(name);
        }
    }
    Err(NothingLeft::NoName(MAX_NUMBER))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::plan::{CheckedPlan, OnUnknown, Work};

    fn spec(id: &str, needs: &[&str]) -> TaskSpec {
        TaskSpec {
            id: id.parse().unwrap(),
            title: None,
            work: Work::Manual {
                instructions: "do it".to_owned(),
                expires: None,
            },
            needs: needs.iter().map(|need| need.parse().unwrap()).collect(),
            priority: 0,
            conflict_group: None,
            retry: None,
            timeout: None,
            on_unknown: OnUnknown::default(),
            gates: Vec::new(),
            metadata: Map::new(),
        }
    }

    fn again(tasks: &[(&str, &[&str], Phase)], only: Option<&str>) -> Result<Plan, NothingLeft> {
        let tasks = tasks
            .iter()
            .map(|(id, needs, phase)| (spec(id, needs), *phase))
            .collect();
        let only: Option<TaskId> = only.map(|task| task.parse().unwrap());
        plan_again(
            &"r".parse().unwrap(),
            RunSettings::default(),
            tasks,
            only.as_ref(),
            |name| name.as_str() == "r-2",
        )
    }

    fn ids(plan: &Plan) -> Vec<(&str, Vec<&str>)> {
        plan.tasks
            .iter()
            .map(|task| {
                let needs = task.needs.iter().map(TaskId::as_str).collect();
                (task.id.as_str(), needs)
            })
            .collect()
    }

    const RUN: [(&str, &[&str], Phase); 5] = [
        ("a", &[], Phase::Completed),
        ("b", &["a"], Phase::Failed),
        ("c", &["b", "a"], Phase::Blocked),
        ("d", &[], Phase::Timeout),
        ("e", &["d", "c"], Phase::Blocked),
    ];

    #[test]
    fn what_completed_is_left_out_also_as_a_need() {
        let plan = again(&RUN, None).unwrap();
        assert_eq!(plan.run.as_ref().unwrap().as_str(), "r-3");
        assert_eq!(
            ids(&plan),
            [
                ("b", vec![]),
                ("c", vec!["b"]),
                ("d", vec![]),
                ("e", vec!["d", "c"]),
            ]
        );
        CheckedPlan::new(plan).unwrap();
    }

    #[test]
    fn one_task_comes_with_what_it_blocked_and_what_that_needs() {
        let plan = again(&RUN, Some("b")).unwrap();
        let named: Vec<&str> = ids(&plan).into_iter().map(|(id, _)| id).collect();
        assert_eq!(named, ["b", "c", "d", "e"]);
        let alone = again(&RUN[..4], Some("d")).unwrap();
        assert_eq!(ids(&alone), [("d", vec![])]);
    }

    #[test]
    fn nothing_left_says_why() {
        assert_eq!(again(&RUN[..1], None), Err(NothingLeft::AllCompleted));
        let completed = again(&RUN, Some("a")).unwrap_err();
        assert_eq!(completed, NothingLeft::Completed("a".parse().unwrap()));
        let missing = again(&RUN, Some("x")).unwrap_err();
        assert_eq!(missing, NothingLeft::Missing("x".parse().unwrap()));
    }

    #[test]
    fn the_longest_name_gets_a_number_too() {
        let long: RunId = "a".repeat(MAX_NAME).parse().unwrap();
        let name = next_name(&long, |_| false).unwrap();
        assert_eq!(name.as_str().len(), MAX_NAME);
        assert!(name.as_str().ends_with("a-2"));
    }
}
