//! What a plugin prints becomes log events, line by line.
//!
//! Never: the host's own standard streams; a line that is kept without a limit.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use remit_core::event::{Level, LogSource};
use remit_engine::host::{LimitHit, PluginHost};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Bytes that a guest may write before it must let the lines out.
const WRITE: usize = 64 << 10;
/// Longest line in one event.
const MAX_LINE: usize = 64 << 10;

#[derive(Debug, Default)]
struct Buffer {
    rest: Vec<u8>,
    lines: Vec<String>,
    hit: Option<LimitHit>,
}

impl Buffer {
    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") || self.rest.len() >= MAX_LINE {
                self.finish_line();
            }
        }
    }

    fn finish_line(&mut self) {
        let line = String::from_utf8_lossy(&self.rest);
        self.lines
            .push(line.trim_end_matches(['\n', '\r']).to_owned());
        self.rest.clear();
    }
}

/// One of a plugin's output streams.
#[derive(Clone)]
pub(crate) struct LogLines {
    source: LogSource,
    level: Level,
    host: Arc<PluginHost>,
    buffer: Arc<Mutex<Buffer>>,
}

impl LogLines {
    pub(crate) fn new(source: LogSource, level: Level, host: Arc<PluginHost>) -> Self {
        Self {
            source,
            level,
            host,
            buffer: Arc::default(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Buffer) -> T) -> T {
        work(&mut self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the complete lines out.
    async fn drain(&self) {
        let lines = self.with(|buffer| std::mem::take(&mut buffer.lines));
        for line in lines {
            let logged = self
                .host
                .log(self.source, self.level, &line, serde_json::Value::Null)
                .await;
            if let Err(hit) = logged {
                self.with(|buffer| buffer.hit = Some(hit));
                return;
            }
        }
    }

    /// Lets everything out, an unfinished line too.
    pub(crate) async fn finish(&self) {
        self.with(|buffer| {
            if !buffer.rest.is_empty() {
                buffer.finish_line();
            }
        });
        self.drain().await;
    }
}

impl IsTerminal for LogLines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogLines {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only the asynchronous interfaces ask for this, and they are not linked.
        Box::new(tokio::io::sink())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogLines {
    async fn ready(&mut self) {
        self.drain().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for LogLines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.with(|buffer| buffer.push(&bytes));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.with(|buffer| match buffer.hit.take() {
            Some(hit) => Err(StreamError::Trap(hit.into())),
            None if buffer.lines.is_empty() => Ok(WRITE),
            None => Ok(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_never_too_long() {
        let mut buffer = Buffer::default();
        buffer.push(b"a\nb");
        buffer.push(b"c\r\n");
        assert_eq!(buffer.lines, ["a", "bc"]);
        buffer.lines.clear();
        buffer.push(&vec![b'x'; MAX_LINE * 2 + 1]);
        assert!(!buffer.lines.is_empty());
        assert!(buffer.rest.len() < MAX_LINE * 2);
    }
}
