//! The files of a plan, as texts.

use serde_json::{Value, json};

use super::{check, request};
use crate::plan::{Belongs, Plan};
use crate::schema::schema;
use crate::verify::{Verdict, bad_values, judge};

fn paths(inputs: &Value) -> Vec<String> {
    let plan = Plan::of(&check(inputs).unwrap()).unwrap();
    plan.files.into_iter().map(|file| file.path).collect()
}

#[test]
fn there_are_six_outputs_and_fewer_without_loaders() {
    let mut inputs = json!({"config_name": "demo", "config_path": "conf/demo.yaml", "settings": [], "loader_language": "both"});
    let all = [
        "conf/demo.yaml",
        "conf/demo.schema.json",
        "conf/config_loader.py",
        "conf/Load-Config.ps1",
        "conf/demo.yaml.example",
        "conf/README_CONFIG.md",
    ];
    assert_eq!(paths(&inputs), all);
    inputs["loader_language"] = "python".into();
    assert_eq!(paths(&inputs).len(), 5);
    inputs["create_loader"] = false.into();
    assert_eq!(
        paths(&inputs),
        [
            "conf/demo.yaml",
            "conf/demo.schema.json",
            "conf/demo.yaml.example",
            "conf/README_CONFIG.md"
        ]
    );
    inputs["config_path"] = "demo.toml".into();
    assert_eq!(paths(&inputs)[3], "README_CONFIG.md");
}

#[test]
fn the_same_request_gives_the_same_plan_of_whole_files() {
    for format in ["yaml", "json", "toml"] {
        let plan = Plan::of(&request(format)).unwrap();
        assert_eq!(plan, Plan::of(&request(format)).unwrap());
        for file in &plan.files {
            let context = format!("{format}: {}", file.path);
            assert!(!file.content.contains('\u{2028}'), "{context}");
            assert!(
                file.content.ends_with('\n') && !file.content.ends_with("\n\n"),
                "{context}"
            );
            let trailing = file.content.lines().find(|line| line.ends_with(' '));
            assert_eq!(trailing, None, "{context}");
        }
        let person: Vec<_> = plan
            .files
            .iter()
            .filter(|file| file.belongs == Belongs::Person)
            .collect();
        assert_eq!(person.len(), 1);
        assert_eq!(person[0].path, plan.paths.config);
    }
}

#[test]
fn the_schema_has_levels_bounds_of_zero_and_no_float() {
    let schema = schema(&request("yaml"));
    let detection = &schema["properties"]["detection"];
    assert_eq!(detection["required"], json!(["min_similar"]));
    assert_eq!(detection["properties"]["min_similar"]["minimum"], 0);
    assert_eq!(detection["properties"]["threshold"]["type"], "number");
    assert_eq!(schema["required"], json!(["detection"]));
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert_eq!(
        schema["properties"]["level"]["enum"],
        json!(["no", "yes", "0123", ""])
    );
    assert!(schema["properties"].get("detection.threshold").is_none());
}

#[test]
fn the_loader_in_powershell_is_ascii_with_balanced_braces_and_the_settings_as_json() {
    for format in ["yaml", "json", "toml"] {
        let request = request(format);
        let plan = Plan::of(&request).unwrap();
        let loader = plan
            .files
            .iter()
            .find(|file| file.path == plan.paths.powershell)
            .unwrap();
        let text = &loader.content;
        assert!(text.is_ascii());
        assert!(text.contains("function Load-DemoConfig {"));
        assert_eq!(
            text.matches("'@").count(),
            1,
            "the here-string ends where it should"
        );
        let (before, rest) = text.split_once("@'\n").unwrap();
        let (settings, after) = rest.split_once("\n'@\n").unwrap();
        let settings: Vec<Value> = serde_json::from_str(settings).unwrap();
        assert_eq!(settings.len(), request.settings.len());
        assert_eq!(settings[4]["default"], request.settings[4].default);
        for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
            let count = |letter| before.matches(letter).count() + after.matches(letter).count();
            assert_eq!(count(open), count(close), "{open}");
        }
        let module = match format {
            "yaml" => "ConvertFrom-Yaml",
            "toml" => "ConvertFrom-Toml",
            _ => "ConvertFrom-Json $text",
        };
        assert!(text.contains(module));
    }
}

#[test]
fn each_rule_has_a_bad_value() {
    let bad = bad_values(&request("yaml"));
    let of = |key: &str| bad.iter().filter(|bad| bad.key == key).count();
    // Another type, half a number, true, below, above, absent.
    assert_eq!(of("detection.min_similar"), 6);
    assert_eq!(of("detection.threshold"), 4);
    // Another type, what does not match.
    assert_eq!(of("name"), 2);
    assert_eq!(of("level"), 2);
    assert_eq!(of("no.such.setting"), 1);
}

#[test]
fn a_report_is_judged_by_what_was_read_and_refused() {
    let request = check(
        &json!({"config_name": "demo", "config_path": "demo.json", "settings": [
            {"key": "a", "type": "integer", "default": 1, "validation": {"min": 0}},
        ]}),
    )
    .unwrap();
    let report = |config: Value, taken: Value, bad: usize, refused: Value| {
        json!({"missing": null, "refused": refused, "config": config, "taken": taken, "bad": bad})
            .to_string()
    };
    let good = json!({"version": "1.0.0", "a": 1});
    let bad = bad_values(&request).len();
    let judged = |text: &str, kept| judge(&request, text, kept);
    let right = report(good.clone(), json!([]), bad, json!(null));
    assert_eq!(judged(&right, false), Verdict::Good { refused: Some(bad) });
    assert_eq!(
        judged(&format!("noise\n{right}\n"), false),
        Verdict::Good { refused: Some(bad) }
    );
    let taken = report(good.clone(), json!(["a"]), bad - 1, json!(null));
    assert!(
        matches!(judged(&taken, false), Verdict::Faulty(why) if why.contains("bad value of a"))
    );
    let few = report(good.clone(), json!([]), 1, json!(null));
    assert!(matches!(judged(&few, false), Verdict::Faulty(_)));
    let negative = report(json!({"a": -1}), json!([]), bad, json!(null));
    assert!(matches!(judged(&negative, true), Verdict::Unfit(why) if why.contains("/a")));
    let refused = report(json!(null), json!([]), 0, json!("a: must be >= 0"));
    assert!(matches!(judged(&refused, true), Verdict::Unfit(_)));
    assert!(matches!(judged(&refused, false), Verdict::Faulty(_)));
    assert!(matches!(judged("", false), Verdict::Faulty(_)));
    let missing =
        r#"{"missing": "PyYAML", "refused": null, "config": null, "taken": [], "bad": 0}"#;
    assert_eq!(judged(missing, false), Verdict::Missing("PyYAML".into()));
}
