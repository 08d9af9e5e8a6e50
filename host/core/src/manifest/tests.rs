//! Manifests that are right, and everything that a wrong one is told at once.
//! Never: a mistake whose line or fix is not looked at.

use super::*;

const HEAD: &str = "format = 1\nid = \"my-plugin\"\nversion = \"0.1.0\"\n\
    wit = \"remit:plugin@0.1.0\"\ntitle = \"Test\"\n";

/// The mistakes of a manifest with this after its head, as text; empty if there is none.
fn check(rest: &str) -> String {
    let found = Manifest::parse("m", &format!("{HEAD}{rest}")).err();
    found.map_or_else(String::new, |found| found.to_string())
}

/// The codes of the mistakes.
fn codes(text: &str) -> Vec<&'static str> {
    match Manifest::parse("m", text) {
        Ok(_) => Vec::new(),
        Err(found) => found.list().iter().map(|one| one.code).collect(),
    }
}

#[test]
fn a_whole_manifest_reads_as_written() {
    let text = format!(
        "{HEAD}
        [[read]]
        path = \"./src/\"
        reason = \"reads\"
        [[run]]
        tool = \"python3\"
        templates = [\"unittest\", \"version\"]
        reason = \"tests\"
        optional = true
        [[run]]
        tool = \"*\"
        reason = \"any\"
        [[env]]
        name = \"LANG\"
        reason = \"language\"
        [[net]]
        origin = \"https://X.example\"
        reason = \"asks\"
        [[net]]
        origin = \"*\"
        reason = \"asks any\"
        [limits]
        memory = \"128MiB\"
        time = \"5m\"
        confinement = \"B'\"
        "
    );
    let manifest = Manifest::parse("m", &text).unwrap();
    assert_eq!(manifest.id().as_str(), "my-plugin");
    assert_eq!(manifest.version(), &semver::Version::new(0, 1, 0));
    assert_eq!(manifest.wit().to_string(), "remit:plugin@0.1.0");
    assert_eq!(manifest.digest(), &Digest::of(text.as_bytes()));
    let requests: Vec<String> = manifest
        .requests()
        .iter()
        .map(|request| {
            let optional = if request.is_optional() { "?" } else { "" };
            format!(
                "{} {}{optional} {}",
                request.scope().capability(),
                request.scope(),
                request.reason()
            )
        })
        .collect();
    assert_eq!(
        requests,
        [
            "read src reads",
            "env LANG language",
            "run python3:unittest? tests",
            "run python3:version? tests",
            "run *? any",
            "net https://x.example asks",
            "net *? asks any",
        ]
    );
    assert_eq!(manifest.needs().memory(), ByteSize::mebibytes(128));
    assert_eq!(manifest.needs().time(), TimeSpan::seconds(300));
    assert_eq!(
        manifest.needs().confinement(),
        Some(Confinement::Namespaces)
    );
}

#[test]
fn an_empty_request_list_and_defaults() {
    let manifest = Manifest::parse("m", HEAD).unwrap();
    assert!(manifest.requests().is_empty());
    assert_eq!(manifest.needs().memory(), DEFAULT_MEMORY);
    assert_eq!(manifest.needs().time(), DEFAULT_TIME);
    assert_eq!(manifest.needs().confinement(), None);
}

#[test]
fn everything_is_reported_at_once_with_line_and_fix() {
    let text = "format = 2\nid = \"My Plugin\"\nversion = \"1\"\nwit = \"remit:plugin@0.2.0\"\n\
        titel = \"x\"\n[[read]]\npath = \"/etc\"\nreason = \"a\"\n[[write]]\npath = \"../x\"\n\
        [[run]]\ntool = \"/bin/sh\"\nreason = \"b\"\n[[env]]\nname = \"A=B\"\nreason = \" \"\n\
        [[net]]\norigin = \"https://x/y\"\nreason = \"c\"\nshell = true\n\
        [limits]\nmemory = \"5GiB\"\ntime = \"0s\"\nconfinement = \"D\"\n";
    insta::assert_snapshot!(Manifest::parse("plugin.toml", text).unwrap_err(), @r#"
    plugin.toml:1:1: `title` is missing
      fix: add `title = "What it does, in one line"`
    plugin.toml:1:10: format 2 is not one that this version reads
      fix: write `format = 1`, or update the host
    plugin.toml:2:6: `My Plugin` is not a plugin id
      fix: write 2 to 64 characters of a-z 0-9 -, a letter first
    plugin.toml:3:11: `1` is not a version
      fix: write three numbers as in `0.1.0` (semver.org)
    plugin.toml:4:7: this host speaks remit:plugin@0.1.0, the plugin remit:plugin@0.2.0
      fix: rebuild the plugin with the contract of this host, or update the host
    plugin.toml:5:1: unknown key `titel`
      fix: did you mean `title`?
    plugin.toml:7:8: `/etc` is absolute
      fix: write it relative to the workspace, for example `src`
    plugin.toml:9:1: `reason` is missing in [write]
      fix: add `reason = "why the plugin needs this"`
    plugin.toml:10:8: `../x` contains `..`
      fix: write the path without it, as seen from the workspace
    plugin.toml:12:8: `/bin/sh` is not a tool name
      fix: write 1 to 64 characters of a-z 0-9 - _, a letter first
    plugin.toml:15:8: `A=B` is not the name of an environment variable
      fix: write letters, digits and _, no digit first
    plugin.toml:16:10: `reason` is empty, too long, or holds invisible characters
      fix: write one line of plain text, at most 500 bytes
    plugin.toml:18:10: `https://x/y` is not an origin
      fix: write scheme and host, for example `https://api.example.org:8443`
    plugin.toml:20:1: unknown key `shell` in [net]
      fix: remove it; known here: optional, origin, reason
    plugin.toml:22:10: `memory` is 5GiB
      fix: write a size from 1B to 1GiB
    plugin.toml:23:8: `time` is 0ms
      fix: write a time from 1ms to 24h
    plugin.toml:24:15: `D` is not a confinement
      fix: write A, B, B' or C
    "#);
}

#[test]
fn absolute_and_parent_paths_are_refused_with_the_fix() {
    insta::assert_snapshot!(check("[[write]]\npath = \"/home\"\nreason = \"r\"\n"), @r"
    m:7:8: `/home` is absolute
      fix: write it relative to the workspace, for example `src`
    ");
    insta::assert_snapshot!(check("[[read]]\npath = \"a/../..\"\nreason = \"r\"\n"), @r"
    m:7:8: `a/../..` contains `..`
      fix: write the path without it, as seen from the workspace
    ");
}

#[test]
fn requests_that_are_never_needed_are_mistakes() {
    let read =
        |path: &str, more: &str| format!("[[read]]\npath = \"{path}\"\nreason = \"r\"\n{more}\n");
    let run =
        |tool: &str, more: &str| format!("[[run]]\ntool = \"{tool}\"\nreason = \"r\"\n{more}\n");
    let cases = [
        (read("a", "") + &read("b", ""), 0),
        (read("a", "") + &read("a", ""), 1),
        (read("a", "") + &read("a", "optional = true"), 1),
        (read(".", "") + &read("a", ""), 1),
        (read("a", "") + &read(".", ""), 1),
        (read("a/b", "") + &read("a/bc", ""), 0),
        // The wide one may be withheld; the narrow one is what the plugin cannot do without.
        (read(".", "optional = true") + &read("a", ""), 0),
        (run("git", "") + &run("git", "templates = [\"log\"]"), 1),
        (run("git", "templates = [\"log\", \"log\"]"), 1),
        (run("*", "") + &run("git", ""), 0),
        (run("*", "") + &run("*", ""), 1),
    ];
    for (rest, expected) in cases {
        let found = codes(&format!("{HEAD}{rest}"));
        assert_eq!(found, vec!["needless-request"; expected], "{rest}");
    }
}

#[test]
fn texts_that_could_fool_a_reader_are_refused() {
    for title in [
        "",
        " ",
        "a\\nb",
        "\\u001b[2J",
        "a\\u202eb",
        "a\\u200bb",
        &"x".repeat(501),
    ] {
        let text = HEAD.replace("\"Test\"", &format!("\"{title}\""));
        assert_eq!(codes(&text), ["bad-line"], "{title}");
    }
}

#[test]
fn a_wildcard_is_for_whole_tools_only() {
    let run = |rest: &str| format!("{HEAD}[[run]]\nreason = \"r\"\n{rest}\n");
    assert_eq!(
        codes(&run("tool = \"*\"\ntemplates = [\"log\"]")),
        ["bad-templates"]
    );
    assert_eq!(
        codes(&run("tool = \"git\"\ntemplates = []")),
        ["bad-templates"]
    );
    assert_eq!(codes(&run("tool = \"git*\"")), ["bad-tool-name"]);
    assert_eq!(
        codes(&run("tool = \"git\"\ntemplates = [\"*\"]")),
        ["bad-template-name"]
    );
    assert_eq!(codes(&run("tool = \"git\"\nshell = true")), ["unknown-key"]);
    assert_eq!(
        codes(&run("tool = \"git\"\nargs = [\"-c\"]")),
        ["unknown-key"]
    );
}

#[test]
fn contracts_of_other_hosts_are_refused() {
    for (wit, ok) in [
        ("remit:plugin@0.1.0", true),
        ("remit:plugin@0.1.1", false),
        ("remit:plugin@0.2.0", false),
        ("remit:plugin@1.0.0", false),
        ("remit:plugin@0.1.0-rc.1", false),
        ("other:plugin@0.1.0", false),
        ("remit:plugin", false),
        ("", false),
    ] {
        assert_eq!(wit.parse::<WitVersion>().is_ok(), ok, "{wit}");
    }
}

#[test]
fn the_number_of_requests_is_limited() {
    let many: String = (0..300)
        .map(|n| format!("[[env]]\nname = \"N{n}\"\nreason = \"r\"\n"))
        .collect();
    assert!(codes(&format!("{HEAD}{many}")).contains(&"too-many-requests"));
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(text in "(?s).{0,200}", at in 0usize..200) {
        codes(&text);
        let whole = format!("{HEAD}[[read]]\npath = \".\"\nreason = \"r\"\n");
        let cut: String = whole.chars().take(at).chain(text.chars().take(5)).chain(whole.chars().skip(at)).collect();
        codes(&cut);
    }
}
