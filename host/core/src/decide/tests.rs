//! Requests against rules: what is granted, what is refused, and with which words.
//! Never: grants made by hand.

use proptest::prelude::*;

use super::*;
use crate::catalogue;
use crate::path::RelPath;
use crate::policy::{FlagRules, Layer, Origin};

const HEAD: &str = "format = 1\nid = \"my-plugin\"\nversion = \"0.1.0\"\n\
    wit = \"remit:plugin@0.1.0\"\ntitle = \"Test\"\n";

/// A manifest from one request per line: `read .`, `run git:log`, `run *`, `env LANG ?`.
fn manifest(requests: &str) -> Manifest {
    let mut text = HEAD.to_owned();
    for line in requests
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let mut words = line.split(' ');
        let (kind, scope) = (words.next().unwrap(), words.next().unwrap());
        let key = match kind {
            "env" => "name",
            "net" => "origin",
            "run" => "tool",
            _ => "path",
        };
        let (scope, templates) = match scope.split_once(':').filter(|_| kind == "run") {
            Some((tool, template)) => (tool, format!("templates = [\"{template}\"]\n")),
            None => (scope, String::new()),
        };
        let optional = words.next() == Some("?");
        text += &format!(
            "[[{kind}]]\n{key} = \"{scope}\"\n{templates}reason = \"needs it\"\noptional = {optional}\n"
        );
    }
    Manifest::parse("m", &text)
        .map_err(|found| found.to_string())
        .unwrap()
}

fn policy(rules: &str) -> Policy {
    let text = format!("format = 1\n[plugins.my-plugin]\n{rules}\n");
    let parsed = Policy::parse(Origin::File("policy.toml".to_owned()), &text);
    parsed.map_err(|found| found.to_string()).unwrap()
}

fn decided(requests: &str, rules: &str) -> Result<Grants, Denials> {
    decide(
        &manifest(requests),
        &policy(rules),
        &Digest::of(b"component"),
    )
}

fn denied(requests: &str, rules: &str) -> String {
    decided(requests, rules).unwrap_err().to_string()
}

#[test]
fn granted_is_what_is_requested_and_allowed_by_inclusion() {
    let cases = [
        // request, policy, granted?
        ("read src", "read = [\".\"]", true),
        ("read src", "read = [\"src\"]", true),
        ("read src", "read = [\"src/a\"]", false),
        ("read src", "read = [\"srcs\", \"sr\"]", false),
        ("read .", "read = [\"src\", \"docs\"]", false),
        ("read src", "write = [\"src\"]", false),
        ("write src", "read = [\"src\"]", false),
        ("write src", "write = [\"src\"]", true),
        ("env LANG", "env = [\"LANG\"]", true),
        ("env LANG", "env = [\"LANGUAGE\"]", false),
        ("net https://x.y", "net = [\"https://x.y:443\"]", true),
        (
            "net https://x.y",
            "net = [\"http://x.y\", \"https://z.x.y\", \"https://x.y:1\"]",
            false,
        ),
        ("run git:log", "run = [\"git\"]", true),
        ("run git:log", "run = [\"git:log\"]", true),
        ("run git:log", "run = [\"git:status\"]", false),
        ("run git", "run = [\"git:log\"]", false),
        (
            "run node",
            "run = [\"node:test\", \"node:check\", \"node:junit\", \"node:version\", \"node:run-file\"]",
            true,
        ),
        ("run perl:x", "", false),
        ("run git:push", "run = [\"git\"]", false),
        // A deny wins over every allow.
        ("read src", "read = [\".\"]\ndeny-read = [\"src\"]", false),
        (
            "read src/a",
            "read = [\".\"]\ndeny-read = [\"src/**\"]",
            false,
        ),
        (
            "read src",
            "read = [\".\"]\ndeny-read = [\"src/secret/**\"]",
            true,
        ),
        ("env LANG", "deny-env = [\"LANG\"]", false),
        (
            "run git:log",
            "run = [\"git\"]\ndeny-run = [\"git:log\"]",
            false,
        ),
        ("run git", "run = [\"git\"]\ndeny-run = [\"git:log\"]", true),
        ("net https://x.y", "deny-net = [\"https://x.y\"]", false),
        // Nothing requested is nothing granted, whatever is allowed.
        ("", "read = [\".\"]\nrun = [\"git\"]", true),
    ];
    for (request, rules, expected) in cases {
        let result = decided(request, rules);
        assert_eq!(
            result.is_ok(),
            expected,
            "{request} / {rules}: {:?}",
            result.err()
        );
    }
}

#[test]
fn every_denial_is_listed_with_reason_and_fix() {
    let requests = "read .\nwrite a'b\nenv LANG\nrun python3:unittest\nrun perl:x\nrun git:push\nnet https://x.y";
    insta::assert_snapshot!(
        denied(requests, "read = [\"src\", \"docs\"]\ndeny-env = [\"LANG\"]"),
        @r#"
    read `.` is not allowed: only `docs`, `src` inside it is, and a request is never narrowed
      why the plugin asks: needs it
      fix: --allow-read=.   or in a policy:   plugins.my-plugin.read = ["."]
    write `a'b` is not allowed
      why the plugin asks: needs it
      fix: --allow-write='a'\''b'   or in a policy:   plugins.my-plugin.write = ["a'b"]
    env `LANG` is forbidden by deny-env = ["LANG"] (policy.toml:4)
      why the plugin asks: needs it
      fix: remove deny-env = ["LANG"] at policy.toml:4
    run `python3:unittest` is not allowed
      why the plugin asks: needs it
      fix: --allow-run=python3:unittest   or in a policy:   plugins.my-plugin.run = ["python3:unittest"]
    run `perl:x` is not allowed: no policy declares the tool `perl`
      why the plugin asks: needs it
      fix: tools.perl.program = "/path/to/perl"
    run `git:push` is not allowed: `git` has no template `push`; it has: branch-list, diff, diff-revs, diff-staged, log, ls-files, rev-parse, show, status, tag-list, toplevel, version
      why the plugin asks: needs it
      fix: tools.git.templates.push = [".."]
    net `https://x.y` is not allowed
      why the plugin asks: needs it
      fix: --allow-net=https://x.y   or in a policy:   plugins.my-plugin.net = ["https://x.y"]
    "#
    );
}

#[test]
fn a_flag_grants_and_a_flag_denies() {
    let manifest = manifest("run python3:unittest\nread .");
    let with = |flags: FlagRules| {
        let layers = vec![catalogue::layer().unwrap(), flags.layer().unwrap()];
        decide(
            &manifest,
            &Policy::layered(layers).unwrap(),
            &Digest::of(b"c"),
        )
    };
    let allow = FlagRules {
        allow_read: vec![".".to_owned()],
        allow_run: vec!["python3:unittest".to_owned()],
        ..FlagRules::default()
    };
    assert!(with(allow.clone()).is_ok());
    let missing = with(FlagRules {
        allow_run: Vec::new(),
        ..allow.clone()
    })
    .unwrap_err();
    assert_eq!(missing.list().len(), 1);
    assert_eq!(
        missing.list()[0].fix.flag.as_deref(),
        Some("--allow-run=python3:unittest")
    );
    let denied = with(FlagRules {
        deny_run: vec!["python3".to_owned()],
        ..allow
    })
    .unwrap_err();
    insta::assert_snapshot!(denied, @r"
    run `python3:unittest` is forbidden by --deny-run=python3
      why the plugin asks: needs it
      fix: leave out --deny-run=python3
    ");
}

#[test]
fn a_deny_in_any_layer_wins() {
    let manifest = manifest("read src");
    let layer = |origin: fn(String) -> Origin, rules: &str| {
        let text = format!("format = 1\n[plugins.my-plugin]\n{rules}\n");
        Layer::parse(origin("x".to_owned()), &text).unwrap()
    };
    let flags = FlagRules {
        allow_read: vec![".".to_owned()],
        ..FlagRules::default()
    };
    for origin in [
        Origin::User as fn(String) -> Origin,
        Origin::Workspace,
        Origin::File,
    ] {
        let deny = layer(origin, "deny-read = [\"src\"]");
        let policy = Policy::layered(vec![deny, flags.layer().unwrap()]).unwrap();
        let denials = decide(&manifest, &policy, &Digest::of(b"c")).unwrap_err();
        assert!(matches!(
            denials.list()[0].missing,
            MissingKey::Forbidden { line: 3, .. }
        ));
        let allow = layer(origin, "read = [\"src\"]");
        assert!(
            decide(
                &manifest,
                &Policy::layered(vec![allow]).unwrap(),
                &Digest::of(b"c")
            )
            .is_ok()
        );
    }
}

#[test]
fn rules_for_another_plugin_do_not_count() {
    let text = "format = 1\n[plugins.other-plugin]\nread = [\".\"]\n";
    let policy = Policy::parse(Origin::File("p".to_owned()), text).unwrap();
    assert!(decide(&manifest("read src"), &policy, &Digest::of(b"c")).is_err());
}

#[test]
fn optional_requests_are_withheld_not_refused() {
    let grants = decided(
        "read . ?\nread src\nrun node:test ?\nenv LANG ?",
        "read = [\"src\"]\nenv = [\"LANG\"]",
    );
    let grants = grants.unwrap();
    let withheld: Vec<String> = grants
        .withheld()
        .iter()
        .map(|denial| format!("{} {}", denial.capability, denial.scope))
        .collect();
    assert_eq!(withheld, ["read .", "run node:test"]);
    assert_eq!(grants.read_roots(), ["src".parse::<RelPath>().unwrap()]);
    assert_eq!(grants.env_names().len(), 1);
    assert!(grants.tools().is_empty());
}

#[test]
fn what_is_refused_during_a_run_is_fixed_by_the_narrowest_request() {
    let path = "a/b/c".parse().unwrap();
    for requests in [
        "read . ?\nread a/b ?\nread a ?",
        "read a/b ?\nread a ?\nread . ?",
    ] {
        let grants = decided(requests, "").unwrap();
        let denial = grants
            .check_path(crate::grant::Access::Read, &path)
            .unwrap_err();
        assert_eq!(denial.scope, "a/b/c");
        // To allow less than one of the requests would grant nothing.
        assert_eq!(denial.fix.flag.as_deref(), Some("--allow-read=a/b"));
    }
}

#[test]
fn tools_are_those_that_are_requested_and_allowed() {
    let tools = |requests: &str, rules: &str| -> Vec<String> {
        let grants = decided(requests, rules).unwrap();
        let name = |(id, tool): (&ToolId, &GrantedTool)| -> Vec<String> {
            tool.templates()
                .iter()
                .map(|template| format!("{id}:{template}"))
                .collect()
        };
        grants.tools().iter().flat_map(name).collect()
    };
    // More is allowed than requested: the request holds.
    assert_eq!(
        tools("run git:log", "run = [\"git\", \"node\"]"),
        ["git:log"]
    );
    assert!(tools("read . ?", "run = [\"git\"]").is_empty());
    // Any tool is what is allowed.
    assert!(tools("run *", "").is_empty());
    assert_eq!(
        tools("run *", "run = [\"git:log\", \"git:status\"]"),
        ["git:log", "git:status"]
    );
    let node = tools("run *", "run = [\"node\"]\ndeny-run = [\"node:run-file\"]");
    assert_eq!(
        node,
        ["node:check", "node:junit", "node:test", "node:version"]
    );
}

#[test]
fn any_origin_means_those_that_are_allowed() {
    let origins = |grants: &Grants| -> Vec<String> {
        grants.nets().iter().map(ToString::to_string).collect()
    };
    let rules = "net = [\"https://a.x\", \"http://b.x:8080\"]\nread = [\".\"]";
    let grants = decided("net *\nnet https://a.x ?\nread .", rules).unwrap();
    assert_eq!(origins(&grants), ["https://a.x", "http://b.x:8080"]);
    assert!(grants.withheld().is_empty());
    // Nothing is allowed: the plugin runs, and each request is refused with its line.
    let grants = decided("net *", "read = [\".\"]").unwrap();
    assert!(origins(&grants).is_empty());
    let denial = grants
        .check_net(&"https://a.x".parse().unwrap())
        .unwrap_err();
    insta::assert_snapshot!(denial.to_string(), @r#"
    net `https://a.x` is not allowed
      why the plugin asks: needs it
      fix: --allow-net=https://a.x   or in a policy:   plugins.my-plugin.net = ["https://a.x"]
    "#);
    assert!(grants.check_any_net().is_ok());
    // Who requests one origin, or none, does not get another that is allowed.
    let grants = decided("net https://a.x", rules).unwrap();
    assert_eq!(origins(&grants), ["https://a.x"]);
    let denial = grants
        .check_net(&"http://b.x:8080".parse().unwrap())
        .unwrap_err();
    assert!(denial.to_string().contains("not requested"), "{denial}");
    let grants = decided("read .", rules).unwrap();
    let denial = grants.check_any_net().unwrap_err();
    insta::assert_snapshot!(denial.to_string(), @r#"
    net `*` is not requested by the plugin's manifest
      fix: net = [{ origin = "*", reason = ".." }]   in the plugin's manifest
    "#);
}

#[test]
fn a_pin_is_for_one_component() {
    let digest = Digest::of(b"component");
    let rules = format!("component = \"{digest}\"\nread = [\".\"]");
    assert!(decided("read src", &rules).is_ok());
    let other = Digest::of(b"another");
    let rules = format!("component = \"{other}\"\nread = [\".\"]");
    insta::assert_snapshot!(denied("read src", &rules), @r#"
    load `sha256:6985ca1f4daa5a584a28eae043a239cb96689af1337ea13afb63e00c2bf512fa` is forbidden by component = "sha256:ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5" (policy.toml:3): the rules were written for another component
      fix: component = "sha256:6985ca1f4daa5a584a28eae043a239cb96689af1337ea13afb63e00c2bf512fa"   at policy.toml:3
    "#);
    // A higher layer cannot lift it.
    let text = format!("format = 1\n[plugins.my-plugin]\n{rules}\n");
    let user = Layer::parse(Origin::User("u".to_owned()), &text).unwrap();
    let text = format!("format = 1\n[plugins.my-plugin]\ncomponent = \"{digest}\"\n");
    let file = Layer::parse(Origin::File("f".to_owned()), &text).unwrap();
    let policy = Policy::layered(vec![user, file]).unwrap();
    assert!(decide(&manifest(""), &policy, &digest).is_err());
}

#[test]
fn the_owner_sets_the_limits() {
    let limits = |rules: &str| decided("", rules).unwrap().limits().memory().to_string();
    assert_eq!(limits(""), "64MiB");
    assert_eq!(limits("limits = { memory = \"1MiB\" }"), "1MiB");
    assert_eq!(limits("limits = { memory = \"1GiB\" }"), "1GiB");
}

#[test]
fn a_denial_is_data_too() {
    let denials = decided("run git:log", "").unwrap_err();
    insta::assert_snapshot!(serde_json::to_string_pretty(&denials).unwrap(), @r#"
    [
      {
        "capability": "run",
        "scope": "git:log",
        "missing": {
          "key": "allowed"
        },
        "reason": "needs it",
        "fix": {
          "flag": "--allow-run=git:log",
          "line": "plugins.my-plugin.run = [\"git:log\"]"
        }
      }
    ]
    "#);
    let text = serde_json::to_string(&denials.list()[0]).unwrap();
    assert_eq!(
        serde_json::from_str::<Denial>(&text).unwrap(),
        denials.list()[0]
    );
}

fn any_path() -> impl proptest::strategy::Strategy<Value = String> {
    proptest::sample::select(vec![".", "a", "a/b", "a/b/c", "ab", "b", "b/c"])
        .prop_map(str::to_owned)
}

proptest! {
    /// A grant lies inside what was requested and inside what was allowed, and outside of what was
    /// denied; whatever the three are.
    #[test]
    fn a_grant_never_exceeds_either_key(
        requested in proptest::collection::btree_set(any_path(), 0..3),
        allowed in proptest::collection::btree_set(any_path(), 0..3),
        denied in any_path(),
        with_deny in any::<bool>(),
        touched in any_path(),
    ) {
        let requests: Vec<String> = requested.iter().map(|path| format!("read {path} ?")).collect();
        let manifest = manifest(&requests.join("\n"));
        let flags = FlagRules {
            allow_read: allowed.iter().cloned().collect(),
            deny_read: with_deny.then(|| denied.clone()).into_iter().collect(),
            ..FlagRules::default()
        };
        let policy = Policy::layered(vec![flags.layer().unwrap()]).unwrap();
        let grants = decide(&manifest, &policy, &Digest::of(b"c")).unwrap();
        let path = |text: &String| text.parse::<RelPath>().unwrap();
        let touched = path(&touched);
        if grants.may_read(&touched) {
            prop_assert!(requested.iter().any(|one| path(one).covers(&touched)));
            prop_assert!(allowed.iter().any(|one| path(one).covers(&touched)));
            prop_assert!(!with_deny || !path(&denied).covers(&touched));
        }
        prop_assert!(!grants.may_write(&touched));
        // What was asked for exactly, allowed exactly and not denied is never refused.
        if requested.contains(touched.as_str()) && allowed.contains(touched.as_str()) && !with_deny {
            prop_assert!(grants.may_read(&touched));
        }
        prop_assert_eq!(grants.read_roots().len() + grants.withheld().len(), requested.len());
    }
}
