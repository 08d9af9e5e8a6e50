//! What a plugin claims of files, held against what changed in a fake world.
//!
//! Never: a look at the outcome. A claim changes nothing there.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use remit_core::change::{Change, ChangeKind};
use remit_core::claim::Mismatch;
use remit_core::event::{Event, GrantSummary};
use remit_core::outcome::Artifact;
use remit_core::path::RelPath;
use remit_engine::attempt::{self, Described, Request};
use remit_engine::fake::{FakePlugin, FakeTree, Seen, grants, host};
use remit_engine::inputs::RawInputs;
use remit_engine::plugin::Finished;

/// What an adapter claims, in a world in which `a` and `b` changed and `b` is there.
async fn claiming(success: bool, claims: &[&str], artifacts: &[&str]) -> Vec<Event> {
    let artifact = |path: &&str| Artifact {
        path: (*path).to_owned(),
        media_type: "text/plain".into(),
        description: None,
        // Also a claim: the host looks.
        size: Some(1),
    };
    let finished = Finished::Adapter {
        success,
        output: String::new(),
        error: None,
        duration_ms: 0.0,
        artifacts: artifacts.iter().map(artifact).collect(),
        claimed_changes: claims.iter().map(ToString::to_string).collect(),
        cost: None,
        details: "{}".into(),
    };
    let plugin = FakePlugin::doing(move |_, _| {
        let finished = finished.clone();
        Box::pin(async move { Ok(finished) })
    });
    let path = |text| RelPath::parse(text).unwrap();
    let change = |text| Change {
        path: path(text),
        kind: ChangeKind::Created,
    };
    let tree = FakeTree {
        changes: vec![change("a"), change("b")],
        files: [(path("b"), 3)].into(),
    };
    let request = Request {
        run_id: "run".into(),
        attempt: 1,
        fence: 1,
        inputs: RawInputs::default(),
        role: None,
        version: "0.1.0".into(),
        component_digest: "c".into(),
        manifest_digest: "m".into(),
        grants: GrantSummary::default(),
        checkpoint: None,
        described: Described::default(),
    };
    let seen = Seen::default();
    let host = host(grants("", ""), Arc::default(), tree, &seen);
    attempt::run(&plugin, &host, request).await;
    seen.events()
}

#[tokio::test]
async fn a_claim_that_is_not_so_is_an_event_after_what_was_seen() {
    for success in [true, false] {
        for (claims, artifacts) in [(&["a", "b"][..], &["b"][..]), (&[], &["b"]), (&[], &[])] {
            let events = claiming(success, claims, artifacts).await;
            let differ = |event: &Event| matches!(event, Event::ClaimsDiffer { .. });
            assert!(!events.iter().any(differ), "{claims:?} {artifacts:?}");
        }
        let events = claiming(success, &["a", "../c"], &["a"]).await;
        let [
            ..,
            Event::FilesChanged { changes, .. },
            Event::ClaimsDiffer { mismatch },
            end,
        ] = &events[..]
        else {
            panic!("{events:#?}")
        };
        assert!(matches!(end, Event::RunFinished { .. }), "{end:?}");
        assert_eq!(changes.len(), 2, "what was seen stays what was seen");
        let want = Mismatch {
            not_changed: vec!["../c".into()],
            not_claimed: vec!["b".into()],
            not_there: vec!["a".into()],
            more: false,
        };
        assert_eq!(*mismatch, want);
    }
}
