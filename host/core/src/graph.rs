//! A plan as a graph: who needs whom, in which waves the tasks can run, and who is blocked when
//! one fails.
//!
//! Works on positions in a list; names are kept only for the message about a cycle. Time and memory
//! are linear in tasks and dependencies, however deep the chain.
//!
//! Never: recursion, an order that depends on anything but the list, a graph with a cycle.

use std::fmt;

/// Names of a cycle that its message shows. The value holds all of them; a terminal does not.
const MAX_SHOWN: usize = 100;

/// Lists of neighbours for each node, one after the other in one list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edges {
    /// Where each node's neighbours begin; one more entry than nodes.
    starts: Vec<usize>,
    targets: Vec<usize>,
}

impl Edges {
    /// From pairs, for `nodes` nodes. Neighbours keep the order of the pairs.
    fn new(nodes: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; nodes + 1];
        for (from, _) in pairs.clone() {
            if let Some(count) = starts.get_mut(from + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut targets = vec![0; sum];
        for (from, to) in pairs {
            if let Some(place) = next.get_mut(from) {
                if let Some(target) = targets.get_mut(*place) {
                    *target = to;
                }
                *place += 1;
            }
        }
        Self { starts, targets }
    }

    /// The neighbours of a node; none if there is no such node.
    fn of(&self, node: usize) -> &[usize] {
        let bounds = self.starts.get(node).zip(self.starts.get(node + 1));
        bounds
            .and_then(|(start, end)| self.targets.get(*start..*end))
            .unwrap_or_default()
    }
}

/// Tasks that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Cycle {
    /// Positions in the order of the cycle: each needs the next, and the last needs the first.
    /// Begins with the task that stands first in the list.
    pub nodes: Vec<usize>,
    /// Their names, likewise.
    pub names: Vec<String>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.names.iter().take(MAX_SHOWN) {
            write!(f, "{name} → ")?;
        }
        if let Some(more) = self.names.len().checked_sub(MAX_SHOWN + 1) {
            write!(f, "… ({} more) → ", more + 1)?;
        }
        f.write_str(self.names.first().map_or("", String::as_str))
    }
}

/// A plan without a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    needs: Edges,
    needed_by: Edges,
    levels: Vec<usize>,
    order: Vec<usize>,
}

impl Graph {
    /// Builds the graph of `names.len()` tasks, where `needs[i]` lists what task `i` waits for.
    ///
    /// Whoever calls has looked up every name, so positions are in range; one that is not is no
    /// task and is left out, as is a second mention of the same one. A missing list is an empty one.
    ///
    /// # Errors
    /// A [`Cycle`] if tasks wait for each other; the first in the order of the list.
    pub fn new(names: &[&str], needs: &[Vec<usize>]) -> Result<Self, Cycle> {
        let nodes = names.len();
        let lists: Vec<Vec<usize>> = needs
            .iter()
            .take(nodes)
            .map(|list| {
                let mut list: Vec<usize> = list.iter().copied().filter(|n| *n < nodes).collect();
                list.sort_unstable();
                list.dedup();
                list
            })
            .collect();
        let pairs = lists
            .iter()
            .enumerate()
            .flat_map(|(node, list)| list.iter().map(move |need| (node, *need)));
        let needs = Edges::new(nodes, pairs.clone());
        let needed_by = Edges::new(nodes, pairs.map(|(node, need)| (need, node)));
        let (levels, waiting) = levels(nodes, &needs, &needed_by);
        if let Some(first) = waiting.iter().position(|count| *count > 0) {
            return Err(cycle(first, names, &needs, &waiting));
        }
        // A stable sort: within a level, the order of the list.
        let mut order: Vec<usize> = (0..nodes).collect();
        order.sort_by_key(|node| levels.get(*node).copied());
        Ok(Self {
            needs,
            needed_by,
            levels,
            order,
        })
    }

    /// The number of tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Whether there is no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// What a task waits for, directly, ascending; empty if there is no such task.
    #[must_use]
    pub fn needs(&self, node: usize) -> &[usize] {
        self.needs.of(node)
    }

    /// Who waits for a task, directly, ascending; empty if there is no such task.
    #[must_use]
    pub fn needed_by(&self, node: usize) -> &[usize] {
        self.needed_by.of(node)
    }

    /// For each task the number of the earliest wave it can run in: 0 if it needs nothing, else one
    /// more than the highest of what it needs.
    #[must_use]
    pub fn levels(&self) -> &[usize] {
        &self.levels
    }

    /// All tasks, each after everything that it needs; within a wave in the order of the list.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The tasks by wave: each wave needs only waves before it. None is empty.
    #[must_use]
    pub fn waves(&self) -> Vec<Vec<usize>> {
        let level = |node: &usize| self.levels.get(*node).copied();
        self.order
            .chunk_by(|one, next| level(one) == level(next))
            .map(<[usize]>::to_vec)
            .collect()
    }

    /// Everyone who waits for a task, directly or through others, ascending, without the task
    /// itself: who is blocked if it does not succeed. Empty if there is no such task.
    #[must_use]
    pub fn dependants(&self, node: usize) -> Vec<usize> {
        let mut seen = vec![false; self.len()];
        let mut found = Vec::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for next in self.needed_by(node) {
                if let Some(seen) = seen.get_mut(*next)
                    && !std::mem::replace(seen, true)
                {
                    found.push(*next);
                    open.push(*next);
                }
            }
        }
        found.sort_unstable();
        found
    }
}

/// Kahn's algorithm: the level of each node, and how many needs of it were never met; all zero if
/// there is no cycle.
fn levels(nodes: usize, needs: &Edges, needed_by: &Edges) -> (Vec<usize>, Vec<usize>) {
    let mut waiting: Vec<usize> = (0..nodes).map(|node| needs.of(node).len()).collect();
    let mut levels = vec![0; nodes];
    let mut ready: Vec<usize> = (0..nodes)
        .filter(|node| needs.of(*node).is_empty())
        .collect();
    while let Some(node) = ready.pop() {
        let below = levels.get(node).map_or(0, |level: &usize| level + 1);
        for next in needed_by.of(node) {
            if let Some(level) = levels.get_mut(*next) {
                *level = below.max(*level);
            }
            if let Some(count) = waiting.get_mut(*next) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push(*next);
                }
            }
        }
    }
    (levels, waiting)
}

/// The cycle that is reached from a node that still waits. Such a node needs another one that
/// waits, so that the walk cannot end but in a cycle.
fn cycle(first: usize, names: &[&str], needs: &Edges, waiting: &[usize]) -> Cycle {
    let waits = |node: &&usize| waiting.get(**node).is_some_and(|count| *count > 0);
    let mut place = vec![None; waiting.len()];
    let mut walk = Vec::new();
    let mut at = Some(first);
    let mut start = 0;
    while let Some(node) = at {
        match place.get_mut(node) {
            Some(Some(before)) => {
                start = *before;
                break;
            }
            Some(unseen) => *unseen = Some(walk.len()),
            None => break,
        }
        walk.push(node);
        at = needs.of(node).iter().find(waits).copied();
    }
    let mut nodes = walk.split_off(start);
    let smallest = nodes.iter().enumerate().min_by_key(|(_, node)| **node);
    let smallest = smallest.map_or(0, |(place, _)| place);
    nodes.rotate_left(smallest);
    let name = |node: &usize| names.get(*node).copied().unwrap_or_default().to_owned();
    Cycle {
        names: nodes.iter().map(name).collect(),
        nodes,
    }
}

#[cfg(test)]
mod tests;
