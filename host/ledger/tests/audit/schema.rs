//! The published schema describes every entry as it is written, and nothing else.

use std::ops::ControlFlow;

use remit_core::audit::Entry;
use remit_core::audit::{AttemptOf, HookOf};
use remit_core::change::{Change, ChangeKind};
use remit_core::claim::Mismatch;
use remit_core::denial::{Denial, Fix, MissingKey};
use remit_core::digest::Digest;
use remit_core::event::GrantSummary;
use remit_core::manifest::Confinement;
use remit_core::path::RelPath;
use remit_core::policy::Origin;
use remit_core::scope::Capability;
use remit_core::tool::{Exit, FileIdentity, KillCause, ProgramIdentity, Usage};
use serde_json::{Value, json};

use crate::place::{Place, append, small};

/// The schema that the program prints and the documents link to.
const SCHEMA: &str = include_str!("../../../../docs/audit.schema.json");

/// The same schema without room for keys that it does not describe: for others new keys are no
/// mistake, here they are.
fn strict() -> Value {
    fn close(value: &mut Value, inside: bool) {
        match value {
            Value::Object(object) => {
                for (key, child) in object.iter_mut() {
                    close(child, inside || key == "properties" || key == "$defs");
                }
                if inside && object.get("type") == Some(&json!("object")) {
                    object.insert("additionalProperties".into(), json!(false));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| close(item, inside)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    close(&mut schema, false);
    schema["unevaluatedProperties"] = json!(false);
    schema
}

fn denial(missing: MissingKey) -> Denial {
    Denial {
        capability: Capability::Write,
        scope: ".git/config".into(),
        missing,
        note: Some("n".into()),
        reason: Some("r".into()),
        fix: Fix {
            flag: Some("--allow-write=.git".into()),
            line: "l".into(),
        },
    }
}

fn file(digest: Option<Digest>) -> FileIdentity {
    FileIdentity {
        path: "/usr/bin/python3.11".into(),
        digest,
        device: 64,
        inode: u64::MAX,
    }
}

fn spawn(program: Option<ProgramIdentity>, level: Option<Confinement>) -> Entry {
    Entry::Spawn {
        call: 1,
        tool: "python3".into(),
        template: "unittest".into(),
        arguments: vec!["-I".into(), "\u{7f}\u{1b}\u{202e}".into()],
        env: vec!["LANG".into()],
        directory: ".".into(),
        origins: Vec::new(),
        program: program.map(Box::new),
        level,
    }
}

fn request() -> Entry {
    Entry::Request {
        call: 1,
        hop: 0,
        method: "GET".into(),
        origin: "https://a.example".into(),
        path: "/x".into(),
    }
}

fn response(status: Option<u16>, code: Option<&str>) -> Entry {
    Entry::Response {
        call: 1,
        origin: "https://a.example".into(),
        status,
        code: code.map(str::to_owned),
        sent: 0,
        received: 9,
    }
}

fn approved(replaces: Option<&str>, workspace: Option<&str>) -> Entry {
    Entry::Approved {
        approval: "01M8AEK1JCE5981J41KFRF5CNW".parse().unwrap(),
        replaces: replaces.map(|id| id.parse().unwrap()),
        plugin: "mine".into(),
        component: Digest::of(b"c").to_string(),
        manifest: Digest::of(b"m").to_string(),
        workspace: workspace.map(str::to_owned),
        allow: vec!["read .".into()],
        tools: vec!["git /usr/bin/git sha256:00".into()],
    }
}

fn exit(exit: Exit) -> Entry {
    Entry::Exit {
        call: 1,
        tool: "python3".into(),
        exit,
        success: false,
        usage: Usage::default(),
    }
}

fn files_changed(more: bool) -> Entry {
    let changes = [
        ChangeKind::Created,
        ChangeKind::Modified,
        ChangeKind::Deleted,
    ]
    .map(|kind| Change {
        path: RelPath::parse("a/b").unwrap(),
        kind,
    });
    Entry::FilesChanged {
        changes: changes.into(),
        more,
    }
}

fn claims_differ(more: bool) -> Entry {
    let not_there = if more { &["not\u{1b}there"][..] } else { &[] };
    Entry::ClaimsDiffer {
        mismatch: Mismatch {
            not_changed: vec!["/etc/passwd".into()],
            not_claimed: vec!["a/b".into()],
            not_there: not_there.iter().map(ToString::to_string).collect(),
            more,
        },
    }
}

fn hooked() -> Entry {
    Entry::RunStarted {
        plugin: "command".into(),
        version: "0.1.0".into(),
        component: Digest::of(b"c").to_string(),
        manifest: Digest::of(b"m").to_string(),
        workspace: "/home/me/work".into(),
        attempt: None,
        hook: Some(Box::new(HookOf {
            tool: "notify:send".into(),
            seq: 7,
            event: "TASK_FAILED".into(),
        })),
    }
}

/// How runs begin: by themselves, as attempts, gates, hooks.
fn begun() -> Vec<Entry> {
    let started = |attempt| Entry::RunStarted {
        plugin: "command".into(),
        version: "0.1.0".into(),
        component: Digest::of(b"c").to_string(),
        manifest: Digest::of(b"m").to_string(),
        workspace: "/home/me/work".into(),
        attempt,
        hook: None,
    };
    let attempt = |gate: Option<&str>| AttemptOf {
        plan_run: "run-1".into(),
        task: "build".into(),
        number: 2,
        gate: gate.map(str::to_owned),
    };
    vec![
        started(None),
        started(Some(Box::new(attempt(None)))),
        started(Some(Box::new(attempt(Some("lint"))))),
        hooked(),
    ]
}

/// Every type, each with and without what may be absent.
fn entries() -> Vec<Entry> {
    let forbidden = |origin| {
        denial(MissingKey::Forbidden {
            rule: "deny-write = [\".git/**\"]".into(),
            origin,
            line: 3,
        })
    };
    let script = ProgramIdentity {
        executable: file(None),
        script: Some(file(Some(Digest::of(b"x")))),
    };
    let mut entries = begun();
    entries.extend([
        approved(Some("01M8AEK1JCE5981J41KFRF5CNV"), Some("/w")),
        approved(None, None),
        Entry::Revoked {
            approval: "01M8AEK1JCE5981J41KFRF5CNV".parse().unwrap(),
            plugin: "mine".into(),
            component: Digest::of(b"c").to_string(),
        },
        Entry::ApprovalRevoked {
            approval: "01M8AEK1JCE5981J41KFRF5CNV".parse().unwrap(),
        },
        Entry::Grant {
            grants: Box::default(),
        },
        Entry::Grant {
            grants: Box::new(GrantSummary {
                read: vec![".".into()],
                withheld: vec![denial(MissingKey::Allowed), denial(MissingKey::Declared)],
                ..GrantSummary::default()
            }),
        },
        Entry::Denial {
            denial: forbidden(Origin::BuiltIn),
        },
        Entry::Denial {
            denial: forbidden(Origin::Flag("--deny-write".into())),
        },
        spawn(None, None),
        spawn(Some(script), Some(Confinement::Namespaces)),
        small(1),
        exit(Exit::Code(0)),
        exit(Exit::Signal(9)),
        exit(Exit::Killed(KillCause::OutputLimit)),
        request(),
        response(Some(200), None),
        response(None, Some("timed-out")),
        Entry::Recovered { bytes: 17 },
        Entry::Lost {
            entries: 2,
            reason: "full".into(),
        },
    ]);
    entries.extend([true, false].map(files_changed));
    entries.extend([true, false].map(claims_differ));
    entries.extend(
        ["succeeded", "plugin-fault"].map(|status| Entry::RunFinished {
            status: status.into(),
            exit_code: 70,
            wall_ms: 1,
        }),
    );
    entries
}

#[test]
fn every_entry_fits_the_published_schema() {
    let schema = strict();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let place = Place::new();
    let mut writer = place.writer();
    for entry in entries() {
        append(&mut writer, &entry).unwrap();
    }
    let mut words = Vec::new();
    place
        .log()
        .read(&mut |_, text, line| {
            let value: Value = serde_json::from_str(text).unwrap();
            let wrong: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| error.to_string())
                .collect();
            assert!(wrong.is_empty(), "{text}\n{wrong:?}");
            words.push(line.unwrap().entry.word());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(words.len(), entries().len());
    for word in Entry::WORDS {
        assert!(words.contains(&word), "no entry `{word}` in this test");
    }
    assert_eq!(schema["properties"]["type"]["enum"], json!(Entry::WORDS));
}

#[test]
fn what_is_no_entry_does_not_fit() {
    let validator = jsonschema::validator_for(&strict()).unwrap();
    let place = Place::new();
    append(&mut place.writer(), &exit(Exit::Code(1))).unwrap();
    let line = serde_json::to_value(&place.lines()[0]).unwrap();
    assert!(validator.is_valid(&line));
    for (pointer, wrong) in [
        ("/v", json!(2)),
        ("/seq", json!(0)),
        ("/time", json!("yesterday")),
        ("/run", json!("../x")),
        ("/type", json!("spawn")),
        ("/type", json!("other")),
        ("/hash", json!("md5:1")),
        ("/exit", json!({"code": 1, "signal": 2})),
        ("/usage/wall-ms", json!(-1)),
    ] {
        let mut spoilt = line.clone();
        *spoilt.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&spoilt), "{pointer}");
    }
    let mut more = line.clone();
    more["extra"] = json!(1);
    assert!(!validator.is_valid(&more), "a key that nobody describes");
    let mut more = line;
    more["usage"]["extra"] = json!(1);
    assert!(!validator.is_valid(&more), "a key that nobody describes");
}
