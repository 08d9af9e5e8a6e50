//! The loaders: code in Python and PowerShell that reads the configuration and refuses bad values.
//!
//! Both carry the settings as data and check them with the same few functions, so that what is
//! checked does not depend on how well each setting was turned into code.
//!
//! Never: text of the inputs in code, but inside of quotes.

use remit_plugin_library::template::{TemplateError, Values};
use serde_json::{Map, Value};

use crate::literal::{Language, one_line, quote, value};
use crate::request::{Format, Request};
use crate::setting::{Kind, Setting};

/// Words that cannot be the name of a property in Python, and those that the class has itself.
const PYTHON_TAKEN: &str = "False None True and as assert async await break class continue def del \
    elif else except finally for from global if import in is lambda nonlocal not or pass raise \
    return try while with yield config_path get to_dict";

/// The loader in Python.
///
/// # Errors
/// The template is faulty.
pub(crate) fn python(request: &Request) -> Result<String, TemplateError> {
    let mut values = values(request);
    let mut settings = String::new();
    let mut properties = String::new();
    for setting in &request.settings {
        settings.push_str(&format!(
            "    {},\n",
            value(&described(setting), Language::Python)
        ));
        properties.push_str(&property(setting));
    }
    values.set("settings", settings.trim_end());
    values.set("properties", properties.trim_end());
    let loader = values.fill(include_str!("../templates/config_loader.py"), None)?;
    Ok(format!("{}\n", loader.trim_end()))
}

/// The loader in PowerShell.
///
/// # Errors
/// The template is faulty.
pub(crate) fn powershell(request: &Request) -> Result<String, TemplateError> {
    let mut values = values(request);
    let settings: Vec<String> = request
        .settings
        .iter()
        .map(|setting| value(&described(setting), Language::Ascii))
        .collect();
    // One line each, in ASCII: whatever encoding reads it, it is the same, and no line can begin
    // with the end of the here-string.
    values.set("settings", format!("[\n {}\n]", settings.join(",\n ")));
    values.fill(include_str!("../templates/Load-Config.ps1"), None)
}

fn values(request: &Request) -> Values {
    let mut values = Values::new();
    values.set("name", request.name.as_str());
    values.set("class", class(request));
    values.set("file", ascii(request.path.name()));
    values.set("file_quoted", quote(request.path.name(), true));
    // A single quote is doubled; the typographic ones count as quotes as well, and are escaped.
    values.set("file_powershell", powershell_text(request.path.name()));
    for (name, format) in [
        ("yaml", Format::Yaml),
        ("json", Format::Json),
        ("toml", Format::Toml),
    ] {
        values.flag(name, request.format == format);
    }
    values.flag("version", request.has_version());
    values
}

/// The name of the class, and of the noun of the function.
pub(crate) fn class(request: &Request) -> String {
    request.words().concat()
}

fn ascii(text: &str) -> String {
    let visible = |letter: char| {
        if letter.is_ascii_graphic() {
            letter
        } else {
            '_'
        }
    };
    text.chars().map(visible).collect()
}

/// An expression in PowerShell for a text: in ASCII, whatever the text.
fn powershell_text(text: &str) -> String {
    if text.is_ascii() {
        return format!("'{}'", text.replace('\'', "''"));
    }
    format!(
        "(ConvertFrom-Json '[{}]')[0]",
        quote(text, true).replace('\'', "''")
    )
}

/// A setting as data of a loader.
fn described(setting: &Setting) -> Value {
    let mut map = Map::new();
    map.insert("key".into(), setting.key().into());
    map.insert("type".into(), setting.kind.word().into());
    map.insert("default".into(), setting.default.clone());
    map.insert("required".into(), setting.required.into());
    for (name, bound) in [("min", &setting.min), ("max", &setting.max)] {
        if let Some(bound) = bound {
            map.insert(name.into(), Value::Number(bound.clone()));
        }
    }
    if let Some(pattern) = &setting.pattern {
        map.insert("pattern".into(), pattern.as_str().into());
    }
    if !setting.choices.is_empty() {
        map.insert("enum".into(), Value::Array(setting.choices.clone()));
    }
    Value::Object(map)
}

/// The name of a setting's property in Python.
pub(crate) fn python_name(setting: &Setting) -> String {
    let name = setting.attribute();
    // Two leading underscores would be mangled, and one is the class's own business.
    let name = name.trim_start_matches('_');
    let digit = name.starts_with(|letter: char| letter.is_ascii_digit());
    let name = if name.is_empty() || digit {
        format!("setting_{name}")
    } else {
        name.to_owned()
    };
    if PYTHON_TAKEN.split(' ').any(|word| word == name) {
        format!("{name}_")
    } else {
        name
    }
}

fn property(setting: &Setting) -> String {
    let kind = match setting.kind {
        Kind::String => "str",
        Kind::Integer => "int",
        Kind::Float => "float",
        Kind::Boolean => "bool",
        Kind::Array => "list[Any]",
        Kind::Object => "dict[str, Any]",
    };
    let said = one_line(&setting.description);
    let said = if said.is_empty() { setting.key() } else { said };
    // Quotes and backslashes would end the docstring, or mean something else in it.
    let said = said.replace('\\', "/").replace('"', "'");
    format!(
        "    @property\n    def {}(self) -> {kind}:\n        \"\"\"{said}\"\"\"\n        return self._values[{}]\n\n",
        python_name(setting),
        quote(&setting.key(), false),
    )
}
