//! One run of one tool, as its plugin sees it: events or lines on demand, every end on record.
//!
//! Never: output that the record has not seen, or a tool that outlives its handle.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use remit_core::event::{Event, Payload, Stream};
use remit_core::tool::{Exit, KillCause, Launch, ToolId, Usage};
use tokio::sync::oneshot;

use crate::host::{EndedTool, PluginHost};
use crate::seam::{RunningTool, StdinClosed, ToolEvent};

/// Longest line that `next_lines` gives in one piece. A line without end must not become one
/// string without end.
pub const MAX_LINE: usize = 64 << 10;

/// Most bytes that are fetched at once when nobody said how many: one pipe read.
const FETCH: usize = 64 << 10;

/// Whole lines of one stream, or the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// Lines without their ends.
    Some(Stream, Vec<String>),
    /// The tool is gone.
    Exited(Exit),
}

/// An event that was fetched and not handed out yet. It is kept before anything is awaited, so
/// that a caller who stops waiting loses nothing.
#[derive(Debug)]
struct Pending {
    event: ToolEvent,
    recorded: bool,
}

/// What goes on record of a tool run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recording {
    /// What it does.
    Plain,
    /// What it does, and that this effect of a durable task has ended.
    Effect(u32),
    /// Nothing: it is on record since an earlier attempt.
    Replayed,
}

/// A tool that runs for a plugin.
pub struct ToolRun {
    call: u32,
    recording: Recording,
    tool: ToolId,
    success: Vec<u8>,
    host: Arc<PluginHost>,
    // `None` only while the handle is being dropped.
    running: Option<Box<dyn RunningTool>>,
    pending: Option<Pending>,
    lines: LineBuffers,
    exit: Option<Exit>,
    /// The end is being put on record. Begun once, waited for by whoever still waits.
    ending: Option<oneshot::Receiver<()>>,
}

impl std::fmt::Debug for ToolRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolRun")
            .field("call", &self.call)
            .field("tool", &self.tool)
            .field("exit", &self.exit)
            .finish_non_exhaustive()
    }
}

impl ToolRun {
    pub(crate) fn new(
        call: u32,
        recording: Recording,
        launch: &Launch,
        host: Arc<PluginHost>,
        running: Box<dyn RunningTool>,
    ) -> Self {
        Self {
            call,
            recording,
            tool: launch.tool().clone(),
            success: launch.success().to_vec(),
            host,
            running: Some(running),
            pending: None,
            lines: LineBuffers::default(),
            exit: None,
            ending: None,
        }
    }

    /// Waits until the next `next_event` would not have to. Safe to cancel.
    pub async fn ready(&mut self) {
        self.fill(FETCH).await;
    }

    /// The next event, with at most `max` bytes. Safe to cancel.
    pub async fn next_event(&mut self, max: usize) -> ToolEvent {
        self.fill(max).await;
        match self.pending.take().map(|pending| pending.event) {
            Some(ToolEvent::Stdout(bytes)) => {
                ToolEvent::Stdout(self.part(bytes, max, ToolEvent::Stdout))
            }
            Some(ToolEvent::Stderr(bytes)) => {
                ToolEvent::Stderr(self.part(bytes, max, ToolEvent::Stderr))
            }
            Some(ToolEvent::Exited(exit)) => {
                self.keep(ToolEvent::Exited(exit));
                ToolEvent::Exited(exit)
            }
            // `fill` leaves something unless the handle is being dropped.
            None => ToolEvent::Exited(Exit::Killed(KillCause::Requested)),
        }
    }

    /// Keeps what is more than `max` for the next call.
    fn part(&mut self, mut bytes: Bytes, max: usize, back: fn(Bytes) -> ToolEvent) -> Bytes {
        if bytes.len() > max {
            let rest = bytes.split_off(max);
            self.keep(back(rest));
        }
        bytes
    }

    /// Puts back what was recorded already.
    fn keep(&mut self, event: ToolEvent) {
        self.pending = Some(Pending {
            event,
            recorded: true,
        });
    }

    /// The next whole lines of one stream, at most `max`. Safe to cancel.
    pub async fn next_lines(&mut self, max: usize) -> Lines {
        loop {
            if let Some((stream, lines)) = self.lines.take(max) {
                return Lines::Some(stream, lines);
            }
            match self.next_event(FETCH).await {
                ToolEvent::Stdout(bytes) => self.lines.push(Stream::Stdout, &bytes),
                ToolEvent::Stderr(bytes) => self.lines.push(Stream::Stderr, &bytes),
                ToolEvent::Exited(exit) => {
                    if !self.lines.finish() {
                        return Lines::Exited(exit);
                    }
                }
            }
        }
    }

    /// Makes sure that an event is pending and on record.
    async fn fill(&mut self, max: usize) {
        if self.pending.is_none() {
            let Some(running) = self.running.as_mut() else {
                return;
            };
            let event = running.next_event(max).await;
            self.pending = Some(Pending {
                event,
                recorded: false,
            });
        }
        let Some(pending) = self.pending.as_mut().filter(|pending| !pending.recorded) else {
            return;
        };
        let (stream, bytes) = match &pending.event {
            ToolEvent::Stdout(bytes) => (Stream::Stdout, bytes),
            ToolEvent::Stderr(bytes) => (Stream::Stderr, bytes),
            ToolEvent::Exited(exit) => {
                let exit = *exit;
                self.record_exit(exit).await;
                // Nothing was awaited since the end was recorded.
                self.keep(ToolEvent::Exited(exit));
                return;
            }
        };
        if self.recording != Recording::Replayed {
            record_output(&self.host, self.call, stream, bytes).await;
        }
        pending.recorded = true;
    }

    /// Puts the end on record. Safe to cancel, and then to be called again.
    async fn record_exit(&mut self, exit: Exit) {
        match self.recording {
            Recording::Plain => {
                let ended = self.ended(exit, None);
                self.host.record_end(ended).await;
            }
            // The end of an effect is written to a disk: a plugin that stops waiting in between
            // must not have it written twice.
            Recording::Effect(effect) => {
                if self.ending.is_none() {
                    let ended = self.ended(exit, Some(effect));
                    self.ending = Some(self.host.effect_ended(ended));
                    self.exit = Some(exit);
                }
                if let Some(ending) = &mut self.ending {
                    // Nobody sends only if the attempt is over.
                    drop(ending.await);
                }
            }
            Recording::Replayed => {}
        }
        self.exit = Some(exit);
    }

    fn ended(&self, exit: Exit, effect: Option<u32>) -> EndedTool {
        EndedTool {
            call: self.call,
            tool: self.tool.clone(),
            exit,
            success: counts_as_success(&self.success, exit),
            usage: self.usage(),
            effect,
        }
    }

    /// Writes to standard input; says how many bytes were taken.
    ///
    /// # Errors
    /// Standard input is closed.
    pub async fn write_stdin(&mut self, bytes: &[u8]) -> Result<usize, StdinClosed> {
        match self.running.as_mut() {
            Some(running) if self.exit.is_none() => running.write_stdin(bytes).await,
            Some(_) | None => Err(StdinClosed),
        }
    }

    /// Closes standard input.
    pub fn close_stdin(&mut self) {
        if let Some(running) = self.running.as_mut() {
            running.close_stdin();
        }
    }

    /// Asks the tool to end, and ends its tree after `grace`.
    pub fn kill(&mut self, grace: Duration) {
        if let Some(running) = self.running.as_mut()
            && self.exit.is_none()
        {
            running.kill(grace);
        }
    }

    /// What it has cost so far; complete after the end.
    #[must_use]
    pub fn usage(&self) -> Usage {
        match &self.running {
            Some(running) => running.usage(),
            None => Usage::default(),
        }
    }

    /// Whether the owner's declaration counts this end as success.
    #[must_use]
    pub fn is_success(&self, exit: Exit) -> bool {
        counts_as_success(&self.success, exit)
    }
}

fn counts_as_success(success: &[u8], exit: Exit) -> bool {
    match exit {
        Exit::Code(code) => success.contains(&code),
        Exit::Signal(_) | Exit::Killed(_) => false,
    }
}

async fn record_output(host: &PluginHost, call: u32, stream: Stream, bytes: &Bytes) {
    if host.output_is_watched() {
        let event = Event::ToolOutput {
            call,
            stream,
            payload: payload(bytes),
        };
        host.journal().emit(event).await;
    }
}

impl Drop for ToolRun {
    /// The tree ends with the handle; its end goes on record even if nobody waited for it.
    fn drop(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        if self.exit.is_some() {
            return;
        }
        let effect = match self.recording {
            Recording::Plain => None,
            Recording::Effect(effect) => Some(effect),
            Recording::Replayed => return,
        };
        let (host, call, tool) = (Arc::clone(&self.host), self.call, self.tool.clone());
        running.kill(Duration::ZERO);
        self.host.after_handle(async move {
            let exit = loop {
                if let ToolEvent::Exited(exit) = running.next_event(FETCH).await {
                    break host.ended_without_handle(exit);
                }
            };
            host.record_end(EndedTool {
                call,
                tool,
                exit,
                success: false,
                usage: running.usage(),
                effect,
            })
            .await;
        });
    }
}

fn payload(bytes: &Bytes) -> Payload {
    use base64::Engine as _;
    match std::str::from_utf8(bytes) {
        Ok(text) => Payload::Text(text.to_owned()),
        Err(_) => Payload::Base64(base64::engine::general_purpose::STANDARD.encode(bytes)),
    }
}

/// Bytes of both streams on their way to becoming lines.
#[derive(Debug, Default)]
struct LineBuffers {
    out: LineBuffer,
    err: LineBuffer,
}

#[derive(Debug, Default)]
struct LineBuffer {
    rest: BytesMut,
    ready: VecDeque<String>,
}

impl LineBuffers {
    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.out.push(bytes),
            Stream::Stderr => self.err.push(bytes),
        }
    }

    fn take(&mut self, max: usize) -> Option<(Stream, Vec<String>)> {
        for (stream, buffer) in [
            (Stream::Stdout, &mut self.out),
            (Stream::Stderr, &mut self.err),
        ] {
            if !buffer.ready.is_empty() {
                let count = buffer.ready.len().min(max.max(1));
                return Some((stream, buffer.ready.drain(..count).collect()));
            }
        }
        None
    }

    /// Makes unfinished lines available. False if there was nothing left.
    fn finish(&mut self) -> bool {
        let out = self.out.finish();
        let err = self.err.finish();
        out || err
    }
}

impl LineBuffer {
    fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        loop {
            let end = memchr::memchr(b'\n', &self.rest);
            match end {
                Some(end) if end <= MAX_LINE => {
                    let line = self.rest.split_to(end + 1);
                    let line = line.strip_suffix(b"\n").unwrap_or(&line);
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    self.ready
                        .push_back(String::from_utf8_lossy(line).into_owned());
                }
                Some(_) | None if self.rest.len() > MAX_LINE => {
                    let piece = self.rest.split_to(piece_end(&self.rest));
                    self.ready
                        .push_back(String::from_utf8_lossy(&piece).into_owned());
                }
                Some(_) | None => return,
            }
        }
    }

    fn finish(&mut self) -> bool {
        if self.rest.is_empty() {
            return false;
        }
        let rest = self.rest.split();
        self.ready
            .push_back(String::from_utf8_lossy(&rest).into_owned());
        true
    }
}

/// Where to cut a line that is too long: not inside a character.
fn piece_end(bytes: &[u8]) -> usize {
    let mut end = MAX_LINE.min(bytes.len());
    for _ in 0..3 {
        match bytes.get(end) {
            Some(byte) if byte & 0xC0 == 0x80 => end -= 1,
            Some(_) | None => break,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut buffer = LineBuffer::default();
        for chunk in chunks {
            buffer.push(chunk);
        }
        buffer.finish();
        buffer.ready.into_iter().collect()
    }

    #[test]
    fn lines_come_whole_whatever_the_chunks() {
        assert_eq!(lines(&[b"a\nb\r\nc"]), ["a", "b", "c"]);
        assert_eq!(lines(&[b"a", b"b", b"\n", b"\n", b"c\n"]), ["ab", "", "c"]);
        assert_eq!(lines(&[b""]), Vec::<String>::new());
    }

    #[test]
    fn a_line_without_end_comes_in_pieces_that_keep_characters_whole() {
        let text = "é".repeat(MAX_LINE);
        let got = lines(&[text.as_bytes()]);
        assert!(got.iter().all(|piece| piece.len() <= MAX_LINE));
        assert_eq!(got.concat(), text);
    }

    #[test]
    fn invalid_text_is_replaced_not_lost() {
        assert_eq!(lines(&[b"a\xff\nb\n"]), ["a\u{fffd}", "b"]);
        assert_eq!(
            payload(&Bytes::from_static(b"\xff\x00")),
            Payload::Base64("/wA=".into())
        );
        assert_eq!(
            payload(&Bytes::from_static(b"ok")),
            Payload::Text("ok".into())
        );
    }
}
