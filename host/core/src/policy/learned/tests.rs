//! Proposals for runs that were seen, next to what they must never hold.
//! Never: a proposal that was not held against the decision itself.

use super::*;
use crate::decide::decide;
use crate::digest::Digest;
use crate::policy::{Origin, with_rules};

const HEAD: &str =
    "format = 1\nid = \"ab\"\nversion = \"0.1.0\"\nwit = \"remit:plugin@0.1.0\"\ntitle = \"t\"\n";

fn manifest(rest: &str) -> Manifest {
    Manifest::parse("m", &format!("{HEAD}{rest}")).unwrap()
}

fn policy(rest: &str) -> Policy {
    Policy::parse(Origin::File("p".to_owned()), &format!("format = 1\n{rest}")).unwrap()
}

fn paths(list: &[&str]) -> BTreeSet<RelPath> {
    list.iter().map(|path| path.parse().unwrap()).collect()
}

fn called(tool: &str, template: &str, directory: Option<&str>) -> Called {
    Called {
        tool: tool.parse().unwrap(),
        template: template.parse().unwrap(),
        directory: directory.map(|path| path.parse().unwrap()),
    }
}

/// The rules of each proposal, as lines.
fn proposed(manifest: &Manifest, policy: &Policy, observed: &Observed) -> Vec<(Breadth, String)> {
    proposals(manifest, policy, observed)
        .into_iter()
        .map(|one| {
            let rules: Vec<String> = one.rules.iter().map(ToString::to_string).collect();
            (one.breadth, rules.join("; "))
        })
        .collect()
}

const BOTH: &str = "[[read]]\npath = \".\"\nreason = \"r\"\n[[write]]\npath = \".\"\nreason = \"w\"\n\
    [[run]]\ntool = \"python3\"\ntemplates = [\"unittest\"]\noptional = true\nreason = \"p\"\n\
    [[run]]\ntool = \"node\"\ntemplates = [\"test\"]\noptional = true\nreason = \"n\"\n";

fn busy() -> Observed {
    Observed {
        read: paths(&[".", "src/a"]),
        written: paths(&["src/new", "README.md"]),
        changed: paths(&["src/new", "README.md", "build/out"]),
        calls: [called("python3", "unittest", Some("src"))].into(),
        directories: paths(&[".git", "src", "docs", "build", "src/deep"]),
    }
}

#[test]
fn only_what_was_used_is_allowed_and_the_rest_is_taken_out() {
    let all = proposed(&manifest(BOTH), &policy(""), &busy());
    let text: Vec<String> = all
        .iter()
        .map(|(breadth, rules)| format!("{breadth:?}: {rules}"))
        .collect();
    insta::assert_snapshot!(text.join("\n"), @r#"
    Narrow: read = ["."]; write = ["."]; run = ["python3:unittest"]; deny-read = [".git/**"]; deny-read = ["build/**"]; deny-read = ["docs/**"]; deny-write = [".git/**"]; deny-write = [".vscode/**"]; deny-write = [".idea/**"]; deny-write = ["docs/**"]
    Guarded: read = ["."]; write = ["."]; run = ["python3:unittest"]; deny-write = [".git/**"]; deny-write = [".vscode/**"]; deny-write = [".idea/**"]
    Requested: read = ["."]; write = ["."]; run = ["python3:unittest"]
    Everything: read = ["."]; write = ["."]; run = ["python3:unittest"]; run = ["node:test"]
    "#);
}

#[test]
fn every_proposal_lets_the_run_start_and_grants_what_was_used() {
    let manifest = manifest(BOTH);
    let observed = busy();
    for proposal in proposals(&manifest, &policy(""), &observed) {
        let text = with_rules("", manifest.id(), &proposal.rules).unwrap();
        let policy = Policy::parse(Origin::File("p".to_owned()), &text);
        let policy = policy.map_err(|found| found.to_string()).unwrap();
        let grants = decide(&manifest, &policy, &Digest::of(b"c")).unwrap();
        assert!(
            observed.read.iter().all(|path| grants.may_read(path)),
            "{text}"
        );
        assert!(
            observed.writes().all(|path| grants.may_write(path)),
            "{text}"
        );
        assert!(
            grants.tools().contains_key(&"python3".parse().unwrap()),
            "{text}"
        );
        let open = proposal.breadth == Breadth::Everything;
        assert_eq!(
            grants.tools().contains_key(&"node".parse().unwrap()),
            open,
            "{text}"
        );
    }
}

#[test]
fn what_is_forbidden_is_never_proposed() {
    let deny = "[plugins.ab]\ndeny-run = [\"python3:unittest\"]\ndeny-write = [\"**\"]\n\
        deny-read = [\"docs/**\"]\n";
    let all = proposed(&manifest(BOTH), &policy(deny), &busy());
    for (_, rules) in &all {
        assert!(!rules.contains("python3"), "{rules}");
        assert!(!rules.contains("write = [\".\"]"), "{rules}");
        assert!(rules.contains("read = [\".\"]"), "{rules}");
    }
    assert_eq!(
        undecided(&manifest(BOTH), &policy(deny)).len(),
        2,
        "read and node"
    );
}

#[test]
fn what_is_allowed_already_is_not_repeated() {
    let allow = "[plugins.ab]\nread = [\".\"]\nwrite = [\".\"]\nrun = [\"python3\"]\n";
    let all = proposed(&manifest(BOTH), &policy(allow), &busy());
    assert_eq!(
        all,
        [
            (Breadth::Narrow, String::new()),
            (Breadth::Everything, "run = [\"node:test\"]".to_owned())
        ]
    );
}

#[test]
fn any_tool_means_the_templates_that_ran_and_a_whole_tool_loses_the_others() {
    let observed = Observed {
        calls: [
            called("ruff", "check", Some(".")),
            called("go", "vet", None),
        ]
        .into(),
        ..Observed::default()
    };
    let any = "[[run]]\ntool = \"*\"\noptional = true\nreason = \"a\"\n";
    let all = proposed(&manifest(any), &policy(""), &observed);
    assert_eq!(all[0].1, "run = [\"go:vet\"]; run = [\"ruff:check\"]");
    let whole = "[[run]]\ntool = \"ruff\"\nreason = \"a\"\n";
    let all = proposed(&manifest(whole), &policy(""), &observed);
    assert_eq!(
        all[0].1,
        "run = [\"ruff\"]; deny-run = [\"ruff:format-check\"]; deny-run = [\"ruff:sarif\"]; deny-run = [\"ruff:version\"]"
    );
    assert_eq!(all[1], (Breadth::Requested, "run = [\"ruff\"]".to_owned()));
}

#[test]
fn what_cannot_be_seen_is_named_and_not_proposed() {
    let hidden = "[[env]]\nname = \"TOKEN\"\nreason = \"t\"\n[[env]]\nname = \"LANG\"\nreason = \"l\"\n\
        [[net]]\norigin = \"https://example.org\"\noptional = true\nreason = \"n\"\n";
    let allow = policy("[plugins.ab]\nenv = [\"LANG\"]\n");
    let names: Vec<String> = unobservable(&manifest(hidden), &allow)
        .iter()
        .map(|request| request.scope().to_string())
        .collect();
    assert_eq!(names, ["TOKEN", "https://example.org"]);
    let all = proposed(&manifest(hidden), &allow, &Observed::default());
    assert_eq!(all, [(Breadth::Narrow, String::new())]);
}

#[test]
fn too_many_directories_are_not_listed_one_by_one() {
    let names: Vec<String> = (0..=MAX_CARVED)
        .map(|number| format!("d{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let read = "[[read]]\npath = \".\"\nreason = \"r\"\n";
    let mut observed = Observed {
        directories: paths(&names),
        ..Observed::default()
    };
    let of = |observed: &Observed| {
        proposed(&manifest(read), &policy(""), observed)[0]
            .1
            .clone()
    };
    assert_eq!(of(&observed), "read = [\".\"]");
    observed.read = paths(&["d0/x"]);
    assert_eq!(of(&observed).matches("deny-read").count(), MAX_CARVED);
    // A name that would mean something else in a pattern means itself.
    observed.directories = paths(&["odd*name", "x{a}"]);
    let odd = of(&observed);
    assert!(
        odd.contains(r"odd\*name/**") && odd.contains(r"x\{a\}/**"),
        "{odd}"
    );
}

#[test]
fn few_directories_hold_everything_that_was_used() {
    let of = |list: &[&str]| {
        let roots = cover(&paths(list));
        let roots: Vec<&str> = roots.iter().map(RelPath::as_str).collect();
        roots.join(" ")
    };
    assert_eq!(of(&[]), "");
    assert_eq!(of(&["a", "a/b", "c"]), "a c");
    assert_eq!(of(&[".", "a"]), ".");
    let many: Vec<String> = (0..20).map(|number| format!("a/b/{number}")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.push("z");
    assert_eq!(of(&many), "a/b z");
    let flat: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
    assert_eq!(
        of(&flat.iter().map(String::as_str).collect::<Vec<_>>()),
        "."
    );
}
