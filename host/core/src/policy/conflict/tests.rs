//! Each kind of finding next to a policy that is as near to it as can be and right.
//! Never: a finding whose fix is not looked at.

use super::*;
use crate::policy::{Layer, Origin};

const TOOL: &str = "[tools.mine]\nprogram = \"/w/bin/mine\"\ntemplates = { go = [], v = [] }\n";

const MANIFEST: &str = "format = 1\nid = \"ab\"\nversion = \"0.1.0\"\nwit = \"remit:plugin@0.1.0\"\n\
    title = \"t\"\n\
    [[read]]\npath = \".\"\nreason = \"r\"\n\
    [[write]]\npath = \"out\"\nreason = \"w\"\n\
    [[env]]\nname = \"LANG\"\nreason = \"e\"\n\
    [[run]]\ntool = \"git\"\nreason = \"g\"\n";

fn facts() -> Facts {
    let program = |path: &str| (Part::Program, PathBuf::from(path));
    Facts {
        workspace: PathBuf::from("/w"),
        roots: vec![("link".parse().unwrap(), PathBuf::from("/usr/local"))],
        programs: vec![ProgramFacts {
            tool: "mine".parse().unwrap(),
            parts: vec![program("/w/bin/mine"), (Part::Directory, "/w/bin".into())],
        }],
        search: vec![PathBuf::from("/usr/bin"), PathBuf::from("/w/path")],
        tool_path: vec![PathBuf::from("/usr/local/bin"), PathBuf::from("/usr/bin")],
        manifests: vec![Manifest::parse("m", MANIFEST).unwrap()],
    }
}

fn layer(origin: Origin, text: &str) -> Layer {
    Layer::parse(origin, &format!("format = 1\n{text}")).unwrap()
}

/// The findings of these codes, as text, for a user's policy and one above it.
fn found_with(codes: &[&str], user: &str, above: &str, facts: &Facts) -> String {
    let layers = vec![
        crate::catalogue::layer().unwrap(),
        layer(Origin::User("user.toml".to_owned()), user),
        layer(Origin::File("file.toml".to_owned()), above),
    ];
    let policy = Policy::layered(layers).map_err(|found| found.to_string());
    let mut text = String::new();
    for finding in conflicts(&policy.unwrap(), facts) {
        if !codes.is_empty() && !codes.contains(&finding.code) {
            continue;
        }
        let places = finding.rules.iter();
        let places: Vec<String> = places
            .map(|line| format!("{} ({}) ", line.rule, line.place()))
            .collect();
        text.push_str(&format!(
            "{} {}: {}{}\n  why: {}\n  fix: {}\n",
            finding.severity.word(),
            finding.code,
            places.concat(),
            finding.message,
            finding.why,
            finding.fix
        ));
    }
    text
}

fn found(codes: &[&str], user: &str) -> String {
    found_with(codes, user, "", &facts())
}

#[test]
fn a_program_that_its_own_plugin_may_write() {
    let own = |write: &str| {
        let user = format!("{TOOL}[plugins.ab]\nwrite = [\"{write}\"]\nrun = [\"mine\"]\n");
        found(&["writable-program"], &user)
    };
    insta::assert_snapshot!(own("."), @r#"
    error writable-program: write = ["."] (user.toml:6) it covers /w/bin/mine, the program of `mine`
      why: a program that the plugin may write is never started, so `mine` does not run for `ab`
      fix: tools.mine.program = "/usr/local/bin/mine"   after moving it out of the workspace
    "#);
    assert!(own("bin/mine").contains("the program of `mine`"));
    for elsewhere in ["src", "bin/min", "binary"] {
        assert_eq!(own(elsewhere), "", "{elsewhere}");
    }
    // A deny does not help the plugin's own tool: the grant is what counts when it starts.
    let denied = format!(
        "{TOOL}[plugins.ab]\nwrite = [\".\"]\nrun = [\"mine\"]\ndeny-write = [\"bin/**\"]\n"
    );
    assert_ne!(found(&["writable-program"], &denied), "");
}

#[test]
fn a_program_that_another_plugin_may_write() {
    let other = |deny: &str| {
        let user = format!(
            "{TOOL}[plugins.ab]\nrun = [\"mine:go\"]\n[plugins.cd]\nwrite = [\"bin\"]\n{deny}"
        );
        found(&["writable-program"], &user)
    };
    insta::assert_snapshot!(other(""), @r#"
    error writable-program: write = ["bin"] (user.toml:8) it covers /w/bin/mine, the program of `mine`
      why: `cd` could put anything there, and it would run for `ab`
      fix: tools.mine.program = "/usr/local/bin/mine"   after moving it out of the workspace
    "#);
    assert!(other("deny-write = [\"bin/mine\"]\n").contains("a directory on the way"));
    assert_eq!(
        other("deny-write = [\"bin/*\", \"bin/mine/**\"]\n"),
        other("deny-write = [\"bin/mine\"]\n")
    );
    // Nobody may have the tool run.
    let idle = format!("{TOOL}[plugins.cd]\nwrite = [\"bin\"]\n");
    assert_eq!(found(&["writable-program"], &idle), "");
}

#[test]
fn a_directory_in_which_programs_are_looked_up() {
    let path = |rules: &str| {
        found(
            &["writable-search-path"],
            &format!("[plugins.ab]\n{rules}\n"),
        )
    };
    insta::assert_snapshot!(path("write = [\".\"]"), @r#"
    error writable-search-path: write = ["."] (user.toml:3) it covers /w/path, a directory of the search path of programs
      why: a program that `ab` puts there can be started in place of another one
      fix: plugins.ab.deny-write = ["path/**"]
    "#);
    assert_eq!(path("write = [\".\"]\ndeny-write = [\"path/**\"]"), "");
    assert_eq!(path("write = [\"src\"]"), "");
    assert_eq!(path("read = [\".\"]"), "");
    // A link in the workspace leads to where every tool looks for programs.
    insta::assert_snapshot!(path("write = [\"link\"]"), @r#"
    error writable-search-path: write = ["link"] (user.toml:3) it covers /usr/local/bin, a directory of the PATH of every tool
      why: a program that `ab` puts there can be started in place of another one
      fix: work in another directory: -C DIR
    "#);
}

#[test]
fn settings_that_an_allowed_tool_obeys() {
    let obeyed = |user: &str| found(&["writable-settings"], user);
    insta::assert_snapshot!(obeyed("[plugins.ab]\nwrite = [\".\"]\nrun = [\"git:status\", \"cargo:test\"]\n"), @r#"
    warning writable-settings: write = ["."] (user.toml:3) it lets `ab` itself write what git obeys: .git/config, .git/hooks
      why: its settings and hooks name programs, which also run when you use git there yourself
      fix: plugins.ab.deny-write = [".git/**"]
    warning writable-settings: write = ["."] (user.toml:3) it lets `ab` itself write what cargo obeys: .cargo/config.toml, .cargo/config, rust-toolchain.toml, rust-toolchain
      why: they choose the compiler and programs around it, and build scripts run during a build
      fix: plugins.ab.deny-write = [".cargo/**", "rust-toolchain.toml", "rust-toolchain"]
    warning writable-settings: write = ["."] (user.toml:3) it lets `ab` itself write what editors obey: .vscode, .idea
      why: an editor that opens the workspace runs the tasks and programs that they name
      fix: plugins.ab.deny-write = [".vscode/**", ".idea/**"]
    note writable-settings: write = ["."] (user.toml:3) it lets `ab` itself write what git obeys: .gitattributes
      why: its settings and hooks name programs, which also run when you use git there yourself
      fix: plugins.ab.deny-write = [".gitattributes"]
    note writable-settings: write = ["."] (user.toml:3) it lets `ab` itself write what cargo obeys: build.rs
      why: they choose the compiler and programs around it, and build scripts run during a build
      fix: plugins.ab.deny-write = ["build.rs"]
    note writable-settings: write = ["."] (user.toml:3) it lets `ab` itself write what remit obeys: remit.toml
      why: a changed policy of the workspace does not count any more until you trust it again
      fix: plugins.ab.deny-write = ["remit.toml"]
    "#);
    // With every fix there is nothing left to say.
    let fixed = "[plugins.ab]\nwrite = [\".\"]\nrun = [\"git:status\", \"cargo:test\"]\n\
        deny-write = [\".git/**\", \".cargo/**\", \"rust-toolchain.toml\", \"rust-toolchain\", \
        \".vscode/**\", \".idea/**\", \".gitattributes\", \"build.rs\", \"remit.toml\"]\n";
    assert_eq!(obeyed(fixed), "");
    assert_eq!(
        obeyed("[plugins.ab]\nread = [\".\"]\nrun = [\"git\"]\n"),
        ""
    );
}

#[test]
fn settings_of_each_family_count_only_if_it_is_allowed_to_someone() {
    for (run, file) in [
        ("git:status", ".git/hooks"),
        ("npm:test", ".npmrc"),
        ("node:test", "package.json"),
        ("cargo:build", ".cargo/config.toml"),
        ("python3:unittest", "conftest.py"),
        ("pytest:test", "tox.ini"),
        ("ruff:check", ".ruff.toml"),
        ("go:test", "go.work"),
    ] {
        let write = "[plugins.ab]\nwrite = [\".\"]\n";
        let with = format!("{write}[plugins.cd]\nrun = [\"{run}\"]\n");
        assert!(
            found(&["writable-settings"], &with).contains(file),
            "{run} {file}"
        );
        assert!(
            !found(&["writable-settings"], write).contains(file),
            "{file}"
        );
    }
    let of_hooks = found(
        &["writable-settings"],
        "[plugins.ab]\nwrite = [\".git/hooks\"]\nrun = [\"git:log\"]\n",
    );
    assert!(
        of_hooks.contains("fix: remove write = [\".git/hooks\"] at user.toml:3"),
        "{of_hooks}"
    );
    let below = found(
        &["writable-settings"],
        "[plugins.ab]\nwrite = [\"web\"]\nrun = [\"npm:test\"]\n",
    );
    assert!(
        below.contains("plugins.ab.deny-write = [\"web/.npmrc\"]"),
        "{below}"
    );
    let versioned = "[tools.py]\nprogram = \"/usr/bin/python3.12\"\ntemplates = { go = [] }\n\
        [plugins.ab]\nwrite = [\".\"]\nrun = [\"py\"]\n";
    assert!(found(&["writable-settings"], versioned).contains("conftest.py"));
}

#[test]
fn tools_that_run_what_the_plugin_wrote() {
    let code = |rules: &str| found(&["runs-any-code"], &format!("[plugins.ab]\n{rules}\n"));
    insta::assert_snapshot!(code("write = [\"out\"]\nrun = [\"python3\"]"), @r#"
    note runs-any-code: run = ["python3"] (user.toml:4) write = ["out"] (user.toml:3) `ab` may write files and have `python3:run-file` run them
      why: together that is any code, held only by what confines the tool
      fix: plugins.ab.deny-run = ["python3:run-file"]   unless the work needs it
    "#);
    assert_ne!(code("write = [\"out\"]\nrun = [\"cargo:build\"]"), "");
    for right in [
        "write = [\"out\"]\nrun = [\"python3:version\", \"git\", \"cargo:metadata\"]",
        "read = [\"out\"]\nrun = [\"python3\"]",
    ] {
        assert_eq!(code(right), "", "{right}");
    }
}

#[test]
fn rules_of_one_layer_that_those_of_another_make_pointless() {
    let above = |user: &str, file: &str| {
        let [user, file] = [user, file].map(|rules| format!("[plugins.ab]\n{rules}\n"));
        found_with(&["widened-rule", "repeated-rule"], &user, &file, &facts())
    };
    insta::assert_snapshot!(above("run = [\"git:status\"]", "run = [\"git\"]"), @r#"
    warning widened-rule: run = ["git:status"] (user.toml:3) run = ["git"] (file.toml:3) run = ["git"] at file.toml:3 allows more than that
      why: allows add up, so the narrow rule narrows nothing
      fix: remove run = ["git"] at file.toml:3
    "#);
    insta::assert_snapshot!(above("read = [\".\"]", "read = [\".\"]"), @r#"
    note repeated-rule: read = ["."] (file.toml:3) read = ["."] (user.toml:3) read = ["."] at user.toml:3 says the same
      why: to take one of them out would change nothing
      fix: remove read = ["."] at file.toml:3
    "#);
    assert!(
        above("read = [\".\"]", "read = [\"src\"]").contains("user.toml:3) read"),
        "a lower layer widens too"
    );
    assert_eq!(
        above("read = [\"src\"]", "read = [\"srcs\"]\nwrite = [\".\"]"),
        ""
    );
    let others = found_with(
        &["widened-rule"],
        "[plugins.ab]\nread = [\"src\"]\n",
        "[plugins.cd]\nread = [\".\"]\n",
        &facts(),
    );
    assert_eq!(others, "");
}

#[test]
fn a_tool_declared_again_with_less_care() {
    let again = |text: &str| found_with(&["looser-declaration"], "", text, &facts());
    let loose = "[tools.git]\nprogram = \"git\"\ntemplates = { status = [\"status\"] }\n\
        run = { wall = \"5m\", network = \"full\", env = [\"HOME\"] }\n";
    insta::assert_snapshot!(again(loose), @r#"
    warning looser-declaration: [tools.git] in file.toml replaces that of the catalogue, and no longer fixes GIT_CONFIG_NOSYSTEM, GIT_CONFIG_GLOBAL, GIT_TERMINAL_PROMPT, GIT_ASKPASS and 18 more, passes HOME, has network = "full", may run for 300 s instead of 60 s, has no `idle` limit
      why: a declaration replaces the lower one as a whole; what it leaves out is gone
      fix: copy [tools.git] of the catalogue whole, or give the tool another name
    "#);
    let wide = "[tools.ruff]\nprogram = \"ruff\"\ntemplates = { version = [\"--version\"] }\n\
        [tools.ruff.run]\nnetwork = \"origins\"\norigins = { 8001 = \"https://a\" }\n";
    assert!(again(wide).contains("has network = \"origins\""));
    let other = wide.replace("https://a", "https://b");
    let found = found_with(&["looser-declaration"], wide, &other, &facts());
    assert!(
        found.contains("in file.toml replaces that of user.toml, and reaches https://b"),
        "{found}"
    );
    // Taken over whole, with a template less: nothing to say.
    let ruff = "[tools.ruff]\nprogram = \"ruff\"\ntemplates = { version = [\"--version\"] }\n";
    assert_eq!(again(ruff), "");
    let quick = "[tools.python3]\nprogram = \"python3\"\ntemplates = { v = [\"-V\"] }\n\
        run = { wall = \"5s\", idle = \"1s\" }\n";
    assert_eq!(again(quick), "");
}

#[test]
fn a_tool_declared_again_that_sees_what_was_hidden() {
    let tool = |rules: &str| {
        format!(
            "[tools.mine]\nprogram = \"mine\"\ntemplates = {{ v = [\"-V\"] }}\nrun = {{ {rules} }}\n"
        )
    };
    let again = |before: &str, now: &str| {
        found_with(&["looser-declaration"], &tool(before), &tool(now), &facts())
    };
    let before = "hides = [\".env\", \".git/config\"]";
    assert_eq!(again(before, "hides = [\".env\", \".git\"]"), "");
    let found = again(before, "hides = [\".env\"]");
    assert!(found.contains("no longer hides .git/config"), "{found}");
}

#[test]
fn rules_that_grant_or_take_nothing() {
    let unused = |rules: &str| found(&["unused-rule"], &format!("[plugins.ab]\n{rules}\n"));
    insta::assert_snapshot!(unused("read = [\"src\"]\nwrite = [\"src\"]\nenv = [\"HOME\"]\nrun = [\"git:log\", \"go\"]\ndeny-write = [\"docs/**\"]"), @r#"
    warning unused-rule: read = ["src"] (user.toml:3) it grants nothing
      why: `ab` requests read `.` as a whole, and a request is never narrowed
      fix: plugins.ab.read = ["."]
    warning unused-rule: write = ["src"] (user.toml:4) it grants nothing
      why: `ab` requests nothing that it would allow
      fix: remove write = ["src"] at user.toml:4
    warning unused-rule: env = ["HOME"] (user.toml:5) it grants nothing
      why: `ab` requests nothing that it would allow
      fix: remove env = ["HOME"] at user.toml:5
    warning unused-rule: run = ["git:log"] (user.toml:6) it grants nothing
      why: `ab` requests run `git` as a whole, and a request is never narrowed
      fix: plugins.ab.run = ["git"]
    warning unused-rule: run = ["go"] (user.toml:6) it grants nothing
      why: `ab` requests nothing that it would allow
      fix: remove run = ["go"] at user.toml:6
    note unused-rule: deny-write = ["docs/**"] (user.toml:7) it takes nothing away today
      why: `ab` requests nothing that it would hit
      fix: remove deny-write = ["docs/**"] at user.toml:7
    "#);
    assert_eq!(
        unused(
            "read = [\".\"]\nwrite = [\".\"]\nenv = [\"LANG\"]\nrun = [\"git\"]\ndeny-write = [\"out/x\"]\ndeny-run = [\"git:log\"]"
        ),
        ""
    );
}

#[test]
fn a_rule_that_another_layer_denies() {
    let denied = |deny: &str| {
        let file = format!("[plugins.ab]\n{deny}\n");
        found_with(
            &["denied-rule"],
            "[plugins.ab]\nread = [\"docs\"]\n",
            &file,
            &facts(),
        )
    };
    insta::assert_snapshot!(denied("deny-read = [\"docs/**\"]"), @r#"
    warning denied-rule: read = ["docs"] (user.toml:3) deny-read = ["docs/**"] (file.toml:3) deny-read = ["docs/**"] at file.toml:3 denies all of it
      why: a deny beats every allow, so this one never counts
      fix: remove read = ["docs"] at user.toml:3
    "#);
    assert_eq!(denied("deny-read = [\"docs/secret/**\"]"), "");
}

#[test]
fn tools_and_plugins_that_nobody_uses_are_notes() {
    let idle = |rest: &str| found(&["unused-tool", "unknown-plugin"], &format!("{TOOL}{rest}"));
    insta::assert_snapshot!(idle("[plugins.xy]\nread = [\".\"]\n"), @r#"
    note unknown-plugin: no plugin `xy` is known here, so its rules were not compared
      why: it is not built in, and no layer names its file
      fix: plugins.xy.file = "xy.wasm"
    note unused-tool: [tools.mine] in user.toml is allowed to nobody
      why: a declaration alone lets nobody run the tool
      fix: plugins.ID.run = ["mine"]
    "#);
    assert_eq!(idle("[plugins.ab]\nrun = [\"mine:v\"]\n"), "");
}

#[test]
fn the_worst_comes_first_and_a_careful_policy_is_silent() {
    let user = "[plugins.ab]\nread = [\".\"]\nwrite = [\"out\"]\nenv = [\"LANG\"]\nrun = [\"git\"]\n\
        deny-write = [\"out/.git/**\", \"out/.gitattributes\"]\n";
    assert_eq!(found(&[], user), "");
    let policy = Policy::parse(
        Origin::File("p".to_owned()),
        &format!("format = 1\n{TOOL}[plugins.ab]\nwrite = [\".\"]\nrun = [\"mine\"]\n"),
    );
    let found = conflicts(&policy.unwrap(), &facts());
    assert!(found.is_sorted_by_key(|finding| finding.severity));
    assert_eq!(found[0].severity, Severity::Error);
}
