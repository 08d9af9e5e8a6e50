//! The origin's instances, imported leniently and strictly.
//!
//! They are read from `../shared/corpus` beside the repository; where that is not there, from the
//! copies of the library, and the test says so.

use std::fs;
use std::path::{Path, PathBuf};

use remit_plugin_library::import::Asked;
use serde_json::json;

use crate::request::{Format, KNOWN, Request};

#[expect(
    clippy::print_stderr,
    reason = "nobody should overlook that copies were used"
)]
fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.join("../../../../shared/corpus/pattern");
    if shared.is_dir() {
        return shared;
    }
    let copies = here.join("../../library/corpus");
    eprintln!(
        "{} IS NOT THERE: the copies in {} are used",
        shared.display(),
        copies.display()
    );
    copies
}

#[test]
fn instances_are_understood_leniently_and_refused_strictly() {
    for (name, notes) in [
        ("minimal", &["/config_format"][..]),
        ("test", &["/config_format", "/loader_language"]),
    ] {
        let instance = format!("config_setup_001.instance_{name}.json");
        let resolve = |mode: &str| {
            let inputs = json!({"instance_path": instance, "import": mode});
            let read = |path: &remit_plugin_library::path::SafePath| {
                fs::read_to_string(folder().join(path.as_str())).map_err(|error| error.to_string())
            };
            Asked::of(&inputs.to_string())
                .unwrap()
                .resolve(&KNOWN, read)
        };
        let lenient = resolve("lenient").unwrap();
        let found: Vec<&str> = lenient
            .notes
            .iter()
            .map(|note| note.path.as_str())
            .collect();
        assert_eq!(found, notes, "{name}");
        let request = Request::check(&lenient).unwrap();
        assert_eq!(request.format, Format::Yaml);
        assert_eq!(
            request.path.as_str(),
            "automation/config/detection_config.yaml"
        );
        assert!(request.settings.is_empty() && request.python() && !request.powershell());
        assert!(lenient.document.unwrap().starts_with("DOC-PAT-INSTANCE-"));
        let strict = resolve("strict").unwrap_err();
        let found: Vec<&str> = strict.iter().map(|wrong| wrong.path.as_str()).collect();
        assert_eq!(found, notes, "{name}");
    }
}
