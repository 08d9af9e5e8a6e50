//! From the inputs that somebody said to a configuration that can be written.
//!
//! Every problem is found at once. Never: a default for something that was said and is wrong.

use std::collections::BTreeMap;

use remit_plugin_library::import::{Field, Known, Resolved};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::validation::{Fields, Problems, Wrong, pointer};
use serde_json::Value;

use crate::loaders::python_name;
use crate::setting::Setting;

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");
/// The schema of the outputs.
pub(crate) const OUTPUT_SCHEMA: &str = include_str!("../schema/outputs.json");
/// The name under which other systems know the pattern.
pub(crate) const PATTERN_ID: &str = "PAT-CONFIG-SETUP-001";

const NAME_LIMIT: usize = 64;
/// Most settings: a file that people still read.
const MAX_SETTINGS: usize = 1000;

/// What instances of other systems have.
pub(crate) const KNOWN: Known = Known {
    patterns: &[PATTERN_ID],
    fields: &[
        Field::needed("config_name"),
        Field::word("config_format", &["yaml", "json", "toml"]),
        Field::needed("config_path"),
        Field::needed("settings"),
        Field::flag("create_loader"),
        Field::word("loader_language", &["python", "powershell", "both"]),
        Field::flag("verify"),
        Field::flag("force"),
        Field::flag("reset"),
    ],
};

/// The format of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Json,
    Toml,
}

impl Format {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("yaml", Self::Yaml),
        ("json", Self::Json),
        ("toml", Self::Toml),
    ];

    /// The endings of its files.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Yaml => &["yaml", "yml"],
            Self::Json => &["json"],
            Self::Toml => &["toml"],
        }
    }

    /// Its name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Toml => "TOML",
        }
    }

    fn of(path: &SafePath) -> Option<Self> {
        let ending = path.name().rsplit_once('.')?.1;
        let mut all = Self::ALL.iter().map(|(_, format)| *format);
        all.find(|format| format.endings().contains(&ending))
    }
}

/// The languages of loaders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loaders {
    Python,
    PowerShell,
    Both,
}

impl Loaders {
    const ALL: [(&'static str, Self); 3] = [
        ("python", Self::Python),
        ("powershell", Self::PowerShell),
        ("both", Self::Both),
    ];
}

/// A configuration that can be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) path: SafePath,
    pub(crate) settings: Vec<Setting>,
    pub(crate) loaders: Option<Loaders>,
    pub(crate) verify: bool,
    pub(crate) force: bool,
    pub(crate) reset: bool,
}

impl Request {
    /// Whether there is a loader in Python.
    pub(crate) fn python(&self) -> bool {
        matches!(self.loaders, Some(Loaders::Python | Loaders::Both))
    }

    /// Whether there is a loader in PowerShell.
    pub(crate) fn powershell(&self) -> bool {
        matches!(self.loaders, Some(Loaders::PowerShell | Loaders::Both))
    }

    /// Whether the file gets a `version` of its form: not if that is a setting.
    pub(crate) fn has_version(&self) -> bool {
        let first = |setting: &Setting| setting.parts.first().is_some_and(|part| part == "version");
        !self.settings.iter().any(first)
    }

    /// The name as words that begin with a capital.
    pub(crate) fn words(&self) -> Vec<String> {
        let words = self.name.split(['_', '-']).filter(|word| !word.is_empty());
        words
            .map(|word| {
                let (first, rest) = word.split_at(1);
                format!("{}{rest}", first.to_ascii_uppercase())
            })
            .collect()
    }

    /// The name for people: `Demo Configuration`, and `Demo Config` if it says so itself.
    pub(crate) fn title(&self) -> String {
        let mut words = self.words();
        if !words.iter().any(|word| word.starts_with("Config")) {
            words.push("Configuration".to_owned());
        }
        words.join(" ")
    }

    /// A file beside the configuration.
    pub(crate) fn beside(&self, name: &str) -> String {
        self.path.parent().unwrap_or_default().join(name)
    }

    /// Checks inputs that were put together.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(resolved: &Resolved) -> Result<Self, Vec<Wrong>> {
        let mut problems = Problems::new();
        let Some(mut fields) = Fields::of(&resolved.inputs, "", &mut problems) else {
            return problems.check(None);
        };
        for name in ["config_name", "config_path", "settings"] {
            fields.require(name, &mut problems);
        }
        fields.value("doc_id");
        let name = fields.text("config_name", &mut problems);
        if let Some(name) = name {
            check_name(name, &mut problems);
        }
        let format = fields.word("config_format", &Format::ALL, &mut problems);
        let path = fields.text("config_path", &mut problems).and_then(|text| {
            SafePath::file(text)
                .map_err(|rule| problems.add("/config_path", rule.code(), rule.to_string()))
                .ok()
        });
        let said = fields.value("config_format").is_some();
        let format = path
            .as_ref()
            .and_then(|path| check_format(path, format, said, &mut problems));
        let settings = fields.list("settings", &mut problems);
        let settings = settings.map(|all| read_settings(all, format, &mut problems));
        let create = fields.flag("create_loader", &mut problems).unwrap_or(true);
        let language = fields.word("loader_language", &Loaders::ALL, &mut problems);
        let verify = fields.flag("verify", &mut problems).unwrap_or(true);
        let force = fields.flag("force", &mut problems).unwrap_or_default();
        let reset = fields.flag("reset", &mut problems).unwrap_or_default();
        fields.finish(&mut problems);
        let request = name.zip(format).zip(path).zip(settings);
        problems.check(request.map(|(((name, format), path), settings)| Self {
            name: name.to_owned(),
            format,
            path,
            settings,
            loaders: create.then(|| language.unwrap_or(Loaders::Python)),
            verify,
            force,
            reset,
        }))
    }
}

fn check_name(name: &str, problems: &mut Problems) {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !(first && rest) {
        let message = "a letter, then letters, digits, `_` and `-`, for example `detection_config`";
        problems.add("/config_name", "pattern", message);
    }
    if name.len() > NAME_LIMIT {
        let message = format!("a name has at most {NAME_LIMIT} characters");
        problems.add("/config_name", "length", message);
    }
}

/// The format, which has to fit the ending of the file: a reader goes by that.
fn check_format(
    path: &SafePath,
    format: Option<Format>,
    said: bool,
    problems: &mut Problems,
) -> Option<Format> {
    match (format, Format::of(path)) {
        (Some(format), Some(of_path)) if format == of_path => Some(format),
        (Some(format), _) => {
            let endings = format.endings().join("` or `.");
            let message = format!("a {} file ends in `.{endings}`", format.title());
            problems.add("/config_path", "ending", message);
            None
        }
        // A format that was said and is none is reported already.
        (None, of_path) if said => of_path,
        (None, Some(of_path)) => Some(of_path),
        (None, None) => {
            let message = "say `config_format`, or end the file in `.yaml`, `.json` or `.toml`";
            problems.add("/config_path", "ending", message);
            None
        }
    }
}

fn read_settings(all: &[Value], format: Option<Format>, problems: &mut Problems) -> Vec<Setting> {
    if all.len() > MAX_SETTINGS {
        problems.add(
            "/settings",
            "length",
            format!("at most {MAX_SETTINGS} settings"),
        );
        return Vec::new();
    }
    let mut settings = Vec::new();
    // Name in code, where `a.b` and `a_b` meet, to place and key.
    let mut known: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (index, one) in all.iter().enumerate() {
        let at = pointer("/settings", &index.to_string());
        let Some(setting) = Setting::read(one, &at, problems) else {
            continue;
        };
        if format == Some(Format::Toml) {
            setting.fits_toml(&at, problems);
        }
        let place = pointer(&at, "key");
        let (key, name) = (setting.key(), python_name(&setting).to_lowercase());
        if let Some((first, other)) = known.get(&name) {
            let message = format!("`{key}` has the same name in code as `{other}` at {first}");
            problems.add(&place, "same-name", message);
        }
        for (first, other) in known.values() {
            let inside = |one: &str, other: &str| {
                one.strip_prefix(other)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            if inside(&key, other) || inside(other, &key) {
                let message = format!("`{key}` and `{other}` at {first} cannot both have a value");
                problems.add(&place, "level", message);
            }
        }
        known.insert(name, (place, key));
        settings.push(setting);
    }
    settings
}
