//! Manifests: found where toolchains leave them, packed, replaced, and refused when they disagree.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod build;

use build::{core_module, plugin, plugin_with_linked, with_section};
use remit_component::{InspectError, MAX_MANIFEST, PackError, extract_manifest, inspect, pack};

const SECTION: &str = "remit:manifest";

/// What is found, as text and places, or the error's code.
#[track_caller]
fn check(bytes: &[u8], expected: Result<(&str, &[&str]), &str>) {
    let found = extract_manifest(bytes);
    match (&found, expected) {
        (Ok(Some(found)), Ok((text, places))) => {
            assert_eq!(found.text, text);
            assert_eq!(found.places, places);
            assert_eq!(inspect(bytes).unwrap().manifest.as_ref(), Some(found));
        }
        (Err(error), Err(code)) => {
            assert_eq!(error.code(), code);
            assert_eq!(inspect(bytes).unwrap_err().code(), code);
        }
        _ => panic!("found {found:?}, expected {expected:?}"),
    }
}

#[test]
fn none_is_no_error() {
    assert_eq!(extract_manifest(&plugin("pattern-executor")), Ok(None));
    assert_eq!(extract_manifest(&core_module()), Ok(None));
}

#[test]
fn it_is_found_at_the_top_and_where_a_linker_leaves_it() {
    let top = with_section(&plugin("pattern-executor"), SECTION, b"a = 1");
    check(&top, Ok(("a = 1", &["the top level"])));
    let linked = plugin_with_linked("pattern-executor", SECTION, b"a = 1");
    check(&linked, Ok(("a = 1", &["core module 0"])));
    let inner = build::nested(&linked);
    check(&inner, Ok(("a = 1", &["core module 0 of component 0"])));
    let module = with_section(&core_module(), SECTION, b"a = 1");
    check(&module, Ok(("a = 1", &["the top level"])));
}

#[test]
fn equal_ones_are_one_and_different_ones_are_an_error() {
    let linked = plugin_with_linked("pattern-executor", SECTION, b"a = 1");
    let equal = with_section(&linked, SECTION, b"a = 1");
    check(&equal, Ok(("a = 1", &["core module 0", "the top level"])));
    let different = with_section(&linked, SECTION, b"a = 2");
    check(&different, Err("manifest-conflict"));
    let error = extract_manifest(&different).unwrap_err().to_string();
    assert!(
        error.contains("core module 0") && error.contains("the top level"),
        "{error}"
    );
    assert!(error.contains("remit plugin pack"), "{error}");
}

#[test]
fn what_cannot_be_a_manifest_is_refused() {
    let component = plugin("pattern-executor");
    check(
        &with_section(&component, SECTION, b"a\xff"),
        Err("manifest-not-text"),
    );
    let large = vec![b' '; MAX_MANIFEST + 1];
    check(
        &with_section(&component, SECTION, &large),
        Err("manifest-too-large"),
    );
    let text = String::from_utf8(large).unwrap();
    let refused = pack(&component, &text);
    assert_eq!(
        refused,
        Err(PackError::TooLarge {
            bytes: MAX_MANIFEST + 1
        })
    );
    let largest = &text[1..];
    check(
        &pack(&component, largest).unwrap(),
        Ok((largest, &["the top level"])),
    );
}

#[test]
fn packing_adds_one_section_and_nothing_else() {
    let component = plugin("tool-adapter");
    let packed = pack(&component, "a = 1").unwrap();
    assert_eq!(packed, with_section(&component, SECTION, b"a = 1"));
    check(&packed, Ok(("a = 1", &["the top level"])));
    assert_eq!(pack(&packed, "a = 1").unwrap(), packed, "twice is once");
}

#[test]
fn packing_replaces_every_manifest_and_keeps_the_rest() {
    let plain = plugin("pattern-executor");
    let linked = plugin_with_linked("pattern-executor", SECTION, b"old");
    let twice = with_section(
        &with_section(&linked, SECTION, b"older"),
        SECTION,
        b"oldest",
    );
    for component in [&linked, &twice, &pack(&plain, "old").unwrap()] {
        let packed = pack(component, "new = true").unwrap();
        check(&packed, Ok(("new = true", &["the top level"])));
        let (before, after) = (inspect(&plain).unwrap(), inspect(&packed).unwrap());
        assert_eq!(after.imports, before.imports);
        assert_eq!(after.exports, before.exports);
        assert_eq!(after.sizes.code, before.sizes.code);
        assert!(after.target.loads());
    }
    let deep = pack(&build::nested(&linked), "new").unwrap();
    check(&deep, Ok(("new", &["the top level"])));
}

#[test]
fn only_components_are_packed() {
    assert_eq!(pack(&core_module(), "a = 1"), Err(PackError::CoreModule));
    assert_eq!(
        pack(b"", "a = 1"),
        Err(PackError::Unreadable(InspectError::Empty))
    );
    let mut cut = plugin("pattern-executor");
    cut.truncate(cut.len() / 2);
    assert!(matches!(pack(&cut, "a = 1"), Err(PackError::Unreadable(_))));
}
