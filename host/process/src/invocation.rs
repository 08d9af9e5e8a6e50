//! Everything that one start of a tool needs, checked and opened.
//!
//! Never: a text that is still to be split, a path that is still to be looked up, a name of an
//! environment variable that nobody allowed.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use remit_core::tool::{
    MAX_ARGUMENT_BYTES, MAX_LAUNCH_BYTES, OriginPort, StartError, ToolId, ToolLimits,
};
use remit_supervisor::protocol::{Bounds, Request, Wish};
use rustix::io::Errno;

use crate::directory::WorkingDirectory;
use crate::private::RunDirectory;
use crate::scrub::Secrets;
use crate::settings::Placeholder;

/// How much later than the host the supervisor ends a tool by itself. Long enough that it never
/// comes before a host that works.
const SUPERVISOR_SLACK: Duration = Duration::from_secs(5);

/// Descriptors that a tool may have open. Build tools need thousands; more is a leak.
const OPEN_FILES: u64 = 4096;

/// What a tool reads on standard input.
#[derive(Debug)]
pub enum Input {
    /// This, opened for reading.
    Open(OwnedFd),
    /// What [`crate::Running`] is given to write.
    Piped,
}

/// How hard the supervisor tries to hold the process tree together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hold {
    /// As strongly as this machine can.
    #[default]
    Strongest,
    /// Without a PID namespace, as on a machine that gives none. For tests of that case.
    WithoutNamespace,
}

/// One start of a tool.
pub struct Invocation {
    /// The tool, for messages.
    pub tool: ToolId,
    /// The absolute real path of the program.
    pub program: PathBuf,
    /// The whole argument vector, the program's own name first.
    pub arguments: Vec<OsString>,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it runs.
    pub directory: WorkingDirectory,
    /// What it reads.
    pub input: Input,
    /// Its limits.
    pub limits: ToolLimits,
    /// A directory that is removed when the tool has ended.
    pub scratch: Option<RunDirectory>,
    /// The origins that it reaches, in the order of the ports in its bounds.
    pub origins: Vec<OriginPort>,
    /// How its tree is to be held, if nothing bounds it.
    pub hold: Hold,
    /// The working directory's real path.
    pub directory_path: PathBuf,
    /// What bounds it. Without bounds it has the rights of this process.
    pub bounds: Option<Bounds>,
    /// The values that its output must not show.
    pub secrets: Secrets,
    /// What must be there as long as it runs.
    pub held: Held,
}

/// Things that go when the tool has ended.
#[derive(Debug, Default)]
pub struct Held {
    _placeholders: Vec<Placeholder>,
}

impl Held {
    /// Keeps the places of settings that are not there.
    pub(crate) fn new(placeholders: Vec<Placeholder>) -> Self {
        Self {
            _placeholders: placeholders,
        }
    }
}

impl Invocation {
    /// The message to the supervisor.
    ///
    /// # Errors
    /// An argument, or everything together, is larger than the limit, or holds a zero byte.
    pub(crate) fn request(&self) -> Result<Request, StartError> {
        self.check_sizes()?;
        let environment = self
            .environment
            .iter()
            .map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat())
            .collect();
        let (directory_device, directory_inode) = self.directory.identity();
        let deadline = self.limits.wall.saturating_add(SUPERVISOR_SLACK);
        Ok(Request {
            program: self.program.as_os_str().as_bytes().to_vec(),
            arguments: self
                .arguments
                .iter()
                .map(|argument| argument.clone().into_vec())
                .collect(),
            environment,
            directory_device,
            directory_inode,
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            open_files: OPEN_FILES,
            wish: match self.hold {
                Hold::Strongest => Wish::Strongest,
                Hold::WithoutNamespace => Wish::SubreaperOnly,
            },
            directory: self.directory_path.as_os_str().as_bytes().to_vec(),
            bounds: self.bounds.clone(),
        })
    }

    /// Compares every string with the limits, before anything is started.
    fn check_sizes(&self) -> Result<(), StartError> {
        let too_large = |what, size, limit| StartError::TooLarge {
            tool: self.tool.clone(),
            what,
            size,
            limit,
        };
        let mut total = 0_usize;
        let mut count = |what, size: usize| {
            if size > MAX_ARGUMENT_BYTES {
                return Err(too_large(what, size, MAX_ARGUMENT_BYTES));
            }
            // The zero byte at the end counts, too.
            total = total.saturating_add(size + 1);
            Ok(())
        };
        let has_zero = |text: &OsStr| text.as_bytes().contains(&0);
        let mut zero = false;
        for argument in &self.arguments {
            count("an argument", argument.len())?;
            zero |= has_zero(argument);
        }
        for (name, value) in &self.environment {
            count("an environment variable", name.len() + 1 + value.len())?;
            zero |= has_zero(name) || has_zero(value);
        }
        if total > MAX_LAUNCH_BYTES {
            let what = "the arguments and the environment together";
            return Err(too_large(what, total, MAX_LAUNCH_BYTES));
        }
        if zero {
            return Err(StartError::Refused {
                tool: self.tool.clone(),
                step: "arguments".to_owned(),
                errno: Errno::INVAL.raw_os_error(),
                message: "an argument or a variable holds a zero byte; leave it out".to_owned(),
            });
        }
        Ok(())
    }
}

/// The error of a step that the operating system refused.
pub(crate) fn refused(tool: &ToolId, step: &str, errno: i32) -> StartError {
    StartError::Refused {
        tool: tool.clone(),
        step: step.to_owned(),
        errno,
        message: std::io::Error::from_raw_os_error(errno).to_string(),
    }
}

/// The same, from an error of the standard library.
pub(crate) fn refused_io(tool: &ToolId, step: &str, error: &std::io::Error) -> StartError {
    match error.raw_os_error() {
        Some(errno) => refused(tool, step, errno),
        None => StartError::Refused {
            tool: tool.clone(),
            step: step.to_owned(),
            errno: Errno::IO.raw_os_error(),
            message: error.to_string(),
        },
    }
}
