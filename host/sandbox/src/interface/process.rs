//! `remit:plugin/process`: real programs, run by the host on the plugin's behalf.
//!
//! Never: a program that the grants did not decide about; a handle that outlives the instance.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use remit_core::event::Stream;
use remit_core::tool::CallStdin;
use remit_engine::seam::ToolEvent;
use remit_engine::tool_run::{Lines, ToolRun};
use tokio::sync::Mutex;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::words;
use crate::bindings::host::remit::plugin::process::{
    Call, Event, Host, HostChild, LineEvent, Output, ProcessError, Usage,
};
use crate::store::StoreData;

/// Bytes in one event; the contract's number.
const MAX_EVENT: usize = 1 << 20;
/// Lines in one event; the contract's number.
const MAX_LINES: usize = 4096;
/// Bytes of each stream that `run` keeps at most; the contract's number.
const MAX_KEPT: usize = 16 << 20;
/// Children in one `wait-any`; the contract's number.
const MAX_CHILDREN: usize = 64;
/// Longest time between asking and forcing a tool to end; the contract's number.
const MAX_GRACE: Duration = Duration::from_secs(10);

/// A tool that runs for a guest.
///
/// A guest calls one function at a time, so the lock is never waited for; it is there because
/// `wait-any` looks at several handles at once.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Debug, Clone)]
pub struct Child(Arc<Mutex<ToolRun>>);

type Answer<T> = Result<std::result::Result<T, ProcessError>>;

impl Host for StoreData {
    async fn check(&mut self, call: Call) -> Answer<()> {
        let call = words::call(call);
        match self.host.check_tool(&call).await {
            Ok(()) => Ok(Ok(())),
            Err(error) => Ok(Err(words::error(error)?)),
        }
    }

    async fn spawn(&mut self, call: Call) -> Answer<Resource<Child>> {
        let call = words::call(call);
        match self.host.start_tool(&call).await {
            Ok(run) => Ok(Ok(self.table.push(Child(Arc::new(Mutex::new(run))))?)),
            Err(error) => Ok(Err(words::error(error)?)),
        }
    }

    async fn run(&mut self, call: Call, limit: u32) -> Answer<Output> {
        let call = words::call(call);
        if matches!(call.stdin, CallStdin::Piped) {
            return Ok(Err(ProcessError::Misuse(
                "`run` cannot pipe standard input; use `spawn`".into(),
            )));
        }
        match self.host.start_tool(&call).await {
            Ok(run) => Ok(Ok(collect(run, limit).await)),
            Err(error) => Ok(Err(words::error(error)?)),
        }
    }

    async fn wait_any(
        &mut self,
        children: Vec<Resource<Child>>,
        timeout_ms: Option<u32>,
    ) -> Result<Option<u32>> {
        if children.is_empty() {
            // Nobody would ever have something to say.
            return Ok(None);
        }
        let mut runs = Vec::with_capacity(children.len().min(MAX_CHILDREN));
        for child in children.iter().take(MAX_CHILDREN) {
            runs.push(self.table.get(child)?.0.clone());
        }
        let mut waits: Vec<_> = runs
            .into_iter()
            .map(|run| Box::pin(async move { run.lock().await.ready().await }))
            .collect();
        let first = std::future::poll_fn(|context| {
            for (place, wait) in waits.iter_mut().enumerate() {
                if wait.as_mut().poll(context).is_ready() {
                    return Poll::Ready(u32::try_from(place).ok());
                }
            }
            Poll::Pending
        });
        Ok(within(timeout_ms, first).await.flatten())
    }
}

/// Reads a tool to its end.
async fn collect(mut run: ToolRun, limit: u32) -> Output {
    let limit = usize::try_from(limit).unwrap_or(MAX_KEPT).min(MAX_KEPT);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut cut = false;
    let mut keep = |kept: &mut Vec<u8>, bytes: &[u8]| {
        let room = limit.saturating_sub(kept.len());
        cut |= bytes.len() > room;
        kept.extend(bytes.iter().take(room));
    };
    let exit = loop {
        match run.next_event(MAX_EVENT).await {
            ToolEvent::Stdout(bytes) => keep(&mut stdout, &bytes),
            ToolEvent::Stderr(bytes) => keep(&mut stderr, &bytes),
            ToolEvent::Exited(exit) => break exit,
        }
    };
    let usage = guest_usage(&run);
    Output {
        exit: words::exit(exit),
        success: run.is_success(exit),
        stdout,
        stderr,
        truncated: cut || usage.truncated,
        usage,
    }
}

fn guest_usage(run: &ToolRun) -> Usage {
    words::usage(&run.usage())
}

/// Waits for `work`, but not longer than the guest wants to.
async fn within<T>(timeout_ms: Option<u32>, work: impl Future<Output = T>) -> Option<T> {
    match timeout_ms {
        None => Some(work.await),
        Some(ms) => {
            let work = pin!(work);
            tokio::time::timeout(Duration::from_millis(ms.into()), work)
                .await
                .ok()
        }
    }
}

fn clamp(wanted: u32, most: usize) -> usize {
    usize::try_from(wanted).unwrap_or(most).clamp(1, most)
}

impl HostChild for StoreData {
    async fn next_event(
        &mut self,
        child: Resource<Child>,
        max_bytes: u32,
        timeout_ms: Option<u32>,
    ) -> Answer<Event> {
        let run = self.table.get(&child)?.0.clone();
        let mut run = run.lock().await;
        let next = within(timeout_ms, run.next_event(clamp(max_bytes, MAX_EVENT))).await;
        Ok(Ok(match next {
            Some(ToolEvent::Stdout(bytes)) => Event::Stdout(bytes.into()),
            Some(ToolEvent::Stderr(bytes)) => Event::Stderr(bytes.into()),
            Some(ToolEvent::Exited(exit)) => Event::Exited(words::exit(exit)),
            None => Event::NothingYet,
        }))
    }

    async fn next_lines(
        &mut self,
        child: Resource<Child>,
        max_lines: u32,
        timeout_ms: Option<u32>,
    ) -> Answer<LineEvent> {
        let run = self.table.get(&child)?.0.clone();
        let mut run = run.lock().await;
        let next = within(timeout_ms, run.next_lines(clamp(max_lines, MAX_LINES))).await;
        Ok(Ok(match next {
            Some(Lines::Some(Stream::Stdout, lines)) => LineEvent::Stdout(lines),
            Some(Lines::Some(Stream::Stderr, lines)) => LineEvent::Stderr(lines),
            Some(Lines::Exited(exit)) => LineEvent::Exited(words::exit(exit)),
            None => LineEvent::NothingYet,
        }))
    }

    async fn write_stdin(&mut self, child: Resource<Child>, bytes: Vec<u8>) -> Answer<u32> {
        let run = self.table.get(&child)?.0.clone();
        let mut run = run.lock().await;
        if bytes.is_empty() {
            return Ok(Ok(0));
        }
        Ok(match run.write_stdin(&bytes).await {
            Ok(taken) => Ok(u32::try_from(taken).unwrap_or(u32::MAX)),
            Err(_) => Err(ProcessError::StdinClosed),
        })
    }

    async fn close_stdin(&mut self, child: Resource<Child>) -> Result<()> {
        let run = self.table.get(&child)?.0.clone();
        run.lock().await.close_stdin();
        Ok(())
    }

    async fn kill(&mut self, child: Resource<Child>, grace_ms: u32) -> Result<()> {
        let run = self.table.get(&child)?.0.clone();
        let grace = Duration::from_millis(grace_ms.into()).min(MAX_GRACE);
        run.lock().await.kill(grace);
        Ok(())
    }

    async fn usage(&mut self, child: Resource<Child>) -> Result<Usage> {
        let run = self.table.get(&child)?.0.clone();
        let run = run.lock().await;
        Ok(guest_usage(&run))
    }

    async fn drop(&mut self, child: Resource<Child>) -> Result<()> {
        self.table.delete(child)?;
        Ok(())
    }
}
