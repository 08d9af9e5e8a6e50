//! The approvals of this user, in one file of the state directory.
//!
//! Every change is made under a lock, on what is in the file at that moment, and replaces the file
//! in one step: whoever reads it sees the old approvals or the new ones. Never: an approval out of
//! a file that is not right from its first byte to its last.

use std::path::PathBuf;

use anyhow::Context as _;
use remit_core::approval::{APPROVAL_FORMAT, Approval, ApprovalId, ToolIdentity};
use serde::{Deserialize, Serialize};

use crate::exit::Stop;
use crate::files::{self, Stamp};

/// Where approvals are kept.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    place: PathBuf,
}

/// An approval as it was kept.
#[derive(Debug)]
pub(crate) struct KeptApproval {
    pub(crate) approval: Approval,
    /// The approval that stood in its place before.
    pub(crate) replaces: Option<ApprovalId>,
}

/// What can be read of a file of any format.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    approvals: Vec<Approval>,
}

impl Store {
    /// The store in this file, which need not be there yet.
    pub(crate) fn at(place: PathBuf) -> Self {
        Self { place }
    }

    /// Every approval.
    ///
    /// # Errors
    /// The file is there and cannot be read or understood: nothing is approved then.
    pub(crate) fn read(&self) -> Result<Vec<Approval>, Stop> {
        match files::read_text_if_there(&self.place)? {
            None => Ok(Vec::new()),
            Some(text) => self.parse(&text),
        }
    }

    /// What the file is known by, to see whether it was replaced. None if there is none.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        files::stamp(&self.place)
    }

    /// Changes the approvals that are there at this moment; other programs wait meanwhile. After
    /// an error nothing was changed.
    pub(crate) fn change<T>(
        &self,
        act: impl FnOnce(&mut Vec<Approval>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let _lock = files::lock(&self.place.with_extension("lock"))?;
        let mut approvals = self.read()?;
        let result = act(&mut approvals)?;
        if let Some(double) = double(&approvals) {
            let what = format!("two approvals would stand for {}", double.plugin);
            return Err(Stop::Internal(anyhow::Error::msg(what)));
        }
        let kept = Kept {
            format: APPROVAL_FORMAT,
            approvals,
        };
        let text = serde_json::to_string_pretty(&kept).context("approvals")?;
        files::write_private(&self.place, text.as_bytes())?;
        Ok(result)
    }

    /// Keeps an approval in the place of the one for the same plugin and workspace. One for the
    /// same code and programs that allows no less keeps its name: runs under it go on.
    pub(crate) fn keep(&self, mut approval: Approval) -> Result<KeptApproval, Stop> {
        self.change(|all| {
            let before = all
                .iter()
                .position(|kept| is_for_the_same(kept, &approval))
                .map(|index| all.remove(index));
            let replaces = before.as_ref().map(|before| before.id.clone());
            if let Some(before) = before.filter(|before| grows(before, &approval)) {
                approval.id = before.id;
            }
            all.push(approval.clone());
            Ok(KeptApproval { approval, replaces })
        })
    }

    fn parse(&self, text: &str) -> Result<Vec<Approval>, Stop> {
        let head: Head = serde_json::from_str(text).map_err(|error| self.unfit(&error))?;
        if head.format > APPROVAL_FORMAT {
            return Err(Stop::usage(
                format!(
                    "{} has format {}; this version of remit reads {APPROVAL_FORMAT}",
                    self.place.display(),
                    head.format
                ),
                "use the newer remit that wrote it",
            ));
        }
        let kept: Kept = serde_json::from_str(text).map_err(|error| self.unfit(&error))?;
        match double(&kept.approvals) {
            Some(double) => Err(self.unfit(&format!("{} is approved twice", double.plugin))),
            None => Ok(kept.approvals),
        }
    }

    fn unfit(&self, why: &dyn std::fmt::Display) -> Stop {
        Stop::usage(
            format!("{} does not hold approvals: {why}", self.place.display()),
            "nothing is approved as it is; put a good copy there, or remove it and grant again",
        )
    }
}

fn is_for_the_same(one: &Approval, other: &Approval) -> bool {
    (&one.plugin, &one.workspace) == (&other.plugin, &other.workspace)
}

/// Whether `after` has everything that `before` has, and for the same code.
fn grows(before: &Approval, after: &Approval) -> bool {
    let allowed = after.allow.scopes();
    let covered = |scope| allowed.iter().any(|wider| wider.covers(scope));
    let same = |was: &ToolIdentity| {
        after
            .tools
            .iter()
            .any(|is| is.tool == was.tool && is.is_same_program(was))
    };
    before.component == after.component
        && before.allow.scopes().iter().all(covered)
        && before.tools.iter().all(same)
}

/// An approval that has the name or the place of an earlier one.
fn double(approvals: &[Approval]) -> Option<&Approval> {
    let mut earlier: Vec<&Approval> = Vec::with_capacity(approvals.len());
    for one in approvals {
        let same = |other: &&Approval| other.id == one.id || is_for_the_same(other, one);
        if earlier.iter().any(same) {
            return Some(one);
        }
        earlier.push(one);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approval(id: usize, plugin: &str) -> Approval {
        let digest = format!("sha256:{}", "0".repeat(64));
        let text = serde_json::json!({
            "id": format!("{id:026}"), "plugin": plugin, "version": "0.1.0",
            "component": digest, "manifest": digest, "source": {"built-in": plugin},
            "allow": {"read": ["src"]}, "requests": [], "tools": [],
            "limits": {"memory": "64MiB", "time": "60s"}, "time": "2026-11-20T18:08:49.703Z",
        });
        serde_json::from_value(text).unwrap()
    }

    fn store() -> (tempfile::TempDir, Store) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path().join("state/approvals.json"));
        (home, store)
    }

    fn add(store: &Store, id: usize, plugin: &str) -> Result<(), Stop> {
        store.change(|all| {
            all.push(approval(id, plugin));
            Ok(())
        })
    }

    fn message(result: Result<Vec<Approval>, Stop>) -> String {
        match result {
            Err(Stop::Usage { message, .. }) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_written_is_read_and_only_by_this_user() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_home, store) = store();
        assert!(store.read().unwrap().is_empty());
        assert!(store.stamp().is_none());
        add(&store, 1, "one").unwrap();
        let first = store.stamp().unwrap();
        add(&store, 2, "two").unwrap();
        assert_ne!(store.stamp().unwrap(), first);
        assert_eq!(
            store.read().unwrap(),
            [approval(1, "one"), approval(2, "two")]
        );
        let mode = files::mode(&store.place).unwrap();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_torn_file_approves_nothing() {
        let (_home, store) = store();
        add(&store, 1, "one").unwrap();
        let whole = files::read_text(&store.place).unwrap();
        for length in 0..whole.len() {
            files::write_private(&store.place, &whole.as_bytes()[..length]).unwrap();
            let said = message(store.read());
            assert!(said.contains("does not hold approvals"), "{length}: {said}");
        }
    }

    #[test]
    fn what_is_no_list_of_approvals_approves_nothing_and_is_not_overwritten() {
        let (_home, store) = store();
        add(&store, 1, "one").unwrap();
        let whole = files::read_text(&store.place).unwrap();
        let twice = whole.replacen("\"approvals\": [", "\"approvals\": [{}, ", 1);
        for (text, says) in [
            ("\0\u{1}garbage".to_owned(), "does not hold approvals"),
            ("[]".to_owned(), "does not hold approvals"),
            ("{\"format\": 2, \"all\": []}".to_owned(), "has format 2"),
            (
                whole.replace("\"read\"", "\"reads\""),
                "does not hold approvals",
            ),
            (
                whole.replace("\"src\"", "\"../src\""),
                "does not hold approvals",
            ),
            (twice, "does not hold approvals"),
        ] {
            files::write_private(&store.place, text.as_bytes()).unwrap();
            assert!(message(store.read()).contains(says), "{text}");
            assert!(add(&store, 2, "two").is_err(), "{text}");
            assert_eq!(files::read_text(&store.place).unwrap(), text);
        }
    }

    #[test]
    fn no_plugin_has_two_approvals_for_one_workspace() {
        let (_home, store) = store();
        add(&store, 1, "one").unwrap();
        assert!(add(&store, 2, "one").is_err());
        add(&store, 2, "two").unwrap();
        let text = files::read_text(&store.place).unwrap();
        files::write_private(&store.place, text.replace("two", "one").as_bytes()).unwrap();
        assert!(message(store.read()).contains("one is approved twice"));
    }

    #[test]
    fn an_approval_that_only_grows_keeps_its_name() {
        let (_home, store) = store();
        let first = approval(1, "one");
        assert!(store.keep(first.clone()).unwrap().replaces.is_none());
        let mut wider = approval(2, "one");
        wider.allow.write = vec!["out".parse().unwrap()];
        let kept = store.keep(wider.clone()).unwrap();
        assert_eq!(
            (&kept.approval.id, kept.replaces),
            (&first.id, Some(first.id.clone()))
        );
        let narrower = approval(3, "one");
        assert_eq!(
            store.keep(narrower.clone()).unwrap().approval.id,
            narrower.id
        );
        let other = Approval {
            component: remit_core::digest::Digest::of(b"other"),
            ..approval(4, "one")
        };
        assert_eq!(store.keep(other.clone()).unwrap().approval.id, other.id);
        assert_eq!(store.read().unwrap(), [other]);
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        const WRITERS: usize = 8;
        let (_home, store) = store();
        std::thread::scope(|threads| {
            for number in 0..WRITERS {
                let store = &store;
                threads.spawn(move || {
                    for turn in 0..4 {
                        let id = number * 10 + turn;
                        add(store, id, &format!("plugin-{id}")).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.read().unwrap().len(), WRITERS * 4);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let (_home, store) = store();
        add(&store, 1, "one").unwrap();
        let failed = store.change(|all| -> Result<(), Stop> {
            all.clear();
            Err(Stop::usage("no", "no"))
        });
        assert!(failed.is_err());
        assert_eq!(store.read().unwrap().len(), 1);
    }
}
