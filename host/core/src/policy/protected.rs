//! What the host itself keeps from plugins in durable runs, as deny rules that name themselves.
//!
//! Never: a rule against what the owner's policy names itself.

use super::rule::{DenyRule, DenyScope, Place, Section, Subject};
use super::{Origin, PathPattern, Policy, written};
use crate::contract::always_protected;
use crate::diagnostic::Source;
use crate::id::PluginId;
use crate::scope::Scope;

/// Which of the protected directories a rule with this scope lifts, by its place in the list.
pub(super) fn lifted(scope: &Scope) -> Option<usize> {
    always_protected()
        .iter()
        .position(|pattern| is_inside(pattern, scope))
}

/// Whether a scope means a protected directory, or something in it.
fn is_inside(pattern: &PathPattern, scope: &Scope) -> bool {
    match scope {
        Scope::Write(path) => !path.is_root() && pattern.fixed().covers(path),
        Scope::Read(_)
        | Scope::Env(_)
        | Scope::Run(_)
        | Scope::RunAny
        | Scope::Net(_)
        | Scope::NetAny => false,
    }
}

impl Policy {
    /// The same policy with deny rules for what this plugin must not write, unless the owner lets
    /// it write exactly there: a `write` rule for one of these directories, or for a path in it,
    /// lifts the protection of that directory.
    #[must_use]
    pub fn protecting(mut self, plugin: &PluginId, paths: &[PathPattern]) -> Self {
        let allowed: Vec<&Scope> = self
            .sections
            .iter()
            .filter(|section| section.subject.is(plugin))
            .flat_map(|section| section.allow.iter().map(|rule| &rule.scope))
            .collect();
        let is_lifted =
            |pattern: &PathPattern| allowed.iter().any(|scope| is_inside(pattern, scope));
        let origin = Origin::BuiltIn;
        let deny: Vec<DenyRule> = paths
            .iter()
            .filter(|pattern| !is_lifted(pattern))
            .map(|pattern| {
                let rule = written("deny-write", pattern.as_str());
                DenyRule {
                    scope: DenyScope::Write(pattern.clone()),
                    place: Place {
                        origin: origin.clone(),
                        source: Source::new(origin.to_string(), rule.clone()),
                        span: 0..rule.len(),
                        rule,
                    },
                }
            })
            .collect();
        self.sections.push(Section {
            subject: Subject::Plugin(plugin.clone()),
            pin: None,
            file: None,
            allow: Vec::new(),
            deny,
            memory: None,
            time: None,
            confinement: None,
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::decide;
    use crate::denial::{Denial, MissingKey};
    use crate::digest::Digest;
    use crate::grant::{Access, Grants};
    use crate::manifest::Manifest;
    use crate::path::RelPath;

    fn grants(rules: &str) -> Grants {
        let manifest = Manifest::parse(
            "m",
            "format = 1\nid = \"my-plugin\"\nversion = \"0.1.0\"\nwit = \"remit:plugin@0.1.0\"\n\
             title = \"Test\"\n[[write]]\npath = \".\"\nreason = \"w\"\n",
        )
        .unwrap();
        let text = format!("format = 1\n[plugins.my-plugin]\n{rules}\n");
        let policy = Policy::parse(Origin::File("p".to_owned()), &text).unwrap();
        let policy = policy.protecting(manifest.id(), &always_protected());
        decide(&manifest, &policy, &Digest::of(b"c")).unwrap()
    }

    fn write(rules: &str, path: &str) -> Option<Denial> {
        let path = RelPath::parse(path).unwrap();
        grants(rules).check_path(Access::Write, &path).err()
    }

    #[test]
    fn what_the_host_keeps_is_not_written_by_plugins_of_durable_runs() {
        for path in [
            ".state",
            ".state/task_queue.json",
            ".ledger/x",
            "logs/execution/t.jsonl",
            "schema/a/b",
        ] {
            let denial = write("write = [\".\"]", path).unwrap();
            let text = denial.to_string();
            let MissingKey::Forbidden { origin, .. } = &denial.missing else {
                panic!("{denial:?}");
            };
            assert_eq!(*origin, Origin::BuiltIn);
            assert!(text.contains("built in"), "{text}");
            assert!(denial.fix.line.contains(path), "{text}");
            assert!(!denial.fix.line.contains("remove"), "{text}");
        }
        for path in ["logs/other", "states", "src/schema/x"] {
            assert_eq!(write("write = [\".\"]", path), None, "{path}");
        }
    }

    #[test]
    fn a_rule_of_the_owner_for_exactly_that_directory_lifts_its_protection_alone() {
        for rules in [
            "write = [\".\", \"schema\"]",
            "write = [\".\", \"schema/a\"]",
        ] {
            assert_eq!(write(rules, "schema/a/b"), None);
            assert!(write(rules, ".state/x").is_some());
        }
        // One for a directory above lifts nothing, so it is refused where it says nothing else.
        let above = "format = 1\n[plugins.my-plugin]\nwrite = [\".\", \"logs\"]\n";
        let found = Policy::parse(Origin::File("p".to_owned()), above).unwrap_err();
        assert!(found.to_string().contains("makes no difference"), "{found}");
    }
}
