//! A tool that ran before the host died, played again from the record: the same output in the same
//! pieces, the same end, and nothing starts.
//!
//! Never: an end that was not recorded.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use remit_core::event::{Event, Payload, Stream};
use remit_core::tool::{Exit, Launch, Stdin, Usage};

use crate::seam::{RunningTool, StdinClosed, ToolEvent};

/// Why a record cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("the record has no end of it")]
    NoEnd,
    #[error("the record is of the tool `{0}`")]
    OtherTool(String),
    #[error("a piece of its output is not base64")]
    NotBase64,
}

/// A recorded tool run.
#[derive(Debug)]
pub(crate) struct Replay {
    call: u32,
    output: VecDeque<ToolEvent>,
    exit: Exit,
    usage: Usage,
    takes_input: bool,
}

impl Replay {
    /// From the events of one tool run, `tool-started` to `tool-finished`.
    pub(crate) fn new(launch: &Launch, events: Vec<Event>) -> Result<Self, ReplayError> {
        let mut output = VecDeque::new();
        for event in events {
            if let Event::ToolOutput {
                stream, payload, ..
            } = event
            {
                let bytes = bytes(payload)?;
                output.push_back(match stream {
                    Stream::Stdout => ToolEvent::Stdout(bytes),
                    Stream::Stderr => ToolEvent::Stderr(bytes),
                });
            } else if let Event::ToolFinished {
                call,
                tool,
                exit,
                usage,
                ..
            } = event
            {
                if tool != launch.tool().as_str() {
                    return Err(ReplayError::OtherTool(tool));
                }
                return Ok(Self {
                    call,
                    output,
                    exit,
                    usage,
                    takes_input: *launch.stdin() == Stdin::Piped,
                });
            }
        }
        Err(ReplayError::NoEnd)
    }

    /// Its number in the attempt in which it ran.
    pub(crate) fn call(&self) -> u32 {
        self.call
    }
}

fn bytes(payload: Payload) -> Result<Bytes, ReplayError> {
    use base64::Engine as _;
    match payload {
        Payload::Text(text) => Ok(Bytes::from(text.into_bytes())),
        Payload::Base64(text) => base64::engine::general_purpose::STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|_| ReplayError::NotBase64),
    }
}

#[async_trait]
impl RunningTool for Replay {
    async fn next_event(&mut self, max: usize) -> ToolEvent {
        let Some(event) = self.output.pop_front() else {
            return ToolEvent::Exited(self.exit);
        };
        let (mut bytes, stream): (Bytes, fn(Bytes) -> ToolEvent) = match event {
            ToolEvent::Stdout(bytes) => (bytes, ToolEvent::Stdout),
            ToolEvent::Stderr(bytes) => (bytes, ToolEvent::Stderr),
            ToolEvent::Exited(exit) => return ToolEvent::Exited(exit),
        };
        let max = max.max(1);
        if bytes.len() > max {
            let rest = bytes.split_off(max);
            self.output.push_front(stream(rest));
        }
        stream(bytes)
    }

    /// What was written the first time was read then.
    async fn write_stdin(&mut self, bytes: &[u8]) -> Result<usize, StdinClosed> {
        if self.takes_input {
            Ok(bytes.len())
        } else {
            Err(StdinClosed)
        }
    }

    fn close_stdin(&mut self) {
        self.takes_input = false;
    }

    /// It ended long ago.
    fn kill(&mut self, _grace: Duration) {}

    fn usage(&self) -> Usage {
        self.usage.clone()
    }
}
