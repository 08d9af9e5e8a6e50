//! What an approval sees: every way in which code and programs can be others, next to what is the
//! same. Never: a difference that no line names.

use super::*;
use crate::decide::decide;
use crate::denial::{Denial, MissingKey};
use crate::policy::{FlagRules, Origin, Policy};

const MANIFEST: &str = "format = 1\nid = \"my-plugin\"\nversion = \"0.1.0\"\n\
    wit = \"remit:plugin@0.1.0\"\ntitle = \"Test\"\n\
    [[read]]\npath = \"src\"\nreason = \"looks\"\n\
    [[run]]\ntool = \"git\"\ntemplates = [\"log\"]\nreason = \"asks git\"\n";

const COMPONENT: &[u8] = b"component";

fn manifest(change: (&str, &str)) -> Manifest {
    let text = MANIFEST.replace(change.0, change.1);
    Manifest::parse("m", &text).unwrap()
}

fn file(path: &str, inode: u64, content: &str) -> FileIdentity {
    FileIdentity {
        path: path.to_owned(),
        device: 1,
        inode,
        size: content.len() as u64,
        changed: (1, 2),
        digest: Digest::of(content.as_bytes()),
    }
}

fn git() -> ToolIdentity {
    ToolIdentity {
        tool: "git".parse().unwrap(),
        file: file("/usr/bin/git", 7, "git"),
        interpreter: None,
        version: Some("git version 2.43".to_owned()),
    }
}

fn approval() -> Approval {
    let manifest = manifest(("", ""));
    let mut allow = Allowed::default();
    for request in manifest.requests() {
        assert!(allow.add(request.scope().clone()));
    }
    Approval {
        id: "01M7X2B5GX1J8PXJX3B1KJCZFP".parse().unwrap(),
        plugin: manifest.id().clone(),
        version: manifest.version().to_string(),
        component: Digest::of(COMPONENT),
        manifest: *manifest.digest(),
        source: Source::File("/plugins/my.wasm".to_owned()),
        workspace: Some("/home/me/project".to_owned()),
        allow,
        requests: requested(&manifest),
        limits: limits(&manifest),
        tools: vec![git()],
        time: "2026-11-20T18:08:49.703Z".to_owned(),
    }
}

/// What stands between the approval and this; its lines if it is a stop.
fn lines(change: (&str, &str), component: &[u8], tools: &[ToolIdentity]) -> String {
    let manifest = manifest(change);
    match compare(&approval(), &manifest, &Digest::of(component), tools) {
        Standing::Same => "same".to_owned(),
        Standing::Moved(moved) => format!("moved: {}", moved.len()),
        Standing::Changed(difference) => difference
            .to_string()
            .lines()
            .map(|line| line.split(" sha256:").next().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[test]
fn what_is_as_it_was_is_the_same() {
    assert_eq!(lines(("", ""), COMPONENT, &[git()]), "same");
    // A tool that is gone cannot be started.
    assert_eq!(lines(("", ""), COMPONENT, &[]), "same");
}

#[test]
fn every_change_of_the_plugin_is_named() {
    let other = b"other".as_slice();
    for (change, expected) in [
        (("", ""), "- component\n+ component"),
        (
            ("0.1.0\"\nwit", "0.2.0\"\nwit"),
            "- component\n+ component\n- version 0.1.0\n+ version 0.2.0",
        ),
        (
            (
                "[[run]]",
                "[[write]]\npath = \"src\"\nreason = \"writes\"\n[[run]]",
            ),
            "- component\n+ component\n+ write src: writes",
        ),
        (
            ("[[read]]\npath = \"src\"\nreason = \"looks\"\n", ""),
            "- component\n+ component\n- read src: looks",
        ),
        (
            ("\"log\"", "\"status\""),
            "- component\n+ component\n- run git:log: asks git\n+ run git:status: asks git",
        ),
        (
            ("reason = \"looks\"", "reason = \"looks\"\noptional = true"),
            "- component\n+ component\n- read src: looks\n+ read src (optional): looks",
        ),
        (
            ("[[read]]", "[limits]\nmemory = \"128MiB\"\n[[read]]"),
            "- component\n+ component\n- limit memory 64MiB\n+ limit memory 128MiB",
        ),
        (
            ("[[read]]", "[limits]\nconfinement = \"C\"\n[[read]]"),
            "- component\n+ component\n- limit confinement none\n+ limit confinement C",
        ),
        // Another reason is other text in other code, and no other request.
        (
            ("\"looks\"", "\"looks around\""),
            "- component\n+ component",
        ),
    ] {
        assert_eq!(lines(change, other, &[git()]), expected, "{change:?}");
    }
    // A manifest that differs in nothing that has a word is still another.
    assert_eq!(
        lines(("title = \"Test\"", "title = \"Toast\""), COMPONENT, &[]),
        "- manifest\n+ manifest"
    );
}

#[test]
fn every_change_of_a_tool_is_named() {
    let with = |file: FileIdentity, interpreter: Option<FileIdentity>| {
        let tool = ToolIdentity {
            file,
            interpreter,
            ..git()
        };
        lines(("", ""), COMPONENT, &[tool])
    };
    let stop = |path: &str| format!("- tool git /usr/bin/git\n+ tool git {path}");
    assert_eq!(with(file("/usr/bin/git", 8, "git"), None), "moved: 1");
    assert_eq!(
        with(file("/usr/bin/git", 7, "evil"), None),
        stop("/usr/bin/git")
    );
    assert_eq!(with(file("/opt/git", 7, "git"), None), stop("/opt/git"));
    assert_eq!(
        with(file("/usr/bin/git", 7, "git"), Some(file("/bin/x", 1, "x"))),
        stop("/usr/bin/git")
    );
    // It came later: nobody has seen it.
    let later = ToolIdentity {
        tool: "node".parse().unwrap(),
        ..git()
    };
    assert_eq!(
        lines(("", ""), COMPONENT, &[git(), later]),
        "- tool node was not on this machine\n+ tool node /usr/bin/git"
    );
}

#[test]
fn what_moved_keeps_its_version() {
    let moved = ToolIdentity {
        file: file("/usr/bin/git", 8, "git"),
        version: None,
        ..git()
    };
    let standing = compare(
        &approval(),
        &manifest(("", "")),
        &Digest::of(COMPONENT),
        std::slice::from_ref(&moved),
    );
    let expected = ToolIdentity {
        version: git().version,
        ..moved
    };
    assert_eq!(standing, Standing::Moved(vec![expected]));
}

#[test]
fn the_approval_of_the_workspace_counts_before_the_one_for_any() {
    let here = approval();
    let any = Approval {
        workspace: None,
        ..approval()
    };
    let both = [any.clone(), here.clone()];
    let found = |all: &[Approval], workspace: &str| {
        applying(all, &here.plugin, workspace).map(|approval| approval.workspace.clone())
    };
    assert_eq!(
        found(&both, "/home/me/project"),
        Some(here.workspace.clone())
    );
    assert_eq!(found(&both, "/elsewhere"), Some(None));
    assert_eq!(found(&both[1..], "/elsewhere"), None);
    let other = "other-plugin".parse().unwrap();
    assert_eq!(applying(&both, &other, "/elsewhere"), None);
}

/// Decides with the approval, this policy and these flags.
fn decided(component: &[u8], text: &str, flags: &FlagRules) -> Result<usize, Vec<Denial>> {
    let text = format!("format = 1\n{text}");
    let origin = Origin::User("p".to_owned());
    let policy = Policy::read_approved(&[(origin, &text)], flags, Some(&approval()))
        .map_err(|found| found.to_string())
        .unwrap();
    decide(&manifest(("", "")), &policy, &Digest::of(component))
        .map(|grants| grants.tools().len())
        .map_err(|denials| denials.into_iter().collect())
}

#[test]
fn an_approval_allows_for_its_component_and_a_deny_beats_it() {
    let flags = FlagRules::default();
    assert_eq!(decided(COMPONENT, "", &flags), Ok(1));
    assert!(decided(b"other", "", &flags).is_err());
    let section = "[plugins.my-plugin]\ndeny-read = [\"src/**\"]\n";
    let denials = decided(COMPONENT, section, &flags).unwrap_err();
    assert!(matches!(denials[0].missing, MissingKey::Forbidden { .. }));
    let deny = FlagRules {
        deny_run: vec!["git".to_owned()],
        ..FlagRules::default()
    };
    let denials = decided(COMPONENT, "", &deny).unwrap_err();
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0].scope, "git:log");
}

#[test]
fn an_approved_tool_that_is_declared_no_more_is_a_denial_and_no_mistake() {
    let tools = "[tools.git]\nprogram = \"git\"\ntemplates = { status = [\"status\"] }\n";
    let denials = decided(COMPONENT, tools, &FlagRules::default()).unwrap_err();
    assert_eq!(denials[0].scope, "git:log");
}

#[test]
fn the_stop_names_the_difference_and_the_command_that_accepts_it() {
    let manifest = manifest(("\"log\"", "\"status\""));
    let standing = compare(&approval(), &manifest, &Digest::of(b"other"), &[]);
    let Standing::Changed(difference) = standing else {
        panic!("{standing:?}");
    };
    let accept = "remit grant ./my.wasm --update".to_owned();
    let denial = Denial::changed(&approval(), *difference, accept);
    insta::assert_snapshot!(denial.to_string(), @r"
    load `sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa` is not what you approved (approval 01M7X2B5GX1J8PXJX3B1KJCZFP)
      - component sha256:6985ca1f4daa5a584a28eae043a239cb96689af1337ea13afb63e00c2bf512fa
      + component sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa
      - run git:log: asks git
      + run git:status: asks git
      fix: remit grant ./my.wasm --update
    ");
}

#[test]
fn an_approval_is_the_same_after_it_was_written_and_read() {
    let text = serde_json::to_string(&approval()).unwrap();
    assert_eq!(serde_json::from_str::<Approval>(&text).unwrap(), approval());
    for (from, to) in [
        ("\"my-plugin\"", "\"../x\""),
        ("\"git:log\"", "\"git:log:x\""),
        ("\"src\"", "\"../src\""),
        ("\"time\"", "\"times\""),
        ("sha256:", "md5:"),
        ("01M7X2B5GX1J8PXJX3B1KJCZFP", "one"),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text, "{from}");
        assert!(serde_json::from_str::<Approval>(&wrong).is_err(), "{to}");
    }
}
