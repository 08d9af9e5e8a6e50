//! Files of a workspace that a program obeys: whoever writes them decides what it does.
//!
//! The table is data, by family of programs; what it lists was tried (a hook that ran, a setting
//! that started another program) or is documented by the program. Never: a look at the disk; a
//! rule that depends on whether the file is there already.

use super::{Finding, Rules, Severity, remove};
use crate::path::RelPath;
use crate::policy::{Policy, RuleLine};
use crate::scope::Scope;
use crate::tool::{TemplateId, ToolDeclaration};

/// Programs that obey the same files.
struct Family {
    /// Who obeys, as messages say it.
    obeys: &'static str,
    /// The programs, without a version at the end. None: people and their editors.
    programs: &'static [&'static str],
    /// What obeying means here.
    why: &'static str,
    /// Files that start other programs, also later and for the user.
    steering: &'static [Obeyed],
    /// Files that are part of the work, and are run or read by the program.
    content: &'static [Obeyed],
    /// Templates that run no code of the workspace; `None` if no template does.
    quiet: Option<&'static [&'static str]>,
}

/// A file, and the pattern that keeps it as it is.
struct Obeyed {
    path: &'static str,
    pattern: &'static str,
}

const fn file(path: &'static str) -> Obeyed {
    Obeyed {
        path,
        pattern: path,
    }
}

const fn inside(path: &'static str, pattern: &'static str) -> Obeyed {
    Obeyed { path, pattern }
}

const FAMILIES: &[Family] = &[
    Family {
        obeys: "git obeys",
        programs: &["git"],
        why: "its settings and hooks name programs, which also run when you use git there yourself",
        steering: &[
            inside(".git/config", ".git/**"),
            inside(".git/hooks", ".git/**"),
        ],
        content: &[file(".gitattributes")],
        quiet: None,
    },
    Family {
        obeys: "npm and node obey",
        programs: &["npm", "npx", "node", "nodejs", "yarn", "pnpm"],
        why: "they name the programs, scripts and registries that a run uses",
        steering: &[file(".npmrc")],
        content: &[file("package.json")],
        quiet: Some(&["version", "list", "check"]),
    },
    Family {
        obeys: "cargo obeys",
        programs: &["cargo", "rustc", "rustup"],
        why: "they choose the compiler and programs around it, and build scripts run during a build",
        steering: &[
            inside(".cargo/config.toml", ".cargo/**"),
            inside(".cargo/config", ".cargo/**"),
            file("rust-toolchain.toml"),
            file("rust-toolchain"),
        ],
        content: &[file("build.rs")],
        quiet: Some(&["version", "metadata", "fmt-check"]),
    },
    Family {
        obeys: "python and pytest obey",
        programs: &["python", "pytest", "py.test", "tox"],
        why: "they are run or obeyed before the first test",
        steering: &[],
        content: &[
            file("conftest.py"),
            file("pytest.ini"),
            file("setup.cfg"),
            file("tox.ini"),
            file("pyproject.toml"),
        ],
        quiet: Some(&["version", "compile"]),
    },
    Family {
        obeys: "ruff obeys",
        programs: &["ruff"],
        why: "they decide what is checked and what is passed over",
        steering: &[],
        content: &[
            file("ruff.toml"),
            file(".ruff.toml"),
            file("pyproject.toml"),
        ],
        quiet: None,
    },
    Family {
        obeys: "go obeys",
        programs: &["go", "gofmt"],
        why: "they choose the code that a build takes in place of what it names",
        steering: &[],
        content: &[file("go.mod"), file("go.work"), file("go.env")],
        quiet: Some(&["version"]),
    },
    Family {
        obeys: "editors obey",
        programs: &[],
        why: "an editor that opens the workspace runs the tasks and programs that they name",
        steering: &[inside(".vscode", ".vscode/**"), inside(".idea", ".idea/**")],
        content: &[],
        quiet: None,
    },
    Family {
        obeys: "remit obeys",
        programs: &[],
        why: "a changed policy of the workspace does not count any more until you trust it again",
        steering: &[],
        content: &[file("remit.toml")],
        quiet: None,
    },
];

impl Obeyed {
    /// Whether a path is this file, or lies in it.
    fn covers(&self, path: &RelPath) -> bool {
        RelPath::parse(self.path).is_ok_and(|file| file.covers(path))
    }
}

impl Family {
    /// Whether a tool's program belongs to it: `python3.12` is `python`.
    fn has(&self, tool: &ToolDeclaration) -> bool {
        let name = tool.program().file_name();
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        self.programs.contains(&name) || self.programs.contains(&plain)
    }

    /// Whether a directory lies in one of its files.
    fn holds(&self, root: &RelPath) -> bool {
        let mut files = self.steering.iter().chain(self.content);
        files.any(|file| file.covers(root))
    }

    /// Whether it counts under this policy: people always do, programs if someone may run them.
    fn counts(&self, policy: &Policy, all: &[Rules<'_>]) -> bool {
        self.programs.is_empty()
            || policy
                .tools()
                .any(|(tool, _)| self.has(tool) && all.iter().any(|rules| rules.runs(tool.id())))
    }
}

/// Patterns of the files that start other programs, as far as they concern people and these
/// tools: what a policy keeps as it is unless the work needs it.
pub(in crate::policy) fn guarded(tools: &[&ToolDeclaration]) -> Vec<&'static str> {
    let mut patterns: Vec<&'static str> = Vec::new();
    for family in FAMILIES {
        // A repository's settings are worth keeping whoever runs git.
        let people = family.programs.is_empty() || family.programs.contains(&"git");
        if !people && !tools.iter().any(|tool| family.has(tool)) {
            continue;
        }
        for file in family.steering {
            if !patterns.contains(&file.pattern) {
                patterns.push(file.pattern);
            }
        }
    }
    patterns
}

/// Write rules that cover what an allowed tool, or an editor, obeys.
pub(super) fn settings(policy: &Policy) -> Vec<Finding> {
    let all = Rules::of(policy);
    let mut found = Vec::new();
    for writer in &all {
        for (rule, root) in writer.writes() {
            let narrower = writer.writes().any(|(other, above)| {
                !std::ptr::eq(other, rule) && above != root && above.covers(root)
            });
            if narrower {
                continue;
            }
            for family in FAMILIES.iter().filter(|family| family.counts(policy, &all)) {
                if family.programs.is_empty() && !root.is_root() && !family.holds(root) {
                    // Editors and remit look at the root of a workspace only.
                    continue;
                }
                for (files, severity) in [
                    (family.steering, Severity::Warning),
                    (family.content, Severity::Note),
                ] {
                    let open: Vec<(&Obeyed, RelPath)> = files
                        .iter()
                        .filter_map(|file| Some((file, open(writer, root, file)?)))
                        .collect();
                    if open.is_empty() {
                        continue;
                    }
                    let line = writer.allow_line(rule);
                    found.push(Finding {
                        severity,
                        ..obeyed(family, writer, line, root, &open)
                    });
                }
            }
        }
    }
    found
}

/// Where a write rule reaches this file, unless a deny keeps it.
fn open(writer: &Rules<'_>, root: &RelPath, file: &Obeyed) -> Option<RelPath> {
    if file.covers(root) {
        return (!writer.forbids_writing(root)).then(|| root.clone());
    }
    // What lies in a settings directory is a setting of that family only.
    if FAMILIES.iter().any(|family| family.holds(root)) {
        return None;
    }
    // A program obeys the file in the directory in which it works, which may be this one.
    let reached = root.join(&RelPath::parse(file.path).ok()?).ok()?;
    (!writer.forbids_writing(&reached)).then_some(reached)
}

fn obeyed(
    family: &Family,
    writer: &Rules<'_>,
    rule: RuleLine,
    root: &RelPath,
    open: &[(&Obeyed, RelPath)],
) -> Finding {
    let paths: Vec<&str> = open.iter().map(|(_, path)| path.as_str()).collect();
    let mut patterns: Vec<String> = Vec::new();
    for (file, _) in open {
        let pattern = if root.is_root() {
            file.pattern.to_owned()
        } else {
            format!("{root}/{}", file.pattern)
        };
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    Finding {
        code: "writable-settings",
        severity: Severity::Note,
        message: format!(
            "it lets {} itself write what {}: {}",
            writer.who(),
            family.obeys,
            paths.join(", ")
        ),
        why: family.why.to_owned(),
        fix: if family.holds(root) {
            remove(&rule)
        } else {
            writer.deny_fix("deny-write", &patterns)
        },
        rules: vec![rule],
    }
}

/// Tools that run code of the workspace, allowed to someone who may write it.
pub(super) fn code(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    for rules in &Rules::of(policy) {
        let Some((write, _)) = rules.writes().next() else {
            continue;
        };
        for (_, rule) in &rules.allow {
            let Scope::Run(scope) = &rule.scope else {
                continue;
            };
            let Some(tool) = policy.tool(&scope.tool) else {
                continue;
            };
            let Some(template) = loud(tool, scope.template.as_ref()) else {
                continue;
            };
            found.push(Finding {
                code: "runs-any-code",
                severity: Severity::Note,
                rules: vec![rules.allow_line(rule), rules.allow_line(write)],
                message: format!(
                    "{} may write files and have `{}:{template}` run them",
                    rules.who(),
                    scope.tool
                ),
                why: "together that is any code, held only by what confines the tool".to_owned(),
                fix: rules.deny_fix("deny-run", &[&format!("{}:{template}", scope.tool)])
                    + "   unless the work needs it",
            });
        }
    }
    found
}

/// A template of this tool that runs code of the workspace, among those that are meant.
fn loud<'a>(tool: &'a ToolDeclaration, meant: Option<&'a TemplateId>) -> Option<&'a TemplateId> {
    let family = FAMILIES.iter().find(|family| family.has(tool))?;
    let quiet = family.quiet?;
    let mut templates = match meant {
        Some(template) => vec![template],
        None => tool.templates().keys().collect(),
    };
    templates.retain(|template| !quiet.contains(&template.as_str()));
    // `run-file` says best what is meant.
    let best = templates.iter().position(|one| one.as_str() == "run-file");
    templates.get(best.unwrap_or(0)).copied()
}
