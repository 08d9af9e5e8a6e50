//! `README_CONFIG.md`: every setting for people, and how to load and check the configuration.
//!
//! Never: a command that does not work as it is written.

use crate::literal::{Language, one_line, value};
use crate::loaders::{class, python_name};
use crate::plan::Paths;
use crate::request::Request;
use crate::setting::Setting;

/// The document's text.
pub(crate) fn text(request: &Request, paths: &Paths) -> String {
    let mut text = format!("# {}\n\n", request.title());
    for (name, value) in [
        ("File", code(&paths.config)),
        ("Format", request.format.title().to_owned()),
        ("Schema", code(&paths.schema)),
    ] {
        text.push_str(&format!("- **{name}:** {value}\n"));
    }
    text.push_str("\n## Settings\n");
    if request.settings.is_empty() {
        text.push_str("\nThere are none yet.\n");
    }
    for setting in &request.settings {
        text.push_str(&describe(setting));
    }
    text.push_str("\n## Usage\n");
    if request.python() {
        text.push_str(&python(request));
    }
    if request.powershell() {
        text.push_str(&powershell(request, paths));
    }
    if request.loaders.is_none() {
        text.push_str(&format!(
            "\nRead `{}` with any reader of {}.\n",
            paths.config,
            request.format.title()
        ));
    }
    text.push_str(&format!(
        "\nA setting that is missing has its default, unless it is required. Copy `{}` to begin anew.\n",
        paths.example
    ));
    text.push_str("\n## Validation\n\n");
    if request.python() {
        text.push_str(&format!(
            "```sh\npython3 {}\n```\n\nprints `OK`, or everything that is wrong. ",
            paths.python
        ));
    }
    text.push_str(&format!(
        "`{}` is JSON Schema, draft 7, for editors and other validators.\n",
        paths.schema
    ));
    text
}

fn describe(setting: &Setting) -> String {
    let mut text = format!("\n### `{}`\n\n", setting.key());
    let description = one_line(&setting.description);
    if !description.is_empty() {
        text.push_str(&format!("{description}\n\n"));
    }
    text.push_str(&format!("- **Type:** `{}`\n", setting.kind.word()));
    let default = value(&setting.default, Language::Json);
    text.push_str(&format!("- **Default:** {}\n", code(&default)));
    if setting.required {
        text.push_str("- **Required:** yes\n");
    }
    let bounds = [("Minimum", &setting.min), ("Maximum", &setting.max)];
    for (name, bound) in bounds {
        if let Some(bound) = bound {
            text.push_str(&format!("- **{name}:** {bound}\n"));
        }
    }
    if let Some(pattern) = &setting.pattern {
        text.push_str(&format!("- **Pattern:** {}\n", code(&one_line(pattern))));
    }
    if !setting.choices.is_empty() {
        let all: Vec<String> = setting
            .choices
            .iter()
            .map(|one| code(&value(one, Language::Json)))
            .collect();
        text.push_str(&format!("- **Allowed values:** {}\n", all.join(", ")));
    }
    text
}

/// Code in a line of Markdown: with as many backticks around it as it takes.
fn code(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

fn python(request: &Request) -> String {
    let mut text =
        "\n### Python\n\nWith the directory of `config_loader.py` on the module path:\n\n\
        ```python\nfrom config_loader import get_config\n\nconfig = get_config()\n"
            .to_owned();
    for setting in &request.settings {
        let name = python_name(setting);
        text.push_str(&format!("{name} = config.{name}\n"));
    }
    text.push_str("```\n");
    text
}

fn powershell(request: &Request, paths: &Paths) -> String {
    let mut text = format!(
        "\n### PowerShell\n\n```powershell\n. ./{}\n$config = Load-{}\n",
        paths.powershell,
        class(request)
    );
    for setting in &request.settings {
        // In quotes, because `-` is an operator.
        let path: Vec<String> = setting
            .parts
            .iter()
            .map(|part| format!("'{part}'"))
            .collect();
        text.push_str(&format!(
            "${} = $config.{}\n",
            setting.attribute(),
            path.join(".")
        ));
    }
    text.push_str("```\n");
    text
}
