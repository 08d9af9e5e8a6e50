//! Files that were made to do harm, by chance: whatever the bytes, there is a report or an error.

mod build;

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use remit_component::{extract_manifest, inspect, pack};

static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let linked = build::plugin_with_linked("pattern-executor", "remit:manifest", b"a = 1");
    build::with_section(&linked, "authors", b"someone")
});

static MODULE: LazyLock<Vec<u8>> = LazyLock::new(build::core_module);

/// Has everything look at the bytes. Errors must say something.
fn look(bytes: &[u8]) {
    for error in [
        inspect(bytes).map(drop).err().map(|e| e.to_string()),
        extract_manifest(bytes)
            .map(drop)
            .err()
            .map(|e| e.to_string()),
        pack(bytes, "a = 2").map(drop).err().map(|e| e.to_string()),
    ]
    .into_iter()
    .flatten()
    {
        assert!(error.len() > 10, "{error}");
    }
}

#[test]
fn every_beginning_of_a_file_is_survived() {
    for whole in [&*COMPONENT, &*MODULE] {
        assert!(inspect(whole).is_ok());
        let step = (whole.len() / 1000).max(1);
        for end in (0..whole.len()).step_by(step) {
            look(whole.get(..end).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_survived(bytes in vec(any::<u8>(), 0..2000)) {
        look(&bytes);
    }

    #[test]
    fn random_sections_are_survived(component in any::<bool>(), bytes in vec(any::<u8>(), 0..500)) {
        let header: &[u8] = if component { b"\0asm\x0d\0\x01\0" } else { b"\0asm\x01\0\0\0" };
        look(&[header, &bytes].concat());
    }

    #[test]
    fn framed_sections_are_survived(sections in vec((0_u8..14, vec(any::<u8>(), 0..60)), 0..12)) {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        for (id, content) in sections {
            bytes.push(id);
            bytes.push(u8::try_from(content.len()).unwrap());
            bytes.extend(content);
        }
        look(&bytes);
    }

    #[test]
    fn changed_files_are_survived(
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        module in any::<bool>(),
    ) {
        let mut bytes = if module { MODULE.clone() } else { COMPONENT.clone() };
        for (place, value) in edits {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        look(&bytes);
    }

    #[test]
    fn spliced_files_are_survived(
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        length in 1_usize..200,
    ) {
        let mut bytes = COMPONENT.clone();
        let from = from.index(bytes.len());
        let part: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
        let to = to.index(bytes.len());
        bytes.splice(to..to, part);
        look(&bytes);
    }

    #[test]
    fn what_is_packed_is_found(text in "\\PC{0,200}") {
        let packed = pack(&COMPONENT, &text).unwrap();
        prop_assert_eq!(extract_manifest(&packed).unwrap().unwrap().text, text);
    }
}
