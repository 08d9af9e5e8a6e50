//! A plan in the making: tasks under the names that files give them, until all files were read.
//!
//! Never: two tasks of one name, a name that is rewritten without a word.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::notes::Notes;
use crate::durable::{MAX_NAME, RunId, TaskId};
use crate::plan::{
    CheckedPlan, Concurrency, MAX_PARALLEL, OnUnknown, PLAN_FORMAT, Plan, PlanError, RunSettings,
    TaskSpec, Work,
};

/// A place in one of the files.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) bytes: Range<usize>,
}

/// A task under the name that its file gives it.
struct DraftTask {
    name: String,
    /// Whose names it sees first: the number of its workstream.
    scope: usize,
    place: Place,
    spec: TaskSpec,
    needs: Vec<Need>,
}

/// What a task needs, under the name that its file uses.
#[derive(Debug, Clone)]
pub(super) struct Need {
    pub(super) name: String,
    pub(super) place: Place,
    /// It may be a workstream of another file.
    pub(super) outside: bool,
}

/// What is collected from all files.
#[derive(Default)]
pub(super) struct Draft {
    tasks: Vec<DraftTask>,
    /// Names of several tasks together: workstreams (no scope) and phases (in one).
    groups: HashMap<(Option<usize>, String), Vec<usize>>,
    /// The name of each scope.
    scopes: Vec<String>,
    runs: Vec<(String, Place)>,
    pub(super) settings: RunSettings,
    parallel: Option<u32>,
}

/// A task with nothing but its work.
pub(super) fn blank(work: Work) -> TaskSpec {
    TaskSpec {
        // Every draft gets its own name at the end.
        id: TaskId::numbered(0),
        title: None,
        work,
        needs: Vec::new(),
        priority: 0,
        conflict_group: None,
        retry: None,
        timeout: None,
        on_unknown: OnUnknown::default(),
        gates: Vec::new(),
        metadata: serde_json::Map::new(),
    }
}

impl Draft {
    /// Opens the names of a workstream or file.
    pub(super) fn scope(&mut self, name: &str) -> usize {
        self.scopes.push(name.to_owned());
        self.scopes.len() - 1
    }

    /// Adds a task.
    pub(super) fn add(&mut self, scope: usize, name: &str, place: Place, spec: TaskSpec) -> usize {
        self.tasks.push(DraftTask {
            name: name.to_owned(),
            scope,
            place,
            spec,
            needs: Vec::new(),
        });
        self.tasks.len() - 1
    }

    /// The task, for what is known about it later.
    pub(super) fn task(&mut self, index: usize) -> Option<&mut TaskSpec> {
        self.tasks.get_mut(index).map(|task| &mut task.spec)
    }

    /// Says what a task needs, by the name in its file.
    pub(super) fn need(&mut self, task: usize, name: &str, place: Place) {
        self.push_need(task, name, place, false);
    }

    /// Says which workstream a task needs; it may be in another file, or in none.
    pub(super) fn need_outside(&mut self, task: usize, name: &str, place: Place) {
        self.push_need(task, name, place, true);
    }

    fn push_need(&mut self, task: usize, name: &str, place: Place, outside: bool) {
        let name = name.to_owned();
        let need = Need {
            name,
            place,
            outside,
        };
        if let Some(task) = self.tasks.get_mut(task) {
            task.needs.push(need);
        }
    }

    /// Gives several tasks a name together; in a scope, or for all files.
    pub(super) fn group(&mut self, scope: Option<usize>, name: &str, members: Vec<usize>) {
        let group = self.groups.entry((scope, name.to_owned())).or_default();
        group.extend(members);
    }

    /// Whether several tasks of all files have this name together.
    pub(super) fn is_group(&self, name: &str) -> bool {
        self.groups.contains_key(&(None, name.to_owned()))
    }

    /// Needs of tasks that nothing in all files is called by.
    pub(super) fn open_needs(&self) -> Vec<Need> {
        let named: HashSet<(usize, &str)> = self
            .tasks
            .iter()
            .map(|task| (task.scope, task.name.as_str()))
            .collect();
        let is_open = |scope: usize, name: &str| {
            !named.contains(&(scope, name))
                && !self.is_group(name)
                && !self.groups.contains_key(&(Some(scope), name.to_owned()))
        };
        let of_task = |task: &DraftTask| -> Vec<Need> {
            let needs = task.needs.iter();
            needs
                .filter(|need| is_open(task.scope, &need.name))
                .cloned()
                .collect()
        };
        self.tasks.iter().flat_map(of_task).collect()
    }

    /// The run that a file names.
    pub(super) fn run(&mut self, name: &str, place: Place) {
        self.runs.push((name.to_owned(), place));
    }

    /// No more than this many attempts at the same time; the smallest number counts.
    pub(super) fn parallel(&mut self, most: u64) {
        let most = u32::try_from(most)
            .unwrap_or(MAX_PARALLEL)
            .min(MAX_PARALLEL);
        self.parallel = Some(self.parallel.map_or(most, |known| known.min(most)));
    }

    /// The plan. What is wrong is noted with the file that it is in.
    pub(super) fn finish(mut self, notes: &[Notes<'_, '_>]) -> Option<CheckedPlan> {
        let run = self.run_name(notes);
        if let Some(total) = self.parallel {
            self.settings.concurrency = Concurrency {
                total,
                ..Concurrency::default()
            };
        }
        let ids = self.name_all(notes);
        let needs = self.resolve(&ids);
        let places: Vec<Place> = self.tasks.iter().map(|task| task.place.clone()).collect();
        let mut tasks = Vec::with_capacity(self.tasks.len());
        for ((task, id), needs) in self.tasks.into_iter().zip(ids).zip(needs) {
            tasks.push(TaskSpec {
                id,
                needs,
                ..task.spec
            });
        }
        let plan = Plan {
            format: PLAN_FORMAT,
            run,
            settings: self.settings,
            tasks,
        };
        match CheckedPlan::new(plan) {
            Ok(plan) => Some(plan),
            Err(errors) => {
                for error in errors {
                    report(&error, &places, notes);
                }
                None
            }
        }
    }

    /// The run that the files name, if they agree.
    fn run_name(&self, notes: &[Notes<'_, '_>]) -> Option<RunId> {
        let (name, place) = self.runs.first()?;
        if let Some((other, at)) = self.runs.iter().find(|(other, _)| other != name) {
            let what = format!("the run gets a new name: the files name `{name}` and `{other}`");
            adapt(notes, at, what, "they are one run now");
            return None;
        }
        match name.parse() {
            Ok(run) => Some(run),
            Err(_) => {
                let what = format!("the run gets a new name instead of `{}`", short(name));
                adapt(notes, place, what, "names of runs are safe as file names");
                None
            }
        }
    }

    /// A legal name for each task, once in the plan.
    fn name_all(&self, notes: &[Notes<'_, '_>]) -> Vec<TaskId> {
        let mut taken: HashSet<TaskId> = HashSet::with_capacity(self.tasks.len());
        let mut next: HashMap<String, usize> = HashMap::new();
        let mut ids = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let base = legal(&task.name);
            let id = unique(&base, &taken, &mut next);
            if id.as_str() != task.name {
                let why = if base == task.name {
                    "the name is there twice"
                } else {
                    "names are letters, digits and . _ -, safe as file names"
                };
                let what = format!("the task `{}` is called `{id}`", short(&task.name));
                adapt(notes, &task.place, what, why);
            }
            taken.insert(id.clone());
            ids.push(id);
        }
        ids
    }

    /// What each task needs, by the names of the plan. A name means the first task of the same
    /// scope, then a group of that scope, then one of all files.
    fn resolve(&self, ids: &[TaskId]) -> Vec<Vec<TaskId>> {
        let mut first: HashMap<(usize, &str), usize> = HashMap::new();
        for (index, task) in self.tasks.iter().enumerate() {
            first
                .entry((task.scope, task.name.as_str()))
                .or_insert(index);
        }
        let meant = |scope: usize, name: &str| -> Vec<usize> {
            if let Some(index) = first.get(&(scope, name)) {
                return vec![*index];
            }
            let local = self.groups.get(&(Some(scope), name.to_owned()));
            let global = || self.groups.get(&(None, name.to_owned()));
            local.or_else(global).cloned().unwrap_or_default()
        };
        let of_task = |task: &DraftTask| {
            let mut seen = HashSet::new();
            let needs = task.needs.iter();
            let needs = needs.flat_map(|need| meant(task.scope, &need.name));
            needs
                .filter(|index| seen.insert(*index))
                .filter_map(|index| ids.get(index).cloned())
                .collect()
        };
        self.tasks.iter().map(of_task).collect()
    }
}

/// Notes an adaptation in the file that it is about.
fn adapt(notes: &[Notes<'_, '_>], place: &Place, what: String, why: &str) {
    if let Some(notes) = notes.get(place.file) {
        notes.adapt(place.bytes.clone(), what, why);
    }
}

fn report(error: &PlanError, places: &[Place], notes: &[Notes<'_, '_>]) {
    let (index, help) = match error {
        PlanError::Twice { index, .. } => (Some(*index), "give each task its own name"),
        PlanError::Missing { index, .. } => (Some(*index), "name the file that has it, too"),
        PlanError::Nobody { index, .. } => (Some(*index), "name a tool"),
        PlanError::Cycle(cycle) => (cycle.nodes.first().copied(), "remove one of these needs"),
        PlanError::TooMany { .. } => (None, "split it into several plans"),
    };
    let place = index.and_then(|index| places.get(index));
    let file = place.map_or(0, |place| place.file);
    if let Some(notes) = notes.get(file) {
        let bytes = place.map_or_else(|| notes.start(), |place| place.bytes.clone());
        notes.wrong(bytes, "plan", error.to_string(), help);
    }
}

/// A name that is legal, made of one that may not be.
fn legal(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let mut made = String::with_capacity(name.len());
    for c in name.chars() {
        if fits(c) {
            made.push(c);
        } else if !made.ends_with('-') {
            made.push('-');
        }
        if made.len() == MAX_NAME {
            break;
        }
    }
    let made = made.trim_end_matches('-');
    let made = made.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.len() <= MAX_NAME && name.parse::<TaskId>().is_ok() {
        name.to_owned()
    } else if made.is_empty() {
        "task".to_owned()
    } else {
        made.to_owned()
    }
}

/// The name, or the name with the first free number.
fn unique(base: &str, taken: &HashSet<TaskId>, next: &mut HashMap<String, usize>) -> TaskId {
    if let Ok(id) = base.parse::<TaskId>()
        && !taken.contains(&id)
    {
        return id;
    }
    // Each name remembers its last number, so that a million of the same take no million steps each.
    let number = next.entry(base.to_owned()).or_insert(1);
    loop {
        *number += 1;
        let suffix = format!("-{number}");
        let cut: String = base.chars().take(MAX_NAME - suffix.len()).collect();
        if let Ok(id) = format!("{cut}{suffix}").parse::<TaskId>()
            && !taken.contains(&id)
        {
            return id;
        }
    }
}

/// The beginning of a name from a file.
fn short(name: &str) -> String {
    crate::excerpt::excerpt(name)
}
