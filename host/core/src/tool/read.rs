//! Reads `[tools.X]` of a policy or of the catalogue.
//!
//! Never: a half-read tool. One mistake and the tool is not there, but all mistakes are noted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::declaration::{
    DEFAULT_OUTPUT, DEFAULT_WALL, HARD_OUTPUT_FACTOR, MAX_TOOL_TIME, Network, ToolDeclaration,
    ToolDirectory, ToolRules,
};
use super::origins::read_network;
use super::read_bounds::{
    default_resources, read_hides, read_resources, read_runtime, read_secrets, read_settings,
};
use super::scratch;
use super::template::{MAX_ARGUMENT_BYTES, Template, TemplateError};
use super::{Danger, EnvName, PLACE, Program, SecretSource, TemplateId, ToolId, ToolLimits};
use crate::document::{Problems, Section, Spanned};
use crate::quantity::{ByteSize, TimeSpan};

/// Reads one `[tools.X]`.
pub(crate) fn read_tool(
    name: &Spanned<&str>,
    section: &mut Section<'_>,
) -> Option<ToolDeclaration> {
    let problems = section.problems();
    let id = match name.value.parse::<ToolId>() {
        Ok(id) => Some(id),
        Err(error) => {
            report(problems, &name.span, "bad-tool-name", &error.to_string());
            None
        }
    };
    let program: Option<Spanned<Program>> =
        section.need_parsed("program", "bad-program", "program = \"/usr/bin/git\"");
    let templates = read_templates(section);
    let mut run = section.section("run");
    let rules = match &mut run {
        Some(run) => {
            let rules = read_rules(run);
            run.finish();
            rules
        }
        None => Some(default_rules()),
    };
    section.finish();
    Some(ToolDeclaration {
        id: id?,
        program: program?.value,
        templates: templates?,
        rules: rules?,
    })
}

/// Reads `[tools.X.templates]`.
fn read_templates(section: &mut Section<'_>) -> Option<BTreeMap<TemplateId, Template>> {
    let problems = section.problems();
    let table = section.section("templates");
    let Some(mut table) = table.filter(|table| !table.is_empty()) else {
        let message = "the tool has no `templates`, so nothing could call it";
        let help = "add a table of argument shapes, for example `version = [\"--version\"]`";
        problems.report(section.span(), "missing-templates", message, help);
        return None;
    };
    let mut templates = BTreeMap::new();
    let mut complete = true;
    for name in table.keys() {
        let template = read_template(&name, &mut table);
        match (name.value.parse::<TemplateId>(), template) {
            (Ok(id), Some(template)) => {
                templates.insert(id, template);
            }
            (Ok(_), None) => complete = false,
            (Err(error), _) => {
                report(
                    problems,
                    &name.span,
                    "bad-template-name",
                    &error.to_string(),
                );
                complete = false;
            }
        }
    }
    complete.then_some(templates)
}

fn read_template(name: &Spanned<&str>, table: &mut Section<'_>) -> Option<Template> {
    let problems = table.problems();
    let texts = table.texts(name.value)?;
    let elements: Vec<String> = texts.iter().map(|text| text.value.to_owned()).collect();
    match Template::parse(&elements) {
        Ok(template) => Some(template),
        Err(errors) => {
            for (index, error) in errors {
                let span = texts.get(index).map_or(&name.span, |text| &text.span);
                report(problems, span, template_code(&error), &error.to_string());
            }
            None
        }
    }
}

fn template_code(error: &TemplateError) -> &'static str {
    match error {
        TemplateError::Syntax(_) => "template-syntax",
        TemplateError::Name(_) => "bad-slot-name",
        TemplateError::Type(_) => "bad-slot-type",
        TemplateError::Duplicate(_) => "duplicate-slot",
        TemplateError::RepeatedNotLast(_) => "repeated-not-last",
        TemplateError::OptionLike(_) => "option-like-slot",
        TemplateError::Prefix(_, _) => "slot-after-text",
        TemplateError::Default(_, _) => "bad-default",
        TemplateError::Unfit => "bad-element",
        TemplateError::TooMany(_) => "too-many-elements",
    }
}

fn default_rules() -> ToolRules {
    ToolRules {
        pass_env: Vec::new(),
        plugin_env: Vec::new(),
        set_env: Vec::new(),
        directory: ToolDirectory::Workspace,
        limits: ToolLimits {
            wall: DEFAULT_WALL.get(),
            idle: None,
            soft_output: DEFAULT_OUTPUT.get(),
            hard_output: DEFAULT_OUTPUT.get().saturating_mul(HARD_OUTPUT_FACTOR),
        },
        success: vec![0],
        network: Network::None,
        origins: Vec::new(),
        runtime: Vec::new(),
        writes_settings: Vec::new(),
        hides: Vec::new(),
        secrets: Vec::new(),
        resources: default_resources(DEFAULT_WALL.get()),
    }
}

fn read_rules(run: &mut Section<'_>) -> Option<ToolRules> {
    let defaults = default_rules();
    let pass = read_names(run, "env");
    let plugin = read_names(run, "plugin-env");
    let set = read_constants(run);
    let secrets = read_secrets(run);
    check_overlap(run.problems(), &pass, &plugin, &set);
    check_secrets(run.problems(), &pass, &plugin, &set, &secrets);
    let directory = read_directory(run);
    let limits = read_limits(run);
    let wall = limits
        .as_ref()
        .map_or(DEFAULT_WALL.get(), |limits| limits.wall);
    let resources = read_resources(run, wall);
    let runtime = read_runtime(run);
    let writes_settings = read_settings(run);
    let hides = read_hides(run);
    let success = read_success(run);
    let (network, origins) = read_network(run);
    let values = |names: Vec<Spanned<EnvName>>| names.into_iter().map(|name| name.value).collect();
    Some(ToolRules {
        pass_env: values(pass),
        plugin_env: values(plugin),
        set_env: set.into_iter().map(|entry| entry.value).collect(),
        directory: directory?,
        limits: limits?,
        success: success.unwrap_or(defaults.success),
        network,
        origins,
        runtime,
        writes_settings,
        hides,
        secrets: secrets.into_iter().map(|entry| entry.value).collect(),
        resources,
    })
}

/// Names whose value comes from elsewhere: none of them may be a way to run code.
fn read_names(run: &mut Section<'_>, key: &str) -> Vec<Spanned<EnvName>> {
    let names: Vec<Spanned<EnvName>> = run.list(key, "bad-env-name");
    let mut kept: Vec<Spanned<EnvName>> = Vec::with_capacity(names.len());
    for name in names {
        let text = &name.value;
        if text.is_dangerous() {
            let message = text.forbidden().unwrap_or_else(|| {
                format!("`{text}` in `{key}` could make the tool run other code")
            });
            let help = match text.danger() {
                Some(Danger::Program) => {
                    format!("remove it, or fix a value: `set = {{ {text} = \"..\" }}`")
                }
                Some(Danger::Loader | Danger::Host) | None => "remove it".to_owned(),
            };
            run.problems()
                .report(&name.span, "dangerous-env", message, help);
        } else if kept.iter().any(|other| other.value == *text) {
            let message = format!("`{text}` is in `{key}` twice");
            run.problems()
                .report(&name.span, "duplicate-env", message, "remove one");
        } else {
            kept.push(name);
        }
    }
    kept
}

/// The owner's constants. The owner may fix what a plugin may not, but not what the loader obeys.
fn read_constants(run: &mut Section<'_>) -> Vec<Spanned<(EnvName, String)>> {
    let problems = run.problems();
    let Some(mut table) = run.section("set") else {
        return Vec::new();
    };
    let mut constants = Vec::new();
    for key in table.keys() {
        let Some(value) = table.text(key.value) else {
            continue;
        };
        let name = match key.value.parse::<EnvName>() {
            Ok(name) => name,
            Err(error) => {
                report(problems, &key.span, "bad-env-name", &error.to_string());
                continue;
            }
        };
        if let Some(message) = name.forbidden() {
            problems.report(
                &key.span,
                "dangerous-env",
                message,
                "remove it; the host sets PATH itself",
            );
        } else if value.value.contains('\0') || value.value.len() > MAX_ARGUMENT_BYTES {
            let message = format!("the value of `{name}` holds a NUL byte or is too long");
            let help = format!("shorten it to at most {MAX_ARGUMENT_BYTES} bytes without NUL");
            problems.report(&value.span, "bad-env-value", message, help);
        } else if let Some(rest) = value.value.strip_prefix(PLACE)
            && !scratch::follows_place(rest)
        {
            let message = format!("the value of `{name}` names no file of the scratch directory");
            let help = format!("write `{PLACE}`, `{PLACE}/name` or `{PLACE}/directory/name`");
            problems.report(&value.span, "bad-env-value", message, help);
        } else {
            let value = (name, value.value.to_owned());
            constants.push(Spanned {
                value,
                span: key.span,
            });
        }
    }
    constants
}

/// A name has one origin; with two, the order would decide silently.
fn check_overlap(
    problems: &Problems,
    pass: &[Spanned<EnvName>],
    plugin: &[Spanned<EnvName>],
    set: &[Spanned<(EnvName, String)>],
) {
    for entry in set {
        let name = &entry.value.0;
        if pass.iter().chain(plugin).any(|other| other.value == *name) {
            let message = format!("`{name}` is in `set` and in `env` or `plugin-env`");
            problems.report(&entry.span, "env-conflict", message, "keep one of them");
        }
    }
    for name in plugin {
        if pass.iter().any(|other| other.value == name.value) {
            let message = format!("`{}` is in `env` and in `plugin-env`", name.value);
            problems.report(&name.span, "env-conflict", message, "keep one of them");
        }
    }
}

/// A secret has no second origin either: the other would be shown.
fn check_secrets(
    problems: &Problems,
    pass: &[Spanned<EnvName>],
    plugin: &[Spanned<EnvName>],
    set: &[Spanned<(EnvName, String)>],
    secrets: &[Spanned<(EnvName, SecretSource)>],
) {
    for entry in secrets {
        let name = &entry.value.0;
        let elsewhere = pass.iter().chain(plugin).any(|other| other.value == *name)
            || set.iter().any(|other| other.value.0 == *name);
        if elsewhere {
            let message = format!("`{name}` is in `secret` and in `set`, `env` or `plugin-env`");
            problems.report(&entry.span, "env-conflict", message, "keep one of them");
        }
    }
}

fn read_directory(run: &mut Section<'_>) -> Option<ToolDirectory> {
    let Some(text) = run.text("cwd") else {
        return Some(ToolDirectory::Workspace);
    };
    let plain = |path: &str| !path.split('/').any(|name| matches!(name, "." | ".."));
    match text.value {
        "workspace" => Some(ToolDirectory::Workspace),
        path if path.starts_with('/') && plain(path) && !path.contains('\0') => {
            Some(ToolDirectory::Fixed(PathBuf::from(path)))
        }
        other => {
            let message = format!("`{other}` is not a working directory");
            let help = "write \"workspace\", or an absolute path without `.` and `..`";
            run.problems().report(&text.span, "bad-cwd", message, help);
            None
        }
    }
}

fn read_limits(run: &mut Section<'_>) -> Option<ToolLimits> {
    let problems = run.problems();
    let time = |run: &mut Section<'_>, key: &str| {
        let span = run.parsed::<TimeSpan>(key, "bad-time")?;
        let allowed = TimeSpan::milliseconds(1)..=MAX_TOOL_TIME;
        if !allowed.contains(&span.value) {
            let message = format!("`{key}` is {}", span.value);
            let help = format!("write a time from 1ms to {MAX_TOOL_TIME}");
            problems.report(&span.span, "bad-time", message, help);
        }
        Some(span.value)
    };
    let wall = time(run, "wall").unwrap_or(DEFAULT_WALL);
    let idle = time(run, "idle");
    let soft = run.parsed::<ByteSize>("output", "bad-size");
    let hard = run.parsed::<ByteSize>("hard-output", "bad-size");
    let soft_bytes = soft.map_or(DEFAULT_OUTPUT, |size| size.value).get();
    let hard_bytes = match hard {
        Some(hard) if hard.value.get() < soft_bytes => {
            let message = "`hard-output` is less than `output`";
            problems.report(
                &hard.span,
                "bad-limit",
                message,
                "make it at least as large",
            );
            return None;
        }
        Some(hard) => hard.value.get(),
        None => soft_bytes.saturating_mul(HARD_OUTPUT_FACTOR),
    };
    Some(ToolLimits {
        wall: wall.get(),
        idle: idle.map(TimeSpan::get),
        soft_output: soft_bytes,
        hard_output: hard_bytes,
    })
}

fn read_success(run: &mut Section<'_>) -> Option<Vec<u8>> {
    let codes = run.integers("success")?;
    let mut success = Vec::with_capacity(codes.len());
    for code in &codes {
        match u8::try_from(code.value) {
            Ok(code) if !success.contains(&code) => success.push(code),
            Ok(_) => {
                let message = format!("{} is in `success` twice", code.value);
                run.problems()
                    .report(&code.span, "duplicate-code", message, "remove one");
            }
            Err(_) => {
                let message = format!("{} is not an exit code", code.value);
                run.problems()
                    .report(&code.span, "bad-code", message, "write 0 to 255");
            }
        }
    }
    Some(success)
}

/// Errors of our own types carry their fix after the semicolon.
pub(super) fn report(problems: &Problems, span: &Range<usize>, code: &'static str, whole: &str) {
    let (message, help) = whole.split_once("; ").unwrap_or((whole, "correct it"));
    problems.report(span, code, message, help);
}
