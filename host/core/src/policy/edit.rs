//! Rules added to the text of a policy, with everything else in it left as it is: comments, order,
//! the way in which it is written.
//!
//! Never: a file; a rule changed that the addition does not make pointless.

use std::fmt;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::{POLICY_FORMAT, PathPattern};
use crate::id::PluginId;
use crate::scope::{Scope, ToolScope};

/// A rule that could be added to a plugin's section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposedRule {
    /// Allows this.
    Allow(Scope),
    /// Forbids to read what matches.
    DenyRead(PathPattern),
    /// Forbids to write what matches.
    DenyWrite(PathPattern),
    /// Forbids this template.
    DenyRun(ToolScope),
}

impl ProposedRule {
    /// The key of a policy that holds such rules.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Allow(scope) => scope.capability().word(),
            Self::DenyRead(_) => "deny-read",
            Self::DenyWrite(_) => "deny-write",
            Self::DenyRun(_) => "deny-run",
        }
    }

    /// What stands in its list.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Allow(scope) => scope.to_string(),
            Self::DenyRead(pattern) | Self::DenyWrite(pattern) => pattern.to_string(),
            Self::DenyRun(tool) => tool.to_string(),
        }
    }

    /// Whether a value that stands in the list already would make no difference beside it.
    fn makes_pointless(&self, value: &str) -> bool {
        match self {
            Self::Allow(scope) => Scope::parse(scope.capability().word(), value)
                .is_ok_and(|there| scope.covers(&there)),
            Self::DenyRead(_) | Self::DenyWrite(_) | Self::DenyRun(_) => self.value() == value,
        }
    }
}

impl fmt::Display for ProposedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::written(self.key(), &self.value()))
    }
}

/// Why rules cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no TOML.
    #[error("the policy cannot be read as TOML: {0}")]
    Text(String),
    /// Something else stands where a section or a list belongs.
    #[error("`{0}` is not {1}; correct it by hand")]
    Shape(String, &'static str),
}

/// The text of a policy with these rules for a plugin. No text gives a new policy.
///
/// # Errors
/// The text is no policy.
pub fn with_rules(
    text: &str,
    plugin: &PluginId,
    rules: &[ProposedRule],
) -> Result<String, EditError> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| EditError::Text(error.message().to_owned()))?;
    if rules.is_empty() {
        return Ok(text.to_owned());
    }
    if text.trim().is_empty() {
        document.insert("format", toml_edit::value(POLICY_FORMAT));
    }
    let plugins = document.entry("plugins").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let plugins = table(plugins, "plugins")?;
    let name = format!("plugins.{plugin}");
    let section = plugins
        .entry(plugin.as_str())
        .or_insert_with(|| Item::Table(Table::new()));
    let section = table(section, &name)?;
    for rule in rules {
        let list = section
            .entry(rule.key())
            .or_insert_with(|| toml_edit::value(Array::new()));
        let list = list
            .as_array_mut()
            .ok_or_else(|| EditError::Shape(format!("{name}.{}", rule.key()), "a list of texts"))?;
        add(list, rule);
    }
    Ok(document.to_string())
}

fn table<'a>(item: &'a mut Item, name: &str) -> Result<&'a mut dyn TableLike, EditError> {
    item.as_table_like_mut()
        .ok_or_else(|| EditError::Shape(name.to_owned(), "a section"))
}

/// Adds a value to a list, on a line of its own if that is how the list is written.
fn add(list: &mut Array, rule: &ProposedRule) {
    list.retain(|there| {
        !there
            .as_str()
            .is_some_and(|there| rule.makes_pointless(there))
    });
    let mut value = Value::from(rule.value());
    let decor = list.iter().last().map(|last| last.decor().clone());
    let own_line = decor
        .as_ref()
        .and_then(|decor| decor.prefix()?.as_str())
        .filter(|prefix| prefix.contains('\n'));
    match own_line.and_then(|prefix| prefix.rsplit_once('\n')) {
        // The indent, but not the comments that stand before the last value.
        Some((_, indent)) => {
            value.decor_mut().set_prefix(format!("\n{indent}"));
            list.push_formatted(value);
        }
        None => list.push(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Origin, Policy};

    fn rules() -> Vec<ProposedRule> {
        let allow = |kind: &str, text: &str| ProposedRule::Allow(Scope::parse(kind, text).unwrap());
        vec![
            allow("read", "."),
            allow("run", "git:status"),
            ProposedRule::DenyWrite(".git/**".parse().unwrap()),
            ProposedRule::DenyRead("docs/**".parse().unwrap()),
            ProposedRule::DenyRun("git:log".parse().unwrap()),
        ]
    }

    fn edited(text: &str) -> String {
        let id = "ab".parse().unwrap();
        let text = with_rules(text, &id, &rules()).unwrap();
        // What comes out is a policy, and holds every rule.
        let policy = Policy::parse(Origin::File("p".to_owned()), &text);
        let policy = policy.map_err(|found| found.to_string()).unwrap();
        let lines = policy.rule_lines();
        for rule in rules() {
            let there = lines.iter().any(|line| line.rule == rule.to_string());
            assert!(there, "{rule} in {text}");
        }
        text
    }

    #[test]
    fn a_new_policy_is_whole() {
        insta::assert_snapshot!(edited(""), @r#"
        format = 1

        [plugins.ab]
        read = ["."]
        run = ["git:status"]
        deny-write = [".git/**"]
        deny-read = ["docs/**"]
        deny-run = ["git:log"]
        "#);
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let text = "# mine\nformat = 1 # always\n\n[plugins.ab] # the one\n# looks only\nread = [\"src\",'docs/a']\n\
            run = [\n    # fast\n    \"git:diff\", # slow\n    \"go\",\n]\n\n[plugins.cd]\nread=[\".\"]\n";
        insta::assert_snapshot!(edited(text), @r#"
        # mine
        format = 1 # always

        [plugins.ab] # the one
        # looks only
        read = ["."]
        run = [
            # fast
            "git:diff", # slow
            "go",
            "git:status",
        ]
        deny-write = [".git/**"]
        deny-read = ["docs/**"]
        deny-run = ["git:log"]

        [plugins.cd]
        read=["."]
        "#);
    }

    #[test]
    fn other_ways_to_write_a_section() {
        for text in [
            "format = 1\nplugins.ab.read = [\"src\"]\n",
            "format = 1\nplugins = { ab = { read = [] } }\n",
            "format = 1\n[plugins]\nab.run = [\"git:diff\"]\n",
            "format = 1\n[plugins.ab]\n",
        ] {
            edited(text);
        }
    }

    #[test]
    fn nothing_to_add_changes_nothing_and_nonsense_is_an_error() {
        let id = "ab".parse().unwrap();
        let odd = "format   =    1\n\n\n";
        assert_eq!(with_rules(odd, &id, &[]).unwrap(), odd);
        for text in [
            "format = ",
            "plugins = 1\n",
            "plugins.ab = 1\n",
            "plugins.ab.read = \"x\"\n",
        ] {
            assert!(with_rules(text, &id, &rules()).is_err(), "{text}");
        }
    }
}
