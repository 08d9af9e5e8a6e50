//! A tool that runs, with the two loops that every plugin would write.
//!
//! Never: output kept here. A line is handed on as soon as it came.

use crate::{Child, Exit, LineEvent, ProcessError};

/// Most lines that are asked for at once: few calls to the host, and little held at a time.
const LINES_AT_ONCE: u32 = 256;

/// One whole line of a tool's output, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Of standard output.
    Stdout(String),
    /// Of standard error.
    Stderr(String),
}

impl Child {
    /// Hands on every line until the tool and everything it started is gone, and returns how it
    /// ended.
    ///
    /// ```no_run
    /// # use remit_plugin_sdk::{Call, Failure, Line, progress};
    /// # fn run() -> Result<(), Failure> {
    /// let exit = Call::new("cargo", "test").spawn()?.read_lines(|line| match line {
    ///     Line::Stdout(text) => progress::info(text),
    ///     Line::Stderr(text) => progress::debug(text),
    /// })?;
    /// progress::info(format!("cargo {exit}"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `next-event` was used before, or the handle has nothing more to say.
    pub fn read_lines(&self, mut each: impl FnMut(Line)) -> Result<Exit, ProcessError> {
        loop {
            match self.next_lines(LINES_AT_ONCE, None)? {
                LineEvent::Stdout(lines) => lines.into_iter().map(Line::Stdout).for_each(&mut each),
                LineEvent::Stderr(lines) => lines.into_iter().map(Line::Stderr).for_each(&mut each),
                LineEvent::Exited(exit) => return Ok(exit),
                LineEvent::NothingYet => {}
            }
        }
    }

    /// Writes all bytes to standard input, which must be piped. It stays open.
    ///
    /// A tool that answers while it reads can stop reading until someone takes its output: write
    /// less than a pipe holds (64 KiB), or write and read in turns.
    ///
    /// # Errors
    /// The tool closed its input or ended, or its input is not piped.
    pub fn write_all(&self, mut bytes: &[u8]) -> Result<(), ProcessError> {
        while !bytes.is_empty() {
            let taken = self.write_stdin(bytes)?;
            bytes = bytes.get(taken as usize..).unwrap_or_default();
        }
        Ok(())
    }
}
