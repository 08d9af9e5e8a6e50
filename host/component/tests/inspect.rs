//! Reports on components that are made here, from the contract and from WIT of strangers.

mod build;

use build::{component, core_module, plugin, with_section};
use remit_component::{
    InspectError, ItemKind, Kind, MAX_NESTING, PackError, Report, Role, extract_manifest, inspect,
    pack,
};

fn verdict(report: &Report) -> String {
    report.target.verdict()
}

#[test]
fn a_pattern_executor_is_recognised() {
    let report = inspect(&plugin("pattern-executor")).unwrap();
    assert_eq!(report.kind, Kind::Component);
    assert_eq!(report.target.roles, [Role::PatternExecutor]);
    assert!(report.target.loads());
    assert_eq!(
        verdict(&report),
        "a plugin for this host: a pattern executor"
    );
    let process = report
        .imports
        .iter()
        .find(|i| i.name == "remit:plugin/process@0.1.0")
        .unwrap();
    assert_eq!(process.kind, ItemKind::Interface);
    assert!(
        process
            .functions
            .iter()
            .any(|f| f == "[method]child.next-event"),
        "{process:?}"
    );
    assert_eq!(process.resources, ["child"]);
    let pattern = report
        .exports
        .iter()
        .find(|i| i.name == "remit:plugin/pattern@0.1.0")
        .unwrap();
    assert_eq!(
        pattern.functions,
        ["describe", "validate-inputs", "execute"]
    );
    assert_eq!(report.packages.len(), 1);
    assert_eq!(report.packages[0].package, "remit:plugin");
    assert_eq!(report.packages[0].versions, ["0.1.0"]);
    assert!(
        report.sizes.core_modules >= 1,
        "the encoder may add some to break cycles"
    );
    assert!(report.sizes.code > 0 && report.sizes.total > report.sizes.code);
    assert!(report.digest.starts_with("sha256:") && report.digest.len() == 71);
    assert!(report.manifest.is_none());
}

#[test]
fn a_tool_adapter_is_recognised() {
    let report = inspect(&plugin("tool-adapter")).unwrap();
    assert_eq!(report.target.roles, [Role::ToolAdapter]);
    assert_eq!(verdict(&report), "a plugin for this host: a tool adapter");
}

#[test]
fn a_plugin_can_be_both() {
    let wit = "package test:both;
        world both {
            export remit:plugin/pattern@0.1.0;
            export remit:plugin/adapter@0.1.0;
        }";
    let report = inspect(&component(wit, "both")).unwrap();
    assert_eq!(
        report.target.roles,
        [Role::PatternExecutor, Role::ToolAdapter]
    );
    assert_eq!(
        verdict(&report),
        "a plugin for this host: a pattern executor and a tool adapter"
    );
}

#[test]
fn a_foreign_component_is_reported_and_is_no_plugin() {
    let wit = "package test:foreign;
        package wasi:fake@0.2.6 { interface streams {
            resource input { read: func(n: u64) -> list<u8>; }
            open: func() -> input;
        } }
        world foreign {
            import wasi:fake/streams@0.2.6;
            import log: func(text: string);
            export run: func() -> u32;
        }";
    let report = inspect(&component(wit, "foreign")).unwrap();
    assert!(report.target.roles.is_empty() && !report.target.loads());
    assert_eq!(
        verdict(&report),
        "not a plugin for this host: it exports neither `remit:plugin/pattern@0.1.0` \
         (a pattern executor) nor `remit:plugin/adapter@0.1.0` (a tool adapter)"
    );
    let wasi: Vec<&str> = report
        .wasi_imports()
        .map(|item| item.name.as_str())
        .collect();
    assert_eq!(wasi, ["wasi:fake/streams@0.2.6"]);
    let streams = report.wasi_imports().next().unwrap();
    assert_eq!(streams.functions, ["[method]input.read", "open"]);
    assert_eq!(streams.resources, ["input"]);
    let log = report
        .imports
        .iter()
        .find(|item| item.name == "log")
        .unwrap();
    assert_eq!(log.kind, ItemKind::Function);
    assert_eq!(report.exports[0].kind, ItemKind::Function);
}

#[test]
fn imports_of_ours_that_do_not_exist_refuse_the_load() {
    let wit = "package test:later;
        package remit:plugin@0.1.5 { interface teleport { go: func(); } interface clock { now-ms: func() -> u64; stop: func(); } }
        package remit:other@1.0.0 { interface thing { f: func(); } }
        world later {
            import remit:plugin/teleport@0.1.5;
            import remit:plugin/clock@0.1.5;
            import remit:other/thing@1.0.0;
        }";
    let report = inspect(&build::standalone(wit, "later")).unwrap();
    assert_eq!(
        report.target.unknown_imports,
        [
            "remit:plugin/teleport@0.1.5",
            "remit:plugin/clock@0.1.5 stop",
            "remit:other/thing@1.0.0",
        ]
    );
    assert!(!report.target.loads());
}

#[test]
fn a_role_of_another_version_or_with_holes_says_what_is_missing() {
    let wit = "package test:old;
        package remit:plugin@0.2.0 { interface pattern { describe: func() -> string; } }
        world old { export remit:plugin/pattern@0.2.0; }";
    let report = inspect(&build::standalone(wit, "old")).unwrap();
    assert_eq!(
        verdict(&report),
        "not a plugin for this host: it exports `remit:plugin/pattern@0.2.0`, \
         this host speaks version 0.1.0"
    );
    let wit = "package test:half;
        package remit:plugin@0.1.0 { interface pattern { describe: func() -> string; } }
        world half { export remit:plugin/pattern@0.1.0; }";
    let report = inspect(&build::standalone(wit, "half")).unwrap();
    assert_eq!(
        verdict(&report),
        "not a plugin for this host: its `remit:plugin/pattern@0.1.0` lacks `validate-inputs`, `execute`"
    );
}

#[test]
fn a_core_module_is_reported_as_such() {
    let report = inspect(&core_module()).unwrap();
    assert_eq!(report.kind, Kind::CoreModule);
    assert!(!report.target.loads());
    assert!(
        verdict(&report).contains("wasm-tools component new"),
        "{}",
        verdict(&report)
    );
    assert_eq!(report.imports[0].name, "wasi_snapshot_preview1");
    assert_eq!(report.imports[0].functions, ["fd_write", "proc_exit"]);
    assert_eq!(report.wasi_imports().count(), 1);
    assert_eq!(report.exports[0].functions, ["_start"]);
    assert_eq!(report.exports[0].resources, ["memory"]);
}

#[test]
fn metadata_is_taken_over_and_damage_in_it_is_only_noted() {
    let mut bytes = plugin("pattern-executor");
    for (name, text) in [
        ("version", "1.2.3"),
        ("authors", "A. Nyone"),
        ("licenses", "MIT"),
    ] {
        bytes = with_section(&bytes, name, text.as_bytes());
    }
    bytes = with_section(&bytes, "description", b"\xff\xfe");
    bytes = with_section(&bytes, "producers", b"\x05\x01");
    let report = inspect(&bytes).unwrap();
    assert_eq!(report.metadata.version.as_deref(), Some("1.2.3"));
    assert_eq!(report.metadata.authors.as_deref(), Some("A. Nyone"));
    assert_eq!(report.metadata.licenses.as_deref(), Some("MIT"));
    assert_eq!(report.metadata.description, None);
    let unreadable = report.metadata.unreadable.join("\n");
    assert!(
        unreadable.contains("description: ") && unreadable.contains("producers: "),
        "{unreadable}"
    );
    let made_by = report
        .metadata
        .producers
        .iter()
        .find(|p| p.name == "wit-component");
    assert_eq!(made_by.unwrap().field, "processed-by");
    let sections: Vec<&str> = report
        .custom_sections
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    assert!(sections.contains(&"version"), "{sections:?}");
}

#[test]
fn files_that_are_something_else_are_called_by_their_name() {
    let old = [b"\0asm".as_slice(), &[0x0c, 0, 1, 0]].concat();
    for (bytes, code, words) in [
        (b"".as_slice(), "empty", "empty"),
        (b"(module)", "wasm-text", "wasm-tools parse"),
        (
            b"\n  (component (import \"x\"))",
            "wasm-text",
            "wasm-tools parse",
        ),
        (b";; comment\n(module)", "wasm-text", "text"),
        (
            b"package a:b;\nworld c {}",
            "text",
            "begins with `package a:b;`",
        ),
        ("\u{e4}\u{f6}".as_bytes(), "text", "begins with"),
        (b"\x7fELF\x02\x01\x01\0", "machine-code", "precompiled"),
        (b"\x89PNG\r\n\x1a\n", "not-wasm", "89 50 4e 47"),
        (b"PK\x03\x04\x00\x00", "not-wasm", "50 4b 03 04"),
        (b"\0\0\0\0", "not-wasm", "00 00 00 00"),
        (b"\0asm", "malformed", "ends within its header"),
        (b"\0asm\x01\0", "malformed", "ends within its header"),
        (b"\0asm\x02\0\0\0", "unknown-version", "02 00 00 00"),
        (&old, "unknown-version", "current toolchain"),
        (b"\0asm\x01\0\0\0\x01", "malformed", "byte 9"),
        (
            b"\0asm\x0d\0\x01\0\x01\xff\xff\xff\xff\x0f",
            "malformed",
            "only 0 are left",
        ),
        (
            b"\0asm\x0d\0\x01\0\x00\x05\x08abc",
            "malformed",
            "only 4 are left",
        ),
        (
            b"\0asm\x0d\0\x01\0\x01\x08\0asm\x0d\0\x01\0",
            "malformed",
            "module",
        ),
    ] {
        let error = inspect(bytes).unwrap_err();
        assert_eq!(error.code(), code, "{bytes:?}: {error}");
        assert!(error.to_string().contains(words), "{bytes:?}: {error}");
    }
}

#[test]
fn components_nested_without_end_are_refused() {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for depth in 1..=2000 {
        bytes = build::nested(&bytes);
        let inspected = inspect(&bytes);
        if depth <= MAX_NESTING {
            assert_eq!(inspected.unwrap().sizes.components, depth as u64);
        } else {
            assert_eq!(inspected.unwrap_err(), InspectError::TooDeep);
            assert_eq!(
                pack(&bytes, "x"),
                Err(PackError::Unreadable(InspectError::TooDeep))
            );
        }
        if depth == MAX_NESTING + 2 {
            bytes = (0..5000).fold(bytes, |bytes, _| build::nested(&bytes));
            assert_eq!(inspect(&bytes).unwrap_err(), InspectError::TooDeep);
            assert_eq!(extract_manifest(&bytes), Err(InspectError::TooDeep));
            assert_eq!(
                pack(&bytes, "x"),
                Err(PackError::Unreadable(InspectError::TooDeep))
            );
            return;
        }
    }
}
