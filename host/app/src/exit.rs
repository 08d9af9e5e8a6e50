//! Why the program stops before or beside a run's own outcome, and the exit code for it.
//!
//! Every error of the crates below ends here, folded to the few audiences that there are: the
//! person at the command line, the author of a file, the owner of a policy, the author of a
//! plugin, us. Never: an exit code that is not in `remit_core::outcome::ExitCode`.

use anstream::eprintln;
use remit_core::denial::Denial;
use remit_core::diagnostic::Diagnostics;
use remit_core::outcome::{ExitCode, FaultKind, InputProblem, Outcome};

use crate::printable::printable;
use crate::render;

/// Why a command stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The command line or a file that it names is wrong; what, and what would be right.
    Usage {
        /// What is wrong.
        message: String,
        /// What would be right, if it can be said shortly.
        fix: Option<String>,
    },
    /// Files that people wrote have mistakes.
    Files(Diagnostics),
    /// Inputs are wrong.
    Inputs(Vec<InputProblem>),
    /// Something was denied.
    Denied(Vec<Denial>),
    /// A tool or service that the work needs is not there.
    Unavailable {
        /// Which.
        message: String,
        /// What can be done.
        fix: String,
    },
    /// A plugin cannot be loaded or faulted.
    Plugin(String),
    /// A fault of the host.
    Internal(anyhow::Error),
}

impl Stop {
    pub(crate) fn usage(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            fix: Some(fix.into()),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage { .. } | Self::Files(_) | Self::Inputs(_) => ExitCode::Usage,
            Self::Denied(_) => ExitCode::Denied,
            Self::Unavailable { .. } => ExitCode::ToolMissing,
            Self::Plugin(_) => ExitCode::Plugin,
            Self::Internal(_) => ExitCode::Internal,
        }
    }

    /// The same as the outcome of a run that nothing of the plugin took part in.
    pub(crate) fn outcome(&self) -> Outcome {
        let problem = |code: &str, message: String| InputProblem {
            path: String::new(),
            code: code.to_owned(),
            message,
        };
        match self {
            Self::Usage { message, fix } => {
                let fix = fix.as_ref().map(|fix| format!("; {fix}"));
                let message = format!("{message}{}", fix.unwrap_or_default());
                Outcome::InvalidInput {
                    problems: vec![problem("usage", message)],
                }
            }
            Self::Files(diagnostics) => Outcome::InvalidInput {
                problems: diagnostics
                    .list()
                    .iter()
                    .map(|found| problem(found.code, found.to_string().replace("\n  ", "; ")))
                    .collect(),
            },
            Self::Inputs(problems) => Outcome::InvalidInput {
                problems: problems.clone(),
            },
            Self::Denied(denials) => Outcome::Denied {
                denials: denials.clone(),
                message: None,
            },
            Self::Unavailable { message, fix } => Outcome::Unavailable {
                what: format!("{message}; {fix}"),
            },
            Self::Plugin(message) => Outcome::PluginFault {
                kind: FaultKind::Load,
                message: message.clone(),
            },
            Self::Internal(error) => Outcome::Internal {
                message: format!("{error:#}"),
            },
        }
    }

    /// Says on standard error why the program stops.
    pub(crate) fn print(&self) {
        match self {
            Self::Usage { message, fix } => {
                eprintln!("{} {}", render::error_word(), printable(message));
                if let Some(fix) = fix {
                    eprintln!("  {} {}", render::fix_word(), printable(fix));
                }
            }
            Self::Files(diagnostics) => render::diagnostics(diagnostics),
            Self::Inputs(problems) => render::problems(problems),
            Self::Denied(denials) => {
                eprintln!("{} denied", render::error_word());
                for denial in denials {
                    render::denial(denial);
                }
            }
            Self::Unavailable { message, fix } => {
                eprintln!("{} {}", render::error_word(), printable(message));
                eprintln!("  {} {}", render::fix_word(), printable(fix));
            }
            Self::Plugin(message) => {
                eprintln!("{} {}", render::error_word(), printable(message));
            }
            Self::Internal(error) => {
                eprintln!("{} internal: {error:#}", render::error_word());
                eprintln!("  this is a fault of remit; please report it");
            }
        }
    }
}

impl From<Diagnostics> for Stop {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Files(diagnostics)
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

/// Prints what clap found: help and version are no errors.
pub(crate) fn usage(error: &clap::Error) -> std::process::ExitCode {
    // Writing help to a closed pipe is nobody's problem.
    drop(error.print());
    let code = if error.use_stderr() {
        ExitCode::Usage
    } else {
        ExitCode::Ok
    };
    std::process::ExitCode::from(code.number())
}
