//! From a plugin's call to a decided launch.
//!
//! First whether the plugin may use this template at all, then every field of the call, all
//! problems at once, then whether the paths it names are granted. Never: a process, a file.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Access, CallProblem, CallRefused, Grants};
use crate::denial::Denial;
use crate::excerpt::excerpt;
use crate::path::RelPath;
use crate::tool::{
    Bounds, CallStdin, Directory, EnvName, Filled, Launch, MAX_ARGUMENT_BYTES, MAX_LAUNCH_BYTES,
    MAX_STDIN_BYTES, SlotType, SlotValue, Stdin, Template, TemplateId, ToolCall, ToolDeclaration,
    ToolDirectory, ToolId, ToolLimits,
};

impl Grants {
    /// Decides a call. Whoever holds the result need not ask again.
    ///
    /// # Errors
    /// The call is outside the grants, or does not fit the tool's declaration.
    pub fn launch(&self, call: &ToolCall) -> Result<Launch, CallRefused> {
        let (tool, template) = self.called(call)?;
        let id = tool.id();
        let mut check = Check {
            grants: self,
            problems: Vec::new(),
            denials: Vec::new(),
        };
        let shape = tool.templates().get(&template);
        let (directory, below) = check.directory(tool, call.cwd.as_deref());
        let filled = shape.map_or_else(Filled::default, |shape| {
            check.arguments(shape, &call.slots, below.as_ref())
        });
        let set_env = check.environment(tool, &call.env);
        let stdin = check.stdin(&call.stdin);
        let limits = check.limits(tool, call.timeout, call.idle);
        check.total_size(&filled.arguments, &set_env);
        let Check {
            problems, denials, ..
        } = check;
        if !problems.is_empty() {
            return Err(CallRefused::Invalid(problems));
        }
        if let Some(denial) = denials.into_iter().next() {
            return Err(CallRefused::Denied(Box::new(denial)));
        }
        Ok(Launch {
            tool: id.clone(),
            template,
            program: tool.program().clone(),
            arguments: filled.arguments,
            pass_env: tool.rules().pass_env().to_vec(),
            set_env,
            directory,
            stdin,
            limits,
            success: tool.rules().success().to_vec(),
            secrets: tool.rules().secrets().to_vec(),
            bounds: self.bounds(tool),
            scratch_args: filled.places,
            scratch_env: tool.rules().scratch_env(),
            scratch: None,
        })
    }

    /// How far a tool may reach that this plugin starts.
    fn bounds(&self, tool: &ToolDeclaration) -> Bounds {
        Bounds {
            minimum: self.limits.confinement,
            read: self.read.clone(),
            write: self.write.clone(),
            deny_read: self.patterns(Access::Read).cloned().collect(),
            deny_write: self.patterns(Access::Write).cloned().collect(),
            runtime: tool.rules().runtime().to_vec(),
            writes_settings: tool.rules().writes_settings().to_vec(),
            hides: tool.rules().hides().to_vec(),
            network: tool.rules().network(),
            origins: tool.rules().origins().to_vec(),
            resources: *tool.rules().resources(),
        }
    }

    /// The tool and template that a call names, if the plugin may use them.
    fn called(&self, call: &ToolCall) -> Result<(&ToolDeclaration, TemplateId), CallRefused> {
        let mut problems = Vec::new();
        let tool = call.tool.parse::<ToolId>();
        if let Err(error) = &tool {
            problems.push(problem(
                "/tool".to_owned(),
                "bad-tool-name",
                error.to_string(),
            ));
        }
        let template = call.template.parse::<TemplateId>();
        if let Err(error) = &template {
            problems.push(problem(
                "/template".to_owned(),
                "bad-template-name",
                error.to_string(),
            ));
        }
        let (Ok(id), Ok(template)) = (tool, template) else {
            return Err(CallRefused::Invalid(problems));
        };
        match self.tools.get(&id) {
            Some(tool) if tool.templates.contains(&template) => Ok((&tool.declaration, template)),
            Some(_) | None => {
                let scope = Self::tool_scope(&id, &template);
                Err(CallRefused::Denied(Box::new(self.denial(&scope))))
            }
        }
    }
}

fn problem(field: String, code: &str, message: String) -> CallProblem {
    CallProblem {
        field,
        code: code.to_owned(),
        message,
    }
}

/// A name as part of a JSON pointer (RFC 6901), cut so that a message stays readable.
fn pointer(parent: &str, name: &str) -> String {
    let name: String = excerpt(name);
    format!("/{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

struct Check<'a> {
    grants: &'a Grants,
    problems: Vec<CallProblem>,
    denials: Vec<Denial>,
}

impl Check<'_> {
    fn report(&mut self, field: impl Into<String>, code: &str, message: impl Into<String>) {
        self.problems
            .push(problem(field.into(), code, message.into()));
    }

    /// Notes a denial unless the path may be read or written.
    fn touch(&mut self, path: &RelPath) {
        if self.grants.may_read(path) || self.grants.may_write(path) {
            return;
        }
        self.denials
            .extend(self.grants.check_path(Access::Read, path).err());
    }

    /// Where the tool runs; and as a path of the workspace, if it runs there.
    fn directory(
        &mut self,
        tool: &ToolDeclaration,
        cwd: Option<&str>,
    ) -> (Directory, Option<RelPath>) {
        match (tool.rules().directory(), cwd) {
            (ToolDirectory::Workspace, None) => {
                (Directory::Workspace(RelPath::root()), Some(RelPath::root()))
            }
            (ToolDirectory::Workspace, Some(text)) => match RelPath::parse(text) {
                Ok(path) => {
                    self.touch(&path);
                    (Directory::Workspace(path.clone()), Some(path))
                }
                Err(error) => {
                    self.report("/cwd", error.code(), error.to_string());
                    (Directory::Workspace(RelPath::root()), None)
                }
            },
            (ToolDirectory::Fixed(path), None) => (Directory::Fixed(path.clone()), None),
            (ToolDirectory::Fixed(path), Some(_)) => {
                let message = "the owner fixed the directory of this tool; leave `cwd` out";
                self.report("/cwd", "fixed-directory", message);
                (Directory::Fixed(path.clone()), None)
            }
        }
    }

    fn arguments(
        &mut self,
        template: &Template,
        slots: &[(String, SlotValue)],
        below: Option<&RelPath>,
    ) -> Filled {
        let filled = template.fill(slots).unwrap_or_else(|misfits| {
            for misfit in misfits {
                self.report(pointer("slots", &misfit.slot), misfit.code, misfit.message);
            }
            Filled::default()
        });
        for slot in template
            .slots()
            .filter(|slot| *slot.kind() == SlotType::RelPath)
        {
            let Some((_, value)) = slots.iter().find(|(name, _)| name == slot.name().as_str())
            else {
                continue;
            };
            let values = match value {
                SlotValue::One(value) => std::slice::from_ref(value),
                SlotValue::Many(values) => values,
            };
            self.paths(slot.name().as_str(), values, below);
        }
        filled
    }

    /// A tool may look at more than the plugin, so what a plugin lets it look at must be granted
    /// to the plugin itself.
    fn paths(&mut self, slot: &str, values: &[String], below: Option<&RelPath>) {
        for value in values {
            // A value that is no path was noted when the template was filled.
            let (Some(directory), Ok(path)) = (below, RelPath::parse(value)) else {
                continue;
            };
            match directory.join(&path) {
                Ok(path) => self.touch(&path),
                Err(error) => self.report(pointer("slots", slot), error.code(), error.to_string()),
            }
        }
    }

    fn environment(
        &mut self,
        tool: &ToolDeclaration,
        given: &[(String, String)],
    ) -> Vec<(EnvName, String)> {
        let mut all = tool.rules().set_env().to_vec();
        let mut seen = BTreeSet::new();
        for (name, value) in given {
            let field = || pointer("env", name);
            let known = tool
                .rules()
                .plugin_env()
                .iter()
                .find(|known| known.as_str() == name);
            let Some(known) = known else {
                let names: Vec<&str> = tool
                    .rules()
                    .plugin_env()
                    .iter()
                    .map(EnvName::as_str)
                    .collect();
                let message = if names.is_empty() {
                    "the tool takes no variable from a plugin; leave it out".to_owned()
                } else {
                    format!(
                        "the tool does not take this variable; it takes: {}",
                        names.join(", ")
                    )
                };
                self.report(field(), "unknown-variable", message);
                continue;
            };
            if !seen.insert(known) {
                self.report(
                    field(),
                    "duplicate",
                    "the variable is set twice; set it once",
                );
            } else if value.contains('\0') {
                self.report(
                    field(),
                    "nul",
                    "remove the NUL byte; no variable can hold one",
                );
            } else if value.len() > MAX_ARGUMENT_BYTES {
                let message = format!(
                    "{} bytes, the limit is {MAX_ARGUMENT_BYTES}; hand it over by a file",
                    value.len()
                );
                self.report(field(), "too-long", message);
            } else {
                all.push((known.clone(), value.clone()));
            }
        }
        all
    }

    fn stdin(&mut self, stdin: &CallStdin) -> Stdin {
        match stdin {
            CallStdin::Empty => Stdin::Empty,
            CallStdin::Piped => Stdin::Piped,
            CallStdin::Bytes(bytes) if bytes.len() > MAX_STDIN_BYTES => {
                let message = format!(
                    "{} bytes, the limit is {MAX_STDIN_BYTES}; pipe it or use a file",
                    bytes.len()
                );
                self.report("/stdin", "too-long", message);
                Stdin::Empty
            }
            CallStdin::Bytes(bytes) => Stdin::Bytes(bytes.clone()),
            CallStdin::File(text) => match RelPath::parse(text) {
                Ok(path) => {
                    self.denials
                        .extend(self.grants.check_path(Access::Read, &path).err());
                    Stdin::File(path)
                }
                Err(error) => {
                    self.report("/stdin", error.code(), error.to_string());
                    Stdin::Empty
                }
            },
        }
    }

    /// The declaration's limits, lowered by the call; a call cannot raise them.
    fn limits(
        &mut self,
        tool: &ToolDeclaration,
        wall: Option<Duration>,
        idle: Option<Duration>,
    ) -> ToolLimits {
        let declared = tool.rules().limits().clone();
        for (field, value) in [("/timeout-ms", wall), ("/idle-ms", idle)] {
            if value.is_some_and(|value| value.is_zero()) {
                self.report(field, "zero", "no tool can run for 0 ms; write at least 1");
            }
        }
        let lower =
            |given: Option<Duration>, declared| given.map_or(declared, |given| given.min(declared));
        ToolLimits {
            wall: lower(wall, declared.wall),
            idle: declared.idle.map(|declared| lower(idle, declared)).or(idle),
            ..declared
        }
    }

    fn total_size(&mut self, arguments: &[String], env: &[(EnvName, String)]) {
        // As the kernel counts: each argument ends with a NUL, each variable with `=` and NUL.
        let arguments: usize = arguments.iter().map(|argument| argument.len() + 1).sum();
        let env: usize = env
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 2)
            .sum();
        if arguments + env > MAX_LAUNCH_BYTES {
            let size = arguments + env;
            let message = format!(
                "arguments and environment have {size} bytes, the limit is {MAX_LAUNCH_BYTES}"
            );
            self.report("/slots", "too-large", message);
        }
    }
}
