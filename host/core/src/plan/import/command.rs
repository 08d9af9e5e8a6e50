//! Command strings of other people's files: read as plain words, held against declared tools.
//!
//! Never: run, expanded, or split by the rules of a shell; what only a shell would understand is
//! no command here.

use serde_json::{Map, Value};

use super::Known;
use crate::excerpt::excerpt;
use crate::gate::GateKind;
use crate::tool::{SlotValue, TemplateId, ToolId};

/// Longest command string that is looked at, in bytes.
const MAX_COMMAND: usize = 64 << 10;

/// Characters that mean something to a shell. One of them outside of quotes, and the string is no
/// list of words.
const META: &str = "|&;<>()$`\\*?[]{}~#!\n\r";

/// A declared tool with the template and the values that give a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    pub(super) tool: ToolId,
    pub(super) template: TemplateId,
    pub(super) slots: Map<String, Value>,
}

/// The plain words of a command string; or why it is none. Quotes keep words together; in double
/// ones nothing may stand that a shell would expand.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    if text.len() > MAX_COMMAND {
        return Err(format!("it is longer than {MAX_COMMAND} bytes"));
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.trim().chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some('"') if matches!(c, '$' | '`' | '\\' | '!') => {
                return Err(format!("a shell would understand the `{c}` in it"));
            }
            Some(_) => word.get_or_insert_default().push(c),
            None if matches!(c, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            None if matches!(c, ' ' | '\t') => words.extend(word.take()),
            None if META.contains(c) => {
                return Err(format!(
                    "a shell would understand the `{}` in it",
                    c.escape_debug()
                ));
            }
            None => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote in it does not end".to_owned());
    }
    words.extend(word);
    match words.first() {
        None => Err("it is empty".to_owned()),
        // `A=1 program` sets a variable.
        Some(first) if first.contains('=') => Err("it sets a variable".to_owned()),
        Some(_) => Ok(words),
    }
}

/// The declared tool and template that give exactly this command; or why there is none.
pub(super) fn fit(known: &Known, program: &str, arguments: &[String]) -> Result<Fit, String> {
    let Some((tool, templates)) = program
        .parse::<ToolId>()
        .ok()
        .and_then(|tool| known.tools.get_key_value(&tool))
    else {
        return Err(format!("no tool `{}` is declared here", excerpt(program)));
    };
    let fitting = templates
        .iter()
        .find_map(|(id, template)| Some((id, template.unfill(arguments)?)));
    let Some((template, values)) = fitting else {
        return Err(format!("no template of `{tool}` has these arguments"));
    };
    let slots = values.into_iter().map(|(name, value)| {
        let value = match value {
            SlotValue::One(value) => Value::String(value),
            SlotValue::Many(values) => values.into(),
        };
        (name, value)
    });
    Ok(Fit {
        tool: tool.clone(),
        template: template.clone(),
        slots: slots.collect(),
    })
}

/// The tool that a command string means; or why it is not run.
pub(super) fn understand(known: &Known, text: &str) -> Result<Fit, String> {
    let words = words(text)?;
    let (program, arguments) = words.split_first().ok_or("it is empty")?;
    fit(known, program, arguments)
}

/// What a tool checks, by its name and its template's.
pub(super) fn gate_kind(fit: &Fit) -> GateKind {
    let (tool, template) = (fit.tool.as_str(), fit.template.as_str());
    if tool == "pytest" || template.contains("test") {
        GateKind::UnitTests
    } else if tool == "ruff" || template.contains("lint") || template == "clippy" {
        GateKind::Lint
    } else {
        GateKind::Custom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        words(text).unwrap()
    }

    #[test]
    fn plain_words_and_quotes_are_words() {
        assert_eq!(
            split("  pytest  -q 'a b' \"c'd\" e'f'g ''"),
            ["pytest", "-q", "a b", "c'd", "efg", ""]
        );
    }

    #[test]
    fn what_a_shell_would_understand_is_no_command() {
        for text in [
            "",
            "  ",
            "a | b",
            "a;b",
            "a && b",
            "a > b",
            "a $X",
            "a `b`",
            "a *",
            "a ~",
            "a {b,c}",
            "a \"$X\"",
            "a \"`b`\"",
            "a \\b",
            "a 'b",
            "A=1 b",
            "if (-not (Test-Path x)) { exit 1 }",
            "a\nb",
            "a # b",
        ] {
            assert!(words(text).is_err(), "{text}");
        }
    }
}
