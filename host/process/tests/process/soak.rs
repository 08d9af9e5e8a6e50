//! G8: a thousand runs leave nothing behind.
//!
//! Never: a count of the whole machine, on which other tests run.

use std::sync::Arc;
use std::time::Duration;

use remit_core::manifest::Confinement;
use remit_core::policy::AsRoot;
use remit_core::tool::{Exit, KillCause, Launch};
use remit_engine::seam::Tools as _;
use remit_process::{Without, probe as probe_machine};
use tokio::task::JoinSet;

use crate::confinement::Place;
use crate::fixture::{Bench, finish, finish_boxed, invocation, probe, within};
use crate::host;

const RUNS: usize = 1000;
const AT_ONCE: usize = 16;

#[test]
fn a_thousand_runs_leave_no_zombie_no_descriptor_and_no_directory() {
    let child = host::command(&[], "soak", "").spawn().unwrap();
    assert!(host::finish(child));
}

#[test]
fn a_thousand_confined_runs_leave_nothing_either() {
    let child = host::command(&[], "soak-confined", "").spawn().unwrap();
    assert!(host::finish(child));
}

/// The role `soak-confined`: through the tool box, at the tightest level that there is, each run
/// with three daemons left behind, and with placeholders made and removed.
pub(crate) async fn soak_confined() {
    let scratch = tempfile::tempdir().unwrap();
    let found = probe_machine(scratch.path(), AsRoot::Service, Without::default()).await;
    let found = found.unwrap().confinement;
    let place = Arc::new(Place::new(
        Without::default(),
        "read = [\".\"]\nwrite = [\".\"]",
    ));
    place.tools.rely_on(found);
    let launch = Arc::new(place.launch(probe(), &["leak", "3", "soak-confined"], ""));
    confined(Arc::clone(&place), Arc::clone(&launch), found).await;
    let before = descriptors();
    let mut set = JoinSet::new();
    for _ in 0..RUNS {
        if set.len() == AT_ONCE {
            within(set.join_next()).await.unwrap().unwrap();
        }
        set.spawn(confined(Arc::clone(&place), Arc::clone(&launch), found));
    }
    while let Some(result) = within(set.join_next()).await {
        result.unwrap();
    }
    assert_eq!(descriptors(), before, "descriptors are left");
    let children = host::children(std::process::id());
    assert!(children.is_empty(), "children are left: {children:?}");
    let mut entries: Vec<_> = std::fs::read_dir(place.path("workspace"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    entries.sort();
    assert_eq!(entries, ["docs", "src"], "a placeholder is left");
}

/// One confined run to its end.
async fn confined(place: Arc<Place>, launch: Arc<Launch>, level: Confinement) {
    let started = place.tools.start(&launch).await.unwrap();
    assert_eq!(started.tool.usage().confinement, level);
    assert_eq!(finish_boxed(started.tool).await.exit, Exit::Code(0));
}

/// The role `soak`.
pub(crate) async fn soak() {
    let bench = Arc::new(Bench::new());
    // The runtime opens descriptors of its own when it first needs them.
    one(&bench, 1).await;
    let before = descriptors();
    let mut set = JoinSet::new();
    for number in 0..RUNS {
        if set.len() == AT_ONCE {
            within(set.join_next()).await.unwrap().unwrap();
        }
        let bench = Arc::clone(&bench);
        set.spawn(async move { one(&bench, number).await });
    }
    while let Some(result) = within(set.join_next()).await {
        result.unwrap();
    }
    assert_eq!(descriptors(), before, "descriptors are left");
    let own = std::process::id();
    let children = host::children(own);
    assert!(
        children.is_empty(),
        "children are left, dead or alive: {children:?}"
    );
    let kept: Vec<_> = std::fs::read_dir(bench.base.path()).unwrap().collect();
    assert_eq!(kept.len(), 1, "one directory for the host");
    let inside = kept[0].as_ref().unwrap().path();
    let inside: Vec<_> = std::fs::read_dir(inside)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(inside, ["lock"], "private directories are left");
}

/// One run that leaves a daemon and files behind; every tenth runs into its limit.
async fn one(bench: &Bench, number: usize) {
    let slow = number.is_multiple_of(10);
    let mut start = if slow {
        invocation("/bin/sleep", &["60"])
    } else {
        invocation(probe(), &["leak", "1", "soak"])
    };
    if slow {
        start.limits.wall = Duration::from_millis(20);
    }
    let scratch = bench.broker.run_directory().unwrap();
    std::fs::write(scratch.home().join("left"), "behind").unwrap();
    start.scratch = Some(scratch);
    let exit = finish(bench.broker.spawn(start).await.unwrap()).await.exit;
    let expected = if slow {
        Exit::Killed(KillCause::WallTimeout)
    } else {
        Exit::Code(0)
    };
    assert_eq!(exit, expected);
}

/// The open descriptors of this process.
fn descriptors() -> Vec<String> {
    let mut all: Vec<_> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .map(|target| target.to_string_lossy().into_owned())
        // The listing itself is one.
        .filter(|target| !target.ends_with("/fd"))
        .collect();
    all.sort();
    all
}
