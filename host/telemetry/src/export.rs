//! The exporter: takes spans at once, sends them on a thread of its own.
//!
//! Never: a wait for the collector outside that thread, except in [`Exporter::shutdown`], which
//! is told for how long.

use std::sync::Arc;
use std::time::Duration;

use remit_core::span::Span;

use crate::message::encode;
use crate::queue::{Queue, Trouble};
use crate::send::{Sender, Verdict};
use crate::settings::{ConfigError, Settings};

/// What became of all spans. After [`Exporter::shutdown`] each is in exactly one of the counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Spans that the collector has.
    pub exported: u64,
    /// Spans that found no room in the queue, or came after the end.
    pub dropped: u64,
    /// Spans that the collector did not take, for whatever reason.
    pub failed: u64,
    /// What went wrong: the first of each kind.
    pub troubles: Vec<String>,
}

/// Sends spans to a collector.
#[derive(Debug)]
pub struct Exporter {
    queue: Arc<Queue>,
    batch: usize,
}

impl Exporter {
    /// The exporter that the environment of this process configures; none if it does not.
    ///
    /// # Errors
    /// [`ConfigError`]: every variable that cannot be used, or no thread.
    pub fn from_environment() -> Result<Option<Self>, ConfigError> {
        let settings = Settings::read(std::env::var_os)?;
        settings.map(Self::start).transpose()
    }

    /// Starts an exporter.
    ///
    /// # Errors
    /// [`ConfigError::Thread`] if the operating system gives no thread.
    pub fn start(settings: Settings) -> Result<Self, ConfigError> {
        let queue = Arc::new(Queue::default());
        let batch = settings.pace.batch;
        let worker = Worker {
            queue: Arc::clone(&queue),
            sender: Sender::new(settings),
        };
        // Not joined: a collector that hangs would hold up the program. The queue says the end.
        drop(
            std::thread::Builder::new()
                .name("remit-telemetry".into())
                .spawn(move || worker.run())
                .map_err(ConfigError::Thread)?,
        );
        Ok(Self { queue, batch })
    }

    /// Takes a span. Never waits; what does not fit is counted, and said once.
    pub fn export(&self, span: Span) {
        self.queue.push(span, self.batch);
    }

    /// The counts so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.queue.report()
    }

    /// Sends what waits and ends, within this time. A collector that is not there is given up at
    /// once. Spans that come later are counted as dropped.
    pub fn shutdown(&self, limit: Duration) -> Report {
        self.queue.close(limit);
        self.queue.wait_for_end(limit)
    }
}

impl Drop for Exporter {
    /// Lets the thread end; whoever wants the rest to be sent asks for a shutdown before.
    fn drop(&mut self) {
        self.queue.close(Duration::ZERO);
    }
}

/// The thread's side.
struct Worker {
    queue: Arc<Queue>,
    sender: Sender,
}

/// Says the end, whatever it was.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Worker {
    fn run(self) {
        let _ending = Ending(Arc::clone(&self.queue));
        while let Some(batch) = self.queue.take(&self.sender.settings().pace) {
            let settings = self.sender.settings();
            match encode(&batch, &settings.resource, settings.protocol) {
                Ok(body) => self.deliver(&body),
                Err(error) => self.lose(&format!("a batch cannot be written: {error}")),
            }
        }
    }

    /// Sends one batch, however often it takes, and counts it.
    fn deliver(&self, body: &[u8]) {
        let pace = &self.sender.settings().pace;
        let mut wait = pace.first_wait;
        let mut last = "there was no time left".to_owned();
        // Near the end, a connection that broke is tried once more at once: the collector may
        // have closed one that was idle. A second time means that nobody is there.
        let mut broke_near_end = false;
        for number in 1..=pace.tries {
            let Some(limit) = self.queue.time_for(self.sender.settings().timeout) else {
                break;
            };
            let mut pause = wait;
            match self.sender.post(body, limit) {
                Verdict::Taken(answer) => {
                    self.queue.exported(answer.rejected);
                    if answer.rejected > 0 {
                        let why = format!("the collector rejected spans: {}", answer.why);
                        self.queue.say(Trouble::Rejected, &why);
                    }
                    return;
                }
                Verdict::Refused(why) => return self.lose(&why),
                Verdict::Later { wait: asked, why } => {
                    pause = asked.unwrap_or(wait).min(pace.longest_wait);
                    last = why;
                }
                Verdict::Unreachable(why) => {
                    last = why;
                    if self.queue.is_closing() {
                        if broke_near_end {
                            self.queue.abandon();
                            break;
                        }
                        broke_near_end = true;
                        pause = Duration::ZERO;
                    }
                }
            }
            wait = wait.saturating_mul(2).min(pace.longest_wait);
            if number < pace.tries {
                self.queue.pause(pause);
            }
        }
        self.lose(&last);
    }

    fn lose(&self, why: &str) {
        self.queue.failed();
        let endpoint = &self.sender.settings().endpoint;
        self.queue.say(Trouble::Lost, &format!("{endpoint}: {why}"));
    }
}
