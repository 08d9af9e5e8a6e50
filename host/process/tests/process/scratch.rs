//! The scratch directory of an attempt at every level of confinement: its tools find the same files
//! there, and those of another attempt find nothing.
//!
//! Never: an expectation about a kernel feature that was not looked for first.

use std::fs::{read_to_string, write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;

use remit_core::manifest::Confinement;
use remit_core::tool::{Exit, StartError};
use remit_engine::seam::{Scratch, Tools};
use remit_process::{AttemptDirectory, Without, probe};

use crate::confinement::Place;
use crate::fixture::{Outcome, finish_boxed};

/// Everything that this kernel has, and what others do not have.
const MACHINES: [Without; 4] = [
    Without {
        namespaces: false,
        landlock: false,
    },
    Without {
        namespaces: false,
        landlock: true,
    },
    Without {
        namespaces: true,
        landlock: false,
    },
    Without {
        namespaces: true,
        landlock: true,
    },
];

fn path(scratch: &AttemptDirectory) -> PathBuf {
    PathBuf::from(scratch.path().unwrap())
}

/// What a program of the system does in this attempt.
async fn run(
    place: &Place,
    scratch: &AttemptDirectory,
    program: &str,
    arguments: &[&str],
) -> Outcome {
    let launch = place.launch(program, arguments, "");
    let launch = launch.in_scratch(scratch.path().unwrap());
    finish_boxed(place.tools.start(&launch).await.unwrap().tool).await
}

/// Whether tools are kept from what they were not granted here.
async fn is_confined(place: &Place, without: Without) -> bool {
    let as_root = if without.namespaces {
        remit_core::policy::AsRoot::Keep
    } else {
        remit_core::policy::AsRoot::Service
    };
    let base = place.path("scratch");
    match probe(&base, as_root, without)
        .await
        .map(|found| found.confinement)
    {
        Ok(Confinement::Full | Confinement::Namespaces | Confinement::Landlock) => true,
        Ok(Confinement::None) | Err(_) => false,
    }
}

#[tokio::test]
async fn tools_of_an_attempt_hand_each_other_files_beside_a_workspace_that_they_may_only_read() {
    for without in MACHINES {
        let place = Place::new(without, "read = [\".\"]\nconfinement = \"C\"");
        let scratch = place.tools.scratch();
        write(path(&scratch).join("prompt"), "words").unwrap();
        let copy = ["{scratch}/prompt", "{scratch}/answer"];
        let copied = run(&place, &scratch, "/usr/bin/cp", &copy).await;
        assert_eq!(copied.exit, Exit::Code(0), "{without:?} {}", copied.text());
        let shown = run(&place, &scratch, "/usr/bin/cat", &["{scratch}/answer"]).await;
        assert_eq!(shown.text(), "words", "{without:?}");
        let answer = path(&scratch).join("answer");
        assert_eq!(read_to_string(&answer).unwrap(), "words");
        // A tool of a root host does not work as root, and what it makes is the workspace owner's.
        let owner = place.path("workspace").metadata().unwrap().uid();
        assert_eq!(answer.metadata().unwrap().uid(), owner, "{without:?}");
        let named = run(&place, &scratch, "/usr/bin/printenv", &["REMIT_SCRATCH"]).await;
        assert_eq!(named.text().trim_end(), scratch.path().unwrap());
    }
}

#[tokio::test]
async fn nobody_finds_the_scratch_directory_of_another_attempt() {
    for without in MACHINES {
        let place = Place::new(without, "read = [\".\"]");
        if !is_confined(&place, without).await {
            continue;
        }
        let (mine, other) = (place.tools.scratch(), place.tools.scratch());
        write(path(&other).join("prompt"), "canary").unwrap();
        let theirs = path(&other).join("prompt");
        let theirs = theirs.to_str().unwrap();
        let seen = run(&place, &mine, "/usr/bin/cat", &[theirs]).await;
        assert_ne!(seen.exit, Exit::Code(0), "{without:?}");
        assert!(!seen.text().contains("canary"), "{without:?}");
        let removed = run(&place, &mine, "/usr/bin/rm", &[theirs]).await;
        assert_ne!(removed.exit, Exit::Code(0), "{without:?}");
    }
}

#[tokio::test]
async fn a_link_in_the_scratch_directory_leads_no_tool_out() {
    for without in MACHINES {
        let place = Place::new(without, "read = [\".\"]");
        if !is_confined(&place, without).await {
            continue;
        }
        let scratch = place.tools.scratch();
        let outside = place.path("outside");
        let link = ["-s", outside.to_str().unwrap(), "{scratch}/link"];
        let made = run(&place, &scratch, "/usr/bin/ln", &link).await;
        assert_eq!(made.exit, Exit::Code(0), "{without:?} {}", made.text());
        symlink(&outside, path(&scratch).join("by-the-host")).unwrap();
        for name in ["{scratch}/link", "{scratch}/by-the-host"] {
            let seen = run(&place, &scratch, "/usr/bin/cat", &[name]).await;
            assert!(!seen.text().contains("outside-canary"), "{without:?}");
        }
    }
}

#[tokio::test]
async fn a_tool_that_names_a_scratch_file_does_not_start_without_the_directory() {
    let place = Place::new(MACHINES[0], "read = [\".\"]");
    let launch = place.launch("/usr/bin/cat", &["{scratch}/x"], "");
    match place.tools.start(&launch).await {
        Err(StartError::Refused { step, .. }) => assert_eq!(step, "scratch"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it started"),
    }
}

#[tokio::test]
async fn after_a_run_nothing_is_left_of_it() {
    let place = Place::new(MACHINES[0], "read = [\".\"]");
    let scratch = place.tools.scratch();
    let deep = ["-p", "{scratch}/a/b"];
    let made = run(&place, &scratch, "/usr/bin/mkdir", &deep).await;
    assert_eq!(made.exit, Exit::Code(0));
    let closed = ["000", "{scratch}/a"];
    run(&place, &scratch, "/usr/bin/chmod", &closed).await;
    let gone = path(&scratch);
    assert!(gone.exists());
    drop(scratch);
    assert!(!gone.exists());
}
