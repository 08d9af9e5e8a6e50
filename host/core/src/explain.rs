//! What the two keys say about one thing, whether it is granted or not: which rules grant it,
//! which one stands in the way, and whose key is missing.
//!
//! The answer is that of [`crate::decide::decide`], for one scope that need not be in a manifest.
//! Never: a second opinion. Every verdict here comes from the functions that decide a run.

use crate::decide::{Verdict, decide, judge};
use crate::denial::Denial;
use crate::digest::Digest;
use crate::grant::refusal;
use crate::manifest::{Manifest, Request};
use crate::policy::{Allowance, Place, Policy, RuleLine};
use crate::scope::{Scope, ToolScope};

/// What is said about one thing.
#[derive(Debug, Clone)]
pub struct Explained {
    /// What was asked about.
    pub scope: Scope,
    /// The narrowest request of the manifest that means it.
    pub request: Option<Request>,
    /// The allow rules that count for it, in rising precedence.
    pub by: Vec<RuleLine>,
    /// Why it is refused; granted if there is nothing.
    pub refusal: Option<Denial>,
    /// What keeps the whole run from starting under this policy, whatever it says here.
    pub before: Vec<Denial>,
}

impl Explained {
    /// Whether a run would start and be granted this.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.refusal.is_none() && self.before.is_empty()
    }
}

/// Explains one thing for one plugin under a policy.
#[must_use]
pub fn explain(
    manifest: &Manifest,
    policy: &Policy,
    component: &Digest,
    scope: &Scope,
) -> Explained {
    let allowance = policy.for_plugin(manifest.id());
    let meaning: Vec<&Request> = manifest
        .requests()
        .iter()
        .filter(|request| request.scope().covers(scope))
        .collect();
    // A request is granted as a whole, so the whole of one must be; and the thing itself must not
    // be carved out.
    let whole = meaning.iter().find(|request| {
        request.scope().is_any() || matches!(judge(&allowance, request.scope()), Verdict::Granted)
    });
    let own = matches!(judge(&allowance, scope), Verdict::Granted);
    let granted = whole.is_some() && own;
    let narrowest = meaning.into_iter().reduce(|best, one| {
        if best.scope().covers(one.scope()) {
            one
        } else {
            best
        }
    });
    let before = match decide(manifest, policy, component) {
        Ok(_) => Vec::new(),
        Err(denials) => denials.into_iter().collect(),
    };
    Explained {
        by: if granted {
            rules(&allowance, manifest, scope)
        } else {
            Vec::new()
        },
        request: narrowest.cloned(),
        refusal: (!granted).then(|| refusal(manifest, &allowance, scope)),
        scope: scope.clone(),
        before,
    }
}

/// The allow rules that cover a thing, or a part of it if it is a whole tool.
fn rules(allowance: &Allowance, manifest: &Manifest, scope: &Scope) -> Vec<RuleLine> {
    let meant = |rule: &Scope| {
        let part = matches!(
            (scope, rule),
            (
                Scope::Run(ToolScope { template: None, tool }),
                Scope::Run(run)
            ) if run.tool == *tool
        );
        part || rule.covers(scope)
    };
    allowance
        .allow
        .iter()
        .filter(|rule| meant(&rule.scope))
        .map(|rule| line(manifest, rule.scope.capability(), &rule.place))
        .collect()
}

fn line(manifest: &Manifest, capability: crate::scope::Capability, place: &Place) -> RuleLine {
    RuleLine {
        plugin: Some(manifest.id().clone()),
        deny: false,
        capability,
        rule: place.rule().to_owned(),
        origin: place.origin().clone(),
        line: place.line(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Origin;

    const MANIFEST: &str = "format = 1\nid = \"ab\"\nversion = \"0.1.0\"\n\
        wit = \"remit:plugin@0.1.0\"\ntitle = \"t\"\n\
        [[read]]\npath = \"src\"\nreason = \"looks\"\n\
        [[write]]\npath = \"src\"\noptional = true\nreason = \"works\"\n\
        [[run]]\ntool = \"git\"\ntemplates = [\"status\", \"log\"]\noptional = true\nreason = \"asks\"\n\
        [[run]]\ntool = \"go\"\noptional = true\nreason = \"builds\"\n";

    fn said(policy: &str, scope: Scope) -> String {
        let manifest = Manifest::parse("m", MANIFEST).unwrap();
        let policy = Policy::parse(
            Origin::File("p.toml".to_owned()),
            &format!("format = 1\n[plugins.ab]\n{policy}"),
        );
        let explained = explain(&manifest, &policy.unwrap(), &Digest::of(b"c"), &scope);
        let by = explained.by.iter();
        let by: Vec<String> = by
            .map(|line| format!("{} ({})", line.rule, line.place()))
            .collect();
        let refusal = explained.refusal.as_ref().map(ToString::to_string);
        let before = explained.before.len();
        assert_eq!(
            explained.is_granted(),
            refusal.is_none() && before == 0,
            "{explained:?}"
        );
        format!(
            "{} before; {}",
            before,
            refusal.unwrap_or_else(|| by.join(", "))
        )
    }

    fn read(path: &str) -> Scope {
        Scope::Read(path.parse().unwrap())
    }

    fn run(tool: &str) -> Scope {
        Scope::Run(tool.parse().unwrap())
    }

    #[test]
    fn what_is_granted_is_granted_by_rules() {
        let policy = "read = [\".\"]\nrun = [\"git:status\", \"go\"]\ndeny-read = [\"src/key\"]\n";
        for (scope, expected) in [
            (read("src"), "0 before; read = [\".\"] (p.toml:3)"),
            (read("src/a/b"), "0 before; read = [\".\"] (p.toml:3)"),
            (
                run("git:status"),
                "0 before; run = [\"git:status\"] (p.toml:4)",
            ),
            (run("go:build"), "0 before; run = [\"go\"] (p.toml:4)"),
            (run("go"), "0 before; run = [\"go\"] (p.toml:4)"),
        ] {
            assert_eq!(said(policy, scope), expected);
        }
    }

    #[test]
    fn what_is_refused_says_whose_key_is_missing() {
        let policy = "read = [\"src\"]\nrun = [\"go:build\"]\ndeny-read = [\"src/key\"]\n";
        insta::assert_snapshot!(said(policy, read("docs")), @r#"
        0 before; read `docs` is not requested by the plugin's manifest
          fix: read = [{ path = "docs", reason = ".." }]   in the plugin's manifest
        "#);
        insta::assert_snapshot!(said(policy, read("src/key/a")), @r#"
        0 before; read `src/key/a` is forbidden by deny-read = ["src/key"] (p.toml:5)
          why the plugin asks: looks
          fix: remove deny-read = ["src/key"] at p.toml:5
        "#);
        insta::assert_snapshot!(said(policy, Scope::Write("src/a".parse().unwrap())), @r#"
        0 before; write `src/a` is not allowed
          why the plugin asks: works
          fix: --allow-write=src   or in a policy:   plugins.ab.write = ["src"]
        "#);
        insta::assert_snapshot!(said(policy, run("git:log")), @r#"
        0 before; run `git:log` is not allowed
          why the plugin asks: asks
          fix: --allow-run=git:log   or in a policy:   plugins.ab.run = ["git:log"]
        "#);
        insta::assert_snapshot!(said(policy, run("git:show")), @r#"
        0 before; run `git:show` is not requested by the plugin's manifest
          fix: run = [{ tool = "git", templates = ["show"], reason = ".." }]   in the plugin's manifest
        "#);
        insta::assert_snapshot!(said(policy, run("nonesuch:x")), @r#"
        0 before; run `nonesuch:x` is not requested by the plugin's manifest
          fix: run = [{ tool = "nonesuch", templates = ["x"], reason = ".." }]   in the plugin's manifest
        "#);
        // The tool is requested as a whole, so one template of it is not enough.
        insta::assert_snapshot!(said(policy, run("go:build")), @r#"
        0 before; run `go:build` is not allowed: only `go:build` inside it is, and a request is never narrowed
          why the plugin asks: builds
          fix: --allow-run=go   or in a policy:   plugins.ab.run = ["go"]
        "#);
    }

    #[test]
    fn a_run_that_does_not_start_grants_nothing() {
        let text = said(
            "write = [\"src\"]\n",
            Scope::Write("src/a".parse().unwrap()),
        );
        assert_eq!(text, "1 before; write = [\"src\"] (p.toml:3)");
        let pinned = format!(
            "component = \"{}\"\nread = [\"src\"]\n",
            Digest::of(b"other")
        );
        assert_eq!(
            said(&pinned, read("src")),
            "1 before; read = [\"src\"] (p.toml:4)"
        );
    }
}
