//! One use of a tool, built step by step.
//!
//! Never: a command line. A call names the owner's tool and template and fills the slots; each
//! value stays one argument.

use std::borrow::Cow;
use std::time::Duration;

use crate::bindings::imports::remit::plugin::process;
use crate::{Child, Exit, Failure, KillCause, Output, ProcessError, SlotValue, Stdin};

/// How many bytes of each stream [`Call::run`] keeps: enough for the output of a test run, small
/// beside the memory that a plugin gets by default.
pub const DEFAULT_OUTPUT_LIMIT: u32 = 1 << 20;

/// One use of a tool.
///
/// ```no_run
/// # use remit_plugin_sdk::{Call, Failure};
/// # use std::time::Duration;
/// # fn run() -> Result<(), Failure> {
/// let tests = Call::new("python3", "unittest")
///     .slot("dir", "tests")
///     .timeout(Duration::from_secs(30))
///     .run()?;
/// if !tests.success {
///     println!("{}", tests.stderr_tail(10));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a call does nothing until `run` or `spawn`"]
pub struct Call {
    inner: process::Call,
}

impl Call {
    /// A call of `template` of `tool`, both by the owner's names, with nothing filled in.
    pub fn new(tool: impl Into<String>, template: impl Into<String>) -> Self {
        Self {
            inner: process::Call {
                tool: tool.into(),
                template: template.into(),
                slots: Vec::new(),
                env: Vec::new(),
                cwd: None,
                stdin: Stdin::Empty,
                timeout_ms: None,
                idle_ms: None,
            },
        }
    }

    /// Fills a slot with one value. It becomes exactly one argument.
    ///
    /// For a slot of type `scratch` the value is the name of a file below
    /// [`workspace::scratch`](crate::workspace::scratch), or `directory/name`; the argument is the
    /// path at which the tool finds that file. It need not exist yet: a tool can write it.
    pub fn slot(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.inner
            .slots
            .push((name.into(), SlotValue::One(value.into())));
        self
    }

    /// Fills a repeated slot: each element becomes one argument.
    pub fn slots<T: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.inner
            .slots
            .push((name.into(), SlotValue::Many(values)));
        self
    }

    /// Sets a variable that the tool's declaration lets plugins set.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.inner.env.push((name.into(), value.into()));
        self
    }

    /// Runs in this directory, relative to the workspace.
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.inner.cwd = Some(directory.into());
        self
    }

    /// What the tool reads. Without it: nothing.
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.inner.stdin = stdin;
        self
    }

    /// Ends the tool after this time; the tool's own limit holds if it is shorter.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.inner.timeout_ms = Some(milliseconds(time));
        self
    }

    /// Ends the tool after this time without output; the tool's own limit holds if it is shorter.
    pub fn idle(mut self, time: Duration) -> Self {
        self.inner.idle_ms = Some(milliseconds(time));
        self
    }

    /// Asks whether the host would carry this call out, without starting anything.
    ///
    /// # Errors
    /// What [`Call::spawn`] would return.
    pub fn check(&self) -> Result<(), ProcessError> {
        process::check(&self.inner)
    }

    /// Runs the tool to its end and keeps [`DEFAULT_OUTPUT_LIMIT`] bytes of each stream.
    ///
    /// # Errors
    /// The call was refused, or the tool did not start. A tool that ran and failed is no error
    /// here: look at [`Output::success`](Output), or use [`Output::into_success`].
    pub fn run(&self) -> Result<Output, ProcessError> {
        self.run_keeping(DEFAULT_OUTPUT_LIMIT)
    }

    /// Runs the tool to its end and keeps `limit` bytes of each stream, at most 16 MiB.
    ///
    /// # Errors
    /// As [`Call::run`].
    pub fn run_keeping(&self, limit: u32) -> Result<Output, ProcessError> {
        process::run(&self.inner, limit)
    }

    /// Starts the tool and returns while it runs. Dropping the handle ends the tool.
    ///
    /// # Errors
    /// The call was refused, or the tool did not start.
    pub fn spawn(&self) -> Result<Child, ProcessError> {
        process::spawn(&self.inner)
    }
}

/// Whole milliseconds; what does not fit is the longest time that fits.
fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

impl Output {
    /// Standard output as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Standard error as text, likewise.
    #[must_use]
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// The last `lines` lines of standard output.
    #[must_use]
    pub fn stdout_tail(&self, lines: usize) -> String {
        tail(&self.stdout_text(), lines)
    }

    /// The last `lines` lines of standard error.
    #[must_use]
    pub fn stderr_tail(&self, lines: usize) -> String {
        tail(&self.stderr_text(), lines)
    }

    /// This output if the owner's declaration counts it as success.
    ///
    /// # Errors
    /// What [`Output::failure`] says, with `what` as the name of the work.
    pub fn into_success(self, what: &str) -> Result<Self, Failure> {
        if self.success {
            Ok(self)
        } else {
            Err(self.failure(what))
        }
    }

    /// The failure that fits the exit: time limits become [`Failure::TimedOut`], an ended run
    /// [`Failure::Cancelled`], everything else a report with the code `tool-failed`, the exit and
    /// the last lines of standard error.
    #[must_use]
    pub fn failure(&self, what: &str) -> Failure {
        match self.exit {
            Exit::Killed(KillCause::WallTimeout | KillCause::IdleTimeout) => Failure::TimedOut,
            Exit::Killed(KillCause::RunEnded) => Failure::Cancelled,
            Exit::Code(_)
            | Exit::Signal(_)
            | Exit::Killed(
                KillCause::Requested | KillCause::OutputLimit | KillCause::SupervisorLost,
            ) => {
                /// Enough to see the message of a usual error, short enough for one look.
                const LINES: usize = 5;
                let said = self.stderr_tail(LINES);
                let exit = self.exit;
                Failure::failed("tool-failed", format!("{what} {exit}: {said}"))
            }
        }
    }
}

impl std::fmt::Display for Exit {
    /// The end of a sentence that begins with the tool: `exited with code 1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(number) => write!(f, "was ended by signal {number}"),
            Self::Killed(cause) => f.write_str(match cause {
                KillCause::Requested => "was ended on request",
                KillCause::WallTimeout => "was ended by its time limit",
                KillCause::IdleTimeout => "was ended because it was silent for too long",
                KillCause::OutputLimit => "was ended because it wrote too much",
                KillCause::RunEnded => "was ended with the run",
                KillCause::SupervisorLost => "was ended because its supervisor died",
            }),
        }
    }
}

/// The last `lines` lines of a text.
fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(exit: Exit, success: bool, stderr: &str) -> Output {
        Output {
            exit,
            success,
            stdout: Vec::new(),
            stderr: stderr.as_bytes().to_vec(),
            truncated: false,
            usage: crate::Usage {
                wall_ms: 0,
                user_ms: 0,
                system_ms: 0,
                max_rss: 0,
                stdout_bytes: 0,
                stderr_bytes: 0,
                truncated: false,
                containment: "subreaper".into(),
            },
        }
    }

    #[test]
    fn builder_fills_the_call() {
        let call = Call::new("git", "diff")
            .slot("rev", "HEAD")
            .slots("paths", ["a", "b c"])
            .env("LANG", "C")
            .cwd("sub")
            .timeout(Duration::from_secs(u64::MAX))
            .idle(Duration::from_millis(7));
        assert_eq!(
            call.inner.slots,
            [
                ("rev".to_owned(), SlotValue::One("HEAD".into())),
                (
                    "paths".to_owned(),
                    SlotValue::Many(vec!["a".into(), "b c".into()])
                ),
            ]
        );
        assert_eq!(call.inner.env, [("LANG".to_owned(), "C".to_owned())]);
        assert_eq!(call.inner.cwd.as_deref(), Some("sub"));
        assert_eq!(
            (call.inner.timeout_ms, call.inner.idle_ms),
            (Some(u32::MAX), Some(7))
        );
    }

    #[test]
    fn tail_keeps_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
        assert_eq!(tail("", 2), "");
    }

    #[test]
    fn an_unsuccessful_exit_becomes_the_failure_that_fits() {
        let killed = |cause| {
            output(Exit::Killed(cause), false, "")
                .into_success("x")
                .unwrap_err()
        };
        assert_eq!(killed(KillCause::WallTimeout), Failure::TimedOut);
        assert_eq!(killed(KillCause::IdleTimeout), Failure::TimedOut);
        assert_eq!(killed(KillCause::RunEnded), Failure::Cancelled);
        let Failure::Failed(report) = output(Exit::Code(2), false, "one\nbad thing")
            .into_success("x")
            .unwrap_err()
        else {
            panic!("not a report");
        };
        assert_eq!(report.code, "tool-failed");
        assert_eq!(report.message, "x exited with code 2: one\nbad thing");
        // The owner's declaration decides what success is, not the code.
        assert!(output(Exit::Code(1), true, "").into_success("grep").is_ok());
    }
}
