//! Policies that are right, rules that never match, and how layers stack.
//! Never: a mistake whose line or fix is not looked at.

use super::*;

fn file(name: &str) -> Origin {
    Origin::File(name.to_owned())
}

/// The mistakes of a policy on top of the catalogue, as text; empty if there is none.
fn check(rest: &str) -> String {
    let found = Policy::parse(file("policy.toml"), &format!("format = 1\n{rest}")).err();
    found.map_or_else(String::new, |found| found.to_string())
}

fn codes(rest: &str) -> Vec<&'static str> {
    match Policy::parse(file("p"), &format!("format = 1\n{rest}")) {
        Ok(_) => Vec::new(),
        Err(found) => found.list().iter().map(|one| one.code).collect(),
    }
}

const TOOL: &str = "[tools.mine]\nprogram = \"/opt/mine\"\n[tools.mine.templates]\nv = [\"-v\"]\n";

/// Every key that there is.
const WHOLE: &str = "format = 1
        [host]
        search = [\"/usr/bin\", \"/opt/bin\"]
        [tools.mine]
        program = \"/opt/mine\"
        [tools.mine.templates]
        all = []
        one = [\"-n\", \"{n:int:1..5}\", \"--\", \"{files:relpath*}\"]
        [tools.mine.run]
        env = [\"LANG\"]
        plugin-env = [\"MODE\"]
        set = { GIT_DIR = \"/x\", EMPTY = \"\" }
        cwd = \"/srv\"
        wall = \"90s\"
        idle = \"5s\"
        output = \"1MiB\"
        hard-output = \"2MiB\"
        success = [0, 1]
        network = \"loopback\"
        [plugins.my-plugin]
        file = \"./my.wasm\"
        read = [\".\"]
        run = [\"mine:one\", \"git\"]
        deny-read = [\"**/.env\"]
        deny-run = [\"git:log\"]
        limits = { memory = \"1GiB\", time = \"1h\" }
        ";

#[test]
fn a_whole_policy_reads_as_written() {
    let policy = Policy::parse(file("p.toml"), WHOLE).unwrap();
    let tool = policy.tool(&"mine".parse().unwrap()).unwrap();
    let rules = tool.rules();
    assert_eq!(tool.program().as_str(), "/opt/mine");
    assert_eq!(tool.templates().len(), 2);
    assert_eq!(rules.pass_env()[0].as_str(), "LANG");
    assert_eq!(rules.plugin_env()[0].as_str(), "MODE");
    assert_eq!(rules.set_env().len(), 2);
    assert_eq!(rules.directory().to_string(), "/srv");
    assert_eq!(
        (
            rules.limits().wall.as_secs(),
            rules.limits().idle.unwrap().as_secs()
        ),
        (90, 5)
    );
    assert_eq!(
        (rules.limits().soft_output, rules.limits().hard_output),
        (1 << 20, 2 << 20)
    );
    assert_eq!(
        (rules.success(), rules.network()),
        (&[0, 1][..], crate::tool::Network::Loopback)
    );
    assert_eq!(policy.search().unwrap().len(), 2);
    let id = "my-plugin".parse().unwrap();
    assert_eq!(
        policy.plugin_file(&id),
        Some(("./my.wasm", &file("p.toml")))
    );
    assert_eq!(policy.plugins(), [&id]);
    let lines: Vec<String> = policy
        .rule_lines()
        .iter()
        .map(|line| format!("{} {}:{}", line.rule, line.origin, line.line))
        .collect();
    assert_eq!(
        lines,
        [
            "read = [\".\"] p.toml:22",
            "run = [\"mine:one\"] p.toml:23",
            "run = [\"git\"] p.toml:23",
            "deny-read = [\"**/.env\"] p.toml:24",
            "deny-run = [\"git:log\"] p.toml:25",
        ]
    );
}

#[test]
fn a_tool_needs_little_and_has_safe_defaults() {
    let policy = Policy::parse(file("p"), &format!("format = 1\n{TOOL}")).unwrap();
    let tool = policy.tool(&"mine".parse().unwrap()).unwrap();
    assert!(tool.rules().pass_env().is_empty() && tool.rules().plugin_env().is_empty());
    assert_eq!(tool.rules().network(), crate::tool::Network::None);
    assert_eq!(tool.rules().success(), [0]);
    assert_eq!(
        tool.rules().limits().hard_output,
        tool.rules().limits().soft_output * 4
    );
}

#[test]
fn mistakes_of_a_tool_are_reported_at_once_with_line_and_fix() {
    let text = "[tools.x]\nprogram = \"./x\"\nshell = true\n[tools.x.templates]\n\
        a = [\"{t:text}\"]\nB = []\nc = [\"{r:rev}\", \"{r:rev}\", 1]\n[tools.x.run]\n\
        env = [\"LD_PRELOAD\", \"NODE_OPTIONS\", \"LANG\", \"LANG\"]\nplugin-env = [\"GIT_SSH\"]\n\
        cwd = \"sub\"\nwall = \"2d\"\nidle = \"0s\"\noutput = \"2MiB\"\nhard-output = \"1MiB\"\n\
        success = [0, 0, 256]\nnetwork = \"some\"\nset = { PATH = \"/x\", LANG = \"C\" }\n\
        [tools.y]\nprogram = \"/bin/bash\"\n";
    insta::assert_snapshot!(check(text), @r#"
    policy.toml:3:11: `./x` is a relative path
      fix: write an absolute path, or a bare name to look up in the search path
    policy.toml:4:1: unknown key `shell` in [tools.x]
      fix: remove it; known here: program, run, templates
    policy.toml:6:6: a value of `t` could begin with `-` and become an option
      fix: put the element "--" before it, or use a narrower type
    policy.toml:7:1: `B` is not a template name
      fix: write 1 to 64 characters of a-z 0-9 - _, a letter first
    policy.toml:8:17: the slot `r` is there twice
      fix: give each slot its own name
    policy.toml:8:28: each element of `c` must be a text in quotes, not of type integer
      fix: write a text in quotes
    policy.toml:10:8: `LD_PRELOAD` decides which code any program loads
      fix: remove it
    policy.toml:10:22: `NODE_OPTIONS` in `env` could make the tool run other code
      fix: remove it, or fix a value: `set = { NODE_OPTIONS = ".." }`
    policy.toml:10:46: `LANG` is in `env` twice
      fix: remove one
    policy.toml:11:15: `GIT_SSH` in `plugin-env` could make the tool run other code
      fix: remove it, or fix a value: `set = { GIT_SSH = ".." }`
    policy.toml:12:7: `sub` is not a working directory
      fix: write "workspace", or an absolute path without `.` and `..`
    policy.toml:13:8: `2d` is not a time
      fix: write a whole number and ms, s, m or h, for example `60s`
    policy.toml:14:8: `idle` is 0ms
      fix: write a time from 1ms to 24h
    policy.toml:16:15: `hard-output` is less than `output`
      fix: make it at least as large
    policy.toml:17:15: 0 is in `success` twice
      fix: remove one
    policy.toml:17:18: 256 is not an exit code
      fix: write 0 to 255
    policy.toml:18:11: `some` is not a network rule
      fix: write none, loopback, origins or full
    policy.toml:19:9: `PATH` decides which code any program loads
      fix: remove it; the host sets PATH itself
    policy.toml:19:22: `LANG` is in `set` and in `env` or `plugin-env`
      fix: keep one of them
    policy.toml:20:1: the tool has no `templates`, so nothing could call it
      fix: add a table of argument shapes, for example `version = ["--version"]`
    policy.toml:21:11: `bash` is a shell, which turns text into programs
      fix: declare the program that it would run
    "#);
}

const ORIGINS: &str = "[tools.x]\nprogram = \"/x\"\ntemplates = { v = [\"-v\"] }\n[tools.x.run]\n";

#[test]
fn a_tool_names_the_origins_that_it_reaches_by_port() {
    let text = format!(
        "format = 1\n{ORIGINS}network = \"origins\"\n\
         origins = {{ \"9000\" = \"http://127.0.0.1:80\", \"8001\" = \"https://API.example.org\" }}\n"
    );
    let policy = Policy::parse(file("p"), &text).unwrap();
    let tool = policy.tool(&"x".parse().unwrap()).unwrap();
    let origins: Vec<String> = tool
        .rules()
        .origins()
        .iter()
        .map(|entry| format!("{} {}", entry.port, entry.origin))
        .collect();
    assert_eq!(tool.rules().network(), crate::tool::Network::Origins);
    assert_eq!(
        origins,
        ["8001 https://api.example.org", "9000 http://127.0.0.1"]
    );
}

#[test]
fn mistakes_in_origins_are_reported_at_once_with_line_and_fix() {
    let wrong = |run: &str| check(&format!("{ORIGINS}{run}"));
    insta::assert_snapshot!(wrong(
        "network = \"origins\"\n[tools.x.run.origins]\n80 = \"https://a\"\n8001 = \"https://a/b\"\n\
         08002 = \"https://c\"\n8003 = 1\n8004 = \"https://d\"\n8005 = \"https://d\"\n"
    ), @"
    policy.toml:8:1: `80` is not a port for an origin
      fix: write a number from 1024 to 65535
    policy.toml:9:8: `https://a/b` is not an origin
      fix: write scheme and host, for example `https://api.example.org:8443`
    policy.toml:10:1: `08002` is not a port for an origin
      fix: write a number from 1024 to 65535
    policy.toml:11:8: `8003` in [tools.x.run.origins] must be a text in quotes, not of type integer
      fix: write a text in quotes
    policy.toml:13:1: https://d is on port 8004 already
      fix: remove one
    ");
    let many: String = (8001..8010)
        .map(|port| format!("{port} = \"https://h{port}\"\n"))
        .collect();
    for (run, code) in [
        ("network = \"origins\"\n".to_owned(), "missing-origins"),
        (
            "network = \"origins\"\norigins = {}\n".to_owned(),
            "missing-origins",
        ),
        (
            "origins = { 8001 = \"https://a\" }\n".to_owned(),
            "unused-origins",
        ),
        (
            "network = \"full\"\norigins = { 8001 = \"https://a\" }\n".to_owned(),
            "unused-origins",
        ),
        (
            "network = \"all\"\norigins = { 8001 = \"https://a\" }\n".to_owned(),
            "bad-network",
        ),
        (
            format!("network = \"origins\"\n[tools.x.run.origins]\n{many}"),
            "too-many-origins",
        ),
    ] {
        assert_eq!(codes(&format!("{ORIGINS}{run}")), [code], "{run}");
    }
}

#[test]
fn what_a_tool_hides_is_a_list_of_paths_below_the_workspace() {
    let with = |list: &str| format!("{TOOL}[tools.mine.run]\nhides = {list}\n");
    let text = format!("format = 1\n{}", with("[\".env\", \".git/config\"]"));
    let policy = Policy::parse(file("p"), &text).unwrap();
    let tool = policy.tool(&"mine".parse().unwrap()).unwrap();
    let hidden: Vec<&str> = tool
        .rules()
        .hides()
        .iter()
        .map(|path| path.as_str())
        .collect();
    assert_eq!(hidden, [".env", ".git/config"]);
    let all = check(&with("[\".\"]"));
    assert!(all.contains("`hides` names the whole workspace"), "{all}");
    let outside = check(&with("[\"../x\"]"));
    assert!(outside.contains("fix:"), "{outside}");
}

#[test]
fn rules_that_never_match_are_mistakes() {
    let text = "[plugins.ab]\nread = [\"src\", \"src/a\", \"docs\"]\nwrite = [\".git/hooks\", \"a\", \"a\"]\n\
        run = [\"git:stats\", \"gti\", \"node\", \"node:test\"]\nenv = [\"A\"]\n\
        deny-read = [\"docs/**\"]\ndeny-write = [\".git/**\"]\ndeny-env = [\"A\"]\n\
        deny-run = [\"node\", \"perl\"]\n";
    insta::assert_snapshot!(check(text), @r#"
    policy.toml:3:16: read = ["src/a"] makes no difference: read = ["src"] covers it
      fix: remove it
    policy.toml:3:25: read = ["docs"] can never match: deny-read = ["docs/**"] denies it
      fix: remove one of them
    policy.toml:4:10: write = [".git/hooks"] can never match: deny-write = [".git/**"] denies it
      fix: remove one of them
    policy.toml:4:29: write = ["a"] makes no difference: write = ["a"] covers it
      fix: remove it
    policy.toml:5:8: run = ["git:stats"]: `git` has no template `stats`
      fix: declare it in `[tools.git.templates]`, or use one of: branch-list, diff, diff-revs, diff-staged, log, ls-files, rev-parse, show, status, tag-list, toplevel, version
    policy.toml:5:21: run = ["gti"]: no layer declares the tool `gti`
      fix: declare `[tools.gti]`, or use one of: aider, cargo, claude, codex, gemini, git, git-sealed, go, node, npm, opencode, pytest, python3, qwen, ruff
    policy.toml:5:28: run = ["node"] can never match: deny-run = ["node"] denies it
      fix: remove one of them
    policy.toml:5:36: run = ["node:test"] can never match: deny-run = ["node"] denies it
      fix: remove one of them
    policy.toml:6:8: env = ["A"] can never match: deny-env = ["A"] denies it
      fix: remove one of them
    policy.toml:10:21: deny-run = ["perl"]: no layer declares the tool `perl`
      fix: declare `[tools.perl]`, or use one of: aider, cargo, claude, codex, gemini, git, git-sealed, go, node, npm, opencode, pytest, python3, qwen, ruff
    "#);
}

#[test]
fn what_is_unknown_or_malformed_is_a_mistake() {
    let cases: [(&str, &[&str]); 15] = [
        ("[plugins.ab]\nraed = [\".\"]\n", &["unknown-key"]),
        ("[plugin.ab]\n", &["unknown-key"]),
        ("[plugins.A]\n", &["bad-id"]),
        ("[plugins.ab]\ncomponent = \"sha256:1\"\n", &["bad-digest"]),
        ("[plugins.ab]\nread = [\"/\"]\n", &["bad-path"]),
        ("[plugins.ab]\ndeny-read = [\"a[\"]\n", &["bad-pattern"]),
        ("[plugins.ab]\nrun = [\"*\"]\n", &["bad-tool-name"]),
        ("[plugins.ab]\nrun = \"git\"\n", &["wrong-type"]),
        ("[plugins.ab]\nnet = [\"*\"]\n", &["bad-origin"]),
        (
            "[plugins.ab]\nlimits = { memory = \"9GiB\", cpu = 1 }\n",
            &["bad-limit", "unknown-key"],
        ),
        ("[plugins.ab]\nfile = \"\"\n", &["bad-file"]),
        (
            "[host]\nsearch = [\"bin\", \"/a/../b\"]\n",
            &["bad-search", "bad-search"],
        ),
        ("[tools.x]\nprogram = \"/x\"\n", &["missing-templates"]),
        (
            "[tools.x]\nprogram = \"/x\"\n[tools.x.templates]\n",
            &["missing-templates"],
        ),
        (
            "[tools.X]\nprogram = \"/x\"\ntemplates = { v = [] }\n",
            &["bad-tool-name"],
        ),
    ];
    for (rest, expected) in cases {
        assert_eq!(codes(rest), expected, "{rest}");
    }
    let found = Policy::parse(file("p"), "").unwrap_err();
    assert_eq!(found.list()[0].code, "missing-key");
    let found = Policy::parse(file("p"), "format = 2").unwrap_err();
    assert_eq!(found.list()[0].code, "unknown-format");
}

#[test]
fn a_tool_in_a_higher_layer_replaces_the_lower_one_whole() {
    let user = Layer::parse(Origin::User("u".to_owned()), &format!("format = 1\n{TOOL}")).unwrap();
    let text = "format = 1\n[tools.mine]\nprogram = \"/opt/other\"\ntemplates = { w = [] }\n";
    let higher = Layer::parse(file("f"), text).unwrap();
    // The order in which layers are given does not matter, their kind does.
    for layers in [
        [user.clone(), higher.clone()],
        [higher.clone(), user.clone()],
    ] {
        let policy = Policy::layered(layers.to_vec()).unwrap();
        let (tool, origin) = policy.tools().next().unwrap();
        assert_eq!(
            (tool.program().as_str(), origin),
            ("/opt/other", &file("f"))
        );
        assert_eq!(tool.templates().len(), 1);
    }
    // A rule below that named the replaced template is pointed out where it stands.
    let rule = "format = 1\n[plugins.ab]\nrun = [\"mine:v\"]\n";
    let rule = Layer::parse(Origin::User("rules".to_owned()), rule).unwrap();
    assert!(Policy::layered(vec![user.clone(), rule.clone()]).is_ok());
    let found = Policy::layered(vec![user, rule, higher]).unwrap_err();
    insta::assert_snapshot!(found, @r#"
    rules:3:8: run = ["mine:v"]: `mine` has no template `v`
      fix: declare it in `[tools.mine.templates]`, or use one of: w
    "#);
}

#[test]
fn flags_are_a_layer_and_their_mistakes_are_listed_together() {
    let flags = FlagRules {
        allow_read: vec![".".to_owned(), "/etc".to_owned()],
        allow_run: vec!["python3:unittest".to_owned(), "/bin/sh".to_owned()],
        deny_write: vec![".git/**".to_owned()],
        ..FlagRules::default()
    };
    insta::assert_snapshot!(flags.layer().unwrap_err(), @r"
    command line:2:1: --allow-read: `/etc` is absolute
      fix: write it relative to the workspace, for example `src`
    command line:4:1: --allow-run: `/bin/sh` is not a tool name
      fix: write 1 to 64 characters of a-z 0-9 - _, a letter first
    ");
    let flags = FlagRules {
        allow_run: vec!["gti".to_owned()],
        ..FlagRules::default()
    };
    let layers = vec![catalogue::layer().unwrap(), flags.layer().unwrap()];
    assert_eq!(
        Policy::layered(layers).unwrap_err().list()[0].code,
        "undeclared-tool"
    );
}
#[test]
fn mistakes_of_all_layers_are_reported_together() {
    let user = "format = 1\n[plugins.ab]\nrun = [\"gti\", \"broken\"]\n";
    let file = "format = 1\nx = 1\n[tools.broken]\nprogram = \"sh\"\ntemplates = { v = [] }\n";
    let texts = [
        (Origin::User("user.toml".to_owned()), user),
        (self::file("file.toml"), file),
    ];
    let flags = FlagRules {
        allow_env: vec!["A=B".to_owned()],
        ..FlagRules::default()
    };
    insta::assert_snapshot!(Policy::read(&texts, &flags).unwrap_err(), @r#"
    file.toml:2:1: unknown key `x`
      fix: remove it; known here: format, hooks, host, plugins, tools
    file.toml:4:11: `sh` is a shell, which turns text into programs
      fix: declare the program that it would run
    command line:1:1: --allow-env: `A=B` is not the name of an environment variable
      fix: write letters, digits and _, no digit first
    user.toml:3:8: run = ["gti"]: no layer declares the tool `gti`
      fix: declare `[tools.gti]`, or use one of: aider, cargo, claude, codex, gemini, git, git-sealed, go, node, npm, opencode, pytest, python3, qwen, ruff
    "#);
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(text in "(?s).{0,200}") {
        codes(&text);
    }

    #[test]
    fn parsing_lists_never_panics(value in "(?s).{0,30}", key in 0usize..10) {
        let keys = ["read", "write", "run", "env", "net", "deny-read", "deny-write", "deny-run", "deny-env", "deny-net"];
        let quoted = toml_edit::Value::from(value.as_str());
        codes(&format!("[plugins.ab]\n{} = [{quoted}]\n", keys[key]));
        codes(&format!("[tools.t]\nprogram = {quoted}\ntemplates = {{ a = [{quoted}] }}\n"));
    }
}
