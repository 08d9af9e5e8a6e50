//! What is tried with the real python3, and what is made of its report.
//!
//! The program reads the configuration as a program of the user's would, and shows the loader one
//! bad value for each rule of each setting. What it read is held against the schema here, by other
//! code than the loader's.
//!
//! Never: a loader called good that took a bad value.

use remit_plugin_library::import::hold;
use remit_plugin_library::template::{TemplateError, Values};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::formats::defaults;
use crate::literal::{Language, quote, value};
use crate::plan::Plan;
use crate::request::{Format, Request};
use crate::schema::schema;
use crate::setting::{Kind, Setting};

/// Most bad values that are shown: those of a thousand settings would take minutes.
const MAX_BAD: usize = 2000;

/// A value that the loader has to refuse, or the absence of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bad {
    pub(crate) key: String,
    /// Nothing: the setting is left out.
    pub(crate) value: Option<Value>,
}

/// What the program reports.
#[derive(Debug, Deserialize)]
struct Report {
    /// The library that is missing, with the command that installs it.
    missing: Option<String>,
    /// Why the file could not be read, or was refused.
    refused: Option<String>,
    /// What was read.
    config: Option<Value>,
    /// Keys whose bad value was taken.
    taken: Vec<String>,
    /// How many bad values were refused.
    bad: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All is well; how many bad values were refused, if there is a loader.
    Good { refused: Option<usize> },
    /// A library is missing.
    Missing(String),
    /// The file that is there does not fit the settings: somebody else's values, most likely.
    Unfit(String),
    /// The pattern made something that does not work.
    Faulty(String),
}

/// Values that break each rule of each setting.
pub(crate) fn bad_values(request: &Request) -> Vec<Bad> {
    let mut all: Vec<Bad> = request.settings.iter().flat_map(bad_of).collect();
    if !request.settings.is_empty() {
        all.push(Bad {
            key: "no.such.setting".to_owned(),
            value: Some(json!(1)),
        });
    }
    all.truncate(MAX_BAD);
    all
}

fn bad_of(setting: &Setting) -> Vec<Bad> {
    let mut values = vec![match setting.kind {
        Kind::String => json!(5),
        Kind::Integer | Kind::Float | Kind::Boolean => json!("text"),
        Kind::Array => json!({"a": 1}),
        Kind::Object => json!([1]),
    }];
    if setting.kind == Kind::Integer {
        values.push(json!(0.5));
    }
    // True is a number to Python.
    if setting.kind.is_number() {
        values.push(json!(true));
    }
    let bounds = [(&setting.min, -1.0), (&setting.max, 1.0)];
    for (bound, step) in bounds {
        let bound = bound.as_ref().and_then(serde_json::Number::as_f64);
        // One more is the same number where floats are coarse; the rule is asked.
        let beyond = bound.map(|bound| bound + step * bound.abs().max(1.0));
        let beyond = beyond.filter(|beyond| setting.refuses(&json!(beyond)).is_some());
        values.extend(beyond.map(|beyond| json!(beyond)));
    }
    if setting.pattern.is_some() {
        let odd = ["", "\u{1}", "~", "a", "0", " "].map(Value::from);
        values.extend(odd.into_iter().find(|odd| setting.refuses(odd).is_some()));
    }
    if !setting.choices.is_empty() {
        let other = match setting.kind {
            Kind::String => json!("none of them, surely"),
            Kind::Integer => json!(-987_654_321),
            Kind::Float => json!(-987_654_321.5),
            Kind::Boolean => json!(!setting.choices.contains(&json!(true))),
            Kind::Array => json!(["none of them, surely"]),
            Kind::Object => json!({"none of them": "surely"}),
        };
        values.extend(Some(other).filter(|other| setting.refuses(other).is_some()));
    }
    let mut all: Vec<Bad> = values
        .into_iter()
        .map(|value| Bad {
            key: setting.key(),
            value: Some(value),
        })
        .collect();
    if setting.required {
        all.push(Bad {
            key: setting.key(),
            value: None,
        });
    }
    all
}

/// The program that tries it. It runs in the workspace and writes a report on standard output.
///
/// # Errors
/// The template is faulty.
pub(crate) fn program(request: &Request, plan: &Plan) -> Result<String, TemplateError> {
    let bad: Vec<Value> = bad_values(request)
        .into_iter()
        .map(|bad| match bad.value {
            Some(value) => json!([bad.key, value]),
            None => json!([bad.key]),
        })
        .collect();
    let mut values = Values::new();
    values.set("config", quote(&plan.paths.config, false));
    values.set("loader", quote(&plan.paths.python, false));
    values.set("bad", value(&Value::Array(bad), Language::Python));
    values.set("good", value(&defaults(request), Language::Python));
    values.flag("python", request.python());
    for (name, format) in [
        ("yaml", Format::Yaml),
        ("json", Format::Json),
        ("toml", Format::Toml),
    ] {
        values.flag(name, request.format == format);
    }
    values.fill(include_str!("../templates/check.py"), None)
}

/// Judges what the program printed. `kept` says that the configuration was there before.
pub(crate) fn judge(request: &Request, printed: &str, kept: bool) -> Verdict {
    let unfit = |why: String| {
        if kept {
            Verdict::Unfit(why)
        } else {
            Verdict::Faulty(why)
        }
    };
    let line = printed.lines().last().unwrap_or_default();
    let report: Report = match serde_json::from_str(line) {
        Ok(report) => report,
        Err(error) => return Verdict::Faulty(format!("the check gave no report: {error}")),
    };
    if let Some(missing) = report.missing {
        return Verdict::Missing(missing);
    }
    if let Some(why) = report.refused {
        return unfit(why);
    }
    let Some(config) = report.config else {
        return Verdict::Faulty("the check read nothing".to_owned());
    };
    let against: Vec<String> = hold(&config, &schema(request))
        .into_iter()
        .map(|wrong| format!("{}: {}", wrong.path, wrong.message))
        .collect();
    if !against.is_empty() {
        return unfit(format!("against the schema: {}", against.join("; ")));
    }
    if !report.taken.is_empty() {
        let all = report.taken.join(", ");
        return Verdict::Faulty(format!("the loader took a bad value of {all}"));
    }
    let expected = bad_values(request).len();
    if request.python() && report.bad != expected {
        let bad = report.bad;
        return Verdict::Faulty(format!(
            "the loader was shown {bad} of {expected} bad values"
        ));
    }
    Verdict::Good {
        refused: request.python().then_some(report.bad),
    }
}
